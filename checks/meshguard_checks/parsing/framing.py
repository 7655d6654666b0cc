"""Who may frame an answer, as a browser reads it (HTML Standard, 7.7; CSP Level 3, 6.4.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from meshguard_checks.parsing.csp import Policy, is_none

Framing = Literal["nobody", "same-origin", "anybody"]
"""Strictest first."""
STRICTNESS: tuple[Framing, ...] = ("nobody", "same-origin", "anybody")
_NEVER_BOTH = frozenset(["deny", "allowall", "sameorigin"])


def by_x_frame_options(lines: Iterable[str]) -> Framing:
    """What X-Frame-Options alone says: the values of all lines as one set.

    Values that contradict each other are read as DENY; what is no value (ALLOW-FROM, ALLOWALL) lets anybody.
    """
    values = {value.strip(" \t").lower() for line in lines for value in line.split(",")}
    if len(values) > 1 and values & _NEVER_BOTH:
        return "nobody"
    if values == {"deny"}:
        return "nobody"
    return "same-origin" if values == {"sameorigin"} else "anybody"


def by_csp(policies: Iterable[Policy]) -> Framing | None:
    """What frame-ancestors says; None where no policy has it. An ancestor must satisfy each policy."""
    lists = [policy.directives["frame-ancestors"] for policy in policies if "frame-ancestors" in policy.directives]
    if not lists:
        return None
    if any(is_none(sources) for sources in lists):
        return "nobody"
    return "same-origin" if any(set(sources) <= {"'self'", "'none'"} for sources in lists) else "anybody"
