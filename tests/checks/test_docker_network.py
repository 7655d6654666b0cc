"""The networks that a container is attached to, and the ports that it opens on the host."""

from typing import Any

import pytest
from tests.stubs.docker_facts import WEB, bound, container, engine, verdict

from meshguard.testing import judge
from meshguard_checks.docker import network_isolation, ports


@pytest.mark.parametrize(
    ("mode", "networks", "outcome"),
    [
        pytest.param("mesh_back", ["mesh_back"], "pass", id="a network of its own"),
        pytest.param("mesh_back", ["mesh_back", "mesh_front"], "pass", id="two of them"),
        pytest.param("none", ["none"], "pass", id="no network"),
        pytest.param("default", ["mesh_back"], "pass", id="made on the default bridge and moved"),
        pytest.param("default", ["bridge"], "fail", id="no network was named"),
        pytest.param("bridge", ["bridge"], "fail", id="the default bridge by its name"),
        pytest.param("bridge", [], "fail", id="the default bridge at the next start"),
        pytest.param("default", [], "fail", id="the default at the next start"),
        pytest.param("", [], "fail", id="no mode is the default"),
        pytest.param("mesh_back", ["bridge", "mesh_back"], "fail", id="connected to the default bridge later"),
        pytest.param("podman", ["podman"], "fail", id="podman's default"),
        pytest.param("host", ["host"], "fail", id="the host's network"),
        pytest.param("host", [], "fail", id="the host's network at the next start"),
        pytest.param("container:4fd2", [], "fail", id="another container's network"),
    ],
)
async def test_network_isolation(mode: str, networks: list[str], outcome: str) -> None:
    assert (await verdict(network_isolation, network_mode=mode, networks=networks)).outcome == outcome


@pytest.mark.parametrize(
    ("published", "parameters", "outcome"),
    [
        pytest.param(("127.0.0.1", "8080"), {}, "pass", id="loopback"),
        pytest.param(("127.255.255.255", "8080"), {}, "pass", id="the last address of loopback"),
        pytest.param(("128.0.0.1", "8080"), {}, "fail", id="the first address after loopback"),
        pytest.param(("::1", "8080"), {}, "pass", id="loopback of version 6"),
        pytest.param(("::ffff:127.0.0.1", "8080"), {}, "pass", id="loopback of version 4 in version 6"),
        pytest.param(("0.0.0.0", "8080"), {}, "fail", id="every address"),
        pytest.param(("::", "8080"), {}, "fail", id="every address of version 6"),
        pytest.param(("", "8080"), {}, "fail", id="no address"),
        pytest.param(("10.1.2.3", "8080"), {}, "fail", id="an address that is not among them"),
        pytest.param(("10.1.2.3", "8080"), {"addresses": ["10.1.0.0/16"]}, "pass", id="an address among them"),
        pytest.param(("127.0.0.1", "8080"), {"addresses": ["10.1.0.0/16"]}, "fail", id="loopback not among them"),
        pytest.param(("0.0.0.0", "443"), {"allow_host_ports": [443]}, "pass", id="an allowed port"),
        pytest.param(("0.0.0.0", "444"), {"allow_host_ports": [443]}, "fail", id="the port after it"),
        pytest.param(("", "443-444"), {"allow_host_ports": [443, 444]}, "pass", id="a range that is allowed whole"),
        pytest.param(("", "443-445"), {"allow_host_ports": [443, 444]}, "fail", id="a range that goes on"),
        pytest.param(("", ""), {"allow_host_ports": [443]}, "fail", id="a port that the engine chooses"),
        pytest.param(("", "0"), {"allow_host_ports": [443]}, "fail", id="port 0, which the engine chooses"),
    ],
)
@pytest.mark.parametrize(("field", "state"), [("published", "running"), ("port_bindings", "exited")])
async def test_ports(
    published: tuple[str, str], parameters: dict[str, Any], outcome: str, field: str, state: str
) -> None:
    changed = {field: (bound("8080/tcp", *published),), "state": state}

    assert (await verdict(ports, parameters, **changed)).outcome == outcome


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        pytest.param({}, "pass", id="an exposed port that is not published"),
        pytest.param({"network_mode": "none", "networks": ("none",)}, "pass", id="no network"),
        pytest.param(
            {"publish_all": True, "published": (bound("8080/tcp", "0.0.0.0", "32768"),)}, "fail", id="-P, running"
        ),
        pytest.param({"publish_all": True, "state": "exited"}, "fail", id="-P, stopped"),
        pytest.param({"publish_all": True, "exposed": ()}, "pass", id="-P with no exposed port"),
        pytest.param(
            {
                "port_bindings": (bound("8080/tcp", "", "8080"),),
                "published": (bound("8080/tcp", "127.0.0.1", "8080"),),
            },
            "pass",
            id="no address, and the engine's own default is loopback",
        ),
        pytest.param(
            {"port_bindings": (bound("8080/tcp", "", "8080"),)}, "fail", id="asked for and not bound on this network"
        ),
        pytest.param(
            {"published": (bound("8080/tcp", "127.0.0.1", "8080"), bound("9090/tcp", "::", "9090"))},
            "fail",
            id="one good and one bad",
        ),
        pytest.param({"network_mode": "host", "networks": ("host",)}, "not-checked", id="the host's network"),
        pytest.param({"network_mode": "container:4fd2", "networks": ()}, "not-checked", id="another one's network"),
    ],
)
async def test_ports_that_are_not_bound_now(changed: dict[str, Any], outcome: str) -> None:
    assert (await verdict(ports, **changed)).outcome == outcome


async def test_what_swarm_publishes_is_undetermined() -> None:
    task = WEB.model_copy(update={"swarm": True})

    assert (await judge(ports, task, engine(container()))).outcome == "not-checked"


async def test_the_verdict_names_every_open_port() -> None:
    published = (bound("8080/tcp", "::", "8080"), bound("53/udp", "", ""))

    assert (await verdict(ports, published=published)).message == (
        "published: [::]:8080 -> 8080/tcp, every address:a port that the engine chooses -> 53/udp"
    )


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"allow_host_ports": [0]}, id="port 0"),
        pytest.param({"allow_host_ports": [65536]}, id="a port that is none"),
        pytest.param({"addresses": ["localhost"]}, id="a name"),
        pytest.param({"addresses": ["10.1.2.3/16"]}, id="an address with a net's length"),
    ],
)
def test_a_wrong_parameter_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        ports.parameters.model_validate(parameters)
