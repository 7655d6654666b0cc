"""One instance of the example: started, asked and stopped by its state folder."""

import contextlib
import http.client
import json
import shutil
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import deployment, process, record, secret
from .choice import Choice, Mode, choose
from .containers import engine
from .defect import Mistake, altered
from .deployment import Address
from .files import State
from .record import Record
from .service import pki
from .service.settings import Settings

SCRIPT = Path(__file__).with_name("healthmesh.py")
ANSWERS_WITHIN_S = 30.0
DEFAULT_PROJECT = "health-mesh"


@dataclass(frozen=True, slots=True)
class Running:
    """A started instance. As a context manager it stops at the end."""

    project: str
    state: Path
    url: str
    http_url: str
    ca: Path
    deployment: Path
    guide: Path
    """The deployment file that holds the same targets against the whole guide."""
    defects: tuple[str, ...]
    containers: dict[str, str]
    """The state of each container, by service."""
    no_containers: str | None
    """Why there are none."""
    cloud: str | None = None
    """Where the account of the cloud answers; None: there is none."""

    def stop(self) -> list[str]:
        """End the service and remove the containers."""
        return stop(self.state)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    state: Path,
    *,
    mode: Mode = "hardened",
    defects: Sequence[str] = (),
    project: str = DEFAULT_PROJECT,
    containers: bool = True,
    cloud: bool = False,
    source: bool = False,
) -> Running:
    """Start the service; where an engine answers, the containers; with `cloud` and `source` what these are.

    All or nothing.
    """
    chosen = choose(mode, defects, containers=containers, cloud=cloud, source=source)
    files = State(state.resolve())
    files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if record.load(files.instance) is not None:
        raise Mistake(f"an instance was started in {files.folder} already: stop it first")
    with contextlib.ExitStack() as undo:
        undo.callback(stop, files.folder)
        kept = Record(project, chosen.names, no_containers="they were not wanted")
        ports = _start_service(files, kept, altered(Settings(), chosen.web))
        if containers:
            kept = _start_containers(files, kept, chosen)
        aws = _start_cloud(files, chosen) if cloud else None
        repository = _start_source(files, chosen) if source else {}
        deployment.write(files, chosen, Address(project, ports["https"], ports["http"], kept.engine, aws, repository))
        undo.pop_all()
    return _running(files, kept)


def status(state: Path) -> Running | None:
    """The instance of this state folder, or None when its service does not run."""
    files = State(state.resolve())
    kept = record.load(files.instance)
    if kept is None or process.running(files.pid) is None or not files.ports.exists():
        return None
    return _running(files, kept)


def stop(state: Path) -> list[str]:
    """End this folder's service and remove its containers; what was there. Twice is no mistake."""
    files = State(state.resolve())
    kept = record.load(files.instance)
    ended = ["service"] if process.end(files.pid) else []
    ended += ["repository"] if process.end(files.github / "github.pid") else []
    ended += ["cloud"] if process.end(files.cloud / "cloud.pid") else []
    files.ports.unlink(missing_ok=True)
    if kept is not None and kept.engine is not None:
        try:
            with engine.connected(kept.engine) as client:
                ended += engine.Fleet(client, kept.project, str(files.folder)).remove()
        except engine.NoEngine as reason:
            raise Mistake(f"the service is stopped, its containers are not: {reason}") from reason
    files.instance.unlink(missing_ok=True)
    return ended


def _start_service(files: State, kept: Record, settings: Settings) -> dict[str, int]:
    pki.make(files, left=settings.certificate_left)
    secret.make(files.secrets)
    kept.write(files.instance)
    files.ports.unlink(missing_ok=True)
    process.spawn([str(SCRIPT), "serve", "--state", str(files.folder)], log=files.log, pid_file=files.pid)
    return _answering(files)


