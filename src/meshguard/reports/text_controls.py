"""A control in the text report: what is said of which resources, and what to do about it, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from meshguard.reports.groups import without_next_day
from meshguard.reports.text_style import PRIORITY_STYLE, count, hang, plain, say, some
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from meshguard.results import ControlResult, Finding

MAX_RESOURCES = 6
"""Resources shown for one sentence of one check, unless verbose."""
MAX_BLOCKS = 12
"""Sentences shown for one check, unless verbose."""
MAX_FIX = 600
MAX_RESOURCE = 200
"""What tells one resource from another often stands at its end, and a waiver needs all of it."""

OPEN = (Outcome.ERROR, Outcome.NOT_CHECKED)
_ORDER = {Outcome.FAIL: 0, Outcome.ERROR: 1, Outcome.NOT_CHECKED: 1, Outcome.PASS: 2, Outcome.NOT_APPLICABLE: 3}
_MARK = {Outcome.FAIL: ("✗", "red"), Outcome.PASS: ("✓", "green"), Outcome.NOT_APPLICABLE: ("–", "dim")}


def show_control(console: Console, control: ControlResult, findings: Sequence[Finding], *, verbose: bool) -> None:
    """Print its heading, then what was found by check and target: failures first, then what is undetermined."""
    console.print()
    console.print(_heading(control))
    shown = [f for f in findings if verbose or f.outcome in (Outcome.FAIL, *OPEN)]
    if not shown:
        say(console, Text(plain(control.reason)))
        return
    last = ""
    for fixes in _by_fix(shown):
        groups = _by_place(fixes)
        for place, found in groups.items():
            if place != last:
                say(console, Text(place, style="dim"))
            last = place
            _show_sentences(console, found, verbose=verbose)
        for fix in filter(None, fixes[0].fix.split("\n")):
            hang(console, Text("→", style="bold"), Text(plain(fix, MAX_FIX)), indent=4 if _many(shown) else 2)


def _heading(control: ControlResult) -> Text:
    text = Text.assemble(
        (control.priority.upper(), PRIORITY_STYLE[control.priority]), "  ", (plain(control.id), "bold")
    )
    text.append(f"  {plain(control.title)}")
    for mark in marks(control):
        text.append(f"  [{mark}]", style="dim")
    return text


def marks(control: ControlResult) -> list[str]:
    """What sets a control apart from others."""
    found = []
    if control.known:
        found.append("known from the baseline")
    if control.pulled_in:
        found.append("out of scope, required by another")
    if control.requires:
        found.append(f"follows from {count(len(control.requires), 'other control')}")
    return found


def _many(findings: Sequence[Finding]) -> bool:
    """Whether there are several remedies, so that each must stand with what it is for."""
    return len({finding.fix for finding in findings if finding.fix}) > 1


def _by_fix(findings: Sequence[Finding]) -> list[list[Finding]]:
    """The findings by outcome and remedy, what fails first: a remedy is said once for all that it mends."""
    groups: dict[tuple[int, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((_ORDER[finding.outcome], finding.fix), []).append(finding)
    # A failure that is accepted comes after those that are not.
    return [sorted(groups[key], key=_accepted) for key in sorted(groups, key=lambda key: key[0])]


def _accepted(finding: Finding) -> bool:
    return finding.waiver is not None


def _by_place(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        where = f" on {plain(finding.target)}" if finding.target != "-" else ""
        groups.setdefault(f"{plain(finding.check)}{where}", []).append(finding)
    return groups


def _show_sentences(console: Console, findings: Sequence[Finding], *, verbose: bool) -> None:
    """Each thing that is said, once, with all resources that it is said of."""
    groups: dict[tuple[Outcome, str, str | None, str, str], list[Finding]] = {}
    for finding in findings:
        key = (finding.outcome, finding.message, finding.waiver, finding.known_since, finding.inherited)
        groups.setdefault(key, []).append(finding)
    sentences = list(groups.values())
    shown = sentences if verbose or len(sentences) <= MAX_BLOCKS + 1 else sentences[:MAX_BLOCKS]
    for found in shown:
        _show_sentence(console, found, verbose=verbose)
    if left := sum(len(found) for found in sentences[len(shown) :]):
        say(console, Text(f"… and {count(left, 'more finding')}; --verbose shows all", style="dim"))


def _show_sentence(console: Console, findings: Sequence[Finding], *, verbose: bool) -> None:
    first = findings[0]
    mark, style = ("~", "cyan") if first.waiver is not None else _MARK.get(first.outcome, ("?", "yellow"))
    resources = [plain(finding.resource, MAX_RESOURCE) for finding in findings if finding.resource != "-"]
    text = Text()
    if resources:
        names = ", ".join(resources) if verbose else some(resources, MAX_RESOURCES)
        text.append(names, style="bold" if first.outcome is Outcome.FAIL else "").append(": ")
    text.append(plain(without_next_day(first)))
    if len(findings) == 1 or len({(str(f.got), str(f.want)) for f in findings}) == 1:
        text.append(_compared(first))
    if first.waiver is not None:
        text.append(f" (accepted by waiver {plain(first.waiver)})", style="cyan")
    if first.inherited:
        text.append(f" (inherited from {plain(first.inherited)})", style="cyan")
    if first.known_since:
        text.append(f" (known since {plain(first.known_since)})", style="cyan")
    hang(console, Text(mark, style=style), text)


def _compared(finding: Finding) -> str:
    """Got and wanted, where the sentence does not say it: never for a plain yes or no."""
    if finding.outcome is not Outcome.FAIL or isinstance(finding.got, bool) or isinstance(finding.want, bool):
        return ""
    parts = [("got", finding.got), ("wanted", finding.want)]
    said = [f"{word} {text}" for word, value in parts if value is not None and (text := plain(value))]
    missing = finding.got is not None and plain(finding.got) not in finding.message
    return f"; {', '.join(said)}" if missing else ""
