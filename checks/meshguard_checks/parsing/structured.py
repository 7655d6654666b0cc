"""Structured field values (RFC 9651): dictionaries and items, read strictly, in time linear in their length.

One mistake voids the whole field, as the standard says (4.2). Parameters are read and dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_DISPLAY = re.compile(r'%"(?:[ !#-$&-~]|%[0-9a-f]{2})*"')
_BYTES = re.compile(r":[A-Za-z0-9+/=]*:")
_DECIMAL = re.compile(r"-?[0-9]{1,12}\.[0-9]{1,3}(?![0-9.])")
_INTEGER = re.compile(r"-?[0-9]{1,15}(?![0-9.])")
_DATE = re.compile(r"@-?[0-9]{1,15}(?![0-9.])")
_BOOLEAN = re.compile(r"\?[01]")
_SPACES = re.compile(r" *")
_BLANK = re.compile(r"[ \t]*")
_BARE = (_TOKEN, _STRING, _DECIMAL, _INTEGER, _BOOLEAN, _BYTES, _DATE, _DISPLAY)


class Malformed(ValueError):
    """The field is void; the text says where."""


@dataclass(frozen=True)
class Item:
    """A bare item as it is written: `self`, `"https://example.org"`, `?1`, `42`."""

    text: str


InnerList = tuple[Item, ...]
Member = Item | InnerList
_TRUE = Item("?1")


def parse_item(text: str) -> Item:
    """The field as one item.

    Raises:
        Malformed: it is none.
    """
    found, at = _item(text, _skip(_SPACES, text, 0))
    if _skip(_SPACES, text, at) != len(text):
        raise Malformed(f"character {at + 1} does not belong there")
    return found


def parse_dictionary(text: str) -> dict[str, Member]:
    """The field as a dictionary; the last member of a name counts.

    Raises:
        Malformed: it is none.
    """
    found: dict[str, Member] = {}
    at = _skip(_SPACES, text, 0)
    while at < len(text):
        key, at = _match(_KEY, text, at, "lower-case name")
        if text.startswith("=", at):
            found[key], at = _member(text, at + 1)
        else:
            found[key], at = _TRUE, _parameters(text, at)
        at = _skip(_BLANK, text, at)
        if at == len(text):
            return found
        if text[at] != ",":
            raise Malformed(f"character {at + 1} is no comma")
        at = _skip(_BLANK, text, at + 1)
        if at == len(text):
            raise Malformed("it ends with a comma")
    return found


def _member(text: str, at: int) -> tuple[Member, int]:
    return _inner_list(text, at) if text.startswith("(", at) else _item(text, at)


def _inner_list(text: str, at: int) -> tuple[InnerList, int]:
    items: list[Item] = []
    at = _skip(_SPACES, text, at + 1)
    while not text.startswith(")", at):
        item, after = _item(text, at)
        items.append(item)
        at = _skip(_SPACES, text, after)
        if at == after and not text.startswith(")", at):
            raise Malformed(f"character {at + 1} does not belong into the list")
    return tuple(items), _parameters(text, at + 1)


def _item(text: str, at: int) -> tuple[Item, int]:
    for kind in _BARE:
        if found := kind.match(text, at):
            return Item(found.group()), _parameters(text, found.end())
    raise Malformed(f"character {at + 1} begins no value")


def _parameters(text: str, at: int) -> int:
    """Where the parameters end."""
    while text.startswith(";", at):
        _, at = _match(_KEY, text, _skip(_SPACES, text, at + 1), "parameter")
        if text.startswith("=", at):
            bare = next((found for kind in _BARE if (found := kind.match(text, at + 1))), None)
            if bare is None:
                raise Malformed(f"character {at + 2} begins no value")
            at = bare.end()
    return at


def _match(kind: re.Pattern[str], text: str, at: int, what: str) -> tuple[str, int]:
    found = kind.match(text, at)
    if found is None:
        raise Malformed(f"character {at + 1} begins no {what}")
    return found.group(), found.end()


def _skip(kind: re.Pattern[str], text: str, at: int) -> int:
    found = kind.match(text, at)
    return found.end() if found else at


def dictionary_or_problem(lines: list[str]) -> dict[str, Member] | str:
    """The dictionary that the lines of one name make, or what voids it."""
    try:
        return parse_dictionary(", ".join(lines))
    except Malformed as fault:
        return str(fault)


def bare_item(value: str) -> str:
    """The item without its parameters; empty where browsers ignore the header."""
    try:
        return parse_item(value).text
    except Malformed:
        return ""
