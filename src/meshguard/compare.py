"""Two results side by side: what is new, gone, changed, and what moved with it.

Findings are the same by their id (control, check, target, resource), whatever their sentences say. Comparing
staging with production, or before with after, targets have other names: `by_resource` leaves the target out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from meshguard.results import finding_id
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from meshguard.results import Finding, Results

Kind = Literal["new", "gone", "worse", "better", "changed"]
_ORDER = (Outcome.FAIL, Outcome.ERROR, Outcome.NOT_CHECKED, Outcome.NOT_APPLICABLE, Outcome.PASS)
"""Worst first."""


@dataclass(frozen=True)
class Change:
    """One finding that is not as it was."""

    kind: Kind
    before: Finding | None
    after: Finding | None
    moved: tuple[str, ...] = ()
    """What moved with it: resource, profile, tool, parameters, evidence."""

    @property
    def finding(self) -> Finding:
        """The finding as it is, or as it was where it is gone."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - a change has at least one side
        return found


def compare(before: Results, after: Results, *, by_resource: bool = False) -> list[Change]:
    """Every finding that is not as it was, in the order of `after`, then what is gone."""
    old = {_key(finding, by_resource): finding for finding in before.findings}
    new = {_key(finding, by_resource): finding for finding in after.findings}
    common = _moved(before, after)
    changes = [_change(old.get(key), finding, before, after, common) for key, finding in new.items()]
    changes += [Change("gone", finding, None, common) for key, finding in old.items() if key not in new]
    return [change for change in changes if change is not None]


def _change(
    old: Finding | None, new: Finding, before: Results, after: Results, common: tuple[str, ...]
) -> Change | None:
    if old is None:
        return Change("new", None, new, ("resource", *common))
    moved = tuple(dict.fromkeys((*common, *_moved_for(old, new, before, after))))
    if old.outcome is not new.outcome:
        worse = _ORDER.index(new.outcome) < _ORDER.index(old.outcome)
        return Change("worse" if worse else "better", old, new, moved)
    if (old.got, old.want, old.waiver) != (new.got, new.want, new.waiver):
        return Change("changed", old, new, moved)
    return None


def became_worse(before: Results, after: Results) -> list[Finding]:
    """Findings of `after` that are worse than in `before`, or new and not a pass."""
    good = (Outcome.PASS, Outcome.NOT_APPLICABLE)
    return [
        change.finding
        for change in compare(before, after)
        if change.kind == "worse" or (change.kind == "new" and change.finding.outcome not in good)
    ]


def _key(finding: Finding, by_resource: bool) -> str:
    kind = finding.target.split(":", 1)[0]
    return finding_id(finding.control, finding.check, kind, finding.resource) if by_resource else finding.id


def _moved(before: Results, after: Results) -> tuple[str, ...]:
    """What differs between the two audits as a whole."""
    moved = []
    if [(p.name, p.digest) for p in before.profiles] != [(p.name, p.digest) for p in after.profiles]:
        moved.append("profile")
    if before.meshguard.version != after.meshguard.version or before.meshguard.plugins != after.meshguard.plugins:
        moved.append("tool")
    if before.deployment.digest != after.deployment.digest:
        moved.append("deployment")
    return tuple(moved)


def _moved_for(old: Finding, new: Finding, before: Results, after: Results) -> tuple[str, ...]:
    """What differs for one finding: the parameters of its check, and the evidence that it rests on."""
    moved = []
    if _parameters(old, before) != _parameters(new, after):
        moved.append("parameters")
    if _digests(old, before) != _digests(new, after):
        moved.append("evidence")
    return tuple(moved)


def _parameters(finding: Finding, results: Results) -> list[dict[str, object]]:
    return [p.parameters for p in results.populations if (p.check, p.target) == (finding.check, finding.target)]


def _digests(finding: Finding, results: Results) -> list[str]:
    digests = {o.key: o.digest for o in results.observations}
    return [digests.get(key, "") for key in finding.observations]
