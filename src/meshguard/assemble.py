"""From an audit to its results: findings of each control, status, gate, score, and the facts of the run."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

from meshguard.circumstances import Circumstances, run_of, tool_of
from meshguard.gate import decide
from meshguard.results import (
    ControlResult,
    Coverage,
    Finding,
    LeftOutOf,
    Named,
    ObservationUsed,
    Population,
    Results,
    ScopeUsed,
    Status,
    Subject,
    finding_id,
    status_of,
)
from meshguard.score import score_of
from meshguard.values import canonical_json, encodable
from meshguard.verdict import Outcome

__all__ = ["Circumstances", "assemble"]

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshguard.audit import Audit, Judged, Judgement
    from meshguard.plan import Gap, Plan, PlannedControl, Scope, Task


def assemble(audit: Audit, circumstances: Circumstances) -> Results:
    """The results of an audit that has run, whole or not."""
    plan = audit.plan
    complete: bool | str = audit.incomplete or circumstances.recording_complete
    today = circumstances.started.date()
    findings: list[Finding] = []
    controls: list[ControlResult] = []
    for planned in plan.controls:
        uses = _findings(planned, audit)
        findings += [finding for use in uses for finding in use]
        controls.append(_control(planned, uses, plan, today))
    gate = decide(controls, fail_on=circumstances.fail_on, complete=complete, advisory=circumstances.advisory)
    whole = complete is True and not plan.scope.reduced
    return Results(
        schema="meshguard.results/1",
        meshguard=tool_of(plan),
        run=run_of(audit, circumstances),
        scope=_scope(plan.scope),
        profiles=tuple(Named(name=p.id, version=p.version, digest=p.digest) for p in plan.profiles),
        deployment=Named(name=plan.deployment.name, digest=plan.deployment.digest),
        subjects=_subjects(audit),
        complete=complete,
        gate=gate,
        score=score_of(controls) if whole else None,
        coverage=_coverage(controls),
        notes=(*circumstances.notes, *_expired(plan, today)),
        controls=tuple(controls),
        findings=tuple(findings),
        populations=tuple(_population(judgement) for judgement in audit.judgements.values()),
        observations=_observations(audit),
    )


def _findings(planned: PlannedControl, audit: Audit) -> list[list[Finding]]:
    """The control's findings, a list for each use of a check in it."""
    gaps = [[_gap(planned.control.id, gap, audit.plan)] for gap in planned.gaps]
    uses: dict[tuple[str, str], list[Task]] = {}
    for task in planned.tasks:
        uses.setdefault((task.check.id, canonical_json(task.shown_parameters)), []).append(task)
    times = Counter(check for check, _ in uses)
    return gaps + [
        # Where a check is used with several parameters, they are part of what tells its findings apart.
        [finding for task in tasks for finding in _of_task(planned, task, audit, given if times[check] > 1 else "")]
        for (check, given), tasks in uses.items()
    ]


def _of_task(planned: PlannedControl, task: Task, audit: Audit, variant: str) -> list[Finding]:
    judgement = audit.judgements.get(task.key)
    if judgement is None or not judgement.judged:
        return [_not_reached(planned, task, audit, variant)]
    found = [_finding(planned, judgement, judged, audit, variant) for judged in judgement.judged]
    if missing := _missing(judgement):
        found.append(_not_reached(planned, task, audit, variant, missing))
    return found


def _missing(judgement: Judgement) -> int:
    """Resources that were listed and have no verdict: the audit ended first."""
    return max(0, judgement.listed - len(judgement.judged))


def _finding(planned: PlannedControl, judgement: Judgement, judged: Judged, audit: Audit, variant: str) -> Finding:
    task, verdict = judgement.task, judged.verdict
    settled = verdict.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)
    advice = verdict.fix
    if not advice and verdict.outcome is Outcome.FAIL:
        advice = planned.control.remediation or task.check.fix
    return Finding(
        id=finding_id(planned.control.id, task.check.id, task.target, judged.resource, variant),
        control=planned.control.id,
        check=task.check.id,
        method=task.check.method,
        target=task.target,
        resource=judged.resource,
        outcome=verdict.outcome,
        message=verdict.message,
        got=verdict.got,
        want=verdict.want,
        fix="" if settled else advice,
        observations=audit.evidence.closure(judged.reads),
    )


