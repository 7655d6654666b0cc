"""records.register and records.fresh."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from examples.healthmesh.defect import Defect, Mistake
from examples.healthmesh.records.defects import RECORD_DEFECTS, kind_of
from examples.healthmesh.records.hardened import DEMANDS
from examples.healthmesh.records.make import LEAKY, write
from examples.healthmesh.records.recordset import RecordSet

from meshguard.api import Clock, Evidence, NotObserved, Verdict
from meshguard.targets.records import RecordEntry, Records, Register
from meshguard.testing import judge, recorded
from meshguard_checks.records import fresh, register

TODAY = date(2026, 3, 1)
CHECKS: dict[str, Any] = {"records.register": register, "records.fresh": fresh}


def clock(today: date = TODAY) -> Clock:
    noon = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    return recorded(Clock, {Clock.now: {(): noon}}, name="audit")


def entry(name: str = "aws-1", **said: Any) -> RecordEntry:
    """A standing entry that holds, with other values where they are given."""
    values: dict[str, Any] = {
        "id": name,
        "item": "aws",
        "where": "records/baa.yaml:3",
        "signed_by": "ciso",
        "approver": "ceo",
        "dated": date(2026, 1, 1),
        "reviewed": None,
        "began": None,
        "answered": None,
        "valid_until": date(2026, 12, 31),
        "review_every": None,
        "risk": None,
        "result": None,
        "document": "documents/aws.pdf",
        "sha256": "0" * 64,
        "found": "match",
        "signature": "absent",
    }
    return RecordEntry(**{**values, **said})


def event(name: str, began: date, answered: date | None) -> RecordEntry:
    return entry(
        name, item=name, dated=began, began=began, answered=answered, valid_until=None, document=None, found="none"
    )


def registers(kind: str, *entries: RecordEntry, **said: Any) -> Records:
    found = Register(**{"kind": kind, "where": f"records/{kind}.yaml", "found": True, "entries": entries, **said})
    return recorded(Records, {Records.register: {(kind,): found}}, folder="records")


async def ask(kind: str, *entries: RecordEntry, check: Any = register, said: Any = None, **parameters: Any) -> Verdict:
    return await judge(check, registers(kind, *entries, **(said or {})), clock(), kind=kind, **parameters)


@pytest.mark.parametrize(
    ("said", "outcome", "message"),
    [
        pytest.param(
            {"valid_until": date(2026, 12, 31)},
            "pass",
            "1 entry holds; next: baa/aws-1 expires (2026-12-31)",
            id="a day far ahead is named",
        ),
        pytest.param(
            {"valid_until": date(2026, 3, 31)},
            "pass",
            "1 entry holds; next: baa/aws-1 expires in 30 days (2026-03-31)",
            id="a day within the warning is counted down",
        ),
        pytest.param(
            {"valid_until": date(2026, 4, 1)},
            "pass",
            "1 entry holds; next: baa/aws-1 expires (2026-04-01)",
            id="a day after the warning is not counted",
        ),
        pytest.param(
            {"valid_until": date(2026, 3, 1)},
            "pass",
            "1 entry holds; next: baa/aws-1 expires today (2026-03-01)",
            id="the last day still counts",
        ),
        pytest.param(
            {"valid_until": date(2026, 2, 28)}, "fail", "baa/aws-1 expired on 2026-02-28", id="yesterday is over"
        ),
        pytest.param(
            {"valid_until": None, "review_every": "59d"},
            "pass",
            "1 entry holds; next: baa/aws-1 is due for review today (2026-03-01)",
            id="due for review today",
        ),
        pytest.param(
            {"valid_until": None, "review_every": "58d"},
            "fail",
            "baa/aws-1 was due for review on 2026-02-28",
            id="due for review yesterday",
        ),
        pytest.param(
            {"valid_until": None, "review_every": "58d", "reviewed": date(2026, 2, 1)},
            "pass",
            "1 entry holds; next: baa/aws-1 is due for review in 30 days (2026-03-31)",
            id="a review renews it",
        ),
        pytest.param({"dated": date(2026, 3, 1)}, "pass", "1 entry holds", id="dated today"),
        pytest.param(
            {"dated": date(2026, 3, 2)}, "fail", "baa/aws-1 is dated in the future (2026-03-02)", id="dated tomorrow"
        ),
        pytest.param(
            {"reviewed": date(2026, 3, 2)},
            "fail",
            "baa/aws-1 is dated in the future (2026-03-02)",
            id="reviewed tomorrow",
        ),
        pytest.param({"result": "failed"}, "fail", "baa/aws-1 failed", id="what was tried failed"),
        pytest.param({"approver": None}, "pass", "1 entry holds", id="no approver where none is demanded"),
        pytest.param(
            {"approver": " CISO"},
            "fail",
            "baa/aws-1 is approved by who signed it ( CISO)",
            id="the approver is the signer in capitals",
        ),
        pytest.param({"found": "none", "document": None}, "pass", "1 entry holds", id="a kind without a document"),
        pytest.param({"found": "differs"}, "fail", "its SHA-256 differs (documents/aws.pdf)", id="document changed"),
        pytest.param({"found": "missing"}, "fail", "a document that is missing", id="document missing"),
        pytest.param({"found": "outside"}, "fail", "lies outside the records' folder", id="document outside"),
        pytest.param({"found": "not-a-file"}, "fail", "is no regular file", id="document is a folder"),
        pytest.param({"found": "too-large"}, "not-checked", "too large to be hashed", id="document too large"),
        pytest.param({"found": "unreadable"}, "not-checked", "cannot be read", id="document unreadable"),
        pytest.param(
            {"found": "not-fetched"}, "not-checked", "is at a URL, which is not fetched", id="document at URL"
        ),
        pytest.param({"signature": "invalid"}, "fail", "a signature that does not fit", id="a false signature"),
        pytest.param({"signature": "unknown-key"}, "pass", "1 entry holds", id="a signature nobody asked for"),
    ],
)
async def test_an_entry_of_a_register(said: dict[str, Any], outcome: str, message: str) -> None:
    verdict = await ask("baa", entry(**said))
    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message
    assert (outcome == "pass") == (verdict.fix == "")
    assert outcome == "pass" or "records/baa.yaml:3" in verdict.fix


@pytest.mark.parametrize(
    ("check", "kind"), [pytest.param(register, "playbook", id="register"), pytest.param(fresh, "playbook", id="fresh")]
)
@pytest.mark.parametrize(
    ("dated", "max_age", "outcome"),
    [
        pytest.param(date(2025, 3, 1), "365d", "pass", id="exactly the greatest age"),
        pytest.param(date(2025, 2, 28), "365d", "fail", id="one day older"),
        pytest.param(date(2026, 2, 28), "36h", "pass", id="a day and a half allow yesterday"),
        pytest.param(date(2026, 2, 27), "36h", "fail", id="a day and a half do not allow the day before"),
        pytest.param(date(1990, 1, 1), "9000000d", "pass", id="an age beyond the calendar"),
    ],
)
async def test_greatest_age(check: Any, kind: str, dated: date, max_age: str, outcome: str) -> None:
    assert (await ask(kind, entry(dated=dated), check=check, max_age=max_age)).outcome == outcome


@pytest.mark.parametrize(
    ("risk", "outcome"),
    [
        pytest.param("high", "fail", id="a high risk must be looked at again"),
        pytest.param("medium", "pass", id="a medium one by its own terms"),
        pytest.param("low", "pass", id="a low one by its own terms"),
    ],
)
async def test_age_binds_assessments_of_a_high_risk(risk: str, outcome: str) -> None:
    assert (await ask("dpia", entry(risk=risk, dated=date(2024, 1, 1)), max_age="365d")).outcome == outcome


@pytest.mark.parametrize(
    ("kind", "began", "answered", "parameters", "outcome", "message"),
    [
        pytest.param("breach", date(2025, 1, 1), date(2025, 3, 2), {}, "pass", "1 entry holds", id="60 days exactly"),
        pytest.param(
            "breach",
            date(2025, 1, 1),
            date(2025, 3, 3),
            {},
            "fail",
            "breach/e was notified after 61d, wanted within 60d",
            id="61 days",
        ),
        pytest.param(
            "breach",
            date(2025, 12, 31),
            None,
            {},
            "pass",
            "next: breach/e must be notified today (2026-03-01)",
            id="not notified on the last day",
        ),
        pytest.param(
            "breach",
            date(2025, 12, 30),
            None,
            {},
            "fail",
            "breach/e was not notified by 2026-02-28",
            id="not notified a day after the last",
        ),
        pytest.param(
            "breach",
            date(2025, 1, 1),
            date(2025, 1, 5),
            {"max_notification_delay": "72h"},
            "fail",
            "after 4d, wanted within 3d",
            id="a shorter term",
        ),
        pytest.param(
            "breach",
            date(2025, 1, 1),
            None,
            {"max_notification_delay": None},
            "pass",
            "1 entry holds",
            id="no term is wanted",
        ),
        pytest.param(
            "breach", date(2026, 2, 1), date(2026, 3, 2), {}, "fail", "dated in the future", id="notified tomorrow"
        ),
        pytest.param("breach", date(2026, 3, 2), None, {}, "fail", "dated in the future", id="discovered tomorrow"),
        pytest.param("post-incident", date(2026, 1, 1), date(2026, 1, 15), {}, "pass", "1 entry", id="14 days exactly"),
        pytest.param(
            "post-incident", date(2026, 1, 1), date(2026, 1, 16), {}, "fail", "reviewed after 15d", id="15 days"
        ),
        pytest.param(
            "post-incident",
            date(2026, 1, 1),
            date(2026, 1, 9),
            {"review_within": "7d"},
            "fail",
            "reviewed after 8d, wanted within 7d",
            id="a review within a week",
        ),
        pytest.param(
            "post-incident", date(2026, 2, 14), None, {}, "fail", "not reviewed by 2026-02-28", id="no review in time"
        ),
        pytest.param(
            "breach", date(2020, 1, 1), date(2020, 1, 2), {"max_age": "365d"}, "pass", "1 entry", id="events do not age"
        ),
    ],
)
async def test_events(
    kind: str, began: date, answered: date | None, parameters: dict[str, Any], outcome: str, message: str
) -> None:
    verdict = await ask(kind, event("e", began, answered), **parameters)
    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_every_event_is_judged_and_none_supersedes_another() -> None:
    late, good = event("old", date(2024, 1, 1), date(2024, 6, 1)), event("new", date(2026, 1, 1), date(2026, 1, 2))
    assert (await ask("breach", late, good)).outcome == "fail"


@pytest.mark.parametrize(
    ("found", "outcome", "message"),
    [
        pytest.param({"found": False}, "fail", "no record of kind breach", id="no file"),
        pytest.param({}, "fail", "the register of kind breach is empty", id="neither entries nor none"),
        pytest.param(
            {"none": {"valid_until": date(2026, 3, 1)}},
            "pass",
            "declared by dpo: no breach; next: breach/none expires today (2026-03-01)",
            id="none, on its last day",
        ),
        pytest.param(
            {"none": {"valid_until": date(2026, 2, 28)}},
            "fail",
            "breach/none expired on 2026-02-28",
            id="none that ended yesterday",
        ),
        pytest.param(
            {"none": {"dated": date(2026, 3, 2)}}, "fail", "breach/none is dated in the future", id="none ahead"
        ),
        pytest.param(
            {"none": {"signature": "invalid"}}, "fail", "does not fit what it says", id="none with a false signature"
        ),
        pytest.param(
            {"none": {}, "required": ("x",)}, "fail", "breach has no entry for x", id="none where an item is required"
        ),
    ],
)
async def test_registers_without_entries(found: dict[str, Any], outcome: str, message: str) -> None:
    if "none" in found:
        found = {**found, "none": entry("none", **{"item": "none", "signed_by": "dpo", **found["none"]})}
    verdict = await ask("breach", said=found)
    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_age_binds_the_declaration_that_there_is_none() -> None:
    none = entry("none", item="none", dated=date(2025, 2, 28), valid_until=date(2099, 1, 1))
    assert (await ask("breach", said={"none": none}, max_age="365d")).outcome == "fail"
    assert (await ask("breach", said={"none": none}, max_age="366d")).outcome == "pass"


@pytest.mark.parametrize(
    ("required", "of_deployment", "missing"),
    [
        pytest.param(("aws",), (), [], id="it is there"),
        pytest.param(("AWS",), (), [], id="capitals do not matter"),
        pytest.param(("aws", "twilio"), (), ["twilio"], id="one lacks"),
        pytest.param((), ("twilio",), ["twilio"], id="the deployment demands one that lacks"),
        pytest.param(("okta",), ("twilio",), ["okta", "twilio"], id="both demands count"),
    ],
)
async def test_required_items(required: tuple[str, ...], of_deployment: tuple[str, ...], missing: list[str]) -> None:
    verdict = await ask("baa", entry(), said={"required": of_deployment}, required=required)
    assert verdict.outcome == ("fail" if missing else "pass")
    assert all(f"baa has no entry for {item}" in verdict.message for item in missing)


async def test_all_offenders_are_named_with_their_places() -> None:
    one = entry("a", item="a", valid_until=date(2026, 1, 2), where="records/baa.yaml:3")
    two = entry("b", item="b", found="missing", where="records/baa.yaml:9")
    good = entry("c", item="c", where="records/baa.yaml:15")
    verdict = await ask("baa", one, two, good)
    assert "baa/a expired on 2026-01-02; baa/b has a document that is missing" in verdict.message
    assert verdict.fix == "correct or renew what stands at records/baa.yaml:3, records/baa.yaml:9"


@pytest.mark.parametrize("check", [pytest.param(register, id="register"), pytest.param(fresh, id="fresh")])
@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        pytest.param({"valid_until": date(2026, 1, 2)}, {"dated": date(2026, 1, 2)}, "pass", id="renewed"),
        pytest.param(
            {"dated": date(2026, 1, 2)}, {"valid_until": date(2026, 1, 2)}, "pass", id="renewed, out of order"
        ),
        pytest.param({}, {"dated": date(2026, 2, 1), "valid_until": date(2026, 2, 2)}, "fail", id="the newest expired"),
        pytest.param(
            {}, {"dated": date(2026, 1, 1), "found": "differs"}, "fail", id="of one day the later line counts"
        ),
        pytest.param({}, {"dated": date(2026, 3, 2)}, "fail", id="one from the future hides no other"),
    ],
)
async def test_the_newest_entry_about_an_item_counts(
    check: Any, first: dict[str, Any], second: dict[str, Any], outcome: str
) -> None:
    assert (await ask("baa", entry("a", **first), entry("b", **second), check=check)).outcome == outcome


@pytest.mark.parametrize("check", [pytest.param(register, id="register"), pytest.param(fresh, id="fresh")])
@pytest.mark.parametrize(
    ("signature", "keys", "outcome"),
    [
        pytest.param("valid", ("aa",), "pass", id="valid"),
        pytest.param("absent", ("aa",), "fail", id="absent"),
        pytest.param("invalid", ("aa",), "fail", id="false"),
        pytest.param("unknown-key", ("aa",), "fail", id="by a stranger"),
        pytest.param("unknown-key", (), "not-checked", id="no key to verify it with"),
    ],
)
async def test_signatures_that_are_demanded(check: Any, signature: str, keys: tuple[str, ...], outcome: str) -> None:
    verdict = await ask("baa", entry(signature=signature), check=check, said={"keys": keys}, signed=True)
    assert verdict.outcome == outcome


@pytest.mark.parametrize(
    ("entries", "required", "outcome"),
    [
        pytest.param([{"item": "db"}], (), "pass", id="it passed"),
        pytest.param([{"item": "db", "result": "failed"}], (), "fail", id="it failed"),
        pytest.param(
            [{"item": "db", "result": "failed"}, {"item": "db", "dated": date(2026, 1, 2)}],
            (),
            "pass",
            id="it failed and then passed",
        ),
        pytest.param(
            [{"item": "db", "result": "failed"}, {"item": "files", "dated": date(2026, 1, 2)}],
            (),
            "fail",
            id="another one that passed hides no failure",
        ),
        pytest.param([{"item": "db"}], ("db", "files"), "fail", id="a required one was never tried"),
        pytest.param(
            [{"item": "db", "dated": date(2025, 1, 1)}, {"item": "files"}],
            ("db", "files"),
            "fail",
            id="one of the required ones is old",
        ),
        pytest.param(
            [{"item": "db", "dated": date(2025, 1, 1)}, {"item": "files"}], (), "pass", id="the newest one counts"
        ),
    ],
)
async def test_fresh(entries: list[dict[str, Any]], required: tuple[str, ...], outcome: str) -> None:
    said = [entry(f"t{number}", **{"result": "passed", **values}) for number, values in enumerate(entries)]
    verdict = await ask("restore-test", *said, check=fresh, said={"required": required}, max_age="90d")
    assert verdict.outcome == outcome, verdict.message


async def test_a_doing_cannot_be_declared_absent() -> None:
    verdict = await ask("restore-test", check=fresh, said={"none": entry("none", item="none")})
    assert (verdict.outcome, verdict.message) == (
        "fail",
        "the register of kind restore-test declares that there is none",
    )


@pytest.mark.parametrize("check", [pytest.param(register, id="register"), pytest.param(fresh, id="fresh")])
async def test_what_could_not_be_read_is_no_pass(check: Any) -> None:
    records = recorded(Records, {Records.register: {("baa",): NotObserved("baa.yaml:3: broken")}}, folder="records")
    verdict = await judge(check, records, clock(), kind="baa")
    assert (verdict.outcome, verdict.message) == ("error", "baa.yaml:3: broken")


WHOLE = f"""\
kind: playbook
entries:
  - id: one
    incident_type: ransomware
    signed_by: ciso
    date: 2026-01-31
    valid_until: 2027-01-31
    document: one.txt
    sha256: {hashlib.sha256(b"text").hexdigest()}"""


async def judged_whole(folder: Path, text: str) -> set[str]:
    (folder / "playbook.yaml").write_text(text)
    records = Records(Records.Settings.model_validate({"name": "r", "folder": folder}), Evidence())
    return {str((await judge(check, records, clock(), kind="playbook")).outcome) for check in (register, fresh)}


async def test_no_part_of_a_register_passes(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_bytes(b"text")
    assert await judged_whole(tmp_path, WHOLE) == {"pass"}
    lines = WHOLE.splitlines()
    parts = [WHOLE[:end] for end in range(len(WHOLE))]
    parts += ["\n".join(lines[:number] + lines[number + 1 :]) for number in range(len(lines))]
    passing = [part for part in parts if "pass" in await judged_whole(tmp_path, part)]
    assert passing == []


async def test_a_verdict_is_the_same_in_a_replay(tmp_path: Path) -> None:
    said = write(tmp_path / "records", TODAY, defects=LEAKY)
    settings = Records.Settings.model_validate(said)
    live = Evidence()
    for name, with_ in DEMANDS:
        seen = await judge(CHECKS[name], Records(settings, live), clock(), **with_)
        again = await judge(CHECKS[name], Records(settings, Evidence(recorded=live.observations)), clock(), **with_)
        assert again == seen


async def outcomes(folder: Path, defects: tuple[str, ...]) -> dict[tuple[str, str], Verdict]:
    said = write(folder / "records", TODAY, defects=defects)
    records = Records(Records.Settings.model_validate(said), Evidence())
    return {(name, with_["kind"]): await judge(CHECKS[name], records, clock(), **with_) for name, with_ in DEMANDS}


async def test_the_hardened_example_passes_every_demand(tmp_path: Path) -> None:
    found = await outcomes(tmp_path, ())
    assert {key: verdict.message for key, verdict in found.items() if verdict.outcome != "pass"} == {}


@pytest.mark.parametrize("defect", [pytest.param(one, id=one.name) for one in RECORD_DEFECTS])
async def test_a_defect_of_the_example_trips_its_check_and_no_other(tmp_path: Path, defect: Defect[RecordSet]) -> None:
    found = await outcomes(tmp_path, (defect.name,))
    tripped = {key: verdict.outcome for key, verdict in found.items() if verdict.outcome != "pass"}
    assert tripped == {(defect.check, kind_of(defect)): "fail"}


async def test_the_leaky_example_trips_the_check_of_every_defect_in_it(tmp_path: Path) -> None:
    found = await outcomes(tmp_path, LEAKY)
    expected = {(defect.check, kind_of(defect)) for defect in RECORD_DEFECTS}
    assert {key for key, verdict in found.items() if verdict.outcome == "fail"} == expected


def test_two_defects_of_one_record_clash(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="both alter transfer/none"):
        write(tmp_path, TODAY, defects=["absence-expired", "absence-not-declared"])
