"""The plan: profile x deployment, validated whole before the first packet."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from fnmatch import translate
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from meshguard.errors import Mistake, Mistakes
from meshguard.frameworks import load_catalogue
from meshguard.scope import Scope, in_scope
from meshguard.settings import Settings, names_in, role_in
from meshguard.uses import CLOCK, Gap, Planner, TargetRef, Task, Use
from meshguard.values import canonical_json, did_you_mean
from meshguard.waivers import Known, Waivers, load_waivers, too_long

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from meshguard.deployment import Deployment
    from meshguard.plugins import Plugins
    from meshguard.profile import CheckUse, Control, Profile
    from meshguard.settings import Said, Setting

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
    """Ids of the controls that it is derived from; without those that the profile switches off."""
    off: tuple[str, ...] = ()
    """Ids of the controls that it would be derived from, if the profile did not switch them off."""
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
        return bool(self.control.requires) or any(task.computed for task in self.tasks)

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
    off: list[PlannedControl] = field(default_factory=list)
    """Controls that the profile switches off."""
    order: list[str] = field(default_factory=list)
    """Ids of all controls, each after those that it requires."""

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
    settings = Settings(_settings_of(profiles, mistakes), deployment.file.settings)
    mistakes += settings.mistakes(deployment.document)
    planned = _planned_controls(profiles, Planner(plugins, deployment, settings, mistakes))
    targets = [f"{kind}:{name}" for kind, named in deployment.targets.items() for name in named]
    mistakes += settings.unapplied(deployment.document, targets, _roles(planned, deployment.file.settings))
    plan.order = _connect(planned, profiles, mistakes)
    plan.off = [one for one in planned.values() if one.control.off]
    _check_declarations(plan, planned, mistakes)
    plan.waivers = _waivers(plan, planned, mistakes, today)
    plan.controls = in_scope(planned, scope, mistakes, deployment.stages())
    if not mistakes and not plan.controls:
        mistakes.append(Mistake("", "nothing is left to audit", "no control of the profile is in this phase and scope"))
    if mistakes:
        raise Mistakes(mistakes)
    return plan


def _settings_of(profiles: Sequence[Profile], mistakes: list[Mistake]) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for profile in profiles:
        differ = [name for name, setting in profile.settings.items() if found.get(name, setting) != setting]
        what = "two profiles say different things of the setting"
        mistakes += [Mistake(f"profile {profile.id}", f"{what} {name}", "audit them apart") for name in differ]
        found |= profile.settings
    return found


def _planned_controls(profiles: Sequence[Profile], planner: Planner) -> dict[str, PlannedControl]:
    planned: dict[str, PlannedControl] = {}
    for profile in profiles:
        for control in profile.controls.values():
            known = planned.get(control.id)
            if known is None:
                planned[control.id] = _planned(control, profile, planner)
                planner.mistakes += _unknown_references(control, profile)
            elif known.control != control:
                what = f"two profiles say different things of {control.id}"
                planner.mistakes.append(Mistake(profile.line(control.id), what))
    return planned


def _unknown_references(control: Control, profile: Profile) -> Iterator[Mistake]:
    """References to what a framework does not have; a framework of somebody's own is taken as it is."""
    catalogue = load_catalogue() if control.refs else None
    for index, reference in enumerate(control.refs if catalogue is not None else ()):
        assert catalogue is not None  # noqa: S101 - there are references
        for at, what, hint in catalogue.unknown(reference.framework, reference.version, reference.ids):
            yield Mistake(profile.line(control.id, "refs", index, *at), what, hint)


def _roles(planned: Mapping[str, PlannedControl], said: Mapping[str, Said]) -> list[str]:
    """Roles of the checks that use a setting which the deployment speaks of."""
    uses = [use for one in planned.values() for use in (*one.control.checks, *one.control.any)]
    return sorted({role_in(use.parameters) for use in uses if said.keys() & set(names_in(use.parameters))} - {""})


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


