"""The plan: profile x deployment, validated whole before the first packet."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import product
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from meshguard.check import CheckDefinitionError
from meshguard.errors import MeshGuardError, Mistake, Mistakes
from meshguard.values import canonical_json, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from meshguard.check import Check
    from meshguard.deployment import Deployment
    from meshguard.plugins import Plugins
    from meshguard.profile import CheckUse, Control, Phase, Profile

TargetRef = tuple[str, str]
"""Kind and name of a target."""

CLOCK: TargetRef = ("clock", "audit")
"""The clock is a fact too; every deployment has this one target of its kind."""


@dataclass(frozen=True)
class Task:
    """One check with its parameters on its target or targets; judged once however many controls use it."""

    check: Check[Any]
    parameters: BaseModel
    targets: tuple[TargetRef, ...]

    @property
    def key(self) -> str:
        """Equal for equal work."""
        return f"{self.check.id} {canonical_json(self.shown_parameters)} {self.target}"

    @property
    def shown_parameters(self) -> dict[str, Any]:
        """The parameters as JSON."""
        return self.parameters.model_dump(mode="json")

    @property
    def target(self) -> str:
        """The target or targets, `kind:name` each; the clock is not named."""
        return " + ".join(f"{kind}:{name}" for kind, name in self.targets if (kind, name) != CLOCK)

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments for the check."""
        return {name: getattr(self.parameters, name) for name in type(self.parameters).model_fields}


@dataclass(frozen=True)
class Gap:
    """A check that a control needs and the deployment has no target for."""

    check: Check[Any]
    kind: str


@dataclass
class PlannedControl:
    """A control in scope with what will be judged for it."""

    control: Control
    where: str
    tasks: list[Task] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


@dataclass(frozen=True)
class Scope:
    """What of the profile is judged, and what narrowed it."""

    phase: Phase | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    @property
    def reduced(self) -> bool:
        """Whether something was left out by an option."""
        return bool(self.only or self.skip)


@dataclass
class Plan:
    """What an audit does, in the profile's order."""

    deployment: Deployment
    profiles: list[Profile]
    plugins: Plugins
    scope: Scope
    controls: list[PlannedControl] = field(default_factory=list)

    @property
    def tasks(self) -> list[Task]:
        """All work, each piece once."""
        found = {task.key: task for planned in self.controls for task in planned.tasks}
        return list(found.values())


def make_plan(
    deployment: Deployment,
    profiles: Sequence[Profile],
    plugins: Plugins,
    scope: Scope,
    mistakes: list[Mistake],
) -> Plan:
    """The validated plan.

    Raises:
        Mistakes: all that is wrong in profiles, deployment and options, each at its file:line.
    """
    plan = Plan(deployment, list(profiles), plugins, scope)
    all_controls: dict[str, Control] = {}
    for profile in profiles:
        for control in profile.controls.values():
            if control.id in all_controls:
                if all_controls[control.id] != control:
                    mistakes.append(
                        Mistake(profile.line(control.id), f"two profiles say different things of {control.id}")
                    )
                continue
            all_controls[control.id] = control
            planned = _planned(control, profile, plan, mistakes)
            if not control.off and (scope.phase is None or scope.phase in control.phase):
                plan.controls.append(planned)
    _check_declarations(deployment, all_controls, mistakes)
    plan.controls = _narrowed(plan.controls, scope, mistakes)
    if not mistakes and not plan.controls:
        mistakes.append(Mistake("", "nothing is left to audit", "no control of the profile is in this phase and scope"))
    if mistakes:
        raise Mistakes(mistakes)
    return plan


def _planned(control: Control, profile: Profile, plan: Plan, mistakes: list[Mistake]) -> PlannedControl:
    planned = PlannedControl(control, profile.line(control.id, "id"))
    seen: list[tuple[Check[Any], BaseModel]] = []
    for index, use in enumerate(control.checks):
        where = profile.line(control.id, "checks", index)
        try:
            check = plan.plugins.check(use.check)
            if check is None:
                mistakes.append(_unknown_check(use.check, where, plan.plugins))
                continue
            parameters = _parameters(check, use, where, mistakes)
            if parameters is not None and (check, parameters) in seen:
                mistakes.append(Mistake(where, f"the check {check.id} stands twice with equal parameters"))
            elif parameters is not None:
                seen.append((check, parameters))
                _add_tasks(planned, check, parameters, plan.deployment)
        except (MeshGuardError, CheckDefinitionError) as fault:
            mistakes.append(Mistake(where, str(fault)))
    return planned


def _unknown_check(check_id: str, where: str, plugins: Plugins) -> Mistake:
    namespace = check_id.split(".", 1)[0]
    known = plugins.namespace(namespace) or {f"{name}." for name in plugins.namespaces()}
    return Mistake(
        where,
        f"unknown check {check_id!r}",
        did_you_mean(check_id, known, otherwise="`meshguard checks` lists all"),
    )


