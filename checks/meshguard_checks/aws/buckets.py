"""Checks of how buckets keep what is in them: encryption, versions, locks, and an end."""

from __future__ import annotations

from typing import Literal

from meshguard.api import Duration, Verdict, check, days, failed, judged, passed, show_duration
from meshguard.targets.aws import Aws
from meshguard.targets.aws.kms import Key, is_aws_alias
from meshguard.targets.aws.s3_models import Bucket, Encryption
from meshguard_checks.aws.bucket_choice import Role, passed_over
from meshguard_checks.parsing.aws_bucket import expires_after

ENCRYPT = (
    "aws s3api put-bucket-encryption --bucket NAME --server-side-encryption-configuration "
    '\'{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"KEY-ARN"}}]}\'\n'
    'Terraform: resource "aws_s3_bucket_server_side_encryption_configuration" '
    '{ rule { apply_server_side_encryption_by_default { sse_algorithm = "aws:kms", kms_master_key_id = KEY } } }'
)
VERSIONS = (
    "aws s3api put-bucket-versioning --bucket NAME --versioning-configuration Status=Enabled\n"
    'Terraform: resource "aws_s3_bucket_versioning" { versioning_configuration { status = "Enabled" } }'
)
LOCK = (
    "aws s3api put-object-lock-configuration --bucket NAME --object-lock-configuration "
    '\'{"ObjectLockEnabled":"Enabled","Rule":{"DefaultRetention":{"Mode":"COMPLIANCE","Days":DAYS}}}\'\n'
    'Terraform: resource "aws_s3_bucket_object_lock_configuration" '
    '{ rule { default_retention { mode = "COMPLIANCE", days = DAYS } } }'
)
EXPIRE = (
    "aws s3api put-bucket-lifecycle-configuration --bucket NAME --lifecycle-configuration file://lifecycle.json\n"
    'Terraform: resource "aws_s3_bucket_lifecycle_configuration" { rule { status = "Enabled", '
    "expiration { days = DAYS }, noncurrent_version_expiration { noncurrent_days = DAYS } } }"
)


@check("aws.s3_encrypted", method="examine", over=Aws.buckets, fix=ENCRYPT)
async def s3_encrypted(
    bucket: Bucket,
    aws: Aws,
    *,
    role: Role = "all",
    buckets: tuple[str, ...] = (),
    twice: bool = False,
    bucket_key: bool = False,
    refuse_sse_c: bool = False,
) -> Verdict:
    """The bucket encrypts new objects with a customer-managed key (S3 User Guide, "Using SSE-KMS").

    S3 encrypts everything since January 2023, so that only the key's owner says something: with S3's own keys
    (AES256), or with aws/s3, whoever may read the object may read it in the clear. The default is for requests that
    name no encryption; one that names another gets it, unless the bucket's policy refuses it.

    Args:
        role: which buckets: all, or those that the deployment names as backup, audit or data buckets.
        buckets: names or globs of the buckets; without one any.
        twice: whether the two layers of DSSE-KMS are wanted.
        bucket_key: whether S3 Bucket Keys are wanted, with which KMS is asked less; DSSE-KMS has none.
        refuse_sse_c: whether requests that bring a key of their own must be refused: AWS keeps no such key, and who
            steals credentials can lock the objects up with one.
    """
    if (other := passed_over(bucket, aws.settings, role, buckets)) is not None:
        return other
    said = await aws.encryption(bucket.place, bucket.name)
    want = "aws:kms:dsse with a customer-managed key" if twice else "aws:kms with a customer-managed key"
    if said is None or not said.algorithm.startswith("aws:kms") or not said.key or is_aws_alias(said.key):
        return failed(f"it encrypts with {_managed_by_aws(said)}", got=said and said.algorithm, want=want)
    key = await aws.key_named(bucket.place, said.key)
    if (problem := unusable(key)) != "":
        return failed(f"its key {problem}", got=said.key, want=want)
    problem = _lacks(said, twice=twice, bucket_key=bucket_key, refuse_sse_c=refuse_sse_c)
    if problem:
        return failed(problem, got=said.algorithm, want=want)
    return passed("it encrypts with a customer-managed key", got=said.algorithm, want=want)


def _lacks(said: Encryption, *, twice: bool, bucket_key: bool, refuse_sse_c: bool) -> str:
    if twice and said.algorithm != "aws:kms:dsse":
        return "it encrypts once"
    if bucket_key and not said.bucket_key and said.algorithm == "aws:kms":
        return "S3 Bucket Keys are off"
    if refuse_sse_c and not said.refuses_sse_c:
        return "it takes objects that are encrypted with a key that AWS does not keep (SSE-C)"
    return ""


