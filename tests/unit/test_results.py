from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshguard.gate import decide
from meshguard.profile import PRIORITIES, Priority
from meshguard.results import RANK, ControlResult, Finding, Status, finding_id, status_of
from meshguard.score import score_of
from meshguard.values import (
    canonical_json,
    did_you_mean,
    encodable,
    parse_duration,
    printable,
    show_duration,
    shown,
)
from meshguard.verdict import Outcome, judged, passed

P, F, E, C, A = Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.NOT_CHECKED, Outcome.NOT_APPLICABLE


def finding(outcome: Outcome, check: str = "lab.a") -> Finding:
    return Finding(
        id="0", control="c", check=check, target="lab:x", resource="r", outcome=outcome, message=f"it is {outcome}"
    )


def control(status: Status, priority: Priority = "high") -> ControlResult:
    return ControlResult(
        id="a.b", title="t", status=status, reason="", priority=priority, phase=("pre",), rationale="", remediation=""
    )


@pytest.mark.parametrize(
    ("outcomes", "pending", "status", "reason"),
    [
        pytest.param([], "", Status.UNDETERMINED, "nothing was looked at", id="no finding"),
        pytest.param([P], "", Status.SATISFIED, "1 of 1 verdicts pass", id="a pass"),
        pytest.param([P, A, P], "", Status.SATISFIED, "2 of 2 verdicts pass", id="what does not apply is not counted"),
        pytest.param([A, A], "", Status.UNDETERMINED, "lab.a found nothing that it speaks of", id="nothing applies"),
        pytest.param([P, F, E], "", Status.NOT_SATISFIED, "r: it is fail", id="a failure is the worst"),
        pytest.param([F, F], "", Status.NOT_SATISFIED, "r: it is fail (and 1 more)", id="two failures"),
        pytest.param([P, E], "", Status.UNDETERMINED, "r: it is error", id="an error"),
        pytest.param([P, C], "", Status.UNDETERMINED, "r: it is not-checked", id="not checked"),
        pytest.param([P], "a drill", Status.UNDETERMINED, "not fully verified yet: a drill", id="pending"),
        pytest.param([F], "a drill", Status.NOT_SATISFIED, "r: it is fail", id="pending hides no failure"),
    ],
)
def test_status(outcomes: list[Outcome], pending: str, status: Status, reason: str) -> None:
    assert status_of([finding(outcome) for outcome in outcomes], pending) == (status, reason)


def test_each_check_must_have_looked_at_something() -> None:
    found = [finding(P, "lab.a"), finding(A, "lab.b")]
    assert status_of(found) == (Status.UNDETERMINED, "lab.b found nothing that it speaks of")


def test_each_use_of_a_check_must_have_looked_at_something() -> None:
    uses = [[finding(P)], [finding(A)]]
    assert status_of([f for use in uses for f in use], "", uses)[0] is Status.UNDETERMINED


@given(st.lists(st.tuples(st.sampled_from(list(Outcome)), st.sampled_from(["lab.a", "lab.b"]))))
def test_only_passes_satisfy(rows: list[tuple[Outcome, str]]) -> None:
    status, _ = status_of([finding(outcome, check) for outcome, check in rows])
    outcomes = {outcome for outcome, _ in rows}
    if status is Status.SATISFIED:
        assert outcomes <= {P, A}
        assert {check for _, check in rows} == {check for outcome, check in rows if outcome is P}
    assert (status is Status.NOT_SATISFIED) == (F in outcomes)
    assert status in (Status.SATISFIED, Status.NOT_SATISFIED, Status.UNDETERMINED)


@pytest.mark.parametrize(
    ("statuses", "complete", "advisory", "code"),
    [
        pytest.param([], True, False, 0, id="nothing in scope of the gate"),
        pytest.param([Status.SATISFIED, Status.WAIVED, Status.NOT_APPLICABLE], True, False, 0, id="all well"),
        pytest.param([Status.NOT_SATISFIED], True, False, 1, id="not satisfied"),
        pytest.param([Status.UNDETERMINED], True, False, 3, id="undetermined"),
        pytest.param([Status.NOT_SATISFIED, Status.UNDETERMINED], True, False, 1, id="1 goes before 3"),
        pytest.param([Status.NOT_SATISFIED], "it was stopped", False, 1, id="1 goes before incomplete"),
        pytest.param([Status.SATISFIED], "it was stopped", False, 3, id="incomplete"),
        pytest.param([], "it was stopped", True, 3, id="advisory does not hide incomplete"),
        pytest.param([Status.NOT_SATISFIED], True, True, 0, id="advisory lets failures through"),
        pytest.param([Status.NOT_SATISFIED, Status.UNDETERMINED], True, True, 3, id="advisory hides no unknown"),
    ],
)
def test_gate(statuses: list[Status], complete: bool | str, advisory: bool, code: int) -> None:
    gate = decide([control(s) for s in statuses], fail_on="high", complete=complete, advisory=advisory)
    assert (gate.exit_code, gate.open) == (code, code == 0)
    assert gate.reason


