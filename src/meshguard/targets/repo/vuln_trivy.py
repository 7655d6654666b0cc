"""Trivy, over a folder that holds the lockfile alone, with a database that lies here and is never downloaded.

It reads `trivy.yaml`, `.trivyignore` and TRIVY_* variables of where it runs, each of which can empty its report: the
folder, the environment and both files are given. A lockfile that it cannot read gives an empty report and exit code 0:
what it lists is held against what the lockfile has. Of Python packages it gets a list that is written from the
lockfile, since it reads neither each kind of theirs nor what a requirements file includes.
"""

from __future__ import annotations

import re
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshguard.errors import NotObserved
from meshguard.target import in_thread
from meshguard.targets.repo.lock_read import LockError, as_json, bare_purl, rows, table, text, words
from meshguard.targets.repo.packages import read_inside
from meshguard.targets.repo.vuln_models import Hit, Looked, severity_named, when
from meshguard.targets.repo.vuln_source import PER_S, Source, from_registry, missed, names_in
from meshguard.targets.tools import Tool, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshguard.targets.repo.lock_models import Lock, Package
    from meshguard.targets.repo.vulnerabilities import VulnerabilityFacts

TAMPERED = "its release was tampered with in March 2026 (CVE-2026-33634)"
TRIVY = Tool(
    "trivy",
    advice="install a release of Trivy whose checksum is known",
    refused=dict.fromkeys(("0.69.4", "0.69.5", "0.69.6"), TAMPERED),
)
BESIDE = {
    "go.sum": ("go.mod",),
    "yarn.lock": ("package.json",),
    "Cargo.lock": ("Cargo.toml",),
    "composer.lock": ("composer.json",),
}
"""Manifests that Trivy reads together with a lockfile."""
KNOWN = (
    "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "Cargo.lock", "go.sum", "composer.lock", "Gemfile.lock",
)  # fmt: skip
FIX = "bring the database up to date with `trivy --cache-dir FOLDER image --download-db-only`, apart from the audit"
_ADVISORY = re.compile(r"https://github\.com/advisories/(GHSA(?:-[0-9a-z]{4}){3})")
DATABASE = 2
"""Schema of the database that all versions since 0.24 read."""


async def ask(repo: VulnerabilityFacts, lock: Lock) -> Looked:
    """What Trivy's database knows of the packages of one lockfile."""
    cache = repo.settings.trivy_cache
    if cache is None:
        raise NotObserved("the deployment names no database of Trivy", fix="name its folder under `trivy_cache`")
    dated = await in_thread(dated_of, cache)
    trivy = await repo.tool(TRIVY)
    with tempfile.TemporaryDirectory(prefix="meshguard-trivy-") as folder:
        await in_thread(_copy, repo.settings.path, lock, Path(folder))
        done = await run(
            trivy, [*_ARGUMENTS, "--cache-dir", str(cache), folder], environment=_QUIET,
            deadline_s=PER_S * repo.limits.deadline_s,
        )  # fmt: skip
    if failure := done.failure(trivy, expected=(0,)):
        raise NotObserved(f"Trivy gave no report for {lock.path}: {failure[:600]}", fix=FIX)
    return read_report(done.output, lock, source=str(trivy), dated=dated)


_ARGUMENTS = (
    "fs", "--config", "/dev/null", "--ignorefile", "/dev/null", "--scanners", "vuln", "--pkg-types", "library",
    "--list-all-pkgs", "--include-dev-deps", "--format", "json", "--exit-code", "0", "--quiet", "--offline-scan",
    "--skip-db-update", "--skip-java-db-update",
)  # fmt: skip
_QUIET = {"TRIVY_DISABLE_TELEMETRY": "true", "TRIVY_SKIP_VERSION_CHECK": "true"}


