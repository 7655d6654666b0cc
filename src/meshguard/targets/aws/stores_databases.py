"""Databases: DB instances and clusters of RDS, and tables of DynamoDB."""

from __future__ import annotations

from typing import Any

from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import Place, Resource, account_of, region_of
from meshguard.targets.aws.operation import Operation
from meshguard.targets.aws.stores_models import Database, DbCluster, DbInstance, Table

DESCRIBE_DB_INSTANCES = Operation("rds", "DescribeDBInstances", items="DBInstances")
DESCRIBE_DB_CLUSTERS = Operation("rds", "DescribeDBClusters", items="DBClusters")
LIST_TABLES = Operation("dynamodb", "ListTables", items="TableNames")
DESCRIBE_TABLE = Operation("dynamodb", "DescribeTable")


class DatabaseFacts(AwsBase):
    """Facts of RDS and DynamoDB."""

    @fact
    async def databases(self) -> Listing[Database]:
        """All DB instances and DB clusters of all places; one kind that is not read hides nothing of the other."""
        lists: dict[str, Listing[Any]] = {
            "DB instances": await self.db_instances(),
            "DB clusters": await self.db_clusters(),
        }
        fields = set(Database.model_fields)
        found = (one.model_dump(include=fields) for listing in lists.values() for one in listing.items)
        whole = found_in(Database.model_validate(one) for one in found)
        unread = [
            part.model_copy(update={"resource": f"{what} in {part.resource}"})
            for what, listing in lists.items()
            for part in listing.unread
        ]
        left_out = tuple(part for listing in lists.values() for part in listing.left_out)
        return whole.model_copy(update={"unread": tuple(unread), "left_out": left_out})

    @fact
    async def db_instances(self) -> Listing[DbInstance]:
        """All DB instances of all places."""
        return await self.across(self.db_instances_in)

    @fact
    async def db_instances_in(self, place: Place) -> Listing[DbInstance]:
        """The DB instances of one place."""
        found = await self.pages(place, DESCRIBE_DB_INSTANCES)
        with documented(DESCRIBE_DB_INSTANCES):
            return found_in(_instance(place, one) for one in found)

    @fact
    async def db_clusters(self) -> Listing[DbCluster]:
        """All DB clusters of all places."""
        return await self.across(self.db_clusters_in)

    @fact
    async def db_clusters_in(self, place: Place) -> Listing[DbCluster]:
        """The DB clusters of one place."""
        found = await self.pages(place, DESCRIBE_DB_CLUSTERS)
        with documented(DESCRIBE_DB_CLUSTERS):
            return found_in(_cluster(place, one) for one in found)

    @fact
    async def tables(self) -> Listing[Resource]:
        """All DynamoDB tables of all places."""
        return await self.across(self.tables_in)

    @fact
    async def tables_in(self, place: Place) -> Listing[Resource]:
        """The DynamoDB tables of one place."""
        found = await self.pages(place, LIST_TABLES)
        if not found:
            return Listing(items=())
        own = await self.identity()
        with documented(LIST_TABLES):
            start = f"arn:{own.partition}:dynamodb:{region_of(place)}:{account_of(place)}:table"
            return found_in(Resource(arn=f"{start}/{name}", place=place, name=name) for name in found)

    @fact
    async def table(self, place: Place, name: str) -> Table:
        """What one DynamoDB table is."""
        answer = await self.call(place, DESCRIBE_TABLE, TableName=name)
        with documented(DESCRIBE_TABLE):
            return _table(place, answer["Table"])


def _common(said: dict[str, Any]) -> dict[str, Any]:
    """Fields that instances and clusters spell alike."""
    # "sse-rds" is encryption with a key that AWS owns, which new Aurora clusters have; StorageEncrypted is about KMS.
    return {
        "encrypted": said["StorageEncrypted"] or said.get("StorageEncryptionType", "none") != "none",
        "kms_key": said.get("KmsKeyId") or None,
        "engine": said["Engine"],
        "backup_days": said.get("BackupRetentionPeriod", 0),
        "deletion_protection": said.get("DeletionProtection", False),
        "copies_tags": said.get("CopyTagsToSnapshot", False),
        "multi_az": said.get("MultiAZ", False),
        "public": said.get("PubliclyAccessible"),
        "groups": tuple(one["VpcSecurityGroupId"] for one in said.get("VpcSecurityGroups", ())),
        "iam_login": said.get("IAMDatabaseAuthenticationEnabled", False),
        "log_exports": tuple(said.get("EnabledCloudwatchLogsExports", ())),
    }


def _instance(place: Place, said: dict[str, Any]) -> DbInstance:
    subnets = said.get("DBSubnetGroup") or {}
    replicated = said.get("DBInstanceAutomatedBackupsReplications", ())
    return DbInstance(
        arn=said["DBInstanceArn"],
        place=place,
        name=said["DBInstanceIdentifier"],
        status=said["DBInstanceStatus"],
        cluster=said.get("DBClusterIdentifier") or "",
        subnet_group=subnets.get("DBSubnetGroupName", ""),
        vpc=subnets.get("VpcId", ""),
        subnet_ids=tuple(one["SubnetIdentifier"] for one in subnets.get("Subnets", ())),
        source=said.get("ReadReplicaSourceDBInstanceIdentifier")
        or said.get("ReadReplicaSourceDBClusterIdentifier")
        or "",
        copies=(
            *said.get("ReadReplicaDBInstanceIdentifiers", ()),
            *said.get("ReadReplicaDBClusterIdentifiers", ()),
        ),
        backup_copies=tuple(one["DBInstanceAutomatedBackupsArn"] for one in replicated),
        **_common(said),
    )


def _cluster(place: Place, said: dict[str, Any]) -> DbCluster:
    return DbCluster(
        arn=said["DBClusterArn"],
        place=place,
        name=said["DBClusterIdentifier"],
        status=said["Status"],
        subnet_group=said.get("DBSubnetGroup") or "",
        source=said.get("ReplicationSourceIdentifier") or "",
        copies=tuple(said.get("ReadReplicaIdentifiers", ())),
        members=tuple(one["DBInstanceIdentifier"] for one in said.get("DBClusterMembers", ())),
        **_common(said),
    )


def _table(place: Place, said: dict[str, Any]) -> Table:
    # Without SSEDescription the table is encrypted with a key that DynamoDB owns; there is no table in the clear.
    sse = said.get("SSEDescription") or {}
    in_use = sse.get("Status") in ("ENABLED", "ENABLING", "UPDATING")
    return Table(
        arn=said["TableArn"],
        place=place,
        name=said["TableName"],
        status=said["TableStatus"],
        encrypted=True,
        kms_key=sse.get("KMSMasterKeyArn") if in_use else None,
        deletion_protection=said.get("DeletionProtectionEnabled", False),
        copied_to=tuple(one["RegionName"] for one in said.get("Replicas", ())),
    )
