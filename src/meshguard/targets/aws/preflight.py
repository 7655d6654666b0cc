"""Which IAM actions the caller lacks, asked before an audit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from meshguard.errors import Denied, NotObserved
from meshguard.targets.aws.faults import Answered
from meshguard.targets.aws.models import Account
from meshguard.targets.aws.operation import Operation

if TYPE_CHECKING:
    from meshguard.targets.aws.base import AwsBase

SIMULATE = Operation("iam", "SimulatePrincipalPolicy", items="EvaluationResults")
CALLER = Operation("sts", "GetCallerIdentity", action="")
NAMES_A_CALL = 100
"""Actions in one simulation, at most (IAM API Reference, SimulatePrincipalPolicy)."""
UNSETTLED = "?"


async def preflight(aws: AwsBase, operations: Sequence[Operation]) -> dict[str, str]:
    """Action -> "" where it is allowed in every account, else why not; "?" first where that is not settled.

    IAM simulates the caller's policies, with boundaries and service control policies; policies of resources it does not
    see. Where the caller may not simulate, each operation that takes no argument is called once, and the others stay
    unsettled.
    """
    found: dict[str, str] = {}
    for account in (await aws.accounts()).items:
        for action, fault in (await _in_account(aws, account, operations)).items():
            before = found.get(action, "")
            found[action] = fault if not before or (before.startswith(UNSETTLED) and fault) else before
    return found


async def _in_account(aws: AwsBase, account: Account, operations: Sequence[Operation]) -> dict[str, str]:
    actions = sorted({operation.permission for operation in operations})
    try:
        said = await _simulated(aws, account, actions)
    except NotObserved as fault:
        return await _tried(aws, account, operations, fault.reason)
    return {action: _decided(said.get(action.lower(), ""), account) for action in actions}


async def _simulated(aws: AwsBase, account: Account, actions: Sequence[str]) -> dict[str, str]:
    caller = await aws.call(account.place, CALLER)
    source = principal_of(caller["Arn"])
    results: list[Any] = []
    for start in range(0, len(actions), NAMES_A_CALL):
        names = list(actions[start : start + NAMES_A_CALL])
        results += await aws.pages(account.place, SIMULATE, PolicySourceArn=source, ActionNames=names)
    return {one["EvalActionName"].lower(): one["EvalDecision"] for one in results}


def _decided(decision: str, account: Account) -> str:
    if decision == "allowed":
        return ""
    if not decision:
        return f"{UNSETTLED}the simulation did not speak of it in account {account.id}"
    return f"{decision} in account {account.id}"


async def _tried(aws: AwsBase, account: Account, operations: Sequence[Operation], why: str) -> dict[str, str]:
    answers = await asyncio.gather(*(_try(aws, account, operation, why) for operation in operations))
    found: dict[str, str] = {}
    for operation, fault in zip(operations, answers, strict=True):
        found[operation.permission] = found.get(operation.permission) or fault
    return found


async def _try(aws: AwsBase, account: Account, operation: Operation, why: str) -> str:
    if await aws.takes_arguments(account.place, operation):
        return f"{UNSETTLED}they can only be called for a resource, and IAM did not simulate them: {why}"
    try:
        await aws.try_once(account.place, operation)
    except Denied as fault:
        return fault.reason
    except Answered:
        return ""  # such as that there is no report yet: the caller was let in
    except NotObserved as fault:
        return f"{UNSETTLED}{fault.reason}"
    return ""


def principal_of(arn: str) -> str:
    """The user or role behind a caller's ARN: a session of a role is simulated as the role."""
    parts = arn.split(":", 5)
    if len(parts) == 6 and parts[2] == "sts" and parts[5].startswith("assumed-role/"):
        return f"{parts[0]}:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
    return arn
