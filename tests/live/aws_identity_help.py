"""What the live tests of identity and of secrets share: an audit of the test cloud, resource by resource."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from meshguard.check import Check
from meshguard.clock import Clock
from meshguard.errors import NotObserved
from meshguard.evidence import Evidence
from meshguard.targets.aws import Aws, AwsSettings
from meshguard.testing import judge

Outcomes = dict[tuple[str, str], str]


def audit(endpoint: str, checks: Iterable[Check[Any]], *, parameters: Any = None, **settings: Any) -> Outcomes:
    """Check and resource -> outcome; a list, or a part of one, that could not be read is "unread"."""

    async def run() -> Outcomes:
        given = {"name": "main", "region": "us-east-1", "endpoint": endpoint, "retries": 1, **settings}
        evidence = Evidence()
        aws = Aws(AwsSettings.model_validate(given), evidence)
        try:
            found: Outcomes = {}
            for check in checks:
                found |= await _judged(check, aws, Clock.only(evidence), (parameters or {}).get(check.id, {}))
            return found
        finally:
            await aws.close()

    return asyncio.run(run())


async def _judged(check: Check[Any], aws: Aws, clock: Clock, parameters: dict[str, Any]) -> Outcomes:
    assert check.over is not None
    try:
        listing = await getattr(aws, check.over.name)()
    except NotObserved:
        return {(check.id, "-"): "unread"}
    targets = [clock if kind is Clock else aws for kind in check.targets.values()]
    found: Outcomes = {(check.id, part.resource): "unread" for part in listing.unread}
    for item in listing.items:
        found[check.id, str(item)] = str((await judge(check, item, *targets, **parameters)).outcome)
    return found or {(check.id, "-"): "empty"}


def failing(outcomes: Outcomes) -> set[str]:
    """Checks that fail."""
    return {check for (check, _), outcome in outcomes.items() if outcome == "fail"}
