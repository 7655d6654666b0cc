"""What is known of a script of the shell while it is followed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

MAX_CALLS = 12


@dataclass(frozen=True)
class Ran:
    """One command that a script may run."""

    words: tuple[str, ...]
    line: int
    swallowed: str = ""
    """Why its failure does not fail the script."""
    unsure: tuple[str, ...] = ()
    """What leaves that open."""
    skips: tuple[str, ...] = ()
    """Why it may not be run at all."""
    through: str = ""
    """The script in which it stands, where that is another."""
    cwd: str | None = ""
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Opaque:
    """A part of a script that cannot be followed."""

    line: int
    what: str
    text: str | None
    """What stands in it; None where that is not known."""


@dataclass(frozen=True)
class Called:
    """A script that a command runs."""

    text: str | None
    """None where it cannot be read or is not of the shell; `opaque` may hold what stands in it."""
    name: str
    errexit: bool = False
    pipefail: bool = False
    own_shell: bool = True
    """False where it is read into the shell that runs."""
    cwd: str | None = ""
    opaque: str | None = ""
    why: str = ""


Resolve = Callable[[tuple[str, ...], "str | None"], "list[Called]"]


@dataclass(frozen=True)
class Shell:
    """What is set in a shell."""

    errexit: bool | None = True
    pipefail: bool | None = False
    cwd: str | None = ""


@dataclass(frozen=True)
class Context:
    """What surrounds a command."""

    tail: bool | None = True
    """Whether the script fails where this is the last and fails; None: not known."""
    suspended: bool = False
    """Whether errexit has no force here."""
    caught: str = ""
    unsure: tuple[str, ...] = ()
    skips: tuple[str, ...] = ()
    depth: int = 0
    line: int | None = None
    through: str = ""

    def maybe(self, reason: str) -> Context:
        """The same, where what is in it may not run."""
        return replace(self, skips=(*self.skips, reason))


def bounded(ran: Ran, counts: bool | None) -> Ran:
    """A command of a called script: its failure is no more than the call's."""
    if ran.swallowed or counts:
        return ran
    if counts is None:
        return replace(ran, unsure=(*ran.unsure, "what becomes of the status of its script is not followed"))
    return replace(ran, swallowed="the failure of the script in which it stands is not looked at")
