"""Checks of what a container's processes may do: user, privileges, root file system, the engine's socket."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

from meshguard.api import Field, Verdict, check, failed, judged, not_applicable, passed, undetermined
from meshguard.targets.docker import ContainerRef, Docker
from meshguard_checks.parsing.docker_capabilities import DEFAULTS, effective, normalised
from meshguard_checks.parsing.docker_mounts import SOCKETS, socket_mounts
from meshguard_checks.parsing.docker_security import no_new_privileges_of
from meshguard_checks.parsing.docker_user import user_of

Reason = Annotated[str, Field(min_length=3)]


@check(
    "docker.non_root",
    method="examine",
    over=Docker.containers,
    fix='Dockerfile: `USER 10001`; Compose: `user: "10001:10001"`.',
)
async def non_root(container: ContainerRef, engine: Docker) -> Verdict:
    """The container's main process does not start as uid 0 (CIS Docker 1.6.0, 4.1).

    The user is the image's or the one given at start; none is root, and so are 0, 00, 0:0 and root. A name counts by
    its uid in the container's own /etc/passwd. The group is not judged.
    """
    config = await engine.inspect(container.name)
    user = user_of(config.user)
    if isinstance(user, int):
        shown = config.user or "none"
        return judged(user != 0, "the user", got=shown, want="a uid that is not 0")
    uid = await engine.passwd_uid(container.name, user)
    if uid is None:
        return undetermined(
            f"/etc/passwd in the container has no user {user!r}, so its uid is not known",
            fix="give the user as a number, which needs no look-up",
        )
    return judged(uid != 0, f"the uid of the user {user!r}", got=uid, want="a uid that is not 0")


@check(
    "docker.read_only_rootfs",
    method="examine",
    over=Docker.containers,
    fix="Compose: `read_only: true`, and `tmpfs: [/tmp]` for what must be written.",
)
async def read_only_rootfs(
    container: ContainerRef, engine: Docker, *, exceptions: dict[str, Reason] | None = None
) -> Verdict:
    """The container's root file system is mounted for reading only (CIS Docker 1.6.0, 5.13).

    A container that is excepted and read-only nevertheless passes.

    Args:
        exceptions: containers or Compose services that must write to it (names, with * and ?), each with the reason.
    """
    config = await engine.inspect(container.name)
    if config.read_only:
        return passed("the root file system is read-only")
    for pattern, reason in (exceptions or {}).items():
        if fnmatchcase(container.name, pattern) or fnmatchcase(container.service, pattern):
            return not_applicable(f"it may write to its root file system, as {pattern!r} is excepted: {reason}")
    return failed("the root file system can be written to", got="writable", want="read-only")


@check(
    "docker.privileged",
    method="examine",
    over=Docker.containers,
    fix="Compose: remove `privileged: true`; give the one device (`devices:`) or capability (`cap_add:`) it needs.",
)
async def privileged(container: ContainerRef, engine: Docker) -> Verdict:
    """The container is not privileged (CIS Docker 1.6.0, 5.5)."""
    config = await engine.inspect(container.name)
    if config.privileged:
        return failed("it is privileged: it may do to the host what root may", got=True, want=False)
    return passed("it is not privileged", got=False, want=False)


@check(
    "docker.capabilities",
    method="examine",
    over=Docker.containers,
    fix="Compose: `cap_drop: [ALL]`, and `cap_add:` for those alone that the profile allows.",
)
async def capabilities(
    container: ContainerRef, engine: Docker, *, allowed: tuple[str, ...] = ("NET_BIND_SERVICE",)
) -> Verdict:
    """The container keeps no Linux capability but the `allowed` ones (CIS Docker 1.6.0, 5.4).

    What is left after dropping and adding counts: dropping the fourteen defaults one by one is dropping ALL, and what
    is added after it is kept. A privileged container has all of them, whatever it drops.

    Args:
        allowed: capabilities that may be kept or added, with or without CAP_. NET_BIND_SERVICE is what the restricted
            Pod Security Standard of Kubernetes allows.
    """
    config = await engine.inspect(container.name)
    want = ", ".join(sorted(normalised(allowed))) or "none"
    if config.privileged:
        return failed("it is privileged and so has every capability", got="ALL", want=want)
    kept = effective(config.cap_add, config.cap_drop)
    extra = sorted(kept - normalised(allowed))
    got = ", ".join(sorted(kept)) or "none"
    if not extra:
        return passed(f"the capabilities that are left are {got}", got=got, want=want)
    if kept >= DEFAULTS and not normalised(config.cap_drop):
        return failed("no capability is dropped", got=got, want=want)
    return failed(f"keeps {', '.join(extra)}", got=got, want=want)


@check(
    "docker.no_new_privileges",
    method="examine",
    over=Docker.containers,
    fix='Compose: `security_opt: ["no-new-privileges:true"]`.',
)
async def no_new_privileges(container: ContainerRef, engine: Docker, *, engine_default: bool = False) -> Verdict:
    """The container's processes can't gain privileges through a set-uid file (CIS Docker 1.6.0, 5.26).

    The option counts by its value: `no-new-privileges:false` is none. An engine may set it for containers that say
    nothing, but not for those that were created before, and engines of API 1.41 do not tell.

    Args:
        engine_default: whether the engine's own setting is enough for a container that says nothing.
    """
    config = await engine.inspect(container.name)
    own = no_new_privileges_of(config.security_opt)
    if own is not None:
        return judged(own, "no-new-privileges", got=own, want=True)
    if not engine_default:
        return failed("no-new-privileges is not set", got="not set", want=True)
    info = await engine.info()
    if "name=no-new-privileges" in info.security_options:
        return passed("the engine sets no-new-privileges", got="the engine's default", want=True)
    return failed("no-new-privileges is not set, and the engine reports no such default", got="not set", want=True)


@check(
    "docker.socket_mounted",
    method="examine",
    over=Docker.containers,
    fix="Compose: remove the volume with `docker.sock`, or with a folder above it; where a service needs the engine, "
    "put a proxy before it that lets single requests through.",
)
async def socket_mounted(container: ContainerRef, engine: Docker, *, sockets: tuple[str, ...] = SOCKETS) -> Verdict:
    """No mount gives the container the socket of a container engine (CIS Docker 1.6.0, 5.32).

    Folders above a socket count, also `/`; so does a volume that binds one (`o: bind, device: /run`), and a mount for
    reading only, since that does not stop a connection. /var/run is /run. The socket by which the engine is audited
    counts wherever it is, and so does any file named docker.sock, podman.sock, containerd.sock or crio.sock.

    Args:
        sockets: paths on the host of engines' sockets.
    """
    config = await engine.inspect(container.name)
    binds: dict[str, str] = {}
    if any(mount.volume for mount in config.mounts):
        volumes = await engine.volumes()
        binds = {volume.name: volume.binds for volume in volumes}
        lost = [mount.volume for mount in config.mounts if mount.volume and mount.volume not in binds]
        if lost:
            return undetermined(f"the engine does not list the volume {lost[0]}, so what it binds is not known")
    own = (engine.settings.path,) if engine.settings.path else ()
    found = socket_mounts(config.mounts, binds, (*own, *sockets))
    if not found:
        return passed(f"none of its {len(config.mounts)} mounts reaches an engine's socket")
    mount, path = found[0]
    through = f" through the volume {mount.volume}" if mount.volume else ""
    return failed(f"{path} of the host is mounted at {mount.destination}{through}", got=path, want="no engine's socket")
