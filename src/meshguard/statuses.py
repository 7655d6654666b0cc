"""From findings to the status of controls: waivers, declarations, derived controls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from meshguard.findings import ITSELF, NOT_REACHED, UNSETTLED, findings_of
from meshguard.results import (
    RANK,
    ControlResult,
    Declaration,
    Finding,
    Status,
    WaiverUsed,
    finding_id,
    status_of,
    unsettled_by,
)
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from meshguard.audit import Audit
    from meshguard.deployment import NotApplicable
    from meshguard.inherit import Earlier
    from meshguard.plan import PlannedControl

DECLARATION = "declaration"
"""Stands as the check of a finding that a declaration is contradicted."""


@dataclass
class Concluded:
    """What is known of every control, so far."""

    controls: list[ControlResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    waivers: list[WaiverUsed] = field(default_factory=list)
    declarations: list[Declaration] = field(default_factory=list)


def conclude(
    audit: Audit, today: date, known: Mapping[str, str] | None = None, earlier: Earlier | None = None
) -> Concluded:
    """Findings with their waivers, and the status of each control.

    Args:
        audit: what has been judged.
        today: the day of the audit (UTC).
        known: ids of findings that failed in the baseline already, and since when.
        earlier: what may be inherited for active checks that did not run.
    """
    effects = {task.check.id: task.check.effect for task in audit.plan.tasks} if earlier is not None else {}
    found = Concluded()
    planned = {one.control.id: one for one in audit.plan.controls}
    entries = {entry.control: entry for entry in audit.plan.deployment.file.not_applicable}
    standing: dict[str, Standing] = {}
    for control_id in audit.plan.order:  # what a control requires comes before it
        if (one := planned.get(control_id)) is not None:
            uses = findings_of(one, audit)
            if earlier is not None:
                uses = [[earlier.instead_of(f, effects.get(f.check, "")) for f in use] for use in uses]
            uses = [[_marked(f, audit, today, known or {}) for f in use] for use in uses]
            standing[control_id] = _standing(one, uses, standing, entries.get(control_id), today)
    for control_id, one in planned.items():
        stands = standing[control_id]
        found.controls.append(_control(one, stands))
        found.findings += stands.findings
        found.declarations += [stands.declared] if stands.declared is not None else []
    found.waivers = _waivers_used(audit, found.findings, today)
    return found


@dataclass(frozen=True)
class Standing:
    """How a control stands."""

    status: Status
    reason: str
    findings: list[Finding]
    unsettled: bool
    """Whether something in it, or in what it requires, could not be looked at."""
    known: bool
    """Whether all that fails in it, or in what it requires, failed in the baseline already."""
    root: str
    """The control whose own findings are the reason; for a derived control one that it requires."""
    declared: Declaration | None = None

    @property
    def because(self) -> str:
        """Root and reason, for a control that is derived from this one."""
        return (
            self.reason if self.root == "" else f"{self.root} is {self.status.value.replace('-', ' ')}: {self.reason}"
        )


def _marked(finding: Finding, audit: Audit, today: date, known: Mapping[str, str]) -> Finding:
    """The finding with the waiver that accepts it, or with the day since when it is known to fail."""
    if finding.outcome is not Outcome.FAIL:
        return finding
    index = audit.plan.waivers.valid_for(finding, today)
    waiver = audit.plan.waivers.names[index] if index is not None else None
    return finding.model_copy(update={"waiver": waiver, "known_since": known.get(finding.id, "")})


def _standing(
    planned: PlannedControl,
    uses: list[list[Finding]],
    others: Mapping[str, Standing],
    entry: NotApplicable | None,
    today: date,
) -> Standing:
    """How one control stands, by its own findings, by what it requires, and by a declaration about it."""
    parts = _required(planned, others)
    if uses or planned.control.pending or not parts:
        parts.insert(0, _own(planned, uses))
    judged = _worst(parts, [finding for use in uses for finding in use])
    if entry is None:
        return judged
    if entry.expires < today:
        return replace(judged, declared=_as_declaration(entry, "expired"))
    return _declared(planned, entry, judged, parts)


def _own(planned: PlannedControl, uses: list[list[Finding]]) -> Standing:
    """How a control stands by its own checks alone."""
    findings = [finding for use in uses for finding in use]
    pending = planned.control.pending
    status, reason = status_of(findings, pending, uses)
    failing = [f for f in findings if f.outcome is Outcome.FAIL and f.waiver is None]
    known = bool(failing) and all(f.known_since for f in failing)
    return Standing(status, reason, findings, bool(unsettled_by(findings, pending, uses)), known, planned.control.id)


def _required(planned: PlannedControl, others: Mapping[str, Standing]) -> list[Standing]:
    """How all that it requires stands; what was left out of scope is undetermined."""
    left_out = [name for name in planned.requires if name not in others]
    parts = [others[name] for name in planned.requires if name in others]
    return parts + [
        Standing(Status.UNDETERMINED, f"{name} is left out of this audit", [], True, False, "") for name in left_out
    ]


def _worst(parts: list[Standing], findings: list[Finding]) -> Standing:
    """The worst of all parts; the first of those that are equally bad says why."""
    worst = min(parts, key=lambda part: RANK[part.status])
    same = sum(part.status is worst.status for part in parts)
    root, reason = worst.root, worst.reason
    if len(parts) > 1 and worst.status in (Status.SATISFIED, Status.NOT_APPLICABLE):
        good = sum(part.status is Status.SATISFIED for part in parts)
        rest = ", the rest does not apply" if good < len(parts) else ""
        root, reason = "", f"{good} of {len(parts)} required controls are satisfied{rest}"
    elif same > 1:
        reason += f" (and {same - 1} more)"
    failing = [part for part in parts if part.status is Status.NOT_SATISFIED]
    known = bool(failing) and all(part.known for part in failing)
    return Standing(worst.status, reason, findings, any(part.unsettled for part in parts), known, root)


def _declared(planned: PlannedControl, entry: NotApplicable, judged: Standing, parts: list[Standing]) -> Standing:
    """How a control stands under a declaration that holds: it does not apply, unless what it denies was found.

    Where the list of resources could not be read, nobody knows whether the declaration hides something.
    """
    seen = {f.target if f.resource == ITSELF else f.resource for f in judged.findings if _is_there(f)}
    seen |= {part.root or part.reason for part in parts if part.root != planned.control.id and _applies(part)}
    if not seen:
        unread = [f for f in judged.findings if f.outcome is Outcome.ERROR]
        if not unread:
            declared = _as_declaration(entry, "in use")
            return replace(
                judged, status=Status.NOT_APPLICABLE, reason=entry.reason, unsettled=False, declared=declared
            )
        reason = f"declared not applicable, and it could not be seen whether it is: {unread[0].message}"
        return replace(judged, status=Status.UNDETERMINED, reason=reason, declared=_as_declaration(entry, "in use"))
    names = sorted(seen)
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    message = f"declared not applicable, but there is something that it applies to: {shown}"
    return replace(
        judged,
        status=Status.NOT_SATISFIED,
        reason=message,
        findings=[*judged.findings, _contradiction(planned.control.id, message)],
        known=False,
        declared=_as_declaration(entry, "contradicted"),
    )


def _is_there(finding: Finding) -> bool:
    """Whether a finding shows something that its control speaks of; a resource that could not be read is there too.

    That a target as a whole fails may just say that there is nothing: no record of a kind, no page of a name.
    """
    if finding.outcome in UNSETTLED or finding.outcome is Outcome.FAIL:
        return finding.resource not in (ITSELF, NOT_REACHED)
    return finding.outcome is Outcome.PASS


def _applies(part: Standing) -> bool:
    return part.status in (Status.SATISFIED, Status.NOT_SATISFIED, Status.WAIVED)


def _as_declaration(entry: NotApplicable, state: str) -> Declaration:
    return Declaration.model_validate(
        {name: getattr(entry, name) for name in ("control", "reason", "owner", "approver", "ticket", "expires")}
        | {"state": state}
    )


def _contradiction(control: str, message: str) -> Finding:
    return Finding(
        id=finding_id(control, DECLARATION, ITSELF, ITSELF),
        control=control,
        check=DECLARATION,
        method="examine",
        target=ITSELF,
        resource=ITSELF,
        outcome=Outcome.FAIL,
        message=message,
        fix="remove the declaration, and waive single failures where they are accepted",
    )


def _control(planned: PlannedControl, stands: Standing) -> ControlResult:
    control, entry = planned.control, stands.declared
    holds = entry is not None and entry.state == "in use" and stands.status is Status.NOT_APPLICABLE
    derived = stands.root != control.id and bool(planned.requires)
    return ControlResult(
        id=control.id,
        title=control.title,
        statement=control.statement,
        section=control.section,
        place=control.place,
        status=stands.status,
        reason=stands.because if derived and entry is None else stands.reason,
        priority=control.priority,
        phase=control.phase,
        rationale=control.rationale,
        remediation=control.remediation,
        refs=control.refs,
        method=control.method,
        requires=planned.requires,
        derived=planned.derived,
        pulled_in=planned.pulled_in,
        known=stands.known,
        unsettled=stands.unsettled,
        pending=control.pending,
        declared=f"owner {entry.owner}, approved by {entry.approver}, until {entry.expires}" if holds and entry else "",
    )


def _waivers_used(audit: Audit, findings: Sequence[Finding], today: date) -> list[WaiverUsed]:
    """Every waiver of the deployment with what it did."""
    waivers = audit.plan.waivers
    warn = min((p.waivers.warn for p in audit.plan.profiles), default=timedelta())
    used: Counter[str] = Counter(f.waiver for f in findings if f.waiver is not None)
    again: Counter[int] = Counter()
    for finding in findings:
        if finding.outcome is Outcome.FAIL and finding.waiver is None:
            again.update(waivers.covering(finding))
    found = []
    for index, (entry, name) in enumerate(zip(waivers.entries, waivers.names, strict=True)):
        expired = entry.expires < today
        count = again[index] if expired else used[name]
        found.append(
            WaiverUsed(
                name=name,
                state="expired" if expired else "in use" if count else "unused",
                findings=count,
                ends_soon=not expired and entry.expires - today <= warn,
                **entry.model_dump(),
            )
        )
    return found
