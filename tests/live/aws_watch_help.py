"""What the live tests of trails and of detection share: audits of one test cloud that keep their clients."""

from __future__ import annotations

import asyncio
import json
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


class Auditor:
    """Audits of one test cloud. Making clients costs more than all their calls, so they outlive an audit."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.is_good = False
        """Whether the account stands as a builder made it, but for faults and answers."""
        self._targets: dict[str, Aws] = {}

    def __call__(self, checks: Iterable[Check[Any]], *, parameters: Any = None, **said: Any) -> Outcomes:
        """Check and resource -> outcome; a list, or a part of one, that could not be read is "unread"."""

        async def run() -> Outcomes:
            given = {"name": "main", "endpoint": self.cloud.endpoint, "retries": 1, **said}
            if "regions" not in given:
                given["region"] = "us-east-1"
            key = json.dumps(given, sort_keys=True)
            aws = self._targets.setdefault(key, Aws(AwsSettings.model_validate(given), Evidence()))
            aws.evidence = evidence = Evidence()
            found: Outcomes = {}
            for check in checks:
                found |= await _judged(check, aws, Clock.only(evidence), (parameters or {}).get(check.id, {}))
            return found

        return asyncio.run(run())

    def close(self) -> None:
        """End all connections."""
        for aws in self._targets.values():
            asyncio.run(aws.close())


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


def unsettled(outcomes: Outcomes) -> set[str]:
    """Checks that got no usable answer."""
    return {check for (check, _), outcome in outcomes.items() if outcome in ("error", "unread")}


@contextmanager
def auditor() -> Iterator[Auditor]:
    """A test cloud and its auditor; the user's own credentials are not looked at."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        with running() as server:
            found = Auditor(Cloud(server.endpoint))
            yield found
            found.close()
