"""From what a control uses to what an audit does: checks, parameters and settings made into tasks on targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from meshguard.check import CheckDefinitionError
from meshguard.errors import MeshGuardError, Mistake
from meshguard.settings import SIGN, Said, Settings, names_in
from meshguard.values import canonical_json, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshguard.check import Check
    from meshguard.deployment import Deployment
    from meshguard.plugins import Plugins
    from meshguard.profile import CheckUse
    from meshguard.settings import Override

TargetRef = tuple[str, str]
"""Kind and name of a target."""

CLOCK: TargetRef = ("clock", "audit")
RESULTS: TargetRef = ("results", "audit")
IMPLICIT = {"clock": CLOCK, "results": RESULTS}
"""Targets that every audit has: its clock, and what it has found so far."""


@dataclass(frozen=True)
class Varied:
    """Parameters that a deployment makes stricter for some resources of a target."""

    settings: Settings
    said: Mapping[str, Any]
    """The parameters as the profile says them, with the names of settings."""
    target: str
    overrides: tuple[tuple[str, Override], ...]
    """Setting -> its other value, for what it says."""

    def of(self, resource: str) -> dict[str, Any]:
        """The parameters for one resource, as a profile would say them; each setting by the first that holds."""
        return self.settings.resolve(self.said, self.target, resource)


@dataclass(frozen=True)
class Task:
    """One check with its parameters on its target or targets; judged once however many controls use it."""

    check: Check[Any]
    parameters: BaseModel
    targets: tuple[TargetRef, ...]
    varied: Varied | None = None

    @cached_property
    def key(self) -> str:
        """Equal for equal work."""
        said = [self.varied.said, self.shown_overrides] if self.varied is not None else []
        return f"{self.check.id} {canonical_json([self.shown_parameters, *said])} {self.target}"

    @cached_property
    def shown_parameters(self) -> dict[str, Any]:
        """The parameters as JSON."""
        return self.parameters.model_dump(mode="json")

    @cached_property
    def shown_overrides(self) -> list[dict[str, Any]]:
        """What is said for some resources, as JSON."""
        overrides = self.varied.overrides if self.varied is not None else ()
        return [{"setting": name, **override.model_dump(exclude_defaults=True)} for name, override in overrides]

    @cached_property
    def target(self) -> str:
        """The target or targets, `kind:name` each; what every audit has is named only where it stands alone."""
        named = [ref for ref in self.targets if ref not in IMPLICIT.values()] or list(self.targets[:1])
        return " + ".join(f"{kind}:{name}" for kind, name in named)

    @property
    def computed(self) -> bool:
        """Whether it judges this audit's own results, and so runs after everything else."""
        return RESULTS in self.targets

    def arguments(self, resource: str = "") -> dict[str, Any]:
        """The keyword arguments for the check on one resource."""
        model = self.parameters
        if self.varied is not None and resource:
            model = self.check.parameters.model_validate(self.varied.of(resource))
        return {name: getattr(model, name) for name in type(model).model_fields}


@dataclass(frozen=True)
class Gap:
    """A check that a control needs and the deployment has no target for."""

    check: Check[Any]
    kind: str
    stage: str = ""
    """The stage that a target must be marked with, where only such a one counts."""


@dataclass
class Use:
    """One check use of a control: its tasks, or the kind of target that is missing."""

    check: Check[Any]
    tasks: list[Task] = field(default_factory=list)
    gap: Gap | None = None


class Planner:
    """Makes uses into tasks; what is wrong goes into `mistakes`."""

    def __init__(self, plugins: Plugins, deployment: Deployment, settings: Settings, mistakes: list[Mistake]) -> None:
        self.plugins = plugins
        self.deployment = deployment
        self.settings = settings
        self.mistakes = mistakes

    def plan(self, use: CheckUse, where: str) -> Use | None:
        """The tasks of one use, or None where it has mistakes."""
        before = len(self.mistakes)
        try:
            check = self.plugins.check(use.check)
            if check is None:
                self.mistakes.append(self._unknown(use.check, where))
                return None
            found = self._tasks(check, use, where)
        except (MeshGuardError, CheckDefinitionError) as fault:
            self.mistakes.append(Mistake(where, str(fault)))
            return None
        return found if len(self.mistakes) == before else None

    def _unknown(self, check_id: str, where: str) -> Mistake:
        namespace = check_id.split(".", 1)[0]
        known = self.plugins.namespace(namespace) or {f"{name}." for name in self.plugins.namespaces()}
        hint = did_you_mean(check_id, known, otherwise="`meshguard checks` lists all")
        return Mistake(where, f"unknown check {check_id!r}", hint)

    def _tasks(self, check: Check[Any], use: CheckUse, where: str) -> Use | None:
        unknown = [name for name in names_in(use.parameters) if name not in self.settings.declared]
        for name in unknown:
            hint = did_you_mean(
                name, self.settings.declared, otherwise="the profile's `settings` declare none of that name"
            )
            self.mistakes.append(Mistake(where, f"unknown setting {SIGN}{name}", hint))
        if unknown:
            return None
        missing = next((kind for kind in check.kinds if not self._names(kind)), None)
        if missing is not None:
            self._model(check, self.settings.resolve(use.parameters, ""), where)
            return Use(check, gap=Gap(check, missing))
        tasks = [self._task(check, use, refs, where) for refs in product(*(self._names(kind) for kind in check.kinds))]
        return Use(check, [task for task in tasks if task is not None])

    def _names(self, kind: str) -> list[TargetRef]:
        if kind in IMPLICIT:
            return [IMPLICIT[kind]]
        return [(kind, name) for name in self.deployment.targets.get(kind, {})]

    def _task(self, check: Check[Any], use: CheckUse, refs: tuple[TargetRef, ...], where: str) -> Task | None:
        target = " + ".join(f"{kind}:{name}" for kind, name in refs)
        model = self._model(check, self.settings.resolve(use.parameters, target), where)
        overrides = tuple(self.settings.by_resource(use.parameters, target))
        for name, override in overrides:  # one by one: no field of a check's parameters depends on another
            alone = Settings(self.settings.declared, {name: Said.model_validate({"value": override.value})})
            self._model(check, alone.resolve(use.parameters, target), where)
        if model is None:
            return None
        return Task(check, model, refs, Varied(self.settings, use.parameters, target, overrides) if overrides else None)

    def _model(self, check: Check[Any], parameters: dict[str, Any], where: str) -> BaseModel | None:
        try:
            return check.parameters.model_validate(parameters)
        except ValidationError as fault:
            known = check.parameters.model_fields
            for error in fault.errors(include_url=False):
                mistake = _parameter_mistake(check, error, known, where)
                if mistake not in self.mistakes:
                    self.mistakes.append(mistake)
            return None


def _parameter_mistake(check: Check[Any], error: Any, known: Any, where: str) -> Mistake:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        hint = did_you_mean(name, known, otherwise=f"it takes {', '.join(known) or 'none'}")
        return Mistake(where, f"{check.id} has no parameter {name!r}", hint)
    message = error["msg"].removeprefix("Value error, ")
    return Mistake(where, f"{check.id}: {name}: {message[:1].lower()}{message[1:]}")
