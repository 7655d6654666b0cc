"""Checks of what holds data at rest: that it is encrypted, and with whose key."""

from __future__ import annotations

from meshguard.api import Verdict, check, failed, judged, passed
from meshguard.targets.aws import Aws, Place, Resource, account_of
from meshguard.targets.aws.kms import Key, is_aws_alias
from meshguard.targets.aws.stores_models import Database, Encrypted, FileSystem, LogGroup, QueueRef, Volume

OWN_KEY = "a customer-managed key"
_ACCOUNT = 4
_ARN_FIELDS = 6


def without_key(store: Encrypted, *, customer_managed: bool) -> Verdict | None:
    """What is settled by what a resource says of itself; None where its key has to be asked."""
    want = OWN_KEY if customer_managed else "encryption at rest"
    if not store.encrypted:
        return failed("it is not encrypted", got="none", want=want)
    if not customer_managed:
        return passed("it is encrypted", got=store.kms_key or "a key of the service", want=want)
    if store.kms_key is None:
        return failed("it is encrypted with a key that AWS owns", got="a key of the service", want=want)
    if is_aws_alias(store.kms_key):
        return failed("its key is managed by AWS", got=store.kms_key, want=want)
    owner = _owner(store.kms_key)
    if owner and owner != account_of(store.place) and not store.foreign:
        # A key that AWS manages is of use in its own account alone ("AWS KMS keys", AWS managed keys).
        return passed(f"its key is one of account {owner}, so no key that AWS manages", got=store.kms_key, want=want)
    return None


def by_key(store: Encrypted, key: Key | None) -> Verdict:
    """Whether the key of a resource is one that a customer manages."""
    if key is None:
        return failed("the key that it names does not exist", got=store.kms_key, want=OWN_KEY)
    who = "the customer" if key.manager == "CUSTOMER" else key.manager
    return judged(key.manager == "CUSTOMER", "who manages its key", got=who, want="the customer")


def _owner(key: str) -> str:
    parts = key.split(":", _ARN_FIELDS - 1)
    return parts[_ACCOUNT] if len(parts) == _ARN_FIELDS else ""


async def _kept(store: Encrypted, aws: Aws, *, customer_managed: bool) -> Verdict:
    verdict = without_key(store, customer_managed=customer_managed)
    return verdict or by_key(store, await aws.key_named(store.place, store.kms_key or ""))


@check(
    "aws.rds_encrypted",
    method="examine",
    over=Aws.databases,
    fix="An unencrypted database can't be encrypted in place: aws rds copy-db-snapshot --kms-key-id KEY ..., then "
    "restore from the copy.\n"
    'Terraform: resource "aws_db_instance" { storage_encrypted = true, kms_key_id = aws_kms_key.data.arn }',
)
async def rds_encrypted(store: Database, aws: Aws, *, customer_managed: bool = False) -> Verdict:
    """The DB instance's or DB cluster's storage is encrypted (Amazon RDS, "Encrypting Amazon RDS resources").

    An instance of a cluster has the cluster's storage, and is judged by it. New Aurora clusters are encrypted with a
    key that AWS owns where nobody asks for another one.

    Args:
        customer_managed: whether the key must be one that the customer manages, and not aws/rds or one that AWS owns.
    """
    return await _kept(store, aws, customer_managed=customer_managed)


@check(
    "aws.ebs_encrypted",
    method="examine",
    over=Aws.volumes,
    fix="An unencrypted volume can't be encrypted in place: aws ec2 create-snapshot, then aws ec2 create-volume "
    "--encrypted --kms-key-id KEY --snapshot-id SNAPSHOT.\n"
    'Terraform: resource "aws_ebs_volume" { encrypted = true, kms_key_id = aws_kms_key.data.arn }',
)
async def ebs_encrypted(store: Volume, aws: Aws, *, customer_managed: bool = False) -> Verdict:
    """The EBS volume is encrypted, attached or not (Amazon EBS User Guide, "Amazon EBS encryption").

    Args:
        customer_managed: whether the key must be one that the customer manages, and not aws/ebs.
    """
    return await _kept(store, aws, customer_managed=customer_managed)


@check(
    "aws.ebs_default_encrypted",
    method="examine",
    over=Aws.places,
    fix="In each region: aws ec2 enable-ebs-encryption-by-default; aws ec2 modify-ebs-default-kms-key-id --kms-key-id "
    "KEY\n"
    'Terraform: resource "aws_ebs_encryption_by_default" { enabled = true }, resource "aws_ebs_default_kms_key"',
)
async def ebs_default_encrypted(place: Place, aws: Aws, *, customer_managed: bool = False) -> Verdict:
    """New EBS volumes in the region are encrypted (Amazon EBS, "Enable Amazon EBS encryption by default").

    The setting is one of each region, also of those without a volume, and speaks of new volumes alone.

    Args:
        customer_managed: whether the default key must be one that the customer manages, and not aws/ebs.
    """
    said = await aws.ebs_default(place)
    key = await aws.ebs_default_key(place) if said.encrypted and customer_managed else None
    default = Encrypted(arn=place, place=place, encrypted=said.encrypted, kms_key=key)
    return await _kept(default, aws, customer_managed=customer_managed)


