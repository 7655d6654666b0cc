"""A real engine for tests: an image from scratch, containers under one label, and all of it removed by that label."""

import io
import os
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError, DockerException

HOST = "unix:///var/run/docker.sock"
LABEL = "example.meshguard.test"
BUSYBOX = "/bin/busybox"
HEALTHY = {"test": ["CMD", BUSYBOX, "true"], "interval": 3_000_000_000, "timeout": 5_000_000_000, "retries": 1}
DOCKERFILE = f"""\
FROM scratch
COPY busybox {BUSYBOX}
COPY passwd /etc/passwd
EXPOSE 8080
ENV BAKED_TOKEN=baked-into-the-image
USER 10001
CMD ["{BUSYBOX}", "sleep", "2147483647"]
"""
PASSWD = "root:x:0:0::/:/bin/false\nmesh:x:10001:10001::/:/bin/false\nmaintainer:x:0:0::/:/bin/false\n"
HARDENED: dict[str, Any] = {
    "read_only": True,
    "mem_limit": "64m",
    "memswap_limit": "64m",
    "nano_cpus": 500_000_000,
    "pids_limit": 32,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "restart_policy": {"Name": "on-failure", "MaximumRetryCount": 3},
}


class Engine:
    """What one test module makes on the engine, all under a label of its own."""

    def __init__(self, client: docker.APIClient) -> None:
        self.client = client
        self.owner = uuid.uuid4().hex[:8]
        self.label = f"{LABEL}={self.owner}"
        self.labels = {LABEL: self.owner}
        self.image = f"meshguard-test-{self.owner}:1"
        self.network = f"meshguard-test-{self.owner}"

    def prepare(self) -> None:
        """Build the image and make a network."""
        steps = self.client.build(
            fileobj=_context(), custom_context=True, tag=self.image, labels=self.labels, rm=True, decode=True
        )
        assert not [step for step in steps if "error" in step]
        self.client.create_network(self.network, labels=self.labels)

    def name(self, short: str) -> str:
        """A container's name that nobody else has."""
        return f"{short}-{self.owner}"

    def container(self, short: str, *, start: bool = True, labels: dict[str, str] | None = None, **changed: Any) -> str:
        """A hardened container but for what is `changed`; its name.

        What `create_container` itself takes (user, environment, healthcheck, ports) is told from the host's part.
        """
        values: dict[str, Any] = {"network_mode": self.network, "healthcheck": HEALTHY, **HARDENED, **changed}
        own = {key: values.pop(key) for key in ("user", "environment", "healthcheck", "ports") if key in values}
        host = self.client.create_host_config(**{key: value for key, value in values.items() if value is not None})
        if values.get("pids_limit") is None:
            host.pop("PidsLimit", None)
        made = self.client.create_container(
            self.image, name=self.name(short), labels={**self.labels, **(labels or {})}, host_config=host, **own
        )
        if start:
            self.client.start(made["Id"])
        return self.name(short)

    def image_id(self) -> str:
        """The id of the image."""
        (image,) = self.client.images(filters={"label": self.label})
        return str(image["Id"])

    def clean(self) -> None:
        """Remove all that carries the label."""
        mine = {"label": self.label}
        for one in self.client.containers(all=True, filters=mine):
            with suppress(APIError):
                self.client.remove_container(one["Id"], force=True, v=True)
        for network in self.client.networks(filters=mine):
            self.client.remove_network(network["Id"])
        for volume in self.client.volumes(filters=mine)["Volumes"] or []:
            self.client.remove_volume(volume["Name"])
        for image in self.client.images(filters=mine):
            self.client.remove_image(image["Id"], force=True)


@contextmanager
def engine_for_tests() -> Iterator[Engine]:
    """A prepared engine; without one the test is skipped, and fails where CI=true promises one."""
    client = _client()
    engine = Engine(client)
    try:
        engine.prepare()
        yield engine
    finally:
        engine.clean()
        client.close()


def _client() -> docker.APIClient:
    if not Path(HOST.removeprefix("unix://")).exists() or not Path(BUSYBOX).exists():
        _absent(f"there is no engine at {HOST}, or no static {BUSYBOX}")
    try:
        return docker.APIClient(base_url=HOST, version="auto", timeout=60)
    except DockerException as fault:
        _absent(f"no engine answers at {HOST}: {fault}")
        raise


def _absent(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def _context() -> io.BytesIO:
    files = {"Dockerfile": DOCKERFILE.encode(), "passwd": PASSWD.encode(), "busybox": Path(BUSYBOX).read_bytes()}
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755 if name == "busybox" else 0o644
            tar.addfile(entry, io.BytesIO(content))
    context.seek(0)
    return context
