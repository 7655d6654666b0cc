"""Waivers: what may be written, what they cover, and what is wrong in a file of them."""

from __future__ import annotations

import datetime
import json
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError
from tests.conftest import DEPLOYMENT, Workplace

from meshguard.results import Finding
from meshguard.verdict import Outcome
from meshguard.waivers import Waiver, Waivers, matches_everything

TODAY = datetime.datetime.now(datetime.UTC).date()


def day(days: int) -> str:
    return (TODAY + datetime.timedelta(days=days)).isoformat()


GOOD = {
    "control": "lab.all-ok",
    "resource": "bad",
    "reason": "replaced next month",
    "owner": "ops",
    "approver": "ciso",
    "ticket": "SEC-1",
    "created": day(-1),
    "expires": day(30),
}


def waiver(**changes: Any) -> Waiver:
    return Waiver.model_validate(GOOD | changes)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"reason": "  "}, "at least 3 characters"),
        ({"owner": " "}, "at least 1 character"),
        ({"approver": " OPS "}, "the approver is the owner"),
        ({"owner": "Op  Team", "approver": "op team"}, "the approver is the owner"),
        ({"control": ""}, "name the control or the check"),
        ({"expires": day(-2)}, "it expires before it was created"),
        ({"expires": 20270101}, "write a day, such as 2027-01-31"),
        ({"expires": datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)}, "write a day"),
        ({"expires": "never"}, "valid date"),
        ({"ticket": 12}, "YAML reads it as the number 12; write it in quotes"),
        ({"resource": ""}, "at least 1 character"),
        ({"until": day(1)}, "Extra inputs"),
    ],
)
def test_what_a_waiver_may_not_be(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError) as caught:
        waiver(**changes)
    assert what in str(caught.value)


@pytest.mark.parametrize("name", ["control", "resource", "reason", "owner", "approver", "ticket", "created", "expires"])
def test_no_field_may_be_missing(name: str) -> None:
    with pytest.raises(ValidationError):
        Waiver.model_validate({key: value for key, value in GOOD.items() if key != name and name != "control"})


@pytest.mark.parametrize(
    ("pattern", "everything"),
    [
        *((pattern, True) for pattern in ("*", "**", "?*", "[!x]*", "[a-z]*", "/*", "*-*", "?", "*.*", "*/*")),
        *((pattern, False) for pattern in ("-", "/", "a", "web-*", "/api/*", "*.pem", "[ab]c", "*a")),
    ],
)
def test_globs_that_name_nothing(pattern: str, everything: bool) -> None:
    assert matches_everything(pattern) is everything
    if everything:
        with pytest.raises(ValidationError, match="matches everything"):
            waiver(resource=pattern)
    else:
        assert waiver(resource=pattern).resource == pattern


def finding(**changes: Any) -> Finding:
    said = {"id": "x", "control": "lab.all-ok", "check": "lab.ok", "target": "lab:main", "resource": "bad"}
    return Finding.model_validate(said | {"outcome": Outcome.FAIL, "message": "m"} | changes)


@pytest.mark.parametrize(
    ("changes", "found", "covered"),
    [
        ({}, {}, True),
        ({}, {"control": "lab.other"}, False),
        ({"control": "", "check": "lab.ok"}, {"control": "lab.other"}, True),
        ({"check": "lab.quiet"}, {}, False),
        ({"check": "lab.ok"}, {}, True),
        ({"resource": "b*"}, {}, True),
        ({"resource": "B*"}, {}, False),
        ({"target": "lab:other"}, {}, False),
        ({"target": "lab:*"}, {}, True),
        ({"expires": day(0)}, {}, True),
        ({"created": day(0)}, {}, True),
    ],
)
def test_what_a_waiver_covers(changes: dict[str, Any], found: dict[str, Any], covered: bool) -> None:
    entries = Waivers((waiver(**changes),))
    assert (entries.valid_for(finding(**found), TODAY) == 0) is covered


@pytest.mark.parametrize(("days", "valid"), [(-1, False), (0, True), (1, True)])
def test_the_last_day_counts_and_the_next_does_not(days: int, valid: bool) -> None:
    entries = Waivers((waiver(created=day(-9), expires=day(days)),))
    assert (entries.valid_for(finding(), TODAY) is not None) is valid


def test_waivers_of_one_ticket_are_told_apart() -> None:
    assert Waivers((waiver(), waiver(ticket="B"), waiver())).names == ("SEC-1 (1)", "B", "SEC-1 (2)")


def text(**changes: Any) -> str:
    said = {key: value for key, value in (GOOD | changes).items() if value is not None}
    return "  - {" + ", ".join(f"{key}: {value}" for key, value in said.items()) + "}\n"


