"""What is recorded of a repository on GitHub: no person, no text of an alert, and never a secret."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class GithubModel(BaseModel):
    """Base of all that is recorded of a repository on GitHub."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class Off(GithubModel):
    """GitHub says that a feature is not in use, which is not the same as not being told."""

    off: str
    """In a sentence: why."""


class Repository(GithubModel):
    """The repository itself."""

    full_name: str
    """As it is called now; the deployment may name it by an earlier name."""
    default_branch: str
    archived: bool
    disabled: bool
    fork: bool
    private: bool
    admin: bool | None
    """Whether the token acts for an administrator of the repository; None where GitHub does not say."""
    secret_scanning: bool | None
    """None where GitHub does not tell it to this token."""
    push_protection: bool | None
    """None where GitHub does not tell it to this token."""

    def __str__(self) -> str:
        """`owner/name`."""
        return self.full_name


class Branch(GithubModel):
    """The branch that is judged."""

    name: str
    sha: str


class SecurityUpdates(GithubModel):
    """Whether Dependabot proposes updates for what has a known hole."""

    enabled: bool
    paused: bool


Severity = Literal["critical", "high", "medium", "low"]


class DependabotAlert(GithubModel):
    """One hole in one dependency, and what became of it."""

    number: int
    state: Literal["auto_dismissed", "dismissed", "fixed", "open"]
    severity: Severity
    package: str
    ecosystem: str
    manifest: str
    ghsa: str
    cve: str
    """Empty where it has none."""
    created: datetime
    dismissed: datetime | None
    auto_dismissed: datetime | None
    fixed: datetime | None


class DependabotAlerts(GithubModel):
    """All alerts of the asked severities, whatever their state."""

    alerts: tuple[DependabotAlert, ...]


class Trace(GithubModel):
    """An issue or pull request, as far as it tells that somebody took up an alert."""

    number: int
    created: datetime
    pull: bool
    """Whether it is a pull request."""
    bot: bool
    """Whether an app wrote it, and no person."""
    dependabot: bool
    """Whether that app is Dependabot."""
    advisories: tuple[str, ...]
    """GHSA and CVE ids that its title and text name."""
    packages: tuple[str, ...]
    """Of Dependabot's own: the packages that it brings up to date."""


class SecretAlert(GithubModel):
    """A secret that GitHub found; never the secret itself."""

    number: int
    kind: str
    created: datetime
    validity: str
    """active, inactive or unknown."""


class SecretAlerts(GithubModel):
    """All secrets that are reported and not resolved."""

    alerts: tuple[SecretAlert, ...]


class Analysis(GithubModel):
    """One upload of a code scanner's results."""

    tool: str
    category: str
    created: datetime
    failed: bool
    """Whether it could not be processed whole."""


class Analyses(GithubModel):
    """A branch's analyses, newest first: all since the asked day, and the one before it."""

    analyses: tuple[Analysis, ...]


class CodeAlert(GithubModel):
    """An open finding of a code scanner."""

    number: int
    severity: str
    """critical, high, medium or low; of a rule that has no security severity, its own: error, warning or note."""
    rule: str
    created: datetime


class CodeAlerts(GithubModel):
    """All open findings on the branch."""

    alerts: tuple[CodeAlert, ...]


class Reviews(GithubModel):
    """What is asked of a pull request."""

    count: int
    code_owners: bool
    dismiss_stale: bool


class Guard(GithubModel):
    """What one source of protection asks of the branch: the classic protection, or one ruleset."""

    source: str
    reviews: Reviews | None
    """None: no pull request is needed."""
    status_checks: tuple[str, ...]
    no_force_push: bool
    no_deletion: bool
    bypass: tuple[str, ...] | None
    """Who may pass it by, such as administrators or Team:42; None where the token may not see it."""
    review_bypass: tuple[str, ...] = ()
    """Who may besides push without a pull request."""


class Environment(GithubModel):
    """A place to deploy to, and who must agree."""

    name: str
    reviewers: int
    """People and teams, one of which must approve; 0: nobody has to."""
    prevent_self_review: bool
    admins_bypass: bool | None
    """Whether administrators may deploy without approval; None where GitHub does not say."""
    branches: Literal["any", "protected", "selected"]
    """Branches that may be deployed there."""

    def __str__(self) -> str:
        """Its name."""
        return self.name


class Workflow(GithubModel):
    """A workflow of GitHub Actions."""

    id: int
    path: str
    state: str


class Run(GithubModel):
    """One run of a workflow; of several attempts, the last one."""

    id: int
    sha: str
    event: str
    finished: bool
    conclusion: str
    """success, failure, cancelled, skipped and so on; empty while it runs."""
    created: datetime
    own: bool
    """Whether it ran on this repository's commit, and not on that of a fork whose branch has the same name."""
    title: str = ""
    """Of Dependabot's own runs: what was to be brought up to date."""


class Job(GithubModel):
    """One job of a run."""

    name: str
    conclusion: str
    """Empty while it runs."""


class Push(GithubModel):
    """The branch was moved to this commit."""

    sha: str
    time: datetime
