"""What all kinds of record have in common: who signed, the days, the document, the signature."""

from __future__ import annotations

import datetime
from abc import abstractmethod
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from meshguard.records.text import Base64, Day, DocumentName, Id, KeyId, Name, Review, Sha256, Text, is_url

SignatureState = Literal["absent", "valid", "invalid", "unknown-key"]
"""What a signature is worth; "unknown-key": no key that the deployment names made it."""


class Statement(BaseModel):
    """What a human signed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signed_by: Name = Field(description="Who signed it: a name or a role.")
    approver: Name | None = Field(None, description="Who approved it; somebody else.")
    document: DocumentName | None = Field(None, description="The document: a path from the records' folder, or a URL.")
    sha256: Sha256 | None = Field(None, description="The document's SHA-256.")
    key: KeyId | None = Field(None, description="Which public key verifies the signature; `meshguard record` adds it.")
    signature: Base64 | None = Field(None, description="Ed25519 signature of all the rest, in base64.")

    @model_validator(mode="after")
    def _whole(self) -> Statement:
        if self.document is None and self.sha256 is not None:
            raise ValueError("there is a sha256 and no document")
        if self.document is not None and not is_url(self.document) and self.sha256 is None:
            raise ValueError("the document's sha256 is missing: `sha256sum FILE` prints it")
        if self.key is not None and self.signature is None:
            raise ValueError("there is a key and no signature")
        return self

    @property
    def name(self) -> str:
        """What names it in reports."""
        return "none"

    @property
    def item(self) -> str:
        """What it is about; entries about the same item follow one another."""
        return self.name

    @abstractmethod
    def days(self) -> dict[str, datetime.date | None]:
        """When it was dated, reviewed, began and was answered."""


class Absence(Statement):
    """`none`: the declaration that there is nothing of this kind."""

    date: Day = Field(description="The day on which it was declared.")
    valid_until: Day = Field(description="The last day on which it holds.")
    reason: Text = Field(min_length=3, description="Why there is none.")

    @model_validator(mode="after")
    def _dated_in_order(self) -> Absence:
        in_order(("date", self.date), ("valid_until", self.valid_until))
        return self

    def days(self) -> dict[str, datetime.date | None]:
        """When it was declared."""
        return {"dated": self.date}


class Entry(Statement):
    """Base of all entries."""

    kind: ClassVar[str]
    may_be_none: ClassVar[bool] = False
    """Whether an empty set can be the good state."""

    id: Id = Field(description="Its name in reports; never used again for another one.")

    @property
    def name(self) -> str:
        """Its id."""
        return self.id


class Standing(Entry):
    """An entry that holds until a day, or until it is due again."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["valid_until"]}, {"required": ["review_every"]}]}
    )

    date: Day = Field(description="The day on which it was signed, made or last done.")
    reviewed: Day | None = Field(None, description="The day of its last review.")
    valid_until: Day | None = Field(None, description="The last day on which it holds.")
    review_every: Review | None = Field(None, description="How long one review or one doing lasts.")

    @model_validator(mode="after")
    def _dated(self) -> Standing:
        if self.valid_until is None and self.review_every is None:
            raise ValueError("it holds for ever: say `valid_until` or `review_every`")
        in_order(("date", self.date), ("reviewed", self.reviewed))
        in_order(("date", self.date), ("valid_until", self.valid_until))
        return self

    def days(self) -> dict[str, datetime.date | None]:
        """When it was dated and reviewed."""
        return {"dated": self.date, "reviewed": self.reviewed}


class Documented(Standing):
    """An entry that stands for a document."""

    document: DocumentName = Field(description="The document: a path from the records' folder, or a URL.")


def in_order(first: tuple[str, datetime.date | None], second: tuple[str, datetime.date | None]) -> None:
    """Refuse a second day before the first."""
    (one, early), (other, late) = first, second
    if early is not None and late is not None and late < early:
        raise ValueError(f"`{other}` {late} is before `{one}` {early}")
