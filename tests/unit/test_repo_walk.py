"""The walk over a checkout: every file once, no link followed, and what is left out counted with the reason."""

import os
import socket
import tempfile
import time
from pathlib import Path

import pytest

from meshguard.targets.repo.walk import MAX_SHOWN, Left, inventory, walk


def paths(root: Path, *exclude: str, installed: bool = False) -> list[str]:
    return [entry.path for entry in walk(root, exclude, Left(), installed=installed)]


def reasons(root: Path, *exclude: str) -> dict[str, tuple[int, list[str]]]:
    left = Left()
    list(walk(root, exclude, left))
    return left.found


def fill(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def test_all_files_come_once_with_their_size(tmp_path: Path) -> None:
    fill(tmp_path, "b", "a/c", "a/b/d", ".hidden/e")
    assert sorted(paths(tmp_path)) == [".hidden/e", "a/b/d", "a/c", "b"]
    assert {entry.size for entry in walk(tmp_path, (), Left())} == {1}


def test_an_empty_folder_has_no_files(tmp_path: Path) -> None:
    assert paths(tmp_path) == []
    assert inventory(tmp_path, ()).files == 0


def test_links_are_counted_and_never_followed(tmp_path: Path) -> None:
    fill(tmp_path, "root/a", "outside/secret")
    root = tmp_path / "root"
    (root / "file").symlink_to(tmp_path / "outside/secret")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    (root / "nowhere").symlink_to("missing")
    (root / "itself").symlink_to("itself")
    assert paths(root) == ["a"]
    count, named = reasons(root)["a link, which is not followed"]
    assert (count, sorted(named)) == (5, ["file", "folder", "itself", "loop", "nowhere"])


def test_git_s_own_folder_is_no_part_of_it(tmp_path: Path) -> None:
    fill(tmp_path, ".git/config", ".gitignore", "a")
    assert sorted(paths(tmp_path)) == [".gitignore", "a"]


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_another_repository_inside_is_left_out(tmp_path: Path, kind: str) -> None:
    fill(tmp_path, "a", "vendor/lib/b")
    inner = tmp_path / "vendor/lib/.git"
    if kind == "folder":
        inner.mkdir()
    elif kind == "file":
        inner.write_text("gitdir: ../../.git/modules/lib")
    else:
        inner.symlink_to("nowhere")
    assert paths(tmp_path) == ["a"]
    assert reasons(tmp_path) == {"another repository in it": (1, ["vendor/lib"])}


def test_installed_packages_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    fill(tmp_path, "a", "node_modules/x/index.js", "src/.venv/y")
    assert paths(tmp_path) == ["a"]
    assert reasons(tmp_path)["installed packages"] == (2, ["node_modules", "src/.venv"])
    assert len(paths(tmp_path, installed=True)) == 3


def test_a_file_that_is_named_like_a_folder_of_packages_is_a_file(tmp_path: Path) -> None:
    fill(tmp_path, "node_modules")
    assert paths(tmp_path) == ["node_modules"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        pytest.param("docs", ["src/a.py", "src/docs/c"], id="a folder at the top"),
        pytest.param("docs/", ["src/a.py", "src/docs/c"], id="with a slash"),
        pytest.param("*/docs", ["docs/b", "src/a.py"], id="a folder below"),
        pytest.param("*.py", ["docs/b", "src/docs/c"], id="an ending at any depth"),
        pytest.param("src/*", ["docs/b"], id="all in a folder"),
    ],
)
def test_what_the_deployment_excludes_is_counted(tmp_path: Path, pattern: str, left: list[str]) -> None:
    fill(tmp_path, "docs/b", "src/a.py", "src/docs/c")
    assert sorted(paths(tmp_path, pattern)) == left
    assert "excluded by the deployment" in reasons(tmp_path, pattern)


def test_names_that_are_no_utf_8_are_kept_and_recorded_as_escapes(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.lock")).write_text("x")
    (tmp_path / os.fsdecode(b"\xfe")).symlink_to("x")
    (entry,) = walk(tmp_path, (), Left())
    assert os.fsencode(entry.path) == b"\xff.lock"
    assert reasons(tmp_path)["a link, which is not followed"] == (1, ["\\udcfe"])


def test_names_with_line_breaks_and_backslashes_are_names(tmp_path: Path) -> None:
    fill(tmp_path, "a\nb", "c\\d", "e\tf")
    assert sorted(paths(tmp_path)) == ["a\nb", "c\\d", "e\tf"]


def test_what_is_neither_file_nor_folder_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # a socket's path may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert reasons(tmp_path) == {"neither file nor folder": (2, ["pipe", "socket"])}


def test_a_folder_that_vanishes_is_counted(tmp_path: Path) -> None:
    fill(tmp_path, "a/b", "c")
    left = Left()
    entries = walk(tmp_path, (), left)
    assert next(entries).path == "c"
    (tmp_path / "a/b").unlink()
    (tmp_path / "a").rmdir()
    assert list(entries) == []
    assert left.found == {"cannot be read (No such file or directory)": (1, ["a"])}


def test_the_first_paths_are_named_and_all_are_counted(tmp_path: Path) -> None:
    for number in range(MAX_SHOWN + 1):
        (tmp_path / f"{number:02}").symlink_to("x")
    count, named = reasons(tmp_path)["a link, which is not followed"]
    assert (count, len(named)) == (MAX_SHOWN + 1, MAX_SHOWN)


def test_no_depth_of_folders_ends_it(tmp_path: Path) -> None:
    depth = 1_020
    for count in range(1, depth + 1):
        (tmp_path / "/".join(["d"] * count)).mkdir()
    try:
        assert paths(tmp_path) == []
        assert reasons(tmp_path) == {}
    finally:  # what removes the folders of tests goes down into them by recursion
        for count in range(depth, 0, -1):
            (tmp_path / "/".join(["d"] * count)).rmdir()


def test_a_hundred_thousand_files_take_seconds() -> None:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        root = Path(made)
        for number in range(100):
            (root / str(number)).mkdir()
            folder = os.open(root / str(number), os.O_RDONLY)
            for name in range(1_000):
                os.close(os.open(str(name), os.O_CREAT | os.O_WRONLY, dir_fd=folder))
            os.close(folder)
        began = time.process_time()
        assert inventory(root, ("*.pyc",)).files == 100_000
        assert time.process_time() - began < 15


def test_the_inventory_knows_what_has_a_meaning_of_its_own(tmp_path: Path) -> None:
    fill(
        tmp_path,
        *("package.json", "package-lock.json", "api/requirements-dev.txt", "api/uv.lock", "App.csproj"),
        *(".github/workflows/ci.yml", "sub/.github/workflows/no.yml", ".gitlab-ci.yml", ".github/dependabot.yml"),
        *("Dockerfile", "api.Dockerfile", "Dockerfile.dev", "compose.yaml", "docker-compose.prod.yml"),
        *("trivy.yaml", "api/.npmrc", ".github/zizmor.yml", "dockerfile.md.txt"),
    )
    found = inventory(tmp_path, ())
    assert found.lockfiles == ("api/uv.lock", "package-lock.json")
    assert found.manifests == ("App.csproj", "api/requirements-dev.txt", "package.json")
    assert found.workflows == (".github/workflows/ci.yml", ".gitlab-ci.yml")
    assert found.bots == (".github/dependabot.yml",)
    assert found.composes == ("compose.yaml", "docker-compose.prod.yml")
    assert found.foreign == (".github/zizmor.yml", "api/.npmrc", "trivy.yaml")
    assert {"Dockerfile", "Dockerfile.dev", "api.Dockerfile"} <= set(found.dockerfiles)
