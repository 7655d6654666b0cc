"""Target `docker`: the containers of one Docker engine, asked over its API and never entered.

Stopped containers count: their restart policy or an operator may start them again. The engine is asked with GET
alone: one list, one inspection for each container, and for each image where a check needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from pydantic import Field, field_validator, model_validator

from meshguard.errors import NotObserved
from meshguard.fact import LeftOut, Listing, fact
from meshguard.limits import LimitSettings
from meshguard.target import Target, TargetSettings, in_thread
from meshguard.targets.docker_models import (
    ContainerConfig,
    ContainerRef,
    EngineInfo,
    EngineVersion,
    Gone,
    ImageConfig,
    Volume,
)
from meshguard.targets.docker_read import config_of, documented, image_of, info_of, passwd_in, ref_of, uid_in, volume_of
from meshguard.values import did_you_mean
from meshguard.yamlfile import LocalPath

if TYPE_CHECKING:
    from meshguard.targets.docker_client import EngineClient

__all__ = ["ContainerConfig", "ContainerRef", "Docker", "DockerSettings", "ImageConfig"]

OLDEST_API, NEWEST_API = (1, 25), (1, 51)
"""The API versions whose answers are known; engines answer in the version that they are asked in."""
MAX_PASSWD = 1_000_000
MAX_SOCKET_PATH = 107
"""Bytes of a Unix socket's path (unix(7))."""
STOPPED = ("created", "exited", "dead", "removing")
PROJECT_LABEL = "com.docker.compose.project"


