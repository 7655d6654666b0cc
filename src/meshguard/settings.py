"""Named parameters: said once in a profile, used in many controls, made stricter in a deployment.

Profile:

    settings:
      session-lifetime: {value: 8h, stricter: lower, title: Longest life of a session}
    controls:
      - id: auth.session-lifetime
        checks: [{api.token_lifetime: {max: $session-lifetime}}]

Deployment:

    settings:
      session-lifetime: 4h
      hsts-age:
        value: 365d
        for: [{target: "web:internal", value: 730d}, {role: admin, value: 15m}]
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from meshguard.errors import Mistake
from meshguard.values import did_you_mean, parse_duration, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshguard.yamlfile import Document

Scalar = str | int | float | bool

SIGN = "$"


class Setting(BaseModel):
    """A named parameter of a profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Scalar = Field(description="The value, as a check's parameter takes it.")
    stricter: Literal["lower", "higher"] = Field(description="Which way a deployment may move it.")
    title: str = Field(description="What it is.")

    def allows(self, value: Scalar) -> bool:
        """Whether a deployment may say this: as strict as the profile, or stricter.

        Raises:
            ValueError: the two can't be compared: no number, or no duration.
        """
        (kind, asked), (own_kind, own) = _comparable(value), _comparable(self.value)
        if kind != own_kind:
            raise ValueError(f"{value!r} is no {own_kind}, as the profile's {self.value!r} is")
        return asked <= own if self.stricter == "lower" else asked >= own


class Override(BaseModel):
    """Another value for some of what is judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str = Field("", description="kind:name of the target; globs.")
    resource: str = Field("", description="Name of the resource; globs.")
    role: str = Field("", description="Role of the account that a scenario uses.")
    value: Scalar = Field(description="The value there; as strict as the profile's, or stricter.")

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not (self.target or self.resource or self.role):
            raise ValueError("say where it holds: target, resource or role")
        return self

    def holds(self, target: str, resource: str = "", role: str = "") -> bool:
        """Whether it speaks of this target, resource and role."""
        parts = ((self.target, target), (self.resource, resource), (self.role, role))
        return all(not pattern or any(fnmatchcase(n, pattern) for n in name.split(" + ")) for pattern, name in parts)


class Said(BaseModel):
    """What a deployment says of one setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Scalar | None = Field(None, description="The value everywhere; the profile's where it is not given.")
    overrides: tuple[Override, ...] = Field((), alias="for", description="Other values for some.")


def _said(value: Any) -> Any:
    return value if isinstance(value, dict | Said) else {"value": value}


SettingSaid = Annotated[Said, BeforeValidator(_said)]
"""`4h`, or `{value: 4h, for: [...]}`."""


class Settings:
    """The settings of an audit: the profile's values, and what the deployment makes stricter."""

    def __init__(self, declared: Mapping[str, Setting], said: Mapping[str, Said]) -> None:
        self.declared = dict(declared)
        self._said = dict(said)

    def mistakes(self, document: Document) -> list[Mistake]:
        """What the deployment says that the profile does not allow, at its line."""
        found = []
        for name, said in self._said.items():
            at: tuple[str | int, ...] = ("settings", name)
            setting = self.declared.get(name)
            if setting is None:
                hint = did_you_mean(name, self.declared, otherwise=f"settings: {', '.join(self.declared) or 'none'}")
                found.append(Mistake(document.where(at), f"unknown setting {name!r}", hint))
                continue
            values = [(at, said.value)] if said.value is not None else []
            values += [((*at, "for", index), o.value) for index, o in enumerate(said.overrides)]
            found += [m for place, value in values if (m := _too_loose(name, setting, value, document.where(place)))]
        return found

    def resolve(self, parameters: Mapping[str, Any], target: str, resource: str = "", role: str = "") -> dict[str, Any]:
        """Parameters with every $name replaced by its value for this target, resource and role.

        Raises:
            KeyError: a name that the profile does not declare.
        """
        return {name: self._resolved(value, target, resource, role) for name, value in parameters.items()}

    def _resolved(self, value: Any, target: str, resource: str, role: str) -> Any:
        if isinstance(value, str) and value.startswith(SIGN):
            return self.value(value.removeprefix(SIGN), target, resource, role)
        if isinstance(value, dict):
            return {key: self._resolved(item, target, resource, role) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._resolved(item, target, resource, role) for item in value]
        return value

    def value(self, name: str, target: str = "", resource: str = "", role: str = "") -> Scalar:
        """One setting's value; the first override that holds, else the deployment's value, else the profile's."""
        said = self._said.get(name)
        for override in said.overrides if said else ():
            if override.holds(target, resource, role):
                return override.value
        return said.value if said is not None and said.value is not None else self.declared[name].value

    def by_resource(self, parameters: Mapping[str, Any], target: str) -> list[str]:
        """Resource patterns for which these parameters are others on this target."""
        names = set(names_in(parameters))
        return [
            override.resource
            for name in sorted(names)
            for override in (self._said[name].overrides if name in self._said else ())
            if override.resource
            and not override.role
            and (not override.target or override.holds(target, override.resource))
        ]


def names_in(value: Any) -> list[str]:
    """Names of the settings that a value uses."""
    if isinstance(value, str):
        return [value.removeprefix(SIGN)] if value.startswith(SIGN) else []
    if isinstance(value, dict):
        return [name for item in value.values() for name in names_in(item)]
    if isinstance(value, list | tuple):
        return [name for item in value for name in names_in(item)]
    return []


def _too_loose(name: str, setting: Setting, value: Scalar, where: str) -> Mistake | None:
    try:
        if setting.allows(value):
            return None
    except ValueError as fault:
        return Mistake(where, f"{name}: {fault}")
    most = "at most" if setting.stricter == "lower" else "at least"
    return Mistake(
        where,
        f"{name} is {shown(value)}, looser than the profile's {shown(setting.value)}",
        f"a deployment may only make it stricter: {most} {shown(setting.value)}; accept a failure with a waiver",
    )


def _comparable(value: Scalar) -> tuple[str, float]:
    """Kind and size of a number or a duration.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, int | float):
        return "number", float(value)
    return "duration", parse_duration(value).total_seconds()
