"""What holds data at rest: databases, tables, volumes, file systems, topics, queues, logs; and how it is encrypted."""

from __future__ import annotations

from meshguard.targets.aws.models import AwsModel, Resource


class Encrypted(Resource):
    """A resource that holds data, and how it is encrypted."""

    encrypted: bool
    kms_key: str | None = None
    """ARN, id or alias of the key of KMS that it names; None where it names none: AWS's own key, or no encryption."""
    foreign: bool = False
    """Whether it belongs to an account that is not under audit, so not to that of its place."""


class Database(Encrypted):
    """What DB instances and clusters have in common."""

    engine: str
    status: str
    """available, creating, stopped, ..."""
    backup_days: int
    """Days that automated backups are kept; 0: none are made."""
    deletion_protection: bool
    copies_tags: bool
    """Whether snapshots get its tags."""
    multi_az: bool
    public: bool | None
    """Whether its name resolves to a public address; None where the answer does not say (Aurora clusters)."""
    subnet_group: str = ""
    groups: tuple[str, ...] = ()
    """Ids of its security groups."""
    iam_login: bool = False
    log_exports: tuple[str, ...] = ()
    source: str = ""
    """What it is a read replica of: a name in its own region, else an ARN."""
    copies: tuple[str, ...] = ()
    """Its read replicas: names in its own region, else ARNs."""


class DbInstance(Database):
    """A DB instance (DescribeDBInstances), those of Aurora, DocumentDB and Neptune clusters included."""

    cluster: str = ""
    """The DB cluster that it belongs to, whose storage it has."""
    vpc: str = ""
    subnet_ids: tuple[str, ...] = ()
    """All subnets of its subnet group: a failover may take it to each."""
    backup_copies: tuple[str, ...] = ()
    """ARNs of its automated backups in other regions."""


class DbCluster(Database):
    """A DB cluster (DescribeDBClusters)."""

    members: tuple[str, ...] = ()


class Volume(Encrypted):
    """An EBS volume (DescribeVolumes)."""

    label: str = ""
    """Its Name tag."""
    state: str = ""
    attached_to: tuple[str, ...] = ()
    """Ids of instances."""


class Table(Encrypted):
    """A DynamoDB table (DescribeTable)."""

    status: str
    deletion_protection: bool = False
    copied_to: tuple[str, ...] = ()
    """Regions of the replicas of a global table."""


class FileSystem(Encrypted):
    """An EFS file system (DescribeFileSystems)."""

    label: str = ""
    """Its Name tag."""


class Topic(Encrypted):
    """An SNS topic (GetTopicAttributes); `encrypted` is server-side encryption with a key of KMS."""


class QueueRef(Resource):
    """A queue of a list (ListQueues)."""

    url: str


class Queue(Encrypted):
    """An SQS queue (GetQueueAttributes); `encrypted` is SSE-KMS or SSE-SQS."""


class LogGroup(Encrypted):
    """A log group (DescribeLogGroups). CloudWatch Logs encrypts all of them."""

    retention_days: int | None
    """None: events never expire."""
    log_class: str = "STANDARD"


class EbsDefault(AwsModel):
    """What new EBS volumes of a place are (GetEbsEncryptionByDefault)."""

    encrypted: bool


class DataStore(Encrypted):
    """One of the stores that the deployment names."""

    kind: str
    """As the deployment writes it: rds, rds-cluster, s3, dynamodb, efs, ebs."""
    exists: bool | None = True
    """None: it was not found, and not all places could be read."""
    unread: str = ""
    """What could not be read where it may be, as a sentence."""
