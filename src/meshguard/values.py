"""Values that profiles, verdicts and reports share: durations, and how a value is shown."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 0.001}
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)(ms|d|h|m|s))")

Shown = str | int | float | bool | None
"""A value as a verdict, a JSON result and a report show it."""


def parse_duration(value: object) -> timedelta:
    """A duration written as "365d", "8h", "15m", "30s", "200ms" or a sequence such as "1d12h".

    Raises:
        ValueError: no unit (a bare number is ambiguous), an unknown unit, or not a duration at all.
    """
    if isinstance(value, timedelta):
        return value
    text = str(value).strip().lower()
    if not text or _DURATION.sub("", text):
        raise ValueError(f"{str(value)!r} is no duration: write a number and a unit, such as 365d, 8h, 15m, 30s")
    try:
        return timedelta(seconds=sum(float(n) * _UNITS[unit] for n, unit in _DURATION.findall(text)))
    except OverflowError:
        raise ValueError(f"{str(value)[:40]!r} is longer than any duration") from None


def show_duration(value: timedelta) -> str:
    """The shortest exact form: "365d", "1d12h", "200ms"; the inverse of `parse_duration`."""
    left = round(value.total_seconds() * 1000)
    if left < 0:
        return "-" + show_duration(-value)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(show_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|d|h|m|s))+$", "examples": ["365d", "8h", "15m"]}),
]
"""A length of time; in YAML a number with its unit."""


def days(count: float) -> timedelta:
    """`count` days."""
    return timedelta(days=count)


def shown(value: object) -> Shown:
    """Any value as a scalar for people and JSON: durations and lists as text, the rest as it is."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, timedelta):
        return show_duration(value)
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return ", ".join(str(shown(item)) for item in items)
    return str(value)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal bytes. Half a surrogate pair stays an escape."""
    return encodable(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def encodable(text: str) -> str:
    """The text as UTF-8 can hold it: half a surrogate pair, as in a file name that is no UTF-8, becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""What controls a terminal, breaks a line, turns the direction, or takes no room (Unicode TR 36)."""


def printable(text: object) -> str:
    """One line for a terminal: what would not be seen as it is, is shown by its number."""
    return _UNPRINTABLE.sub(lambda match: _number(ord(match[0])), str(text))


def _number(code: int) -> str:
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """A hint that names the closest known word, or `otherwise`."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else otherwise
