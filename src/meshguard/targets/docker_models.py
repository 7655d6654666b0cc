"""What the `docker` target records: the fields that checks need, and no others.

Values of environment variables are secrets and are recorded as sketches. Commands, health-check commands, labels other
than Compose's project and service, and the options of volumes other than what a bind needs are dropped.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from meshguard.errors import NotObserved
from meshguard.sketch import Sketch


class Gone(NotObserved):
    """The engine has no such thing, or no longer."""


class Model(BaseModel):
    """Base of all that is recorded of an engine."""

    model_config = ConfigDict(frozen=True)


class EngineVersion(Model):
    """What the engine is, and the API version in which it is asked."""

    version: str
    api: str
    """The newest API version that both sides know."""


class EngineInfo(Model):
    """Settings of the engine as a whole."""

    version: str
    security_options: tuple[str, ...]
    """As the engine prints them: name=seccomp,profile=default. Engines of API 1.41 leave out no-new-privileges."""
    live_restore: bool
    logging_driver: str


class ContainerRef(Model):
    """A container in the engine's list, running or not."""

    name: str
    image: str = ""
    """The image as it was asked for; its id where that name now means another image."""
    state: str = "running"
    """created, running, paused, restarting, removing, exited or dead."""
    project: str = ""
    """Its Compose project; empty where Compose did not make it."""
    service: str = ""
    """Its Compose service."""
    swarm: bool = False
    """Whether it is a task of a Swarm service."""

    def __str__(self) -> str:
        """The container's name."""
        return self.name


class Variable(Model):
    """An environment variable."""

    name: str
    value: Sketch


class Binding(Model):
    """A port of the container and where on the host it is bound."""

    container_port: str
    """Number and protocol: 443/tcp."""
    host_ip: str = ""
    """Empty: every address, unless the engine has another default."""
    host_port: str = ""
    """A number, a range, or empty where the engine chooses."""


class MountPoint(Model):
    """Something of the host or a volume that the container sees."""

    type: str
    """bind, volume, tmpfs, npipe, image or cluster."""
    source: str = ""
    """The path on the host; for a volume the path of its data."""
    destination: str = ""
    volume: str = ""
    """The volume's name."""
    driver: str = ""


class Volume(Model):
    """A volume, and what it binds where its driver is told to bind something."""

    name: str
    driver: str
    binds: str = ""
    """The path on the host that `o=bind,device=PATH` binds; empty for any other volume."""


class ContainerConfig(Model):
    """One container as the engine would start it, and what is known of its run."""

    image_ref: str
    """The image as it was asked for."""
    image_id: str
    state: str
    user: str
    """The image's or the one given at start; empty where neither says one."""
    env: tuple[Variable, ...]
    health_test: str
    """NONE, CMD or CMD-SHELL, with the image's taken in; empty where there is no test."""
    health_status: str
    """starting, healthy or unhealthy; empty where the engine keeps none. That of a stopped container is stale."""
    read_only: bool
    privileged: bool
    memory: int
    """Bytes; 0: unlimited."""
    memory_swap: int
    """Bytes of memory and swap together; -1: unlimited swap, 0: the engine's default."""
    nano_cpus: int
    cpu_quota: int
    """Microseconds for each period; 0 and below: unlimited."""
    cpu_shares: int
    """A weight against other containers; no limit."""
    pids_limit: int | None
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    security_opt: tuple[str, ...]
    """As they were given; of a seccomp profile that was given whole only its default action."""
    network_mode: str
    networks: tuple[str, ...]
    """Names of the networks that it is attached to, later ones included."""
    port_bindings: tuple[Binding, ...]
    """What was asked for."""
    published: tuple[Binding, ...]
    """What is bound now; nothing while it is stopped."""
    publish_all: bool
    exposed: tuple[str, ...]
    mounts: tuple[MountPoint, ...]
    restart: str
    """no, on-failure, unless-stopped or always."""
    max_retries: int
    """Of on-failure; 0: without end."""


class ImageConfig(Model):
    """An image's configuration; without `present` the engine no longer has the image."""

    present: bool
    user: str = ""
    env: tuple[Variable, ...] = ()
    health_test: str = ""
