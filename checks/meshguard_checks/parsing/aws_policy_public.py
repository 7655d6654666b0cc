"""Which statements let anyone in (S3 User Guide, "The meaning of public"; IAM User Guide, "Principal")."""

from __future__ import annotations

from collections import defaultdict

from meshguard_checks.parsing.aws_policy_answer import Answer, Finding, Judgement, both, clip, opposite
from meshguard_checks.parsing.aws_policy_document import Patterns, Policy, Principal, Principals, Statement
from meshguard_checks.parsing.aws_policy_keys import is_strangers_choice
from meshguard_checks.parsing.aws_policy_match import Covers, covers, covers_action, covers_resource
from meshguard_checks.parsing.aws_policy_pins import restricted

EVERYTHING = Patterns(("*",))


def public_statements(policy: Policy) -> list[Finding]:
    """For each statement of a resource's policy that allows: does it let anyone in, or any principal of AWS?

    Fixed principals are not anyone, also where they are of another account: see `foreign_principals`.
    """
    return [_public(policy, statement) for statement in policy.statements if statement.allow]


def _public(policy: Policy, statement: Statement) -> Finding:
    who = anyone(statement.principals)
    if who.answer is Answer.NO:
        return Finding(statement.label, Answer.NO, who.reason)
    restriction = restricted(statement)
    answer = both((who.answer, opposite(restriction.answer)))
    reason = f"{who.reason}; {restriction.reason}"
    if answer is not Answer.NO:
        gone = taken_away(policy, statement)
        answer = both((answer, opposite(gone.answer)))
        reason = reason if gone.answer is Answer.NO else f"{reason}; {gone.reason}"
    return Finding(statement.label, answer, reason)


def anyone(principals: Principals | None) -> Judgement:
    """Whether an Allow for these principals is one for anyone, conditions aside."""
    if principals is None:
        return Judgement(Answer.UNDECIDED, "no principal is named")
    if principals.negated:
        return Judgement(Answer.YES, "NotPrincipal lets in all but those it names")
    found = [_is_anyone(principal) for principal in principals.values]
    for answer in (Answer.YES, Answer.UNDECIDED):
        for one in found:
            if one.answer is answer:
                return one
    return Judgement(Answer.NO, "its principals are fixed" if found else "it names nobody")


def _is_anyone(principal: Principal) -> Judgement:
    """One principal; wildcards work as the whole value alone ("IAM JSON policy elements: Principal")."""
    shown = f"{principal.kind} {clip(principal.value)}"
    if principal.kind == "AWS" and principal.value == "*":
        return Judgement(Answer.YES, "its principal is anyone")
    if any(sign in principal.value for sign in ("*", "?", "${")):
        return Judgement(Answer.UNDECIDED, f"the principal {shown} has a wildcard, and AWS knows none there")
    if principal.kind == "Federated" and ":saml-provider/" not in principal.value:
        return Judgement(Answer.UNDECIDED, f"whom {shown} lets in hangs on the tokens that it accepts")
    return Judgement(Answer.NO, f"the principal {shown} is fixed")


def taken_away(policy: Policy, statement: Statement) -> Judgement:
    """Whether Deny statements take from strangers all that an Allow gives, as far as that is simple to see.

    Yes: for each action and resource of it, one denies it to everyone. Undecided: one that denies it under conditions,
    or to all but some, may. A demand that strangers can meet, such as TLS, takes nothing away.
    """
    denies = [one for one in policy.statements if not one.allow]
    full = [one for one in denies if not one.conditions and _is_for_all(one, statement)]
    some = [one for one in denies if one in full or _may_be_for_strangers(one, statement)]
    if covered_by(full, statement.actions, statement.resources or EVERYTHING):
        return Judgement(Answer.YES, f"but {full[0].label} denies it to everyone")
    if covered_by(some, statement.actions, statement.resources or EVERYTHING):
        labels = ", ".join(one.label for one in some if one not in full)
        return Judgement(Answer.UNDECIDED, f"but {labels} may deny it to strangers")
    return Judgement(Answer.NO, "no Deny takes it away")


def _is_for_all(deny: Statement, allow: Statement) -> bool:
    if deny.principals is None:
        return allow.principals is None
    return not deny.principals.negated and Principal("AWS", "*") in deny.principals.values


def _may_be_for_strangers(deny: Statement, allow: Statement) -> bool:
    exempts = deny.principals is not None and deny.principals.negated
    avoidable = any(is_strangers_choice(condition.key) for condition in deny.conditions)
    return (exempts or _is_for_all(deny, allow)) and not avoidable


def covered_by(denies: list[Statement], actions: Patterns, resources: Patterns) -> bool:
    """Whether each action on each resource is surely met by one of the statements."""
    by_action: dict[str, set[str]] = defaultdict(set)
    for deny in denies:
        met = _parts(deny.resources or EVERYTHING, resources, covers_resource)
        for action in _parts(deny.actions, actions, covers_action):
            by_action[action] |= met
    wanted = set(_names(resources))
    return bool(denies) and all(by_action[action] >= wanted for action in _names(actions))


def _names(patterns: Patterns) -> tuple[str, ...]:
    """What must be covered one by one; all but something is one thing."""
    return ("",) if patterns.negated else patterns.values


def _parts(outer: Patterns, inner: Patterns, covered: Covers) -> set[str]:
    if inner.negated:
        return {""} if covers(outer, inner, covered) else set()
    return {one for one in inner.values if covers(outer, Patterns((one,)), covered)}
