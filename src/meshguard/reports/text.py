"""The report that a person reads first.

A line of verdict and scope, what fails by priority with resource, got, wanted and fix, then what is undetermined and
what would settle it, then counts; what passes only when asked. Foreign text is never read as markup.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from meshguard.profile import PRIORITIES
from meshguard.results import Status
from meshguard.values import printable
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from meshguard.results import ControlResult, Finding, Results

MAX_RESOURCES = 6
"""Resources shown for one sentence of one check, unless verbose."""
MAX_TEXT = 300

STATUS_STYLE = {
    Status.SATISFIED: "green",
    Status.NOT_SATISFIED: "bold red",
    Status.UNDETERMINED: "bold yellow",
    Status.WAIVED: "cyan",
    Status.NOT_APPLICABLE: "dim",
}
_PRIORITY = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}
_OPEN_OUTCOMES = (Outcome.ERROR, Outcome.NOT_CHECKED)


def plain(text: object, limit: int = MAX_TEXT) -> str:
    """One printable line, cut where it is long."""
    line = printable(text)
    return line if len(line) <= limit else f"{line[: limit - 1]}… ({len(line)} characters)"


def render(results: Results, *, verbose: bool = False, width: int = 100) -> str:
    """The report without colours, at most `width` columns wide."""
    return _render(results, width=width, color=False, quiet=False, verbose=verbose)


def render_for_terminal(results: Results, *, quiet: bool, verbose: bool, color: bool) -> str:
    """The report for stdout as it is: its width, and colours only on a terminal where NO_COLOR is not set."""
    columns = shutil.get_terminal_size((100, 24)).columns
    width = max(40, min(columns, 140))
    return _render(results, width=width, color=colored(wanted=color), quiet=quiet, verbose=verbose)


def colored(*, wanted: bool) -> bool:
    """Whether stdout is to have colours: wanted, a terminal that knows them, and NO_COLOR not set."""
    return wanted and "NO_COLOR" not in os.environ and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _render(results: Results, *, width: int, color: bool, quiet: bool, verbose: bool) -> str:
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    console.print(_verdict(results))
    if not quiet:
        _body(console, results, verbose=verbose)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _verdict(results: Results) -> Text:
    gate = results.gate
    word, style = {0: ("OPEN", "bold green"), 1: ("CLOSED", "bold red")}.get(
        gate.exit_code, ("UNDETERMINED", "bold yellow")
    )
    scope = "a reduced scope" if results.scope.kind == "reduced" else "full scope"
    if results.scope.phase:
        scope += f", phase {results.scope.phase}"
    line = Text.assemble((word, style), f" for {scope}: {plain(gate.reason)} (exit {gate.exit_code})")
    if results.scope.kind == "reduced":
        line.append(f"\nScope reduced by {plain(' '.join(results.scope.narrowed_by))}", style="yellow")
    if results.complete is not True:
        line.append(f"\nINCOMPLETE: {plain(results.complete)}", style="bold yellow")
    return line


def _body(console: Console, results: Results, *, verbose: bool) -> None:
    profiles = ", ".join(f"{p.name} {p.version}" for p in results.profiles)
    console.print(
        Text(f"{plain(results.deployment.name)} against {plain(profiles)}, {plain(results.run.started)}", style="dim")
    )
    for note in results.notes:
        console.print(Text(f"Note: {plain(note)}", style="yellow"))
    _section(console, results, "Not satisfied", Status.NOT_SATISFIED, verbose=verbose)
    _section(console, results, "Undetermined, and what would settle it", Status.UNDETERMINED, verbose=verbose)
    if verbose:
        _section(console, results, "Satisfied", Status.SATISFIED, verbose=True)
    _section(console, results, "Not applicable, as declared", Status.NOT_APPLICABLE, verbose=verbose)
    console.print()
    console.print(_counts(results))


def _section(console: Console, results: Results, title: str, status: Status, *, verbose: bool) -> None:
    controls = [control for control in results.controls if control.status is status]
    if not controls:
        return
    console.print()
    console.print(Text(title, style=STATUS_STYLE[status]))
    for control in sorted(controls, key=lambda control: PRIORITIES.index(control.priority)):
        console.print()
        console.print(_heading(control))
        for block in _blocks(results, control, verbose=verbose):
            console.print(Padding(block, (0, 0, 0, 2)))


def _heading(control: ControlResult) -> Text:
    text = Text.assemble((control.priority.upper(), _PRIORITY[control.priority]), "  ", (plain(control.id), "bold"))
    return text.append(f"  {plain(control.title)}")


def _blocks(results: Results, control: ControlResult, *, verbose: bool) -> list[Text | Table]:
    if control.status is Status.NOT_APPLICABLE:
        return [Text(f"{plain(control.reason)} ({plain(control.declared)})")]
    shown = [
        finding for finding in results.of(control.id) if verbose or finding.outcome in (Outcome.FAIL, *_OPEN_OUTCOMES)
    ]
    if not shown:
        return [Text(plain(control.reason))]
    blocks: list[Text | Table] = []
    for _, found in groupby(shown, key=lambda finding: (finding.check, finding.target, finding.message, finding.fix)):
        blocks += _block(list(found), verbose=verbose)
    return blocks


def _block(findings: list[Finding], *, verbose: bool) -> list[Text | Table]:
    """Resources of which the same is said, what is said, and what to do."""
    first = findings[0]
    resources = [plain(finding.resource, 60) for finding in findings if finding.resource != "-"]
    shown = resources if verbose else resources[:MAX_RESOURCES]
    more = f" and {len(resources) - len(shown)} more" if len(resources) > len(shown) else ""
    mark, style = {
        Outcome.FAIL: ("✗", "red"),
        Outcome.PASS: ("✓", "green"),
        Outcome.NOT_APPLICABLE: ("–", "dim"),
    }.get(first.outcome, ("?", "yellow"))
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    where = Text(f"{plain(first.check)} on {plain(first.target)}", style="dim")
    if shown:
        where.append(f"  {', '.join(shown)}{more}", style="not dim")
    table.add_row(Text(mark, style=style), where)
    table.add_row("", Text(plain(first.message)))
    if first.outcome is Outcome.FAIL and first.got is not None and plain(first.got) not in first.message:
        table.add_row("", Text(f"got {plain(first.got)}, wanted {plain(first.want)}"))
    if first.fix:
        table.add_row("", Text.assemble(("→ ", "bold"), plain(first.fix, 600)))
    return [table]


def _counts(results: Results) -> Text:
    coverage = results.coverage
    text = Text(f"{coverage.controls} controls: ")
    for status, count in (
        (Status.SATISFIED, coverage.satisfied),
        (Status.NOT_SATISFIED, coverage.not_satisfied),
        (Status.UNDETERMINED, coverage.undetermined),
        (Status.WAIVED, coverage.waived),
        (Status.NOT_APPLICABLE, coverage.not_applicable),
    ):
        if count or status in (Status.SATISFIED, Status.NOT_SATISFIED, Status.UNDETERMINED):
            text.append(f"{count} {status.value.replace('-', ' ')}", style=STATUS_STYLE[status] if count else "dim")
            text.append(", ")
    text.right_crop(2)
    if results.score is not None:
        text.append(f"; score {results.score * 100:.1f} %")
    return text
