"""Buckets of the test cloud's account, well kept and not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .builder import Cloud, CloudDefect
from .keys import key

PREFIX = "mg-bucket-"
ENCRYPTED, LOGGED, CLOSED, TLS = "aws.s3_encrypted", "aws.s3_access_logging", "aws.s3_public_access", "aws.s3_tls_only"
VERSIONED, LOCKED, ENDING = "aws.s3_versioning", "aws.s3_object_lock", "aws.s3_lifecycle"
CHECKS = (ENCRYPTED, LOGGED, CLOSED, TLS, VERSIONED, LOCKED, ENDING)
PARAMETERS: dict[str, dict[str, Any]] = {check: {"buckets": [f"{PREFIX}*"]} for check in CHECKS}
PARAMETERS[ENDING]["expires_within"] = "365d"
PARAMETERS[LOGGED]["by"] = "server-log"
"""Other topics' buckets are for their own checks, and one of their trails may take the data events of all buckets."""
FLAWS: dict[str, tuple[str, ...]] = {
    "unencrypted": (ENCRYPTED,),
    "unlogged": (LOGGED,),
    "open": (CLOSED,),
    "plaintext": (TLS,),
    "unversioned": (VERSIONED, LOCKED),
    "unlocked": (LOCKED,),
    "endless": (ENDING,),
}
"""What marks a bucket's name -> the checks that fail. Object Lock keeps versions, so there is none without them."""
LOGS = (f"{PREFIX}logs-1", f"{PREFIX}logs-2")
"""Each takes the logs of the other one, and the first those of all the rest."""
LOCK_DAYS, EXPIRE_DAYS, OLDER_DAYS = 7, 300, 65
ALL_ON = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def good(cloud: Cloud, n: int = 1) -> None:
    """`n` buckets in which all is well, and two for their logs."""
    logs(cloud)
    for i in range(1, n + 1):
        bucket(cloud, f"{PREFIX}good-{i}")


def bad(cloud: Cloud, n: int = 1) -> None:
    """`n` buckets for each way in which one can be wrong."""
    logs(cloud)
    for i in range(1, n + 1):
        for flaw in FLAWS:
            bucket(cloud, f"{PREFIX}{flaw}-{i}", flaw)


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What each check must say of each bucket in the account's region, those that other topics made among them."""
    del n
    said: dict[tuple[str, str], str] = {}
    for one in cloud.client("s3").list_buckets(MaxBuckets=1000, BucketRegion=cloud.region)["Buckets"]:
        name = one["Name"]
        flaw = name.removeprefix(PREFIX).rpartition("-")[0]
        for check in CHECKS:
            outcome = "fail" if check in FLAWS.get(flaw, ()) else "pass"
            said[check, f"arn:aws:s3:::{name}"] = outcome if name.startswith(PREFIX) else "not-applicable"
    return said


def logs(cloud: Cloud) -> None:
    """The buckets for logs, made when they are first needed."""
    s3 = cloud.client("s3")
    if not {one["Name"] for one in s3.list_buckets(Prefix=LOGS[0]).get("Buckets", ())}:
        for name in LOGS:
            bucket(cloud, name, "unlogged")
        _log(cloud, LOGS[0], LOGS[1])
        _log(cloud, LOGS[1], LOGS[0])


def bucket(cloud: Cloud, name: str, flaw: str = "", *, alias: str = "mg-key-buckets", is_filled: bool = False) -> None:
    """A bucket in which all is well but the flaw.

    Args:
        cloud: where.
        name: its name.
        flaw: one of FLAWS.
        alias: name of the key that it encrypts with, made when it is first needed.
        is_filled: whether objects are put into it.
    """
    write_policy = tell_policy if is_filled else put_policy
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=flaw not in ("unversioned", "unlocked"))
    steps: dict[str, Callable[[], Any]] = {
        "unencrypted": lambda: encrypt(cloud, name, own_key(cloud, alias)),
        "open": lambda: s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=ALL_ON),
        "plaintext": lambda: write_policy(cloud, name, statements(name)),
        "endless": lambda: expire(cloud, name),
        "unlogged": lambda: _log(cloud, name, LOGS[0]),
    }
    for without, step in steps.items():
        if flaw != without:
            step()
    if flaw == "plaintext":
        put_policy(cloud, name, statements(name)[1:])
    if flaw == "unlocked":
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    elif flaw != "unversioned":
        lock(cloud, name)


def own_key(cloud: Cloud, alias: str) -> str:
    """The ARN of the key with an alias."""
    kms = cloud.client("kms")
    try:
        return str(kms.describe_key(KeyId=f"alias/{alias}")["KeyMetadata"]["Arn"])
    except kms.exceptions.NotFoundException:
        return key(cloud, alias)


def encrypt(cloud: Cloud, name: str, key_arn: str, algorithm: str = "aws:kms") -> None:
    """Encrypt with a key of KMS; without one, as S3 does by itself, or with aws/s3."""
    default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key_arn} if key_arn else {})
    rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
    cloud.client("s3").put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})


