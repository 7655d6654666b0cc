"""The GitHub target and its checks against a stub of the REST API on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from examples.healthmesh.source.defect import RepoDefect
from examples.healthmesh.source.github import DEFECTS, STATE, good
from examples.healthmesh.source.github_state import REPO, TOKEN, alert, good_state, run, text
from tests.live.web_help import authority
from tests.stubs.github_api import State, Stub, serving

from meshguard.api import Clock, Denied, Egress, NotAllowed, NotObserved, Throttled
from meshguard.check import Check
from meshguard.evidence import Evidence
from meshguard.targets.github import Github, GithubSettings, Off
from meshguard.testing import judge
from meshguard.verdict import Verdict
from meshguard_checks import github

row = pytest.param

CHECKS: dict[str, tuple[Check[Any], dict[str, Any]]] = {
    "github.alert_age": (github.alert_age, {}),
    "github.branch_protection": (github.branch_protection, {"status_checks": ["build", "npm-audit"]}),
    "github.code_scanning": (github.code_scanning, {"tools": ["CodeQL"]}),
    "github.dependabot": (github.dependabot, {}),
    "github.environment_reviewers": (github.environment_reviewers, {}),
    "github.secret_scanning": (github.secret_scanning, {}),
    "github.workflow_runs": (github.workflow_runs, {"workflow": "ci.yml", "job": "npm-audit"}),
}
WITH_CLOCK = {"github.alert_age", "github.code_scanning", "github.dependabot", "github.secret_scanning"} | {
    "github.workflow_runs"
}


@asynccontextmanager
async def target(
    stub: Stub, evidence: Evidence | None = None, egress: Egress | None = None, **settings: Any
) -> AsyncIterator[Github]:
    """A target that asks the stub."""
    given = {"name": "source", "repo": REPO, "api": stub.api, "token": TOKEN, "limits": {"fact_deadline": "3s"}}
    made = Github(GithubSettings.model_validate({**given, **settings}), evidence or Evidence(), egress=egress)
    try:
        yield made
    finally:
        await made.close()


async def verdict_of(name: str, asked: Github, **parameters: Any) -> Verdict:
    """What a check says, with the example's parameters."""
    check, own = CHECKS[name]
    clock = [Clock.only(asked.evidence)] if name in WITH_CLOCK else []
    return await judge(check, asked, *clock, **{**own, **parameters})


def fresh() -> State:
    return good_state(datetime.now(UTC))


async def failure_of(asked: Any) -> NotObserved:
    with pytest.raises(NotObserved) as caught:
        await asked
    return caught.value


# What the example says of itself.


@pytest.mark.parametrize("name", sorted(CHECKS))
async def test_a_repository_in_order_passes(name: str) -> None:
    with serving(fresh()) as stub:
        async with target(stub) as asked:
            verdict = await verdict_of(name, asked)
    assert verdict.outcome == "pass", verdict.message
    assert set(stub.seen_tokens) == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
async def test_a_planted_defect_trips_its_check_and_no_other(defect: RepoDefect, tmp_path: Path) -> None:
    good(tmp_path)
    defect.plant(tmp_path)
    with serving(lambda: json.loads((tmp_path / STATE).read_text())) as stub:
        async with target(stub) as asked:
            found = {name: await verdict_of(name, asked) for name in CHECKS}
    failed = {name for name, verdict in found.items() if verdict.outcome == "fail"}
    assert failed == {defect.check, *defect.also}
    assert all(verdict.outcome == "pass" for name, verdict in found.items() if name not in failed), found


# What the token may not see is never a pass, and its remedy names the permission.


