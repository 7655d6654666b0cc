"""Tokens in the browser's storage, and SQL that is built from parts."""

from pathlib import Path
from typing import Any

import pytest

from meshguard.targets.repo import Repo
from meshguard.targets.repo.code_models import ALL_FILES, SqlFile, SqlPlace, StorageFile, StorageUse
from meshguard.testing import judge, recorded
from meshguard_checks.repo.code import no_browser_token_storage, sql_concatenation

HERE = Path(__file__).parent


def repo() -> Repo:
    return recorded(Repo, {}, path=HERE)


def use(key: str, *names: str, sure: bool = True, known: bool = True) -> StorageUse:
    return StorageUse(line=3, store="localStorage", sure=sure, key=key, known=known, names=names)


@pytest.mark.parametrize(
    ("one", "outcome"),
    [
        pytest.param(use("theme", "t"), "pass", id="a theme"),
        pytest.param(use("token"), "fail", id="a token by its key"),
        pytest.param(use("TOKEN_KEY"), "fail", id="a constant"),
        pytest.param(use("access-token"), "fail", id="with a dash"),
        pytest.param(use("app", "response", "accessToken"), "fail", id="a token by what is written"),
        pytest.param(use("JWT"), "fail", id="in capitals"),
        pytest.param(use("auth"), "fail", id="auth"),
        pytest.param(use("author"), "pass", id="a word that begins alike"),
        pytest.param(use("isAuthenticated"), "pass", id="a flag"),
        pytest.param(use("csrfToken"), "pass", id="a token against forgery"),
        pytest.param(use("tokenExpiry"), "pass", id="when it ends"),
        pytest.param(use("k", known=False), "not-checked", id="a name that the caller gives"),
        pytest.param(use("theme", sure=False), "pass", id="an object that is not known, and no token"),
        pytest.param(use("token", sure=False), "not-checked", id="a token to an object that is not known"),
    ],
)
async def test_a_token_is_told_by_its_name(one: StorageUse, outcome: str) -> None:
    verdict = await judge(no_browser_token_storage, StorageFile(path="src/a.ts", uses=(one,)), repo())
    assert verdict.outcome == outcome


@pytest.mark.parametrize(
    ("file", "parameters", "outcome"),
    [
        pytest.param(StorageFile(path=ALL_FILES, files=9), {}, "pass", id="all files together"),
        pytest.param(StorageFile(path="a.ts", problem="line 1"), {}, "not-checked", id="not wholly understood"),
        pytest.param(
            StorageFile(path="a.ts", problem="line 1", uses=(use("jwt"),)), {}, "fail", id="a token in what was seen"
        ),
        pytest.param(
            StorageFile(path="a.ts", problem="line 1"), {"reviewed": {"a.ts": "looked at"}}, "not-checked",
            id="a review is for names and not for what was not seen",
        ),
        pytest.param(
            StorageFile(path="a.ts", uses=(use("k", known=False),)), {"reviewed": {"a.*": "only themes"}}, "pass",
            id="reviewed",
        ),
        pytest.param(
            StorageFile(path="a.ts", uses=(use("k", known=False),)), {"reviewed": {"b.*": "only themes"}},
            "not-checked", id="another file reviewed",
        ),
        pytest.param(
            StorageFile(path="a.ts", uses=(use("jwt"),)), {"reviewed": {"a.ts": "fine"}}, "fail",
            id="a review is not for a token",
        ),
        pytest.param(StorageFile(path="src/a.test.ts", uses=(use("jwt"),)), {}, "not-applicable", id="a test"),
        pytest.param(StorageFile(path="a.test.ts", uses=(use("jwt"),)), {"tests": True}, "fail", id="tests wanted"),
        pytest.param(StorageFile(path="contest/a.ts", uses=(use("jwt"),)), {}, "fail", id="a folder that ends so"),
        pytest.param(StorageFile(path="a.ts", uses=(use("sid"),)), {"words": ("sid",)}, "fail", id="another word"),
        pytest.param(
            StorageFile(path="a.ts", uses=(use("tokenColor"),)), {"harmless": ("color",)}, "pass", id="harmless"
        ),
    ],
)  # fmt: skip
async def test_a_file_is_judged_by_all_that_it_writes(
    file: StorageFile, parameters: dict[str, Any], outcome: str
) -> None:
    assert (await judge(no_browser_token_storage, file, repo(), **parameters)).outcome == outcome


PLACE = SqlPlace(line=7, call="query", how="concatenation")


@pytest.mark.parametrize(
    ("file", "parameters", "outcome"),
    [
        pytest.param(SqlFile(path=ALL_FILES, files=9), {}, "pass", id="all files together"),
        pytest.param(SqlFile(path="a.ts", places=(PLACE,)), {}, "fail", id="a place"),
        pytest.param(SqlFile(path="a.ts", problem="line 1"), {}, "not-checked", id="not wholly understood"),
        pytest.param(SqlFile(path="a.ts", places=(PLACE,), problem="line 1"), {}, "fail", id="a place that was seen"),
        pytest.param(SqlFile(path="a.ts", places=(PLACE,)), {"reviewed": {"a.ts": "an enum"}}, "pass", id="reviewed"),
        pytest.param(
            SqlFile(path="a.ts", places=(PLACE,), problem="line 1"), {"reviewed": {"a.ts": "an enum"}}, "not-checked",
            id="a review is for what was seen",
        ),
        pytest.param(SqlFile(path="tests/a.py", places=(PLACE,)), {}, "not-applicable", id="a test"),
        pytest.param(SqlFile(path="tests/a.py", places=(PLACE,)), {"tests": True}, "fail", id="tests wanted"),
    ],
)  # fmt: skip
async def test_sql_that_is_built_from_parts_fails(file: SqlFile, parameters: dict[str, Any], outcome: str) -> None:
    assert (await judge(sql_concatenation, file, repo(), **parameters)).outcome == outcome


async def test_the_places_are_named_and_the_rest_is_counted() -> None:
    verdict = await judge(sql_concatenation, SqlFile(path="a.ts", places=(PLACE,) * 7), repo())
    assert verdict.message.startswith("SQL is built from parts: line 7: concatenation in query()")
    assert verdict.message.endswith("and 2 more")
