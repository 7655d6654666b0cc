"""Virtual networks: who reaches what, whether it is logged, where data stores stand, and how one administers them."""

from typing import Any

import pytest

from meshguard.api import Denied, Fact, Listing, NotObserved, Unread
from meshguard.check import Check
from meshguard.targets.aws import Account, Aws
from meshguard.targets.aws.network_models import (
    AclEntry,
    AdminWay,
    FlowLog,
    GroupRule,
    Interface,
    NetworkAcl,
    Route,
    RouteTable,
    SecurityGroup,
    Vpc,
)
from meshguard.targets.aws.store_subnets import InSubnets
from meshguard.targets.aws.stores_models import DataStore, DbCluster, DbInstance
from meshguard.testing import judge, recorded
from meshguard_checks.aws.admin import admin_access, admin_path
from meshguard_checks.aws.network import network_acls, security_groups, vpc_flow_logs
from meshguard_checks.aws.store_subnets import subnets

row = pytest.param
ACCOUNT, PLACE = "123456789012", "123456789012/eu-central-1"
DENIED = Denied("ec2:X in eu-central-1: access denied", fix="allow ec2:X")
HALVES = ("0.0.0.0/1", "128.0.0.0/1")
ARN = f"arn:aws:ec2:eu-central-1:{ACCOUNT}:"


def rule(
    protocol: str = "tcp", first: int | None = None, last: int | None = None, *cidrs: str, **more: Any
) -> GroupRule:
    return GroupRule(protocol=protocol, first=first, last=first if last is None else last, cidrs=cidrs, **more)


def group(
    *inbound: GroupRule, name: str = "web", gid: str = "sg-1", outbound: tuple[GroupRule, ...] = ()
) -> SecurityGroup:
    return SecurityGroup(
        arn=f"{ARN}security-group/{gid}",
        place=PLACE,
        name=name,
        id=gid,
        vpc="vpc-1",
        owner=ACCOUNT,
        inbound=inbound,
        outbound=outbound,
    )


def interface(*groups: str) -> Interface:
    return Interface(arn=f"{ARN}network-interface/eni-1", place=PLACE, name="eni-1", groups=groups)


def aws(facts: dict[Fact[Any, Any, Any], dict[tuple[Any, ...], object]] | None = None) -> Aws:
    accounts: dict[Any, Any] = {Aws.accounts: {(): Listing(items=(Account(id=ACCOUNT, place=PLACE),))}}
    said: dict[Fact[Any, Any, Any], dict[tuple[Any, ...], object]] = {Aws.vpn_ranges: {(): ()}}
    return recorded(Aws, {**accounts, **said, **(facts or {})}, region="eu-central-1")


LISTS: dict[Fact[Any, Any, Any], dict[tuple[Any, ...], object]] = {
    Aws.prefix_list: {
        (PLACE, "pl-world"): HALVES,
        (PLACE, "pl-half"): ("0.0.0.0/1",),
        (PLACE, "pl-v6"): ("::/1", "8000::/1"),
        (PLACE, "pl-vpn"): ("10.8.0.0/17", "10.8.128.0/17"),
        (PLACE, "pl-gone"): NotObserved("ec2:GetManagedPrefixListEntries: it answered an error"),
    }
}


