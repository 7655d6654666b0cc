"""What of a checkout a bot for updates would have to cover."""

from __future__ import annotations

import json
import posixpath
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from meshguard.targets.ci.files import Files
from meshguard.targets.repo.bots import UpdatePlace
from meshguard.targets.repo.models import Inventory

ECOSYSTEMS = {
    "package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "yarn.lock": "npm", "pnpm-lock.yaml": "npm",
    "package.json": "npm", "bun.lock": "bun", "poetry.lock": "pip", "Pipfile.lock": "pip", "pdm.lock": "pip",
    "pylock.toml": "pip", "pyproject.toml": "pip", "setup.py": "pip", "setup.cfg": "pip", "Pipfile": "pip",
    "uv.lock": "uv", "Cargo.lock": "cargo", "Cargo.toml": "cargo", "go.sum": "gomod", "go.mod": "gomod",
    "composer.lock": "composer", "composer.json": "composer", "Gemfile.lock": "bundler", "Gemfile": "bundler",
    "gradle.lockfile": "gradle", "build.gradle": "gradle", "build.gradle.kts": "gradle", "pom.xml": "maven",
    "packages.lock.json": "nuget", "mix.lock": "mix", "mix.exs": "mix", "pubspec.lock": "pub", "pubspec.yaml": "pub",
    "Podfile.lock": "cocoapods", "Podfile": "cocoapods", "Package.resolved": "swift", "Package.swift": "swift",
    "conan.lock": "conan", "deno.lock": "deno",
}  # fmt: skip
FAMILIES = {"bun": "node", "npm": "node", "pip": "python", "uv": "python"}
"""Ecosystems that share their manifests."""
NODE = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


def places(root: Path, found: Inventory) -> tuple[UpdatePlace, ...]:
    """Each ecosystem and folder, with the files that say so."""
    files = Files(root)
    collected: dict[tuple[str, str], list[str]] = {}
    for path in found.lockfiles:
        _add(collected, _ecosystem(path), path)
    locked = {(_family(ecosystem), folder) for ecosystem, folder in collected}
    for path in found.manifests:
        if not _covered(path, locked) and names_packages(files, path):
            _add(collected, _ecosystem(path), path)
    for path in found.dockerfiles:
        _add(collected, "docker", path)
    for path in found.composes:
        _add(collected, "docker-compose", path)
    for path in found.workflows:
        if path.startswith(".github/"):
            collected.setdefault(("github-actions", ""), []).append(path)
    return tuple(
        UpdatePlace(ecosystem=ecosystem, folder=folder, files=tuple(paths))
        for (ecosystem, folder), paths in sorted(collected.items())
    )


def _add(collected: dict[tuple[str, str], list[str]], ecosystem: str, path: str) -> None:
    collected.setdefault((ecosystem, posixpath.dirname(path)), []).append(path)


def _ecosystem(path: str) -> str:
    name = posixpath.basename(path)
    return ECOSYSTEMS.get(name, "nuget" if name.endswith(".csproj") else "pip")


def _family(ecosystem: str) -> str:
    return FAMILIES.get(ecosystem, ecosystem)


def _covered(path: str, locked: Iterable[tuple[str, str]]) -> bool:
    """Whether a folder above, or its own, has a lockfile of the same family."""
    family, folder = _family(_ecosystem(path)), posixpath.dirname(path)
    return any(family == kind and (above in {"", folder} or folder.startswith(f"{above}/")) for kind, above in locked)


def names_packages(files: Files, path: str) -> bool:
    """Whether a manifest names a package; one that can't be read is taken to."""
    name, text = posixpath.basename(path), files.find(path)
    if text is None or name not in ("package.json", "pyproject.toml", "setup.cfg"):
        return True
    if name == "setup.cfg":
        return "install_requires" in text or "extras_require" in text
    try:
        data: Any = json.loads(text) if name == "package.json" else tomllib.loads(text)
    except (ValueError, RecursionError):
        return True
    if not isinstance(data, dict):
        return True
    return any(data.get(key) for key in NODE) if name == "package.json" else _python(data)


def _python(data: dict[str, Any]) -> bool:
    project, tool = data.get("project"), data.get("tool")
    found = [data.get("dependency-groups")]
    if isinstance(project, dict):
        found += [project.get("dependencies"), project.get("optional-dependencies")]
        found.append("dependencies" in (project.get("dynamic") or ()))
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    if isinstance(poetry, dict):
        found += [poetry.get("dependencies"), poetry.get("group"), poetry.get("dev-dependencies")]
    return any(found)
