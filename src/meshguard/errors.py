"""What can go wrong, as values that say what, where and what to do.

MeshGuardError          a file, option or profile is wrong: exit 2
├── Mistakes            several of them, found together
NotObserved             a fact could not be collected: an observation, never a pass
├── NotAllowed          the deployment or the command does not permit it: not-checked
├── NotRecorded         a replayed recording does not hold it: not-checked
├── Denied              the service refused: the caller lacks a permission
├── Unsupported         what answers does not know the question
└── Throttled           the service asked to slow down: retried, then an error
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ESCAPES = (Exception, SystemExit, KeyboardInterrupt)
"""What foreign code may raise. A library that calls `sys.exit(0)` must not end an audit, least of all with 0."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong in what the user gave, where it stands, and how to put it right."""

    where: str
    """`file:line`, an option or a target."""
    what: str
    fix: str = ""

    def __str__(self) -> str:
        """`where: what (fix)`, one line."""
        tail = f" ({self.fix})" if self.fix else ""
        head = f"{self.where}: " if self.where else ""
        return f"{head}{self.what}{tail}"


class MeshGuardError(Exception):
    """The user can put this right; the command ends with exit code 2 and no traceback."""

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.mistakes: tuple[Mistake, ...] = (Mistake(where, what, fix),)
        super().__init__(str(self.mistakes[0]))


class Mistakes(MeshGuardError):
    """All mistakes of all files, reported together before the first packet."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        super().__init__("")
        self.mistakes = tuple(dict.fromkeys(mistakes))
        self.args = ("\n".join(str(mistake) for mistake in self.mistakes),)


class Stopped(SystemExit):
    """A signal came before the audit began: nothing was looked at, and the exit code says so."""

    def __init__(self) -> None:
        super().__init__(3)


class NotObserved(Exception):
    """A fact could not be collected. Checks never catch it; the audit turns it into an outcome.

    `reason` says what happened and where; `fix` what would settle it. Neither may hold a secret.
    """

    outcome = "error"
    kind = "failed"

    def __init__(self, reason: str, *, fix: str = "") -> None:
        self.reason = reason
        self.fix = fix
        super().__init__(reason)


class NotAllowed(NotObserved):
    """Not asked, because the deployment or the command line does not allow it."""

    outcome = "not-checked"
    kind = "not-allowed"


class NotRecorded(NotObserved):
    """Not in the recording that is replayed."""

    outcome = "not-checked"
    kind = "not-recorded"


class Interrupted(NotObserved):
    """Not asked, or not answered, before the audit was stopped or its deadline came."""

    outcome = "not-checked"
    kind = "interrupted"


class Throttled(NotObserved):
    """The service asked to slow down; the fact is asked again after `retry_after` seconds."""

    kind = "throttled"

    def __init__(self, reason: str, *, retry_after: float = 0.0, fix: str = "", again: bool = True) -> None:
        super().__init__(reason, fix=fix)
        self.retry_after = retry_after
        self.again = again
        """Whether it is asked again; False where the service's client has done so already."""


class Denied(NotObserved):
    """The service refused to answer: the caller lacks a permission."""

    kind = "denied"


class Unsupported(NotObserved):
    """What answers there does not know the question: another version, another service, a region without it."""

    kind = "unsupported"


FAILURES: dict[str, type[NotObserved]] = {
    cls.kind: cls for cls in (NotObserved, NotAllowed, NotRecorded, Interrupted, Throttled, Denied, Unsupported)
}
"""Kinds of failure, as an observation records them."""
