"""The check of the compliance score, judged last and over everything else."""

from __future__ import annotations

from typing import Annotated

from meshguard.api import Answers, Field, Verdict, check, judged, undetermined

Share = Annotated[float, Field(ge=0, lt=1)]


@check("score.weighted", method="examine", fix="Mend what is not satisfied, the critical and high controls first.")
async def weighted(results: Answers, *, min: Share = 0.95) -> Verdict:
    """The weighted share of applicable controls that are satisfied is above `min` (the guide's target metric).

    Derived controls and the score's own control are left out; undetermined and waived ones count as not satisfied. As
    long as what is undetermined could still lift it above `min`, nobody knows; a reduced audit has no score.

    Args:
        min: the share that must be passed, from 0 to less than 1.
    """
    score = await results.score()
    if not score.whole or score.value is None:
        return undetermined("a reduced or unfinished audit has no score", fix="audit the whole profile")
    shown, wanted = f"{score.value * 100:.1f} %", f"more than {min * 100:g} %"
    if score.value <= min < (score.best or 0):
        return undetermined(
            f"the score is {shown}, and with what is undetermined it may still pass {min * 100:g} %",
            fix="settle what is undetermined",
        )
    verdict = judged(score.value > min, "the score", got=shown, want=wanted)
    return verdict.but(
        message=f"{verdict.message}; {score.determined * 100:.0f} % of {score.counted} controls are determined"
    )
