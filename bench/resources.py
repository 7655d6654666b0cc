"""1,000 resources with facts of 30 ms, against bare asyncio that waits as often with as many at once."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.measure import MESHGUARD, ROOT, Command, Row, compare
from bench.resource_plugin import LATENCY_S

AT_ONCE = 64
BARE = """
import asyncio
async def main():
    free = asyncio.Semaphore({at_once})
    async def look(number):
        async with free:
            await asyncio.sleep({latency})
            return number
    print(sum(await asyncio.gather(*(look(number) for number in range({count})))))
asyncio.run(main())
"""


def rows(work: Path, *, quick: bool) -> list[Row]:
    """The whole process; the plugin is installed by a dist-info folder on the path."""
    folder, count = work / "resources", 100 if quick else 1000
    _install(folder)
    (folder / "profile.yaml").write_text(
        'meshguard: 1\nid: bench\ntitle: Bench\nversion: "1"\ncontrols:\n'
        "  - {id: bench.resources, title: All answer, checks: [bench.looked_at]}\n"
    )
    (folder / "meshguard.yaml").write_text(
        "name: bench\nprofile: ./profile.yaml\ntargets:\n"
        f"  bench: [{{name: b, count: {count}, limits: {{connections: {AT_ONCE}}}}}]\n"
    )
    floor = Command([sys.executable, "-c", BARE.format(at_once=AT_ONCE, latency=LATENCY_S, count=count)])
    ours = Command([*MESHGUARD, "audit", "meshguard.yaml", "-q"], cwd=folder, path=(folder, ROOT))
    row = compare(f"{count} resources, facts of 30 ms", floor, ours, runs=5 if quick else 7)
    assert row.ours is not None
    alone = count * LATENCY_S
    note = f"{AT_ONCE} at once; one after another they take {alone:.0f} s, {alone / row.ours.least:.0f} times as long"
    return [Row(row.name, row.goal, row.floor, row.ours, note)]


def _install(folder: Path) -> None:
    info = folder / "meshguard_bench-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: meshguard-bench\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[meshguard.targets]\nbench = bench.resource_plugin:Bench\n\n"
        "[meshguard.checks]\nbench = bench.resource_plugin\n"
    )
