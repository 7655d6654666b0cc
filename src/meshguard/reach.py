"""What a function's code reaches: the facts and operations that it names, found without running it."""

from __future__ import annotations

from dis import Instruction, get_instructions
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
    for step in get_instructions(code):
        if step.opname in _NOTHING:
            continue
        if step.opname in _ATTRIBUTE and before:
            found[before, step.argval] = None
        elif step.opname in _GLOBAL:
            found["", step.argval] = None
        before = _receiver(step, parameters)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= dict.fromkeys(_names(constant, parameters))
    return tuple(found)


_NOTHING = frozenset({"PRECALL", "CACHE", "EXTENDED_ARG"})
_GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"})
_LOCAL = ("LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF")


def _receiver(step: Instruction, parameters: frozenset[str]) -> str:
    """What an attribute that is taken next is an attribute of: a global's name, any parameter, or "" for all else."""
    if step.opname in _GLOBAL:
        return str(step.argval)
    if step.opname.startswith(_LOCAL):  # some versions of Python load two locals in one step
        last = step.argval[-1] if isinstance(step.argval, tuple) else step.argval
        return _PARAMETER if last in parameters else ""
    return ""
