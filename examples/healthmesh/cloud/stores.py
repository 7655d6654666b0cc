"""What holds data in the test cloud's account: databases, volumes, tables, file systems, topics, queues, logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from secrets import token_urlsafe
from typing import Any

from .builder import Cloud, CloudDefect
from .keys import stores_key
from .network_parts import subnet_group

SETTINGS = {
    "data_stores": [
        "rds:mg-db-good-1",
        "rds-cluster:mg-dbcluster-good-1",
        "dynamodb:mg-table-good-1",
        "efs:mg-files-good-1",
        "ebs:mg-volume-good-1",
    ]
}
"""What the deployment says of this topic."""
RETENTION_DAYS = 400
BACKUP_DAYS = 35


def good(cloud: Cloud, n: int = 1) -> None:
    """`n` resources of each kind, encrypted with the stores' key, and volumes encrypted by default."""
    key = stores_key(cloud)
    cloud.client("ec2").enable_ebs_encryption_by_default()
    # moto lacks this one; AWS says so where nobody has chosen a key (GetEbsDefaultKmsKeyId).
    cloud.control.answer("ec2:GetEbsDefaultKmsKeyId", {"KmsKeyId": "alias/aws/ebs"})
    for i in range(1, n + 1):
        for kind, make in MAKERS.items():
            make(cloud, f"mg-{kind}-good-{i}", key)


def bad(cloud: Cloud, n: int = 1) -> None:
    """`n` resources of each kind that are in the clear, or encrypted with a key of AWS where that is always so."""
    for i in range(1, n + 1):
        for kind, make in MAKERS.items():
            make(cloud, f"mg-{kind}-plain-{i}", "")


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What each check must say of each resource of the account, those that other topics made among them."""
    del n
    said = {(check, arn): "fail" if "-plain-" in name else "pass" for check, arn, name in _made(cloud)}
    said["aws.ebs_default_encrypted", f"{cloud.account}/{cloud.region}"] = "pass"
    named = [name.partition(":")[2] for name in SETTINGS["data_stores"]]
    stores = [arn for _, arn, name in _made(cloud) if name in named]
    return said | {(check, arn): "pass" for arn in stores for check in ("data_stores.encrypted", "aws.kms_in_use")}


def _made(cloud: Cloud) -> Iterator[tuple[str, str, str]]:
    """Check, ARN and name of all that is there."""
    for check, (service, method, items, named) in LISTS.items():
        for one in _all(cloud, service, method, items):
            yield check.partition(" ")[0], *named(cloud, one)


def _all(cloud: Cloud, service: str, method: str, items: str) -> list[Any]:
    pages = cloud.client(service).get_paginator(method).paginate()
    return [one for page in pages for one in page.get(items, ())]


def _arn(cloud: Cloud, service: str, rest: str) -> str:
    return f"arn:aws:{service}:{cloud.region}:{cloud.account}:{rest}"


def _volume_named(cloud: Cloud, one: Any) -> tuple[str, str]:
    name = next((tag["Value"] for tag in one.get("Tags", ()) if tag["Key"] == "Name"), "")
    return _arn(cloud, "ec2", f"volume/{one['VolumeId']}"), name


def _queue_named(cloud: Cloud, url: str) -> tuple[str, str]:
    name = url.rpartition("/")[2]
    return _arn(cloud, "sqs", name), name


LISTS: dict[str, tuple[str, str, str, Callable[[Cloud, Any], tuple[str, str]]]] = {
    "aws.rds_encrypted of instances": (
        "rds",
        "describe_db_instances",
        "DBInstances",
        lambda _, one: (one["DBInstanceArn"], one["DBInstanceIdentifier"]),
    ),
    "aws.rds_encrypted of clusters": (
        "rds",
        "describe_db_clusters",
        "DBClusters",
        lambda _, one: (one["DBClusterArn"], one["DBClusterIdentifier"]),
    ),
    "aws.ebs_encrypted": ("ec2", "describe_volumes", "Volumes", _volume_named),
    "aws.dynamodb_encrypted": (
        "dynamodb",
        "list_tables",
        "TableNames",
        lambda cloud, name: (_arn(cloud, "dynamodb", f"table/{name}"), name),
    ),
    "aws.efs_encrypted": (
        "efs",
        "describe_file_systems",
        "FileSystems",
        lambda _, one: (one["FileSystemArn"], one.get("Name", "")),
    ),
    "aws.sns_encrypted": (
        "sns",
        "list_topics",
        "Topics",
        lambda _, one: (one["TopicArn"], one["TopicArn"].rpartition(":")[2]),
    ),
    "aws.sqs_encrypted": ("sqs", "list_queues", "QueueUrls", _queue_named),
    "aws.logs_encrypted": (
        "logs",
        "describe_log_groups",
        "logGroups",
        lambda _, one: (one["arn"].removesuffix(":*"), one["logGroupName"]),
    ),
}
"""Check -> service, the method that lists what it judges, the list's member, and the ARN and name of one in it."""


