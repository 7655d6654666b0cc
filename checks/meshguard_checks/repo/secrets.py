"""Checks of secrets in a repository: none in its files, and none in its history."""

from __future__ import annotations

from typing import Literal

from meshguard.api import Verdict, check, failed, not_applicable, passed, undetermined
from meshguard.targets.repo import Repo
from meshguard.targets.repo.secrets import HISTORY, Secret, SecretScope

CONFIDENCES = ("high", "medium", "low")
GIT_CONFIG = ".git/config"
MAX_NAMED = 5


@check(
    "repo.secrets",
    method="test",
    over=Repo.secrets_found,
    fix="Change the secret where it is valid, since it is known to all who have the repository; then let the program "
    "read it from its environment or a store of secrets. A history is cleaned with `git filter-repo --replace-text`.",
)
async def secrets(
    part: Secret | SecretScope,
    repo: Repo,
    *,
    min_confidence: Literal["high", "medium", "low"] = "medium",
    history: bool = True,
    ignored: bool = False,
) -> Verdict:
    """Neither the files nor the history of the repository hold a secret (CWE-798).

    Each secret stands by itself, by its file and kind; a further one of the kind in the file gives another name. The
    files and the history as a whole pass only where all of them was looked at: a text that is too long or cannot be
    read, and a shallow or partial clone, leave them undetermined; `exclude` of the target says what need not be.

    Gitleaks, betterleaks and Trivy look at the files too, not at the history, where the deployment names them under
    `tools` of the target: what they find in a line where MeshGuard found nothing is told as theirs, and one that fails
    or does not look at all of it leaves the control undetermined. Nothing in the checkout configures them.

    Args:
        min_confidence: how sure a finding must be to fail; one that is less sure is told and does not.
        history: whether the history must be clean too.
        ignored: whether files that git ignores, and git's own configuration, are judged; they are not what is shared.
    """
    del repo
    if isinstance(part, SecretScope):
        return _by_other(part) if part.by else _whole(part, history=history)
    if part.history and not history:
        return not_applicable("it is in the history, which this control leaves out")
    if not ignored and not part.history and (part.tracking == "ignored" or part.path == GIT_CONFIG):
        return not_applicable("git does not share the file")
    if CONFIDENCES.index(part.confidence) > CONFIDENCES.index(min_confidence):
        return not_applicable(f"it is found with {part.confidence} confidence, and {min_confidence} is wanted")
    lines = ", ".join(str(line) for line in part.lines if line)
    where = f" in line {lines}" if lines else ""
    since = f", first in commit {part.commit[:12]}" if part.commit else ""
    by = f", as {part.by} finds" if part.by else ""
    return failed(f"it holds {_article(part)}{where}{since}{by}", got=f"{part.confidence} confidence", want="no secret")


def _article(part: Secret) -> str:
    return f"{part.count} secrets ({part.kind})" if part.count > 1 else f"a secret ({part.kind})"


def _by_other(scope: SecretScope) -> Verdict:
    return passed(f"{scope.by} looked at the files; what it alone found is told apart", got=scope.by)


def _whole(scope: SecretScope, *, history: bool) -> Verdict:
    """The verdict for all files, or for all of the history."""
    if scope.name == HISTORY and not history:
        return not_applicable("this control leaves the history out")
    if not scope.looked_at:
        return undetermined("the deployment turns it off", fix="set `history: true` for the target")
    if scope.shallow:
        return undetermined(
            "the clone is shallow: older commits were not looked at",
            fix="fetch all of it (`git fetch --unshallow`; actions/checkout with `fetch-depth: 0`)",
        )
    if scope.unseen:
        first = scope.unseen[0]
        named = f": {', '.join(first.paths[:MAX_NAMED])}" if first.paths else ""
        return undetermined(
            f"{sum(one.count for one in scope.unseen)} files were not looked at ({first.why}){named}",
            fix="make them readable or shorter, or name them under `exclude` of the target",
        )
    what = f"{scope.files} contents of {scope.commits} commits" if scope.name == HISTORY else f"{scope.files} files"
    partly = [note for note in scope.notes if not note.startswith("rule file")]
    if partly:
        return undetermined(f"{what} were looked at, not all of them wholly: {partly[0]}", fix="see what is said of it")
    told = [f"{count} accepted by {by}" for by, count in scope.suppressed.items()] + list(scope.notes)
    tail = f"; {'; '.join(told)}" if told else ""
    return passed(f"{what} were looked at; what was found is told apart{tail}", got=scope.files)
