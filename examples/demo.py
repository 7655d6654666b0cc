"""The demo: start the example deployment hardened and leaky, audit both, show the reports, judge the evidence again.

`python -m examples.demo OUT` leaves report.html, results.json and evidence.jsonl for each mode in OUT, and ends with 0
where the hardened mode opened the gate, the leaky one did not, and both evidence files gave the same verdicts again.
The hardened one is held against the whole guide too (health-mesh.html): how much of it is answered so far is shown, and
decides nothing, for what has no check yet keeps its gate shut.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from examples.healthmesh.instance import start

if TYPE_CHECKING:
    from examples.healthmesh.choice import Mode

GUIDE = "health-mesh"
GUIDE_REPORT = "health-mesh.html"
NOT_ALL_ANSWERED = (1, 3)
"""How an audit against the whole guide ends while its own demand of a score, or anything else, is open."""
MAX_DEFECTS = 8
EXPECTED: dict[Mode, int] = {"hardened": 0, "leaky": 1}


@dataclass
class Shown:
    """How one mode came out."""

    mode: Mode
    exit_code: int
    same_again: bool
    folder: Path
    guide: str = ""
    """How much of the whole guide was answered."""

    @property
    def as_expected(self) -> bool:
        """Whether the gate said what it should, twice."""
        return self.exit_code == EXPECTED[self.mode] and self.same_again


def main() -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="demo", description="Audit the example deployment, hardened and leaky.")
    parser.add_argument("out", type=Path, nargs="?", default=Path("demo-output"), help="where reports are left")
    parser.add_argument("--no-containers", action="store_true", help="only the web service")
    parser.add_argument("--no-cloud", action="store_true", help="without the account of a cloud")
    parser.add_argument("--no-source", action="store_true", help="without the repository")
    said = parser.parse_args()
    parts = {"containers": not said.no_containers, "cloud": not said.no_cloud, "source": not said.no_source}
    shown = [_show(mode, said.out, **parts) for mode in EXPECTED]
    _title("What came out")
    for one in shown:
        verdict = "as expected" if one.as_expected else f"NOT as expected ({EXPECTED[one.mode]})"
        again = "the same verdicts" if one.same_again else "OTHER verdicts"
        print(f"{one.mode:<9} exit {one.exit_code}, {verdict}; replayed without a network: {again}")
        print(f"          {one.folder / 'report.html'}\n          {one.folder / 'results.json'}")
        print(f"          {one.folder / 'evidence.jsonl'}")
        if one.guide:
            print(f"the guide {one.guide}\n          {one.folder / GUIDE_REPORT}")
    return 0 if all(one.as_expected for one in shown) else 1


def _show(mode: Mode, out: Path, *, containers: bool, cloud: bool, source: bool) -> Shown:
    folder = out / mode
    folder.mkdir(parents=True, exist_ok=True)
    _title(f"The example deployment, {mode}")
    project = f"health-mesh-{mode}"
    state = folder / "state"
    with start(state, mode=mode, project=project, containers=containers, cloud=cloud, source=source) as running:
        print(f"service     {running.url}, plain http {running.http_url}")
        print(f"containers  {', '.join(sorted(running.containers)) or f'none: {running.no_containers}'}")
        if running.cloud:
            print(f"cloud       {running.cloud} answers as AWS")
        if running.defects:
            shown, more = running.defects[:MAX_DEFECTS], len(running.defects) - MAX_DEFECTS
            print(f"defects     {', '.join(shown)}{f' and {more} more' if more > 0 else ''}")
        print(f"\n$ meshguard audit {running.deployment}\n", flush=True)
        code = _audit(running.deployment, folder)
        guide = _guide(running.guide, folder) if mode == "hardened" else ""
    return Shown(mode, code, _same_again(running.deployment, folder), folder, guide)


def _guide(deployment: Path, folder: Path) -> str:
    """Hold the instance against the whole guide, and tell how much of it is answered so far."""
    _title("The whole guide")
    listed = _meshguard("controls", GUIDE, capture=True).stdout.splitlines()
    print(f"$ meshguard controls {GUIDE}\n{listed[-1] if listed else 'nothing was listed'}")
    results = folder / "health-mesh.json"
    print(f"\n$ meshguard audit {deployment}\n", flush=True)
    outputs = ["--output", f"html={folder / GUIDE_REPORT}", "--output", f"json={results}"]
    code = _meshguard("audit", str(deployment), *outputs).returncode
    if code not in NOT_ALL_ANSWERED:
        raise SystemExit(f"the audit against {GUIDE} ended with {code}, and not with one of {NOT_ALL_ANSWERED}")
    found = json.loads(results.read_text())["coverage"]
    answered = found["controls"] - found["undetermined"]
    said = f"as a whole: {answered} of {found['controls']} controls are answered so far"
    print(f"\n{said}. Exit {code} is expected here: what has no check yet is no pass,")
    print("and the guide's own demand of a score above 95 % can't be met before it has.", flush=True)
    return said


def _audit(deployment: Path, folder: Path) -> int:
    outputs = [f"html={folder / 'report.html'}", f"json={folder / 'results.json'}"]
    options = [option for output in outputs for option in ("--output", output)]
    evidence = ["--evidence", str(folder / "evidence.jsonl")]
    return _meshguard("audit", str(deployment), *options, *evidence).returncode


def _same_again(deployment: Path, folder: Path) -> bool:
    """Whether the evidence gives the same verdicts, now that the service is gone."""
    done = _meshguard(
        "audit", str(deployment), "--replay", str(folder / "evidence.jsonl"), "--output", "json=-", capture=True
    )
    return bool(done.stdout) and _verdicts(json.loads(done.stdout)) == _verdicts(
        json.loads((folder / "results.json").read_text())
    )


def _verdicts(results: dict[str, Any]) -> object:
    return results["gate"], results["controls"], results["findings"]


def _meshguard(*arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "meshguard", *arguments], text=True, capture_output=capture, check=False
    )


def _title(text: str) -> None:
    print(f"\n{text}\n{'=' * len(text)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