def test_every_mistake_of_every_file_is_said_at_once(work: Workplace) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + "waivers: w.yaml\nnmae: x\nrecords: records\n")
    work.write("profile.yaml", (work.folder / "profile.yaml").read_text().replace("lab.ok", "lab.okk"))
    work.write("records/dpia.yaml", "kind: dpia\nentries:\n  - {id: a}\n")
    entries = (
        text(expires=None),
        text(approver="ops"),
        text(resource='"*"'),
        text(expires=day(400)),
        text(control="lab.all-okk"),
        text(created=day(1)),
        text(control='""', check="lab.quiet"),
    )
    work.write("w.yaml", "waivers:\n" + "".join(entries))
    done = work.call("validate")
    assert done.returncode == 2
    for expected in (
        "w.yaml:2: 'waivers.0.expires' is missing",
        "w.yaml:3: waivers.1: the approver is the owner; somebody else must approve",
        "w.yaml:4: waivers.2: the resource '*' matches everything; name what is accepted",
        "w.yaml:5: it lives 401d, longer than the 365d that the profile allows",
        "w.yaml:6: unknown control 'lab.all-okk'\n      did you mean 'lab.all-ok'?",
        "w.yaml:7: it was created on ",
        "w.yaml:8: unknown check 'lab.quiet'",
        "meshguard.yaml:7: unknown key 'nmae'",
        "profile.yaml:10: unknown check 'lab.okk'",
        "dpia.yaml:3: ",
    ):
        assert expected in done.stderr


def test_waivers_are_looked_at_also_where_the_profile_is_not_known(work: Workplace) -> None:
    work.write("meshguard.yaml", DEPLOYMENT.replace("./profile.yaml", "nothing") + "waivers: w.yaml\n")
    work.write("w.yaml", "waivers:\n" + text(control="x.y") + text(approver="ops"))
    done = work.call("validate")
    assert "unknown profile 'nothing'" in done.stderr
    assert "the approver is the owner" in done.stderr
    assert "x.y" not in done.stderr


@pytest.mark.parametrize(("days", "code"), [(365, 0), (366, 2)])
def test_the_longest_life_is_the_profiles(work: Workplace, days: int, code: int) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + "waivers: w.yaml\n")
    work.write("w.yaml", "waivers:\n" + text(created=day(0), expires=day(days)))
    assert work.call("validate").returncode == code


@pytest.mark.parametrize("content", ["", "waivers: 3\n", "waivers: {}\n", "- a\n", "waivers: [3, x]\n"])
def test_a_file_of_another_form(work: Workplace, content: str) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + "waivers: w.yaml\n")
    work.write("w.yaml", content)
    done = work.call("validate")
    assert done.returncode == 2
    assert "w.yaml" in done.stderr


DECLARED = "{control: lab.all-ok, reason: one host, owner: ops, approver: %s, created: %s, expires: %s}"


@pytest.mark.parametrize(
    ("entries", "what"),
    [
        ([DECLARED % ("ops", day(0), day(9))], "the approver is the owner"),
        ([DECLARED % ("ciso", day(0), day(366))], "it lives 366d, longer than the 365d"),
        ([DECLARED % ("ciso", day(0), day(-1))], "it expires before it was created"),
        ([DECLARED % ("ciso", day(0), day(9))] * 2, "lab.all-ok is declared twice"),
    ],
)
def test_declarations_that_are_wrong(work: Workplace, entries: list[str], what: str) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + f"not_applicable: [{', '.join(entries)}]\n")
    done = work.call("validate")
    assert "meshguard.yaml:6: " in done.stderr
    assert what in done.stderr


SHA = "a" * 64
ENTRY = (
    "kind: playbook\nentries:\n  - id: a\n    incident_type: breach\n    signed_by: ciso\n    date: 2026-01-01\n"
    f"    review_every: 365d\n    document: %s\n    sha256: {SHA}\n"
)


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ("none.pdf", "the document 'none.pdf' is not there"),
        ("../profile.yaml", "the document '../profile.yaml' is outside the records' folder"),
        ("a.txt", "the document 'a.txt' has another sha256"),
        ("sub", "the document 'sub' is no file"),
    ],
)
def test_documents_of_records(work: Workplace, document: str, what: str) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + "records: records\n")
    work.write("records/a.txt", "x")
    work.write("records/sub/b.txt", "x")
    work.write("records/playbook.yaml", ENTRY % document)
    done = work.call("validate")
    assert f"records/playbook.yaml:8: {what}" in done.stderr
    assert done.returncode == 2
    assert work.call("audit", "-q").returncode == 0, "an audit does not stop for a register that no check needs"


def test_a_register_whose_name_is_nearly_that_of_a_kind(work: Workplace) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + "records: records\n")
    work.write("records/playbok.yaml", "kind: playbook\n")
    work.write("records/minutes.yaml", "anything: 1\n")
    done = work.call("validate")
    assert "'playbok' is no kind of record, so it is not read\n      did you mean 'playbook'?" in done.stderr
    assert "minutes" not in done.stderr


def test_the_schema_takes_what_is_read_and_refuses_what_is_not(work: Workplace) -> None:
    schema = json.loads(work.call("schema", "waivers").stdout)
    as_json = {key: str(value) for key, value in GOOD.items()}
    jsonschema.validate({"waivers": [as_json]}, schema)
    for wrong in ({"expires": 3}, {"owner": ""}, {"until": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"waivers": [as_json | wrong]}, schema)
