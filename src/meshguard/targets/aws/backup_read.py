"""Answers about backups, as what is recorded of them. Run where missing fields are explained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from meshguard.targets.aws.backup_models import (
    Backup,
    LastJobs,
    Plan,
    PlanRule,
    RecoveryPoint,
    Restored,
    Selection,
    Vault,
)
from meshguard.targets.aws.models import Place
from meshguard.targets.aws.s3_models import Bucket

ENDED = ("COMPLETED", "FAILED", "ABORTED", "EXPIRED", "PARTIAL")
"""States of a job that is over (ListBackupJobs)."""
COPIED_VOLUME = "vol-ffffffff"
"""What a copy of a snapshot says instead of its volume (DescribeSnapshots)."""
_SOURCES = {
    ("rds", "db"): "rds",
    ("rds", "cluster"): "rds-cluster",
    ("dynamodb", "table"): "dynamodb",
    ("elasticfilesystem", "file-system"): "efs",
    ("ec2", "volume"): "ebs",
}


def source_of(arn: str) -> str:
    """An ARN as `data_stores` writes it: rds:patients; empty for other kinds."""
    _, _, service, _, _, rest = (arn.split(":", 5) + [""] * 6)[:6]
    if service == "s3":
        return f"s3:{rest}"
    kind, _, name = rest.replace("/", ":", 1).partition(":")
    found = _SOURCES.get((service, kind))
    return f"{found}:{name}" if found and name else ""


def db_snapshot(place: Place, said: Mapping[str, Any]) -> Backup:
    """A snapshot of a DB instance."""
    return Backup(
        arn=said["DBSnapshotArn"],
        place=place,
        name=said["DBSnapshotIdentifier"],
        kind="db-snapshot",
        source=f"rds:{said['DBInstanceIdentifier']}",
        made=said.get("SnapshotType", ""),
        encrypted=said["Encrypted"] or _by_rds(said),
        key=said.get("KmsKeyId") or "",
        created=said.get("SnapshotCreateTime"),
    )


def cluster_snapshot(place: Place, said: Mapping[str, Any]) -> Backup:
    """A snapshot of a DB cluster."""
    return Backup(
        arn=said["DBClusterSnapshotArn"],
        place=place,
        name=said["DBClusterSnapshotIdentifier"],
        kind="cluster-snapshot",
        source=f"rds-cluster:{said['DBClusterIdentifier']}",
        made=said.get("SnapshotType", ""),
        encrypted=said["StorageEncrypted"] or _by_rds(said),
        key=said.get("KmsKeyId") or "",
        created=said.get("SnapshotCreateTime"),
    )


def _by_rds(said: Mapping[str, Any]) -> bool:
    """Encryption with a key that AWS owns, of which the older field says nothing."""
    return bool(said.get("StorageEncryptionType", "none") != "none")


def volume_snapshot(place: Place, start: str, said: Mapping[str, Any]) -> Backup:
    """A snapshot of an EBS volume; `start` is what ARNs of its kind begin with."""
    volume = said.get("VolumeId") or COPIED_VOLUME
    return Backup(
        arn=f"{start}/{said['SnapshotId']}",
        place=place,
        name=said["SnapshotId"],
        kind="volume-snapshot",
        source="" if volume == COPIED_VOLUME else f"ebs:{volume}",
        encrypted=said["Encrypted"],
        key=said.get("KmsKeyId") or "",
        created=said.get("StartTime"),
    )


def of_vault(vault: Vault) -> Backup:
    """A vault as what holds backups; Backup encrypts all of them, with a key that AWS owns where it names none."""
    return Backup(
        arn=vault.arn,
        place=vault.place,
        name=vault.name,
        kind="vault",
        encrypted=True,
        key=vault.key,
        points=vault.points,
    )


def of_bucket(bucket: Bucket) -> Backup:
    """A bucket as what holds backups."""
    return Backup(arn=bucket.arn, place=bucket.place, name=bucket.name, kind="bucket", owned=bucket.owned)


def recovery_point(place: Place, vault: str, said: Mapping[str, Any]) -> RecoveryPoint:
    """One recovery point."""
    return RecoveryPoint(
        arn=said["RecoveryPointArn"],
        place=place,
        name=said["RecoveryPointArn"].rpartition(":")[2],
        vault=vault,
        source=said.get("ResourceArn", ""),
        status=said["Status"],
        encrypted=said.get("IsEncrypted"),
        key=said.get("EncryptionKeyArn") or "",
        created=said["CreationDate"],
    )


def of_point(point: RecoveryPoint) -> Backup:
    """A recovery point as a backup."""
    return Backup(
        arn=point.arn,
        place=point.place,
        name=point.name,
        kind="recovery-point",
        source=source_of(point.source),
        made="awsbackup",
        encrypted=point.encrypted,
        key=point.key,
        created=point.created,
    )


def selection_of(said: Mapping[str, Any]) -> Selection:
    """What a plan takes."""
    conditions = said.get("Conditions") or {}
    # Neither ARNs nor tags: everything that Backup can back up (API Reference, BackupSelection).
    every = () if said.get("ListOfTags") else ("*",)
    return Selection(
        arns=tuple(said.get("Resources") or every),
        not_arns=tuple(said.get("NotResources") or ()),
        by_tags=bool(said.get("ListOfTags")),
        conditions=any(conditions.values()),
    )


def plan_of(place: Place, answer: Mapping[str, Any], selections: tuple[Selection, ...]) -> Plan:
    """A plan with its rules."""
    return Plan(
        arn=answer["BackupPlanArn"],
        place=place,
        name=answer["BackupPlan"]["BackupPlanName"],
        rules=tuple(_rule(one) for one in answer["BackupPlan"]["Rules"]),
        selections=selections,
    )


def _rule(said: Mapping[str, Any]) -> PlanRule:
    lifecycle = said.get("Lifecycle") or {}
    copies = [(one.get("Lifecycle") or {}).get("DeleteAfterDays") for one in said.get("CopyActions") or ()]
    return PlanRule(
        name=said["RuleName"],
        vault=said["TargetBackupVaultName"],
        delete_days=_days(lifecycle.get("DeleteAfterDays")),
        copies_days=tuple(_days(days) for days in copies),
        copies_to=tuple(one["DestinationBackupVaultArn"] for one in said.get("CopyActions") or ()),
        only_copies=bool(lifecycle.get("DeleteAfterEvent")),
    )


def _days(said: int | None) -> int | None:
    """-1 and nothing are both "without an end"."""
    return said if said and said > 0 else None


def last_jobs(jobs: Iterable[Mapping[str, Any]]) -> tuple[LastJobs, ...]:
    """For each resource the newest job that is over, and the newest that was completed."""
    newest: dict[str, Mapping[str, Any]] = {}
    whole: dict[str, Mapping[str, Any]] = {}
    for job in jobs:
        if job["State"] not in ENDED or job.get("ParentJobId"):
            continue
        _keep(newest, job)
        if _is_whole(job):
            _keep(whole, job)
    return tuple(_last(source, newest[source], whole.get(source)) for source in sorted(newest))


def _is_whole(job: Mapping[str, Any]) -> bool:
    """Completed, and without what the console calls issues: something could not be read (ListBackupJobs)."""
    return job["State"] == "COMPLETED" and job.get("MessageCategory") in (None, "", "SUCCESS")


def _keep(found: dict[str, Mapping[str, Any]], job: Mapping[str, Any]) -> None:
    before = found.get(job["ResourceArn"])
    if before is None or job["CreationDate"] > before["CreationDate"]:
        found[job["ResourceArn"]] = job


def _last(source: str, newest: Mapping[str, Any], whole: Mapping[str, Any] | None) -> LastJobs:
    return LastJobs(
        source=source,
        state=newest["State"] if _is_whole(newest) or newest["State"] != "COMPLETED" else "COMPLETED with issues",
        ended=newest.get("CompletionDate") or newest["CreationDate"],
        completed=whole["CreationDate"] if whole else None,
        plan=(whole.get("CreatedBy") or {}).get("BackupPlanId", "") if whole else "",
    )


def restored(jobs: Iterable[Mapping[str, Any]]) -> tuple[Restored, ...]:
    """For each resource the newest restore that was validated, or failed; one that nobody validated proves nothing."""
    newest: dict[str, Restored] = {}
    for job in jobs:
        validation = job.get("ValidationStatus", "")
        failed = job["Status"] in ("FAILED", "ABORTED")
        if not job.get("SourceResourceArn") or validation == "VALIDATING" or not (validation or failed):
            continue
        found = Restored(
            source=job["SourceResourceArn"],
            status=job["Status"],
            validation=validation,
            ended=job.get("CompletionDate") or job["CreationDate"],
        )
        if found.source not in newest or found.ended > newest[found.source].ended:
            newest[found.source] = found
    return tuple(newest[source] for source in sorted(newest))
