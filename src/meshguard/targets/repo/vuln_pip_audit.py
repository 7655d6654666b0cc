"""pip-audit, asked about a list of packages that is written from the lockfile.

It never sees a file of the checkout: a requirements file may name other files and indexes. Nothing is resolved or
installed. A package that its service does not know is named in the report as skipped, and the exit code is 0 all the
same: it counts as not looked at.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from meshguard.errors import NotObserved
from meshguard.target import in_thread
from meshguard.targets.repo.lock_read import LockError, as_json, bare_purl, purl_of, rows, text, words
from meshguard.targets.repo.versions import VersionError, pep440
from meshguard.targets.repo.vuln_models import Hit, Looked, Unassessed
from meshguard.targets.repo.vuln_source import PER_S, Source, from_registry, missed, names_in
from meshguard.targets.tools import Tool, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshguard.targets.repo.lock_models import Lock, Package
    from meshguard.targets.repo.settings import RepoSettings
    from meshguard.targets.repo.vulnerabilities import VulnerabilityFacts

PIP_AUDIT = Tool("pip-audit", advice="pip install pip-audit")
FINDINGS = (0, 1)
"""It ends with 1 where it found something, and where it crashed: the report tells which."""
FIX = "see that its service answers, or name an OSV service under `osv` of the target"


async def ask(repo: VulnerabilityFacts, lock: Lock) -> Looked:
    """What pip-audit knows of the packages of one lockfile."""
    pip_audit = await repo.tool(PIP_AUDIT)
    service = repo.settings.osv
    if service:
        parts = urlsplit(service)
        repo.egress.require(str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80))
    known, others = from_registry(lock)
    reports = []
    for group in groups_of(known):
        with tempfile.TemporaryDirectory(prefix="meshguard-pip-audit-") as folder:
            wanted = Path(folder, "wanted.txt")
            text_ = "".join(f"{one.name}=={one.version}\n" for one in group)
            await in_thread(wanted.write_text, text_)
            chosen = ["-s", "osv", "--osv-url", f"{service}/v1/query"] if service else ["-s", "pypi"]
            done = await run(
                pip_audit, [*_ARGUMENTS, *chosen, "--cache-dir", f"{folder}/cache", "-r", str(wanted)],
                deadline_s=PER_S * repo.limits.deadline_s,
            )  # fmt: skip
        if failure := done.failure(pip_audit, expected=FINDINGS):
            raise NotObserved(f"pip-audit gave no report for {lock.path}: {failure}", fix=FIX)
        last = done.said.splitlines()[-1] if done.said else "it wrote nothing"
        reports.append(read_report(done.output, group, lock.path, last))
    return Looked(
        source=str(pip_audit),
        asked=urlsplit(service).hostname or "" if service else "its own service",
        assessed=tuple(purl for report in reports for purl in report.assessed),
        unassessed=(*others, *_odd(known), *(one for report in reports for one in report.unassessed)),
        hits=tuple(hit for report in reports for hit in report.hits),
    )


_ARGUMENTS = ("--format", "json", "--no-deps", "--disable-pip", "--progress-spinner", "off", "--desc", "off",
              "--aliases", "on")  # fmt: skip


def groups_of(known: Iterable[Package]) -> Iterator[list[Package]]:
    """Packages in lists in which each name stands once, as a requirements file has them."""
    groups: list[dict[str, Package]] = []
    for package in known:
        if not _is_version(package.version):
            continue
        name = purl_of("pypi", package.name, "")
        group = next((one for one in groups if name not in one), None)
        if group is None:
            groups.append(group := {})
        group[name] = package
    yield from (list(group.values()) for group in groups)


def _odd(known: Iterable[Package]) -> Iterator[Unassessed]:
    for one in known:
        if not _is_version(one.version):
            yield Unassessed(purl=one.purl, reason=f"{one.version!r} is no version of PEP 440")


def _is_version(version: str) -> bool:
    try:
        pep440(version)
    except VersionError:
        return False
    return True


def read_report(output: bytes, group: list[Package], path: str, said: str) -> Looked:
    """pip-audit's report on a list of packages.

    Raises:
        NotObserved: there is none; `said` is what it said instead.
    """
    try:
        report = as_json(output)
    except LockError:
        raise NotObserved(f"pip-audit gave no report for {path}: {said}", fix=FIX) from None
    by_purl = {bare_purl(package.purl): package for package in group}
    assessed, skipped, hits = dict[str, None](), [], list[Hit]()
    for entry in rows(report.get("dependencies")):
        package = by_purl.get(_purl(entry)) or _by_name(entry, group)
        if package is None:
            continue
        if "skip_reason" in entry or not isinstance(entry.get("vulns"), list):
            reason = text(entry.get("skip_reason")) or "it gives no answer"
            skipped.append(Unassessed(purl=package.purl, reason=f"pip-audit skipped it: {reason}"[:300]))
            continue
        assessed[package.purl] = None
        hits += [_hit(package, one) for one in rows(entry["vulns"])]
    named = {*assessed, *(one.purl for one in skipped)}
    skipped += missed(group, named, "pip-audit's report does not name it")
    return Looked(source="", assessed=tuple(assessed), unassessed=tuple(skipped), hits=tuple(hits))


def _purl(entry: dict[str, Any]) -> str:
    name, version = text(entry.get("name")), text(entry.get("version"))
    return bare_purl(purl_of("pypi", name, version)) if name and version else ""


def _by_name(entry: dict[str, Any], group: list[Package]) -> Package | None:
    """A name stands once in a group; a skipped package is reported without its version."""
    name = text(entry.get("name"))
    wanted = purl_of("pypi", name, "") if name else ""
    return next((one for one in group if purl_of("pypi", one.name, "") == wanted), None)


def _hit(package: Package, said: dict[str, Any]) -> Hit:
    fixed = tuple(words(said.get("fix_versions")))
    ids = names_in(said.get("id"), *words(said.get("aliases")))
    return Hit(purl=package.purl, ids=ids, fixed=fixed, fixable=bool(fixed))


def _lacks(settings: RepoSettings) -> str:
    """Only what the deployment names is contacted; who names the source means the service that it asks by itself."""
    named = settings.osv or "pip-audit" in settings.sources
    return "" if named else "`osv` is not given, and `sources` does not name pip-audit"


SOURCE = Source("pip-audit", lambda lock: lock.ecosystem == "pypi", _lacks, ask, PIP_AUDIT)
