"""Rules of security groups and network ACLs: what they let whom reach."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from meshguard.api import Field
from meshguard.targets.aws.network_models import AclEntry, GroupRule
from meshguard_checks.parsing.aws_addresses import Spans, World, joined, spans, without

Port = Annotated[int, Field(ge=0, le=65535)]
Icmp = Literal["none", "path-mtu", "any"]

NAMES = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
"""Protocol numbers that the API has names for (IANA, "Assigned Internet Protocol Numbers")."""
PORTED = ("tcp", "udp")
ALL = "-1"
LAST = 65535
PATH_MTU = {("icmp", 3, 4), ("icmpv6", 2, 0), ("icmpv6", 2, -1)}
"""Fragmentation needed (RFC 1191, 4) and Packet Too Big (RFC 8201, 4)."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What some source reaches: ports of a protocol, an ICMP type and code, or a whole protocol."""

    protocol: str
    first: int = -1
    last: int = -1

    def __str__(self) -> str:
        """Such as tcp 22, udp 8000-8100, icmp type 8, protocol 50, everything."""
        if self.protocol == ALL:
            return "everything"
        if self.protocol in PORTED:
            ports = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
            return f"all of {self.protocol}" if (self.first, self.last) == (0, LAST) else f"{self.protocol} {ports}"
        if self.protocol in NAMES.values():
            return self.protocol if self.first < 0 else f"{self.protocol} type {self.first}"
        return f"protocol {self.protocol}"

    def within(self, tcp: Collection[int], udp: Collection[int], icmp: Icmp) -> bool:
        """Whether it opens nothing but these ports and this much of ICMP."""
        if self.protocol in PORTED:
            allowed = tcp if self.protocol == "tcp" else udp
            return sum(self.first <= port <= self.last for port in set(allowed)) == self.last - self.first + 1
        if self.protocol in ("icmp", "icmpv6"):
            return icmp == "any" or (icmp == "path-mtu" and (self.protocol, self.first, self.last) in PATH_MTU)
        return False


def named(protocol: str) -> str:
    """The protocol's name where the API has one."""
    return NAMES.get(protocol, protocol.lower())


def ports_of(rule: GroupRule | AclEntry) -> tuple[int, int]:
    """First and last port; a rule for all protocols, or without ports, is for all of them."""
    if named(rule.protocol) not in PORTED or rule.first is None or rule.last is None or rule.first < 0:
        return 0, LAST
    return rule.first, rule.last


def sources(rule: GroupRule, lists: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The networks of the other side, those of prefix lists included."""
    return (*rule.cidrs, *(cidr for one in rule.prefix_lists for cidr in lists[one]))


def open_to_world(
    rules: Iterable[GroupRule], lists: Mapping[str, tuple[str, ...]], world: World
) -> list[tuple[Opening, tuple[str, ...]]]:
    """What the world reaches through these rules together, each with the networks that let it in."""
    known = [(rule, sources(rule, lists)) for rule in rules]
    every = [(rule, cidrs) for rule, cidrs in known if rule.protocol == ALL]
    if world.is_in(_union(every)):
        return [(Opening(ALL), _union(every))]
    found: list[tuple[Opening, tuple[str, ...]]] = []
    for protocol in sorted({named(rule.protocol) for rule, _ in known if rule.protocol != ALL}):
        own = [(rule, cidrs) for rule, cidrs in known if rule.protocol == ALL or named(rule.protocol) == protocol]
        parts = _by_port(protocol, own) if protocol in PORTED else _by_kind(protocol, own)
        found += [(opening, cidrs) for opening, cidrs in parts if world.is_in(cidrs)]
    return found


Known = list[tuple[GroupRule, tuple[str, ...]]]


def _union(known: Known) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cidr for _, cidrs in known for cidr in cidrs))


def _by_port(protocol: str, known: Known) -> Iterator[tuple[Opening, tuple[str, ...]]]:
    """The ports cut where a rule begins or ends: each part has the sources of all rules that hold it."""
    edges = sorted({edge for rule, _ in known for edge in (ports_of(rule)[0], ports_of(rule)[1] + 1)})
    for first, after in pairwise(edges):
        over = [(rule, cidrs) for rule, cidrs in known if ports_of(rule)[0] <= first and after - 1 <= ports_of(rule)[1]]
        if over:
            yield Opening(protocol, first, after - 1), _union(over)


def _by_kind(protocol: str, known: Known) -> Iterator[tuple[Opening, tuple[str, ...]]]:
    """ICMP by type and code; any other protocol has no ports."""
    typed = protocol in ("icmp", "icmpv6")
    kinds = {_kind(rule) if typed else (-1, -1) for rule, _ in known if rule.protocol != ALL}
    for first, last in sorted(kinds):
        over = [(rule, cidrs) for rule, cidrs in known if not typed or _holds(_kind(rule), (first, last))]
        yield Opening(protocol, first, last), _union(over)


def _kind(rule: GroupRule) -> tuple[int, int]:
    """ICMP type and code; -1 is all of them."""
    if rule.protocol == ALL or rule.first is None:
        return -1, -1
    return rule.first, -1 if rule.last is None else rule.last


def _holds(wide: tuple[int, int], narrow: tuple[int, int]) -> bool:
    return wide[0] == -1 or (wide[0] == narrow[0] and wide[1] in (-1, narrow[1]))


def reaches(rule: GroupRule | AclEntry, ports: Iterable[int]) -> list[int]:
    """Those of the TCP and UDP ports that the rule speaks of."""
    if rule.protocol != ALL and named(rule.protocol) not in PORTED:
        return []
    first, last = ports_of(rule)
    return sorted({port for port in ports if first <= port <= last})


def let_in(entries: Iterable[AclEntry], port: int, version: int) -> tuple[Spans, int]:
    """The addresses that a network ACL lets reach a TCP or UDP port, and the number of the first rule that does.

    The rule with the lowest number that fits a packet decides (VPC User Guide, "Network ACL basics"), so an address
    that an earlier rule denied is denied, whatever a later one allows.
    """
    worst: tuple[Spans, int] = ((), 0)
    for protocol in PORTED:
        found = _let_in([one for one in entries if named(one.protocol) in (protocol, ALL)], port, version)
        worst = max(worst, found, key=lambda one: sum(last - first + 1 for first, last in one[0]))
    return worst


def _let_in(entries: list[AclEntry], port: int, version: int) -> tuple[Spans, int]:
    decided: Spans = ()
    allowed: Spans = ()
    number = 0
    for entry in sorted((one for one in entries if reaches(one, (port,))), key=lambda one: one.number):
        new = without(spans((entry.cidr,), version), decided)
        decided = joined((*decided, *new))
        if entry.action == "allow" and new:
            allowed, number = joined((*allowed, *new)), number or entry.number
    return allowed, number
