"""One interface for all sources of vulnerabilities."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshguard.targets.repo.vuln_models import Looked, Unassessed
from meshguard.targets.tools import Tool

if TYPE_CHECKING:
    from meshguard.targets.repo.lock_models import Lock, Package
    from meshguard.targets.repo.settings import RepoSettings
    from meshguard.targets.repo.vulnerabilities import VulnerabilityFacts

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{2,100}")
"""Names of vulnerabilities; what is none is not recorded, and no part of a URL."""
PER_S = 0.9
"""Share of a fact's deadline that a program gets: its own end must be seen."""


@dataclass(frozen=True)
class Source:
    """One source."""

    name: str
    covers: Callable[[Lock], bool]
    """Whether it knows this kind of lockfile."""
    lacks: Callable[[RepoSettings], str]
    """What the deployment would have to name for it; empty where nothing is missing."""
    ask: Callable[[VulnerabilityFacts, Lock], Awaitable[Looked]]
    """Raises NotObserved where there is no usable answer."""
    tool: Tool | None = None
    """The program that it runs."""


def names_in(*said: object) -> tuple[str, ...]:
    """Names of vulnerabilities among what a source says, each once and in its order."""
    found = [one.strip() for one in said if isinstance(one, str)]
    return tuple(dict.fromkeys(one for one in found if ID.fullmatch(one)))


def from_registry(lock: Lock) -> tuple[list[Package], list[Unassessed]]:
    """Packages that advisories can speak of, and those that they cannot: what comes from elsewhere bears any name."""
    known = [package for package in lock.packages if package.source == "registry"]
    others = [
        Unassessed(purl=package.purl, reason=f"it comes from a {package.source}, and advisories speak of registries")
        for package in lock.packages
        if package.source != "registry"
    ]
    return known, others


def missed(known: Iterable[Package], assessed: set[str], reason: str) -> list[Unassessed]:
    """The packages that a source passed over."""
    return [Unassessed(purl=one.purl, reason=reason) for one in known if one.purl not in assessed]
