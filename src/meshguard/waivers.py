"""Waivers: failures that somebody accepted, for named resources, with a reason, two people, a ticket and an end.

Only a failing verdict can be waived; what is undetermined can't. An expired waiver counts no more, and the report says
so; one that matches nothing is shown, since it may hide a typing error.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from meshguard.errors import MeshGuardError, Mistake
from meshguard.values import did_you_mean, show_duration
from meshguard.yamlfile import Document, parse, read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from meshguard.results import Finding

State = Literal["in use", "unused", "expired"]


class Decision(BaseModel):
    """What a waiver and a not-applicable declaration have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(min_length=10, description="Why it is accepted, in a sentence.")
    owner: str = Field(min_length=1, description="Who answers for it.")
    approver: str = Field(min_length=1, description="Who accepted it; another person than the owner.")
    expires: datetime.date = Field(description="The last day on which it holds (UTC).")

    @model_validator(mode="after")
    def _two_people(self) -> Self:
        if self.owner.strip().casefold() == self.approver.strip().casefold():
            raise ValueError("the approver is the owner; somebody else must approve")
        return self


class Waiver(Decision):
    """One accepted failure."""

    control: str = Field("", description="Control whose failure is accepted.")
    check: str = Field("", description="Check whose failure is accepted, in whatever control.")
    target: str = Field("*", description="Target, such as docker:local; globs.")
    resource: str = Field(
        min_length=1, description="Resource, by its stable name; globs, but not one that matches all."
    )
    ticket: str = Field(min_length=1, description="Where it is tracked.")
    created: datetime.date = Field(description="The day on which it was approved.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.control and not self.check:
            raise ValueError("name the control or the check whose failure is accepted")
        if not self.resource.strip("*?[]!"):
            raise ValueError(f"the resource {self.resource!r} matches everything; name what is accepted")
        if self.expires < self.created:
            raise ValueError("it expires before it was created")
        return self

    def covers(self, finding: Finding) -> bool:
        """Whether it speaks of this finding, by control or check, target and resource."""
        return (
            self.control in ("", finding.control)
            and self.check in ("", finding.check)
            and fnmatchcase(finding.target, self.target)
            and fnmatchcase(finding.resource, self.resource)
        )


class WaiverFile(BaseModel):
    """A file of waivers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    waivers: tuple[Waiver, ...] = Field(description="Accepted failures.")


@dataclass(frozen=True)
class Waivers:
    """The waivers of a deployment, each with its place."""

    entries: tuple[Waiver, ...] = ()
    document: Document | None = None

    def where(self, index: int) -> str:
        """`file:line` of one waiver."""
        return self.document.where(("waivers", index)) if self.document is not None else ""

    def name(self, index: int) -> str:
        """How a report names it: its ticket, or ticket and place where a ticket has several."""
        ticket = self.entries[index].ticket
        same = [other for other, entry in enumerate(self.entries) if entry.ticket == ticket]
        return ticket if len(same) == 1 else f"{ticket} ({same.index(index) + 1})"

    def valid_for(self, finding: Finding, today: datetime.date) -> int | None:
        """The first waiver that holds today and covers this finding."""
        for index, entry in enumerate(self.entries):
            if entry.created <= today <= entry.expires and entry.covers(finding):
                return index
        return None


def load_waivers(
    path: Path,
    mistakes: list[Mistake],
    *,
    controls: Collection[str],
    checks: Collection[str],
    max_lifetime: timedelta,
    today: datetime.date,
) -> Waivers:
    """The waivers of a file; everything wrong with them goes into `mistakes`, at its line.

    Args:
        path: the file.
        mistakes: where mistakes go.
        controls: known controls.
        checks: known checks.
        max_lifetime: longest time between created and expires, as the profile says.
        today: the day of the audit (UTC).
    """
    try:
        document = read_yaml(path)
    except MeshGuardError as fault:
        mistakes.extend(fault.mistakes)
        return Waivers()
    file, wrong = parse(WaiverFile, document)
    mistakes.extend(wrong)
    if file is None:
        return Waivers(document=document)
    for index, waiver in enumerate(file.waivers):
        where = document.where(("waivers", index))
        if waiver.control and waiver.control not in controls:
            hint = did_you_mean(waiver.control, controls, otherwise="`meshguard controls` lists all")
            mistakes.append(Mistake(where, f"unknown control {waiver.control!r}", hint))
        if waiver.check and waiver.check not in checks:
            hint = did_you_mean(waiver.check, checks, otherwise="`meshguard checks` lists all")
            mistakes.append(Mistake(where, f"unknown check {waiver.check!r}", hint))
        if waiver.expires - waiver.created > max_lifetime:
            lifetime = show_duration(waiver.expires - waiver.created)
            most = show_duration(max_lifetime)
            mistakes.append(Mistake(where, f"it lives {lifetime}, longer than the {most} that the profile allows"))
        if waiver.created > today:
            mistakes.append(Mistake(where, f"it was created on {waiver.created.isoformat()}, which is yet to come"))
    return Waivers(file.waivers, document)
