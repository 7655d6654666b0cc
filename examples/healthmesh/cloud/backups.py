"""Backups of the test cloud's account: snapshots, vaults, a plan, a bucket of dumps; good ones and not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from . import buckets, stores
from .builder import Cloud, CloudDefect
from .keys import stores_key

ENCRYPTED, SEPARATE, WHOLE = "aws.backup_encrypted", "aws.backup_bucket_separate", "aws.backup_integrity"
RESTORED, KEPT, PLANNED, SAVED = (
    "aws.backup_restore_tested",
    "aws.backup_retention",
    "aws.backup_plan",
    "aws.rds_backup",
)
BUCKET = "mg-bucket-backup-1"
SETTINGS = {"backup_buckets": [BUCKET]}
PARAMETERS: dict[str, dict[str, Any]] = {ENCRYPTED: {"automated": False}}
"""RDS makes snapshots by itself, with the database's key: here each data store has copies under another one."""
DATABASE, CLUSTER, VOLUME, TABLE = "mg-db-good-1", "mg-dbcluster-good-1", "mg-volume-good-1", "mg-table-good-1"
DUMP = "postgres/dump.sql.gz"
ALIAS = "mg-key-backups"
KEEP_DAYS = 35


def good(cloud: Cloud, n: int = 1) -> None:
    """`n` copies of the data stores' snapshots and `n` vaults, one plan for all stores, one bucket of dumps."""
    key = buckets.own_key(cloud, ALIAS)
    for i in range(1, n + 1):
        _copies(cloud, str(i), key)
    vaults(cloud, {f"mg-vault-good-{i}": key for i in range(1, n + 1)})
    buckets.logs(cloud)
    buckets.bucket(cloud, BUCKET, alias=ALIAS, is_filled=True)
    dump(cloud, b"a day's data")
    plan(cloud)
    select(cloud, "*")
    jobs(cloud)
    restores(cloud)


