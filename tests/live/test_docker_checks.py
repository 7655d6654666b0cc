"""Containers of a real engine, hardened but for one defect: the check that means it fails, and no other."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.live.docker_help import BUSYBOX, HOST, Engine, engine_for_tests

from meshguard.check import Check
from meshguard.errors import NotObserved
from meshguard.evidence import Evidence
from meshguard.targets.docker import Docker, DockerSettings
from meshguard.testing import judge
from meshguard.verdict import Verdict
from meshguard_checks import docker as checks

pytestmark = pytest.mark.docker

ALL: dict[str, Check[Any]] = {name: getattr(checks, name) for name in checks.__all__}
PORT = {"ports": ["8080/tcp"]}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with engine_for_tests() as made:
        yield made


@pytest.fixture
async def docker(engine: Engine) -> AsyncIterator[Docker]:
    target = Docker(DockerSettings.model_validate({"name": "local", "host": HOST, "label": engine.label}), Evidence())
    yield target
    await target.close()


def make(engine: Engine, short: str, **changed: Any) -> str:
    """A container whose baked secret is emptied unless the test speaks of the environment."""
    return engine.container(short, **{"environment": {"BAKED_TOKEN": ""}, **changed})


async def settled(engine: Engine, name: str) -> None:
    """Wait until the first health check is done."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        state = engine.client.inspect_container(name)["State"]
        if not state["Running"] or state.get("Health", {}).get("Status", "none") != "starting":
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{name} did not settle")


async def verdicts(docker: Docker, name: str) -> dict[str, Verdict]:
    """What every check says of one container."""
    (container,) = [one for one in (await docker.containers()).items if one.name == name]
    return {key: await judge(check, container, docker) for key, check in ALL.items()}


def failing(said: dict[str, Verdict]) -> set[str]:
    """Names of the checks that do not pass."""
    return {key for key, verdict in said.items() if verdict.outcome != "pass"}


async def test_a_hardened_container_passes_every_check(engine: Engine, docker: Docker) -> None:
    name = make(engine, "hardened", port_bindings={8080: ("127.0.0.1", None)}, **PORT)
    await settled(engine, name)
    said = await verdicts(docker, name)

    assert {key: verdict.message for key, verdict in said.items() if verdict.outcome != "pass"} == {}


async def test_of_a_hardened_container_that_was_never_started_only_its_health_is_open(
    engine: Engine, docker: Docker
) -> None:
    said = await verdicts(docker, make(engine, "created", start=False))
    assert failing(said) == {"healthcheck"}
    assert said["healthcheck"].outcome == "not-checked"


