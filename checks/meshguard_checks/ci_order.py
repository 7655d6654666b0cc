"""Check that one step of CI gates another."""

from __future__ import annotations

from meshguard.api import Verdict, check, failed, passed, undetermined
from meshguard.targets.ci import Ci
from meshguard.targets.ci.models import Place, Runs

FIX = (
    "Let the job of the second need the job of the first (`needs: smoke`; GitLab: an earlier stage), without always(), "
    "continue-on-error or a condition on the way."
)


@check("ci.order", method="examine", fix=FIX)
async def order(ci: Ci, *, first: str | tuple[str, ...], then: str | tuple[str, ...], branch: str = "main") -> Verdict:
    """Wherever a workflow runs `then`, it has run `first` with success before (a smoke test gates the traffic switch).

    What gates is an earlier step of the same job, or a job that must have succeeded before: through `needs`, or in
    GitLab through stages. A gate that may be skipped while its job succeeds, or whose failure is swallowed, is none.
    Nothing that runs `then` is nothing to look at.

    Args:
        first: the command of the gate, an action as `uses: owner/name`, or its job as `job: smoke*`.
        then: what it gates, in the same words.
        branch: the default branch.
    """
    gates = await ci.runs(_several(first), branch)
    gated = await ci.runs(_several(then), branch)
    want = " or ".join(_several(first))
    if not gated.places:
        return undetermined(f"no workflow that is read runs {' or '.join(_several(then))}", fix="correct `then`")
    verdicts = [_judged(place, gates, want) for place in gated.places]
    for outcome in ("fail", "not-checked"):
        for verdict in verdicts:
            if verdict.outcome == outcome:
                return verdict
    if gated.unknown:
        return undetermined(f"not all is read, and may run it without a gate: {gated.unknown[0]}")
    return passed("; ".join(verdict.message for verdict in verdicts[:3]))


def _several(said: str | tuple[str, ...]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else said


def _judged(place: Place, gates: Runs, want: str) -> Verdict:
    """Whether one of the gates stands before a place."""
    before = [gate for gate in gates.places if _is_before(gate, place)]
    sound = [gate for gate in before if not gate.swallowed]
    for gate in sound:
        if not (gate.unsure or gate.skips or gate.conditional):
            return passed(f"{gate.where} gates {place.where}")
    if sound:
        doubts = (*sound[0].unsure, *sound[0].skips, *sound[0].conditional)
        return undetermined(f"{sound[0].where} stands before {place.where}, but {doubts[0]}")
    if before:
        return failed(f"{before[0].where} gates nothing: {before[0].swallowed[0]}", got=place.where, want=want)
    if gates.unknown:
        return undetermined(f"no gate that is read stands before {place.where}, but not all is: {gates.unknown[0]}")
    anyway = ", which runs although a step before it has failed" if place.anyway else ""
    return failed(f"nothing that is {want} must succeed before {place.where}{anyway}", got="no gate", want=want)


def _is_before(gate: Place, place: Place) -> bool:
    if gate.workflow != place.workflow:
        return False
    if gate.job == place.job:
        return gate.order < place.order and not place.anyway
    return any(gate.job == job or gate.job.startswith(f"{job}/") for job in place.after)
