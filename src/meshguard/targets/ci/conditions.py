"""Conditions of GitHub's `if:`, as far as the event and the branch decide them; None is not known."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(\d+(?:\.\d+)?)|(\|\||&&|==|!=|<=|>=|[!<>()\[\],])|([A-Za-z_][\w.*-]*))")
_WHOLE = re.compile(r"\s*\$\{\{(?P<inside>(?:(?!\}\}).)*)\}\}\s*", re.DOTALL)
_STATUS = re.compile(r"\b(always|failure|cancelled)\s*\(")
MAX_TOKENS = 400


class Open:
    """A value that is not known before the run."""


OPEN = Open()
Value = Any


class _Unclear(ValueError):
    """The text is no expression that is followed."""


def runs_anyway(text: object) -> bool:
    """Whether a condition lets something run although what it depends on has failed."""
    return isinstance(text, str) and _STATUS.search(text) is not None


def decide(text: object, event: str, branch: str) -> bool | None:
    """What a condition comes to on an event, where nothing has failed.

    Args:
        text: the condition; None where there is none.
        event: push or pull_request.
        branch: the branch that is pushed to, or into which is merged.
    """
    if text is None or isinstance(text, bool):
        return text is not False
    if not isinstance(text, str):
        return bool(text)
    whole = _WHOLE.fullmatch(text)
    if whole is None and "${{" in text:
        return True  # GitHub takes an expression with text around it as text, and text that is not empty as true
    try:
        value = _Reader(_tokens(whole["inside"] if whole else text), _known(event, branch)).whole()
    except (_Unclear, RecursionError):
        return None
    return None if value is OPEN else _truth(value)


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(found) > MAX_TOKENS:
            raise _Unclear
        found.append(match[0].strip())
        at = match.end()
    return found


def _known(event: str, branch: str) -> dict[str, Value]:
    pull = event == "pull_request"
    return {
        "github.event_name": event,
        "github.ref": "refs/pull/0/merge" if pull else f"refs/heads/{branch}",
        "github.ref_name": "0/merge" if pull else branch,
        "github.ref_type": "branch",
        "github.base_ref": branch if pull else "",
        "github.head_ref": OPEN if pull else "",
        "github.event.repository.default_branch": branch,
        "github.event.pull_request": OPEN if pull else "",
        "github.event.inputs": "",
        "true": True,
        "false": False,
        "null": "",
    }


def _truth(value: Value) -> bool:
    return bool(value) and value != 0


def _not(value: Value) -> Value:
    return OPEN if value is OPEN else not _truth(value)


def _and(left: Value, right: Value) -> Value:
    if any(side is not OPEN and not _truth(side) for side in (left, right)):
        return False
    return OPEN if OPEN in (left, right) else right


def _or(left: Value, right: Value) -> Value:
    if any(side is not OPEN and _truth(side) for side in (left, right)):
        return True
    return OPEN if OPEN in (left, right) else right


def _equal(left: Value, right: Value) -> Value:
    if left is OPEN or right is OPEN:
        return OPEN
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    return left == right if type(left) is type(right) else OPEN


class _Reader:
    """Reads an expression by its grammar."""

    def __init__(self, tokens: list[str], known: dict[str, Value]) -> None:
        self.tokens = tokens
        self.known = known

    def whole(self) -> Value:
        value = self.either()
        if self.tokens:
            raise _Unclear
        return value

    def take(self, *wanted: str) -> str:
        if self.tokens and (not wanted or self.tokens[0] in wanted):
            return self.tokens.pop(0)
        return ""

    def either(self) -> Value:
        value = self.both()
        while self.take("||"):
            value = _or(value, self.both())
        return value

    def both(self) -> Value:
        value = self.compared()
        while self.take("&&"):
            value = _and(value, self.compared())
        return value

    def compared(self) -> Value:
        value = self.single()
        while operator := self.take("==", "!=", "<", ">", "<=", ">="):
            other = self.single()
            same = _equal(value, other) if operator in ("==", "!=") else OPEN
            value = _not(same) if operator == "!=" else same
        return value

    def single(self) -> Value:
        if self.take("!"):
            return _not(self.single())
        if self.take("("):
            value = self.either()
            self.need(")")
            return value
        token = self.take()
        if not token or token in "),]":
            raise _Unclear
        if token[0] == "'":
            return token[1:-1].replace("''", "'")
        if token[0].isdigit():
            return float(token)
        return self.called(token) if self.take("(") else self.named(token)

    def named(self, name: str) -> Value:
        if self.take("["):
            self.either()
            self.need("]")
            return OPEN
        return self.known.get(name.lower(), OPEN)

    def called(self, name: str) -> Value:
        arguments: list[Value] = []
        while not self.take(")"):
            arguments.append(self.either())
            if not self.take(",") and self.tokens[:1] != [")"]:
                raise _Unclear
        function = _FUNCTIONS.get(name.lower())
        if function is None or any(not isinstance(one, str) for one in arguments):
            return OPEN
        try:
            return function(*(one.lower() for one in arguments))
        except TypeError:
            return OPEN

    def need(self, token: str) -> None:
        if not self.take(token):
            raise _Unclear


_FUNCTIONS: dict[str, Callable[..., bool]] = {
    "always": lambda: True,
    "success": lambda: True,
    "failure": lambda: False,
    "cancelled": lambda: False,
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
}
