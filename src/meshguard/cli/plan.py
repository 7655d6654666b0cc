"""`meshguard plan`: what an audit would ask, of what, and how often; contacts nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshguard.cli.look import as_json_text, columns
from meshguard.cli.output import emit
from meshguard.plan import Plan, Scope, load_plan
from meshguard.plugins import Plugins
from meshguard.uses import IMPLICIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshguard.fact import Fact
    from meshguard.plan import TargetRef, Task
    from meshguard.profile import Phase


def show_plan(
    path: Path,
    profiles: tuple[str, ...],
    phase: Phase | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    framework: str = "",
    *,
    as_json: bool,
) -> None:
    """Show what an audit would do."""
    plan = load_plan(path, Plugins(), Scope(phase, only, skip, framework), profiles)
    rows, found = [_plan_row(task) for task in plan.tasks], _calls(plan)
    gaps = [(planned.control.id, gap) for planned in plan.controls for gap in planned.gaps]
    if as_json:
        missing = [{"control": control, "check": gap.check.id, "missing": gap.kind} for control, gap in gaps]
        emit(as_json_text({"tasks": rows, "missing": missing, "calls": found, "hosts": _hosts(plan)}))
        return
    emit(f"{len(plan.controls)} controls, {len(rows)} checks on targets\n\n")
    emit(columns([(row["check"], row["target"], row["effect"], ", ".join(row["asks"])) for row in rows]))
    for control, gap in gaps:
        emit(f"{gap.check.id} of {control}: no {gap.kind} target; it will be undetermined\n")
    emit(
        "\nFacts asked\n"
        + columns([(f"{target} {name}", effect, count, calls) for target, name, effect, count, calls in found])
    )
    emit(f"\nHosts contacted: {', '.join(_hosts(plan)) or 'none'}\n")


def _plan_row(task: Task) -> dict[str, Any]:
    return {
        "check": task.check.id,
        "target": task.target,
        "parameters": task.shown_parameters,
        "over": task.check.over.name if task.check.over is not None else None,
        "effect": task.check.effect,
        "asks": [fact.name for fact in task.check.asks if fact.effect not in ("computed", "local")],
    }


def _calls(plan: Plan) -> list[tuple[str, str, str, str, str]]:
    """Each fact that may be asked: target, fact, effect, how often, and the service's calls that it makes.

    No fact is asked twice with the same arguments.
    """
    found: dict[tuple[str, str, str], tuple[str, str]] = {}
    for task, (kind, name), fact in asked_facts(plan):
        over, known = task.check.over, plan.plugins.target(kind)
        count = known.how_often(fact, over.name if over is not None and over.name in known.facts() else "")
        settings = plan.deployment.targets[kind][name]
        calls = known.operations(fact, settings, task.shown_parameters)
        if calls != ():  # what only joins other facts asks nothing itself
            found.setdefault((f"{kind}:{name}", fact.name, fact.effect), (count, ", ".join(calls or ())))
    return [(*key, *said) for key, said in sorted(found.items())]


def asked_facts(plan: Plan) -> Iterator[tuple[Task, TargetRef, Fact[Any, Any, Any]]]:
    """Each fact that a task may ask of one of its targets, as far as asking it is a call."""
    for task in plan.tasks:
        for kind, name in task.targets:
            facts = plan.plugins.target(kind).facts() if kind not in IMPLICIT else {}
            for fact in task.check.asks:
                if facts.get(fact.name) is fact and fact.effect not in ("computed", "local"):
                    yield task, (kind, name), fact


def _hosts(plan: Plan) -> list[str]:
    return [f"{host}:{port}" for host, port in sorted(set(plan.deployment.hosts()))]
