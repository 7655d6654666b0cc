"""Which statements give all of AWS, or all of a service (CIS AWS Foundations, "full *:* administrative privileges")."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from meshguard_checks.parsing.aws_policy_answer import Answer, Finding, Judgement, both, either, opposite
from meshguard_checks.parsing.aws_policy_document import Patterns, Policy, Statement, lower
from meshguard_checks.parsing.aws_policy_keys import is_about_the_caller
from meshguard_checks.parsing.aws_policy_match import covers, covers_action, one_resource
from meshguard_checks.parsing.aws_policy_public import taken_away

EVERYTHING = "everything"
ALL_BUT = "all but what is listed"
_EVERY_ACTION = re.compile(r"\*+(:\*+)?")
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")


def full_admin(policy: Policy) -> list[Finding]:
    """Statements that allow every action on every resource; `subject` says whether through NotAction or NotResource.

    A condition on the caller (MFA, address, organization) leaves it what it is; any other leaves it undecided. Of Deny
    statements only those count that take all of it away.
    """
    found = []
    for statement in policy.statements:
        if statement.allow:
            reach = both((_every_action(statement.actions), _every_resource(statement)))
            subject = ALL_BUT if _is_all_but(statement) else EVERYTHING
            found += _found(policy, statement, Judgement(reach, f"it allows {subject}"), subject)
    return found


def service_admin(policy: Policy, services: Iterable[str]) -> list[Finding]:
    """Statements that allow every action of a service on all its resources, one finding for each service.

    `subject` is the service. What `full_admin` finds is found here too.
    """
    found = []
    for service in map(lower, services):
        every = Patterns((f"{service}:*",))
        for statement in policy.statements:
            if statement.allow:
                judged = _of_service(statement, service, every)
                narrow = replace(statement, actions=every)
                found += _found(policy, narrow, judged, service)
    return found


def _found(policy: Policy, statement: Statement, judged: Judgement, subject: str) -> list[Finding]:
    answer, reason = judged.answer, judged.reason
    if answer is Answer.NO:
        return []
    narrowing = [one.written for one in statement.conditions if not is_about_the_caller(one.key)]
    if narrowing:
        answer, reason = Answer.UNDECIDED, f"{reason}, where {', '.join(narrowing)} is met"
    if taken_away(policy, statement).answer is Answer.YES:
        return []
    return [Finding(statement.label, answer, reason, subject)]


def _is_all_but(statement: Statement) -> bool:
    listed = (statement.actions, statement.resources)
    return any(patterns is not None and patterns.negated and bool(patterns.values) for patterns in listed)


def _every_action(actions: Patterns) -> Answer:
    if actions.negated:
        return Answer.NO if any(_EVERY_ACTION.fullmatch(one) for one in actions.values) else Answer.YES
    if any(_EVERY_ACTION.fullmatch(one) for one in actions.values):
        return Answer.YES
    odd = any("*" in one and not one.strip("*?:") for one in actions.values)
    return Answer.UNDECIDED if odd else Answer.NO


def _every_resource(statement: Statement) -> Answer:
    patterns = statement.resources
    if patterns is None:
        return Answer.NO
    every = any(one and not one.strip("*") for one in patterns.values)
    if patterns.negated:
        return Answer.NO if every else Answer.YES
    if every:
        return Answer.YES
    # AWS says that no wildcard may stand for the service, so that what such an ARN matches is not certain.
    return Answer.NO if _of_partitions(statement, patterns, "*") is Answer.NO else Answer.UNDECIDED


def _of_partitions(statement: Statement, patterns: Patterns, service: str) -> Answer:
    """Whether one pattern matches every resource of a service in one of the partitions."""
    whole = [f"arn:{partition}:{service}:*:*:*" for partition in _PARTITIONS]
    variables = statement.variables
    return either(
        one_resource(one, arn, variables=variables, patterned=True) for one in patterns.values for arn in whole
    )


def _of_service(statement: Statement, service: str, every: Patterns) -> Judgement:
    action, resource = _service_actions(statement.actions, service, every), _service_resources(statement, service)
    nearly = " nearly" if _is_all_but(statement) else ""
    return Judgement(both((action, resource)), f"it allows{nearly} every action of {service} on all resources")


def _service_actions(actions: Patterns, service: str, every: Patterns) -> Answer:
    if actions.negated:
        return Answer.NO if any(covers_action(one, every.values[0]) for one in actions.values) else Answer.YES
    if covers(actions, every, covers_action):
        return Answer.YES
    names = [one.removeprefix(f"{service}:") for one in actions.values]
    return Answer.UNDECIDED if any("*" in name and not name.strip("*?") for name in names) else Answer.NO


def _service_resources(statement: Statement, service: str) -> Answer:
    patterns = statement.resources
    if patterns is None:
        return Answer.NO
    met = _of_partitions(statement, patterns, service)
    return opposite(met) if patterns.negated else met
