"""Checks of a container's network: the ones it is attached to, and the ports it opens on the host."""

from __future__ import annotations

from typing import Annotated

from meshguard.api import Field, Verdict, check, failed, passed, undetermined
from meshguard.targets.docker import ContainerRef, Docker
from meshguard_checks.parsing.docker_ports import Network, is_allowed, is_on, published, shown

LOOPBACK = ("127.0.0.0/8", "::1/128")
DEFAULT_NETWORKS = frozenset(["bridge", "default", "podman"])
"""The network of containers that name none; podman is Podman's."""


@check(
    "docker.network_isolation",
    method="examine",
    over=Docker.containers,
    fix="Compose: give the service `networks: [backend]` of its own, and no `network_mode:` host, bridge or service.",
)
async def network_isolation(container: ContainerRef, engine: Docker) -> Verdict:
    """The container is on no network of the host, of another one or of all by default (CIS Docker 1.6.0, 5.10, 5.30).

    The networks that it is attached to count, also those that were connected later;
    the mode that it was created with counts where it is attached to none. No network at all passes.
    """
    config = await engine.inspect(container.name)
    mode = config.network_mode
    want = "networks of its own"
    if mode.startswith(("container:", "ns:")):
        return failed("it shares the network of another container", got=mode.partition(":")[0], want=want)
    attached = config.networks or (mode or "default",)
    got = ", ".join(attached)
    if mode == "host" or "host" in attached:
        return failed("it shares the network of the host", got=got, want=want)
    shared = [network for network in attached if network in DEFAULT_NETWORKS]
    if shared:
        return failed("it is on the default bridge, as every container that names no network", got=got, want=want)
    return passed("it has no network" if attached == ("none",) else f"it is on {got} alone", got=got, want=want)


@check(
    "docker.ports",
    method="examine",
    over=Docker.containers,
    fix='Compose: `ports: ["127.0.0.1:8443:8443"]`, and let the proxy face the world.',
)
async def ports(
    container: ContainerRef,
    engine: Docker,
    *,
    allow_host_ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = (),
    addresses: tuple[Network, ...] = LOOPBACK,
) -> Verdict:
    """Each published port is on an address of `addresses`, or one of `allow_host_ports` (CIS Docker 1.6.0, 5.14).

    No address, 0.0.0.0 and :: are every address of the host. What is bound now counts, and what the next start would
    bind; a port that the engine chooses (`-P`, or no host port) is never one that is allowed. What a container opens
    in the network of the host or of another container, and what Swarm publishes for it, is not seen in the engine's
    answer about it: undetermined.

    Args:
        allow_host_ports: ports of the host that may be open on every address, such as those of the proxy.
        addresses: networks of the host's addresses that may be bound; loopback unless given.
    """
    config = await engine.inspect(container.name)
    if config.network_mode == "host" or "host" in config.networks:
        return undetermined(
            "it shares the network of the host: what it listens on is open there and is not seen here",
            fix="give it a network of its own; see docker.network_isolation",
        )
    if config.network_mode.startswith(("container:", "ns:")):
        return undetermined(
            "it shares the network of another container: its ports are published there",
            fix="give it a network of its own; see docker.network_isolation",
        )
    if container.swarm:
        return undetermined("Swarm publishes the ports of its service, which the engine does not tell of a container")
    found = published(config)
    wrong = [
        binding for binding in found if not is_on(binding, addresses) and not is_allowed(binding, allow_host_ports)
    ]
    if wrong:
        got = ", ".join(map(shown, wrong))
        return failed(f"published: {got}", got=got, want=", ".join([*addresses, *map(str, allow_host_ports)]))
    return passed(f"published: {', '.join(map(shown, found))}" if found else "it publishes no port")
