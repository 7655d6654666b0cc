"""What GitHub says of the example's repository: the state of a stub of its API, and what can be wrong with it.

The state is JSON in a file, so that a stub in another process reads it anew for each request.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .defect import RepoDefect

STATE = "github.json"
"""The file, in the folder that `good` is given: beside the checkout and not in it."""
REPO = "health-mesh/platform"
TOKEN = "-".join(("stub", "token", "of", "the", "example"))
"""Opens the stub and nothing else."""
PERMISSIONS = (
    "actions", "administration", "contents", "issues", "metadata", "pull_requests", "secret_scanning_alerts",
    "security_events", "vulnerability_alerts",
)  # fmt: skip
CI, DEPENDABOT = 11, 12
"""Ids of the workflows."""
PUSHES = 12

State = dict[str, Any]


def good_state(now: datetime) -> State:
    """A repository in order, as it is seen at a time."""
    return {
        "token": {"value": TOKEN, "permissions": dict.fromkeys(PERMISSIONS, "write")},
        "repository": _repository(),
        "branches": {"main": _sha(0)},
        "protection": {"main": _protection()},
        "rulesets": [_ruleset()],
        "vulnerability_alerts": True,
        "automated_security_fixes": {"enabled": True, "paused": False},
        "dependabot_alerts": _alerts(now),
        "secret_scanning_alerts": [],
        "code_scanning": True,
        "code_scanning_analyses": [_analysis(now, language) for language in ("javascript-typescript", "python")],
        "code_scanning_alerts": [_finding(now)],
        "environments": [_environment("production"), _environment("staging")],
        "workflows": [
            {"id": CI, "name": "CI", "path": ".github/workflows/ci.yml", "state": "active"},
            {
                "id": DEPENDABOT,
                "name": "Dependabot Updates",
                "path": "dynamic/dependabot/dependabot-updates",
                "state": "active",
            },
        ],
        "runs": [*_ci_runs(now), *_dependabot_runs(now)],
        "jobs": {str(100 + number): _jobs() for number in range(PUSHES)},
        "activity": [_push(now, number) for number in range(PUSHES)],
        "issues": [_issue(now)],
    }


def text(time: datetime) -> str:
    """A time as the API writes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _sha(number: int) -> str:
    return f"{number:040x}"


def _repository() -> State:
    status = {"status": "enabled"}
    return {
        "id": 4711,
        "full_name": REPO,
        "default_branch": "main",
        "archived": False,
        "disabled": False,
        "fork": False,
        "private": True,
        "has_issues": True,
        "permissions": {"admin": True, "push": True, "pull": True},
        "security_and_analysis": {"secret_scanning": status, "secret_scanning_push_protection": status},
    }


def _protection() -> State:
    checks = [{"context": "build", "app_id": 15368}, {"context": "npm-audit", "app_id": 15368}]
    return {
        "required_status_checks": {"strict": True, "contexts": [one["context"] for one in checks], "checks": checks},
        "enforce_admins": {"enabled": True},
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": True,
            "require_code_owner_reviews": True,
            "required_approving_review_count": 1,
        },
        "allow_force_pushes": {"enabled": False},
        "allow_deletions": {"enabled": False},
    }


def _ruleset() -> State:
    return {
        "id": 7,
        "name": "the default branch",
        "target": "branch",
        "source_type": "Organization",
        "source": "health-mesh",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}],
        "bypass_actors": [],
    }


def _alerts(now: datetime) -> list[State]:
    return [
        alert(1, now - timedelta(days=20), package="lodash", fixed_at=text(now - timedelta(days=20, hours=-5))),
        alert(2, now - timedelta(days=9), package="minimist", severity="critical"),  # issue 40 took it up
        alert(3, now - timedelta(hours=2), package="ws"),  # not due yet
        alert(4, now - timedelta(days=60), package="debug", severity="low"),
    ]


def alert(number: int, created: datetime, *, package: str, severity: str = "high", **changes: object) -> State:
    """A Dependabot alert as the API answers it, as far as it is read."""
    return {
        "number": number,
        "state": "fixed" if "fixed_at" in changes else "open",
        "dependency": {"package": {"ecosystem": "npm", "name": package}, "manifest_path": "package-lock.json"},
        "security_advisory": {"ghsa_id": f"GHSA-aaaa-bbbb-{number:04d}", "cve_id": f"CVE-2026-{number:05d}"},
        "security_vulnerability": {"severity": severity},
        "created_at": text(created),
        "dismissed_at": None,
        "auto_dismissed_at": None,
        "fixed_at": None,
        **changes,
    }


def _issue(now: datetime) -> State:
    opened = text(now - timedelta(days=9, hours=-6))
    return {
        "number": 40,
        "title": "minimist: prototype pollution",
        "body": "GHSA-aaaa-bbbb-0002: we do not parse what users send. Update with the next release.",
        "user": {"login": "duty", "type": "User"},
        "created_at": opened,
        "updated_at": opened,
    }


def _analysis(now: datetime, language: str) -> State:
    return {
        "ref": "refs/heads/main",
        "analysis_key": "dynamic/github-code-scanning/codeql:analyze",
        "category": f"/language:{language}",
        "error": "",
        "created_at": text(now - timedelta(days=2)),
        "tool": {"name": "CodeQL"},
    }


def _finding(now: datetime) -> State:
    rule = {"id": "js/unused-local-variable", "severity": "note", "security_severity_level": None}
    return {"number": 1, "state": "open", "created_at": text(now - timedelta(days=30)), "rule": rule}


