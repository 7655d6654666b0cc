"""Documents of records: hashed where they lie inside the records' folder, and never followed out of it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from meshguard.records.text import is_url

DocumentState = Literal[
    "none", "match", "differs", "missing", "outside", "not-a-file", "too-large", "unreadable", "not-fetched"
]
"""What came of a document; "none": the entry names none; "not-fetched": it is at a URL."""

MAX_DOCUMENT = 100_000_000
_CHUNK = 1 << 20


class NoDigestError(Exception):
    """A document that was not hashed."""

    def __init__(self, state: DocumentState) -> None:
        self.state: DocumentState = state
        super().__init__(state)


def digest_of(folder: Path, name: str) -> str:
    """SHA-256 of the document `name` in `folder`, in hexadecimal digits.

    Links and `..` are followed, and refused where they lead out of the folder. Read in chunks.

    Raises:
        NoDigestError: with what it is instead of a document that can be read.
    """
    if is_url(name):
        raise NoDigestError("not-fetched")
    try:
        path = _inside(folder, name)
        if not stat.S_ISREG(path.stat(follow_symlinks=False).st_mode):
            raise NoDigestError("not-a-file")
        return _hash(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NoDigestError("missing") from None
    except (OSError, RuntimeError, ValueError):
        raise NoDigestError("unreadable") from None


def _inside(folder: Path, name: str) -> Path:
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise NoDigestError("outside")
    return path


def _hash(path: Path) -> str:
    # O_NONBLOCK and O_NOFOLLOW: what was a file a moment ago may be a pipe or a link by now.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_size > MAX_DOCUMENT:
            raise NoDigestError("too-large")
        digest, left = hashlib.sha256(), MAX_DOCUMENT
        while chunk := file.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise NoDigestError("too-large")
            digest.update(chunk)
    return digest.hexdigest()


@dataclass
class Documents:
    """The documents of one folder; each is hashed once, however many entries name it."""

    folder: Path
    _known: dict[str, str | NoDigestError] = field(default_factory=dict)

    def state(self, name: str | None, wanted: str | None) -> DocumentState:
        """What came of the document `name`, whose digest should be `wanted`."""
        if name is None:
            return "none"
        if name not in self._known:
            try:
                self._known[name] = digest_of(self.folder, name)
            except NoDigestError as fault:
                self._known[name] = fault
        found = self._known[name]
        if isinstance(found, NoDigestError):
            return found.state
        return "match" if found == wanted else "differs"
