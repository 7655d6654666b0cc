"""What a function's code reaches: the facts and operations that it names, found without running it."""

from __future__ import annotations

import sys
from dis import EXTENDED_ARG, opmap
from functools import cache
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def members_of(kinds: Iterable[type]) -> dict[str, Any]:
    """What the classes and their bases define, by name; a subclass's own wins."""
    members: dict[str, Any] = {}
    for kind in kinds:
        for base in reversed(kind.__mro__):
            members.update(vars(base))
    return members


def reached(
    function: Any, members: Mapping[str, Any], seen: set[Any] | None = None, *, into_facts: bool = True
) -> Iterator[Any]:
    """What the code of a function names: members, where it is an attribute of a parameter or of a class, and globals.

    Functions among them are followed (a global one where it stands in the same module), and so is, with `into_facts`,
    the code behind a member that has its function under `ask`. Names are all that is seen: what is reached under
    another name is not.
    """
    seen = set() if seen is None else seen
    function = getattr(function, "ask", function)
    if not isinstance(function, FunctionType) or function in seen:
        return
    seen.add(function)
    known = function.__globals__
    for receiver, name in _names(function.__code__):
        if not receiver:
            if name in known:
                found = known[name]
                yield found
                if isinstance(found, FunctionType) and found.__module__ == function.__module__:
                    yield from reached(found, members, seen, into_facts=into_facts)
        elif name in members and (receiver == _PARAMETER or isinstance(known.get(receiver), type)):
            yield members[name]
            if into_facts or not hasattr(members[name], "ask"):
                yield from reached(members[name], members, seen, into_facts=into_facts)


_PARAMETER = "()"
"""Stands for any parameter: `self`, or the target that a check takes."""


@cache
def _names(code: CodeType, outer: frozenset[str] = frozenset()) -> tuple[tuple[str, str], ...]:
    """Names that code uses, nested code included: receiver and attribute, or nothing and a global."""
    parameters = outer | frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    found: dict[tuple[str, str], None] = {}
    before = ""
    for kind, name in steps(code):
        if kind == "attribute" and before:
            found[before, name] = None
        elif kind == "global":
            found["", name] = None
        before = name if kind == "global" else _PARAMETER if kind == "local" and name in parameters else ""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= dict.fromkeys(_names(constant, parameters))
    return tuple(found)


def steps(code: CodeType) -> Iterator[tuple[str, str]]:
    """Each step of code as local, attribute or global with its name, or as neither.

    What the standard library's `dis` says, at a tenth of its cost: it works out lines, labels and columns as well.
    """
    raw, extended = code.co_code, 0
    for at in range(0, len(raw), 2):
        kind, shift = _KINDS.get(raw[at], ("", 0))
        argument = raw[at + 1] | extended
        extended = argument << 8 if raw[at] == EXTENDED_ARG else 0
        if kind == "skip":
            continue
        if kind == "pair":  # two locals in one step; an attribute taken next is the second one's
            yield "local", code._varname_from_oparg(argument & 15)  # type: ignore[attr-defined]
        elif kind == "local":
            yield kind, code._varname_from_oparg(argument)  # type: ignore[attr-defined]
        elif kind:
            yield kind, code.co_names[argument >> shift]
        else:
            yield "", ""


_LOADS = {
    "CACHE": ("skip", 0),
    "EXTENDED_ARG": ("skip", 0),
    "PRECALL": ("skip", 0),
    "LOAD_GLOBAL": ("global", 1),
    "LOAD_NAME": ("global", 0),
    "LOAD_ATTR": ("attribute", 1 if sys.version_info >= (3, 12) else 0),
    "LOAD_METHOD": ("attribute", 0),
    "LOAD_SUPER_ATTR": ("attribute", 2),
    "LOAD_DEREF": ("local", 0),
    "LOAD_CLASSDEREF": ("local", 0),
}
"""What a step loads, and how far its argument is shifted to be the place of a name."""


def _kind(name: str) -> tuple[str, int]:
    if name.startswith("LOAD_FAST"):
        return "pair" if name.count("LOAD_FAST") > 1 else "local", 0
    return _LOADS.get(name, ("", 0))


_KINDS = {number: _kind(name) for name, number in opmap.items() if _kind(name)[0]}
