"""Checks of how machines are administered."""

from __future__ import annotations

from typing import Literal

from meshguard.api import Verdict, check, failed, passed, undetermined
from meshguard.targets.aws import Account, Aws
from meshguard.targets.aws.models import account_of
from meshguard.targets.aws.network_models import GroupRule, SecurityGroup
from meshguard_checks.parsing.aws_addresses import Network, strangers
from meshguard_checks.parsing.aws_rules import Port, reaches, sources

Way = Literal["ssm", "client-vpn", "site-to-site"]
WAYS: tuple[Way, ...] = ("ssm", "client-vpn", "site-to-site")


@check(
    "aws.admin_access",
    method="examine",
    over=Aws.security_groups,
    fix="aws ec2 modify-security-group-rules --group-id GROUP --security-group-rules "
    "SecurityGroupRuleId=RULE,SecurityGroupRule={IpProtocol=tcp,FromPort=22,ToPort=22,CidrIpv4=VPN-RANGE}\n"
    "Terraform: `aws_vpc_security_group_ingress_rule` with cidr_ipv4 of the VPN, or none at all with Session Manager.",
)
async def admin_access(
    group: SecurityGroup,
    aws: Aws,
    *,
    ports: tuple[Port, ...] = (22, 3389, 1433, 1521, 3306, 5432, 6379, 27017),
    vpn_ranges: tuple[Network, ...] = (),
    groups: bool = True,
) -> Verdict:
    """Ports of administration and of databases are open to the VPN's ranges alone (AWS Well-Architected Framework, \
SEC05-BP02 "Control traffic flow within your network layers").

    Every rule counts that holds such a port, those for all protocols too, and every network of a prefix list. That
    such a rule is from a group of the audited accounts is accepted: that group's own rules are judged as well.

    Args:
        ports: TCP and UDP ports of administration.
        vpn_ranges: networks that administrators come from; those under `vpn_ranges` of the target unless given. None at
            all: no network may reach these ports.
        groups: whether a security group of an audited account may be the source, as of a database's clients.
    """
    vpn_ranges = vpn_ranges or await aws.vpn_ranges()
    known = {account.id for account in (await aws.accounts()).items} | {group.owner} if groups else set()
    wrong: dict[str, None] = {}
    reached: set[int] = set()
    for rule in group.inbound:
        held = reaches(rule, ports)
        if held:
            reached.update(held)
            for source in await _strangers(rule, group, aws, vpn_ranges, known):
                wrong[f"{', '.join(map(str, held))} from {source}"] = None
    want = f"from {', '.join(vpn_ranges) or 'no network'}{' or a group' if groups else ''}"
    if wrong:
        got = "; ".join([*wrong][:6]) + (f"; {len(wrong) - 6} more" if len(wrong) > 6 else "")
        return failed(f"{group.name} ({group.id}) opens ports of administration to others", got=got, want=want)
    if not reached:
        return passed(f"{group.name} ({group.id}) opens none of them", got="none", want=want)
    opened = ", ".join(map(str, sorted(reached)))
    return passed(f"{group.name} ({group.id}) opens {opened} to the VPN or to groups alone", got=opened, want=want)


async def _strangers(
    rule: GroupRule, group: SecurityGroup, aws: Aws, vpn_ranges: tuple[str, ...], accounts: set[str]
) -> list[str]:
    """The sources of a rule that are neither in the ranges nor groups of these accounts."""
    lists = await aws.prefix_lists(group.place, rule.prefix_lists)
    foreign = [one for one in rule.groups if one.partition("/")[0] not in accounts]
    return [*strangers(sources(rule, lists), vpn_ranges), *(f"group {one}" for one in foreign)]


@check(
    "aws.admin_path",
    method="examine",
    over=Aws.accounts,
    fix="Attach AmazonSSMManagedInstanceCore to the instances' role and use `aws ssm start-session --target INSTANCE`\n"
    'Terraform: resource "aws_ec2_client_vpn_endpoint" with an aws_ec2_client_vpn_network_association',
)
async def admin_path(account: Account, aws: Aws, *, ways: tuple[Way, ...] = WAYS, anywhere: bool = False) -> Verdict:
    """Administrators have a way in that needs no open port: Session Manager or a VPN (AWS Systems Manager User Guide, \
"Session Manager"; AWS Client VPN Administrator Guide).

    Only what works now counts: an instance that answers Systems Manager, an endpoint that a network is associated
    with, a connection with a tunnel that is up.

    Args:
        ways: those that count: ssm, client-vpn, site-to-site.
        anywhere: whether one in any audited account serves for all, as where a hub holds the VPN.
    """
    unusable: list[str] = []
    unread: list[str] = []
    for way in ways:
        if way == "ssm":
            found = await aws.managed_instances()
        elif way == "client-vpn":
            found = await aws.client_vpns()
        else:
            found = await aws.vpn_connections()
        own = [one for one in found.items if anywhere or account_of(one.place) == account.id]
        usable = next((one for one in own if one.usable), None)
        if usable is not None:
            return passed(f"{way}: {usable.name} is {usable.state}", got=way, want=" or ".join(ways))
        unusable += [f"{one.name} is {one.state}" for one in own]
        unread += [
            f"{way} in {part.resource} ({part.reason})"
            for part in found.unread
            if anywhere or account_of(part.resource) == account.id
        ]
    if unread:
        return undetermined(f"none was seen, and this could not be looked at: {'; '.join(unread)}")
    told = f"; {', '.join(unusable[:6])}" if unusable else ""
    return failed(f"no way in but open ports{told}", got="none", want=" or ".join(ways))
