"""Checks of KMS keys against the test cloud: a good account, each weakness, each key's due, and what is denied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from examples.healthmesh.cloud import keys, stores
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from examples.healthmesh.cloud.server import running
from tests.live.aws_identity_help import audit, failing

from meshguard_checks.aws import kms_in_use, kms_key_policy, kms_rotation, store_keys_rotated

CHECKS = (kms_rotation, kms_key_policy, store_keys_rotated, kms_in_use)
STORES = ("ebs:mg-volume-good-1", "dynamodb:mg-table-good-1")
CALLS = {
    "kms:ListKeys": {"aws.kms_rotation", "aws.kms_key_policy"},
    "kms:DescribeKey": {"aws.kms_rotation", "aws.kms_key_policy", "aws.store_keys_rotated", "aws.kms_in_use"},
    "kms:GetKeyRotationStatus": {"aws.kms_rotation", "aws.store_keys_rotated"},
    "kms:GetKeyPolicy": {"aws.kms_key_policy"},
    "ec2:DescribeVolumes": {"aws.store_keys_rotated", "aws.kms_in_use"},
    "dynamodb:DescribeTable": {"aws.store_keys_rotated", "aws.kms_in_use"},
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        with running() as server:
            yield Cloud(server.endpoint)


@pytest.fixture(autouse=True)
def _well_kept(cloud: Cloud) -> None:
    cloud.control.reset()
    keys.good(cloud)
    stores.volume(cloud, "mg-volume-good-1", keys.stores_key(cloud))
    stores.table(cloud, "mg-table-good-1", keys.stores_key(cloud))


def outcomes(cloud: Cloud, *checks: Any, parameters: Any = None, **settings: Any) -> dict[tuple[str, str], str]:
    given = {"data_stores": STORES, **settings}
    return audit(cloud.endpoint, checks or CHECKS, parameters=parameters, **given)


def of_name(cloud: Cloud, name: str, *checks: Any, parameters: Any = None) -> list[str]:
    """What is said of the key with this alias."""
    arn = cloud.client("kms").describe_key(KeyId=f"alias/{name}")["KeyMetadata"]["Arn"]
    found = outcomes(cloud, *checks, parameters=parameters)
    return [outcome for (_, resource), outcome in found.items() if resource == arn]


def test_each_key_gets_the_verdict_that_it_deserves(cloud: Cloud) -> None:
    keys.bad(cloud, 2)
    assert outcomes(cloud, kms_rotation, kms_key_policy, store_keys_rotated) == keys.manifest(cloud, 2)


def test_a_well_kept_account_passes(cloud: Cloud) -> None:
    assert set(outcomes(cloud).values()) == {"pass"}


@pytest.mark.parametrize("defect", keys.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(cloud: Cloud, defect: CloudDefect) -> None:
    defect.plant(cloud)
    assert failing(outcomes(cloud)) == {defect.check, *defect.also}


@pytest.mark.parametrize(("operation", "checks"), CALLS.items(), ids=str)
def test_what_is_denied_is_never_a_pass(cloud: Cloud, operation: str, checks: set[str]) -> None:
    cloud.control.fault(operation, "denied")
    found = outcomes(cloud)
    assert {check for (check, _), outcome in found.items() if outcome in ("error", "unread", "not-checked")} == checks
    if operation not in ("ec2:DescribeVolumes", "dynamodb:DescribeTable"):  # each denies one of the two stores
        assert not {check for (check, _), outcome in found.items() if outcome == "pass"} & checks
    assert not failing(found)


def test_rotations_that_may_not_be_listed_are_no_pass_for_an_old_key(cloud: Cloud) -> None:
    with keys.long_ago(cloud, keys.OLD_DAYS):
        arn = keys.key(cloud, "mg-key-turned-0")
    cloud.client("kms").rotate_key_on_demand(KeyId=arn)
    assert of_name(cloud, "mg-key-turned-0", kms_rotation) == ["pass"]
    cloud.control.fault("kms:ListKeyRotations", "denied")
    assert of_name(cloud, "mg-key-turned-0", kms_rotation) == ["error"]


def test_a_young_key_takes_two_calls_and_an_old_one_three(cloud: Cloud) -> None:
    with keys.long_ago(cloud, keys.OLD_DAYS):
        keys.key(cloud, "mg-key-old-0")
    cloud.control.forget_calls()
    outcomes(cloud, kms_rotation)
    counts = cloud.control.counts()
    listed = len(cloud.client("kms").list_keys()["Keys"])
    assert counts["kms:ListKeyRotations"] == 1
    assert counts["kms:DescribeKey"] == listed
    assert counts["kms:GetKeyRotationStatus"] <= listed


def test_imported_material_counts_by_its_age_unless_the_profile_leaves_it_out(cloud: Cloud) -> None:
    with keys.long_ago(cloud, keys.OLD_DAYS):
        keys.key(cloud, "mg-key-brought-0", period=0, Origin="EXTERNAL")
    own = {"imported": "not-applicable"}
    key = cloud.client("kms").describe_key(KeyId="alias/mg-key-brought-0")["KeyMetadata"]
    given = key | {"KeyState": "Enabled", "CreationDate": key["CreationDate"].timestamp()}
    cloud.control.answer("kms:DescribeKey", {"KeyMetadata": given}, match=key["KeyId"])
    for parameters, said in (({}, "fail"), (own, "not-applicable")):
        found = outcomes(cloud, kms_rotation, parameters={"aws.kms_rotation": parameters})
        assert found["aws.kms_rotation", key["Arn"]] == said


def test_a_replica_is_judged_in_its_own_region_by_the_shared_rotation(cloud: Cloud) -> None:
    arn = keys.key(cloud, "mg-key-many-0", MultiRegion=True)
    cloud.client("kms").replicate_key(KeyId=arn.rpartition("/")[2], ReplicaRegion="eu-west-1")
    listed = cloud.client("kms", "eu-west-1").list_keys()["Keys"]
    cloud.control.answer(
        "kms:GetKeyRotationStatus", {"KeyRotationEnabled": True, "RotationPeriodInDays": 90}, region="eu-west-1"
    )
    found = outcomes(cloud, kms_rotation, region="eu-west-1", data_stores=())
    assert [found["aws.kms_rotation", key["KeyArn"]] for key in listed] == ["pass"]


def test_a_region_without_keys_has_nothing_to_look_at(cloud: Cloud) -> None:
    found = outcomes(cloud, kms_rotation, region="eu-north-1")
    assert found == {("aws.kms_rotation", "-"): "empty"}


@pytest.mark.parametrize("kind", ["throttled", "error500", "truncated", "html", "optin"])
def test_no_answer_is_no_verdict(cloud: Cloud, kind: Any) -> None:
    cloud.control.fault("kms:*", kind)
    found = outcomes(cloud)
    assert set(found.values()) <= {"error", "unread", "not-checked"}