def _environment(name: str) -> State:
    team = {"type": "Team", "reviewer": {"id": 3, "slug": "release"}}
    return {
        "name": name,
        "can_admins_bypass": False,
        "protection_rules": [
            {"id": 1, "type": "required_reviewers", "prevent_self_review": True, "reviewers": [team]},
            {"id": 2, "type": "branch_policy"},
        ],
        "deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False},
    }


def run(number: int, created: datetime, **changes: object) -> State:
    """A run of a workflow as the API answers it, as far as it is read."""
    return {
        "id": number,
        "name": "CI",
        "workflow_id": CI,
        "path": ".github/workflows/ci.yml",
        "head_branch": "main",
        "head_sha": _sha(0),
        "event": "push",
        "status": "completed",
        "conclusion": "success",
        "created_at": text(created),
        "head_repository": {"full_name": REPO},
        **changes,
    }


def _ci_runs(now: datetime) -> list[State]:
    return [run(100 + number, now - _since(number), head_sha=_sha(number)) for number in range(PUSHES)]


def _dependabot_runs(now: datetime) -> list[State]:
    own = {"workflow_id": DEPENDABOT, "path": "dynamic/dependabot/dependabot-updates", "event": "dynamic"}
    titles = ("npm_and_yarn in / - Update #101", "pip in /ml - Update #102", "npm_and_yarn in /. for ws - Update #103")
    ends = ("success", "success", "failure")  # of a security update there is not always one to take
    return [
        run(200 + number, now - timedelta(days=3), name=title, conclusion=end, **own)
        for number, (title, end) in enumerate(zip(titles, ends, strict=True))
    ]


def _since(number: int) -> timedelta:
    return timedelta(hours=5 + 20 * number)


def _jobs() -> list[State]:
    return [{"name": name, "conclusion": "success"} for name in ("build", "npm-audit")]


def _push(now: datetime, number: int) -> State:
    kind = "pr_merge" if number % 3 else "push"
    moved = text(now - _since(number) - timedelta(minutes=1))
    return {"ref": "refs/heads/main", "after": _sha(number), "activity_type": kind, "timestamp": moved}


def good(folder: Path) -> None:
    """Write the state of a repository in order, as of now."""
    (folder / STATE).write_text(json.dumps(good_state(datetime.now(UTC)), indent=1))


def _plant(change: Callable[[State], None]) -> Callable[[Path], None]:
    """A change of the state as a change of the file."""

    def plant(folder: Path) -> None:
        path = folder / STATE
        state = json.loads(path.read_text())
        change(state)
        path.write_text(json.dumps(state, indent=1))

    return plant


def _alerts_off(state: State) -> None:
    state["vulnerability_alerts"] = False


def _updates_paused(state: State) -> None:
    state["automated_security_fixes"]["paused"] = True


def _alert_unanswered(state: State) -> None:
    state["issues"] = []


def _no_push_protection(state: State) -> None:
    state["repository"]["security_and_analysis"]["secret_scanning_push_protection"] = {"status": "disabled"}


def _analysis_broken(state: State) -> None:
    state["code_scanning_analyses"][1]["error"] = "the extractor ended early"


def _admins_exempt(state: State) -> None:
    state["protection"]["main"]["enforce_admins"]["enabled"] = False


def _force_push(state: State) -> None:
    state["protection"]["main"]["allow_force_pushes"]["enabled"] = True
    state["rulesets"][0]["enforcement"] = "evaluate"  # it only says what it would have refused


def _nobody_approves(state: State) -> None:
    state["environments"][0]["protection_rules"] = []


def _push_without_a_run(state: State) -> None:
    state["runs"] = [one for one in state["runs"] if one["id"] != 102]


DEFECTS: tuple[RepoDefect, ...] = (
    RepoDefect(
        name="repo-github-alerts-off",
        check="github.dependabot",
        says="Dependabot's alerts are switched off for the repository",
        plant=_plant(_alerts_off),
        also=("github.alert_age",),
    ),
    RepoDefect(
        name="repo-github-updates-paused",
        check="github.dependabot",
        says="Dependabot's security updates are paused, as after 90 days without an answer to them",
        plant=_plant(_updates_paused),
    ),
    RepoDefect(
        name="repo-github-alert-unanswered",
        check="github.alert_age",
        says="a critical alert has been open for nine days, and nobody has taken it up",
        plant=_plant(_alert_unanswered),
    ),
    RepoDefect(
        name="repo-github-no-push-protection",
        check="github.secret_scanning",
        says="a push that holds a secret is not refused",
        plant=_plant(_no_push_protection),
    ),
    RepoDefect(
        name="repo-github-analysis-broken",
        check="github.code_scanning",
        says="the newest analysis of the Python code ended with an error",
        plant=_plant(_analysis_broken),
    ),
    RepoDefect(
        name="repo-github-admins-exempt",
        check="github.branch_protection",
        says="administrators may push to the default branch without review",
        plant=_plant(_admins_exempt),
    ),
    RepoDefect(
        name="repo-github-force-push",
        check="github.branch_protection",
        says="the default branch may be overwritten, and the ruleset against it only evaluates",
        plant=_plant(_force_push),
    ),
    RepoDefect(
        name="repo-github-nobody-approves",
        check="github.environment_reviewers",
        says="a deployment to production needs no approval",
        plant=_plant(_nobody_approves),
    ),
    RepoDefect(
        name="repo-github-push-without-a-run",
        check="github.workflow_runs",
        says="the CI workflow did not run for one of the last pushes, as where its message says to skip it",
        plant=_plant(_push_without_a_run),
    ),
)
