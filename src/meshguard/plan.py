"""The plan: profile x deployment, validated whole before the first packet."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from meshguard.errors import Mistake, Mistakes
from meshguard.scope import Scope, in_scope
from meshguard.settings import Settings
from meshguard.uses import CLOCK, Gap, Planner, TargetRef, Task, Use
from meshguard.values import canonical_json, did_you_mean
from meshguard.waivers import Waivers, load_waivers

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from meshguard.deployment import Deployment
    from meshguard.plugins import Plugins
    from meshguard.profile import CheckUse, Control, Profile

__all__ = ["CLOCK", "Gap", "Plan", "PlannedControl", "Scope", "TargetRef", "Task", "load_plan", "make_plan"]


@dataclass
class PlannedControl:
    """A control in scope with what will be judged for it."""

    control: Control
    where: str
    uses: list[Use] = field(default_factory=list)
    alternatives: list[Use] = field(default_factory=list)
    """The first that the deployment has something for answers; all others are left aside."""
    requires: tuple[str, ...] = ()
    """Ids of the controls that it is derived from."""
    pulled_in: bool = False
    """Whether it is judged only because another one requires it."""

    @property
    def all_uses(self) -> list[Use]:
        """Checks and alternatives."""
        return [*self.uses, *self.alternatives]

    @property
    def tasks(self) -> list[Task]:
        """Everything that is judged for it."""
        return [task for use in self.all_uses for task in use.tasks]

    @property
    def gaps(self) -> list[Gap]:
        """What it needs and the deployment does not have."""
        return list(dict.fromkeys(use.gap for use in self.all_uses if use.gap is not None))

    @property
    def has_work(self) -> bool:
        """Whether anything is judged, or missing."""
        return bool(self.tasks or self.gaps)

    @property
    def derived(self) -> bool:
        """Whether its status follows from others; it then carries no weight in the score."""
        return bool(self.requires) or any(task.computed for task in self.tasks)

    def narrow(self, keep_task: Callable[[Task], bool], keep_gap: Callable[[Gap], bool]) -> None:
        """Drop the tasks and gaps that an option leaves out."""
        for uses in (self.uses, self.alternatives):
            for use in uses:
                use.tasks = [task for task in use.tasks if keep_task(task)]
                use.gap = use.gap if use.gap is not None and keep_gap(use.gap) else None
            uses[:] = [use for use in uses if use.tasks or use.gap]


@dataclass
class Plan:
    """What an audit does, in the profile's order."""

    deployment: Deployment
    profiles: list[Profile]
    plugins: Plugins
    scope: Scope
    controls: list[PlannedControl] = field(default_factory=list)
    waivers: Waivers = field(default_factory=Waivers)

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
    today: datetime.date | None = None,
) -> Plan:
    """The validated plan.

    Raises:
        Mistakes: all that is wrong in profiles, deployment, waivers and options, each at its file:line.
    """
    plan = Plan(deployment, list(profiles), plugins, scope)
    settings = Settings({n: s for p in profiles for n, s in p.settings.items()}, deployment.file.settings)
    mistakes += settings.mistakes(deployment.document)
    planner = Planner(plugins, deployment, settings, mistakes)
    planned: dict[str, PlannedControl] = {}
    for profile in profiles:
        for control in profile.controls.values():
            known = planned.get(control.id)
            if known is None:
                planned[control.id] = _planned(control, profile, planner)
            elif known.control != control:
                what = f"two profiles say different things of {control.id}"
                mistakes.append(Mistake(profile.line(control.id), what))
    _connect(planned, profiles, mistakes)
    _check_declarations(deployment, planned, mistakes)
    if deployment.file.waivers is not None:
        plan.waivers = _waivers(deployment.file.waivers, plan, planned, mistakes, today)
    plan.controls = in_scope(planned, scope, mistakes)
    if not mistakes and not plan.controls:
        mistakes.append(Mistake("", "nothing is left to audit", "no control of the profile is in this phase and scope"))
    if mistakes:
        raise Mistakes(mistakes)
    return plan


