"""Facts of secrets in a repository: in its files, and in all that its history holds. Places and kinds, no secret."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import Field

from meshguard.errors import MeshGuardError, NotObserved
from meshguard.fact import LeftOut, Listing, Unread, fact
from meshguard.target import in_thread
from meshguard.targets.repo.base import RepoBase
from meshguard.targets.repo.models import RepoModel, Skipped
from meshguard.targets.repo.second import Second, in_reach, second_sources

if TYPE_CHECKING:
    from meshguard.targets import scanning
    from meshguard.targets.repo.settings import RepoSettings

T = TypeVar("T")
TREE, HISTORY = "(tree)", "(history)"
MAX_LINES = 10
SNIFFED = 65_536
MATTERS = ("larger than", "cannot be read", "a folder that cannot be read", "over the limit", "not in this partial")
"""How reasons begin that leave something unseen which may be text. Links, binaries, devices and installed packages
hold nothing that the repository itself holds as text."""


class SecretScope(RepoModel):
    """The files, or the history, as a whole: how much was looked at, and what was not."""

    name: str
    looked_at: bool
    """False where the deployment turns it off."""
    files: int = 0
    """Files, or contents of the history."""
    commits: int = 0
    shallow: bool = False
    suppressed: dict[str, int] = Field({})
    """Findings that somebody accepted, by where: inline, baseline, allowlist."""
    unseen: tuple[Skipped, ...] = ()
    """What was not looked at though it may hold a secret."""
    harmless: tuple[Skipped, ...] = ()
    """What was not looked at and need not be."""
    notes: tuple[str, ...] = ()
    by: str = ""
    """The other tool that looked at the files, with its version; empty for MeshGuard's own scan."""

    def __str__(self) -> str:
        """Its name."""
        return self.name


class Secret(RepoModel):
    """Secrets of one kind in one file."""

    path: str
    rule: str
    kind: str
    confidence: Literal["high", "medium", "low"]
    count: int
    """Different secrets."""
    lines: tuple[int, ...] = ()
    tracking: str = "unknown"
    """What git says of the file: tracked, untracked, ignored, unknown."""
    history: bool = False
    """Whether it was found in the history, and no more in the files as they are."""
    commit: str = ""
    """The first commit that holds it, where the history does."""

    by: str = ""
    """The tool that found it where MeshGuard's own scan did not."""

    def __str__(self) -> str:
        """Path and kind; a further secret of the kind gives another name, so that no waiver is for it too."""
        by = f", by {self.by}" if self.by else ""
        more = f", {self.count} of them" if self.count > 1 else ""
        return f"{self.path} ({self.kind}{more}{', history' if self.history else ''}{by})"


class SecretFacts(RepoBase):
    """Secrets in a checkout and in its history."""

    @fact
    async def secrets_found(self) -> Listing[Secret | SecretScope]:
        """Each secret that was found by file and kind, and the files and the history as a whole."""
        return await in_thread(secret_listing, self.settings, await second_sources(self))


def secret_listing(settings: RepoSettings, seconds: Sequence[Second] = ()) -> Listing[Secret | SecretScope]:
    """Scan the files, then the history; what of the two could not be scanned is unread."""
    from meshguard.targets import scanning

    scanner = _scanner(settings)
    unread: list[Unread] = []
    items: list[Secret | SecretScope] = []
    tree = _try(lambda: scanning.scan_tree(settings.path, scanner), TREE, unread)
    seen: set[tuple[str, str]] = set()
    hidden = 0
    if tree is not None:
        kept = [one for one in tree.findings if not _excluded(one.path, settings.exclude)]
        hidden += len(tree.findings) - len(kept)
        seen = {(one.path, one.hash) for one in tree.findings}
        items += [_tree_scope(settings, tree), *_grouped(kept, history=False)]
    hidden += _second_opinions(settings, tree, seconds, items, unread)
    if not settings.history:
        items.append(SecretScope(name=HISTORY, looked_at=False))
    elif (past := _try(lambda: scanning.scan_history(settings.path, scanner), HISTORY, unread)) is not None:
        later = [one for one in past.findings if (one.finding.path, one.finding.hash) not in seen]
        old = [one for one in later if not _excluded(one.finding.path, settings.exclude)]
        hidden += len(later) - len(old)
        commits = {(one.finding.path, one.finding.rule): one.commit for one in reversed(old)}
        items.append(_history_scope(settings, past))
        items += _grouped((one.finding for one in old), history=True, commits=commits)
    left = (LeftOut(filter="exclude", count=hidden),) if hidden else ()
    return Listing(items=tuple(items), unread=tuple(unread), left_out=left)


