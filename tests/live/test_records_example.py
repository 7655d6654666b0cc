"""The example's records, waivers and declarations, through the real command: what they must not hide is not hidden."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from examples.healthmesh.deployment import RECORDS_PROFILE
from examples.healthmesh.instance import Running, start
from examples.healthmesh.records.hardened import DEMANDS

TODAY = datetime.now(UTC).date()
PEOPLE = {"owner": "Platform team", "approver": "Chief information security officer"}


@pytest.fixture(scope="module")
def hardened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start(tmp_path_factory.mktemp("hardened"), containers=False) as running:
        yield running


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start(tmp_path_factory.mktemp("leaky"), mode="leaky", containers=False) as running:
        yield running


def meshguard(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "meshguard", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def audit(deployment: Path) -> tuple[int, dict[str, Any]]:
    done = meshguard("audit", str(deployment), "--output", "json=-")
    result: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, result


def deciding(running: Running, name: str, *, waivers: Any = None, declarations: Any = ()) -> Path:
    """The instance's deployment file with other decisions."""
    said = yaml.safe_load(running.deployment.read_text())
    if waivers is not None:
        said["waivers"] = f"{name}-waivers.yaml"
        (running.state / said["waivers"]).write_text(yaml.safe_dump({"waivers": waivers}))
    said["not_applicable"] = [*said["not_applicable"], *declarations]
    path = running.state / f"{name}.yaml"
    path.write_text(yaml.safe_dump(said))
    return path


def waiver(**said: Any) -> dict[str, Any]:
    whole = {
        "control": "records.gdpr-report-signed",
        "resource": "-",
        "reason": "The job gets its signing key with the next release.",
        "ticket": "HM-118",
        "created": TODAY - timedelta(days=60),
        "expires": TODAY + timedelta(days=60),
    }
    return {**whole, **PEOPLE, **said}


def control(result: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in result["controls"] if one["id"] == name)
    return found


# --- the sets as they are written


def test_the_profile_asks_what_the_hardened_set_is_made_for() -> None:
    controls = yaml.safe_load(RECORDS_PROFILE.read_text())["controls"]
    asked = [
        (check, parameters) for one in controls for use in one.get("checks", []) for check, parameters in use.items()
    ]
    missing = [demand for demand in DEMANDS if (demand[0], {**demand[1], **_lists(demand[1])}) not in asked]
    assert missing == []
    assert len(asked) == len(DEMANDS) + 1, "and one that is waived"


def _lists(parameters: Any) -> dict[str, Any]:
    return {name: list(value) for name, value in parameters.items() if isinstance(value, tuple)}


def test_hardened_every_record_holds_and_every_decision_is_in_use(hardened: Running) -> None:
    code, result = audit(hardened.deployment)
    assert code == 0
    records = [one for one in result["controls"] if one["id"].startswith("records.")]
    not_satisfied = {one["id"]: one["status"] for one in records if one["status"] != "satisfied"}
    assert not_satisfied == {"records.gdpr-report-signed": "waived", "records.media-disposal": "not-applicable"}
    assert [(one["name"], one["state"], one["ends_soon"]) for one in result["waivers"]] == [("HM-118", "in use", False)]
    assert [(one["control"], one["state"]) for one in result["declarations"]] == [("records.media-disposal", "in use")]
    assert result["notes"] == []


def test_leaky_every_kind_of_bad_decision_is_named_and_hides_nothing(leaky: Running) -> None:
    code, result = audit(leaky.deployment)
    assert code == 1
    states = {one["name"]: (one["state"], one["ends_soon"]) for one in result["waivers"]}
    assert states == {"HM-118": ("in use", True), "HM-97": ("expired", False), "HM-102": ("unused", False)}
    assert control(result, "web.content.referrer")["status"] == "not-satisfied"
    assert control(result, "web.session.cookies")["status"] == "not-satisfied"
    assert {one["control"]: one["state"] for one in result["declarations"]}["web.session.cookies"] == "contradicted"


def test_leaky_every_kind_of_record_that_has_a_defect_fails(leaky: Running) -> None:
    _, result = audit(leaky.deployment)
    good = {
        one["id"] for one in result["controls"] if one["id"].startswith("records.") and one["status"] == "satisfied"
    }
    reports = {"records.regulatory-report", "records.gdpr-report", "records.ccpa-report"}
    assert good == {"records.dpo-appointment", *reports}, "and no defect is of these"


