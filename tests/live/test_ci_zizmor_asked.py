"""zizmor itself, asked over files that would configure it or that it cannot read."""

import shutil
import sys
from pathlib import Path

import pytest

from meshguard.errors import NotAllowed, NotObserved
from meshguard.evidence import Evidence
from meshguard.targets.ci import Ci
from meshguard.testing import judge
from meshguard_checks.ci import zizmor

ZIZMOR = shutil.which("zizmor") or str(Path(sys.executable).parent / "zizmor")
PATH = ".github/workflows/ci.yml"
INJECTION = """on: pull_request
permissions: {}
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: echo ${{ github.event.pull_request.title }} # zizmor: ignore[template-injection]
"""
CLEAN = INJECTION.replace("${{ github.event.pull_request.title }} # zizmor: ignore[template-injection]", "hello")
ACTION = """name: a
description: a
runs:
  using: composite
  steps: [{run: "echo ${{ github.event.issue.title }}", shell: bash}]
"""


def ci(folder: Path, program: str = ZIZMOR, **files: str) -> Ci:
    for path, text in ({PATH: CLEAN} | files).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return Ci(Ci.Settings.model_validate({"name": "x", "path": folder, "zizmor": program}), Evidence())


async def outcomes(target: Ci) -> dict[str, str]:
    return {str(one): (await judge(zizmor, one, target)).outcome for one in (await target.files()).items}


async def test_a_clean_workflow_passes(tmp_path: Path) -> None:
    assert await outcomes(ci(tmp_path)) == {PATH: "pass"}


async def test_neither_a_comment_nor_a_file_of_the_checkout_accepts_a_finding(tmp_path: Path) -> None:
    rule = "rules:\n  template-injection:\n    disable: true\n"
    files = {PATH: INJECTION, "zizmor.yml": rule, ".github/zizmor.yml": rule, ".gitignore": "*\n"}
    assert await outcomes(ci(tmp_path, **files)) == {PATH: "fail"}


async def test_an_action_of_the_checkout_is_read_as_one(tmp_path: Path) -> None:
    found = await outcomes(ci(tmp_path, **{"tools/build/action.yml": ACTION}))
    assert found == {PATH: "pass", "tools/build/action.yml": "fail"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("on: [\n", id="no YAML"),
        pytest.param("", id="empty"),
        pytest.param("on: push\njobs: [a]\n", id="no workflow"),
    ],
)
async def test_a_file_that_it_cannot_read_is_an_error_and_the_others_are_judged(tmp_path: Path, text: str) -> None:
    bad = ".github/workflows/bad.yml"
    assert await outcomes(ci(tmp_path, **{bad: text})) == {PATH: "pass", bad: "error"}


async def test_where_it_is_not_named_it_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(NotAllowed) as caught:
        await ci(tmp_path, program="").zizmor(PATH)
    assert "name its path under `zizmor`" in caught.value.fix


async def test_a_success_that_comes_with_findings_is_not_believed(tmp_path: Path) -> None:
    program = tmp_path / "zizmor"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] && echo zizmor 1.32.0 && exit 0\necho "[]"\nexit 14\n')
    program.chmod(0o755)
    with pytest.raises(NotObserved, match="does not fit its exit code, 14"):
        await ci(tmp_path / "code", program=str(program)).zizmor(PATH)
