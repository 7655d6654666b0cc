"""What an audit found: findings, populations, control status; a JSON result is this model."""

from __future__ import annotations

import hashlib
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from meshguard.profile import Phase, Priority, Reference
from meshguard.values import Shown
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA = "meshguard.results/1"


class Model(BaseModel):
    """Base of all parts of a result."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=False)


class Status(StrEnum):
    """Status of a control; NIST SP 800-53A's "other than satisfied" is split by what is known."""

    SATISFIED = "satisfied"
    NOT_SATISFIED = "not-satisfied"
    UNDETERMINED = "undetermined"
    WAIVED = "waived"
    NOT_APPLICABLE = "not-applicable"


class PluginUsed(Model):
    """A plugin that took part."""

    group: str
    name: str
    distribution: str
    version: str
    digest: str = ""


class Tool(Model):
    """MeshGuard itself."""

    version: str
    python: str
    plugins: tuple[PluginUsed, ...]


class Run(Model):
    """Who audited, where, how, when."""

    operator: str
    host: str
    argv: tuple[str, ...]
    commit: str = ""
    ci: str = ""
    """URL of the CI run, where CI says one."""
    replayed: str = ""
    """Digest of the recording that was judged instead of the deployment."""
    started: str
    finished: str
    clock_offset_s: float | None = None
    """Seconds that a server's clock was ahead of this one (from its Date header); null where none was seen."""


class ScopeUsed(Model):
    """What of the profile was judged."""

    kind: Literal["full", "reduced"]
    phase: Phase | None = None
    narrowed_by: tuple[str, ...] = ()


class Named(Model):
    """A file that the audit rests on."""

    name: str
    version: str = ""
    digest: str


class Subject(Model):
    """A target that was looked at."""

    target: str
    subject: str
    stage: str = ""
    digests: tuple[str, ...] = ()
    """Digests of what ran there, such as the images of its containers."""


class Finding(Model):
    """A control, a check, a target, a resource, the verdict, and the observations that it rests on."""

    id: str
    control: str
    check: str
    method: Literal["test", "examine", ""] = ""
    target: str
    resource: str
    outcome: Outcome
    message: str
    got: Shown = None
    want: Shown = None
    fix: str = ""
    observations: tuple[str, ...] = ()
    waiver: str | None = None
    """Name of the waiver that accepts this failure, under `waivers`."""
    inherited: str = ""
    """The earlier run that this verdict is taken from, since this audit may not exercise it."""
    known_since: str = ""
    """When the baseline that this audit was held against first had it; such a failure does not count for the gate."""


class LeftOutOf(Model):
    """Resources that a filter left out."""

    filter: str
    count: int


class Population(Model):
    """What one check was run over on one target."""

    check: str
    target: str
    parameters: dict[str, object] = {}
    overrides: tuple[dict[str, object], ...] = ()
    """Other values of settings for some of the resources."""
    controls: tuple[str, ...] = ()
    """The controls that use the check so."""
    query: str
    """Key of the fact that listed the resources; the target itself where there is no list."""
    listed: int
    judged: int
    left_out: tuple[LeftOutOf, ...] = ()
    complete: bool = True
    note: str = ""


class WaiverUsed(Model):
    """A waiver of the deployment, and what it did in this audit."""

    name: str
    control: str = ""
    check: str = ""
    target: str
    resource: str
    reason: str
    owner: str
    approver: str
    ticket: str
    created: date
    expires: date
    state: Literal["in use", "unused", "expired"]
    findings: int
    """Failures that it covers; of an expired one, failures that count again."""
    ends_soon: bool = False


class Declaration(Model):
    """A control that the deployment declares not applicable."""

    control: str
    reason: str
    owner: str
    approver: str
    ticket: str = ""
    expires: date
    state: Literal["in use", "expired", "contradicted"]
    """contradicted: MeshGuard found what the declaration says is not there."""


class ControlResult(Model):
    """A control and its status."""

    id: str
    title: str
    statement: str = ""
    section: str = ""
    place: str = ""
    status: Status
    reason: str
    """One sentence: why it has this status."""
    priority: Priority
    phase: tuple[Phase, ...]
    rationale: str = ""
    remediation: str = ""
    refs: tuple[Reference, ...] = ()
    method: str = ""
    pending: str = ""
    """What of its verification is still missing."""
    requires: tuple[str, ...] = ()
    """Controls that it is derived from."""
    derived: bool = False
    """Whether it follows from others, and so carries no weight in the score."""
    pulled_in: bool = False
    """Whether it is out of scope and judged only because another one requires it; the gate does not count it."""
    known: bool = False
    """Whether all that fails in it failed in the baseline already; the gate does not count it."""
    unsettled: bool = False
    """Whether something in it could not be looked at, whatever its status; a known or accepted failure hides it not."""
    declared: str = ""
    """Who declared it not applicable, and until when."""

    @property
    def counts(self) -> bool:
        """Whether it counts in score and coverage."""
        return not self.derived and not self.pulled_in


