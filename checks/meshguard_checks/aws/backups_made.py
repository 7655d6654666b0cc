"""Checks that backups are made, that they are whole, and that they can be restored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

from meshguard.api import (
    Clock,
    Duration,
    Field,
    Verdict,
    check,
    days,
    failed,
    judged,
    not_applicable,
    passed,
    undetermined,
)
from meshguard.targets.aws import Aws
from meshguard.targets.aws.backup_models import LastJobs, Plan
from meshguard.targets.aws.s3_models import Bucket, Manifest, Stored, StoredObject
from meshguard.targets.aws.stores_models import Database, DataStore
from meshguard_checks.aws.bucket_choice import missing
from meshguard_checks.parsing.aws_backup_plan import keeps, takes
from meshguard_checks.parsing.aws_policy import Answer

WHOLE = (
    "sha256sum DUMP > DUMP.sha256; aws s3 cp DUMP s3://NAME/ --checksum-algorithm SHA256 (below 5 GB in one part: aws "
    "s3api put-object), and the .sha256 beside it, every day\n"
    'Terraform: resource "aws_scheduler_schedule" { schedule_expression = "rate(1 day)" } for the job that does it'
)
RESTORE = (
    "aws backup create-restore-testing-plan with a selection of the resource, and put-restore-validation-result after "
    "each test\n"
    'Terraform: resource "aws_backup_restore_testing_plan" and "aws_backup_restore_testing_selection"'
)
PLAN = (
    "aws backup create-backup-plan --backup-plan file://plan.json, and create-backup-selection with the store's ARN\n"
    'Terraform: resource "aws_backup_plan" { rule {schedule = "cron(0 5 * * ? *)", lifecycle { delete_after = 35 } } } '
    'resource "aws_backup_selection" { resources = [STORE] }'
)
RDS = (
    "aws rds modify-db-instance --db-instance-identifier ID --backup-retention-period 7 --deletion-protection "
    "--copy-tags-to-snapshot\n"
    'Terraform: resource "aws_db_instance" { backup_retention_period = 7, deletion_protection = true }'
)


@check("aws.backup_integrity", method="test", over=Aws.backup_buckets, fix=WHOLE)
async def backup_integrity(
    bucket: Bucket,
    aws: Aws,
    clock: Clock,
    *,
    max_age: Duration = days(1),
    prefix: str = "",
    manifest: str = "{key}.sha256",
    min_bytes: Annotated[int, Field(ge=1)] = 1,
) -> Verdict:
    """The newest backup in the bucket is at most `max_age` old, and S3's checksum of it is the one of the manifest
    (S3 User Guide, "Checking object integrity in Amazon S3").

    S3 computes the checksum of what it took; the manifest has the one of what was made. Nothing but the manifest is
    downloaded. Of an object that was sent in parts S3 may have only a checksum of the parts' checksums.

    Args:
        max_age: longest accepted time since it was written.
        prefix: beginning of the backups' keys; parts of the date as in backups/%Y/%m/ are those of now and of
            `max_age` ago, in UTC.
        manifest: key of the manifest, in the same bucket; {key} stands for the backup's own, and parts of the date as
            in `prefix`.
        min_bytes: the least size of a backup.
    """
    if (other := missing(bucket)) is not None:
        return other
    now = await clock.now()
    prefixes = dict.fromkeys(when.strftime(prefix) for when in (now, now - max_age))
    without = now.strftime(manifest).replace("{key}", "*")
    seen = [await aws.newest_object(bucket.place, bucket.name, one, without) for one in prefixes]
    newest = max((one for one in seen if one is not None), key=_written, default=None)
    if newest is None:
        return failed("there is no backup in it", want=f"one under {' or '.join(prefixes) or 'any key'}")
    if problem := _stale_or_small(newest, now - newest.modified, max_age, min_bytes):
        return failed(problem, got=f"{_hours(now - newest.modified)}, {newest.size} bytes", want=max_age)
    key = newest.modified.strftime(manifest).replace("{key}", newest.name)
    said = await aws.object_manifest(bucket.place, bucket.name, key)
    wanted = _checksum_in(said, newest.name)
    if wanted is None:
        what = "there is no manifest" if said is None else "its checksum is not in the manifest"
        return failed(f"{what} {key} of the newest backup {newest.name}", want="its checksum")
    return _compared(newest.name, await aws.object_checksums(bucket.place, bucket.name, newest.name), wanted)


def _stale_or_small(newest: StoredObject, age: timedelta, max_age: timedelta, min_bytes: int) -> str:
    if age > max_age:
        return f"the newest backup {newest.name} is too old"
    return f"the newest backup {newest.name} is too small" if newest.size < min_bytes else ""


def _checksum_in(said: Manifest | None, key: str) -> dict[str, str] | None:
    """What a manifest says of a backup, by its key or by the last part of that."""
    found = said.checksums if said is not None else {}
    return found.get(key) or found.get(key.rpartition("/")[2])


def _written(found: StoredObject) -> datetime:
    return found.modified


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:.1f} hours old"


def _compared(key: str, stored: Stored | None, wanted: dict[str, str]) -> Verdict:
    if stored is None:
        return undetermined(f"{key} was deleted meanwhile", fix="run the audit again")
    both = sorted(set(stored.checksums) & set(wanted))
    if not both:
        has = ", ".join([*stored.checksums, *(f"{one} of its parts" for one in stored.composite)]) or "none"
        fix = f"upload it with a checksum of the whole object of the kind {' or '.join(sorted(wanted))}"
        return undetermined(f"S3 keeps other checksums of {key} than its manifest has: {has}", fix=fix)
    differing = [one for one in both if stored.checksums[one] != wanted[one]]
    if differing:
        one = differing[0]
        return failed(f"the {one} of {key} is not its manifest's", got=stored.checksums[one], want=wanted[one])
    return passed(f"{key} has the {' and '.join(both)} of its manifest", got=stored.checksums[both[0]])


@check("aws.backup_restore_tested", method="examine", over=Aws.data_stores, fix=RESTORE)
async def backup_restore_tested(store: DataStore, aws: Aws, clock: Clock, *, max_age: Duration = days(30)) -> Verdict:
    """A backup of the data store was restored within `max_age`, and the result was validated as successful (AWS Backup
    Developer Guide, "Restore testing validation").

    The newest restore that was validated, or that failed, counts: one that nobody validated proves nothing. Restores
    in the store's own account and region are seen.

    Args:
        max_age: longest accepted time since the restore ended.
    """
    if (other := _not_there(store)) is not None:
        return other
    found = {one.source: one for one in await aws.restores_in(store.place)}.get(store.arn)
    if found is None:
        return failed("no restore of its backups was validated", want="a restore with the validation SUCCESSFUL")
    if found.validation != "SUCCESSFUL":
        got = found.validation or found.status
        return failed(f"the newest restore of its backups is {got}", got=got, want="SUCCESSFUL")
    age = await clock.now() - found.ended
    if age > max_age:
        return failed("the newest validated restore is too old", got=f"{age.days} days", want=max_age)
    return passed(f"a restore was validated {age.days} days ago", got=f"{age.days} days", want=max_age)


def _not_there(store: DataStore) -> Verdict | None:
    if store.exists is None:
        return undetermined(f"it was not found, and {store.unread}")
    return None if store.exists else failed("there is no such store", fix="correct `data_stores` of the target")


@check("aws.backup_plan", method="examine", over=Aws.data_stores, fix=PLAN)
async def backup_plan(
    store: DataStore,
    aws: Aws,
    clock: Clock,
    *,
    max_age: Duration = days(2),
    keep_days: Annotated[int, Field(ge=1)] = 7,
) -> Verdict:
    """A backup plan takes the data store and keeps what it makes for `keep_days` days, and its last backup job was
    completed (AWS Backup Developer Guide, "Backup plans").

    A plan takes a store by its ARN. One that chooses by tags is one of the store's where it made its last backup: tags
    are not looked at. A backup that is deleted once it is copied is kept as long as the copy.

    Args:
        max_age: longest accepted time since the last completed job began. A daily one may begin 8 hours late, unless
            the plan has another start window.
        keep_days: days for which the rule that keeps longest must keep backups.
    """
    if (other := _not_there(store)) is not None:
        return other
    plans = (await aws.plans_in(store.place)).items
    jobs = {one.source: one for one in await aws.backup_jobs_in(store.place)}.get(store.arn)
    own, perhaps = _plans_of(store, plans, jobs)
    if not own and perhaps:
        said = f"no backup plan takes it by its ARN; {perhaps[0].name} may by tags, and no job of it shows that"
        return undetermined(said, fix=PLAN)
    if not own:
        return failed("no backup plan takes it", want="a plan that names its ARN")
    if problem := _short_lived(own, keep_days):
        return failed(problem, want=f"a rule that keeps {keep_days} days")
    return _last_job(jobs, await clock.now(), max_age)


def _short_lived(plans: Iterable[Plan], keep_days: int) -> str:
    """Why no rule keeps what it makes for long enough; empty where one does."""
    kept = [keeps(rule) for plan in plans for rule in plan.rules]
    if not kept:
        return "its plan has no rule"
    longest = None if None in kept else max(one for one in kept if one is not None)
    return "" if longest is None or longest >= keep_days else f"its plan deletes backups after {longest} days"


def _plans_of(store: DataStore, plans: Iterable[Plan], jobs: LastJobs | None) -> tuple[list[Plan], list[Plan]]:
    """The plans that take the store, and those that may."""
    own, perhaps = [], []
    for plan in plans:
        answer = takes(plan, store.arn)
        if answer is Answer.YES or (answer is Answer.UNDECIDED and jobs is not None and jobs.plan == plan.id):
            own.append(plan)
        elif answer is Answer.UNDECIDED:
            perhaps.append(plan)
    return own, perhaps


def _last_job(jobs: LastJobs | None, now: datetime, max_age: timedelta) -> Verdict:
    if jobs is None or jobs.completed is None:
        return failed("no backup job of it was completed in the last 30 days", want="a completed job")
    if jobs.state != "COMPLETED":
        return failed(f"its last backup job is {jobs.state}", got=jobs.state, want="COMPLETED")
    return judged(
        now - jobs.completed <= max_age, "its last completed backup", got=_hours(now - jobs.completed), want=max_age
    )


@check("aws.rds_backup", method="examine", over=Aws.databases, fix=RDS)
async def rds_backup(
    database: Database,
    aws: Aws,
    *,
    min_days: Annotated[int, Field(ge=1, le=35)] = 7,
    deletion_protection: bool = False,
    copy_tags: bool = False,
) -> Verdict:
    """Automated backups of the database are on and kept for at least `min_days` days (RDS User Guide, "Introduction to
    backups").

    An instance of a DB cluster is backed up with its cluster, and a read replica with its source.

    Args:
        min_days: shortest accepted retention period, in days; RDS keeps them for up to 35.
        deletion_protection: whether the database must refuse to be deleted.
        copy_tags: whether snapshots must get the database's tags.
    """
    instances = {one.arn: one for one in (await aws.db_instances_in(database.place)).items}
    if (instance := instances.get(database.arn)) is not None and instance.cluster:
        return not_applicable(f"it is backed up with its cluster {instance.cluster}")
    if database.source:
        return not_applicable("it is a read replica; its source is backed up")
    if database.backup_days < min_days:
        what = "automated backups are off" if not database.backup_days else "automated backups are kept too short"
        return failed(what, got=f"{database.backup_days}d", want=f"{min_days}d")
    if deletion_protection and not database.deletion_protection:
        return failed("deletion protection is off", want="on")
    if copy_tags and not database.copies_tags:
        return failed("snapshots do not get its tags", want="copied")
    return passed(
        f"automated backups are kept for {database.backup_days} days",
        got=f"{database.backup_days}d",
        want=f"{min_days}d",
    )
