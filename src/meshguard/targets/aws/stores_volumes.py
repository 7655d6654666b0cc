"""Volumes of EBS and file systems of EFS."""

from __future__ import annotations

from typing import Any

from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import Place, account_of, region_of
from meshguard.targets.aws.operation import Operation
from meshguard.targets.aws.stores_models import EbsDefault, FileSystem, Volume

DESCRIBE_VOLUMES = Operation("ec2", "DescribeVolumes", items="Volumes")
GET_EBS_DEFAULT = Operation("ec2", "GetEbsEncryptionByDefault")
GET_EBS_DEFAULT_KEY = Operation("ec2", "GetEbsDefaultKmsKeyId", when="customer_managed")
DESCRIBE_FILE_SYSTEMS = Operation("efs", "DescribeFileSystems", items="FileSystems")
VOLUME_PAGE = 500
"""Without a page's size, DescribeVolumes answers all volumes at once, or times out over them."""


class VolumeFacts(AwsBase):
    """Facts of EBS and EFS."""

    @fact
    async def volumes(self) -> Listing[Volume]:
        """All EBS volumes of all places."""
        return await self.across(self.volumes_in)

    @fact
    async def volumes_in(self, place: Place) -> Listing[Volume]:
        """The EBS volumes of one place."""
        found = await self.pages(place, DESCRIBE_VOLUMES, MaxResults=VOLUME_PAGE)
        if not found:
            return Listing(items=())
        own = await self.identity()
        with documented(DESCRIBE_VOLUMES):
            start = f"arn:{own.partition}:ec2:{region_of(place)}:{account_of(place)}:volume"
            return found_in(_volume(place, f"{start}/{one['VolumeId']}", one) for one in found)

    @fact
    async def ebs_default(self, place: Place) -> EbsDefault:
        """Whether new EBS volumes of a place are encrypted."""
        answer = await self.call(place, GET_EBS_DEFAULT)
        with documented(GET_EBS_DEFAULT):
            return EbsDefault(encrypted=answer["EbsEncryptionByDefault"])

    @fact
    async def ebs_default_key(self, place: Place) -> str:
        """The key that new EBS volumes of a place get: an ARN, an id or an alias."""
        answer = await self.call(place, GET_EBS_DEFAULT_KEY)
        with documented(GET_EBS_DEFAULT_KEY):
            return str(answer["KmsKeyId"])

    @fact
    async def file_systems(self) -> Listing[FileSystem]:
        """All EFS file systems of all places."""
        return await self.across(self.file_systems_in)

    @fact
    async def file_systems_in(self, place: Place) -> Listing[FileSystem]:
        """The EFS file systems of one place."""
        found = await self.pages(place, DESCRIBE_FILE_SYSTEMS)
        with documented(DESCRIBE_FILE_SYSTEMS):
            return found_in(
                FileSystem(
                    arn=one["FileSystemArn"],
                    place=place,
                    name=one["FileSystemId"],
                    label=one.get("Name", ""),
                    encrypted=one["Encrypted"],
                    kms_key=one.get("KmsKeyId") or None,
                )
                for one in found
            )


def _volume(place: Place, arn: str, said: dict[str, Any]) -> Volume:
    return Volume(
        arn=arn,
        place=place,
        name=said["VolumeId"],
        label=next((one["Value"] for one in said.get("Tags", ()) if one["Key"] == "Name"), ""),
        state=said["State"],
        attached_to=tuple(one["InstanceId"] for one in said.get("Attachments", ()) if one.get("InstanceId")),
        encrypted=said["Encrypted"],
        kms_key=said.get("KmsKeyId") or None,
    )
