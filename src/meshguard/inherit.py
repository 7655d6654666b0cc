"""Findings of an earlier audit, accepted for controls that this audit may not exercise.

A check that changes state runs on staging and not in production. Where the commit, the images and the profiles are
the same and the earlier result is young enough, its verdicts stand for the checks that were not allowed here; each is
shown as inherited from that run. Anything else that differs, and nothing is inherited.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from meshguard.results import Finding, Results
from meshguard.values import show_duration
from meshguard.verdict import Outcome

ACTIVE = ("write", "lockout")


@dataclass(frozen=True)
class Earlier:
    """What may be inherited, and the sentence for the report."""

    note: str = ""
    run: str = ""
    findings: dict[str, Finding] = field(default_factory=dict)

    def instead_of(self, finding: Finding, effect: str) -> Finding:
        """The earlier verdict for a finding of an active check that did not run; else the finding itself."""
        earlier = self.findings.get(finding.id)
        if earlier is None or finding.outcome is not Outcome.NOT_CHECKED or effect not in ACTIVE:
            return finding
        taken = {name: getattr(earlier, name) for name in ("outcome", "message", "got", "want", "fix")}
        return finding.model_copy(update={**taken, "inherited": self.run})


@dataclass(frozen=True)
class Now:
    """What this audit is of."""

    commit: str
    profiles: dict[str, str]
    """Name -> digest."""
    digests: frozenset[str]
    """Image digests that were seen."""
    started: datetime


def earlier_of(result: Results, now: Now, max_age: timedelta) -> Earlier:
    """What of an earlier result may stand for what does not run now; nothing where anything differs."""
    if problem := _differs(result, now, max_age):
        return Earlier(note=f"nothing is inherited from the audit of {result.run.started}: {problem}")
    settled = (Outcome.PASS, Outcome.FAIL)
    found = {f.id: f for f in result.findings if f.outcome in settled and not f.inherited}
    run = f"{result.deployment.name}, {result.run.started}"
    return Earlier(f"active checks may be inherited from {run}", run, found)


def _differs(result: Results, now: Now, max_age: timedelta) -> str:
    age = now.started - datetime.fromisoformat(result.run.started)
    profiles = {profile.name: profile.digest for profile in result.profiles}
    images = frozenset(digest for subject in result.subjects for digest in subject.digests)
    if result.complete is not True:
        return f"it was incomplete: {result.complete}"
    if not timedelta(0) <= age <= max_age:
        return f"it is not at most {show_duration(max_age)} old"
    if not now.commit or result.run.commit != now.commit:
        return f"its commit is {result.run.commit or 'unknown'}, and this one is {now.commit or 'unknown'}"
    if profiles != now.profiles:
        return "its profiles are others"
    if images != now.digests:
        return "its images are others"
    return ""
