"""Checks of what runs on GitHub: Dependabot, workflows on the default branch, and who lets a deployment go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from meshguard.api import Clock, Duration, Field, Verdict, check, days, failed, passed, show_duration, undetermined
from meshguard.targets.github import Environment, Github, Job, Push, Run, Workflow
from meshguard.targets.github.actions import DEPENDABOT

Event = Literal["push", "schedule", "workflow_dispatch", "workflow_run", "deployment"]
"""Events whose runs are on the branch itself; those of pull requests, merge queues and tags are on others."""
NOT_OF_UPDATES = " for "
"""In the title of a run for one package's security update; that of a version update names the folder alone."""


@check(
    "github.dependabot",
    method="examine",
    fix="Enable it: `gh api -X PUT repos/OWNER/NAME/vulnerability-alerts` and `gh api -X PUT "
    "repos/OWNER/NAME/automated-security-fixes`; commit .github/dependabot.yml; see Insights > Dependency graph > "
    "Dependabot for what its runs say.",
)
async def dependabot(
    repository: Github, clock: Clock, *, max_age: Duration = days(8), security_updates: bool = True
) -> Verdict:
    """Dependabot is enabled and has run within `max_age` (NIST SSDF 1.1, PS.3, RV.1.1).

    Its alerts are on, its security updates are on and not paused, and a run of it succeeded; the newest run of each
    folder that it keeps up to date did not fail. Where it does not run on GitHub Actions, a pull request of its own
    in that time is the trace.

    Args:
        max_age: the longest time since its last run; the default is a week and a day.
        security_updates: whether its security updates must be on too.
    """
    if off := await _why_off(repository, security_updates):
        return failed(off)
    since = await clock.now() - max_age
    own = [workflow for workflow in await repository.workflows() if workflow.path == DEPENDABOT]
    if own and own[0].state != "active":
        return failed(f"Dependabot's workflow is {own[0].state}")
    if own:
        about = await repository.repository()
        runs = await repository.runs(own[0].id, about.default_branch, since.date())
        return _dependabot_ran([run for run in runs if run.created >= since], max_age)
    traces = await repository.traces(since.date())
    if any(trace.dependabot and trace.pull and trace.created >= since for trace in traces):
        return passed(f"it is enabled, and opened a pull request within {show_duration(max_age)}")
    return failed(f"it is enabled, and left no trace of a run within {show_duration(max_age)}")


async def _why_off(repository: Github, security_updates: bool) -> str:
    """What of it is switched off; empty where nothing is."""
    if (await repository.repository()).archived:
        return "the repository is archived: Dependabot does not run in it"
    if not await repository.vulnerability_alerts():
        return "Dependabot alerts are disabled"
    if not security_updates:
        return ""
    updates = await repository.security_updates()
    if not updates.enabled:
        return "Dependabot's security updates are disabled"
    return "Dependabot's security updates are paused" if updates.paused else ""


def _dependabot_ran(runs: list[Run], max_age: timedelta) -> Verdict:
    finished = [run for run in sorted(runs, key=lambda run: run.created) if run.finished]
    newest = {run.title.partition(" - Update #")[0]: run for run in finished}
    broken = sorted(name for name, run in newest.items() if _is_broken(name, run))
    if broken:
        return failed(f"its newest run of {', '.join(broken)} failed", got=len(broken), want=0)
    good = sum(run.conclusion == "success" for run in finished)
    if not good:
        return failed(f"no run of it succeeded within {show_duration(max_age)}", got=0)
    return passed(f"it is enabled, and {good} of its runs succeeded within {show_duration(max_age)}", got=good)


def _is_broken(name: str, run: Run) -> bool:
    """A security update may have no way to succeed; what is open then is the alert, which is judged by its age."""
    return run.conclusion != "success" and NOT_OF_UPDATES not in name


@check(
    "github.workflow_runs",
    method="examine",
    fix="See the runs with `gh run list --workflow FILE --branch BRANCH`; let the workflow run on every push to the "
    "default branch, without a filter of paths, and mend it where it fails.",
)
async def workflow_runs(
    repository: Github,
    clock: Clock,
    *,
    workflow: str,
    runs: Annotated[int, Field(ge=1, le=100)] = 10,
    events: tuple[Event, ...] = ("push",),
    job: str = "",
    max_age: Duration = days(90),
    patience: Duration = timedelta(hours=1),
) -> Verdict:
    """The workflow ran and succeeded on the last builds of the branch (NIST SSDF 1.1, PW.7, PW.8).

    With `push` among the events each of the last `runs` pushes is held against the runs on its commit: a push for
    which nothing ran, as a filter of paths makes it, is none that succeeded. Otherwise the last `runs` runs count.
    Runs on a fork's branch of the same name do not.

    Args:
        workflow: its file, such as ci.yml or .github/workflows/ci.yml.
        runs: how many builds; a branch that was pushed less often is judged by what there is.
        events: what started the runs that count.
        job: a job that must have run and succeeded too: a run succeeds also where its jobs were skipped. The jobs of
            a matrix are meant by the name before the bracket.
        max_age: runs that are looked at are at most so old.
        patience: a push that is younger, and whose run has not finished, is not due yet.
    """
    known = await repository.workflows()
    found = _workflow(workflow, known)
    if found is None or found.state != "active":
        names = ", ".join(one.path for one in known) or "none"
        return failed(f"there is no workflow {workflow}" if found is None else f"it is {found.state}", got=names)
    now = await clock.now()
    branch = await repository.branch()
    all_runs = await repository.runs(found.id, branch.name, (now - max_age).date())
    counted = [run for run in all_runs if run.own and run.event in events and now - run.created <= max_age]
    if "push" in events:
        pushes = _due(await repository.pushes(runs + SPARE), counted, now, patience)[:runs]
        problem = _missed(pushes, counted)
        counted = [run for run in counted if run.sha in {push.sha for push in pushes} and run.conclusion == "success"]
    else:
        counted = [run for run in counted if run.finished][:runs]
        problem = _too_few(counted, runs, max_age)
    return problem or await _jobs_ran(repository, counted, job)