DEFECTS = [
    pytest.param({"user": "0:0"}, {"non_root"}, id="root by number"),
    pytest.param({"user": "00"}, {"non_root"}, id="root as 00"),
    pytest.param({"user": "maintainer"}, {"non_root"}, id="a name with uid 0 in the image"),
    pytest.param({"user": "mesh"}, set(), id="a name with another uid"),
    pytest.param({"read_only": False}, {"read_only_rootfs"}, id="a writable root file system"),
    pytest.param({"mem_limit": None, "memswap_limit": None}, {"resource_limits"}, id="unlimited memory"),
    pytest.param({"memswap_limit": -1}, {"resource_limits"}, id="unlimited swap"),
    pytest.param({"nano_cpus": None}, {"resource_limits"}, id="unlimited CPU"),
    pytest.param({"nano_cpus": None, "cpu_shares": 512}, {"resource_limits"}, id="CPU shares alone"),
    pytest.param({"nano_cpus": None, "cpu_period": 100_000, "cpu_quota": 50_000}, set(), id="a CPU quota"),
    pytest.param({"pids_limit": None}, {"resource_limits"}, id="unlimited processes"),
    pytest.param({"healthcheck": {"test": ["NONE"]}}, {"healthcheck"}, id="the health check is off"),
    pytest.param({"healthcheck": None}, {"healthcheck"}, id="no health check"),
    pytest.param(
        {"healthcheck": {"test": ["CMD", BUSYBOX, "false"], "interval": 1_000_000_000, "retries": 1}},
        {"healthcheck"},
        id="the health check fails",
    ),
    pytest.param({"privileged": True}, {"privileged", "capabilities"}, id="privileged"),
    pytest.param({"cap_drop": None}, {"capabilities"}, id="no capability dropped"),
    pytest.param({"cap_drop": ["all"]}, set(), id="all dropped in lower case"),
    pytest.param({"cap_add": ["SYS_ADMIN"]}, {"capabilities"}, id="SYS_ADMIN added"),
    pytest.param({"cap_add": ["NET_BIND_SERVICE"]}, set(), id="the allowed capability added"),
    pytest.param({"security_opt": None}, {"no_new_privileges"}, id="new privileges"),
    pytest.param({"security_opt": ["no-new-privileges:false"]}, {"no_new_privileges"}, id="new privileges: false"),
    pytest.param({"security_opt": ["no-new-privileges=true"]}, set(), id="no new privileges with ="),
    pytest.param({"binds": ["/var/run/docker.sock:/e.sock:ro"]}, {"socket_mounted"}, id="the socket"),
    pytest.param({"binds": ["/var/run:/host/run:ro"]}, {"socket_mounted"}, id="the folder above the socket"),
    pytest.param({"binds": ["/:/host:ro"]}, {"socket_mounted"}, id="the whole host"),
    pytest.param({"network_mode": "host"}, {"network_isolation", "ports"}, id="the host's network"),
    pytest.param({"network_mode": "default"}, {"network_isolation"}, id="the default bridge"),
    pytest.param({"network_mode": "none"}, set(), id="no network"),
    pytest.param({"environment": {"DB_PASSWORD": "hunter2"}}, {"env_secrets"}, id="a password and the baked token"),
    pytest.param({"port_bindings": {8080: None}, **PORT}, {"ports"}, id="a port on every address"),
    pytest.param({"publish_all_ports": True}, {"ports"}, id="every exposed port"),
    pytest.param({"restart_policy": None}, {"restart_policy"}, id="no restart policy"),
]


def short_of(row: Any) -> str:
    """A container's name made of a row's id."""
    return "defect-" + "".join(letter if letter.isalnum() else "-" for letter in str(row.id))


@pytest.fixture(scope="module")
def defective(engine: Engine) -> dict[str, str]:
    """A container for each defect, started side by side; id -> name."""
    with ThreadPoolExecutor(4) as pool:
        names = pool.map(lambda row: make(engine, short_of(row), **row.values[0]), DEFECTS)
    return {str(row.id): name for row, name in zip(DEFECTS, names, strict=True)}


@pytest.mark.parametrize(("changed", "fails"), DEFECTS)
async def test_a_defect_fails_its_own_check_and_no_other(
    engine: Engine,
    docker: Docker,
    defective: dict[str, str],
    request: pytest.FixtureRequest,
    changed: dict[str, Any],
    fails: set[str],
) -> None:
    name = defective[request.node.callspec.id]
    await settled(engine, name)
    said = await verdicts(docker, name)

    assert failing(said) == fails, {key: said[key].message for key in failing(said) ^ fails}


@pytest.mark.parametrize(
    ("changed", "fails"),
    [
        pytest.param({"privileged": True}, {"privileged", "capabilities"}, id="privileged"),
        pytest.param({"port_bindings": {8080: None}, **PORT}, {"ports"}, id="a port on every address"),
        pytest.param({"publish_all_ports": True}, {"ports"}, id="every exposed port"),
        pytest.param({"user": "maintainer"}, {"non_root"}, id="a name with uid 0"),
    ],
)
async def test_a_stopped_container_is_judged_by_its_configuration(
    engine: Engine, docker: Docker, request: pytest.FixtureRequest, changed: dict[str, Any], fails: set[str]
) -> None:
    name = make(engine, "stopped-" + request.node.callspec.id.replace(" ", "-"), **changed)
    engine.client.stop(name, timeout=0)
    said = await verdicts(docker, name)

    assert failing(said) == fails | {"healthcheck"}
    assert said["healthcheck"].outcome == "not-checked"  # whether it is healthy is not seen while it stands


