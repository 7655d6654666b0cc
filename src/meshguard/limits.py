"""What an audit may ask of one target: connections at once, calls a second, and how long it waits."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, ConfigDict, Field

from meshguard.values import Duration, parse_duration


class LimitSettings(BaseModel):
    """The `limits` of a deployment or of one target; what is not given comes from the target's kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connections: int | None = Field(None, ge=1, le=256, description="Facts asked of the target at once.")
    calls_per_second: float | None = Field(None, gt=0, description="Facts begun a second, at most.")
    fact_deadline: Duration | None = Field(None, description="Longest time that one fact may take.")

    def over(self, base: LimitSettings) -> LimitSettings:
        """These limits, and `base` where nothing is said."""
        given = {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
        return base.model_copy(update=given)


DEFAULTS = LimitSettings(connections=8, fact_deadline=parse_duration("10s"))


class Limits:
    """The slots of one target. A fact holds one while it asks and gives it back while it waits for another fact."""

    def __init__(self, settings: LimitSettings) -> None:
        settings = settings.over(DEFAULTS)
        assert settings.connections is not None  # noqa: S101 - DEFAULTS has both
        assert settings.fact_deadline is not None  # noqa: S101
        self.connections = settings.connections
        self.deadline_s = settings.fact_deadline.total_seconds()
        self._free = asyncio.Semaphore(settings.connections)
        self._interval = 1 / settings.calls_per_second if settings.calls_per_second else 0.0
        self._next = 0.0

    async def acquire(self, *, begins: bool = True) -> None:
        """Wait for a free slot, and for this call's turn where it begins and does not only go on."""
        await self._free.acquire()
        if not self._interval or not begins:
            return
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._interval
        try:
            await asyncio.sleep(turn - now)
        except asyncio.CancelledError:
            self._free.release()
            raise

    def release(self) -> None:
        """Give the slot back."""
        self._free.release()
