"""200 controls over recorded evidence, against a bare script that reads the same files."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.measure import MESHGUARD, Command, Row, compare
from bench.site import audit, running_site

CONTROLS = 200
CHECKS = (
    "web.hsts: {{min_age: {n}d}}",
    "web.csp",
    "web.frame_options",
    "web.content_type_options",
    "web.referrer_policy",
    "web.cookies",
    "tls.versions",
    "tls.certificate: {{min_days: {n}}}",
)


def rows(work: Path, *, quick: bool) -> list[Row]:
    """The whole process; nothing is contacted."""
    folder = work / "replay"
    folder.mkdir()
    (folder / "many.yaml").write_text(profile(CONTROLS))
    evidence = folder / "evidence.jsonl"
    with running_site(folder) as site:
        audit(site, "--profile", "many.yaml", "--evidence", str(evidence), "-q").run()
    files = [str(evidence), str(folder / "many.yaml"), str(site.deployment)]
    floor = Command([sys.executable, str(Path(__file__).with_name("bare_replay.py")), *files])
    options = ("--profile", "many.yaml", "--replay", str(evidence), "-o", f"json={folder / 'out.json'}", "-q")
    ours = Command([*MESHGUARD, "audit", str(site.deployment), *options], cwd=folder, codes=(0, 1, 3))
    name = f"{CONTROLS} controls over recorded evidence"
    row = compare(name, floor, ours, runs=5 if quick else 11, note="the floor parses the same YAML and JSON, no more")
    return [row]


def profile(count: int) -> str:
    """A profile of so many controls, each with a parameter or a check of its own."""
    lines = ["meshguard: 1", "id: many", "title: Many controls", 'version: "1.0.0"', "controls:"]
    for number in range(1, count + 1):
        lines.append(f"  - id: many.control-{number}")
        lines.append(f"    title: Control number {number}")
        lines.append(f"    checks: [{CHECKS[number % len(CHECKS)].format(n=number)}]")
    return "\n".join(lines) + "\n"
