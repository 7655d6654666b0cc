"""Checks, targets and profiles by entry point, one a namespace; the built-in ones come the same way.

A plugin that does not import is a mistake that names its distribution: a check that is missing is no pass.
Only the namespaces that are asked for are imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshguard.check import Check, CheckDefinitionError
from meshguard.errors import ESCAPES, MeshGuardError, Mistake, Mistakes, Stopped
from meshguard.evidence import place_of
from meshguard.target import Target
from meshguard.values import did_you_mean

if TYPE_CHECKING:
    from types import ModuleType

CHECKS, TARGETS, PROFILES = "meshguard.checks", "meshguard.targets", "meshguard.profiles"


@dataclass(frozen=True)
class Plugin:
    """Where a part of this audit came from; a report names it."""

    group: str
    name: str
    distribution: str
    version: str
    digest: str = ""
    """SHA-256 of the files, for a local folder."""


@dataclass
class Plugins:
    """What is installed, loaded as it is needed."""

    folders: tuple[Path, ...] = ()
    """Local folders of checks that the deployment names."""
    used: dict[tuple[str, str], Plugin] = field(default_factory=dict)
    _checks: dict[str, dict[str, Check[Any]]] = field(default_factory=dict)
    _targets: dict[str, type[Target[Any]]] = field(default_factory=dict)

    @cached_property
    def _points(self) -> dict[str, dict[str, EntryPoint]]:
        found: dict[str, dict[str, EntryPoint]] = {}
        installed = entry_points()  # one scan of the installed distributions
        for group in (CHECKS, TARGETS, PROFILES):
            found[group] = {}
            for point in installed.select(group=group):
                first = found[group].setdefault(point.name, point)
                if first.value != point.value:
                    raise MeshGuardError(
                        f"two packages provide {point.name!r} in {group}: {_from(first)} and {_from(point)}",
                        fix="uninstall one of them",
                    )
        return found

    def namespaces(self) -> list[str]:
        """Namespaces of checks that are installed."""
        return sorted(self._points[CHECKS])

    def kinds(self) -> list[str]:
        """Kinds of target that are installed."""
        return sorted(self._points[TARGETS])

    def check(self, check_id: str) -> Check[Any] | None:
        """The check with this id; None where there is none.

        Raises:
            MeshGuardError: its namespace does not load.
        """
        return self.namespace(check_id.split(".", 1)[0]).get(check_id) or self.local_checks.get(check_id)

    def all_checks(self) -> dict[str, Check[Any]]:
        """Every check that is installed, by id."""
        found = {key: value for name in self.namespaces() for key, value in self.namespace(name).items()}
        return dict(sorted((found | self.local_checks).items()))

    def namespace(self, name: str) -> dict[str, Check[Any]]:
        """The checks of one entry point; empty where it is not installed."""
        if name not in self._checks:
            point = self._points[CHECKS].get(name)
            self._checks[name] = _checks_of(self._load(point, CHECKS), name) if point else {}
        return self._checks[name]

    def target(self, kind: str) -> type[Target[Any]]:
        """The class of a kind of target.

        Raises:
            MeshGuardError: no such kind, or it does not load.
        """
        if kind not in self._targets:
            point = self._points[TARGETS].get(kind)
            if point is None:
                hint = did_you_mean(kind, self.kinds(), otherwise=f"known kinds: {', '.join(self.kinds())}")
                raise MeshGuardError(f"unknown kind of target {kind!r}", fix=hint)
            self._targets[kind] = _target_of(self._load(point, TARGETS), point)
        return self._targets[kind]

    def profiles(self) -> dict[str, Path]:
        """Installed profiles: name -> file."""
        found: dict[str, Path] = {}
        for point in self._points[PROFILES].values():
            folder = self._folder(point)
            for path in sorted(folder.glob("*.yaml")):
                if found.setdefault(path.stem, path) != path:
                    raise MeshGuardError(
                        f"two packages provide the profile {path.stem!r}: {found[path.stem]} and {path}"
                    )
        return found

    @cached_property
    def local_checks(self) -> dict[str, Check[Any]]:
        """Checks of the local folders that the deployment names."""
        found: dict[str, Check[Any]] = {}
        wrong: list[Mistake] = []
        for folder in self.folders:
            for path in sorted(folder.glob("*.py")):
                try:
                    checks = _checks_of(_module_at(path), None)
                    _refuse_twice(found, checks, *(self.namespace(check.namespace) for check in checks.values()))
                    found.update(checks)
                except MeshGuardError as fault:
                    wrong += [Mistake(m.where or str(path), m.what, m.fix) for m in fault.mistakes]
            self.used["local", str(folder)] = Plugin("local", folder.name, "", "", _digest_of(folder))
        if wrong:
            raise Mistakes(wrong)
        return found

    def _folder(self, point: EntryPoint) -> Path:
        try:
            return Path(str(files(point.value)))
        except ESCAPES as fault:
            raise _not_loaded(point, fault) from None

    def _load(self, point: EntryPoint, group: str) -> Any:
        try:
            loaded = point.load()
        except Stopped:
            raise
        except ESCAPES as fault:
            raise _not_loaded(point, fault) from None
        version = point.dist.version if point.dist else ""
        self.used[group, point.name] = Plugin(group, point.name, point.dist.name if point.dist else "", version)
        return loaded


def _not_loaded(point: EntryPoint, fault: BaseException) -> MeshGuardError:
    told = isinstance(fault, ImportError | CheckDefinitionError)
    return MeshGuardError(
        f"the plugin {_from(point)} does not load: {place_of(fault)}{f': {fault}' if told else ''}",
        where=f"{point.group}: {point.name}",
        fix="reinstall it, or uninstall it and drop what uses it",
    )


def _target_of(loaded: Any, point: EntryPoint) -> type[Target[Any]]:
    if isinstance(loaded, type) and issubclass(loaded, Target) and getattr(loaded, "kind", None) == point.name:
        return loaded
    raise MeshGuardError(f"the plugin {_from(point)} is no kind of target named {point.name!r}")


def _digest_of(folder: Path) -> str:
    """SHA-256 over name, length and bytes of every file that can be imported from a folder of checks."""
    whole = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        content = path.read_bytes()
        whole.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return "sha256:" + whole.hexdigest()


def _from(point: EntryPoint) -> str:
    return f"{point.name} = {point.value} of {point.dist.name if point.dist else 'an unknown distribution'}"


def _checks_of(module: ModuleType, namespace: str | None) -> dict[str, Check[Any]]:
    found: dict[str, Check[Any]] = {}
    for value in vars(module).values():
        if not isinstance(value, Check):
            continue
        if namespace is not None and value.namespace != namespace:
            raise MeshGuardError(f"{module.__name__} defines {value.id}, which is outside its namespace {namespace!r}")
        _refuse_twice(found, {value.id: value})
        try:
            _ = value.kinds
        except CheckDefinitionError as fault:
            raise MeshGuardError(str(fault)) from None
        found[value.id] = value
    return found


def _refuse_twice(*groups: dict[str, Check[Any]]) -> None:
    seen: dict[str, Check[Any]] = {}
    for group in groups:
        for check_id, check in group.items():
            first = seen.setdefault(check_id, check)
            if first is not check:
                raise MeshGuardError(
                    f"the check {check_id} is defined twice: in {first.__module__} and {check.__module__}"
                )


def _module_at(path: Path) -> ModuleType:
    name = f"meshguard_local_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise MeshGuardError("not a Python module", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ESCAPES as fault:
        del sys.modules[name]
        if isinstance(fault, Stopped):
            raise
        line = fault.lineno if isinstance(fault, SyntaxError) else None
        where = f"{path}:{line}" if line else str(path)
        raise MeshGuardError(f"the check file does not load: {place_of(fault)}: {fault}", where=where) from None
    return module
