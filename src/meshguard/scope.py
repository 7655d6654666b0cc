"""What of a plan is judged: phase, options that narrow it, and what derived controls pull in."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from meshguard.errors import Mistake
from meshguard.frameworks import load_catalogue, refers
from meshguard.values import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshguard.plan import PlannedControl
    from meshguard.profile import Phase
    from meshguard.uses import Gap, Task


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


def in_scope(planned: Mapping[str, PlannedControl], scope: Scope, mistakes: list[Mistake]) -> list[PlannedControl]:
    """The controls that are judged, in the profile's order; those that are only pulled in are marked so."""
    wanted = [p for p in planned.values() if not p.control.off and _in_phase(p, scope)]
    if scope.framework:
        chosen = load_catalogue().select(scope.framework)
        wanted = [p for p in wanted if refers(p.control.refs, chosen)]
        if not wanted:
            mistakes.append(Mistake("--framework", f"no control in scope refers to {scope.framework!r}"))
    wanted = _narrowed(wanted, scope, mistakes)
    ids = {p.control.id for p in wanted}
    pulled = _required(wanted, planned) - ids
    for control_id in pulled:
        planned[control_id].pulled_in = True
    return [p for control_id, p in planned.items() if control_id in ids | pulled]


def _in_phase(planned: PlannedControl, scope: Scope) -> bool:
    return scope.phase is None or scope.phase in planned.control.phase


def _required(wanted: Iterable[PlannedControl], planned: Mapping[str, PlannedControl]) -> set[str]:
    """All that the wanted controls require, whatever its phase, followed to the end."""
    found: set[str] = set()
    todo = [required for one in wanted for required in one.requires]
    while todo:
        control_id = todo.pop()
        if control_id not in found and not planned[control_id].control.off:
            found.add(control_id)
            todo.extend(planned[control_id].requires)
    return found


def _narrowed(controls: list[PlannedControl], scope: Scope, mistakes: list[Mistake]) -> list[PlannedControl]:
    """What `only` leaves and `skip` does not take; a pattern names controls, checks or targets, with globs."""
    for option, patterns in (("--only", scope.only), ("--skip", scope.skip)):
        for pattern in patterns:
            if not any(_touches(planned, [pattern]) for planned in controls):
                names = [name for planned in controls for name in _names(planned)]
                hint = did_you_mean(pattern, names, otherwise="it may name a control, check or target, with * and ?")
                mistakes.append(Mistake(option, f"{pattern!r} matches nothing in scope", hint))
    return [planned for planned in controls if _keep(planned, scope)]


def _keep(planned: PlannedControl, scope: Scope) -> bool:
    """Whether a control stays in scope; its tasks and gaps are narrowed in place."""
    if _matches(planned.control.id, scope.skip):
        return False
    if scope.only and not _matches(planned.control.id, scope.only):
        planned.narrow(lambda task: _task_matches(task, scope.only), lambda gap: _gap_matches(gap, scope.only))
        if not planned.has_work:
            return False
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


def _touches(planned: PlannedControl, patterns: list[str]) -> bool:
    return any(_matches(name, patterns) for name in _names(planned)) or any(
        _task_matches(task, patterns) for task in planned.tasks
    )


def _names(planned: PlannedControl) -> list[str]:
    checks = [use.check.id for use in planned.all_uses]
    return [planned.control.id, *checks, *(gap.kind for gap in planned.gaps)]