def dated_of(cache: Path) -> datetime:
    """When the database was made.

    Raises:
        NotObserved: there is none, or it does not say.
    """
    try:
        with (cache / "db" / "metadata.json").open("rb") as file:
            metadata = as_json(file.read(100_000))
    except (OSError, LockError):
        raise NotObserved(f"there is no database of Trivy in {cache}", fix=FIX) from None
    dated = when(metadata.get("UpdatedAt"))
    if metadata.get("Version") != DATABASE or dated is None or not (cache / "db" / "trivy.db").is_file():
        raise NotObserved(f"the database of Trivy in {cache} is none that is known, or has no date", fix=FIX)
    return dated


def _copy(root: Path, lock: Lock, to: Path) -> None:
    if lock.ecosystem == "pypi":
        known, _ = from_registry(lock)
        (to / "requirements.txt").write_text("".join(f"{one.name}=={one.version}\n" for one in known))
        return
    folder, _, name = lock.path.rpartition("/")
    (to / _known_name(name)).write_bytes(read_inside(root, lock.path))
    for other in BESIDE.get(name, ()):
        try:
            data = read_inside(root, f"{folder}/{other}".lstrip("/"))
        except NotObserved:
            continue  # it is read where it is there
        (to / other).write_bytes(data)


def _known_name(name: str) -> str:
    """The name by which Trivy knows the kind."""
    return "package-lock.json" if name == "npm-shrinkwrap.json" else name


def read_report(output: bytes, lock: Lock, *, source: str, dated: datetime) -> Looked:
    """Trivy's report (SchemaVersion 2) on one lockfile.

    Raises:
        NotObserved: it is none.
    """
    try:
        report = as_json(output)
    except LockError as fault:
        raise NotObserved(f"Trivy's report on {lock.path} was not read: {fault}", fix=FIX) from None
    if report.get("SchemaVersion") != 2:
        raise NotObserved(f"Trivy's report on {lock.path} is of another form", fix="use a version since 0.20")
    known, others = from_registry(lock)
    by_purl = {bare_purl(package.purl): package for package in known}
    results = rows(report.get("Results"))
    listed = [_purl(one, "Identifier") for result in results for one in rows(result.get("Packages"))]
    assessed = [by_purl[purl].purl for purl in dict.fromkeys(listed) if purl in by_purl]
    said = [one for result in results for one in rows(result.get("Vulnerabilities"))]
    return Looked(
        source=source,
        dated=dated,
        assessed=tuple(assessed),
        unassessed=(*others, *missed(known, set(assessed), "Trivy's report does not list it")),
        hits=tuple(_hits(said, by_purl, lock)),
    )


def _hits(said: Iterable[dict[str, Any]], by_purl: dict[str, Package], lock: Lock) -> Iterable[Hit]:
    for one in said:
        package = by_purl.get(_purl(one, "PkgIdentifier"))
        if package is None:
            name = text(one.get("PkgName"))
            raise NotObserved(f"Trivy speaks of {name or 'a package'}, which {lock.path} does not have")
        fixed = tuple(part.strip() for part in text(one.get("FixedVersion")).split(",") if part.strip())
        yield Hit(
            purl=package.purl,
            ids=names_in(one.get("VulnerabilityID"), *words(one.get("VendorIDs")), *_github(one)),
            severity=severity_named(one.get("Severity")),
            fixed=fixed,
            fixable=bool(fixed),
            published=when(one.get("PublishedDate")),
        )


def _github(said: dict[str, Any]) -> set[str]:
    """GitHub's name of it, where its pages name just one: Trivy itself gives the CVE alone."""
    pages = [text(said.get("PrimaryURL")), *words(said.get("References"))]
    found = {match[1] for page in pages if (match := _ADVISORY.fullmatch(page))}
    return found if len(found) == 1 else set()


def _purl(entry: dict[str, Any], field: str) -> str:
    return bare_purl(text(table(entry.get(field)).get("PURL")))


def _covers(lock: Lock) -> bool:
    return lock.ecosystem == "pypi" or _known_name(lock.path.rpartition("/")[2]) in KNOWN


def _lacks(settings: Any) -> str:
    return "" if settings.trivy_cache else "`trivy_cache` names no database"


SOURCE = Source("trivy", _covers, _lacks, ask, TRIVY)
