"""From an audit to its results: status of each control, gate, score, and the facts of the run."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from meshguard.answers import Answers
from meshguard.circumstances import Circumstances, run_of, tool_of
from meshguard.gate import decide
from meshguard.inherit import Earlier, Now, earlier_of
from meshguard.profile import Weights
from meshguard.results import (
    ControlResult,
    Coverage,
    LeftOutOf,
    Named,
    ObservationUsed,
    Population,
    Results,
    ScopeUsed,
    Status,
    Subject,
)
from meshguard.score import formula, score_of
from meshguard.statuses import Concluded, conclude
from meshguard.verdict import Outcome

__all__ = ["Circumstances", "assemble", "tell_answers"]

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from meshguard.audit import Audit, Judgement
    from meshguard.plan import Plan, Scope
    from meshguard.target import Target


def tell_answers(circumstances: Circumstances) -> Callable[[Audit, Target[Any]], None]:
    """What gives the target of results the controls as they stand before score and coverage are judged."""

    def tell(audit: Audit, answers: Target[Any]) -> None:
        assert isinstance(answers, Answers)  # noqa: S101 - the audit made it
        scope = audit.plan.scope
        computed = {p.control.id for p in audit.plan.controls if any(task.computed for task in p.tasks)}
        answers.controls = [c for c in _concluded(audit, circumstances)[0].controls if c.id not in computed]
        answers.weights = _weights(audit.plan)
        answers.whole = not scope.reduced and not audit.incomplete
        answers.framework_alone = scope.framework if not (scope.only or scope.skip or audit.incomplete) else ""

    return tell


def _weights(plan: Plan) -> Weights:
    """The first profile's weights count where an audit has several."""
    return plan.profiles[0].weights


def assemble(audit: Audit, circumstances: Circumstances) -> Results:
    """The results of an audit that has run, whole or not."""
    plan = audit.plan
    complete: bool | str = audit.incomplete or circumstances.recording_complete
    concluded, earlier = _concluded(audit, circumstances)
    controls = concluded.controls
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
        score=score_of(controls, _weights(plan)) if whole else None,
        score_formula=formula(_weights(plan)),
        coverage=_coverage(controls),
        notes=(*circumstances.notes, *([earlier.note] if earlier else []), *_notes(concluded, plan)),
        waivers=tuple(concluded.waivers),
        declarations=tuple(concluded.declarations),
        controls=tuple(controls),
        findings=tuple(concluded.findings),
        populations=_populations(audit),
        observations=_observations(audit),
    )


def _concluded(audit: Audit, circumstances: Circumstances) -> tuple[Concluded, Earlier | None]:
    """How the controls stand, and what may be inherited from the result that the deployment names."""
    plan, earlier = audit.plan, None
    inherit = plan.deployment.file.inherit
    if inherit is not None and circumstances.inherited is not None:
        digests = frozenset(digest for subject in _subjects(audit) for digest in subject.digests)
        profiles = {profile.id: profile.digest for profile in plan.profiles}
        commit = run_of(audit, circumstances).commit
        now = Now(commit, profiles, digests, circumstances.started)
        earlier = earlier_of(circumstances.inherited, now, inherit.max_age)
    return conclude(audit, circumstances.started.date(), circumstances.known, earlier), earlier


def _notes(concluded: Concluded, plan: Plan) -> list[str]:
    """What ran out, or will soon, or does nothing; and what the profile switches off."""
    notes = [f"{one.control.id} is switched off by the profile: {one.control.off}" for one in plan.off]
    notes += [
        f"the declaration that {d.control} is not applicable expired on {d.expires}; it was judged"
        for d in concluded.declarations
        if d.state == "expired"
    ]
    checks = {use.check.id for one in plan.controls for use in one.all_uses}
    judged = {one.control.id for one in plan.controls}
    for waiver in concluded.waivers:
        what = f"waiver {waiver.name} ({waiver.control or waiver.check} on {waiver.resource})"
        if waiver.state == "expired":
            count = f"{waiver.findings} failure{'s count' if waiver.findings != 1 else ' counts'} again"
            notes.append(f"{what} expired on {waiver.expires}; {count if waiver.findings else 'remove it'}")
        elif waiver.state == "unused":
            # Of what this audit did not look at, nothing can be said.
            if not plan.scope.reduced and (waiver.control in judged if waiver.control else waiver.check in checks):
                notes.append(f"{what} covers nothing that fails; remove it, or see whether its names are right")
        elif waiver.ends_soon:
            notes.append(f"{what} ends on {waiver.expires}")
    return notes


def _populations(audit: Audit) -> tuple[Population, ...]:
    controls: dict[str, dict[str, None]] = defaultdict(dict)
    for planned in audit.plan.controls:
        for task in planned.tasks:
            controls[task.key][planned.control.id] = None
    return tuple(_population(judgement, tuple(controls[key])) for key, judgement in audit.judgements.items())


def _population(judgement: Judgement, controls: tuple[str, ...]) -> Population:
    return Population(
        controls=controls,
        check=judgement.task.check.id,
        target=judgement.task.target,
        parameters=judgement.task.shown_parameters,
        overrides=tuple(judgement.task.shown_overrides),
        query=judgement.query,
        listed=judgement.listed,
        judged=sum(j.verdict.outcome in (Outcome.PASS, Outcome.FAIL) for j in judgement.judged),
        left_out=tuple(LeftOutOf(filter=part.filter, count=part.count) for part in judgement.left_out),
        complete=judgement.complete,
        note=judgement.note,
    )


def _coverage(controls: Sequence[ControlResult]) -> Coverage:
    counted = [control for control in controls if not control.pulled_in]

    def count(status: Status) -> int:
        return sum(control.status is status for control in counted)

    unknown = count(Status.UNDETERMINED)
    return Coverage(
        controls=len(counted),
        determined=round(1 - unknown / len(counted), 4) if counted else 0.0,
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
        digests = _digests(audit, kind, target)
        found.append(Subject(target=target, subject=subject, stage=targets[kind][name].stage, digests=digests))
    return tuple(found)


def _digests(audit: Audit, kind: str, target: str) -> tuple[str, ...]:
    """Digests of what runs on a target, from the facts that its kind names."""
    found = set()
    for fact, field in audit.plan.plugins.target(kind).DIGESTS:
        for key, observation in audit.evidence.observations.items():
            if key.startswith(f"{target}/{fact}(") and isinstance(observation.value, dict):
                found.add(str(observation.value.get(field, "")))
    return tuple(sorted(filter(None, found)))


def _scope(scope: Scope) -> ScopeUsed:
    narrowed = [f"--framework {scope.framework}"] if scope.framework else []
    narrowed += [f"--only {pattern}" for pattern in scope.only]
    narrowed += [f"--skip {pattern}" for pattern in scope.skip]
    return ScopeUsed(kind="reduced" if scope.reduced else "full", phase=scope.phase, narrowed_by=tuple(narrowed))
