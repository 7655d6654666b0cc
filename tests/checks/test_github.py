"""Checks of a repository on GitHub, by literal facts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from meshguard.api import Clock, Denied
from meshguard.targets.github import (
    Analyses,
    Analysis,
    Branch,
    CodeAlert,
    CodeAlerts,
    DependabotAlert,
    DependabotAlerts,
    Environment,
    Github,
    Guard,
    Job,
    Off,
    Push,
    Repository,
    Reviews,
    Run,
    SecretAlert,
    SecretAlerts,
    SecurityUpdates,
    Trace,
    Workflow,
)
from meshguard.testing import judge, recorded
from meshguard.verdict import Verdict
from meshguard_checks.github import (
    alert_age,
    branch_protection,
    code_scanning,
    dependabot,
    environment_reviewers,
    secret_scanning,
    workflow_runs,
)

Facts = dict[Any, Any]

row = pytest.param
NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DENIED = Denied("the token may not read it", fix="give the token more")


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def clock() -> Clock:
    return recorded(Clock, {Clock.now: {(): NOW}})


def repository(facts: Facts) -> Github:
    return recorded(Github, facts, repo="health-mesh/platform")


def about(**changes: object) -> Repository:
    given: dict[str, object] = {
        "full_name": "health-mesh/platform", "default_branch": "main", "archived": False, "disabled": False,
        "fork": False, "private": True, "admin": True, "secret_scanning": True, "push_protection": True,
    }  # fmt: skip
    return Repository.model_validate({**given, **changes})


def said(verdict: Verdict, outcome: str, message: str) -> None:
    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


# github.alert_age

HIGH = ("critical", "high")


def alert(created: datetime, **changes: object) -> DependabotAlert:
    given: dict[str, object] = {
        "number": 7, "state": "open", "severity": "high", "package": "lodash", "ecosystem": "npm",
        "manifest": "package-lock.json", "ghsa": "GHSA-aaaa-bbbb-cccc", "cve": "CVE-2026-0007", "created": created,
        "dismissed": None, "auto_dismissed": None, "fixed": None,
    }  # fmt: skip
    return DependabotAlert.model_validate({**given, **changes})


def trace(created: datetime, **changes: object) -> Trace:
    given: dict[str, object] = {
        "number": 1, "created": created, "pull": False, "bot": False, "dependabot": False,
        "advisories": ("GHSA-AAAA-BBBB-CCCC",), "packages": (),
    }  # fmt: skip
    return Trace.model_validate({**given, **changes})


WEEK = ago(days=7)
IN_TIME, LATE = WEEK + timedelta(hours=24), WEEK + timedelta(hours=24) + SECOND
BOT = {"bot": True, "dependabot": True, "pull": True, "advisories": (), "packages": ("lodash",)}


@pytest.mark.parametrize(
    ("alerts", "traces", "parameters", "outcome"),
    [
        row((), (), {}, "pass", id="no alert, and they are on"),
        row((alert(ago(hours=24)),), (), {}, "pass", id="open for 24 hours to the second"),
        row((alert(ago(hours=24) - SECOND),), (), {}, "fail", id="open a second longer"),
        row((alert(ago(hours=24) - SECOND),), (), {"max": "2d"}, "pass", id="two days may be taken"),
        row((alert(WEEK, state="fixed", fixed=IN_TIME),), (), {}, "pass", id="fixed in time"),
        row((alert(WEEK, state="fixed", fixed=LATE),), (), {}, "fail", id="fixed a second late"),
        row((alert(WEEK, state="dismissed", dismissed=IN_TIME),), (), {}, "pass", id="dismissed in time"),
        row((alert(WEEK, state="dismissed", dismissed=LATE),), (), {}, "fail", id="dismissed late"),
        row((alert(WEEK, state="auto_dismissed", auto_dismissed=IN_TIME),), (), {}, "fail", id="dismissed by a rule"),
        row(
            (alert(WEEK, state="auto_dismissed", auto_dismissed=IN_TIME),), (), {"automatic": True}, "pass",
            id="dismissed by a rule where that counts",
        ),
        row((alert(WEEK),), (trace(IN_TIME),), {}, "pass", id="an issue names its GHSA id in time"),
        row((alert(WEEK),), (trace(LATE),), {}, "fail", id="an issue a second late"),
        row((alert(WEEK),), (trace(IN_TIME, advisories=("CVE-2026-0007",)),), {}, "pass", id="names its CVE id"),
        row((alert(WEEK),), (trace(IN_TIME, advisories=("CVE-2026-0008",)),), {}, "fail", id="names another CVE"),
        row((alert(WEEK, cve=""),), (trace(IN_TIME, advisories=()),), {}, "fail", id="no CVE, and nothing named"),
        row((alert(WEEK),), (trace(IN_TIME, bot=True),), {}, "fail", id="named by a bot, and by nobody else"),
        row((alert(WEEK),), (trace(IN_TIME, **BOT),), {}, "fail", id="Dependabot's own pull request"),
        row((alert(WEEK),), (trace(IN_TIME, **BOT),), {"automatic": True}, "pass", id="its own where that counts"),
        row((alert(WEEK),), (trace(WEEK, **BOT),), {"automatic": True}, "pass", id="its own of the same second"),
        row(
            (alert(WEEK),), (trace(WEEK - SECOND, **BOT),), {"automatic": True}, "fail",
            id="its own from before the alert was about another version",
        ),
        row((alert(ago(days=400)),), (), {}, "fail", id="an old alert that is open still"),
        row((alert(ago(days=90), state="fixed", fixed=ago(days=1)),), (), {}, "fail", id="closed late, 90 days old"),
        row(
            (alert(ago(days=90) - SECOND, state="fixed", fixed=ago(days=1)),), (), {}, "pass",
            id="closed late, and history since a second",
        ),
        row(
            (alert(ago(days=90) - SECOND, state="fixed", fixed=ago(days=1)),), (), {"within": "91d"}, "fail",
            id="history begins later",
        ),
    ],
)  # fmt: skip
async def test_alert_age(
    alerts: tuple[DependabotAlert, ...], traces: tuple[Trace, ...], parameters: dict[str, Any], outcome: str
) -> None:
    days = {(one.created.date(),): traces for one in alerts}
    facts: Facts = {Github.dependabot_alerts: {(HIGH,): DependabotAlerts(alerts=alerts)}, Github.traces: days}
    said(await judge(alert_age, repository(facts), clock(), **parameters), outcome, "")


@pytest.mark.parametrize(
    ("answer", "outcome", "message"),
    [
        row(Off(off="Dependabot alerts are disabled"), "fail", "nothing watches", id="off is no empty list"),
        row(DENIED, "error", "may not read", id="denied is no empty list"),
    ],
)
async def test_alert_age_without_alerts(answer: object, outcome: str, message: str) -> None:
    facts: Facts = {Github.dependabot_alerts: {(HIGH,): answer}}
    said(await judge(alert_age, repository(facts), clock()), outcome, message)


async def test_alert_age_is_an_error_where_an_answer_may_stand_in_an_issue_that_is_not_seen() -> None:
    alerts = DependabotAlerts(alerts=(alert(WEEK),))
    facts: Facts = {Github.dependabot_alerts: {(HIGH,): alerts}, Github.traces: {(WEEK.date(),): DENIED}}
    said(await judge(alert_age, repository(facts), clock()), "error", "may not read")


async def test_alert_age_of_other_severities() -> None:
    alerts = DependabotAlerts(alerts=(alert(WEEK, severity="low"),))
    facts: Facts = {Github.dependabot_alerts: {(("low",),): alerts}, Github.traces: {(WEEK.date(),): ()}}
    verdict = await judge(alert_age, repository(facts), clock(), severities=["low"])
    said(verdict, "fail", "1 of 1 alerts of severity low were not triaged within 1d: #7 lodash (low)")


# github.secret_scanning


def secret(created: datetime) -> SecretAlert:
    return SecretAlert(number=3, kind="aws_access_key_id", created=created, validity="active")


@pytest.mark.parametrize(
    ("answer", "told", "parameters", "outcome", "message"),
    [
        row((), {}, {}, "pass", "of 0 open alerts", id="on, and nothing found"),
        row((secret(NOW),), {}, {}, "pass", "of 1 open", id="found this very second"),
        row((secret(NOW - SECOND),), {}, {}, "fail", "#3 aws_access_key_id (active)", id="found a second ago"),
        row((secret(ago(days=1)),), {}, {"max_open": "1d"}, "pass", "", id="a day may pass"),
        row((secret(ago(days=1) - SECOND),), {}, {"max_open": "1d"}, "fail", "", id="a day and a second"),
        row((), {"push_protection": False}, {}, "fail", "push protection is disabled", id="a push is not refused"),
        row((), {"push_protection": False}, {"push_protection": False}, "pass", "", id="which may be"),
        row((), {"push_protection": None}, {}, "not-checked", "does not tell", id="whether it is refused is not told"),
        row((), {"push_protection": None}, {"push_protection": False}, "pass", "", id="and does not matter"),
        row(
            (secret(ago(days=1)),), {"push_protection": None}, {}, "fail", "are reported", id="not told, and one found"
        ),
        row(Off(off="secret scanning is disabled"), {}, {}, "fail", "is disabled", id="off"),
        row(DENIED, {}, {}, "error", "may not read", id="denied"),
    ],
)
async def test_secret_scanning(
    answer: object, told: dict[str, Any], parameters: dict[str, Any], outcome: str, message: str
) -> None:
    alerts = SecretAlerts(alerts=answer) if isinstance(answer, tuple) else answer
    facts: Facts = {Github.secret_alerts: {(): alerts}, Github.repository: {(): about(**told)}}
    said(await judge(secret_scanning, repository(facts), clock(), **parameters), outcome, message)


# github.code_scanning


def analysis(created: datetime, tool: str = "CodeQL", category: str = "/language:python", failed: bool = False) -> Any:
    return Analysis(tool=tool, category=category, created=created, failed=failed)


def finding(severity: str, created: datetime = WEEK) -> CodeAlert:
    return CodeAlert(number=9, severity=severity, rule="py/sql-injection", created=created)


YESTERDAY = ago(days=1)


@pytest.mark.parametrize(
    ("analyses", "alerts", "parameters", "outcome", "message"),
    [
        row((analysis(ago(days=8)),), (), {}, "pass", "analysed within 8d", id="eight days old"),
        row((analysis(ago(days=8) - SECOND),), (), {}, "fail", "the last one was on 2026-06-02", id="a second older"),
        row((), (), {}, "fail", "it was not analysed within 8d", id="never"),
        row((analysis(YESTERDAY, failed=True),), (), {}, "fail", "ended with an error", id="it ended with an error"),
        row((analysis(YESTERDAY, failed=True), analysis(NOW)), (), {}, "pass", "", id="an error before the newest"),
        row((analysis(NOW, failed=True), analysis(YESTERDAY)), (), {}, "fail", "", id="an error of the newest"),
        row(
            (analysis(NOW), analysis(YESTERDAY, category="/language:js", failed=True)), (), {}, "fail",
            "CodeQL /language:js", id="an error of another category",
        ),
        row((analysis(NOW),), (), {"tools": ["CodeQL", "Trivy"]}, "fail", "Trivy did not", id="a tool did not run"),
        row(
            (analysis(NOW), analysis(ago(days=9), tool="Trivy")), (), {"tools": ["CodeQL", "Trivy"]}, "fail",
            "Trivy did not", id="a tool ran too long ago",
        ),
        row((analysis(NOW), analysis(NOW, "Trivy")), (), {"tools": ["CodeQL", "Trivy"]}, "pass", "", id="both ran"),
        row((analysis(NOW),), (finding("high"),), {}, "fail", "#9 py/sql-injection (high)", id="a high alert"),
        row((analysis(NOW),), (finding("error"),), {}, "fail", "", id="an error without a security severity"),
        row((analysis(NOW),), (finding("medium"), finding("warning")), {}, "pass", "", id="medium and warning"),
        row((analysis(NOW),), (finding("medium"),), {"severities": ["medium"]}, "fail", "", id="medium if it counts"),
        row((analysis(NOW),), (finding("high"),), {"max_open": "7d"}, "pass", "", id="open for seven days"),
        row((analysis(NOW),), (finding("high", WEEK - SECOND),), {"max_open": "7d"}, "fail", "", id="and a second"),
        row((analysis(NOW),), DENIED, {}, "error", "may not read", id="alerts denied"),
        row((analysis(NOW),), Off(off="it is off"), {}, "fail", "it is off", id="alerts off"),
        row(Off(off="no analysis was ever uploaded"), (), {}, "fail", "no analysis", id="off"),
        row(DENIED, (), {}, "error", "may not read", id="analyses denied"),
    ],
)  # fmt: skip
async def test_code_scanning(
    analyses: object, alerts: object, parameters: dict[str, Any], outcome: str, message: str
) -> None:
    found = Analyses(analyses=analyses) if isinstance(analyses, tuple) else analyses
    opened = CodeAlerts(alerts=alerts) if isinstance(alerts, tuple) else alerts
    facts: Facts = {Github.analyses: {(date(2026, 6, 2),): found}, Github.code_alerts: {(): opened}}
    said(await judge(code_scanning, repository(facts), clock(), **parameters), outcome, message)


async def test_code_scanning_of_another_age() -> None:
    facts: Facts = {
        Github.analyses: {(date(2026, 6, 9),): Analyses(analyses=(analysis(YESTERDAY - SECOND),))},
        Github.code_alerts: {(): CodeAlerts(alerts=())},
    }
    said(await judge(code_scanning, repository(facts), clock(), max_age="1d"), "fail", "within 1d")


# github.branch_protection

ALL = {
    "reviews": Reviews(count=1, code_owners=True, dismiss_stale=True),
    "status_checks": ("build", "test"),
    "no_force_push": True,
    "no_deletion": True,
    "bypass": (),
}
NONE = {"reviews": None, "status_checks": (), "no_force_push": False, "no_deletion": False, "bypass": ()}


def ruleset(**changes: object) -> Guard:
    return Guard.model_validate({"source": "ruleset 7", **ALL, **changes})


def classic(**changes: object) -> Guard:
    return Guard.model_validate({"source": "classic protection", **ALL, **changes})


def asks(**changes: object) -> Reviews:
    return Reviews.model_validate({"count": 1, "code_owners": False, "dismiss_stale": False, **changes})


NO_CLASSIC = Off(off="the branch has no classic protection")
ADMINS = ("administrators",)


@pytest.mark.parametrize(
    ("rulesets", "old", "parameters", "outcome", "message"),
    [
        row((), classic(), {}, "pass", "(classic protection)", id="classic protection alone"),
        row((ruleset(),), NO_CLASSIC, {}, "pass", "(ruleset 7)", id="a ruleset alone"),
        row((ruleset(),), DENIED, {}, "pass", "(ruleset 7)", id="a ruleset that needs no help from what is not seen"),
        row((), NO_CLASSIC, {}, "fail", "the branch is not protected", id="neither"),
        row((), DENIED, {}, "error", "may not read", id="no ruleset, and classic protection is not seen"),
        row((ruleset(no_deletion=False),), DENIED, {}, "error", "", id="a ruleset lacks one thing, the rest unseen"),
        row(
            (ruleset(**NONE | {"no_deletion": True}),), classic(no_deletion=False), {}, "pass",
            "(classic protection, ruleset 7)", id="each asks what the other does not",
        ),
        row((), classic(reviews=None), {}, "fail", "1 approving review: not required", id="no pull request"),
        row((), classic(reviews=asks(count=0)), {}, "fail", "1 approving review", id="a pull request nobody approves"),
        row((), classic(reviews=asks(count=0)), {"reviews": 0}, "pass", "a pull request", id="which may be"),
        row((), classic(reviews=None), {"reviews": 0}, "fail", "a pull request: not", id="not even a pull request"),
        row((), classic(), {"reviews": 2}, "fail", "2 approving reviews", id="one approval of two"),
        row((), classic(reviews=asks(count=2)), {"reviews": 2}, "pass", "", id="two of two"),
        row((), classic(status_checks=()), {}, "fail", "a status check: not required", id="no status check"),
        row((), classic(status_checks=("lint",)), {}, "pass", "", id="any status check where none is named"),
        row((), classic(), {"status_checks": ["build", "test"]}, "pass", "the status check test", id="those named"),
        row((), classic(), {"status_checks": ["audit"]}, "fail", "the status check audit: not", id="not the one named"),
        row(
            (ruleset(**NONE | {"status_checks": ("audit",)}),), classic(), {"status_checks": ["audit", "build"]},
            "pass", "", id="one here and one there",
        ),
        row((), classic(no_force_push=False), {}, "fail", "force pushes off: not required", id="force pushes"),
        row((), classic(no_deletion=False), {}, "fail", "deletion off: not required", id="deletion"),
        row((), classic(bypass=ADMINS), {}, "fail", "may be bypassed by administrators", id="administrators exempt"),
        row((), classic(bypass=ADMINS), {"may_bypass": ["administrators"]}, "pass", "", id="which is accepted"),
        row(
            (ruleset(bypass=("Integration:1",)),), NO_CLASSIC, {"may_bypass": ["Integration:2"]}, "fail",
            "bypassed by Integration:1", id="another app than the accepted one",
        ),
        row((ruleset(bypass=ADMINS),), classic(), {}, "pass", "", id="a bypass of one that the other does not have"),
        row((), classic(review_bypass=("Team:3",)), {}, "fail", "1 approving review: may be", id="a team may"),
        row((ruleset(bypass=None),), NO_CLASSIC, {}, "not-checked", "bypass ruleset 7", id="bypass is not told"),
        row((ruleset(bypass=None),), classic(), {}, "pass", "", id="not told, and the other needs no help"),
        row(
            (ruleset(bypass=None, no_deletion=False),), NO_CLASSIC, {}, "fail", "deletion off: not required",
            id="not told, and something is surely missing",
        ),
        row(
            (ruleset(bypass=None),), classic(bypass=ADMINS), {}, "not-checked", "bypass ruleset 7",
            id="not told, and the other may be bypassed",
        ),
        row((), classic(reviews=asks()), {"code_owners": True}, "fail", "review by code owners", id="no code owners"),
        row((), classic(reviews=asks(code_owners=True)), {"code_owners": True}, "pass", "", id="code owners"),
        row((), classic(reviews=asks()), {"dismiss_stale": True}, "fail", "stale reviews", id="stale reviews stay"),
        row((), classic(reviews=asks(dismiss_stale=True)), {"dismiss_stale": True}, "pass", "", id="stale ones go"),
    ],
)  # fmt: skip
async def test_branch_protection(
    rulesets: tuple[Guard, ...], old: object, parameters: dict[str, Any], outcome: str, message: str
) -> None:
    facts: Facts = {Github.rulesets: {(): rulesets}, Github.classic_protection: {(): old}}
    said(await judge(branch_protection, repository(facts), **parameters), outcome, message)


# github.dependabot

OWN = Workflow(id=12, path="dynamic/dependabot/dependabot-updates", state="active")


def own_run(created: datetime = YESTERDAY, conclusion: str = "success", title: str = "npm in / - Update #1") -> Run:
    return Run(
        id=5, sha="a" * 40, event="dynamic", finished=bool(conclusion), conclusion=conclusion, created=created,
        own=True, title=title,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("runs", "outcome", "message"),
    [
        row((own_run(),), "pass", "1 of its runs succeeded within 8d", id="it ran yesterday"),
        row((own_run(ago(days=8)),), "pass", "", id="eight days ago"),
        row((own_run(ago(days=8) - SECOND),), "fail", "no run of it succeeded", id="a second more"),
        row((), "fail", "no run of it succeeded", id="no run"),
        row((own_run(conclusion=""),), "fail", "no run of it succeeded", id="the only run has not finished"),
        row((own_run(conclusion="failure"),), "fail", "its newest run of npm in / failed", id="the only run failed"),
        row(
            (own_run(), own_run(conclusion="failure", title="pip in /ml - Update #2")), "fail",
            "its newest run of pip in /ml failed", id="one folder's newest run failed",
        ),
        row((own_run(), own_run(ago(days=2), "failure")), "pass", "", id="it failed, and then succeeded"),
        row((own_run(ago(days=2)), own_run(YESTERDAY, "failure")), "fail", "", id="it succeeded, and then failed"),
        row(
            (own_run(), own_run(conclusion="failure", title="npm in /. for ws - Update #3")), "pass", "",
            id="one package has no update that helps",
        ),
        row(
            (own_run(conclusion="failure", title="npm in /. for ws - Update #3"),), "fail", "no run of it succeeded",
            id="and nothing else ran",
        ),
        row(DENIED, "error", "may not read", id="runs denied"),
    ],
)  # fmt: skip
async def test_dependabot_runs(runs: object, outcome: str, message: str) -> None:
    facts: Facts = {
        Github.repository: {(): about()},
        Github.vulnerability_alerts: {(): True},
        Github.security_updates: {(): SecurityUpdates(enabled=True, paused=False)},
        Github.workflows: {(): (OWN,)},
        Github.runs: {(12, "main", date(2026, 6, 2)): runs},
    }
    said(await judge(dependabot, repository(facts), clock()), outcome, message)


ON = SecurityUpdates(enabled=True, paused=False)


@pytest.mark.parametrize(
    ("changes", "parameters", "outcome", "message"),
    [
        row({}, {}, "pass", "1 of its runs", id="all is on"),
        row({Github.repository: about(archived=True)}, {}, "fail", "archived", id="archived"),
        row({Github.vulnerability_alerts: False}, {}, "fail", "alerts are disabled", id="alerts off"),
        row({Github.vulnerability_alerts: DENIED}, {}, "error", "may not read", id="whether alerts are on is not seen"),
        row({Github.security_updates: DENIED}, {}, "error", "may not read", id="whether updates are on is not seen"),
        row(
            {Github.security_updates: SecurityUpdates(enabled=False, paused=False)}, {}, "fail", "are disabled",
            id="updates off",
        ),
        row(
            {Github.security_updates: SecurityUpdates(enabled=True, paused=True)}, {}, "fail", "are paused",
            id="updates paused",
        ),
        row(
            {Github.security_updates: SecurityUpdates(enabled=False, paused=False)}, {"security_updates": False},
            "pass", "", id="updates off, which may be",
        ),
        row(
            {Github.workflows: (OWN.model_copy(update={"state": "disabled_manually"}),)}, {}, "fail",
            "is disabled_manually", id="its workflow is switched off",
        ),
        row({Github.workflows: DENIED}, {}, "error", "may not read", id="workflows denied"),
    ],
)  # fmt: skip
async def test_dependabot_is_on(
    changes: dict[Any, object], parameters: dict[str, Any], outcome: str, message: str
) -> None:
    good: dict[Any, object] = {
        Github.repository: about(),
        Github.vulnerability_alerts: True,
        Github.security_updates: ON,
        Github.workflows: (OWN,),
    }
    facts: Facts = {fact: {(): answer} for fact, answer in {**good, **changes}.items()}
    facts[Github.runs] = {(12, "main", date(2026, 6, 2)): (own_run(),)}
    said(await judge(dependabot, repository(facts), clock(), **parameters), outcome, message)


@pytest.mark.parametrize(
    ("traces", "outcome"),
    [
        row((trace(ago(days=8), **BOT),), "pass", id="a pull request of its own, eight days old"),
        row((trace(ago(days=8) - SECOND, **BOT),), "fail", id="a second older"),
        row((trace(YESTERDAY, pull=True),), "fail", id="a pull request of somebody"),
        row((trace(YESTERDAY, **BOT | {"pull": False}),), "fail", id="an issue of its own"),
        row((), "fail", id="nothing"),
        row(DENIED, "error", id="pull requests denied"),
    ],
)
async def test_dependabot_that_does_not_run_on_actions(traces: object, outcome: str) -> None:
    facts: Facts = {
        Github.repository: {(): about()},
        Github.vulnerability_alerts: {(): True},
        Github.security_updates: {(): ON},
        Github.workflows: {(): ()},
        Github.traces: {(date(2026, 6, 2),): traces},
    }
    said(await judge(dependabot, repository(facts), clock()), outcome, "")


async def test_dependabot_of_another_age() -> None:
    facts: Facts = {
        Github.repository: {(): about()},
        Github.vulnerability_alerts: {(): True},
        Github.security_updates: {(): ON},
        Github.workflows: {(): (OWN,)},
        Github.runs: {(12, "main", date(2026, 6, 8)): (own_run(ago(days=2) - SECOND),)},
    }
    said(await judge(dependabot, repository(facts), clock(), max_age="2d"), "fail", "within 2d")


# github.workflow_runs

CI = Workflow(id=11, path=".github/workflows/ci.yml", state="active")


def push(sha: str, time: datetime = YESTERDAY) -> Push:
    return Push(sha=sha, time=time)


def run(sha: str, conclusion: str = "success", **changes: object) -> Run:
    given: dict[str, object] = {
        "id": 100, "sha": sha, "event": "push", "finished": bool(conclusion), "conclusion": conclusion,
        "created": YESTERDAY, "own": True,
    }  # fmt: skip
    return Run.model_validate({**given, **changes})


def building(
    pushes: object,
    runs: object,
    jobs: dict[tuple[Any, ...], object] | None = None,
    known: object = (CI,),
    count: int = 2,
) -> Github:
    return repository({
        Github.workflows: {(): known},
        Github.branch: {(): Branch(name="main", sha="a")},
        Github.runs: {(11, "main", date(2026, 3, 12)): runs},
        Github.pushes: {(count + 10,): pushes},
        Github.jobs: jobs or {},
    })  # fmt: skip


TWO = (push("a"), push("b"))
JUST, HOUR = ago(hours=1) + SECOND, ago(hours=1) - SECOND


@pytest.mark.parametrize(
    ("pushes", "runs", "outcome", "message"),
    [
        row(TWO, (run("a"), run("b")), "pass", "on the last 2 builds", id="a run that succeeded for each push"),
        row(TWO, (run("a"),), "fail", "on 1 of the last 2 pushes: b", id="a push for which nothing ran"),
        row(TWO, (run("a"), run("c"), run("d")), "fail", "1 of the last 2", id="runs enough, and on other commits"),
        row(TWO, (run("a"), run("b", "failure")), "fail", "1 of the last 2", id="a run that failed"),
        row(TWO, (run("a"), run("b", "cancelled")), "fail", "1 of the last 2", id="a run that was cancelled"),
        row(TWO, (run("a"), run("b", "skipped")), "fail", "1 of the last 2", id="a run that was skipped"),
        row(TWO, (run("a"), run("b", "neutral")), "fail", "1 of the last 2", id="a run that says nothing"),
        row(TWO, (run("a"), run("b", "failure"), run("b")), "pass", "", id="one failed, and one on it succeeded"),
        row(TWO, (run("a"), run("b", own=False)), "fail", "1 of the last 2", id="a run of a fork"),
        row(TWO, (run("a"), run("b", event="schedule")), "fail", "1 of the last 2", id="a nightly run on it"),
        row(
            (push("a", JUST), *TWO[1:], push("c")), (run("b"), run("c")), "pass", "", id="pushed just now, not yet run"
        ),
        row((push("a", HOUR), *TWO[1:]), (run("b"),), "fail", "1 of the last 2", id="pushed an hour ago, never run"),
        row(
            (push("a", JUST), push("b")), (run("a", "failure"), run("b")), "fail", "", id="pushed just now, and failed"
        ),
        row((push("a", JUST), push("b")), (run("a", ""), run("b")), "pass", "last 1 builds", id="it runs this minute"),
        row((push("a"),), (run("a"),), "pass", "last 1 builds", id="a branch that was pushed once"),
        row((*TWO, push("c")), (run("a"), run("b")), "pass", "", id="the third push back does not count"),
        row((), (run("a"),), "not-checked", "no push", id="a branch that was never pushed"),
        row((push("a", JUST),), (), "not-checked", "no push", id="one push, and it is not due"),
        row(TWO, (), "fail", "2 of the last 2", id="no run"),
        row(DENIED, (run("a"),), "error", "may not read", id="pushes denied"),
        row(TWO, DENIED, "error", "may not read", id="runs denied"),
    ],
)
async def test_workflow_runs_on_push(pushes: object, runs: object, outcome: str, message: str) -> None:
    site = building(pushes, runs)
    said(await judge(workflow_runs, site, clock(), workflow="ci.yml", runs=2), outcome, message)


def night(number: int, conclusion: str = "success") -> Run:
    return run("a", conclusion, id=number, event="schedule")


def old_night(created: datetime) -> Run:
    return run("a", event="schedule", created=created)


@pytest.mark.parametrize(
    ("runs", "outcome", "message"),
    [
        row((night(1), night(2)), "pass", "", id="two nights"),
        row((night(1),), "fail", "it ran 1 times within 90d", id="one night of two"),
        row(
            (night(1), night(2, "failure")), "fail", "1 of its last 2 runs did not succeed: 2 (failure)", id="a failure"
        ),
        row((night(1), night(2), night(3, "failure")), "pass", "", id="a failure before the last two"),
        row((night(1, ""), night(2), night(3)), "pass", "", id="the newest has not finished"),
        row((night(1), run("a")), "fail", "it ran 1 times", id="a run on push is no night"),
        row((night(1), old_night(ago(days=90))), "pass", "", id="one is 90 days old"),
        row((night(1), old_night(ago(days=90) - SECOND)), "fail", "1 times", id="and a second"),
    ],
)
async def test_workflow_runs_by_schedule(runs: object, outcome: str, message: str) -> None:
    verdict = await judge(workflow_runs, building((), runs), clock(), workflow="ci.yml", runs=2, events=["schedule"])
    said(verdict, outcome, message)


@pytest.mark.parametrize(
    ("jobs", "outcome"),
    [
        row({"build": "success", "audit": "success"}, "pass", id="it succeeded"),
        row({"build": "success", "audit": "skipped"}, "fail", id="it was skipped, and the run succeeded"),
        row({"build": "success"}, "fail", id="there is none"),
        row({"audit (18)": "success", "audit (20)": "success"}, "pass", id="all of a matrix"),
        row({"audit (18)": "success", "audit (20)": "failure"}, "fail", id="one of a matrix did not"),
        row({"security / audit": "success"}, "pass", id="in a workflow that is called"),
        row({"audit-later": "success"}, "fail", id="another job whose name begins so"),
    ],
)
async def test_workflow_runs_job(jobs: dict[str, str], outcome: str) -> None:
    found = tuple(Job(name=name, conclusion=end) for name, end in jobs.items())
    site = building((push("a"),), (run("a"),), {(100,): found}, count=1)
    said(await judge(workflow_runs, site, clock(), workflow="ci.yml", runs=1, job="audit"), outcome, "")


async def test_workflow_runs_job_is_sought_in_the_runs_that_succeeded() -> None:
    """A run that failed and was started anew by hand is no reason to fail, nor are those of earlier pushes."""
    jobs: Facts = {(2,): (Job(name="audit", conclusion="success"),)}
    runs = (run("a", "failure", id=1), run("a", id=2), run("older", id=3))
    site = building((push("a"),), runs, jobs, count=1)
    said(await judge(workflow_runs, site, clock(), workflow="ci.yml", runs=1, job="audit"), "pass", "the last 1 runs")


@pytest.mark.parametrize(
    ("workflow", "known", "outcome", "message"),
    [
        row(".github/workflows/ci.yml", (CI,), "pass", "", id="by its path"),
        row("cd.yml", (CI,), "fail", "there is no workflow cd.yml", id="another file"),
        row("ci.yml", (), "fail", "there is no workflow ci.yml", id="no workflow at all"),
        row("ci.yml", (Workflow(id=1, path="x/ci.yml", state="active"),), "fail", "no workflow", id="elsewhere"),
        row("ci.yml", (CI.model_copy(update={"state": "disabled_inactivity"}),), "fail", "inactivity", id="disabled"),
        row("ci.yml", DENIED, "error", "may not read", id="workflows denied"),
    ],
)
async def test_workflow_runs_of_which(workflow: str, known: object, outcome: str, message: str) -> None:
    site = building(TWO, (run("a"), run("b")), known=known)
    said(await judge(workflow_runs, site, clock(), workflow=workflow, runs=2), outcome, message)


@pytest.mark.parametrize(
    ("parameters", "outcome"),
    [
        row({"patience": "2h"}, "pass", id="two hours are waited, and the push is not due"),
        row({"patience": "1h"}, "fail", id="one hour is waited"),
    ],
)
async def test_workflow_runs_patience(parameters: dict[str, Any], outcome: str) -> None:
    site = building((push("a", HOUR), push("b")), (run("b"),))
    said(await judge(workflow_runs, site, clock(), workflow="ci.yml", runs=2, **parameters), outcome, "")


async def test_workflow_runs_of_another_age() -> None:
    site = repository({
        Github.workflows: {(): (CI,)},
        Github.branch: {(): Branch(name="main", sha="a")},
        Github.runs: {(11, "main", date(2026, 6, 8)): (run("a", created=ago(days=2) - SECOND),)},
        Github.pushes: {(11,): (push("a"),)},
    })  # fmt: skip
    said(await judge(workflow_runs, site, clock(), workflow="ci.yml", runs=1, max_age="2d"), "fail", "1 of the last 1")


# github.environment_reviewers


def place(name: str = "production", **changes: object) -> Environment:
    given: dict[str, object] = {
        "name": name, "reviewers": 1, "prevent_self_review": True, "admins_bypass": False, "branches": "protected",
    }  # fmt: skip
    return Environment.model_validate({**given, **changes})


@pytest.mark.parametrize(
    ("known", "parameters", "outcome", "message"),
    [
        row((place(),), {}, "pass", "production: somebody else must approve", id="in order"),
        row((), {}, "fail", "there is no environment production", id="none"),
        row((place("staging"),), {}, "fail", "there is no environment production", id="another one alone"),
        row((place(), place("preview", reviewers=0)), {}, "pass", "", id="others do not matter"),
        row((place(reviewers=0),), {}, "fail", "production: nobody has to approve", id="no reviewer"),
        row((place(prevent_self_review=False),), {}, "fail", "approve it themselves", id="self-review"),
        row((place(prevent_self_review=False),), {"prevent_self_review": False}, "pass", "", id="which may be"),
        row((place(admins_bypass=True),), {}, "fail", "administrators may deploy", id="administrators need none"),
        row((place(admins_bypass=True),), {"admins_bypass": True}, "pass", "", id="which is accepted"),
        row((place(admins_bypass=None),), {}, "not-checked", "does not say", id="whether they do is not told"),
        row((place(admins_bypass=None),), {"admins_bypass": True}, "pass", "", id="and does not matter"),
        row((place(branches="any"),), {}, "fail", "any branch", id="any branch"),
        row((place(branches="any"),), {"branches": False}, "pass", "", id="any branch, which may be"),
        row((place(branches="selected"),), {}, "pass", "", id="selected branches"),
        row((place(), place("prod-eu", reviewers=0)), {"environments": ["prod*"]}, "fail", "prod-eu", id="by pattern"),
        row(
            (place(),), {"environments": ["prod*", "live*"]}, "fail", "no environment live*", id="a pattern without any"
        ),
        row(DENIED, {}, "error", "may not read", id="denied"),
    ],
)
async def test_environment_reviewers(known: object, parameters: dict[str, Any], outcome: str, message: str) -> None:
    site = repository({Github.environments: {(): known}})
    said(await judge(environment_reviewers, site, **parameters), outcome, message)


async def test_environment_reviewers_of_no_environment_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 item"):
        await judge(environment_reviewers, repository({}), environments=[])
