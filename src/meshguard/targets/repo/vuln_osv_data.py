"""OSV's advisories (schema 1.7): whether one speaks of a package, how bad it is, what mends it."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshguard.errors import NotObserved
from meshguard.targets.repo.lock_read import LockError, as_json, rows, table, text, words
from meshguard.targets.repo.versions import KEYS, VersionError, in_events
from meshguard.targets.repo.vuln_models import Hit, Severity, severity_named, when, worst
from meshguard.targets.repo.vuln_source import names_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshguard.targets.repo.lock_models import Package

ECOSYSTEMS: Mapping[str, str] = {
    "npm": "npm", "pypi": "PyPI", "cargo": "crates.io", "golang": "Go", "composer": "Packagist", "gem": "RubyGems",
}  # fmt: skip
"""Type of a purl -> OSV's name of the ecosystem."""
MAX_ENTRY = 16_000_000
_NAME = re.compile(rb'"name"\s*:\s*("(?:[^"\\]|\\.)*")')
_MODIFIED = re.compile(rb'"modified"\s*:\s*"(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))"')
FIX = "fetch the archives anew, one all.zip for each ecosystem, in folders of the ecosystems' names"


@dataclass(frozen=True)
class Archive:
    """The advisories of an archive that speak of some packages, and the time of the newest of all in it."""

    advisories: list[dict[str, Any]]
    dated: datetime


def osv_name(ecosystem: str, name: str) -> str:
    """A package's name as OSV writes it."""
    if ecosystem == "pypi":
        return re.sub(r"[-_.]+", "-", name).lower()
    return name.lower() if ecosystem == "composer" else name


def osv_version(ecosystem: str, version: str) -> str:
    """A version as OSV writes it: Go's without its "v", Composer's too."""
    return version.removeprefix("v") if ecosystem in ("golang", "composer") else version


def read_archive(folder: Path, ecosystem: str, wanted: set[str]) -> Archive:
    """The advisories for some packages in `folder/ECOSYSTEM/all.zip`, or in `folder/osv-scanner/ECOSYSTEM/all.zip`.

    Raises:
        NotObserved: it is not there, an entry cannot be read, or it is empty.
    """
    name = ECOSYSTEMS[ecosystem]
    paths = [folder / name / "all.zip", folder / "osv-scanner" / name / "all.zip"]
    path = next((one for one in paths if one.is_file()), None)
    if path is None:
        raise NotObserved(f"there is no {name}/all.zip in {folder}", fix=FIX)
    found, newest = [], b""
    try:
        with zipfile.ZipFile(path) as archive:
            for data in _entries(archive):
                newest = max([newest, *_MODIFIED.findall(data)])
                if not wanted.isdisjoint(_names(ecosystem, data)):
                    found.append(as_json(data))
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as fault:
        raise NotObserved(f"{path} was not read: {fault}"[:300], fix=FIX) from None
    dated = when(newest.decode())
    if dated is None:
        raise NotObserved(f"{path} holds no advisory with a date", fix=FIX)
    return Archive(found, dated)


def _entries(archive: zipfile.ZipFile) -> Iterator[bytes]:
    for info in archive.infolist():
        if not info.filename.endswith(".json"):
            continue
        if info.file_size > MAX_ENTRY:
            raise LockError(f"{info.filename} has more than the {MAX_ENTRY} bytes that are read")
        yield archive.read(info)


def _names(ecosystem: str, data: bytes) -> Iterator[str]:
    """All that stands as a name in it: quicker than reading each advisory, of which most speak of other packages."""
    for match in _NAME.finditer(data):
        yield osv_name(ecosystem, str(json.loads(match[1])))


def hits_of(advisory: dict[str, Any], ecosystem: str, packages: Iterable[Package], *, matched: bool) -> Iterator[Hit]:
    """What an advisory says of the packages that it affects.

    Args:
        advisory: in OSV's schema.
        ecosystem: the type of the packages' purls.
        packages: those that may be meant.
        matched: whether the service has found already that these versions are affected.

    Raises:
        VersionError: whether a version is affected cannot be told.
    """
    if when(advisory.get("withdrawn")) is not None:
        return
    for package in packages:
        entries = [one for one in rows(advisory.get("affected")) if _is_of(one, ecosystem, package)]
        version = osv_version(ecosystem, package.version)
        looked = [_affected(one, ecosystem, version, matched=matched) for one in entries]
        if not (matched or any(affected for affected, _ in looked)):
            continue
        fixed = tuple(dict.fromkeys(fix for _, fixes in looked for fix in fixes))
        yield Hit(
            purl=package.purl,
            ids=names_in(advisory.get("id"), *words(advisory.get("aliases"))),
            severity=_severity(advisory, entries),
            fixed=fixed,
            fixable=bool(fixed),
            published=when(advisory.get("published")),
        )


def _is_of(entry: dict[str, Any], ecosystem: str, package: Package) -> bool:
    said = table(entry.get("package"))
    name = osv_name(ecosystem, text(said.get("name")))
    return text(said.get("ecosystem")) == ECOSYSTEMS[ecosystem] and name == osv_name(ecosystem, package.name)


def _affected(entry: dict[str, Any], ecosystem: str, version: str, *, matched: bool) -> tuple[bool, tuple[str, ...]]:
    """Whether an entry names the version, by its list or by a range (OSV schema, "Evaluation"), and what mends it."""
    listed = version in words(entry.get("versions"))
    fixes: list[str] = []
    for range_ in rows(entry.get("ranges")):
        if range_.get("type") == "GIT":
            continue
        key = KEYS.get(ecosystem)
        if key is None:
            # OSV lists every affected version of an ecosystem that has an order of its own.
            if not (listed or matched or words(entry.get("versions"))):
                raise VersionError(f"versions of {ECOSYSTEMS[ecosystem]} cannot be ordered")
            continue
        try:
            inside, found = in_events(version, rows(range_.get("events")), key)
        except VersionError:
            if listed or matched:
                continue
            raise
        listed, fixes = listed or inside, [*fixes, *found]
    return listed, tuple(fixes)


def _severity(advisory: dict[str, Any], entries: list[dict[str, Any]]) -> Severity:
    """The database's own word, else what the CVSS vectors come to; a malicious package is critical."""
    if str(advisory.get("id")).startswith("MAL-"):
        return "critical"
    said = [table(one.get("database_specific")).get("severity") for one in (advisory, *entries)]
    named = worst(severity_named(one) for one in said)
    if named != "unknown":
        return named
    vectors = [row for one in (advisory, *entries) for row in rows(one.get("severity"))]
    return worst(_rated(text(row.get("score"))) for row in vectors)


def _rated(vector: str) -> Severity:
    """The severity of a CVSS vector of version 2, 3 or 4, by its base score."""
    from cvss import CVSS2, CVSS3, CVSS4  # type: ignore[import-untyped]
    from cvss.exceptions import CVSSError  # type: ignore[import-untyped]

    kind = {"CVSS:3": CVSS3, "CVSS:4": CVSS4}.get(vector[:6], CVSS2)
    try:
        score = float(kind(vector).base_score)
    except (CVSSError, ValueError, TypeError, ArithmeticError):
        return "unknown"
    bounds: tuple[tuple[float, Severity], ...] = ((9, "critical"), (7, "high"), (4, "medium"))
    return next((name for least, name in bounds if score >= least), "low")
