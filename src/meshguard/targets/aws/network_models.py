"""What a virtual network consists of: groups, interfaces, networks, subnets, routes, flow logs, lists of rules."""

from __future__ import annotations

from typing import Literal

from meshguard.targets.aws.models import AwsModel, Resource


class GroupRule(AwsModel):
    """Rules of a security group that have protocol and ports in common (IpPermission)."""

    protocol: str
    """tcp, udp, icmp, icmpv6, the number of another one, or -1: all protocols and ports."""
    first: int | None = None
    """First port, or the ICMP type; None or -1: all."""
    last: int | None = None
    """Last port, or the ICMP code; None or -1: all."""
    cidrs: tuple[str, ...] = ()
    """Of both versions of IP."""
    prefix_lists: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Groups that are the other side, each `account/id`."""


class SecurityGroup(Resource):
    """A security group (DescribeSecurityGroups)."""

    id: str
    vpc: str = ""
    owner: str
    inbound: tuple[GroupRule, ...] = ()
    outbound: tuple[GroupRule, ...] = ()


class Interface(Resource):
    """A network interface (DescribeNetworkInterfaces)."""

    vpc: str = ""
    subnet: str = ""
    groups: tuple[str, ...] = ()
    public_address: bool = False


class Vpc(Resource):
    """A virtual network (DescribeVpcs)."""

    id: str
    owner: str
    default: bool = False


class Subnet(Resource):
    """A subnet (DescribeSubnets)."""

    vpc: str
    public_addresses: bool = False
    """Whether what starts in it gets a public address."""


class Route(AwsModel):
    """A route of a route table."""

    to: str
    """A network, or the id of a prefix list."""
    via: str
    """The gateway's id, such as igw-..., or local."""
    active: bool = True
    """False where its gateway is gone (blackhole)."""


class RouteTable(Resource):
    """A route table (DescribeRouteTables)."""

    vpc: str
    main: bool = False
    """Whether it is for all subnets of its network that name no table."""
    subnet_ids: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()


class FlowLog(Resource):
    """A flow log (DescribeFlowLogs)."""

    of: str
    """The network, subnet or interface that it is of."""
    status: str
    traffic: str
    """ALL, ACCEPT or REJECT."""
    delivery: str = ""
    """SUCCESS or FAILED; empty where it was not said, as before the first delivery."""
    problem: str = ""
    destination: str = ""


class AclEntry(AwsModel):
    """One rule of a network ACL; the lowest number that fits decides."""

    number: int
    action: Literal["allow", "deny"]
    protocol: str
    """The protocol's number, or -1: all."""
    cidr: str
    first: int | None = None
    last: int | None = None


class NetworkAcl(Resource):
    """A network ACL (DescribeNetworkAcls)."""

    vpc: str
    default: bool = False
    subnet_ids: tuple[str, ...] = ()
    inbound: tuple[AclEntry, ...] = ()


class AdminWay(Resource):
    """A way to administer without an open port: a managed instance of SSM, or a VPN."""

    usable: bool
    state: str
    """What AWS says of it."""
