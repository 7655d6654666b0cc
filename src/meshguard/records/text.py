"""The texts, days and names that a record may hold.

YAML turns what is not quoted into numbers, days and truth values (`id: 2026-01-31`, `id: 007`, `vendor: no`); where a
text is wanted that is refused, because what stands in the file would not be what is read.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from meshguard.values import Duration

OLDEST, NEWEST = datetime.date(1990, 1, 1), datetime.date(2199, 12, 31)
LONGEST_REVIEW = timedelta(days=3660)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HEX = re.compile(r"[0-9a-f]{64}")


def is_url(document: str) -> bool:
    """Whether a document is named by a URL and not by a path."""
    return _URL.match(document) is not None


def _as_written(value: Any) -> Any:
    read_as = {bool: "true or false", int: "a number", float: "a number", type(None): "nothing"}
    kind = type(value)
    if kind in read_as or isinstance(value, datetime.date):
        raise ValueError(f"read as {read_as.get(kind, 'a date')}: write it in quotes")
    return value


def _printable(value: str) -> str:
    if value != value.strip():
        raise ValueError("it begins or ends with a space")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in value):
        raise ValueError("it holds a line break or a character that is not printed")
    return value


def _name(value: str) -> str:
    if "@" in value:
        raise ValueError("name a person or a role, without an address: reports are passed on")
    return value


def _document(value: str) -> str:
    if not is_url(value):
        return value
    parts = urlsplit(value)
    if "@" in parts.netloc or parts.query:
        raise ValueError("give the URL without credentials and query: they may be secrets")
    return value


def _sha256(value: str) -> str:
    digest = value.lower().removeprefix("sha256:")
    if not _HEX.fullmatch(digest):
        raise ValueError("a SHA-256 has 64 hexadecimal digits")
    return digest


def _day(value: Any) -> datetime.date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        value = datetime.date.fromisoformat(value)
    if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
        raise ValueError("write a day, such as 2026-01-31")
    if not OLDEST <= value <= NEWEST:
        raise ValueError(f"a day from {OLDEST} to {NEWEST} is wanted")
    return value


def _review(value: timedelta) -> timedelta:
    if not timedelta(days=1) <= value <= LONGEST_REVIEW:
        raise ValueError(f"write 1d to {LONGEST_REVIEW.days}d")
    return value


Text = Annotated[str, Field(min_length=1, max_length=200), BeforeValidator(_as_written), AfterValidator(_printable)]
"""One line."""
Id = Annotated[
    str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$"), BeforeValidator(_as_written)
]
"""What names an entry in reports, for ever."""
Name = Annotated[Text, AfterValidator(_name)]
"""A person's name or role."""
DocumentName = Annotated[Text, AfterValidator(_document)]
"""A path from the records' folder, or a URL."""
Sha256 = Annotated[
    str,
    BeforeValidator(_as_written),
    AfterValidator(_sha256),
    WithJsonSchema({"type": "string", "pattern": "^(sha256:)?[0-9a-fA-F]{64}$"}),
]
"""The digest of a document."""
KeyId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$"), BeforeValidator(_as_written)]
"""The beginning of the SHA-256 of a public key's 32 bytes."""
Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$"), BeforeValidator(_as_written)]
"""An Ed25519 signature: 64 bytes (RFC 8032, 5.1.6)."""
Day = Annotated[datetime.date, BeforeValidator(_day)]
"""A calendar day, UTC."""
Review = Annotated[Duration, AfterValidator(_review)]
"""How long a review lasts."""
