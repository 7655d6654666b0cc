"""Whether one document allows an action on a resource (IAM User Guide, "Policy evaluation logic")."""

from __future__ import annotations

from meshguard_checks.parsing.aws_policy_answer import Answer, both, either, opposite
from meshguard_checks.parsing.aws_policy_document import Policy, Principal, Statement, lower
from meshguard_checks.parsing.aws_policy_match import action_matches, resource_matches


def allows(policy: Policy, action: str, resource: str) -> Answer:
    """Whether it allows one action on one resource: allowed by a statement and denied by none.

    Conditions are not evaluated: a statement that has some is undecided where all else of it matches, and so is one
    for named principals, since who asks is not said.
    """
    if "*" in action or "?" in action:
        raise ValueError(f"{action!r} is a pattern; ask for one action")
    named = lower(action)
    allowed = either(_applies(one, named, resource) for one in policy.statements if one.allow)
    denied = either(_applies(one, named, resource) for one in policy.statements if not one.allow)
    return both((allowed, opposite(denied)))


def _applies(statement: Statement, action: str, resource: str) -> Answer:
    conditions = Answer.UNDECIDED if statement.conditions else Answer.YES
    matched = (action_matches(statement.actions, action), resource_matches(statement, resource))
    return both((*matched, conditions, _is_for_whoever_asks(statement)))


def _is_for_whoever_asks(statement: Statement) -> Answer:
    principals = statement.principals
    if principals is None:
        return Answer.YES
    if Principal("AWS", "*") in principals.values:
        return Answer.NO if principals.negated else Answer.YES
    if not principals.values:
        return Answer.YES if principals.negated else Answer.NO
    return Answer.UNDECIDED
