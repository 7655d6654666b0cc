"""Ledgers: the digest files by which CloudTrail lets its log files be verified, and buckets that keep what is written.

`trail_digests` is one procedure that answers a transcript: digest files are read and verified one after another, each
naming the one before it, and then the log files that they name are hashed as they stream by. No event is kept.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from meshguard.errors import Denied, NotObserved
from meshguard.fact import Listing, fact
from meshguard.target import in_thread
from meshguard.targets.aws.base import documented
from meshguard.targets.aws.digest_models import Fault, Transcript
from meshguard.targets.aws.digest_read import Found, Hashing, Invalid, Log, ends_at
from meshguard.targets.aws.digest_walk import Walk, Walked
from meshguard.targets.aws.models import AwsModel, Place, account_of, region_of
from meshguard.targets.aws.operation import Operation
from meshguard.targets.aws.s3_models import Bucket
from meshguard.targets.aws.s3_objects import S3ObjectFacts
from meshguard.targets.aws.trails import TrailFacts

GET_TRAIL = Operation("cloudtrail", "GetTrail")
LIST_PUBLIC_KEYS = Operation("cloudtrail", "ListPublicKeys", items="PublicKeyList")
LIST_DIGESTS = Operation("s3", "ListObjectsV2", items="Contents", action="s3:ListBucket")
GET_FILE = Operation("s3", "GetObject")
DECRYPT = Operation("kms", "Decrypt")
GET_RETENTION = Operation("s3", "GetObjectRetention")

GONE = ("NoSuchKey", "404")
SHOWN_FAULTS = 20
CHUNK = 256 * 1024
AT_ONCE = 8
MAX_LOG = 1024 * 1024 * 1024
"""Bytes that one log file may unpack to."""
ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")


class Retention(AwsModel):
    """How long one object cannot be deleted (GetObjectRetention)."""

    mode: str
    """COMPLIANCE or GOVERNANCE."""
    until: datetime


class LedgerFacts(TrailFacts, S3ObjectFacts):
    """Facts of ledgers."""

    @fact
    async def audit_buckets(self) -> Listing[Bucket]:
        """The buckets that the deployment names as those of the audit trail."""
        return self._those(await self.named_buckets(), self.settings.audit_buckets, "audit_buckets")

    @fact
    async def object_retention(self, place: Place, bucket: str, key: str) -> Retention | None:
        """How long the current version of one object is kept; None where it has no retention.

        The object's own headers do not settle it: S3 leaves the lock out of them for who may not read it.
        """
        absent = ("NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError")
        answer = await self.call_or_none(place, GET_RETENTION, absent, Bucket=bucket, Key=key)
        if answer is None:
            return None
        with documented(GET_RETENTION):
            said = answer["Retention"]
            return Retention(mode=said["Mode"], until=said["RetainUntilDate"])

    @fact(deadline_s=1800)
    async def trail_digests(self, place: Place, arn: str, hours: int, max_logs: int, max_megabytes: int) -> Transcript:
        """What verifying the digest files and the log files of a trail's last `hours` hours found.

        Of more log files than `max_logs`, or more bytes than `max_megabytes`, some are drawn by lot, and the others
        are counted. Each account under audit that the trail records is looked at, in its home region and, where it
        records all regions, in each region under audit.

        Raises:
            NotObserved: a file could not be read; it is not known to be missing.
        """
        until = datetime.now(UTC).replace(microsecond=0)
        since = until - timedelta(hours=hours)
        answer = await self.call(place, GET_TRAIL, Name=arn)
        with documented(GET_TRAIL):
            trail: dict[str, Any] = answer["Trail"]
            bucket, prefix = trail["S3BucketName"], trail.get("S3KeyPrefix") or ""
        root = f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"
        if trail.get("IsOrganizationTrail"):
            root += await self._organization_part(place, bucket, root)
        turns = asyncio.Semaphore(AT_ONCE)
        walks = [
            self._walked(place, Walk(bucket, root, *part, trail["Name"], region_of(place), since, until), turns)
            for part in await self._parts(place, arn, trail)
        ]
        return await self._with_logs(place, await asyncio.gather(*walks), max_logs, max_megabytes, turns, since, until)

    async def _organization_part(self, place: Place, bucket: str, root: str) -> str:
        """The part of the path that an organisation's trail has: the organisation's id."""
        answer = await self.call(place, LIST_DIGESTS, Bucket=bucket, Prefix=root + "o-", Delimiter="/")
        with documented(LIST_DIGESTS):
            parts = [one["Prefix"].removeprefix(root) for one in answer.get("CommonPrefixes", [])]
        found = [one for one in parts if ORGANIZATION.fullmatch(one.rstrip("/"))]
        if len(found) > 1:
            raise NotObserved(
                f"{bucket} holds the trails of {len(found)} organisations", fix="give each its own bucket"
            )
        return found[0] if found else ""

    async def _parts(self, place: Place, arn: str, trail: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Accounts and regions whose digest files there must be."""
        audited = await self.places()
        if audited.unread:
            raise NotObserved(f"not all places are known: {audited.unread[0].reason}", fix=audited.unread[0].fix)
        own = [one for one in audited.items if account_of(one) == arn.split(":")[4]]
        seen = list(audited.items) if trail.get("IsOrganizationTrail") else own
        home = region_of(place)
        accounts = sorted({account_of(one) for one in seen}) or [arn.split(":")[4]]
        parts = {(account, home) for account in accounts}
        if trail.get("IsMultiRegionTrail"):
            parts |= {(account_of(one), region_of(one)) for one in seen}
        return sorted(parts)

    async def _walked(self, place: Place, walk: Walk, turns: asyncio.Semaphore) -> Walked:
        """Read one chain of digest files, from the newest to the first of the window."""
        keys = await self._public_keys(f"{account_of(place)}/{walk.region}", walk)
        walk.listed([key async for key in self._listed(place, walk)])
        while (wanted := walk.next()) is not None:
            async with turns:
                found = await self._object(place, *wanted)
            walk.read(*wanted, found, keys)
        return walk.ended()

    async def _public_keys(self, place: Place, walk: Walk) -> dict[str, bytes]:
        """The keys that digest files of a region may be signed with, by fingerprint; each region has its own."""
        times = {"StartTime": walk.since - timedelta(hours=2), "EndTime": walk.until}
        found = await self.pages(place, LIST_PUBLIC_KEYS, **times)
        with documented(LIST_PUBLIC_KEYS):
            return {one["Fingerprint"]: bytes(one["Value"]) for one in found}

    async def _listed(self, place: Place, walk: Walk) -> AsyncIterator[str]:
        for day in walk.days:
            found = await self.pages(place, LIST_DIGESTS, Bucket=walk.bucket, Prefix=day)
            with documented(LIST_DIGESTS):
                for one in found:
                    if ends_at(one["Key"]) is not None:
                        yield str(one["Key"])

    async def _object(self, place: Place, bucket: str, key: str) -> Found | None:
        """A digest file, or None where there is none."""
        answer = await self._opened(place, bucket, key)
        if answer is None:
            return None
        content = b"".join([chunk async for chunk in self._chunks(place, answer["Body"])])
        return Found(bucket, key, content, answer.get("Metadata", {}))

    async def _opened(self, place: Place, bucket: str, key: str) -> dict[str, Any] | None:
        try:
            return await self.call_or_none(place, GET_FILE, GONE, Bucket=bucket, Key=key)
        except Denied as fault:
            needs = f"{LIST_DIGESTS.permission} (without it a missing file is denied too) and {DECRYPT.permission}"
            raise Denied(fault.reason, fix=f"allow {GET_FILE.permission}, {needs} with the trail's key") from None

    async def _chunks(self, place: Place, body: Any) -> AsyncIterator[bytes]:
        with self._explained(account_of(place), region_of(place), GET_FILE, ()):
            try:
                while chunk := await in_thread(body.read, CHUNK):
                    yield chunk
            finally:
                body.close()

    async def _with_logs(
        self,
        place: Place,
        walked: list[Walked],
        max_logs: int,
        max_megabytes: int,
        turns: asyncio.Semaphore,
        since: datetime,
        until: datetime,
    ) -> Transcript:
        logs = [log for one in walked for log in one.logs]
        budget = Budget(max_megabytes * 1024 * 1024)
        # Drawn by lot, so that nobody can tell which of too many are not looked at.
        chosen = logs if len(logs) <= max_logs else random.SystemRandom().sample(logs, max_logs)
        faults = await asyncio.gather(*(self._log_fault(place, log, budget, turns) for log in chosen))
        found = [fault for one in walked for fault in one.faults] + [fault for fault in faults if fault is not None]
        return Transcript(
            since=since,
            until=until,
            chains=tuple(one.chain for one in walked),
            faults=tuple(found[:SHOWN_FAULTS]),
            fault_count=len(found),
            logs=len(logs),
            logs_read=budget.files,
            bytes_read=budget.read,
        )

    async def _log_fault(self, place: Place, log: Log, budget: Budget, turns: asyncio.Semaphore) -> Fault | None:
        """What is wrong with one log file; nothing where the bytes that may be read are used up."""
        name = f"{log.bucket}/{log.path}"
        async with turns:
            if budget.spent:
                return None
            answer = await self._opened(place, log.bucket, log.path)
            if answer is None:
                budget.files += 1
                return Fault(kind="log-missing", file=name, says="the digest names it, and it is not there")
            hashing = Hashing(MAX_LOG)
            try:
                async for chunk in self._chunks(place, answer["Body"]):
                    budget.read += len(chunk)
                    await in_thread(_drain, hashing, chunk)
                same = hashing.digest() == log.hash
            except Invalid as fault:
                budget.files += 1
                return Fault(kind=fault.kind, file=name, says=fault.says)
            budget.files += 1
        return None if same else Fault(kind="log-changed", file=name, says="its content has another hash")


class Budget:
    """The bytes that may be read, and what was."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.read = 0
        self.files = 0

    @property
    def spent(self) -> bool:
        """Whether no further file is begun."""
        return self.read >= self._limit


def _drain(hashing: Hashing, chunk: bytes) -> None:
    for _ in hashing.take(chunk):
        pass
