"""Looks for the rules in one text: keywords first, then each rule's regex where its keywords stand."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshguard.targets.scanning import strength
from meshguard.targets.scanning.confirm import TESTS
from meshguard.targets.scanning.findings import lowered
from meshguard.targets.scanning.text import characters, is_plain, line_at

if TYPE_CHECKING:
    from meshguard.targets.scanning.findings import Confidence
    from meshguard.targets.scanning.rules import Rule, Rules

_NEAR = 400
_NAME = 60
_OPENING = 12
_REST_OF_NAME = re.compile(r"[\w.\-]{0,60}")
_START_OF_NAME = re.compile(r"[\w.:\-]{0,60}$")
_ESCAPES = frozenset("nrt")
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_KEYWORDS = 10_000
_BYTES_A_KEYWORD = 50
"""Keywords that are followed: so many in any text, and one for so many bytes more. Real texts have one in 400 bytes."""
MAX_MATCHES = 2_000
"""Matches of one rule in one text; a text with more is a list of them, and it is noted."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A secret in a text, with itself: never leaves this package."""

    rule: Rule
    secret: str
    start: int
    end: int
    confidence: Confidence
    allowed: bool
    """Whether an allowlist of the deployment says that it is none."""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Hit({self.rule.id!r}, {self.start}, {self.end})"


class Matcher:
    """One text against all rules."""

    def __init__(self, rules: Rules, text: str, path: str) -> None:
        self.rules = rules
        self.text = text
        self.path = path
        self.overflow: set[str] = set()
        """Rules that matched more often than is counted."""
        self._counts: dict[str, int] = {}

    def hits(self) -> list[Hit]:
        """Each secret once, by the first rule that finds it, in the order of the text."""
        kept: list[Hit] = []
        taken = Spans()
        order = self.rules.order
        for hit in sorted(self._found(), key=lambda hit: (hit.allowed, order[hit.rule.id], hit.start)):
            if taken.add(hit.start, hit.end):
                kept.append(hit)
        return sorted(kept, key=lambda hit: hit.start)

    def _found(self) -> Iterator[Hit]:
        for rule, anchor, match in self._matches():
            count = self._counts[rule.id] = self._counts.get(rule.id, 0) + 1
            if count > MAX_MATCHES:
                self.overflow.add(rule.id)
                continue
            hit = self._judged(rule, anchor, match)
            if hit is not None:
                yield hit

    def _matches(self) -> Iterator[tuple[Rule, int, re.Match[str]]]:
        """Each match, with the place of the keyword that led to it."""
        text, rules = self.text, self.rules.rules
        windows: dict[int, list[list[int]]] = {}
        most = _KEYWORDS + len(text) // _BYTES_A_KEYWORD
        for count, (start, end, called) in enumerate(self.rules.keywords.hits(text.lower())):
            if count > most:
                self.overflow.add("keywords")
                break
            for index in called:
                rule = rules[index]
                if rule.at == "window":
                    _widen(windows.setdefault(index, []), start - rule.before, end + rule.after, start)
                elif rule.regex and (rule.at == "keyword" or _begins_token(text, start)):
                    match = rule.regex.match(text, start)
                    if match is not None:
                        yield rule, start, match
        windows |= {index: [[0, len(text), 0]] for index, rule in self.rules.unkeyed if self._whole(rule)}
        for index, spans in windows.items():
            yield from self._searched(rules[index], spans)

    def _whole(self, rule: Rule) -> bool:
        """Whether a rule without keywords is looked for in all of this text."""
        return rule.regex is not None and (rule.path is None or rule.path.search(self.path) is not None)

    def _searched(self, rule: Rule, spans: list[list[int]]) -> Iterator[tuple[Rule, int, re.Match[str]]]:
        if rule.regex is None:
            return
        for low, high, anchor in spans:
            for match in rule.regex.finditer(self.text, max(0, low), high):
                whole: re.Match[str] | None = match
                if match.end() == high < len(self.text):  # cut by the window, or it may be
                    whole = rule.regex.match(self.text, match.start())
                if whole is not None:
                    yield rule, anchor if anchor >= match.start() else match.start(), whole

    def _judged(self, rule: Rule, anchor: int, match: re.Match[str]) -> Hit | None:
        """The match as a hit, or nothing where it is no secret."""
        secret, start = rule.secret(match)
        if not secret or (rule.path is not None and not rule.path.search(self.path)):
            return None
        confidence = self._confidence(rule, secret)
        if confidence is None or not self._named(rule, anchor) or not self._near(rule, match):
            return None
        allowed = self._allowed(rule, secret, match)
        return None if allowed is None else Hit(rule, secret, start, start + len(secret), confidence, allowed)

    def _confidence(self, rule: Rule, secret: str) -> Confidence | None:
        if rule.entropy and strength.entropy(secret) < rule.entropy:
            return None
        if rule.require and not TESTS[rule.require](secret):
            return None
        if rule.value:
            judge = strength.password if rule.value == "password" else strength.token
            how = judge(secret, plain=is_plain(self.path))
            return {"strong": rule.confidence, "fair": lowered(rule.confidence), "none": None}[how]
        if rule.builtin and not rule.require and strength.has_mark(secret):
            return None
        if rule.confirm and not TESTS[rule.confirm](secret):
            return lowered(rule.confidence)
        return rule.confidence

    def _named(self, rule: Rule, anchor: int) -> bool:
        """Whether the name that the keyword is part of is one of a secret."""
        if rule.names is None and rule.names_not is None and rule.opens is None:
            return True
        left = _START_OF_NAME.search(self.text[max(0, anchor - _NAME) : anchor])
        right = _REST_OF_NAME.match(self.text, anchor)
        name = (left[0] if left else "") + (right[0].rstrip(".-") if right else "")
        if rule.names_not is not None and rule.names_not.search(name.lstrip(".-")):
            return False
        start = anchor - len(left[0] if left else "")
        if rule.opens is not None and not rule.opens.search(self.text[max(0, start - _OPENING) : start]):
            return False
        return rule.names is None or rule.names.search(name) is not None

    def _near(self, rule: Rule, match: re.Match[str]) -> bool:
        if rule.near is None:
            return True
        return rule.near.search(self.text, max(0, match.start() - _NEAR), match.end() + _NEAR) is not None

    def _allowed(self, rule: Rule, secret: str, match: re.Match[str]) -> bool | None:
        """Whether the deployment allows it; None where MeshGuard itself knows that it is no secret."""
        texts = {"secret": characters(secret), "match": match[0], "line": line_at(self.text, match.start())}
        allowed = False
        for allowlist in (*rule.allowlists, *self.rules.allowlists):
            if allowlist.allows(rule.id, self.path, texts):
                if allowlist.builtin:
                    return None
                allowed = True
        return allowed


