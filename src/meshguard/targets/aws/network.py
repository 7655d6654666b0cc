"""Virtual networks of EC2: each kind is asked once a region, whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import Place, account_of, region_of
from meshguard.targets.aws.network_models import (
    AclEntry,
    FlowLog,
    GroupRule,
    Interface,
    NetworkAcl,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
)
from meshguard.targets.aws.operation import Operation

DESCRIBE_GROUPS = Operation("ec2", "DescribeSecurityGroups", items="SecurityGroups")
DESCRIBE_INTERFACES = Operation("ec2", "DescribeNetworkInterfaces", items="NetworkInterfaces", when="unused")
DESCRIBE_VPCS = Operation("ec2", "DescribeVpcs", items="Vpcs")
DESCRIBE_SUBNETS = Operation("ec2", "DescribeSubnets", items="Subnets")
DESCRIBE_ROUTE_TABLES = Operation("ec2", "DescribeRouteTables", items="RouteTables")
DESCRIBE_FLOW_LOGS = Operation("ec2", "DescribeFlowLogs", items="FlowLogs")
DESCRIBE_ACLS = Operation("ec2", "DescribeNetworkAcls", items="NetworkAcls")
LIST_ENTRIES = Operation("ec2", "GetManagedPrefixListEntries", items="Entries")

PAGE = 1000
"""The longest page of EC2's lists, but route tables': 100."""
GATEWAYS = (
    "GatewayId",
    "CarrierGatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "EgressOnlyInternetGatewayId",
    "VpcPeeringConnectionId",
    "NetworkInterfaceId",
    "InstanceId",
    "LocalGatewayId",
    "CoreNetworkArn",
)
"""Where a route may lead; each route has one, and with InstanceId its interface too."""
DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


class NetworkFacts(AwsBase):
    """Facts of virtual networks."""

    @fact
    async def security_groups(self) -> Listing[SecurityGroup]:
        """All security groups of all places, those that nothing uses included."""
        return await self.across(self.security_groups_in)

    @fact
    async def security_groups_in(self, place: Place) -> Listing[SecurityGroup]:
        """The security groups of one place, with all their rules."""
        found = await self.pages(place, DESCRIBE_GROUPS, MaxResults=PAGE)
        names = await self._names(place)
        with documented(DESCRIBE_GROUPS):
            return found_in(_group(one, place, names) for one in found)

    @fact
    async def interfaces(self) -> Listing[Interface]:
        """All network interfaces of all places, those that AWS's services made included."""
        return await self.across(self.interfaces_in)

    @fact
    async def interfaces_in(self, place: Place) -> Listing[Interface]:
        """The network interfaces of one place."""
        found = await self.pages(place, DESCRIBE_INTERFACES, MaxResults=PAGE)
        names = await self._names(place)
        with documented(DESCRIBE_INTERFACES):
            return found_in(
                Interface(
                    arn=names.arn("network-interface", one["NetworkInterfaceId"], one.get("OwnerId")),
                    place=place,
                    name=one["NetworkInterfaceId"],
                    vpc=one.get("VpcId", ""),
                    subnet=one.get("SubnetId", ""),
                    groups=tuple(group["GroupId"] for group in one.get("Groups", ())),
                    public_address=bool(one.get("Association", {}).get("PublicIp")),
                )
                for one in found
            )

    @fact
    async def vpcs(self) -> Listing[Vpc]:
        """All virtual networks of all places."""
        return await self.across(self.vpcs_in)

    @fact
    async def vpcs_in(self, place: Place) -> Listing[Vpc]:
        """The virtual networks of one place."""
        found = await self.pages(place, DESCRIBE_VPCS, MaxResults=PAGE)
        names = await self._names(place)
        with documented(DESCRIBE_VPCS):
            return found_in(
                Vpc(
                    arn=names.arn("vpc", one["VpcId"], one.get("OwnerId")),
                    place=place,
                    name=_name(one, one["VpcId"]),
                    id=one["VpcId"],
                    owner=one.get("OwnerId", account_of(place)),
                    default=one.get("IsDefault", False),
                )
                for one in found
            )

    @fact
    async def subnets(self) -> Listing[Subnet]:
        """All subnets of all places."""
        return await self.across(self.subnets_in)

    @fact
    async def subnets_in(self, place: Place) -> Listing[Subnet]:
        """The subnets of one place."""
        found = await self.pages(place, DESCRIBE_SUBNETS, MaxResults=PAGE)
        names = await self._names(place)
        with documented(DESCRIBE_SUBNETS):
            return found_in(
                Subnet(
                    arn=one.get("SubnetArn") or names.arn("subnet", one["SubnetId"], one.get("OwnerId")),
                    place=place,
                    name=one["SubnetId"],
                    vpc=one["VpcId"],
                    public_addresses=one.get("MapPublicIpOnLaunch", False),
                )
                for one in found
            )

    @fact
    async def route_tables(self) -> Listing[RouteTable]:
        """All route tables of all places."""
        return await self.across(self.route_tables_in)

    @fact
    async def route_tables_in(self, place: Place) -> Listing[RouteTable]:
        """The route tables of one place, with their routes and subnets."""
        found = await self.pages(place, DESCRIBE_ROUTE_TABLES, MaxResults=100)
        names = await self._names(place)
        with documented(DESCRIBE_ROUTE_TABLES):
            return found_in(_route_table(one, place, names) for one in found)

    @fact
    async def flow_logs(self) -> Listing[FlowLog]:
        """All flow logs of all places."""
        return await self.across(self.flow_logs_in)

    @fact
    async def flow_logs_in(self, place: Place) -> Listing[FlowLog]:
        """The flow logs of one place; those of another account on a shared network are not among them."""
        found = await self.pages(place, DESCRIBE_FLOW_LOGS, MaxResults=PAGE)
        names = await self._names(place)
        with documented(DESCRIBE_FLOW_LOGS):
            return found_in(
                FlowLog(
                    arn=names.arn("vpc-flow-log", one["FlowLogId"], None),
                    place=place,
                    name=one["FlowLogId"],
                    of=one["ResourceId"],
                    status=one["FlowLogStatus"],
                    traffic=one.get("TrafficType", ""),
                    delivery=one.get("DeliverLogsStatus", ""),
                    problem=one.get("DeliverLogsErrorMessage", ""),
                    destination=one.get("LogDestination") or one.get("LogGroupName", ""),
                )
                for one in found
            )

    @fact
    async def network_acls(self) -> Listing[NetworkAcl]:
        """All network ACLs of all places."""
        return await self.across(self.network_acls_in)

    @fact
    async def network_acls_in(self, place: Place) -> Listing[NetworkAcl]:
        """The network ACLs of one place, with their rules of ingress."""
        found = await self.pages(place, DESCRIBE_ACLS, MaxResults=PAGE)
        names = await self._names(place)
        with documented(DESCRIBE_ACLS):
            return found_in(_acl(one, place, names) for one in found)

    @fact
    async def prefix_list(self, place: Place, list_id: str) -> tuple[str, ...]:
        """The networks of one prefix list, AWS's own lists included; only lists that a rule names are asked."""
        found = await self.pages(place, LIST_ENTRIES, PrefixListId=list_id)
        with documented(LIST_ENTRIES):
            return tuple(sorted(one["Cidr"] for one in found))

    async def prefix_lists(self, place: Place, list_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The networks of several prefix lists, by their ids."""
        wanted = sorted(set(list_ids))
        found = await asyncio.gather(*(self.prefix_list(place, one) for one in wanted))
        return dict(zip(wanted, found, strict=True))

    async def _names(self, place: Place) -> _Names:
        return _Names((await self.identity()).partition, place)


class _Names:
    """ARNs in one place (Service Authorization Reference, "Resource types defined by Amazon EC2")."""

    def __init__(self, partition: str, place: Place) -> None:
        self._partition, self._place = partition, place

    def arn(self, kind: str, name: str, owner: str | None) -> str:
        account = owner or account_of(self._place)
        return f"arn:{self._partition}:ec2:{region_of(self._place)}:{account}:{kind}/{name}"


def _name(one: Mapping[str, Any], otherwise: str) -> str:
    """The tag Name, and the id behind it."""
    named = next((tag.get("Value", "") for tag in one.get("Tags", ()) if tag.get("Key") == "Name"), "")
    return f"{named} ({otherwise})" if named else otherwise


def _group(one: Mapping[str, Any], place: Place, names: _Names) -> SecurityGroup:
    owner = one.get("OwnerId", account_of(place))
    return SecurityGroup(
        arn=one.get("SecurityGroupArn") or names.arn("security-group", one["GroupId"], owner),
        place=place,
        name=one["GroupName"],
        id=one["GroupId"],
        vpc=one.get("VpcId", ""),
        owner=owner,
        inbound=_rules(one.get("IpPermissions", ()), owner),
        outbound=_rules(one.get("IpPermissionsEgress", ()), owner),
    )


def _rules(found: Iterable[Mapping[str, Any]], owner: str) -> tuple[GroupRule, ...]:
    return tuple(
        GroupRule(
            protocol=one["IpProtocol"],
            first=one.get("FromPort"),
            last=one.get("ToPort"),
            cidrs=(
                *(part["CidrIp"] for part in one.get("IpRanges", ())),
                *(part["CidrIpv6"] for part in one.get("Ipv6Ranges", ())),
            ),
            prefix_lists=tuple(part["PrefixListId"] for part in one.get("PrefixListIds", ())),
            groups=tuple(f"{part.get('UserId', owner)}/{part['GroupId']}" for part in one.get("UserIdGroupPairs", ())),
        )
        for one in found
    )


def _route_table(one: Mapping[str, Any], place: Place, names: _Names) -> RouteTable:
    joined = [
        part
        for part in one.get("Associations", ())
        if part.get("AssociationState", {}).get("State", "associated") in ("associated", "associating")
    ]
    return RouteTable(
        arn=names.arn("route-table", one["RouteTableId"], one.get("OwnerId")),
        place=place,
        name=one["RouteTableId"],
        vpc=one["VpcId"],
        main=any(part.get("Main", False) for part in joined),
        subnet_ids=tuple(sorted(part["SubnetId"] for part in joined if part.get("SubnetId"))),
        routes=tuple(
            Route(
                to=next((str(part[key]) for key in DESTINATIONS if part.get(key)), ""),
                via=next((str(part[key]) for key in GATEWAYS if part.get(key)), ""),
                active=part.get("State", "active") != "blackhole",
            )
            for part in one.get("Routes", ())
        ),
    )


def _acl(one: Mapping[str, Any], place: Place, names: _Names) -> NetworkAcl:
    inbound = [entry for entry in one["Entries"] if not entry["Egress"]]
    return NetworkAcl(
        arn=names.arn("network-acl", one["NetworkAclId"], one.get("OwnerId")),
        place=place,
        name=one["NetworkAclId"],
        vpc=one["VpcId"],
        default=one.get("IsDefault", False),
        subnet_ids=tuple(sorted(part["SubnetId"] for part in one.get("Associations", ()))),
        inbound=tuple(
            AclEntry(
                number=entry["RuleNumber"],
                action=entry["RuleAction"],
                protocol=str(entry["Protocol"]),
                cidr=entry.get("CidrBlock") or entry["Ipv6CidrBlock"],
                first=entry.get("PortRange", {}).get("From"),
                last=entry.get("PortRange", {}).get("To"),
            )
            for entry in sorted(inbound, key=lambda entry: int(entry["RuleNumber"]))
        ),
    )
