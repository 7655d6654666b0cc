"""Target `github`: a repository on GitHub or an Enterprise Server, asked over its REST API with a token that reads."""

from meshguard.targets.github.actions import ActionFacts
from meshguard.targets.github.alerts import AlertFacts
from meshguard.targets.github.models import (
    Analyses,
    Analysis,
    Branch,
    CodeAlert,
    CodeAlerts,
    DependabotAlert,
    DependabotAlerts,
    Environment,
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
from meshguard.targets.github.protection import ProtectionFacts
from meshguard.targets.github.settings import GithubSettings

__all__ = [
    "Analyses",
    "Analysis",
    "Branch",
    "CodeAlert",
    "CodeAlerts",
    "DependabotAlert",
    "DependabotAlerts",
    "Environment",
    "Github",
    "GithubSettings",
    "Guard",
    "Job",
    "Off",
    "Push",
    "Repository",
    "Reviews",
    "Run",
    "SecretAlert",
    "SecretAlerts",
    "SecurityUpdates",
    "Trace",
    "Workflow",
]


class Github(ActionFacts, AlertFacts, ProtectionFacts):
    """A repository on GitHub."""
