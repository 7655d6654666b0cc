"""GitLab's `rules`, `only` and `except`, as far as the event and the branch decide them; None is not known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from meshguard.targets.ci.models import Event
from meshguard.targets.ci.yaml_read import Map

_TOKEN = re.compile(
    r"""\s*(?:\$\{?(\w+)\}?|("[^"]*"|'[^']*')|(=~|!~|==|!=|&&|\|\||[()!])|(/(?:\\.|[^/\\])+/\w*)|(null))"""
)
MAX_TOKENS = 300
MAX_PATTERN = 200
SIMPLE = re.compile(r"[\w/.^$|()\\-]+")


@dataclass(frozen=True)
class Pipeline:
    """One kind of pipeline."""

    event: Event
    branch: str
    merge_request: bool
    """Whether it is a pipeline of a merge request; else one of a branch."""
    variables: tuple[tuple[str, str], ...] = ()

    def known(self) -> dict[str, str | None]:
        """The variables that GitLab sets; None where one is not set."""
        same = {"CI_DEFAULT_BRANCH": self.branch, "CI_COMMIT_TAG": None, "CI": "true", "GITLAB_CI": "true"}
        if self.merge_request:
            own = {
                "CI_PIPELINE_SOURCE": "merge_request_event", "CI_COMMIT_BRANCH": None, "CI_MERGE_REQUEST_IID": "1",
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": self.branch, "CI_MERGE_REQUEST_ID": "1",
            }  # fmt: skip
        else:
            name = self.branch if self.event == "push" else "a-branch-with-a-merge-request"
            asked = None if self.event == "push" else "group/project!1"
            own = {
                "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": name, "CI_COMMIT_REF_NAME": name,
                "CI_MERGE_REQUEST_IID": None, "CI_MERGE_REQUEST_ID": None, "CI_OPEN_MERGE_REQUESTS": asked,
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": None,
            }  # fmt: skip
        return {**dict(self.variables), **same, **own}


class _Unclear(ValueError):
    """The text is no condition that is followed."""


def decide(text: Any, pipeline: Pipeline) -> bool | None:
    """What the condition of an `if:` comes to."""
    if not isinstance(text, str) or "$[[" in text:
        return None
    try:
        reader = _Reader(_tokens(text), pipeline.known())
        value = reader.either()
        return None if reader.tokens else value
    except (_Unclear, RecursionError):
        return None


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(found) > MAX_TOKENS:
            raise _Unclear
        kinds = ("variable", "text", "operator", "pattern", "null")
        found.append(
            next((kind, group) for kind, group in zip(kinds, match.groups(), strict=True) if group is not None)
        )
        at = match.end()
    return found


_UNKNOWN = object()


class _Reader:
    """Reads a condition by its grammar."""

    def __init__(self, tokens: list[tuple[str, str]], known: dict[str, str | None]) -> None:
        self.tokens = tokens
        self.known = known

    def take(self, *wanted: str) -> str:
        if self.tokens and self.tokens[0][0] == "operator" and self.tokens[0][1] in wanted:
            return self.tokens.pop(0)[1]
        return ""

    def either(self) -> bool | None:
        value = self.both()
        while self.take("||"):
            other = self.both()
            value = True if True in (value, other) else None if None in (value, other) else False
        return value

    def both(self) -> bool | None:
        value = self.compared()
        while self.take("&&"):
            other = self.compared()
            value = False if False in (value, other) else None if None in (value, other) else True
        return value

    def compared(self) -> bool | None:
        if self.take("!"):
            value = self.compared()
            return None if value is None else not value
        if self.take("("):
            value = self.either()
            if not self.take(")"):
                raise _Unclear
            return value
        left = self.value()
        operator = self.take("==", "!=", "=~", "!~")
        if not operator:
            return None if left is _UNKNOWN else bool(left)
        right = self.value()
        if left is _UNKNOWN or right is _UNKNOWN:
            return None
        same = _fits(left, str(right)) if operator in ("=~", "!~") else left == right
        return None if same is None else same == (operator in ("==", "=~"))

    def value(self) -> Any:
        if not self.tokens:
            raise _Unclear
        kind, text = self.tokens.pop(0)
        if kind == "operator":
            raise _Unclear
        if kind == "variable":
            return self.known.get(text, _UNKNOWN)
        return {"text": text[1:-1], "null": None, "pattern": text}[kind]


