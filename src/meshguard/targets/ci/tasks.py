"""What a job does, one task for each step, whichever service runs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from meshguard.targets.ci.models import EVENTS, Occasion, Unknown
from meshguard.targets.ci.shell_models import Shell


@dataclass(frozen=True)
class Task:
    """One step of a job: a script, or code of others."""

    path: str
    workflow: str
    line: int
    job: str
    step: int
    occasions: tuple[Occasion, ...]
    swallowed: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    conditional: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    anyway: bool = False
    script: str | None = None
    shell: Shell = field(default_factory=Shell)
    dialect: str = ""
    """Another language than that of the shell; the script is then searched and not followed."""
    uses: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Tasks:
    """All tasks of a checkout, and what was not followed."""

    found: list[Task] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)

    def missing(self, where: str, line: int, what: str) -> None:
        """Something that was not followed."""
        self.unknown.append(Unknown(where=f"{where}:{line}" if line else where, what=what))


def narrowed(occasions: Iterable[Occasion], answers: Iterable[tuple[bool | None, str]]) -> tuple[Occasion, ...]:
    """Occasions under one more condition: for each the condition's answer and how it is told."""
    found = []
    for occasion, (answer, why) in zip(occasions, answers, strict=True):
        if answer is False and occasion.state != "no":
            found.append(occasion.model_copy(update={"state": "no", "why": why}))
        elif answer is None and occasion.state == "yes":
            found.append(occasion.model_copy(update={"state": "maybe", "why": why}))
        else:
            found.append(occasion)
    return tuple(found)


def always() -> tuple[Occasion, ...]:
    """Every event."""
    return tuple(Occasion(event=event, state="yes") for event in EVENTS)
