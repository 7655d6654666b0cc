"""The containers of the Health-Mesh example: the engine itself tells what is planted, and that nothing else is."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import docker
import pytest
import yaml
from docker import DockerClient
from docker.errors import DockerException
from examples.healthmesh import Running, start
from examples.healthmesh.containers.defects import CONTAINER_DEFECTS
from examples.healthmesh.defect import Mistake

pytestmark = pytest.mark.docker

LEAKY, OTHER = f"mesh-test-{os.getpid()}", f"mesh-test-{os.getpid()}-other"
SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


def missing(what: str) -> NoReturn:
    """Skip on a desk; in CI a missing engine is a failure."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerClient]:
    if not Path(SOCKET).is_socket():
        missing(f"no Docker engine at {SOCKET}")
    try:
        client = docker.from_env()
    except DockerException as error:
        missing(f"no Docker engine: {error}")
    with contextlib.closing(client):
        yield client


@pytest.fixture(scope="module")
def leaky(engine: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start(tmp_path_factory.mktemp("leaky"), mode="leaky", project=LEAKY) as running:
        yield running


HARDENED: dict[str, object] = {
    "user": "10001",
    "read-only": True,
    "memory": 64 * 1024 * 1024,
    "cpu": 500_000_000,
    "pids": 64,
    "health": "healthy",
    "privileged": False,
    "dropped": ["ALL"],
    "added": [],
    "security": ["no-new-privileges:true"],
    "mounts": [],
    "networks": ["back"],
    "environment": [],
    "published": [],
    "restart": ("on-failure", 3),
    "tmpfs": ["/tmp"],
}

CHANGES: dict[str, dict[str, object]] = {
    "root-user": {"user": "0:0"},
    "root-by-another-name": {"user": "maintainer"},
    "writable-rootfs": {"read-only": False},
    "memory-unlimited": {"memory": 0},
    "cpu-unlimited": {"cpu": 0},
    "pids-unlimited": {"pids": None},
    "health-none": {"health": None},
    "health-failing": {"health": "unhealthy"},
    "privileged": {"privileged": True},
    "caps-kept": {"dropped": []},
    "caps-sys-admin": {"added": ["SYS_ADMIN"]},
    "new-privileges": {"security": []},
    "socket-mounted": {"mounts": [(SOCKET, False)]},
    "socket-folder-mounted": {"mounts": [(str(Path(SOCKET).parent), False)]},
    "network-host": {"networks": ["host"]},
    "network-default": {"networks": ["bridge"]},
    "env-password": {"environment": ["DB_PASSWORD"]},
    "env-url": {"environment": ["DATABASE_URL"]},
    "port-everywhere": {"networks": ["front"], "published": ["everywhere"]},
    "ports-all": {"networks": ["front"], "published": ["everywhere"]},
    "restart-none": {"restart": ("", 0)},
}


def test_every_container_defect_is_in_the_table_above() -> None:
    assert sorted(CHANGES) == sorted(defect.name for defect in CONTAINER_DEFECTS)


@pytest.mark.parametrize("name", CHANGES)
def test_the_engine_tells_the_defect_and_nothing_else(engine: DockerClient, leaky: Running, name: str) -> None:
    assert changes(posture(inspected(engine, leaky, name))) == CHANGES[name]


@pytest.mark.parametrize(
    ("service", "differs"),
    [
        ("api", {"networks": ["back", "front"], "published": ["127.0.0.1"]}),
        ("worker", {}),
        ("db", {}),
    ],
)
def test_the_three_services_are_hardened(
    engine: DockerClient, leaky: Running, service: str, differs: dict[str, object]
) -> None:
    assert changes(posture(inspected(engine, leaky, service))) == differs


def test_the_back_network_leads_nowhere(engine: DockerClient, leaky: Running) -> None:
    networks = {one.name: one.attrs["Internal"] for one in mine(engine, LEAKY)["networks"]}

    assert networks == {f"{LEAKY}-back": True, f"{LEAKY}-front": False}


def test_start_waited_until_health_was_settled(leaky: Running) -> None:
    states = set(leaky.containers.items())

    assert len(states) == 3 + len(CONTAINER_DEFECTS)
    assert {state for state in states if state[1] != "running, healthy"} == {
        ("health-none", "running"),
        ("health-failing", "running, unhealthy"),
    }


def test_the_planted_secrets_are_those_in_the_secrets_file_and_marked(engine: DockerClient, leaky: Running) -> None:
    kept = json.loads((leaky.state / "secrets.json").read_text())
    password, url = kept["container_db_password"], kept["container_url_password"]

    assert f"DB_PASSWORD={password}" in inspected(engine, leaky, "env-password")["Config"]["Env"]
    assert f"DATABASE_URL=postgresql://mesh:{url}@db:5432/mesh" in inspected(engine, leaky, "env-url")["Config"]["Env"]
    assert password.startswith("FAKE-demo-")
    assert url.startswith("FAKE-demo-")


def test_the_deployment_file_names_the_engine_and_the_project(leaky: Running) -> None:
    assert yaml.safe_load(leaky.deployment.read_text())["targets"]["docker"] == [
        {
            "name": "local",
            "host": os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"),
            "label": f"com.docker.compose.project={LEAKY}",
        }
    ]


def test_what_shares_the_hosts_network_only_sleeps(engine: DockerClient, leaky: Running) -> None:
    for name in ("network-host", "privileged"):
        assert inspected(engine, leaky, name)["Config"]["Cmd"][:2] == ["/bin/busybox", "sleep"]


def test_stop_removes_all_of_its_own_and_nothing_else(engine: DockerClient, leaky: Running, tmp_path: Path) -> None:
    before = {one.name for one in mine(engine, LEAKY)["containers"]}
    with start(tmp_path, project=OTHER) as other:
        assert sorted(other.containers) == ["api", "db", "worker"]
        # One of somebody else's, with the same project's label and the same image.
        stranger = engine.containers.create(
            f"{OTHER}/mesh:1", labels={"com.docker.compose.project": OTHER}, network_mode="none"
        )
        try:
            ended = other.stop()
            assert ended == ["service", f"{OTHER}-api", f"{OTHER}-db", f"{OTHER}-worker"]
            assert other.stop() == []
            left = mine(engine, OTHER)
            assert [one.id for one in left["containers"]] == [stranger.id]
            assert left["networks"] == []
        finally:
            stranger.remove(force=True)
            engine.images.remove(f"{OTHER}/mesh:1")
    assert {one.name for one in mine(engine, LEAKY)["containers"]} == before


def test_a_project_that_is_taken_is_refused_and_left_alone(
    engine: DockerClient, leaky: Running, tmp_path: Path
) -> None:
    with pytest.raises(Mistake, match=f"already has containers or networks of a project {LEAKY}"):
        start(tmp_path, project=LEAKY)

    assert len(mine(engine, LEAKY)["containers"]) == 3 + len(CONTAINER_DEFECTS)
    assert not (tmp_path / "service.pid").exists()


def test_one_defect_by_name_is_one_container_more(engine: DockerClient, tmp_path: Path) -> None:
    with start(tmp_path, defects=["caps-kept", "powered-by"], project=OTHER) as running:
        assert sorted(running.containers) == ["api", "caps-kept", "db", "worker"]
        assert running.defects == ("powered-by", "caps-kept")
    assert mine(engine, OTHER) == {"containers": [], "networks": []}
    assert engine.images.list(f"{OTHER}/mesh") == []


# --- what is observed


def inspected(engine: DockerClient, running: Running, service: str) -> dict[str, Any]:
    attributes: dict[str, Any] = engine.containers.get(f"{running.project}-{service}").attrs
    assert attributes["Config"]["Labels"]["com.docker.compose.service"] == service
    assert attributes["State"]["Status"] == "running"
    return attributes


def posture(attributes: dict[str, Any]) -> dict[str, object]:
    """What the hardening guide asks of a container."""
    config, host = attributes["Config"], attributes["HostConfig"]
    return {
        "user": config["User"],
        "read-only": host["ReadonlyRootfs"],
        "memory": host["Memory"],
        "cpu": host["NanoCpus"],
        "pids": host["PidsLimit"],
        "health": (attributes["State"].get("Health") or {}).get("Status"),
        "privileged": host["Privileged"],
        "dropped": host["CapDrop"] or [],
        "added": host["CapAdd"] or [],
        # An engine adds label=disable by itself to what is privileged.
        "security": [one for one in host["SecurityOpt"] or [] if not one.startswith("label")],
        "mounts": [(one["Source"], one["RW"]) for one in attributes["Mounts"]],
        "networks": sorted(name.rpartition("-")[2] for name in attributes["NetworkSettings"]["Networks"]),
        "environment": [line.partition("=")[0] for line in config["Env"] or [] if not line.startswith("PATH=")],
        "published": published(attributes),
        "restart": (host["RestartPolicy"]["Name"], host["RestartPolicy"]["MaximumRetryCount"]),
        "tmpfs": list(host["Tmpfs"]),
    }


def published(attributes: dict[str, Any]) -> list[str]:
    ports = attributes["NetworkSettings"]["Ports"].values()
    addresses = {binding["HostIp"] for bindings in ports for binding in bindings or []}
    return sorted({"everywhere" if address in {"0.0.0.0", "::", ""} else address for address in addresses})


def changes(found: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in found.items() if value != HARDENED[name]}


def mine(engine: DockerClient, project: str) -> dict[str, list[Any]]:
    label = {"label": f"com.docker.compose.project={project}"}
    return {
        "containers": engine.containers.list(all=True, filters={**label}),
        "networks": engine.networks.list(filters={**label}),
    }
