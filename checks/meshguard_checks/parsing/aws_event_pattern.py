"""EventBridge patterns: which events a rule takes ("Comparison operators" in the EventBridge user guide).

An event is given by the fields that are known of it. A demand on another field is taken as met and named, since a rule
for some kinds of findings is a rule on findings; a comparison that is not known here is not met.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

MAX_DEPTH = 40
_NUMERIC: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


def parse_pattern(text: str) -> dict[str, Any] | None:
    """The pattern of a rule; None where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value else None


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any], depth: int = 0) -> bool:
    """Whether an event meets every demand of the pattern on the fields that are known of it."""
    if depth > MAX_DEPTH:
        return False
    return all(_met(name, wanted, event, depth) for name, wanted in pattern.items())


def _met(name: str, wanted: Any, event: Mapping[str, Any], depth: int) -> bool:
    if name == "$or":
        parts = wanted if isinstance(wanted, list) else []
        return any(isinstance(part, dict) and matches(part, event, depth + 1) for part in parts)
    if name not in event:
        return True
    value = event[name]
    if isinstance(wanted, dict):
        return isinstance(value, Mapping) and matches(wanted, value, depth + 1)
    return isinstance(wanted, list) and any(_fits(one, value) for one in wanted)


def _fits(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, dict):
        return len(wanted) == 1 and all(_compares(name, said, value) for name, said in wanted.items())
    # JSON's true is no 1.
    return (type(wanted) is type(value) and wanted == value) or _number(wanted) == _number(value) is not None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _compares(name: str, said: Any, value: Any) -> bool:
    if name == "exists":
        return said is True
    if name == "anything-but":
        return not _is_named(said, value)
    if name == "numeric":
        return _is_within(said, _number(value))
    return isinstance(value, str) and _text(name, said, value)


def _is_named(said: Any, value: Any) -> bool:
    """What `anything-but` leaves out: values, or one comparison of texts with one or several."""
    if isinstance(said, dict):
        return any(_compares(name, one, value) for name, several in said.items() for one in _several(several))
    return any(_fits(one, value) for one in _several(said))


def _several(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]


def _is_within(said: Any, value: float | None) -> bool:
    if value is None or not isinstance(said, list) or len(said) % 2:
        return False
    limits = zip(said[::2], said[1::2], strict=True)
    return all(
        sign in _NUMERIC and _number(limit) is not None and _NUMERIC[sign](value, limit) for sign, limit in limits
    )


def _text(name: str, said: Any, value: str) -> bool:
    if isinstance(said, dict):  # {"prefix": {"equals-ignore-case": "aws."}}
        folded = said.get("equals-ignore-case")
        return isinstance(folded, str) and name in ("prefix", "suffix") and _text(name, folded.lower(), value.lower())
    if not isinstance(said, str):
        return False
    compared = {
        "prefix": value.startswith(said),
        "suffix": value.endswith(said),
        "equals-ignore-case": value.lower() == said.lower(),
        "wildcard": bool(re.fullmatch(".*".join(map(re.escape, said.split("*"))), value, re.DOTALL)),
    }
    return compared.get(name, False)


def narrowed_by(pattern: Mapping[str, Any], event: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The fields that the pattern makes demands on, and that are not known of the event."""
    for name, wanted in pattern.items():
        if name == "$or":
            continue
        if name not in event:
            yield f"{path}{name}"
        elif isinstance(wanted, dict) and isinstance(event[name], Mapping):
            yield from narrowed_by(wanted, event[name], f"{path}{name}.")
