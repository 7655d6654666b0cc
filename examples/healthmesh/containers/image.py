"""The image: the host's static busybox, a user, one page; built from scratch, with no registry."""

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from docker import DockerClient

from examples.healthmesh.defect import Mistake

from .spec import BUSYBOX, WEB_PORT

DOCKERFILE = f"""\
FROM scratch
COPY busybox {BUSYBOX}
COPY passwd group /etc/
COPY health /www/health
EXPOSE {WEB_PORT}
USER 10001
HEALTHCHECK --interval=10s --timeout=3s CMD ["{BUSYBOX}", "test", "-w", "/tmp"]
CMD ["{BUSYBOX}", "httpd", "-f", "-p", "{WEB_PORT}", "-h", "/www"]
"""
# `maintainer` is there for the defect that runs as it.
PASSWD = "root:x:0:0::/:/bin/false\nmesh:x:10001:10001::/:/bin/false\nmaintainer:x:0:0::/:/bin/false\n"
TRIES = 3
GROUP = "root:x:0:\nmesh:x:10001:\n"


def build(client: DockerClient, tag: str, labels: dict[str, str]) -> None:
    """Build the image under this tag; again where somebody else's clean-up took a layer away meanwhile."""
    for left in reversed(range(TRIES)):
        fault = _built(client, tag, labels)
        if not fault:
            return
        if not left or "unknown parent image" not in fault:
            raise Mistake(f"the image could not be built: {fault}")


def _built(client: DockerClient, tag: str, labels: dict[str, str]) -> str:
    """The engine's complaint, or nothing."""
    for step in client.api.build(
        fileobj=_context(_busybox()),
        custom_context=True,
        tag=tag,
        labels=labels,
        rm=True,
        forcerm=True,
        decode=True,
    ):
        if "error" in step:
            return str(step["error"]).strip()
    return ""


def _context(busybox: bytes) -> io.BytesIO:
    files = {"Dockerfile": DOCKERFILE, "passwd": PASSWD, "group": GROUP, "health": "ok\n"}
    contents = {name: text.encode() for name, text in files.items()} | {"busybox": busybox}
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, content in contents.items():
            # One fixed time and owner: the same context, and so the same layers, at every start.
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755 if name == "busybox" else 0o644
            tar.addfile(entry, io.BytesIO(content))
    context.seek(0)
    return context


def _busybox() -> bytes:
    path = Path(BUSYBOX)
    if not path.exists() and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "busybox-static"], check=False, stdout=subprocess.DEVNULL)
    if not path.exists():
        raise Mistake(f"the image is made of {BUSYBOX}, which this host lacks; install busybox-static")
    content = path.read_bytes()
    if b"/ld-" in content[:4096]:  # the interpreter's path: a dynamic program
        raise Mistake(f"{BUSYBOX} needs shared libraries, which an image from scratch lacks; install busybox-static")
    return content
