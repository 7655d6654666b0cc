"""`meshguard diff` and `meshguard baseline`: results held against each other."""

from __future__ import annotations

import datetime
from pathlib import Path

from meshguard.cli.output import emit, write_file
from meshguard.cli.report import load_results
from meshguard.compare import became_worse, compare
from meshguard.errors import MeshGuardError
from meshguard.reports.diff import render_diff
from meshguard.results import Results
from meshguard.verdict import Outcome


def show_diff(before: Path, after: Path, *, by_resource: bool) -> int:
    """Print what changed; 1 where something is worse, or new and failing, else 0."""
    old, new = load_results(before), load_results(after)
    changes = compare(old, new, by_resource=by_resource)
    emit(render_diff(old, new, changes))
    return 1 if became_worse(changes) else 0


def make_baseline(results: Path, until: str, output: Path) -> None:
    """Write a result as a baseline, with the day from which its failures count again.

    Raises:
        MeshGuardError: no date, a date that is over, or a result that is not whole.
    """
    found = load_results(results)
    try:
        day = datetime.date.fromisoformat(until)
    except ValueError:
        raise MeshGuardError(f"{until!r} is no date", where="--until", fix="write it as 2027-01-31") from None
    if day <= datetime.datetime.now(datetime.UTC).date():
        raise MeshGuardError(f"{day} is over", where="--until", fix="name a day to come")
    if found.complete is not True:
        raise MeshGuardError(f"the audit was incomplete: {found.complete}", where=str(results), fix="audit again")
    write_file(output, found.model_copy(update={"baseline_until": day}).json_text())
    failing = sum(finding.outcome is Outcome.FAIL for finding in found.findings)
    emit(f"{output}: {failing} known failures, which count again from {day}\n")


def load_baseline(path: Path, deployment: str, today: datetime.date) -> tuple[Results, dict[str, str]]:
    """A baseline, and the ids of what failed in it with the day since when.

    Raises:
        MeshGuardError: it is no baseline (no date from which it counts no more), or one of another deployment.
    """
    found = load_results(path)
    if found.baseline_until is None:
        raise MeshGuardError(
            "this result is no baseline: it does not say until when it holds",
            where=str(path),
            fix="make one with `meshguard baseline RESULT --until DATE`",
        )
    if found.deployment.name != deployment:
        raise MeshGuardError(f"this baseline is of {found.deployment.name!r}, not of {deployment!r}", where=str(path))
    if found.baseline_until <= today:
        return found, {}
    since = found.run.started[:10]
    return found, {f.id: f.known_since or since for f in found.findings if f.outcome is Outcome.FAIL}
