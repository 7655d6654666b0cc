"""What a container is started with: the hardened values, which a defect alters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from docker.types import LogConfig, Mount

WEB_PORT = 8080
BUSYBOX = "/bin/busybox"
SLEEP = (BUSYBOX, "sleep", "2147483647")
HTTPD = (BUSYBOX, "httpd", "-f", "-p", str(WEB_PORT), "-h", "/www")
CAN_WRITE = ("CMD", BUSYBOX, "test", "-w", "/tmp")
FAILS = ("CMD", BUSYBOX, "false")
ANSWERS = ("CMD", BUSYBOX, "wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{WEB_PORT}/health")

Network = Literal["front", "back", "host", "default"]
"""front and back are the project's own; back has no way out."""


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything about a container that a defect may alter; the defaults are the hardened ones."""

    command: tuple[str, ...] = SLEEP
    networks: tuple[Network, ...] = ("back",)
    health: tuple[str, ...] = CAN_WRITE
    health_every_s: int = 4
    user: str | None = None
    """None: the image's own, 10001."""
    read_only: bool = True
    memory: str | None = "64m"
    cpus: float | None = 0.5
    pids: int | None = 64
    privileged: bool = False
    cap_drop: tuple[str, ...] = ("ALL",)
    cap_add: tuple[str, ...] = ()
    security: tuple[str, ...] = ("no-new-privileges:true",)
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """Values in braces stand for the demo's secrets."""
    published_on: str | None = None
    """The host's address that the web port is published on, at a port the engine finds free."""
    publish_all: bool = False
    restart: Mapping[str, Any] | None = field(default_factory=lambda: {"Name": "on-failure", "MaximumRetryCount": 3})


# The three services of the example. They are looked at every second, so that a start does not wait long.
HARDENED: Mapping[str, Spec] = {
    "api": Spec(command=HTTPD, networks=("front", "back"), health=ANSWERS, health_every_s=1, published_on="127.0.0.1"),
    "worker": Spec(health_every_s=1),
    "db": Spec(health_every_s=1),
}

SECOND_NS = 1_000_000_000


def arguments(spec: Spec) -> dict[str, Any]:
    """The arguments of the SDK's `containers.create`, but for names, labels and the project's networks."""
    return {
        "command": list(spec.command),
        "user": spec.user,
        "healthcheck": _health(spec),
        "read_only": spec.read_only,
        "tmpfs": {"/tmp": "size=4m,noexec,nosuid,nodev"},
        "mem_limit": spec.memory,
        "memswap_limit": spec.memory,
        "nano_cpus": None if spec.cpus is None else int(spec.cpus * SECOND_NS),
        "pids_limit": spec.pids,
        "privileged": spec.privileged,
        "cap_drop": list(spec.cap_drop),
        "cap_add": list(spec.cap_add),
        "security_opt": list(spec.security),
        "mounts": list(spec.mounts),
        "restart_policy": None if spec.restart is None else dict(spec.restart),
        "ports": {f"{WEB_PORT}/tcp": (spec.published_on,)} if spec.published_on else None,
        "publish_all_ports": spec.publish_all,
        "log_config": LogConfig(type=LogConfig.types.JSON, config={"max-size": "1m", "max-file": "2"}),
    }


def _health(spec: Spec) -> dict[str, Any]:
    if spec.health == ("NONE",):
        return {"test": ["NONE"]}
    every = spec.health_every_s * SECOND_NS
    return {"test": list(spec.health), "interval": every, "timeout": 10 * SECOND_NS, "retries": 1}
