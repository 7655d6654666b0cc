"""Checks of trails and of logs against the test cloud: a good account, each weakness, and what is denied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from examples.healthmesh.cloud import trails
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from tests.live.aws_watch_help import Auditor, auditor, failing, unsettled

from meshguard_checks.aws.trails import cloudtrail, cloudtrail_logs_secrets, log_retention

CHECKS = (cloudtrail, cloudtrail_logs_secrets, log_retention)
TRAIL, SECRETS, RETENTION = (check.id for check in CHECKS)
OWN = "123456789012"


@pytest.fixture(scope="module")
def audit() -> Iterator[Auditor]:
    with auditor() as found:
        yield found


@pytest.fixture
def cloud(audit: Auditor) -> Cloud:
    """An empty account."""
    audit.cloud.control.reset()
    audit.is_good = False
    return audit.cloud


@pytest.fixture
def standing(audit: Auditor, request: pytest.FixtureRequest) -> Cloud:
    """A good account, of which only faults and answers may be changed: it is made once for several tests."""
    if not audit.is_good:
        trails.good(request.getfixturevalue("cloud"))
        audit.is_good = True
    audit.cloud.control.clear()
    return audit.cloud


def test_each_resource_gets_the_verdict_that_it_deserves(audit: Auditor, cloud: Cloud) -> None:
    trails.good(cloud, 3)
    trails.bad(cloud, 3)
    assert audit(CHECKS) == trails.manifest(cloud, 3)


@pytest.mark.parametrize("defect", trails.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(audit: Auditor, cloud: Cloud, defect: CloudDefect) -> None:
    trails.good(cloud)
    assert not failing(audit(CHECKS))
    defect.plant(cloud)
    assert failing(audit(CHECKS)) == {defect.check, *defect.also}


def test_an_account_without_a_trail_fails(audit: Auditor, cloud: Cloud) -> None:
    trails.log_group(cloud, "mg-retention-good-1", 365)
    assert failing(audit(CHECKS)) == {TRAIL, SECRETS}


@pytest.mark.parametrize(
    ("operation", "checks"),
    [
        ("cloudtrail:DescribeTrails", {TRAIL, SECRETS}),
        ("cloudtrail:GetTrailStatus", {TRAIL, SECRETS}),
        ("cloudtrail:GetEventSelectors", {TRAIL, SECRETS}),
        ("logs:DescribeLogGroups", {RETENTION}),
    ],
)
@pytest.mark.parametrize("kind", ["denied", "truncated"])
def test_what_is_not_answered_is_never_a_pass(
    audit: Auditor, standing: Cloud, operation: str, kind: str, checks: set[str]
) -> None:
    standing.control.fault(operation, kind)  # type: ignore[arg-type]
    outcomes = audit(CHECKS)
    assert unsettled(outcomes) == checks
    assert not [1 for (check, _), outcome in outcomes.items() if check in checks and outcome == "pass"]
    assert not failing(outcomes)


def test_a_trail_of_all_regions_counts_in_each_and_is_asked_once_of_what_it_takes(
    audit: Auditor, standing: Cloud
) -> None:
    standing.control.forget_calls()
    outcomes = audit((cloudtrail, cloudtrail_logs_secrets), regions=["us-east-1", "eu-west-1"])
    assert outcomes == {
        (check, f"{OWN}/{region}"): "pass" for check in (TRAIL, SECRETS) for region in ("us-east-1", "eu-west-1")
    }
    calls = {name: n for name, n in standing.control.counts().items() if name.startswith("cloudtrail")}
    assert calls == {
        "cloudtrail:DescribeTrails": 2,
        "cloudtrail:GetTrailStatus": 2,
        "cloudtrail:GetEventSelectors": 1,
    }


def test_a_trail_of_another_region_alone_does_not_count(audit: Auditor, cloud: Cloud) -> None:
    trails.good(cloud)
    trails.each_trail(cloud, lambda client, name: client.update_trail(Name=name, IsMultiRegionTrail=False))
    outcomes = audit((cloudtrail_logs_secrets,), regions=["us-east-1", "eu-west-1"])
    assert outcomes == {(SECRETS, f"{OWN}/us-east-1"): "pass", (SECRETS, f"{OWN}/eu-west-1"): "fail"}


def test_the_trail_of_an_organisation_that_a_member_is_not_shown(audit: Auditor, cloud: Cloud) -> None:
    trails.good(cloud)
    trails.each_trail(cloud, lambda client, name: client.delete_trail(Name=name))
    theirs = {
        "Name": "org",
        "TrailARN": "arn:aws:cloudtrail:us-east-1:999988887777:trail/org",
        "HomeRegion": "us-east-1",
        "S3BucketName": "org",
        "IsMultiRegionTrail": True,
        "IsOrganizationTrail": True,
        "LogFileValidationEnabled": True,
        "KmsKeyId": "arn:aws:kms:us-east-1:999988887777:key/k",
    }
    cloud.control.answer("cloudtrail:DescribeTrails", {"trailList": [theirs]})
    outcomes = audit((cloudtrail, cloudtrail_logs_secrets))
    assert set(outcomes.values()) == {"not-checked"}


def _advanced(*fields: dict[str, object]) -> dict[str, object]:
    category = {"Field": "eventCategory", "Equals": ["Management"]}
    return {"TrailARN": "arn", "AdvancedEventSelectors": [{"Name": "all", "FieldSelectors": [category, *fields]}]}


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        pytest.param(_advanced(), set(), id="all"),
        pytest.param(_advanced({"Field": "readOnly", "Equals": ["false"]}), {TRAIL, SECRETS}, id="writes"),
        pytest.param(_advanced({"Field": "readOnly", "Equals": ["true"]}), {TRAIL}, id="reads"),
        pytest.param(
            _advanced({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}), {SECRETS}, id="all but KMS"
        ),
        pytest.param(
            _advanced({"Field": "eventSource", "NotStartsWith": ["kms"], "NotEndsWith": ["x"]}),
            {SECRETS},
            id="not kms*",
        ),
    ],
)
def test_advanced_selectors(audit: Auditor, standing: Cloud, answer: dict[str, object], failed: set[str]) -> None:
    standing.control.answer("cloudtrail:GetEventSelectors", answer)
    assert failing(audit(CHECKS)) == failed


def test_an_answer_in_another_form_is_an_error(audit: Auditor, standing: Cloud) -> None:
    standing.control.answer("cloudtrail:GetTrailStatus", {"LatestDeliveryTime": 1})
    assert unsettled(audit(CHECKS)) == {TRAIL, SECRETS}
