"""Where text goes: stdout, stderr and files."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from meshguard.errors import MeshGuardError, Mistake, Mistakes
from meshguard.gate import OPEN, UNDETERMINED
from meshguard.values import did_you_mean, printable

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

    found: list[Output] = []
    mistakes: list[Mistake] = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or not path:
            mistakes.append(Mistake("--output", f"{text!r} is not FORMAT=PATH", "such as html=report.html"))
        elif name not in FORMATS:
            hint = did_you_mean(name, FORMATS, otherwise=f"formats: {', '.join(FORMATS)}")
            mistakes.append(Mistake("--output", f"unknown format {name!r}", hint))
        elif any(same_place(path, other.path) for other in found):
            mistakes.append(Mistake("--output", f"two reports would go to {path}"))
        else:
            mistakes += _unwritable(path)
            found.append(Output(name, path))
    if mistakes:
        raise Mistakes(mistakes)
    return found


def same_place(one: str | Path, other: str | Path) -> bool:
    """Whether two paths name one regular file; to pipes and devices much may go."""
    one, other = Path(one), Path(other)
    special = one.exists() and not one.is_file()
    return not special and os.path.realpath(one) == os.path.realpath(other)


def _unwritable(path: str) -> list[Mistake]:
    if path == STDOUT:
        return []
    place = Path(path)
    if place.is_dir():
        return [Mistake("--output", f"{path} is a folder", "name a file in it")]
    if place.exists() and not place.is_file():  # a pipe or a device
        return [] if os.access(place, os.W_OK) else [Mistake("--output", f"{path} cannot be written")]
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


def show_report(results: Results, *, quiet: bool, verbose: bool, color: bool) -> list[str]:
    """The text report on stdout, for whom it shows; why it could not be written, if so."""
    from meshguard.reports.text import render_for_terminal

    try:
        emit(render_for_terminal(results, quiet=quiet, verbose=verbose, color=color))
    except OSError as fault:
        return [f"the text report was not written to stdout: {fault.strerror}"]
    return []


def settle(results: Results, problems: list[str]) -> int:
    """The gate's exit code; a report that is wanted and missing does not end with 0."""
    for problem in problems:
        note(f"meshguard: {problem}")
    return results.gate.exit_code or (UNDETERMINED if problems else OPEN)


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
    except OSError:
        drop_stdout()
        raise


def drop_stdout() -> None:
    """Send what is still to come nowhere, so that the interpreter's last flush finds no broken pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def note(text: str) -> None:
    """A line to stderr; nobody reading it changes no exit code."""
    with suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def show_mistakes(fault: MeshGuardError) -> None:
    """Every mistake on a line of its own, with what to do beneath it."""
    count = len(fault.mistakes)
    note(f"meshguard: {count} mistake{'s' if count != 1 else ''}; nothing was audited")
    for mistake in fault.mistakes:
        where = f"{mistake.where}: " if mistake.where else ""
        note(printable(f"  {where}{mistake.what}"))
        if mistake.fix:
            note(printable(f"      {mistake.fix}"))
