"""KMS keys: whose they are, what they are for, whether and how often they are rotated, who may use them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from meshguard.errors import NotObserved
from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import AwsModel, Place, Resource, account_of
from meshguard.targets.aws.operation import Operation

LIST_KEYS = Operation("kms", "ListKeys", items="Keys")
LIST_ALIASES = Operation("kms", "ListAliases", items="Aliases")
DESCRIBE_KEY = Operation("kms", "DescribeKey")
GET_ROTATION = Operation("kms", "GetKeyRotationStatus")
LIST_ROTATIONS = Operation("kms", "ListKeyRotations", items="Rotations")
GET_KEY_POLICY = Operation("kms", "GetKeyPolicy")

AWS_ALIAS = "alias/aws/"
_ARN_FIELDS = 6


class Key(AwsModel):
    """A key (DescribeKey)."""

    arn: str
    place: Place
    """Where it is asked: its own region, as an account that may."""
    manager: str
    """CUSTOMER, or AWS for those that a service made."""
    state: str
    """Enabled, Disabled, PendingDeletion, PendingImport, ..."""
    spec: str
    """SYMMETRIC_DEFAULT, RSA_2048, ..."""
    origin: str
    """AWS_KMS, EXTERNAL (imported material), AWS_CLOUDHSM, EXTERNAL_KEY_STORE."""
    created: datetime
    deleted_on: datetime | None = None
    """When it will be gone, where that is scheduled."""
    expires: datetime | None = None
    """When imported material ends, where it does."""
    primary: str = ""
    """The primary key's ARN, for a replica of a multi-Region key."""
    replica_arns: tuple[str, ...] = ()
    """The replicas of a multi-Region key, itself included where it is one."""


class Rotation(AwsModel):
    """How a key is rotated (GetKeyRotationStatus)."""

    enabled: bool
    period_days: int | None = None
    """None where rotation is off."""
    next_on: datetime | None = None
    """The next automatic rotation."""


class Alias(Resource):
    """A name of a key."""

    key_id: str = ""
    """Empty for one of AWS's own names whose key no service has made yet."""


class KmsFacts(AwsBase):
    """Facts of KMS."""

    @fact
    async def keys(self) -> Listing[Resource]:
        """All keys of all places, those that AWS manages included."""
        return await self.across(self.keys_in)

    @fact
    async def keys_in(self, place: Place) -> Listing[Resource]:
        """The keys of one place."""
        found = await self.pages(place, LIST_KEYS)
        with documented(LIST_KEYS):
            return found_in(Resource(arn=one["KeyArn"], place=place, name=one["KeyId"]) for one in found)

    @fact
    async def aliases(self) -> Listing[Alias]:
        """All names of keys of all places."""
        return await self.across(self.aliases_in, taggable=False)

    @fact
    async def aliases_in(self, place: Place) -> Listing[Alias]:
        """The names of keys of one place."""
        found = await self.pages(place, LIST_ALIASES)
        with documented(LIST_ALIASES):
            return found_in(
                Alias(arn=one["AliasArn"], place=place, name=one["AliasName"], key_id=one.get("TargetKeyId", ""))
                for one in found
            )

    @fact
    async def key(self, place: Place, arn: str) -> Key:
        """What one key is."""
        found = await self.key_or_none(place, arn)
        if found is None:
            raise NotObserved(f"{arn}: there is no such key", fix="run the audit again: it may be gone meanwhile")
        return found

    @fact
    async def key_or_none(self, place: Place, key: str) -> Key | None:
        """The key of an ARN, id or alias; None where there is none."""
        if is_aws_alias(key):
            # For a service's own alias that has no key yet, DescribeKey makes one ("DescribeKey", API Reference).
            raise NotObserved(f"{key} is not asked: asking may make the key", fix="report this to the author")
        answer = await self.call_or_none(place, DESCRIBE_KEY, ("NotFoundException",), KeyId=key)
        if answer is None:
            return None
        with documented(DESCRIBE_KEY):
            return _key(place, answer["KeyMetadata"])

    @fact
    async def key_named(self, place: Place, key: str) -> Key | None:
        """The key that a resource of a place names by ARN, id or alias; None where there is none.

        It is asked in its own region, and as its own account where that one is under audit.
        """
        parts = key.split(":", _ARN_FIELDS - 1)
        if len(parts) != _ARN_FIELDS:
            return await self.key_or_none(place, key)
        audited = {account.id for account in (await self.accounts()).items}
        asker = parts[4] if parts[4] in audited else account_of(place)
        return await self.key_or_none(f"{asker}/{parts[3]}", key)

    @fact
    async def key_rotation(self, place: Place, arn: str) -> Rotation:
        """Whether and how often one key is rotated."""
        answer = await self.call(place, GET_ROTATION, KeyId=arn)
        with documented(GET_ROTATION):
            return Rotation(
                enabled=answer["KeyRotationEnabled"],
                period_days=answer.get("RotationPeriodInDays"),
                next_on=answer.get("NextRotationDate"),
            )

    @fact
    async def key_rotations(self, place: Place, arn: str) -> tuple[datetime, ...]:
        """When one key was rotated, automatically or on demand: the completed rotations, the newest last."""
        found = await self.pages(place, LIST_ROTATIONS, KeyId=arn)
        with documented(LIST_ROTATIONS):
            return tuple(sorted(one["RotationDate"] for one in found if "RotationDate" in one))

    @fact
    async def key_policy(self, place: Place, arn: str) -> str:
        """The policy of one key, as JSON."""
        answer = await self.call(place, GET_KEY_POLICY, KeyId=arn, PolicyName="default")
        with documented(GET_KEY_POLICY):
            return str(answer["Policy"])


def is_aws_alias(key: str) -> bool:
    """Whether a name of a key is one of a service's own, such as alias/aws/sns: AWS manages the key behind it."""
    return key.split(":", _ARN_FIELDS - 1)[-1].startswith(AWS_ALIAS)


def key_id_of(arn: str) -> str:
    """The id at the end of a key's ARN; it is the same for all keys of one multi-Region key."""
    return arn.rpartition("/")[2]


def _key(place: Place, said: dict[str, Any]) -> Key:
    regions = said.get("MultiRegionConfiguration") or {}
    is_replica = regions.get("MultiRegionKeyType") == "REPLICA"
    return Key(
        arn=said["Arn"],
        place=place,
        manager=said["KeyManager"],
        state=said["KeyState"],
        spec=said["KeySpec"],
        origin=said["Origin"],
        created=said["CreationDate"],
        deleted_on=said.get("DeletionDate"),
        expires=said.get("ValidTo"),
        primary=regions["PrimaryKey"]["Arn"] if is_replica else "",
        replica_arns=tuple(one["Arn"] for one in regions.get("ReplicaKeys", ())),
    )
