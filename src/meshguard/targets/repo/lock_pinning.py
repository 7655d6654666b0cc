"""Manifests that name packages while no lockfile fixes them: what they install was not looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from meshguard.errors import NotObserved
from meshguard.targets.repo.lock_read import LockError, as_json, as_toml, table

Read = Callable[[Path, str], bytes]
Loose = tuple[str, str, str]
"""A manifest, why its packages were not looked at, what to do."""

LOCKS: dict[str, tuple[str, ...]] = {
    "package.json": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock"),
    "pyproject.toml": ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "requirements*.txt"),
    "setup.py": ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "requirements*.txt"),
    "setup.cfg": ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "requirements*.txt"),
    "Pipfile": ("Pipfile.lock",),
    "Cargo.toml": ("Cargo.lock",),
    "go.mod": ("go.sum",),
    "composer.json": ("composer.lock",),
    "Gemfile": ("Gemfile.lock",),
    "pom.xml": (),
    "build.gradle": ("gradle.lockfile",),
    "build.gradle.kts": ("gradle.lockfile",),
    "mix.exs": ("mix.lock",),
    "pubspec.yaml": ("pubspec.lock",),
    "Podfile": ("Podfile.lock",),
    "Package.swift": ("Package.resolved",),
}
"""What fixes the packages of a manifest, in its folder or in one above it (a workspace has one lockfile)."""
FIX = "commit the lockfile that its package manager writes, or exclude the folder with `exclude`"
_REQUIREMENT_LINE = re.compile(rb"(?m)^[ \t]*[A-Za-z0-9]")


def unlocked(
    root: Path, lockfiles: Sequence[str], manifests: Sequence[str], read: Read
) -> tuple[list[str], list[Loose]]:
    """Requirements files, which are read as lockfiles are, and the manifests that no lockfile fixes."""
    pinned, loose = [], list[Loose]()
    requirements = [path for path in manifests if _is_requirements(path)]
    for path in requirements:
        try:
            if _REQUIREMENT_LINE.search(read(root, path)):
                pinned.append(path)
        except NotObserved as fault:
            loose.append((path, fault.reason, fault.fix))
    fixed = [*lockfiles, *pinned]
    for path in manifests:
        if path not in requirements and not _is_fixed(path, fixed):
            loose += _names_packages(root, path, read)
    return pinned, loose


def _is_requirements(path: str) -> bool:
    return fnmatch(path.rpartition("/")[2], "requirements*.txt")


def _is_fixed(manifest: str, fixed: Sequence[str]) -> bool:
    folder, _, name = manifest.rpartition("/")
    if name.startswith("constraints"):
        return True  # says what may be installed and installs nothing (pip's documentation, "Constraints Files")
    patterns = (re.sub(r"\.in$", ".txt", name),) if name.endswith(".in") else LOCKS.get(name, ())
    above = {folder, *_above(folder)}
    return any(
        path.rpartition("/")[0] in above and any(fnmatch(path.rpartition("/")[2], pattern) for pattern in patterns)
        for path in fixed
    )


def _above(folder: str) -> Iterator[str]:
    while folder:
        folder = folder.rpartition("/")[0]
        yield folder


def _names_packages(root: Path, path: str, read: Read) -> list[Loose]:
    """Why the manifest's packages were not looked at; nothing where it names none."""
    name = path.rpartition("/")[2]
    try:
        count = _COUNTS[name](read(root, path)) if name in _COUNTS else None
    except NotObserved as fault:
        return [(path, fault.reason, fault.fix)]
    except LockError as fault:
        return [(path, f"it cannot be read: {fault}", "correct it")]
    if count == 0:
        return []
    said = f"it names {count} packages and" if count else "it may name packages, and"
    return [(path, f"{said} no lockfile fixes what is installed, so that was not looked at", FIX)]


def _of_npm(data: bytes) -> int:
    document = as_json(data)
    kinds = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    return sum(len(table(document.get(kind))) for kind in kinds)


def _of_pyproject(data: bytes) -> int:
    document = as_toml(data)
    project, poetry = table(document.get("project")), table(table(document.get("tool")).get("poetry"))
    groups = [project.get("dependencies"), *table(project.get("optional-dependencies")).values()]
    groups += [*table(document.get("dependency-groups")).values()]
    named: list[Any] = [len(group) for group in groups if isinstance(group, list)]
    named += [len({*table(poetry.get("dependencies"))} - {"python"})]
    named += [len(table(table(group).get("dependencies"))) for group in table(poetry.get("group")).values()]
    dynamic = project.get("dynamic")
    hidden = isinstance(dynamic, list) and "dependencies" in dynamic
    return sum(named) or int(hidden)


def _of_cargo(data: bytes) -> int:
    document = as_toml(data)
    kinds = ("dependencies", "dev-dependencies", "build-dependencies")
    targets = [table(one) for one in table(document.get("target")).values()]
    return sum(len(table(one.get(kind))) for one in (document, *targets) for kind in kinds)


def _of_composer(data: bytes) -> int:
    document = as_json(data)
    named = [name for kind in ("require", "require-dev") for name in table(document.get(kind))]
    return sum("/" in name for name in named)


def _of_go(data: bytes) -> int:
    return len(re.findall(rb"(?m)^(?:require\s+|\t)[^\s()]+\s+v\S+", data))


def _of_requirements_in(data: bytes) -> int:
    return len(_REQUIREMENT_LINE.findall(data))


_COUNTS: dict[str, Callable[[bytes], int]] = {
    "package.json": _of_npm,
    "pyproject.toml": _of_pyproject,
    "Cargo.toml": _of_cargo,
    "composer.json": _of_composer,
    "go.mod": _of_go,
    "requirements.in": _of_requirements_in,
}