def _gap(control: str, gap: Gap, plan: Plan) -> Finding:
    where = encodable(plan.deployment.document.path.name)
    return Finding(
        id=finding_id(control, gap.check.id, gap.kind, "-"),
        control=control,
        check=gap.check.id,
        method=gap.check.method,
        target=gap.kind,
        resource="-",
        outcome=Outcome.NOT_CHECKED,
        message=f"no {gap.kind} target in {where}",
        fix=f"add one under `targets: {gap.kind}:`, or declare {control} not applicable",
    )


def _not_reached(planned: PlannedControl, task: Task, audit: Audit, variant: str, count: int = 0) -> Finding:
    what = f"{count} more resource{'s were' if count > 1 else ' was'}" if count else "this was"
    return Finding(
        id=finding_id(planned.control.id, task.check.id, task.target, "(not reached)", variant),
        control=planned.control.id,
        check=task.check.id,
        method=task.check.method,
        target=task.target,
        resource="(not reached)",
        outcome=Outcome.NOT_CHECKED,
        message=f"{what} not reached before the audit ended: {audit.incomplete or 'no verdict came'}",
        fix="run the audit again, and let it finish",
    )


def _control(planned: PlannedControl, uses: list[list[Finding]], plan: Plan, today: date) -> ControlResult:
    control = planned.control
    status, reason = status_of([finding for use in uses for finding in use], control.pending, uses)
    declared = ""
    for entry in plan.deployment.file.not_applicable:
        if entry.control == control.id and entry.expires >= today:
            status, reason = Status.NOT_APPLICABLE, entry.reason
            declared = f"owner {entry.owner}, approved by {entry.approver}, until {entry.expires.isoformat()}"
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
        declared=declared,
    )


def _expired(plan: Plan, today: date) -> list[str]:
    return [
        f"the declaration that {entry.control} is not applicable expired on {entry.expires.isoformat()}; it was judged"
        for entry in plan.deployment.file.not_applicable
        if entry.expires < today
    ]


def _population(judgement: Judgement) -> Population:
    return Population(
        check=judgement.task.check.id,
        target=judgement.task.target,
        parameters=judgement.task.shown_parameters,
        query=judgement.query,
        listed=judgement.listed,
        judged=sum(j.verdict.outcome in (Outcome.PASS, Outcome.FAIL) for j in judgement.judged),
        left_out=tuple(LeftOutOf(filter=part.filter, count=part.count) for part in judgement.left_out),
        complete=judgement.complete,
        note=judgement.note,
    )


def _coverage(controls: Sequence[ControlResult]) -> Coverage:
    def count(status: Status) -> int:
        return sum(control.status is status for control in controls)

    return Coverage(
        controls=len(controls),
        satisfied=count(Status.SATISFIED),
        not_satisfied=count(Status.NOT_SATISFIED),
        undetermined=count(Status.UNDETERMINED),
        waived=count(Status.WAIVED),
        not_applicable=count(Status.NOT_APPLICABLE),
    )


def _observations(audit: Audit) -> tuple[ObservationUsed, ...]:
    return tuple(
        ObservationUsed(key=o.key, digest=o.digest, time=o.collected, error=o.failure.reason if o.failure else "")
        for _, o in sorted(audit.evidence.observations.items())
    )


def _subjects(audit: Audit) -> tuple[Subject, ...]:
    targets = audit.plan.deployment.targets
    found = []
    for target, subject in sorted(audit.subjects.items()):
        kind, _, name = target.partition(":")
        found.append(Subject(target=target, subject=subject, stage=targets[kind][name].stage))
    return tuple(found)


def _scope(scope: Scope) -> ScopeUsed:
    narrowed = [f"--only {pattern}" for pattern in scope.only] + [f"--skip {pattern}" for pattern in scope.skip]
    return ScopeUsed(kind="reduced" if scope.reduced else "full", phase=scope.phase, narrowed_by=tuple(narrowed))
