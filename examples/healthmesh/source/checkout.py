"""The example's checkout: a repository in order, with the weaknesses that are asked for, and what GitHub says of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from . import ci, code, github, github_state, packages, vulnerabilities
from .defect import RepoDefect

PARTS = (code, packages, vulnerabilities, ci)
"""What the checkout is made of; GitHub's state lies beside it."""
CODE_DEFECTS: tuple[RepoDefect, ...] = tuple(defect for part in PARTS for defect in part.DEFECTS)
DEFECTS: tuple[RepoDefect, ...] = (*CODE_DEFECTS, *github.DEFECTS)
TOGETHER: tuple[RepoDefect, ...] = tuple(defect for defect in DEFECTS if defect.name != "repo-secret-history")
"""Those that can be had all at once: that one takes out what another one puts in."""
UNCOMMITTED = "repo-dirty"
"""The weakness that a commit would mend."""


def make(folder: Path, defects: Sequence[RepoDefect]) -> None:
    """A checkout in `folder`/source and GitHub's state beside it, with these weaknesses."""
    source = folder / "source"
    source.mkdir(parents=True)
    began = (datetime.now(UTC) - timedelta(days=60)).isoformat(timespec="seconds")
    code.git(source, {}, "init", "--quiet", "--initial-branch=main")
    for part in PARTS:
        part.good(source)
    code.git(source, {}, "add", "--all")
    times = {"GIT_AUTHOR_DATE": began, "GIT_COMMITTER_DATE": began}
    code.git(source, times, "commit", "--quiet", "--message", "The platform")
    github.good(folder)
    for defect in sorted(defects, key=lambda one: one.name == UNCOMMITTED):
        if defect in github.DEFECTS:
            defect.plant(folder)
            continue
        defect.plant(source)
        if defect.name != UNCOMMITTED and code.git(source, {}, "status", "--porcelain"):
            code.commit(source, defect.says)


def targets(api: str) -> dict[str, list[dict[str, Any]]]:
    """The targets of checkout and repository, as a deployment file beside them names them."""
    source = {
        "name": "source",
        "path": "source",
        "sbom": f"source/{packages.BILL}",
        "sources": ["osv"],
        "osv_data": f"source/{vulnerabilities.OSV}",
    }
    repository = {"name": "source", "repo": github_state.REPO, "api": api, "token": github_state.TOKEN}
    return {"repo": [source], "github": [repository]}
