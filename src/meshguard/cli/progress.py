"""Progress on stderr: a bar on a terminal, a line now and then in CI, nothing when quiet."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from meshguard.cli.output import note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshguard.audit import Progress

LINE_EVERY_S = 5.0


@contextmanager
def make_progress(*, quiet: bool) -> Iterator[Progress]:
    """What the audit tells its progress to."""
    if quiet:
        yield lambda _done, _all, _what: None
    elif sys.stderr.isatty() and not os.environ.get("CI"):
        with _bar() as progress:
            yield progress
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("auditing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, known, what: bar.update(task, completed=done, total=known, description=what)


def _lines() -> Progress:
    last = time.monotonic()

    def tell(done: int, known: int, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LINE_EVERY_S:
            last = now
            note(f"meshguard: {done} of {known} verdicts, last {what}")

    return tell
