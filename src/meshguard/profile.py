"""Profiles: the guide as YAML. Statements -> controls -> checks with parameters.

meshguard: 1
id: web-baseline
title: Web baseline
version: "1.0.0"
controls:
  - id: web.hsts
    title: Browsers are told to use HTTPS
    priority: high
    checks:
      - web.hsts: {min_age: 365d}
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from meshguard.errors import MeshGuardError, Mistake
from meshguard.settings import SIGN, Quoted, Setting, quoted
from meshguard.values import Duration, did_you_mean, parse_duration
from meshguard.yamlfile import Document, parse, read_yaml

if TYPE_CHECKING:
    from meshguard.plugins import Plugins

Priority = Literal["critical", "high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")
Phase = Literal["pre", "post"]

_OWN_WORD = "say it in this profile, or extend one of them"

CONTROL_ID = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9_-]*)+")


class Reference(BaseModel):
    """Where a framework speaks of the same; numbering moves between versions, so the version is part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    framework: Quoted = Field(description="The framework's name, such as CIS Docker or NIST CSF.")
    version: Quoted = Field(description="Its version, quoted.")
    ids: tuple[Quoted, ...] = Field(min_length=1, description='Identifiers, quoted: "1.10" and not 1.10.')


class CheckUse(BaseModel):
    """A check that a control uses, with the parameters it sets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    parameters: dict[str, Any] = {}


def _check_use(value: Any) -> Any:
    """`web.hsts`, or `web.hsts: {min_age: 365d}`."""
    if isinstance(value, str):
        return {"check": value}
    if isinstance(value, dict) and len(value) == 1:
        ((check, parameters),) = value.items()
        if parameters is None or isinstance(parameters, dict):
            return {"check": check, "parameters": parameters or {}}
    if isinstance(value, CheckUse):
        return value
    raise ValueError("write a check id, or `check-id: {parameter: value}`")


Uses = tuple[Annotated[CheckUse, BeforeValidator(_check_use)], ...]


class Control(BaseModel):
    """One demand of the profile. Where a profile extends another, a control of the same id changes what it gives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Quoted = Field(description="Stable id, such as api.headers.hsts.")
    title: str = Field("", max_length=120, description="What is demanded, in a few words.")
    statement: str = Field("", description="The guide's sentence, as it stands.")
    section: str = Field("", description="The guide's section.")
    place: str = Field("", description="Where in the section the statement stands.")
    guide_status: Literal["", "implemented", "partial", "pending"] = Field("", description="What the guide says of it.")
    priority: Priority = Field("medium", description="How much it matters to the gate.")
    phase: tuple[Phase, ...] = Field(("pre", "post"), min_length=1, description="Before deployment, after it, or both.")
    rationale: str = Field("", description="Why it is demanded.")
    remediation: str = Field("", description="How to meet it in this stack.")
    refs: tuple[Reference, ...] = Field((), description="The same demand in frameworks.")
    method: Literal["", "test", "examine", "derived"] = Field("", description="How it is verified, by NIST SP 800-53A.")
    checks: Uses = Field((), description="Checks that must all pass.")
    any: Uses = Field((), description="Alternatives: the first that the deployment has something for must pass.")
    requires: tuple[Quoted, ...] = Field(
        (), description="Controls, by id or glob, that must be satisfied; a derived control."
    )
    pending: str = Field("", description="Why it can't be satisfied yet: what of the verification is still missing.")
    off: str = Field("", description="Why this control of an extended profile does not count here.")

    @property
    def verified(self) -> bool:
        """Whether it says how it is verified, or that this is still missing."""
        return bool(self.checks or self.any or self.requires or self.pending)

    @field_validator("off")
    @classmethod
    def _reason(cls, value: str) -> str:
        if value and not value.strip():
            raise ValueError("say why it does not count")
        return value

    @field_validator("id")
    @classmethod
    def _id(cls, value: str) -> str:
        if not CONTROL_ID.fullmatch(value):
            raise ValueError(f"{value!r} is no control id; write section.subject in lower case")
        return value

    @field_validator("phase", mode="before")
    @classmethod
    def _phase(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class Weights(BaseModel):
    """What a control counts in the score; of the next priority up, twice as much."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    critical: float = Field(8, gt=0)
    high: float = Field(4, gt=0)
    medium: float = Field(2, gt=0)
    low: float = Field(1, gt=0)

    def of(self, priority: Priority) -> float:
        """The weight of one priority."""
        weight: float = getattr(self, priority)
        return weight


class WaiverRules(BaseModel):
    """What a profile asks of waivers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_lifetime: Duration = Field(
        parse_duration("365d"),
        description="Longest time from created to expires.",
        json_schema_extra={"default": "365d"},
    )
    warn: Duration = Field(
        parse_duration("30d"),
        description="Time before its end from which a waiver is shown as ending.",
        json_schema_extra={"default": "30d"},
    )

    def stricter(self, other: WaiverRules) -> WaiverRules:
        """What both ask."""
        lifetime, warn = min(self.max_lifetime, other.max_lifetime), max(self.warn, other.warn)
        return WaiverRules(max_lifetime=lifetime, warn=warn)


class ProfileFile(BaseModel):
    """A profile file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    meshguard: Literal[1] = Field(description="Version of this format.")
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$"), BeforeValidator(quoted)] = Field(
        description="The profile's name."
    )
    title: str = Field(description="For people.")
    version: Quoted = Field(description="The profile's own version, quoted.")
    description: str = ""
    source: str = Field("", description="The guide that it makes executable.")
    extends: tuple[Quoted, ...] = Field((), description="Profiles, by name or path, whose controls this one has too.")
    settings: dict[str, Setting] = Field(default={}, description="Named parameters, used in controls as $name.")
    weights: Weights = Field(Weights(), description="What a control counts in the score, by priority.")
    waivers: WaiverRules = Field(WaiverRules(), description="What the profile asks of waivers.")
    controls: tuple[Control, ...] = ()

    @field_validator("extends", mode="before")
    @classmethod
    def _extends(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


@dataclass
class Profile:
    """A loaded profile: its own controls and those of the profiles that it extends, in order."""

    id: str
    title: str
    version: str
    source: str
    digest: str
    controls: dict[str, Control] = field(default_factory=dict)
    settings: dict[str, Setting] = field(default_factory=dict)
    weights: Weights = field(default_factory=Weights)
    waivers: WaiverRules = field(default_factory=WaiverRules)
    where: dict[str, tuple[Document, int]] = field(default_factory=dict)
    """Control id -> the file and the place in it that last said something of the control."""
    extended: bool = False
    """Whether it extends another profile."""

    def line(self, control: str, *at: str | int) -> str:
        """`file:line` of a control, or of a part of it."""
        document, index = self.where[control]
        return document.where(("controls", index, *at))


class ProfileLoader:
    """Loads profiles by name or path, with those that they extend; every mistake goes into `mistakes`."""

    def __init__(self, plugins: Plugins, mistakes: list[Mistake]) -> None:
        self.plugins = plugins
        self.mistakes = mistakes
        self._open: list[Path] = []
        self._loaded: dict[Path, Profile | None] = {}

    def load(self, name: str, *, folder: Path, where: str = "") -> Profile | None:
        """The profile with this name, or at this path relative to `folder`; None where it has mistakes."""
        path = self._find(name, folder, where)
        if path is None:
            return None
        path = Path(os.path.realpath(path))
        if path in self._open:
            names = " -> ".join(p.stem for p in [*self._open, path])
            self.mistakes.append(Mistake(where, f"the profile extends itself: {names}", "remove one `extends`"))
            return None
        if path not in self._loaded:  # once, though many may extend it
            self._loaded[path] = self._load(path)
        return self._loaded[path]

    def _load(self, path: Path) -> Profile | None:
        self._open.append(path)
        try:
            return self._read(path)
        except MeshGuardError as fault:
            self.mistakes.extend(fault.mistakes)
            return None
        finally:
            self._open.pop()

    def _find(self, name: str, folder: Path, where: str) -> Path | None:
        if "/" in name or name.endswith((".yaml", ".yml")):
            return folder / Path(name).expanduser()
        known = self.plugins.profiles()
        if name not in known:
            hint = did_you_mean(name, known, otherwise=f"installed are {', '.join(sorted(known))}; or give a path")
            self.mistakes.append(Mistake(where, f"unknown profile {name!r}", hint))
        return known.get(name)

    def _read(self, path: Path) -> Profile | None:
        document = read_yaml(path)
        file, mistakes = parse(ProfileFile, document)
        self.mistakes.extend(mistakes)
        if file is None:
            return None
        profile = Profile(file.id, file.title, file.version, file.source, document.digest)
        for index, name in enumerate(file.extends):
            where = document.where(("extends", index))
            base = self.load(name, folder=path.parent, where=where)
            if base is not None:
                self._extend(profile, base, file, where)
        profile.settings |= file.settings
        profile.weights = file.weights if "weights" in file.model_fields_set else profile.weights
        profile.waivers = file.waivers if "waivers" in file.model_fields_set else profile.waivers
        for index, control in enumerate(file.controls):
            self._add(profile, control, document, index)
        return profile

    def _extend(self, profile: Profile, base: Profile, file: ProfileFile, where: str) -> None:
        """Take what another profile says; where two say different things, this one must have its own word."""
        differ = [name for name, control in base.controls.items() if profile.controls.get(name, control) != control]
        differ += [
            SIGN + name
            for name, setting in base.settings.items()
            if profile.settings.get(name, setting) != setting and name not in file.settings
        ]
        first = not profile.extended
        if not first and base.weights != profile.weights and "weights" not in file.model_fields_set:
            differ.append("weights")
        self.mistakes += [
            Mistake(
                where, f"two extended profiles say different things of {name}", _OWN_WORD if "." not in name else ""
            )
            for name in differ
        ]
        profile.controls |= base.controls
        profile.where |= base.where
        profile.settings |= base.settings
        profile.weights = base.weights
        profile.waivers = base.waivers if first else profile.waivers.stricter(base.waivers)
        profile.extended = True
        profile.digest = _digest([profile.digest.encode(), base.digest.encode()])

    def _add(self, profile: Profile, control: Control, document: Document, index: int) -> None:
        where = document.where(("controls", index, "id"))
        known = profile.where.get(control.id)
        if known is not None and known[0] is document:
            what = f"the control {control.id} stands twice"
            self.mistakes.append(Mistake(where, what, f"first at {profile.line(control.id)}"))
            return
        if known is None and profile.extended and not (control.title or control.verified):
            hint = did_you_mean(control.id, profile.controls, otherwise="a new control needs a title and checks")
            what = f"no extended profile has a control {control.id!r} to change"
            self.mistakes.append(Mistake(where, what, hint))
            return
        if known is not None:
            given = {name: getattr(control, name) for name in control.model_fields_set}
            control = profile.controls[control.id].model_copy(update=given)
        profile.controls[control.id] = control
        profile.where[control.id] = (document, index)
        if not control.title:
            self.mistakes.append(Mistake(where, f"the control {control.id} has no title"))
        if not (control.verified or control.off):
            what = f"the control {control.id} has no checks"
            self.mistakes.append(Mistake(where, what, "an empty control would say nothing; add `checks`"))


def _digest(parts: list[bytes]) -> str:
    return "sha256:" + hashlib.sha256(b"\0".join(parts)).hexdigest()
