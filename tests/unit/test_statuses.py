"""From findings to statuses: declarations, derived controls, and what no combination may give."""

from __future__ import annotations

import datetime
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import DEPLOYMENT, PROFILE, Workplace

from meshguard.gate import decide
from meshguard.profile import Weights
from meshguard.results import ControlResult, Finding, Status, status_of
from meshguard.score import formula, score_of
from meshguard.verdict import Outcome

TODAY = datetime.datetime.now(datetime.UTC).date()
HEAD = PROFILE.split("  - id")[0]
DECLARED = "not_applicable: [{control: %s, reason: one host, owner: ops, approver: ciso, expires: %s}]\n"


def audited(work: Workplace, *options: str) -> dict[str, Any]:
    done = work.call("audit", "-o", "json=-", *options)
    assert done.returncode != 2, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def statuses(results: dict[str, Any]) -> dict[str, str]:
    return {control["id"]: control["status"] for control in results["controls"]}


@pytest.mark.parametrize(
    ("things", "expires", "status", "state", "reason"),
    [
        pytest.param("things: []", "2099-01-01", "not-applicable", "in use", "one host", id="nothing is there"),
        pytest.param("things: [skip]", "2099-01-01", "not-applicable", "in use", "one host", id="nothing applies"),
        pytest.param(
            "things: [a]", "2099-01-01", "not-satisfied", "contradicted", "something that it applies to: a", id="one is"
        ),
        pytest.param(
            "things: [bad]", "2099-01-01", "not-satisfied", "contradicted", "applies to: bad", id="one that fails"
        ),
        pytest.param(
            "things: [a], broken: [a]", "2099-01-01", "not-satisfied", "contradicted", "to: a", id="one that is unread"
        ),
        pytest.param("things: [a]", "2020-01-01", "satisfied", "expired", "1 of 1", id="it has expired"),
        pytest.param("things: [bad]", "2020-01-01", "not-satisfied", "expired", "bad: ", id="expired, and it fails"),
    ],
)
def test_declarations(work: Workplace, things: str, expires: str, status: str, state: str, reason: str) -> None:
    work.write(
        "meshguard.yaml", DEPLOYMENT.replace("name: main", f"name: main, {things}") + DECLARED % ("lab.all-ok", expires)
    )
    results = audited(work)
    (control,) = results["controls"]
    assert control["status"] == status
    assert reason in control["reason"]
    assert [d["state"] for d in results["declarations"]] == [state]
    assert bool(control["declared"]) is (state == "in use")
    contradiction = [f for f in results["findings"] if f["check"] == "declaration"]
    assert bool(contradiction) is (state == "contradicted")


def test_a_declaration_is_no_way_round_a_list_that_cannot_be_read(work: Workplace) -> None:
    work.controls("lab.one: lab.throttled")
    work.write("meshguard.yaml", DEPLOYMENT + DECLARED % ("lab.one", "2099-01-01"))
    (control,) = audited(work)["controls"]
    assert control["status"] == "undetermined"
    assert "it could not be seen whether it is" in control["reason"]


DERIVED = """\
  - {id: a.one, title: A, checks: [lab.ok]}
  - {id: a.two, title: B, checks: [lab.quiet]}
  - {id: b.item, title: C, requires: ["a.*"]}
"""


def test_a_derived_control_declared_not_applicable(work: Workplace) -> None:
    work.write("profile.yaml", HEAD + DERIVED)
    work.write("meshguard.yaml", DEPLOYMENT + DECLARED % ("b.item", "2099-01-01"))
    results = audited(work)
    assert statuses(results) == {"a.one": "satisfied", "a.two": "satisfied", "b.item": "not-satisfied"}
    assert "something that it applies to: a.one, a.two" in results["controls"][2]["reason"]


@pytest.mark.parametrize(
    ("things", "status", "reason"),
    [
        ("things: [a]", "satisfied", "2 of 2 required controls are satisfied"),
        ("things: [bad]", "not-satisfied", "a.one is not satisfied: bad: the state is bad, wanted ok"),
        ("things: [a], broken: [a]", "undetermined", "a.one is undetermined: a: a did not answer"),
        ("things: []", "undetermined", "a.one is undetermined: lab:main: there are no things to look at"),
    ],
)
def test_a_derived_control(work: Workplace, things: str, status: str, reason: str) -> None:
    work.write("profile.yaml", HEAD + DERIVED)
    work.lab(f"name: main, {things}")
    item = audited(work)["controls"][2]
    assert (item["status"], item["reason"], item["derived"]) == (status, reason, True)


OUTCOMES = list(Outcome)


def finding(outcome: Outcome, check: str, waiver: str | None = None) -> Finding:
    return Finding(
        id="x", control="c.c", check=check, target="t:t", resource="r", outcome=outcome, message="m", waiver=waiver
    )


@given(st.lists(st.lists(st.tuples(st.sampled_from(OUTCOMES), st.booleans()), max_size=4), max_size=4))
def test_no_combination_is_satisfied_where_something_was_not_looked_at(uses: list[list[tuple[Outcome, bool]]]) -> None:
    found = [
        [finding(o, f"a.c{n}", "w" if waived and o is Outcome.FAIL else None) for o, waived in use]
        for n, use in enumerate(uses)
    ]
    status, reason = status_of([f for use in found for f in use], "", found)
    assert reason
    if status in (Status.SATISFIED, Status.WAIVED):
        assert found
        for use in found:
            assert any(f.outcome in (Outcome.PASS, Outcome.FAIL) for f in use)
            assert not any(f.outcome in (Outcome.ERROR, Outcome.NOT_CHECKED) for f in use)
            assert all(f.waiver for f in use if f.outcome is Outcome.FAIL)
    assert status is not Status.NOT_APPLICABLE