def _connect(planned: Mapping[str, PlannedControl], profiles: Sequence[Profile], mistakes: list[Mistake]) -> list[str]:
    """Resolve what derived controls require, and refuse circles; all ids, each after those that it requires."""
    lines = {control_id: profile for profile in profiles for control_id in profile.controls}
    globs: dict[str, list[str]] = {}
    for one in planned.values():
        control_id, found = one.control.id, dict[str, None]()
        for index, pattern in enumerate(one.control.requires):
            matches = _matching(pattern, planned, globs)
            if not [name for name in matches if name != control_id or name == pattern]:
                where = lines[control_id].line(control_id, "requires", index)
                mistakes.append(Mistake(where, f"requires unknown control {pattern!r}", did_you_mean(pattern, planned)))
            found |= dict.fromkeys(name for name in matches if name != control_id or name == pattern)
        one.off = tuple(name for name in found if planned[name].control.off)
        one.requires = tuple(name for name in found if not planned[name].control.off)
    sorter = TopologicalSorter({control_id: one.requires for control_id, one in planned.items()})
    try:
        return list(sorter.static_order())
    except CycleError as fault:
        circle = fault.args[1][::-1]  # it names what is required first
        mistakes.append(Mistake(planned[circle[0]].where, f"controls require each other: {' -> '.join(circle)}"))
        return list(planned)


def _matching(pattern: str, planned: Mapping[str, PlannedControl], known: dict[str, list[str]]) -> list[str]:
    """The controls that an id or a glob names."""
    if not set(pattern) & set("*?["):
        return [pattern] if pattern in planned else []
    if pattern not in known:
        matches = re.compile(translate(pattern)).match
        known[pattern] = [name for name in planned if matches(name)]
    return known[pattern]


def _check_declarations(plan: Plan, known: Mapping[str, object], mistakes: list[Mistake]) -> None:
    """Controls that the deployment names exist, and no declaration stands twice or for too long."""
    deployment = plan.deployment
    named: list[tuple[tuple[str | int, ...], str]]
    named = [(("not_applicable", index), entry.control) for index, entry in enumerate(deployment.file.not_applicable)]
    named += [(("pins", control), control) for control in deployment.file.pins]
    for at, control in named:
        if control not in known:
            hint = did_you_mean(control, known, otherwise="`meshguard controls` lists all")
            mistakes.append(Mistake(deployment.document.where(at), f"unknown control {control!r}", hint))
    seen: set[str] = set()
    most = min((profile.waivers.max_lifetime for profile in plan.profiles), default=None)
    for index, entry in enumerate(deployment.file.not_applicable):
        where = deployment.document.where(("not_applicable", index))
        if entry.control in seen:
            mistakes.append(Mistake(where, f"{entry.control} is declared twice", "remove one"))
        seen.add(entry.control)
        fault = too_long(entry.created, entry.expires, most) if entry.created is not None and most is not None else None
        mistakes += [Mistake(where, fault)] if fault is not None else []


def _waivers(
    plan: Plan, planned: Mapping[str, PlannedControl], mistakes: list[Mistake], today: datetime.date | None
) -> Waivers:
    path = plan.deployment.file.waivers
    if path is None:
        return Waivers()
    uses = (use.check for one in planned.values() for use in (*one.control.checks, *one.control.any))
    known = Known(planned, set(uses), min(p.waivers.max_lifetime for p in plan.profiles))
    return load_waivers(path, mistakes, known, today or _today())


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def load_plan(
    path: Path,
    plugins: Plugins,
    scope: Scope,
    names: Sequence[str] = (),
    *,
    offline: bool = False,
    look_too: Callable[[Deployment], Iterable[Mistake]] = lambda _deployment: (),
) -> Plan:
    """Deployment and profiles from their files, and the plan of both.

    Args:
        path: the deployment file.
        plugins: what is installed.
        scope: what of the profile is judged.
        names: profiles by name or path (from the working folder), instead of the deployment's own.
        offline: whether nothing will be contacted, so that secrets and certificates may be missing.
        look_too: finds more mistakes in what the deployment names.

    Raises:
        Mistakes: every mistake of every file.
    """
    from pathlib import Path

    from meshguard.deployment import load_deployment
    from meshguard.profile import ProfileLoader

    mistakes: list[Mistake] = []
    deployment = load_deployment(path, plugins, mistakes, offline=offline)
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
    mistakes += look_too(deployment)
    if len(loaded) < len(profiles) or not loaded:  # which controls there are is not known; only what is certain counts
        if deployment.file.waivers is not None:
            load_waivers(deployment.file.waivers, mistakes, None, _today())
        nothing: dict[str, object] = {"not_applicable": (), "settings": {}, "pins": {}, "waivers": None}
        deployment.file, scope = deployment.file.model_copy(update=nothing), Scope()
    return make_plan(deployment, loaded, plugins, scope, mistakes)