def _kept(key: str, encrypted: str, named: str) -> dict[str, Any]:
    """The parameters that encrypt with a key; without one, those that do not encrypt."""
    return {encrypted: True, named: key} if key else {encrypted: False}


def database(cloud: Cloud, name: str, key: str, **more: Any) -> None:
    """A PostgreSQL instance."""
    given = {
        "DBInstanceIdentifier": name,
        "DBInstanceClass": "db.t4g.medium",
        "Engine": "postgres",
        "AllocatedStorage": 20,
        "MasterUsername": "mesh",
        "MasterUserPassword": token_urlsafe(24),
        "DBSubnetGroupName": subnet_group(cloud),
        "MultiAZ": True,
        "PubliclyAccessible": False,
        "BackupRetentionPeriod": BACKUP_DAYS,
        "DeletionProtection": True,
        "CopyTagsToSnapshot": True,
        **_kept(key, "StorageEncrypted", "KmsKeyId"),
    }
    cloud.client("rds").create_db_instance(**given | more)


def cluster(cloud: Cloud, name: str, key: str, **more: Any) -> None:
    """An Aurora cluster without instances."""
    given = {
        "DBClusterIdentifier": name,
        "Engine": "aurora-postgresql",
        "MasterUsername": "mesh",
        "MasterUserPassword": token_urlsafe(24),
        "DBSubnetGroupName": subnet_group(cloud),
        "BackupRetentionPeriod": BACKUP_DAYS,
        "DeletionProtection": True,
        "CopyTagsToSnapshot": True,
        **_kept(key, "StorageEncrypted", "KmsKeyId"),
    }
    cloud.client("rds").create_db_cluster(**given | more)


def volume(cloud: Cloud, name: str, key: str) -> str:
    """The id of a volume."""
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": name}]}]
    zone = f"{cloud.region}a"
    given = _kept(key, "Encrypted", "KmsKeyId")
    # Encryption by default makes an encrypted volume of each; what is in the clear is older than that setting.
    ec2 = cloud.client("ec2")
    if not key:
        ec2.disable_ebs_encryption_by_default()
    made = ec2.create_volume(AvailabilityZone=zone, Size=1, TagSpecifications=tags, **given)
    if not key:
        ec2.enable_ebs_encryption_by_default()
    return str(made["VolumeId"])


def table(cloud: Cloud, name: str, key: str) -> None:
    """A table; without a key it has DynamoDB's own."""
    sse = {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}} if key else {}
    dynamodb = cloud.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
        **sse,
    )
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


def files(cloud: Cloud, name: str, key: str) -> str:
    """The id of a file system."""
    given = _kept(key, "Encrypted", "KmsKeyId")
    tags = [{"Key": "Name", "Value": name}]
    made = cloud.client("efs").create_file_system(CreationToken=name, Tags=tags, **given)
    return str(made["FileSystemId"])


