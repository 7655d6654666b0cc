"""Starts and removes the containers of one instance; whatever else the engine runs is left alone."""

import contextlib
import itertools
import os
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
from docker import DockerClient
from docker.errors import APIError, DockerException, NotFound

from examples.healthmesh.defect import Mistake
from examples.healthmesh.secret import Secrets

from . import image
from .spec import FAILS, Network, Spec, arguments

Filters = dict[str, str | list[str] | bool]

DEFAULT_HOST = "unix:///var/run/docker.sock"
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
# Whoever else uses the same project name keeps what is theirs: removal asks for this label as well.
OWNER_LABEL = "example.health-mesh.state"
# Another one for the image, since containers inherit its labels: those that somebody else made of it as well.
IMAGE_LABEL = "example.health-mesh.image-of"
AT_ONCE = 4
SETTLED_WITHIN_S = 90.0


class NoEngine(Exception):
    """No engine can be reached; the text says why."""


def host() -> str:
    """The engine's address."""
    return os.environ.get("DOCKER_HOST") or DEFAULT_HOST


@contextlib.contextmanager
def connected(to: str) -> Iterator[DockerClient]:
    """A client of the engine at this address, or NoEngine."""
    _knock(to)
    try:
        client = docker.from_env(timeout=60, environment={**os.environ, "DOCKER_HOST": to})
    except DockerException as error:
        raise NoEngine(f"no engine answers at {to} ({_reason(error)})") from error
    with contextlib.closing(client):
        yield client


def _knock(to: str) -> None:
    """Try the socket first: where nobody answers, the SDK leaves its own one open."""
    if not to.startswith("unix://"):
        return
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(to.removeprefix("unix://"))
    except OSError as error:
        raise NoEngine(f"no engine answers at {to} ({error.strerror})") from error


class Fleet:
    """The containers, networks and image of one project that one state folder owns."""

    def __init__(self, client: DockerClient, project: str, owner: str) -> None:
        self.client = client
        self.project = project
        self.labels = {PROJECT_LABEL: project, OWNER_LABEL: owner}
        self.mine: Filters = {"label": _filter(self.labels)}
        self.image_labels = {IMAGE_LABEL: owner}
        self.tag = f"{project}/mesh:1"

    def start(self, specs: Mapping[str, Spec], secrets: Secrets) -> None:
        """Build the image, start a container for each spec and wait until their health is settled."""
        self._refuse_taken_name()
        image.build(self.client, self.tag, self.image_labels)
        for name, internal in (("front", False), ("back", True)):
            self.client.networks.create(self._network(name), driver="bridge", internal=internal, labels=self.labels)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._start, specs, specs.values(), itertools.repeat(secrets)))
        self._settle({name: _settled(spec) for name, spec in specs.items()})

    def states(self) -> dict[str, str]:
        """Each container's state and health, by its service."""
        found = self.client.containers.list(all=True, filters=self.mine, ignore_removed=True)
        return {one.labels[SERVICE_LABEL]: _state(one.attrs["State"]) for one in found}

    def remove(self) -> list[str]:
        """Remove what this instance owns; the names of its containers."""
        found = self.client.containers.list(all=True, filters=self.mine, ignore_removed=True)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_remove, found))
        for network in self.client.networks.list(filters=self.mine):
            network.remove()
        if self.client.images.list(self.tag, filters={"label": _filter(self.image_labels)}):
            self._remove_image()
        return sorted(str(one.name) for one in found)

    def _remove_image(self) -> None:
        try:
            self.client.images.remove(self.tag)
        except APIError as error:
            if error.status_code not in (404, 409):  # gone already, or a container of somebody else runs it
                raise

    def _refuse_taken_name(self) -> None:
        theirs: Filters = {"label": f"{PROJECT_LABEL}={self.project}"}
        if self.client.containers.list(all=True, filters=theirs) or self.client.networks.list(filters=theirs):
            raise Mistake(
                f"the engine already has containers or networks of a project {self.project}: "
                "stop that one, or choose another --project"
            )

    def _network(self, name: Network | str) -> str:
        return f"{self.project}-{name}"

    def _start(self, service: str, spec: Spec, secrets: Secrets) -> None:
        first, *others = spec.networks
        container = self.client.containers.create(
            self.tag,
            name=f"{self.project}-{service}",
            labels={**self.labels, SERVICE_LABEL: service},
            environment=_environment(spec, secrets),
            **self._attachment(first),
            **arguments(spec),
        )
        for network in others:
            self.client.networks.get(self._network(network)).connect(container)
        container.start()

    def _attachment(self, network: Network) -> dict[str, Any]:
        if network == "default":
            return {}
        return {"network_mode": "host"} if network == "host" else {"network": self._network(network)}

    def _settle(self, expected: Mapping[str, str]) -> None:
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while (states := self.states()) != expected:
            if time.monotonic() > deadline:
                late = {name: states.get(name, "gone") for name in expected if states.get(name) != expected[name]}
                raise Mistake(f"not settled within {SETTLED_WITHIN_S:g} s: {late}")
            time.sleep(0.2)


def _filter(labels: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in labels.items()]


def _settled(spec: Spec) -> str:
    """The state in which the container of this spec is as it is meant to be."""
    return {("NONE",): "running", FAILS: "running, unhealthy"}.get(spec.health, "running, healthy")


def _state(state: Mapping[str, Any]) -> str:
    health = (state.get("Health") or {}).get("Status", "none")
    return state["Status"] if health == "none" else f"{state['Status']}, {health}"


def _environment(spec: Spec, secrets: Secrets) -> dict[str, str]:
    known = {"db": secrets.container_db_password, "url": secrets.container_url_password}
    return {name: value.format(**known) for name, value in spec.environment.items()}


def _remove(container: Any) -> None:
    with contextlib.suppress(NotFound):
        container.remove(force=True, v=True)


def _reason(error: BaseException) -> str:
    """The innermost cause, which is the one a person can act on."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error)


__all__ = ["APIError", "Fleet", "NoEngine", "connected", "host"]
