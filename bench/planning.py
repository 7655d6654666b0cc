"""Planning: the 151 controls of the guide with 200 waivers and 500 records, without start and imports.

The floor reads the same files with PyYAML's C loader and looks at nothing in them. Planning has a goal of its own, in
CPU seconds: 0.15.
"""

from __future__ import annotations

import datetime
import hashlib
import sys
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from bench.measure import Command, Row, within

GOAL_S = 0.15
WAIVERS, RECORDS = 200, 500
KINDS = {
    "hipaa-report": "produced_by: the platform",
    "restore-test": "subject: database, result: passed",
    "encryption-report": "produced_by: the platform",
    "documentation-review": "scope: everything",
    "playbook": "incident_type: breach",
}
DEPLOYMENT = """\
name: bench
profile: health-mesh
waivers: waivers.yaml
records: records
targets:
  web: [{name: public, url: "https://health-mesh.example"}]
  docker: [{name: local, host: "unix:///var/run/docker.sock"}]
"""
START = "import sys, time\nfrom pathlib import Path\n"
FLOOR = """
import yaml
files = [Path(name) for name in sys.argv[1:]]
start = time.process_time()
for file in files:
    yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
print(time.process_time() - start)
"""
OURS = """
import meshguard.records.register
from meshguard.cli.look import record_mistakes
from meshguard.plan import Scope, load_plan
from meshguard.plugins import Plugins
plugins = Plugins()
all(plugins.target(kind) for kind in ("web", "tls", "docker", "records"))
all(plugins.namespace(name) for name in plugins.namespaces())
look_too = record_mistakes if sys.argv[2:] else lambda _: ()
start = time.process_time()
plan = load_plan(Path(sys.argv[1]), Plugins(), Scope(), look_too=look_too)
assert len(plan.controls) == 151
print(time.process_time() - start)
"""


def rows(work: Path, *, quick: bool) -> list[Row]:
    """CPU seconds of planning as `meshguard audit` begins, and as `meshguard validate` does it, records included."""
    folder = work / "planning"
    folder.mkdir()
    write_files(folder, waivers=WAIVERS, records=RECORDS)
    deployment, profile = str(folder / "meshguard.yaml"), str(_profile())
    planned = [deployment, str(folder / "waivers.yaml"), profile]
    records = [str(path) for path in (folder / "records").glob("*.yaml")]
    name = f"planning 151 controls, {WAIVERS} waivers"
    return [
        _row(name, planned, [deployment], quick=quick),
        _row(f"{name}, {RECORDS} records", planned + records, [deployment, "records"], quick=quick),
    ]


def _row(name: str, files: list[str], arguments: list[str], *, quick: bool) -> Row:
    runs = 5 if quick else 15
    row = within(name, _seconds(FLOOR, *files), _seconds(OURS, *arguments), runs=runs, goal=None)
    assert row.ours is not None
    met = "met" if row.ours.least < GOAL_S else "missed"
    note = (
        f"CPU without start and imports; the goal of {GOAL_S:.2f} s is {met}; the floor parses the same YAML, no more"
    )
    return Row(row.name, row.goal, row.floor, row.ours, note)


def _seconds(script: str, *arguments: str) -> Callable[[], float]:
    return partial(_run, Command([sys.executable, "-c", START + script, *arguments]))


def _run(command: Command) -> float:
    return float(command.run())


def _profile() -> Path:
    from meshguard.plugins import Plugins

    return Plugins().profiles()["health-mesh"]


def write_files(folder: Path, *, waivers: int, records: int) -> None:
    """A deployment of the guide's profile in `folder`, with so many waivers and records."""
    today = datetime.datetime.now(datetime.UTC).date()
    (folder / "meshguard.yaml").write_text(DEPLOYMENT)
    controls = [
        line.split(": ")[1].strip() for line in _profile().read_text().splitlines() if line.startswith("  - id: ")
    ]
    lines = [
        f"  - control: {control}\n    target: web:public\n    resource: /path/{number}\n    reason: until release 2\n"
        f"    owner: ops\n    approver: ciso\n    ticket: SEC-{number}\n    created: {today}\n"
        f"    expires: {today + datetime.timedelta(days=90)}\n"
        for number, control in enumerate(islice(cycle(controls), waivers))
    ]
    (folder / "waivers.yaml").write_text("waivers:\n" + "".join(lines))
    (folder / "records").mkdir(exist_ok=True)
    (folder / "records" / "document.txt").write_text("signed")
    digest = hashlib.sha256(b"signed").hexdigest()
    for kind, said in KINDS.items():
        entries = [
            f"  - {{id: {kind}-{number}, {said}, signed_by: ciso, date: {today}, review_every: 90d, "
            f"document: document.txt, sha256: {digest}}}\n"
            for number in range(records // len(KINDS))
        ]
        (folder / "records" / f"{kind}.yaml").write_text(
            f"kind: {kind}\nentries:{'' if entries else ' []'}\n" + "".join(entries)
        )
