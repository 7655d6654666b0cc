"""What a workflow does with a stranger's code or words on events that have the repository's rights."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshguard.targets.ci.files import Files, NotRead, normal
from meshguard.targets.ci.models import Danger, Trusting, Unknown
from meshguard.targets.ci.review import Step, mapping, maps, steps
from meshguard.targets.ci.triggers import events_of
from meshguard.targets.ci.yaml_read import Map, Unreadable

EVENTS = ("pull_request_target", "workflow_run", "issue_comment")
"""Events that a stranger can cause, whose runs have secrets and a token that may write."""
HEAD = re.compile(
    r"(?i)(?:pull_request\.head\.|github\.head_ref|workflow_run\.head_|workflow_run\.pull_requests|refs/pull/"
    r"|head\.(?:sha|ref)\b|pull_request\.merge_commit_sha|workflow_run\.head_repository|event\.number|issue\.number)"
)
FETCH = re.compile(
    r"\bgh\s+pr\s+checkout\b|\bgit\s+(?:fetch|pull)\b[^\n]*\bpull/|\bhub\s+pr\s+checkout\b"
    r"|\bgit\s+(?:checkout|fetch|switch|clone|pull)\b[^\n]*(?:head[._](?:sha|ref)|head_ref|HEAD_(?:SHA|REF))"
)
WORDS = re.compile(
    r"(?i)github\.(?:head_ref\b|event\.(?:pull_request\.(?:title|body|head\.(?:ref|label|repo\.default_branch))"
    r"|issue\.(?:title|body)|comment\.body|review\.body|discussion\.(?:title|body)|head_commit\.(?:message|author)"
    r"|commits|workflow_run\.(?:head_branch|display_title|head_commit\.message|head_repository\.description)))"
)
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
OWN_ONLY = (
    "github.event.pull_request.head.repo.full_name == github.repository",
    "github.event.pull_request.head.repo.fork == false",
    "!github.event.pull_request.head.repo.fork",
    "github.event.workflow_run.head_repository.full_name == github.repository",
)
"""Conditions that keep strangers out."""
MAX_FILES = 30


def trusting(files: Files, path: str) -> Trusting:
    """What a workflow, and what of the repository it calls, does on such events."""
    data = mapping(files, path)
    events = tuple(event for event in EVENTS if event in events_of(data))
    if not events:
        return Trusting(path=path)
    dangers: list[Danger] = []
    unknown: list[Unknown] = []
    todo, seen = [(path, data)], {path}
    while todo:
        here, part = todo.pop()
        for step in steps(part):
            if not _guarded(step):
                dangers += _dangers(step, here if here != path else "")
        for called in _calls(part):
            _follow(files, called, here, seen, todo, unknown)
    return Trusting(path=path, events=events, dangers=tuple(dangers), unknown=tuple(unknown))


def _follow(
    files: Files, uses: str, here: str, seen: set[str], todo: list[tuple[str, Map]], unknown: list[Unknown]
) -> None:
    if not uses.startswith("./"):
        if "/.github/workflows/" in uses:
            unknown.append(Unknown(where=here, what=f"the workflow {uses.partition('@')[0][:150]} is not read"))
        return
    place = normal(uses.removeprefix("./"))
    names = [place] if place and place.endswith((".yml", ".yaml")) else [f"{place}/action.yml", f"{place}/action.yaml"]
    for name in names:
        if name in seen or len(seen) > MAX_FILES:
            continue
        try:
            todo.append((name, mapping(files, name)))
            seen.add(name)
        except NotRead:
            continue
        except Unreadable as fault:
            unknown.append(Unknown(where=name, what=str(fault)))
    if not any(name in seen for name in names):
        unknown.append(Unknown(where=here, what=f"{uses[:150]} is not in the checkout, or cannot be read"))


def _calls(data: Map) -> Iterator[str]:
    for step in steps(data):
        if isinstance(step.data.get("uses"), str):
            yield step.data["uses"]
    for _, job in maps(data.get("jobs")):
        if isinstance(job.get("uses"), str):
            yield job["uses"]


def _guarded(step: Step) -> bool:
    texts = [str(one).strip() for one in step.conditions if one is not None]
    return any("||" not in text and any(guard in text for guard in OWN_ONLY) for text in texts)


def _dangers(step: Step, path: str) -> Iterator[Danger]:
    data = step.data
    inside = f" in {path}" if path else ""
    said = data.get("with")
    given = said if isinstance(said, Map) else Map()
    name = str(data.get("uses", "")).partition("@")[0].lower()
    if name == "actions/checkout":
        yield from _checkout(given, data.at("uses"), inside)
    run = data.get("run")
    if isinstance(run, str) and FETCH.search(run):
        yield Danger(line=data.at("run"), kind="checkout", what=f"a script fetches the pull request's code{inside}")
    text = str(run) if run is not None else str(given.get("script", "")) if name == "actions/github-script" else ""
    for expression in _EXPRESSION.finditer(text):
        if match := WORDS.search(expression[1]):
            line = data.at("run" if run is not None else "uses")
            yield Danger(line=line, kind="injection", what=f"{match[0]} is written into a script{inside}")


def _checkout(given: Map, line: int, inside: str) -> Iterator[Danger]:
    said = [str(given.get(key)) for key in ("ref", "repository") if given.get(key) is not None]
    texts = [expression[1] for one in said for expression in _EXPRESSION.finditer(one)]
    if any(HEAD.search(one) for one in said):
        yield Danger(line=line, kind="checkout", what=f"the pull request's code is checked out{inside}")
    elif any(
        not re.fullmatch(
            r"\s*github\.(?:sha|ref|base_ref|repository|event\.pull_request\.base\.\w+|event\.repository\.default_branch)\s*",
            one,
        )
        for one in texts
    ):
        yield Danger(line=line, kind="checkout-unknown", what=f"what is checked out is not known beforehand{inside}")
