"""What GitHub says of the example's repository, and what can be wrong with it.

The state is JSON in a file, so that a stub in another process reads it anew for each request.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from .defect import RepoDefect
from .github_state import State, good_state

STATE = "github.json"
"""The file, in the folder that `good` is given: beside the checkout and not in it."""


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
        says="Dependabot's alerts are switched off for the repository.",
        plant=_plant(_alerts_off),
        also=("github.alert_age",),
    ),
    RepoDefect(
        name="repo-github-updates-paused",
        check="github.dependabot",
        says="Dependabot's security updates are paused, as after 90 days without an answer to them.",
        plant=_plant(_updates_paused),
    ),
    RepoDefect(
        name="repo-github-alert-unanswered",
        check="github.alert_age",
        says="A critical alert has been open for nine days, and nobody has taken it up.",
        plant=_plant(_alert_unanswered),
    ),
    RepoDefect(
        name="repo-github-no-push-protection",
        check="github.secret_scanning",
        says="A push that holds a secret is not refused.",
        plant=_plant(_no_push_protection),
    ),
    RepoDefect(
        name="repo-github-analysis-broken",
        check="github.code_scanning",
        says="The newest analysis of the Python code ended with an error.",
        plant=_plant(_analysis_broken),
    ),
    RepoDefect(
        name="repo-github-admins-exempt",
        check="github.branch_protection",
        says="Administrators may push to the default branch without review.",
        plant=_plant(_admins_exempt),
    ),
    RepoDefect(
        name="repo-github-force-push",
        check="github.branch_protection",
        says="The default branch may be overwritten, and the ruleset against it only evaluates.",
        plant=_plant(_force_push),
    ),
    RepoDefect(
        name="repo-github-nobody-approves",
        check="github.environment_reviewers",
        says="A deployment to production needs no approval.",
        plant=_plant(_nobody_approves),
    ),
    RepoDefect(
        name="repo-github-push-without-a-run",
        check="github.workflow_runs",
        says="The CI workflow did not run for one of the last pushes, as where its message says to skip it.",
        plant=_plant(_push_without_a_run),
    ),
)
