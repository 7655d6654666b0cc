"""The calls of the REST API that facts make: each with the permission it takes, and how it says that a feature is off.

Permissions are those of fine-grained tokens (docs.github.com, "Permissions required for fine-grained personal access
tokens"), as the header X-Accepted-GitHub-Permissions writes them. Of some calls the reference documents the status for
"off" alone, which is the status for "you may not see it" too; what tells them apart is the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

API_VERSION = "2022-11-28"
PLAN = "the plan has no branch protection for a private repository"


@dataclass(frozen=True)
class Endpoint:
    """One call."""

    path: str
    permission: str
    scope: str = "repo"
    """Of a classic token."""
    off: Mapping[str, str] = field(default_factory=dict)
    """What the message of a refusal says where the feature is off, in small letters -> that in our words."""

    def off_by(self, message: str) -> str:
        """Why the feature is off, by the message of a refusal; empty where it does not say so."""
        said = message.lower()
        return next((sentence for phrase, sentence in self.off.items() if phrase in said), "")


REPOSITORY = Endpoint("/repos/{repo}", "metadata=read")
BRANCH = Endpoint("/repos/{repo}/branches/{branch}", "contents=read")
PROTECTION = Endpoint(
    "/repos/{repo}/branches/{branch}/protection",
    "administration=read",
    off={"branch not protected": "the branch has no classic protection", "upgrade to github": PLAN},
)
RULES = Endpoint("/repos/{repo}/rules/branches/{branch}", "metadata=read", off={"upgrade to github": PLAN})
RULESET = Endpoint("/repos/{repo}/rulesets/{id}", "administration=write")
VULNERABILITY_ALERTS = Endpoint(
    "/repos/{repo}/vulnerability-alerts",
    "administration=read",
    off={"vulnerability alerts are disabled": "Dependabot alerts are disabled"},
)
SECURITY_UPDATES = Endpoint("/repos/{repo}/automated-security-fixes", "administration=read")
DEPENDABOT_ALERTS = Endpoint(
    "/repos/{repo}/dependabot/alerts",
    "vulnerability_alerts=read",
    "security_events",
    off={
        "dependabot alerts are disabled": "Dependabot alerts are disabled",
        "dependency graph is disabled": "the dependency graph is disabled, and Dependabot alerts with it",
        "not available for archived repositories": "the repository is archived, and has no Dependabot alerts",
    },
)
SECRET_ALERTS = Endpoint(
    "/repos/{repo}/secret-scanning/alerts",
    "secret_scanning_alerts=read",
    "security_events",
    off={
        "secret scanning is disabled": "secret scanning is disabled",
        "must be enabled for this repository": "the repository has no licence for secret scanning",
    },
)
_NO_CODE_SCANNING = {
    "no analysis found": "no analysis was ever uploaded",
    "code scanning is not enabled": "code scanning is not enabled",
    "must be enabled for this repository": "the repository has no licence for code scanning",
}
ANALYSES = Endpoint(
    "/repos/{repo}/code-scanning/analyses", "security_events=read", "security_events", off=_NO_CODE_SCANNING
)
CODE_ALERTS = Endpoint(
    "/repos/{repo}/code-scanning/alerts", "security_events=read", "security_events", off=_NO_CODE_SCANNING
)
ENVIRONMENTS = Endpoint("/repos/{repo}/environments", "actions=read")
WORKFLOWS = Endpoint("/repos/{repo}/actions/workflows", "actions=read")
RUNS = Endpoint("/repos/{repo}/actions/workflows/{id}/runs", "actions=read")
JOBS = Endpoint("/repos/{repo}/actions/runs/{id}/jobs", "actions=read")
ACTIVITY = Endpoint("/repos/{repo}/activity", "contents=read")
ISSUES = Endpoint(
    "/repos/{repo}/issues", "issues=read; pull_requests=read", off={"issues are disabled": "issues are disabled"}
)
PULLS = Endpoint("/repos/{repo}/pulls", "pull_requests=read")
