"""Checks of what GitHub's own scanners found: that they look, and that somebody answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TypeVar

from meshguard.api import Clock, Duration, Verdict, check, days, failed, passed, show_duration, undetermined
from meshguard.targets.github import Analysis, CodeAlert, DependabotAlert, Github, Off, SecretAlert, Trace
from meshguard.targets.github.models import Severity

T = TypeVar("T", SecretAlert, CodeAlert)

SHOWN = 5
"""Alerts that a sentence names."""


@check(
    "github.alert_age",
    method="examine",
    fix="Answer each alert in time: fix it, dismiss it with a reason (`gh api -X PATCH "
    "repos/OWNER/NAME/dependabot/alerts/NUMBER -f state=dismissed -f dismissed_reason=tolerable_risk`), or open an "
    "issue or pull request that names its GHSA or CVE id.",
)
async def alert_age(
    repository: Github,
    clock: Clock,
    *,
    max: Duration = timedelta(hours=24),
    severities: tuple[Severity, ...] = ("critical", "high"),
    within: Duration = days(90),
    automatic: bool = False,
) -> Verdict:
    """Each Dependabot alert of these severities is triaged within `max` of being raised (NIST SP 800-53, RA-5 d).

    Triage is what somebody did and a date proves: the alert was fixed, or dismissed, or an issue or pull request of
    this repository names its GHSA or CVE id. An alert that is younger than `max` is not due yet. Assigning somebody
    leaves no date in the API, and does not count.

    Args:
        max: the longest time from the alert to its triage.
        severities: of the alerts that are judged.
        within: closed alerts that were raised longer ago are history; open ones count whatever their age.
        automatic: whether a bot's pull request or issue, such as Dependabot's own for the package, and a dismissal by
            an auto-triage rule are triage too.
    """
    found = await repository.dependabot_alerts(severities)
    if isinstance(found, Off):
        return failed(f"nothing watches the dependencies: {found.off}", fix=ENABLE_ALERTS)
    now = await clock.now()
    alerts = [one for one in found.alerts if one.state == "open" or now - one.created <= within]
    # Traces are read only where an alert is due for which nothing else speaks.
    open_questions = [one for one in alerts if not _in_time(one, (), now, max, automatic)]
    traces = await repository.traces(_day(min(one.created for one in open_questions))) if open_questions else ()
    late = [one for one in open_questions if not _in_time(one, traces, now, max, automatic)]
    what = f"{len(alerts)} alerts of severity {' or '.join(severities)}"
    if late:
        names = ", ".join(f"#{one.number} {one.package} ({one.severity})" for one in late[:SHOWN])
        return failed(
            f"{len(late)} of {what} were not triaged within {show_duration(max)}: {names}", got=len(late), want=0
        )
    return passed(f"{what} were triaged within {show_duration(max)}, or are younger", got=len(alerts))


ENABLE_ALERTS = "Enable Dependabot alerts: `gh api -X PUT repos/OWNER/NAME/vulnerability-alerts`."


def _day(time: datetime) -> date:
    return time.date()


def _in_time(
    alert: DependabotAlert, traces: Iterable[Trace], now: datetime, longest: timedelta, automatic: bool
) -> bool:
    answered = [alert.fixed, alert.dismissed, alert.auto_dismissed if automatic else None]
    times = [time for time in answered if time is not None]
    times += [trace.created for trace in traces if _is_about(trace, alert, automatic)]
    return min(times, default=now) - alert.created <= longest


def _is_about(trace: Trace, alert: DependabotAlert, automatic: bool) -> bool:
    if trace.bot and not automatic:
        return False
    named = alert.package in trace.packages and trace.created >= alert.created
    return named or bool({alert.ghsa.upper(), alert.cve.upper()} & set(trace.advisories))


@check(
    "github.secret_scanning",
    method="examine",
    fix="Revoke each reported secret and resolve its alert; enable both: `gh api -X PATCH repos/OWNER/NAME "
    "-F security_and_analysis[secret_scanning][status]=enabled "
    "-F security_and_analysis[secret_scanning_push_protection][status]=enabled`.",
)
async def secret_scanning(
    repository: Github, clock: Clock, *, push_protection: bool = True, max_open: Duration = days(0)
) -> Verdict:
    """GitHub looks for secrets in what is pushed, refuses them, and none is open (CIS Supply Chain 1.0, 1.5.1).

    Args:
        push_protection: whether a push that holds a secret must be refused too.
        max_open: how long an alert may stay unresolved.
    """
    found = await repository.secret_alerts()
    if isinstance(found, Off):
        return failed(found.off)
    about = await repository.repository()
    if push_protection and about.push_protection is False:
        return failed("push protection is disabled: a secret is found after it was pushed")
    late = _open_too_long(found.alerts, await clock.now(), max_open)
    if late:
        names = ", ".join(f"#{one.number} {one.kind} ({one.validity})" for one in late[:SHOWN])
        return failed(f"{len(late)} secrets are reported and not resolved: {names}", got=len(late), want=0)
    if push_protection and about.push_protection is None:
        return undetermined(
            "GitHub does not tell this token whether push protection is enabled",
            fix="give the token the permission administration=read, by a user who administers the repository",
        )
    return passed(f"it is enabled, and of {len(found.alerts)} open alerts none is older than {show_duration(max_open)}")


@check(
    "github.code_scanning",
    method="examine",
    fix="Set up code scanning for the default branch and on a schedule (`gh api -X PATCH "
    "repos/OWNER/NAME/code-scanning/default-setup -f state=configured`), and fix or dismiss what it finds.",
)
async def code_scanning(
    repository: Github,
    clock: Clock,
    *,
    tools: tuple[str, ...] = (),
    max_age: Duration = days(8),
    severities: tuple[str, ...] = ("critical", "high", "error"),
    max_open: Duration = days(0),
) -> Verdict:
    """The branch was analysed within `max_age` without an error, and no alert of these severities is open.

    What is in force is the newest analysis of each tool and category (NIST SSDF 1.1, PW.7.2). The default is a week,
    as scanners' own schedules are, and a day for the run to begin late.

    Args:
        tools: names of tools each of which must have analysed it; at least one tool where none is named.
        max_age: the longest time since the newest analysis.
        severities: of open alerts that fail: critical, high, medium, low, and for rules without a security severity
            error, warning and note. The default is what fails a pull request by GitHub's own default.
        max_open: how long such an alert may stay open.
    """
    now = await clock.now()
    found = await repository.analyses(_day(now - max_age))
    if isinstance(found, Off):
        return failed(found.off)
    if problem := _analysed(found.analyses, now, max_age, tools):
        return failed(problem, want=max_age)
    alerts = await repository.code_alerts()
    if isinstance(alerts, Off):
        return failed(alerts.off)
    bad = [one for one in alerts.alerts if one.severity in severities]
    late = _open_too_long(bad, now, max_open)
    if late:
        names = ", ".join(f"#{one.number} {one.rule} ({one.severity})" for one in late[:SHOWN])
        return failed(f"{len(late)} alerts of code scanning are open: {names}", got=len(late), want=0)
    return passed(f"it was analysed within {show_duration(max_age)}, and no alert that counts is open too long")


def _analysed(analyses: tuple[Analysis, ...], now: datetime, max_age: timedelta, tools: tuple[str, ...]) -> str:
    """What is wrong with the analyses; empty where nothing is."""
    recent = [one for one in analyses if now - one.created <= max_age]
    if not recent:
        last = f"; the last one was on {analyses[0].created:%Y-%m-%d}" if analyses else ""
        return f"it was not analysed within {show_duration(max_age)}{last}"
    missing = [tool for tool in tools if tool not in {one.tool for one in recent}]
    if missing:
        return f"{', '.join(missing)} did not analyse it within {show_duration(max_age)}"
    newest = {(one.tool, one.category): one for one in sorted(recent, key=lambda one: one.created)}
    broken = [f"{tool} {category}".strip() for (tool, category), one in newest.items() if one.failed]
    return f"the newest analysis of {broken[0]} ended with an error" if broken else ""


def _open_too_long(alerts: Iterable[T], now: datetime, longest: timedelta) -> list[T]:
    return [one for one in alerts if now - one.created > longest]