def topic(cloud: Cloud, name: str, key: str) -> str:
    """The ARN of a topic."""
    attributes = {"KmsMasterKeyId": key} if key else {}
    return str(cloud.client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"])


def queue(cloud: Cloud, name: str, key: str) -> str:
    """The URL of a queue."""
    attributes = {"KmsMasterKeyId": key} if key else {"SqsManagedSseEnabled": "false"}
    return str(cloud.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def logs(cloud: Cloud, name: str, key: str) -> None:
    """A log group; without a key it has CloudWatch's own."""
    client = cloud.client("logs")
    client.create_log_group(logGroupName=name, **({"kmsKeyId": key} if key else {}))
    client.put_retention_policy(logGroupName=name, retentionInDays=RETENTION_DAYS)


MAKERS: dict[str, Callable[[Cloud, str, str], Any]] = {
    "db": database,
    "dbcluster": cluster,
    "volume": volume,
    "table": table,
    "files": files,
    "topic": topic,
    "queue": queue,
    "logs": logs,
}
"""Kind, as names say it -> what makes one with a key, or without."""


def _plain(kind: str) -> Callable[[Cloud], None]:
    return lambda cloud: MAKERS[kind](cloud, f"mg-{kind}-plain-0", "")


def _plain_by_default(cloud: Cloud) -> None:
    cloud.client("ec2").disable_ebs_encryption_by_default()


def _aws_key(cloud: Cloud) -> None:
    """The named file system is made anew, with the key that AWS manages."""
    _without_files(cloud)
    key = cloud.client("kms").describe_key(KeyId="alias/aws/elasticfilesystem")["KeyMetadata"]["Arn"]
    files(cloud, "mg-files-good-1", key)


def _without_files(cloud: Cloud) -> None:
    efs = cloud.client("efs")
    for one in _all(cloud, "efs", "describe_file_systems", "FileSystems"):
        if one.get("Name") == "mg-files-good-1":
            for mount in efs.describe_mount_targets(FileSystemId=one["FileSystemId"])["MountTargets"]:
                efs.delete_mount_target(MountTargetId=mount["MountTargetId"])
            efs.delete_file_system(FileSystemId=one["FileSystemId"])


def _without_cluster(cloud: Cloud) -> None:
    rds = cloud.client("rds")
    rds.modify_db_cluster(DBClusterIdentifier="mg-dbcluster-good-1", DeletionProtection=False)
    rds.delete_db_cluster(DBClusterIdentifier="mg-dbcluster-good-1", SkipFinalSnapshot=True)


DEFECTS = (
    CloudDefect("aws-db-plain", "aws.rds_encrypted", "A database is not encrypted.", _plain("db")),
    CloudDefect("aws-db-cluster-plain", "aws.rds_encrypted", "A DB cluster is not encrypted.", _plain("dbcluster")),
    CloudDefect("aws-volume-plain", "aws.ebs_encrypted", "A volume is not encrypted.", _plain("volume")),
    CloudDefect(
        "aws-volumes-plain", "aws.ebs_default_encrypted", "New volumes are not encrypted by default.", _plain_by_default
    ),
    CloudDefect("aws-table-key", "aws.dynamodb_encrypted", "A table has DynamoDB's own key.", _plain("table")),
    CloudDefect("aws-files-plain", "aws.efs_encrypted", "A file system is not encrypted.", _plain("files")),
    CloudDefect("aws-topic-plain", "aws.sns_encrypted", "A topic is not encrypted.", _plain("topic")),
    CloudDefect("aws-queue-plain", "aws.sqs_encrypted", "A queue is not encrypted.", _plain("queue")),
    CloudDefect("aws-log-group-key", "aws.logs_encrypted", "A log group has CloudWatch's own key.", _plain("logs")),
    CloudDefect(
        "aws-store-key-of-aws",
        "data_stores.encrypted",
        "A named data store is encrypted with a key that AWS manages.",
        _aws_key,
        also=("aws.kms_in_use", "aws.store_keys_rotated", "aws.backup_plan", "aws.backup_restore_tested"),
    ),
    CloudDefect(
        "aws-store-missing",
        "data_stores.encrypted",
        "A named data store is not there.",
        _without_cluster,
        also=(
            "aws.kms_in_use",
            "aws.subnets",
            "aws.backup_plan",
            "aws.backup_restore_tested",
            "aws.backup_encrypted",
            "aws.store_keys_rotated",
        ),
    ),
)
