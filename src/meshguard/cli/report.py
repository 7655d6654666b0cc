"""`meshguard report`: a JSON result, rendered again."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from meshguard.cli.output import emit, note, parse_outputs, write_reports
from meshguard.errors import MeshGuardError
from meshguard.results import SCHEMA, Results


def render_again(path: Path, outputs: tuple[str, ...], *, verbose: bool, no_color: bool) -> int:
    """Render the result at `path`; the exit code is the one that it holds."""
    wanted = parse_outputs(outputs)
    results = load_results(path)
    if not wanted:
        from meshguard.reports.text import render_for_terminal

        emit(render_for_terminal(results, quiet=False, verbose=verbose, color=not no_color))
    for problem in write_reports(results, wanted, verbose=verbose):
        note(f"meshguard: {problem}")
    return results.gate.exit_code


def load_results(path: Path) -> Results:
    """A JSON result.

    Raises:
        MeshGuardError: it cannot be read or is no result of this schema.
    """
    try:
        return Results.model_validate_json(path.read_bytes())
    except OSError as fault:
        raise MeshGuardError(f"cannot be read: {fault.strerror}", where=str(path)) from None
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        raise MeshGuardError(f"no JSON result of schema {SCHEMA}: {at}: {first['msg']}", where=str(path)) from None
