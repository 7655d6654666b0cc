"""Verdicts of an earlier audit stand for active checks that may not run, where nothing but the place differs."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from tests.conftest import DEPLOYMENT, PROFILE, Workplace

CONTROLS = """\
  - {id: lab.active, title: A, priority: high, checks: [lab.changed]}
  - {id: lab.passive, title: B, priority: high, checks: [lab.quiet]}
"""
INHERIT = "inherit: {result: staging.json, max_age: 7d}\n"


@pytest.fixture
def staged(work: Workplace) -> Workplace:
    """A commit that was audited on staging, with what changes state allowed there."""
    work.write("profile.yaml", PROFILE.split("  - id")[0] + CONTROLS)
    git = ["git", "-C", str(work.folder), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    work.write("meshguard.yaml", DEPLOYMENT + "active: true\n")
    assert work.call("audit", "--active=demo", "-q", "-o", "json=staging.json").returncode == 0
    work.write("meshguard.yaml", DEPLOYMENT + INHERIT)
    return work


def audited(work: Workplace) -> tuple[int, dict[str, Any]]:
    done = work.call("audit", "-o", "json=-")
    return done.returncode, json.loads(done.stdout)


def edit(work: Workplace, change: dict[str, Any]) -> None:
    result = json.loads((work.folder / "staging.json").read_text())
    for name, value in change.items():
        part, _, field = name.rpartition(".")
        (result[part] if part else result)[field] = value
    work.write("staging.json", json.dumps(result))


def test_an_active_check_is_inherited_and_says_from_where(staged: Workplace) -> None:
    code, result = audited(staged)
    found = {finding["check"]: finding for finding in result["findings"]}
    assert (code, found["lab.changed"]["outcome"]) == (0, "pass")
    assert found["lab.changed"]["inherited"].startswith("demo, 20")
    assert found["lab.quiet"]["inherited"] == ""
    assert "inherited from demo, 20" in staged.call("audit", "-v").stdout


def test_without_inherit_it_is_not_checked(staged: Workplace) -> None:
    staged.write("meshguard.yaml", DEPLOYMENT)
    code, result = audited(staged)
    assert code == 3
    assert {f["outcome"] for f in result["findings"] if f["check"] == "lab.changed"} == {"not-checked"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"run.commit": "0" * 40}, "its commit is 000", id="another commit"),
        pytest.param({"run.commit": ""}, "its commit is unknown", id="an unknown commit"),
        pytest.param({"run.started": "2020-01-01T00:00:00Z"}, "not at most 7d old", id="too old"),
        pytest.param({"run.started": "2999-01-01T00:00:00Z"}, "not at most 7d old", id="from the future"),
        pytest.param(
            {
                "complete": "cut",
                "gate": {
                    "open": False,
                    "exit_code": 3,
                    "fail_on": "high",
                    "advisory": False,
                    "reason": "the audit is incomplete: cut",
                },
            },
            "it was incomplete",
            id="incomplete",
        ),
        pytest.param({"profiles": []}, "its profiles are others", id="other profiles"),
        pytest.param(
            {"subjects": [{"target": "docker:a", "subject": "a", "digests": ["sha256:1"]}]},
            "its images are others",
            id="other images",
        ),
    ],
)
def test_where_anything_differs_nothing_is_inherited(staged: Workplace, change: dict[str, Any], why: str) -> None:
    edit(staged, change)
    code, result = audited(staged)
    assert code == 3
    assert {f["inherited"] for f in result["findings"]} == {""}
    assert any(note.startswith("nothing is inherited") and why in note for note in result["notes"])


def test_what_was_inherited_itself_is_not_handed_on(staged: Workplace) -> None:
    result = json.loads((staged.folder / "staging.json").read_text())
    for finding in result["findings"]:
        finding["inherited"] = "demo, 2026-01-01T00:00:00Z"
    staged.write("staging.json", json.dumps(result))
    assert audited(staged)[0] == 3


def test_a_result_that_is_not_there_is_a_mistake(staged: Workplace) -> None:
    (staged.folder / "staging.json").unlink()
    done = staged.call("audit")
    assert done.returncode == 2
    assert "staging.json" in done.stderr
