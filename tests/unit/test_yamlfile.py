from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from meshguard.errors import MeshGuardError
from meshguard.yamlfile import LocalPath, parse, read_yaml

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        pytest.param(b"", None, "the file is empty", id="an empty file"),
        pytest.param(b"# only a comment\n", None, "the file is empty", id="only a comment"),
        pytest.param(b"a: 1\nb: 2\na: 3\n", 3, "the key 'a' stands twice", id="a key twice"),
        pytest.param(b"a:\n  - x: 1\n    x: 2\n", 3, "the key 'x' stands twice", id="a key twice further down"),
        pytest.param(b"a: [1\n", 2, "not valid YAML", id="a bracket that is not closed"),
        pytest.param(b"a: 1\n---\nb: 2\n", 2, "not valid YAML", id="two documents"),
        pytest.param(b"a: \tb: c: d\n", 1, "not valid YAML", id="tabs and colons"),
        pytest.param(b"a: *nobody\n", 1, "not valid YAML", id="an alias of nothing"),
        pytest.param(b"a: &a {b: *a}\n", 1, "an anchor that holds itself", id="an anchor in itself"),
        pytest.param(b"a: &a [*a]\n", 1, "an anchor that holds itself", id="an anchor in its own list"),
        pytest.param(LAUGHS.encode(), 1, "more than 200000 values", id="billion laughs"),
        pytest.param(b"a: &a {x: 1}\nb:\n  <<: *a\n", 3, "a key that is not a plain name", id="a merge key"),
        pytest.param(b"? [a, b]\n: 1\n", 1, "a key that is not a plain name", id="a list as a key"),
        pytest.param(b"a: caf\xe9\n", None, "byte 6 is not UTF-8", id="latin-1"),
        pytest.param("a: 1\n".encode("utf-16"), None, "byte 0 is not UTF-8", id="UTF-16 with a mark"),
        pytest.param("a: 1\n".encode("utf-16-le"), None, "characters that YAML does not allow", id="UTF-16 without"),
        pytest.param(bytes(range(128)), None, "characters that YAML does not allow", id="binary"),
        pytest.param(b"a: 1\nb: !x y\n", 2, "the tag !x", id="a tag of its own"),
        pytest.param(b"a: !!timestamp never\n", 1, "does not fit", id="a time that is none"),
        pytest.param(b"a: !!bool maybe\n", 1, "does not fit", id="a truth value that is none"),
        pytest.param(b"a: !!int ''\n", 1, "does not fit", id="a number that is none"),
        pytest.param(b"a: 2027-02-30\n", 1, "does not fit", id="a day that is none"),
        pytest.param(b"a: " + b"9" * 5000 + b"\n", 1, "does not fit", id="a number of 5000 digits"),
        pytest.param(b'a:\n- "x\\0y"\n', 2, "the character NUL", id="a NUL in a text"),
        pytest.param(b"a:\n  !!python/object:os.system {}\n", 2, "is not allowed here", id="a tag on a mapping"),
        pytest.param(b"a: !own [1]\n", 1, "is not allowed here", id="a tag on a list"),
        pytest.param(b"- " * 100_000, 1, "nested more than 60 deep", id="a list a hundred thousand deep"),
        pytest.param(b"[" * 100_000, 1, "nested more than 60 deep", id="brackets a hundred thousand deep"),
        pytest.param(b"{a: " * 61 + b"}" * 61, 1, "nested more than 60 deep", id="61 mappings deep"),
        pytest.param(
            b"a: &a " + b"[" * 40 + b"]" * 40 + b"\nb: " + b"[" * 40 + b"*a" + b"]" * 40,
            1,
            "nested more than 60 deep",
            id="deep by an alias",
        ),
        pytest.param(b"a:\n" + b"- x\n" * 1_000_000, 400_000, "more than 200000 values", id="a million values"),
        pytest.param(b"#" * 50_000_000, None, "more than the 5000000 bytes", id="fifty megabytes"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: bytes, line: int | None, what: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(content)
    began = time.monotonic()
    with pytest.raises(MeshGuardError, match=what) as fault:
        read_yaml(path)
    assert time.monotonic() - began < 10
    assert abs(int((fault.value.mistakes[0].where + ":0").split(":")[1]) - (line or 0)) <= 2
    assert fault.value.mistakes[0].where == str(path) if line is None else True


def test_a_file_is_read_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("\ufeffa: 1\nb:\n  - c: on\n  - 2027-06-30\n", encoding="utf-8")
    document = read_yaml(path)
    assert document.data["b"][0] == {"c": True}
    assert document.where(("b", 1)) == f"{path}:4"
    assert document.where(("b", 0, "c", "deeper")) == f"{path}:3"
    assert document.where(("nothing",)) == f"{path}:1"
    assert document.digest.startswith("sha256:")


def test_nesting_up_to_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("[" * 60 + "]" * 60)
    assert read_yaml(path).data == eval("[" * 60 + "]" * 60)


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["/bin/sh", "-c", f"echo 'a: 1' > {pipe}"]) as writer:
        assert read_yaml(pipe).data == {"a": 1}
        assert writer.wait() == 0


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (".", "cannot be read: Is a directory"),
        ("none.yaml", "no such file"),
        ("x" * 300, "File name too long"),
        ("/dev/zero", "more than the 5000000 bytes"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, path: str, what: str) -> None:
    with pytest.raises(MeshGuardError, match=what):
        read_yaml(tmp_path / path)


def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text("a: 1\n")
    path.chmod(0o000)
    script = (
        "import os; from meshguard.yamlfile import *; os.getuid() or os.setuid(65534); read_yaml(Path('secret.yaml'))"
    )
    tmp_path.chmod(0o755)
    # From inside the folder: the folders above it are closed to nobody (65534).
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "secret.yaml: cannot be read: Permission denied" in done.stderr


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    port: int = Field(ge=1)
    file: LocalPath | None = None


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    inner: list[Inner] = []


def test_every_mistake_has_its_line_and_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("nam: x\ninner:\n  - port: 0\n    prot: 1\n  - {}\nzzz: 1\n")
    model, mistakes = parse(Outer, read_yaml(path))
    assert model is None
    assert sorted(str(mistake).removeprefix(str(path)) for mistake in mistakes) == [
        ":1: 'name' is missing",
        ":1: unknown key 'nam' (did you mean 'name'?)",
        ":3: inner.0.port: input should be greater than or equal to 1",
        ":4: unknown key 'inner.0.prot' (did you mean 'port'?)",
        ":5: 'inner.1.port' is missing",
        ":6: unknown key 'zzz' (remove it; `meshguard schema` lists what may stand here)",
    ]


def test_a_relative_path_starts_at_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("name: x\ninner: [{port: 1, file: ca.pem}, {port: 1, file: /etc/ca.pem}]\n")
    model, _ = parse(Outer, read_yaml(path))
    assert model is not None
    assert [inner.file for inner in model.inner] == [tmp_path / "ca.pem", Path("/etc/ca.pem")]


def test_a_file_that_is_no_mapping_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("- a\n")
    _, mistakes = parse(Outer, read_yaml(path))
    assert str(mistakes[0]).startswith(f"{path}:1: the file: input should be a valid dictionary")
