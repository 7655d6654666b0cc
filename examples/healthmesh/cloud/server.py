"""The test cloud's process: `python examples/healthmesh/cloud/server.py --port 0 --ports FILE`, and how to start it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .control import Control

HOST = "127.0.0.1"
STARTS_WITHIN_S = 30.0
_ENVIRONMENT = {
    # What moto brings along is not what was seeded, and costs calls: a thousand snapshots of sample images.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "false",
    # No credentials but these, whatever the user's own are.
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass(frozen=True, slots=True)
class Cloud:
    """A started test cloud."""

    endpoint: str
    folder: Path

    @property
    def control(self) -> Control:
        """Its faults, answers and clock."""
        from .control import Control

        return Control(self.endpoint)

    def stop(self) -> bool:
        """End it; whether it ran."""
        from examples.healthmesh import process

        return process.end(self.folder / "cloud.pid")


def start(folder: Path) -> Cloud:
    """Start a test cloud whose log and ids are kept in a folder; it listens when this returns."""
    from examples.healthmesh import process

    folder.mkdir(parents=True, exist_ok=True)
    ports, log, pid = folder / "cloud.json", folder / "cloud.log", folder / "cloud.pid"
    ports.unlink(missing_ok=True)
    process.spawn([__file__, "--port", "0", "--ports", str(ports)], log=log, pid_file=pid)
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.running(pid) is not None:
        if ports.exists():
            return Cloud(f"http://{HOST}:{json.loads(ports.read_text())['http']}", folder)
        time.sleep(0.005)
    process.end(pid)
    raise RuntimeError(f"the test cloud did not start: {log.read_text()[-2000:]}")


@contextlib.contextmanager
def running(folder: Path | None = None) -> Iterator[Cloud]:
    """A test cloud for a `with` block; without a folder, one that is thrown away."""
    with contextlib.ExitStack() as undo:
        cloud = start(folder or Path(undo.enter_context(tempfile.TemporaryDirectory())))
        undo.callback(cloud.stop)
        yield cloud


def main(arguments: list[str] | None = None) -> None:
    """Listen, say where, and serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="cloud")
    parser.add_argument("--port", type=int, default=0, help="0 is any free one")
    parser.add_argument("--ports", type=Path, required=True, help="written when the server listens")
    said = parser.parse_args(arguments)
    listening = socket.create_server((HOST, said.port), backlog=128)
    _write(said.ports, {"http": listening.getsockname()[1]})
    # Only now, since it takes half a second: until it is done, connections wait in the socket's queue.
    os.environ.update(_ENVIRONMENT)
    from .front import Front
    from .wsgi import serve

    serve(Front(), listening)


def _write(file: Path, ports: dict[str, int]) -> None:
    """Whole or not at all, for someone waits for the file."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps(ports))
    part.replace(file)


def _by_path() -> None:
    """Run this file as part of a package of its own: importing `examples.healthmesh` would take 0.4 s longer."""
    del sys.path[0]  # This folder, whose requests.py would stand in for the library of that name.
    folder = Path(__file__).resolve().parent
    spec = util.spec_from_file_location(
        "healthmesh_cloud", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None:
        raise ImportError(str(folder))
    sys.modules[spec.name] = util.module_from_spec(spec)
    import_module(f"{spec.name}.server").main()


if __name__ == "__main__":
    if __package__:
        main()
    else:
        _by_path()
