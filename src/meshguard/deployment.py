"""The deployment file: what is audited, how it is reached, and what may be done to it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from meshguard.errors import MeshGuardError, Mistake
from meshguard.limits import LimitSettings
from meshguard.profile import Priority
from meshguard.settings import Quoted, SettingSaid
from meshguard.values import Duration, did_you_mean, parse_duration
from meshguard.waivers import Day, Decision
from meshguard.yamlfile import Document, LocalPath, parse, read_yaml

if TYPE_CHECKING:
    from meshguard.plugins import Plugins
    from meshguard.target import TargetSettings

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class NotApplicable(Decision):
    """A control declared not to apply here: as much of a decision as a waiver, with the same fields."""

    control: Quoted = Field(description="The control's id.")
    ticket: Quoted = Field("", description="Where it is tracked.")
    created: Day | None = Field(None, description="The day on which it was approved.")


class Inherit(BaseModel):
    """An earlier result whose verdicts stand for active checks that may not run here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    result: LocalPath = Field(description="The JSON result, such as that of staging.")
    max_age: Duration = Field(
        parse_duration("7d"), description="How old it may be.", json_schema_extra={"default": "7d"}
    )


class AuditLimits(LimitSettings):
    """Limits for every target that has none of its own, and for the audit as a whole."""

    audit_deadline: Duration = Field(
        parse_duration("10m"), description="Longest time that the audit may take.", json_schema_extra={"default": "10m"}
    )


class DeploymentFile(BaseModel):
    """A deployment file (`meshguard.yaml`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="The deployment's name; --active names it.")
    profile: tuple[str, ...] = Field((), description="Profile or profiles: names or paths.")
    fail_on: Priority = Field("high", description="The gate's threshold.")
    active: bool = Field(False, description="Whether checks that change state or send bursts may run here.")
    targets: dict[str, list[dict[str, Any]]] = Field(default={}, description="Kind -> its targets.")
    limits: AuditLimits = Field(AuditLimits(), description="What the audit may ask of each target.")
    not_applicable: tuple[NotApplicable, ...] = Field((), description="Controls that do not apply here.")
    waivers: LocalPath | None = Field(None, description="File of accepted failures.")
    records: LocalPath | None = Field(None, description="Folder of what humans signed; a records target by itself.")
    settings: dict[str, SettingSaid] = Field(default={}, description="The profile's settings, made stricter.")
    pins: dict[str, str] = Field(default={}, description="Control -> the alternative (check) that answers for it here.")
    inherit: Inherit | None = Field(
        None, description="Verdicts of active checks from an earlier audit of the same build."
    )
    checks: tuple[LocalPath, ...] = Field((), description="Local folders of checks.")

    @field_validator("profile", mode="before")
    @classmethod
    def _profile(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


@dataclass
class Deployment:
    """A loaded deployment file."""

    file: DeploymentFile
    document: Document
    digest: str
    targets: dict[str, dict[str, TargetSettings]] = field(default_factory=dict)
    """Kind -> name -> settings; targets derived from others (tls from https) included."""

    @property
    def name(self) -> str:
        """The deployment's name."""
        return self.file.name

    @property
    def folder(self) -> Path:
        """Where relative paths in the file start."""
        return self.document.path.parent

    def stages(self) -> dict[tuple[str, str], str]:
        """Targets that are contacted over a network, by kind and name, with the stage that they are marked with."""
        return {
            (kind, name): settings.stage
            for kind, targets in self.targets.items()
            for name, settings in targets.items()
            if any(settings.hosts())
        }

    def hosts(self) -> list[tuple[str, int]]:
        """Every host and port that an audit may contact."""
        return [host for kind in self.targets.values() for settings in kind.values() for host in settings.hosts()]

    def secrets(self) -> list[tuple[str, str]]:
        """Every secret value that the file gives, with the name to show instead."""
        return [pair for kind in self.targets.values() for settings in kind.values() for pair in settings.secrets()]


