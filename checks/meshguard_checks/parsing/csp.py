"""Content-Security-Policy as a browser reads it (CSP Level 3, 2.2.1 and 6.7)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SPACE = re.compile(r"[ \t\n\f\r]+")
_NONCE_OR_HASH = re.compile(r"'(nonce-[a-z0-9+/_-]+={0,2}|sha(256|384|512)-[a-z0-9+/_-]+={0,2})'")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")
_ANY_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?\*(?:\.[a-z0-9-]+)?(?::(?:[0-9]+|\*))?(?:/.*)?")
FALLBACK = {
    "script-src-elem": ("script-src-elem", "script-src", "default-src"),
    "script-src-attr": ("script-src-attr", "script-src", "default-src"),
    "script-src": ("script-src", "default-src"),
    "object-src": ("object-src", "default-src"),
    "style-src": ("style-src", "default-src"),
}
"""Which directive speaks where the first does not stand (6.8.3); of the others none does."""

Sources = tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """One policy; what it does not speak of it allows."""

    directives: dict[str, Sources]
    """Name -> source list, both in lower case: sources are compared without case, but for nonces and hashes."""

    def sources(self, name: str) -> Sources | None:
        """The source list that speaks for `name`; None where none does and everything is allowed."""
        for candidate in FALLBACK.get(name, (name,)):
            if candidate in self.directives:
                return self.directives[candidate]
        return None


def parse_csp(lines: Iterable[str]) -> tuple[Policy, ...]:
    """All policies of all header lines, split at commas; each of them applies.

    In one policy the first directive of a name counts and a later one is ignored. A policy without any is none.
    """
    found = [_policy(text) for line in lines for text in line.split(",")]
    return tuple(policy for policy in found if policy.directives)


def _policy(text: str) -> Policy:
    directives: dict[str, Sources] = {}
    for part in text.split(";"):
        words = [word for word in _SPACE.split(part.lower()) if word]
        if words and part.isascii():
            directives.setdefault(words[0], tuple(words[1:]))
    return Policy(directives)


def is_none(sources: Sources) -> bool:
    """Whether the list matches nothing: empty, or 'none' alone (6.7.2.7)."""
    return not sources or sources == ("'none'",)


def allows_inline(sources: Sources | None) -> bool:
    """Whether any inline script runs: 'unsafe-inline' without nonce, hash and 'strict-dynamic' (6.7.3.2)."""
    if sources is None:
        return True
    if "'strict-dynamic'" in sources or any(_NONCE_OR_HASH.fullmatch(source) for source in sources):
        return False
    return "'unsafe-inline'" in sources


def allows_eval(sources: Sources | None) -> bool:
    """Whether strings may be run as script (4.4)."""
    return sources is None or "'unsafe-eval'" in sources


def broad(sources: Sources | None, *, script: bool = False) -> Sources:
    """The sources that match any host: `*`, a bare scheme, `https://*`, `*.com`.

    Scripts with 'strict-dynamic' are not matched by host or scheme at all (6.7.1.1).
    """
    if sources is None:
        return ("*",)
    if script and "'strict-dynamic'" in sources:
        return ()
    return tuple(source for source in sources if _SCHEME.fullmatch(source) or _ANY_HOST.fullmatch(source))
