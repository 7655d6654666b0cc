"""The command line: parse, call, print.

Nothing heavy is imported here or in `app`: `--help` and `--version` cost what Typer costs.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

from meshguard.errors import Stopped


def main() -> None:
    """Entry point of the `meshguard` command; every way out is an exit code that the README lists."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stopped_early)
    _ready_streams()
    from meshguard.cli.app import app
    from meshguard.errors import MeshGuardError

    try:
        app(prog_name="meshguard")
    except MeshGuardError as fault:
        from meshguard.cli.output import show_mistakes

        show_mistakes(fault)
        sys.exit(2)
    except Exception as fault:  # noqa: BLE001 - the last resort: a place to report and no text that may hold a secret
        from meshguard.cli.output import note
        from meshguard.evidence import place_of

        note(f"meshguard failed: {place_of(fault)}\nThis is a fault of MeshGuard; please report it.")
        sys.exit(70)


def _stopped_early(number: int, _frame: object) -> NoReturn:
    """What a signal does until an audit runs, which takes it over. It imports nothing: an import may be under way."""
    with suppress(OSError):
        os.write(2, f"meshguard: stopped by {signal.Signals(number).name}; nothing was audited\n".encode())
    raise Stopped


def _ready_streams() -> None:
    """Make any output writable: UTF-8 whatever the locale says, and nowhere where a stream was closed."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass  # a file opened later must not become stdout
        os.close(descriptor)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