@pytest.mark.parametrize(("fail_on", "priority"), list(product(PRIORITIES, PRIORITIES)))
@pytest.mark.parametrize(("status", "code"), [(Status.NOT_SATISFIED, 1), (Status.UNDETERMINED, 3)])
def test_the_threshold(fail_on: Priority, priority: Priority, status: Status, code: int) -> None:
    counts = PRIORITIES.index(priority) <= PRIORITIES.index(fail_on)
    gate = decide([control(status, priority)], fail_on=fail_on, complete=True)
    assert gate.exit_code == (code if counts else 0)


@given(
    st.lists(st.tuples(st.sampled_from(list(Status)), st.sampled_from(PRIORITIES))),
    st.sampled_from(PRIORITIES),
    st.booleans(),
    st.booleans(),
)
def test_the_gate_is_never_open_over_what_is_not_known(
    rows: list[tuple[Status, Priority]], fail_on: Priority, advisory: bool, complete: bool
) -> None:
    gate = decide(
        [control(*row) for row in rows], fail_on=fail_on, complete=complete or "it was stopped", advisory=advisory
    )
    counted = {status for status, priority in rows if PRIORITIES.index(priority) <= PRIORITIES.index(fail_on)}
    if gate.open:
        assert complete
        assert Status.UNDETERMINED not in counted
        assert advisory or Status.NOT_SATISFIED not in counted
    assert gate.exit_code in (0, 1, 3)


@pytest.mark.parametrize(
    ("rows", "score"),
    [
        pytest.param([], None, id="no control"),
        pytest.param([(Status.NOT_APPLICABLE, "critical")], None, id="none that applies"),
        pytest.param([(Status.SATISFIED, "low")], 1.0, id="all satisfied"),
        pytest.param([(Status.SATISFIED, "critical"), (Status.NOT_SATISFIED, "high")], 0.6667, id="weights 8 and 4"),
        pytest.param([(Status.SATISFIED, "medium"), (Status.UNDETERMINED, "low")], 0.6667, id="weights 2 and 1"),
        pytest.param([(Status.SATISFIED, "low"), (Status.WAIVED, "low")], 0.5, id="waived is not satisfied"),
        pytest.param([(Status.SATISFIED, "low"), (Status.NOT_APPLICABLE, "low")], 1.0, id="not applicable is out"),
    ],
)
def test_score(rows: Sequence[tuple[Status, Priority]], score: float | None) -> None:
    assert score_of([control(*row) for row in rows]) == score


def test_every_status_has_a_rank() -> None:
    assert sorted(RANK, key=RANK.__getitem__) == [
        Status.NOT_SATISFIED,
        Status.UNDETERMINED,
        Status.WAIVED,
        Status.SATISFIED,
        Status.NOT_APPLICABLE,
    ]


def test_a_findings_id_is_its_place() -> None:
    one = finding_id("c", "a.b", "lab:x", "r")
    assert one == finding_id("c", "a.b", "lab:x", "r")
    assert len({one, finding_id("c", "a.b", "lab:x", "r", "{}"), finding_id("c", "a.b", "lab:", "xr")}) == 3


@pytest.mark.parametrize(
    ("text", "again"),
    [("365d", "365d"), ("1d12h", "1d12h"), ("90m", "1h30m"), ("0s", "0s"), ("200ms", "200ms"), (" 1.5H ", "1h30m")],
)
def test_durations(text: str, again: str) -> None:
    assert show_duration(parse_duration(text)) == again
    assert show_duration(-parse_duration("5m")) == "-5m"


@pytest.mark.parametrize("text", ["", "5", 5, "5 days", "d", "-5d", "1d 2h", "99999999999d", "9" * 400 + "d", True])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        ("x", "x"),
        ([1, "a"], "1, a"),
        ({"b", "a"}, "a, b"),
        (parse_duration("1h"), "1h"),
        ((parse_duration("1h"),), "1h"),
        ({"a": 1}, "{'a': 1}"),
    ],
)
def test_values_are_shown_as_scalars(value: object, text: object) -> None:
    assert shown(value) == text


def test_verdicts_say_what_is_and_what_was_wanted() -> None:
    assert judged(False, "max-age", got=1, want=2).message == "max-age is 1, wanted 2"
    assert judged(True, "max-age", got=2, want=2).message == "max-age is 2"
    assert judged(False, "x", got=1, want=2, fix="mend").but(message="y", fix="").fix == ""
    assert passed("x").but().message == "x"


def test_json_is_canonical_and_can_always_be_written() -> None:
    assert canonical_json({"b": 1, "a": "ü"}) == '{"a":"ü","b":1}'
    assert canonical_json("\ud800").encode() == b'"\\ud800"'
    assert encodable("a\udcffb") == "a\\udcffb"


@given(st.text())
def test_what_is_printable_is_one_line_without_control(text: str) -> None:
    line = printable(text)
    assert len(line.splitlines()) <= 1
    assert not set(line) & set("\x00\x07\x1b\x7f\x9b\u202e\u2066\u2028\ufeff\n\r")
    line.encode()


def test_hints() -> None:
    assert did_you_mean("hst", ["hsts", "csp"]) == "did you mean 'hsts'?"
    assert did_you_mean("zzz", ["hsts"], otherwise="none") == "none"
