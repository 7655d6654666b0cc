"""Workflows of GitHub Actions as tasks: jobs, steps, called workflows and actions of the repository followed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from meshguard.targets.ci.conditions import decide, runs_anyway
from meshguard.targets.ci.files import Files, NotRead, normal
from meshguard.targets.ci.github_shell import Defaults, run_defaults, shell_of, strings, system_of, text_of
from meshguard.targets.ci.models import EVENTS, Occasion
from meshguard.targets.ci.shell_words import OPEN
from meshguard.targets.ci.tasks import Task, Tasks, narrowed
from meshguard.targets.ci.triggers import events_of, occasion
from meshguard.targets.ci.yaml_read import Map, Unreadable, read

MAX_CALLS = 5


def load(files: Files, path: str) -> Map:
    """The mapping of a workflow or an action.

    Raises:
        Unreadable, NotRead: it cannot be read, or is no mapping.
    """
    documents = read(files.text(path))
    if len(documents) != 1 or not isinstance(documents[0], Map):
        raise Unreadable("it is no single mapping")
    return documents[0]


@dataclass(frozen=True)
class Around:
    """What surrounds jobs or steps."""

    path: str
    workflow: str
    occasions: tuple[Occasion, ...]
    branch: str
    prefix: str = ""
    swallowed: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    conditional: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    anyway: bool = False
    calls: int = 0


def workflow_tasks(files: Files, path: str, branch: str, tasks: Tasks) -> None:
    """The tasks of one workflow, on pushes and pull requests of a branch."""
    try:
        data = load(files, path)
    except (Unreadable, NotRead) as fault:
        tasks.missing(path, 0, f"it cannot be read: {fault}")
        return
    events = events_of(data)
    if set(events) <= {"workflow_call"} and events:
        return  # it is followed where it is called
    occasions = tuple(occasion(events, event, branch) for event in EVENTS)
    jobs(files, data, Around(path, path, occasions, branch), tasks)


def jobs(files: Files, data: Map, around: Around, tasks: Tasks) -> None:
    """The tasks of all jobs of a workflow."""
    found = data.get("jobs")
    if not isinstance(found, Map):
        tasks.missing(around.path, 1, "it has no jobs that can be read")
        return
    for name, job in found.items():
        if isinstance(job, Map):
            _job(files, data, found, name, around, tasks)
        else:
            tasks.missing(around.path, found.at(name), f"the job {name} is no mapping")


def _needs(job: Any) -> list[str]:
    said = job.get("needs") if isinstance(job, dict) else None
    return [said] if isinstance(said, str) else [str(one) for one in said] if isinstance(said, list) else []


def _ancestors(found: Map, name: str) -> list[str]:
    """Jobs that must have succeeded for a job to begin."""
    order: list[str] = []
    todo = [] if runs_anyway(found[name].get("if")) else _needs(found[name])
    while todo:
        each = todo.pop()
        if each not in order and each != name:
            order.append(each)
            job = found.get(each)
            if isinstance(job, dict) and not runs_anyway(job.get("if")):
                todo += _needs(job)
    return order


def _job(files: Files, data: Map, found: Map, name: str, around: Around, tasks: Tasks) -> None:
    job: Map = found[name]
    before = _ancestors(found, name)
    occasions = around.occasions
    for each in (name, *before):
        if isinstance(found.get(each), dict):
            occasions = under(occasions, found[each].get("if"), f"the job {each}", around.branch)
    swallowed, unsure = _continues(job, f"the job {name}")
    conditional = (f"the job {name} has a condition",) if around.calls and job.get("if") is not None else ()
    within = replace(
        around, occasions=occasions, prefix=f"{around.prefix}{name}", swallowed=around.swallowed + swallowed,
        unsure=around.unsure + unsure, conditional=around.conditional + conditional,
        after=around.after + tuple(f"{around.prefix}{one}" for one in before),
    )  # fmt: skip
    if "uses" in job:
        _called(files, job, within, tasks)
    else:
        _steps(files, data, job, within, tasks)


def under(occasions: tuple[Occasion, ...], condition: Any, what: str, branch: str) -> tuple[Occasion, ...]:
    """Occasions under the `if:` of a job or a step."""
    if condition is None:
        return occasions
    answers = [decide(condition, one.event, branch) for one in occasions]
    return narrowed(
        occasions,
        [
            (
                answer,
                f"the `if` of {what} is false on {one.event}"
                if answer is False
                else f"the `if` of {what} is not decided here",
            )
            for answer, one in zip(answers, occasions, strict=True)
        ],
    )


def _continues(part: Map, what: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    said = part.get("continue-on-error")
    if said is None or said is False or said == "false":
        return (), ()
    if said is True or said == "true":
        return (f"continue-on-error of {what}",), ()
    answer = decide(said, "push", "")
    if answer is not None and "${{" in str(said):
        return ((f"continue-on-error of {what}",), ()) if answer else ((), ())
    return (), (f"continue-on-error of {what} is not known beforehand",)


def _called(files: Files, job: Map, around: Around, tasks: Tasks) -> None:
    """A job that is another workflow."""
    uses, line = str(job.get("uses")), job.at("uses")
    tasks.found.append(_task(around, line, 0, uses=uses, inputs=strings(job.get("with"))))
    if not uses.startswith("./"):
        tasks.missing(
            around.path, line, f"the workflow {uses.partition('@')[0]} is of another repository, and not read"
        )
        return
    path = normal(uses.removeprefix("./"))
    if path is None or around.calls >= MAX_CALLS:
        tasks.missing(around.path, line, "the called workflow is outside, or calls itself")
        return
    try:
        data = load(files, path)
    except (Unreadable, NotRead) as fault:
        tasks.missing(path, 0, f"it cannot be read: {fault}")
        return
    jobs(files, data, replace(around, path=path, prefix=f"{around.prefix}/", calls=around.calls + 1), tasks)


def _task(around: Around, line: int, step: int, **more: Any) -> Task:
    return Task(
        path=around.path, workflow=around.workflow, line=line, job=around.prefix, step=step,
        occasions=around.occasions, swallowed=around.swallowed, unsure=around.unsure, conditional=around.conditional,
        after=around.after, anyway=around.anyway, **more,
    )  # fmt: skip


def _steps(files: Files, data: Map, job: Map, around: Around, tasks: Tasks) -> None:
    said = run_defaults(data, job)
    environment = strings(data.get("env")) | strings(job.get("env"))
    defaults = Defaults(said.get("shell", ""), said.get("working-directory", ""), environment, system_of(job))
    follow(files, job.get("steps"), defaults, around, tasks)


def follow(files: Files, steps: Any, defaults: Defaults, around: Around, tasks: Tasks, first: int = 0) -> int:
    """The tasks of steps one after the other; returns the number of the next step."""
    number = first
    if not isinstance(steps, list):
        tasks.missing(around.path, 0, f"the job {around.prefix} has no steps that can be read")
        return number
    text = str(steps)
    for step in steps:
        if isinstance(step, Map):
            number = _step(files, step, number, text, defaults, around, tasks)
        else:
            tasks.missing(around.path, 0, f"a step of the job {around.prefix} is no mapping")
    return number


def _step(files: Files, step: Map, number: int, others: str, defaults: Defaults, around: Around, tasks: Tasks) -> int:
    condition = step.get("if")
    swallowed, unsure = _continues(step, "the step")
    if swallowed and step.get("id") and f"steps.{step['id']}." in others:
        swallowed, unsure = (), ("continue-on-error of the step, while another step looks at what came of it",)
    plain = condition is None or all(decide(condition, event, around.branch) for event in EVENTS)
    within = replace(
        around, occasions=under(around.occasions, condition, "the step", around.branch),
        swallowed=around.swallowed + swallowed, unsure=around.unsure + unsure,
        conditional=around.conditional + (() if plain else ("its step has a condition",)),
        anyway=around.anyway or runs_anyway(condition),
    )  # fmt: skip
    environment = {**(defaults.environment or {}), **strings(step.get("env"))}
    if "run" in step:
        tasks.found.append(_script(step, number, defaults, within, environment))
        return number + 1
    return _used(files, step, number, replace(defaults, environment=environment), within, tasks)


def _script(step: Map, number: int, defaults: Defaults, around: Around, environment: dict[str, str]) -> Task:
    said = text_of(step.get("shell")) or defaults.shell
    shell, dialect = shell_of(said, defaults.system)
    folder = text_of(step.get("working-directory")) or defaults.folder
    cwd = None if OPEN in folder or folder.startswith("/") else normal(folder)
    line = step.at("run")
    return _task(
        around, line, number, script=str(step.get("run")), shell=replace(shell, cwd=cwd), dialect=dialect,
        environment=environment,
    )  # fmt: skip


def _used(files: Files, step: Map, number: int, defaults: Defaults, around: Around, tasks: Tasks) -> int:
    uses, line = str(step.get("uses", "")), step.at("uses")
    inputs = strings(step.get("with"))
    tasks.found.append(_task(around, line, number, uses=uses, inputs=inputs, environment=defaults.environment or {}))
    if not uses.startswith("./"):
        if not uses:
            tasks.missing(around.path, step.line, "a step neither runs nor uses anything")
        return number + 1
    folder = normal(uses.removeprefix("./"))
    for name in ("action.yml", "action.yaml"):
        path = normal(name, folder) if folder is not None else None
        if path is not None and files.find(path) is not None and around.calls < MAX_CALLS:
            return _action(files, path, number, defaults, around, tasks)
    tasks.missing(around.path, line, f"the action {uses} is not in the checkout, or cannot be read")
    return number + 1


def _action(files: Files, path: str, number: int, defaults: Defaults, around: Around, tasks: Tasks) -> int:
    """An action of the repository: the steps of a composite one are followed."""
    try:
        data = load(files, path)
    except (Unreadable, NotRead) as fault:
        tasks.missing(path, 0, f"it cannot be read: {fault}")
        return number + 1
    runs = data.get("runs")
    if not isinstance(runs, Map) or runs.get("using") != "composite":
        tasks.missing(path, data.at("runs"), "it is no composite action, and what it runs is not followed")
        return number + 1
    within = replace(around, path=path, calls=around.calls + 1)
    return follow(files, runs.get("steps"), replace(defaults, shell="", folder=""), within, tasks, number + 1)
