"""Checks of the buckets that hold backups and the audit trail: whose they are, how long they keep what they hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from meshguard.api import Duration, Listing, Verdict, check, days, failed, passed, undetermined
from meshguard.targets.aws import Aws, account_of
from meshguard.targets.aws.s3_models import Bucket, ObjectLock, PublicAccessBlock
from meshguard.targets.aws.stores_models import DataStore
from meshguard_checks.aws.bucket_choice import NAME_STORES, missing, named_as, passed_over
from meshguard_checks.aws.buckets_access import BLOCK, TLS
from meshguard_checks.parsing.aws_bucket import Lasting, blocked, kept_for, tls_of, versions_kept_for
from meshguard_checks.parsing.aws_policy import Answer
from meshguard_checks.parsing.aws_whole import unread

KEEP = (
    "aws s3api put-bucket-versioning --bucket NAME --versioning-configuration Status=Enabled, and longer days in "
    "put-bucket-lifecycle-configuration\n"
    'Terraform: resource "aws_s3_bucket_lifecycle_configuration" { rule { expiration { days = DAYS }, '
    "noncurrent_version_expiration { noncurrent_days = DAYS } } }"
)


@check("aws.backup_bucket_separate", method="examine", over=Aws.backup_buckets, fix=f"{BLOCK}\n{TLS}")
async def backup_bucket_separate(bucket: Bucket, aws: Aws, *, other_account: bool = False, owner: str = "") -> Verdict:
    """Backups lie in a bucket of their own, which is no data store, blocks public access and takes no request without
    TLS (AWS Prescriptive Guidance, "Backup and recovery approaches on AWS"; S3 User Guide, "Security best practices").

    Args:
        other_account: whether the bucket must belong to another account than the data stores: who takes over the
            account of the data then has not its backups.
        owner: the account that the bucket must belong to; needed where that one is not under audit, since a name says
            nothing of whose the bucket is.
    """
    if (other := missing(bucket)) is not None:
        return other
    if not aws.settings.data_stores:
        return undetermined("the deployment names no data stores, which it may not be", fix=NAME_STORES)
    stores = await aws.data_stores()
    if bucket.name in named_as(aws.settings, "data") or bucket.arn in {store.arn for store in stores.items}:
        return failed("the bucket is a data store too", want="a bucket for backups alone")
    if (verdict := await _whose(bucket, aws, owner)) is not None:
        return verdict
    if other_account and (verdict := _with_data(owner or account_of(bucket.place), stores)) is not None:
        return verdict
    block = await aws.public_access_block(bucket.place, bucket.name)
    if block.off and bucket.owned == "own":
        block = block.joined(await aws.account_public_access(await aws.home_of(bucket.place)))
    return _closed(bucket, block, await aws.bucket_policy(bucket.place, bucket.name))


async def _whose(bucket: Bucket, aws: Aws, owner: str) -> Verdict | None:
    """What is wrong with whose it is; None where nothing is."""
    own = account_of(bucket.place)
    if bucket.owned == "own":
        return failed("it belongs to another account", got=own, want=owner) if owner not in ("", own) else None
    if not owner:
        return undetermined("no account under audit has it, and whose it is was not said", fix="set `owner`")
    is_there = await aws.owned_by(bucket.place, bucket.name, owner)
    return None if is_there else failed("the bucket is gone", want=owner)


def _with_data(holder: str, stores: Listing[DataStore]) -> Verdict | None:
    """Why an account is not, or not surely, another one than those of the data stores."""
    if holder in {account_of(store.place) for store in stores.items if store.exists}:
        return failed("it belongs to the account of the data", got=holder, want="another account")
    unknown = unread(stores) or next((f"{store} was not found" for store in stores.items if not store.exists), "")
    return undetermined(f"the accounts of the data stores are not all known: {unknown}") if unknown else None


def _closed(bucket: Bucket, block: PublicAccessBlock, policy: str | None) -> Verdict:
    said = blocked(block)
    if said.answer is not Answer.YES:
        return failed(said.reason, fix=BLOCK) if bucket.owned == "own" else undetermined(said.reason, fix=BLOCK)
    tls = tls_of(policy, bucket.arn)
    if tls.answer is Answer.UNDECIDED:
        return undetermined(tls.reason, fix=TLS)
    if tls.answer is Answer.NO:
        return failed(tls.reason, fix=TLS)
    return passed("it is a bucket of its own, blocks public access, and refuses requests without TLS")


@check("aws.backup_retention", method="examine", over=Aws.kept_buckets, fix=KEEP)
async def backup_retention(
    bucket: Bucket,
    aws: Aws,
    *,
    at_least: Duration = days(7),
    role: Literal["all", "backup", "audit"] = "all",
    prefix: str = "",
    against: Literal["lifecycle", "overwriting", "deletion"] = "overwriting",
) -> Verdict:
    """What is written to the bucket is kept for `at_least` (S3 User Guide, "Managing the lifecycle of
    objects", "How S3 Versioning works", "Locking objects").

    A lifecycle rule deletes sooner wherever it takes any object under `prefix`, of whatever tags or size. Object Lock
    with a default retention as long keeps everything, whatever else is set.

    Args:
        at_least: time for which each object must be kept.
        role: which of the named buckets: those of backups, those of the audit trail, or both.
        prefix: beginning of the keys that are spoken of; all of them unless given.
        against: what must not end it sooner. lifecycle: no rule does. overwriting: nor does writing over an object or
            deleting it, since versions are kept as long. deletion: nor does anybody, by Object Lock.
    """
    if (other := passed_over(bucket, aws.settings, role, ())) is not None:
        return other
    want = at_least
    lock = await aws.object_lock(bucket.place, bucket.name)
    if lock is not None and lock.retention is not None and lock.retention >= want:
        return passed(f"Object Lock keeps objects for {lock.retention.days} days", got=lock.retention, want=want)
    if against == "deletion":
        return failed(_lock_problem(lock), got=lock and lock.retention, want=want)
    versioning = await aws.versioning(bucket.place, bucket.name)
    rules = await aws.lifecycle(bucket.place, bucket.name)
    kept = kept_for(rules, prefix, versioning)
    if against == "lifecycle" or (kept.length is not None and kept.length < want):
        return _long_enough(kept, want)
    if not versioning.enabled:
        return failed(f"versioning is {versioning.status}: what is overwritten is gone", got="0d", want=want)
    return _long_enough(versions_kept_for(rules, prefix), want)


def _lock_problem(lock: ObjectLock | None) -> str:
    if lock is None:
        return "it has no Object Lock"
    return "new objects get no retention" if lock.retention is None else "the default retention is shorter"


def _long_enough(kept: Lasting, want: timedelta) -> Verdict:
    if kept.length is None or kept.length >= want:
        return passed(kept.why, got=kept.shown, want=want)
    return failed(kept.why, got=kept.shown, want=want)