def _second_opinions(
    settings: RepoSettings,
    tree: scanning.TreeScan | None,
    seconds: Sequence[Second],
    items: list[Secret | SecretScope],
    unread: list[Unread],
) -> int:
    """Add what other tools found in lines where our scan found and accepted nothing; how many the target excludes."""
    hidden = 0
    own = (*tree.findings, *(one.finding for one in tree.suppressed)) if tree is not None else ()
    places = {(one.path, one.line) for one in own}
    for second in seconds:
        name = f"(tree, by {second.name})"
        if second.fault is not None:
            fault = second.fault
            unread.append(Unread(resource=name, kind=fault.kind, reason=fault.reason, fix=fault.fix))
            continue
        new = [one for one in second.findings if (one.path, one.line) not in places]
        kept = [one for one in new if not _excluded(one.path, settings.exclude)]
        hidden += len(new) - len(kept)
        told = _try(partial(in_reach, settings.path, kept), name, unread)
        if told is None:
            continue
        items.append(SecretScope(name=name, looked_at=True, by=second.version))
        items += _grouped(told, history=False, by=second.name)
    return hidden


def _scanner(settings: RepoSettings) -> scanning.Scanner:
    from meshguard.targets import scanning

    try:
        rules = scanning.Rules.load(settings.rules)
        baseline = scanning.Baseline.load(settings.baseline) if settings.baseline else scanning.Baseline()
    except MeshGuardError as fault:
        raise NotObserved(str(fault), fix="correct the file that the deployment names") from None
    return scanning.Scanner(rules, secrets.token_bytes(16), baseline)


def _try(scan: Callable[[], T], name: str, unread: list[Unread]) -> T | None:
    try:
        return scan()
    except NotObserved as fault:
        unread.append(Unread(resource=name, kind=fault.kind, reason=fault.reason, fix=fault.fix))
        return None


def _excluded(path: str, exclude: Sequence[str]) -> bool:
    """Whether the deployment excludes a file, or a folder that it is in."""
    parts = path.split("/")
    above = ["/".join(parts[: index + 1]) for index in range(len(parts))]
    return any(fnmatchcase(one, pattern.rstrip("/")) for one in above for pattern in exclude)


def _tree_scope(settings: RepoSettings, scan: scanning.TreeScan) -> SecretScope:
    unseen, harmless = _sorted_out(scan.skipped, settings.exclude, lambda path: _is_binary(settings.path, path))
    return SecretScope(
        name=TREE,
        looked_at=True,
        files=scan.files,
        suppressed=_counted(scan.suppressed),
        unseen=unseen,
        harmless=harmless,
        notes=scan.notes[:MAX_LINES],
    )


def _history_scope(settings: RepoSettings, scan: scanning.HistoryScan) -> SecretScope:
    unseen, harmless = _sorted_out(scan.skipped, settings.exclude, lambda _: False)
    return SecretScope(
        name=HISTORY,
        looked_at=True,
        files=scan.blobs,
        commits=scan.commits,
        shallow=scan.shallow,
        suppressed=_counted(scan.suppressed),
        unseen=unseen,
        harmless=harmless,
        notes=scan.notes[:MAX_LINES],
    )


def _counted(suppressed: Iterable[scanning.Suppressed]) -> dict[str, int]:
    return dict(sorted(Counter(str(one.by) for one in suppressed).items()))


def _sorted_out(
    skipped: Iterable[scanning.Skipped], exclude: Sequence[str], is_binary: Callable[[str], bool]
) -> tuple[tuple[Skipped, ...], tuple[Skipped, ...]]:
    """What matters of what was skipped, and what does not.

    The scan names the first paths of a reason only: those that it does not name matter.
    """
    unseen, harmless = [], []
    for part in skipped:
        if not part.why.startswith(MATTERS):
            harmless.append(Skipped(why=part.why, count=part.count, paths=part.paths))
            continue
        paths = [path for path in part.paths if not _excluded(path, exclude)]
        large = part.why.startswith("larger")
        paths = [path for path in paths if not (large and is_binary(path))]
        count = part.count - len(part.paths) + len(paths)
        if count:
            unseen.append(Skipped(why=part.why, count=count, paths=tuple(paths)))
    return tuple(unseen), tuple(harmless)


def _is_binary(root: Path, path: str) -> bool:
    """Whether a large file is none that holds text: a NUL among its first bytes, as git tells it too."""
    try:
        with (root / path).open("rb") as file:
            return b"\0" in file.read(SNIFFED)
    except (OSError, ValueError):
        return False


def _grouped(
    findings: Iterable[scanning.Finding],
    *,
    history: bool,
    commits: dict[tuple[str, str], str] | None = None,
    by: str = "",
) -> Iterator[Secret]:
    """Findings by file and kind; the surest counts."""
    groups: dict[tuple[str, str], list[scanning.Finding]] = {}
    for one in findings:
        groups.setdefault((one.path, one.rule), []).append(one)
    for (path, rule), group in groups.items():
        surest = min((one.confidence for one in group), key=("high", "medium", "low").index)
        yield Secret(
            path=path,
            rule=rule,
            kind=group[0].kind,
            confidence=surest,
            count=len({one.hash for one in group}),
            lines=tuple(sorted({one.line for one in group}))[:MAX_LINES],
            tracking=group[0].tracking,
            history=history,
            commit=(commits or {}).get((path, rule), ""),
            by=by,
        )
