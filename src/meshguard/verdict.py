"""What a check says of one resource.

Outcomes are those of XCCDF 1.2 (NIST IR 7275r4, 6.6.4.2) that MeshGuard needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from meshguard.values import shown

if TYPE_CHECKING:
    from meshguard.values import Shown


class Outcome(StrEnum):
    """What came of judging one resource."""

    PASS = "pass"
    FAIL = "fail"
    ERROR = "error"
    """It was asked and no usable answer came; never a pass."""
    NOT_CHECKED = "not-checked"
    """It was not asked: not allowed, not recorded, interrupted, or nothing to look at."""
    NOT_APPLICABLE = "not-applicable"
    """The requirement does not speak of this resource."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome, the sentence that justifies it, what was found and what was wanted."""

    outcome: Outcome
    message: str
    got: Shown = None
    want: Shown = None
    fix: str = ""
    """What to do here; empty: the check's own remediation."""

    def but(self, *, message: str | None = None, fix: str | None = None) -> Verdict:
        """The same verdict with another sentence or remedy."""
        return replace(self, message=message or self.message, fix=self.fix if fix is None else fix)


def passed(message: str, *, got: object = None, want: object = None) -> Verdict:
    """The resource meets the requirement; `message` says by what."""
    return Verdict(Outcome.PASS, message, shown(got), shown(want))


def failed(message: str, *, got: object = None, want: object = None, fix: str = "") -> Verdict:
    """The resource does not meet the requirement; `message` says why."""
    return Verdict(Outcome.FAIL, message, shown(got), shown(want), fix)


def judged(ok: bool, subject: str, *, got: object, want: object, fix: str = "") -> Verdict:
    """Pass or fail by `ok`; the sentence names the subject, what it is, and on failure what was wanted."""
    found = f"{subject} is {shown(got)}"
    if ok:
        return passed(found, got=got, want=want)
    return failed(f"{found}, wanted {shown(want)}", got=got, want=want, fix=fix)


def not_applicable(message: str) -> Verdict:
    """The requirement does not speak of this resource; it neither passes nor fails."""
    return Verdict(Outcome.NOT_APPLICABLE, message)


def undetermined(message: str, *, fix: str = "") -> Verdict:
    """What was seen does not settle the question; never a pass. `fix` says what would settle it."""
    return Verdict(Outcome.NOT_CHECKED, message, fix=fix)