def test_the_records_name_roles_and_no_person(hardened: Running) -> None:
    roles = {"Head of compliance", "Head of security", "Chief executive", "the compliance engine"}
    for path in sorted((hardened.state / "records").glob("*.yaml")):
        register = yaml.safe_load(path.read_text())
        entries = [*register.get("entries", []), *filter(None, [register.get("none")])]
        assert entries, path
        assert {one["signed_by"] for one in entries} | {
            one.get("approver", "Chief executive") for one in entries
        } <= roles
        assert "@" not in path.read_text()


# --- decisions that must not count


def test_a_waiver_counts_to_its_last_day_and_no_longer(hardened: Running) -> None:
    last = deciding(hardened, "last-day", waivers=[waiver(expires=TODAY)])
    code, result = audit(last)
    assert (code, control(result, "records.gdpr-report-signed")["status"]) == (0, "waived")
    over = deciding(hardened, "over", waivers=[waiver(expires=TODAY - timedelta(days=1))])
    code, result = audit(over)
    assert (code, control(result, "records.gdpr-report-signed")["status"]) == (1, "not-satisfied")
    assert [one["state"] for one in result["waivers"]] == ["expired"]
    text = " ".join(meshguard("audit", str(over)).stdout.split())
    assert (
        f"HM-118 waives records.gdpr-report-signed: EXPIRED on {TODAY - timedelta(days=1)}: 1 failure of it counts"
        in text
    )


def test_a_waiver_that_covers_nothing_is_named(hardened: Running) -> None:
    unused = waiver(control="web.content.framing", resource="/old-status", ticket="HM-102")
    code, result = audit(deciding(hardened, "unused", waivers=[waiver(), unused]))
    assert code == 0
    assert {one["name"]: one["state"] for one in result["waivers"]} == {"HM-118": "in use", "HM-102": "unused"}
    assert any("HM-102" in note for note in result["notes"])


@pytest.mark.parametrize(
    ("days", "code"), [pytest.param(365, 0, id="exactly a year"), pytest.param(366, 2, id="a day longer")]
)
def test_a_waiver_lives_a_year_at_most(hardened: Running, days: int, code: int) -> None:
    created = TODAY - timedelta(days=30)
    long = waiver(created=created, expires=created + timedelta(days=days))
    done = meshguard("audit", str(deciding(hardened, f"life-{days}", waivers=[long])))
    assert done.returncode == code
    assert ("longer than the 365d that the profile allows" in done.stderr) is (code == 2)


def test_a_waiver_of_everything_is_refused(hardened: Running) -> None:
    done = meshguard("audit", str(deciding(hardened, "all", waivers=[waiver(resource="*")])))
    assert done.returncode == 2
    assert "matches everything" in done.stderr


def test_who_owns_a_waiver_can_not_approve_it(hardened: Running) -> None:
    done = meshguard("audit", str(deciding(hardened, "alone", waivers=[waiver(approver="platform team")])))
    assert done.returncode == 2
    assert "the approver is the owner" in done.stderr


def test_a_declaration_that_denies_what_is_there_fails_its_control(hardened: Running) -> None:
    denied = {"control": "web.session.cookies", "reason": "The service sets no cookies at all.", **PEOPLE}
    declared = [{**denied, "expires": TODAY + timedelta(days=100)}]
    code, result = audit(deciding(hardened, "denied", declarations=declared))
    found = control(result, "web.session.cookies")
    assert (code, found["status"]) == (1, "not-satisfied")
    assert "declared not applicable, but there is something that it applies to" in found["reason"]


def test_a_declaration_ends_on_its_last_day(hardened: Running) -> None:
    said = yaml.safe_load(hardened.deployment.read_text())
    said["not_applicable"][0]["expires"] = TODAY - timedelta(days=1)
    path = hardened.state / "declared.yaml"
    path.write_text(yaml.safe_dump(said))
    code, result = audit(path)
    assert (code, control(result, "records.media-disposal")["status"]) == (3, "undetermined")


def test_the_whole_guide_can_be_asked_of_the_example(hardened: Running) -> None:
    _, result = audit(hardened.guide)
    answered = {one["id"] for one in result["controls"] if one["status"] == "satisfied"}
    assert {"compliance.hipaa.baa", "compliance.hipaa.breach", "incident.playbooks"} <= answered
    waiting = [one for one in result["controls"] if one["reason"].startswith("not fully verified yet: ")]
    assert {one["status"] for one in waiting} == {"undetermined"}
