"""What the audit has found so far, as a target: score and coverage are judged last, over everything else.

Its facts are computed from this audit's own verdicts, in a replay too, and are never taken from a recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict

from meshguard.errors import MeshGuardError
from meshguard.fact import fact
from meshguard.frameworks import covered, load_catalogue, picture, satisfied
from meshguard.profile import Weights
from meshguard.results import Status
from meshguard.score import score_of
from meshguard.target import Target, TargetSettings

if TYPE_CHECKING:
    from meshguard.evidence import Evidence
    from meshguard.results import ControlResult


def _known(name: str) -> str:
    try:
        load_catalogue().select(name)
    except MeshGuardError as fault:
        raise ValueError(f"{fault.mistakes[0].what}: {fault.mistakes[0].fix}") from None
    return name


class Score(BaseModel):
    """The weighted share, and how much of the profile was answered."""

    model_config = ConfigDict(frozen=True)

    value: float | None
    """0 to 1; None where no control counts, or the audit was not of the whole profile."""
    best: float | None
    """What the value would be if all that is undetermined were satisfied."""
    determined: float
    """Share of the counted controls that are not undetermined, 0 to 1."""
    counted: int
    whole: bool
    """Whether the whole profile was audited."""


class FrameworkShare(BaseModel):
    """How much of a framework is covered, and satisfied."""

    model_config = ConfigDict(frozen=True)

    requirements: int
    covered: float
    applicable: int
    """Requirements that are covered and apply."""
    satisfied: float
    whole: bool
    """Whether all controls that refer to the framework were audited."""


class Answers(Target[TargetSettings]):
    """The results of the running audit."""

    kind = "results"
    FrameworkName: TypeAlias = Annotated[str, AfterValidator(_known)]
    """Short name of a framework in the catalogue, such as hipaa or owasp-top-10@2025."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__(TargetSettings.model_validate({"name": "audit"}), evidence)
        self.controls: Sequence[ControlResult] = ()
        self.weights = Weights()
        self.whole = False
        self.framework_alone = ""
        """The framework by which alone the audit was narrowed."""

    @fact(effect="computed")
    async def score(self) -> Score:
        """The weighted share of applicable controls, derived ones left out, that are satisfied."""
        counted = [control for control in self.controls if control.counts]
        known = [control for control in counted if control.status != "undetermined"]
        return Score(
            value=score_of(counted, self.weights) if self.whole else None,
            best=score_of([_at_best(control) for control in counted], self.weights) if self.whole else None,
            determined=len(known) / len(counted) if counted else 0.0,
            counted=len(counted),
            whole=self.whole,
        )

    @fact(effect="computed")
    async def framework(self, name: str) -> FrameworkShare:
        """How much of a framework (hipaa, nist-csf, owasp-top-10@2025) controls stand for, and satisfy."""
        catalogue = load_catalogue()
        chosen = catalogue.select(name)
        counted = [control for control in self.controls if control.counts]
        found = picture(counted, catalogue, chosen)
        audited = catalogue.select(self.framework_alone) if self.framework_alone else []
        return FrameworkShare(
            requirements=len(found),
            covered=round(covered(found), 4),
            applicable=sum(one.status not in (None, "not-applicable") for one in found),
            satisfied=round(satisfied(found), 4),
            whole=self.whole or set(chosen) <= set(audited),
        )


def _at_best(control: ControlResult) -> ControlResult:
    """The control as it would count if what is undetermined in it were satisfied."""
    return control.model_copy(update={"status": Status.SATISFIED}) if control.status == "undetermined" else control