class DockerSettings(TargetSettings):
    """An entry under `targets: docker:`."""

    host: str = Field(
        "unix:///var/run/docker.sock", description="Where the engine listens: unix:///path or tcp://host:port."
    )
    ca: LocalPath | None = Field(None, description="PEM file of the CA of the engine; the connection is TLS then.")
    cert: LocalPath | None = Field(None, description="PEM file of the client's certificate.")
    key: LocalPath | None = Field(None, description="PEM file of the client's key, without a passphrase.")
    verify: bool = Field(True, description="Whether the engine's certificate is verified.")
    label: tuple[str, ...] = Field((), description="Only containers with these labels: key, or key=value.")
    project: str = Field("", description="Only containers of this Compose project.")
    include_stopped: bool = Field(True, description="Whether stopped containers are judged by their configuration.")

    @field_validator("host")
    @classmethod
    def _reachable(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "unix" and not parts.netloc and value.startswith("unix:///") and len(value) > 8:
            if len(value.removeprefix("unix://").encode()) > MAX_SOCKET_PATH:
                raise ValueError(f"the socket's path is longer than {MAX_SOCKET_PATH} bytes")
            return value
        if parts.scheme == "tcp" and parts.hostname and parts.port and parts.path in ("", "/"):
            if parts.username or parts.password:
                raise ValueError("give no credentials in `host`; use `cert` and `key`")
            return value.rstrip("/")
        raise ValueError(f"{value!r} is neither unix:///path nor tcp://host:port")

    @field_validator("label", mode="before")
    @classmethod
    def _labels(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("label")
    @classmethod
    def _named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not label.partition("=")[0] for label in value):
            raise ValueError("a label needs a key: write key or key=value")
        return tuple(dict.fromkeys(value))

    @field_validator("ca", "cert", "key")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @model_validator(mode="after")
    def _whole(self) -> DockerSettings:
        if (self.cert is None) != (self.key is None):
            raise ValueError("`cert` and `key` go together")
        if (self.ca or self.cert) and self.path:
            raise ValueError("`ca`, `cert` and `key` are for tcp://host:port alone")
        return self

    @property
    def path(self) -> str:
        """The path of the engine's Unix socket; empty for tcp."""
        return self.host.removeprefix("unix://") if self.host.startswith("unix://") else ""

    @property
    def tls(self) -> bool:
        """Whether the connection is TLS."""
        return bool(self.ca or self.cert)

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels that a container must carry."""
        return (f"{PROJECT_LABEL}={self.project}", *self.label) if self.project else self.label

    def hosts(self) -> Iterator[tuple[str, int]]:
        """Host and port of an engine on tcp."""
        parts = urlsplit(self.host)
        if parts.scheme == "tcp":
            yield str(parts.hostname), int(parts.port or 0)


class Docker(Target[DockerSettings]):
    """A Docker engine."""

    kind = "docker"
    Settings = DockerSettings
    DIGESTS = (("inspect", "image_id"),)
    # Measured with 1, 2, 4 and 8 for 50 containers: with 8 a call waits least for the thread that takes its answer.
    DEFAULT_LIMITS = LimitSettings(connections=8)

    _made: EngineClient | None = None

    @property
    def subject(self) -> str:
        """Where the engine listens."""
        return self.settings.host

    @fact
    async def version(self) -> EngineVersion:
        """The engine's version, and the API version that all other calls speak.

        Raises:
            NotObserved: it was not reached, or speaks no API version that is known.
        """
        for host, port in self.settings.hosts():
            self.egress.require(host, port)
        client = self._made = await in_thread(self._make)
        answer = await in_thread(client.json, "/version")
        with documented("its version"):
            newest, oldest = _api(answer["ApiVersion"]), _api(answer.get("MinAPIVersion") or "1.0")
            spoken = min(newest, max(oldest, NEWEST_API))
            found = EngineVersion(version=answer["Version"], api=f"{spoken[0]}.{spoken[1]}")
        if newest < OLDEST_API:
            raise NotObserved(
                f"{self.subject} speaks API {answer['ApiVersion']}, older than {OLDEST_API[0]}.{OLDEST_API[1]}",
                fix="update the engine",
            )
        return found

    @fact
    async def containers(self) -> Listing[ContainerRef]:
        """All containers that the deployment's labels choose, stopped ones included unless it leaves them out."""
        answer = await self._ask("/containers/json", {"all": "1"})
        with documented("its containers"):
            found = [ref_of(entry) for entry in answer]
        left_out = []
        kept = found
        for label in self.settings.labels:
            kept, before = [one for one in kept if _carries(one[1], label)], len(kept)
            left_out.append(LeftOut(filter=f"label {label}", count=before - len(kept)))
        if not self.settings.include_stopped:
            kept, before = [one for one in kept if one[0].state not in STOPPED], len(kept)
            left_out.append(LeftOut(filter="include_stopped: false", count=before - len(kept)))
        return Listing(
            items=tuple(sorted((ref for ref, _ in kept), key=str)),
            left_out=tuple(left_out),
            fix=self._advice([ref for ref, _ in found]) if not kept else "",
        )

    def _advice(self, found: list[ContainerRef]) -> str:
        """What to do where no container is left."""
        if not found:
            return f"start the deployment, or see that it runs on {self.subject}"
        projects = sorted({ref.project for ref in found} - {""})
        if self.settings.project and projects and self.settings.project not in projects:
            known = f"the engine's projects are {', '.join(projects)}"
            return f"correct `project`: {did_you_mean(self.settings.project, projects, otherwise=known)}"
        return "see `docker ps --all`, and correct `label`, `project` or `include_stopped`"

    @fact
    async def inspect(self, name: str) -> ContainerConfig:
        """How one container is configured, and its state."""
        gone = f"the container {name} vanished between list and inspect"
        answer = await self._ask(f"/containers/{quote(name, safe='')}/json", missing=gone)
        with documented(f"the container {name}"):
            return config_of(answer, self.sketch)

    @fact
    async def image(self, image_id: str) -> ImageConfig:
        """The configuration of an image, by its id; not `present` where it was removed under its containers."""
        gone = f"the image {image_id} is gone"
        try:
            answer = await self._ask(f"/images/{quote(image_id, safe='')}/json", missing=gone)
        except Gone:
            return ImageConfig(present=False)
        with documented(f"the image {image_id}"):
            return image_of(answer, self.sketch)

    @fact
    async def passwd_uid(self, container: str, user: str) -> int | None:
        """The uid of a user by name in the container's /etc/passwd; None where no line has the name.

        The file is read from the container's file system as an archive: nothing runs in it, and it may be stopped.
        """
        path = "/etc/passwd"
        for _ in range(4):
            missing = f"the user {user!r} of {container} has no known uid: there is no {path} in it, or it vanished"
            archive = await self._ask(
                f"/containers/{quote(container, safe='')}/archive", {"path": path}, missing=missing, at_most=MAX_PASSWD
            )
            with documented(f"{path} in {container}"):
                text, path = passwd_in(archive)
            if not path:
                return uid_in(text, user)
        raise NotObserved(f"the links from /etc/passwd in {container} do not end")

    @fact
    async def volumes(self) -> tuple[Volume, ...]:
        """All volumes of the engine, with the path that a volume of a bind stands for."""
        answer = await self._ask("/volumes")
        with documented("its volumes"):
            return tuple(sorted((volume_of(entry) for entry in answer["Volumes"] or ()), key=lambda one: one.name))

    @fact
    async def info(self) -> EngineInfo:
        """Settings of the engine as a whole."""
        answer = await self._ask("/info")
        with documented("itself"):
            return info_of(answer)

    async def _ask(
        self, path: str, params: dict[str, str] | None = None, *, missing: str = "", at_most: int = 0
    ) -> Any:
        """One GET in the API version that the engine speaks: JSON, or bytes where `at_most` says how many."""
        spoken = await self.version()
        if self._made is None:
            self._made = await in_thread(self._make)
        ask = partial(self._made.content, at_most=at_most) if at_most else self._made.json
        return await in_thread(partial(ask, f"/v{spoken.api}{path}", params or {}, missing=missing))

    def _make(self) -> EngineClient:
        from meshguard.targets.docker_client import EngineClient

        return EngineClient(self.settings, timeout_s=self.limits.deadline_s, connections=self.limits.connections)

    async def close(self) -> None:
        """End the connections."""
        if self._made is not None:
            self._made.close()


def _api(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def _carries(labels: dict[str, str], wanted: str) -> bool:
    key, equals, value = wanted.partition("=")
    return key in labels and (not equals or labels[key] == value)
