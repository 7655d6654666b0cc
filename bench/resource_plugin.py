"""A kind of target whose facts take 30 ms each and do nothing else, with a check over its resources."""

from __future__ import annotations

import asyncio

from meshguard.api import BaseModel, Field, Listing, Target, TargetSettings, Verdict, check, fact, judged

LATENCY_S = 0.03


class BenchSettings(TargetSettings):
    """An entry under `targets: bench:`."""

    count: int = Field(1000, ge=1, description="How many resources it lists.")


class Item(BaseModel):
    """One resource."""

    number: int

    def __str__(self) -> str:
        """Its name in findings."""
        return f"item-{self.number:04}"


class Bench(Target[BenchSettings]):
    """Resources that answer slowly."""

    kind = "bench"
    Settings = BenchSettings

    @fact
    async def items(self) -> Listing[Item]:
        """All resources."""
        return Listing(items=tuple(Item(number=number) for number in range(self.settings.count)))

    @fact
    async def look(self, number: int) -> int:
        """One resource's answer."""
        await asyncio.sleep(LATENCY_S)
        return number


@check("bench.looked_at", method="test", over=Bench.items, fix="Nothing is to be done.")
async def looked_at(item: Item, bench: Bench) -> Verdict:
    """Every resource answers with its own number (the bench)."""
    answer = await bench.look(item.number)
    return judged(answer == item.number, "the answer", got=answer, want=item.number)
