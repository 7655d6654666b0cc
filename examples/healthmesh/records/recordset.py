"""A set of records before it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Self

SIGNED = ("ledger-verification", "hipaa-report")
"""Kinds whose entries carry a signature."""


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of a register, or its declaration that there is none."""

    kind: str
    says: Mapping[str, Any]
    text: str = ""
    """What its document says; empty: it has none."""
    hashed: str | None = None
    """What the document said when it was hashed, where that was something else."""
    kept: bool = True
    """Whether the document is still there."""
    signed: bool = False
    forged: Mapping[str, Any] | None = None
    """What was changed after it was signed."""

    def saying(self, **changed: Any) -> Self:
        """The same with other values."""
        return replace(self, says={**self.says, **changed})

    def without(self, name: str) -> Self:
        """The same without one field."""
        return replace(self, says={key: value for key, value in self.says.items() if key != name})


@dataclass(frozen=True, slots=True)
class RecordSet:
    """All records of one day, by KIND/ID; `none` is the id of a declaration."""

    today: date
    records: Mapping[str, Record]
    kinds: frozenset[str]
    """Kinds that have a register, even an empty one."""

    def day(self, ago: int) -> date:
        """The day that is so many days ago."""
        return self.today - timedelta(days=ago)

    def with_record(self, name: str, record: Record) -> Self:
        """The set with this record in the place of the one of the same name."""
        return replace(self, records={**self.records, name: record})

    def without(self, name: str) -> Self:
        """The set without this record; its register stays."""
        return replace(self, records={key: record for key, record in self.records.items() if key != name})
