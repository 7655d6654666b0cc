"""What is recorded of vulnerabilities: what each source says, and what comes of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from meshguard.targets.repo.models import RepoModel

Severity = Literal["critical", "high", "medium", "low", "unknown"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
"""Worst first, by the names of FIRST's CVSS 3.1, table 14."""
_NAMES: dict[str, Severity] = {
    "critical": "critical", "high": "high", "medium": "medium", "moderate": "medium", "low": "low", "info": "low",
    "negligible": "low",
}  # fmt: skip


class Hit(RepoModel):
    """A vulnerability of one package, as one source knows it."""

    purl: str
    ids: tuple[str, ...]
    """Its names: CVE, GHSA, PYSEC and others."""
    severity: Severity = "unknown"
    fixed: tuple[str, ...] = ()
    """Versions in which it is mended."""
    fixable: bool = False
    """Whether the source says that there is a fix, be it without a version."""
    published: datetime | None = None


class Unassessed(RepoModel):
    """A package that was not looked at, and why."""

    purl: str
    reason: str


class Looked(RepoModel):
    """What one source said of one lockfile."""

    source: str
    """Its name and version."""
    asked: str = ""
    """The service that was asked, without path; empty where only files were read."""
    dated: datetime | None = None
    """The time of its data; None for a service, which answers as of now."""
    assessed: tuple[str, ...] = ()
    """The purls that it looked at."""
    unassessed: tuple[Unassessed, ...] = ()
    hits: tuple[Hit, ...] = ()


class SourceState(RepoModel):
    """What came of one source for one lockfile."""

    name: str
    state: Literal["looked", "absent", "failed"]
    """absent: it is not set up here, and the deployment does not ask for it by name."""
    said: str
    """Name, version and count, or why there is no answer."""
    fix: str = ""
    dated: datetime | None = None


class Statement(RepoModel):
    """What a VEX document says of one vulnerability in some products."""

    document: str
    ids: tuple[str, ...]
    products: tuple[str, ...]
    """Package URLs that it speaks of."""
    status: Literal["not_affected", "fixed", "affected", "under_investigation"]
    why: str = ""
    """Its justification, or the impact statement; not_affected needs one (OpenVEX 0.2.0, "Status labels")."""
    dated: datetime | None = None


class VexRead(RepoModel):
    """The statements of all VEX documents, and the documents that could not be read."""

    statements: tuple[Statement, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    """File and reason."""


class Exploits(RepoModel):
    """What is known of exploitation in the world, for the CVEs asked about."""

    exploited: tuple[tuple[str, datetime | None], ...] = ()
    """CVEs in CISA's catalogue, and since when."""
    scores: tuple[tuple[str, float], ...] = ()
    """CVEs with their EPSS probability, 0 to 1."""
    kev_dated: datetime | None = None
    """The catalogue's date; None where none is given."""
    epss_dated: datetime | None = None


class Vulnerability(RepoModel):
    """A vulnerability of one package, joined from all sources."""

    purl: str
    ids: tuple[str, ...]
    """The CVE first, else the GHSA, else another."""
    severity: Severity
    """The worst that a source says."""
    fixed: tuple[str, ...] = ()
    fixable: bool = False
    published: datetime | None = None
    sources: tuple[str, ...] = ()
    dev: bool = False
    """Whether the package is for development alone."""
    direct: bool = False
    exploited: bool | None = None
    """Whether CISA's catalogue has it; None where no catalogue is given, or no CVE is known for it."""
    epss: float | None = None
    vex: Statement | None = None
    """The newest statement about it."""

    @property
    def id(self) -> str:
        """The name that stands for it."""
        return self.ids[0]


class Assessment(RepoModel):
    """What all sources together know of one lockfile."""

    path: str
    packages: int
    problems: tuple[str, ...] = ()
    """What of the lockfile could not be read."""
    sources: tuple[SourceState, ...] = ()
    unassessed: tuple[Unassessed, ...] = ()
    """Packages that no source looked at."""
    vulnerabilities: tuple[Vulnerability, ...] = ()
    exploits_dated: tuple[tuple[str, datetime], ...] = ()
    """The dates of the files on exploitation, where they were read."""


class Exposure(RepoModel):
    """A lockfile as a whole, or one vulnerability of one package in it.

    A waiver names a resource: one of a lockfile would accept all that is found in it later, so each vulnerability of
    each package version is a resource of its own.
    """

    path: str
    vulnerability: Vulnerability | None = None

    def __str__(self) -> str:
        """The lockfile's path, and the package and the vulnerability in it."""
        found = self.vulnerability
        return self.path if found is None else f"{self.path} {found.purl} {found.id}"


class Earlier(RepoModel):
    """What an earlier audit knew."""

    started: datetime
    lockfiles: tuple[str, ...] = ()
    """Lockfiles that it looked at as a whole."""
    since: tuple[tuple[str, datetime], ...] = ()
    """Resource -> since when it was known then."""


def severity_named(name: object) -> Severity:
    """A source's word for a severity in the common words."""
    return _NAMES.get(name.strip().lower(), "unknown") if isinstance(name, str) else "unknown"


def worst(several: Iterable[Severity]) -> Severity:
    """The worst of them; unknown where none is known."""
    found = set(several)
    return next((one for one in SEVERITIES if one in found), "unknown")


def when(value: object) -> datetime | None:
    """A time as JSON writes it, with its zone; None where it is none or has none."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None and found.year > 1990 else None
