"""Backups: snapshots of RDS and EBS, vaults of AWS Backup, its plans, and what became of its jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from meshguard.errors import NotObserved
from meshguard.fact import LeftOut, Listing, Unread, fact
from meshguard.targets.aws.backup_models import Backup, LastJobs, Plan, RecoveryPoint, Restored, Vault
from meshguard.targets.aws.backup_read import (
    cluster_snapshot,
    db_snapshot,
    last_jobs,
    of_bucket,
    of_point,
    of_vault,
    plan_of,
    recovery_point,
    restored,
    selection_of,
    volume_snapshot,
)
from meshguard.targets.aws.base import documented, found_in, settled
from meshguard.targets.aws.models import Place, region_of
from meshguard.targets.aws.operation import Operation
from meshguard.targets.aws.s3 import S3Facts

DESCRIBE_DB_SNAPSHOTS = Operation("rds", "DescribeDBSnapshots", items="DBSnapshots")
DESCRIBE_CLUSTER_SNAPSHOTS = Operation("rds", "DescribeDBClusterSnapshots", items="DBClusterSnapshots")
DESCRIBE_SNAPSHOTS = Operation("ec2", "DescribeSnapshots", items="Snapshots")
LIST_VAULTS = Operation("backup", "ListBackupVaults", items="BackupVaultList")
LIST_POINTS = Operation("backup", "ListRecoveryPointsByBackupVault", items="RecoveryPoints")
LIST_PLANS = Operation("backup", "ListBackupPlans", items="BackupPlansList")
GET_PLAN = Operation("backup", "GetBackupPlan")
LIST_SELECTIONS = Operation("backup", "ListBackupSelections", items="BackupSelectionsList")
GET_SELECTION = Operation("backup", "GetBackupSelection")
LIST_JOBS = Operation("backup", "ListBackupJobs", items="BackupJobs")
LIST_RESTORES = Operation("backup", "ListRestoreJobs", items="RestoreJobs")

PAGE = 1000
"""The longest page of ListBackupJobs and DescribeSnapshots."""


class BackupFacts(S3Facts):
    """Facts of backups."""

    @fact
    async def backups(self) -> Listing[Backup]:
        """All that holds backups: recovery points, snapshots of databases and volumes, vaults, and backup buckets."""
        lists = {
            "recovery points": await self._all(self.points_in),
            "DB snapshots": await self._all(self.db_snapshots_in),
            "DB cluster snapshots": await self._all(self.cluster_snapshots_in),
            "EBS snapshots": await self._all(self.volume_snapshots_in),
            "backup vaults": await self._all(self.vaults_held_in),
        }
        # A snapshot that AWS Backup made is listed as a recovery point too, by the same ARN; the snapshot says more.
        items = {one.arn: one for listing in lists.values() for one in listing.items}
        unread = [
            part.model_copy(update={"resource": f"{part.resource} {what}"})
            for what, listing in lists.items()
            for part in listing.unread
        ]
        buckets = await self.backup_buckets()
        chosen = await self._chosen(Listing(items=tuple(items.values()), unread=(*unread, *buckets.unread)))
        every = sorted((*chosen.items, *(of_bucket(one) for one in buckets.items)), key=str)
        return chosen.model_copy(update={"items": tuple(every)})

    async def _all(self, ask: Callable[[Place], Awaitable[Listing[Backup]]]) -> Listing[Backup]:
        return await self.across(ask, taggable=False)

    async def _chosen(self, listing: Listing[Backup]) -> Listing[Backup]:
        """Those with the deployment's tags, and all backups of its data stores: most services copy no tags to them."""
        if not self.settings.tags:
            return listing
        stores = set(self.settings.data_stores)
        own = tuple(one for one in listing.items if one.source in stores)
        others = listing.model_copy(update={"items": tuple(one for one in listing.items if one.source not in stores)})
        tagged = await self._with_tags(others)
        return tagged.model_copy(update={"items": (*own, *tagged.items)})

    @fact
    async def db_snapshots_in(self, place: Place) -> Listing[Backup]:
        """The snapshots of DB instances in one place, automated ones included."""
        found = await self.pages(place, DESCRIBE_DB_SNAPSHOTS)
        with documented(DESCRIBE_DB_SNAPSHOTS):
            return found_in(db_snapshot(place, one) for one in found)

    @fact
    async def cluster_snapshots_in(self, place: Place) -> Listing[Backup]:
        """The snapshots of DB clusters in one place, automated ones included."""
        found = await self.pages(place, DESCRIBE_CLUSTER_SNAPSHOTS)
        with documented(DESCRIBE_CLUSTER_SNAPSHOTS):
            return found_in(cluster_snapshot(place, one) for one in found)

    @fact
    async def volume_snapshots_in(self, place: Place) -> Listing[Backup]:
        """The account's own EBS snapshots in one place."""
        found = await self.pages(place, DESCRIBE_SNAPSHOTS, OwnerIds=["self"], MaxResults=PAGE)
        start = f"arn:{(await self.identity()).partition}:ec2:{region_of(place)}::snapshot"
        with documented(DESCRIBE_SNAPSHOTS):
            return found_in(volume_snapshot(place, start, one) for one in found)

    @fact
    async def vaults_in(self, place: Place) -> Listing[Vault]:
        """The backup vaults of one place."""
        found = await self.pages(place, LIST_VAULTS)
        with documented(LIST_VAULTS):
            return found_in(
                Vault(
                    arn=one["BackupVaultArn"],
                    place=place,
                    name=one["BackupVaultName"],
                    key=one.get("EncryptionKeyArn", ""),
                    points=one.get("NumberOfRecoveryPoints"),
                )
                for one in found
            )

    @fact
    async def vaults_held_in(self, place: Place) -> Listing[Backup]:
        """The backup vaults of one place, as what holds backups."""
        return found_in(of_vault(one) for one in (await self.vaults_in(place)).items)

    @fact
    async def recovery_points_in(self, place: Place) -> Listing[RecoveryPoint]:
        """What is in the vaults of one place; a vault that could not be read is named."""
        vaults = (await self.vaults_in(place)).items
        answers = await asyncio.gather(*(settled(self.recovery_points_of(place, one.name)) for one in vaults))
        unread = [
            Unread(resource=vault.arn, kind=one.kind, reason=one.reason, fix=one.fix)
            for vault, one in zip(vaults, answers, strict=True)
            if isinstance(one, NotObserved)
        ]
        points = [point for one in answers if not isinstance(one, NotObserved) for point in one]
        return found_in(points).model_copy(update={"unread": tuple(unread)})

    @fact
    async def recovery_points_of(self, place: Place, vault: str) -> tuple[RecoveryPoint, ...]:
        """What is in one vault."""
        found = await self.pages(place, LIST_POINTS, BackupVaultName=vault)
        with documented(LIST_POINTS):
            return tuple(recovery_point(place, vault, one) for one in found)

    @fact
    async def points_in(self, place: Place) -> Listing[Backup]:
        """What is in the vaults of one place, as backups."""
        found = await self.recovery_points_in(place)
        # One that is half deleted, or just begun, holds nothing that could be restored.
        kept = [one for one in found.items if one.status in ("COMPLETED", "AVAILABLE", "PARTIAL", "STOPPED", "EXPIRED")]
        gone = LeftOut(filter="recovery points that are being made or deleted", count=len(found.items) - len(kept))
        listing = found_in(of_point(one) for one in kept)
        return listing.model_copy(update={"unread": found.unread, "left_out": (gone,) if gone.count else ()})

    @fact
    async def plans_in(self, place: Place) -> Listing[Plan]:
        """The backup plans of one place, with what they select."""
        found = await self.pages(place, LIST_PLANS)
        with documented(LIST_PLANS):
            ids = [one["BackupPlanId"] for one in found if not one.get("DeletionDate")]
        return found_in(await asyncio.gather(*(self.plan_named(place, plan_id) for plan_id in ids)))

    @fact
    async def plan_named(self, place: Place, plan_id: str) -> Plan:
        """One backup plan, with what it selects."""
        answer = await self.call(place, GET_PLAN, BackupPlanId=plan_id)
        listed = await self.pages(place, LIST_SELECTIONS, BackupPlanId=plan_id)
        with documented(LIST_SELECTIONS):
            ids = [one["SelectionId"] for one in listed]
        chosen: list[dict[str, Any]] = []
        for selection_id in ids:
            chosen.append(await self.call(place, GET_SELECTION, BackupPlanId=plan_id, SelectionId=selection_id))
        with documented(GET_SELECTION):
            selections = tuple(selection_of(one["BackupSelection"]) for one in chosen)
        with documented(GET_PLAN):
            return plan_of(place, answer, selections)

    @fact
    async def backup_jobs_in(self, place: Place) -> tuple[LastJobs, ...]:
        """What became of the newest backup jobs of each resource in one place."""
        found = await self.pages(place, LIST_JOBS, MaxResults=PAGE)
        with documented(LIST_JOBS):
            return last_jobs(found)

    @fact
    async def restores_in(self, place: Place) -> tuple[Restored, ...]:
        """The newest restore of each resource's backup in one place that was validated, or failed."""
        found = await self.pages(place, LIST_RESTORES)
        with documented(LIST_RESTORES):
            return restored(found)
