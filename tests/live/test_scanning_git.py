"""Real repositories: histories, submodules, shallow and bare clones, and repositories that would run a program."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.evidence.scanning.grow import Grower

from meshguard.errors import NotObserved
from meshguard.targets.scanning import HistoryScan, Limits, Rules, Scanner, scan_history, scan_tree

GROW = Grower(23)
FIRST, SECOND, THIRD, FOURTH = (GROW("glpat-{b62:20}") for _ in range(4))
SCANNER = Scanner(Rules.load(), b"salt")
ENV = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, env=ENV, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def commit(folder: Path, name: str, text: str | None) -> str:
    path = folder / name
    if text is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "-m", "c")
    return git(folder, "rev-parse", "HEAD")


def repository(folder: Path, *options: str) -> Path:
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main", *options)
    return folder


def history(repo: Path, limits: Limits | None = None) -> HistoryScan:
    return scan_history(repo, SCANNER, limits)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "repo")


def test_a_removed_file_another_branch_and_a_merge(repo: Path) -> None:
    commit(repo, "clean.txt", "x\n")
    added = commit(repo, "removed.py", f"a = '{FIRST}'\n")
    commit(repo, "removed.py", None)
    git(repo, "checkout", "-q", "-b", "other")
    branched = commit(repo, "branch.py", f"a = '{SECOND}'\n")
    git(repo, "checkout", "-q", "main")
    kept = commit(repo, "kept file.py", f"a = '{THIRD}'\n")
    git(repo, "checkout", "-q", "-b", "side")
    commit(repo, "side.txt", "y\n")
    git(repo, "checkout", "-q", "main")
    commit(repo, "main.txt", "z\n")
    git(repo, "merge", "-q", "--no-commit", "--no-ff", "side")
    merged = commit(repo, "only in the merge.py", f"a = '{FOURTH}'\n")
    scan = history(repo)
    assert {(found.finding.path, found.commit, found.in_head) for found in scan.findings} == {
        ("removed.py", added, False),
        ("branch.py", branched, False),
        ("kept file.py", kept, True),
        ("only in the merge.py", merged, True),
    }
    assert (scan.commits, scan.blobs, scan.shallow, scan.skipped) == (8, 7, False, ())


def test_each_content_is_scanned_once_and_the_first_commit_is_named(repo: Path) -> None:
    first = commit(repo, "a.py", f"a = '{FIRST}'\n")
    commit(repo, "b.py", f"a = '{FIRST}'\n")
    commit(repo, "a.py", "clean\n")
    commit(repo, "a.py", f"a = '{FIRST}'\n")
    (found,) = history(repo).findings
    assert (found.commit, found.finding.path, found.in_head) == (first, "a.py", True)
    assert found.dated[:2] == "20"


def test_tags_and_stashes_are_refs(repo: Path) -> None:
    commit(repo, "a.txt", "x\n")
    git(repo, "checkout", "-q", "--detach")
    commit(repo, "tagged.py", f"a = '{FIRST}'\n")
    git(repo, "tag", "v1")
    git(repo, "checkout", "-q", "main")
    (repo / "a.txt").write_text(f"a = '{SECOND}'\n")
    git(repo, "stash", "-q")
    assert {found.finding.path for found in history(repo).findings} == {"tagged.py", "a.txt"}


@pytest.mark.parametrize("form", [pytest.param("sha1", id="SHA-1"), pytest.param("sha256", id="SHA-256")])
def test_object_formats(tmp_path: Path, form: str) -> None:
    repo = repository(tmp_path / "repo", f"--object-format={form}")
    made = commit(repo, "a.py", f"a = '{FIRST}'\n")
    (found,) = history(repo).findings
    assert (found.commit, len(found.blob)) == (made, 40 if form == "sha1" else 64)
    assert [finding.tracking for finding in scan_tree(repo, SCANNER).findings] == ["tracked"]


def test_a_shallow_clone_says_so(repo: Path, tmp_path: Path) -> None:
    commit(repo, "a.py", f"a = '{FIRST}'\n")
    commit(repo, "a.py", "clean\n")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")
    scan = history(tmp_path / "shallow")
    assert (scan.findings, scan.shallow, scan.commits) == ((), True, 1)
    assert "shallow" in scan.notes[0]


def test_a_bare_repository_has_a_history_and_no_files(repo: Path, tmp_path: Path) -> None:
    commit(repo, "a.py", f"a = '{FIRST}'\n")
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    assert len(history(tmp_path / "bare.git").findings) == 1
    tree = scan_tree(tmp_path / "bare.git", SCANNER)
    assert [skipped.why for skipped in tree.skipped] == ["a bare repository: it has no files, only a history"]


def test_a_partial_clone_is_not_completed_over_the_network(repo: Path, tmp_path: Path) -> None:
    commit(repo, "a.py", f"a = '{FIRST}'\n")
    commit(repo, "a.py", "clean\n")
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{repo}", "partial")
    scan = history(tmp_path / "partial")
    assert [(skipped.why, skipped.count) for skipped in scan.skipped] == [("not in this partial clone", 1)]


def test_contents_that_are_left_out_are_counted(repo: Path) -> None:
    commit(repo, "large.txt", "x" * 2000)
    (repo / "a.bin").write_bytes(b"\0\1")
    commit(repo, "small.txt", "y")
    scan = history(repo, Limits(max_file_bytes=1000))
    assert {skipped.why for skipped in scan.skipped} == {"larger than 1000 bytes", "binary (a NUL byte, and no UTF-16)"}
    assert scan.blobs == 1


def test_names_with_a_line_break_and_no_utf8(repo: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(repo) + b"/a\nb\xe9.py"))
    path.write_text(f"a = '{FIRST}'\n")
    commit(repo, "x.txt", "x\n")
    (found,) = history(repo).findings
    assert found.finding.path == "a\nb\\udce9.py"


def test_a_repository_without_a_commit(repo: Path) -> None:
    scan = history(repo)
    assert (scan.findings, scan.blobs, scan.commits) == ((), 0, 0)


def test_what_git_says_of_files(repo: Path) -> None:
    commit(repo, ".gitignore", ".env\nlogs/\n")
    commit(repo, "tracked.py", f"a = '{FIRST}'\n")
    (repo / "new.py").write_text(f"a = '{SECOND}'\n")
    (repo / ".env").write_text(f"A={THIRD}\n")
    (repo / "logs").mkdir()
    (repo / "logs" / "x.log").write_text(f"{FOURTH}\n")
    scan = scan_tree(repo, SCANNER)
    assert {finding.path: finding.tracking for finding in scan.findings} == {
        "tracked.py": "tracked",
        "new.py": "untracked",
        ".env": "ignored",
        "logs/x.log": "ignored",
    }


def test_a_folder_within_a_work_tree(repo: Path) -> None:
    commit(repo, "sub/a.py", f"a = '{FIRST}'\n")
    assert [(f.path, f.tracking) for f in scan_tree(repo / "sub", SCANNER).findings] == [("a.py", "tracked")]


def test_packages_that_are_tracked_are_scanned(repo: Path) -> None:
    commit(repo, "node_modules/x/a.js", f"a = '{FIRST}'\n")
    assert len(scan_tree(repo, SCANNER).findings) == 1


def test_the_address_of_a_remote_is_looked_at(repo: Path) -> None:
    git(repo, "remote", "add", "origin", f"https://ci:{FIRST}@git.acme.io/a.git")
    assert [finding.path for finding in scan_tree(repo, SCANNER).findings] == [".git/config"]


def test_files_of_a_submodule_are_tracked(repo: Path, tmp_path: Path) -> None:
    inner = repository(tmp_path / "inner")
    commit(inner, "a.py", f"a = '{FIRST}'\n")
    git(repo, "submodule", "add", "-q", str(inner), "lib")
    git(repo, "commit", "-q", "-m", "c")
    assert [(f.path, f.tracking) for f in scan_tree(repo, SCANNER).findings] == [("lib/a.py", "tracked")]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("core.fsmonitor", "touch {}; false", id="a monitor of the file system"),
        pytest.param("core.pager", "touch {}", id="a pager"),
        pytest.param("diff.external", "touch {}", id="an external diff"),
        pytest.param("gpg.program", "touch {}", id="a program for signatures"),
        pytest.param("core.sshCommand", "touch {}", id="a command for the network"),
    ],
)
def test_nothing_that_a_repository_configures_runs(repo: Path, tmp_path: Path, key: str, value: str) -> None:
    commit(repo, "a.py", f"a = '{FIRST}'\n")
    mark = tmp_path / "ran"
    git(repo, "config", "log.showSignature", "true")
    git(repo, "config", key, value.format(mark))
    assert len(history(repo).findings) == 1
    assert len(scan_tree(repo, SCANNER).findings) == 1
    assert not mark.exists()


def test_a_damaged_repository_is_no_clean_one(repo: Path) -> None:
    commit(repo, "a.py", f"a = '{FIRST}'\n")
    blob = git(repo, "rev-parse", "HEAD:a.py")
    path = repo / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(b"nothing")
    with pytest.raises(NotObserved):
        history(repo)


def test_what_is_no_repository_has_no_history(tmp_path: Path) -> None:
    with pytest.raises(NotObserved, match="no git repository"):
        history(tmp_path)


def test_a_repository_of_another_user_is_refused(repo: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    commit(repo, "a.py", f"a = '{FIRST}'\n")
    for path in (repo, repo / ".git"):
        os.chown(path, 65534, 65534)
    with pytest.raises(NotObserved, match="belongs to another user"):
        history(repo)
    with pytest.raises(NotObserved, match="belongs to another user"):
        scan_tree(repo, SCANNER)
