"""Checks of database migrations: whether they can be run while the service is in use."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated

from meshguard.api import Field, Verdict, check, failed, not_applicable, passed, undetermined
from meshguard.targets.repo import Repo
from meshguard.targets.repo.migration_models import Migration, Operation

Reason = Annotated[str, Field(min_length=3)]
MAX_NAMED = 5
BLOCKING = {
    "add-column-not-null": ("adds a column that may not be null and has no default", "add it with a constant default"),
    "add-column-rewrite": ("adds a column whose values are made row by row", "add it without, and fill it in batches"),
    "alter-type": ("changes a column's type", "add a new column, fill it in batches, and change over"),
    "set-not-null": ("sets NOT NULL, which reads the whole table", "add a CHECK NOT VALID and validate it first"),
    "add-foreign-key": ("adds a foreign key that is checked at once", "add it NOT VALID, and VALIDATE it later"),
    "add-check": ("adds a check that is checked at once", "add it NOT VALID, and VALIDATE it later"),
    "add-unique": ("adds a unique constraint", "create the index CONCURRENTLY, and add it USING INDEX"),
    "add-primary-key": ("adds a primary key", "create the index CONCURRENTLY, and add it USING INDEX"),
    "add-exclusion": ("adds an exclusion constraint", "move the rows to a new table that has it"),
    "create-index": ("creates an index", "CREATE INDEX CONCURRENTLY, outside of a transaction"),
    "drop-index": ("drops an index", "DROP INDEX CONCURRENTLY, outside of a transaction"),
    "drop-column": ("drops a column that running code may read", "drop it after a release that does not use it"),
    "drop-table": ("drops what running code may read", "drop it after a release that does not use it"),
    "rename": ("renames what running code uses", "add the new one, write both, and drop the old one later"),
    "lock": ("locks a table", "leave it out"),
    "truncate": ("empties a table under an exclusive lock", "delete in batches"),
    "rewrite": ("rewrites a table or index under an exclusive lock", "do it CONCURRENTLY, or by pg_repack"),
    "attach": ("attaches or detaches a partition", "add a valid CHECK first; DETACH CONCURRENTLY"),
}
CONTRACTING = frozenset({"drop-column", "drop-table"})
LOCKING = frozenset(BLOCKING) | {"add-column"}


@check(
    "repo.migrations_online",
    method="examine",
    over=Repo.migrations,
    fix="Split the migration into steps that take no long lock: expand, fill in batches, change over, contract.",
)
async def migrations_online(
    migration: Migration,
    repo: Repo,
    *,
    last: Annotated[int, Field(ge=1)] = 5,
    since: str = "",
    lock_timeout: bool = False,
    drops: bool = False,
    reviewed: dict[str, Reason] | None = None,
) -> Verdict:
    """The migration has no statement that keeps readers or writers out for long (PostgreSQL 17, 13.3 and ALTER TABLE).

    By PostgreSQL's rules: a table that the migration itself creates holds no rows, and may be changed at will. SQL and
    TypeORM are understood (of the latter, `up`); other kinds, and SQL that is put together when it runs, are
    undetermined. What an UPDATE of many rows does is not judged.

    Args:
        last: how many of the newest migrations of a folder are judged; older ones have run.
        since: a commit; with it those that were added or changed since are judged instead.
        lock_timeout: whether `SET lock_timeout` must stand before the first change of a table.
        drops: whether dropping a column or table is taken for safe, where no release in use reads it.
        reviewed: migrations (paths, with * and ?) that were looked at by a person, each with the reason.
    """
    if not await _is_new(migration, repo, last, since):
        return not_applicable("it is not among the newest migrations")
    reason = next((why for pattern, why in (reviewed or {}).items() if fnmatchcase(migration.path, pattern)), "")
    if reason:
        return passed(f"it was reviewed: {reason}")
    changes = list(_on_existing(migration.operations))
    blocking = [one for one in changes if one.kind in BLOCKING and not (drops and one.kind in CONTRACTING)]
    if blocking:
        return failed(_told(blocking), got=len(blocking), want=0, fix=BLOCKING[blocking[0].kind][1])
    unknown = [one for one in changes if one.kind == "unknown"]
    if migration.problem or unknown:
        why = migration.problem or f"line {unknown[0].line} is not understood ({unknown[0].detail})"
        return undetermined(why, fix="look at it, and put it under `reviewed` with the reason")
    if lock_timeout and (late := _without_timeout(changes)):
        return failed(f"line {late.line} changes a table before lock_timeout is set", fix="begin with SET lock_timeout")
    return passed(f"none of its {len(migration.operations)} statements takes a lock for long")


async def _is_new(migration: Migration, repo: Repo, last: int, since: str) -> bool:
    return migration.path in (await repo.added_since(since)).paths if since else migration.age <= last


def _on_existing(operations: Iterable[Operation]) -> Iterable[Operation]:
    """What is done to tables that were there before."""
    new: set[str] = set()
    for one in operations:
        if one.kind == "create-table":
            new.add(one.table)
        elif not (one.table and one.table in new):
            yield one


def _without_timeout(operations: Iterable[Operation]) -> Operation | None:
    """The first change of an existing table before which no time was set."""
    for one in operations:
        if one.kind == "lock-timeout":
            return None
        if one.kind in LOCKING:
            return one
    return None


def _told(blocking: list[Operation]) -> str:
    named = [
        f"line {one.line} {BLOCKING[one.kind][0]}"
        + (f" ({one.table or one.detail})" if one.table or one.detail else "")
        for one in blocking[:MAX_NAMED]
    ]
    more = f" and {len(blocking) - MAX_NAMED} more" if len(blocking) > MAX_NAMED else ""
    return "; ".join(named) + more
