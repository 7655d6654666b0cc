"""Strict-Transport-Security as a browser reads it (RFC 6797, 6.1 and 8.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SHOWN = 60
MAX_AGE_SHOWN = timedelta(days=36_500)
"""Longer ages are read as a hundred years."""


@dataclass(frozen=True)
class Hsts:
    """A policy that a browser keeps."""

    max_age: timedelta
    include_subdomains: bool
    preload: bool


@dataclass(frozen=True)
class HstsProblem:
    """Why a browser ignores the header."""

    problem: str


def parse_hsts(value: str) -> Hsts | HstsProblem:
    """The policy of one header line, or what makes it void."""
    directives: dict[str, str] = {}
    for part in value.split(";"):
        if not part.strip():
            continue
        name, equals, argument = part.partition("=")
        name, argument = name.strip().lower(), argument.strip()
        if not _TOKEN.fullmatch(name):
            return HstsProblem(f"{name[:_SHOWN]!r} is no directive name")
        if name in directives:
            return HstsProblem(f"the directive {name[:_SHOWN]} stands twice")
        if equals and not argument:
            return HstsProblem(f"{name[:_SHOWN]} has no value")
        directives[name] = argument
    age = directives.get("max-age")
    if age is None:
        return HstsProblem("max-age is missing")
    digits = age[1:-1] if len(age) > 1 and age[0] == age[-1] == '"' else age
    if not re.fullmatch(r"[0-9]+", digits):
        return HstsProblem(f"max-age={age[:_SHOWN]} is no whole number of seconds")
    seconds = min(int(digits[:12]), int(MAX_AGE_SHOWN.total_seconds()))
    return Hsts(timedelta(seconds=seconds), "includesubdomains" in directives, "preload" in directives)
