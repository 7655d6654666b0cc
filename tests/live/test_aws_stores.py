"""Checks of what holds data against the test cloud: a good account, each weakness, and what is denied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from examples.healthmesh.cloud import keys, stores
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from examples.healthmesh.cloud.server import running
from tests.live.aws_identity_help import audit, failing

from meshguard_checks import aws as checks
from meshguard_checks import data_stores

CHECKS: tuple[Any, ...] = (
    checks.rds_encrypted,
    checks.ebs_encrypted,
    checks.ebs_default_encrypted,
    checks.dynamodb_encrypted,
    checks.efs_encrypted,
    checks.sns_encrypted,
    checks.sqs_encrypted,
    checks.logs_encrypted,
    data_stores.encrypted,
    checks.kms_in_use,
    checks.store_keys_rotated,
)
OF_STORES = {"data_stores.encrypted", "aws.kms_in_use", "aws.store_keys_rotated"}
CALLS = {
    "rds:DescribeDBInstances": {"aws.rds_encrypted", *OF_STORES},
    "rds:DescribeDBClusters": {"aws.rds_encrypted", *OF_STORES},
    "ec2:DescribeVolumes": {"aws.ebs_encrypted", *OF_STORES},
    "ec2:GetEbsEncryptionByDefault": {"aws.ebs_default_encrypted"},
    "dynamodb:ListTables": {"aws.dynamodb_encrypted", *OF_STORES},
    "dynamodb:DescribeTable": {"aws.dynamodb_encrypted", *OF_STORES},
    "efs:DescribeFileSystems": {"aws.efs_encrypted", *OF_STORES},
    "sns:ListTopics": {"aws.sns_encrypted"},
    "sns:GetTopicAttributes": {"aws.sns_encrypted"},
    "sqs:ListQueues": {"aws.sqs_encrypted"},
    "sqs:GetQueueAttributes": {"aws.sqs_encrypted"},
    "logs:DescribeLogGroups": {"aws.logs_encrypted"},
    "kms:DescribeKey": {"aws.dynamodb_encrypted", "aws.logs_encrypted", *OF_STORES},
    "s3:ListBuckets": OF_STORES,
    "s3:GetBucketEncryption": OF_STORES,
}
ALL_NAMED = (*stores.SETTINGS["data_stores"], "s3:mg-scans")


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
    stores.good(cloud)
    bucket(cloud, keys.stores_key(cloud))


def bucket(cloud: Cloud, key: str) -> None:
    """The named bucket, which encrypts with a key; without one, with S3's own."""
    s3 = cloud.client("s3")
    if "mg-scans" not in {one["Name"] for one in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket="mg-scans")
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
    s3.put_bucket_encryption(
        Bucket="mg-scans",
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]},
    )


def outcomes(cloud: Cloud, *some: Any, parameters: Any = None, **settings: Any) -> dict[tuple[str, str], str]:
    given = {"data_stores": ALL_NAMED, **settings}
    return audit(cloud.endpoint, some or CHECKS, parameters=parameters, **given)


def test_each_resource_gets_the_verdict_that_it_deserves(cloud: Cloud) -> None:
    stores.bad(cloud, 2)
    found = outcomes(cloud, data_stores=stores.SETTINGS["data_stores"])
    rotated = {place for place in found if place[0] == "aws.store_keys_rotated"}
    assert {place: found[place] for place in found.keys() - rotated} == stores.manifest(cloud, 2)


def test_a_well_kept_account_passes(cloud: Cloud) -> None:
    assert set(outcomes(cloud).values()) == {"pass"}


