"""A policy document as typed data (IAM User Guide, "Grammar of the IAM JSON policy language").

What the grammar does not know is refused, since nothing can be said of it; empty lists and blocks, which AWS takes
with a warning, are kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Any, NoReturn

from meshguard_checks.parsing.aws_policy_answer import clip

VERSIONS = ("2008-10-17", "2012-10-17")
PRINCIPAL_KINDS = ("AWS", "CanonicalUser", "Federated", "Service")
_POLICY = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class PolicyError(ValueError):
    """The text is no policy; the message says what is wrong."""


@dataclass(frozen=True)
class Patterns:
    """An element and its Not form: what is listed, or all but that."""

    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class Principal:
    """One of the values of Principal; `"*"` alone is `{"AWS": "*"}`."""

    kind: str
    value: str


@dataclass(frozen=True)
class Principals:
    """Principal, or NotPrincipal: all but those."""

    values: tuple[Principal, ...]
    negated: bool = False


@dataclass(frozen=True)
class Condition:
    """One key under one operator, both in lower case; its values are ORed, conditions are ANDed."""

    operator: str
    key: str
    values: tuple[str, ...]
    written: str
    """Operator and key as the document spells them."""


@dataclass(frozen=True)
class Statement:
    """One statement."""

    label: str
    allow: bool
    principals: Principals | None
    actions: Patterns
    """In lower case: actions are not case-sensitive."""
    resources: Patterns | None
    """None: what the policy is attached to, as in a role's trust policy."""
    conditions: tuple[Condition, ...]
    variables: bool
    """Whether `${...}` is a policy variable here, and not text."""


@dataclass(frozen=True)
class Policy:
    """A policy; `version` is 2008-10-17 where none is given, and policy variables work in 2012-10-17 alone."""

    version: str
    statements: tuple[Statement, ...]


def parse(text: str) -> Policy:
    """The policy that a JSON text holds. Raises PolicyError where it holds none."""
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except PolicyError:
        raise
    except RecursionError:
        raise PolicyError("the JSON is nested too deep for a policy") from None
    except ValueError as fault:
        encoded = "; it looks URL-encoded, decode it first" if text.startswith("%7B") else ""
        raise PolicyError(f"not JSON: {clip(str(fault))}{encoded}") from None
    policy = _elements(document, "the policy", _POLICY)
    version = policy.get("Version", VERSIONS[0])
    if version not in VERSIONS:
        raise PolicyError(f"Version is none of {', '.join(VERSIONS)}")
    if "Statement" not in policy:
        raise PolicyError("the policy has no Statement")
    found = policy["Statement"]
    listed = found if isinstance(found, list) else [found]
    variables = version == VERSIONS[1]
    return Policy(version, tuple(_statement(item, n, variables) for n, item in enumerate(listed, 1)))


def lower(text: str) -> str:
    """The text with A to Z lowered, and no letter of another script turned into one of these."""
    return text.translate(_LOWER)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise PolicyError(f"the key {clip(key)!r} stands twice in one object")
        found[key] = value
    return found


def _constant(name: str) -> NoReturn:
    raise PolicyError(f"not JSON: {name}")


def _elements(value: Any, where: str, known: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PolicyError(f"{where} is {_kind(value)}, not an object")
    for name in value:
        if name not in known:
            near = next((word for word in known if word.lower() == name.lower()), "")
            hint = f"; element names are case-sensitive: {near}" if near else ""
            raise PolicyError(f"{where} has an unknown element {clip(name)!r}{hint}")
    return value


def _statement(value: Any, number: int, variables: bool) -> Statement:
    where = f"statement {number}"
    elements = _elements(value, where, _STATEMENT)
    sid = elements.get("Sid", "")
    if not isinstance(sid, str):
        raise PolicyError(f"{where}: Sid is {_kind(sid)}, not text")
    label = f"{where} ({clip(sid)})" if sid else where
    effect = elements.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"{label}: Effect is neither Allow nor Deny (it is case-sensitive)")
    actions = _patterns(elements, "Action", label)
    if actions is None:
        raise PolicyError(f"{label} has neither Action nor NotAction")
    return Statement(
        label=label,
        allow=effect == "Allow",
        principals=_principals(elements, label),
        actions=Patterns(tuple(lower(action) for action in actions.values), actions.negated),
        resources=_patterns(elements, "Resource", label),
        conditions=_conditions(elements.get("Condition", {}), label),
        variables=variables,
    )


def _one_of(elements: dict[str, Any], name: str, where: str) -> str | None:
    """`name` or its Not form, whichever stands there; both are refused."""
    found = [spelled for spelled in (name, f"Not{name}") if spelled in elements]
    if len(found) > 1:
        raise PolicyError(f"{where} has both {name} and Not{name}")
    return found[0] if found else None


def _patterns(elements: dict[str, Any], name: str, where: str) -> Patterns | None:
    spelled = _one_of(elements, name, where)
    if spelled is None:
        return None
    return Patterns(_texts(elements[spelled], f"{where}: {spelled}"), spelled != name)


def _texts(value: Any, where: str) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    for item in listed:
        if not isinstance(item, str):
            raise PolicyError(f"{where} is or holds {_kind(item)}, not text")
    return tuple(listed)


def _principals(elements: dict[str, Any], where: str) -> Principals | None:
    spelled = _one_of(elements, "Principal", where)
    if spelled is None:
        return None
    value, where = elements[spelled], f"{where}: {spelled}"
    negated = spelled == "NotPrincipal"
    if value == "*":
        return Principals((Principal("AWS", "*"),), negated)
    if isinstance(value, str):
        raise PolicyError(f'{where} is text other than "*"; a principal stands under its kind')
    kinds = _elements(value, where, frozenset(PRINCIPAL_KINDS))
    named = [Principal(kind, one) for kind, listed in kinds.items() for one in _texts(listed, f"{where}: {kind}")]
    return Principals(tuple(named), negated)


def _conditions(value: Any, where: str) -> tuple[Condition, ...]:
    where = f"{where}: Condition"
    found: dict[tuple[str, str], Condition] = {}
    for operator, block in _block(value, where).items():
        for key, values in _block(block, f"{where} {clip(operator)}").items():
            place = lower(operator), lower(key)
            if place in found:
                raise PolicyError(f"{where}: {clip(operator)} {clip(key)} stands twice, in two spellings")
            scalars = _scalars(values, f"{where} {clip(operator)}")
            found[place] = Condition(*place, scalars, f"{clip(operator)} {clip(key)}")
    return tuple(found.values())


def _block(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PolicyError(f"{where} is {_kind(value)}, not an object")
    return value


def _scalars(value: Any, where: str) -> tuple[str, ...]:
    """Values as text: quotes around numbers and Booleans are optional in a policy."""
    listed = value if isinstance(value, list) else [value]
    for item in listed:
        if not isinstance(item, str | bool | int | float):
            raise PolicyError(f"{where} is or holds {_kind(item)}, not text, a number or a Boolean")
    return tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in listed)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a Boolean", type(None): "null"}
    return names.get(type(value), "a number")
