"""The text report: what a person reads first, whole, against files that hold it as it should be."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.evidence import sample_results as made

from meshguard.reports.groups import next_days, undetermined
from meshguard.reports.text import plain, render
from meshguard.reports.text_style import percent, some
from meshguard.results import Finding, Results, Status, WaiverUsed
from meshguard.verdict import Outcome

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "MESHGUARD_UPDATE_GOLDEN" in os.environ
"""Set it to write the golden files anew; look at the difference before you keep it."""


@pytest.mark.parametrize(
    ("name", "results", "options"),
    [
        pytest.param("guide", made.guide(), {"width": 100}, id="a guide with checklists and decisions"),
        pytest.param("guide-verbose", made.guide(), {"width": 100, "verbose": True}, id="all of it"),
        pytest.param("guide-narrow", made.guide(), {"width": 40}, id="the narrowest terminal"),
        pytest.param("guide-wide", made.guide(), {"width": 140}, id="the widest terminal"),
        pytest.param("sample", made.sample(hostile=False), {"width": 100}, id="all statuses and outcomes"),
        pytest.param("incomplete", made.sample(reduced=True, incomplete=True), {"width": 80}, id="reduced, incomplete"),
        pytest.param("clean", made.clean(), {"width": 80}, id="all satisfied"),
        pytest.param("empty", made.empty(), {"width": 80}, id="nothing at all"),
    ],
)
def test_the_report_is_as_it_was_kept(name: str, results: Results, options: dict[str, Any]) -> None:
    text = render(results, **options)
    path = GOLDEN / f"text-{name}.txt"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("width", [40, 60, 89, 90, 140])
@pytest.mark.parametrize("results", [made.guide(), made.sample(), made.large(60, 2)], ids=["guide", "sample", "large"])
def test_no_line_is_wider_than_asked_for(results: Results, width: int) -> None:
    assert max(len(line) for line in render(results, width=width).splitlines()) <= width


def test_no_text_from_a_target_is_markup_or_moves_the_cursor() -> None:
    text = render(made.sample(), verbose=True)
    assert not set(text) & set("\x00\x07\x1b\u202e\u2066\u200b\r")
    assert "[red]proxy[/red]" in render(made.guide())


def test_equal_results_give_equal_reports() -> None:
    assert render(made.guide()) == render(made.guide())


def finding(resource: str, outcome: str = "fail", **said: Any) -> Finding:
    whole = {"id": resource, "control": "docker.root", "check": "docker.root", "target": "docker:local"}
    return Finding.model_validate({**whole, "resource": resource, "outcome": outcome, "message": "it is bad", **said})


def told(*findings: Finding, verbose: bool = False) -> list[str]:
    """The lines about one control that these findings are of."""
    results = made.guide()
    control = next(c for c in results.controls if c.id == "docker.root").model_copy(update={"known": False})
    said = {"controls": (control,), "findings": findings, "waivers": (), "declarations": ()}
    lines = render(results.model_copy(update=said), verbose=verbose).partition("CRITICAL")[2].splitlines()
    return [line.strip() for line in lines[1:] if line.startswith(" ")]


def test_a_fix_that_all_findings_share_is_said_once_after_them() -> None:
    lines = told(finding("a", fix="mend it"), finding("b", message="it is worse", fix="mend it"))
    assert lines == ["docker.root on docker:local", "✗ a: it is bad", "✗ b: it is worse", "→ mend it"]


def test_fixes_that_differ_stand_each_with_what_they_mend() -> None:
    lines = told(finding("a", fix="mend a"), finding("b", fix="mend b"))
    assert lines == ["docker.root on docker:local", "✗ a: it is bad", "→ mend a", "✗ b: it is bad", "→ mend b"]


@pytest.mark.parametrize("outcome", ["error", "not-checked"])
def test_what_fails_comes_before_what_is_undetermined(outcome: str) -> None:
    assert told(finding("a", outcome), finding("b"))[1:] == ["✗ b: it is bad", "? a: it is bad"]


def test_resources_of_which_the_same_is_said_share_one_line_also_where_others_lie_between() -> None:
    lines = told(finding("a"), finding("b", message="other"), finding("c"))
    assert lines[1:] == ["✗ a, c: it is bad", "✗ b: other"]


def test_many_resources_are_counted_and_verbose_names_them_all() -> None:
    many = [finding(f"r{n}") for n in range(8)]
    assert told(*many)[1] == "✗ r0, r1, r2, r3, r4, r5 and 2 more: it is bad"
    assert told(*many, verbose=True)[1] == "✗ r0, r1, r2, r3, r4, r5, r6, r7: it is bad"


def test_many_sentences_are_counted_and_verbose_says_them_all() -> None:
    many = [finding(f"r{n}", message=f"bad in way {n}") for n in range(14)]
    assert told(*many)[-1] == "… and 2 more findings; --verbose shows all"
    assert told(*many, verbose=True)[-1] == "✗ r13: bad in way 13"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        pytest.param({"got": True, "want": False}, "✗ a: it is bad", id="a yes and a no say nothing more"),
        pytest.param({"got": "red", "want": "green"}, "✗ a: it is bad; got red, wanted green", id="both"),
        pytest.param({"got": "red"}, "✗ a: it is bad; got red", id="nothing wanted"),
        pytest.param({"want": "green"}, "✗ a: it is bad", id="nothing got, which the sentence says"),
        pytest.param({"got": "bad", "want": "good"}, "✗ a: it is bad", id="the sentence says what was got"),
        pytest.param({"waiver": "HM-1"}, "~ a: it is bad (accepted by waiver HM-1)", id="accepted"),
        pytest.param({"known_since": "2026-01-02"}, "✗ a: it is bad (known since 2026-01-02)", id="known"),
        pytest.param({"resource": "-"}, "✗ it is bad", id="the target itself"),
    ],
)
def test_one_sentence(said: dict[str, Any], line: str) -> None:
    assert told(finding(**{"resource": "a", **said}))[1] == line


def test_an_accepted_failure_comes_after_the_others() -> None:
    assert told(finding("a", waiver="HM-1"), finding("b"))[1][0] == "✗"


def test_a_waived_control_is_shown_as_waived_and_not_as_passed() -> None:
    text = render(made.guide(), verbose=True)
    waived = text.partition("Waived: accepted failures, which are no passes")[2].partition("\nSatisfied\n")[0]
    assert "records.report" in waived
    assert "records.report" not in text.partition("\nSatisfied\n")[2].partition("Checklist")[0]


def test_pending_controls_do_not_bury_the_others() -> None:
    single, groups = undetermined(made.guide())
    assert single == []
    assert [(group.kind, len(group.controls)) for group in groups] == [("target", 1), ("pending", 9), ("derived", 1)]


def test_a_pending_control_whose_findings_are_open_is_shown_by_them() -> None:
    results = made.guide()
    unread = finding("a", "error").model_copy(update={"control": "api.later-1"})
    single, _ = undetermined(results.model_copy(update={"findings": (*results.findings, unread)}))
    assert [control.id for control in single] == ["api.later-1"]


@pytest.mark.parametrize(
    ("held_up", "alike", "grouped"),
    [
        pytest.param(3, True, 3, id="three controls with one cause are told together"),
        pytest.param(2, True, 0, id="two are told apart"),
        pytest.param(3, False, 0, id="and so are three with causes of their own"),
    ],
)
def test_one_cause_of_many_is_told_once(held_up: int, alike: bool, grouped: int) -> None:
    results = made.large(1, held_up)
    findings = [
        made_finding.model_copy(
            update={
                "outcome": Outcome.ERROR,
                "resource": f"account/{index}",
                "message": f"its keys could not be listed: no credentials{'' if alike else f' for {index}'}",
                "fix": "give some",
            }
        )
        for index, made_finding in enumerate({f.control: f for f in results.findings}.values())
    ]
    controls = tuple(c.model_copy(update={"status": Status.UNDETERMINED, "requires": ()}) for c in results.controls)
    single, groups = undetermined(results.model_copy(update={"findings": tuple(findings), "controls": controls}))
    assert sum(len(group.controls) for group in groups if group.kind == "cause") == grouped
    assert len(single) == held_up - grouped
    if grouped:
        assert (groups[0].title, groups[0].settle) == ("wait for one thing: no credentials", "give some")


def test_of_a_pending_control_it_is_said_when_a_part_passes() -> None:
    results = made.guide()
    seen = finding("a", "pass").model_copy(update={"control": "api.later-1"})
    text = render(results.model_copy(update={"findings": (*results.findings, seen)}))
    assert "exist yet; of 1 of them a part was looked at, and passes" in " ".join(text.split())


@pytest.mark.parametrize("status", list(Status))
def test_each_status_has_its_box(status: Status) -> None:
    results = made.guide()
    item = next(control for control in results.controls if control.id == "checklist.pre.headers")
    text = render(results.model_copy(update={"controls": (item.model_copy(update={"status": status}),)}))
    box = {"satisfied": "x", "not-satisfied": " ", "undetermined": "?", "waived": "~", "not-applicable": "-"}
    assert f"[{box[status.value]}]  Security headers configured" in text


def waiver(**said: Any) -> WaiverUsed:
    return made.guide().waivers[0].model_copy(update={"ends_soon": False, **said})


@pytest.mark.parametrize(
    ("said", "line"),
    [
        pytest.param({}, "docker.root on legacy: in use for 1 failure until 2026-10-20", id="in use"),
        pytest.param({"ends_soon": True}, "for 1 failure until 2026-10-20, ENDS SOON", id="ends soon"),
        pytest.param(
            {"state": "unused", "findings": 0}, "legacy: UNUSED: nothing that it speaks of fails", id="unused"
        ),
        pytest.param(
            {"state": "expired", "findings": 2}, "EXPIRED on 2026-10-20: 2 failures of it count", id="expired"
        ),
        pytest.param({"control": "", "check": "docker.x"}, "HM-9 waives docker.x on legacy", id="a check"),
        pytest.param({"target": "docker:a"}, "docker.root on legacy of docker:a: in use", id="one target"),
        pytest.param({"expires": date(2027, 1, 2)}, "until 2027-01-02", id="its last day"),
    ],
)
def test_one_waiver(said: dict[str, Any], line: str) -> None:
    text = render(made.guide().model_copy(update={"waivers": (waiver(**said),), "declarations": ()}))
    assert line in " ".join(text.partition("Waivers and declarations")[2].split())


def test_what_needs_somebody_stands_first_in_the_ledger() -> None:
    text = render(made.guide()).partition("Waivers and declarations")[2]
    assert [text.index(name) for name in ("HM-6", "HM-9", "HM-7", "HM-8")] == sorted(
        text.index(name) for name in ("HM-6", "HM-9", "HM-7", "HM-8")
    )


@pytest.mark.parametrize(
    ("message", "days"),
    [
        pytest.param(
            "1 entry holds; next: baa/aws expires (2027-01-02)", [("2027-01-02", "baa/aws expires")], id="far"
        ),
        pytest.param("x; next: a/b ends in 5 days (2027-01-02)", [("2027-01-02", "a/b ends in 5 days")], id="near"),
        pytest.param("1 entry holds", [], id="nothing ends"),
        pytest.param("next: tomorrow", [], id="no day"),
    ],
)
def test_days_that_come(message: str, days: list[tuple[str, str]]) -> None:
    said = finding("-", "pass", check="records.fresh", message=message)
    assert next_days(made.guide().model_copy(update={"findings": (said, said)})) == days


def test_only_records_say_what_ends_next() -> None:
    said = finding("-", "pass", message="next: baa/aws expires (2027-01-02)")
    assert next_days(made.guide().model_copy(update={"findings": (said,)})) == []


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        pytest.param({"score": 0.721}, "score 72.1 %, 45.0 % determined", id="both"),
        pytest.param(
            {"score": None, "complete": "stopped"}, "no score: the audit is incomplete, 45.0 %", id="incomplete"
        ),
        pytest.param({"score": None, "scope": made.REDUCED}, "no score: the scope is reduced, 45.0 %", id="reduced"),
        pytest.param({"score": None}, "no score: nothing counts, 45.0 % determined", id="nothing counts"),
    ],
)
def test_the_score_stands_beside_what_is_determined(changed: dict[str, object], line: str) -> None:
    assert render(made.guide().model_copy(update=changed)).splitlines()[-1].startswith(line)


def test_the_formula_is_told_when_asked() -> None:
    assert "score: weight of satisfied over weight of applicable" in render(made.guide(), verbose=True)
    assert "weight of satisfied" not in render(made.guide())


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        pytest.param(1, "100 %", id="all"),
        pytest.param(0.9999, "99.9 %", id="almost all is not all"),
        pytest.param(0, "0 %", id="nothing"),
        pytest.param(0.0001, "0.1 %", id="almost nothing is not nothing"),
        pytest.param(0.7214, "72.1 %", id="in between"),
    ],
)
def test_percent(share: float, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        pytest.param(["a", "b"], "a, b", id="as many as may be"),
        pytest.param(["a", "b", "c"], "a, b, c", id="one more is named, for a count is no shorter"),
        pytest.param(["a", "b", "c", "d"], "a, b and 2 more", id="two more are counted"),
    ],
)
def test_some(names: list[str], shown: str) -> None:
    assert some(names, 2) == shown


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        pytest.param(300, "x" * 300, id="exactly the limit"),
        pytest.param(301, "x" * 299 + "… (301 characters)", id="one more is cut, and says so"),
    ],
)
def test_plain(length: int, shown: str) -> None:
    assert plain("x" * length) == shown


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\u2060", "\u3164", "\U000e0041"])
def test_what_takes_no_room_is_shown_by_its_number(hidden: str) -> None:
    shown = f"\\x{ord(hidden):02x}" if hidden <= "\xff" else f"\\u{ord(hidden):04x}"
    assert plain(f"a{hidden}b") == f"a{shown}b"


def test_outcomes_are_all_known_to_the_report() -> None:
    for outcome in Outcome:
        assert told(finding("a", outcome.value), verbose=True)
