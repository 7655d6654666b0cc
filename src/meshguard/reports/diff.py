"""Two results side by side, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshguard.reports.text import plain
from meshguard.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshguard.compare import Change
    from meshguard.results import Finding, Results

_GOOD = (Outcome.PASS, Outcome.NOT_APPLICABLE)
TITLES = {
    "worse": "Worse",
    "new": "New",
    "changed": "Changed, for neither better nor worse",
    "better": "Better",
    "gone": "Gone",
}


def render_diff(before: Results, after: Results, changes: Sequence[Change]) -> str:
    """What changed, the worst kind first; then the two gates."""
    lines = [f"{_name(before)} -> {_name(after)}"]
    for kind, title in TITLES.items():
        found = [change for change in changes if change.kind == kind]
        if found:
            told = [change for change in found if kind != "new" or change.finding.outcome not in _GOOD]
            lines += ["", f"{title} ({len(found)})", *(line for change in told for line in _change(change))]
            if rest := len(found) - len(told):
                lines.append(f"  {rest} that pass{'' if rest != 1 else 'es'} or do not apply")
    if not changes:
        lines += ["", "Every finding is as it was."]
    lines += ["", f"Gate: exit {before.gate.exit_code} -> exit {after.gate.exit_code}; {plain(after.gate.reason)}"]
    return "\n".join(lines) + "\n"


def _name(results: Results) -> str:
    profiles = ", ".join(f"{profile.name} {profile.version}" for profile in results.profiles)
    return f"{plain(results.deployment.name)} ({plain(profiles)}, {results.run.started})"


def _change(change: Change) -> list[str]:
    finding = change.finding
    before = change.before.outcome.value if change.before is not None else "not there"
    after = change.after.outcome.value if change.after is not None else "not there"
    where = plain(finding.target if finding.resource == "-" else f"{finding.target} {finding.resource}")
    lines = [f"  {finding.control}  {finding.check} on {where}", f"    {before} -> {after}: {plain(finding.message)}"]
    if change.kind == "changed" and change.before is not None and change.after is not None:
        lines.append(f"    {_state(change.before)} -> {_state(change.after)}")
    if change.moved:
        lines.append(f"    moved with it: {', '.join(change.moved)}")
    return lines


def _state(finding: Finding) -> str:
    waiver = f", waiver {plain(finding.waiver)}" if finding.waiver else ""
    return f"got {plain(finding.got)}, wanted {plain(finding.want)}{waiver}"
