"""Walk a checkout: every file once, no link followed, and what is left out counted with the reason."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path

from meshguard.targets.repo.models import Inventory, Skipped
from meshguard.values import encodable

MAX_SHOWN = 20
INSTALLED = frozenset({
    "node_modules", "bower_components", ".venv", "venv", "site-packages", "__pycache__", ".tox", ".nox", ".mypy_cache",
    ".pytest_cache", ".ruff_cache", ".gradle", ".terraform", ".next", ".nuxt", "Pods",
})  # fmt: skip
"""Folders of what was installed or made: their packages are those of the lockfiles."""
LOCKFILES = frozenset({
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "poetry.lock",
    "uv.lock", "gems.locked", "go.work.sum",
    "pylock.toml", "Pipfile.lock", "pdm.lock", "Cargo.lock", "go.sum", "composer.lock", "Gemfile.lock",
    "gradle.lockfile", "packages.lock.json", "mix.lock", "pubspec.lock", "Podfile.lock", "Package.resolved",
    "conan.lock", "deno.lock",
})  # fmt: skip
MANIFESTS = frozenset({
    "package.json", "pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "Cargo.toml", "go.mod", "composer.json",
    "Gemfile", "pom.xml", "build.gradle", "build.gradle.kts", "mix.exs", "pubspec.yaml", "Podfile", "Package.swift",
})  # fmt: skip
REQUIREMENTS = re.compile(r"requirements[\w.-]*\.(?:txt|in)|constraints[\w.-]*\.txt")
REQUIREMENTS_FOLDER = re.compile(r"(?:.*/)?requirements/[^/]+\.(?:txt|in)")
DOCKERFILE = re.compile(r"(?i)(?:[\w.-]+\.)?(?:dockerfile|containerfile)(?:\.[\w.-]+)?")
COMPOSE = re.compile(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml")
BOTS = frozenset({
    ".github/dependabot.yml", ".github/dependabot.yaml", "renovate.json", "renovate.json5", ".github/renovate.json",
    ".github/renovate.json5", ".gitlab/renovate.json", ".gitlab/renovate.json5", ".renovaterc", ".renovaterc.json",
    ".renovaterc.json5",
})  # fmt: skip
WORKFLOW = re.compile(r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.ya?ml|\.gitlab/ci/.+\.ya?ml")
FOREIGN = frozenset({
    "trivy.yaml", "trivy.yml", ".trivyignore", ".trivyignore.yaml", ".gitleaks.toml", ".gitleaksignore",
    ".betterleaks.toml", ".npmrc", ".yarnrc", ".yarnrc.yml", "pip.conf", "zizmor.yml",
    ".github/zizmor.yml", "osv-scanner.toml",
})  # fmt: skip


@dataclass
class Left:
    """What is left out, by reason."""

    found: dict[str, tuple[int, list[str]]] = field(default_factory=dict)

    def add(self, why: str, path: str) -> None:
        """One more path left out."""
        count, shown = self.found.get(why, (0, []))
        if len(shown) < MAX_SHOWN:
            shown.append(encodable(path))
        self.found[why] = (count + 1, shown)

    def told(self) -> tuple[Skipped, ...]:
        """All of it, for a record."""
        return tuple(Skipped(why=why, count=count, paths=tuple(paths)) for why, (count, paths) in self.found.items())


@dataclass(frozen=True)
class Entry:
    """A regular file of the checkout."""

    path: str
    """From the checkout's folder, with "/" between its parts; bytes that are no UTF-8 stand as lone surrogates."""
    name: str
    size: int


def walk(root: Path, exclude: Sequence[str], left: Left, *, installed: bool = False) -> Iterator[Entry]:
    """All regular files under a folder, in the order of their paths.

    Left out and counted: links, what is neither file nor folder, what cannot be read, what `exclude` names, other
    repositories inside, and, without `installed`, folders of installed packages. Git's own folder is no part of it.
    """
    excluded = re.compile("|".join(translate(pattern.rstrip("/")) for pattern in exclude)) if exclude else None
    todo = [""]
    while todo:
        folders: list[str] = []
        for path, entry in _entries(root, todo.pop(), left):
            if excluded is not None and excluded.match(path):
                left.add("excluded by the deployment", path)
            elif entry.name == ".git":
                continue
            elif why := _refused(entry, installed=installed):
                left.add(why, path)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif (size := _size(entry)) is None:
                left.add("vanished or cannot be read", path)
            else:
                yield Entry(path, entry.name, size)
        todo += reversed(folders)


def _entries(root: Path, folder: str, left: Left) -> list[tuple[str, os.DirEntry[str]]]:
    try:
        entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
    except OSError as fault:
        left.add(f"cannot be read ({os.strerror(fault.errno or 0)})", folder or ".")
        return []
    return [(f"{folder}/{entry.name}" if folder else entry.name, entry) for entry in entries]


def _refused(entry: os.DirEntry[str], *, installed: bool) -> str:
    try:
        if entry.is_symlink():
            return "a link, which is not followed"
        if not entry.is_dir(follow_symlinks=False):
            return "" if entry.is_file(follow_symlinks=False) else "neither file nor folder"
        if entry.name in INSTALLED and not installed:
            return "installed packages"
        if os.path.lexists(os.path.join(entry.path, ".git")):  # noqa: PTH118
            return "another repository in it"
    except OSError:
        return "vanished or cannot be read"
    return ""


def _size(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return None


def inventory(root: Path, exclude: Sequence[str]) -> Inventory:
    """What the checkout holds that has a meaning of its own."""
    left, count, size = Left(), 0, 0
    kinds: dict[str, list[str]] = {name: [] for name in _KINDS}
    for entry in walk(root, exclude, left):
        count, size = count + 1, size + entry.size
        for kind, belongs in _KINDS.items():
            if belongs(entry):
                kinds[kind].append(encodable(entry.path))
    return Inventory(
        files=count, bytes=size, skipped=left.told(), **{kind: tuple(sorted(paths)) for kind, paths in kinds.items()}
    )


def _is_lockfile(entry: Entry) -> bool:
    return entry.name in LOCKFILES


def _is_manifest(entry: Entry) -> bool:
    listed = bool(REQUIREMENTS.fullmatch(entry.name) or REQUIREMENTS_FOLDER.fullmatch(entry.path))
    return entry.name in MANIFESTS or listed or entry.name.endswith(".csproj")


_KINDS: dict[str, Callable[[Entry], bool]] = {
    "lockfiles": _is_lockfile,
    "manifests": _is_manifest,
    "workflows": lambda entry: bool(WORKFLOW.fullmatch(entry.path)),
    "bots": lambda entry: entry.path in BOTS,
    "dockerfiles": lambda entry: bool(DOCKERFILE.fullmatch(entry.name)),
    "composes": lambda entry: bool(COMPOSE.fullmatch(entry.name)),
    "foreign": lambda entry: entry.name in FOREIGN or entry.path in FOREIGN,
}
