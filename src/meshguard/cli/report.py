"""`meshguard report`: a JSON result, rendered again."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from meshguard.cli.output import emit, parse_outputs, settle, show_report, write_reports
from meshguard.errors import MeshGuardError
from meshguard.gate import decide
from meshguard.results import SCHEMA, Results

MAX_BYTES = 200_000_000
"""What is longer is cut off, and so no JSON."""


def render_again(path: Path, outputs: tuple[str, ...], *, verbose: bool, no_color: bool) -> int:
    """Render the result at `path`; the exit code is the one that it holds."""
    wanted = parse_outputs(outputs)
    results = load_results(path)
    if wanted:
        problems = write_reports(results, wanted, verbose=verbose)
    else:
        problems = show_report(results, quiet=False, verbose=verbose, color=not no_color)
    return settle(results, problems)


def show_framework(path: Path, framework: str, *, color: bool) -> int:
    """Print the picture by the requirements of one framework; the exit code is the result's own."""
    import shutil

    from meshguard.reports.framework import render_framework
    from meshguard.reports.text import colored

    results = load_results(path)
    width = max(60, min(shutil.get_terminal_size((110, 24)).columns, 160))
    emit(render_framework(results, framework, width=width, color=colored(wanted=color)))
    return results.gate.exit_code


def load_results(path: Path) -> Results:
    """A JSON result.

    Raises:
        MeshGuardError: it cannot be read or is no result of this schema.
    """
    try:
        with path.open("rb") as file:
            results = Results.model_validate_json(file.read(MAX_BYTES))
    except OSError as fault:
        raise MeshGuardError(f"cannot be read: {fault.strerror}", where=str(path)) from None
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        raise MeshGuardError(f"no JSON result of schema {SCHEMA}: {at}: {first['msg']}", where=str(path)) from None
    gate = results.gate
    again = decide(results.controls, fail_on=gate.fail_on, complete=results.complete, advisory=gate.advisory)
    if again != gate:
        raise MeshGuardError(
            f"its gate does not follow from its controls: it says exit {gate.exit_code}, they say {again.exit_code}",
            where=str(path),
            fix="the file was changed after the audit wrote it; audit again, or replay the evidence",
        )
    return results
