"""Gathers what goes into MeshGuard's own bill of materials."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meshguard.errors import NotObserved
from meshguard.targets.repo.git import GIT, git
from meshguard.targets.repo.licences import installed
from meshguard.targets.repo.lock_read import LockError, as_json, as_toml, rows, table, text
from meshguard.targets.repo.packages import read_inside
from meshguard.targets.repo.sbom_notice import texts_of_npm, texts_of_python
from meshguard.targets.repo.sbom_write import Material

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from meshguard.targets.repo.licences import LicenceFacts
    from meshguard.targets.repo.lock_models import Lock, Package
    from meshguard.targets.repo.settings import RepoSettings


async def gather(repo: LicenceFacts, *, reproducible: bool) -> tuple[Material, datetime | None]:
    """What goes into the bill of a checkout, and the time that it bears."""
    listing = await repo.licences()
    material = Material(
        name=repo.settings.path.resolve().name or "checkout",
        licences={one.purl: one for one in listing.items},
        installed=bool(repo.settings.environments),
        unread=tuple(f"{one.resource}: {one.reason}" for one in listing.unread),
    )
    locks = [lock async for lock in _locks(repo)]
    for lock in locks:
        material.add(lock.packages)
    for path in repo.settings.environments:
        material.add(await _packages(repo, str(path)))
    named = [lock for lock in sorted(locks, key=lambda one: (one.path.count("/"), one.path)) if lock.name]
    if named:
        material.name, material.version = named[0].name, named[0].version
    material.authors = tuple(dict.fromkeys(_authors(repo.settings.path)))
    return material, await _time(repo) if reproducible else datetime.now(UTC)


async def _locks(repo: LicenceFacts) -> AsyncIterator[Lock]:
    for lockfile in (await repo.locks()).items:
        try:
            yield await repo.lock(lockfile.path)
        except NotObserved:
            continue  # `licences` lists it as unread


async def _packages(repo: LicenceFacts, path: str) -> tuple[Package, ...]:
    try:
        return (await repo.environment(path)).packages
    except NotObserved:
        return ()  # `licences` lists it as unread


def _authors(root: Path) -> Iterator[str]:
    """Who the checkout's own manifests name as its authors, without their addresses."""
    for name, read in (("package.json", as_json), ("pyproject.toml", as_toml)):
        try:
            manifest = read(read_inside(root, name))
        except (NotObserved, LockError):
            continue
        author = manifest.get("author")
        said = [text(author) or text(table(author).get("name"))]
        said += [text(one.get("name")) for one in rows(table(manifest.get("project")).get("authors"))]
        yield from (bare for one in said if (bare := one.partition("<")[0].partition("(")[0].strip()))


async def _time(repo: LicenceFacts) -> datetime | None:
    """SOURCE_DATE_EPOCH (reproducible-builds.org), else the time of the commit; None where there is neither."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not said.isdecimal():
        try:
            found = await repo.tool(GIT)
            done = await git(found, repo.settings.path, "log", "-1", "--format=%ct", deadline_s=30)
        except NotObserved:
            return None
        said = done.output.decode("ascii", "replace").strip()
    return datetime.fromtimestamp(int(said), UTC) if said.isdecimal() and len(said) < 12 else None


def texts(settings: RepoSettings) -> dict[str, list[str]]:
    """The licence texts that are installed, by purl."""
    found: dict[str, list[str]] = {}
    for one in installed(settings.path, ""):
        found.setdefault(one.purl, []).extend(texts_of_npm(settings.path, one.folder))
    for environment in settings.environments:
        for purl, words in texts_of_python(environment):
            found.setdefault(purl, []).append(words)
    return {purl: list(dict.fromkeys(several)) for purl, several in found.items()}
