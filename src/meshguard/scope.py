"""What of a plan is judged: phase, options that narrow it, and what derived controls pull in."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from meshguard.errors import Mistake
from meshguard.frameworks import load_catalogue, refers
from meshguard.uses import Gap
from meshguard.values import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from meshguard.plan import PlannedControl
    from meshguard.profile import Phase
    from meshguard.uses import TargetRef, Task


@dataclass(frozen=True)
class Scope:
    """What of the profile is judged, and what narrowed it."""

    phase: Phase | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    framework: str = ""

    @property
    def reduced(self) -> bool:
        """Whether something was left out by an option."""
        return bool(self.only or self.skip or self.framework)


STAGING = "staging"


def in_scope(
    planned: Mapping[str, PlannedControl],
    scope: Scope,
    mistakes: list[Mistake],
    stages: Mapping[TargetRef, str] | None = None,
) -> list[PlannedControl]:
    """The controls that are judged, in the profile's order; those that are only pulled in are marked so.

    Before a deployment (phase pre), what a control of that phase requires of later phases is judged on targets that
    are marked `stage: staging`: the production that runs says nothing of what is about to be deployed.

    Args:
        planned: all controls by id.
        scope: what is asked for.
        mistakes: where mistakes go.
        stages: targets that are contacted over a network, with their stage.
    """
    wanted = [p for p in planned.values() if not p.control.off and _in_phase(p, scope)]
    if scope.framework:
        chosen = load_catalogue().select(scope.framework)
        wanted = [p for p in wanted if refers(p.control.refs, chosen)]
        if not wanted:
            mistakes.append(Mistake("--framework", f"no control in scope refers to {scope.framework!r}"))
    if scope.reduced:  # a part has no score: what judges the whole is left out, unless it is asked for by name
        wanted = [p for p in wanted if not _judges_the_whole(p) or (scope.only and _is_named(p, scope))]
    _refuse_idle(wanted, scope, mistakes)
    whole = {p.control.id for p in wanted if _is_named(p, scope)}
    parts = {p.control.id for p in wanted if not _matches(p.control.id, scope.skip) and _has_part(p, scope)} - whole
    # What is required is judged whole, or what is derived from it would rest on a part.
    pulled = {name for name in _required(whole | parts, planned) if not _matches(name, scope.skip)}
    for control_id in parts - pulled:
        planned[control_id].narrow(lambda t: _task_matches(t, scope.only), lambda g: _gap_matches(g, scope.only))
    for control_id in pulled - whole - parts:
        planned[control_id].pulled_in = True
        if scope.phase == "pre" and not _in_phase(planned[control_id], scope):
            _only_staging(planned[control_id], stages or {})
    kept = whole | parts | pulled
    return [p for control_id, p in planned.items() if control_id in kept and _keep(p, scope)]


def _only_staging(planned: PlannedControl, stages: Mapping[TargetRef, str]) -> None:
    """Leave only what is judged on staging; where nothing is left, a target of that stage is missing."""
    for use in planned.all_uses:
        other = [ref for task in use.tasks for ref in task.targets if stages.get(ref, STAGING) != STAGING]
        if other:
            use.tasks = [task for task in use.tasks if not set(task.targets) & set(other)]
            use.gap = None if use.tasks else Gap(use.check, other[0][0], STAGING)


def _judges_the_whole(planned: PlannedControl) -> bool:
    tasks = planned.tasks
    return bool(tasks) and all(task.check.id == "score.weighted" for task in tasks)


def _has_part(planned: PlannedControl, scope: Scope) -> bool:
    """Whether a check or a target of the control is asked for."""
    return any(_task_matches(task, scope.only) for task in planned.tasks) or any(
        _gap_matches(gap, scope.only) for gap in planned.gaps
    )


def _is_named(planned: PlannedControl, scope: Scope) -> bool:
    """Whether the control itself is asked for, and not only a check or a target of it."""
    control_id = planned.control.id
    return not _matches(control_id, scope.skip) and (not scope.only or _matches(control_id, scope.only))


def _in_phase(planned: PlannedControl, scope: Scope) -> bool:
    return scope.phase is None or scope.phase in planned.control.phase


def _required(wanted: Iterable[str], planned: Mapping[str, PlannedControl]) -> set[str]:
    """All that the wanted controls require, whatever its phase, followed to the end."""
    found: set[str] = set()
    todo = [required for control_id in wanted for required in planned[control_id].requires]
    while todo:
        control_id = todo.pop()
        if control_id not in found:
            found.add(control_id)
            todo.extend(planned[control_id].requires)
    return found


def _refuse_idle(controls: list[PlannedControl], scope: Scope, mistakes: list[Mistake]) -> None:
    """A pattern that names no control, check or target is a typing error."""
    for option, patterns in (("--only", scope.only), ("--skip", scope.skip)):
        for pattern in patterns:
            if not any(_touches(planned, [pattern]) for planned in controls):
                names = [name for planned in controls for name in _names(planned)]
                hint = did_you_mean(pattern, names, otherwise="it may name a control, check or target, with * and ?")
                mistakes.append(Mistake(option, f"{pattern!r} matches nothing in scope", hint))


def _keep(planned: PlannedControl, scope: Scope) -> bool:
    """Whether something is left of a control without what is skipped, which is dropped in place."""
    if not scope.skip:
        return True
    had_work = planned.has_work
    planned.narrow(lambda task: not _task_matches(task, scope.skip), lambda gap: not _gap_matches(gap, scope.skip))
    return planned.has_work or not had_work


def _gap_matches(gap: Gap, patterns: Iterable[str]) -> bool:
    return _matches(gap.check.id, patterns) or _matches(gap.kind, patterns)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _task_matches(task: Task, patterns: Iterable[str]) -> bool:
    names = [task.check.id]
    for kind, name in task.targets:
        names += [f"{kind}:{name}", name, kind]
    return any(_matches(name, patterns) for name in names)


def _touches(planned: PlannedControl, patterns: Sequence[str]) -> bool:
    return any(_matches(name, patterns) for name in _names(planned)) or any(
        _task_matches(task, patterns) for task in planned.tasks
    )


def _names(planned: PlannedControl) -> list[str]:
    checks = [use.check.id for use in planned.all_uses]
    return [planned.control.id, *checks, *(gap.kind for gap in planned.gaps)]
