"""What the HTML report shows, worked out of the results: order, groups, anchors, and what is folded away.

Nothing is left out but by a count that says so: what passes is folded where it is much, and beyond `MAX_SETTLED`
rows of one check the JSON result is pointed at.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from meshguard.profile import PRIORITIES
from meshguard.reports.groups import checklists_of, next_days, undetermined
from meshguard.reports.html_framework import FrameworkView, frameworks_of
from meshguard.reports.html_parts import ChecklistView, CheckView, ControlView, GroupView, Row, Seen
from meshguard.results import Results, Status
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshguard.results import ControlResult, Finding, Population

SETTLED = (Outcome.PASS, Outcome.NOT_APPLICABLE)
ORDER = {outcome: rank for rank, outcome in enumerate(("fail", "error", "not-checked", "pass", "not-applicable"))}
"""Outcomes, what asks for work first."""

SHORT_LIST = 12
"""Entries of a list on the first page before the rest is folded."""
OPEN_ROWS = 50
"""Findings that ask for work and are shown at once for one check; the rest is folded."""
FEW_SETTLED = 8
"""So many passing findings of a check are shown at once; more are folded."""
MAX_SETTLED = 2000
"""Passing findings of one check that the report lists; a browser stays fluent with them."""
FULL_OBSERVATIONS = 12
"""Observations that a finding names in full; further ones are links to the list of all observations."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Share:
    """One status in the count of controls: how many, and where its piece of the bar lies, in percent."""

    status: Status
    count: int
    start: float
    width: float


@dataclass(frozen=True)
class View:
    """All that the template shows."""

    results: Results
    verdict: str
    label: str
    took: str
    shares: tuple[Share, ...]
    failing: tuple[ControlView, ...]
    undetermined: tuple[ControlView, ...]
    groups: tuple[GroupView, ...]
    """Undetermined controls that nothing could be looked at for, by the reason."""
    checklists: tuple[ChecklistView, ...]
    next_days: tuple[tuple[str, str], ...]
    frameworks: tuple[FrameworkView, ...]
    accepted: tuple[ControlView, ...]
    sections: tuple[tuple[str, tuple[ControlView, ...]], ...]
    seen: tuple[Seen, ...]


@dataclass
class Anchors:
    """Ids of the document: safe characters only, and each one once."""

    _taken: dict[str, int] = field(default_factory=dict)

    def take(self, kind: str, name: str) -> str:
        """A fresh id that is made of `kind` and `name`."""
        base = f"{kind}-{_UNSAFE.sub('_', name)[:200]}"
        anchor = base
        while anchor in self._taken:
            self._taken[base] += 1
            anchor = f"{base}.{self._taken[base]}"
        self._taken[anchor] = 1
        return anchor


def view_of(results: Results) -> View:
    """The whole report as data."""
    seen = {o.key: Seen(o.key, number, o) for number, o in enumerate(results.observations, 1)}
    controls = _controls(results, seen)
    by_id = {view.control.id: view for view in controls}
    single, groups = undetermined(results)
    verdict, label = _verdict(results)
    return View(
        results=results,
        verdict=verdict,
        label=label,
        took=_took(results.run.started, results.run.finished),
        shares=_shares(results),
        failing=_ranked(controls, Status.NOT_SATISFIED),
        undetermined=tuple(by_id[control.id] for control in single),
        groups=tuple(GroupView(group, tuple(by_id[c.id] for c in group.controls)) for group in groups),
        checklists=tuple(ChecklistView(one, tuple(by_id[c.id] for c in one.items)) for one in checklists_of(results)),
        next_days=tuple(next_days(results)),
        frameworks=frameworks_of(controls),
        accepted=(*_ranked(controls, Status.WAIVED), *_ranked(controls, Status.NOT_APPLICABLE)),
        sections=_sections(controls),
        seen=tuple(seen.values()),
    )


def _verdict(results: Results) -> tuple[str, str]:
    gate = results.gate
    if gate.open and gate.advisory and results.coverage.not_satisfied:
        return "advisory", "Gate open, advisory only"
    if gate.open:
        return "open", "Gate open"
    if gate.exit_code == 3:
        return "undetermined", "Undetermined: the gate does not open"
    return "closed", "Gate closed"


