"""Containers to audit: tiny ones, from an image that is made here of a static busybox alone."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUSYBOX = Path("/bin/busybox")
SOCKET = Path("/var/run/docker.sock")
LABEL = "meshguard.bench"


class NoEngineError(Exception):
    """Containers can't be had here; the message says why."""


@dataclass(frozen=True)
class Crowd:
    """Running containers that carry one label."""

    label: str
    count: int


@contextmanager
def running_containers(count: int) -> Iterator[Crowd]:
    """So many containers, removed afterwards with their image.

    Raises:
        NoEngineError: no Docker SDK, no engine, or no static busybox.
    """
    client = _client()
    mark = uuid.uuid4().hex[:12]
    image = f"meshguard-bench:{mark}"
    made: list[str] = []
    try:
        client.import_image_from_data(_archive(), repository="meshguard-bench", tag=mark)
        with ThreadPoolExecutor(4) as pool:
            for one in pool.map(lambda number: _start(client, image, mark, number), range(count)):
                made.append(one)
        yield Crowd(f"{LABEL}={mark}", count)
    finally:
        for one in client.containers(all=True, quiet=True, filters={"label": f"{LABEL}={mark}"}):
            client.remove_container(one["Id"], force=True)
        if client.images(image):
            client.remove_image(image, force=True)
        client.close()


def _client() -> Any:
    try:
        from docker import APIClient
        from docker.errors import DockerException
    except ImportError:
        raise NoEngineError("the Docker SDK is not installed") from None
    if not BUSYBOX.is_file():
        raise NoEngineError(f"there is no {BUSYBOX} to make an image of")
    try:
        client = APIClient(base_url=f"unix://{SOCKET}", version="auto", timeout=60)
        client.ping()
    except DockerException as fault:
        raise NoEngineError(f"no Docker engine answers at {SOCKET} ({type(fault).__name__})") from None
    return client


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(BUSYBOX, "bin/busybox")
    return buffer.getvalue()


def _start(client: Any, image: str, mark: str, number: int) -> str:
    host = client.create_host_config(
        cap_drop=["ALL"], read_only=True, security_opt=["no-new-privileges:true"], network_mode="none"
    )
    made = client.create_container(
        image,
        ["/bin/busybox", "sleep", "3600"],
        name=f"meshguard-bench-{mark}-{number}",
        user="10001:10001",
        labels={LABEL: mark},
        environment={"SERVICE": f"service-{number}", "DB_PASSWORD": "not-a-real-one-but-long-enough"},
        host_config=host,
    )
    client.start(made["Id"])
    return str(made["Id"])
