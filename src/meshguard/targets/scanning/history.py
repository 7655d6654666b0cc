"""Scans the whole history of a repository: each content that any ref reaches, once.

Removed files, other branches, tags, stashes and contents that only a merge brought are among them. What no ref
reaches (dropped commits that git has not yet thrown away) is not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from meshguard.errors import NotObserved
from meshguard.targets.scanning.findings import Finding, Skips, Suppressed, in_order
from meshguard.targets.scanning.git import Blob, Git, blobs, contents
from meshguard.targets.scanning.tree import Limits
from meshguard.values import encodable

if TYPE_CHECKING:
    from meshguard.targets.scanning.findings import Skipped
    from meshguard.targets.scanning.scan import Scanner

_COMMIT = b"\1"


@dataclass(frozen=True, slots=True)
class HistoryFinding:
    """A secret in a repository's history."""

    finding: Finding
    blob: str
    commit: str
    """The first commit that holds it, parents first; empty where none that was read brought it."""
    dated: str
    """That commit's time, ISO 8601."""
    in_head: bool
    """Whether the content still stands in HEAD; else it was removed, or is on another branch."""


@dataclass(frozen=True, slots=True)
class HistoryScan:
    """What a history holds."""

    findings: tuple[HistoryFinding, ...]
    suppressed: tuple[Suppressed, ...]
    blobs: int
    """Contents that were scanned."""
    bytes: int
    commits: int
    skipped: tuple[Skipped, ...]
    shallow: bool
    """Whether the clone was cut: what is older was not looked at."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _First:
    commit: str
    dated: str
    path: bytes


def scan_history(repo: Path, scanner: Scanner, limits: Limits | None = None) -> HistoryScan:
    """Scan each content that any ref reaches.

    Raises:
        NotObserved: it is no repository, git refuses it, or it is not whole.
    """
    git, limits = Git(repo), limits or Limits()
    if not git.is_repository():
        raise NotObserved(f"{repo} is no git repository", fix="name the folder of a repository")
    return _Reading(git, scanner, limits).scan()


class _Reading:
    """One reading of a history."""

    def __init__(self, git: Git, scanner: Scanner, limits: Limits) -> None:
        self.git = git
        self.scanner = scanner
        self.limits = limits
        self.skips = Skips()
        self.missing: list[str] = []
        self.found: dict[str, list[Finding]] = {}
        self.suppressed: list[Suppressed] = []
        self.notes = [f"rule file: {note}" for note in scanner.rules.notes]
        self.blobs = self.bytes = 0

    def scan(self) -> HistoryScan:
        for blob, data in contents(self.git, _wanted(self.git, self.limits, self.skips, self.missing)):
            self._take(blob, data)
        if self.missing:
            self.skips.add("not in this partial clone", self.missing[0], len(self.missing))
        shallow = self.git.is_shallow()
        if shallow:
            self.notes.append("the clone is shallow: older commits were not looked at, and a first one may be the cut")
        return HistoryScan(
            findings=tuple(_placed(self.git, self.found)),
            suppressed=tuple(self.suppressed),
            blobs=self.blobs,
            bytes=self.bytes,
            commits=int(self.git.output("rev-list", "--all", "--count")),
            skipped=self.skips.all(),
            shallow=shallow,
            notes=tuple(self.notes),
        )

    def _take(self, blob: Blob, data: bytes) -> None:
        path = _shown(blob.path)
        result = self.scanner.scan_text(data, path)
        self.suppressed += result.suppressed
        if result.findings:
            self.found[blob.id] = list(result.findings)
        if result.note.startswith("binary"):
            self.skips.add(result.note, path)
            return
        if result.note:
            self.notes.append(f"{path}: {result.note}")
        self.blobs, self.bytes = self.blobs + 1, self.bytes + len(data)


def _wanted(git: Git, limits: Limits, skips: Skips, missing: list[str]) -> Iterator[Blob]:
    """The blobs that are within the limits; the others are counted."""
    count = size = 0
    for blob in blobs(git, missing):
        if blob.size > limits.max_file_bytes:
            skips.add(f"larger than {limits.max_file_bytes} bytes", _shown(blob.path))
        elif count >= limits.max_files or size >= limits.max_total_bytes:
            skips.add("over the limit of files or bytes of one scan", _shown(blob.path))
        else:
            count, size = count + 1, size + blob.size
            yield blob


def _placed(git: Git, found: dict[str, list[Finding]]) -> Iterator[HistoryFinding]:
    """Each finding with the first commit that holds its content."""
    if not found:
        return
    first, head = _first_commits(git, set(found)), _in_head(git, set(found))
    placed: dict[Finding, HistoryFinding] = {}
    for blob, findings in found.items():
        origin = first.get(blob, _First("", "", b""))
        path = _shown(origin.path)
        for finding in findings:
            there = replace(finding, path=path) if path else finding
            placed[there] = HistoryFinding(there, blob, origin.commit, origin.dated, blob in head)
    yield from (placed[finding] for finding in in_order(placed))


def _first_commits(git: Git, wanted: set[str]) -> dict[str, _First]:
    """For each blob the first commit that brought it: one walk over the history, parents first."""
    arguments = (
        *("log", "--all", "--reverse", "--date-order", "--format=%x01%H %cI", "--raw", "-z", "--no-abbrev"),
        *("--diff-merges=first-parent", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-show-signature"),
    )
    first: dict[str, _First] = {}
    commit = dated = ""
    with git.stream(*arguments) as log:
        fields = _split(log)
        for part in fields:
            head = part.lstrip(b"\n")
            if head.startswith(_COMMIT):
                commit, dated = head[1:].split(b"\n")[0].decode().split(" ", 1)
                head = head.partition(b"\n")[2].lstrip(b"\n")
            if head.startswith(b":"):
                path = next(fields, b"")
                blob = head.split(b" ")[3].decode()
                if blob in wanted and blob not in first:
                    first[blob] = _First(commit, dated, path)
    return first


def _split(stream: object) -> Iterator[bytes]:
    """Pieces between NULs, without the whole of them in memory."""
    left = b""
    while chunk := stream.read(65_536):  # type: ignore[attr-defined]
        *pieces, left = (left + chunk).split(b"\0")
        yield from pieces
    if left:
        yield left


def _in_head(git: Git, wanted: set[str]) -> set[str]:
    """Those of the blobs that stand in HEAD."""
    try:
        listed = git.paths("ls-tree", "-r", "-z", "HEAD")
    except NotObserved:  # a repository without a commit on its branch has no HEAD
        return set()
    return {entry.split()[2].decode() for entry in listed} & wanted


def _shown(path: bytes) -> str:
    """A path as text that any file can hold."""
    return encodable(os.fsdecode(path))
