"""OSV: a service that the deployment names, or its archives in a folder."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from meshguard.errors import NotObserved
from meshguard.target import in_thread
from meshguard.targets.repo.lock_read import LockError, as_json, rows, text
from meshguard.targets.repo.versions import VersionError
from meshguard.targets.repo.vuln_models import Hit, Looked, Unassessed
from meshguard.targets.repo.vuln_osv_data import ECOSYSTEMS, hits_of, osv_name, osv_version, read_archive
from meshguard.targets.repo.vuln_source import ID, Source, from_registry
from meshguard.targets.web import trust

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import httpx

    from meshguard.targets.repo.lock_models import Lock, Package
    from meshguard.targets.repo.settings import RepoSettings
    from meshguard.targets.repo.vulnerabilities import VulnerabilityFacts

BATCH = 1000
"""Questions that OSV takes at once."""
MAX_PAGES = 100
MAX_ANSWER = 64_000_000
AT_ONCE = 8
FIX = "see that the OSV service answers, or give its archives with `osv_data`"


async def ask(repo: VulnerabilityFacts, lock: Lock) -> Looked:
    """What OSV knows of the packages of one lockfile: from the archives where there are any, else from the service."""
    known, others = from_registry(lock)
    judging = _Judging(lock.ecosystem, [*others])
    folder, dated = repo.settings.osv_data, None
    if folder is not None:
        dated = await in_thread(judging.archive, folder, known)
    else:
        await _serviced(repo, judging, known)
    doubtful = {one.purl for one in judging.unassessed}
    return Looked(
        source="OSV",
        asked="" if folder is not None else urlsplit(repo.settings.osv).hostname or "",
        dated=dated,
        assessed=tuple(one.purl for one in known if one.purl not in doubtful),
        unassessed=tuple(judging.unassessed),
        hits=tuple(judging.hits),
    )


@dataclass
class _Judging:
    """Advisories held against packages, and the packages of which one could not be told."""

    ecosystem: str
    unassessed: list[Unassessed]
    hits: list[Hit] = field(default_factory=list)

    def archive(self, folder: Any, known: list[Package]) -> datetime:
        """All advisories of an archive against all packages."""
        by_name: dict[str, list[Package]] = {}
        for package in known:
            by_name.setdefault(osv_name(self.ecosystem, package.name), []).append(package)
        found = read_archive(folder, self.ecosystem, set(by_name))
        for advisory in found.advisories:
            affected = [row.get("package") for row in rows(advisory.get("affected"))]
            names = [osv_name(self.ecosystem, text(one.get("name"))) for one in affected if isinstance(one, dict)]
            for name in dict.fromkeys(names):
                self.hold(advisory, by_name.get(name, ()), matched=False)
        return found.dated

    def hold(self, advisory: dict[str, Any], packages: Iterable[Package], *, matched: bool) -> None:
        """One advisory against packages."""
        for package in packages:
            try:
                self.hits += hits_of(advisory, self.ecosystem, [package], matched=matched)
            except VersionError as fault:
                reason = f"whether {text(advisory.get('id'))} affects it cannot be told: {fault}"
                self.unassessed.append(Unassessed(purl=package.purl, reason=reason))


async def _serviced(repo: VulnerabilityFacts, judging: _Judging, known: list[Package]) -> None:
    import httpx

    parts = urlsplit(repo.settings.osv)
    repo.egress.require(str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80))
    async with httpx.AsyncClient(
        base_url=repo.settings.osv, verify=trust(None), timeout=60, trust_env=False, follow_redirects=False
    ) as client:
        named: dict[str, list[Package]] = {}
        for start in range(0, len(known), BATCH):
            group = known[start : start + BATCH]
            for package, ids in zip(group, await _batch(client, judging.ecosystem, group), strict=True):
                for id_ in ids:
                    named.setdefault(id_, []).append(package)
        slots = asyncio.Semaphore(AT_ONCE)
        advisories = await asyncio.gather(*(_advisory(client, slots, id_) for id_ in named))
        for advisory, packages in zip(advisories, named.values(), strict=True):
            judging.hold(advisory, packages, matched=True)


async def _batch(client: httpx.AsyncClient, ecosystem: str, group: list[Package]) -> list[list[str]]:
    """The names of the advisories for each package, all pages of them."""
    found: list[list[str]] = [[] for _ in group]
    todo: list[tuple[int, str]] = [(index, "") for index in range(len(group))]
    for _ in range(MAX_PAGES):
        queries = [_query(ecosystem, group[index], token) for index, token in todo]
        answer = await _answer(client, "POST", "/v1/querybatch", {"queries": queries})
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(queries):
            raise NotObserved("the OSV service did not answer each question", fix=FIX)
        more = []
        for (index, _), result in zip(todo, results, strict=True):
            row = result if isinstance(result, dict) else {}
            found[index] += [_id(one) for one in rows(row.get("vulns"))]
            if token := text(row.get("next_page_token")):
                more.append((index, token))
        todo = more
        if not todo:
            return found
    raise NotObserved(f"the OSV service gave more than {MAX_PAGES} pages", fix=FIX)


def _query(ecosystem: str, package: Package, token: str) -> dict[str, Any]:
    said = {"name": osv_name(ecosystem, package.name), "ecosystem": ECOSYSTEMS[ecosystem]}
    query: dict[str, Any] = {"package": said, "version": osv_version(ecosystem, package.version)}
    return {**query, "page_token": token} if token else query


def _id(row: dict[str, Any]) -> str:
    id_ = text(row.get("id"))
    if not ID.fullmatch(id_):
        raise NotObserved("the OSV service names an advisory by what is no name", fix=FIX)
    return id_


async def _advisory(client: httpx.AsyncClient, slots: asyncio.Semaphore, id_: str) -> dict[str, Any]:
    async with slots:
        found = await _answer(client, "GET", f"/v1/vulns/{quote(id_, safe='')}", None)
    if found.get("id") != id_:
        raise NotObserved(f"the OSV service gave another advisory than {id_}", fix=FIX)
    return found


async def _answer(client: httpx.AsyncClient, method: str, path: str, body: object) -> dict[str, Any]:
    import httpx

    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if content else {}
    data = b""
    try:
        async with client.stream(method, path, content=content, headers=headers) as answer:
            if answer.status_code != 200:
                raise NotObserved(f"the OSV service answered {answer.status_code} to {path}", fix=FIX)
            async with aclosing(answer.aiter_bytes()) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    data += chunk
                    if len(data) > MAX_ANSWER:
                        raise NotObserved(f"the OSV service's answer to {path} has no end", fix=FIX)
        return as_json(data)
    except httpx.HTTPError as fault:
        raise NotObserved(f"the OSV service was not reached: {type(fault).__name__}", fix=FIX) from None
    except LockError as fault:
        raise NotObserved(f"the OSV service's answer to {path} was not read: {fault}", fix=FIX) from None


def _lacks(settings: RepoSettings) -> str:
    return "" if settings.osv or settings.osv_data else "neither `osv` nor `osv_data` is given"


SOURCE = Source("osv", lambda lock: lock.ecosystem in ECOSYSTEMS, _lacks, ask)
