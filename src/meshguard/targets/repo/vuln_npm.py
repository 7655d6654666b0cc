"""npm audit, in a folder that holds the lockfile and what of the manifest names packages, and nothing else.

A project's own `.npmrc` could send variables of the environment to any host (`registry=https://host/${SECRET}/`), so
npm sees none: the folder and the home are its own, and the registry is given. What the machine itself configures for
all its users (a CA, a proxy) holds.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from meshguard.errors import NotObserved
from meshguard.target import in_thread
from meshguard.targets.repo.lock_read import LockError, as_json, purl_of, rows, table, text
from meshguard.targets.repo.packages import read_inside
from meshguard.targets.repo.versions import VersionError, in_npm_range, npm_fixes
from meshguard.targets.repo.vuln_models import Hit, Looked, severity_named
from meshguard.targets.repo.vuln_source import PER_S, Source, from_registry, names_in
from meshguard.targets.tools import Found, Tool, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshguard.targets.repo.lock_models import Lock
    from meshguard.targets.repo.settings import RepoSettings
    from meshguard.targets.repo.vulnerabilities import VulnerabilityFacts

NPM = Tool("npm", advice="install Node.js with npm 7 or newer")
LOCKFILES = ("package-lock.json", "npm-shrinkwrap.json")
KEPT = ("name", "version", "dependencies", "devDependencies", "optionalDependencies", "peerDependencies",
        "peerDependenciesMeta", "workspaces", "overrides", "bundleDependencies")  # fmt: skip
"""What of a manifest says which packages there are; scripts, engines and configuration are left out."""
FINDINGS = (0, 1)
"""npm ends with 1 where it found something, and where it failed: the report tells which."""
FIX = "see that the registry answers `npm audit`; a mirror may not: name one under `npm_registry`, or use `sources`"


async def ask(repo: VulnerabilityFacts, lock: Lock) -> Looked:
    """What npm's registry knows of the packages of one lockfile."""
    npm = await repo.tool(NPM)
    if int(npm.version.split(".")[0]) < 7:
        raise NotObserved(f"{npm} is not run: its report is of another form", fix=NPM.advice)
    registry = repo.settings.npm_registry or await _default_registry(npm)
    if repo.settings.npm_registry:
        parts = urlsplit(registry)
        repo.egress.require(str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80))
    files = await in_thread(_files, repo.settings.path, lock.path)
    with tempfile.TemporaryDirectory(prefix="meshguard-npm-") as folder:
        await in_thread(_write, Path(folder), files)
        done = await run(
            npm, [*_ARGUMENTS, f"--registry={registry}/", f"--cache={folder}/cache"], folder=Path(folder),
            environment=_QUIET, deadline_s=PER_S * repo.limits.deadline_s,
        )  # fmt: skip
    if failure := done.failure(npm, expected=FINDINGS):
        raise NotObserved(f"npm audit gave no report for {lock.path}: {failure}", fix=FIX)
    return read_report(done.output, lock, source=str(npm), asked=urlsplit(registry).hostname or "")


_ARGUMENTS = (
    "audit", "--json", "--package-lock-only", "--audit-level=info", "--include=prod", "--include=dev",
    "--include=optional", "--include=peer", "--ignore-scripts", "--no-fund", "--no-update-notifier",
    "--fetch-retries=1", "--fetch-timeout=30000",
    "--logs-max=0",
)  # fmt: skip
_QUIET = {"NO_UPDATE_NOTIFIER": "1", "NPM_CONFIG_UPDATE_NOTIFIER": "false"}


async def _default_registry(npm: Found) -> str:
    """The registry that npm asks on this machine when a project names none."""
    done = await run(npm, ["config", "get", "registry"], deadline_s=30)
    said = done.output.decode("utf-8", "replace").strip().rstrip("/")
    if done.code or urlsplit(said).scheme not in ("http", "https"):
        raise NotObserved("npm does not say which registry it asks", fix="name it under `npm_registry` of the target")
    return said


def _files(root: Path, path: str) -> dict[str, bytes]:
    folder, _, name = path.rpartition("/")
    data = read_inside(root, path)
    try:
        packages = table(as_json(data).get("packages"))
        manifest = (
            table(packages[""]) if "" in packages else as_json(read_inside(root, f"{folder}/package.json".lstrip("/")))
        )
    except LockError as fault:
        raise NotObserved(f"npm audit was not asked about {path}: {fault}", fix="run `npm install`") from None
    kept = {key: manifest[key] for key in KEPT if key in manifest}
    return {name: data, "package.json": json.dumps(kept).encode()}


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)


