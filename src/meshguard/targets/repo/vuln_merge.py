"""What all sources say of one lockfile, joined: one vulnerability for each set of names that belong together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshguard.targets.repo.vuln_models import Hit, Looked, Unassessed, Vulnerability, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshguard.targets.repo.lock_models import Lock

_ORDER = (re.compile(r"CVE-\d{4}-\d{4,}"), re.compile(r"GHSA-.+"), re.compile(r"(?:PYSEC|GO|RUSTSEC|MAL)-.+"))


def merged(lock: Lock, looked: Sequence[Looked]) -> tuple[Vulnerability, ...]:
    """The vulnerabilities of a lockfile's packages, each once, by package and name."""
    by_purl: dict[str, list[tuple[str, Hit]]] = {}
    for one in looked:
        for hit in one.hits:
            by_purl.setdefault(hit.purl, []).append((one.source, hit))
    packages = {package.purl: package for package in lock.packages}
    found = []
    for purl, hits in by_purl.items():
        package = packages[purl]
        for group in _groups(hits):
            found.append(_joined(purl, group).model_copy(update={"dev": package.dev, "direct": package.direct}))
    return tuple(sorted(found, key=lambda one: (one.purl, one.id)))


def _groups(hits: Sequence[tuple[str, Hit]]) -> list[list[tuple[str, Hit]]]:
    """Hits that share a name, directly or through others."""
    groups: list[tuple[set[str], list[tuple[str, Hit]]]] = []
    for source, hit in hits:
        names, members = {_name(one) for one in hit.ids}, [(source, hit)]
        apart = []
        for other in groups:
            if names.isdisjoint(other[0]):
                apart.append(other)
            else:
                names, members = names | other[0], [*other[1], *members]
        groups = [*apart, (names, members)]
    order = [id(hit) for _, hit in hits]
    return [sorted(members, key=lambda member: order.index(id(member[1]))) for _, members in groups]


def _joined(purl: str, group: list[tuple[str, Hit]]) -> Vulnerability:
    hits = [hit for _, hit in group]
    ids = {_name(one) for hit in hits for one in hit.ids} or {"unnamed"}
    published = [hit.published for hit in hits if hit.published is not None]
    return Vulnerability(
        purl=purl,
        ids=tuple(sorted(ids, key=_rank)),
        severity=worst(hit.severity for hit in hits),
        fixed=tuple(dict.fromkeys(one for hit in hits for one in hit.fixed)),
        fixable=any(hit.fixable for hit in hits),
        published=min(published, default=None),
        sources=tuple(dict.fromkeys(source for source, _ in group)),
    )


def _name(id_: str) -> str:
    """Names of CVEs are upper case everywhere but in some URLs."""
    return id_.upper() if id_[:4].lower() == "cve-" else id_


def _rank(id_: str) -> tuple[int, str]:
    return next((number for number, form in enumerate(_ORDER) if form.fullmatch(id_)), len(_ORDER)), id_


def unassessed(lock: Lock, looked: Sequence[Looked]) -> tuple[Unassessed, ...]:
    """The packages that no source looked at, with what the first says of each."""
    assessed = {purl for one in looked for purl in one.assessed}
    reasons: dict[str, str] = {}
    for one in looked:
        for row in one.unassessed:
            reasons.setdefault(row.purl, row.reason)
    return tuple(
        Unassessed(purl=package.purl, reason=reasons.get(package.purl, "no source covers it"))
        for package in lock.packages
        if package.purl not in assessed
    )
