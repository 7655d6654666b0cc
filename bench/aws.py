"""An AWS account on loopback: all checks, against a bare script of boto3 that makes the same calls."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from bench.measure import MESHGUARD, Command, Row, Series, compare
from bench.prowler import CHECKS, NOT_INSTALLED, prowler

if TYPE_CHECKING:
    from examples.healthmesh.cloud.builder import Cloud

CPU_GOAL, WALL_GOAL = 1.5, 1.3
PEAK_GOAL_MB = 200
MANY = 20
"""Of each kind and flaw: some three thousand resources, which the test cloud takes half a minute to make."""
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
NO_MOTO = "not measured: moto is not installed"


CANNED = "codedeploy:BatchGetDeployments"
"""The cloud tells every deployment group of the same deployments: here, and here alone, they are asked for again."""


def rows(work: Path, *, quick: bool) -> list[Row]:
    """A small account and a large one: CPU, wall and memory; and another scanner, where it is installed."""
    try:
        import moto  # noqa: F401
    except ImportError:
        return [Row("AWS, 1 of each kind", CPU_GOAL, note=NO_MOTO), Row("AWS, many", WALL_GOAL, note=NO_MOTO)]
    found: list[Row] = []
    with patch.dict(os.environ, CREDENTIALS):
        for scale, runs in ((1, 1),) if quick else ((1, 9), (MANY, 3)):
            found += _measured(work / f"aws-{scale}", scale, runs)
    return found


def _measured(folder: Path, scale: int, runs: int) -> list[Row]:
    name = f"AWS, {scale} of each kind"
    with _account(folder, scale) as measure:
        bare, ours = measure.bare, measure.ours
        row = compare(name, bare, ours, runs=runs, goal=WALL_GOAL if scale > 1 else None, note=measure.compared())
        assert row.floor is not None
        assert row.ours is not None
        cpu = Row(f"{name}, CPU", CPU_GOAL if scale == 1 else None, Series(row.floor.cpu), Series(row.ours.cpu))
        floor, peak = (Series([_peak_mb(command)]) for command in (bare, ours))
        memory = Row(f"{name}, memory", floor=floor, ours=peak, note=f"MB at most; the goal is {PEAK_GOAL_MB}")
        return [row, cpu, memory, measure.other(name)]


@contextmanager
def _account(folder: Path, scale: int) -> Iterator[_Measure]:
    from examples.healthmesh.cloud import account, builder, server

    folder.mkdir()
    with server.running(folder / "cloud") as running:
        cloud = builder.Cloud(running.endpoint)
        account.good(cloud, scale)
        account.bad(cloud, scale)
        yield _Measure(folder, cloud)


class _Measure:
    """The commands on one account."""

    def __init__(self, folder: Path, cloud: Cloud) -> None:
        from examples.healthmesh.cloud import account

        self.cloud = cloud
        # The caller's own credentials on both sides: a bare script assumes no role either.
        self.plan = account.write(cloud, folder, _checks(), role="", web_identity_token=None)
        self.calls = folder / "calls.json"
        self.calls.write_text(json.dumps(_captured(self.plan)))
        script = str(Path(__file__).with_name("bare_aws.py"))
        self.bare = Command([sys.executable, script, cloud.endpoint, str(self.calls)])
        self.ours = Command([*MESHGUARD, "audit", str(self.plan)], cwd=folder, codes=(0, 1, 3))

    def compared(self) -> str:
        """One run of each: whether both ask the same of the cloud."""
        asked: list[Counter[str]] = []
        for command in (self.bare, self.ours):
            self.cloud.control.forget_calls()
            command.run()
            asked.append(self.cloud.control.counts())
        for counts in asked:
            counts.pop(CANNED, None)
        more, less = asked[1] - asked[0], asked[0] - asked[1]
        if not more and not less:
            return f"{asked[1].total()} calls, the same ones on both sides"
        return f"{asked[1].total()} calls; NOT the same: more {dict(more)}; less {dict(less)}"

    def other(self, name: str) -> Row:
        """Prowler instead of the bare script."""
        command = prowler(self.cloud.endpoint, self.ours.cwd)
        if command is None:
            return Row(f"{name}, against Prowler", note=NOT_INSTALLED)
        note = f"{len(CHECKS)} checks of Prowler for the same controls; its peak is {_peak_mb(command):.0f} MB"
        return compare(f"{name}, against Prowler", command, self.ours, runs=1, note=note)


def _checks() -> list[str]:
    from meshguard.plugins import Plugins

    return sorted(name for name, check in Plugins().all_checks().items() if "aws" in check.kinds)


def _captured(plan: Path) -> list[dict[str, object]]:
    """Each call of one audit in this process, once."""
    from examples.healthmesh.cloud.noted import noted

    from meshguard.audit import Audit
    from meshguard.evidence import Evidence
    from meshguard.plan import Scope, load_plan
    from meshguard.plugins import Plugins

    with noted() as calls:
        audit = Audit(load_plan(plan, Plugins(), Scope()), Evidence())
        asyncio.run(audit.run(asyncio.Event(), []))
    asked = {
        json.dumps(
            {
                "service": call.service,
                "operation": call.operation,
                "region": call.region,
                "parameters": json.loads(call.parameters),
            }
        )
        for call in calls
    }
    return [json.loads(one) for one in sorted(asked)]


_PEAK = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(json.dumps([code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def _peak_mb(command: Command) -> float:
    """Most memory that one run of a command held; started by a small process, for a child counts its parent's too."""
    started = [sys.executable, "-c", _PEAK, *command.argv]
    said = subprocess.run(started, cwd=command.cwd, capture_output=True, text=True, check=True).stdout
    code, peak_kb = json.loads(said)
    if code not in command.codes:
        raise RuntimeError(f"{' '.join(command.argv)} ended with {code}")
    return float(peak_kb / 1024)
