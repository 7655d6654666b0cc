"""Scans the files of a folder, and says of each that it did not scan, why.

Links are not followed: one that leads within the folder would be scanned twice, one that leads out is not of it.
"""

from __future__ import annotations

import os
import stat
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from meshguard.errors import NotObserved
from meshguard.targets.scanning.findings import Finding, Skips, Suppressed, in_order
from meshguard.targets.scanning.git import Git, looks_bare
from meshguard.values import encodable

if TYPE_CHECKING:
    from meshguard.targets.scanning.findings import Skipped, Tracking
    from meshguard.targets.scanning.rules import Allowlist
    from meshguard.targets.scanning.scan import Scanner

PACKAGES = frozenset(
    {"node_modules", ".venv", "venv", "site-packages", "bower_components", ".tox", ".nox", "__pypackages__"}
)
"""Folders of installed packages; left out and counted where git does not track them."""
CACHES = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})


@dataclass(frozen=True)
class Limits:
    """How much is read."""

    max_file_bytes: int = 20_000_000
    max_files: int = 1_000_000
    max_total_bytes: int = 20_000_000_000
    packages: bool = False
    """Whether installed packages that git does not track are scanned too."""


@dataclass(frozen=True, slots=True)
class TreeScan:
    """What a folder holds."""

    findings: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    files: int
    """Files that were scanned."""
    bytes: int
    skipped: tuple[Skipped, ...]
    """All that was not scanned, by reason."""
    git: bool
    """Whether git said what is tracked."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Index:
    """What git says of paths; without git nothing is known of any."""

    tracked: tuple[bytes, ...] = ()
    ignored: frozenset[bytes] = frozenset()
    """Ignored files, and ignored folders with a slash at the end."""
    known: bool = False
    names: frozenset[bytes] = field(default=frozenset())

    def of(self, path: bytes) -> Tracking:
        """What git says of a file."""
        if not self.known:
            return "unknown"
        if path in self.names:
            return "tracked"
        folders = path.split(b"/")[:-1]
        above = (b"/".join(folders[: index + 1]) + b"/" for index in range(len(folders)))
        return "ignored" if path in self.ignored or any(folder in self.ignored for folder in above) else "untracked"

    def holds(self, folder: bytes) -> bool:
        """Whether a file in the folder is tracked."""
        prefix = folder + b"/"
        index = bisect_left(self.tracked, prefix)
        return index < len(self.tracked) and self.tracked[index].startswith(prefix)


def index_of(root: Path) -> Index:
    """What git says of the files under a folder, those of submodules too.

    Raises:
        NotObserved: it is a repository, and git does not read it.
    """
    git = Git(root)
    try:
        if not git.is_repository() or git.is_bare():
            return Index()
    except NotObserved as fault:
        if "did not start" in fault.reason:
            return Index()
        raise
    tracked = sorted(git.paths("ls-files", "-z", "--recurse-submodules"))
    ignored = git.paths("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    return Index(tuple(tracked), frozenset(ignored), True, frozenset(tracked))


def scan_tree(root: Path, scanner: Scanner, limits: Limits | None = None) -> TreeScan:
    """Scan all files under a folder, whether git tracks them or not.

    Raises:
        NotObserved: the folder cannot be read, or git refuses its repository.
    """
    if not root.is_dir():
        raise NotObserved(f"{root} is no folder that can be read", fix="correct the path")
    if looks_bare(root):
        skips = Skips()
        skips.add("a bare repository: it has no files, only a history", str(root))
        return TreeScan((), (), 0, 0, skips.all(), git=True)
    return _Walk(root, scanner, limits or Limits(), index_of(root)).scan()


class _Walk:
    """One walk over a folder."""

    def __init__(self, root: Path, scanner: Scanner, limits: Limits, index: Index) -> None:
        self.root = os.fsencode(root)
        self.scanner = scanner
        self.limits = limits
        self.index = index
        self.skips = Skips()
        self.findings: list[Finding] = []
        self.suppressed: list[Suppressed] = []
        self.notes = [f"rule file: {note}" for note in scanner.rules.notes]
        self.files = self.bytes = 0

    def scan(self) -> TreeScan:
        for path, entry in self._entries():
            self._scan_file(path, entry)
        return TreeScan(
            findings=tuple(in_order(self.findings)),
            suppressed=tuple(self.suppressed),
            files=self.files,
            bytes=self.bytes,
            skipped=self.skips.all(),
            git=self.index.known,
            notes=tuple(self.notes),
        )

    def _entries(self) -> Iterator[tuple[bytes, os.DirEntry[bytes]]]:
        """All files, by a stack of folders: no depth of nesting ends it."""
        todo = [b""]
        while todo:
            folder = todo.pop()
            try:
                with os.scandir(os.path.join(self.root, folder)) as entries:  # noqa: PTH118 - bytes; no path is UTF-8
                    listed = sorted(entries, key=lambda entry: entry.name)
            except OSError as fault:
                self.skips.add(f"a folder that cannot be read: {fault.strerror}", _shown(folder))
                continue
            for entry in listed:
                path = folder + b"/" + entry.name if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    todo += [path] * self._enters(path, entry)
                elif entry.name != b".git":
                    yield path, entry

    def _enters(self, path: bytes, entry: os.DirEntry[bytes]) -> bool:
        """Whether to go into a folder. Git's own is not, but for the file with the addresses of its remotes."""
        if entry.name == b".git":
            self._scan_config(path)
            return False
        why = self._left_out(path, entry)
        if why:
            self.skips.add(why, _shown(path), sum(len(files) for _, _, files in os.walk(entry.path)))
        return not why

    def _left_out(self, path: bytes, entry: os.DirEntry[bytes]) -> str:
        name = os.fsdecode(entry.name)
        if name in CACHES and not self.index.holds(path):
            return "a cache of a tool"
        if name in PACKAGES and not self.limits.packages and not self.index.holds(path):
            return f"installed packages ({name})"
        return ""

    def _scan_config(self, path: bytes) -> None:
        config = os.path.join(self.root, path, b"config")  # noqa: PTH118 - bytes
        if os.path.isfile(config) and not os.path.islink(config):  # noqa: PTH113, PTH114 - bytes
            self._scan(path + b"/config", config)

    def _scan_file(self, path: bytes, entry: os.DirEntry[bytes]) -> None:
        why = self._unreadable(entry)
        if why:
            self.skips.add(why, _shown(path))
        else:
            self._scan(path, entry.path)

    def _unreadable(self, entry: os.DirEntry[bytes]) -> str:
        """Why a file is not scanned, from what its folder says of it."""
        if entry.is_symlink():
            return _link(entry.path, self.root)
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as fault:
            return f"cannot be read: {fault.strerror}"
        if not stat.S_ISREG(status.st_mode):
            return "no file (a socket, pipe or device)"
        if status.st_size > self.limits.max_file_bytes:
            return f"larger than {self.limits.max_file_bytes} bytes"
        if self.files >= self.limits.max_files or self.bytes >= self.limits.max_total_bytes:
            return "over the limit of files or bytes of one scan"
        return ""

    def _scan(self, path: bytes, full: bytes) -> None:
        shown = _shown(path)
        if any(allowlist.only_paths and any(p.search(shown) for p in allowlist.paths) for allowlist in self._allowed()):
            self.skips.add("its path is allowed by the rule file", shown)
            return
        data = self._read(full, shown)
        if data is None:
            return
        result = self.scanner.scan_text(data, shown)
        tracking = self.index.of(path)
        self.findings += [replace(found, tracking=tracking) for found in result.findings]
        self.suppressed += [replace(s, finding=replace(s.finding, tracking=tracking)) for s in result.suppressed]
        if result.note.startswith("binary"):
            self.skips.add(result.note, shown)
            return
        if result.note:
            self.notes.append(f"{shown}: {result.note}")
        self.files += 1
        self.bytes += len(data)

    def _allowed(self) -> Iterator[Allowlist]:
        return (allowlist for allowlist in self.scanner.rules.allowlists if allowlist.paths)

    def _read(self, full: bytes, shown: str) -> bytes | None:
        try:
            # A file that became a pipe since it was listed must not hold the scan.
            handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                data = file.read(self.limits.max_file_bytes + 1)
        except OSError as fault:
            self.skips.add(f"cannot be read: {fault.strerror}", shown)
            return None
        if len(data) > self.limits.max_file_bytes:
            self.skips.add(f"larger than {self.limits.max_file_bytes} bytes", shown)
            return None
        return data


def _link(path: bytes, root: bytes) -> str:
    """A link, by where it leads."""
    target, top = os.path.realpath(path), os.path.realpath(root)
    if not os.path.lexists(target):
        return "a link that leads nowhere"
    within = target == top or target.startswith(top.rstrip(b"/") + b"/")
    return "a link within the folder" if within else "a link out of the folder (not followed)"


def _shown(path: bytes) -> str:
    """A path as text that any file can hold; bytes that are no UTF-8 as escapes."""
    return encodable(os.fsdecode(path))
