"""Facts of a repository's known vulnerabilities: for each lockfile, what several sources say, joined."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping

from meshguard.errors import NotObserved
from meshguard.fact import Listing, Unread, fact
from meshguard.target import in_thread
from meshguard.targets.repo import vuln_npm, vuln_osv, vuln_pip_audit, vuln_trivy
from meshguard.targets.repo.exploited import cves_of, read_exploits
from meshguard.targets.repo.lock_models import Lock
from meshguard.targets.repo.packages import PackageFacts
from meshguard.targets.repo.vex import read_all, statement_of
from meshguard.targets.repo.vuln_earlier import read_earlier
from meshguard.targets.repo.vuln_merge import merged, unassessed
from meshguard.targets.repo.vuln_models import (
    Assessment,
    Earlier,
    Exploits,
    Exposure,
    Looked,
    SourceState,
    VexRead,
    Vulnerability,
)
from meshguard.targets.repo.vuln_source import Source

SOURCES: Mapping[str, Source] = {
    one.name: one for one in (vuln_npm.SOURCE, vuln_pip_audit.SOURCE, vuln_trivy.SOURCE, vuln_osv.SOURCE)
}


class VulnerabilityFacts(PackageFacts):
    """What is known of vulnerabilities in the packages of others."""

    @fact
    async def exposures(self) -> Listing[Exposure]:
        """Each lockfile as a whole, and each vulnerability of each package version in it."""
        locks = await self.locks()
        items, unread = [], list(locks.unread)
        for lockfile in locks.items:
            try:
                found = await self.assessment(lockfile.path)
            except NotObserved as fault:
                unread.append(Unread(resource=lockfile.path, kind=fault.kind, reason=fault.reason, fix=fault.fix))
                continue
            items.append(Exposure(path=lockfile.path))
            items += [Exposure(path=lockfile.path, vulnerability=one) for one in found.vulnerabilities]
        for document, reason in (await self.vex()).unread:
            unread.append(Unread(resource=document, reason=f"the VEX document was not read: {reason}"))
        return Listing(items=tuple(items), unread=tuple(unread), fix=locks.fix)

    @fact
    async def assessment(self, path: str) -> Assessment:
        """What all sources together know of one lockfile's packages.

        Args:
            path: from the checkout's folder.

        Raises:
            NotObserved: the lockfile cannot be read.
        """
        lock = await self.lock(path)
        asked = [await self._vuln_asked(SOURCES[name], lock) for name in self.settings.sources or SOURCES]
        looked = [one for _, one in asked if one is not None]
        found = merged(lock, looked)
        cves = tuple(sorted({cve for one in found for cve in cves_of(one.ids)}))
        known, exploits = await self._vuln_exploits(cves) if found else (Exploits(), [])
        return Assessment(
            path=path,
            packages=len(lock.packages),
            problems=lock.problems,
            sources=(*(state for state, _ in asked if state is not None), *exploits),
            unassessed=unassessed(lock, looked),
            vulnerabilities=await self._vuln_weighed(lock, found, known),
            exploits_dated=tuple(
                (name, dated) for name, dated in (("KEV", known.kev_dated), ("EPSS", known.epss_dated)) if dated
            ),
        )

    @fact
    async def source_says(self, source: str, path: str) -> Looked:
        """What one source says of one lockfile's packages.

        Args:
            source: npm, pip-audit, trivy or osv.
            path: of the lockfile, from the checkout's folder.

        Raises:
            NotObserved: it gave no usable answer.
        """
        return await SOURCES[source].ask(self, await self.lock(path))

    @fact
    async def vex(self) -> VexRead:
        """The statements of the VEX documents that the deployment names."""
        return await in_thread(read_all, self.settings.vex)

    @fact
    async def exploits(self, cves: tuple[str, ...]) -> Exploits:
        """What the files that the deployment names say of the exploitation of these CVEs."""
        return await in_thread(read_exploits, self.settings.kev, self.settings.epss, set(cves))

    @fact
    async def earlier(self) -> Earlier | None:
        """What the earlier audit knew of vulnerabilities; None where the deployment names none.

        Raises:
            NotObserved: it is no result of an audit.
        """
        if self.settings.earlier is None:
            return None
        return await in_thread(read_earlier, self.settings.earlier, str(self))

    async def _vuln_asked(self, source: Source, lock: Lock) -> tuple[SourceState | None, Looked | None]:
        """What came of one source; nothing where it does not know this kind of lockfile."""
        if not source.covers(lock):
            return None, None
        if absence := self._vuln_absence(source):
            return SourceState(name=source.name, state="absent", said=absence), None
        try:
            found = await self.source_says(source.name, lock.path)
        except NotObserved as fault:
            return SourceState(name=source.name, state="failed", said=fault.reason, fix=fault.fix), None
        said = f"{found.source}: {len(found.assessed)} of {len(lock.packages)} packages"
        said += f", asked {found.asked}" if found.asked else ""
        return SourceState(name=source.name, state="looked", said=said, dated=found.dated), found

    def _vuln_absence(self, source: Source) -> str:
        """Why a source is not asked; one that the deployment names must answer, and one that is there too."""
        lacks = source.lacks(self.settings)
        if lacks:
            return f"{source.name} is not asked: {lacks}"
        if source.name in self.settings.sources or source.tool is None or source.tool.name in self.settings.tools:
            return ""
        return "" if shutil.which(source.tool.name) else f"{source.tool.name} is not on PATH"

    async def _vuln_exploits(self, cves: tuple[str, ...]) -> tuple[Exploits, list[SourceState]]:
        """What is known of exploitation; a file that cannot be read leaves the lockfile open, and hides nothing."""
        try:
            return await self.exploits(cves), []
        except NotObserved as fault:
            failure = SourceState(name="exploitation", state="failed", said=fault.reason, fix=fault.fix)
            return Exploits(), [failure]

    async def _vuln_weighed(
        self, lock: Lock, found: Iterable[Vulnerability], known: Exploits
    ) -> tuple[Vulnerability, ...]:
        """The same, with what is known of exploitation and what the VEX documents say."""
        exploited, scores = {cve for cve, _ in known.exploited}, dict(known.scores)
        statements = (await self.vex()).statements
        packages = {package.purl: package for package in lock.packages}
        return tuple(
            one.model_copy(
                update={
                    "exploited": not exploited.isdisjoint(one.ids) if known.kev_dated and cves_of(one.ids) else None,
                    "epss": max((scores[cve] for cve in cves_of(one.ids) if cve in scores), default=None),
                    "vex": statement_of(statements, one.ids, packages[one.purl], lock),
                }
            )
            for one in found
        )