@pytest.mark.parametrize(
    ("name", "permission"),
    [
        row("github.alert_age", "vulnerability_alerts", id="no Dependabot alerts"),
        row("github.branch_protection", "administration", id="no administration: classic protection is not seen"),
        row("github.code_scanning", "security_events", id="no code scanning alerts"),
        row("github.dependabot", "administration", id="no administration: whether alerts are on is not seen"),
        row("github.dependabot", "actions", id="no actions: whether Dependabot ran is not seen"),
        row("github.environment_reviewers", "actions", id="no actions: environments are not seen"),
        row("github.secret_scanning", "secret_scanning_alerts", id="no secret scanning alerts"),
        row("github.workflow_runs", "actions", id="no actions: runs are not seen"),
        row("github.workflow_runs", "contents", id="no contents: the branch is not seen"),
    ],
)
async def test_a_permission_that_lacks_is_an_error_that_names_it(name: str, permission: str) -> None:
    state = fresh()
    del state["token"]["permissions"][permission]
    with serving(state) as stub:
        async with target(stub) as asked:
            verdict = await verdict_of(name, asked)
    assert (verdict.outcome, f"{permission}=read" in verdict.fix) == ("error", True), (verdict.message, verdict.fix)


@pytest.mark.parametrize("name", sorted(CHECKS))
async def test_a_classic_token_without_the_scope_passes_nothing(name: str) -> None:
    state = fresh()
    state["token"] = {"value": TOKEN, "scopes": ["read:user"]}
    with serving(state) as stub:
        async with target(stub) as asked:
            verdict = await verdict_of(name, asked)
    assert verdict.outcome == "error"
    assert "it is not there, or the token may not see it" in verdict.message
    assert "the scope repo" in verdict.fix
    assert "it has read:user" in verdict.fix


async def test_a_token_that_is_refused_is_denied_and_never_shown() -> None:
    with serving(fresh()) as stub:
        async with target(stub, token="wrong-token-of-the-test") as asked:
            fault = await failure_of(asked.repository())
    assert isinstance(fault, Denied)
    assert "wrong-token" not in fault.reason + fault.fix + repr(asked.settings)


async def test_without_a_token_none_is_sent() -> None:
    with serving(fresh()) as stub:
        async with target(stub, token="") as asked:
            fault = await failure_of(asked.repository())
    assert stub.seen_tokens == [""]
    assert isinstance(fault, Denied)


# Off and unseen are told apart.


@pytest.mark.parametrize(
    ("message", "admin", "answer"),
    [
        row("Vulnerability alerts are disabled.", False, False, id="the message says so"),
        row("Not Found", True, False, id="a bare 404 to an administrator"),
        row("Not Found", False, None, id="a bare 404 to somebody else says nothing"),
    ],
)
async def test_whether_alerts_are_off(message: str, admin: bool, answer: bool | None) -> None:
    state = fresh() | {"vulnerability_alerts": False, "off_says": message}
    state["repository"]["permissions"]["admin"] = admin
    with serving(state) as stub:
        async with target(stub) as asked:
            if answer is None:
                assert isinstance(await failure_of(asked.vulnerability_alerts()), Denied)
            else:
                assert await asked.vulnerability_alerts() is answer


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        row("github.alert_age", {"vulnerability_alerts": False}, "Dependabot alerts are disabled", id="no alerts"),
        row("github.code_scanning", {"code_scanning": False}, "code scanning is not enabled", id="no code scanning"),
        row("github.code_scanning", {"code_scanning_analyses": []}, "no analysis was ever", id="never analysed"),
        row("github.branch_protection", {"protection": {}, "rulesets": []}, "is not protected", id="no protection"),
        row("github.branch_protection", {"free_plan": True}, "is not protected", id="a plan without protection"),
        row("github.environment_reviewers", {"environments": []}, "no environment production", id="no environment"),
        row("github.workflow_runs", {"workflows": []}, "there is no workflow ci.yml", id="no workflow"),
        row("github.dependabot", {"automated_security_fixes": None}, "are disabled", id="no security updates"),
    ],
)
async def test_what_is_off_fails(name: str, changes: State, message: str) -> None:
    with serving(fresh() | changes) as stub:
        async with target(stub) as asked:
            verdict = await verdict_of(name, asked)
    assert (verdict.outcome, message in verdict.message) == ("fail", True), verdict.message


