"""Two results side by side: what is new, gone, changed, and what moved with it.

Findings are the same by their id (control, check, target, resource), whatever their sentences say. Comparing
staging with production, or before with after, targets have other names: `by_resource` leaves the target out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from meshguard.results import finding_id
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshguard.results import Finding, Results

Kind = Literal["new", "gone", "worse", "better", "changed"]
GOOD = (Outcome.PASS, Outcome.NOT_APPLICABLE)
UNKNOWN = (Outcome.ERROR, Outcome.NOT_CHECKED)


@dataclass(frozen=True)
class Change:
    """One finding that is not as it was."""

    kind: Kind
    before: Finding | None
    after: Finding | None
    moved: tuple[str, ...] = ()
    """What moved with it: resource, profile, tool, deployment, scope, parameters, evidence."""

    @property
    def finding(self) -> Finding:
        """The finding as it is, or as it was where it is gone."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - a change has at least one side
        return found


def compare(before: Results, after: Results, *, by_resource: bool = False) -> list[Change]:
    """Every finding that is not as it was, in the order of `after`, then what is gone."""
    old, new = _by_key(before.findings, by_resource), _by_key(after.findings, by_resource)
    sides = _Side(before), _Side(after)
    common = _moved(before, after)
    changes = [_change(old.get(key), finding, sides, common) for key, finding in new.items()]
    gone = [finding for key, finding in old.items() if key not in new]
    changes += [Change("gone", f, None, (*_resource(f, sides[1]), *common)) for f in gone]
    return [change for change in changes if change is not None]


def became_worse(changes: Iterable[Change]) -> list[Change]:
    """Changes for the worse: what is worse, and what is new and not good."""
    return [c for c in changes if c.kind == "worse" or (c.kind == "new" and c.after is not None and _rank(c.after) > 0)]


class _Side:
    """One result, with what is looked up in it for each finding."""

    def __init__(self, results: Results) -> None:
        self.digests = {o.key: o.digest for o in results.observations}
        self.judged = {(finding.control, finding.check) for finding in results.findings}
        self._parameters: dict[tuple[str, str], list[object]] = defaultdict(list)
        for population in results.populations:
            said = [population.parameters, population.overrides]
            for control in population.controls:
                self._parameters[f"{control} {population.check}", population.target].append(said)

    def parameters(self, finding: Finding) -> list[object]:
        """The parameters of its control's check on its target."""
        return self._parameters[f"{finding.control} {finding.check}", finding.target]

    def evidence(self, finding: Finding) -> list[str]:
        """Digests of what it rests on; without the names of targets, which differ between deployments."""
        return sorted(self.digests.get(key, "") for key in finding.observations)


def _by_key(findings: Iterable[Finding], by_resource: bool) -> dict[tuple[str, int], Finding]:
    """Findings by what makes them the same; where several are, they are told apart by their order, none is lost."""
    count: Counter[str] = Counter()
    found = {}
    for finding in sorted(findings, key=lambda finding: finding.target) if by_resource else findings:
        key = _key(finding) if by_resource else finding.id
        found[key, count[key]] = finding
        count[key] += 1
    return found


def _key(finding: Finding) -> str:
    kinds = " + ".join(target.split(":", 1)[0] for target in finding.target.split(" + "))
    return finding_id(finding.control, finding.check, kinds, finding.resource)


def _rank(finding: Finding) -> int:
    """How bad it is; a failure that is accepted is no worse than what could not be looked at."""
    if finding.outcome in GOOD:
        return 0
    if finding.outcome is Outcome.FAIL:
        return 1 if finding.waiver is not None else 3
    return 2


def _change(old: Finding | None, new: Finding, sides: tuple[_Side, _Side], common: tuple[str, ...]) -> Change | None:
    if old is None:
        return Change("new", None, new, (*_resource(new, sides[0]), *common))
    kind = _kind(old, new)
    if kind is None:
        return None
    return Change(kind, old, new, tuple(dict.fromkeys((*common, *_moved_for(old, new, sides)))))


def _kind(old: Finding, new: Finding) -> Kind | None:
    if _rank(new) > _rank(old):
        return "worse"
    if _rank(new) < _rank(old):
        # Where nobody could look any more, nothing is better.
        return "changed" if new.outcome in UNKNOWN else "better"
    same = (old.outcome, old.got, old.want, old.waiver) == (new.outcome, new.got, new.want, new.waiver)
    return None if same else "changed"


def _resource(finding: Finding, other: _Side) -> tuple[str, ...]:
    """Whether the resource alone came or went: the other side judged others by the same check."""
    return ("resource",) if (finding.control, finding.check) in other.judged else ()


def _moved(before: Results, after: Results) -> tuple[str, ...]:
    """What differs between the two audits as a whole."""
    moved = []
    if [(p.name, p.digest) for p in before.profiles] != [(p.name, p.digest) for p in after.profiles]:
        moved.append("profile")
    if before.meshguard.version != after.meshguard.version or _plugins_differ(before, after):
        moved.append("tool")
    if before.deployment.digest != after.deployment.digest:
        moved.append("deployment")
    if before.scope != after.scope:
        moved.append("scope")
    return tuple(moved)


def _plugins_differ(before: Results, after: Results) -> bool:
    """Whether a plugin that took part in both is of another version; a wider audit just uses more of them."""
    old = {(p.group, p.name): (p.version, p.digest) for p in before.meshguard.plugins}
    new = {(p.group, p.name): (p.version, p.digest) for p in after.meshguard.plugins}
    return any(old[name] != new[name] for name in old.keys() & new.keys())


def _moved_for(old: Finding, new: Finding, sides: tuple[_Side, _Side]) -> tuple[str, ...]:
    """What differs for one finding: the parameters of its check, and the evidence that it rests on."""
    before, after = sides
    moved = []
    if before.parameters(old) != after.parameters(new):
        moved.append("parameters")
    if before.evidence(old) != after.evidence(new):
        moved.append("evidence")
    return tuple(moved)
