"""Registers as they are read from a folder: values, mistakes with their lines, and what is refused."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from meshguard.api import Evidence, NotObserved
from meshguard.records.kinds import KINDS, EventKind, Kind, StandingKind
from meshguard.records.register import load_register, record_schema, register_model
from meshguard.records.sign import key_id, signature_of
from meshguard.records.statement import Statement
from meshguard.targets.records import Records, Register

TEXT = b"agreement\n"
SHA = hashlib.sha256(TEXT).hexdigest()
GOOD = f"""\
kind: baa
entries:
  - id: aws-1
    vendor: aws
    services: [s3]
    signed_by: ciso
    date: 2026-01-31
    valid_until: 2027-01-31
    document: aws.txt
    sha256: {SHA}
"""


def records(folder: Path, **settings: Any) -> Records:
    return Records(Records.Settings.model_validate({"name": "r", "folder": folder, **settings}), Evidence())


async def read(folder: Path, text: str | bytes, kind: str = "baa", **settings: Any) -> Register:
    (folder / f"{kind}.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return await records(folder, **settings).register(kind)


async def refusal(folder: Path, text: str | bytes, kind: str = "baa", **settings: Any) -> str:
    with pytest.raises(NotObserved) as caught:
        await read(folder, text, kind, **settings)
    return caught.value.reason


async def test_a_register_is_read_with_its_lines_and_its_document(tmp_path: Path) -> None:
    (tmp_path / "aws.txt").write_bytes(TEXT)
    found = await read(tmp_path, GOOD, required={"baa": ["aws"]})
    (one,) = found.entries
    assert (one.id, one.item, one.where, one.found) == ("aws-1", "aws", f"{tmp_path}/baa.yaml:3", "match")
    assert (one.signature, found.required, found.keys, found.none) == ("absent", ("aws",), (), None)


async def test_a_register_that_is_not_there_is_a_value(tmp_path: Path) -> None:
    assert not (await records(tmp_path).register("baa")).found


async def test_the_folder_lists_its_registers_and_counts_what_is_none(tmp_path: Path) -> None:
    for name in ("breach.yaml", "baa.yaml", "baaa.yaml", "notes.txt"):
        (tmp_path / name).touch()
    found = await records(tmp_path).registers()
    assert [str(one) for one in found.items] == ["baa", "breach"]
    assert [one.count for one in found.left_out] == [1]


@pytest.mark.parametrize("ask", [pytest.param("registers", id="list"), pytest.param("register", id="register")])
async def test_a_folder_that_is_not_there_is_not_observed(tmp_path: Path, ask: str) -> None:
    target = records(tmp_path / "none")
    with pytest.raises(NotObserved, match="there is no such folder"):
        await (target.registers() if ask == "registers" else target.register("baa"))


async def test_an_unknown_kind_is_not_observed(tmp_path: Path) -> None:
    with pytest.raises(NotObserved, match="'baaa' is no kind of record"):
        await records(tmp_path).register("baaa")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("id: aws-1", "id: 7", "baa.yaml:3: entries.0.id: read as a number", id="a number as id"),
        pytest.param("id: aws-1", "id: 2026-01-31", "entries.0.id: read as a date", id="a date as id"),
        pytest.param("vendor: aws", "vendor: no", "entries.0.vendor: read as true or false", id="no as a vendor"),
        pytest.param("vendor: aws", "vendor:", "read as nothing", id="an empty vendor"),
        pytest.param("vendor: aws", 'vendor: ""', "at least 1 character", id="a vendor without letters"),
        pytest.param(
            "vendor: aws",
            "vendr: aws",
            "baa.yaml:4: unknown key 'entries.0.vendr' (did you mean 'vendor'?)",
            id="a typo",
        ),
        pytest.param("    vendor: aws\n", "", "baa.yaml:3: 'entries.0.vendor' is missing", id="no vendor"),
        pytest.param("vendor: aws", 'vendor: "a\\nb"', "holds a line break", id="two lines"),
        pytest.param("vendor: aws", 'vendor: "\\e[31m"', "not printed", id="an escape sequence"),
        pytest.param("ciso", "jo@example.org", "without an address", id="an e-mail address as signer"),
        pytest.param(
            "date: 2026-01-31", "date: 2026-01-31T10:00:00Z", "write a day", id="a time where a day is wanted"
        ),
        pytest.param("date: 2026-01-31", "date: 1769817600", "write a day", id="seconds where a day is wanted"),
        pytest.param("date: 2026-01-31", "date: 31.01.2026", "write a day", id="another order of the day"),
        pytest.param("date: 2026-01-31", "date: 2026-02-30", "does not fit", id="a day that no calendar has"),
        pytest.param("date: 2026-01-31", "date: 0202-01-31", "a day from 1990-01-01", id="a day of another age"),
        pytest.param(
            "date: 2026-01-31", "date: 2027-02-01", "`valid_until` 2027-01-31 is before `date`", id="ends first"
        ),
        pytest.param("valid_until: 2027-01-31", "reviewed: 2026-02-01", "it holds for ever", id="no end"),
        pytest.param("valid_until: 2027-01-31", "review_every: 12", "is no duration", id="a review without a unit"),
        pytest.param("valid_until: 2027-01-31", "review_every: 12h", "write 1d to 3660d", id="a review twice a day"),
        pytest.param("valid_until: 2027-01-31", "review_every: 3661d", "write 1d to 3660d", id="a review for ever"),
        pytest.param(f"    sha256: {SHA}\n", "", "sha256 is missing", id="a document without its digest"),
        pytest.param(SHA, "abc", "64 hexadecimal digits", id="half a digest"),
        pytest.param("aws.txt", "https://u:p@h/x", "without credentials", id="a URL with a password"),
        pytest.param("aws.txt", "https://h/x?token=1", "without credentials and query", id="a signed URL"),
        pytest.param("kind: baa", "kind: dpia", "write `kind: baa`", id="another kind"),
        pytest.param("kind: baa\n", "", "'kind' is missing", id="no kind"),
        pytest.param("services: [s3]", "services: []", "at least 1", id="no service"),
        pytest.param("services: [s3]", "services: s3", "valid tuple", id="a text as list"),
        pytest.param("vendor: aws", "vendor: aws\n    vendor: azure", "stands twice", id="a key twice"),
        pytest.param("signed_by: ciso", "signed_by: ciso\n    signature: AAAA", "pattern", id="no signature at all"),
        pytest.param(
            "signed_by: ciso", "signed_by: ciso\n    key: 0123456789abcdef", "a key and no signature", id="a key alone"
        ),
    ],
)
async def test_mistakes_are_told_at_their_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert said in await refusal(tmp_path, GOOD.replace(old, new, 1))


async def test_every_mistake_is_told(tmp_path: Path) -> None:
    second = GOOD.partition("entries:\n")[2]
    text = (GOOD + second + second.replace("aws-1", "AWS-1")).replace("vendor: aws", "vendor: 1", 1)
    reason = await refusal(tmp_path, text)
    assert "baa.yaml:4: entries.0.vendor" in reason
    assert "baa.yaml:11: the id 'aws-1' stands twice" in reason
    assert "baa.yaml:19: the id 'AWS-1' stands twice" in reason


async def test_very_many_mistakes_are_counted(tmp_path: Path) -> None:
    text = "kind: baa\nentries:\n" + "  - {}\n" * 300
    reason = await refusal(tmp_path, text)
    assert len(reason) < 4000
    assert " more" in reason


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("# nothing", id="a comment alone"),
        pytest.param("- a\n- b\n", id="a list"),
        pytest.param("kind: [", id="no YAML"),
        pytest.param("kind: baa\n---\nkind: baa\n", id="two documents"),
        pytest.param(b"kind: \xff\xfe", id="no text"),
        pytest.param("kind: !!python/object/apply:os.system [id]", id="a tag that runs code"),
        pytest.param("a: &a [x, x]\nb: &b [*a, *a]\n" + "c: *b\n", id="anchors"),
        pytest.param("kind: baa\nentries: null\n", id="entries that are nothing"),
        pytest.param("kind: baa\nentries: {id: a}\n", id="entries that are no list"),
        pytest.param("kind: baa\nnone: true\n", id="none without who and when"),
        pytest.param("[" * 5000, id="very deep"),
        pytest.param("x" * 6_000_000, id="very long"),
    ],
)
async def test_hostile_files_are_not_observed(tmp_path: Path, text: str | bytes) -> None:
    assert "baa.yaml" in await refusal(tmp_path, text)


async def test_none_and_entries_contradict_each_other(tmp_path: Path) -> None:
    none = "none: {signed_by: dpo, date: 2026-01-01, valid_until: 2026-12-31, reason: no vendor}\n"
    assert "remove one" in await refusal(tmp_path, GOOD + none)
    found = await read(tmp_path, "kind: baa\n" + none)
    assert found.none is not None
    assert (found.none.id, found.none.where, found.entries) == ("none", f"{tmp_path}/baa.yaml:2", ())


@pytest.mark.parametrize("kind", [kind for kind, model in KINDS.items() if not model.may_be_none])
async def test_what_is_demanded_cannot_be_declared_absent(tmp_path: Path, kind: str) -> None:
    text = f"kind: {kind}\nnone: {{signed_by: dpo, date: 2026-01-01, valid_until: 2026-12-31, reason: none}}\n"
    assert "cannot be declared absent" in await refusal(tmp_path, text, kind)


@pytest.mark.parametrize(
    ("kind", "said", "reason"),
    [
        pytest.param(
            "breach", "discovered: 2026-02-02, notified: 2026-02-01, affected: 1", "`notified`", id="notified first"
        ),
        pytest.param("breach", "discovered: 2026-02-02, affected: true", "integer", id="true persons"),
        pytest.param("breach", "discovered: 2026-02-02, affected: -1", "greater", id="less than no person"),
        pytest.param(
            "post-incident", "incident: x, ended: 2026-02-02, reviewed: 2026-02-01", "`reviewed`", id="reviewed first"
        ),
        pytest.param(
            "post-incident", "incident: x, ended: 2026-02-02, reviewed: 2026-02-03", "document", id="no report"
        ),
    ],
)
async def test_mistakes_of_events(tmp_path: Path, kind: str, said: str, reason: str) -> None:
    text = f"kind: {kind}\nentries:\n  - {{id: a, signed_by: ciso, {said}}}\n"
    assert reason in await refusal(tmp_path, text, kind)


@pytest.mark.parametrize(
    ("document", "state"),
    [
        pytest.param("aws.txt", "match", id="the file"),
        pytest.param("./sub/../aws.txt", "match", id="a detour inside"),
        pytest.param("inner.txt", "match", id="a link inside"),
        pytest.param("other.txt", "differs", id="another file"),
        pytest.param("gone.txt", "missing", id="no file"),
        pytest.param("aws.txt/x", "missing", id="a file as a folder"),
        pytest.param("dangling.txt", "missing", id="a link to nothing inside"),
        pytest.param("../secret.txt", "outside", id="dots that lead out"),
        pytest.param("../gone.txt", "outside", id="dots that lead out to nothing"),
        pytest.param("/etc/passwd", "outside", id="another place of the machine"),
        pytest.param("outer.txt", "outside", id="a link that leads out"),
        pytest.param("outer/secret.txt", "outside", id="a linked folder that leads out"),
        pytest.param("sub", "not-a-file", id="a folder"),
        pytest.param("pipe", "not-a-file", id="a pipe that nobody writes"),
        pytest.param("loop", "unreadable", id="links in a circle"),
        pytest.param("sparse", "too-large", id="a gigabyte of nothing"),
        pytest.param("a" * 200, "missing", id="a long name"),
        pytest.param("https://h.example/x", "not-fetched", id="a URL"),
        pytest.param("file:///etc/passwd", "not-fetched", id="a URL of a file"),
    ],
)
async def test_documents(tmp_path: Path, document: str, state: str) -> None:
    folder = tmp_path / "records"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret.txt").write_bytes(TEXT)
    (folder / "aws.txt").write_bytes(TEXT)
    (folder / "other.txt").write_bytes(b"")
    for name, to in {"inner.txt": "aws.txt", "dangling.txt": "gone.txt", "outer.txt": "../secret.txt"}.items():
        (folder / name).symlink_to(to)
    (folder / "outer").symlink_to("..")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    with (folder / "sparse").open("wb") as file:
        file.truncate(1_000_000_000)
    began = time.monotonic()
    found = await read(folder, GOOD.replace("aws.txt", document))
    assert found.entries[0].found == state
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("what", ["folder", "pipe", "loop", "link out", "dangling", "yml"])
async def test_registers_that_are_no_files_are_not_observed(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    (tmp_path / "outside.yaml").write_text(GOOD)
    path = folder / "baa.yaml"
    make: dict[str, Callable[[], object]] = {
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "loop": lambda: path.symlink_to("baa.yaml"),
        "link out": lambda: path.symlink_to("../outside.yaml"),
        "dangling": lambda: path.symlink_to("gone.yaml"),
        "yml": lambda: path.with_suffix(".yml").write_text(GOOD),
    }
    make[what]()
    with pytest.raises(NotObserved, match=r"baa\.yaml"):
        await records(folder).register("baa")


async def test_five_hundred_entries_are_read_fast(tmp_path: Path) -> None:
    (tmp_path / "aws.txt").write_bytes(TEXT)
    head, _, one = GOOD.partition("  - id")
    text = head + "".join("  - id" + one.replace("aws-1", f"aws-{number}") for number in range(500))
    began = time.monotonic()
    found = await read(tmp_path, text)
    assert (len(found.entries), {entry.found for entry in found.entries}) == (500, {"match"})
    assert found.entries[499].where.endswith("baa.yaml:3995")
    assert time.monotonic() - began < 5


def _signed(folder: Path, name: str = "key") -> tuple[str, str]:
    """A register with a signed entry, and its public key in the folder."""
    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pem").write_bytes(pem)
    (folder / "aws.txt").write_bytes(TEXT)
    path = folder / "baa.yaml"
    named = GOOD + f"    key: {key_id(key.public_key())}\n"
    path.write_text(named + f"    signature: {'A' * 86}==\n")
    loaded = load_register(path, "baa")
    assert loaded is not None
    return named + f"    signature: {signature_of('baa', loaded.file.entries[0], key)}\n", f"{folder}/{name}.pem"


@pytest.mark.parametrize(
    ("old", "new", "state"),
    [
        pytest.param("", "", "valid", id="as it was signed"),
        pytest.param("vendor: aws\n", "vendor: 'aws' # a comment\n", "valid", id="quotes and comments are not signed"),
        pytest.param("2027-01-31", "2037-01-31", "invalid", id="a later end"),
        pytest.param(SHA, "a" * 64, "invalid", id="another document"),
        pytest.param("id: aws-1", "id: aws-2", "invalid", id="another id"),
        pytest.param("signed_by: ciso", "signed_by: ceo", "invalid", id="another signer"),
    ],
)
async def test_signatures(tmp_path: Path, old: str, new: str, state: str) -> None:
    text, key = _signed(tmp_path)
    found = await read(tmp_path, text.replace(old, new, 1) if old else text, public_keys=[key])
    assert found.entries[0].signature == state


async def test_a_signature_by_another_key_is_of_an_unknown_key(tmp_path: Path) -> None:
    text, _ = _signed(tmp_path)
    _, other = _signed(tmp_path, "other")
    found = await read(tmp_path, text, public_keys=[other])
    assert (found.entries[0].signature, len(found.keys)) == ("unknown-key", 1)
    without = "\n".join(line for line in text.splitlines() if "key:" not in line)
    assert (await read(tmp_path, without, public_keys=[other])).entries[0].signature == "invalid"
    assert (await read(tmp_path, without)).entries[0].signature == "unknown-key"


@pytest.mark.parametrize("content", [b"", b"no key", None], ids=["empty", "no PEM", "no file"])
async def test_a_public_key_that_cannot_be_read_is_not_observed(tmp_path: Path, content: bytes | None) -> None:
    key = tmp_path / "k.pem"
    if content is not None:
        key.write_bytes(content)
    assert "k.pem: no Ed25519 public key" in await refusal(tmp_path, GOOD, public_keys=[key])


def test_all_kinds_have_a_model() -> None:
    assert set(KINDS) == set(get_args(Kind)) == {*get_args(StandingKind), *get_args(EventKind)}


@pytest.mark.parametrize("kind", list(KINDS))
def test_schemas_are_schemas_and_refuse_unknown_keys(kind: str) -> None:
    schema = record_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate({"kind": kind, "entries": []})
    for wrong in ({"kind": "other"}, {"kind": kind, "more": 1}, {"kind": kind, "entries": [{}]}):
        assert not validator.is_valid(wrong)
    none = {"signed_by": "dpo", "date": "2026-01-01", "valid_until": "2026-12-31", "reason": "there is none"}
    assert validator.is_valid({"kind": kind, "none": none}) == KINDS[kind].may_be_none


def test_a_statement_without_days_can_not_be_made() -> None:
    with pytest.raises(TypeError, match="abstract method days"):
        Statement.model_validate({"signed_by": "ciso"})
    assert register_model("baa") is register_model("baa")
