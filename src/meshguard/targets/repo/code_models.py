"""What is recorded of source code: places and names, never a text of it."""

from __future__ import annotations

from meshguard.targets.repo.models import RepoModel

ALL_FILES = "(all source files)"
"""The name of what stands for all files together, of which most hold nothing that is to be judged."""


class StorageUse(RepoModel):
    """One place where a page writes to what it keeps in the browser."""

    line: int
    store: str
    """localStorage, sessionStorage, document.cookie, IndexedDB, or the library that writes there."""
    sure: bool
    """Whether what is written to is known to be such a store."""
    key: str
    """The name under which it is kept, or the constant that holds it."""
    known: bool
    """Whether that name is known from the file; else the caller gives it."""
    names: tuple[str, ...] = ()
    """Identifiers in what is written."""


class StorageFile(RepoModel):
    """A file that writes to the browser's storage, or all files together."""

    path: str
    files: int = 1
    uses: tuple[StorageUse, ...] = ()
    problem: str = ""
    """Why it was not, or not wholly, understood."""

    def __str__(self) -> str:
        """Its path."""
        return self.path


class SqlPlace(RepoModel):
    """One place where a text that is built from parts becomes SQL."""

    line: int
    call: str
    """The function that gets it."""
    how: str
    """How it is built."""


class SqlFile(RepoModel):
    """A file that runs SQL built from parts, or all files together."""

    path: str
    files: int = 1
    places: tuple[SqlPlace, ...] = ()
    problem: str = ""
    """Why it was not, or not wholly, understood."""

    def __str__(self) -> str:
        """Its path."""
        return self.path
