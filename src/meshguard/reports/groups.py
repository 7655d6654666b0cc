"""What several reports say alike: undetermined controls by their reason, the guide's checklists, and what ends next."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from meshguard.profile import PRIORITIES
from meshguard.results import Status
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from meshguard.results import ControlResult, Finding, Results

PENDING = "not fully verified yet: "
"""How the reason of a control begins that lacks nothing but a check for all that it asks."""
CHECKLIST_SECTION = "Security Checklist"
_NEXT = re.compile(r"(?:; |^)next: (?P<what>[^;]+?) \((?P<day>\d{4}-\d\d-\d\d)\)$")
_OPEN = (Outcome.ERROR, Outcome.NOT_CHECKED)
_OF_LIST = re.compile(r"^its [\w ]+ could not be listed: ")
MANY = 3
"""Controls that one cause must hold up to be told together: no credentials, an endpoint that is down."""


@dataclass(frozen=True)
class Group:
    """Undetermined controls that have one reason, most urgent first."""

    kind: Literal["cause", "target", "pending", "derived"]
    title: str
    """Continues "12 controls ..."."""
    settle: str
    """What would settle them; empty where settling others does."""
    controls: tuple[ControlResult, ...]
    partly: int = 0
    """How many of them had something looked at, all of which passes."""

    def by_priority(self) -> list[tuple[str, list[ControlResult]]]:
        """The controls by priority; priorities that none has are left out."""
        found = [(name, [c for c in self.controls if c.priority == name]) for name in PRIORITIES]
        return [(name, controls) for name, controls in found if controls]


def ranked(controls: Iterable[ControlResult]) -> list[ControlResult]:
    """Most urgent first, else in the profile's order."""
    return sorted(controls, key=lambda control: PRIORITIES.index(control.priority))


def undetermined(results: Results) -> tuple[list[ControlResult], list[Group]]:
    """The undetermined controls that something was looked at in vain for, and the others by why nothing could be."""
    open_: dict[str, list[Finding]] = {}
    seen: set[str] = set()
    for finding in results.findings:
        if finding.outcome in _OPEN:
            open_.setdefault(finding.control, []).append(finding)
        else:
            seen.add(finding.control)
    chosen = ranked(c for c in results.controls if c.status is Status.UNDETERMINED)
    causes = {control.id: _cause(open_.get(control.id, ())) for control in chosen}
    held_up = Counter(causes.values())
    single: list[ControlResult] = []
    grouped: dict[tuple[int, str], list[ControlResult]] = {}
    for control in chosen:
        key = _reason(control, open_)
        cause = causes[control.id]
        if key is None and cause and held_up[cause] >= MANY:
            key = (-1, cause)
        if key is None:
            single.append(control)
        else:
            grouped.setdefault(key, []).append(control)
    return single, [_group(key, grouped[key], seen) for key in sorted(grouped)]


def _reason(control: ControlResult, open_: Mapping[str, Sequence[Finding]]) -> tuple[int, str] | None:
    """Rank and detail of the group that a control belongs to; None where its own findings must be read."""
    findings = open_.get(control.id, [])
    kinds = sorted({finding.target for finding in findings if _is_gap(finding)})
    if findings and all(_is_gap(finding) for finding in findings):
        return 0, " and ".join(f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}" for kind in kinds)
    if findings:
        return None
    if control.reason.startswith(PENDING):
        return 1, ""
    return (2, "") if control.requires else None


def _cause(findings: Sequence[Finding]) -> str:
    """What alone stands in the way of a control, and its remedy, on two lines; empty where there is more than one."""
    found = {f"{_OF_LIST.sub('', finding.message)}\n{finding.fix}" for finding in findings}
    return found.pop() if len(found) == 1 and not any(map(_is_gap, findings)) else ""


def _is_gap(finding: Finding) -> bool:
    """Whether the deployment has no target of the kind; a target of its own is KIND:NAME."""
    return finding.outcome is Outcome.NOT_CHECKED and finding.resource == "-" and ":" not in finding.target


def _group(key: tuple[int, str], controls: list[ControlResult], seen: set[str]) -> Group:
    rank, kinds = key
    found = tuple(controls)
    if rank < 0:
        message, _, fix = kinds.partition("\n")
        return Group("cause", f"{_verb(controls, 'wait')} for one thing: {message}", fix, found)
    if rank == 0:
        settle = "add one to the deployment under `targets:`, or declare the control not applicable"
        need = f"{_verb(controls, 'need')} {kinds} target, which the deployment does not have"
        return Group("target", need, settle, found)
    if rank == 1:
        partly = sum(control.id in seen for control in controls)
        settle = "a version of MeshGuard that has these checks; until then none of them is a pass"
        return Group("pending", f"{_verb(controls, 'wait')} for checks that do not exist yet", settle, found, partly)
    return Group("derived", f"{_verb(controls, 'follow')} from others that are undetermined", "", found)


def _verb(controls: Sequence[ControlResult], verb: str) -> str:
    return verb + "s" if len(controls) == 1 else verb


def needs(control: ControlResult) -> str:
    """What a pending control still needs, or its reason."""
    return control.reason.removeprefix(PENDING)


@dataclass(frozen=True)
class Checklist:
    """One of the guide's checklists, its items as the guide prints them."""

    name: str
    items: tuple[ControlResult, ...]

    @property
    def satisfied(self) -> int:
        """How many items are satisfied."""
        return sum(item.status is Status.SATISFIED for item in self.items)


BOX = {
    Status.SATISFIED: "[x]",
    Status.NOT_SATISFIED: "[ ]",
    Status.UNDETERMINED: "[?]",
    Status.WAIVED: "[~]",
    Status.NOT_APPLICABLE: "[-]",
}


def checklists_of(results: Results) -> list[Checklist]:
    """The guide's checklists, by place."""
    found: dict[str, list[ControlResult]] = {}
    for control in results.controls:
        if control.section == CHECKLIST_SECTION:
            found.setdefault(control.place or CHECKLIST_SECTION, []).append(control)
    return [Checklist(name, tuple(items)) for name, items in found.items()]


def without_next_day(finding: Finding) -> str:
    """What is said, without the day that ends next, which stands in a list of its own."""
    return _NEXT.sub("", finding.message) if finding.check.startswith("records.") else finding.message


def next_days(results: Results) -> list[tuple[str, str]]:
    """Day and event of what the records say ends next, soonest first, each once."""
    said = (_NEXT.search(f.message) for f in results.findings if f.check.startswith("records."))
    return sorted({(match["day"], match["what"]) for match in said if match})
