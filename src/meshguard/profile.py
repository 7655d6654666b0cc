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

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, field_validator

from meshguard.errors import MeshGuardError, Mistake
from meshguard.values import did_you_mean
from meshguard.yamlfile import Document, parse, read_yaml

if TYPE_CHECKING:
    from meshguard.plugins import Plugins

Priority = Literal["critical", "high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")
Phase = Literal["pre", "post"]

CONTROL_ID = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9_-]*)+")


class Reference(BaseModel):
    """Where a framework speaks of the same; numbering moves between versions, so the version is part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    framework: str = Field(description="The framework's name, such as CIS Docker or NIST CSF.")
    version: StrictStr = Field(description="Its version, quoted.")
    ids: tuple[StrictStr, ...] = Field(min_length=1, description='Identifiers, quoted: "1.10" and not 1.10.')


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

    id: str = Field(description="Stable id, such as api.headers.hsts.")
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
    checks: Uses = Field((), description="Checks that must all pass.")
    pending: str = Field("", description="Why it can't be satisfied yet: what of the verification is still missing.")
    off: str = Field("", description="Why this control of an extended profile does not count here.")

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


class ProfileFile(BaseModel):
    """A profile file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    meshguard: Literal[1] = Field(description="Version of this format.")
    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="The profile's name.")
    title: str = Field(description="For people.")
    version: StrictStr = Field(description="The profile's own version, quoted.")
    description: str = ""
    source: str = Field("", description="The guide that it makes executable.")
    extends: tuple[str, ...] = Field((), description="Profiles, by name or path, whose controls this one has too.")
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
    where: dict[str, tuple[Document, int]] = field(default_factory=dict)
    """Control id -> the file and the place in it that last said something of the control."""

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
        if path not in self._loaded:
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
        for index, base in enumerate(file.extends):
            self._extend(
                profile,
                self.load(base, folder=path.parent, where=document.where(("extends", index))),
                document,
            )
        for index, control in enumerate(file.controls):
            self._add(profile, control, document, index)
        return profile

    def _extend(self, profile: Profile, base: Profile | None, document: Document) -> None:
        if base is None:
            return
        for control_id, control in base.controls.items():
            if control_id in profile.controls and profile.controls[control_id] != control:
                self.mistakes.append(
                    Mistake(
                        document.where(("extends",)),
                        f"two extended profiles say different things of {control_id}",
                    )
                )
            profile.controls[control_id] = control
            profile.where[control_id] = base.where[control_id]
        profile.digest = _digest([profile.digest.encode(), base.digest.encode()])

    def _add(self, profile: Profile, control: Control, document: Document, index: int) -> None:
        where = document.where(("controls", index, "id"))
        known = profile.where.get(control.id)
        if known is not None and known[0] is document:
            self.mistakes.append(
                Mistake(where, f"the control {control.id} stands twice", f"first at {profile.line(control.id)}")
            )
            return
        if known is not None:
            given = {name: getattr(control, name) for name in control.model_fields_set}
            control = profile.controls[control.id].model_copy(update=given)
        profile.controls[control.id] = control
        profile.where[control.id] = (document, index)
        if not control.title:
            self.mistakes.append(Mistake(where, f"the control {control.id} has no title"))
        if not control.checks and not control.pending and not control.off:
            self.mistakes.append(
                Mistake(
                    where,
                    f"the control {control.id} has no checks",
                    "an empty control would say nothing; add `checks`",
                )
            )


def _digest(parts: list[bytes]) -> str:
    return "sha256:" + hashlib.sha256(b"\0".join(parts)).hexdigest()
