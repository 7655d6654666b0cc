"""Checks of ledgers: audit trails that cannot be changed, or that show it when they were."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from meshguard.api import (
    Clock,
    Duration,
    Field,
    Verdict,
    check,
    days,
    failed,
    passed,
    show_duration,
    undetermined,
)
from meshguard.targets.aws import Aws
from meshguard.targets.aws.digest_models import Chain, Transcript
from meshguard.targets.aws.digests import Retention
from meshguard.targets.aws.s3_models import Bucket, ObjectLock, StoredObject
from meshguard.targets.aws.trails import Trail


@check(
    "ledger.cloudtrail_digests",
    method="test",
    over=Aws.trails,
    fix="aws cloudtrail update-trail --name TRAIL --enable-log-file-validation; see who changed the named files\n"
    'Terraform: resource "aws_cloudtrail" { enable_log_file_validation = true }',
)
async def cloudtrail_digests(
    trail: Trail,
    aws: Aws,
    *,
    hours: Annotated[int, Field(ge=1, le=24 * 90)] = 24,
    max_delay: Duration = timedelta(hours=3),
    max_logs: Annotated[int, Field(ge=1)] = 5000,
    max_megabytes: Annotated[int, Field(ge=1)] = 2000,
    sample: bool = False,
) -> Verdict:
    """The trail's digest files of the last `hours` hours verify and follow each other without a gap, and all log files
    that they name are there unchanged (AWS CloudTrail User Guide, "Validating CloudTrail log file integrity").

    A digest file comes each hour, also where nothing was logged: a missing hour is a finding. Signatures are verified
    with the public keys that CloudTrail tells, each hash over the uncompressed content. What was deleted and what may
    not be read are told apart only with s3:ListBucket. Where a chain begins inside of the window, what was before it
    was not looked at.

    Args:
        hours: how far back.
        max_delay: longest accepted time since the end of the newest digest's hour.
        max_logs: most log files that are hashed.
        max_megabytes: most megabytes that are read of them.
        sample: whether a sample drawn by lot is enough where there are more; else it is undetermined.
    """
    if not trail.validated:
        return failed("log file validation is off, so no digest files are written", got=False, want=True)
    found = await aws.trail_digests(trail.home_place, trail.arn, hours, max_logs, max_megabytes)
    if found.fault_count:
        first = found.faults[0]
        return failed(f"{first.file}: {first.kind}, {first.says}", got=found.fault_count, want=0)
    broken = [text for chain in found.chains if (text := _broken(chain, found, max_delay))]
    if broken:
        return failed("; ".join(broken[:3]), got=len(broken), want=0)
    return _whole(found, hours, sample)


def _whole(found: Transcript, hours: int, sample: bool) -> Verdict:
    """Nothing is wrong with what was looked at; whether that was all."""
    begun = [chain for chain in found.chains if chain.oldest is None or chain.oldest > found.since]
    if begun:
        return undetermined(f"in {begun[0]} digests begin inside of the last {hours} hours", fix="audit again later")
    digests = sum(chain.digests for chain in found.chains)
    said = f"{digests} digest files verify, and {found.logs_read} log files are unchanged"
    if found.logs_read >= found.logs:
        return passed(said)
    if not sample:
        return undetermined(f"{said}; {found.logs - found.logs_read} more were not read", fix="raise the limits")
    return passed(f"{said}, a sample of {found.logs}")


def _broken(chain: Chain, found: Transcript, max_delay: timedelta) -> str:
    """Why a chain of digest files does not cover the window, where each that is there verifies."""
    if chain.newest is None:
        return f"{chain} has no digest files"
    if chain.gaps:
        gap = chain.gaps[0]
        return f"{chain} has none from {gap.since:%Y-%m-%d %H:%M} to {gap.until:%Y-%m-%d %H:%M}"
    age = found.until - chain.newest
    return f"{chain} has none since {show_duration(age)}" if age > max_delay else ""


@check(
    "ledger.immutable",
    method="examine",
    over=Aws.audit_buckets,
    fix="aws s3api put-object-lock-configuration --bucket B --object-lock-configuration "
    '\'{"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 2190}}}\'\n'
    'Terraform: resource "aws_s3_bucket_object_lock_configuration" { rule { default_retention { days = 2190 ... } } }',
)
async def immutable(
    bucket: Bucket,
    aws: Aws,
    clock: Clock,
    *,
    retention: Duration = days(365),
    max_age: Duration = days(1),
    prefix: str = "",
    without: str = "",
) -> Verdict:
    """What is written to the audit bucket can be neither changed nor deleted for `retention`, by nobody, and the newest
    object is fresh and locked so: by an equivalent of blockchain (Amazon S3 User Guide, "Locking objects").

    Only the compliance mode holds against the account's own root user. The bucket's default says nothing of an object
    that brought a shorter retention along, so the newest one is asked too. Object Lock needs versioning, which cannot
    be suspended then.

    Args:
        retention: shortest accepted retention.
        max_age: greatest accepted age of the newest object.
        prefix: beginning of the keys that are looked at; it may have parts of the date in UTC, such as trail/%Y/%m/%d/.
        without: a glob of keys that do not count.
    """
    if bucket.owned == "missing":
        return failed("there is no bucket of this name")
    if bucket.owned == "unsettled":
        return undetermined("not all accounts could be asked whether it is theirs")
    fault = _lock_fault(await aws.object_lock(bucket.place, bucket.name), retention)
    if fault is not None:
        return fault
    now = await clock.now()
    # After midnight the newest one may still be of the day before.
    prefixes = dict.fromkeys(when.strftime(prefix) for when in (now, now - max_age))
    seen = [await aws.newest_object(bucket.place, bucket.name, one, without) for one in prefixes]
    newest = max((one for one in seen if one is not None), key=lambda one: one.modified, default=None)
    if newest is None:
        return failed("it holds no object", want=f"one of the last {show_duration(max_age)}")
    if now - newest.modified > max_age:
        return failed(f"its newest object is of {newest.modified:%Y-%m-%d %H:%M}", want=max_age)
    return _newest_locked(await aws.object_retention(bucket.place, bucket.name, newest.name), newest, retention)


def _lock_fault(lock: ObjectLock | None, retention: timedelta) -> Verdict | None:
    """Why the bucket's default does not hold what is written, if it does not."""
    if lock is None or not lock.mode:
        return failed("new objects are not locked", got="off" if lock is None else "no default", want="COMPLIANCE")
    if lock.mode != "COMPLIANCE":
        return failed("the lock can be lifted by who may bypass it", got=lock.mode, want="COMPLIANCE")
    if lock.retention is None or lock.retention < retention:
        return failed("new objects are locked too shortly", got=lock.retention, want=retention)
    return None


def _newest_locked(said: Retention | None, newest: StoredObject, retention: timedelta) -> Verdict:
    """Whether the newest object itself is kept as long, whatever the bucket's default is."""
    if said is None or said.mode != "COMPLIANCE":
        return failed("its newest object is not locked", got="off" if said is None else said.mode, want="COMPLIANCE")
    # The retention runs from the request, which the time that S3 shows for the object may be minutes off.
    kept = days(round((said.until - newest.modified) / days(1)))
    if kept < retention:
        return failed("its newest object is locked too shortly", got=kept, want=retention)
    return passed("it locks what is written, by an equivalent of blockchain", got=kept, want=retention)
