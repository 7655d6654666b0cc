"""Checks of target `lab`."""

from __future__ import annotations

import sys
from typing import Annotated

from tests.stubs.lab_target import Lab, Thing

from meshguard.api import Field, Verdict, check, failed, judged, not_applicable, passed


@check("lab.ok", method="examine", over=Lab.things, fix="Make the thing ok.")
async def ok(thing: Thing, lab: Lab, *, wanted: str = "ok", least: Annotated[int, Field(ge=0, le=9)] = 1) -> Verdict:
    """Each thing is ok (the lab's rule book, 1).

    Args:
        wanted: the state that is wanted.
        least: how much of it, 0 to 9.
    """
    state = await lab.state(thing.name)
    if state == "skip":
        return not_applicable(f"{thing.name} has no state")
    return judged(state == wanted, "the state", got=state, want=wanted)


@check("lab.quiet", method="examine", fix="Say nothing.")
async def quiet(lab: Lab) -> Verdict:
    """The lab's echo holds no secret (the lab's rule book, 2)."""
    return passed("it says something", got=await lab.echo("hello"))


@check("lab.hangs", method="test", fix="Wake it up.")
async def hangs(lab: Lab) -> Verdict:
    """The lab answers from a thread (the lab's rule book, 3)."""
    return passed(await lab.hangs())


@check("lab.resolves", method="test", fix="Name it.")
async def resolves(lab: Lab) -> Verdict:
    """The lab's name is found (the lab's rule book, 3).

    Names that are not found keep a thread.
    """
    return passed(await lab.resolves())


@check("lab.leaves", method="test", fix="Stay.")
async def leaves(lab: Lab) -> Verdict:
    """The lab's library does not end the process (the lab's rule book, 4)."""
    return passed(await lab.leaves())


@check("lab.exits", method="test", fix="Stay.")
async def exits(lab: Lab) -> Verdict:
    """The check does not end the process (the lab's rule book, 5)."""
    sys.exit(0)


@check("lab.breaks", method="test", fix="Mend it.")
async def breaks(lab: Lab) -> Verdict:
    """The check does not break (the lab's rule book, 6)."""
    raise RuntimeError(f"broke with {lab.settings.token}")


@check("lab.changed", method="test", fix="Allow it.")
async def changed(lab: Lab) -> Verdict:
    """The lab can be changed (the lab's rule book, 7)."""
    return passed(await lab.change())


@check("lab.bursts", method="test", fix="Allow it.")
async def bursts(lab: Lab) -> Verdict:
    """The lab stands a burst (the lab's rule book, 8)."""
    return passed(await lab.burst())


@check("lab.throttled", method="test", fix="Wait.")
async def throttled(lab: Lab) -> Verdict:
    """The lab answers at once (the lab's rule book, 9)."""
    return passed(await lab.throttled())


@check("lab.hostile", method="test", fix="[bold]Fix[/] \x1b[31mit\x1b[0m")
async def hostile(lab: Lab) -> Verdict:
    """The lab speaks plainly (the lab's rule book, 10)."""
    return failed("a [/] b \x1b[2J \u202e\u2028new\nline", got="[red]x[/red]", want="\r\x9b")