def _fits(value: Any, pattern: str) -> bool | None:
    """A match with a pattern of a simple form; patterns that may take long or mean something else are not known."""
    body, slash, flags = pattern[1:].rpartition("/")
    if value is None:
        return False
    if not slash or len(body) > MAX_PATTERN or not SIMPLE.fullmatch(body) or flags not in ("", "i"):
        return None
    try:
        return re.search(body, value, re.IGNORECASE if flags else 0) is not None
    except re.error:
        return None


@dataclass(frozen=True)
class Answer:
    """Whether a job is in a pipeline, and what its rule says."""

    runs: bool | None
    why: str = ""
    allow_failure: Any = None
    manual: bool = False
    anyway: bool = False
    paths: bool = False


def rules(found: Any, pipeline: Pipeline, what: str) -> Answer:
    """The first rule that fits decides."""
    if not isinstance(found, list):
        return Answer(None, f"the rules of {what} are not read")
    unclear = False
    for rule in found:
        fits = _fit(rule, pipeline)
        unclear = unclear or fits is None
        if fits:
            answer = _rule(rule, pipeline, what)
            return (
                answer if not unclear else Answer(None, f"a rule of {what} is not decided here", answer.allow_failure)
            )
    if unclear:
        return Answer(None, f"a rule of {what} is not decided here")
    return Answer(False, f"no rule of {what} lets it run on {pipeline.event}")


def _fit(rule: Any, pipeline: Pipeline) -> bool | None:
    """Whether a rule fits; one on files that exist, or of another form, is not known."""
    if not isinstance(rule, Map):
        return None
    fits = decide(rule["if"], pipeline) if "if" in rule else True
    return None if fits and "exists" in rule else fits


def _rule(rule: Map, pipeline: Pipeline, what: str) -> Answer:
    when = rule.get("when", "on_success")
    if when == "never":
        return Answer(False, f"a rule of {what} says never on {pipeline.event}")
    if when == "on_failure":
        return Answer(False, f"{what} runs only where another job has failed")
    return Answer(
        True, allow_failure=rule.get("allow_failure"), manual=when == "manual", anyway=when == "always",
        paths="changes" in rule,
    )  # fmt: skip


def only_except(job: Map, pipeline: Pipeline, what: str, *, plain: bool) -> Answer:
    """`only` and `except`; without them a job is in the pipelines of branches, or with workflow rules in all.

    Args:
        job: the job.
        pipeline: the kind of pipeline.
        what: its name.
        plain: whether the configuration has workflow rules.
    """
    if "only" not in job and "except" not in job:
        if pipeline.merge_request and not plain:
            return Answer(False, f"{what} says nothing of merge requests, and is not in their pipelines")
        return Answer(True)
    wanted = _refs(job.get("only"), pipeline) if "only" in job else not pipeline.merge_request
    refused = _refs(job.get("except"), pipeline) if "except" in job else False
    if wanted is False or refused is True:
        return Answer(False, f"`only` or `except` of {what} leaves it out on {pipeline.event}")
    paths = any(isinstance(job.get(key), dict) and "changes" in job[key] for key in ("only", "except"))
    known = wanted is True and refused is False
    return Answer(
        True if known else None, "" if known else f"`only` or `except` of {what} is not decided here", paths=paths
    )


def _refs(said: Any, pipeline: Pipeline) -> bool | None:
    if isinstance(said, dict):
        if set(said) - {"refs", "changes"}:
            return None
        said = said.get("refs", ["branches", "tags"])
    names = [said] if isinstance(said, str) else said
    if not isinstance(names, list):
        return None
    answers = [_ref(str(name), pipeline) for name in names]
    return True if True in answers else None if None in answers else False


def _ref(name: str, pipeline: Pipeline) -> bool | None:
    asked = pipeline.merge_request
    words = {
        "merge_requests": pipeline.merge_request, "external_pull_requests": False, "branches": not asked,
        "tags": False, "schedules": False, "web": False, "api": False, "triggers": False, "pipelines": False,
        "pushes": not pipeline.merge_request, "chat": False, "external": False,
    }  # fmt: skip
    if name in words:
        return words[name]
    branch = None if pipeline.merge_request else pipeline.known()["CI_COMMIT_BRANCH"]
    if "@" in name:
        return None
    return _fits(branch, name) if name.startswith("/") else branch == name
