"""The trail of the test cloud's account, and log groups that keep long enough, or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .builder import Cloud, CloudDefect
from .keys import stores_key

BUCKET = "mg-trail-logs"
TRAIL = "mg-trail"
RETENTION_DAYS = 365
SHORT_DAYS = 30
TRAILS, SECRETS, RETENTION = "aws.cloudtrail", "aws.cloudtrail_logs_secrets", "aws.log_retention"


def good(cloud: Cloud, n: int = 1) -> None:
    """A trail of all regions that is logging, sealed and encrypted, and `n` log groups that keep for a year."""
    client = cloud.client("cloudtrail")
    client.create_trail(
        Name=TRAIL,
        S3BucketName=logs_bucket(cloud),
        IsMultiRegionTrail=True,
        EnableLogFileValidation=True,
        KmsKeyId=stores_key(cloud),
    )
    client.put_event_selectors(TrailName=TRAIL, EventSelectors=[_selector()])
    client.start_logging(Name=TRAIL)
    for i in range(1, n + 1):
        log_group(cloud, f"mg-retention-good-{i}", RETENTION_DAYS)


def bad(cloud: Cloud, n: int = 1) -> None:
    """`n` log groups that keep too shortly; of an account's trails one verdict is given, so none is added."""
    for i in range(1, n + 1):
        log_group(cloud, f"mg-retention-short-{i}", SHORT_DAYS)


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What each check must say of the place and of each log group of the account, those of other topics among them."""
    del n
    place = f"{cloud.account}/{cloud.region}"
    said = {(TRAILS, place): "pass", (SECRETS, place): "pass"}
    for page in cloud.client("logs").get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            kept = group.get("retentionInDays", RETENTION_DAYS)
            said[RETENTION, group["arn"].removesuffix(":*")] = "pass" if kept >= RETENTION_DAYS else "fail"
    return said


def log_group(cloud: Cloud, name: str, days: int) -> None:
    """An encrypted log group that keeps for so many days; 0: for ever."""
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName=name, kmsKeyId=stores_key(cloud))
    if days:
        logs.put_retention_policy(logGroupName=name, retentionInDays=days)


def logs_bucket(cloud: Cloud) -> str:
    """The bucket of CloudTrail's and AWS Config's files, made when it is first needed; its name."""
    s3 = cloud.client("s3")
    if BUCKET not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
        _make_bucket(cloud, s3)
    return BUCKET


def _make_bucket(cloud: Cloud, s3: Any) -> None:
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(
        Bucket=BUCKET,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": RETENTION_DAYS}},
        },
    )
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": stores_key(cloud)}
    s3.put_bucket_encryption(
        Bucket=BUCKET,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": encryption, "BucketKeyEnabled": True}]
        },
    )
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(blocks, True))
    rule = {
        "ID": "all",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": 730},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(_policy(cloud)))


def _policy(cloud: Cloud) -> dict[str, Any]:
    """TLS alone, and what CloudTrail and AWS Config need."""
    whole = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    own = {"StringEquals": {"aws:SourceAccount": cloud.account}}
    services = {"Service": ["cloudtrail.amazonaws.com", "config.amazonaws.com"]}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": whole, "Condition": tls},
            {
                "Effect": "Allow",
                "Principal": services,
                "Action": ["s3:GetBucketAcl", "s3:PutObject"],
                "Resource": whole,
                "Condition": own,
            },
        ],
    }


def _selector(**changes: Any) -> dict[str, Any]:
    """Management events, and the data events of all objects."""
    objects = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
    return {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [objects], **changes}


def each_trail(cloud: Cloud, change: Callable[[Any, str], object]) -> None:
    """Change all trails, lest another one make up for it."""
    client = cloud.client("cloudtrail")
    for trail in client.describe_trails()["trailList"]:
        change(client, trail["Name"])


def _stop(cloud: Cloud) -> None:
    each_trail(cloud, lambda client, name: client.stop_logging(Name=name))


def _one_region(cloud: Cloud) -> None:
    each_trail(cloud, lambda client, name: client.update_trail(Name=name, IsMultiRegionTrail=False))


def _in_the_clear(cloud: Cloud) -> None:
    each_trail(cloud, lambda client, name: client.update_trail(Name=name, KmsKeyId=""))


def _management_as(**changes: Any) -> Callable[[Cloud], None]:
    """Data events as ever, by a selector of their own, and management events by one with changes."""
    others = _selector(IncludeManagementEvents=False)
    selectors = [{"ReadWriteType": "All", "IncludeManagementEvents": True, **changes}, others]

    def plant(cloud: Cloud) -> None:
        each_trail(cloud, lambda client, name: client.put_event_selectors(TrailName=name, EventSelectors=selectors))

    return plant


def _deliver_nothing(cloud: Cloud) -> None:
    status = {"IsLogging": True, "LatestDeliveryError": "AccessDenied"}
    cloud.control.answer("cloudtrail:GetTrailStatus", status)


DEFECTS: tuple[CloudDefect, ...] = (
    # The trail is what records the reading of secrets, and of the objects in buckets that have no log of their own.
    CloudDefect("aws-trail-stopped", TRAILS, "The trail was stopped.", _stop, also=(SECRETS,)),
    CloudDefect("aws-trail-one-region", TRAILS, "The trail records one region alone.", _one_region),
    CloudDefect("aws-trail-no-key", TRAILS, "The trail's files are not encrypted with a key of KMS.", _in_the_clear),
    CloudDefect(
        "aws-trail-undeliverable",
        TRAILS,
        "The trail's bucket refuses its files.",
        _deliver_nothing,
        also=(SECRETS,),
    ),
    CloudDefect(
        "aws-trail-writes-only",
        TRAILS,
        "The trail records calls that write, and none that read.",
        _management_as(ReadWriteType="WriteOnly"),
        also=(SECRETS,),
    ),
    CloudDefect(
        "aws-trail-without-kms",
        SECRETS,
        "The trail leaves out the events of KMS.",
        _management_as(ExcludeManagementEventSources=["kms.amazonaws.com"]),
    ),
    CloudDefect(
        "aws-log-group-short",
        RETENTION,
        "A log group keeps its events for 30 days.",
        lambda cloud: log_group(cloud, "mg-retention-month", SHORT_DAYS),
    ),
)