def bad(cloud: Cloud, n: int = 1) -> None:
    """`n` backups of each kind with the key of the data, and `n` databases that are not backed up."""
    for i in range(1, n + 1):
        _snapshots(cloud, str(i))
        stores.database(cloud, f"mg-db-unsaved-{i}", stores_key(cloud), BackupRetentionPeriod=0)
    vaults(cloud, {f"mg-vault-same-{i}": stores_key(cloud) for i in range(1, n + 1)})


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What each check must say of each resource of the account, those that other topics made among them."""
    del n
    said = {(ENCRYPTED, arn): _due(name) for arn, name in _backups(cloud)}
    for arn in _databases(cloud):
        said[SAVED, arn] = "fail" if "-unsaved-" in arn else "pass"
    said |= {(check, f"arn:aws:s3:::{BUCKET}"): "pass" for check in (ENCRYPTED, SEPARATE, WHOLE, KEPT)}
    return said | {(check, arn): "pass" for check in (RESTORED, PLANNED) for arn in data_stores(cloud)}


def _due(name: str) -> str:
    if name.startswith("rds:"):  # RDS made it by itself
        return "not-applicable"
    return "fail" if "-same-" in name else "pass"


def _backups(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """ARN and name of all backups but the bucket."""
    for one in _all(cloud, "rds", "describe_db_snapshots", "DBSnapshots"):
        yield one["DBSnapshotArn"], one["DBSnapshotIdentifier"]
    for one in _all(cloud, "rds", "describe_db_cluster_snapshots", "DBClusterSnapshots"):
        yield one["DBClusterSnapshotArn"], one["DBClusterSnapshotIdentifier"]
    for one in _all(cloud, "ec2", "describe_snapshots", "Snapshots", OwnerIds=["self"]):
        name = next((tag["Value"] for tag in one["Tags"] if tag["Key"] == "Name"), "")
        yield f"arn:aws:ec2:{cloud.region}::snapshot/{one['SnapshotId']}", name
    points = "list_recovery_points_by_backup_vault"
    for one in _all(cloud, "backup", "list_backup_vaults", "BackupVaultList"):
        yield one["BackupVaultArn"], one["BackupVaultName"]
        for point in _all(cloud, "backup", points, "RecoveryPoints", BackupVaultName=one["BackupVaultName"]):
            yield point["RecoveryPointArn"], one["BackupVaultName"]


def _all(cloud: Cloud, service: str, method: str, items: str, **given: Any) -> list[Any]:
    pages = cloud.client(service).get_paginator(method).paginate(**given)
    return [one for page in pages for one in page[items]]


def _databases(cloud: Cloud) -> Iterator[str]:
    yield from (one["DBInstanceArn"] for one in _all(cloud, "rds", "describe_db_instances", "DBInstances"))
    yield from (one["DBClusterArn"] for one in _all(cloud, "rds", "describe_db_clusters", "DBClusters"))


def data_stores(cloud: Cloud) -> list[str]:
    """ARNs of the stores that the deployment names."""
    start = f"{cloud.region}:{cloud.account}"
    files = cloud.client("efs").describe_file_systems()["FileSystems"]
    return [
        f"arn:aws:rds:{start}:db:{DATABASE}",
        f"arn:aws:rds:{start}:cluster:{CLUSTER}",
        f"arn:aws:dynamodb:{start}:table/{TABLE}",
        *(one["FileSystemArn"] for one in files if one.get("Name") == "mg-files-good-1"),
        f"arn:aws:ec2:{start}:volume/{_volume(cloud)}",
    ]


def _volume(cloud: Cloud) -> str:
    named = [{"Name": "tag:Name", "Values": [VOLUME]}]
    return str(cloud.client("ec2").describe_volumes(Filters=named)["Volumes"][0]["VolumeId"])


def _snapshots(cloud: Cloud, mark: str) -> str:
    """A snapshot of each kind, with its source's key; the EBS snapshot's id."""
    rds = cloud.client("rds")
    rds.create_db_snapshot(DBInstanceIdentifier=DATABASE, DBSnapshotIdentifier=f"mg-snapshot-same-{mark}")
    rds.create_db_cluster_snapshot(
        DBClusterIdentifier=CLUSTER, DBClusterSnapshotIdentifier=f"mg-clustersnapshot-same-{mark}"
    )
    tags = _tags(f"mg-ebssnapshot-same-{mark}")
    return str(cloud.client("ec2").create_snapshot(VolumeId=_volume(cloud), TagSpecifications=tags)["SnapshotId"])


def _copies(cloud: Cloud, mark: str, key: str) -> None:
    """A snapshot of each kind under another key; those with the source's key are gone, but the ones RDS made."""
    rds, ec2 = cloud.client("rds"), cloud.client("ec2")
    first = _snapshots(cloud, mark)
    rds.copy_db_snapshot(
        SourceDBSnapshotIdentifier=f"mg-snapshot-same-{mark}",
        TargetDBSnapshotIdentifier=f"mg-snapshot-good-{mark}",
        KmsKeyId=key,
    )
    rds.copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=f"mg-clustersnapshot-same-{mark}",
        TargetDBClusterSnapshotIdentifier=f"mg-clustersnapshot-good-{mark}",
        KmsKeyId=key,
    )
    ec2.copy_snapshot(
        SourceRegion=cloud.region,
        SourceSnapshotId=first,
        Encrypted=True,
        KmsKeyId=key,
        TagSpecifications=_tags(f"mg-ebssnapshot-good-{mark}"),
    )
    rds.delete_db_snapshot(DBSnapshotIdentifier=f"mg-snapshot-same-{mark}")
    rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=f"mg-clustersnapshot-same-{mark}")
    ec2.delete_snapshot(SnapshotId=first)


