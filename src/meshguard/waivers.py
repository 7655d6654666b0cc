"""Waivers: failures that somebody accepted, for named resources, with a reason, two people, a ticket and an end.

Only a failing verdict can be waived; what is undetermined can't. An expired waiver counts no more, and the report says
so; one that matches nothing is shown, since it may hide a typing error.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from meshguard.errors import MeshGuardError, Mistake
from meshguard.settings import Quoted, quoted
from meshguard.values import did_you_mean, show_duration
from meshguard.yamlfile import Document, parse, read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from meshguard.results import Finding

State = Literal["in use", "unused", "expired"]


def _day(value: Any) -> Any:
    """A number would be read as seconds since 1970, and a time of day says nothing here."""
    if isinstance(value, str) or type(value) is datetime.date:
        return value
    raise ValueError("write a day, such as 2027-01-31")


Day = Annotated[datetime.date, BeforeValidator(_day)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), BeforeValidator(quoted)]


class Decision(BaseModel):
    """What a waiver and a not-applicable declaration have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)] = Field(
        description="Why it is accepted, in a sentence."
    )
    owner: Text = Field(description="Who answers for it.")
    approver: Text = Field(description="Who accepted it; another person than the owner.")
    expires: Day = Field(description="The last day on which it holds (UTC).")

    @model_validator(mode="after")
    def _two_people(self) -> Self:
        owner, approver = (" ".join(name.split()).casefold() for name in (self.owner, self.approver))
        if owner == approver:
            raise ValueError("the approver is the owner; somebody else must approve")
        created = getattr(self, "created", None)
        if created is not None and self.expires < created:
            raise ValueError("it expires before it was created")
        return self


class Waiver(Decision):
    """One accepted failure."""

    control: Quoted = Field("", description="Control whose failure is accepted.")
    check: Quoted = Field("", description="Check whose failure is accepted, in whatever control.")
    target: Text = Field("*", description="Target, such as docker:local; globs.")
    resource: Text = Field(description="Resource, by its stable name; globs, but not one that matches all.")
    ticket: Text = Field(description="Where it is tracked.")
    created: Day = Field(description="The day on which it was approved.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.control and not self.check:
            raise ValueError("name the control or the check whose failure is accepted")
        if matches_everything(self.resource):
            raise ValueError(f"the resource {self.resource!r} matches everything; name what is accepted")
        return self

    def covers(self, finding: Finding) -> bool:
        """Whether it speaks of this finding, by control or check, target and resource."""
        return (
            self.control in ("", finding.control)
            and self.check in ("", finding.check)
            and fnmatchcase(finding.target, self.target)
            and fnmatchcase(finding.resource, self.resource)
        )


def matches_everything(pattern: str) -> bool:
    """Whether a glob names nothing: what is left without its wildcards holds no letter and no digit, as in `/*`."""
    literal = re.sub(r"\[.[^]]*\]|[*?]", "", pattern)
    return literal != pattern and not any(map(str.isalnum, literal))


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

    @cached_property
    def names(self) -> tuple[str, ...]:
        """How a report names each: its ticket, or ticket and number where a ticket has several."""
        several = Counter(entry.ticket for entry in self.entries)
        seen: Counter[str] = Counter()
        found = []
        for entry in self.entries:
            seen[entry.ticket] += 1
            number = f" ({seen[entry.ticket]})" if several[entry.ticket] > 1 else ""
            found.append(entry.ticket + number)
        return tuple(found)

    @cached_property
    def _by_subject(self) -> dict[tuple[str, str], list[int]]:
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for index, entry in enumerate(self.entries):
            found[entry.control, entry.check].append(index)
        return found

    def covering(self, finding: Finding) -> Iterator[int]:
        """Every waiver that speaks of this finding, in the file's order, whether it holds today or not."""
        subjects = ((finding.control, ""), ("", finding.check), (finding.control, finding.check))
        for index in sorted(index for subject in subjects for index in self._by_subject.get(subject, ())):
            if self.entries[index].covers(finding):
                yield index

    def valid_for(self, finding: Finding, today: datetime.date) -> int | None:
        """The first waiver that holds today and covers this finding."""
        entries = self.entries
        return next((i for i in self.covering(finding) if entries[i].created <= today <= entries[i].expires), None)


@dataclass(frozen=True)
class Known:
    """What waivers may name, as the profile says it."""

    controls: Collection[str]
    checks: Collection[str]
    max_lifetime: timedelta
    """Longest time between created and expires."""


def load_waivers(path: Path, mistakes: list[Mistake], known: Known | None, today: datetime.date) -> Waivers:
    """The waivers of a file; everything wrong with them goes into `mistakes`, at its line.

    Args:
        path: the file.
        mistakes: where mistakes go.
        known: what they may name; without it (the profile is not known) only their form is looked at.
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
        # The others are looked at too: all mistakes are said at once.
        for index, waiver in _right_ones(document):
            mistakes += _mistakes_of(waiver, document.where(("waivers", index)), known, today)
        return Waivers(document=document)
    for index, waiver in enumerate(file.waivers):
        mistakes += _mistakes_of(waiver, document.where(("waivers", index)), known, today)
    return Waivers(file.waivers, document)


def _right_ones(document: Document) -> Iterator[tuple[int, Waiver]]:
    entries = document.data.get("waivers") if isinstance(document.data, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        waiver, wrong = parse(Waiver, document, at=("waivers", index), data=entry)
        if waiver is not None and not wrong:
            yield index, waiver


def _mistakes_of(waiver: Waiver, where: str, known: Known | None, today: datetime.date) -> Iterator[Mistake]:
    if waiver.created > today:
        yield Mistake(where, f"it was created on {waiver.created.isoformat()}, which is yet to come")
    if known is None:
        return
    if waiver.control and waiver.control not in known.controls:
        hint = did_you_mean(waiver.control, known.controls, otherwise="`meshguard controls` lists all")
        yield Mistake(where, f"unknown control {waiver.control!r}", hint)
    if waiver.check and waiver.check not in known.checks:
        hint = did_you_mean(waiver.check, known.checks, otherwise="no control of the profile uses it")
        yield Mistake(where, f"unknown check {waiver.check!r}", hint)
    if (fault := too_long(waiver.created, waiver.expires, known.max_lifetime)) is not None:
        yield Mistake(where, fault)


def too_long(created: datetime.date, expires: datetime.date, most: timedelta) -> str | None:
    """What is wrong with the life of a decision; None where it is no longer than the profile allows."""
    if expires - created <= most:
        return None
    lifetime = show_duration(expires - created)
    return f"it lives {lifetime}, longer than the {show_duration(most)} that the profile allows"
