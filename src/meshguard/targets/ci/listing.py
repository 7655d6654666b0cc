"""The files of CI services in a checkout."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from meshguard.targets.ci.models import WorkflowFile
from meshguard.targets.repo.walk import Left, walk
from meshguard.values import encodable

GITHUB = re.compile(r"\.github/workflows/[^/]+\.ya?ml")
GITLAB = re.compile(r"\.gitlab-ci\.ya?ml|\.gitlab/.+\.ya?ml|(?:.+/)?[\w.-]*gitlab-ci[\w.-]*\.ya?ml")
ACTION = re.compile(r"(?:.+/)?action\.ya?ml")
WANTED = ("excluded by the deployment", "installed packages", "another repository in it")
PLACES = (".github", ".gitlab")
LINK = "a link, which is not followed"


@dataclass(frozen=True)
class Out:
    """What was not looked at."""

    why: str
    count: int
    paths: tuple[str, ...]
    failed: bool
    """Whether a file of a CI service may be among it that should have been read."""


def workflow_files(root: Path, exclude: Sequence[str]) -> tuple[list[WorkflowFile], list[Out]]:
    """The files that say what runs, and what was left out."""
    left, found = Left(), []
    for entry in walk(root, exclude, left):
        path = encodable(entry.path)
        if GITHUB.fullmatch(path):
            found.append(WorkflowFile(path=path, system="github"))
        elif ACTION.fullmatch(path):
            found.append(WorkflowFile(path=path, system="github", kind="action"))
        elif GITLAB.fullmatch(path):
            found.append(WorkflowFile(path=path, system="gitlab"))
    links = _links(root)
    outs = [Out(LINK, len(links), links, failed=True)] * bool(links)
    return found, outs + [out for one in left.told() for out in _out(one.why, one.count, one.paths)]


def _links(root: Path) -> tuple[str, ...]:
    """Links where a workflow would stand."""
    fixed = [root / name for name in (".github", ".github/workflows", ".gitlab-ci.yml", ".gitlab-ci.yaml", ".gitlab")]
    folder = root / ".github" / "workflows"
    inside = sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
    return tuple(encodable(path.relative_to(root).as_posix()) for path in (*fixed, *inside) if path.is_symlink())


def _out(why: str, count: int, paths: tuple[str, ...]) -> list[Out]:
    """Links and what cannot be read count where a workflow would stand."""
    if why in (*WANTED, LINK):
        return [Out(why, count, paths, failed=False)]
    here = tuple(path for path in paths if path.startswith(PLACES) or path == ".")
    rest = count - len(here)
    return [Out(why, len(here), here, failed=True)] * bool(here) + [Out(why, rest, (), failed=False)] * bool(rest)
