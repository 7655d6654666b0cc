"""The lists of the text report: what is undetermined by its reason, checklists, decisions, and what ends next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from meshguard.reports.groups import BOX, PENDING, checklists_of, needs, next_days
from meshguard.reports.text_style import PRIORITY_STYLE, STATUS_STYLE, count, hang, plain, say, some, title
from meshguard.results import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from meshguard.reports.groups import Checklist, Group
    from meshguard.results import ControlResult, Declaration, Results, WaiverUsed

MAX_IDS = 6
FEW = 5
"""So many controls of one reason are shown each with what it needs."""
MAX_DAYS = 5
MAX_REASON = 140
WIDE = 90
"""Columns from which a checklist's reason stands beside its item."""


def show_group(console: Console, group: Group, *, verbose: bool) -> None:
    """Controls that have one reason: how many, which, and what would settle them."""
    console.print()
    partly = f"; of {group.partly} of them a part was looked at, and passes" if group.partly else ""
    console.print(Text(f"{count(len(group.controls), 'control')} {plain(group.title)}{partly}", style="yellow"))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for priority, controls in group.by_priority():
        style = PRIORITY_STYLE[priority]
        if verbose or len(group.controls) <= FEW:
            for control in controls:
                table.add_row(Text(priority, style=style), _with_needs(control))
        else:
            label = f"{priority} {len(controls)}"
            table.add_row(Text(label, style=style), some([plain(control.id, 80) for control in controls], MAX_IDS))
    console.print(Padding(table, (0, 0, 0, 2)))
    if group.kind == "pending":
        tail = "" if verbose or len(group.controls) <= FEW else "; --verbose says what each still needs"
        say(console, Text(f"None of them is a pass until then{tail}.", style="dim"))
    elif group.settle:
        hang(console, Text("→", style="bold"), Text(plain(group.settle)))


def _with_needs(control: ControlResult) -> Text:
    said = f": {plain(needs(control))}" if control.requires or control.reason.startswith(PENDING) else ""
    return Text.assemble((plain(control.id), "bold"), said)


def show_checklists(console: Console, results: Results, *, verbose: bool) -> None:
    """The guide's checklists, item by item, with the reason of each that is not satisfied."""
    for checklist in checklists_of(results):
        title(
            console,
            f"{plain(checklist.name)}: {checklist.satisfied} of {count(len(checklist.items), 'item')} satisfied",
        )
        console.print(Padding(_items(checklist, wide=console.width >= WIDE, verbose=verbose), (0, 0, 0, 2)))