class ObservationUsed(Model):
    """An observation without its value; values are in the evidence file."""

    key: str
    digest: str
    time: str
    error: str = ""


class Gate(Model):
    """The decision."""

    open: bool
    exit_code: int = Field(ge=0, le=3)
    fail_on: Priority
    advisory: bool = False
    reason: str


class Coverage(Model):
    """How much of the profile was answered."""

    controls: int
    satisfied: int
    not_satisfied: int
    undetermined: int
    waived: int
    not_applicable: int
    determined: float = 0.0
    """Share of the controls that are not undetermined, 0 to 1."""


class Results(Model):
    """One audit's results."""

    schema_: str = Field(SCHEMA, alias="schema")
    meshguard: Tool
    run: Run
    scope: ScopeUsed
    profiles: tuple[Named, ...]
    deployment: Named
    subjects: tuple[Subject, ...]
    complete: bool | str
    """True, or why not."""
    gate: Gate
    score: float | None
    """Weighted share of the applicable controls that are satisfied, 0 to 1; null for a reduced or incomplete audit."""
    coverage: Coverage
    score_formula: str = ""
    notes: tuple[str, ...] = ()
    waivers: tuple[WaiverUsed, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    baseline_until: date | None = None
    """Where this result serves as a baseline: the day from which its failures count again."""
    controls: tuple[ControlResult, ...]
    findings: tuple[Finding, ...]
    populations: tuple[Population, ...]
    observations: tuple[ObservationUsed, ...]

    def json_text(self) -> str:
        """The JSON result."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"

    def of(self, control: str) -> list[Finding]:
        """The findings of one control."""
        return [finding for finding in self.findings if finding.control == control]


def finding_id(control: str, check: str, target: str, resource: str, variant: str = "") -> str:
    """Stable over runs and free of message text.

    `variant` holds the parameters, where a control uses one check with several.
    """
    parts = (control, check, target, resource, *filter(None, [variant]))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


RANK = {
    Status.NOT_SATISFIED: 0,
    Status.UNDETERMINED: 1,
    Status.WAIVED: 2,
    Status.SATISFIED: 3,
    Status.NOT_APPLICABLE: 4,
}
"""Worst first."""


def status_of(
    findings: list[Finding], pending: str = "", uses: Iterable[list[Finding]] | None = None
) -> tuple[Status, str]:
    """A control's status from its findings, and why: worst wins, and nothing looked at is undetermined.

    `uses` are the findings by use of a check, each of which must have looked at something; without it they are taken
    by check.
    """
    failed = [f for f in findings if f.outcome is Outcome.FAIL and f.waiver is None]
    if failed:
        return Status.NOT_SATISFIED, _sentence(failed)
    if unsettled := unsettled_by(findings, pending, uses):
        return Status.UNDETERMINED, unsettled
    if waived := [f for f in findings if f.waiver is not None]:
        return Status.WAIVED, f"{len(waived)} accepted failure{'s' if len(waived) != 1 else ''}: {_sentence(waived)}"
    passed = sum(f.outcome is Outcome.PASS for f in findings)
    return Status.SATISFIED, f"{passed} of {passed} verdicts pass"


def unsettled_by(findings: list[Finding], pending: str = "", uses: Iterable[list[Finding]] | None = None) -> str:
    """What could not be looked at, in a sentence; empty where everything was."""
    if open_ := [f for f in findings if f.outcome in (Outcome.ERROR, Outcome.NOT_CHECKED)]:
        return _sentence(open_)
    return f"not fully verified yet: {pending}" if pending else _unseen(findings, uses)


def _unseen(findings: list[Finding], uses: Iterable[list[Finding]] | None) -> str:
    """What looked at nothing; empty where every check judged something."""
    if not findings:
        return "nothing was looked at"
    if uses is None:
        uses = [[f for f in findings if f.check == check] for check in sorted({f.check for f in findings})]
    for use in uses:
        if not any(f.outcome in (Outcome.PASS, Outcome.FAIL) for f in use):
            return f"{use[0].check if use else 'a check'} found nothing that it speaks of"
    return ""


def _sentence(findings: list[Finding]) -> str:
    first = findings[0]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    where = first.target if first.resource == "-" else first.resource
    return f"{where}: {first.message}{more}"
