"""Calls a second, by service: a reader that asks as fast as it can takes the account's own calls their turn.

EC2's control plane, for one, throttles by account and region, so that autoscaling waits behind an audit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

CALLS_A_SECOND = 5.0
S3_CALLS_A_SECOND = 25.0
"""S3 answers about buckets from its data plane, whose limits are far wider."""
BURST = 10
"""Calls that may be made at once after a pause."""


class Rates:
    """Says how long the next call of a service must wait; one instance an audit and target, asked from any thread."""

    def __init__(self, said: Mapping[str, float], *, limited: bool) -> None:
        self._said = dict(said)
        self._limited = limited
        self._next: dict[str, float] = {}
        self._taking = threading.Lock()

    def next_in_s(self, service: str) -> float:
        """Seconds to wait for this call's turn, which is taken by asking."""
        rate = self._said.get(service) or (self._default(service) if self._limited else 0.0)
        if not rate:
            return 0.0
        now, interval = time.monotonic(), 1 / rate
        with self._taking:
            turn = max(self._next.get(service, 0.0), now - (BURST - 1) * interval)
            self._next[service] = turn + interval
        return max(0.0, turn - now)

    @staticmethod
    def _default(service: str) -> float:
        return S3_CALLS_A_SECOND if service == "s3" else CALLS_A_SECOND
