"""Target `lab`: a target without a network, for tests of the core and of the command line."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator

from meshguard.api import (
    BaseModel,
    ConfigDict,
    Duration,
    Field,
    LeftOut,
    Listing,
    NotAllowed,
    NotObserved,
    Target,
    TargetSettings,
    Throttled,
    days,
    fact,
    in_thread,
)


class LabSettings(TargetSettings):
    """An entry under `targets: lab:`."""

    things: tuple[str, ...] = Field(("one", "two"), description="Names of the resources.")
    left_out: int = Field(0, description="Resources that a filter left out.")
    whole: bool = Field(True, description="Whether the list is complete.")
    slow: Duration = Field(days(0), description="How long each answer takes.")
    token: str = Field("", description="A secret.")
    broken: tuple[str, ...] = Field((), description="Things that cannot be read.")

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The token."""
        if self.token:
            yield self.token, "lab token"


class Thing(BaseModel):
    """A resource."""

    model_config = ConfigDict(frozen=True)

    name: str

    def __str__(self) -> str:
        """Its name."""
        return self.name


class Lab(Target[LabSettings]):
    """A target that answers from its settings."""

    kind = "lab"
    Settings = LabSettings

    @fact(effect="local")
    async def things(self) -> Listing[Thing]:
        """The resources that the settings name."""
        left = (LeftOut(filter="label=test", count=self.settings.left_out),) if self.settings.left_out else ()
        return Listing(
            items=tuple(Thing(name=name) for name in self.settings.things),
            left_out=left,
            complete=self.settings.whole,
            note="" if self.settings.whole else "page 2 was not answered",
            fix="name some `things`",
        )

    @fact
    async def state(self, name: str) -> str:
        """`ok`, unless the name says something else."""
        await asyncio.sleep(self.settings.slow.total_seconds())
        if name in self.settings.broken:
            raise NotObserved(f"{name} did not answer", fix="mend it")
        if name.startswith("denied"):
            raise NotAllowed(f"{name} may not be read", fix="allow it")
        return "bad" if name.startswith("bad") else "skip" if name.startswith("skip") else "ok"

    @fact
    async def echo(self, text: str) -> str:
        """The text and the token that was sent with it."""
        return f"{text} {self.settings.token}"

    @fact
    async def hangs(self) -> str:
        """Nothing: the thread that asks never ends."""
        await in_thread(time.sleep, 3600)
        return "never"

    @fact
    async def resolves(self) -> str:
        """Nothing: it waits in the loop's own pool of threads, as a look-up of a name does."""
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, 8)
        return "late"

    @fact
    async def twice(self, number: int) -> int:
        """Twice the number."""
        return number * 2

    @fact
    async def throttled(self) -> str:
        """Nothing: it always asks to slow down."""
        raise Throttled("slow down", retry_after=0.01)

    @fact
    async def leaves(self) -> str:
        """Nothing: the library below it ends the process."""
        sys.exit(0)

    @fact(effect="write")
    async def change(self) -> str:
        """Changes something."""
        return "changed"

    @fact(effect="lockout")
    async def burst(self) -> str:
        """A burst."""
        return "burst"
