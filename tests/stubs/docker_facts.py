"""A hardened container as literal facts; each test changes what it is about."""

from typing import Any

from meshguard.api import Sketch
from meshguard.check import Check
from meshguard.sketch import Sketcher
from meshguard.targets.docker import ContainerConfig, ContainerRef, Docker, ImageConfig
from meshguard.targets.docker_models import Binding, EngineInfo, MountPoint, Variable, Volume
from meshguard.testing import judge, recorded
from meshguard.verdict import Verdict

WEB = ContainerRef(name="mesh-web-1", image="mesh/web:1", project="mesh", service="web")
IMAGE_ID = "sha256:1f"

HARDENED: dict[str, Any] = {
    "image_ref": "mesh/web:1",
    "image_id": IMAGE_ID,
    "state": "running",
    "user": "10001",
    "env": (),
    "health_test": "CMD",
    "health_status": "healthy",
    "read_only": True,
    "privileged": False,
    "memory": 67_108_864,
    "memory_swap": 67_108_864,
    "nano_cpus": 500_000_000,
    "cpu_quota": 0,
    "cpu_shares": 0,
    "pids_limit": 64,
    "cap_add": (),
    "cap_drop": ("ALL",),
    "security_opt": ("no-new-privileges:true",),
    "network_mode": "mesh_back",
    "networks": ("mesh_back",),
    "port_bindings": (),
    "published": (),
    "publish_all": False,
    "exposed": ("8080/tcp",),
    "mounts": (),
    "restart": "on-failure",
    "max_retries": 3,
}


def container(**changed: Any) -> ContainerConfig:
    """The hardened container but for what is changed."""
    return ContainerConfig(**{**HARDENED, **changed})


def engine(
    config: ContainerConfig,
    *,
    image: ImageConfig | None = None,
    uids: dict[str, Any] | None = None,
    volumes: tuple[Volume, ...] | None = None,
    info: EngineInfo | None = None,
    host: str = "unix:///var/run/docker.sock",
) -> Docker:
    """An engine with this one container; what is not given is not recorded."""
    facts: dict[Any, dict[tuple[Any, ...], object]] = {Docker.inspect: {(WEB.name,): config}}
    if image is not None:
        facts[Docker.image] = {(IMAGE_ID,): image}
    if volumes is not None:
        facts[Docker.volumes] = {(): volumes}
    if info is not None:
        facts[Docker.info] = {(): info}
    facts[Docker.passwd_uid] = {(WEB.name, user): uid for user, uid in (uids or {}).items()}
    return recorded(Docker, facts, host=host)


async def verdict(check: Check[Any], parameters: dict[str, Any] | None = None, **changed: Any) -> Verdict:
    """What the check says of the hardened container with these changes."""
    return await judge(check, WEB, engine(container(**changed)), **(parameters or {}))


def variable(name: str, value: str = "a-value", *, alias: str = "", tests: dict[str, bool] | None = None) -> Variable:
    """A variable whose value is known by these tests alone."""
    kind: Any = Sketcher()(value).kind if value.startswith("ey") else "text" if value else "empty"
    sketch = Sketch(kind=kind, length=len(value), entropy=2.0, alias=alias or f"alias of {value}", tests=tests or {})
    return Variable(name=name, value=sketch)


def bound(container_port: str, host_ip: str, host_port: str) -> Binding:
    """A published port."""
    return Binding(container_port=container_port, host_ip=host_ip, host_port=host_port)


def mounted(source: str, destination: str = "/host", **more: Any) -> MountPoint:
    """A bind mount, unless `type` says otherwise."""
    return MountPoint(**{"type": "bind", "source": source, "destination": destination, **more})