def _answering(files: State) -> dict[str, int]:
    """The service's ports, once it answers on https."""
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while time.monotonic() < deadline and process.running(files.pid) is not None:
        if files.ports.exists():
            ports: dict[str, int] = json.loads(files.ports.read_text())
            with contextlib.suppress(OSError):
                _ask(ports["https"], files.ca)
                return ports
        time.sleep(0.02)
    last_lines = "\n".join(files.log.read_text().splitlines()[-10:])
    raise Mistake(f"the service did not come up; the end of {files.log}:\n{last_lines}")


def _ask(port: int, ca: Path) -> None:
    context = ssl.create_default_context(cafile=str(ca))
    connection = http.client.HTTPSConnection("localhost", port, timeout=5, context=context)
    with contextlib.closing(connection):
        connection.request("GET", "/health")
        connection.getresponse().read()


def _start_containers(files: State, kept: Record, chosen: Choice) -> Record:
    """Start them, or remember why there are none."""
    host = engine.host()
    try:
        with engine.connected(host) as client:
            # Written first: whatever goes wrong from here on, `stop` knows where to look.
            kept = replace(kept, engine=host, no_containers=None)
            kept.write(files.instance)
            fleet = engine.Fleet(client, kept.project, str(files.folder))
            fleet.start(chosen.specs(), secret.load(files.secrets))
    except engine.NoEngine as reason:
        kept = replace(kept, no_containers=str(reason))
        kept.write(files.instance)
    return kept


def _start_cloud(files: State, chosen: Choice) -> dict[str, Any]:
    """Start the cloud, make the account and plant its defects; the target of it."""
    from .cloud import account, server
    from .cloud.builder import Cloud

    started = server.start(files.cloud)
    cloud = Cloud(started.endpoint)
    account.good(cloud)
    for defect in chosen.cloud:
        defect.plant(cloud)
    return account.settings(cloud, files.folder)


def _start_source(files: State, chosen: Choice) -> dict[str, list[dict[str, Any]]]:
    """Make the checkout, and start what answers as GitHub; the targets of both."""
    from .source import checkout

    for folder in (files.folder / "source", files.github):
        shutil.rmtree(folder, ignore_errors=True)
    files.github.mkdir()
    checkout.make(files.folder, chosen.source)
    ports = files.github / "ports.json"
    arguments = ["--state", str(files.folder / "github.json"), "--ports", str(ports)]
    log, pid = files.github / "github.log", files.github / "github.pid"
    process.spawn(["-c", _AS_GITHUB, str(ROOT), *arguments], log=log, pid_file=pid)
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while time.monotonic() < deadline and process.running(pid) is not None:
        if ports.exists() and (text := ports.read_text()):
            return checkout.targets(f"http://127.0.0.1:{json.loads(text)['http']}")
        time.sleep(0.02)
    raise Mistake(f"what answers as GitHub did not come up; see {log}")


ROOT = Path(__file__).resolve().parents[2]
_AS_GITHUB = """\
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
runpy.run_module("tests.stubs.github_api", run_name="__main__", alter_sys=True)
"""


def _running(files: State, kept: Record) -> Running:
    ports = json.loads(files.ports.read_text())
    states: dict[str, str] = {}
    if kept.engine is not None:
        with contextlib.suppress(engine.NoEngine), engine.connected(kept.engine) as client:
            states = engine.Fleet(client, kept.project, str(files.folder)).states()
    return Running(
        project=kept.project,
        state=files.folder,
        url=f"https://localhost:{ports['https']}",
        http_url=f"http://localhost:{ports['http']}",
        ca=files.ca,
        deployment=files.deployment,
        guide=files.guide,
        defects=kept.defects,
        containers=states,
        no_containers=kept.no_containers,
        cloud=_endpoint(files),
    )


def _endpoint(files: State) -> str | None:
    if process.running(files.cloud / "cloud.pid") is None:
        return None
    port = json.loads((files.cloud / "cloud.json").read_text())["http"]
    return f"http://127.0.0.1:{port}"
