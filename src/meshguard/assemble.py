"""From an audit to its results: findings of each control, status, gate, score, and the facts of the run."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from meshguard import __version__
from meshguard.gate import decide
from meshguard.results import (
    ControlResult,
    Coverage,
    Finding,
    LeftOutOf,
    Named,
    ObservationUsed,
    PluginUsed,
    Population,
    Results,
    Run,
    ScopeUsed,
    Status,
    Subject,
    Tool,
    finding_id,
    status_of,
)
from meshguard.score import score_of
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from meshguard.audit import Audit, Judged, Judgement
    from meshguard.plan import Gap, Plan, PlannedControl, Scope
    from meshguard.profile import Priority


@dataclass(frozen=True)
class Circumstances:
    """What the results say of the run itself."""

    argv: tuple[str, ...]
    started: datetime
    fail_on: Priority
    advisory: bool = False
    replayed: str = ""
    recording_complete: bool | str = True
    notes: tuple[str, ...] = ()


def assemble(audit: Audit, circumstances: Circumstances) -> Results:
    """The results of an audit that has run, whole or not."""
    plan = audit.plan
    complete: bool | str = audit.incomplete or circumstances.recording_complete
    today = circumstances.started.date()
    findings: list[Finding] = []
    controls: list[ControlResult] = []
    for planned in plan.controls:
        found = _findings(planned, audit)
        findings += found
        controls.append(_control(planned, found, plan, today))
    gate = decide(controls, fail_on=circumstances.fail_on, complete=complete, advisory=circumstances.advisory)
    whole = complete is True and not plan.scope.reduced
    return Results(
        schema="meshguard.results/1",
        meshguard=_tool(plan),
        run=_run(audit, circumstances),
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


def _findings(planned: PlannedControl, audit: Audit) -> list[Finding]:
    control = planned.control
    found = [_gap(control.id, gap, audit.plan) for gap in planned.gaps]
    for task in planned.tasks:
        judgement = audit.judgements.get(task.key)
        if judgement is None or not judgement.judged:
            found.append(_not_reached(control.id, task.check.id, task.target, audit))
            continue
        found += [_finding(planned, judgement, judged, audit) for judged in judgement.judged]
    unfinished = [j for t in planned.tasks if (j := audit.judgements.get(t.key)) and _missing(j)]
    found += [
        _not_reached(control.id, j.task.check.id, j.task.target, audit, _missing(j)) for j in unfinished if j.judged
    ]
    return found


def _missing(judgement: Judgement) -> int:
    """Resources that were listed and have no verdict: the audit ended first."""
    return max(0, judgement.listed - len(judgement.judged))


def _finding(planned: PlannedControl, judgement: Judgement, judged: Judged, audit: Audit) -> Finding:
    task, verdict = judgement.task, judged.verdict
    settled = verdict.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)
    advice = verdict.fix
    if not advice and verdict.outcome is Outcome.FAIL:
        advice = planned.control.remediation or task.check.fix
    return Finding(
        id=finding_id(planned.control.id, task.check.id, task.target, judged.resource),
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
    where = plan.deployment.document.path.name
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


def _not_reached(control: str, check: str, target: str, audit: Audit, count: int = 0) -> Finding:
    what = f"{count} more resources were" if count else "this was"
    return Finding(
        id=finding_id(control, check, target, "(not reached)"),
        control=control,
        check=check,
        target=target,
        resource="(not reached)",
        outcome=Outcome.NOT_CHECKED,
        message=f"{what} not reached before the audit ended: {audit.incomplete or 'no verdict came'}",
        fix="run the audit again, and let it finish",
    )


def _control(planned: PlannedControl, found: list[Finding], plan: Plan, today: date) -> ControlResult:
    control = planned.control
    status, reason = status_of(found, control.pending)
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


def _tool(plan: Plan) -> Tool:
    used = sorted(plan.plugins.used.values(), key=lambda plugin: (plugin.group, plugin.name))
    plugins = [
        PluginUsed(group=p.group, name=p.name, distribution=p.distribution, version=p.version, digest=p.digest)
        for p in used
    ]
    return Tool(version=__version__, python=platform.python_version(), plugins=tuple(plugins))


def _run(audit: Audit, circumstances: Circumstances) -> Run:
    offsets = [
        o.value["clock_offset_s"]
        for o in audit.evidence.observations.values()
        if isinstance(o.value, dict) and isinstance(o.value.get("clock_offset_s"), int | float)
    ]
    return Run(
        operator=_operator(),
        host=socket.gethostname(),
        argv=circumstances.argv,
        commit=_commit(audit.plan.deployment.folder),
        ci=_ci(),
        replayed=circumstances.replayed,
        started=_utc(circumstances.started),
        finished=_utc(datetime.now(UTC)),
        clock_offset_s=min(offsets, key=abs, default=None),
    )


def _utc(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _operator() -> str:
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "SUDO_USER", "LOGNAME", "USER"):
        if value := os.environ.get(name):
            return value
    return f"uid {os.getuid()}"


def _ci() -> str:
    if url := os.environ.get("CI_JOB_URL") or os.environ.get("BUILD_URL"):
        return url
    parts = [os.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""


def _commit(folder: Path) -> str:
    """The commit of the checkout that holds the deployment file; empty where there is none, or no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],  # noqa: S607 - git as the user has it on PATH
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
