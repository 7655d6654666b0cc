"""Sets of IP addresses, and whether they are as good as the world.

An address set is a tuple of spans: first and last address as numbers, in order and apart from one another. So
"0.0.0.0/1 and 128.0.0.0/1" is seen for what it is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from meshguard.api import AfterValidator

Spans = tuple[tuple[int, int], ...]


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text))


Network = Annotated[str, AfterValidator(_network)]
"""A network as a profile names it: 10.8.0.0/16, fd00:8::/32, or one address."""


def spans(cidrs: Iterable[str], version: int) -> Spans:
    """The addresses of the networks of one version of IP."""
    networks = (ipaddress.ip_network(cidr, strict=False) for cidr in cidrs)
    return joined((int(one[0]), int(one[-1])) for one in networks if one.version == version)


def joined(parts: Iterable[tuple[int, int]]) -> Spans:
    """Spans in any order as spans that are apart."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(parts):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def without(spans_: Spans, taken: Spans) -> Spans:
    """The addresses of the first set that the second does not have."""
    left = list(spans_)
    for first, last in taken:
        left = [
            (start, end)
            for low, high in left
            for start, end in ((low, min(high, first - 1)), (max(low, last + 1), high))
            if start <= end
        ]
    return tuple(left)


def size(spans_: Spans) -> int:
    """How many addresses."""
    return sum(last - first + 1 for first, last in spans_)


_ALL = {4: ("0.0.0.0/0",), 6: ("2000::/3",)}
"""Version 6's global unicast addresses are these so far (IANA, "IPv6 Address Space")."""
_NOT_PUBLIC = {
    4: (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
    ),
    6: (),
}
"""Addresses that no packet from the Internet comes from (IANA, "IPv4 Special-Purpose Address Registry")."""
PUBLIC: dict[int, Spans] = {
    version: without(spans(_ALL[version], version), spans(_NOT_PUBLIC[version], version)) for version in (4, 6)
}
LENGTHS = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True)
class World:
    """What counts as the world: as many public addresses as a network of this prefix length has."""

    v4: int = 8
    v6: int = 16

    def has(self, spans_: Spans, version: int) -> bool:
        """Whether the addresses together are so many."""
        length = self.v4 if version == 4 else self.v6
        enough = min(1 << (LENGTHS[version] - length), size(PUBLIC[version]))
        public = size(spans_) - size(without(spans_, PUBLIC[version]))
        return public >= enough

    def is_in(self, cidrs: Iterable[str]) -> bool:
        """Whether these networks together are the world, in either version of IP."""
        known = tuple(cidrs)
        return any(self.has(spans(known, version), version) for version in (4, 6))


def strangers(cidrs: Iterable[str], known: Iterable[str]) -> list[str]:
    """The networks that do not lie whole within the known ones."""
    inside = {version: spans(known, version) for version in (4, 6)}
    return [cidr for cidr in cidrs if any(without(spans((cidr,), version), inside[version]) for version in (4, 6))]
