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

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from meshguard.errors import Mistake
from meshguard.values import did_you_mean, parse_duration, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshguard.yamlfile import Document

Scalar = str | int | float | bool

SIGN = "$"
"""Begins the name of a setting; a text that begins with it is written with two."""


def quoted(value: Any) -> Any:
    """Refuse what YAML made of a text that stands without quotes."""
    if isinstance(value, int | float | datetime.date):
        kind = "date" if isinstance(value, datetime.date) else "number"
        kind = "truth value" if isinstance(value, bool) else kind
        raise ValueError(f"input should be a valid string: YAML reads it as the {kind} {value}; write it in quotes")
    return value


Quoted = Annotated[str, BeforeValidator(quoted)]
"""An identifier: unquoted, YAML makes the number 1.1 of 1.10, a date of 2026-01-01, and true of yes."""


class Setting(BaseModel):
    """A named parameter of a profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Scalar = Field(description="The value, as a check's parameter takes it.")
    stricter: Literal["lower", "higher"] = Field(description="Which way a deployment may move it.")
    title: str = Field(description="What it is.")

    @field_validator("value")
    @classmethod
    def _ordered(cls, value: Scalar) -> Scalar:
        _comparable(value)
        return value

    def allows(self, value: Scalar) -> bool:
        """Whether a deployment may say this: as strict as the profile, or stricter.

        Raises:
            ValueError: the two can't be compared: no number, or no duration.
        """
        (kind, asked), (own_kind, own) = _comparable(value), _comparable(self.value)
        if kind != own_kind:
            raise ValueError(f"{shown(value)} is no {own_kind}, as the profile's {shown(self.value)} is")
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
        return (
            self.on(target)
            and (not self.resource or fnmatchcase(resource, self.resource))
            and (not self.role or self.role == role)
        )

    def on(self, target: str) -> bool:
        """Whether it speaks of this target, or of one of several that are judged together."""
        return not self.target or any(fnmatchcase(name, self.target) for name in target.split(" + "))


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

    def unapplied(self, document: Document, targets: Iterable[str], roles: Iterable[str]) -> list[Mistake]:
        """Overrides that hold nowhere: a value that was meant to be stricter and is not would pass unseen."""
        targets, roles, found = list(targets), list(roles), []
        for name, said in self._said.items():
            for index, override in enumerate(said.overrides):
                where = document.where(("settings", name, "for", index))
                if not any(map(override.on, targets)):
                    hint = did_you_mean(override.target, targets, otherwise=f"targets: {', '.join(targets) or 'none'}")
                    found.append(Mistake(where, f"{name}: no target is named {override.target!r}", hint))
                if override.role and override.role not in roles:
                    hint = did_you_mean(override.role, roles, otherwise=f"roles: {', '.join(roles) or 'none'}")
                    found.append(Mistake(where, f"{name}: no check that uses it has the role {override.role!r}", hint))
        return found

    def resolve(self, parameters: Mapping[str, Any], target: str, resource: str = "") -> dict[str, Any]:
        """Parameters with every $name replaced by its value for this target, resource and their own `role`.

        Raises:
            KeyError: a name that the profile does not declare.
        """
        place = _Place(target, resource, role_in(parameters))
        return {name: self._resolved(value, place) for name, value in parameters.items()}

    def _resolved(self, value: Any, place: _Place) -> Any:
        if isinstance(value, str) and value.startswith(SIGN):
            name = value.removeprefix(SIGN)
            return name if name.startswith(SIGN) else self._value(name, place)
        if isinstance(value, dict):
            return {key: self._resolved(item, place) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._resolved(item, place) for item in value]
        return value

    def _value(self, name: str, place: _Place) -> Scalar:
        """One setting's value; the first override that holds, else the deployment's value, else the profile's."""
        said = self._said.get(name)
        for override in said.overrides if said else ():
            if override.holds(place.target, place.resource, place.role):
                return override.value
        return said.value if said is not None and said.value is not None else self.declared[name].value

    def by_resource(self, parameters: Mapping[str, Any], target: str) -> list[tuple[str, Override]]:
        """Settings and overrides that make these parameters others for some resources of this target."""
        role = role_in(parameters)
        return [
            (name, override)
            for name in sorted(set(names_in(parameters)))
            for override in (self._said[name].overrides if name in self._said else ())
            if override.resource and override.on(target) and override.role in ("", role)
        ]


@dataclass(frozen=True)
class _Place:
    """Where a parameter holds."""

    target: str
    resource: str
    role: str


def role_in(parameters: Mapping[str, Any]) -> str:
    """The role of the account that a check with these parameters uses; empty where it names none."""
    role = parameters.get("role", "")
    return role if isinstance(role, str) and not role.startswith(SIGN) else ""


def names_in(value: Any) -> list[str]:
    """Names of the settings that a value uses."""
    if isinstance(value, str):
        return [value.removeprefix(SIGN)] if value.startswith(SIGN) and not value.startswith(SIGN * 2) else []
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
    """Kind and size of a number, a truth value or a duration.

    Raises:
        ValueError: it is none of them.
    """
    if isinstance(value, bool):
        return "truth value", float(value)
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no number that can be compared")
        return "number", float(value)
    return "duration", parse_duration(value).total_seconds()
