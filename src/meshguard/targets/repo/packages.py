"""Facts of a repository's packages: its lockfiles, and what each fixes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from meshguard.errors import NotObserved
from meshguard.fact import Listing, Unread, fact
from meshguard.target import in_thread
from meshguard.targets.repo.base import RepoBase
from meshguard.targets.repo.lock_models import Lock, Lockfile
from meshguard.targets.repo.lock_parse import parse_lock, parser_of
from meshguard.targets.repo.lock_pinning import unlocked
from meshguard.targets.repo.lock_read import Beside, LockError

MAX_LOCK_BYTES = 64_000_000
NO_PARSER_FIX = (
    "let a package manager write a lockfile that is read (`bun install --yarn`), or put it under `exclude` where one "
    "of the same packages stands beside it"
)


class PackageFacts(RepoBase):
    """What packages of others a checkout uses."""

    @fact
    async def locks(self) -> Listing[Lockfile]:
        """The lockfiles of the checkout; a kind that is not read and a manifest that no lockfile fixes are unread."""
        found = await self.inventory()
        items, unread = [], []
        for path in found.lockfiles:
            parser = parser_of(path)
            if parser is None:
                reason = "no parser reads this kind of lockfile, so its packages were not looked at"
                unread.append(Unread(resource=path, reason=reason, fix=NO_PARSER_FIX))
            else:
                items.append(Lockfile(path=path, ecosystem=parser[0]))
        pinned, loose = await in_thread(unlocked, self.settings.path, found.lockfiles, found.manifests, read_inside)
        items += [Lockfile(path=path, ecosystem="pypi") for path in pinned]
        unread += [Unread(resource=path, reason=reason, fix=fix) for path, reason, fix in loose]
        return Listing(
            items=tuple(sorted(items, key=lambda item: item.path)),
            unread=tuple(unread),
            fix="commit the lockfile of the package manager; `exclude` of the target may hide it",
        )

    @fact
    async def lock(self, path: str) -> Lock:
        """The packages that one lockfile fixes.

        Args:
            path: from the checkout's folder.

        Raises:
            NotObserved: it cannot be read, or is no lockfile of its kind.
        """
        return await in_thread(_lock, self.settings.path, path)


def _lock(root: Path, path: str) -> Lock:
    data = read_inside(root, path)
    try:
        return parse_lock(path, data, beside_of(root, path))
    except LockError as fault:
        raise NotObserved(f"{path} was not read: {fault}", fix="let its package manager write it anew") from None


def beside_of(root: Path, path: str) -> Beside:
    """Reads files by their path from the folder of `path`, none outside of the checkout."""

    def beside(name: str) -> bytes | None:
        joined = os.path.normpath(os.path.join(os.path.dirname(path), name))  # noqa: PTH118, PTH120 - no "..", no link
        if joined.startswith(("../", "/")) or joined == "..":
            return None
        try:
            return read_inside(root, joined)
        except NotObserved:
            return None

    return beside


def read_inside(root: Path, path: str, most: int = MAX_LOCK_BYTES) -> bytes:
    """A file of the checkout, no part of its path a link.

    Raises:
        NotObserved: it is not there, is a link or no file, or is longer than `most` bytes.
    """
    parts = path.split("/")
    try:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in parts[:-1]:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            number = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        finally:
            os.close(folder)
    except (OSError, ValueError) as fault:
        why = (fault.strerror if isinstance(fault, OSError) else "") or "its name is none"
        raise NotObserved(f"{path} cannot be read: {why}", fix="a link is not followed; make it a file") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise NotObserved(f"{path} is no regular file", fix="remove it")
    with os.fdopen(number, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise NotObserved(f"{path} has more than the {most} bytes that are read", fix="see whether it is a lockfile")
    return data
