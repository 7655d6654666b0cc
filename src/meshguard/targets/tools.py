"""Other people's scanners, run as plain processes: found, named with their version, held in, and never configured by
what they look at.

A tool gets a list of arguments and no shell, an environment of a few harmless variables, a neutral working folder and
home, a process group of its own that is killed at the deadline, and files for its output, so that a grandchild which
keeps a pipe open holds nothing up and output that has no end is cut off.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshguard.errors import NotObserved
from meshguard.target import in_thread

if TYPE_CHECKING:
    from subprocess import Popen

KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")  # fmt: skip
"""What of the environment a tool sees; tokens stand in all others."""
MAX_OUTPUT = 64_000_000
MAX_SAID = 2_000
POLL_S = 0.02
GRACE_S = 1.0
VERSION_DEADLINE_S = 20.0

_SECRET = re.compile(r"(?i)(://)[^/\s@]+@|((?:token|password|secret|key|auth\w*)[\"']?\s*[=:]\s*)\S+")


@dataclass(frozen=True)
class Tool:
    """One program, and how it says which version it is."""

    name: str
    version_arguments: tuple[str, ...] = ("--version",)
    version_pattern: str = r"(\d+\.\d+(?:\.\d+)?(?:[-+.]\w+)*)"
    advice: str = ""
    """How to get it; "install it" where nothing is said."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Versions that are not run, each with why."""


@dataclass(frozen=True)
class Found:
    """A tool on this machine."""

    tool: Tool
    path: Path
    version: str

    def __str__(self) -> str:
        """Name and version."""
        return f"{self.tool.name} {self.version}"


@dataclass(frozen=True)
class Done:
    """What came of one run."""

    code: int
    output: bytes
    said: str
    """The end of what it said beside its output, without what looks like a secret."""
    seconds: float

    def failure(self, found: Found, *, expected: Sequence[int]) -> str:
        """Why it is no usable answer: empty where its exit code is an expected one."""
        if self.code in expected:
            return ""
        tail = f": {self.said.splitlines()[-1]}" if self.said else ""
        return f"{found} ended with {self.code}{tail}"


async def find(tool: Tool, setting: str = "", *, sha256: str = "") -> Found:
    """The tool at the path that the deployment sets, else on PATH, with its version.

    Args:
        tool: which one.
        setting: a path; empty: the first on PATH.
        sha256: what the program's own bytes must hash to, where the deployment pins it.

    Raises:
        NotObserved: it is not there, is not the pinned one, says no version, or is a version that is refused.
    """
    return await in_thread(_find, tool, setting, sha256)


def _find(tool: Tool, setting: str, sha256: str) -> Found:
    path = setting or shutil.which(tool.name)
    if not path or not os.access(path, os.X_OK) or not Path(path).is_file():
        where = f"at {setting}" if setting else "on PATH"
        advice = tool.advice or "install it"
        raise NotObserved(f"{tool.name} is not there {where}", fix=f"{advice}, or name its path under `tools`")
    resolved = Path(path).resolve()
    if sha256 and (digest := _sha256(resolved)) != sha256.removeprefix("sha256:").lower():
        raise NotObserved(
            f"{resolved} is not the program that the deployment pins: its SHA-256 is {digest}",
            fix="see where it comes from, and correct the pin or the program",
        )
    done = _run(resolved, tool.version_arguments, Path("/"), {}, VERSION_DEADLINE_S, MAX_SAID * 10, threading.Event())
    match = re.search(tool.version_pattern, done.output.decode("utf-8", "replace") + "\n" + done.said)
    if match is None:
        raise NotObserved(f"{resolved} does not say its version", fix=f"see that it is {tool.name}")
    if reason := tool.refused.get(match[1]):
        raise NotObserved(f"{tool.name} {match[1]} is not run: {reason}", fix="replace it by another version")
    return Found(tool, resolved, match[1])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def run(
    found: Found,
    arguments: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    deadline_s: float,
    max_output: int = MAX_OUTPUT,
) -> Done:
    """Run a tool to its end.

    Args:
        found: the tool.
        arguments: its arguments; no shell reads them.
        folder: where it runs; a neutral, empty one unless given.
        environment: variables beside the few that are kept.
        deadline_s: seconds after which it and all that it started are killed.
        max_output: bytes of output after which it is killed.

    Raises:
        NotObserved: it could not be started, took too long, or wrote too much.
    """
    stop = threading.Event()
    try:
        return await in_thread(
            _run, found.path, tuple(arguments), folder, dict(environment or {}), deadline_s, max_output, stop
        )
    except asyncio.CancelledError:
        stop.set()  # the thread kills the tool: an audit that ends leaves nothing running
        raise


def _run(
    path: Path,
    arguments: tuple[str, ...],
    folder: Path | None,
    environment: dict[str, str],
    deadline_s: float,
    max_output: int,
    stop: threading.Event,
) -> Done:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="meshguard-tool-") as work:
        output, said = Path(work, "output"), Path(work, "said")
        neutral = Path(work, "home")
        neutral.mkdir()
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        given = {**kept, "HOME": str(neutral), "TMPDIR": work, **environment}
        with output.open("wb") as to_output, said.open("wb") as to_said:
            process = _start(path, arguments, folder or neutral, given, to_output, to_said)
            with _group(process):
                _wait(process, path.name, began + deadline_s, deadline_s, output, max_output, stop)
        return Done(process.returncode, output.read_bytes(), _tail(said), time.monotonic() - began)


def _start(
    path: Path, arguments: tuple[str, ...], folder: Path, environment: dict[str, str], output: Any, said: Any
) -> Popen[bytes]:
    from plumbum import local

    local.env.clear()  # plumbum adds its copy of the environment to what is given here; nothing else here uses it
    try:
        command: Any = local[str(path)][arguments]
        process: Popen[bytes] = command.popen(
            stdin=-3, stdout=output, stderr=said, cwd=str(folder), env=environment, start_new_session=True
        )
    except OSError as fault:
        raise NotObserved(
            f"{path} does not start: {fault.strerror or type(fault).__name__}", fix="see that it is a program"
        ) from None
    return process


@contextmanager
def _group(process: Popen[bytes]) -> Iterator[None]:
    """Whatever the process has started ends with it."""
    try:
        yield
    finally:
        _signal(process, signal.SIGTERM if process.poll() is None else signal.SIGKILL)
        ends = time.monotonic() + GRACE_S
        while process.poll() is None and time.monotonic() < ends:
            time.sleep(POLL_S)
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _wait(
    process: Popen[bytes],
    name: str,
    ends: float,
    deadline_s: float,
    output: Path,
    max_output: int,
    stop: threading.Event,
) -> None:
    while process.poll() is None:
        if stop.is_set():
            raise NotObserved(f"{name} was stopped with the audit")
        if time.monotonic() > ends:
            raise NotObserved(
                f"{name} did not end within {deadline_s:g} s, and was killed",
                fix="raise `fact_deadline` under `limits`",
            )
        if output.stat().st_size > max_output:
            raise NotObserved(
                f"{name} wrote more than {max_output} bytes, and was killed", fix="narrow what it looks at"
            )
        time.sleep(POLL_S)
    if output.stat().st_size > max_output:
        raise NotObserved(f"{name} wrote more than {max_output} bytes", fix="narrow what it looks at")


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4 * MAX_SAID))
        text = file.read().decode("utf-8", "replace")
    return _SECRET.sub(lambda match: f"{match[1] or match[2] or ''}[redacted]", text)[-MAX_SAID:].strip()
