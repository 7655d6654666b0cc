"""How versions are ordered, and whether one lies in a range."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from packaging.version import InvalidVersion, Version

_SEMVER = re.compile(
    r"v?(\d{1,18})(?:\.(\d{1,18}))?(?:\.(\d{1,18}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)
_COMPARATOR = re.compile(r"(>=|<=|>|<|=)?\s*v?([0-9][0-9A-Za-z.+-]*)")
Key = Callable[[str], Any]


class VersionError(ValueError):
    """It is no version, or a range that cannot be read."""


def semver(version: str) -> tuple[Any, ...]:
    """A key that orders as SemVer 2.0.0, 11 says; parts that are missing are 0, as npm has them."""
    match = _SEMVER.fullmatch(version.strip())
    if match is None:
        raise VersionError(f"{version[:60]!r} is no SemVer version")
    numbers = tuple(int(part or 0) for part in match.group(1, 2, 3))
    if match[4] is None:
        return (*numbers, 1, ())
    # Numbers come before words; a shorter list of equal parts comes first.
    parts = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in match[4].split("."))
    return (*numbers, 0, parts)


def pep440(version: str) -> Version:
    """A key that orders as PEP 440 says."""
    try:
        return Version(version)
    except InvalidVersion:
        raise VersionError(f"{version[:60]!r} is no version of PEP 440") from None


KEYS: Mapping[str, Key] = {"npm": semver, "cargo": semver, "golang": semver, "pypi": pep440}
"""How an ecosystem orders its versions; Composer's and RubyGems' order is not known here."""


def in_npm_range(version: str, range_: str) -> bool:
    """Whether a version lies in a range as npm's advisories write it: comparators, and `||` between alternatives.

    Versions with a pre-release tag are compared as all others are, as `npm audit` does.

    Raises:
        VersionError: the range has another form (`^`, `~`, `x`), or is none.
    """
    key = semver(version)
    return any(all(_holds(key, op, bound) for op, bound in one) for one in _comparators(range_))


def npm_fixes(version: str, range_: str) -> tuple[str, ...]:
    """The versions before which the range ends, of the alternatives that the version lies in."""
    key = semver(version)
    inside = [one for one in _comparators(range_) if all(_holds(key, op, bound) for op, bound in one)]
    return tuple(dict.fromkeys(bound for one in inside for op, bound in one if op == "<"))


def _comparators(range_: str) -> list[list[tuple[str, str]]]:
    found = []
    for alternative in range_.split("||"):
        text = alternative.strip()
        if text in ("", "*"):
            found.append([(">=", "0.0.0-0")])
            continue
        left = _COMPARATOR.sub("", text).strip(" ,")
        if left:
            raise VersionError(f"{range_[:60]!r} is no range of comparators")
        found.append([(match[1] or "=", match[2]) for match in _COMPARATOR.finditer(text)])
    return found


def _holds(key: tuple[Any, ...], op: str, bound: str) -> bool:
    other = semver(bound)
    return {"<": key < other, "<=": key <= other, ">": key > other, ">=": key >= other, "=": key == other}[op]


def in_events(version: str, events: Sequence[Mapping[str, Any]], key: Key) -> tuple[bool, tuple[str, ...]]:
    """Whether a version lies in an OSV range, and the versions that mend it (OSV schema 1.7, "Evaluation").

    Raises:
        VersionError: one of its versions cannot be ordered.
    """
    at = key(version)
    affected, fixes = False, []
    for _, kind, bound in sorted(_marks(events, key), key=lambda mark: (mark[0] is not None, mark[0] or 0, mark[1])):
        reached = bound == "0" or at >= key(bound)
        if kind == "introduced" and reached:
            affected = True
        elif kind == "fixed":
            affected = affected and not reached
            fixes += [] if reached else [bound]
        elif kind == "last_affected" and at > key(bound):
            affected = False
    return affected, tuple(fixes)


def _marks(events: Iterable[Mapping[str, Any]], key: Key) -> Iterable[tuple[Any, str, str]]:
    for event in events:
        for kind in ("fixed", "introduced", "last_affected"):
            bound = event.get(kind)
            if isinstance(bound, str):
                yield (None if bound == "0" else key(bound)), kind, bound
