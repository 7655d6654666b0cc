"""What a function's code reaches: the facts and operations that it names, found without running it."""

from __future__ import annotations

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
    """What the code of a function names: members, by attribute, and globals of its module.

    Functions among them are followed (a global one where it stands in the same module), and so is, with `into_facts`,
    the code behind a member that has its function under `ask`. Names are all that is seen: what is reached under
    another name is not.
    """
    seen = set() if seen is None else seen
    function = getattr(function, "ask", function)
    if not isinstance(function, FunctionType) or function in seen:
        return
    seen.add(function)
    for name in _names(function.__code__):
        if name in members:
            yield members[name]
            if into_facts or not hasattr(members[name], "ask"):
                yield from reached(members[name], members, seen, into_facts=into_facts)
        if name in function.__globals__:
            found = function.__globals__[name]
            yield found
            if isinstance(found, FunctionType) and found.__module__ == function.__module__:
                yield from reached(found, members, seen, into_facts=into_facts)


def _names(code: CodeType) -> dict[str, None]:
    """Names that code uses, nested code included, in the order in which they stand."""
    names = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names
