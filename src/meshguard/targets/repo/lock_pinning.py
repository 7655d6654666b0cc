"""Manifests that name packages while no lockfile fixes them: what they install was not looked at."""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from meshguard.errors import NotObserved
from meshguard.targets.repo.lock_read import LockError, as_json, as_text, as_toml, table, text, words

Read = Callable[[str], bytes]
Loose = tuple[str, str, str]
"""A manifest, why its packages were not looked at, what to do."""

PYTHON = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "requirements*.txt")
LOCKS: dict[str, tuple[str, ...]] = {
    "package.json": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock"),
    "pyproject.toml": PYTHON,
    "setup.py": PYTHON,
    "setup.cfg": PYTHON,
    "Pipfile": ("Pipfile.lock",),
    "Cargo.toml": ("Cargo.lock",),
    "go.mod": ("go.sum",),
    "composer.json": ("composer.lock",),
    "Gemfile": ("Gemfile.lock",),
    "build.gradle": ("gradle.lockfile",),
    "build.gradle.kts": ("gradle.lockfile",),
    "mix.exs": ("mix.lock",),
    "pubspec.yaml": ("pubspec.lock",),
    "Podfile": ("Podfile.lock",),
    "Package.swift": ("Package.resolved",),
}
"""What fixes the packages of a manifest in its folder."""
WORKSPACES = ("package.json", "pyproject.toml", "Cargo.toml")
"""Manifests whose lockfile may lie in a folder above: it then names them, by folder or by name."""
FIX = "commit the lockfile that its package manager writes, or exclude the folder with `exclude`"
_REQUIREMENT_LINE = re.compile(rb"(?m)^[ \t]*[A-Za-z0-9]")


def unlocked(
    root: Path, lockfiles: Sequence[str], manifests: Sequence[str], read: Callable[[Path, str], bytes]
) -> tuple[list[str], list[Loose]]:
    """Requirements files, which are read as lockfiles are, and the manifests that no lockfile fixes."""

    def inside(path: str) -> bytes:
        return read(root, path)

    pinned, loose = [], list[Loose]()
    requirements = [path for path in manifests if fnmatch(_name(path), "requirements*.txt")]
    for path in requirements:
        try:
            if _REQUIREMENT_LINE.search(inside(path)) or b"-r" in inside(path):
                pinned.append(path)
        except NotObserved as fault:
            loose.append((path, fault.reason, fault.fix))
    fixed = [*lockfiles, *pinned]
    for path in manifests:
        if path not in requirements and not _name(path).startswith("constraints"):
            # A constraints file says what may be installed, and installs nothing (pip, "Constraints Files").
            loose += _looked_at(path, fixed, inside)
    return pinned, loose


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _looked_at(path: str, fixed: Sequence[str], read: Read) -> list[Loose]:
    """Why the manifest's packages were not looked at; nothing where they were, or where it names none."""
    try:
        if _is_fixed(path, fixed, read) or (count := _count(path, read)) == 0:
            return []
    except NotObserved as fault:
        return [(path, fault.reason, fault.fix)]
    except LockError as fault:
        return [(path, f"it cannot be read: {fault}", "correct it")]
    said = f"it names {count} packages and" if count else "it may name packages, and"
    return [(path, f"{said} no lockfile fixes what is installed, so that was not looked at", FIX)]


def _is_fixed(manifest: str, fixed: Sequence[str], read: Read) -> bool:
    folder, _, name = manifest.rpartition("/")
    patterns = (re.sub(r"\.in$", ".txt", name),) if name.endswith(".in") else LOCKS.get(name, ())
    found = [path for path in fixed if any(fnmatch(_name(path), pattern) for pattern in patterns)]
    if any(path.rpartition("/")[0] == folder for path in found):
        return True
    above = set(_above(folder)) if name in WORKSPACES else set()
    return any(path.rpartition("/")[0] in above and _names(path, manifest, read) for path in found)


def _above(folder: str) -> Iterator[str]:
    while folder:
        folder = folder.rpartition("/")[0]
        yield folder


def _names(lockfile: str, manifest: str, read: Read) -> bool:
    """Whether a lockfile above a manifest speaks of it: of its folder, or of the package by its name."""
    above = lockfile.rpartition("/")[0]
    folder = manifest.rpartition("/")[0].removeprefix(above).lstrip("/")
    said = as_text(read(lockfile))
    if _name(lockfile) == "yarn.lock" and "__metadata:" not in said:
        return _is_workspace(f"{above}/package.json".lstrip("/"), folder, read)
    if re.search(rf"""(?m)(?:^\s*|["':]){re.escape(folder)}["'#:]""", said):
        return True
    own = _own_name(manifest, read)
    return bool(own) and re.search(rf'(?m)^name = "{re.escape(own)}"$', said) is not None


def _is_workspace(manifest: str, folder: str, read: Read) -> bool:
    """Whether the manifest at the top names the folder among its workspaces, as Yarn 1 has them."""
    said = as_json(read(manifest)).get("workspaces")
    return any(fnmatch(folder, pattern) for pattern in words(said) or words(table(said).get("packages")))


def _own_name(manifest: str, read: Read) -> str:
    if not manifest.endswith(".toml"):
        return ""
    document = as_toml(read(manifest))
    return text(table(document.get("project")).get("name")) or text(table(document.get("package")).get("name"))


def _count(path: str, read: Read) -> int | None:
    """How many packages a manifest names; None where that cannot be told."""
    name = _name(path)
    count = _of_lines if name.endswith(".in") else _COUNTS.get(name)
    return count(read(path)) if count is not None else None


def _of_npm(data: bytes) -> int:
    document = as_json(data)
    kinds = ("dependencies", "devDependencies", "optionalDependencies")
    return sum(len(table(document.get(kind))) for kind in kinds)


def _of_pyproject(data: bytes) -> int:
    document = as_toml(data)
    project, poetry = table(document.get("project")), table(table(document.get("tool")).get("poetry"))
    groups = [project.get("dependencies"), *table(project.get("optional-dependencies")).values()]
    groups += [*table(document.get("dependency-groups")).values()]
    named: list[Any] = [len(group) for group in groups if isinstance(group, list)]
    named += [len({*table(poetry.get("dependencies"))} - {"python"})]
    named += [len(table(table(group).get("dependencies"))) for group in table(poetry.get("group")).values()]
    return sum(named) or int("dependencies" in words(project.get("dynamic")))


def _of_setup_cfg(data: bytes) -> int:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(as_text(data))
    except configparser.Error:
        raise LockError("it is not valid INI") from None
    options = ("install_requires", "extras_require", "setup_requires", "tests_require")
    said = [parser.get("options", option, fallback="") for option in options]
    extras = [value for _, value in parser.items("options.extras_require")] if _has_extras(parser) else []
    return sum(bool(line.strip()) for value in (*said, *extras) for line in value.splitlines())


def _has_extras(parser: configparser.RawConfigParser) -> bool:
    return parser.has_section("options.extras_require")


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


def _of_lines(data: bytes) -> int:
    return len(_REQUIREMENT_LINE.findall(data))


_COUNTS: dict[str, Callable[[bytes], int]] = {
    "package.json": _of_npm,
    "pyproject.toml": _of_pyproject,
    "setup.cfg": _of_setup_cfg,
    "Cargo.toml": _of_cargo,
    "composer.json": _of_composer,
    "go.mod": _of_go,
}
