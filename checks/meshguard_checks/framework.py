"""Checks of frameworks by requirement, judged last and over everything else."""

from __future__ import annotations

from typing import Annotated

from meshguard.api import Answers, Field, Verdict, check, judged, undetermined

PART = "a reduced or unfinished audit says nothing of a whole framework"
Share = Annotated[float, Field(ge=0, le=1)]


@check("framework.coverage", method="examine", fix="Map controls to the requirements that none stands for.")
async def coverage(results: Answers, *, framework: Answers.FrameworkName, min: Share = 1.0) -> Verdict:
    """At least `min` of a framework's requirements have a control that stands for them.

    Args:
        framework: short name, such as hipaa, nist-csf or owasp-top-10@2025.
        min: share of the requirements, 0 to 1.
    """
    found = await results.framework(framework)
    if not found.whole:
        return undetermined(PART, fix="audit the whole profile")
    shown = f"{found.covered * 100:.1f} %"
    return judged(found.covered >= min, f"coverage of {framework}", got=shown, want=f"{min * 100:g} %")


@check("framework.score", method="examine", fix="Mend the controls that stand for what is not satisfied.")
async def score(results: Answers, *, framework: Answers.FrameworkName, min: Share = 0.95) -> Verdict:
    """At least `min` of a framework's requirements that controls stand for are satisfied.

    Args:
        framework: short name, such as hipaa, nist-csf or owasp-top-10@2025.
        min: share of the covered and applicable requirements, 0 to 1.
    """
    found = await results.framework(framework)
    if not found.whole:
        return undetermined(PART, fix="audit the whole profile")
    if not found.applicable:
        return undetermined(f"no control stands for a requirement of {framework} that applies")
    shown = f"{found.satisfied * 100:.1f} %"
    return judged(found.satisfied >= min, f"score of {framework}", got=shown, want=f"{min * 100:g} %")