async def test_secret_scanning_that_is_off_fails() -> None:
    state = fresh()
    state["repository"]["security_and_analysis"]["secret_scanning"] = {"status": "disabled"}
    with serving(state) as stub:
        async with target(stub) as asked:
            assert (await verdict_of("github.secret_scanning", asked)).message == "secret scanning is disabled"


async def test_an_archived_repository_fails_where_its_scanners_are_off() -> None:
    state = fresh()
    state["repository"]["archived"] = True
    with serving(state) as stub:
        async with target(stub) as asked:
            assert "archived" in (await verdict_of("github.dependabot", asked)).message
            assert "archived" in (await verdict_of("github.alert_age", asked)).message


# Kinds of repositories.


async def test_a_renamed_repository_is_followed_within_the_api() -> None:
    state = fresh() | {"renamed_from": ["old/name"]}
    with serving(state) as stub:
        async with target(stub, repo="old/name") as asked:
            assert (await asked.repository()).full_name == REPO
            assert (await asked.branch()).name == "main"
    assert stub.asked[1:] == ["/api/v3/repositories/4711", f"/api/v3/repos/{REPO}/branches/main"]


async def test_an_empty_repository_is_an_error_and_no_pass() -> None:
    with serving(fresh() | {"branches": {}, "activity": []}) as stub:
        async with target(stub) as asked:
            found = {name: (await verdict_of(name, asked)).outcome for name in CHECKS}
    by_branch = ("github.branch_protection", "github.code_scanning", "github.workflow_runs")
    assert {found[name] for name in by_branch} == {"error"}


async def test_a_branch_with_a_slash_in_its_name() -> None:
    state = fresh()
    state["branches"]["release/1"] = "5" * 40
    with serving(state) as stub:
        async with target(stub, branch="release/1") as asked:
            assert (await asked.branch()).sha == "5" * 40
            assert isinstance(await asked.classic_protection(), Off)
    assert stub.asked[1] == f"/api/v3/repos/{REPO}/branches/release%2F1"


async def test_where_issues_are_disabled_pull_requests_are_read() -> None:
    state = fresh()
    state["repository"]["has_issues"] = False
    state["issues"][0]["pull_request"] = {"url": "x"}
    with serving(state) as stub:
        async with target(stub) as asked:
            assert (await verdict_of("github.alert_age", asked)).outcome == "pass"


async def test_a_run_on_a_branch_of_a_fork_counts_for_nothing() -> None:
    state = fresh()
    for one in state["runs"]:
        one["head_repository"] = {"full_name": "stranger/platform"}
    with serving(state) as stub:
        async with target(stub) as asked:
            verdict = await verdict_of("github.workflow_runs", asked)
    assert (verdict.outcome, "10 of the last 10 pushes" in verdict.message) == ("fail", True), verdict.message


async def test_a_ruleset_whose_bypass_list_is_not_shown_is_no_pass() -> None:
    state = fresh() | {"protection": {}}
    pull = {"required_approving_review_count": 1, "require_code_owner_review": True}
    checks = {"required_status_checks": [{"context": "build"}, {"context": "npm-audit"}]}
    state["rulesets"][0]["rules"] += [
        {"type": "pull_request", "parameters": {**pull, "dismiss_stale_reviews_on_push": True}},
        {"type": "required_status_checks", "parameters": checks},
    ]
    with serving(state) as stub:
        async with target(stub) as asked:
            assert (await verdict_of("github.branch_protection", asked)).outcome == "pass"
        state["token"]["permissions"]["administration"] = "read"
        async with target(stub) as asked:
            verdict = await verdict_of("github.branch_protection", asked)
            assert (verdict.outcome, "who may bypass ruleset 7" in verdict.message) == ("not-checked", True)
        state["rulesets"][0]["hidden"] = True
        async with target(stub) as asked:
            assert (await verdict_of("github.branch_protection", asked)).outcome == "not-checked"


