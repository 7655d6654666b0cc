"""What the live tests of buckets and of backups share: the test cloud, and audits of it that share their clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from examples.healthmesh.cloud.builder import Cloud
from examples.healthmesh.cloud.server import running

from meshguard.check import Check
from meshguard.clock import Clock
from meshguard.errors import NotObserved
from meshguard.evidence import Evidence
from meshguard.targets.aws import Aws, AwsSettings
from meshguard.testing import judge

Outcomes = dict[tuple[str, str], str]


@contextmanager
def started() -> Iterator[Cloud]:
    """A test cloud, and credentials for it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        with running() as server:
            yield Cloud(server.endpoint)


class Auditor:
    """Audits one test cloud again and again by one target: making its clients takes longer than most audits here."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._runner = asyncio.Runner()
        self._aws = Aws(self._settings(), Evidence())

    def _settings(self, **said: Any) -> AwsSettings:
        given = {"name": "main", "region": "us-east-1", "endpoint": self.cloud.endpoint, "retries": 1, **said}
        return AwsSettings.model_validate(given)

    def audit(self, checks: Iterable[Check[Any]], parameters: dict[str, dict[str, Any]], **said: Any) -> Outcomes:
        """Check and resource -> outcome; "unread" is a list, or a part of one, and "empty" a list without items."""
        self._aws.settings, self._aws.evidence = self._settings(**said), Evidence()
        return self._runner.run(_audit(checks, parameters, self._aws, Clock.only(self._aws.evidence)))

    def close(self) -> None:
        """End the connections."""
        self._runner.run(self._aws.close())
        self._runner.close()


async def _audit(checks: Iterable[Check[Any]], parameters: dict[str, Any], aws: Aws, clock: Clock) -> Outcomes:
    found = await asyncio.gather(*(_judged(check, parameters.get(check.id, {}), aws, clock) for check in checks))
    return {place: outcome for part in found for place, outcome in part.items()}


async def _judged(check: Check[Any], parameters: dict[str, Any], aws: Aws, clock: Clock) -> Outcomes:
    assert check.over is not None
    try:
        listing = await getattr(aws, check.over.name)()
    except NotObserved:
        return {(check.id, "-"): "unread"}
    targets = [clock if kind is Clock else aws for kind in check.targets.values()]
    found: Outcomes = {}
    for part in listing.unread:
        assert (check.id, part.resource) not in found, f"{part.resource} is unread twice"
        found[check.id, part.resource] = "unread"
    for item in listing.items:
        assert (check.id, str(item)) not in found, f"{item} is listed twice"
        found[check.id, str(item)] = str((await judge(check, item, *targets, **parameters)).outcome)
    return found or {(check.id, "-"): "empty"}


def failing(outcomes: Outcomes) -> set[str]:
    """Checks that fail."""
    return {check for (check, _), outcome in outcomes.items() if outcome == "fail"}
