"""A baseline: known failures do not count until a day; what became worse counts at once."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from tests.conftest import PROFILE, Workplace

TODAY = datetime.datetime.now(datetime.UTC).date()
SOON = (TODAY + datetime.timedelta(days=30)).isoformat()
HEAD = PROFILE.split("  - id")[0]


def audited(work: Workplace, *options: str) -> Any:
    done = work.call("audit", "-o", "json=-", *options)
    assert done.returncode != 2, done.stderr
    return json.loads(done.stdout)


def baseline(work: Workplace, things: str) -> None:
    work.lab(f"name: main, {things}")
    work.call("audit", "-o", "json=r.json", "-q")
    done = work.call("baseline", "r.json", "--until", SOON)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("now", "code", "known"),
    [
        pytest.param("things: [a, bad]", 0, True, id="as it was"),
        pytest.param("things: [a, b]", 0, False, id="mended"),
        pytest.param("things: [a, bad, bad2]", 1, False, id="one more failure"),
        pytest.param("things: [a, bad], broken: [a]", 3, True, id="a known failure hides no error beside it"),
        pytest.param("things: [a, bad], broken: [bad]", 3, False, id="what failed is not seen any more"),
    ],
)
def test_what_counts(work: Workplace, now: str, code: int, known: bool) -> None:
    baseline(work, "things: [a, bad]")
    work.lab(f"name: main, {now}")
    results = audited(work, "--baseline", "baseline.json")
    assert results["gate"]["exit_code"] == code
    assert results["controls"][0]["known"] is known
    assert {f["known_since"] for f in results["findings"] if f["resource"] == "bad"} <= {"", TODAY.isoformat()}


def test_what_is_derived_from_a_known_failure_is_known(work: Workplace) -> None:
    work.write("profile.yaml", PROFILE + "  - {id: c.item, title: C, priority: high, requires: [lab.all-ok]}\n")
    baseline(work, "things: [a, bad]")
    results = audited(work, "--baseline", "baseline.json")
    assert [(c["status"], c["known"]) for c in results["controls"]] == [("not-satisfied", True)] * 2
    assert results["gate"]["exit_code"] == 0
    work.lab("name: main, things: [a, bad, bad2]")
    results = audited(work, "--baseline", "baseline.json")
    assert [c["known"] for c in results["controls"]] == [False, False]


def test_what_was_undetermined_in_the_baseline_still_is(work: Workplace) -> None:
    baseline(work, "things: [a, b], broken: [b]")
    assert audited(work, "--baseline", "baseline.json")["gate"]["exit_code"] == 3


def test_the_age_of_a_known_failure_outlives_the_next_baseline(work: Workplace) -> None:
    baseline(work, "things: [a, bad]")
    old = json.loads((work.folder / "baseline.json").read_text())
    for finding in old["findings"]:
        finding["known_since"] = "2026-01-02" if finding["outcome"] == "fail" else ""
    work.write("baseline.json", json.dumps(old))
    results = audited(work, "--baseline", "baseline.json")
    assert [f["known_since"] for f in results["findings"]] == ["", "2026-01-02"]


@pytest.mark.parametrize(("days", "code"), [(1, 0), (0, 1), (-1, 1)])
def test_failures_count_again_from_the_day_that_the_baseline_carries(work: Workplace, days: int, code: int) -> None:
    baseline(work, "things: [a, bad]")
    text = (work.folder / "baseline.json").read_text()
    work.write("baseline.json", text.replace(f'"{SOON}"', f'"{TODAY + datetime.timedelta(days=days)}"'))
    assert audited(work, "--baseline", "baseline.json")["gate"]["exit_code"] == code


@pytest.mark.parametrize(
    ("until", "what"),
    [("soon", "'soon' is no date"), (TODAY.isoformat(), "is over"), ("2020-01-01", "2020-01-01 is over")],
)
def test_dates_that_are_no_end(work: Workplace, until: str, what: str) -> None:
    work.call("audit", "-o", "json=r.json", "-q")
    done = work.call("baseline", "r.json", "--until", until)
    assert done.returncode == 2
    assert what in done.stderr


def test_what_is_no_baseline(work: Workplace) -> None:
    work.call("audit", "-o", "json=r.json", "-q")
    assert "this result is no baseline" in work.call("audit", "--baseline", "r.json").stderr
    baseline(work, "things: [a]")
    text = (work.folder / "meshguard.yaml").read_text()
    work.write("meshguard.yaml", text.replace("name: demo", "name: production"))
    assert "this baseline is of 'demo', not of 'production'" in work.call("audit", "--baseline", "baseline.json").stderr
    assert work.call("audit", "--baseline", "none.json").returncode == 2


def test_a_reduced_audit_is_no_baseline(work: Workplace) -> None:
    work.controls("lab.one: lab.ok", "lab.two: lab.quiet")
    work.call("audit", "-o", "json=r.json", "-q", "--only", "lab.one")
    done = work.call("baseline", "r.json", "--until", SOON)
    assert done.returncode == 0, "what it does not hold counts as new"
