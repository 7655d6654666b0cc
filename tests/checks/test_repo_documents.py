"""Documents that follow the code, what git ignores, and a clean commit."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from meshguard.api import Clock, Fact
from meshguard.targets.repo import GitState, Repo
from meshguard.targets.repo.documents import Document, Ignoring, LastChange, Marked
from meshguard.testing import judge, recorded
from meshguard_checks.repo.documents import branch_clean, documentation_current, gitignore_env

HERE = Path(__file__).parent
Facts = dict[Fact[Any, Any, Any], dict[tuple[Any, ...], object]]
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
CODE = datetime(2026, 5, 1, tzinfo=UTC)
STATE = GitState(commit="a" * 40, branch="main", changed=0, untracked=0, shallow=False)
BEFORE = CODE - timedelta(seconds=1)


def state(**changes: Any) -> GitState:
    return STATE.model_copy(update=changes)


def document(committed: datetime | None, reviewed: date | None = None) -> Document:
    return Document(path="docs/api.md", committed=committed, reviewed=reviewed)


@pytest.mark.parametrize(
    ("one", "change", "shallow", "parameters", "outcome"),
    [
        pytest.param(document(CODE), CODE, False, {}, "pass", id="changed with the code"),
        pytest.param(document(BEFORE), CODE, False, {}, "fail", id="a second earlier"),
        pytest.param(document(BEFORE), CODE, False, {"grace": "1s"}, "pass", id="within the grace"),
        pytest.param(document(None), CODE, False, {}, "fail", id="not committed"),
        pytest.param(document(CODE), None, False, {}, "not-checked", id="no such code"),
        pytest.param(document(CODE), CODE, True, {}, "not-checked", id="a shallow clone"),
        pytest.param(document(BEFORE, date(2026, 1, 2)), CODE, False, {}, "pass", id="reviewed 180 days ago"),
        pytest.param(document(BEFORE, date(2026, 1, 1)), CODE, False, {}, "fail", id="reviewed 181 days ago"),
        pytest.param(document(BEFORE, date(2026, 7, 1)), CODE, False, {}, "pass", id="reviewed today"),
        pytest.param(document(BEFORE, date(2026, 7, 2)), CODE, False, {}, "fail", id="reviewed tomorrow"),
        pytest.param(document(BEFORE, date(2026, 7, 1)), CODE, True, {}, "pass", id="reviewed, in a shallow clone"),
        pytest.param(document(BEFORE, date(2026, 6, 1)), CODE, False, {"max_age": "29d"}, "fail", id="a shorter age"),
    ],
)
async def test_a_document_is_as_new_as_its_code_or_was_reviewed(
    one: Document, change: datetime | None, shallow: bool, parameters: dict[str, Any], outcome: str
) -> None:
    files = 0 if change is None else 2
    facts: Facts = {
        Repo.state: {(): state(shallow=shallow)},
        Repo.document: {("docs/api.md",): one},
        Repo.last_change: {("src/**",): LastChange(pattern="src/**", files=files, committed=change)},
    }
    clock = recorded(Clock, {Clock.now: {(): NOW}})
    verdict = await judge(
        documentation_current,
        recorded(Repo, facts, path=HERE),
        clock,
        documents={"docs/api.md": ["src/**"]},
        **parameters,
    )
    assert verdict.outcome == outcome


NAMES = (".env", "private.key")


@pytest.mark.parametrize(
    ("found", "parameters", "outcome"),
    [
        pytest.param(Ignoring(ignored=NAMES, open=(), tracked=()), {}, "pass", id="all ignored"),
        pytest.param(Ignoring(ignored=(".env",), open=("private.key",), tracked=()), {}, "fail", id="one is not"),
        pytest.param(Ignoring(ignored=NAMES, open=(), tracked=("a/.env",)), {}, "fail", id="one is there"),
        pytest.param(Ignoring(ignored=NAMES, open=(), tracked=(".env.example",)), {}, "pass", id="an example"),
        pytest.param(
            Ignoring(ignored=NAMES, open=(), tracked=("ca.pem",), public=("ca.pem",)), {}, "pass", id="a certificate"
        ),
        pytest.param(
            Ignoring(ignored=NAMES, open=(), tracked=("ca.p12",)), {"allowed": {"ca.p12": "of a test"}}, "pass",
            id="allowed",
        ),
        pytest.param(
            Ignoring(ignored=NAMES, open=(), tracked=("b/ca.p12",)), {"allowed": {"ca.p12": "of a test"}}, "fail",
            id="another one of the name",
        ),
    ],
)  # fmt: skip
async def test_files_for_secrets_are_ignored_and_not_there(
    found: Ignoring, parameters: dict[str, Any], outcome: str
) -> None:
    target = recorded(Repo, {Repo.ignoring: {(NAMES,): found}}, path=HERE)
    assert (await judge(gitignore_env, target, names=NAMES, **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("found", "marked", "parameters", "outcome"),
    [
        pytest.param(state(), 0, {}, "pass", id="clean"),
        pytest.param(state(commit=""), 0, {}, "not-checked", id="no commit yet"),
        pytest.param(state(changed=1), 0, {}, "fail", id="a change"),
        pytest.param(state(untracked=1), 0, {}, "fail", id="a file that git does not know"),
        pytest.param(state(untracked=1), 0, {"untracked": True}, "pass", id="such files may be there"),
        pytest.param(state(changed=1), 0, {"untracked": True}, "fail", id="a change may not"),
        pytest.param(state(), 1, {}, "not-checked", id="a file that git does not look at"),
        pytest.param(state(branch=""), 0, {}, "pass", id="no branch"),
        pytest.param(state(branch=""), 0, {"branches": ["main"]}, "fail", id="no branch where one is wanted"),
        pytest.param(state(), 0, {"branches": ["main"]}, "pass", id="the branch that is wanted"),
        pytest.param(state(), 0, {"branches": ["release"]}, "fail", id="another branch"),
        pytest.param(state(submodules=("libs/a",)), 0, {}, "not-checked", id="a repository in it"),
        pytest.param(state(submodules=("libs/a",)), 0, {"submodules": True}, "pass", id="which is its own target"),
    ],
)
async def test_what_is_audited_is_a_commit(
    found: GitState, marked: int, parameters: dict[str, Any], outcome: str
) -> None:
    facts: Facts = {Repo.state: {(): found}, Repo.marked: {(): Marked(paths=("a",) * marked, count=marked)}}
    assert (await judge(branch_clean, recorded(Repo, facts, path=HERE), **parameters)).outcome == outcome
