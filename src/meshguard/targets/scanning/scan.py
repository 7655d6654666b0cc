"""Scans one text: matches, what is encoded in it, what somebody accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from meshguard.targets.scanning import kubernetes, strength
from meshguard.targets.scanning.baseline import NO_BASELINE, Baseline
from meshguard.targets.scanning.decode import encoded
from meshguard.targets.scanning.findings import Finding, ScanResult, Suppressed, lowered, salted
from meshguard.targets.scanning.match import Hit, Matcher, Spans
from meshguard.targets.scanning.rules import Rule
from meshguard.targets.scanning.text import BINARY, Places, as_text, characters, context_of, line_at

if TYPE_CHECKING:
    from meshguard.targets.scanning.decode import Encoded
    from meshguard.targets.scanning.findings import SuppressedBy
    from meshguard.targets.scanning.rules import Rules

_INLINE = re.compile(
    r"(?i)meshguard:\s?allow|(?:gitleaks|betterleaks):\s?allow|pragma:\s?(?:allow|white)list[ -]secret"
)
_NEXT_LINE = re.compile(r"(?i)pragma:\s?(?:allow|white)list[ -]nextline[ -]secret|meshguard:\s?allow-next-line")
_KUBERNETES = Rule("kubernetes-secret", "value of a Kubernetes Secret", None)


@dataclass(frozen=True)
class Scanner:
    """The rules, the salt of the hashes, and what is accepted already."""

    rules: Rules
    salt: bytes
    baseline: Baseline = NO_BASELINE

    def scan_text(self, data: bytes, path: str) -> ScanResult:
        """What one file holds; `path` is relative to what is scanned, with slashes."""
        text = as_text(data)
        containers = tuple(self._by_path(path))
        if text is None:
            return ScanResult(containers, note=BINARY)
        matcher = Matcher(self.rules, text, path)
        values = list(kubernetes.secret_values(text))
        hits = [hit for hit in matcher.hits() if not (hit.rule.value and _within(hit, values))]
        found = [(hit, hit.start, "") for hit in hits]
        found += self._hidden(text, path, hits, values)
        findings: dict[tuple[int, int, str], Finding] = {}
        suppressed: list[Suppressed] = []
        places = Places(text)
        for hit, start, how in found:
            finding = self._finding(hit, path, places.of(start), how)
            by = self._accepted(hit, finding, text, start)
            if by:
                suppressed.append(Suppressed(finding, by))
            else:
                findings.setdefault((finding.line, finding.column, finding.hash), finding)
        over = ", ".join(sorted(matcher.overflow))
        note = f"not wholly looked at: more matches than are followed, of {over}" if over else ""
        return ScanResult((*containers, *findings.values()), tuple(suppressed), note)

    def _by_path(self, path: str) -> Iterator[Finding]:
        """Findings of rules that know files by their names alone."""
        for _, rule in self.rules.unkeyed:
            if rule.regex is None and rule.path is not None and rule.path.search(path):
                where = salted(self.salt, f"{rule.id}\0{path}")
                context = context_of(path)
                confidence = rule.confidence if context == "source" else lowered(rule.confidence)
                yield Finding(rule.id, rule.kind, path, 0, 0, 0, confidence, context, where)

    def _hidden(self, text: str, path: str, hits: list[Hit], values: list[Encoded]) -> list[tuple[Hit, int, str]]:
        """Hits in what is encoded, each at the place of its encoding."""
        found: list[tuple[Hit, int, str]] = []
        taken = Spans(hit for hit in hits if not hit.rule.value)
        for piece in values:
            found += self._of_secret(piece, path)
        places = {start for _, start, _ in found}
        for piece in encoded(text):
            if piece.start in places or not taken.is_free(piece.start, piece.end):
                continue
            found += [(hit, piece.start, piece.how) for hit in Matcher(self.rules, piece.text, path).hits()]
        return found

    def _of_secret(self, piece: Encoded, path: str) -> list[tuple[Hit, int, str]]:
        inner = Matcher(self.rules, piece.text, path).hits()
        if inner:
            return [(hit, piece.start, piece.how) for hit in inner]
        value = piece.text.strip()
        if strength.is_placeholder(value) or strength.is_reference(value):
            return []
        strong = strength.password(value, plain=True) != "none" or strength.token(value, plain=True) != "none"
        return [(Hit(_KUBERNETES, value, 0, len(value), "medium" if strong else "low", False), piece.start, piece.how)]

    def _finding(self, hit: Hit, path: str, place: tuple[int, int], how: str) -> Finding:
        context = context_of(path)
        secret = characters(hit.secret)
        return Finding(
            rule=hit.rule.id,
            kind=hit.rule.kind,
            path=path,
            line=place[0],
            column=place[1],
            length=len(secret),
            confidence=hit.confidence if context == "source" else lowered(hit.confidence),
            context=context,
            hash=salted(self.salt, secret),
            decoded=how,
        )

    def _accepted(self, hit: Hit, finding: Finding, text: str, start: int) -> SuppressedBy | None:
        """Who accepted a finding, if anybody did."""
        if hit.allowed:
            return "allowlist"
        if self.baseline.holds(characters(hit.secret), finding.path):
            return "baseline"
        line = partial(line_at, text)
        before = text.rfind("\n", 0, start)
        marked = _INLINE.search(line(start)) or (before >= 0 and _NEXT_LINE.search(line(max(0, before - 1))))
        return "inline" if marked else None


def _within(hit: Hit, pieces: list[Encoded]) -> bool:
    """Whether a hit is one of the pieces, which are judged by what they decode to."""
    return any(piece.start <= hit.start < piece.end for piece in pieces)