SPARE = 10
"""Pushes that may not be due yet."""


def _missed(pushes: list[Push], runs: list[Run]) -> Verdict | None:
    """What is wrong with the pushes: one without a run that succeeded, or none at all."""
    if not pushes:
        return undetermined("no push to the branch is due to be judged", fix="audit again after a push")
    without = [push.sha[:12] for push in pushes if not _succeeded(push.sha, runs)]
    if not without:
        return None
    return failed(_said(f"it did not run and succeed on {len(without)} of the last {len(pushes)} pushes", without))


def _too_few(runs: list[Run], wanted: int, max_age: timedelta) -> Verdict | None:
    """What is wrong with the last runs: one that did not succeed, or fewer than wanted."""
    if bad := [f"{run.id} ({run.conclusion})" for run in runs if run.conclusion != "success"]:
        return failed(_said(f"{len(bad)} of its last {len(runs)} runs did not succeed", bad))
    if len(runs) < wanted:
        return failed(f"it ran {len(runs)} times within {show_duration(max_age)}", got=len(runs), want=wanted)
    return None


async def _jobs_ran(repository: Github, runs: list[Run], job: str) -> Verdict:
    """Whether the named job ran in each of the runs, which all succeeded."""
    if not job:
        return passed(f"it ran and succeeded on the last {len({run.sha for run in runs})} builds", got=len(runs))
    bad = [str(run.id) for run in runs if not _job_succeeded(job, await repository.jobs(run.id))]
    if bad:
        return failed(_said(f"the job {job} did not run and succeed in {len(bad)} of {len(runs)} runs", bad))
    return passed(f"the job {job} ran and succeeded in the last {len(runs)} runs", got=len(runs))


def _said(sentence: str, names: list[str]) -> str:
    return f"{sentence}: {', '.join(names[:5])}"


def _workflow(name: str, known: Iterable[Workflow]) -> Workflow | None:
    path = name if "/" in name else f".github/workflows/{name}"
    return next((one for one in known if one.path == path), None)


def _due(pushes: tuple[Push, ...], runs: list[Run], now: datetime, patience: timedelta) -> list[Push]:
    """The pushes without the youngest ones whose runs have not finished."""
    finished = {run.sha for run in runs if run.finished}
    return [push for push in pushes if push.sha in finished or now - push.time > patience]


def _succeeded(sha: str, runs: list[Run]) -> bool:
    return any(run.sha == sha and run.conclusion == "success" for run in runs)


def _job_succeeded(name: str, jobs: Iterable[Job]) -> bool:
    """Whether a job is among them, each time that it ran; `call / name` is one of a workflow that is called."""
    found = [job for job in jobs if job.name.rpartition(" / ")[2].partition(" (")[0] == name or job.name == name]
    return bool(found) and all(job.conclusion == "success" for job in found)


@check(
    "github.environment_reviewers",
    method="examine",
    fix="Settings > Environments > the environment: add required reviewers, forbid self-review and administrators' "
    "bypass, and choose the branches that may be deployed.",
)
async def environment_reviewers(
    repository: Github,
    *,
    environments: Annotated[tuple[str, ...], Field(min_length=1)] = ("production",),
    prevent_self_review: bool = True,
    admins_bypass: bool = False,
    branches: bool = True,
) -> Verdict:
    """Nobody deploys to these environments alone: somebody else must approve (NIST SP 800-53, CM-3, AC-5).

    Args:
        environments: names or patterns (prod*), each of which must be there.
        prevent_self_review: whether those who started a deployment may not approve it themselves.
        admins_bypass: whether administrators may deploy without approval.
        branches: whether it must be limited which branches may be deployed.
    """
    known = await repository.environments()
    missing = [name for name in environments if not any(fnmatchcase(one.name, name) for one in known)]
    if missing:
        names = [one.name for one in known] or "none"
        return failed(f"there is no environment {', '.join(missing)}", got=names, want=environments)
    judged = [one for one in known if any(fnmatchcase(one.name, name) for name in environments)]
    found = {one.name: _problem(one, prevent_self_review, admins_bypass, branches) for one in judged}
    bad = [f"{name}: {problem}" for name, problem in found.items() if problem]
    if bad:
        return failed("; ".join(bad))
    if unknown := [one.name for one in judged if one.admins_bypass is None and not admins_bypass]:
        return undetermined(f"GitHub does not say whether administrators may bypass {', '.join(unknown)}")
    return passed(f"{', '.join(found)}: somebody else must approve each deployment")


def _problem(found: Environment, prevent_self_review: bool, admins_bypass: bool, branches: bool) -> str:
    if not found.reviewers:
        return "nobody has to approve"
    if prevent_self_review and not found.prevent_self_review:
        return "those who deploy may approve it themselves"
    if found.admins_bypass and not admins_bypass:
        return "administrators may deploy without approval"
    return "any branch may be deployed" if branches and found.branches == "any" else ""