async def test_a_secret_that_an_old_server_sends_is_not_recorded() -> None:
    now = datetime.now(UTC)
    secret = "sk_" + "x" * 20
    found = {"number": 1, "state": "open", "secret_type": "stripe_key", "secret": secret, "created_at": text(now)}
    state = fresh() | {"instead": {"/secret-scanning/alerts": {"status": 200, "body": [found]}}}
    with serving(state) as stub:
        async with target(stub) as asked:
            verdict = await verdict_of("github.secret_scanning", asked)
    assert (verdict.outcome, "#1 stripe_key (unknown)" in verdict.message) == ("fail", True)
    assert secret not in str([one.value for one in asked.evidence.observations.values()])
    assert any("hide_secret=true" in path for path in stub.asked)


# Lists are whole, or they are errors.


async def test_all_pages_of_a_list_are_read() -> None:
    now = datetime.now(UTC)
    state = fresh()
    state["dependabot_alerts"] = [alert(n, now, package=f"p{n}") for n in range(1, 251)]
    with serving(state) as stub:
        async with target(stub) as asked:
            found = await asked.dependabot_alerts(("critical", "high"))
    assert not isinstance(found, Off)
    assert [one.number for one in found.alerts] == list(range(1, 251))
    assert len([path for path in stub.asked if "dependabot" in path]) == 3


@pytest.mark.parametrize("issues", [row(True, id="among issues"), row(False, id="among pull requests")])
async def test_traces_begin_with_the_day(issues: bool) -> None:
    times = {1: "2026-06-02T00:00:00Z", 2: "2026-06-01T23:59:59Z", 3: "2026-06-03T00:00:00Z"}
    state = fresh()
    state["repository"]["has_issues"] = issues
    state["issues"] = [
        {**state["issues"][0], "number": number, "created_at": time, "updated_at": "2026-06-09", "pull_request": {}}
        for number, time in times.items()
    ]
    with serving(state) as stub:
        async with target(stub) as asked:
            found = await asked.traces(date(2026, 6, 2))
    assert {(one.number, one.pull) for one in found} == {(1, True), (3, True)}


async def test_pushes_are_what_moved_the_branch_and_as_many_as_asked_for() -> None:
    state = fresh()
    newest = {**state["activity"][0], "activity_type": "branch_deletion", "after": "0" * 40, "timestamp": "2999-01-01"}
    state["activity"].append(newest)
    with serving(state) as stub:
        async with target(stub) as asked:
            assert [int(one.sha, 16) for one in await asked.pushes(3)] == [0, 1, 2]


async def test_analyses_are_read_back_to_the_first_before_the_day() -> None:
    state = fresh()
    one = state["code_scanning_analyses"][0]
    days = [f"2026-06-{day:02d}T00:00:00Z" for day in range(1, 10)]
    state["code_scanning_analyses"] = [{**one, "created_at": day} for day in days]
    with serving(state) as stub:
        async with target(stub) as asked:
            found = await asked.analyses(date(2026, 6, 7))
    assert not isinstance(found, Off)
    assert [one.created.day for one in found.analyses] == [9, 8, 7, 6]


async def test_an_answer_that_is_too_long_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(fresh()) as stub:
        monkeypatch.setattr("meshguard.targets.github.client.MAX_BODY", 100)
        async with target(stub) as asked:
            assert "more than 100 bytes" in (await failure_of(asked.repository())).reason


async def test_the_last_page_is_judged_too() -> None:
    now = datetime.now(UTC)
    state = fresh()
    state["dependabot_alerts"] = [alert(n, now, package=f"p{n}") for n in range(1, 250)]
    state["dependabot_alerts"].append(alert(250, now - timedelta(hours=25), package="late"))
    with serving(state) as stub:
        async with target(stub) as asked:
            verdict = await verdict_of("github.alert_age", asked)
    assert (verdict.outcome, "#250 late (high)" in verdict.message) == ("fail", True), verdict.message


async def test_a_page_that_fails_is_no_shorter_list() -> None:
    now = datetime.now(UTC)
    state = fresh() | {"limits": {"remaining": 3}}
    state["dependabot_alerts"] = [alert(n, now, package=f"p{n}") for n in range(1, 251)]
    with serving(state) as stub:
        async with target(stub) as asked:
            fault = await failure_of(asked.dependabot_alerts(("critical", "high")))
    assert isinstance(fault, Throttled)


