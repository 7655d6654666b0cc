"""The ports of a container that are open on the host, as far as the engine publishes them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Annotated

from meshguard.api import AfterValidator
from meshguard.targets.docker_models import Binding, ContainerConfig


def _network(text: str) -> str:
    ipaddress.ip_network(text)
    return text


Network = Annotated[str, AfterValidator(_network)]
"""Addresses of the host: 127.0.0.0/8, or one address."""


def published(config: ContainerConfig) -> list[Binding]:
    """What is bound now, and what would be bound at the next start or on another network.

    A binding that is up says its real address, which the engine's `--ip` may have chosen. What a stopped container
    asked for stands in its bindings alone, and `publish all` stands in neither until it runs.
    """
    bound = {binding.container_port for binding in config.published}
    asked = [binding for binding in config.port_bindings if binding.container_port not in bound]
    named = bound | {binding.container_port for binding in asked}
    every = [Binding(container_port=port) for port in config.exposed if config.publish_all and port not in named]
    return [*config.published, *asked, *every]


def is_on(binding: Binding, networks: Iterable[str]) -> bool:
    """Whether it is bound to an address of these networks; no address is every address."""
    try:
        address = ipaddress.ip_address(binding.host_ip.strip("[]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in ipaddress.ip_network(network) for network in networks)


def is_allowed(binding: Binding, ports: Iterable[int]) -> bool:
    """Whether its port on the host, or its whole range, is among `ports`; one that the engine chooses is not."""
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", binding.host_port)
    if not match:
        return False
    first, last = int(match[1]), int(match[2] or match[1])
    return 0 < first <= last and set(range(first, last + 1)) <= set(ports)


def shown(binding: Binding) -> str:
    """`address:port -> container port`."""
    address = binding.host_ip or "every address"
    port = binding.host_port if binding.host_port not in ("", "0") else "a port that the engine chooses"
    address = f"[{address}]" if ":" in address else address
    return f"{address}:{port} -> {binding.container_port}"
