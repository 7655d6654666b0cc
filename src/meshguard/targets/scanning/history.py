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
    skips, missing = Skips(), list[str]()
    found: dict[str, list[Finding]] = {}
    suppressed: list[Suppressed] = []
    notes = [f"rule file: {note}" for note in scanner.rules.notes]
    count = size = 0
    for blob, data in contents(git, _wanted(git, limits, skips, missing)):
        path = _shown(blob.path)
        result = scanner.scan_text(data, path)
        suppressed += result.suppressed
        if result.findings:
            found[blob.id] = list(result.findings)
        if result.note.startswith("binary"):
            skips.add(result.note, path)
            continue
        if result.note:
            notes.append(f"{path}: {result.note}")
        count, size = count + 1, size + len(data)
    if missing:
        skips.add("not in this partial clone", missing[0], len(missing))
    shallow = git.is_shallow()
    if shallow:
        notes.append("the clone is shallow: older commits were not looked at, and a first commit may be the cut")
    return HistoryScan(
        findings=tuple(_placed(git, found)),
        suppressed=tuple(suppressed),
        blobs=count,
        bytes=size,
        commits=int(git.output("rev-list", "--all", "--count")),
        skipped=skips.all(),
        shallow=shallow,
        notes=tuple(notes),
    )


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
