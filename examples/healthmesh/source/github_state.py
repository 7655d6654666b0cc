"""What GitHub says of the example's repository while it is in order: the state of a stub of its API, as JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

REPO = "health-mesh/platform"
TOKEN = "-".join(("stub", "token", "of", "the", "example"))
"""Opens the stub and nothing else."""
PERMISSIONS = (
    "actions", "administration", "contents", "issues", "metadata", "pull_requests", "secret_scanning_alerts",
    "security_events", "vulnerability_alerts",
)  # fmt: skip
CI, DEPENDABOT, DEPLOY = 11, 12, 13
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
            {"id": DEPLOY, "name": "Deploy", "path": ".github/workflows/deploy.yml", "state": "active"},
            {
                "id": DEPENDABOT,
                "name": "Dependabot Updates",
                "path": "dynamic/dependabot/dependabot-updates",
                "state": "active",
            },
        ],
        "runs": [*_ci_runs(now), *_deploy_runs(now), *_dependabot_runs(now)],
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


def _deploy_runs(now: datetime) -> list[State]:
    own = {"workflow_id": DEPLOY, "path": ".github/workflows/deploy.yml"}
    return [run(300 + number, now - _since(number), head_sha=_sha(number), **own) for number in range(PUSHES)]


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
