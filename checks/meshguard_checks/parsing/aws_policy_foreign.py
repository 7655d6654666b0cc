"""Who of other accounts is let in (IAM User Guide, "IAM JSON policy elements: Principal")."""

from __future__ import annotations

from collections.abc import Collection

from meshguard_checks.parsing.aws_policy_answer import Answer, Finding, Judgement, both, clip
from meshguard_checks.parsing.aws_policy_document import Policy, Principal, Statement
from meshguard_checks.parsing.aws_policy_pins import Restriction, restrictions
from meshguard_checks.parsing.aws_policy_public import anyone, taken_away
from meshguard_checks.parsing.aws_policy_values import ACCOUNT, Pin

_ACCOUNT_FIELD = 4


def foreign_principals(
    policy: Policy, own_accounts: Collection[str], own_organizations: Collection[str] = ()
) -> list[Finding]:
    """Accounts that a resource's policy lets in and that are not ours, one finding for each; ours are left out.

    Services of AWS are no accounts and are left out too. A condition that names no account, such as a network's
    address, leaves undecided whose the callers are.
    """
    found: list[Finding] = []
    for statement in policy.statements:
        if statement.allow:
            of_statement = _of_statement(statement, own_accounts, own_organizations)
            found += _less(policy, statement, of_statement) if of_statement else []
    return found


def _less(policy: Policy, statement: Statement, found: list[Finding]) -> list[Finding]:
    """What a Deny leaves of it."""
    gone = taken_away(policy, statement).answer
    if gone is Answer.YES:
        return []
    if gone is Answer.NO:
        return found
    reason = "; a Deny statement may take it away"
    return [Finding(one.statement, Answer.UNDECIDED, one.reason + reason, one.subject) for one in found]


def _of_statement(statement: Statement, accounts: Collection[str], organizations: Collection[str]) -> list[Finding]:
    named = statement.principals.values if statement.principals and not statement.principals.negated else ()
    found = []
    for principal in named:
        answer = _is_foreign(principal, accounts)
        if answer is not Answer.NO:
            shown = f"{principal.kind} {clip(principal.value)}"
            found.append(Finding(statement.label, answer, _reason(answer, shown), account_of(principal) or shown))
    who = anyone(statement.principals)
    everyone = not named or Principal("AWS", "*") in named
    if everyone and who.answer is not Answer.NO:
        found += _of_conditions(statement, who, accounts, organizations)
    return found


def _reason(answer: Answer, shown: str) -> str:
    if answer is Answer.YES:
        return f"{shown} is of an account that is not ours"
    return f"whose {shown} is cannot be seen from the policy"


def account_of(principal: Principal) -> str:
    """The account that a principal belongs to; empty where its name does not say."""
    if principal.kind not in ("AWS", "Federated"):
        return ""
    fields = principal.value.split(":")
    account = fields[_ACCOUNT_FIELD] if len(fields) > _ACCOUNT_FIELD else principal.value
    return account if ACCOUNT.fullmatch(account) else ""


def _is_foreign(principal: Principal, accounts: Collection[str]) -> Answer:
    if principal.kind == "Service" or principal == Principal("AWS", "*"):
        return Answer.NO
    account = account_of(principal)
    if not account:
        return Answer.UNDECIDED
    return Answer.NO if account in accounts else Answer.YES


def _of_conditions(
    statement: Statement, who: Judgement, accounts: Collection[str], organizations: Collection[str]
) -> list[Finding]:
    """Whom conditions leave of everyone; they are ANDed, so that one which leaves only ours settles it."""
    judged = [(one, _leaves_others(one, accounts, organizations)) for one in restrictions(statement)]
    answer = both((who.answer, *(leaves for _, leaves in judged)))
    if answer is Answer.NO:
        return []
    pinning = [one for one, leaves in judged if one.answer is Answer.YES and leaves is not Answer.NO]
    deciding = next(iter(pinning or [one for one, leaves in judged if leaves is answer]), None)
    reason = f"{who.reason}; {deciding.reason}" if deciding else who.reason
    named = {pin.account or pin.organization for pin in pinning[0].pins} if pinning else set()
    strangers = named - {"", *accounts, *organizations}
    return [Finding(statement.label, answer, reason, name) for name in sorted(strangers) or ["anyone"]]


def _leaves_others(restriction: Restriction, accounts: Collection[str], organizations: Collection[str]) -> Answer:
    """Whether a request that meets it may come from an account that is not ours."""
    if restriction.answer is not Answer.YES:
        return Answer.YES if restriction.answer is Answer.NO else Answer.UNDECIDED
    found = {_is_others(pin, accounts, organizations) for pin in restriction.pins}
    if Answer.YES in found:
        return Answer.YES
    return Answer.UNDECIDED if Answer.UNDECIDED in found else Answer.NO


def _is_others(pin: Pin, accounts: Collection[str], organizations: Collection[str]) -> Answer:
    if pin.account:
        return Answer.NO if pin.account in accounts else Answer.YES
    if pin.organization and organizations:
        return Answer.NO if pin.organization in organizations else Answer.YES
    return Answer.UNDECIDED