async def test_a_list_that_github_cuts_off_is_an_error() -> None:
    now = datetime.now(UTC)
    body = {"total_count": 1400, "workflow_runs": [run(1, now)]}
    state = fresh() | {"instead": {"/actions/workflows/11/runs": {"status": 200, "body": body}}}
    with serving(state) as stub:
        async with target(stub) as asked:
            verdict = await verdict_of("github.workflow_runs", asked)
    assert (verdict.outcome, "cut off after 1 entries" in verdict.message) == ("error", True), verdict.message


async def test_a_list_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    state = fresh()
    with serving(state) as stub:
        page = {"Link": f'<{stub.api}/repos/{REPO}/environments?page=2>; rel="next"'}
        body = {"total_count": 1, "environments": state["environments"]}
        state["instead"] = {"/environments": {"status": 200, "body": body, "headers": page}}
        monkeypatch.setattr("meshguard.targets.github.base.MAX_PAGES", 5)
        async with target(stub) as asked:
            fault = await failure_of(asked.environments())
    assert "more than 500 entries" in fault.reason
    assert len(stub.asked) == 7


# Limits, faults, and where the token goes.


async def test_a_secondary_limit_is_waited_for() -> None:
    with serving(fresh() | {"limits": {"secondary": 1, "retry_after": 1}}) as stub:
        async with target(stub) as asked:
            assert (await asked.repository()).full_name == REPO
    assert len(stub.asked) == 2


@pytest.mark.parametrize(
    ("limits", "least", "most"),
    [
        row({"secondary": 9, "retry_after": 77}, 77, 77, id="a secondary limit that says how long"),
        row({"remaining": 0, "reset_in": 1800}, 1795, 1801, id="the hourly limit: until it is renewed"),
    ],
)
async def test_a_limit_that_outlasts_the_deadline_is_throttled(limits: State, least: float, most: float) -> None:
    with serving(fresh() | {"limits": limits}) as stub:
        async with target(stub) as asked:
            fault = await failure_of(asked.repository())
    assert isinstance(fault, Throttled)
    wait = float(fault.fix.split(" in ")[1].split(" s;")[0])
    assert least <= wait <= most
    assert len(stub.asked) == 1


THERE = good_state(datetime.now(UTC))["repository"]
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a page for people": ({"status": 200, "body": b"<html>sign in</html>"}, "is no JSON"),
    "a list where an object belongs": ({"status": 200, "body": []}, "another form"),
    "an object without the fields": ({"status": 200, "body": {"full_name": "a/b"}}, "another form"),
    "a name that is none": ({"status": 200, "body": {**THERE, "full_name": "../x"}}, "another form"),
    "JSON that is too deep": ({"status": 200, "body": b"[" * 200_000}, "is no JSON"),
    "an error of the server": ({"status": 502, "body": b"<html>"}, "it answered 502"),
    "a teapot": ({"status": 418}, "it answered 418"),
    "an unanswered sign-on": ({"status": 403, "headers": {"X-GitHub-SSO": "required; url=x"}}, "not authorised"),
    "half an answer": ({"status": 200, "headers": {"X-GitHub-SSO": "partial-results; organizations=1"}}, "lacks what"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "message"), BAD.values(), ids=BAD)
async def test_an_answer_that_is_none_is_an_error(answer: State, message: str) -> None:
    with serving(fresh() | {"instead": {"": answer}}) as stub:
        async with target(stub) as asked:
            fault = await failure_of(asked.repository())
    assert (message in fault.reason, "\n" in fault.reason, bool(fault.fix)) == (True, False, True), fault.reason