async def test_a_volume_that_binds_the_folder_above_the_socket_fails(engine: Engine, docker: Docker) -> None:
    volume = engine.name("volume")
    options = {"type": "none", "o": "bind", "device": "/var/run"}
    engine.client.create_volume(volume, driver="local", driver_opts=options, labels=engine.labels)
    name = make(engine, "bound-volume", binds=[f"{volume}:/data:ro"])
    await settled(engine, name)
    said = await verdicts(docker, name)

    assert failing(said) == {"socket_mounted"}
    assert volume in said["socket_mounted"].message


async def test_an_ordinary_volume_passes(engine: Engine, docker: Docker) -> None:
    volume = engine.name("plain")
    engine.client.create_volume(volume, labels=engine.labels)
    name = make(engine, "plain-volume", binds=[f"{volume}:/data"])
    await settled(engine, name)

    assert failing(await verdicts(docker, name)) == set()


async def test_a_container_connected_to_the_default_bridge_later_fails(engine: Engine, docker: Docker) -> None:
    name = make(engine, "connected-later")
    engine.client.connect_container_to_network(name, "bridge")
    await settled(engine, name)

    assert failing(await verdicts(docker, name)) == {"network_isolation"}


async def test_a_container_that_left_the_default_bridge_passes(engine: Engine, docker: Docker) -> None:
    name = make(engine, "moved", network_mode="default")
    engine.client.disconnect_container_from_network(name, "bridge")
    engine.client.connect_container_to_network(name, engine.network)
    await settled(engine, name)

    assert failing(await verdicts(docker, name)) == set()


async def test_a_container_in_anothers_network_fails(engine: Engine, docker: Docker) -> None:
    owner = make(engine, "owner", network_mode="host")
    name = make(engine, "guest", network_mode=f"container:{owner}")
    await settled(engine, name)

    assert failing(await verdicts(docker, name)) == {"network_isolation", "ports"}


async def test_the_verdict_tells_baked_secrets_from_injected_ones(engine: Engine, docker: Docker) -> None:
    name = engine.container("secrets", environment={"DB_PASSWORD": "hunter2"})
    said = (await verdicts(docker, name))["env_secrets"]
    values = [str(one.value) for one in docker.evidence.observations.values()]

    assert "BAKED_TOKEN (hardcoded in the image)" in said.message
    assert "DB_PASSWORD (injected at start)" in said.message
    assert not [value for value in values if "hunter2" in value or "baked-into-the-image" in value]


async def test_a_user_is_looked_up_in_a_stopped_container(engine: Engine, docker: Docker) -> None:
    name = make(engine, "never-ran", start=False, user="mesh")

    assert await docker.passwd_uid(name, "mesh") == 10001
    assert await docker.passwd_uid(name, "ghost") is None


async def test_a_container_that_vanished_is_an_error_of_its_own(engine: Engine, docker: Docker) -> None:
    gone, stays = make(engine, "gone", start=False), make(engine, "stays", start=False)
    listed = {one.name: one for one in (await docker.containers()).items}
    engine.client.remove_container(gone)
    said = await judge(checks.privileged, listed[gone], docker)

    assert (said.outcome, said.message) == ("error", f"the container {gone} vanished between list and inspect")
    assert (await judge(checks.privileged, listed[stays], docker)).outcome == "pass"


async def test_a_user_of_a_container_that_vanished_is_an_error(engine: Engine, docker: Docker) -> None:
    with pytest.raises(NotObserved, match="or it vanished"):
        await docker.passwd_uid(engine.name("never-was"), "mesh")