def _tags(name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": "snapshot", "Tags": [{"Key": "Name", "Value": name}]}]


def _ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


def vaults(cloud: Cloud, keys: dict[str, str]) -> None:
    """Add vaults, each with a recovery point under its key; moto has neither recovery points nor their number."""
    start = f"arn:aws:backup:{cloud.region}:{cloud.account}"
    for name, key in keys.items():
        point = {
            "RecoveryPointArn": f"{start}:recovery-point:{name}",
            "BackupVaultName": name,
            "ResourceArn": f"arn:aws:dynamodb:{cloud.region}:{cloud.account}:table/{TABLE}",
            "ResourceType": "DynamoDB",
            "Status": "COMPLETED",
            "CreationDate": _ago(1),
            "EncryptionKeyArn": key,
            "IsEncrypted": True,
        }
        cloud.control.answer(
            "backup:ListRecoveryPointsByBackupVault",
            {"RecoveryPoints": [point]},
            path=f"/backup-vaults/{name}/recovery-points*",
        )
    before = cloud.client("backup").list_backup_vaults()["BackupVaultList"]
    made = [
        {
            "BackupVaultName": name,
            "BackupVaultArn": f"{start}:backup-vault:{name}",
            "EncryptionKeyArn": key,
            "NumberOfRecoveryPoints": 1,
        }
        for name, key in keys.items()
    ]
    cloud.control.answer("backup:ListBackupVaults", {"BackupVaultList": [*before, *made]})


def plan(cloud: Cloud, keep_days: int = KEEP_DAYS) -> None:
    """The one plan, in place of what was there, under a name of its own: moto takes no document twice."""
    backup = cloud.client("backup")
    for one in backup.list_backup_plans()["BackupPlansList"]:
        backup.delete_backup_plan(BackupPlanId=one["BackupPlanId"])
    rule = {
        "RuleName": "daily",
        "TargetBackupVaultName": "mg-vault-good-1",
        "ScheduleExpression": "cron(0 5 * * ? *)",
        "Lifecycle": {"DeleteAfterDays": keep_days},
    }
    backup.create_backup_plan(BackupPlan={"BackupPlanName": f"mg-plan-{keep_days}", "Rules": [rule]})


def select(cloud: Cloud, *arns: str) -> None:
    """What the plan takes; moto has no selections."""
    cloud.control.answer(
        "backup:ListBackupSelections", {"BackupSelectionsList": [{"SelectionId": "s-1", "SelectionName": "stores"}]}
    )
    role = f"arn:aws:iam::{cloud.account}:role/mg-backup"
    selection = {"SelectionName": "stores", "IamRoleArn": role, "Resources": list(arns)}
    cloud.control.answer("backup:GetBackupSelection", {"BackupSelection": selection, "SelectionId": "s-1"})


def jobs(cloud: Cloud, state: str = "COMPLETED", hours_ago: float = 5) -> None:
    """The last backup job of each data store."""
    said = [
        {
            "BackupJobId": f"job-{number}",
            "ResourceArn": arn,
            "State": state,
            "CreationDate": _ago(hours_ago),
            "CompletionDate": _ago(hours_ago - 1),
            "CreatedBy": {"BackupPlanId": "p-1"},
        }
        for number, arn in enumerate(data_stores(cloud))
    ]
    cloud.control.answer("backup:ListBackupJobs", {"BackupJobs": said})


def restores(cloud: Cloud, validation: str = "SUCCESSFUL", days_ago: float = 7) -> None:
    """The last restore test of each data store."""
    said = [
        {
            "RestoreJobId": f"restore-{number}",
            "SourceResourceArn": arn,
            "Status": "COMPLETED",
            "CreationDate": _ago(24 * days_ago),
            "CompletionDate": _ago(24 * days_ago),
        }
        | ({"ValidationStatus": validation} if validation else {})
        for number, arn in enumerate(data_stores(cloud))
    ]
    cloud.control.answer("backup:ListRestoreJobs", {"RestoreJobs": said})


def dump(cloud: Cloud, content: bytes, *, claimed: bytes | None = None, name: str = DUMP, sums: bool = True) -> None:
    """A dump in the bucket, and its manifest beside it, which has the checksum of what was `claimed`."""
    s3 = cloud.client("s3")
    digest = hashlib.sha256(content if claimed is None else claimed).hexdigest()
    s3.put_object(Bucket=BUCKET, Key=name, Body=content, ChecksumAlgorithm="SHA256")
    if sums:
        line = f"{digest}  {name.rpartition('/')[2]}\n"
        s3.put_object(Bucket=BUCKET, Key=f"{name}.sha256", Body=line.encode())


def _same_key(cloud: Cloud) -> None:
    cloud.client("rds").create_db_snapshot(DBInstanceIdentifier=DATABASE, DBSnapshotIdentifier="mg-snapshot-same-0")


def _uncopied(cloud: Cloud) -> None:
    rds = cloud.client("rds")
    for one in rds.describe_db_snapshots(DBInstanceIdentifier=DATABASE, SnapshotType="manual")["DBSnapshots"]:
        rds.delete_db_snapshot(DBSnapshotIdentifier=one["DBSnapshotIdentifier"])


def _stale(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    s3.delete_object(Bucket=BUCKET, Key=DUMP)
    cloud.control.clock(-2)
    try:
        dump(cloud, b"two days old", name="postgres/older.sql.gz")
    finally:
        cloud.control.clock(0)


def _plain_policy(cloud: Cloud) -> None:
    buckets.tell_policy(cloud, BUCKET, buckets.statements(BUCKET)[1:])


def _open(cloud: Cloud) -> None:
    cloud.client("s3").delete_public_access_block(Bucket=BUCKET)


def _short(cloud: Cloud) -> None:
    """Answered, since moto changes a lock in an empty bucket alone, unlike S3."""
    default = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 6}}
    said = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": default}}
    cloud.control.answer("s3:GetObjectLockConfiguration", said, path=f"/{BUCKET}")
    buckets.expire(cloud, BUCKET, older=6)


