"""What is recorded of database migrations: what each statement does, to which table; no values."""

from __future__ import annotations

from typing import Literal

from meshguard.targets.repo.models import RepoModel

Kind = Literal[
    "create-table", "add-column", "add-column-not-null", "add-column-rewrite", "alter-type", "set-not-null",
    "add-foreign-key", "add-check", "add-unique", "add-primary-key", "add-exclusion", "create-index", "drop-index",
    "drop-column", "drop-table", "rename", "lock", "truncate", "rewrite", "attach", "lock-timeout", "harmless",
    "unknown",
]  # fmt: skip
"""harmless: takes no lock for long (NOT VALID, CONCURRENTLY, a default, a view). rewrite: CLUSTER, VACUUM FULL and
REINDEX. unknown: no statement that is understood."""


class Operation(RepoModel):
    """What one statement, or one part of it, does."""

    line: int
    kind: Kind
    table: str = ""
    detail: str = ""
    """The column, constraint or command that is meant."""


class Migration(RepoModel):
    """One migration, and its place among those of its folder."""

    path: str
    age: int
    """1: the newest of its folder."""
    operations: tuple[Operation, ...] = ()
    problem: str = ""
    """Why it was not, or not wholly, understood."""

    def __str__(self) -> str:
        """Its path."""
        return self.path


class SinceRef(RepoModel):
    """The files that are new since a commit."""

    ref: str
    paths: tuple[str, ...] = ()
