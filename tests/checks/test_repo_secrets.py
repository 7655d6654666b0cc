"""Secrets in the files and in the history."""

from pathlib import Path
from typing import Any

import pytest

from meshguard.targets.repo import Repo, Skipped
from meshguard.targets.repo.secrets import HISTORY, TREE, Secret, SecretScope
from meshguard.testing import judge, recorded
from meshguard_checks.repo.secrets import secrets

FOUND = Secret(path="src/a.ts", rule="aws", kind="AWS access key id", confidence="high", count=1, lines=(3,))


def repo() -> Repo:
    return recorded(Repo, {}, path=Path(__file__).parent)


def found(**changes: Any) -> Secret:
    return FOUND.model_copy(update=changes)


@pytest.mark.parametrize(
    ("secret", "parameters", "outcome"),
    [
        pytest.param(found(), {}, "fail", id="a secret"),
        pytest.param(found(confidence="medium"), {}, "fail", id="as sure as is wanted"),
        pytest.param(found(confidence="low"), {}, "not-applicable", id="less sure than is wanted"),
        pytest.param(found(confidence="low"), {"min_confidence": "low"}, "fail", id="low is wanted"),
        pytest.param(found(confidence="medium"), {"min_confidence": "high"}, "not-applicable", id="high is wanted"),
        pytest.param(found(tracking="tracked"), {}, "fail", id="in a file that git knows"),
        pytest.param(found(tracking="untracked"), {}, "fail", id="in a file that git would take"),
        pytest.param(found(tracking="unknown"), {}, "fail", id="without git"),
        pytest.param(found(tracking="ignored"), {}, "not-applicable", id="in a file that git ignores"),
        pytest.param(found(tracking="ignored"), {"ignored": True}, "fail", id="ignored files too"),
        pytest.param(found(path=".git/config"), {}, "not-applicable", id="in git's own configuration"),
        pytest.param(found(history=True), {}, "fail", id="in the history"),
        pytest.param(found(history=True), {"history": False}, "not-applicable", id="without the history"),
        pytest.param(found(history=True, tracking="ignored"), {}, "fail", id="once known and ignored today"),
        pytest.param(found(by="gitleaks", confidence="medium"), {}, "fail", id="another tool alone found it"),
        pytest.param(found(by="trivy", confidence="low"), {}, "not-applicable", id="another tool is less sure"),
    ],
)
async def test_a_secret_fails_where_it_is_shared(secret: Secret, parameters: dict[str, Any], outcome: str) -> None:
    assert (await judge(secrets, secret, repo(), **parameters)).outcome == outcome


def test_a_further_secret_of_the_kind_has_another_name() -> None:
    assert str(FOUND) == "src/a.ts (AWS access key id)"
    assert str(found(count=2)) == "src/a.ts (AWS access key id, 2 of them)"
    assert str(found(history=True)) == "src/a.ts (AWS access key id, history)"
    assert str(found(by="gitleaks")) == "src/a.ts (AWS access key id, by gitleaks)"


LARGE = Skipped(why="larger than 20000000 bytes", count=1, paths=("dump.sql",))


@pytest.mark.parametrize(
    ("scope", "parameters", "outcome"),
    [
        pytest.param(SecretScope(name=TREE, looked_at=True, files=4), {}, "pass", id="all files"),
        pytest.param(SecretScope(name=TREE, looked_at=True, files=4, unseen=(LARGE,)), {}, "not-checked", id="long"),
        pytest.param(
            SecretScope(name=TREE, looked_at=True, files=4, harmless=(LARGE,)), {}, "pass", id="what need not be"
        ),
        pytest.param(
            SecretScope(name=TREE, looked_at=True, notes=("a.txt: more matches than are counted, of x",)), {},
            "not-checked", id="looked at in part",
        ),
        pytest.param(
            SecretScope(name=TREE, looked_at=True, notes=("rule file: x is turned off",)), {}, "pass",
            id="a rule that the deployment turns off",
        ),
        pytest.param(
            SecretScope(name="(tree, by trivy)", looked_at=True, by="trivy 0.59.1"), {}, "pass", id="by another tool"
        ),
        pytest.param(SecretScope(name=HISTORY, looked_at=True, files=9, commits=3), {}, "pass", id="the history"),
        pytest.param(SecretScope(name=HISTORY, looked_at=True, shallow=True), {}, "not-checked", id="a shallow clone"),
        pytest.param(SecretScope(name=HISTORY, looked_at=False), {}, "not-checked", id="turned off"),
        pytest.param(
            SecretScope(name=HISTORY, looked_at=True, shallow=True), {"history": False}, "not-applicable",
            id="not wanted",
        ),
    ],
)  # fmt: skip
async def test_the_whole_passes_only_where_all_of_it_was_looked_at(
    scope: SecretScope, parameters: dict[str, Any], outcome: str
) -> None:
    assert (await judge(secrets, scope, repo(), **parameters)).outcome == outcome


async def test_what_is_accepted_is_counted_in_the_message() -> None:
    scope = SecretScope(name=TREE, looked_at=True, files=4, suppressed={"baseline": 2, "inline": 1})
    message = (await judge(secrets, scope, repo())).message
    assert message.endswith("2 accepted by baseline; 1 accepted by inline")


async def test_what_was_not_looked_at_is_named() -> None:
    scope = SecretScope(name=TREE, looked_at=True, unseen=(LARGE,))
    assert "dump.sql" in (await judge(secrets, scope, repo())).message
