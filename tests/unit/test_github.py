"""The GitHub target's settings, its reading of answers, and what a refusal means."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from meshguard.api import Denied, Egress, NotObserved, Throttled, Unsupported
from meshguard.targets.github import Github, GithubSettings
from meshguard.targets.github.actions import job_of, push_of, run_of
from meshguard.targets.github.alerts import analysis_of, code_alert_of, dependabot_alert_of, secret_alert_of, trace_of
from meshguard.targets.github.answer import Answer, pause_s, refused
from meshguard.targets.github.base import reading, repository_of
from meshguard.targets.github.client import Client
from meshguard.targets.github.endpoints import ANALYSES, DEPENDABOT_ALERTS, PROTECTION, SECRET_ALERTS, Endpoint
from meshguard.targets.github.protection import bypass_of, classic_guard_of, environment_of, ruleset_guard_of

row = pytest.param
TOKEN = "token-of-a-unit-test"


def settings(**given: object) -> GithubSettings:
    return GithubSettings.model_validate({"name": "source", "repo": "health-mesh/platform", **given})


# What a deployment may say.


@pytest.mark.parametrize(
    ("said", "message"),
    [
        row({"repo": "platform"}, "repo", id="no owner"),
        row({"repo": "a/b/c"}, "repo", id="three parts"),
        row({"repo": "a/.."}, "no owner/name", id="a path upwards"),
        row({"repo": "a/b?x=1"}, "repo", id="a query"),
        row({"api": "api.github.com"}, "no http or https URL", id="no scheme"),
        row({"api": "ftp://ghe.example"}, "no http or https URL", id="another scheme"),
        row({"api": "https://ghe.example:99999"}, "no http or https URL", id="no port"),
        row({"api": "https://ghe.example/api/v3?x=1"}, "give only scheme", id="a query in the API"),
        row({"api": "http://ghe.example/api/v3"}, "sent in the clear", id="plain http"),
        row({"api": "http://127.0.0.1.example/api/v3"}, "sent in the clear", id="a name that looks like loopback"),
        row({"ca": "/no/such/file.pem"}, "no CA file", id="a CA that is not there"),
    ],
)
def test_settings_that_are_refused(said: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**said)


@pytest.mark.parametrize("token", [row("a b", id="a blank"), row("a\nb", id="a line break"), row("tök", id="no ASCII")])
def test_a_token_that_is_none_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(token=token)
    assert all(token not in error["msg"] for error in caught.value.errors())


@pytest.mark.parametrize(
    ("api", "hosts"),
    [
        row("https://api.github.com", [("api.github.com", 443)], id="github.com"),
        row("https://ghe.example/api/v3/", [("ghe.example", 443)], id="an Enterprise Server"),
        row("https://ghe.example:8443/api/v3", [("ghe.example", 8443)], id="a port of its own"),
        row("http://localhost:81", [("localhost", 81)], id="loopback in the clear"),
        row("http://[::1]/api/v3", [("::1", 80)], id="loopback of IPv6"),
    ],
)
def test_the_api_alone_is_contacted(api: str, hosts: list[tuple[str, int]]) -> None:
    assert list(settings(api=api).hosts()) == hosts


def test_the_token_is_masked_and_not_shown() -> None:
    found = settings(token=f"{TOKEN}\n")
    assert list(found.secrets()) == [(TOKEN, "token of source")]
    assert TOKEN not in repr(found) + str(found) + found.model_dump_json()
    assert list(settings().secrets()) == []


# What a refusal means.


def answer(status: int, message: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, {"message": message})


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        row(answer(403, retry_after="30"), 30, id="it says how long"),
        row(answer(429, retry_after="30"), 30, id="by 429 too"),
        row(answer(403, retry_after="soon"), 60, id="it says something else"),
        row(answer(403, retry_after="0"), 1, id="no second"),
        row(answer(403, retry_after="999999999999"), 86_400, id="a thousand years"),
        row(answer(429), 60, id="429 alone"),
        row(answer(403, "You have exceeded a secondary rate limit. Please wait."), 60, id="by its message alone"),
        row(
            answer(
                403, x_ratelimit_remaining="0", x_ratelimit_reset="1577836920", date="Wed, 01 Jan 2020 00:00:00 GMT"
            ), 120, id="until it is renewed, by the server's own clock",
        ),
        row(answer(403, x_ratelimit_remaining="0"), 60, id="it does not say until when"),
        row(answer(403, "Resource not accessible", x_ratelimit_remaining="4999"), None, id="a permission"),
        row(answer(404, retry_after="30"), None, id="404 is no limit"),
        row(answer(200, x_ratelimit_remaining="0"), None, id="the last call that was free"),
    ],
)  # fmt: skip
def test_how_long_to_wait(found: Answer, seconds: float | None) -> None:
    assert pause_s(found) == seconds


@pytest.mark.parametrize(
    ("found", "kind", "fix"),
    [
        row(answer(401), Denied, "renew the token", id="401"),
        row(
            answer(403, "Resource not accessible by integration", x_accepted_github_permissions="administration=read"),
            Denied, "the permission administration=read", id="403 that names the permission",
        ),
        row(
            answer(403, x_accepted_github_permissions="<script>"), Denied, f"the permission {PROTECTION.permission}",
            id="403 that names something else",
        ),
        row(
            answer(404, x_oauth_scopes="", x_accepted_oauth_scopes=""), Denied, "the scope repo, by a user who "
            "administers the repository (it has none)", id="404 to a classic token",
        ),
        row(answer(404), Denied, "the permission administration=read", id="404"),
        row(answer(403, x_github_sso="required; url=https://x"), Denied, "for SSO", id="403 for the sign-on"),
        row(
            answer(403, "Although you appear to have the correct authorization credentials, the `x` organization has "
                   "an IP allow list enabled"), Denied, "from an address that is", id="403 for the address",
        ),
        row(answer(403, retry_after="5"), Throttled, "in 5 s", id="403 for the limit"),
        row(answer(409), NotObserved, "push a first commit", id="409"),
        row(answer(410), Unsupported, "settings", id="410"),
        row(answer(451), Denied, "the permission", id="451"),
        row(answer(500), NotObserved, "githubstatus.com", id="500"),
        row(answer(304), NotObserved, "githubstatus.com", id="304, which was not asked for"),
    ],
)  # fmt: skip
def test_why_an_answer_is_none(found: Answer, kind: type[NotObserved], fix: str) -> None:
    fault = refused(found, PROTECTION, "GET x", token=True)
    assert (type(fault), fix in fault.fix) == (kind, True), fault.fix
    assert found.message not in fault.reason or not found.message


def test_without_a_token_the_remedy_is_to_give_one() -> None:
    assert refused(answer(404), PROTECTION, "GET x", token=False).fix == "give a token under `token`"


@pytest.mark.parametrize(
    ("endpoint", "message", "off"),
    [
        row(PROTECTION, "Branch not protected", "the branch has no classic protection", id="no protection"),
        row(PROTECTION, "Branch not found", "", id="no such branch is not unprotected"),
        row(PROTECTION, "Not Found", "", id="not seen is not unprotected"),
        row(
            DEPENDABOT_ALERTS, "Dependabot alerts are disabled for this repository.", "Dependabot alerts are disabled",
            id="no Dependabot alerts",
        ),
        row(DEPENDABOT_ALERTS, "Resource not accessible by personal access token", "", id="a permission lacks"),
        row(SECRET_ALERTS, "Secret scanning is disabled on this repository.", "secret scanning is disabled", id="off"),
        row(
            ANALYSES, "Advanced Security must be enabled for this repository to use code scanning.",
            "the repository has no licence for code scanning", id="no licence",
        ),
        row(ANALYSES, "no analysis found", "no analysis was ever uploaded", id="never analysed"),
    ],
)  # fmt: skip
def test_off_is_told_from_unseen_by_the_message(endpoint: Endpoint, message: str, off: str) -> None:
    assert endpoint.off_by(message) == off


# What is read of answers.


@pytest.mark.parametrize(
    ("title", "body", "packages"),
    [
        row("Bump lodash from 4.17.4 to 4.17.21 in /app", None, ("lodash",), id="by its title"),
        row("build(deps): bump @types/node from 1 to 2", "", ("@types/node",), id="a scoped package"),
        row(
            "Bump the npm_and_yarn group with 2 updates",
            "Bumps the npm_and_yarn group with 2 updates: [lodash](https://x) and [ws](https://y).\n\n"
            "Updates `lodash` from 4.17.4 to 4.17.21\nUpdates `ws` from 7 to 8",
            ("lodash", "ws"),
            id="a group",
        ),
        row("Update requests requirement from <2 to <3", "Updates the requirements on [requests](https://x)",
            ("requests",),
            id="a requirement"),
    ],
)  # fmt: skip
def test_what_dependabot_brings_up_to_date(title: str, body: str | None, packages: tuple[str, ...]) -> None:
    raw = issue(title=title, body=body, user={"login": "dependabot[bot]", "type": "Bot"})
    assert set(packages) <= set(trace_of(raw).packages)
    assert trace_of({**raw, "user": {"login": "somebody", "type": "User"}}).packages == ()


def issue(**changes: object) -> dict[str, Any]:
    given = {"number": 1, "title": "t", "body": "", "user": None, "created_at": "2026-01-01T00:00:00Z"}
    return {**given, **changes}


def test_an_issue_keeps_the_ids_that_it_names_and_no_text() -> None:
    text = "see ghsa-jf85-cpcp-j695 and CVE-2019-10744, not CVE-20, GHSA-1-2-3 or xCVE-2019-10745"
    found = trace_of(issue(title="patient data of Jane", body=text))
    assert found.advisories == ("CVE-2019-10744", "GHSA-JF85-CPCP-J695")
    assert (found.bot, found.pull, "Jane" in found.model_dump_json()) == (False, False, False)


def test_an_alert_without_a_cve_and_an_analysis_without_a_category() -> None:
    raw = {
        "number": 1, "state": "open", "created_at": "2026-01-01T00:00:00Z", "dismissed_at": None, "fixed_at": None,
        "dependency": {"package": {"name": "ws", "ecosystem": "npm"}, "manifest_path": "package-lock.json"},
        "security_advisory": {"ghsa_id": "GHSA-aaaa-bbbb-cccc", "cve_id": None},
        "security_vulnerability": {"severity": "high"},
    }  # fmt: skip
    assert dependabot_alert_of(raw).cve == ""
    done = {"tool": {"name": "Trivy"}, "analysis_key": "ci.yml:scan", "created_at": raw["created_at"], "error": "x"}
    assert (analysis_of(done).category, analysis_of(done).failed) == ("ci.yml:scan", True)
    assert analysis_of({**done, "category": "image"}).category == "image"


@pytest.mark.parametrize(
    ("raw", "bypass"),
    [
        row({}, None, id="not shown"),
        row({"bypass_actors": []}, (), id="nobody"),
        row({"bypass_actors": [{"actor_type": "RepositoryRole", "actor_id": 5}]}, ("administrators",), id="a role"),
        row(
            {"bypass_actors": [{"actor_type": "RepositoryRole", "actor_id": 77}]},
            ("RepositoryRole:77",),
            id="a new role",
        ),
        row(
            {"bypass_actors": [{"actor_type": "OrganizationAdmin", "actor_id": 1}]}, ("OrganizationAdmin",), id="owners"
        ),
        row({"bypass_actors": [{"actor_type": "DeployKey", "actor_id": None}]}, ("DeployKey",), id="any deploy key"),
        row({"bypass_actors": [{"actor_type": "Integration", "actor_id": 3}]}, ("Integration:3",), id="an app"),
    ],
)
def test_who_may_bypass_a_ruleset(raw: dict[str, Any], bypass: tuple[str, ...] | None) -> None:
    assert bypass_of(raw) == bypass


def test_a_protection_that_asks_little() -> None:
    off, on = {"enabled": False}, {"enabled": True}
    found = classic_guard_of({"enforce_admins": off, "allow_force_pushes": on, "allow_deletions": on})
    assert (found.reviews, found.status_checks, found.no_force_push, found.no_deletion) == (None, (), False, False)
    assert found.bypass == ("administrators",)


def test_a_protection_names_those_who_need_no_review_by_number() -> None:
    people = {"users": [{"id": 1, "login": "jane"}], "teams": [{"id": 2}], "apps": [{"id": 3}]}
    pull = {
        "dismiss_stale_reviews": True, "require_code_owner_reviews": False, "bypass_pull_request_allowances": people,
    }  # fmt: skip
    off = {"enabled": False}
    raw = {"enforce_admins": {"enabled": True}, "allow_force_pushes": off, "allow_deletions": off}
    found = classic_guard_of({**raw, "required_pull_request_reviews": pull})
    assert found.review_bypass == ("Integration:3", "Team:2", "User:1")
    assert found.reviews is not None
    assert found.reviews.count == 0


def test_an_environment_without_rules_has_no_reviewer() -> None:
    assert environment_of({"name": "production", "deployment_branch_policy": None}).reviewers == 0


def test_a_run_of_a_fork_that_was_deleted_is_not_ours() -> None:
    raw = {
        "id": 1, "head_sha": "a", "event": "push", "status": "queued", "conclusion": None, "name": "a secret name",
        "created_at": "2026-01-01T00:00:00Z", "head_repository": None, "path": ".github/workflows/ci.yml",
    }  # fmt: skip
    found = run_of(raw, "health-mesh/platform")
    assert (found.own, found.finished, found.conclusion, found.title) == (False, False, "", "")


KEYS = (
    "number", "state", "dependency", "package", "name", "ecosystem", "security_advisory", "ghsa_id", "created_at",
    "title", "body", "user", "login", "tool", "rule", "id", "protection_rules", "type", "reviewers", "full_name",
    "permissions", "security_and_analysis", "head_repository", "bypass_actors", "actor_type", "enforce_admins",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)
READERS = (
    analysis_of, bypass_of, classic_guard_of, code_alert_of, dependabot_alert_of, environment_of, job_of, push_of,
    repository_of, secret_alert_of, trace_of, lambda raw: run_of(raw, "a/b"), lambda raw: ruleset_guard_of(1, raw, ()),
)  # fmt: skip


@given(JSON, st.sampled_from(READERS))
def test_any_json_is_read_or_is_an_error_by_name(raw: Any, read: Any) -> None:
    with suppress(NotObserved):
        reading(PROTECTION, read, raw)


@given(st.text(), st.dictionaries(st.sampled_from(["retry-after", "x-ratelimit-reset", "date"]), st.text()))
def test_any_header_of_a_limit_is_a_sane_pause(text: str, headers: dict[str, str]) -> None:
    found = pause_s(Answer(403, {"x-ratelimit-remaining": "0", **headers}, {"message": text}))
    assert found is not None
    assert 1 <= found <= 86_400


@pytest.mark.parametrize(
    ("link", "place"),
    [
        row(
            '<https://x/a?page=2>; rel="next", <https://x/a?page=9>; rel="last"',
            "https://x/a?page=2",
            id="the first page",
        ),
        row('<https://x/a?page=8>; rel="prev", <https://x/a>; rel="first"', "", id="the last page"),
        row('<https://x/a?after=b>; rel="next"', "https://x/a?after=b", id="by cursor"),
        row("", "", id="one page"),
        row("<" * 100_000, "", id="a line that means to keep us busy"),
    ],
)
def test_the_next_page(link: str, place: str) -> None:
    client = Client(settings(), Egress([]), 1)
    assert client.next_page(Answer(200, {"link": link})) == place


def test_a_deep_answer_does_not_end_the_audit() -> None:
    with pytest.raises(RecursionError):
        json.loads("[" * 200_000)


def test_what_it_is_called() -> None:
    from meshguard.evidence import Evidence

    found = Github(settings(api="https://ghe.example/api/v3", token=TOKEN), Evidence())
    assert (str(found), found.subject) == ("github:source", "ghe.example/health-mesh/platform")
