"""Facts of licences: each package of others, and what each source says of its licence."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from meshguard.errors import NotObserved
from meshguard.fact import Listing, Unread, fact
from meshguard.target import in_thread
from meshguard.targets.repo.environments import EnvironmentFacts
from meshguard.targets.repo.licence_terms import expression_of
from meshguard.targets.repo.lock_models import Package
from meshguard.targets.repo.lock_npm import licence_in
from meshguard.targets.repo.lock_read import as_json, bare_purl, purl_of, text
from meshguard.targets.repo.models import RepoModel
from meshguard.targets.repo.packages import read_inside
from meshguard.targets.repo.sbom import SbomFacts

MAX_MANIFEST_BYTES = 2_000_000
MAX_FOLDERS = 200_000
MAX_SAID = 200
FIX = (
    "install the packages before the audit (node_modules), name the build's Python environment under `environments`, "
    "or its SBOM under `sbom`"
)


class Said(RepoModel):
    """What one source says of a package's licence."""

    by: str
    """The file or folder that says it."""
    text: str
    expression: str
    """The text as an SPDX expression; empty where it is none and does not clearly mean one."""


class Licensed(RepoModel):
    """A package of others and its licence."""

    purl: str
    dev: bool
    """Whether it is for development alone."""
    said: tuple[Said, ...] = ()

    def __str__(self) -> str:
        """Its package URL."""
        return self.purl


class LicenceFacts(SbomFacts, EnvironmentFacts):
    """The licences of a checkout's packages."""

    @fact
    async def licences(self) -> Listing[Licensed]:
        """Every package of every lockfile and environment, and what is said of its licence.

        Lockfiles, node_modules, environments and the build's SBOM say it; what of them could not be read is unread.
        """
        join = _Join()
        listing = await self.locks()
        join.unread += listing.unread
        for lockfile in listing.items:
            await self._lock_into(join, lockfile.path)
        for path in self.settings.environments:
            await self._environment_into(join, str(path))
        if self.settings.sbom is not None:
            await self._sbom_into(join)
        items = [join.licensed(purl) for purl in sorted(join.dev)]
        return Listing(items=tuple(items), unread=tuple(join.unread), fix=listing.fix)

    async def written_bill(self, *, reproducible: bool, format_: str) -> tuple[str, tuple[str, ...]]:
        """MeshGuard's own bill of materials as text, and what could not be read, so that it may lack it.

        Args:
            reproducible: whether the same checkout always gives the same text.
            format_: json or xml (CycloneDX 1.6), or notice (the licences of what is shipped).
        """
        from meshguard.targets.repo.sbom_gather import gather, texts
        from meshguard.targets.repo.sbom_notice import notice
        from meshguard.targets.repo.sbom_write import cyclonedx

        material, time = await gather(self, reproducible=reproducible)
        if format_ == "notice":
            found = await in_thread(texts, self.settings)
            return notice(material.name, material.licences.values(), found), material.unread
        written = await in_thread(cyclonedx, material, time=time, reproducible=reproducible, format_=format_)
        return written, material.unread

    async def _lock_into(self, join: _Join, path: str) -> None:
        try:
            lock = await self.lock(path)
        except NotObserved as fault:
            join.missing(path, fault)
            return
        if lock.problems:
            join.unread.append(Unread(resource=path, reason=f"it was read in part: {'; '.join(lock.problems[:5])}"))
        join.packages(path, lock.packages)
        if lock.ecosystem == "npm" and any(package.licence is None for package in lock.packages):
            folder = os.path.dirname(path)  # noqa: PTH120 - a path as the fact records it, not one to open
            found = await in_thread(lambda: list(installed(self.settings.path, folder)))
            join.said((one.purl, one.start, one.licence) for one in found if one.licence)

    async def _environment_into(self, join: _Join, path: str) -> None:
        try:
            found = await self.environment(path)
        except NotObserved as fault:
            join.missing(path, fault)
            return
        if found.problems:
            join.unread.append(Unread(resource=path, reason="; ".join(found.problems[:5])))
        join.packages(path, found.packages)

    async def _sbom_into(self, join: _Join) -> None:
        try:
            bill = await self.bill_of_build()
        except NotObserved as fault:
            join.missing("the build's SBOM", fault)
            return
        join.said((one.key, "the build's SBOM", licence) for one in bill.components for licence in one.licences)


class _Join:
    """What is known of each package, source by source."""

    def __init__(self) -> None:
        self.dev: dict[str, bool] = {}
        self.unread: list[Unread] = []
        self._said: dict[str, dict[tuple[str, str], None]] = {}

    def packages(self, by: str, packages: Iterable[Package]) -> None:
        """Packages of a lockfile or an environment; for production where any of them says so."""
        for package in packages:
            self.dev[package.purl] = self.dev.get(package.purl, True) and package.dev
            if package.licence:
                self.said([(package.purl, by, package.licence)])

    def said(self, found: Iterable[tuple[str, str, str]]) -> None:
        """Purl, source and text; of packages that are none of the checkout's nothing will be asked."""
        for purl, by, licence in found:
            self._said.setdefault(purl, {})[by, licence] = None

    def missing(self, resource: str, fault: NotObserved) -> None:
        """A source that could not be read."""
        self.unread.append(Unread(resource=resource, kind=fault.kind, reason=fault.reason, fix=fault.fix))

    def licensed(self, purl: str) -> Licensed:
        """All of it for one package."""
        said = tuple(
            Said(by=by, text=licence[:MAX_SAID], expression=expression_of(licence))
            for by, licence in {**self._said.get(purl, {}), **self._said.get(bare_purl(purl), {})}
        )
        return Licensed(purl=purl, dev=self.dev[purl], said=said)


@dataclass(frozen=True)
class Installed:
    """A package in a node_modules folder."""

    purl: str
    folder: str
    start: str
    """The node_modules folder in whose tree it lies."""
    licence: str | None


def installed(root: Path, folder: str) -> Iterator[Installed]:
    """What is installed in the node_modules of a folder, no link followed."""
    start = f"{folder}/node_modules" if folder else "node_modules"
    for path in _manifests(root, start):
        try:
            manifest = as_json(read_inside(root, path, MAX_MANIFEST_BYTES))
            purl = purl_of("npm", text(manifest.get("name")), text(manifest.get("version")))
        except (NotObserved, ValueError):
            continue  # the package then has no licence from here, and is judged as such
        yield Installed(purl, path.rpartition("/")[0], start, licence_in(manifest))


def _manifests(root: Path, start: str) -> Iterator[str]:
    """The package.json of each package under a node_modules folder, nested ones and pnpm's own folder too."""
    todo, count = [start], 0
    while todo and count < MAX_FOLDERS:
        at = todo.pop()
        for entry in _folders(root / at):
            count += 1
            inner = f"{at}/{entry}"
            if entry.startswith("@") or entry in (".pnpm", "node_modules"):
                todo.append(inner)
            elif at.rpartition("/")[2] == ".pnpm":
                todo.append(f"{inner}/node_modules")
            elif not entry.startswith("."):
                yield f"{inner}/package.json"
                todo.append(f"{inner}/node_modules")


def _folders(path: Path) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
