"""Checks of frameworks by requirement, judged last and over everything else."""

from __future__ import annotations

from typing import Annotated

from meshguard.api import Answers, Field, Verdict, check, judged, undetermined

Share = Annotated[float, Field(ge=0, le=1)]


@check("framework.coverage", method="examine", fix="Map controls to the requirements that none stands for.")
async def coverage(results: Answers, *, framework: str, min: Share = 1.0) -> Verdict:
    """At least `min` of a framework's requirements have a control that stands for them.

    Args:
        framework: short name, such as hipaa, nist-csf or owasp-top-10@2025.
        min: share of the requirements, 0 to 1.
    """
    found = await results.framework(framework)
    if not found.requirements:
        return undetermined(f"{framework} has no requirements in the catalogue")
    shown = f"{found.covered * 100:.1f} %"
    return judged(found.covered >= min, f"coverage of {framework}", got=shown, want=f"{min * 100:g} %")


@check("framework.score", method="examine", fix="Mend the controls that stand for what is not satisfied.")
async def score(results: Answers, *, framework: str, min: Share = 0.95) -> Verdict:
    """At least `min` of a framework's requirements that controls stand for are satisfied.

    Args:
        framework: short name, such as hipaa, nist-csf or owasp-top-10@2025.
        min: share of the covered and applicable requirements, 0 to 1.
    """
    found = await results.framework(framework)
    if not found.covered:
        return undetermined(f"no control stands for a requirement of {framework}")
    shown = f"{found.satisfied * 100:.1f} %"
    return judged(found.satisfied >= min, f"score of {framework}", got=shown, want=f"{min * 100:g} %")