def _parameters(check: Check[Any], use: CheckUse, where: str, mistakes: list[Mistake]) -> BaseModel | None:
    try:
        return check.parameters.model_validate(use.parameters)
    except ValidationError as fault:
        for error in fault.errors(include_url=False):
            name = ".".join(str(part) for part in error["loc"])
            if error["type"] == "extra_forbidden":
                known = check.parameters.model_fields
                hint = did_you_mean(name, known, otherwise=f"it takes {', '.join(known) or 'none'}")
                mistakes.append(Mistake(where, f"{check.id} has no parameter {name!r}", hint))
            else:
                message = error["msg"].removeprefix("Value error, ")
                mistakes.append(Mistake(where, f"{check.id}: {name}: {message[:1].lower()}{message[1:]}"))
        return None


def _add_tasks(planned: PlannedControl, check: Check[Any], parameters: BaseModel, deployment: Deployment) -> None:
    choices: list[list[TargetRef]] = []
    for kind in check.kinds:
        names = deployment.targets.get(kind, {})
        if kind == CLOCK[0]:
            choices.append([CLOCK])
        elif names:
            choices.append([(kind, name) for name in names])
        else:
            if (gap := Gap(check, kind)) not in planned.gaps:
                planned.gaps.append(gap)
            return
    planned.tasks += [Task(check, parameters, targets) for targets in product(*choices)]


def _check_declarations(deployment: Deployment, known: dict[str, Control], mistakes: list[Mistake]) -> None:
    for index, declared in enumerate(deployment.file.not_applicable):
        if declared.control not in known:
            where = deployment.document.where(("not_applicable", index))
            hint = did_you_mean(declared.control, known, otherwise="`meshguard controls` lists all")
            mistakes.append(Mistake(where, f"unknown control {declared.control!r}", hint))


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
        planned.tasks = [task for task in planned.tasks if _task_matches(task, scope.only)]
        planned.gaps = [gap for gap in planned.gaps if _gap_matches(gap, scope.only)]
        if not planned.tasks and not planned.gaps:
            return False
    had_work = bool(planned.tasks or planned.gaps)
    planned.tasks = [task for task in planned.tasks if not _task_matches(task, scope.skip)]
    planned.gaps = [gap for gap in planned.gaps if not _gap_matches(gap, scope.skip)]
    return bool(planned.tasks or planned.gaps) or not had_work


def _gap_matches(gap: Gap, patterns: Iterable[str]) -> bool:
    return _matches(gap.check.id, patterns) or _matches(gap.kind, patterns)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _task_matches(task: Task, patterns: Iterable[str]) -> bool:
    names = [
        task.check.id,
        *(f"{kind}:{name}" for kind, name in task.targets),
        *(name for _, name in task.targets),
    ]
    names += [kind for kind, _ in task.targets]
    return any(_matches(name, patterns) for name in names)


def _touches(planned: PlannedControl, patterns: list[str]) -> bool:
    return any(_matches(name, patterns) for name in _names(planned)) or any(
        _task_matches(t, patterns) for t in planned.tasks
    )


def _names(planned: PlannedControl) -> list[str]:
    checks = [task.check.id for task in planned.tasks] + [gap.check.id for gap in planned.gaps]
    return [planned.control.id, *checks, *(gap.kind for gap in planned.gaps)]


def load_plan(path: Path, plugins: Plugins, scope: Scope, names: Sequence[str] = ()) -> Plan:
    """Deployment and profiles from their files, and the plan of both.

    `names` are profiles by name or path (from the working folder), instead of the deployment's own.

    Raises:
        Mistakes: every mistake of every file.
    """
    from pathlib import Path

    from meshguard.deployment import load_deployment
    from meshguard.profile import ProfileLoader

    mistakes: list[Mistake] = []
    deployment = load_deployment(path, plugins, mistakes)
    loader = ProfileLoader(plugins, mistakes)
    profiles: list[Profile | None] = [loader.load(name, folder=Path(), where="--profile") for name in names]
    if deployment is not None and not names:
        document = deployment.document
        if "profile" not in document.data:
            mistakes.append(Mistake(document.where(), "no profile is named", "add `profile:` or give --profile"))
        for index, name in enumerate(deployment.file.profile):
            at = ("profile", index) if ("profile", index) in document.lines else ("profile",)
            profiles.append(loader.load(name, folder=deployment.folder, where=document.where(at)))
    loaded = [profile for profile in profiles if profile is not None]
    if deployment is None:
        raise Mistakes(mistakes)
    if len(loaded) < len(profiles):  # which controls there are is not known; only what is certain is a mistake
        deployment.file, scope = deployment.file.model_copy(update={"not_applicable": ()}), Scope()
    return make_plan(deployment, loaded, plugins, scope, mistakes)
