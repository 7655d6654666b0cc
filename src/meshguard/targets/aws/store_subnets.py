"""Where data stores stand in virtual networks: mount targets of EFS, subnet groups of RDS."""

from __future__ import annotations

from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import Place, Resource
from meshguard.targets.aws.operation import Operation

DESCRIBE_MOUNT_TARGETS = Operation("efs", "DescribeMountTargets", items="MountTargets")
DESCRIBE_SUBNET_GROUPS = Operation("rds", "DescribeDBSubnetGroups", items="DBSubnetGroups")


class InSubnets(Resource):
    """A mount target or a subnet group."""

    vpc: str = ""
    subnet_ids: tuple[str, ...] = ()


class StoreSubnetFacts(AwsBase):
    """Facts of mount targets and subnet groups."""

    @fact
    async def mount_targets(self, place: Place, file_system: str) -> tuple[InSubnets, ...]:
        """The mount targets of one file system; what is not there yet or any more counts as well."""
        found = await self.pages(place, DESCRIBE_MOUNT_TARGETS, FileSystemId=file_system)
        with documented(DESCRIBE_MOUNT_TARGETS):
            items = [
                InSubnets(
                    arn=one["MountTargetId"],  # it has no ARN of its own
                    place=place,
                    name=one["MountTargetId"],
                    vpc=one.get("VpcId", ""),
                    subnet_ids=(one["SubnetId"],),
                )
                for one in found
            ]
            return tuple(sorted(items, key=str))

    @fact
    async def subnet_groups_in(self, place: Place) -> Listing[InSubnets]:
        """The DB subnet groups of one place, with all of their subnets."""
        found = await self.pages(place, DESCRIBE_SUBNET_GROUPS)
        with documented(DESCRIBE_SUBNET_GROUPS):
            return found_in(
                InSubnets(
                    arn=one["DBSubnetGroupArn"],
                    place=place,
                    name=one["DBSubnetGroupName"],
                    vpc=one.get("VpcId", ""),
                    subnet_ids=tuple(part["SubnetIdentifier"] for part in one.get("Subnets", ())),
                )
                for one in found
            )
