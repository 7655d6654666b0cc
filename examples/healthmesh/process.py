"""One detached process, known by its id and the moment it started, so that no other is ever ended for it."""

import os
import signal
import sys
import time
from pathlib import Path

GRACE_S = 5.0


def spawn(arguments: list[str], *, log: Path, pid_file: Path) -> None:
    """Start a Python program in a session of its own; what it prints goes to the log."""
    to_log = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, *arguments],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), to_log, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    pid_file.write_text(f"{pid} {_started(pid)}\n")


def running(pid_file: Path) -> int | None:
    """The process's id while it runs, else None."""
    try:
        pid, started = pid_file.read_text().split()
    except FileNotFoundError:
        return None
    _reap(int(pid))
    return int(pid) if _started(int(pid)) == started else None


def end(pid_file: Path) -> bool:
    """End the process, politely first; whether there was one."""
    pid = running(pid_file)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        if not _gone(pid_file):
            os.kill(pid, signal.SIGKILL)
            _gone(pid_file)
    pid_file.unlink(missing_ok=True)
    return pid is not None


def _gone(pid_file: Path) -> bool:
    deadline = time.monotonic() + GRACE_S
    while running(pid_file) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _reap(pid: int) -> None:
    """Take the exit status of a child of ours; a process of another parent is not ours to reap."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _started(pid: int) -> str | None:
    """The start time in clock ticks (proc_pid_stat(5), field 22), or None when it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]