@pytest.mark.parametrize(
    ("rules", "parameters", "outcome"),
    [
        row((), {}, "pass", id="no rule"),
        row((rule("tcp", 443, None, "0.0.0.0/0", "::/0"),), {}, "pass", id="a public port"),
        row((rule("tcp", 444, None, "0.0.0.0/0"),), {}, "fail", id="the port after it"),
        row((rule("tcp", 444, None, "::/0"),), {}, "fail", id="the port after it over IPv6 alone"),
        row((rule("tcp", 442, 443, "0.0.0.0/0"),), {}, "fail", id="a range that begins before it"),
        row((rule("tcp", 443, 444, "0.0.0.0/0"),), {}, "fail", id="a range that ends after it"),
        row((rule("tcp", 443, 444, "0.0.0.0/0"),), {"public_ports": [444, 443]}, "pass", id="a range of public ports"),
        row((rule("tcp", 80, None, "0.0.0.0/0"),), {"public_ports": [80, 443]}, "pass", id="another public port"),
        row((rule("tcp", 443, None, "0.0.0.0/0"),), {"public_ports": []}, "fail", id="no port is public"),
        row((rule("udp", 443, None, "0.0.0.0/0"),), {}, "fail", id="the same port of UDP"),
        row((rule("udp", 443, None, "0.0.0.0/0"),), {"public_udp_ports": [443]}, "pass", id="a public port of UDP"),
        row((rule("-1", None, None, "0.0.0.0/0"),), {}, "fail", id="all protocols, which has no ports"),
        row((rule("-1", 443, 443, "0.0.0.0/0"),), {}, "fail", id="all protocols, whose ports count for nothing"),
        row((rule("6", 443, 443, "0.0.0.0/0"),), {}, "pass", id="TCP by its number"),
        row((rule("tcp", None, None, "0.0.0.0/0"),), {}, "fail", id="TCP without ports"),
        row((rule("tcp", -1, -1, "0.0.0.0/0"),), {}, "fail", id="TCP of port -1"),
        row((rule("tcp", 0, 65535, "0.0.0.0/0"),), {}, "fail", id="all ports of TCP"),
        row((rule("50", None, None, "0.0.0.0/0"),), {}, "fail", id="a protocol without ports"),
        row((rule("icmp", -1, -1, "0.0.0.0/0"),), {}, "fail", id="ICMP"),
        row((rule("icmp", 3, 4, "0.0.0.0/0"),), {}, "fail", id="path MTU, when no ICMP is accepted"),
        row((rule("icmp", 3, 4, "0.0.0.0/0"),), {"icmp": "path-mtu"}, "pass", id="path MTU, accepted"),
        row((rule("icmp", 3, -1, "0.0.0.0/0"),), {"icmp": "path-mtu"}, "fail", id="all codes of its type"),
        row((rule("icmpv6", 2, -1, "::/0"),), {"icmp": "path-mtu"}, "pass", id="Packet Too Big of IPv6"),
        row((rule("icmp", 8, -1, "0.0.0.0/0"),), {"icmp": "path-mtu"}, "fail", id="echo beside path MTU"),
        row((rule("icmp", 8, -1, "0.0.0.0/0"),), {"icmp": "any"}, "pass", id="echo, where any is accepted"),
        row((rule("58", None, None, "::/0"),), {"icmp": "any"}, "pass", id="ICMPv6 by its number"),
        row((rule("icmp", 3, 4, *HALVES[:1]), rule("icmp", 3, -1, HALVES[1])), {}, "fail", id="ICMP in two rules"),
        row((rule("tcp", 22, None, *HALVES),), {}, "fail", id="two halves of the Internet"),
        row((rule("tcp", 22, None, HALVES[0]), rule("tcp", 20, 22, HALVES[1])), {}, "fail", id="halves in two rules"),
        row(
            (rule("tcp", 22, None, HALVES[0]), rule("-1", None, None, HALVES[1])),
            {},
            "fail",
            id="a half in a rule of all",
        ),
        row((rule("tcp", 22, None, "::/1", "8000::/1"),), {}, "fail", id="two halves of IPv6"),
        row((rule("tcp", 22, None, "2000::/3"),), {}, "fail", id="all of IPv6 that is in use"),
        row((rule("tcp", 22, None, "8.0.0.0/8"),), {}, "fail", id="as wide as /8"),
        row((rule("tcp", 22, None, "8.0.0.0/9"),), {}, "pass", id="half as wide as /8"),
        row((rule("tcp", 22, None, "8.0.0.0/9", "20.0.0.0/9"),), {}, "fail", id="two halves of a /8, apart"),
        row((rule("tcp", 22, None, "8.0.0.0/9", "8.0.0.0/9"),), {}, "pass", id="one half twice"),
        row((rule("tcp", 22, None, "8.0.0.0/9"),), {"world_v4": 9}, "fail", id="as wide as the parameter"),
        row((rule("tcp", 22, None, "8.0.0.0/8"),), {"world_v4": 7}, "pass", id="narrower than the parameter"),
        row((rule("tcp", 22, None, "0.0.0.0/0"),), {"world_v4": 0}, "fail", id="the world is the world"),
        row((rule("tcp", 22, None, "0.0.0.0/1"),), {"world_v4": 0}, "pass", id="half of it, where all is meant"),
        row((rule("tcp", 22, None, "2600::/16"),), {}, "fail", id="as wide as /16 of IPv6"),
        row((rule("tcp", 22, None, "2600::/17"),), {}, "pass", id="half as wide"),
        row((rule("tcp", 22, None, "2600::/17"),), {"world_v6": 17}, "fail", id="IPv6 as wide as the parameter"),
        row((rule("tcp", 22, None, "10.0.0.0/8", "172.16.0.0/12", "fc00::/7"),), {}, "pass", id="private networks"),
        row((rule("tcp", 22, None, groups=(f"{ACCOUNT}/sg-2",)),), {}, "pass", id="a group as the source"),
        row((rule("tcp", 22, None, prefix_lists=("pl-world",)),), {}, "fail", id="a prefix list of both halves"),
        row((rule("tcp", 22, None, prefix_lists=("pl-v6",)),), {}, "fail", id="a prefix list of IPv6"),
        row(
            (rule("tcp", 22, None, prefix_lists=("pl-half",)),), {"world_v4": 0}, "pass", id="a prefix list of one half"
        ),
        row(
            (rule("tcp", 22, None, HALVES[1], prefix_lists=("pl-half",)),), {"world_v4": 0}, "fail", id="and the other"
        ),
        row((rule("tcp", 443, None, prefix_lists=("pl-world",)),), {}, "pass", id="a public port by prefix list"),
        row((rule("tcp", 22, None, prefix_lists=("pl-gone",)),), {}, "error", id="a prefix list that cannot be read"),
    ],
)
async def test_security_groups(rules: tuple[GroupRule, ...], parameters: dict[str, Any], outcome: str) -> None:
    assert (await judge(security_groups, group(*rules), aws(LISTS), **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("inbound", "outbound", "parameters", "outcome"),
    [
        row((), (), {}, "pass", id="no rules"),
        row((rule("-1", groups=(f"{ACCOUNT}/sg-1",)),), (), {}, "fail", id="from itself alone, as it is made"),
        row((), (rule("-1", None, None, "0.0.0.0/0"),), {}, "fail", id="to the world alone"),
        row((), (rule("tcp", 443, None, "10.0.0.1/32"),), {}, "fail", id="to one address"),
        row(
            (), (rule("-1", None, None, "::/0"),), {"default_closed": False}, "pass", id="rules, where that is accepted"
        ),
        row((rule("tcp", 22, None, "::/0"),), (), {"default_closed": False}, "fail", id="the world, all the same"),
        row((), (), {"unused": "ignore"}, "pass", id="no interface uses it, and it is judged all the same"),
    ],
)
async def test_the_default_group(
    inbound: tuple[GroupRule, ...], outbound: tuple[GroupRule, ...], parameters: dict[str, Any], outcome: str
) -> None:
    one = group(*inbound, name="default", outbound=outbound)

    assert (await judge(security_groups, one, aws(), **parameters)).outcome == outcome


OPEN = rule("tcp", 22, None, "0.0.0.0/0")
NAMING = rule("tcp", 5432, None, groups=(f"{ACCOUNT}/sg-1",))


@pytest.mark.parametrize(
    ("one", "attached", "others", "parameters", "outcome"),
    [
        row(group(OPEN), (), (), {}, "fail", id="an open group that nothing uses"),
        row(group(OPEN), (), (), {"unused": "ignore"}, "not-applicable", id="nothing uses it, ignored"),
        row(group(OPEN), ("sg-1",), (), {"unused": "ignore"}, "fail", id="used after all"),
        row(group(), ("sg-2",), (), {"unused": "fail"}, "fail", id="a good group that nothing uses"),
        row(group(), ("sg-2", "sg-1"), (), {"unused": "fail"}, "pass", id="a good group that something uses"),
        row(group(), (), (group(NAMING, gid="sg-2"),), {"unused": "fail"}, "pass", id="another group's rule names it"),
        row(group(), (), (group(NAMING),), {"unused": "fail"}, "fail", id="only its own rule names it"),
        row(group(name="default"), (), (), {"unused": "fail", "default_closed": False}, "pass", id="the default group"),
    ],
)
async def test_unused_groups(
    one: SecurityGroup,
    attached: tuple[str, ...],
    others: tuple[SecurityGroup, ...],
    parameters: dict[str, Any],
    outcome: str,
) -> None:
    facts: dict[Any, Any] = {
        Aws.interfaces_in: {(PLACE,): Listing(items=(interface(*attached),))},
        Aws.security_groups_in: {(PLACE,): Listing(items=(one, *others))},
    }

    assert (await judge(security_groups, one, aws(facts), **parameters)).outcome == outcome


async def test_interfaces_that_cannot_be_read_leave_no_group_unused() -> None:
    facts: dict[Any, Any] = {Aws.interfaces_in: {(PLACE,): DENIED}}

    assert (await judge(security_groups, group(), aws(facts), unused="ignore")).outcome == "error"


async def test_the_verdict_names_what_is_open_and_to_whom() -> None:
    verdict = await judge(security_groups, group(rule("tcp", 8000, 8100, "0.0.0.0/0"), OPEN), aws())

    assert verdict.message == "web (sg-1) lets the world reach tcp 22, tcp 8000-8100"
    assert verdict.got == "tcp 22 from 0.0.0.0/0; tcp 8000-8100 from 0.0.0.0/0"
    assert verdict.want == "to the world: tcp 443"


@pytest.mark.parametrize(
    "parameters",
    [
        row({"public_ports": [65536]}, id="a port that is none"),
        row({"icmp": "all"}, id="a word for ICMP that is none"),
        row({"world_v4": 33}, id="a length that is none"),
    ],
)
def test_a_wrong_parameter_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        security_groups.parameters.model_validate(parameters)


VPN = {"vpn_ranges": ["10.8.0.0/16", "fd00:8::/32"]}


@pytest.mark.parametrize(
    ("rules", "parameters", "outcome"),
    [
        row((), VPN, "pass", id="no rule"),
        row((rule("tcp", 443, None, "0.0.0.0/0"),), VPN, "pass", id="another port"),
        row((rule("tcp", 22, None, "10.8.0.0/16"),), VPN, "pass", id="the VPN"),
        row((rule("tcp", 22, None, "10.8.1.0/24", "fd00:8:1::/48"),), VPN, "pass", id="parts of the VPN"),
        row((rule("tcp", 22, None, "10.8.0.0/15"),), VPN, "fail", id="more than the VPN"),
        row((rule("tcp", 22, None, "10.9.0.0/32"),), VPN, "fail", id="one address beside the VPN"),
        row((rule("tcp", 22, None, "fd00:9::/32"),), VPN, "fail", id="a network of IPv6 beside it"),
        row((rule("tcp", 22, None, "10.8.0.0/16"),), {}, "fail", id="no VPN is named"),
        row((rule("tcp", 21, 23, "10.0.0.0/8"),), VPN, "fail", id="a range that holds the port"),
        row((rule("tcp", 23, 24, "10.0.0.0/8"),), VPN, "pass", id="a range behind the port"),
        row((rule("udp", 3389, None, "10.0.0.0/8"),), VPN, "fail", id="RDP over UDP"),
        row((rule("-1", None, None, "10.0.0.0/8"),), VPN, "fail", id="all protocols"),
        row((rule("icmp", -1, -1, "10.0.0.0/8"),), VPN, "pass", id="ICMP has no ports"),
        row((rule("tcp", 5432, None, "10.0.0.0/8"),), VPN, "fail", id="a database"),
        row((rule("tcp", 5432, None, "10.0.0.0/8"),), {**VPN, "ports": [22]}, "pass", id="a database, not asked for"),
        row((rule("tcp", 2222, None, "10.0.0.0/8"),), {**VPN, "ports": [2222]}, "fail", id="SSH on another port"),
        row((rule("tcp", 22, None, prefix_lists=("pl-vpn",)),), VPN, "pass", id="the VPN by prefix list"),
        row((rule("tcp", 22, None, prefix_lists=("pl-half",)),), VPN, "fail", id="another prefix list"),
        row((rule("tcp", 22, None, prefix_lists=("pl-gone",)),), VPN, "error", id="a prefix list that cannot be read"),
        row((rule("tcp", 5432, None, groups=(f"{ACCOUNT}/sg-2",)),), VPN, "pass", id="a group of the account"),
        row((rule("tcp", 22, None, groups=("210987654321/sg-2",)),), VPN, "fail", id="a group of another account"),
        row((rule("tcp", 22, None, groups=(f"{ACCOUNT}/sg-2",)),), {**VPN, "groups": False}, "fail", id="no groups"),
        row((rule("tcp", 22, None, "10.8.0.0/17", "10.8.128.0/17"),), VPN, "pass", id="the VPN in halves"),
        row((rule("tcp", 22, None, "10.8.0.0/16"), rule("tcp", 22, None, "0.0.0.0/0")), VPN, "fail", id="good and bad"),
    ],
)
async def test_admin_access(rules: tuple[GroupRule, ...], parameters: dict[str, Any], outcome: str) -> None:
    assert (await judge(admin_access, group(*rules), aws(LISTS), **parameters)).outcome == outcome


async def test_the_vpn_may_be_two_ranges_that_touch() -> None:
    one = group(rule("tcp", 22, None, "10.8.0.0/15"))

    assert (await judge(admin_access, one, aws(), vpn_ranges=["10.8.0.0/16", "10.9.0.0/16"])).outcome == "pass"


@pytest.mark.parametrize(
    ("said", "outcome"), [(("10.8.0.0/16",), "pass"), (("10.9.0.0/16",), "fail"), ((), "fail")], ids=str
)
async def test_the_deployment_says_where_administrators_come_from(said: tuple[str, ...], outcome: str) -> None:
    one = group(rule("tcp", 22, None, "10.8.0.0/16"))
    assert (await judge(admin_access, one, aws({Aws.vpn_ranges: {(): said}}))).outcome == outcome


def test_a_range_with_bits_behind_its_length_is_refused() -> None:
    with pytest.raises(ValueError):
        admin_access.parameters.model_validate({"vpn_ranges": ["10.8.1.0/16"]})


def way(state: str, usable: bool, place: str = PLACE) -> AdminWay:
    return AdminWay(arn=f"arn:x:{state}", place=place, name="x-1", state=state, usable=usable)


ELSEWHERE = "210987654321/eu-central-1"


@pytest.mark.parametrize(
    ("ssm", "client_vpn", "vpn", "parameters", "outcome"),
    [
        row((), (), (), {}, "fail", id="none"),
        row((way("Online", True),), (), (), {}, "pass", id="an instance that answers"),
        row((way("ConnectionLost", False),), (), (), {}, "fail", id="an instance that does not"),
        row((), (way("available", True),), (), {}, "pass", id="a client VPN"),
        row((), (way("pending-associate", False),), (), {}, "fail", id="a client VPN of no network"),
        row((), (), (way("available, 1 of its tunnels up", True),), {}, "pass", id="a tunnel"),
        row((), (), (way("available, 0 of its tunnels up", False),), {}, "fail", id="no tunnel is up"),
        row((way("Online", True),), (), (), {"ways": ["client-vpn"]}, "fail", id="another way than the wanted one"),
        row((), (way("available", True),), (), {"ways": ["client-vpn"]}, "pass", id="the wanted way"),
        row((), (way("available", True, ELSEWHERE),), (), {}, "fail", id="in another account"),
        row((), (way("available", True, ELSEWHERE),), (), {"anywhere": True}, "pass", id="in another account, a hub"),
    ],
)
async def test_admin_path(
    ssm: tuple[AdminWay, ...],
    client_vpn: tuple[AdminWay, ...],
    vpn: tuple[AdminWay, ...],
    parameters: dict[str, Any],
    outcome: str,
) -> None:
    facts: dict[Any, Any] = {
        Aws.managed_instances: {(): Listing(items=ssm)},
        Aws.client_vpns: {(): Listing(items=client_vpn)},
        Aws.vpn_connections: {(): Listing(items=vpn)},
    }

    assert (await judge(admin_path, Account(id=ACCOUNT, place=PLACE), aws(facts), **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("place", "vpn", "outcome"),
    [
        row(PLACE, (), "not-checked", id="a region of the account"),
        row(PLACE, (way("up", True),), "pass", id="another way was seen"),
        row(ELSEWHERE, (), "fail", id="a region of another account"),
    ],
)
async def test_a_way_that_could_not_be_looked_for_is_not_missing(
    place: str, vpn: tuple[AdminWay, ...], outcome: str
) -> None:
    unread = (Unread(resource=place, kind="denied", reason="access denied"),)
    facts: dict[Any, Any] = {
        Aws.managed_instances: {(): Listing[AdminWay](items=(), unread=unread)},
        Aws.client_vpns: {(): Listing[AdminWay](items=())},
        Aws.vpn_connections: {(): Listing(items=vpn)},
    }

    assert (await judge(admin_path, Account(id=ACCOUNT, place=PLACE), aws(facts))).outcome == outcome


VPC = Vpc(arn=f"{ARN}vpc/vpc-1", place=PLACE, name="main (vpc-1)", id="vpc-1", owner=ACCOUNT)


def log(of: str = "vpc-1", traffic: str = "ALL", delivery: str = "SUCCESS", status: str = "ACTIVE") -> FlowLog:
    return FlowLog(
        arn=f"{ARN}vpc-flow-log/fl-1",
        place=PLACE,
        name="fl-1",
        of=of,
        traffic=traffic,
        delivery=delivery,
        status=status,
    )


@pytest.mark.parametrize(
    ("logs", "parameters", "outcome"),
    [
        row((), {}, "fail", id="none"),
        row((log(),), {}, "pass", id="all traffic"),
        row((log(traffic="REJECT"),), {}, "fail", id="rejected traffic alone"),
        row((log(traffic="REJECT"),), {"traffic": "REJECT"}, "pass", id="rejected traffic, accepted"),
        row((log(traffic="ALL"),), {"traffic": "REJECT"}, "pass", id="all of it, where rejected is enough"),
        row((log(traffic="ACCEPT"),), {"traffic": "REJECT"}, "fail", id="accepted traffic alone"),
        row((log(traffic="ACCEPT"), log(traffic="REJECT")), {}, "fail", id="two halves of the traffic"),
        row((log(delivery="FAILED"),), {}, "fail", id="not delivered"),
        row((log(delivery=""),), {}, "not-checked", id="delivery was not said"),
        row((log(delivery="FAILED"), log()), {}, "pass", id="one of two is delivered"),
        row((log(status="INACTIVE"),), {}, "fail", id="not active"),
        row((log(of="subnet-1"), log(of="eni-1"), log(of="vpc-2")), {}, "fail", id="of its parts, or of another VPC"),
    ],
)
async def test_vpc_flow_logs(logs: tuple[FlowLog, ...], parameters: dict[str, Any], outcome: str) -> None:
    facts: dict[Any, Any] = {Aws.flow_logs_in: {(PLACE,): Listing(items=logs)}}

    assert (await judge(vpc_flow_logs, VPC, aws(facts), **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("owner", "outcome"),
    [
        row("210987654321", "not-checked", id="an account that is not audited"),
        row("111122223333", "not-applicable", id="an account that is audited"),
    ],
)
async def test_a_shared_network_is_its_owners(owner: str, outcome: str) -> None:
    accounts = (Account(id=ACCOUNT, place=PLACE), Account(id="111122223333", place="111122223333/eu-central-1"))
    facts: dict[Any, Any] = {
        Aws.flow_logs_in: {(PLACE,): Listing[FlowLog](items=())},
        Aws.accounts: {(): Listing(items=accounts)},
    }

    assert (await judge(vpc_flow_logs, VPC.model_copy(update={"owner": owner}), aws(facts))).outcome == outcome


async def test_flow_logs_that_cannot_be_read_are_an_error() -> None:
    assert (await judge(vpc_flow_logs, VPC, aws({Aws.flow_logs_in: {(PLACE,): DENIED}}))).outcome == "error"


def entry(number: int, action: Any, cidr: str, *ports: int, protocol: str = "6") -> AclEntry:
    first, last = (ports[0], ports[-1]) if ports else (None, None)
    return AclEntry(number=number, action=action, protocol=protocol, cidr=cidr, first=first, last=last)


LAST = entry(32767, "deny", "0.0.0.0/0", protocol="-1")
ANY = "0.0.0.0/0"


@pytest.mark.parametrize(
    ("entries", "parameters", "outcome"),
    [
        row((), {}, "pass", id="nothing but the last rule"),
        row((entry(100, "allow", ANY, protocol="-1"),), {}, "fail", id="as it is made"),
        row((entry(100, "allow", "::/0", protocol="-1"),), {}, "fail", id="everything of IPv6"),
        row((entry(100, "allow", ANY, 443),), {}, "pass", id="another port"),
        row((entry(100, "allow", ANY, 22),), {}, "fail", id="SSH"),
        row((entry(100, "allow", ANY, 22),), {"ports": [3389]}, "pass", id="SSH, not asked for"),
        row((entry(100, "allow", ANY, 22, protocol="17"),), {}, "fail", id="its port over UDP"),
        row((entry(100, "allow", ANY, protocol="1"),), {}, "pass", id="ICMP"),
        row((entry(100, "allow", ANY, 0, 65535),), {}, "fail", id="all ports"),
        row((entry(100, "allow", ANY, 1024, 65535),), {}, "fail", id="the ephemeral ports, which hold RDP's"),
        row((entry(90, "deny", ANY, 3389), entry(100, "allow", ANY, 1024, 65535)), {}, "pass", id="a deny before it"),
        row((entry(100, "allow", ANY, 1024, 65535), entry(110, "deny", ANY, 3389)), {}, "fail", id="a deny behind it"),
        row((entry(100, "allow", ANY, 22), entry(90, "deny", ANY, 22)), {}, "pass", id="a deny before it, listed last"),
        row((entry(90, "deny", ANY, 22, protocol="17"), entry(100, "allow", ANY, 22)), {}, "fail", id="a deny of UDP"),
        row((entry(90, "deny", ANY, protocol="-1"), entry(100, "allow", ANY, 22)), {}, "pass", id="a deny of all"),
        row((entry(90, "deny", "::/0", 22), entry(100, "allow", ANY, 22)), {}, "fail", id="a deny of IPv6 alone"),
        row((entry(90, "deny", "0.0.0.0/1", 22), entry(100, "allow", ANY, 22)), {}, "fail", id="a deny of a half"),
        row((entry(90, "deny", "0.0.0.0/1", 22), entry(95, "deny", "128.0.0.0/1", 22), entry(100, "allow", ANY, 22)),
            {}, "pass", id="a deny of both halves"),
        row((entry(90, "allow", "0.0.0.0/1", 22), entry(95, "allow", "128.0.0.0/1", 22)), {}, "fail", id="two halves"),
        row((entry(100, "allow", "10.0.0.0/8", 22),), {}, "pass", id="a private network"),
        row((entry(100, "allow", "8.0.0.0/8", 22),), {}, "fail", id="as wide as /8"),
        row((entry(100, "allow", "8.0.0.0/9", 22),), {}, "pass", id="half as wide"),
        row((entry(90, "deny", "8.0.0.0/9", 22), entry(100, "allow", "8.0.0.0/8", 22)), {}, "pass", id="half is left"),
        row((entry(100, "allow", "8.0.0.0/9", 22),), {"world_v4": 9}, "fail", id="as wide as the parameter"),
    ],
)  # fmt: skip
async def test_network_acls(entries: tuple[AclEntry, ...], parameters: dict[str, Any], outcome: str) -> None:
    acl = NetworkAcl(
        arn=f"{ARN}network-acl/acl-1",
        place=PLACE,
        name="acl-1",
        vpc="vpc-1",
        subnet_ids=("subnet-1",),
        inbound=(*entries, LAST),
    )

    assert (await judge(network_acls, acl, aws(), **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("used_by", "parameters", "outcome"),
    [
        row((), {}, "fail", id="no subnet"),
        row((), {"unused": "ignore"}, "not-applicable", id="no subnet, ignored"),
        row(("subnet-1",), {"unused": "ignore"}, "fail", id="a subnet"),
    ],
)
async def test_unused_acls(used_by: tuple[str, ...], parameters: dict[str, Any], outcome: str) -> None:
    inbound = (entry(100, "allow", ANY, 22), LAST)
    acl = NetworkAcl(arn="acl", place=PLACE, name="acl-1", vpc="vpc-1", subnet_ids=used_by, inbound=inbound)

    assert (await judge(network_acls, acl, aws(), **parameters)).outcome == outcome


def table(*routes: tuple[str, str], main: bool = False, of: tuple[str, ...] = (), active: bool = True) -> RouteTable:
    return RouteTable(
        arn=f"{ARN}route-table/rtb-{'main' if main else 'own'}",
        place=PLACE,
        name="rtb-1",
        vpc="vpc-1",
        main=main,
        subnet_ids=of,
        routes=(Route(to="10.0.0.0/16", via="local"), *(Route(to=to, via=via, active=active) for to, via in routes)),
    )


def database(**changed: Any) -> DbInstance:
    fields: dict[str, Any] = {
        "arn": "arn:aws:rds:eu-central-1:123456789012:db:patients",
        "place": PLACE,
        "name": "patients",
        "encrypted": True,
        "engine": "postgres",
        "status": "available",
        "backup_days": 7,
        "deletion_protection": True,
        "copies_tags": True,
        "multi_az": True,
        "public": False,
        "subnet_group": "private",
        "vpc": "vpc-1",
        "subnet_ids": ("subnet-1", "subnet-2"),
    }
    return DbInstance(**(fields | changed))


def store(kind: str, arn: str, **more: Any) -> DataStore:
    return DataStore(arn=arn, place=PLACE, name=f"{kind}:patients", kind=kind, encrypted=True, **more)


RDS = store("rds", database().arn)
GROUP = InSubnets(arn="subgrp", place=PLACE, name="private", vpc="vpc-1", subnet_ids=("subnet-1", "subnet-2"))
PRIVATE = table(main=True)
OUT = ("0.0.0.0/0", "igw-1")


def stands(*tables: RouteTable, **changed: Any) -> Aws:
    return aws(
        {
            Aws.db_instances_in: {(PLACE,): Listing(items=(database(**changed),))},
            Aws.subnet_groups_in: {(PLACE,): Listing(items=(GROUP,))},
            Aws.route_tables_in: {(PLACE,): Listing(items=tables)},
        }
    )


@pytest.mark.parametrize(
    ("tables", "changed", "outcome"),
    [
        row((PRIVATE,), {}, "pass", id="a main table with local routes"),
        row((table(OUT, main=True),), {}, "fail", id="a main table that leads out"),
        row((table(OUT, main=True), table(of=("subnet-1", "subnet-2"))), {}, "pass", id="tables of their own"),
        row((table(OUT, main=True), table(of=("subnet-1",))), {}, "fail", id="one subnet is left to the main table"),
        row((PRIVATE, table(OUT, of=("subnet-2",))), {}, "fail", id="one subnet has a table that leads out"),
        row((PRIVATE, table(OUT, of=("subnet-3",))), {}, "pass", id="another subnet has"),
        row((table(("::/0", "igw-1"), main=True),), {}, "fail", id="over IPv6 alone"),
        row((table(("8.8.8.0/24", "igw-1"), main=True),), {}, "fail", id="to one network"),
        row((table(("pl-1", "igw-1"), main=True),), {}, "fail", id="to a prefix list"),
        row((table(("0.0.0.0/0", "cagw-1"), main=True),), {}, "fail", id="a carrier gateway"),
        row((table(("0.0.0.0/0", "nat-1"), main=True),), {}, "pass", id="NAT"),
        row((table(("::/0", "eigw-1"), main=True),), {}, "pass", id="an egress-only gateway"),
        row((table(("0.0.0.0/0", "vgw-1"), main=True),), {}, "pass", id="a VPN's gateway"),
        row((table(OUT, main=True, active=False),), {}, "pass", id="a gateway that is gone"),
        row((), {}, "not-checked", id="no table was seen"),
        row((table(main=True).model_copy(update={"vpc": "vpc-2"}),), {}, "not-checked", id="another VPC's main table"),
        row((PRIVATE,), {"public": True}, "fail", id="a public address in private subnets"),
        row((PRIVATE,), {"public": None}, "not-checked", id="a public address was neither said nor denied"),
        row((PRIVATE,), {"subnet_group": "gone"}, "not-checked", id="its subnet group was not seen"),
    ],
)
async def test_subnets_of_a_database(tables: tuple[RouteTable, ...], changed: dict[str, Any], outcome: str) -> None:
    assert (await judge(subnets, RDS, stands(*tables, **changed))).outcome == outcome


CLUSTER = DbCluster(
    **database().model_dump(include=set(DbCluster.model_fields))
    | {"arn": "arn:aws:rds:eu-central-1:123456789012:cluster:pool", "name": "pool", "public": None}
)


@pytest.mark.parametrize(
    ("member", "tables", "outcome"),
    [
        row({"cluster": "pool"}, (PRIVATE,), "pass", id="private"),
        row({"cluster": "pool", "public": True}, (PRIVATE,), "fail", id="a member with a public address"),
        row({"cluster": "", "public": True}, (PRIVATE,), "pass", id="another instance has one"),
        row({"cluster": "other"}, (table(OUT, main=True),), "fail", id="no members, and a way out"),
    ],
)
async def test_subnets_of_a_cluster(member: dict[str, Any], tables: tuple[RouteTable, ...], outcome: str) -> None:
    facts: dict[Any, Any] = {
        Aws.db_clusters_in: {(PLACE,): Listing(items=(CLUSTER,))},
        Aws.db_instances_in: {(PLACE,): Listing(items=(database(**member),))},
        Aws.subnet_groups_in: {(PLACE,): Listing(items=(GROUP,))},
        Aws.route_tables_in: {(PLACE,): Listing(items=tables)},
    }

    assert (await judge(subnets, store("rds-cluster", CLUSTER.arn), aws(facts))).outcome == outcome


@pytest.mark.parametrize(
    ("targets", "outcome"),
    [
        row((), "pass", id="no mount target"),
        row((InSubnets(arn="fsmt-1", place=PLACE, vpc="vpc-1", subnet_ids=("subnet-1",)),), "pass", id="private"),
        row((InSubnets(arn="fsmt-2", place=PLACE, vpc="vpc-1", subnet_ids=("subnet-9",)),), "fail", id="public"),
    ],
)
async def test_subnets_of_a_file_system(targets: tuple[InSubnets, ...], outcome: str) -> None:
    facts: dict[Any, Any] = {
        Aws.mount_targets: {(PLACE, "fs-1"): targets},
        Aws.route_tables_in: {(PLACE,): Listing(items=(PRIVATE, table(OUT, of=("subnet-9",))))},
    }
    arn = "arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-1"

    assert (await judge(subnets, store("efs", arn), aws(facts))).outcome == outcome


@pytest.mark.parametrize(
    ("one", "outcome"),
    [
        row(store("s3", "arn:aws:s3:::x"), "not-applicable", id="a bucket"),
        row(store("dynamodb", "arn:table"), "not-applicable", id="a table"),
        row(store("ebs", "arn:volume"), "not-applicable", id="a volume"),
        row(store("rds", "rds:x", exists=False), "fail", id="a database that is not there"),
        row(store("rds", "rds:x", exists=None, unread="denied"), "not-checked", id="one that may be elsewhere"),
    ],
)
async def test_other_stores(one: DataStore, outcome: str) -> None:
    assert (await judge(subnets, one, aws())).outcome == outcome


@pytest.mark.parametrize(
    ("check", "item", "fact", "arguments"),
    [
        row(
            admin_access,
            group(rule("tcp", 22, None, prefix_lists=("pl-1",))),
            Aws.prefix_list,
            (PLACE, "pl-1"),
            id="list",
        ),
        row(subnets, RDS, Aws.route_tables_in, (PLACE,), id="route tables"),
        row(subnets, RDS, Aws.db_instances_in, (PLACE,), id="instances"),
        row(subnets, RDS, Aws.subnet_groups_in, (PLACE,), id="subnet groups"),
    ],
)
async def test_what_is_denied_is_an_error(
    check: Check[Any], item: object, fact: Fact[Any, Any, Any], arguments: tuple[Any, ...]
) -> None:
    facts: dict[Any, Any] = {
        Aws.accounts: {(): Listing(items=(Account(id=ACCOUNT, place=PLACE),))},
        Aws.db_instances_in: {(PLACE,): Listing(items=(database(),))},
        Aws.subnet_groups_in: {(PLACE,): Listing(items=(GROUP,))},
        Aws.route_tables_in: {(PLACE,): Listing(items=(PRIVATE,))},
    }

    assert (await judge(check, item, aws(facts | {fact: {arguments: DENIED}}))).outcome == "error"
