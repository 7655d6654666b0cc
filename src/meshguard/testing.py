"""For tests of checks: a target whose facts are literal, read through the same recording as in a replay.

site = recorded(Web, {Web.get: {("/",): Response(...)}}, url="https://example.org")
verdict = await judge(hsts, Page(path="/"), site)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from meshguard.audit import verdict_of
from meshguard.check import Check
from meshguard.errors import NotObserved
from meshguard.evidence import Evidence, Failure, Observation
from meshguard.fact import Fact
from meshguard.target import Target
from meshguard.verdict import Verdict

T = TypeVar("T", bound=Target[Any])


def recorded(
    kind: type[T], facts: Mapping[Fact[Any, Any, Any], Mapping[tuple[Any, ...], object]], **settings: Any
) -> T:
    """A target that answers these facts and no others; a value that is an exception is a failed fact.

    Args:
        kind: the class of the target.
        facts: fact -> arguments -> value.
        settings: the target's settings; `name` is "target" unless given.
    """
    observations: dict[str, Observation] = {}
    evidence = Evidence(recorded=observations)
    target = kind(kind.Settings.model_validate({"name": "target", **settings}), evidence)
    for fact, answers in facts.items():
        for arguments, answer in answers.items():
            key = fact.call(target, *arguments).key
            observations[key] = _observation(key, fact, answer)
    return target


def _observation(key: str, fact: Fact[Any, Any, Any], answer: object) -> Observation:
    when = "2026-01-01T00:00:00.000Z"
    if isinstance(answer, NotObserved):
        return Observation(key, when, None, Failure(answer.kind, answer.reason, answer.fix))
    return Observation(key, when, json.loads(fact.codec.dump_json(answer)))


async def judge(check: Check[Any], *arguments: Any, **parameters: Any) -> Verdict:
    """What the audit would say: parameters go through the check's own model, as a profile's do."""
    model = check.parameters.model_validate(parameters)
    values = {name: getattr(model, name) for name in type(model).model_fields}
    verdict, _ = await verdict_of(check, list(arguments), values)
    return verdict