def _vault(cloud: Cloud) -> None:
    vaults(cloud, {"mg-vault-same-0": stores_key(cloud)})


def _database(days: int) -> Callable[[Cloud], None]:
    def plant(cloud: Cloud) -> None:
        stores.database(cloud, "mg-db-unsaved-0", stores_key(cloud), BackupRetentionPeriod=days)

    return plant


DEFECTS = (
    CloudDefect("aws-backup-same-key", ENCRYPTED, "A snapshot has the database's key.", _same_key),
    CloudDefect("aws-backup-uncopied", ENCRYPTED, "A database has no snapshot under another key.", _uncopied),
    CloudDefect("aws-backup-vault-same-key", ENCRYPTED, "A vault has the key of the data.", _vault),
    CloudDefect(
        "aws-backup-bucket-same-key",
        ENCRYPTED,
        "The bucket of backups has the key of the data.",
        lambda cloud: buckets.encrypt(cloud, BUCKET, stores_key(cloud)),
    ),
    CloudDefect(
        "aws-backup-bucket-plaintext",
        SEPARATE,
        "The bucket of backups takes requests without TLS.",
        _plain_policy,
        also=(buckets.TLS,),
    ),
    CloudDefect(
        "aws-backup-bucket-open", SEPARATE, "The bucket of backups may be made public.", _open, also=(buckets.CLOSED,)
    ),
    CloudDefect("aws-backup-stale", WHOLE, "The newest backup is two days old.", _stale),
    CloudDefect(
        "aws-backup-corrupt",
        WHOLE,
        "The newest backup is not what was made.",
        lambda cloud: dump(cloud, b"a day's da", claimed=b"a day's data"),
    ),
    CloudDefect(
        "aws-backup-no-manifest",
        WHOLE,
        "The newest backup has no manifest.",
        lambda cloud: dump(cloud, b"more", name="postgres/later.sql.gz", sums=False),
    ),
    CloudDefect(
        "aws-backup-restore-failed", RESTORED, "A restore test failed.", lambda cloud: restores(cloud, "FAILED")
    ),
    CloudDefect(
        "aws-backup-restore-unvalidated",
        RESTORED,
        "Nobody validated what was restored.",
        lambda cloud: restores(cloud, ""),
    ),
    CloudDefect(
        "aws-backup-restore-old",
        RESTORED,
        "The last restore test is 31 days old.",
        lambda cloud: restores(cloud, days_ago=31),
    ),
    CloudDefect("aws-backup-kept-short", KEPT, "Backups are kept for six days.", _short, also=(buckets.LOCKED,)),
    CloudDefect(
        "aws-backup-unplanned",
        PLANNED,
        "No plan takes the data stores.",
        lambda cloud: select(cloud, "arn:aws:ec2:*:*:instance/*"),
    ),
    CloudDefect("aws-backup-plan-short", PLANNED, "The plan keeps six days.", lambda cloud: plan(cloud, keep_days=6)),
    CloudDefect("aws-backup-job-failed", PLANNED, "The last backup job failed.", lambda cloud: jobs(cloud, "FAILED")),
    CloudDefect(
        "aws-backup-job-old", PLANNED, "The last backup job is three days old.", lambda cloud: jobs(cloud, hours_ago=72)
    ),
    CloudDefect("aws-rds-unsaved", SAVED, "A database has no automated backups.", _database(0)),
    CloudDefect("aws-rds-saved-short", SAVED, "A database's backups are kept for six days.", _database(6)),
)
