"""When images of a repository are scanned, and which of their tags can be moved (Amazon ECR User Guide)."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from meshguard.targets.aws.deploys_models import Repository, Scanning

SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
"""From the least on."""
_MOST = ("CONTINUOUS_SCAN", "SCAN_ON_PUSH", "MANUAL")


def scan_frequency(repository: Repository, scanning: Scanning) -> str:
    """CONTINUOUS_SCAN, SCAN_ON_PUSH or MANUAL; the repository's own setting counts in the basic way alone."""
    found = {one.frequency for one in scanning.rules if any(_fits(repository.name, part) for part in one.filters)}
    if scanning.kind == "BASIC" and repository.scan_on_push:
        found.add("SCAN_ON_PUSH")
    return next((one for one in _MOST if one in found), "MANUAL")


def _fits(name: str, text: str) -> bool:
    """A filter with `*` fits the whole name; one without it each name that holds it ("Using filters")."""
    return fnmatchcase(name, _literal(text)) if "*" in text else text in name


def _literal(text: str) -> str:
    """ECR knows no wildcard but `*`."""
    return text.replace("[", "[[]").replace("?", "[?]")


def open_tags(repository: Repository, allowed: Sequence[str]) -> str:
    """Which tags can be moved though they may not; empty where none can."""
    if repository.mutability == "IMMUTABLE":
        return ""
    if repository.mutability == "IMMUTABLE_WITH_EXCLUSION":
        return ", ".join(one for one in repository.excluded if not any(fnmatchcase(one, said) for said in allowed))
    if repository.mutability == "MUTABLE_WITH_EXCLUSION":
        return f"all but {', '.join(repository.excluded)}"
    return "all of them"