def lock(cloud: Cloud, name: str, mode: str = "COMPLIANCE", days: int = LOCK_DAYS) -> None:
    """Lock new objects."""
    said = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": mode, "Days": days}}}
    cloud.client("s3").put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=said)


def expire(cloud: Cloud, name: str, days: int = EXPIRE_DAYS, older: int = OLDER_DAYS, **more: Any) -> None:
    """Let objects expire, and their versions after them; `older` 0: never."""
    rule = {"ID": "end", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": days}}
    if older:
        rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": older}
    cloud.client("s3").put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule | more]})


def statements(name: str) -> list[dict[str, Any]]:
    """Nobody without TLS; and S3's logs may be written."""
    arn = f"arn:aws:s3:::{name}"
    return [
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "Logs",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"{arn}/*",
        },
    ]


def put_policy(cloud: Cloud, name: str, said: list[dict[str, Any]]) -> None:
    """Give a bucket a policy."""
    document = {"Version": "2012-10-17", "Statement": said}
    cloud.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(document))


def tell_policy(cloud: Cloud, name: str, said: list[dict[str, Any]]) -> None:
    """Answer that a bucket has a policy: moto would deny all of its objects to everyone, whatever the condition is."""
    document = {"Version": "2012-10-17", "Statement": said}
    cloud.control.answer("s3:GetBucketPolicy", json.dumps(document), path=f"/{name}")


def _log(cloud: Cloud, name: str, to: str) -> None:
    said = {"LoggingEnabled": {"TargetBucket": to, "TargetPrefix": f"{name}/"}}
    cloud.client("s3").put_bucket_logging(Bucket=name, BucketLoggingStatus=said)


def _flawed(flaw: str, spoil: Callable[[Cloud, str], None] | None = None) -> Callable[[Cloud], None]:
    """Add a bucket with a flaw, or a good one that is spoilt."""

    def plant(cloud: Cloud) -> None:
        name = f"{PREFIX}{flaw}-0"
        bucket(cloud, name, "" if spoil else flaw)
        if spoil:
            spoil(cloud, name)

    return plant


def _half_open(cloud: Cloud, name: str) -> None:
    said = ALL_ON | {"RestrictPublicBuckets": False}
    cloud.client("s3").put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=said)


def _objects_alone(cloud: Cloud, name: str) -> None:
    first, *rest = statements(name)
    put_policy(cloud, name, [first | {"Resource": f"arn:aws:s3:::{name}/*"}, *rest])


DEFECTS = (
    CloudDefect("aws-bucket-s3-key", ENCRYPTED, "A bucket encrypts with S3's own keys.", _flawed("unencrypted")),
    CloudDefect(
        "aws-bucket-managed-key",
        ENCRYPTED,
        "A bucket encrypts with aws/s3.",
        _flawed("managed", lambda cloud, name: encrypt(cloud, name, "")),
    ),
    CloudDefect("aws-bucket-unlogged", LOGGED, "Nobody logs who reads a bucket.", _flawed("unlogged")),
    CloudDefect(
        "aws-bucket-logs-itself",
        LOGGED,
        "A bucket's log goes into it.",
        _flawed("selflogged", lambda cloud, name: _log(cloud, name, name)),
    ),
    CloudDefect("aws-bucket-open", CLOSED, "A bucket may be made public.", _flawed("open")),
    CloudDefect(
        "aws-bucket-half-open", CLOSED, "One of four settings is off for a bucket.", _flawed("half", _half_open)
    ),
    CloudDefect("aws-bucket-plaintext", TLS, "A bucket takes requests without TLS.", _flawed("plaintext")),
    CloudDefect("aws-bucket-plaintext-list", TLS, "A bucket is listed without TLS.", _flawed("listed", _objects_alone)),
    CloudDefect(
        "aws-bucket-unversioned", VERSIONED, "A bucket keeps no versions.", _flawed("unversioned"), also=(LOCKED,)
    ),
    CloudDefect("aws-bucket-unlocked", LOCKED, "A bucket's objects can be deleted.", _flawed("unlocked")),
    CloudDefect(
        "aws-bucket-governed",
        LOCKED,
        "A bucket's lock can be bypassed.",
        _flawed("governed", lambda cloud, name: lock(cloud, name, "GOVERNANCE")),
    ),
    CloudDefect("aws-bucket-endless", ENDING, "A bucket's objects never expire.", _flawed("endless")),
    CloudDefect(
        "aws-bucket-endless-versions",
        ENDING,
        "A bucket's older versions never expire.",
        _flawed("versions", lambda cloud, name: expire(cloud, name, older=0)),
    ),
    CloudDefect(
        "aws-bucket-rule-disabled",
        ENDING,
        "A bucket's lifecycle rule is disabled.",
        _flawed("disabled", lambda cloud, name: expire(cloud, name, Status="Disabled")),
    ),
)
