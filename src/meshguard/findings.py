"""From judgements to findings: what each control's checks said, and what was missing or not reached."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from meshguard.results import Finding, finding_id
from meshguard.values import canonical_json, encodable
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshguard.audit import Audit, Judged, Judgement
    from meshguard.plan import Plan, PlannedControl
    from meshguard.uses import Gap, Task, Use

ITSELF, NOT_REACHED = "-", "(not reached)"
"""Resources of findings about a target as a whole, and about what the audit did not come to."""
UNSETTLED = (Outcome.ERROR, Outcome.NOT_CHECKED)


def findings_of(planned: PlannedControl, audit: Audit) -> list[list[Finding]]:
    """A control's findings, a list for each use of a check in it; of its alternatives only what answers."""
    variants = _variants(planned)
    uses = [_of_use(planned, use, audit, variants) for use in planned.uses]
    return [*uses, _of_alternatives(planned, audit, variants)] if planned.alternatives else uses


def _of_use(planned: PlannedControl, use: Use, audit: Audit, variants: Mapping[str, str]) -> list[Finding]:
    if use.gap is not None:
        return [_gap(planned.control.id, use.gap, audit.plan)]
    return [finding for task in use.tasks for finding in _of_task(planned, task, audit, variants.get(task.key, ""))]


def _of_alternatives(planned: PlannedControl, audit: Audit, variants: Mapping[str, str]) -> list[Finding]:
    """The first alternative that the deployment has something for; its error does not fall through to the next."""
    empty: list[Finding] = []
    for use in planned.alternatives:
        found = _of_use(planned, use, audit, variants)
        if use.gap is None and any(_has_something(audit.judgements.get(task.key)) for task in use.tasks):
            return found
        empty += found
    names = ", ".join(use.check.id for use in planned.alternatives)
    one = f"none of its alternatives has anything to look at: {names}"
    return [empty[0].model_copy(update={"message": f"{one}; {empty[0].message}"})]


def _has_something(judgement: Judgement | None) -> bool:
    """Whether resources were listed, or the list itself could not be read."""
    if judgement is None or not judgement.judged:
        return True
    return judgement.listed > 0 or not judgement.complete


def _of_task(planned: PlannedControl, task: Task, audit: Audit, variant: str) -> list[Finding]:
    judgement = audit.judgements.get(task.key)
    if judgement is None or not judgement.judged:
        return [_not_reached(planned, task, audit, variant)]
    found = [_finding(planned, judgement, judged, audit, variant) for judged in judgement.judged]
    if missing := _missing(judgement):
        found.append(_not_reached(planned, task, audit, variant, missing))
    return found


def _variants(planned: PlannedControl) -> dict[str, str]:
    """Task -> its parameters, where the control uses its check on the same target with others too."""
    tasks = {task.key: task for task in planned.tasks}
    several = Counter((task.check.id, task.target) for task in tasks.values())
    return {
        key: canonical_json(task.shown_parameters)
        for key, task in tasks.items()
        if several[task.check.id, task.target] > 1
    }


def _missing(judgement: Judgement) -> int:
    """Resources that were listed and have no verdict: the audit ended first."""
    return max(0, judgement.listed - len(judgement.judged) + judgement.unlisted)


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
    stage = f"with `stage: {gap.stage}` " if gap.stage else ""
    return Finding(
        id=finding_id(control, gap.check.id, gap.kind, ITSELF),
        control=control,
        check=gap.check.id,
        method=gap.check.method,
        target=gap.kind,
        resource=ITSELF,
        outcome=Outcome.NOT_CHECKED,
        message=f"no {gap.kind} target {stage}in {where}",
        fix=f"add one {stage}under `targets: {gap.kind}:`, or declare {control} not applicable",
    )


def _not_reached(planned: PlannedControl, task: Task, audit: Audit, variant: str, count: int = 0) -> Finding:
    what = f"{count} more resource{'s were' if count > 1 else ' was'}" if count else "this was"
    return Finding(
        id=finding_id(planned.control.id, task.check.id, task.target, NOT_REACHED, variant),
        control=planned.control.id,
        check=task.check.id,
        method=task.check.method,
        target=task.target,
        resource=NOT_REACHED,
        outcome=Outcome.NOT_CHECKED,
        message=f"{what} not reached before the audit ended: {audit.incomplete or 'no verdict came'}",
        fix="run the audit again, and let it finish",
    )
