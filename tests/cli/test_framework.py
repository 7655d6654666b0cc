"""Frameworks on the command line: an audit limited to one, and the picture by requirement."""

from __future__ import annotations

import json

import pytest
from tests.conftest import PROFILE, Workplace

HEAD = PROFILE.split("  - id")[0]
REF = 'refs: [{framework: OWASP Top 10, version: "%s", ids: ["%s"]}]'
CONTROLS = (
    f"  - {{id: a.one, title: A, checks: [lab.ok], {REF % ('2025', 'A01')}}}\n"
    f"  - {{id: a.two, title: B, checks: [lab.quiet], {REF % ('2025', 'A02')}}}\n"
    f"  - {{id: a.old, title: C, checks: [lab.quiet], {REF % ('2021', 'A03')}}}\n"
    "  - {id: a.none, title: D, checks: [lab.quiet]}\n"
)


@pytest.mark.parametrize(
    ("framework", "controls"),
    [
        ("owasp-top-10", ["a.one", "a.two", "a.old"]),
        ("owasp-top-10@2025", ["a.one", "a.two"]),
        ("OWASP Top 10@2021", ["a.old"]),
    ],
)
def test_an_audit_of_one_framework(work: Workplace, framework: str, controls: list[str]) -> None:
    work.write("profile.yaml", HEAD + CONTROLS)
    results = json.loads(work.call("audit", "-o", "json=-", "--framework", framework).stdout)
    assert [control["id"] for control in results["controls"]] == controls
    assert results["scope"] == {"kind": "reduced", "phase": None, "narrowed_by": [f"--framework {framework}"]}
    assert results["score"] is None


@pytest.mark.parametrize(
    ("framework", "what"),
    [
        ("hipaa", "no control in scope refers to 'hipaa'"),
        ("hippa", "unknown framework 'hippa'\n      did you mean 'hipaa'?"),
    ],
)
def test_frameworks_that_leave_nothing(work: Workplace, framework: str, what: str) -> None:
    work.write("profile.yaml", HEAD + CONTROLS)
    done = work.call("audit", "--framework", framework)
    assert done.returncode == 2
    assert f"--framework: {what}" in done.stderr


def test_the_picture_by_requirement(work: Workplace) -> None:
    work.write("profile.yaml", HEAD + CONTROLS)
    work.lab("name: main, things: [bad]")
    code = work.call("audit", "-q", "-o", "json=r.json").returncode
    done = work.call("report", "r.json", "--framework", "owasp-top-10@2025", "--no-color")
    assert done.returncode == code
    lines = done.stdout.splitlines()
    assert lines[0] == "OWASP Top 10 2025"
    rows = {line.split("  ")[0]: line for line in lines if line.startswith("A")}
    assert list(rows) == [f"A{number:02}" for number in range(1, 11)]
    assert "not satisfied" in rows["A01"]
    assert "a.one" in rows["A01"]
    assert "satisfied" in rows["A02"]
    assert all("not covered" in rows[f"A{number:02}"] for number in range(3, 11))
    assert "10 requirements: 1 satisfied, 1 not satisfied, 8 not covered" in done.stdout
    assert "2021" not in done.stdout


def test_the_picture_of_a_reduced_audit_says_so(work: Workplace) -> None:
    work.write("profile.yaml", HEAD + CONTROLS)
    work.call("audit", "-q", "-o", "json=r.json", "--only", "a.one")
    text = work.call("report", "r.json", "--framework", "owasp-top-10").stdout
    assert "The audit's scope was reduced by --only a.one" in text
    assert "unknown framework" in work.call("report", "r.json", "--framework", "x").stderr


LAST = """\
  - {id: m.score, title: S, checks: [score.weighted: {min: %s}]}
  - {id: m.coverage, title: S, checks: [framework.coverage: {framework: owasp-top-10@2025, min: 0.2}]}
  - {id: m.framework, title: S, checks: [framework.score: {framework: owasp-top-10@2025, min: %s}]}
""".replace("[", "[{").replace("}]", "}}]")


def statuses(work: Workplace, *options: str) -> dict[str, str]:
    controls = json.loads(work.call("audit", "-o", "json=-", *options).stdout)["controls"]
    return {control["id"]: control["status"] for control in controls if control["id"].startswith("m.")}


def test_score_and_coverage_are_judged_last_and_never_over_themselves(work: Workplace) -> None:
    work.write("profile.yaml", HEAD + CONTROLS + LAST % (0.74, 0.5))
    work.lab("name: main, things: [bad]")
    assert set(statuses(work).values()) == {"satisfied"}, "three of four, one of two, two of ten"
    work.write("profile.yaml", HEAD + CONTROLS + LAST % (0.75, 0.51))
    found = statuses(work)
    assert found == {"m.score": "not-satisfied", "m.coverage": "satisfied", "m.framework": "not-satisfied"}
    results = json.loads(work.call("audit", "-o", "json=-").stdout)
    assert results["score"] == 0.75, "they count nothing themselves"


def test_a_part_of_an_audit_has_no_score(work: Workplace) -> None:
    work.write("profile.yaml", HEAD + CONTROLS + LAST % (0, 0))
    assert set(statuses(work, "--skip", "a.none").values()) == {"undetermined"}


def test_a_framework_that_is_none_is_a_mistake_before_the_audit(work: Workplace) -> None:
    work.write("profile.yaml", HEAD + LAST.replace("2025", "2026") % (0, 0))
    done = work.call("validate")
    assert "framework.coverage: framework: unknown framework 'owasp-top-10@2026'" in done.stderr
    assert "profile.yaml:7: " in done.stderr
