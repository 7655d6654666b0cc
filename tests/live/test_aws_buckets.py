"""Checks of buckets against the test cloud: a good account, each weakness, each bucket's due, and what is denied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from examples.healthmesh.cloud import buckets
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from tests.live.aws_buckets_help import Auditor, failing, started

from meshguard_checks.aws import (
    s3_access_logging,
    s3_encrypted,
    s3_lifecycle,
    s3_object_lock,
    s3_public_access,
    s3_tls_only,
    s3_versioning,
)

CHECKS = (
    s3_encrypted,
    s3_access_logging,
    s3_public_access,
    s3_tls_only,
    s3_versioning,
    s3_object_lock,
    s3_lifecycle,
)
ALL = {check.id for check in CHECKS}
GONE = "mg-bucket-gone.example"
CALLS = {
    "s3:ListBuckets": ALL,
    "s3:GetBucketEncryption": {"aws.s3_encrypted"},
    "s3:GetBucketLogging": {"aws.s3_access_logging"},
    "s3:GetPublicAccessBlock": {"aws.s3_public_access"},
    "s3:GetBucketPolicy": {"aws.s3_tls_only"},
    "s3:GetBucketVersioning": {"aws.s3_versioning", "aws.s3_lifecycle"},
    "s3:GetObjectLockConfiguration": {"aws.s3_object_lock", "aws.s3_lifecycle"},
    "s3:GetBucketLifecycleConfiguration": {"aws.s3_lifecycle"},
    "kms:DescribeKey": {"aws.s3_encrypted"},
}


@pytest.fixture(scope="module")
def auditor() -> Iterator[Auditor]:
    with started() as cloud:
        auditor = Auditor(cloud)
        yield auditor
        auditor.close()


@pytest.fixture
def cloud(auditor: Auditor) -> Cloud:
    server = auditor.cloud
    server.control.reset()
    buckets.good(server)
    return server


@pytest.fixture
def outcomes(auditor: Auditor, cloud: Cloud) -> Any:
    """Audits the test cloud with some of the checks, or all."""

    def audit(*checks: Any, parameters: Any = None, **settings: Any) -> dict[tuple[str, str], str]:
        said = buckets.PARAMETERS if parameters is None else parameters
        return auditor.audit(checks or CHECKS, said, **settings)

    return audit


def arn(name: str) -> str:
    return f"arn:aws:s3:::{name}"


def test_each_bucket_gets_the_verdict_that_it_deserves_with_seven_calls(cloud: Cloud, outcomes: Any) -> None:
    buckets.bad(cloud, 2)
    cloud.client("s3").create_bucket(Bucket="another-topics")
    cloud.control.forget_calls()
    found = outcomes()
    counts = cloud.control.counts()
    assert found == buckets.manifest(cloud, 2)
    ours = 3 + 2 * len(buckets.FLAWS)
    assert {name: n for name, n in counts.items() if name.startswith("s3:")} == {
        "s3:ListBuckets": 1,
        **{name: ours for name in CALLS if name.startswith("s3:Get")},
    }


@pytest.mark.parametrize("defect", buckets.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(cloud: Cloud, defect: CloudDefect, outcomes: Any) -> None:
    defect.plant(cloud)
    assert failing(outcomes()) == {defect.check, *defect.also}


@pytest.mark.parametrize("kind", ["denied", "error500"])
def test_what_is_not_answered_is_never_a_pass(cloud: Cloud, kind: Any, outcomes: Any) -> None:
    wrong = []
    for operation, checks in CALLS.items():
        cloud.control.fault(operation, kind)
        found = outcomes()
        cloud.control.fault("*", "slow", seconds=0)
        settled = {check for (check, _), outcome in found.items() if outcome in ("pass", "fail")}
        open_ = {check for (check, _), outcome in found.items() if outcome in ("error", "unread")}
        if settled & checks or open_ != checks:
            wrong.append(f"{operation}: settled {settled & checks}, and open {open_ ^ checks}")
    assert wrong == []


def test_the_accounts_block_is_asked_once_and_holds_for_each_bucket(cloud: Cloud, outcomes: Any) -> None:
    buckets.bucket(cloud, "mg-bucket-open-1", "open")
    buckets.bucket(cloud, "mg-bucket-open-2", "open")
    cloud.control.answer("s3control:GetPublicAccessBlock", {"PublicAccessBlockConfiguration": buckets.ALL_ON})
    cloud.control.forget_calls()
    assert set(outcomes(s3_public_access).values()) == {"pass"}
    assert cloud.control.counts()["s3control:GetPublicAccessBlock"] == 1
    cloud.control.fault("s3control:GetPublicAccessBlock", "denied")
    assert outcomes(s3_public_access)["aws.s3_public_access", arn("mg-bucket-open-1")] == "error"


def test_a_trail_that_takes_all_data_events_is_a_log_too(cloud: Cloud, outcomes: Any) -> None:
    buckets.bucket(cloud, "mg-bucket-unlogged-1", "unlogged")
    place = ("aws.s3_access_logging", arn("mg-bucket-unlogged-1"))
    trails = cloud.client("cloudtrail")
    trails.create_trail(Name="all", S3BucketName=buckets.LOGS[1], IsMultiRegionTrail=True)
    trails.start_logging(Name="all")

    def said() -> str:
        return str(outcomes(s3_access_logging, parameters={})[place])

    assert said() == "fail"  # management events alone
    objects = [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]
    trails.put_event_selectors(TrailName="all", EventSelectors=[{"ReadWriteType": "All", "DataResources": objects}])
    assert said() == "pass"
    cloud.control.fault("cloudtrail:GetEventSelectors", "denied")
    assert said() == "error"
    cloud.control.fault("*", "slow", seconds=0)
    trails.stop_logging(Name="all")
    assert said() == "fail"


def test_acls_count_where_the_owner_lets_them(cloud: Cloud, outcomes: Any) -> None:
    buckets.bucket(cloud, "mg-bucket-open-1", "open")
    parameters = {"aws.s3_public_access": {"private_suffices": True}}
    place = ("aws.s3_public_access", arn("mg-bucket-open-1"))

    def said() -> str:
        return str(outcomes(s3_public_access, parameters=parameters)[place])

    assert said() == "not-checked"  # each object may have an ACL
    s3 = cloud.client("s3")
    s3.put_bucket_acl(Bucket="mg-bucket-open-1", ACL="public-read")
    assert said() == "fail"
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(Bucket="mg-bucket-open-1", OwnershipControls=rules)
    assert said() == "pass"
    cloud.control.fault("s3:GetBucketOwnershipControls", "denied")
    assert said() == "error"


def test_a_bucket_of_another_region_is_left_out_unless_it_is_named(cloud: Cloud, outcomes: Any) -> None:
    where = {"LocationConstraint": "eu-west-1"}
    cloud.client("s3", "eu-west-1").create_bucket(Bucket="far.example", CreateBucketConfiguration=where)
    place = ("aws.s3_versioning", arn("far.example"))
    assert place not in outcomes(s3_versioning)
    both = outcomes(s3_versioning, region=None, regions=["us-east-1", "eu-west-1"], parameters={})
    assert both[place] == "fail"
    cloud.control.forget_calls()
    assert outcomes(s3_versioning, backup_buckets=["far.example"], parameters={})[place] == "fail"
    asked = [call for call in cloud.control.calls() if call["operation"] == "s3:GetBucketVersioning"]
    assert {call["region"] for call in asked} == {"us-east-1", "eu-west-1"}


def test_a_region_that_the_list_does_not_tell_is_asked(cloud: Cloud, outcomes: Any) -> None:
    listed = {"Buckets": [{"Name": "mg-bucket-good-1"}, {"Name": GONE}], "Owner": {"ID": "1"}}
    cloud.control.answer("s3:ListBuckets", listed)
    found = outcomes(s3_versioning)
    assert found == {
        ("aws.s3_versioning", arn("mg-bucket-good-1")): "pass",
        ("aws.s3_versioning", arn(GONE)): "unread",
    }


def test_a_bucket_that_vanishes_meanwhile_is_an_error_of_its_own(cloud: Cloud, outcomes: Any) -> None:
    found = [{"Name": name, "BucketRegion": "us-east-1"} for name in ("mg-bucket-good-1", GONE)]
    cloud.control.answer("s3:ListBuckets", {"Buckets": found, "Owner": {"ID": "1"}})
    # Which lists of the account have it is not asked of the log's bucket: it is gone from them too.
    checks = [check for check in CHECKS if check is not s3_access_logging]
    said = outcomes(*checks)
    assert {outcome for (_, resource), outcome in said.items() if resource == arn(GONE)} == {"error"}
    assert {outcome for (_, resource), outcome in said.items() if resource != arn(GONE)} == {"pass"}


def test_a_named_bucket_that_no_account_has_fails(cloud: Cloud, outcomes: Any) -> None:
    said = outcomes(audit_buckets=[GONE])
    assert {outcome for (_, resource), outcome in said.items() if resource == arn(GONE)} == {"fail"}


def test_a_named_bucket_of_another_account_is_asked_all_the_same(cloud: Cloud, outcomes: Any) -> None:
    cloud.control.fault("s3:GetBucketLocation", "denied")
    cloud.control.fault("s3:GetBucketVersioning", "denied", match=GONE)
    said = outcomes(s3_versioning, audit_buckets=[GONE])
    assert said["aws.s3_versioning", arn(GONE)] == "error"


def test_the_deployments_tags_choose_but_not_among_named_buckets(cloud: Cloud, outcomes: Any) -> None:
    for name in ("mg-bucket-tagged-1", "mg-bucket-named-1"):
        buckets.bucket(cloud, name)
    mapped = [{"ResourceARN": arn("mg-bucket-tagged-1"), "Tags": [{"Key": "app", "Value": "mesh"}]}]
    cloud.control.answer("resourcegroupstaggingapi:GetResources", {"ResourceTagMappingList": mapped})
    said = outcomes(s3_versioning, tags={"app": "mesh"}, audit_buckets=["mg-bucket-named-1"])
    assert {resource for _, resource in said} == {arn("mg-bucket-tagged-1"), arn("mg-bucket-named-1")}


def test_many_pages_of_buckets_are_one_list(cloud: Cloud, outcomes: Any) -> None:
    page = {"Buckets": [{"Name": "b-2", "BucketRegion": "eu-west-1"}], "Owner": {"ID": "1"}}
    first = {"Name": "mg-bucket-good-1", "BucketRegion": "us-east-1"}
    cloud.control.answer("s3:ListBuckets", {**page, "Buckets": [first], "ContinuationToken": "more"})
    cloud.control.answer("s3:ListBuckets", page, match="continuation-token")
    assert outcomes(s3_versioning) == {("aws.s3_versioning", arn("mg-bucket-good-1")): "pass"}
