"""`meshguard ask`: one fact, shown as a check would see it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from meshguard.cli.audit import ALL_EFFECTS
from meshguard.cli.output import emit, note
from meshguard.clock import Clock
from meshguard.deployment import Deployment, load_deployment
from meshguard.errors import MeshGuardError, Mistake, Mistakes, NotObserved
from meshguard.evidence import Allowed, Evidence
from meshguard.fact import Fact
from meshguard.plugins import Plugins
from meshguard.target import Egress, Target
from meshguard.values import did_you_mean


def ask_fact(path: Path, target_name: str, fact_name: str, arguments: tuple[str, ...], active: str) -> int:
    """Print the observation of one fact as JSON; 0 where it has a value, 3 where it has none."""
    plugins, mistakes = Plugins(), list[Mistake]()
    deployment = load_deployment(path, plugins, mistakes)
    if deployment is None or mistakes:
        raise Mistakes(mistakes)
    allowed = Allowed(ALL_EFFECTS) if active == deployment.name and deployment.file.active else Allowed()
    evidence = Evidence(allowed=allowed, masks=deployment.secrets())
    return asyncio.run(_ask(deployment, plugins, evidence, target_name, fact_name, arguments))


async def _ask(
    deployment: Deployment,
    plugins: Plugins,
    evidence: Evidence,
    target_name: str,
    fact_name: str,
    arguments: tuple[str, ...],
) -> int:
    target = _target(deployment, plugins, evidence, target_name)
    facts = type(target).facts()
    if not fact_name:
        for fact in facts.values():
            first = (fact.__doc__ or "").strip().split("\n")[0]
            emit(f"{fact.name}({', '.join(fact.parameters)})  [{fact.effect}]  {first}\n")
        return 0
    if fact_name not in facts:
        hint = did_you_mean(fact_name, facts, otherwise=f"{target} answers {', '.join(facts)}")
        raise MeshGuardError(f"{target} has no fact {fact_name!r}", fix=hint)
    fact = facts[fact_name]
    try:
        call = fact.call(target, *_arguments(fact, arguments))
    except TypeError as fault:
        raise MeshGuardError(f"{fact_name}: {fault}", fix=f"it takes ({', '.join(fact.parameters)})") from None
    try:
        await evidence.read(call)
    except NotObserved as fault:
        note(f"meshguard: {fault.reason}" + (f"\n  {fault.fix}" if fault.fix else ""))
        return 3
    finally:
        await target.close()
    observation = evidence.observations[call.key]
    shown = {"key": observation.key, "collected": observation.collected, "value": observation.value}
    emit(json.dumps({**shown, "reads": list(observation.reads)}, indent=2, ensure_ascii=False) + "\n")
    return 0


def _arguments(fact: Fact[Any, Any, Any], texts: tuple[str, ...]) -> list[Any]:
    """Each argument as JSON where the fact does not ask for text, else as it stands."""
    kinds = [str(parameter.annotation) for parameter in fact.parameters.values()]
    values: list[Any] = []
    for index, text in enumerate(texts):
        if index < len(kinds) and kinds[index] in ("str", "Version"):
            values.append(text)
            continue
        try:
            values.append(json.loads(text))
        except ValueError:
            values.append(text)
    return values


def _target(deployment: Deployment, plugins: Plugins, evidence: Evidence, name: str) -> Target[Any]:
    if name in ("clock", "clock:audit"):
        return Clock.only(evidence)
    known = {f"{kind}:{entry}": (kind, entry) for kind, entries in deployment.targets.items() for entry in entries}
    found = [ref for full, ref in known.items() if name in (full, ref[1])]
    if len(found) != 1:
        what = f"more than one target is named {name!r}" if found else f"no target is named {name!r}"
        raise MeshGuardError(what, fix=did_you_mean(name, known, otherwise=f"targets: {', '.join(known) or 'none'}"))
    ((kind, entry),) = found
    egress, limits = Egress(deployment.hosts()), deployment.file.limits
    return plugins.target(kind)(deployment.targets[kind][entry], evidence, egress=egress, limits=limits)
