"""Checks of a repository's settings on GitHub, and of what GitHub's own scanners and runs say."""

from meshguard_checks.github_actions import dependabot, environment_reviewers, workflow_runs
from meshguard_checks.github_alerts import alert_age, code_scanning, secret_scanning
from meshguard_checks.github_protection import branch_protection

__all__ = [
    "alert_age",
    "branch_protection",
    "code_scanning",
    "dependabot",
    "environment_reviewers",
    "secret_scanning",
    "workflow_runs",
]
