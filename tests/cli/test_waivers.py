"""Waivers in an audit, and `meshguard waive`."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from tests.conftest import DEPLOYMENT, PROFILE, Workplace

TODAY = datetime.datetime.now(datetime.UTC).date()


def day(days: int) -> str:
    return (TODAY + datetime.timedelta(days=days)).isoformat()


def entry(**changes: Any) -> str:
    said = {
        "control": "lab.all-ok",
        "resource": "bad",
        "reason": "replaced next month",
        "owner": "ops",
        "approver": "ciso",
        "ticket": "SEC-1",
        "created": day(-60),
        "expires": day(60),
    } | changes
    return "  - {" + ", ".join(f"{key}: {value}" for key, value in said.items()) + "}\n"


def waived(
    work: Workplace, *entries: str, things: str = "a, bad", more: str = "", options: tuple[str, ...] = ()
) -> Any:
    lab = f"{{name: main, things: [{things}]{more}}}"
    work.write("meshguard.yaml", DEPLOYMENT.replace("{name: main}", lab) + "waivers: w.yaml\n")
    work.write("w.yaml", "waivers:\n" + "".join(entries))
    done = work.call("audit", "-o", "json=-", *options)
    assert done.returncode != 2, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("changes", "status", "state", "code", "note"),
    [
        pytest.param({}, "waived", "in use", 0, "", id="it holds"),
        pytest.param({"expires": day(0)}, "waived", "in use", 0, "ends on", id="its last day"),
        pytest.param({"expires": day(30)}, "waived", "in use", 0, "ends on", id="it ends soon"),
        pytest.param({"expires": day(31)}, "waived", "in use", 0, "", id="a day before it ends soon"),
        pytest.param(
            {"expires": day(-1)}, "not-satisfied", "expired", 1, "1 failure counts again", id="it expired yesterday"
        ),
        pytest.param(
            {"resource": "bed"}, "not-satisfied", "unused", 1, "covers nothing that fails", id="a typing error"
        ),
        pytest.param({"target": "lab:other"}, "not-satisfied", "unused", 1, "covers nothing", id="another target"),
        pytest.param({"resource": "b*"}, "waived", "in use", 0, "", id="a glob"),
    ],
)
def test_a_waiver(work: Workplace, changes: dict[str, Any], status: str, state: str, code: int, note: str) -> None:
    results = waived(work, entry(**changes))
    assert results["controls"][0]["status"] == status
    assert [w["state"] for w in results["waivers"]] == [state]
    assert results["gate"]["exit_code"] == code
    assert results["score"] == 0.0, "a waived control is not satisfied"
    assert note in " ".join(results["notes"])
    assert bool(results["notes"]) is bool(note)


def test_what_is_undetermined_is_not_waived(work: Workplace) -> None:
    results = waived(work, entry(resource="b"), things="a, b", more=", broken: [b]")
    assert (results["controls"][0]["status"], results["gate"]["exit_code"]) == ("undetermined", 3)
    results = waived(work, entry(), things="bad, b", more=", broken: [b]")
    assert (results["controls"][0]["status"], results["gate"]["exit_code"]) == ("undetermined", 3)


def test_a_second_failure_is_not_waived_with_the_first(work: Workplace) -> None:
    results = waived(work, entry(), things="bad, bad2")
    assert results["controls"][0]["status"] == "not-satisfied"
    assert [(f["resource"], f["waiver"]) for f in results["findings"]] == [("bad", "SEC-1"), ("bad2", None)]


def test_an_expired_waiver_whose_failure_another_one_covers(work: Workplace) -> None:
    results = waived(work, entry(expires=day(-1)), entry(ticket="SEC-2"))
    assert results["controls"][0]["status"] == "waived"
    assert [(w["name"], w["state"], w["findings"]) for w in results["waivers"]] == [
        ("SEC-1", "expired", 0),
        ("SEC-2", "in use", 1),
    ]


def test_nothing_is_said_of_waivers_for_what_was_not_judged(work: Workplace) -> None:
    rows = "  - {id: lab.other, title: B, phase: post, checks: [lab.quiet]}\n"
    work.write("profile.yaml", PROFILE + rows)
    other = entry(control="lab.other", resource="x", ticket="SEC-2")
    assert waived(work, entry(), other, options=("--phase", "pre"))["notes"] == []
    assert waived(work, entry(), other, options=("--only", "lab.all-ok"))["notes"] == []
    assert ["SEC-2" in note for note in waived(work, entry(), other)["notes"]] == [True]


SET = {
    "control": "lab.all-ok",
    "resource": "bad",
    "reason": "replaced next month",
    "owner": "ops",
    "approver": "ciso",
    "ticket": "SEC-1",
    "expires": day(60),
}


def waive(work: Workplace, **changes: str) -> Any:
    said = SET | changes
    return work.call(
        "waive", "w.yaml", *(part for key, value in said.items() if value for part in ("--set", f"{key}={value}"))
    )


def test_waive_writes_what_an_audit_reads(work: Workplace) -> None:
    assert waive(work).returncode == 0
    assert waive(work, ticket="1.10", resource="b").returncode == 0
    work.write("meshguard.yaml", DEPLOYMENT.replace("name: main", "name: main, things: [bad, a]") + "waivers: w.yaml\n")
    results = json.loads(work.call("audit", "-o", "json=-").stdout)
    assert [w["name"] for w in results["waivers"]] == ["SEC-1", "1.10"]
    assert results["controls"][0]["status"] == "waived"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"expires": ""}, "expires is missing"),
        ({"approver": "ops"}, "the approver is the owner"),
        ({"resource": "*"}, "the resource '*' matches everything"),
        ({"expires": day(-1)}, "it expires before it was created"),
        ({"expires": "soon"}, "valid date"),
        ({"untl": "x"}, "a waiver has no 'untl'"),
    ],
)
def test_waive_writes_nothing_that_is_wrong(work: Workplace, changes: dict[str, str], what: str) -> None:
    work.write("w.yaml", "waivers:\n" + entry())
    before = (work.folder / "w.yaml").read_bytes()
    done = waive(work, **changes)
    assert done.returncode == 2
    assert what in done.stderr
    assert (work.folder / "w.yaml").read_bytes() == before


def test_waive_keeps_what_stands_in_the_file(work: Workplace) -> None:
    work.write("w.yaml", "# ours\nwaivers:\n  # why\n" + entry())
    assert waive(work, ticket="SEC-2").returncode == 0
    text = (work.folder / "w.yaml").read_text()
    assert text.startswith("# ours\nwaivers:\n  # why\n" + entry())
    work.write("w.yaml", "waivers: [" + entry().strip()[2:] + "]\n")
    assert "not written as a block list" in waive(work).stderr