class Spans:
    """Places that are taken, none of which overlap."""

    def __init__(self, hits: Iterable[Hit] = ()) -> None:
        self._spans: list[tuple[int, int]] = []
        for hit in hits:
            self.add(hit.start, hit.end)

    def add(self, start: int, end: int) -> bool:
        """Take a place; False where a part of it is taken already."""
        if not self.is_free(start, end):
            return False
        insort(self._spans, (start, end))
        return True

    def is_free(self, start: int, end: int) -> bool:
        """Whether no part of a place is taken."""
        index = bisect_left(self._spans, (start, end))
        before = self._spans[index - 1] if index else None
        after = self._spans[index] if index < len(self._spans) else None
        return not ((before and before[1] > start) or (after and after[0] < end))


def _widen(spans: list[list[int]], low: int, high: int, anchor: int) -> None:
    """Add a window, joined to the last one where they meet."""
    if spans and low <= spans[-1][1]:
        spans[-1][1] = max(spans[-1][1], high)
    else:
        spans.append([low, high, anchor])


def _begins_token(text: str, start: int) -> bool:
    r"""Whether no word goes on there; the letter of an escape such as \n before it is none."""
    if start == 0 or text[start - 1] not in _WORD:
        return True
    return start > 1 and text[start - 1] in _ESCAPES and text[start - 2] == "\\"
