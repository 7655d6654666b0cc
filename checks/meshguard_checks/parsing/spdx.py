"""SPDX expressions held against a policy of what may be used.

OR: one branch that may be used is enough. AND: every part must be. WITH: the licence and its exception are one symbol.
`X+` and `X-or-later` let the user choose X itself (SPDX 2.3, annex D).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from meshguard.targets.repo.licence_terms import is_identifier, known_identifiers, tree_of

State = Literal["allowed", "unknown", "unlisted", "denied"]
ORDER: tuple[State, ...] = ("allowed", "unknown", "unlisted", "denied")
"""From good to bad: OR takes the first that a branch has, AND the last."""


@dataclass(frozen=True)
class Policy:
    """What may be used: all of `allow`, or, where that is empty, all that `deny` does not name."""

    allow: tuple[str, ...]
    deny: tuple[str, ...]

    def __str__(self) -> str:
        """What is wanted."""
        return ", ".join(self.allow) if self.allow else f"none of {', '.join(self.deny)}"


def term(text: str) -> str:
    """One entry of a policy: an identifier, `LICENCE WITH EXCEPTION`, or a pattern such as `GPL-*`.

    Raises:
        ValueError: the SPDX list has nothing of the kind.
    """
    parts = text.split(" WITH ")
    if len(parts) > 2 or not all(_means_something(part) for part in parts):
        raise ValueError(f"{text!r} is no identifier of the SPDX licence list, LicenseRef-..., or pattern of such")
    return text


def _means_something(part: str) -> bool:
    if "*" in part:
        return any(fnmatchcase(one, part) for one in known_identifiers())
    return is_identifier(part)


def state_of(expression: str, policy: Policy) -> State:
    """Whether what an SPDX expression says may be used; an empty one is unknown."""
    return _state(tree_of(expression), policy) if expression else "unknown"


def _state(node: tuple[object, ...], policy: Policy) -> State:
    kind, *parts = node
    if kind == "IS":
        return _symbol(str(parts[0]), str(parts[1]), policy)
    states = [_state(part, policy) for part in parts if isinstance(part, tuple)]
    return (min if kind == "OR" else max)(states, key=ORDER.index)


def _symbol(licence: str, exception: str, policy: Policy) -> State:
    whole = f"{licence} WITH {exception}" if exception else licence
    names = [whole] if exception else list(_choices(licence))
    if any(_matches(name, policy.allow) for name in names):
        return "denied" if whole in policy.deny else "allowed"
    if exception and _matches(exception, policy.allow):
        return _symbol(licence, "", policy)
    if all(_matches(name, policy.deny) for name in _choices(licence)) or _matches(whole, policy.deny):
        return "denied"
    if policy.allow:
        return "unlisted"
    return "unknown" if "LicenseRef-" in licence or licence == "UNLICENSED" else "allowed"


def _choices(licence: str) -> Iterable[str]:
    """The licence, and the one version that the user may choose where later ones may be used too."""
    yield licence
    if licence.endswith("+"):
        yield licence[:-1]
    elif licence.endswith("-or-later"):
        yield licence.removesuffix("-or-later") + "-only"


def _matches(name: str, terms: Iterable[str]) -> bool:
    return any(fnmatchcase(name, one) for one in terms)