def load_deployment(
    path: Path, plugins: Plugins, mistakes: list[Mistake], *, offline: bool = False
) -> Deployment | None:
    """The deployment file at `path`; everything wrong with it goes into `mistakes`.

    Where nothing will be contacted (`offline`: a replay), secrets and certificates may be missing.
    """
    try:
        document = read_yaml(path)
    except MeshGuardError as fault:
        hint = "give the deployment's file, or write one: `meshguard schema deployment` says what it may hold"
        mistakes.extend(Mistake(m.where, m.what, m.fix or hint) for m in fault.mistakes)
        return None
    document.offline = offline
    unset: list[Mistake] = []
    document.data = _expand(document, document.data, (), unset if offline else mistakes)
    file, wrong = parse(DeploymentFile, document)
    mistakes.extend(wrong)
    if file is None:
        file = _what_is_right(document)
    for index, folder in enumerate(file.checks):
        if not folder.is_dir():
            mistakes.append(Mistake(document.where(("checks", index)), f"no such folder of checks: {folder}"))
    _load_local(document, file, plugins, mistakes)
    deployment = Deployment(file, document, document.digest)
    _add_targets(deployment, plugins, mistakes)
    if mistakes:  # a variable that is not set may be the reason
        mistakes.extend(unset)
    return deployment


def _what_is_right(document: Document) -> DeploymentFile:
    """The file without the entries that are wrong, so that the others are looked at too."""
    unnamed = {"name": "unnamed"}
    data = document.data if isinstance(document.data, dict) else {}
    right = {
        key: value
        for key, value in data.items()
        if parse(DeploymentFile, document, data={**unnamed, key: value})[0] is not None
    }
    return DeploymentFile.model_validate(
        {**unnamed, **right}, context={"folder": document.path.parent, "offline": document.offline}
    )


def _load_local(document: Document, file: DeploymentFile, plugins: Plugins, mistakes: list[Mistake]) -> None:
    """Load the local checks at once: what does not load is a mistake, also where no control uses it yet."""
    plugins.folders = tuple(folder for folder in file.checks if folder.is_dir())
    try:
        _ = plugins.local_checks
    except MeshGuardError as fault:
        mistakes.extend(Mistake(m.where or document.where(("checks",)), m.what, m.fix) for m in fault.mistakes)
        plugins.folders = ()


def _expand(document: Document, value: Any, at: tuple[str | int, ...], mistakes: list[Mistake]) -> Any:
    """`${NAME}` in any text becomes the environment variable's value; a missing one is a mistake."""
    if isinstance(value, dict):
        return {key: _expand(document, item, (*at, key), mistakes) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(document, item, (*at, index), mistakes) for index, item in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value

    def variable(match: re.Match[str]) -> str:
        name = match[1]
        if not _NAME.fullmatch(name):
            mistakes.append(Mistake(document.where(at), f"${{{name}}} is no variable name", "write ${NAME}"))
        elif name not in os.environ:
            hint = "set it where meshguard runs" + (f"; {near}" if (near := did_you_mean(name, os.environ)) else "")
            mistakes.append(Mistake(document.where(at), f"the environment variable {name} is not set", hint))
        return os.environ.get(name, "unset" if document.offline else "")

    return _VARIABLE.sub(variable, value)


def _add_targets(deployment: Deployment, plugins: Plugins, mistakes: list[Mistake]) -> None:
    document = deployment.document
    for kind, entries in deployment.file.targets.items():
        try:
            settings_model = plugins.target(kind).Settings
        except MeshGuardError as fault:
            mistakes.extend(Mistake(document.where(("targets", kind)), m.what, m.fix) for m in fault.mistakes)
            continue
        for index, entry in enumerate(entries):
            at = ("targets", kind, index)
            settings, wrong = parse(settings_model, document, at=at, data=entry)
            mistakes.extend(wrong)
            if settings is not None:
                _add(deployment, kind, settings, document.where(at), mistakes)
    _add_records(deployment, plugins, mistakes)
    for kind in list(deployment.targets):
        for settings in list(deployment.targets[kind].values()):
            for derived_kind, derived in settings.derived():
                deployment.targets.setdefault(derived_kind, {}).setdefault(derived.name, derived)


def _add_records(deployment: Deployment, plugins: Plugins, mistakes: list[Mistake]) -> None:
    """The folder under `records` is a target named records."""
    folder = deployment.file.records
    if folder is None:
        return
    where = deployment.document.where(("records",))
    if not folder.is_dir():
        mistakes.append(
            Mistake(where, f"there is no folder {folder}", "make it, and write records with `meshguard record`")
        )
        return
    settings = plugins.target("records").Settings.model_validate({"name": "records", "folder": folder})
    _add(deployment, "records", settings, where, mistakes)


def _add(deployment: Deployment, kind: str, settings: TargetSettings, where: str, mistakes: list[Mistake]) -> None:
    known = deployment.targets.setdefault(kind, {})
    if settings.name in known:
        mistakes.append(Mistake(where, f"two {kind} targets are named {settings.name!r}", "give each its own name"))
    known[settings.name] = settings
