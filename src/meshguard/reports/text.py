"""The report that a person reads first.

A line of verdict and scope, what fails by priority with resource, got, wanted and fix, then what is undetermined and
what would settle it, the guide's checklists, waivers and declarations, what the records say ends next, then counts;
what passes only when asked. Foreign text is never read as markup.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from typing import TYPE_CHECKING

from rich.text import Text

from meshguard.reports import text_lists as lists
from meshguard.reports.groups import ranked, undetermined
from meshguard.reports.text_controls import show_control
from meshguard.reports.text_style import STATUS_STYLE, console_to, count, hang, percent, plain, title, words
from meshguard.results import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from meshguard.results import ControlResult, Finding, Results

__all__ = ["STATUS_STYLE", "colored", "plain", "render", "render_for_terminal"]


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
    console = console_to(buffer, width=width, color=color)
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
    of: dict[str, list[Finding]] = {}
    for finding in results.findings:
        of.setdefault(finding.control, []).append(finding)
    by_status = {status: [c for c in results.controls if c.status is status] for status in Status}
    _show_failing(console, by_status[Status.NOT_SATISFIED], of, verbose=verbose)
    _show_undetermined(console, results, of, verbose=verbose)
    _show(console, "Waived: accepted failures, which are no passes", by_status[Status.WAIVED], of, verbose=verbose)
    if verbose:
        _show(console, "Satisfied", by_status[Status.SATISFIED], of, verbose=True)
    lists.show_not_applicable(console, results, by_status[Status.NOT_APPLICABLE], verbose=verbose)
    lists.show_checklists(console, results, verbose=verbose)
    lists.show_decisions(console, results)
    lists.show_next_days(console, results, verbose=verbose)
    console.print()
    console.print(_counts(results))
    console.print(_score(results, verbose=verbose))


def _show(
    console: Console, name: str, controls: Iterable[ControlResult], of: dict[str, list[Finding]], *, verbose: bool
) -> None:
    chosen = ranked(controls)
    if not chosen:
        return
    title(console, name, STATUS_STYLE[chosen[0].status])
    for control in chosen:
        show_control(console, control, of.get(control.id, []), verbose=verbose)


def _show_failing(
    console: Console, controls: list[ControlResult], of: dict[str, list[Finding]], *, verbose: bool
) -> None:
    """What fails; what only follows from it in one line each."""
    own = [control for control in controls if of.get(control.id) or not control.requires]
    _show(console, "Not satisfied", own, of, verbose=verbose)
    following = ranked(control for control in controls if control not in own)
    if not following:
        return
    title(
        console,
        f"Not satisfied, because {'it requires' if len(following) == 1 else 'they require'} others that are not",
        "red",
    )
    for control in following:
        said = Text.assemble((plain(control.id), "bold"), f": {plain(control.reason)}")
        hang(console, Text("✗", style="red"), said)


def _show_undetermined(console: Console, results: Results, of: dict[str, list[Finding]], *, verbose: bool) -> None:
    single, groups = undetermined(results)
    name = "Undetermined, and what would settle it"
    if not single and not groups:
        return
    title(console, name, STATUS_STYLE[Status.UNDETERMINED])
    for group in (group for group in groups if group.kind == "cause"):
        lists.show_group(console, group, verbose=verbose)
    for control in single:
        show_control(console, control, of.get(control.id, []), verbose=verbose)
    for group in (group for group in groups if group.kind != "cause"):
        lists.show_group(console, group, verbose=verbose)


def _counts(results: Results) -> Text:
    coverage = results.coverage
    text = Text(f"{count(coverage.controls, 'control')}: ")
    for status, number in (
        (Status.SATISFIED, coverage.satisfied),
        (Status.NOT_SATISFIED, coverage.not_satisfied),
        (Status.UNDETERMINED, coverage.undetermined),
        (Status.WAIVED, coverage.waived),
        (Status.NOT_APPLICABLE, coverage.not_applicable),
    ):
        if number or status in (Status.SATISFIED, Status.NOT_SATISFIED, Status.UNDETERMINED):
            text.append(f"{number} {words(status)}", style=STATUS_STYLE[status] if number else "dim")
            text.append(", ")
    text.right_crop(2)
    if pulled := sum(control.pulled_in for control in results.controls):
        text.append(f"; {pulled} out of scope judged for others")
    if known := sum(control.known for control in results.controls):
        text.append(f"; {known} known from the baseline")
    return text


def _score(results: Results, *, verbose: bool) -> Text:
    """The score with what share it can speak of: a low one of little that is known says little."""
    if results.score is not None:
        text = Text(f"score {percent(results.score)}", style="bold")
    elif results.complete is not True:
        text = Text("no score: the audit is incomplete", style="bold")
    elif results.scope.kind == "reduced":
        text = Text("no score: the scope is reduced", style="bold")
    else:
        text = Text("no score: nothing counts", style="bold")
    text.append(f", {percent(results.coverage.determined)} determined", style="not bold")
    if verbose and results.score_formula:
        text.append(f"\nscore: {plain(results.score_formula)}", style="not bold dim")
        text.append("\ndetermined: share of the controls that are not undetermined", style="not bold dim")
    return text
