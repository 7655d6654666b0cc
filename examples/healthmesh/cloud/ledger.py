"""The account's ledgers: the trail's locked bucket, and CloudTrail's digest files with real signatures.

Digest files are written for each trail that has log file validation, whoever made it. moto delivers none, knows no
public keys, does not tell an object's retention, and minds no conditions in a bucket's policy, so that "deny without
TLS" denies all; the server's controls answer what it lacks.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from . import trails
from .builder import Cloud, CloudDefect
from .digests import Place, digest_body, ends, log_body, public_key, put_digest, write_chain

BUCKET = trails.BUCKET
KEPT_DAYS = trails.RETENTION_DAYS
SETTINGS: dict[str, list[str]] = {"audit_buckets": [BUCKET]}
"""What the deployment says of the account."""


def good(cloud: Cloud, n: int = 1) -> None:
    """Verifiable digest files for each trail, in its locked bucket; of such an account has one, whatever `n` is."""
    del n
    if not validated_trails(cloud):
        trails.good(cloud, 0)
    answers(cloud)
    for trail in validated_trails(cloud):
        _open(cloud, trail["S3BucketName"])
        write_chain(cloud, place_of(cloud, trail))


def bad(cloud: Cloud, n: int = 1) -> None:
    """Nothing: which buckets are audit buckets, the deployment says; `flawed` makes bad ones to be named so."""
    del cloud, n


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What the checks must say of the audit bucket and of each trail."""
    del n
    said = {("ledger.immutable", f"arn:aws:s3:::{BUCKET}"): "pass"}
    return said | {("ledger.cloudtrail_digests", one["TrailARN"]): "pass" for one in validated_trails(cloud)}


def answers(cloud: Cloud) -> None:
    """What moto lacks; to be said again after the server's answers were cleared."""
    cloud.control.answer("cloudtrail:ListPublicKeys", {"PublicKeyList": [public_key()]})
    tell_retention(cloud, BUCKET, "COMPLIANCE", KEPT_DAYS)


def _open(cloud: Cloud, bucket: str) -> None:
    """Let the server's policy be told and not be kept, where it would deny everyone."""
    s3 = cloud.client("s3")
    try:
        s3.put_object(Bucket=bucket, Key="AWSLogs/", Body=b"")
    except s3.exceptions.ClientError:
        policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
        s3.delete_bucket_policy(Bucket=bucket)
        cloud.control.answer("s3:GetBucketPolicy", policy, content_type="application/json", path=f"/{bucket}")


def flawed(cloud: Cloud, n: int) -> tuple[str, ...]:
    """`n` audit buckets of each flaw; their names."""
    for number in range(n):
        locked_bucket(cloud, f"mg-ledger-governance-{number}", mode="GOVERNANCE")
        locked_bucket(cloud, f"mg-ledger-short-{number}", kept_days=30)
        cloud.client("s3").create_bucket(Bucket=f"mg-ledger-open-{number}")
        locked_bucket(cloud, f"mg-ledger-empty-{number}", filled=False)
    kinds = ("governance", "short", "open", "empty")
    return tuple(f"mg-ledger-{kind}-{number}" for kind in kinds for number in range(n))


def tell_retention(cloud: Cloud, bucket: str, mode: str, kept_days: int) -> None:
    """Answer how long objects are kept: moto keeps it and tells it in headers alone."""
    until = datetime.now(UTC) + timedelta(days=kept_days)
    said = {"Retention": {"Mode": mode, "RetainUntilDate": f"{until:%Y-%m-%dT%H:%M:%SZ}"}}
    cloud.control.answer("s3:GetObjectRetention", said, path=f"/{bucket}/*")


def locked_bucket(
    cloud: Cloud, name: str, *, mode: str = "COMPLIANCE", kept_days: int = KEPT_DAYS, filled: bool = True
) -> None:
    """A bucket that keeps what is written, with one audit entry in it."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=_lock(mode, kept_days))
    tell_retention(cloud, name, mode, kept_days)
    if filled:
        s3.put_object(Bucket=name, Key="audit/entry.json", Body=b'{"sequence": 1}')


def _lock(mode: str, kept_days: int) -> dict[str, Any]:
    rule = {"DefaultRetention": {"Mode": mode, "Days": kept_days}}
    return {"ObjectLockEnabled": "Enabled", "Rule": rule}


def _relock(cloud: Cloud, mode: str, kept_days: int) -> None:
    """What new objects get from now on: moto changes it in an empty bucket alone, unlike S3."""
    said = {"ObjectLockConfiguration": _lock(mode, kept_days)}
    cloud.control.answer("s3:GetObjectLockConfiguration", said, path=f"/{BUCKET}")


def validated_trails(cloud: Cloud) -> list[dict[str, Any]]:
    """Trails of the home region whose log files can be verified."""
    said = cloud.client("cloudtrail").describe_trails(includeShadowTrails=False)["trailList"]
    return [one for one in said if one.get("LogFileValidationEnabled")]


def place_of(cloud: Cloud, trail: dict[str, Any]) -> Place:
    """Where the digest files of a trail's home region are."""
    home = trail.get("HomeRegion") or cloud.region
    return Place(trail["S3BucketName"], trail.get("S3KeyPrefix", ""), cloud.account, home, trail["Name"], home)


