"""The clock is a fact too: checks that speak of time read it here, and a replay reads the recorded time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meshguard.fact import fact
from meshguard.target import Target, TargetSettings

if TYPE_CHECKING:
    from meshguard.evidence import Evidence


class Clock(Target[TargetSettings]):
    """The time at which the audit looked."""

    kind = "clock"

    @classmethod
    def only(cls, evidence: Evidence) -> Clock:
        """The one clock of an audit."""
        return cls(TargetSettings.model_validate({"name": "audit"}), evidence)

    @fact(effect="local")
    async def now(self) -> datetime:
        """The time of the audit, UTC; one answer for the whole audit."""
        return datetime.now(UTC)
