"""From findings to the status of controls: waivers, declarations, derived controls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshguard.findings import UNSETTLED, findings_of
from meshguard.results import RANK, ControlResult, Declaration, Finding, Status, WaiverUsed, finding_id, status_of
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from meshguard.audit import Audit
    from meshguard.deployment import NotApplicable
    from meshguard.plan import PlannedControl
    from meshguard.waivers import State

DECLARATION = "declaration"
"""Stands as the check of a finding that a declaration is contradicted."""


@dataclass
class Concluded:
    """What is known of every control, so far."""

    controls: list[ControlResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    waivers: list[WaiverUsed] = field(default_factory=list)
    declarations: list[Declaration] = field(default_factory=list)


def conclude(audit: Audit, today: date, known: Mapping[str, str] | None = None) -> Concluded:
    """Findings with their waivers, and the status of each control.

    Args:
        audit: what has been judged.
        today: the day of the audit (UTC).
        known: ids of findings that failed in the baseline already, and since when.
    """
    found = Concluded()
    own: dict[str, tuple[Status, str]] = {}
    for planned in audit.plan.controls:
        uses = [[_marked(f, audit, today, known or {}) for f in use] for use in findings_of(planned, audit)]
        own[planned.control.id] = _own_status(planned, uses)
        declared = _declaration(planned, uses, audit, today)
        if declared is not None:
            found.declarations.append(declared)
            own[planned.control.id], extra = _declared_status(declared, own[planned.control.id], planned, uses)
            uses.append(extra)
        found.findings += [finding for use in uses for finding in use]
    for planned in audit.plan.controls:
        found.controls.append(_control(planned, own, audit, found))
    found.waivers = _waivers_used(audit, found.findings, today)
    return found


def _marked(finding: Finding, audit: Audit, today: date, known: Mapping[str, str]) -> Finding:
    """The finding with the waiver that accepts it, or with the day since when it is known to fail."""
    if finding.outcome is not Outcome.FAIL:
        return finding
    index = audit.plan.waivers.valid_for(finding, today)
    waiver = audit.plan.waivers.name(index) if index is not None else None
    return finding.model_copy(update={"waiver": waiver, "known_since": known.get(finding.id, "")})


def _own_status(planned: PlannedControl, uses: list[list[Finding]]) -> tuple[Status, str]:
    """The status from the control's own checks; of a purely derived control, nothing yet."""
    if planned.requires and not uses and not planned.control.pending:
        return Status.NOT_APPLICABLE, ""
    return status_of([finding for use in uses for finding in use], planned.control.pending, uses)


def _declaration(planned: PlannedControl, uses: list[list[Finding]], audit: Audit, today: date) -> Declaration | None:
    entry = next((e for e in audit.plan.deployment.file.not_applicable if e.control == planned.control.id), None)
    if entry is None:
        return None
    seen = [f for use in uses for f in use if f.outcome not in UNSETTLED and f.outcome is not Outcome.NOT_APPLICABLE]
    state = "expired" if entry.expires < today else "contradicted" if seen else "in use"
    return _as_declaration(entry, state)


def _as_declaration(entry: NotApplicable, state: str) -> Declaration:
    return Declaration.model_validate(
        {name: getattr(entry, name) for name in ("control", "reason", "owner", "approver", "ticket", "expires")}
        | {"state": state}
    )


def _declared_status(
    declared: Declaration, own: tuple[Status, str], planned: PlannedControl, uses: list[list[Finding]]
) -> tuple[tuple[Status, str], list[Finding]]:
    """The status under a declaration: it holds, it ran out, or what it denies was found, which is a failure."""
    if declared.state == "expired":
        return own, []
    if declared.state == "in use":
        return (Status.NOT_APPLICABLE, declared.reason), []
    seen = sorted(
        {f.target if f.resource == "-" else f.resource for use in uses for f in use if f.outcome not in UNSETTLED}
    )
    shown = ", ".join(seen[:5]) + (f" and {len(seen) - 5} more" if len(seen) > 5 else "")
    message = f"declared not applicable, but there is something that it applies to: {shown}"
    finding = Finding(
        id=finding_id(planned.control.id, DECLARATION, "-", "-"),
        control=planned.control.id,
        check=DECLARATION,
        method="examine",
        target="-",
        resource="-",
        outcome=Outcome.FAIL,
        message=message,
        fix="remove the declaration, and waive single failures where they are accepted",
    )
    return (Status.NOT_SATISFIED, message), [finding]


def _control(
    planned: PlannedControl, own: Mapping[str, tuple[Status, str]], audit: Audit, found: Concluded
) -> ControlResult:
    control = planned.control
    status, reason = _with_required(planned, own, {p.control.id: p for p in audit.plan.controls})
    entry = next((d for d in found.declarations if d.control == control.id and d.state == "in use"), None)
    failing = [f for f in found.findings if f.control == control.id and f.outcome is Outcome.FAIL and f.waiver is None]
    return ControlResult(
        id=control.id,
        title=control.title,
        statement=control.statement,
        section=control.section,
        place=control.place,
        status=status,
        reason=reason,
        priority=control.priority,
        phase=control.phase,
        rationale=control.rationale,
        remediation=control.remediation,
        refs=control.refs,
        method=control.method,
        requires=planned.requires,
        derived=planned.derived,
        pulled_in=planned.pulled_in,
        known=bool(failing) and all(f.known_since for f in failing),
        declared=f"owner {entry.owner}, approved by {entry.approver}, until {entry.expires}" if entry else "",
    )


def _with_required(
    planned: PlannedControl, own: Mapping[str, tuple[Status, str]], all_planned: Mapping[str, PlannedControl]
) -> tuple[Status, str]:
    """The worst of its own status and that of all it requires; what was left out of scope is undetermined."""
    if not planned.requires:
        return own[planned.control.id]
    parts = [] if own[planned.control.id][1] == "" else [own[planned.control.id]]
    for required in planned.requires:
        if required not in all_planned:
            parts.append((Status.UNDETERMINED, f"{required} is left out of this audit"))
            continue
        status, reason = _with_required(all_planned[required], own, all_planned)
        parts.append((status, f"{required} is {status.value.replace('-', ' ')}: {reason}"))
    worst = min(parts, key=lambda part: RANK[part[0]])
    if worst[0] in (Status.SATISFIED, Status.NOT_APPLICABLE):
        good = sum(status is Status.SATISFIED for status, _ in parts)
        return worst[0], f"{good} of {len(parts)} required controls are satisfied, the rest does not apply"
    same = sum(status is worst[0] for status, _ in parts)
    return worst[0], worst[1] + (f" (and {same - 1} more)" if same > 1 else "")


def _waivers_used(audit: Audit, findings: Sequence[Finding], today: date) -> list[WaiverUsed]:
    """Every waiver of the deployment with what it did."""
    waivers = audit.plan.waivers
    warn = min((p.waivers.warn for p in audit.plan.profiles), default=None)
    found = []
    for index, entry in enumerate(waivers.entries):
        expired = entry.expires < today
        covered = [f for f in findings if f.outcome is Outcome.FAIL and entry.covers(f)]
        used = [f for f in covered if f.waiver == waivers.name(index)]
        state: State = "expired" if expired else "in use" if used else "unused"
        said = entry.model_dump(exclude={"target"})
        found.append(
            WaiverUsed(
                name=waivers.name(index),
                target=entry.target,
                state=state,
                findings=len(covered if expired else used),
                ends_soon=not expired and warn is not None and entry.expires - today <= warn,
                **said,
            )
        )
    return found