def _managed_by_aws(said: Encryption | None) -> str:
    if said is None:
        return "nothing by default"
    return "S3's own keys" if not said.algorithm.startswith("aws:") else "a key that AWS manages"


def unusable(key: Key | None) -> str:
    """Why a key is no customer-managed one that works; empty where it is."""
    if key is None:
        return "does not exist"
    if key.manager != "CUSTOMER":
        return "is one that AWS manages"
    return "" if key.state == "Enabled" else f"is {key.state}"


@check("aws.s3_versioning", method="examine", over=Aws.buckets, fix=VERSIONS)
async def s3_versioning(
    bucket: Bucket, aws: Aws, *, role: Role = "all", buckets: tuple[str, ...] = (), mfa_delete: bool = False
) -> Verdict:
    """The bucket keeps what is overwritten or deleted (S3 User Guide, "Retaining multiple versions of objects").

    Args:
        role: which buckets: all, or those that the deployment names as backup, audit or data buckets.
        buckets: names or globs of the buckets; without one any.
        mfa_delete: whether deleting a version must take the root user's second factor.
    """
    if (other := passed_over(bucket, aws.settings, role, buckets)) is not None:
        return other
    said = await aws.versioning(bucket.place, bucket.name)
    if not said.enabled:
        what = "was never enabled" if said.status == "never" else f"is {said.status}"
        return failed(f"versioning {what}", got=said.status, want="Enabled")
    if mfa_delete and not said.mfa_delete:
        return failed("a version can be deleted without a second factor", got="MFADelete off", want="MFADelete on")
    return passed("versioning is enabled", got=said.status, want="Enabled")


@check("aws.s3_object_lock", method="examine", over=Aws.buckets, fix=LOCK)
async def s3_object_lock(
    bucket: Bucket,
    aws: Aws,
    *,
    role: Role = "all",
    buckets: tuple[str, ...] = (),
    mode: Literal["compliance", "governance"] = "compliance",
    min_retention: Duration = days(7),
) -> Verdict:
    """Nobody can delete or overwrite a new object for `min_retention` (S3 User Guide, "Locking objects").

    Object Lock without a default retention locks nothing but what its writer locks. In governance mode, who has
    s3:BypassGovernanceRetention can still delete; in compliance mode nobody can.

    Args:
        role: which buckets: all, or those that the deployment names as backup, audit or data buckets.
        buckets: names or globs of the buckets; without one any.
        mode: the weakest accepted mode; compliance is stronger than governance.
        min_retention: shortest accepted default retention.
    """
    if (other := passed_over(bucket, aws.settings, role, buckets)) is not None:
        return other
    said = await aws.object_lock(bucket.place, bucket.name)
    want = f"{mode}, {show_duration(min_retention)}"
    if said is None:
        return failed("it has no Object Lock", got="none", want=want)
    if said.retention is None:
        return failed("Object Lock is on, and new objects get no retention", got="no default retention", want=want)
    got = f"{said.mode.lower()}, {show_duration(said.retention)}"
    if mode == "compliance" and said.mode != "COMPLIANCE":
        return failed("new objects are locked in governance mode, which can be bypassed", got=got, want=want)
    return judged(said.retention >= min_retention, "the default retention", got=got, want=want)


@check("aws.s3_lifecycle", method="examine", over=Aws.buckets, fix=EXPIRE)
async def s3_lifecycle(
    bucket: Bucket,
    aws: Aws,
    *,
    expires_within: Duration,
    prefix: str = "",
    role: Role = "all",
    buckets: tuple[str, ...] = (),
) -> Verdict:
    """Objects under `prefix` are deleted for good within `expires_within` (S3 User Guide, "Managing the lifecycle").

    A rule counts where it is enabled and takes all of them, whatever their tags and sizes. Where the bucket has
    versions, they must expire too; and Object Lock keeps an object whatever the lifecycle says.

    Args:
        expires_within: longest accepted time from writing an object to the end of its last version.
        prefix: beginning of the keys that are spoken of; all of them unless given.
        role: which buckets: all, or those that the deployment names as backup, audit or data buckets.
        buckets: names or globs of the buckets; without one any.
    """
    if (other := passed_over(bucket, aws.settings, role, buckets)) is not None:
        return other
    versioning = await aws.versioning(bucket.place, bucket.name)
    lasting = expires_after(await aws.lifecycle(bucket.place, bucket.name), prefix, versioning)
    if lasting.length is None or lasting.length > expires_within:
        return failed(lasting.why, got=lasting.shown, want=expires_within)
    lock = await aws.object_lock(bucket.place, bucket.name)
    if lock is not None and lock.retention is not None and lock.retention > expires_within:
        return failed("Object Lock keeps new objects longer", got=lock.retention, want=expires_within)
    return passed(lasting.why, got=lasting.shown, want=expires_within)
