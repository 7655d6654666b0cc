"""GitLab CI as tasks: one script for each job, its stages, needs and rules followed."""

from __future__ import annotations

from typing import Any

from meshguard.targets.ci.files import Files
from meshguard.targets.ci.gitlab_config import Config, load
from meshguard.targets.ci.gitlab_rules import Answer, Pipeline, only_except, rules
from meshguard.targets.ci.models import EVENTS, Event, Occasion, State
from meshguard.targets.ci.shell_models import Shell
from meshguard.targets.ci.shell_words import OPEN
from meshguard.targets.ci.tasks import Task, Tasks
from meshguard.targets.ci.yaml_read import Map, Unreadable

ROOTS = (".gitlab-ci.yml", ".gitlab-ci.yaml")
UNKNOWN_LINE = "a part of the script that is not known"


def gitlab_tasks(files: Files, path: str, branch: str, tasks: Tasks, paths: tuple[str, ...] = ()) -> list[str]:
    """The tasks of a configuration, on pushes and merge requests of a branch; returns the files read."""
    config = load(files, path, tasks, paths)
    jobs: dict[str, Map] = {}
    for name in config.jobs():
        try:
            jobs[name] = config.job(name)
        except Unreadable as fault:
            tasks.missing(
                config.files.get(name, path), config.data.at(name), f"the job {name} is not followed: {fault}"
            )
    for name, job in jobs.items():
        _job(config, jobs, name, job, branch, tasks)
    return config.read


def _job(config: Config, jobs: dict[str, Map], name: str, job: Map, branch: str, tasks: Tasks) -> None:
    path = config.files.get(name, "")
    if "trigger" in job:
        tasks.missing(path, job.at("trigger"), f"the pipeline that the job {name} starts is not followed")
        return
    if "run" in job:
        tasks.missing(path, job.at("run"), f"the steps of the job {name} are not followed")
        return
    answers = {event: _answer(config, job, name, event, branch) for event in EVENTS}
    swallowed, unsure = _allowed(job, list(answers.values()))
    for key in ("before_script", "script"):
        if None in config.lines(job.get(key)):
            tasks.missing(path, job.at(key), UNKNOWN_LINE)
    lines = [line or OPEN for key in ("before_script", "script") for line in config.lines(job.get(key))]
    # The runner sets pipefail where the image's shell has it; that of Debian's sh has not.
    tasks.found.append(
        Task(
            path=path, workflow=config.read[0], line=job.at("script"), job=name, step=0,
            occasions=tuple(_occasion(event, answer) for event, answer in answers.items()),
            swallowed=swallowed, unsure=unsure, after=_after(config, jobs, name),
            anyway=job.get("when") == "always" or any(answer.anyway for answer in answers.values()),
            script="\n".join(lines), shell=Shell(errexit=True, pipefail=None), environment=_variables(config, job),
        )
    )  # fmt: skip


def _variables(config: Config, job: Map) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in (config.data.get("variables"), job.get("variables")):
        for key, value in source.items() if isinstance(source, Map) else ():
            text = value.get("value") if isinstance(value, Map) else value
            found[str(key)] = "" if text is None else str(text).replace("$", OPEN)
    return found


def _answer(config: Config, job: Map, name: str, event: Event, branch: str) -> Answer:
    """On a merge request either its own pipeline counts, or that of each branch."""
    kinds = (False,) if event == "push" else (True, False)
    variables = tuple((key, value) for key, value in _variables(config, job).items() if OPEN not in value)
    answers = [_in(config, job, name, Pipeline(event, branch, kind, variables)) for kind in kinds]
    best = next((answer for answer in answers if answer.runs), None)
    return best or next((answer for answer in answers if answer.runs is None), answers[0])


def _in(config: Config, job: Map, name: str, pipeline: Pipeline) -> Answer:
    workflow = config.data.get("workflow")
    said = config.rules(workflow.get("rules")) if isinstance(workflow, Map) and "rules" in workflow else None
    if said is not None:
        whole = rules(said, pipeline, "the workflow")
        if whole.runs is not True:
            return whole
    if job.get("when") in ("never", "on_failure"):
        return Answer(False, f"the job {name} runs only {job['when']}")
    if "rules" in job:
        return rules(config.rules(job["rules"]), pipeline, f"the job {name}")
    return only_except(job, pipeline, f"the job {name}", plain=said is not None)


def _occasion(event: Event, answer: Answer) -> Occasion:
    if answer.runs is True and answer.manual:
        return Occasion(event=event, state="no", why="it waits for someone to start it by hand")
    state: State = "maybe" if answer.runs is None else "yes" if answer.runs else "no"
    why = "a rule on changed files skips it for others" if answer.paths and answer.runs else answer.why
    return Occasion(event=event, state=state, why=why, paths=answer.paths)


def _allowed(job: Map, answers: list[Answer]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whether the job may fail without failing the pipeline."""
    said = [answer.allow_failure for answer in answers if answer.allow_failure is not None]
    said = said or [job.get("allow_failure", job.get("when") == "manual" and "rules" not in job)]
    if any(one is True or isinstance(one, Map) for one in said):
        return ("allow_failure of the job",), ()
    return ((), ()) if all(one in (False, None) for one in said) else ((), ("allow_failure of the job is not known",))


def _after(config: Config, jobs: dict[str, Map], name: str) -> tuple[str, ...]:
    """Jobs that must have succeeded before one begins: those it needs, else all of earlier stages."""
    found: list[str] = []
    todo = _before(config, jobs, name)
    while todo:
        each = todo.pop()
        if each not in found:
            found.append(each)
            todo += _before(config, jobs, each)
    return tuple(found)


def _before(config: Config, jobs: dict[str, Map], name: str) -> list[str]:
    job = jobs.get(name)
    if job is None or job.get("when") in ("always", "on_failure"):
        return []
    needs: Any = job.get("needs")
    if isinstance(needs, list):
        return [str(one.get("job")) if isinstance(one, Map) else str(one) for one in needs if not _optional(one)]
    stages = config.stages()
    own = _stage(job, stages)
    return [other for other, it in jobs.items() if 0 <= _stage(it, stages) < own]


def _optional(need: Any) -> bool:
    return isinstance(need, Map) and (need.get("optional") is True or "pipeline" in need or "project" in need)


def _stage(job: Map, stages: list[str]) -> int:
    stage = str(job.get("stage", "test"))
    return stages.index(stage) if stage in stages else -1