@given(st.lists(st.sampled_from(OUTCOMES), max_size=5))
def test_a_waiver_never_turns_undetermined_into_waived(outcomes: list[Outcome]) -> None:
    before, _ = status_of([finding(o, "a.b") for o in outcomes])
    after, _ = status_of([finding(o, "a.b", "w" if o is Outcome.FAIL else None) for o in outcomes])
    if before is not Status.NOT_SATISFIED:
        assert after is before
    if after is Status.WAIVED:
        assert before is Status.NOT_SATISFIED
    assert after is not Status.SATISFIED or before is Status.SATISFIED


def test_a_pending_control_is_never_more_than_undetermined(work: Workplace) -> None:
    work.write("profile.yaml", HEAD + "  - {id: a.b, title: A, checks: [lab.ok], pending: half of it}\n")
    (control,) = audited(work)["controls"]
    assert (control["status"], control["unsettled"]) == ("undetermined", True)
    assert control["reason"] == "not fully verified yet: half of it"


def control(status: Status, **said: Any) -> ControlResult:
    return ControlResult.model_validate(
        {"id": "a.b", "title": "T", "status": status, "reason": "r", "priority": "high", "phase": ("pre",)} | said
    )


@pytest.mark.parametrize(
    ("said", "advisory", "code"),
    [
        pytest.param({}, False, 1, id="a failure"),
        pytest.param({}, True, 0, id="a failure, advisory"),
        pytest.param({"unsettled": True}, True, 3, id="advisory lets nothing else through with the failure"),
        pytest.param({"known": True}, False, 0, id="a failure of the baseline"),
        pytest.param({"known": True, "unsettled": True}, False, 3, id="a baseline neither"),
        pytest.param({"pulled_in": True, "unsettled": True}, False, 0, id="what is only pulled in does not count"),
        pytest.param({"priority": "low", "unsettled": True}, False, 0, id="below the threshold"),
    ],
)
def test_the_gate(said: dict[str, Any], advisory: bool, code: int) -> None:
    one = control(Status.NOT_SATISFIED, **said)
    assert decide([one], fail_on="high", complete=True, advisory=advisory).exit_code == code


PRIORITIES = ("critical", "high", "medium", "low")


@given(st.lists(st.tuples(st.sampled_from(list(Status)), st.sampled_from(PRIORITIES), st.booleans()), max_size=6))
def test_the_score_counts_what_is_satisfied_alone(rows: list[tuple[Status, str, bool]]) -> None:
    controls = [control(status, priority=priority, derived=derived) for status, priority, derived in rows]
    weight = {"critical": 8, "high": 4, "medium": 2, "low": 1}
    counted = [(s, weight[p]) for s, p, derived in rows if not derived and s is not Status.NOT_APPLICABLE]
    whole = sum(w for _, w in counted)
    good = sum(w for s, w in counted if s is Status.SATISFIED)
    assert score_of(controls) == (round(good / whole, 4) if whole else None)


def test_the_formula_names_the_weights() -> None:
    weights = Weights(critical=10)
    assert "(critical 10, high 4, medium 2, low 1)" in formula(weights)


THINGS = ("ok", "bad", "skip", "denied")


def test_no_mixture_of_resources_waivers_and_declarations_opens_the_gate_unseen(work: Workplace) -> None:
    waiver = (
        "waivers:\n  - {control: lab.all-ok, resource: %s, reason: accepted, owner: a, approver: b, ticket: T,"
        f" created: {TODAY}, expires: {TODAY + datetime.timedelta(days=30)}}}\n"
    )
    for things in itertools.chain.from_iterable(itertools.combinations(THINGS, n) for n in range(4)):
        for waived in ("bad", "denied"):
            listed = f"things: [{', '.join(things)}]"
            work.write(
                "meshguard.yaml", DEPLOYMENT.replace("name: main", f"name: main, {listed}") + "waivers: w.yaml\n"
            )
            work.write("w.yaml", waiver % waived)
            results = audited(work)
            (found,) = results["controls"]
            looked = {f["resource"] for f in results["findings"] if f["outcome"] in ("pass", "fail")}
            if "denied" in things or not looked:
                assert found["status"] in ("undetermined", "not-satisfied"), things
                assert results["gate"]["exit_code"] in (1, 3)
            if "bad" in things and waived == "bad" and "denied" not in things:
                assert found["status"] == "waived"


def test_a_finding_keeps_its_id_when_another_target_gets_a_stricter_value(work: Workplace, tmp_path: Path) -> None:
    work.write(
        "profile.yaml",
        "settings: {least: {value: 1, stricter: higher, title: L}}\n"
        + PROFILE.replace("- lab.ok", "- lab.ok: {least: $least}"),
    )
    work.lab("name: main", "name: other")
    before = {f["id"] for f in audited(work)["findings"]}
    text = (work.folder / "meshguard.yaml").read_text()
    work.write("meshguard.yaml", text + "settings: {least: {for: [{target: 'lab:other', value: 5}]}}\n")
    results = audited(work)
    assert {f["id"] for f in results["findings"]} == before
    assert {p["parameters"]["least"] for p in results["populations"]} == {1, 5}
