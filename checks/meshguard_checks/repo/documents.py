"""Checks of how a repository is kept: documents that follow the code, what git ignores, a clean commit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from meshguard.api import Clock, Duration, Field, Verdict, check, days, failed, passed, show_duration, undetermined
from meshguard.targets.repo import Repo
from meshguard.targets.repo.documents import Document, LastChange

Paths = Annotated[tuple[str, ...], Field(min_length=1)]
MAX_NAMED = 5


@check(
    "repo.documentation_current",
    method="examine",
    fix="Bring the document up to date with the code in the same change, or read it again and write the day into its "
    "front matter (`reviewed: 2026-01-31`).",
)
async def documentation_current(
    repo: Repo,
    clock: Clock,
    *,
    documents: Annotated[dict[str, Paths], Field(min_length=1)],
    max_age: Duration = days(180),
    grace: Duration = days(0),
) -> Verdict:
    """Each document was changed no earlier than the code that it describes, or reviewed within `max_age` (NIST SP
    800-53, SA-5).

    Times are those of the last commits that touched the files; changes that are not committed do not count. A shallow
    clone has no such times.

    Args:
        documents: each document, with the paths or globs (** for any folders) of the code that it describes.
        max_age: how long a review counts.
        grace: how much later than the document its code may have been changed.
    """
    now, shallow = await clock.now(), (await repo.state()).shallow
    bad, open_ = [], []
    for path, patterns in documents.items():
        document = await repo.document(path)
        if _reviewed(document, now, max_age):
            continue
        if shallow:
            open_.append(f"{path}: the clone is shallow, so it is not known when its code was changed")
            continue
        changes = [await repo.last_change(pattern) for pattern in patterns]
        problem, unknown = _behind(document, changes, grace)
        bad += [problem] if problem else []
        open_ += [unknown] if unknown else []
    if bad:
        return failed("; ".join(bad[:MAX_NAMED]), got=len(bad), want=0)
    if open_:
        return undetermined("; ".join(open_[:MAX_NAMED]), fix="fetch the whole history; correct the paths")
    return passed(f"{len(documents)} documents are as new as the code that they describe, or were reviewed")


def _reviewed(document: Document, now: datetime, max_age: Duration) -> bool:
    """Whether it was reviewed lately; a day that lies ahead is none."""
    if document.reviewed is None:
        return False
    return days(0) <= now.date() - document.reviewed <= max_age


def _behind(document: Document, changes: list[LastChange], grace: Duration) -> tuple[str, str]:
    """Why a document is out of date, or why that is not known."""
    if document.committed is None:
        return f"{document.path} is not committed", ""
    for change in changes:
        if change.committed is None or not change.files:
            return "", f"{document.path}: no file of the commit is named by {change.pattern!r}"
        late = change.committed - document.committed
        if late > grace:
            day = f"{document.committed:%Y-%m-%d}"
            return f"{document.path} is of {day}, and {change.pattern} was changed {show_duration(late)} later", ""
    return "", ""


@check(
    "repo.gitignore_env",
    method="test",
    fix="Write `.env`, `.env.*`, `!.env.example`, `*.pem` and `*.key` into the .gitignore at the top; take a file that "
    "is known already out with `git rm --cached FILE`, and change what it holds.",
)
async def gitignore_env(
    repo: Repo,
    *,
    names: Paths = (".env", ".env.local", ".env.production", "private.pem", "private.key"),
    examples: tuple[str, ...] = (".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults"),
    allowed: dict[str, Annotated[str, Field(min_length=3)]] | None = None,
) -> Verdict:
    """Files for secrets are ignored by a .gitignore that is in the repository, and none of them is (CWE-538).

    Git is asked for each of the names, at the top and beside each manifest. What one's own exclude file ignores does
    not count. A .pem or .key file that holds certificates or public keys alone is no secret.

    Args:
        names: what must be ignored.
        examples: names of files that hold no values and may be there.
        allowed: paths of further files that may be there, each with the reason.
    """
    found = await repo.ignoring(names)
    free = {*found.public, *(allowed or {})}
    tracked = [path for path in found.tracked if path not in free and path.rpartition("/")[2] not in examples]
    if tracked:
        return failed(f"the repository holds {_named(tracked)}", got=len(tracked), want=0)
    if found.open:
        return failed(f"not ignored: {_named(found.open)}", got=len(found.open), want=0)
    return passed(f"{len(found.ignored)} paths for secrets are ignored, and none is in the repository")


@check(
    "repo.branch_clean",
    method="examine",
    fix="Commit, stash or remove what differs (`git status`), and audit the commit that is deployed.",
)
async def branch_clean(
    repo: Repo, *, branches: tuple[str, ...] = (), untracked: bool = False, submodules: bool = False
) -> Verdict:
    """What is audited is a commit: the files are those of the commit that is checked out (NIST SP 800-53, CM-2).

    Args:
        branches: names of branches of which one must be checked out; empty: any, or none.
        untracked: whether files that git neither knows nor ignores may lie there.
        submodules: whether other repositories in it are targets of their own, and need not be looked at here.
    """
    state, marked = await repo.state(), await repo.marked()
    if not state.commit:
        return undetermined("there is no commit yet", fix="commit the files")
    where = f"commit {state.commit[:12]}" + (f" of {state.branch}" if state.branch else "")
    if state.changed or (state.untracked and not untracked):
        what = f"{state.changed} files differ from {where}, and {state.untracked} are not known to git"
        return failed(what, got=state.changed + state.untracked, want=0)
    if branches and state.branch not in branches:
        return failed(f"{state.branch or 'no branch'} is checked out", got=state.branch, want=branches)
    if marked.count:
        what = f"{marked.count} files are marked so that git does not see their changes: {_named(marked.paths)}"
        return undetermined(what, fix="`git update-index --no-assume-unchanged --no-skip-worktree FILE`")
    if state.submodules and not submodules:
        what = f"other repositories in it were not looked at: {_named(state.submodules)}"
        return undetermined(what, fix="name each as a target of its own, and set `submodules: true`")
    return passed(f"the files are those of {where}", got=state.commit)


def _named(paths: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    return ", ".join(paths[:MAX_NAMED]) + more
