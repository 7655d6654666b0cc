"""When a workflow of GitHub Actions runs: its events, and the filters that skip it."""

from __future__ import annotations

import re
from typing import Any

from meshguard.targets.ci.models import Event, Occasion

WHOLE_TYPES = ("opened", "synchronize")


def events_of(workflow: dict[str, Any]) -> dict[str, Any]:
    """The events under `on`, each with its filters."""
    said = workflow.get("on")
    if isinstance(said, str):
        return {said: None}
    if isinstance(said, list):
        return {str(one): None for one in said}
    return said if isinstance(said, dict) else {}


def occasion(events: dict[str, Any], event: Event, branch: str) -> Occasion:
    """Whether a workflow runs on an event of a branch."""
    if event not in events:
        return Occasion(event=event, state="no", why=f"the workflow does not run on {event}")
    filters = events[event] if isinstance(events[event], dict) else {}
    if why := _branch_filter(filters, event, branch) or _types(filters, event):
        return Occasion(event=event, state="no", why=why)
    paths = bool(filters.get("paths") or filters.get("paths-ignore"))
    why = f"a filter of paths skips it on {event} where other files changed" if paths else ""
    return Occasion(event=event, state="yes", why=why, paths=paths)


def _branch_filter(filters: dict[str, Any], event: str, branch: str) -> str:
    wanted, ignored = _texts(filters.get("branches")), _texts(filters.get("branches-ignore"))
    if wanted and not matches(wanted, branch):
        return f"on {event} it runs for other branches than {branch}"
    if ignored and matches(ignored, branch):
        return f"on {event} it ignores the branch {branch}"
    if event == "push" and not wanted and not ignored and ("tags" in filters or "tags-ignore" in filters):
        return "on push it runs for tags alone"
    return ""


def _types(filters: dict[str, Any], event: str) -> str:
    types = _texts(filters.get("types"))
    if event == "pull_request" and types and (lacking := [one for one in WHOLE_TYPES if one not in types]):
        return f"on pull_request it does not run where the type is {' or '.join(lacking)}"
    return ""


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [value] if isinstance(value, str) else []


def matches(patterns: list[str], name: str) -> bool:
    """Whether a name passes GitHub's filter patterns; the last that fits decides, and `!` takes away."""
    found = False
    for pattern in patterns:
        taken = pattern.startswith("!")
        if _regex(pattern.removeprefix("!")).fullmatch(name):
            found = not taken
    return found


def _regex(pattern: str) -> re.Pattern[str]:
    text = ""
    for part in re.findall(r"\*\*|\*|\?|\+|\[[^\]]+\]|\\.|.", pattern, re.DOTALL):
        text += {"**": ".*", "*": "[^/]*", "?": "?", "+": "+"}.get(
            part, part if part[0] == "[" else re.escape(part[-1:])
        )
    try:
        return re.compile(text)
    except re.error:
        return re.compile(re.escape(pattern))
