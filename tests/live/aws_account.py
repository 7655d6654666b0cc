"""Help for tests of a whole account: one audit in process, what it said of each resource, and what it rested on."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.healthmesh.cloud import account
from examples.healthmesh.cloud.builder import Cloud
from examples.healthmesh.cloud.noted import Made, kept, noted

from meshguard.audit import Audit
from meshguard.check import Check
from meshguard.evidence import Evidence
from meshguard.plan import Plan, Scope, load_plan
from meshguard.plugins import Plugins
from meshguard.targets.aws import Aws
from meshguard.targets.aws.client import Clients
from meshguard.targets.aws.operation import operations_of
from meshguard.verdict import Verdict

NAMESPACES = ("aws.", "data_stores.", "ledger.")
LARGE = "MESHGUARD_LARGE"
"""Set in the environment, it has what takes minutes run too."""
Place = tuple[str, str]
"""A check and a resource."""


def aws_checks() -> dict[str, Check[Any]]:
    """Every installed check that asks AWS."""
    known = Plugins().all_checks()
    return {name: check for name, check in known.items() if name.startswith(NAMESPACES) and "aws" in check.kinds}


def permissions() -> dict[str, str]:
    """Operation -> the IAM action that it takes, for all that any fact may call."""
    facts = Aws.facts().values()
    return {str(operation): operation.permission for fact in facts for operation in operations_of(fact, Aws)}


@dataclass
class Audited:
    """What came of an audit."""

    verdicts: dict[Place, Verdict] = field(default_factory=dict)
    takes: dict[Place, frozenset[str]] = field(default_factory=dict)
    """The operations whose answers a verdict rests on, those of the list of resources too."""
    needs: dict[Place, frozenset[str]] = field(default_factory=dict)
    """The same without what only lists the resources: a part of a list that is denied is a verdict of its own."""
    calls: list[Made] = field(default_factory=list)
    twice: list[Place] = field(default_factory=list)
    """What a list held twice."""

    @property
    def outcomes(self) -> dict[Place, str]:
        """What was said of each resource, in a word."""
        return {place: str(verdict.outcome) for place, verdict in self.verdicts.items()}

    def of(self, *checks: str) -> dict[Place, str]:
        """The same for some of the checks."""
        return {place: outcome for place, outcome in self.outcomes.items() if place[0] in checks}

    @property
    def counts(self) -> Counter[str]:
        """How often each operation was called."""
        return Counter(made.name for made in self.calls)


KEPT: dict[str, Clients] = {}


def audited(
    cloud: Cloud, folder: Path, checks: Iterable[str] | None = None, *, keep: bool = False, **settings: Any
) -> Audited:
    """Audit the account with some checks, or with all that ask AWS, as `meshguard audit` does.

    Args:
        cloud: the server.
        folder: where the audit's files are written.
        checks: ids of the checks; without it all.
        keep: whether the clients of an earlier audit serve, where many audits of one server follow each other.
        settings: other settings of the target.
    """
    chosen = sorted(aws_checks() if checks is None else checks)
    plan = planned(cloud, folder, chosen, **settings)
    evidence = Evidence(masks=plan.deployment.secrets())
    audit = Audit(plan, evidence)
    with noted() as calls, kept(KEPT) if keep else nullcontext():
        asyncio.run(audit.run(asyncio.Event(), []))
    assert not audit.incomplete
    by_fact: dict[str, set[str]] = defaultdict(set)
    for made in calls:
        by_fact[made.fact].add(made.name)
    found = Audited(calls=calls)
    for judgement in audit.judgements.values():
        for judged in judgement.judged:
            place = (judgement.task.check.id, judged.resource)
            found.twice += [place] if place in found.verdicts else []
            found.verdicts[place] = judged.verdict
            own = [key for key in judged.reads if key != judgement.query]
            for kind, keys in ((found.takes, judged.reads), (found.needs, own)):
                kind[place] = frozenset(one for key in evidence.closure(keys) for one in by_fact.get(key, ()))
    return found


def planned(cloud: Cloud, folder: Path, checks: Iterable[str], **settings: Any) -> Plan:
    """The plan of an audit with these checks, each a control of its own."""
    said = {"retries": 1, "limits": {"fact_deadline": "10m"}, **settings}
    return load_plan(account.write(cloud, folder, checks, **said), Plugins(), Scope())


def differences(found: Audited, manifest: dict[Place, str]) -> list[str]:
    """Where an audit says something else of a resource than its builder, or one of both knows a resource alone."""
    said = found.outcomes
    return [
        f"{check} of {resource}: built as {manifest.get((check, resource), 'nothing')}, "
        f"judged {said.get((check, resource), 'never')}"
        for check, resource in sorted(manifest.keys() | said.keys())
        if manifest.get((check, resource)) != said.get((check, resource))
    ]
