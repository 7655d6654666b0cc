"""The parts that the HTML report is made of, as data for its template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshguard.reports.groups import Checklist, Group
    from meshguard.results import ControlResult, Finding, ObservationUsed, Population


@dataclass(frozen=True)
class Seen:
    """An observation that a finding rests on; `number` is its place in the list of all, 0 where it is not there."""

    key: str
    number: int = 0
    observation: ObservationUsed | None = None


@dataclass(frozen=True)
class Row:
    """A finding as a row of its check's table."""

    finding: Finding
    anchor: str
    fix: str
    """Empty where the check has one remedy for all of this outcome, which then stands above the table."""
    seen: tuple[Seen, ...]
    further: tuple[Seen, ...]


@dataclass(frozen=True)
class CheckView:
    """One check of a control: its populations, and its findings by what they ask for."""

    id: str
    method: str
    populations: tuple[Population, ...]
    counts: tuple[tuple[str, int], ...]
    fixes: tuple[tuple[str, str], ...]
    """Outcome and remedy, where several findings of that outcome have one remedy."""
    rows: tuple[Row, ...]
    more: tuple[Row, ...]
    settled: tuple[Row, ...]
    unlisted: int


@dataclass(frozen=True)
class ControlView:
    """A control, its place in the document, and what was found for it."""

    control: ControlResult
    anchor: str
    checks: tuple[CheckView, ...]
    counts: tuple[tuple[str, int], ...]
    settles: tuple[str, ...]
    """What would settle it, where it is undetermined."""
    waivers: tuple[str, ...]
    requires: tuple[tuple[str, str], ...] = ()
    """Each control that it follows from, and its anchor; no anchor where it is left out of the audit."""


@dataclass(frozen=True)
class GroupView:
    """Undetermined controls that have one reason."""

    group: Group
    controls: tuple[ControlView, ...]


@dataclass(frozen=True)
class ChecklistView:
    """One of the guide's checklists, and where each item stands in full."""

    checklist: Checklist
    items: tuple[ControlView, ...]
