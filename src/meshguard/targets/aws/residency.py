"""Where data is: each place that holds some, and the other regions and accounts that copies of it go to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from meshguard.fact import Listing, fact
from meshguard.targets.aws.backup import BackupFacts
from meshguard.targets.aws.backup_models import Backup
from meshguard.targets.aws.base import documented, found_in
from meshguard.targets.aws.models import AwsModel, Place, Resource, region_of
from meshguard.targets.aws.operation import Operation
from meshguard.targets.aws.secretsmanager import SecretFacts
from meshguard.targets.aws.stores import StoreFacts

GET_REPLICATION = Operation("s3", "GetBucketReplication", action="s3:GetReplicationConfiguration")
DESCRIBE_SECRET = Operation("secretsmanager", "DescribeSecret")
DESCRIBE_GLOBAL = Operation("rds", "DescribeGlobalClusters", items="GlobalClusters")
DESCRIBE_REPLICATIONS = Operation("efs", "DescribeReplicationConfigurations", items="Replications")
OPEN_REGIONS = Operation("ec2", "DescribeRegions", items="Regions")
DESCRIBE_ORGANIZATION = Operation("organizations", "DescribeOrganization", when="scp")
DESCRIBE_SCP = Operation("organizations", "DescribePolicy", when="scp")
LIST_SCP_TARGETS = Operation("organizations", "ListTargetsForPolicy", items="Targets", when="scp")
LIST_PARENTS = Operation("organizations", "ListParents", items="Parents", when="scp")

Kind = Literal[
    "account",
    "bucket",
    "database",
    "global-cluster",
    "table",
    "volume",
    "file-system",
    "secret",
    "key",
    "backup",
    "plan",
]
DEEPEST = 8
"""Organisations have the root and up to five levels of units."""


class Located(Resource):
    """Something that holds data or sends copies of it somewhere; and each account, for what was not looked at."""

    kind: Kind
    copies: tuple[str, ...] = ()
    """Regions, or ARNs, that its list says copies of it are in."""


class Scp(AwsModel):
    """A service control policy and what it is attached to."""

    content: str
    targets: tuple[str, ...]
    """Ids of roots, units and accounts."""
    management: str
    """The account that no such policy binds."""


class ResidencyFacts(StoreFacts, BackupFacts, SecretFacts):
    """Facts of where data is."""

    @fact
    async def located(self) -> Listing[Located]:
        """All that holds data, in all places, and the accounts; buckets in every region there is."""
        lists: list[Listing[Located]] = [
            _as("account", await self.accounts()),
            _as("bucket", await self._every_bucket()),
            _as("database", await self.db_instances()),
            _as("database", await self.db_clusters()),
            _as("table", await self.tables()),
            _as("volume", await self.volumes()),
            _as("file-system", await self.file_systems()),
            _as("secret", await self.secrets()),
            _as("key", _replicated(await self.keys())),
            _as("plan", await self.across(self.plan_ids_in)),
            _as("backup", _held(await self.backups())),
            await self.across(self.global_clusters_in, taggable=False),
        ]
        items: dict[str, Located] = {}
        for one in (one for part in lists for one in part.items):
            items.setdefault(one.arn, one)
        return Listing(
            items=tuple(items[arn] for arn in sorted(items)),
            left_out=tuple(part for one in lists for part in one.left_out if part.count),
            complete=all(one.complete for one in lists),
            unread=tuple({part.resource: part for one in lists for part in one.unread}.values()),
        )

    async def _every_bucket(self) -> Listing[Any]:
        """Buckets of regions that are not under audit too: one list tells of all."""
        whole = await self.across(self.all_buckets_in, taggable=False, once_an_account=True)
        return await self._with_tags(whole) if self.settings.tags else whole

    @fact
    async def global_clusters_in(self, place: Place) -> Listing[Located]:
        """The global databases that a place tells of, with the ARNs of their members."""
        found = await self.pages(place, DESCRIBE_GLOBAL)
        with documented(DESCRIBE_GLOBAL):
            return found_in(
                Located(
                    arn=one["GlobalClusterArn"],
                    place=place,
                    name=one["GlobalClusterIdentifier"],
                    kind="global-cluster",
                    copies=tuple(
                        sorted({arn for part in one.get("GlobalClusterMembers", ()) for arn in _members(part)})
                    ),
                )
                for one in found
            )

    @fact
    async def plan_ids_in(self, place: Place) -> Listing[Resource]:
        """The backup plans of one place."""
        plans = await self.plans_in(place)
        return found_in(Resource(arn=one.arn, place=place, name=one.name) for one in plans.items)

    @fact
    async def plan_copies(self, place: Place, plan_id: str) -> tuple[str, ...]:
        """ARNs of the vaults that a backup plan copies to."""
        plan = await self.plan_named(place, plan_id)
        return tuple(sorted({arn for rule in plan.rules for arn in rule.copies_to}))

    @fact
    async def bucket_copies(self, place: Place, name: str) -> tuple[str, ...]:
        """Names of the buckets that the rules of a bucket's replication, those that are on, copy to."""
        absent = ("ReplicationConfigurationNotFoundError",)
        answer = await self.call_or_none(place, GET_REPLICATION, absent, Bucket=name)
        if answer is None:
            return ()
        with documented(GET_REPLICATION):
            rules = answer["ReplicationConfiguration"]["Rules"]
            on = [one for one in rules if one["Status"] == "Enabled"]
            return tuple(sorted({one["Destination"]["Bucket"].rpartition(":")[2] for one in on}))

    @fact
    async def secret_copies(self, place: Place, arn: str) -> tuple[str, ...]:
        """Regions of a secret's replicas, and ARNs of those in other accounts."""
        answer = await self.call(place, DESCRIBE_SECRET, SecretId=arn)
        with documented(DESCRIBE_SECRET):
            regions = {one["Region"] for one in answer.get("ReplicationStatus", ())}
            arns = {one["ReplicaSecretARN"] for one in answer.get("CrossAccountReplicas", ())}
            return tuple(sorted(regions | arns))

    @fact
    async def file_system_copies(self, place: Place) -> dict[str, tuple[str, ...]]:
        """Regions that each file system of a place is replicated to, by its id."""
        answer = await self.call_or_none(place, DESCRIBE_REPLICATIONS, ("ReplicationNotFound",))
        if answer is None:
            return {}
        more = await self.pages(place, DESCRIBE_REPLICATIONS) if answer.get("NextToken") else None
        with documented(DESCRIBE_REPLICATIONS):
            found = answer["Replications"] if more is None else more
            return {
                one["SourceFileSystemId"]: tuple(sorted({part["Region"] for part in one["Destinations"]}))
                for one in found
            }

    @fact
    async def open_regions(self, place: Place) -> tuple[str, ...]:
        """The regions that are enabled in the account of `place`."""
        found = await self.pages(place, OPEN_REGIONS)
        with documented(OPEN_REGIONS):
            return tuple(sorted(one["RegionName"] for one in found))

    @fact
    async def scp(self, policy_id: str) -> Scp:
        """A service control policy of the organisation, as its management or a delegated account may read it."""
        place = await self._home()
        policy = await self.call(place, DESCRIBE_SCP, PolicyId=policy_id)
        targets = await self.pages(place, LIST_SCP_TARGETS, PolicyId=policy_id)
        organisation = await self.call(place, DESCRIBE_ORGANIZATION)
        with documented(DESCRIBE_SCP):
            return Scp(
                content=policy["Policy"]["Content"],
                targets=tuple(sorted(one["TargetId"] for one in targets)),
                management=organisation["Organization"]["MasterAccountId"],
            )

    @fact
    async def above(self, account: str) -> tuple[str, ...]:
        """Ids of the units that an account is in, up to the organisation's root."""
        place = await self._home()
        chain: list[str] = [account]
        while len(chain) <= DEEPEST:
            found = await self.pages(place, LIST_PARENTS, ChildId=chain[-1])
            with documented(LIST_PARENTS):
                parent = found[0]
                chain.append(parent["Id"])
                if parent["Type"] == "ROOT":
                    break
        return tuple(chain[1:])

    async def _home(self) -> Place:
        """The credentials' own account."""
        own = await self.identity()
        return f"{own.account}/{region_of((await self.accounts()).items[0].place)}"


def _as(kind: Kind, listing: Listing[Any]) -> Listing[Located]:
    items = tuple(
        Located(
            arn=str(one),
            place=one.place,
            name=getattr(one, "name", "") or str(one),
            kind=kind,
            copies=(*getattr(one, "copies", ()), *getattr(one, "backup_copies", ())),
        )
        for one in listing.items
    )
    return listing.model_copy(update={"items": items})


def _replicated(keys: Listing[Resource]) -> Listing[Resource]:
    """Multi-Region keys, which their ids tell (KMS Developer Guide, "Multi-Region keys"); others never leave."""
    kept = tuple(one for one in keys.items if one.name.startswith("mrk-"))
    return keys.model_copy(update={"items": kept})


def _held(backups: Listing[Backup]) -> Listing[Backup]:
    """Backups; not the buckets, which are listed as such, nor vaults that say that they are empty."""
    kept = tuple(one for one in backups.items if one.kind != "bucket" and one.points != 0)
    return backups.model_copy(update={"items": kept})


def _members(member: dict[str, Any]) -> Iterable[str]:
    return filter(None, (member.get("DBClusterArn"), *member.get("Readers", ())))
