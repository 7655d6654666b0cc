"""Where text goes: stdout, stderr and files."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from meshguard.errors import MeshGuardError, Mistake, Mistakes

if TYPE_CHECKING:
    from meshguard.results import Results

STDOUT = "-"


@dataclass(frozen=True)
class Output:
    """A report format and where it goes."""

    format: str
    path: str


def parse_outputs(texts: tuple[str, ...]) -> list[Output]:
    """FORMAT=PATH options, looked at before anything else happens.

    Raises:
        Mistakes: an unknown format, a path that cannot be written, or two reports at one place.
    """
    from meshguard.reports import FORMATS
    from meshguard.values import did_you_mean

    found: list[Output] = []
    mistakes: list[Mistake] = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or not path:
            mistakes.append(Mistake("--output", f"{text!r} is not FORMAT=PATH", "such as html=report.html"))
        elif name not in FORMATS:
            hint = did_you_mean(name, FORMATS, otherwise=f"formats: {', '.join(FORMATS)}")
            mistakes.append(Mistake("--output", f"unknown format {name!r}", hint))
        elif any(path == other.path for other in found):
            mistakes.append(Mistake("--output", f"two reports would go to {path}"))
        else:
            mistakes += _unwritable(path)
            found.append(Output(name, path))
    if mistakes:
        raise Mistakes(mistakes)
    return found


def _unwritable(path: str) -> list[Mistake]:
    if path == STDOUT:
        return []
    place = Path(path)
    if place.is_dir():
        return [Mistake("--output", f"{path} is a folder", "name a file in it")]
    folder = place.parent
    if not folder.is_dir():
        return [Mistake("--output", f"there is no folder {folder}", "make it first")]
    if not os.access(folder, os.W_OK):
        return [Mistake("--output", f"nothing can be written into {folder}")]
    return []


def write_reports(results: Results, outputs: list[Output], *, verbose: bool) -> list[str]:
    """Write every report; what could not be written comes back as sentences, and the others are kept."""
    from meshguard.reports import render

    problems = []
    for output in outputs:
        text = render(output.format, results, verbose=verbose)
        try:
            if output.path == STDOUT:
                emit(text)
            else:
                write_file(Path(output.path), text)
        except OSError as fault:
            problems.append(f"the {output.format} report was not written to {output.path}: {fault.strerror}")
    return problems


def write_file(path: Path, text: str) -> None:
    """Write the whole file or leave the old one: to a neighbour first, then renamed."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")  # a pipe or a device
        return
    mask = os.umask(0)
    os.umask(mask)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def emit(text: str) -> None:
    """Text to stdout; a reader that has gone away is no fault of the audit."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        drop_stdout()


def drop_stdout() -> None:
    """Send what is still to come nowhere, so that the interpreter's last flush finds no broken pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def note(text: str) -> None:
    """A line to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def show_mistakes(fault: MeshGuardError) -> None:
    """Every mistake on a line of its own, with what to do beneath it."""
    count = len(fault.mistakes)
    note(f"meshguard: {count} mistake{'s' if count != 1 else ''}; nothing was audited")
    for mistake in fault.mistakes:
        where = f"{mistake.where}: " if mistake.where else ""
        note(f"  {where}{mistake.what}")
        if mistake.fix:
            note(f"      {mistake.fix}")
