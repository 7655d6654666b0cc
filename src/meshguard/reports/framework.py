"""The picture of an audit by the requirements of one framework."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from meshguard.frameworks import NOT_COVERED, load_catalogue, picture
from meshguard.reports.text_style import STATUS_STYLE, console_to, plain

if TYPE_CHECKING:
    from meshguard.frameworks import Requirement
    from meshguard.results import Results

STATES = ("satisfied", "not satisfied", "undetermined", "waived", "not applicable", NOT_COVERED)


def render_framework(results: Results, framework: str, *, width: int = 100, color: bool = False) -> str:
    """Requirement, state and controls, then the counts; every requirement is there, also what no control stands for.

    Raises:
        MeshGuardError: no framework is named so.
    """
    catalogue = load_catalogue()
    buffer = io.StringIO()
    console = console_to(buffer, width=width, color=color)
    for name, version in catalogue.select(framework):
        found = picture(results.controls, catalogue, [(name, version)])
        console.print(Text(f"{name} {version}", style="bold"))
        console.print(_table(found))
        console.print(_counts(found))
        console.print(Text(f"Source of the list: {plain(catalogue.sources[name][version])}", style="dim"))
        console.print()
    if results.scope.kind == "reduced":
        console.print(
            Text(f"The audit's scope was reduced by {plain(' '.join(results.scope.narrowed_by))}", style="yellow")
        )
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _table(found: list[Requirement]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for heading, ratio in (("requirement", 0), ("state", 0), ("what it asks", 3), ("controls", 3)):
        table.add_column(heading, ratio=ratio or None, overflow="fold", no_wrap=not ratio)
    for one in found:
        style = STATUS_STYLE[one.status] if one.status is not None else "dim"
        table.add_row(one.id, Text(one.state, style=style), plain(one.title), ", ".join(one.controls))
    return table


def _counts(found: list[Requirement]) -> Text:
    counts = Counter(one.state for one in found)
    parts = [f"{counts[state]} {state}" for state in STATES if counts[state] or state == NOT_COVERED]
    return Text(f"{len(found)} requirements: {', '.join(parts)}")
