"""`meshguard record`: what is written, what stays as it was, and what is refused."""

from __future__ import annotations

import hashlib
import io
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from meshguard.api import Evidence
from meshguard.cli.record import write_record
from meshguard.errors import MeshGuardError
from meshguard.targets.records import Records

SHA = hashlib.sha256(b"agreement\n").hexdigest()
SAID = (
    "id=aws-1",
    "vendor=aws",
    "services=s3, rds",
    "signed_by=ciso",
    "date=2026-01-31",
    "valid_until=2027-01-31",
    "document=aws.txt",
)
WRITTEN = f"""\
id: aws-1
date: 2026-01-31
valid_until: 2027-01-31
vendor: aws
services:
- s3
- rds
signed_by: ciso
document: aws.txt
sha256: {SHA}
"""
NONE = ("signed_by=dpo", "date=2026-01-01", "valid_until=2026-12-31", "reason=no vendor sees health data")
OLD = """\
id: old
    vendor: Twilio   # by mail
    services: [sms]
    signed_by: 'ciso'
    date: 2025-01-01
    review_every: 730d
    document: https://h.example/old"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "aws.txt").write_bytes(b"agreement\n")
    return tmp_path


def record(folder: Path, *said: str, kind: str = "baa", key: str = "", none: bool = False) -> int:
    return write_record(kind, folder, said, key=key, none=none, asking=False)


def items(text: str, indent: str = "    ") -> str:
    lines = text.splitlines(keepends=True)
    return indent[:-2] + "- " + lines[0] + "".join(indent + line for line in lines[1:])


def test_the_first_entry_makes_the_register_and_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record(folder, *SAID) == 0
    assert (folder / "baa.yaml").read_text() == "kind: baa\nentries:\n" + items(WRITTEN)
    assert capsys.readouterr().out == f"{folder}/baa.yaml:3\n{WRITTEN}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            f"# ours\nkind: baa\nentries:\n  # old ones\n  - {OLD}\n# the end\n",
            f"# ours\nkind: baa\nentries:\n  # old ones\n  - {OLD}\n# the end\n{items(WRITTEN)}",
            id="comments and order stay",
        ),
        pytest.param(
            f"kind: baa\nentries:\n- {OLD.replace('    ', '  ')}",
            f"kind: baa\nentries:\n- {OLD.replace('    ', '  ')}\n{items(WRITTEN, '  ')}",
            id="a list without a margin, and no newline at the end",
        ),
        pytest.param(
            f"entries:\n  - {OLD}\n\n# what it is\nkind: baa\n",
            f"entries:\n  - {OLD}\n{items(WRITTEN)}\n# what it is\nkind: baa\n",
            id="entries before the kind",
        ),
        pytest.param(
            "kind: baa\nentries: [] # none yet\n",
            f"kind: baa\nentries: # none yet\n{items(WRITTEN)}",
            id="an empty list",
        ),
        pytest.param("kind: baa\n", f"kind: baa\nentries:\n{items(WRITTEN)}", id="no entries yet"),
    ],
)
def test_the_rest_of_the_file_stays_as_it_is(folder: Path, before: str, after: str) -> None:
    path = folder / "baa.yaml"
    path.write_text(before)
    path.chmod(0o640)
    record(folder, *SAID)
    assert path.read_text() == after
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("before", "what"),
    [
        pytest.param("kind: baa\nentries: [{id: old}]\n", "is missing", id="mistakes in it"),
        pytest.param(
            f"kind: baa\nentries:\n  - {OLD.replace('id: old', 'id: AWS-1')}\n", "is there already", id="the id"
        ),
        pytest.param("{kind: baa}\n", "written in { }", id="braces"),
        pytest.param("kind: baa\nentries: [\n]\n", "runs over lines", id="brackets over lines"),
        pytest.param(f"kind: baa\nentries:\n  - {OLD}\n...\n", "baa.yaml", id="a document end"),
        pytest.param(
            "kind: baa\nnone: {signed_by: dpo, date: 2026-01-01, valid_until: 2026-12-31, reason: no one}\n",
            "declares `none`",
            id="a declaration that there is none",
        ),
    ],
)
def test_what_cannot_be_added_to_is_left_as_it_was(folder: Path, before: str, what: str) -> None:
    (folder / "baa.yaml").write_text(before)
    with pytest.raises(MeshGuardError, match=what):
        record(folder, *SAID)
    assert (folder / "baa.yaml").read_text() == before
    assert sorted(path.name for path in folder.iterdir()) == ["aws.txt", "baa.yaml"]


@pytest.mark.parametrize(
    ("said", "what"),
    [
        pytest.param(SAID[:3], "missing: signed_by, document, date", id="all that is missing is named"),
        pytest.param((*SAID, "vendr=x"), "there is no field 'vendr'.*did you mean 'vendor'", id="an unknown field"),
        pytest.param((*SAID, "vendor=x"), "vendor is given twice", id="a field twice"),
        pytest.param((*SAID, "vendor"), "is not NAME=VALUE", id="no value"),
        pytest.param((*SAID[:-1], "document=gone.txt"), "the document gone.txt is missing", id="no document"),
        pytest.param((*SAID[:-1], "document=../x"), "is outside", id="a document outside"),
        pytest.param((*SAID, "sha256=" + "0" * 64), "not the one given", id="another digest"),
        pytest.param((*SAID, "signature=x"), "there is no field 'signature'", id="a signature is made, not given"),
        pytest.param((*SAID[:-2], SAID[-1]), "it holds for ever", id="no end"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(folder: Path, said: tuple[str, ...], what: str) -> None:
    with pytest.raises(MeshGuardError, match=what):
        record(folder, *said)
    assert not (folder / "baa.yaml").exists()


def test_unknown_kinds_and_folders_are_refused(folder: Path) -> None:
    with pytest.raises(MeshGuardError, match="did you mean 'baa'"):
        record(folder, kind="baaa")
    with pytest.raises(MeshGuardError, match="no such folder"):
        record(folder / "x", *SAID[:-1], "document=https://h.example/x")


def test_a_register_that_is_a_link_out_of_the_folder_is_refused(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "baa.yaml"
    other.write_text("kind: baa\n")
    (folder / "baa.yaml").symlink_to(other)
    with pytest.raises(MeshGuardError, match="leads out"):
        record(folder, *SAID)
    assert other.read_text() == "kind: baa\n"


def test_none_is_declared_where_that_can_be(folder: Path) -> None:
    record(folder, *NONE, none=True)
    assert (folder / "baa.yaml").read_text().startswith("kind: baa\nnone:\n  date: 2026-01-01\n")
    with pytest.raises(MeshGuardError, match="already"):
        record(folder, *NONE, none=True)
    with pytest.raises(MeshGuardError, match="cannot be declared absent"):
        record(folder, *NONE, kind="restore-test", none=True)


def test_none_is_refused_where_there_are_entries(folder: Path) -> None:
    record(folder, *SAID)
    with pytest.raises(MeshGuardError, match="so there is not none"):
        record(folder, *NONE, none=True)


def test_texts_that_yaml_would_read_otherwise_are_quoted(folder: Path) -> None:
    record(folder, "id=007", "vendor=no", *SAID[2:])
    text = (folder / "baa.yaml").read_text()
    assert "id: '007'" in text
    assert "vendor: 'no'" in text


async def test_a_signed_entry_verifies(folder: Path) -> None:
    key = Ed25519PrivateKey.generate()
    private, public = folder / "key.pem", folder / "key.pub.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    record(folder, *SAID, key=f"file:{private}")
    settings = Records.Settings.model_validate({"name": "r", "folder": folder, "public_keys": [public]})
    (entry,) = (await Records(settings, Evidence()).register("baa")).entries
    assert (entry.signature, entry.found) == ("valid", "match")


@pytest.mark.parametrize(
    ("key", "what"),
    [
        pytest.param("aws-kms:x", "is no place of keys", id="another scheme"),
        pytest.param("key.pem", "is no place of keys", id="no scheme"),
        pytest.param("file:gone.pem", "no Ed25519 private key", id="no file"),
    ],
)
def test_keys_that_cannot_sign_are_refused(folder: Path, key: str, what: str) -> None:
    with pytest.raises(MeshGuardError, match=what):
        record(folder, *SAID, key=key)
    assert not (folder / "baa.yaml").exists()


def test_what_is_missing_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["ciso", "", "aws.txt", "aws-1", "2026-01-31", "2027-01-31", "", "aws", "s3, rds"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
    write_record("baa", folder, (), asking=True)
    assert (folder / "baa.yaml").read_text() == "kind: baa\nentries:\n" + items(WRITTEN)


def test_without_a_terminal_nothing_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("ciso\n"))
    with pytest.raises(MeshGuardError, match="missing: signed_by"):
        write_record("baa", folder, ())


def test_two_at_once_lose_no_entry(folder: Path) -> None:
    threads = [threading.Thread(target=record, args=(folder, f"id=e{n}", *SAID[1:])) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (folder / "baa.yaml").read_text().count("- id: e") == 8