def _took(started: str, finished: str) -> str:
    try:
        seconds = round((datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds())
    except (ValueError, TypeError):
        return ""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _shares(results: Results) -> tuple[Share, ...]:
    coverage = results.coverage
    counts = {
        Status.NOT_SATISFIED: coverage.not_satisfied,
        Status.UNDETERMINED: coverage.undetermined,
        Status.WAIVED: coverage.waived,
        Status.SATISFIED: coverage.satisfied,
        Status.NOT_APPLICABLE: coverage.not_applicable,
    }
    # One control of a thousand must still be seen, so a piece is at least 1 % wide.
    raw = {status: max(count, sum(counts.values()) / 100) if count else 0.0 for status, count in counts.items()}
    whole, start, shares = sum(raw.values()) or 1.0, 0.0, []
    for status, count in counts.items():
        width = 100 * raw[status] / whole
        shares.append(Share(status, count, round(start, 3), round(width, 3)))
        start += width
    return tuple(shares)


def _ranked(controls: Iterable[ControlView], status: Status) -> tuple[ControlView, ...]:
    chosen = [view for view in controls if view.control.status is status]
    return tuple(sorted(chosen, key=lambda view: PRIORITIES.index(view.control.priority)))


def _sections(controls: Iterable[ControlView]) -> tuple[tuple[str, tuple[ControlView, ...]], ...]:
    sections: dict[str, list[ControlView]] = {}
    for view in controls:
        sections.setdefault(view.control.section, []).append(view)
    return tuple((name, tuple(views)) for name, views in sections.items())


def _controls(results: Results, seen: dict[str, Seen]) -> list[ControlView]:
    anchors = Anchors()
    at = {control.id: anchors.take("control", control.id) for control in results.controls}
    populations: dict[str, list[Population]] = {}
    for population in results.populations:
        populations.setdefault(population.check, []).append(population)
    of: dict[str, list[Finding]] = {}
    for finding in results.findings:
        of.setdefault(finding.control, []).append(finding)
    views = []
    for control in results.controls:
        findings = of.get(control.id, [])
        by_check: dict[str, list[Finding]] = {}
        for finding in findings:
            by_check.setdefault(finding.check, []).append(finding)
        ran = {check: [p for p in all_ if _is_of(p, control)] for check, all_ in populations.items()}
        checks = [_check(found, ran.get(check, []), anchors, seen) for check, found in by_check.items()]
        open_ = [f for f in findings if f.outcome in (Outcome.ERROR, Outcome.NOT_CHECKED)]
        if control.status is Status.NOT_SATISFIED:
            open_ = [f for f in findings if f.outcome is Outcome.FAIL and f.waiver is None]
        told = control.status in (Status.UNDETERMINED, Status.NOT_SATISFIED)
        settles = _distinct(f.fix for f in open_) if told else ()
        waivers = _distinct(f.waiver or "" for f in findings)
        requires = tuple((name, at.get(name, "")) for name in control.requires)
        views.append(ControlView(control, at[control.id], tuple(checks), _counts(findings), settles, waivers, requires))
    return views


def _is_of(population: Population, control: ControlResult) -> bool:
    """Whether the check was run so for this control; an older result does not say for which."""
    return not population.controls or control.id in population.controls


def _check(
    findings: Sequence[Finding], populations: Sequence[Population], anchors: Anchors, seen: dict[str, Seen]
) -> CheckView:
    targets = {finding.target for finding in findings}
    open_ = sorted((f for f in findings if f.outcome not in SETTLED), key=lambda f: ORDER[f.outcome])
    settled = [f for f in findings if f.outcome in SETTLED]
    shared = _shared(open_)
    rows = [_row(finding, "" if finding.outcome in shared else finding.fix, anchors, seen) for finding in open_]
    return CheckView(
        id=findings[0].check,
        method=next((finding.method for finding in findings if finding.method), ""),
        populations=tuple(population for population in populations if population.target in targets),
        counts=_counts(findings),
        fixes=tuple((outcome.value, fix) for outcome, fix in shared.items()),
        rows=tuple(rows[:OPEN_ROWS]),
        more=tuple(rows[OPEN_ROWS:]),
        settled=tuple(_row(finding, finding.fix, anchors, seen) for finding in settled[:MAX_SETTLED]),
        unlisted=max(0, len(settled) - MAX_SETTLED),
    )


def _shared(findings: Sequence[Finding]) -> dict[Outcome, str]:
    """The remedy of each outcome that several findings have, where it is the same for all of them."""
    fixes: dict[Outcome, list[str]] = {}
    for finding in findings:
        fixes.setdefault(finding.outcome, []).append(finding.fix)
    return {outcome: all_[0] for outcome, all_ in fixes.items() if len(all_) > 1 and all_[0] and len(set(all_)) == 1}


def _row(finding: Finding, fix: str, anchors: Anchors, seen: dict[str, Seen]) -> Row:
    rests_on = tuple(seen.get(key) or Seen(key) for key in finding.observations)
    anchor = anchors.take("finding", finding.id)
    return Row(finding, anchor, fix, rests_on[:FULL_OBSERVATIONS], rests_on[FULL_OBSERVATIONS:])


def _counts(findings: Iterable[Finding]) -> tuple[tuple[str, int], ...]:
    counts = Counter(finding.outcome for finding in findings)
    return tuple((outcome.value, counts[outcome]) for outcome in sorted(counts, key=lambda outcome: ORDER[outcome]))


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
