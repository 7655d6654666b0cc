"""`python -m bench [--quick] [NAME...]`: measure, and print one table.

Ratios alone are compared with goals: seconds differ from machine to machine. `--quick` runs everything a few times and
on less, to see that it runs.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from bench import aws, cold, containers, planning, replay, resources, site
from bench.measure import Row, table

BENCHES = {
    "cold": cold.rows,
    "site": site.rows,
    "containers": containers.rows,
    "replay": replay.rows,
    "resources": resources.rows,
    "planning": planning.rows,
    "aws": aws.rows,
}


def main() -> None:
    """Run the named benchmarks, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure against bare scripts.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(BENCHES)}")
    parser.add_argument("--quick", action="store_true", help="few runs on little, to see that it runs")
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHES.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(BENCHES)}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="meshguard-bench-") as work:
        for name in options.names or BENCHES:
            sys.stderr.write(f"bench: {name}\n")
            rows += BENCHES[name](Path(work), quick=options.quick)
    sys.stdout.write(
        f"Python {platform.python_version()}, {os.cpu_count()} cores. Fastest run of n, median in brackets; CPU is "
        "floor / meshguard; the ratio is that of the fastest runs.\n\n" + table(rows)
    )


if __name__ == "__main__":
    main()
