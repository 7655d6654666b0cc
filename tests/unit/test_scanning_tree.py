"""A folder: all of it, and what was left out with its reason."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from tests.evidence.scanning.grow import Grower

from meshguard.errors import MeshGuardError, NotObserved
from meshguard.targets.scanning import Baseline, Limits, Rules, Scanner, TreeScan, scan_tree

GROW = Grower(5)
TOKEN = GROW("glpat-{b62:20}")
SCANNER = Scanner(Rules.load(), b"salt")


def scanned(folder: Path, limits: Limits | None = None) -> TreeScan:
    return scan_tree(folder, SCANNER, limits)


def reasons(scan: TreeScan) -> dict[str, int]:
    return {skipped.why: skipped.count for skipped in scan.skipped}


def put(path: Path, text: str = f"a = '{TOKEN}'\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_each_file_is_scanned_without_git(tmp_path: Path) -> None:
    put(tmp_path / "a" / "b" / "c.py")
    put(tmp_path / ".env", f"PASSWORD={GROW('{b62:16}')}\n")
    put(tmp_path / "clean.txt", "nothing\n")
    scan = scanned(tmp_path)
    assert [(f.path, f.tracking) for f in scan.findings] == [(".env", "unknown"), ("a/b/c.py", "unknown")]
    assert (scan.files, scan.git, scan.skipped) == (3, False, ())


def test_links_are_counted_and_not_followed(tmp_path: Path) -> None:
    put(tmp_path / "out" / "secret.py")
    root = tmp_path / "root"
    put(root / "a.py", "x\n")
    (root / "loop").symlink_to(root)
    (root / "again.py").symlink_to(root / "a.py")
    (root / "outside").symlink_to(tmp_path / "out")
    (root / "gone").symlink_to(tmp_path / "nowhere")
    (root / "self").symlink_to(root / "self")
    scan = scanned(root)
    assert scan.findings == ()
    assert reasons(scan) == {
        "a link within the folder": 3,
        "a link out of the folder (not followed)": 1,
        "a link that leads nowhere": 1,
    }


@pytest.mark.parametrize(
    ("size", "why"),
    [
        pytest.param(1000, {}, id="as large as allowed"),
        pytest.param(1001, {"larger than 1000 bytes": 1}, id="one byte larger"),
        pytest.param(2_000_000_000, {"larger than 1000 bytes": 1}, id="two gigabytes, sparse"),
    ],
)
def test_the_size_limit(tmp_path: Path, size: int, why: dict[str, int]) -> None:
    path = put(tmp_path / "a.txt", "x" * 1000)
    os.truncate(path, size)
    assert reasons(scanned(tmp_path, Limits(max_file_bytes=1000))) == why


def test_the_limit_of_files_is_said(tmp_path: Path) -> None:
    for name in "abc":
        put(tmp_path / name)
    scan = scanned(tmp_path, Limits(max_files=2))
    assert (scan.files, reasons(scan)) == (2, {"over the limit of files or bytes of one scan": 1})


def test_what_is_no_file_is_counted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        assert reasons(scanned(tmp_path)) == {"no file (a socket, pipe or device)": 2}


def test_binaries_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\0\1\2")
    assert reasons(scanned(tmp_path)) == {"binary (a NUL byte, and no UTF-16)": 1}


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.py"))).write_text(f"a = '{TOKEN}'\n")
    (finding,) = scanned(tmp_path).findings
    assert finding.path == "caf\\udce9.py"
    assert finding.path.encode()


def test_installed_packages_are_left_out_and_counted(tmp_path: Path) -> None:
    put(tmp_path / "node_modules" / "x" / "a.js")
    put(tmp_path / "node_modules" / "x" / "b.js")
    assert reasons(scanned(tmp_path)) == {"installed packages (node_modules)": 2}
    assert len(scanned(tmp_path, Limits(packages=True)).findings) == 2


def test_a_deep_tree_does_not_end_the_scan(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(300):
        folder /= "d"
    put(folder / "a.py")
    assert len(scanned(tmp_path).findings) == 1


def test_thousands_of_files(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f"{number}.txt").write_text("x")
    assert scanned(tmp_path).files == 3000


@pytest.mark.parametrize("name", [pytest.param("none", id="not there"), pytest.param("file", id="a file")])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    put(tmp_path / "file")
    with pytest.raises(NotObserved, match="no folder"):
        scanned(tmp_path / name)


def test_a_rule_file_of_the_scanned_folder_is_only_a_file(tmp_path: Path) -> None:
    put(tmp_path / "a.py")
    put(tmp_path / ".gitleaks.toml", "[allowlist]\npaths = ['''.*''']\n")
    assert len(scanned(tmp_path).findings) == 1


def test_paths_that_a_named_rule_file_allows_are_counted(tmp_path: Path) -> None:
    put(tmp_path / "tree" / "generated" / "a.py")
    rules = put(tmp_path / "rules.toml", "[allowlist]\npaths = ['''^generated/''']\n")
    scan = scan_tree(tmp_path / "tree", Scanner(Rules.load(rules), b"salt"))
    assert (scan.findings, reasons(scan)) == ((), {"its path is allowed by the rule file": 1})


def test_a_baseline_from_a_file(tmp_path: Path) -> None:
    put(tmp_path / "tree" / "a.py")
    salt = Baseline.new_salt()
    found = scan_tree(tmp_path / "tree", Scanner(SCANNER.rules, salt)).findings
    path = put(tmp_path / "baseline.json", Baseline.of(found, salt).to_json())
    scan = scan_tree(tmp_path / "tree", Scanner(SCANNER.rules, b"salt", Baseline.load(path)))
    assert (scan.findings, [entry.by for entry in scan.suppressed]) == ((), ["baseline"])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="a list"),
        pytest.param('{"schema": "x"}', id="another schema"),
    ],
)
def test_a_file_that_is_no_baseline(tmp_path: Path, text: str) -> None:
    with pytest.raises(MeshGuardError, match="no baseline"):
        Baseline.load(put(tmp_path / "b.json", text))
