"""Migrations that can be run while the service is in use."""

from pathlib import Path
from typing import Any, get_args

import pytest

from meshguard.api import NotObserved
from meshguard.targets.repo import Repo
from meshguard.targets.repo.migration_models import Kind, Migration, Operation, SinceRef
from meshguard.testing import judge, recorded
from meshguard_checks.repo.migrations import BLOCKING, migrations_online

SAFE = {"create-table", "add-column", "lock-timeout", "harmless"}


def repo(*since: str) -> Repo:
    facts = {Repo.added_since: {("main",): SinceRef(ref="main", paths=since)}}
    return recorded(Repo, facts, path=Path(__file__).parent)


def migration(*kinds: str, table: str = "t", age: int = 1, problem: str = "") -> Migration:
    operations = [Operation(line=line, kind=kind, table=table) for line, kind in enumerate(kinds, 1)]
    return Migration(path="migrations/1.sql", age=age, operations=tuple(operations), problem=problem)


@pytest.mark.parametrize("kind", get_args(Kind))
async def test_each_kind_of_statement_is_judged(kind: str) -> None:
    wanted = "pass" if kind in SAFE else "not-checked" if kind == "unknown" else "fail"
    assert (await judge(migrations_online, migration(kind), repo())).outcome == wanted


def test_each_kind_has_its_place() -> None:
    assert set(get_args(Kind)) == SAFE | set(BLOCKING) | {"unknown"}


@pytest.mark.parametrize(
    ("one", "parameters", "outcome"),
    [
        pytest.param(migration("drop-column", age=5), {}, "fail", id="the last one that counts"),
        pytest.param(migration("drop-column", age=6), {}, "not-applicable", id="older"),
        pytest.param(migration("drop-column", age=2), {"last": 1}, "not-applicable", id="only the newest"),
        pytest.param(migration("create-table", "create-index", "add-unique"), {}, "pass", id="a table of its own"),
        pytest.param(migration("create-index", "create-table"), {}, "fail", id="before the table is created"),
        pytest.param(migration("create-table", "drop-index", table=""), {}, "fail", id="a table that is not known"),
        pytest.param(migration(), {}, "pass", id="nothing"),
        pytest.param(migration("harmless", problem="no UTF-8"), {}, "not-checked", id="not understood"),
        pytest.param(migration("lock", problem="no UTF-8"), {}, "fail", id="a lock in what was seen"),
        pytest.param(migration("lock"), {"reviewed": {"migrations/*": "at night"}}, "pass", id="reviewed"),
        pytest.param(migration("lock"), {"reviewed": {"other/*": "at night"}}, "fail", id="another one reviewed"),
        pytest.param(migration("drop-table"), {"drops": True}, "pass", id="drops are taken for safe"),
        pytest.param(migration("drop-index"), {"drops": True}, "fail", id="a dropped index is no drop"),
        pytest.param(migration("add-column"), {"lock_timeout": True}, "fail", id="no timeout"),
        pytest.param(migration("lock-timeout", "add-column"), {"lock_timeout": True}, "pass", id="a timeout"),
        pytest.param(migration("add-column", "lock-timeout"), {"lock_timeout": True}, "fail", id="a late timeout"),
        pytest.param(migration("harmless"), {"lock_timeout": True}, "pass", id="nothing that needs a timeout"),
    ],
)
async def test_a_migration_is_judged_by_what_it_does_to_tables_in_use(
    one: Migration, parameters: dict[str, Any], outcome: str
) -> None:
    assert (await judge(migrations_online, one, repo(), **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("paths", "outcome"),
    [
        pytest.param(("migrations/1.sql",), "fail", id="added since"),
        pytest.param(("migrations/2.sql",), "not-applicable", id="there before"),
    ],
)
async def test_since_a_commit(paths: tuple[str, ...], outcome: str) -> None:
    verdict = await judge(migrations_online, migration("lock", age=9), repo(*paths), since="main")
    assert verdict.outcome == outcome


async def test_a_commit_that_is_not_there_is_an_error() -> None:
    facts = {Repo.added_since: {("main",): NotObserved("there is no main")}}
    target = recorded(Repo, facts, path=Path(__file__).parent)
    assert (await judge(migrations_online, migration(), target, since="main")).outcome == "error"