@pytest.mark.parametrize(
    "location",
    [
        row("http://localhost:{port}/api/v3/repositories/4711", id="another name of the same machine"),
        row("http://127.0.0.1:{other}/api/v3/repositories/4711", id="another port"),
        row("https://127.0.0.1:{port}/api/v3/repositories/4711", id="another scheme"),
        row("http://127.0.0.1:{port}/login", id="out of the API"),
        row("http://127.0.0.1:{port}@example.org/api/v3/x", id="a host that looks like it"),
    ],
)
async def test_the_token_goes_nowhere_else(location: str) -> None:
    state = fresh()
    with serving(state) as stub, serving(fresh()) as other:
        place = location.format(port=stub.port, other=other.port)
        state["instead"] = {"": {"status": 302, "headers": {"Location": place}}}
        async with target(stub) as asked:
            fault = await failure_of(asked.repository())
    assert "not followed" in fault.reason
    assert (len(stub.asked), other.asked) == (1, [])


async def test_a_next_page_elsewhere_is_not_followed() -> None:
    state = fresh()
    with serving(state) as stub, serving(fresh()) as other:
        place = {"Link": f'<{other.api}/repos/{REPO}/environments?page=2>; rel="next"'}
        body = {"total_count": 1, "environments": state["environments"]}
        state["instead"] = {"/environments": {"status": 200, "body": body, "headers": place}}
        async with target(stub) as asked:
            fault = await failure_of(asked.environments())
    assert "not followed" in fault.reason
    assert other.asked == []


async def test_redirects_without_end_end() -> None:
    state = fresh()
    with serving(state) as stub:
        state["instead"] = {"": {"status": 302, "headers": {"Location": f"{stub.api}/repos/{REPO}"}}}
        async with target(stub) as asked:
            assert "without end" in (await failure_of(asked.repository())).reason
    assert len(stub.asked) == 4


async def test_an_api_that_the_deployment_does_not_name_is_not_contacted() -> None:
    with serving(fresh()) as stub:
        async with target(stub, egress=Egress([("127.0.0.1", 1)])) as asked:
            assert isinstance(await failure_of(asked.repository()), NotAllowed)
    assert stub.asked == []


async def test_calls_that_are_spent_are_not_made() -> None:
    with serving(fresh()) as stub:
        async with target(stub, Evidence(max_calls=1)) as asked:
            await asked.repository()
            assert isinstance(await failure_of(asked.branch()), NotAllowed)
    assert len(stub.asked) == 1


async def test_an_enterprise_server_with_a_ca_of_its_own(tmp_path: Path) -> None:
    ca = authority(tmp_path)
    with serving(fresh(), tls=ca.certify().context()) as stub:
        api = f"https://127.0.0.1:{stub.port}/api/v3"
        async with target(stub, api=api, ca=str(ca.file)) as asked:
            assert (await asked.repository()).full_name == REPO
        async with target(stub, api=api) as asked:
            fault = await failure_of(asked.repository())
    assert ("no certificate that is trusted" in fault.reason, "`ca:`" in fault.fix) == (True, True), fault.reason


async def test_nobody_there() -> None:
    with serving(fresh()) as stub:
        pass
    async with target(stub) as asked:
        fault = await failure_of(asked.repository())
    assert "was not reached" in fault.reason


# What a check sees is what was recorded.


class Kept:
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.observations: dict[str, Any] = {}

    def write(self, observation: Any) -> None:
        self.observations[observation.key] = observation


@pytest.mark.parametrize("name", sorted(CHECKS))
async def test_a_replay_says_the_same_and_asks_nobody(name: str) -> None:
    kept = Kept()
    with serving(fresh()) as stub:
        async with target(stub, Evidence(recorder=kept)) as asked:
            live = await verdict_of(name, asked)
        count = len(stub.asked)
        async with target(stub, Evidence(recorded=kept.observations)) as again:
            assert await verdict_of(name, again) == live
        assert len(stub.asked) == count


async def test_each_thing_is_asked_once_for_all_checks() -> None:
    with serving(fresh()) as stub:
        async with target(stub) as asked:
            for name in CHECKS:
                await verdict_of(name, asked)
    assert len(stub.asked) == len(set(stub.asked)), sorted(stub.asked)