def _first(cloud: Cloud) -> Place:
    return place_of(cloud, validated_trails(cloud)[0])


def _change_log(cloud: Cloud) -> None:
    place, end = _first(cloud), ends()[-5]
    forged = gzip.compress(log_body(place, end, "DescribeInstances"))
    cloud.client("s3").put_object(Bucket=place.bucket, Key=_log_of(cloud, place), Body=forged)


def _append_to_log(cloud: Cloud) -> None:
    place, s3 = _first(cloud), cloud.client("s3")
    where = {"Bucket": place.bucket, "Key": _log_of(cloud, place)}
    whole = s3.get_object(**where)["Body"].read()
    s3.put_object(**where, Body=whole + gzip.compress(log_body(place, ends()[-5], "ConsoleLogin")))


def _drop_log(cloud: Cloud) -> None:
    place = _first(cloud)
    cloud.client("s3").delete_object(Bucket=place.bucket, Key=_log_of(cloud, place))


def _log_of(cloud: Cloud, place: Place) -> str:
    """The newest log file that there is."""
    root = place.log_key(ends()[-1]).split("/CloudTrail/")[0] + "/CloudTrail/"
    found = cloud.client("s3").list_objects_v2(Bucket=place.bucket, Prefix=root)["Contents"]
    return str(max(one["Key"] for one in found))


def _swap_digest(cloud: Cloud) -> None:
    place, s3 = _first(cloud), cloud.client("s3")
    other, own = (place.digest_key(end) for end in ends()[-7:-5])
    found = s3.get_object(Bucket=place.bucket, Key=other)
    s3.put_object(Bucket=place.bucket, Key=own, Body=found["Body"].read(), Metadata=found["Metadata"])


def _forge_digest(cloud: Cloud) -> None:
    """The newest digest file without its log files, signed with another key."""
    place, s3 = _first(cloud), cloud.client("s3")
    end, before = ends()[-1], ends()[-2]
    found = s3.get_object(Bucket=place.bucket, Key=place.digest_key(end))
    said = json.loads(gzip.decompress(found["Body"].read()))
    previous = {
        "bucket": place.bucket,
        "key": place.digest_key(before),
        "hash": said["previousDigestHashValue"],
        "signature": said["previousDigestSignature"],
    }
    put_digest(s3, place, digest_body(place, end, [], previous), generate_private_key(65537, 2048))


def _drop_digest(cloud: Cloud) -> None:
    place = _first(cloud)
    cloud.client("s3").delete_object(Bucket=place.bucket, Key=place.digest_key(ends()[-4]))


def _drop_newest(cloud: Cloud) -> None:
    place, s3 = _first(cloud), cloud.client("s3")
    for end in ends()[-4:]:
        s3.delete_object(Bucket=place.bucket, Key=place.digest_key(end))


def _soften_lock(cloud: Cloud) -> None:
    _relock(cloud, "GOVERNANCE", KEPT_DAYS)


def _shorten_lock(cloud: Cloud) -> None:
    _relock(cloud, "COMPLIANCE", 30)


def _write_softly(cloud: Cloud) -> None:
    """An object that brings a retention of its own along, weaker than the bucket's."""
    until = datetime.now(UTC) + timedelta(days=KEPT_DAYS)
    cloud.client("s3").put_object(
        Bucket=BUCKET,
        Key="audit/zz-soft.json",
        Body=b"{}",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
    )
    tell_retention(cloud, BUCKET, "GOVERNANCE", KEPT_DAYS)


def _digests(name: str, says: str, plant: Callable[[Cloud], None]) -> CloudDefect:
    return CloudDefect(f"aws-ledger-{name}", "ledger.cloudtrail_digests", says, plant)


DEFECTS: tuple[CloudDefect, ...] = (
    _digests("log-changed", "A log file was changed after it was delivered.", _change_log),
    _digests("log-appended", "Events were appended to a log file as a second compressed part.", _append_to_log),
    _digests("log-dropped", "A log file was deleted.", _drop_log),
    _digests("digest-swapped", "A digest file was replaced by that of another hour.", _swap_digest),
    _digests("digest-forged", "A digest file was signed with another key.", _forge_digest),
    _digests("digest-dropped", "The digest file of one hour was deleted.", _drop_digest),
    _digests("digest-stale", "The digest files of the last hours were deleted.", _drop_newest),
    CloudDefect(
        "aws-ledger-governance",
        "ledger.immutable",
        "The audit bucket's lock can be bypassed.",
        _soften_lock,
        also=("aws.s3_object_lock",),
    ),
    CloudDefect(
        "aws-ledger-short",
        "ledger.immutable",
        "The audit bucket keeps objects for 30 days alone.",
        _shorten_lock,
        also=("aws.s3_object_lock",),
    ),
    CloudDefect(
        "aws-ledger-soft-object", "ledger.immutable", "The newest audit object is locked more weakly.", _write_softly
    ),
)
