"""Files of a checkout, read by their path in it: no link is followed and nothing outside is reached."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, field
from pathlib import Path

MAX_BYTES = 1_000_000


class NotRead(ValueError):
    """A file that cannot be read; the message says why."""


def normal(path: str, base: str = "") -> str | None:
    """A path of the checkout without dots in it; None where it leads outside or is not known."""
    joined = posixpath.normpath(posixpath.join(base, path))
    if "\0" in joined or joined.startswith(("/", "..")):
        return None
    return "" if joined == "." else joined


@dataclass
class Files:
    """The files of one checkout, each read once."""

    root: Path
    seen: dict[str, str | NotRead] = field(default_factory=dict)

    def text(self, path: str) -> str:
        """A file's text.

        Raises:
            NotRead: it is not there, is a link or no file, is too large, or is no UTF-8.
        """
        if path not in self.seen:
            try:
                self.seen[path] = self._read(path)
            except NotRead as fault:
                self.seen[path] = fault
        found = self.seen[path]
        if isinstance(found, NotRead):
            raise found
        return found

    def find(self, path: str | None) -> str | None:
        """A file's text; None where it cannot be read."""
        try:
            return None if path is None else self.text(path)
        except NotRead:
            return None

    def _read(self, path: str) -> str:
        place = self.root
        try:
            for part in path.split("/"):
                place = place / part
                if place.is_symlink():
                    raise NotRead(f"{path} is a link, which is not followed")
            if place.exists() and not place.is_file():
                raise NotRead(f"{path} is no file")
            descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(descriptor, "rb") as file:  # noqa: PTH123 - the descriptor is already open
                content = file.read(MAX_BYTES + 1)
        except OSError as fault:
            raise NotRead(f"{path} cannot be read: {os.strerror(fault.errno or 0)}") from None
        except ValueError as fault:
            raise fault if isinstance(fault, NotRead) else NotRead("a path that no file can have") from None
        if len(content) > MAX_BYTES:
            raise NotRead(f"{path} is larger than {MAX_BYTES} bytes")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise NotRead(f"{path} is no UTF-8") from None
