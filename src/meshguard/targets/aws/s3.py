"""Buckets of S3: each account lists them once, and each is asked in its own region.

Of a bucket, seven calls tell all that the checks of buckets need; each is one fact, so none is made twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from meshguard.errors import Denied, NotObserved
from meshguard.fact import LeftOut, Listing, Unread, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in, settled
from meshguard.targets.aws.models import Place, account_of, region_of
from meshguard.targets.aws.operation import Operation
from meshguard.targets.aws.s3_models import (
    AccessLog,
    Acl,
    Bucket,
    Encryption,
    LifecycleRule,
    ObjectLock,
    Owned,
    PublicAccessBlock,
    Versioning,
)
from meshguard.targets.aws.s3_read import lifecycle_rule, object_lock_of, public_access_block_of, public_grants

LIST_BUCKETS = Operation("s3", "ListBuckets", items="Buckets", action="s3:ListAllMyBuckets")
GET_LOCATION = Operation("s3", "GetBucketLocation")
GET_ENCRYPTION = Operation("s3", "GetBucketEncryption", action="s3:GetEncryptionConfiguration")
GET_VERSIONING = Operation("s3", "GetBucketVersioning")
GET_BLOCK = Operation("s3", "GetPublicAccessBlock", action="s3:GetBucketPublicAccessBlock")
GET_ACCOUNT_BLOCK = Operation("s3control", "GetPublicAccessBlock", action="s3:GetAccountPublicAccessBlock")
GET_POLICY = Operation("s3", "GetBucketPolicy")
GET_OWNERSHIP = Operation("s3", "GetBucketOwnershipControls", when="private_suffices")
GET_ACL = Operation("s3", "GetBucketAcl", when="private_suffices")
GET_LOGGING = Operation("s3", "GetBucketLogging")
GET_LIFECYCLE = Operation("s3", "GetBucketLifecycleConfiguration", action="s3:GetLifecycleConfiguration")
GET_LOCK = Operation("s3", "GetObjectLockConfiguration", action="s3:GetBucketObjectLockConfiguration")

PAGE = 1000
"""Buckets a page. Without a number S3 tells no regions, and refuses accounts with more than 10 000 buckets."""
NO_BUCKET = ("NoSuchBucket",)


class S3Facts(AwsBase):
    """Facts of buckets."""

    @fact
    async def buckets(self) -> Listing[Bucket]:
        """The buckets in the regions under audit, and those that the deployment names wherever they are."""
        whole = await self.across(self.buckets_in, taggable=False, once_an_account=True)
        chosen = await self._with_tags(whole) if self.settings.tags else whole
        named = await self.named_buckets()
        items = {str(one): one for one in (*chosen.items, *named.items)}
        parts = [*chosen.unread, *(part for part in named.unread if part not in chosen.unread)]
        return chosen.model_copy(update={"items": tuple(items[name] for name in sorted(items)), "unread": tuple(parts)})

    @fact
    async def backup_buckets(self) -> Listing[Bucket]:
        """The buckets that the deployment names as those of backups."""
        return self._those(await self.named_buckets(), self.settings.backup_buckets, "backup_buckets")

    @fact
    async def kept_buckets(self) -> Listing[Bucket]:
        """The buckets that the deployment names as those of backups, or of the audit trail."""
        names = (*self.settings.backup_buckets, *self.settings.audit_buckets)
        return self._those(await self.named_buckets(), names, "backup_buckets` or `audit_buckets")

    def _those(self, named: Listing[Bucket], names: Iterable[str], setting: str) -> Listing[Bucket]:
        wanted = set(names)
        items = tuple(one for one in named.items if one.name in wanted)
        fix = f"name the buckets under `{setting}` of {self}"
        return Listing(items=items, unread=named.unread if wanted else (), fix=fix)

    @fact
    async def named_buckets(self) -> Listing[Bucket]:
        """The buckets that the deployment names, also those that are not there, or belong to other accounts."""
        names = sorted(self._named)
        if not names:
            return Listing(items=())
        whole = await self.across(self.buckets_in, taggable=False, once_an_account=True)
        own = {one.name: one for one in whole.items}
        absent = [name for name in names if name not in own]
        home = (await self.accounts()).items[0].place
        otherwise: Owned = "unsettled" if whole.unread or not whole.complete else "foreign"
        answers = await asyncio.gather(*(settled(self.stranger(home, name, otherwise)) for name in absent))
        found = [own[name] for name in names if name in own] + [one for one in answers if isinstance(one, Bucket)]
        unread = [
            Unread(resource=await self._arn(name), kind=one.kind, reason=one.reason, fix=one.fix)
            for name, one in zip(absent, answers, strict=True)
            if isinstance(one, NotObserved)
        ]
        return found_in(found).model_copy(update={"unread": (*whole.unread, *unread)})

    @property
    def _named(self) -> set[str]:
        said = self.settings
        stores = [store.partition(":")[2] for store in said.data_stores if store.startswith("s3:")]
        return {*said.backup_buckets, *said.audit_buckets, *stores}

    async def _arn(self, name: str) -> str:
        return f"arn:{(await self.identity()).partition}:s3:::{name}"

    async def home_of(self, place: Place) -> Place:
        """Where the account of a place is asked for what is global in it."""
        own = (await self.accounts()).items
        return next((one.place for one in own if one.id == account_of(place)), place)

    @fact
    async def stranger(self, place: Place, name: str, otherwise: Owned) -> Bucket:
        """A named bucket that no audited account lists: whether there is one of that name at all."""
        arn = await self._arn(name)
        try:
            # And not HeadBucket, whose bare 404 is what a proxy may say too.
            answer = await self.call_or_none(place, GET_LOCATION, NO_BUCKET, Bucket=name)
        except Denied:  # there is one, and its owner keeps it to himself
            return Bucket(arn=arn, place=place, name=name, owned=otherwise)
        if answer is None:
            return Bucket(arn=arn, place=place, name=name, owned="missing")
        return Bucket(arn=arn, place=f"{account_of(place)}/{_region_in(answer)}", name=name, owned=otherwise)

    @fact
    async def owned_by(self, place: Place, name: str, account: str) -> bool:
        """That a bucket belongs to an account; where it does not, S3 refuses, as it does to who may not ask."""
        answer = await self.call_or_none(place, GET_LOCATION, NO_BUCKET, Bucket=name, ExpectedBucketOwner=account)
        return answer is not None

    @fact
    async def buckets_in(self, place: Place) -> Listing[Bucket]:
        """The buckets of one account in the regions under audit; those that the deployment names stay in."""
        found = await self.all_buckets_in(place)
        if self.settings.regions == "all":
            return found
        regions = {region_of(one) for one in (await self.places()).items if account_of(one) == account_of(place)}
        kept = tuple(one for one in found.items if region_of(one.place) in regions or one.name in self._named)
        part = LeftOut(filter="buckets of other regions", count=len(found.items) - len(kept))
        return found.model_copy(update={"items": kept, "left_out": (part,) if part.count else ()})

    @fact
    async def all_buckets_in(self, place: Place) -> Listing[Bucket]:
        """All buckets of one account, each with its region."""
        found = await self.pages(place, LIST_BUCKETS, MaxBuckets=PAGE)
        with documented(LIST_BUCKETS):
            regions = {one["Name"]: one.get("BucketRegion") for one in found}
        unknown = [name for name, region in regions.items() if not region]
        answers = await asyncio.gather(*(settled(self.bucket_region(place, name)) for name in unknown))
        regions |= dict(zip(unknown, answers, strict=True))
        items, unread = [], []
        for name, region in regions.items():
            arn = await self._arn(name)
            if isinstance(region, NotObserved):
                unread.append(Unread(resource=arn, kind=region.kind, reason=region.reason, fix=region.fix))
            else:
                items.append(Bucket(arn=arn, place=f"{account_of(place)}/{region}", name=name))
        return found_in(items).model_copy(update={"unread": tuple(unread)})

    @fact
    async def bucket_region(self, place: Place, name: str) -> str:
        """Where a bucket is, where the list does not say it."""
        return _region_in(await self.call(place, GET_LOCATION, Bucket=name))

    @fact
    async def encryption(self, place: Place, name: str) -> Encryption | None:
        """What new objects are encrypted with; None where the service answers that there is nothing."""
        absent = ("ServerSideEncryptionConfigurationNotFoundError",)
        answer = await self.call_or_none(place, GET_ENCRYPTION, absent, Bucket=name)
        if answer is None:
            return None
        with documented(GET_ENCRYPTION):
            rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
            default = rule.get("ApplyServerSideEncryptionByDefault") or {"SSEAlgorithm": "AES256"}
            blocked = rule.get("BlockedEncryptionTypes", {}).get("EncryptionType", ())
            return Encryption(
                algorithm=default["SSEAlgorithm"],
                key=default.get("KMSMasterKeyID", ""),
                bucket_key=rule.get("BucketKeyEnabled", False),
                refuses_sse_c="SSE-C" in blocked,
            )

    @fact
    async def versioning(self, place: Place, name: str) -> Versioning:
        """Whether older versions are kept."""
        answer = await self.call(place, GET_VERSIONING, Bucket=name)
        with documented(GET_VERSIONING):
            return Versioning(status=answer.get("Status") or "never", mfa_delete=answer.get("MFADelete") == "Enabled")

    @fact
    async def public_access_block(self, place: Place, name: str) -> PublicAccessBlock:
        """A bucket's own Block Public Access."""
        answer = await self.call_or_none(place, GET_BLOCK, ("NoSuchPublicAccessBlockConfiguration",), Bucket=name)
        with documented(GET_BLOCK):
            return public_access_block_of(answer)

    @fact
    async def account_public_access(self, place: Place) -> PublicAccessBlock:
        """The account's Block Public Access, with what its organisation demands; the same in all regions."""
        absent = ("NoSuchPublicAccessBlockConfiguration",)
        answer = await self.call_or_none(place, GET_ACCOUNT_BLOCK, absent, AccountId=account_of(place))
        with documented(GET_ACCOUNT_BLOCK):
            return public_access_block_of(answer)

    @fact
    async def bucket_policy(self, place: Place, name: str) -> str | None:
        """A bucket's policy as it was written; None where it has none."""
        answer = await self.call_or_none(place, GET_POLICY, ("NoSuchBucketPolicy",), Bucket=name)
        with documented(GET_POLICY):
            return None if answer is None else str(answer["Policy"])

    @fact
    async def bucket_acl(self, place: Place, name: str) -> Acl:
        """Whether ACLs count for anything, and whom the bucket's own lets in."""
        absent = ("OwnershipControlsNotFoundError",)
        answer = await self.call_or_none(place, GET_OWNERSHIP, absent, Bucket=name)
        with documented(GET_OWNERSHIP):
            # Buckets that are older than these controls have none, and then each writer owns what he writes.
            ownership = "ObjectWriter" if answer is None else answer["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
        if ownership == "BucketOwnerEnforced":
            return Acl(ownership=ownership)
        said = await self.call(place, GET_ACL, Bucket=name)
        with documented(GET_ACL):
            return Acl(ownership=ownership, public=public_grants(said["Grants"]))

    @fact
    async def access_log(self, place: Place, name: str) -> AccessLog | None:
        """Where the server access log goes; None where there is none."""
        answer: dict[str, Any] = await self.call(place, GET_LOGGING, Bucket=name)
        with documented(GET_LOGGING):
            said = answer.get("LoggingEnabled")
            return said and AccessLog(bucket=said["TargetBucket"], prefix=said.get("TargetPrefix", ""))

    @fact
    async def lifecycle(self, place: Place, name: str) -> tuple[LifecycleRule, ...]:
        """The rules of a bucket that move or delete objects as they age."""
        answer = await self.call_or_none(place, GET_LIFECYCLE, ("NoSuchLifecycleConfiguration",), Bucket=name)
        with documented(GET_LIFECYCLE):
            return () if answer is None else tuple(lifecycle_rule(one) for one in answer["Rules"])

    @fact
    async def object_lock(self, place: Place, name: str) -> ObjectLock | None:
        """Object Lock; None where the bucket has it not."""
        absent = ("ObjectLockConfigurationNotFoundError",)
        answer = await self.call_or_none(place, GET_LOCK, absent, Bucket=name)
        with documented(GET_LOCK):
            return None if answer is None else object_lock_of(answer["ObjectLockConfiguration"])


def _region_in(answer: dict[str, Any]) -> str:
    """The region of a bucket; the two oldest ones have other names here (GetBucketLocation)."""
    with documented(GET_LOCATION):
        said = answer["LocationConstraint"] or "us-east-1"
        return "eu-west-1" if said == "EU" else str(said)
