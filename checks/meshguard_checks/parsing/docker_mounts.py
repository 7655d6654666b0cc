"""Which of a container's mounts give it an engine's socket."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshguard.targets.docker_models import MountPoint

SOCKETS = (
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
)
NAMES = frozenset(posixpath.basename(path) for path in SOCKETS)
"""A file of such a name is a socket of an engine wherever it lies: rootless ones are under /run/user."""
_PIPES = re.compile(r"(?i)[\\/]pipe[\\/](docker|podman|containerd)")


def host_path(path: str) -> str:
    """A path of the host in one form: no dots, no double slashes, /var/run as the link to /run that it is."""
    plain = "/" + posixpath.normpath(path).lstrip("/")
    plain = re.sub(r"^/proc/(?:\d+|self|thread-self)/root(?=/|$)", "", plain) or "/"
    return re.sub(r"^/var/run(?=/|$)", "/run", plain)


def socket_under(path: str, sockets: Iterable[str]) -> str:
    """The engine's socket that is at `path` or below it; empty where there is none."""
    if _PIPES.search(path):
        return path
    above = host_path(path)
    if posixpath.basename(above) in NAMES:
        return above
    below = [one for one in map(host_path, sockets) if one == above or one.startswith(above.rstrip("/") + "/")]
    return below[0] if below else ""


def socket_mounts(
    mounts: Iterable[MountPoint], binds: Mapping[str, str], sockets: Iterable[str]
) -> list[tuple[MountPoint, str]]:
    """The mounts that reach a socket, each with the path on the host by which it does.

    Args:
        mounts: the container's.
        binds: volume -> the path that it binds.
        sockets: paths of the engines' sockets.
    """
    known = tuple(sockets)
    found = []
    for mount in mounts:
        paths = [path for path in (mount.source, binds.get(mount.volume, "")) if path and mount.type != "tmpfs"]
        reached = [path for path in paths if socket_under(path, known)]
        found += [(mount, reached[0])] if reached else []
    return found
