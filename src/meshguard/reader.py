"""Who reads a fact: what it has read, and what it gives back while it waits."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from meshguard.limits import Limits


@dataclass
class Reader:
    """Who reads: a check, or a fact that reads other facts. While it waits it holds no slot and its clock stands."""

    key: str = ""
    reads: dict[str, None] = field(default_factory=dict)
    limits: Limits | None = None
    clock: asyncio.Timeout | None = None
    holds_slot: bool = False
    _waiting: int = 0
    """Facts that it awaits now; a fact may read several at once."""
    _left_s: float = 0.0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the target's slots; waiting for it does not count against the fact's deadline."""
        if self.limits is None:
            yield
            return
        await self.limits.acquire()
        self.holds_slot = True
        try:
            yield
        finally:
            self._give_back()

    @asynccontextmanager
    async def paused(self, clock: asyncio.Timeout) -> AsyncIterator[None]:
        """Give the slot back and stop the clock while other facts are awaited, until the last of them is there."""
        loop = asyncio.get_running_loop()
        self._waiting += 1
        if (when := clock.when()) is not None:
            self._left_s = when - loop.time()
            clock.reschedule(None)
            self._give_back()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting and await self._take_again():
                clock.reschedule(loop.time() + self._left_s)

    def _give_back(self) -> None:
        if self.limits is not None and self.holds_slot:
            self.holds_slot = False
            self.limits.release()

    async def _take_again(self) -> bool:
        """Wait for a slot; False where meanwhile another wait began, or another one's end has taken a slot."""
        if self.limits is None:
            return True
        await self.limits.acquire(begins=False)
        if self._waiting or self.holds_slot:
            self.limits.release()
            return False
        self.holds_slot = True
        return True


current_reader: ContextVar[Reader | None] = ContextVar("meshguard_reader", default=None)


@asynccontextmanager
async def reading() -> AsyncIterator[Reader]:
    """Everything read inside is noted in the reader that is given."""
    reader = Reader()
    token = current_reader.set(reader)
    try:
        yield reader
    finally:
        current_reader.reset(token)