@check(
    "aws.dynamodb_encrypted",
    method="examine",
    over=Aws.tables,
    fix="aws dynamodb update-table --table-name TABLE --sse-specification Enabled=true,SSEType=KMS,KMSMasterKeyId=KEY\n"
    'Terraform: resource "aws_dynamodb_table" { server_side_encryption { enabled = true, kms_key_arn = KEY } }',
)
async def dynamodb_encrypted(table: Resource, aws: Aws, *, customer_managed: bool = True) -> Verdict:
    """The DynamoDB table is encrypted with a customer-managed key (DynamoDB, "DynamoDB encryption at rest").

    DynamoDB encrypts every table; only whose key it is can be chosen.

    Args:
        customer_managed: whether the key must be one that the customer manages; without it each table passes.
    """
    return await _kept(await aws.table(table.place, table.name), aws, customer_managed=customer_managed)


@check(
    "aws.efs_encrypted",
    method="examine",
    over=Aws.file_systems,
    fix="An unencrypted file system can't be encrypted in place: aws efs create-file-system --encrypted --kms-key-id "
    "KEY, and copy the data.\n"
    'Terraform: resource "aws_efs_file_system" { encrypted = true, kms_key_id = aws_kms_key.data.arn }',
)
async def efs_encrypted(store: FileSystem, aws: Aws, *, customer_managed: bool = False) -> Verdict:
    """The EFS file system is encrypted at rest (Amazon EFS User Guide, "Encrypting data at rest").

    Args:
        customer_managed: whether the key must be one that the customer manages, and not aws/elasticfilesystem.
    """
    return await _kept(store, aws, customer_managed=customer_managed)


@check(
    "aws.sns_encrypted",
    method="examine",
    over=Aws.topics,
    fix="aws sns set-topic-attributes --topic-arn TOPIC --attribute-name KmsMasterKeyId --attribute-value KEY\n"
    'Terraform: resource "aws_sns_topic" { kms_master_key_id = aws_kms_key.data.arn }',
)
async def sns_encrypted(topic: Resource, aws: Aws, *, customer_managed: bool = False) -> Verdict:
    """The SNS topic has server-side encryption with a key of KMS (Amazon SNS Developer Guide, "Data encryption").

    Args:
        customer_managed: whether the key must be one that the customer manages, and not aws/sns; services such as
            CloudWatch can publish to a topic with a customer-managed key alone.
    """
    return await _kept(await aws.topic(topic.place, topic.arn), aws, customer_managed=customer_managed)


@check(
    "aws.sqs_encrypted",
    method="examine",
    over=Aws.queues,
    fix="aws sqs set-queue-attributes --queue-url URL --attributes KmsMasterKeyId=KEY (or SqsManagedSseEnabled=true)\n"
    'Terraform: resource "aws_sqs_queue" { kms_master_key_id = aws_kms_key.data.arn }',
)
async def sqs_encrypted(queue: QueueRef, aws: Aws, *, customer_managed: bool = False) -> Verdict:
    """The SQS queue has server-side encryption (Amazon SQS Developer Guide, "Encryption at rest in Amazon SQS").

    Either with a key of KMS, or with one that SQS manages (SSE-SQS), which queues made since 2022 have by default.

    Args:
        customer_managed: whether it must be a key of KMS that the customer manages, and not aws/sqs or SSE-SQS.
    """
    return await _kept(await aws.queue(queue.place, queue.url), aws, customer_managed=customer_managed)


@check(
    "aws.logs_encrypted",
    method="examine",
    over=Aws.log_groups,
    fix="aws logs associate-kms-key --log-group-name GROUP --kms-key-id KEY_ARN (the key's policy must let "
    "logs.REGION.amazonaws.com use it)\n"
    'Terraform: resource "aws_cloudwatch_log_group" { kms_key_id = aws_kms_key.logs.arn }',
)
async def logs_encrypted(group: LogGroup, aws: Aws, *, customer_managed: bool = True) -> Verdict:
    """The log group is encrypted with a customer-managed key (CloudWatch Logs User Guide, "Encrypt log data").

    CloudWatch Logs encrypts every log group; only whose key it is can be chosen. What came in before a key was
    associated stays encrypted as it was.

    Args:
        customer_managed: whether the key must be one that the customer manages; without it each log group passes.
    """
    return await _kept(group, aws, customer_managed=customer_managed)
