"""Check that a command runs in CI, and that its failure is one."""

from __future__ import annotations

from typing import Literal

from meshguard.api import Verdict, check, failed, passed, undetermined
from meshguard.targets.ci import Ci
from meshguard.targets.ci.models import Event, Place, Runs, Unknown

Severity = Literal["info", "low", "moderate", "high", "critical"]
SEVERITIES: tuple[str, ...] = ("info", "low", "moderate", "high", "critical")
FIX = (
    "Run it in a step of its own under `on: {push: {branches: [main]}, pull_request: {}}`, without `|| true`, "
    "continue-on-error or a filter of paths: `run: npm audit --audit-level=high`."
)


@check("ci.runs", method="examine", fix=FIX)
async def runs(
    ci: Ci,
    *,
    command: str | tuple[str, ...],
    events: tuple[Event, ...] = ("push", "pull_request"),
    branch: str = "main",
    severity: Severity = "high",
    paths: bool = False,
) -> Verdict:
    """On each of `events` a workflow runs the `command`, and its failure fails the job (NIST SP 800-218, PW.7.2).

    Scripts of the shell are followed by their syntax, with the scripts of package.json, shell files, workflows and
    actions of the checkout that they call; what is only named (a comment, an echo) does not count, nor does
    a failure that `|| true`, continue-on-error, allow_failure, a pipe without pipefail, `set +e` or an option swallows.
    Actions of others are taken by their name alone; workflows and includes from elsewhere are not read, and leave the
    question open where nothing else answers it. On GitLab a merge request counts by its own pipeline, else by its
    branch's.

    Args:
        command: the command, such as `npm audit` or `trivy fs --exit-code 1`; an action as `uses: owner/name`; one of
            several is enough.
        events: what it must run on.
        branch: the default branch, into which pull requests are merged.
        severity: an audit of npm, pnpm or yarn must fail from this severity at the latest.
        paths: whether a workflow is enough that runs for changes of some files alone.
    """
    commands = (command,) if isinstance(command, str) else command
    found = await ci.runs(commands, branch)
    named = " or ".join(f"`{one}`" for one in commands)
    verdicts = [_on(event, named, found, severity, paths=paths) for event in events]
    for outcome in ("fail", "not-checked"):
        for verdict in verdicts:
            if verdict.outcome == outcome:
                return verdict
    return passed("; ".join(verdict.message for verdict in verdicts))


def _on(event: Event, named: str, found: Runs, severity: str, *, paths: bool) -> Verdict:
    """Whether one of the places does it on one event; the nearest says why not."""
    closed: list[str] = []
    open_: list[str] = []
    for place in found.places:
        against, doubts = _against(place, event, severity, paths=paths), _doubts(place, event)
        if not against and not doubts:
            return passed(f"{place.where} runs {named} on {event}, and its failure fails the job")
        (closed if against else open_).append(f"{place.where}: {(against or doubts)[0]}")
    if open_:
        return undetermined(f"on {event} it is not settled that {named} runs and can fail: {open_[0]}")
    if found.unknown:
        return undetermined(
            f"no workflow that is read runs {named} on {event} so that its failure fails the job, but not all is read: "
            + _listed(found.unknown),
            fix="run it in a workflow of the checkout, or name the action that runs it: `uses: owner/name`",
        )
    if closed:
        return failed(f"{named} does not count on {event}: {closed[0]}", got=closed, want=f"{named} on {event}")
    read = ", ".join(found.files[:5]) or "no file"
    return failed(f"no workflow runs {named} (read: {read})", got="nothing", want=f"{named} on {event}")


def _against(place: Place, event: Event, severity: str, *, paths: bool) -> list[str]:
    """Why a place does not count."""
    occasions = [one for one in place.occasions if one.event == event]
    found = [one.why for one in occasions if one.state == "no" or (one.paths and not paths)]
    found += place.swallowed
    said = place.severity
    if said in SEVERITIES and SEVERITIES.index(said) > SEVERITIES.index(severity):
        found.append(f"it fails from {said} on, wanted {severity}")
    return found if occasions else ["it is not known when it runs"]


def _doubts(place: Place, event: Event) -> list[str]:
    """What leaves open whether a place counts."""
    found = [one.why for one in place.occasions if one.event == event and one.state == "maybe"]
    if place.severity and place.severity not in SEVERITIES:
        found.append(f"the severity {place.severity!r} is not known")
    return [*found, *place.unsure, *place.skips]


def _listed(unknown: tuple[Unknown, ...]) -> str:
    more = f", and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    return "; ".join(str(one) for one in unknown[:3]) + more
