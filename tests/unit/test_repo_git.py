"""What git says of a checkout, asked without being configured by it."""

import os
import subprocess
from pathlib import Path

import pytest

from meshguard.errors import NotObserved
from meshguard.evidence import Evidence
from meshguard.targets.repo import GitState, Repo

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main")


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *IDENTITY, "-C", str(folder), *arguments], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    run(folder, "init", "-q")
    (folder / "a").write_text("1")
    run(folder, "add", ".")
    run(folder, "commit", "-qm", "one")
    return folder


def target(folder: Path) -> Repo:
    return Repo(Repo.Settings.model_validate({"name": "source", "path": folder}), Evidence())


async def state(folder: Path) -> GitState:
    return await target(folder).state()


async def test_a_clean_checkout(checkout: Path) -> None:
    assert await state(checkout) == GitState(
        commit=run(checkout, "rev-parse", "HEAD"), branch="main", changed=0, untracked=0, shallow=False
    )


async def test_changed_staged_removed_and_untracked_files_are_counted(checkout: Path) -> None:
    for name in ("b", "c"):
        (checkout / name).write_text("1")
    run(checkout, "add", ".")
    run(checkout, "commit", "-qm", "two")
    (checkout / "a").write_text("2")
    (checkout / "b").unlink()
    run(checkout, "mv", "c", "moved")
    (checkout / "new").mkdir()
    for name in ("x", "y"):
        (checkout / "new" / name).write_text("1")
    found = await state(checkout)
    assert (found.changed, found.untracked) == (3, 2)


async def test_ignored_files_are_neither_changed_nor_untracked(checkout: Path) -> None:
    (checkout / ".git/info/exclude").write_text("out\n")
    (checkout / "out").write_text("1")
    found = await state(checkout)
    assert (found.changed, found.untracked) == (0, 0)


async def test_a_conflict_is_a_change(checkout: Path) -> None:
    run(checkout, "checkout", "-qb", "other")
    (checkout / "a").write_text("2")
    run(checkout, "commit", "-qam", "two")
    run(checkout, "checkout", "-q", "main")
    (checkout / "a").write_text("3")
    run(checkout, "commit", "-qam", "three")
    with pytest.raises(subprocess.CalledProcessError):
        run(checkout, "merge", "other")
    assert (await state(checkout)).changed == 1


async def test_a_detached_head_has_a_commit_and_no_branch(checkout: Path) -> None:
    run(checkout, "checkout", "-q", "--detach")
    found = await state(checkout)
    assert (len(found.commit), found.branch) == (40, "")


async def test_a_branch_without_a_commit(tmp_path: Path) -> None:
    run(tmp_path, "init", "-q")
    found = await state(tmp_path)
    assert (found.commit, found.branch) == ("", "main")


async def test_a_repository_of_sha_256(tmp_path: Path) -> None:
    run(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / "a").write_text("1")
    run(tmp_path, "add", ".")
    run(tmp_path, "commit", "-qm", "one")
    assert len((await state(tmp_path)).commit) == 64


async def test_a_shallow_clone_says_so(checkout: Path, tmp_path: Path) -> None:
    run(checkout, "commit", "-q", "--allow-empty", "-m", "two")
    run(tmp_path, "clone", "-q", "--depth=1", f"file://{checkout}", "shallow")
    assert (await state(tmp_path / "shallow")).shallow
    assert not (await state(checkout)).shallow


async def test_another_work_tree_of_a_repository(checkout: Path, tmp_path: Path) -> None:
    run(checkout, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert (await state(tmp_path / "side")).branch == "side"


async def test_submodules_are_named_and_not_looked_at(checkout: Path, tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    run(top, "init", "-q")
    run(top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(checkout), "libs/inner")
    run(top, "commit", "-qm", "one")
    (top / "libs/inner/a").write_text("changed")
    found = await state(top)
    assert (found.submodules, found.changed) == (("libs/inner",), 0)


async def test_a_folder_without_a_repository_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotObserved, match="is no checkout of a git repository"):
        await state(tmp_path)


async def test_a_repository_further_up_is_not_the_one_that_is_meant(checkout: Path) -> None:
    (checkout / "sub").mkdir()
    with pytest.raises(NotObserved, match="is no checkout"):
        await state(checkout / "sub")


async def test_a_bare_repository_has_no_files_to_look_at(checkout: Path, tmp_path: Path) -> None:
    run(tmp_path, "clone", "-q", "--bare", str(checkout), "bare")
    with pytest.raises(NotObserved, match="work tree"):
        await state(tmp_path / "bare")


async def test_a_damaged_repository_is_said(checkout: Path) -> None:
    (checkout / ".git/HEAD").write_text("nonsense")
    with pytest.raises(NotObserved):
        await state(checkout)


async def test_names_that_are_no_utf_8(checkout: Path) -> None:
    run(checkout, "branch", "-m", "b\u00fc")
    (checkout / os.fsdecode(b"\xff")).write_text("1")
    found = await state(checkout)
    assert (found.branch, found.untracked) == ("b\u00fc", 1)


@pytest.mark.parametrize(
    "setting",
    ["core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "core.editor", "alias.status"],
)
async def test_nothing_of_the_repository_s_configuration_is_run(checkout: Path, tmp_path: Path, setting: str) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    run(checkout, "config", setting, f"!{program}" if setting.startswith("alias") else str(program))
    (checkout / "a").write_text("2")
    assert (await state(checkout)).changed == 1
    assert not (tmp_path / "ran").exists()


async def test_a_filter_of_the_repository_is_not_run(checkout: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\ncat\n")
    program.chmod(0o755)
    run(checkout, "config", "filter.evil.clean", str(program))
    (checkout / ".git/info/attributes").write_text("* filter=evil\n")
    (checkout / "a").write_text("2")
    await state(checkout)
    assert not (tmp_path / "ran").exists()


async def test_a_work_tree_elsewhere_is_not_looked_at(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    run(checkout, "config", "core.worktree", str(tmp_path / "other"))
    try:
        found = await state(checkout)
    except NotObserved:
        return
    assert found.changed == 0


async def test_git_s_variables_of_the_caller_lead_nowhere(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_WORK_TREE", "/nowhere")
    assert (await state(checkout)).branch == "main"


async def test_without_git_it_is_said_what_is_missing(checkout: Path) -> None:
    settings = {"name": "source", "path": checkout, "tools": {"git": {"path": "/nowhere/git"}}}
    with pytest.raises(NotObserved, match="git is not there at /nowhere/git"):
        await Repo(Repo.Settings.model_validate(settings), Evidence()).state()
