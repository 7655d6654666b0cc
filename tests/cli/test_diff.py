"""`meshguard diff`: two results side by side."""

from __future__ import annotations

import pytest
from tests.conftest import Workplace


def result(work: Workplace, name: str, *targets: str, options: tuple[str, ...] = ()) -> None:
    work.lab(*targets)
    assert work.call("audit", "-q", "-o", f"json={name}", *options).returncode != 2


@pytest.mark.parametrize(
    ("before", "after", "code", "text"),
    [
        pytest.param("things: [a]", "things: [a]", 0, "Every finding is as it was.", id="nothing"),
        pytest.param("things: [a]", "things: [a, bad]", 1, "New (1)", id="a new failure"),
        pytest.param("things: [a]", "things: [a, b]", 0, "New (1)", id="a new pass"),
        pytest.param("things: [a, bad]", "things: [a]", 0, "Gone (1)", id="gone"),
        pytest.param("things: [a]", "things: [a], broken: [a]", 1, "pass -> error: a did not answer", id="unseen"),
        pytest.param("things: [a], broken: [a]", "things: [a]", 0, "Better (1)", id="seen"),
    ],
)
def test_two_audits(work: Workplace, before: str, after: str, code: int, text: str) -> None:
    result(work, "a.json", f"name: main, {before}")
    result(work, "b.json", f"name: main, {after}")
    done = work.call("diff", "a.json", "b.json")
    assert (done.returncode, done.stderr) == (code, "")
    assert text in done.stdout
    assert "Gate: exit " in done.stdout


def test_what_moved_with_a_change_is_said(work: Workplace) -> None:
    result(work, "a.json", "name: main, things: [a]")
    work.controls("lab.all-ok: lab.ok: {wanted: better}")
    result(work, "b.json", "name: main, things: [a]")
    done = work.call("diff", "a.json", "b.json")
    assert "moved with it: profile, parameters" in done.stdout
    assert done.returncode == 1


def test_staging_against_production(work: Workplace) -> None:
    result(work, "a.json", "name: staging, things: [x]")
    result(work, "b.json", "name: production, things: [x], broken: [x]")
    assert "New (1)" in work.call("diff", "a.json", "b.json").stdout
    assert "Worse (1)" in work.call("diff", "a.json", "b.json", "--by-resource").stdout


def test_before_and_after_a_deployment(work: Workplace) -> None:
    result(work, "a.json", "name: main", options=("--phase", "pre"))
    result(work, "b.json", "name: main, things: [one, bad]", options=("--phase", "post"))
    text = work.call("diff", "a.json", "b.json").stdout
    assert "moved with it: resource, deployment, scope" in text


def test_what_is_no_result(work: Workplace) -> None:
    result(work, "a.json", "name: main")
    assert work.call("diff", "a.json", "meshguard.yaml").returncode == 2
    assert work.call("diff", "none.json", "a.json").returncode == 2


def test_new_findings_that_pass_are_counted_and_not_told(work: Workplace) -> None:
    work.lab("name: main, things: [a]")
    work.call("audit", "-q", "-o", "json=one.json")
    work.lab("name: main, things: [a, b, c, bad]")
    work.call("audit", "-q", "-o", "json=two.json")
    done = work.call("diff", "one.json", "two.json")
    assert done.returncode == 1
    assert "New (3)" in done.stdout
    assert "2 that pass or do not apply" in done.stdout
    assert "lab:main bad" in done.stdout
    assert "lab:main b\n" not in done.stdout