@pytest.mark.parametrize("defect", stores.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(cloud: Cloud, defect: CloudDefect) -> None:
    defect.plant(cloud)
    found = failing(outcomes(cloud))
    assert defect.check in found
    assert found <= {defect.check, *defect.also}


@pytest.mark.parametrize(("operation", "concerned"), CALLS.items(), ids=str)
def test_what_is_denied_is_never_a_pass(cloud: Cloud, operation: str, concerned: set[str]) -> None:
    cloud.control.fault(operation, "denied")
    found = outcomes(cloud)
    assert {check for (check, _), said in found.items() if said in ("error", "unread", "not-checked")} == concerned
    assert not failing(found)


def test_each_list_is_read_once_and_each_thing_of_it_at_most_once(cloud: Cloud) -> None:
    stores.bad(cloud, 2)
    cloud.control.forget_calls()
    outcomes(cloud)
    counts = cloud.control.counts()
    per_resource = {"dynamodb:DescribeTable": 3, "sns:GetTopicAttributes": 3, "sqs:GetQueueAttributes": 3}
    assert {name: counts[name] for name in per_resource} == per_resource
    assert {name for name, count in counts.items() if count > 1} == per_resource.keys()


@pytest.mark.parametrize("check", CHECKS[:8], ids=lambda check: check.id)
def test_the_customers_key_is_told_from_the_one_of_aws(cloud: Cloud, check: Any) -> None:
    found = outcomes(cloud, check, parameters={check.id: {"customer_managed": True}})
    expected = "fail" if check is checks.ebs_default_encrypted else "pass"  # the region's default key is AWS's
    assert set(found.values()) == {expected}


def test_a_region_whose_default_key_is_the_customers(cloud: Cloud) -> None:
    cloud.control.answer("ec2:GetEbsDefaultKmsKeyId", {"KmsKeyId": keys.stores_key(cloud)})
    check = checks.ebs_default_encrypted
    found = outcomes(cloud, check, parameters={check.id: {"customer_managed": True}})
    assert set(found.values()) == {"pass"}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        pytest.param("", "fail", id="S3's own keys"),
        pytest.param(keys.STORES_ALIAS, "pass", id="the customer's key by its alias"),
        pytest.param("alias/aws/s3", "fail", id="the key that AWS manages"),
    ],
)
def test_a_bucket_is_kept_by_the_key_that_it_names(cloud: Cloud, key: str, said: str) -> None:
    bucket(cloud, key)
    found = outcomes(cloud, data_stores.encrypted, checks.kms_in_use, data_stores=("s3:mg-scans",))
    assert set(found.values()) == {said}


@pytest.mark.parametrize(
    ("kind", "customer_managed", "said"),
    [
        pytest.param("sse-rds", False, "pass", id="encrypted with a key that AWS owns"),
        pytest.param("sse-rds", True, "fail", id="where the customer's is demanded"),
        pytest.param("none", False, "fail", id="in the clear"),
    ],
)
def test_a_cluster_of_aurora_may_have_a_key_that_aws_owns(
    cloud: Cloud, kind: str, customer_managed: bool, said: str
) -> None:
    arn = f"arn:aws:rds:us-east-1:{cloud.account}:cluster:mg-new"
    cluster = {
        "DBClusterIdentifier": "mg-new",
        "DBClusterArn": arn,
        "Engine": "aurora-mysql",
        "Status": "available",
        "StorageEncrypted": False,
        "StorageEncryptionType": kind,
    }
    cloud.control.answer("rds:DescribeDBClusters", {"DBClusters": [cluster]})
    check = checks.rds_encrypted
    found = outcomes(cloud, check, parameters={check.id: {"customer_managed": customer_managed}})
    assert found[check.id, arn] == said


def test_an_alias_of_aws_is_not_asked_of_kms(cloud: Cloud) -> None:
    stores.topic(cloud, "mg-topic-aws", "alias/aws/sns")
    cloud.control.forget_calls()
    check = checks.sns_encrypted
    found = outcomes(cloud, check, parameters={check.id: {"customer_managed": True}})
    assert sorted(found.values()) == ["fail", "pass"]
    asked = [call["key"] for call in cloud.control.calls() if call["operation"] == "kms:DescribeKey"]
    assert len(asked) == 1


def test_tables_and_queues_of_many_pages_are_all_listed(cloud: Cloud) -> None:
    for i in range(101):
        stores.table(cloud, f"mg-table-many-{i}", keys.stores_key(cloud))
    found = outcomes(cloud, checks.dynamodb_encrypted)
    assert len(found) == 102


def test_a_place_without_queues_is_empty_and_no_error(cloud: Cloud) -> None:
    found = outcomes(cloud, checks.sqs_encrypted, region="eu-north-1")
    assert found == {("aws.sqs_encrypted", "-"): "empty"}


@pytest.mark.parametrize("kind", ["throttled", "error500", "truncated", "html"])
def test_no_answer_is_no_verdict(cloud: Cloud, kind: Any) -> None:
    for service in ("rds", "ec2", "dynamodb", "efs", "sns", "sqs", "logs", "s3"):
        cloud.control.fault(f"{service}:*", kind)
    assert set(outcomes(cloud).values()) <= {"error", "unread", "not-checked"}
