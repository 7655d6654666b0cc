"""requirements.txt of pip, with what it includes by `-r`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from meshguard.targets.repo.lock_draft import Draft
from meshguard.targets.repo.lock_models import Lock
from meshguard.targets.repo.lock_read import Beside, as_text, hashes_of, source_of

MAX_FILES = 20
DEVELOPMENT = frozenset({"dev", "development", "test", "tests", "testing", "lint", "doc", "docs"})
"""Words in the file's name by which it is for development alone."""
_COMMENT = re.compile(r"(^|\s)#.*$")
_HASH = re.compile(r"\s--hash[= ]\s*(\S+)")
_OPTION = re.compile(r"\s--?[A-Za-z].*$")
_INCLUDE = re.compile(r"(?:-r|--requirement)[ =]?\s*(\S+)$")
_HARMLESS = re.compile(
    r"(-c|--constraint|-i|--index-url|--extra-index-url|--no-index|-f|--find-links|--no-binary|--only-binary|"
    r"--prefer-binary|--require-hashes|--pre|--trusted-host|--use-feature)\b"
)
"""Options that add no package."""


@dataclass(frozen=True)
class Line:
    """One requirement, its continued lines joined."""

    where: str
    text: str


def parse_requirements(path: str, data: bytes, beside: Beside) -> Lock:
    """The packages that a requirements file fixes: `==` and hashes; whatever else it names is a problem.

    With hashes pip refuses what is not listed (pip's documentation, "Secure installs"); without them the list may
    lack what the packages need themselves.
    """
    draft, unhashed, dev = Draft(path, "pypi"), 0, bool(set(re.split(r"[-_.]", path.rpartition("/")[2])) & DEVELOPMENT)
    for line in _lines(draft, path, as_text(data), beside):
        unhashed += _added(draft, line, dev=dev)
    if unhashed:
        draft.problem(
            f"{unhashed} of its requirements have no hash, so pip installs whatever they need, which it does not fix"
        )
    return draft.lock("requirements")


def _lines(draft: Draft, path: str, content: str, beside: Beside) -> Iterator[Line]:
    todo, seen = [(path.rpartition("/")[2], content)], {path.rpartition("/")[2]}
    while todo:
        name, content = todo.pop()
        for number, line in _joined(content):
            where = f"{name}:{number}"
            include = _INCLUDE.match(line)
            if include is None:
                yield Line(where, line)
                continue
            other = os.path.normpath(os.path.join(os.path.dirname(name), include[1]))  # noqa: PTH118, PTH120
            found = beside(other) if len(seen) < MAX_FILES else None
            if other in seen:
                continue
            if found is None:
                draft.problem(f"{where} includes {other}, which could not be read")
                continue
            seen.add(other)
            todo.append((other, as_text(found)))


def _joined(content: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, those that end in a backslash joined to the next, each with its number."""
    start, parts = 0, list[str]()
    for number, raw in enumerate(content.splitlines(), 1):
        start = start or number
        line = "" if raw.lstrip().startswith("#") else raw
        if line.rstrip().endswith("\\"):
            parts.append(line.rstrip()[:-1])
            continue
        whole = _COMMENT.sub("", " ".join([*parts, line])).strip()
        if whole:
            yield start, whole
        start, parts = 0, []
    if whole := _COMMENT.sub("", " ".join(parts)).strip():
        yield start, whole


def _added(draft: Draft, line: Line, *, dev: bool) -> bool:
    """Add the requirement; whether it has no hash."""
    if line.text.startswith("-"):
        if not _HARMLESS.match(line.text):
            draft.problem(f"{line.where} has an option that may install something and is not read")
        return False
    hashes = hashes_of(*_HASH.findall(line.text))
    try:
        requirement = Requirement(_OPTION.sub("", line.text).strip())
    except InvalidRequirement:
        draft.problem(f"{line.where} is no requirement that can be read")
        return False
    version = _exact(requirement)
    if not version:
        draft.problem(f"{line.where}: {requirement.name} is not fixed to one version by ==")
        return False
    source = source_of(requirement.url) if requirement.url else "registry"
    draft.add(requirement.name, version, hashes=hashes, dev=dev, source=source, where=requirement.url or "")
    return not hashes


def _exact(requirement: Requirement) -> str:
    if requirement.url:
        tail = requirement.url.rpartition("/")[2]
        commit = re.search(r"@([0-9a-f]{40})\b", tail)
        archive = re.search(r"-(\d[\w.!+]*?)(?:-|\.tar|\.zip|$)", tail)
        return commit[1] if commit else archive[1] if archive else ""
    pins = [one for one in requirement.specifier if one.operator in ("==", "===") and not one.version.endswith("*")]
    return pins[0].version if len(pins) == 1 and len(requirement.specifier) == 1 else ""
