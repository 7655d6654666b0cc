"""Where a command is run in a checkout's workflows, and what may run it unseen."""

from __future__ import annotations

from meshguard.targets.ci.commands import (
    Force,
    Pattern,
    action_force,
    action_matches,
    force,
    matched,
    pattern,
    program,
)
from meshguard.targets.ci.files import Files
from meshguard.targets.ci.github import workflow_tasks
from meshguard.targets.ci.gitlab import ROOTS, gitlab_tasks
from meshguard.targets.ci.models import Place, Runs, Unknown, WorkflowFile
from meshguard.targets.ci.scripts import Scripts
from meshguard.targets.ci.shell import Walk
from meshguard.targets.ci.shell_models import Context, Ran
from meshguard.targets.ci.shell_words import OPEN
from meshguard.targets.ci.tasks import Task, Tasks

TRIFLES = frozenset({"echo", "printf", "set", "cd", "export", "true", ":", "mkdir", "ls", "cat", "pwd", "env", "date"})
SETUP = ("actions/checkout", "actions/setup-", "actions/cache", "actions/upload-artifact", "actions/download-artifact")


def search(files: Files, found: tuple[WorkflowFile, ...], commands: tuple[str, ...], branch: str) -> Runs:
    """Every place where one of the commands is run."""
    tasks = Tasks()
    read: list[str] = []
    paths = tuple(one.path for one in found)
    for one in found:
        if one.system == "github" and one.kind == "workflow":
            workflow_tasks(files, one.path, branch, tasks)
            read.append(one.path)
        elif one.path in ROOTS:
            read += gitlab_tasks(files, one.path, branch, tasks, paths)
    wanted = [pattern(command) for command in commands]
    scripts = Scripts(files)
    places: list[Place] = []
    for task in tasks.found:
        found_here, unknown = _task(task, wanted, scripts)
        places += found_here
        tasks.unknown += unknown
    return Runs(places=tuple(places), unknown=tuple(dict.fromkeys(tasks.unknown)), files=tuple(dict.fromkeys(read)))


def _task(task: Task, wanted: list[Pattern], scripts: Scripts) -> tuple[list[Place], list[Unknown]]:
    if task.uses:
        return _used(task, wanted), []
    if task.script is None:
        return [], []
    if task.dialect:
        if _job(task, wanted):
            return [_place(task, 0, Force(unsure=f"it is written for {task.dialect}"))], []
        held = any(one.stands_in(task.script) for one in wanted)
        what = f"the script is for {task.dialect}"
        return [], [Unknown(where=f"{task.path}:{task.line}", what=what)] if held else []
    walk = Walk(task.shell, scripts.called)
    walk.script(task.script, Context())
    places = [place for index, ran in enumerate(walk.found) if (place := _ran(task, index, ran, wanted, scripts))]
    opaque = [
        Unknown(where=f"{task.path}:{_line(task, one.line)}", what=one.what)
        for one in walk.opaque
        if one.text is None or any(each.stands_in(one.text) for each in wanted)
    ]
    return places, opaque


def _line(task: Task, line: int) -> int:
    return task.line + (line if "\n" in (task.script or "") else 0)


def _job(task: Task, wanted: list[Pattern]) -> bool:
    from fnmatch import fnmatchcase

    name = task.job.rsplit("/", 1)[-1]
    return any(one.kind == "job" and fnmatchcase(name, one.words[0]) for one in wanted)


def _ran(task: Task, index: int, ran: Ran, wanted: list[Pattern], scripts: Scripts) -> Place | None:
    for one in wanted:
        said = matched(one, ran.words) if one.kind == "command" else None
        if said is not None:
            environment = {**task.environment, **ran.environment}
            here = force(said, environment, scripts.npmrc(ran.cwd))
            return _place(task, index, here, ran)
    if _job(task, wanted) and program(ran.words[0]) not in TRIFLES:
        return _place(task, index, Force(), ran)
    return None


def _used(task: Task, wanted: list[Pattern]) -> list[Place]:
    name, _, _ = task.uses.partition("@")
    fits = any(action_matches(one, name) for one in wanted)
    if not fits and not (_job(task, wanted) and not name.startswith((*SETUP, "./"))):
        return []
    return [_place(task, 0, action_force(name, task.inputs))]


def _place(task: Task, index: int, here: Force, ran: Ran | None = None) -> Place:
    ran = ran or Ran((), 0)
    swallowed = (*task.swallowed, *filter(None, (ran.swallowed, here.swallowed)))
    return Place(
        where=f"{task.path}:{_line(task, ran.line)}",
        workflow=task.workflow,
        job=task.job,
        order=(task.step, index),
        through=ran.through.replace(OPEN, "…"),
        occasions=task.occasions,
        swallowed=tuple(dict.fromkeys(swallowed)),
        unsure=tuple(dict.fromkeys((*task.unsure, *ran.unsure, *filter(None, (here.unsure,))))),
        skips=tuple(dict.fromkeys(ran.skips)),
        conditional=task.conditional,
        after=task.after,
        anyway=task.anyway,
        severity=here.severity,
    )