def _items(checklist: Checklist, *, wide: bool, verbose: bool) -> Table:
    table = Table.grid(padding=(0, 2 if wide else 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=2 if wide else None)
    if wide:
        table.add_column(overflow="fold", ratio=3)
    for item in checklist.items:
        box = Text(BOX[item.status], style=STATUS_STYLE[item.status])
        statement = Text(plain(item.statement or item.title))
        reason = "" if item.status is Status.SATISFIED else _why(item, verbose=verbose)
        if wide:
            table.add_row(box, statement, Text(reason, style="dim"))
        else:
            table.add_row(box, statement.append(f"\n{reason}" if reason else "", style="dim"))
    return table


def _why(item: ControlResult, *, verbose: bool) -> str:
    """The reason; that it is undetermined or fails is said by the box."""
    text = item.reason.removeprefix(PENDING)
    for required in item.requires:
        for word in ("undetermined", "not satisfied", "waived"):
            text = text.replace(f"{required} is {word}: {PENDING}", f"{required} ", 1)
            text = text.replace(f"{required} is {word}: ", f"{required}: ", 1)
    whole = plain(text, 10_000)
    return whole if verbose or len(whole) <= MAX_REASON else f"{whole[: MAX_REASON - 1].rstrip()}…"


def show_decisions(console: Console, results: Results) -> None:
    """Waivers and declarations, those that need somebody first."""
    if not results.waivers and not results.declarations:
        return
    title(console, "Waivers and declarations")
    for declaration in sorted(results.declarations, key=lambda one: one.state == "in use"):
        _show_declaration(console, declaration)
    for waiver in sorted(results.waivers, key=_urgency):
        _show_waiver(console, waiver)


def _urgency(waiver: WaiverUsed) -> tuple[int, str]:
    ranks = {"expired": 0, "unused": 2, "in use": 3}
    return (1 if waiver.ends_soon and waiver.state == "in use" else ranks[waiver.state]), waiver.expires.isoformat()


def _show_waiver(console: Console, waiver: WaiverUsed) -> None:
    of = plain(waiver.control or waiver.check)
    if waiver.resource != "-":
        of += f" on {plain(waiver.resource)}"
    if waiver.target != "*":
        of += f" of {plain(waiver.target)}"
    failures = count(waiver.findings, "failure")
    state, style = {
        "expired": (
            f"EXPIRED on {waiver.expires}: {failures} of it {'counts' if waiver.findings == 1 else 'count'}",
            "red",
        ),
        "unused": (f"UNUSED: nothing that it speaks of fails; until {waiver.expires}", "yellow"),
        "in use": (f"in use for {failures} until {waiver.expires}", "cyan"),
    }[waiver.state]
    if waiver.ends_soon:
        state, style = f"{state}, ENDS SOON", "yellow"
    text = Text.assemble((plain(waiver.name), "bold"), f" waives {of}: ", (state, style))
    hang(console, Text("~", style=style), text)
    say(console, Text(_people(waiver.reason, waiver.owner, waiver.approver), style="dim"), indent=4)


def _show_declaration(console: Console, declaration: Declaration) -> None:
    state, style = {
        "expired": ("EXPIRED, and so the control was judged", "red"),
        "contradicted": ("CONTRADICTED: there is something that it applies to", "red"),
        "in use": ("declared not applicable", "cyan"),
    }[declaration.state]
    ticket = f"{plain(declaration.ticket)} " if declaration.ticket else ""
    text = Text.assemble(ticket, (plain(declaration.control), "bold"), ": ", (state, style))
    hang(console, Text("-", style=style), text)
    people = f"owner {plain(declaration.owner)}, approved by {plain(declaration.approver)}, until {declaration.expires}"
    say(console, Text(f"{plain(declaration.reason)} ({people})", style="dim"), indent=4)


def _people(reason: str, owner: str, approver: str) -> str:
    return f"{plain(reason)} (owner {plain(owner)}, approved by {plain(approver)})"


def show_not_applicable(
    console: Console, results: Results, controls: Sequence[ControlResult], *, verbose: bool
) -> None:
    """Controls that do not apply, but for those that the list of declarations has."""
    listed = {declaration.control for declaration in results.declarations}
    others = [control for control in controls if control.id not in listed]
    if not others:
        return
    title(console, "Not applicable", STATUS_STYLE[Status.NOT_APPLICABLE])
    for control in others if verbose else others[: 2 * MAX_IDS]:
        said = f" ({plain(control.declared)})" if control.declared else ""
        hang(console, Text("–"), Text.assemble((plain(control.id), "bold"), f": {plain(control.reason)}{said}"))
    if not verbose and len(others) > 2 * MAX_IDS:
        say(console, Text(f"and {len(others) - 2 * MAX_IDS} more; --verbose shows all", style="dim"))


def show_next_days(console: Console, results: Results, *, verbose: bool) -> None:
    """What the records say ends next."""
    days = next_days(results)
    if not days:
        return
    title(console, "What ends next in the records")
    for day, what in days if verbose else days[:MAX_DAYS]:
        hang(console, Text(day), Text(plain(what)))
    if not verbose and len(days) > MAX_DAYS:
        say(console, Text(f"and {len(days) - MAX_DAYS} later; --verbose shows all", style="dim"))
