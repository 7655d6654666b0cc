"""Checks of virtual networks: who reaches what, and whether it is logged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from meshguard.api import Field, Verdict, check, failed, not_applicable, passed, undetermined
from meshguard.targets.aws import Aws
from meshguard.targets.aws.network_models import FlowLog, NetworkAcl, SecurityGroup, Vpc
from meshguard_checks.parsing.aws_addresses import World
from meshguard_checks.parsing.aws_rules import Icmp, Port, let_in, open_to_world

WorldV4 = Annotated[int, Field(ge=0, le=32)]
WorldV6 = Annotated[int, Field(ge=0, le=64)]
Unused = Literal["fail", "ignore"] | None


@check(
    "aws.security_groups",
    method="examine",
    over=Aws.security_groups,
    fix="aws ec2 revoke-security-group-ingress --group-id GROUP --security-group-rule-ids RULE\n"
    "Terraform: `aws_vpc_security_group_ingress_rule` with cidr_ipv4 of the networks that need the port; an empty "
    '`resource "aws_default_security_group" { vpc_id = aws_vpc.main.id }` closes the default group.',
)
async def security_groups(
    group: SecurityGroup,
    aws: Aws,
    *,
    public_ports: tuple[Port, ...] = (443,),
    public_udp_ports: tuple[Port, ...] = (),
    icmp: Icmp = "none",
    default_closed: bool = True,
    unused: Unused = None,
    world_v4: WorldV4 = 8,
    world_v6: WorldV6 = 16,
) -> Verdict:
    """No rule lets the world reach any but the public ports; the default group has no rules (Amazon VPC User Guide, \
"Security group rules", "Default security groups").

    Rules are taken together: halves of the Internet in two rules are the Internet, and so are the entries of a prefix
    list. A rule for all protocols, or for one without ports, opens every port. A rule whose source is a group opens
    nothing to the world. A group that no interface uses is judged like any other: the next machine may.

    Args:
        public_ports: TCP ports that the world may reach.
        public_udp_ports: UDP ports that the world may reach, such as 443 for HTTP/3.
        icmp: what of ICMP the world may send: none, path-mtu (type 3 code 4, and ICMPv6 type 2), or any.
        default_closed: whether the default group of each VPC must have no rule at all, neither way.
        unused: what of groups that no interface uses: `fail` (unless the rules of another group name them), `ignore`
            (not applicable), or nothing: they are judged like the others.
        world_v4: sources that have together as many public IPv4 addresses as a network of this length are the world.
        world_v6: the same for IPv6.
    """
    if default_closed and group.name == "default":
        return _closed(group)
    if unused is not None and not await _is_attached(group, aws):
        if unused == "ignore":
            return not_applicable(f"{group.name} ({group.id}) is attached to no interface")
        if group.name != "default" and not await _is_named(group, aws):
            return failed(f"{group.name} ({group.id}) is attached to no interface, and no other group names it")
    lists = await aws.prefix_lists(group.place, [one for rule in group.inbound for one in rule.prefix_lists])
    opened = open_to_world(group.inbound, lists, World(world_v4, world_v6))
    wrong = [(what, cidrs) for what, cidrs in opened if not what.within(public_ports, public_udp_ports, icmp)]
    want = "to the world: " + _ports_shown(public_ports, public_udp_ports, icmp)
    if wrong:
        got = "; ".join(f"{what} from {_some(cidrs)}" for what, cidrs in wrong)
        return failed(
            f"{group.name} ({group.id}) lets the world reach {_some(w for w, _ in wrong)}", got=got, want=want
        )
    got = _some(what for what, _ in opened) if opened else "nothing"
    return passed(f"{group.name} ({group.id}) lets the world reach {got}", got=got, want=want)


def _closed(group: SecurityGroup) -> Verdict:
    got = f"{len(group.inbound)} in, {len(group.outbound)} out"
    if group.inbound or group.outbound:
        return failed(
            f"the default group {group.id} of {group.vpc} has rules, and is what a machine gets that names no group",
            got=got,
            want="no rules",
            fix=f"aws ec2 revoke-security-group-ingress and -egress --group-id {group.id}, once its users have groups "
            'of their own\nTerraform: an empty `resource "aws_default_security_group"` for the VPC',
        )
    return passed(f"the default group {group.id} of {group.vpc} has no rules", got=got, want="no rules")


async def _is_attached(group: SecurityGroup, aws: Aws) -> bool:
    found = await aws.interfaces_in(group.place)
    return any(group.id in one.groups for one in found.items)


async def _is_named(group: SecurityGroup, aws: Aws) -> bool:
    others = await aws.security_groups_in(group.place)
    rules = [rule for one in others.items if one.id != group.id for rule in (*one.inbound, *one.outbound)]
    return any(f"{group.owner}/{group.id}" in rule.groups for rule in rules)


def _some(items: Iterable[object], most: int = 6) -> str:
    """The first few, and how many more."""
    known = [str(item) for item in items]
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def _ports_shown(tcp: tuple[int, ...], udp: tuple[int, ...], icmp: Icmp) -> str:
    parts = [f"tcp {port}" for port in tcp] + [f"udp {port}" for port in udp]
    return ", ".join([*parts, *([f"icmp: {icmp}"] if icmp != "none" else [])]) or "nothing"


@check(
    "aws.network_acls",
    method="examine",
    over=Aws.network_acls,
    fix="aws ec2 replace-network-acl-entry --ingress --network-acl-id ACL --rule-number NUMBER --protocol tcp "
    "--port-range From=443,To=443 --cidr-block 0.0.0.0/0 --rule-action allow\n"
    "Terraform: `aws_network_acl` whose ingress rules name ports, with a deny of 22 and 3389 before any wider rule.",
)
async def network_acls(
    acl: NetworkAcl,
    aws: Aws,
    *,
    ports: tuple[Port, ...] = (22, 3389),
    unused: Literal["ignore"] | None = None,
    world_v4: WorldV4 = 8,
    world_v6: WorldV6 = 16,
) -> Verdict:
    """The network ACL keeps the world from the ports of administration (Amazon VPC User Guide, "Network ACL rules").

    The rule with the lowest number that fits decides, so a deny before an allow counts, and one behind it does not.
    TCP and UDP are judged, and rules for all protocols. The ACL that a VPC comes with allows everything.

    Args:
        ports: ports of administration.
        unused: `ignore`: an ACL that no subnet uses is not applicable; otherwise it is judged like the others.
        world_v4: sources that have together as many public IPv4 addresses as a network of this length are the world.
        world_v6: the same for IPv6.
    """
    del aws
    if unused == "ignore" and not acl.subnet_ids:
        return not_applicable(f"{acl.name} is the ACL of no subnet")
    world = World(world_v4, world_v6)
    found = [(port, *let_in(acl.inbound, port, version), version) for port in ports for version in (4, 6)]
    wrong = [(port, number) for port, addresses, number, version in found if world.has(addresses, version)]
    subnets = f"of {len(acl.subnet_ids)} subnets" if acl.subnet_ids else "of no subnet"
    want = f"no way in from the world to {', '.join(map(str, ports))}"
    if wrong:
        got = _some(dict.fromkeys(f"{port} by rule {number}" for port, number in wrong))
        return failed(f"{acl.name}, the ACL {subnets}, lets the world reach {got}", got=got, want=want)
    return passed(f"{acl.name}, the ACL {subnets}, keeps the world from {', '.join(map(str, ports))}", want=want)


@check(
    "aws.vpc_flow_logs",
    method="examine",
    over=Aws.vpcs,
    fix="aws ec2 create-flow-logs --resource-type VPC --resource-ids VPC --traffic-type ALL "
    "--log-destination-type s3 --log-destination arn:aws:s3:::BUCKET\n"
    'Terraform: resource "aws_flow_log" { vpc_id = aws_vpc.main.id, traffic_type = "ALL" }',
)
async def vpc_flow_logs(vpc: Vpc, aws: Aws, *, traffic: Literal["ALL", "REJECT"] = "ALL") -> Verdict:
    """Flow logs of the whole VPC are active and delivered (Amazon VPC User Guide, "Logging IP traffic using VPC Flow \
Logs").

    A flow log of a subnet or an interface does not cover the VPC. One whose delivery fails is none. The flow logs of a
    network that another account shares are that account's, and not seen from here.

    Args:
        traffic: what must be logged: ALL, or at least REJECT.
    """
    logs = [one for one in (await aws.flow_logs_in(vpc.place)).items if one.of == vpc.id]
    verdicts = [_flow_log(one, traffic) for one in logs]
    good = next((verdict for verdict in verdicts if verdict.outcome == "pass"), None)
    if good is not None:
        return good
    if vpc.owner != vpc.place.partition("/")[0]:
        accounts = (await aws.accounts()).items
        if vpc.owner in {account.id for account in accounts}:
            return not_applicable(f"account {vpc.owner} shares it, and is judged itself")
        return undetermined(f"account {vpc.owner} shares it, and its flow logs are seen from there alone")
    unsure = next((verdict for verdict in verdicts if verdict.outcome != "fail"), None)
    if unsure is not None or verdicts:
        return unsure or verdicts[0]
    return failed("no flow log of the whole VPC", got="none", want=f"an active one of {traffic}")


def _flow_log(log: FlowLog, traffic: str) -> Verdict:
    want = f"ACTIVE, {traffic}, SUCCESS"
    got = f"{log.status}, {log.traffic}, {log.delivery or 'delivery not said'}"
    if log.status != "ACTIVE" or log.delivery == "FAILED":
        return failed(f"{log.name} is not delivered{': ' + log.problem if log.problem else ''}", got=got, want=want)
    if log.traffic not in {"ALL", traffic}:
        return failed(f"{log.name} logs {log.traffic or 'an unknown part'} of the traffic alone", got=got, want=want)
    if log.delivery != "SUCCESS":
        return undetermined(f"{log.name} is active, and whether it is delivered was not said yet")
    return passed(f"{log.name} logs {log.traffic} to {log.destination}", got=got, want=want)
