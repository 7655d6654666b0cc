"""The defects of containers, as data: each is one container more, hardened but for it."""

import os
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from docker.types import Mount

from examples.healthmesh.defect import Alteration, Defect

from .spec import FAILS, Spec


def engine_socket() -> str:
    """The engine's socket, as a path on its own host."""
    host = os.environ.get("DOCKER_HOST", "")
    return host.removeprefix("unix://") if host.startswith("unix://") else "/var/run/docker.sock"


def run(**arguments: Any) -> Alteration[Spec]:
    """The container is started with these values instead."""
    return Alteration(frozenset(arguments), lambda hardened: replace(hardened, **arguments))


def mounted(source: str, target: str) -> Alteration[Spec]:
    """A folder or file of the host is mounted, for reading only."""
    return run(mounts=(Mount(target, source, type="bind", read_only=True),))


CONTAINER_DEFECTS: tuple[Defect[Spec], ...] = (
    Defect("root-user", "docker.non_root", "The main process runs as 0:0.", run(user="0:0")),
    Defect(
        "root-by-another-name",
        "docker.non_root",
        "The main process runs as `maintainer`, which is uid 0 in the image's /etc/passwd.",
        run(user="maintainer"),
    ),
    Defect(
        "writable-rootfs",
        "docker.read_only_rootfs",
        "The root file system can be written to.",
        run(read_only=False),
    ),
    Defect("memory-unlimited", "docker.resource_limits", "Memory has no limit.", run(memory=None)),
    Defect("cpu-unlimited", "docker.resource_limits", "CPU time has no limit.", run(cpus=None)),
    Defect("pids-unlimited", "docker.resource_limits", "The number of processes has no limit.", run(pids=None)),
    Defect(
        "health-none",
        "docker.healthcheck",
        "The image's health check is switched off.",
        run(health=("NONE",)),
    ),
    Defect(
        "health-failing",
        "docker.healthcheck",
        "The health check is there and fails.",
        run(health=FAILS, health_every_s=1),
    ),
    Defect(
        "privileged",
        "docker.privileged",
        "The container is privileged.",
        run(privileged=True),
        also=("docker.capabilities",),  # it has them all, whatever it was told to drop
    ),
    Defect("caps-kept", "docker.capabilities", "No capability is dropped.", run(cap_drop=())),
    Defect(
        "caps-sys-admin",
        "docker.capabilities",
        "All capabilities are dropped and SYS_ADMIN is added back.",
        run(cap_add=("SYS_ADMIN",)),
    ),
    Defect(
        "new-privileges",
        "docker.no_new_privileges",
        "A set-uid program may gain privileges.",
        run(security=()),
    ),
    Defect(
        "socket-mounted",
        "docker.socket_mounted",
        "The engine's socket is mounted.",
        mounted(engine_socket(), "/host/docker.sock"),
    ),
    Defect(
        "socket-folder-mounted",
        "docker.socket_mounted",
        "The folder of the engine's socket is mounted, for reading only, which does not stop a connection.",
        mounted(str(PurePosixPath(engine_socket()).parent), "/host/run"),
    ),
    Defect(
        "network-host",
        "docker.network_isolation",
        "The container shares the host's network.",
        run(networks=("host",)),
        also=("docker.ports",),  # what it listens on is not seen from its settings
    ),
    Defect(
        "network-default",
        "docker.network_isolation",
        "The container is on the default bridge, with every other one.",
        run(networks=("default",)),
    ),
    Defect(
        "env-password",
        "docker.env_secrets",
        "A password stands in an environment variable.",
        run(environment={"DB_PASSWORD": "{db}"}),
    ),
    Defect(
        "env-url",
        "docker.env_secrets",
        "A password stands in a URL in an environment variable.",
        run(environment={"DATABASE_URL": "postgresql://mesh:{url}@db:5432/mesh"}),
    ),
    Defect(
        "port-everywhere",
        "docker.ports",
        "A port is published on every address of the host.",
        run(networks=("front",), published_on="0.0.0.0"),
    ),
    Defect(
        "ports-all",
        "docker.ports",
        "Every port that the image exposes is published.",
        run(networks=("front",), publish_all=True),
    ),
    Defect("restart-none", "docker.restart_policy", "No restart policy is set.", run(restart=None)),
)
