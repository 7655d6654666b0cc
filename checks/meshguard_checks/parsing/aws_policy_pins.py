"""Whether a statement's conditions keep strangers out, by pinning a value that a stranger does not have.

Amazon S3 User Guide, "Blocking public access", section "The meaning of public": what is not granted to fixed values,
without a wildcard or a policy variable, is public. We follow it, save where an ARN's account is fixed and a wildcard
stands elsewhere in it: that keeps all other accounts out. For keys that are missing: IAM User Guide, "IAM JSON policy
elements: Condition operators" and "Set operators for multivalued context keys".
"""

from __future__ import annotations

from dataclasses import dataclass

from meshguard_checks.parsing import aws_policy_keys as keys
from meshguard_checks.parsing.aws_policy_answer import Answer, both
from meshguard_checks.parsing.aws_policy_document import Condition, Statement
from meshguard_checks.parsing.aws_policy_values import Pin, addresses, value_pin

STRINGS = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
ARNS = frozenset({"arnequals", "arnlike"})
_SUFFIX = "ifexists"


@dataclass(frozen=True)
class Operator:
    """A condition operator's parts."""

    base: str
    if_exists: bool
    quantifier: str
    """forallvalues, foranyvalue, or nothing."""

    @property
    def negated(self) -> bool:
        """Whether it lets through all but the values."""
        return "not" in self.base

    @property
    def needs_key(self) -> bool:
        """Whether a request without the key does not meet it."""
        return not (self.if_exists or self.quantifier == "forallvalues")


@dataclass(frozen=True)
class Restriction:
    """Whether strangers are kept out, by what, and whom it lets in."""

    answer: Answer
    reason: str
    pins: tuple[Pin, ...] = ()
    """One of these the request must have."""


def operator(condition: Condition) -> Operator:
    """The parts of a condition's operator."""
    quantifier, colon, rest = condition.operator.rpartition(":")
    base = rest.removesuffix(_SUFFIX)
    return Operator(base, base != rest, quantifier if colon else "")


def restrictions(statement: Statement) -> list[Restriction]:
    """What each of a statement's conditions does against strangers; together they are ANDed."""
    present = {condition.key for condition in statement.conditions if _demands_presence(condition)}
    return [_restriction(condition, statement, present) for condition in statement.conditions]


def restricted(statement: Statement) -> Restriction:
    """The one that keeps strangers out; else one that may; else that none does."""
    found = restrictions(statement)
    for answer in (Answer.YES, Answer.UNDECIDED):
        for one in found:
            if one.answer is answer:
                return one
    return found[0] if found else Restriction(Answer.NO, "there is no condition")


def _demands_presence(condition: Condition) -> bool:
    values = {value.lower() for value in condition.values}
    return condition.operator == "null" and values == {"false"}


def _restriction(condition: Condition, statement: Statement, present: set[str]) -> Restriction:
    parts, key, written = operator(condition), condition.key, condition.written
    if keys.says_nothing_of_who(key):
        return Restriction(Answer.NO, f"{written} does not keep strangers out")
    if parts.base == "null":
        return Restriction(Answer.NO, f"{written} asks whether the key is there, not for its value")
    if parts.negated:
        return Restriction(Answer.NO, f"{written} lets in all but its values")
    if not _is_known(key):
        return Restriction(Answer.UNDECIDED, f"whether {written} keeps strangers out is not known")
    if not parts.needs_key and key not in present:
        # kms:CallerAccount is there in nearly every request; the others are missing where nobody signs, or signs so.
        answer = Answer.UNDECIDED if key == keys.CALLER_ACCOUNT else Answer.NO
        return Restriction(answer, f"{written} is met by a request without the key")
    return _by_values(condition, parts.base, statement)


def _is_known(key: str) -> bool:
    fixed = {keys.SOURCE_IP, "aws:sourcevpc", "aws:sourcevpce", "aws:userid", "aws:principalservicename"}
    return key in fixed | keys.ACCOUNTS | keys.ORGANIZATIONS | keys.ORGANIZATION_PATHS | keys.ARNS


def _by_values(condition: Condition, base: str, statement: Statement) -> Restriction:
    """Its values are ORed: each must be a pin."""
    key, written = condition.key, condition.written
    fitting = {"ipaddress"} if key == keys.SOURCE_IP else STRINGS | (ARNS if key in keys.ARNS else frozenset())
    if base not in fitting or not condition.values:
        return Restriction(Answer.UNDECIDED, f"what {written} does with this key and its values is not known")
    if key == keys.SOURCE_IP:
        pins = addresses(condition.values)
    else:
        pins = tuple(value_pin(key, value, base, variables=statement.variables) for value in condition.values)
    answer = both(pin.answer for pin in pins)
    worst = next(pin for pin in pins if pin.answer is answer)
    return Restriction(answer, f"{written}: {worst.reason}", pins)
