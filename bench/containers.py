"""50 containers: the Docker baseline, against a bare script of the Docker SDK that makes the same calls."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from bench.counting_socket import counting
from bench.engine import SOCKET, Crowd, NoEngineError, running_containers
from bench.measure import MESHGUARD, Command, Row, compare, within

GOAL = 1.3


def rows(work: Path, *, quick: bool) -> list[Row]:
    """The whole process, and the same without start and imports."""
    count = 5 if quick else 50
    name = f"{count} containers"
    try:
        with running_containers(count) as crowd:
            return _measured(work / "containers", crowd, name, runs=5 if quick else 11)
    except NoEngineError as fault:
        note = f"not measured: {fault}"
        return [Row(f"{name}, whole process", GOAL, note=note), Row(f"{name}, in one process", GOAL, note=note)]


def _measured(folder: Path, crowd: Crowd, name: str, *, runs: int) -> list[Row]:
    folder.mkdir()
    host, plan = f"unix://{SOCKET}", _deployment(folder / "meshguard.yaml", f"unix://{SOCKET}", crowd)
    whole = compare(
        f"{name}, whole process",
        _bare(host, crowd),
        _audit(plan),
        runs=runs,
        goal=GOAL,
        note=_compared(folder, crowd),
    )
    inner = within(
        f"{name}, in one process",
        lambda: _bare_seconds(host, crowd),
        lambda: _audit_seconds(plan),
        runs=runs,
        goal=GOAL,
    )
    return [whole, inner]


def _deployment(path: Path, host: str, crowd: Crowd) -> Path:
    path.write_text(
        f"name: bench\nprofile: docker-baseline\ntargets:\n"
        f"  docker: [{{name: engine, host: '{host}', label: {crowd.label}}}]\n"
    )
    return path


def _bare(host: str, crowd: Crowd) -> Command:
    return Command([sys.executable, str(Path(__file__).with_name("bare_containers.py")), host, crowd.label])


def _audit(plan: Path) -> Command:
    return Command([*MESHGUARD, "audit", str(plan)], cwd=plan.parent, codes=(0, 1, 3))


def _compared(folder: Path, crowd: Crowd) -> str:
    """One run of each through a socket that counts: whether both ask the same of the engine."""
    asked: list[Counter[str]] = []
    for number, place in enumerate((folder / "bare.sock", folder / "ours.sock")):
        host = f"unix://{place}"
        with counting(SOCKET, place) as counts:
            if number == 0:
                _bare(host, crowd).run()
            else:
                _audit(_deployment(folder / "counted.yaml", host, crowd)).run()
        asked.append(counts)
    more, less = asked[1] - asked[0], asked[0] - asked[1]
    calls = f"{asked[1].total()} calls of the engine"
    if not more and not less:
        return f"{calls}, the same ones on both sides"
    return f"{calls}; NOT the same: more {_few(more)}; less {_few(less)}"


def _few(calls: Counter[str]) -> str:
    shown = [f"{count} x {path}" for path, count in sorted(calls.items())[:3]]
    return ", ".join(shown) + (", ..." if len(calls) > 3 else "") if shown else "none"


def _bare_seconds(host: str, crowd: Crowd) -> float:
    from bench.bare_containers import look

    start = time.perf_counter()
    look(host, crowd.label)
    return time.perf_counter() - start


def _audit_seconds(path: Path) -> float:
    """From the files to the results, without a report."""
    from meshguard.assemble import Circumstances, assemble
    from meshguard.audit import Audit
    from meshguard.evidence import Evidence
    from meshguard.plan import Scope, load_plan
    from meshguard.plugins import Plugins

    start = time.perf_counter()
    plan = load_plan(path, Plugins(), Scope())
    audit = Audit(plan, Evidence(masks=plan.deployment.secrets()))
    asyncio.run(audit.run(asyncio.Event(), []))
    assemble(audit, Circumstances(argv=("bench",), started=datetime.now(UTC), fail_on="high"))
    return time.perf_counter() - start
