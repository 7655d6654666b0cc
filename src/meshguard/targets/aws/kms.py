"""KMS keys: whose they are, what they are for, whether and how often they are rotated."""

from __future__ import annotations

from datetime import datetime

from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import AwsModel, Place, Resource
from meshguard.targets.aws.operation import Operation

LIST_KEYS = Operation("kms", "ListKeys", items="Keys")
DESCRIBE_KEY = Operation("kms", "DescribeKey")
GET_ROTATION = Operation("kms", "GetKeyRotationStatus")


class Key(AwsModel):
    """A key (DescribeKey)."""

    arn: str
    manager: str
    """CUSTOMER, or AWS for those that a service made."""
    state: str
    """Enabled, Disabled, PendingDeletion, PendingImport, ..."""
    spec: str
    """SYMMETRIC_DEFAULT, RSA_2048, ..."""
    origin: str
    """AWS_KMS, EXTERNAL (imported material), AWS_CLOUDHSM, EXTERNAL_KEY_STORE."""
    created: datetime


class Rotation(AwsModel):
    """How a key is rotated (GetKeyRotationStatus)."""

    enabled: bool
    period_days: int | None = None
    """None where rotation is off."""


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
    async def key(self, place: Place, arn: str) -> Key:
        """What one key is."""
        answer = await self.call(place, DESCRIBE_KEY, KeyId=arn)
        with documented(DESCRIBE_KEY):
            said = answer["KeyMetadata"]
            return Key(
                arn=said["Arn"],
                manager=said["KeyManager"],
                state=said["KeyState"],
                spec=said["KeySpec"],
                origin=said["Origin"],
                created=said["CreationDate"],
            )

    @fact
    async def key_rotation(self, place: Place, arn: str) -> Rotation:
        """Whether and how often one key is rotated."""
        answer = await self.call(place, GET_ROTATION, KeyId=arn)
        with documented(GET_ROTATION):
            return Rotation(enabled=answer["KeyRotationEnabled"], period_days=answer.get("RotationPeriodInDays"))
