"""`meshguard plan --iam-policy`, `meshguard audit --preflight`: permissions an audit takes, and those it lacks."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshguard.cli.output import emit
from meshguard.cli.plan import asked_facts
from meshguard.errors import MeshGuardError, NotObserved
from meshguard.evidence import Evidence
from meshguard.plan import Plan, Scope, load_plan
from meshguard.plugins import Plugins
from meshguard.target import Egress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshguard.fact import Fact
    from meshguard.plan import TargetRef

    Asked = tuple[Fact[Any, Any, Any], Mapping[str, Any]]

UNSETTLED = "?"


def show_policy(path: Path, profiles: tuple[str, ...], scope: Scope) -> None:
    """Print the least IAM policy with which the audit can ask all that its checks need.

    Raises:
        MeshGuardError: nothing that is planned takes a permission.
    """
    plan = load_plan(path, Plugins(), scope, profiles, offline=True)
    actions = set[str]()
    for task, (kind, name), fact in asked_facts(plan):
        known, settings = plan.plugins.target(kind), plan.deployment.targets[kind][name]
        actions.update(known.permissions(fact, settings, task.shown_parameters))
    if not actions:
        raise MeshGuardError("no check of this plan asks AWS", fix="add a target of kind aws, or widen --only")
    emit(json.dumps(_policy(actions), indent=2) + "\n")


def _policy(actions: set[str]) -> dict[str, Any]:
    """The policy, a statement for each service (IAM JSON policy elements)."""
    services: dict[str, list[str]] = {}
    for action in sorted(actions):
        services.setdefault(action.partition(":")[0], []).append(action)
    statements = [
        {
            "Sid": "MeshGuard" + "".join(filter(str.isalnum, service.title())),
            "Effect": "Allow",
            "Action": named,
            "Resource": "*",
        }
        for service, named in services.items()
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def run_preflight(path: Path, profiles: tuple[str, ...], scope: Scope, max_calls: int | None) -> int:
    """Say which permissions are missing; 0 where none is, 1 where one is, 3 where that could not be settled."""
    plan = load_plan(path, Plugins(), scope, profiles)
    asked: dict[TargetRef, list[Asked]] = {}
    for task, ref, fact in asked_facts(plan):
        asked.setdefault(ref, []).append((fact, task.shown_parameters))
    wanting = {ref: facts for ref, facts in asked.items() if _takes(plan, ref, facts)}
    if not wanting:
        emit("No check of this plan takes a permission.\n")
        return 0
    return asyncio.run(_ask_all(plan, wanting, max_calls))


def _takes(plan: Plan, ref: TargetRef, facts: list[Asked]) -> bool:
    known, settings = plan.plugins.target(ref[0]), plan.deployment.targets[ref[0]][ref[1]]
    return any(known.permissions(fact, settings, parameters) for fact, parameters in facts)


async def _ask_all(plan: Plan, asked: dict[TargetRef, list[Asked]], max_calls: int | None) -> int:
    evidence = Evidence(masks=plan.deployment.secrets(), max_calls=max_calls)
    codes = [await _ask_one(plan, evidence, ref, facts) for ref, facts in asked.items()]
    return 1 if 1 in codes else max(codes)


async def _ask_one(plan: Plan, evidence: Evidence, ref: TargetRef, facts: list[Asked]) -> int:
    kind, name = ref
    deployment = plan.deployment
    target = plan.plugins.target(kind)(
        deployment.targets[kind][name], evidence, egress=Egress(deployment.hosts()), limits=deployment.file.limits
    )
    try:
        said = await target.preflight(facts)
    except NotObserved as fault:
        emit(f"{target}: {fault.reason}\n" + (f"  {fault.fix}\n" if fault.fix else ""))
        return 3
    finally:
        await target.close()
    missing = {action: why for action, why in sorted(said.items()) if why and not why.startswith(UNSETTLED)}
    unsettled = {action: why[1:] for action, why in sorted(said.items()) if why.startswith(UNSETTLED)}
    emit(f"{target}: {len(said)} permissions, {len(missing)} missing, {len(unsettled)} not settled\n")
    for title, found in (("missing", missing), ("not settled", unsettled)):
        for why in dict.fromkeys(found.values()):
            emit(f"  {title}: {', '.join(action for action in found if found[action] == why)}\n    {why}\n")
    if missing:
        emit("  `meshguard plan --iam-policy` prints the policy that allows them\n")
    return 1 if missing else 3 if unsettled else 0