def read_report(output: bytes, lock: Lock, *, source: str, asked: str) -> Looked:
    """Npm's report (auditReportVersion 2).

    Raises:
        NotObserved: it is an error, or counts fewer packages than the lockfile has.
    """
    try:
        report = as_json(output)
    except LockError as fault:
        raise NotObserved(f"npm audit's report on {lock.path} was not read: {fault}", fix=FIX) from None
    if report.get("auditReportVersion") != 2:
        raise NotObserved(f"npm audit gave no report for {lock.path}: {_error(report)}", fix=FIX)
    known, others = from_registry(lock)
    counted = table(table(report.get("metadata")).get("dependencies")).get("total")
    if not isinstance(counted, int) or counted < len(known):
        raise NotObserved(
            f"npm audit looked at {counted} packages, and {lock.path} has {len(known)}",
            fix="let npm write the lockfile anew with `npm install --package-lock-only`",
        )
    hits = [hit for advisory in _advisories(report, lock) for hit in _hits(advisory, lock)]
    return Looked(
        source=source,
        asked=asked,
        assessed=tuple(package.purl for package in known),
        unassessed=tuple(others),
        hits=tuple(hits),
    )


def _error(report: dict[str, Any]) -> str:
    """Npm's own code and summary, which name no secret that it was not given."""
    error = table(report.get("error"))
    said = text(report.get("message")) or text(error.get("summary")) or text(error.get("detail"))
    return " ".join(f"{text(error.get('code'))} {said}".split())[:300] or "it says no version of its report"


def _advisories(report: dict[str, Any], lock: Lock) -> Iterator[dict[str, Any]]:
    """Each advisory once; an entry of a package that is only affected by others names those as text."""
    found = report.get("vulnerabilities")
    if not isinstance(found, dict):
        raise NotObserved(f"npm audit's report on {lock.path} lists no vulnerabilities and does not say none", fix=FIX)
    seen = set()
    for name, entry in found.items():
        for via in rows(table(entry).get("via")):
            key = json.dumps(via, sort_keys=True)
            if key not in seen:
                seen.add(key)
                yield {"name": name, "fixAvailable": table(entry).get("fixAvailable"), **via}


def _hits(advisory: dict[str, Any], lock: Lock) -> Iterator[Hit]:
    page = text(advisory.get("url")).rpartition("/")[2]
    ids = names_in(page if page.startswith("GHSA-") else f"npm:{advisory.get('source')}")
    name, range_ = text(advisory.get("name")), text(advisory.get("range"))
    named = [package for package in lock.packages if package.name == name]
    # npm has found some version of it affected: where none seems to be, the range is misread, and each counts.
    affected = [package for package in named if _inside(package.version, range_)] or named
    if not affected and not _is_own(name, lock):
        raise NotObserved(f"npm audit speaks of {name}, which {lock.path} does not have", fix="run `npm install`")
    for package in affected:
        fixed = _fixes(package.version, range_)
        yield Hit(
            purl=package.purl,
            ids=ids,
            severity=severity_named(advisory.get("severity")),
            fixed=fixed,
            fixable=bool(fixed or advisory.get("fixAvailable")),
        )


def _is_own(name: str, lock: Lock) -> bool:
    """Whether it is a package of the repository itself, which only bears the name."""
    return name == lock.name or any(one.startswith(purl_of("npm", name, "") + "@") for one in lock.own)


def _inside(version: str, range_: str) -> bool:
    try:
        return in_npm_range(version, range_)
    except VersionError:
        return True


def _fixes(version: str, range_: str) -> tuple[str, ...]:
    try:
        return npm_fixes(version, range_)
    except VersionError:
        return ()


def _covers(lock: Lock) -> bool:
    return lock.path.rpartition("/")[2] in LOCKFILES


def _lacks(settings: RepoSettings) -> str:
    """Only what the deployment names is contacted; who names the source means the registry that it asks by itself."""
    named = settings.npm_registry or "npm" in settings.sources
    return "" if named else "`npm_registry` is not given, and `sources` does not name npm"


SOURCE = Source("npm", _covers, _lacks, ask, NPM)