def _planned(control: Control, profile: Profile, planner: Planner) -> PlannedControl:
    planned = PlannedControl(control, profile.line(control.id, "id"))
    planned.uses = _uses(control.checks, control, profile, "checks", planner)
    planned.alternatives = _uses(control.any, control, profile, "any", planner)
    pin = planner.deployment.file.pins.get(control.id)
    if pin is not None:
        kept = [use for use in planned.alternatives if use.check.id == pin]
        if not kept:
            names = [use.check for use in control.any]
            hint = did_you_mean(pin, names, otherwise=f"its alternatives: {', '.join(names) or 'none'}")
            where = planner.deployment.document.where(("pins", control.id))
            planner.mistakes.append(Mistake(where, f"{pin!r} is no alternative of {control.id}", hint))
        planned.alternatives = kept
    return planned


def _uses(uses: Sequence[CheckUse], control: Control, profile: Profile, part: str, planner: Planner) -> list[Use]:
    found: list[Use] = []
    seen: set[str] = set()
    for index, use in enumerate(uses):
        where = profile.line(control.id, part, index)
        said = f"{use.check} {canonical_json(use.parameters)}"
        if said in seen:
            planner.mistakes.append(Mistake(where, f"the check {use.check} stands twice with equal parameters"))
        seen.add(said)
        planned = planner.plan(use, where)
        if planned is not None:
            found.append(planned)
    return found


def _connect(planned: Mapping[str, PlannedControl], profiles: Sequence[Profile], mistakes: list[Mistake]) -> None:
    """Resolve what derived controls require, and refuse circles."""
    lines = {control_id: profile for profile in profiles for control_id in profile.controls}
    for one in planned.values():
        found: dict[str, None] = {}
        for index, pattern in enumerate(one.control.requires):
            matches = [name for name in planned if fnmatchcase(name, pattern) and name != one.control.id]
            if not matches:
                where = lines[one.control.id].line(one.control.id, "requires", index)
                mistakes.append(Mistake(where, f"requires unknown control {pattern!r}", did_you_mean(pattern, planned)))
            found |= dict.fromkeys(matches)
        one.requires = tuple(found)
    done: set[str] = set()
    for control_id in planned:
        if circle := _circle(control_id, planned, [], done):
            mistakes.append(Mistake(planned[control_id].where, f"controls require each other: {' -> '.join(circle)}"))
            return


def _circle(control_id: str, planned: Mapping[str, PlannedControl], path: list[str], done: set[str]) -> list[str]:
    """The circle that this control is part of or leads to; empty where there is none."""
    if control_id in path:
        return [*path[path.index(control_id) :], control_id]
    if control_id in done:
        return []
    for required in planned[control_id].requires:
        if circle := _circle(required, planned, [*path, control_id], done):
            return circle
    done.add(control_id)
    return []


def _check_declarations(deployment: Deployment, known: Mapping[str, object], mistakes: list[Mistake]) -> None:
    """Controls that the deployment names exist."""
    named: list[tuple[tuple[str | int, ...], str]]
    named = [(("not_applicable", index), entry.control) for index, entry in enumerate(deployment.file.not_applicable)]
    named += [(("pins", control), control) for control in deployment.file.pins]
    for at, control in named:
        if control not in known:
            hint = did_you_mean(control, known, otherwise="`meshguard controls` lists all")
            mistakes.append(Mistake(deployment.document.where(at), f"unknown control {control!r}", hint))


def _waivers(
    path: Path, plan: Plan, known: Mapping[str, PlannedControl], mistakes: list[Mistake], today: datetime.date | None
) -> Waivers:
    from datetime import UTC, datetime

    return load_waivers(
        path,
        mistakes,
        controls=known,
        checks={use.check.id for planned in known.values() for use in planned.all_uses},
        max_lifetime=min(p.waivers.max_lifetime for p in plan.profiles),
        today=today or datetime.now(UTC).date(),
    )


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
    if len(loaded) < len(profiles) or not loaded:  # which controls there are is not known; only what is certain counts
        nothing: dict[str, object] = {"not_applicable": (), "settings": {}, "pins": {}, "waivers": None}
        deployment.file, scope = deployment.file.model_copy(update=nothing), Scope()
    return make_plan(deployment, loaded, plugins, scope, mistakes)
