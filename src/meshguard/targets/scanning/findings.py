"""What a scan for secrets finds: kind, place, length and a short salted hash; never the secret, nor a part of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import new as hmac
from typing import Literal

Confidence = Literal["high", "medium", "low"]
Context = Literal["source", "test", "docs", "example", "lock", "generated"]
Tracking = Literal["tracked", "untracked", "ignored", "unknown"]
SuppressedBy = Literal["inline", "baseline", "allowlist"]

CONFIDENCES: tuple[Confidence, ...] = ("high", "medium", "low")
MAX_PATHS = 20
"""Paths that are named for one reason of skipping; the count is whole."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A secret in a text: where, of which kind, how sure."""

    rule: str
    kind: str
    """In words for people."""
    path: str
    line: int
    """From 1; 0 where the file as a whole is the finding."""
    column: int
    """Characters, from 1."""
    length: int
    """Characters of the secret as decoded."""
    confidence: Confidence
    context: Context
    """What the path says of the file: a finding in a test is lowered, not left out."""
    hash: str
    """Equal under one salt exactly where the secrets are equal; see `salted`."""
    decoded: str = ""
    """How the text hid it: base64, hex or url; empty where it stands as it is."""
    tracking: Tracking = "unknown"
    """What git says of the file; unknown without git."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that somebody accepted, and where: in the line, in a baseline, in a rule file."""

    finding: Finding
    by: SuppressedBy


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not looked at, and why: the count is whole, the paths are the first of them."""

    why: str
    count: int
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one text holds."""

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    note: str = ""
    """Why it was not, or not wholly, looked at; empty where it was."""


@dataclass
class Skips:
    """Counts what is left out, by reason."""

    counts: Counter[str] = field(default_factory=Counter)
    paths: dict[str, list[str]] = field(default_factory=dict)

    def add(self, why: str, path: str, count: int = 1) -> None:
        """One more that was not looked at."""
        self.counts[why] += count
        named = self.paths.setdefault(why, [])
        if len(named) < MAX_PATHS:
            named.append(path)

    def all(self) -> tuple[Skipped, ...]:
        """Each reason, the most frequent first."""
        return tuple(Skipped(why, count, tuple(self.paths[why])) for why, count in self.counts.most_common())


def salted(salt: bytes, secret: str) -> str:
    """HMAC-SHA256 under the caller's salt, 64 bits of it.

    The salt of a baseline must stay the same, and whoever has it can test guesses: a weak password that stands in a
    baseline is to be changed all the same. An audit without a baseline uses a salt that it throws away.
    """
    return hmac(salt, secret.encode("utf-8", "surrogateescape"), sha256).hexdigest()[:16]


def lowered(confidence: Confidence) -> Confidence:
    """One step less sure."""
    return CONFIDENCES[min(CONFIDENCES.index(confidence) + 1, 2)]


def in_order(findings: Iterable[Finding]) -> Iterator[Finding]:
    """By path and place."""
    yield from sorted(findings, key=lambda finding: (finding.path, finding.line, finding.column, finding.rule))
