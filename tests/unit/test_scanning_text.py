"""One text: encodings, places, what is hidden in it, what somebody accepted."""

from __future__ import annotations

import base64
import codecs

import pytest
from tests.evidence.scanning.grow import Grower

from meshguard.targets.scanning import Baseline, Rules, Scanner
from meshguard.targets.scanning.findings import Finding
from meshguard.targets.scanning.text import context_of

RULES = Rules.load()
GROW = Grower(7)
PASSWORD = GROW("{b62:16}")
TOKEN = GROW("glpat-{b62:20}")
LINE = f"password: {PASSWORD}\n"


def scan(data: bytes, path: str = "config/app.yaml", baseline: Baseline | None = None) -> tuple[Finding, ...]:
    scanner = Scanner(RULES, b"salt", baseline) if baseline else Scanner(RULES, b"salt")
    return scanner.scan_text(data, path).findings


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(LINE.encode(), id="UTF-8"),
        pytest.param(codecs.BOM_UTF8 + LINE.encode(), id="UTF-8 with a mark"),
        pytest.param(codecs.BOM_UTF16_LE + LINE.encode("utf-16-le"), id="UTF-16 little-endian with a mark"),
        pytest.param(codecs.BOM_UTF16_BE + LINE.encode("utf-16-be"), id="UTF-16 big-endian with a mark"),
        pytest.param(LINE.encode("utf-16-le"), id="UTF-16 little-endian without a mark"),
        pytest.param(LINE.encode("utf-16-be"), id="UTF-16 big-endian without a mark"),
        pytest.param(codecs.BOM_UTF32_LE + LINE.encode("utf-32-le"), id="UTF-32 with a mark"),
        pytest.param(b"\xff\xfe\xfd\n".replace(b"\xff\xfe", b"\xe4\xf6") + LINE.encode(), id="Latin-1 before it"),
        pytest.param(b"x" * 200_000 + b"\r\n" + LINE.encode().replace(b"\n", b"\r\n"), id="a long line before it"),
    ],
)
def test_a_secret_is_found_in(data: bytes) -> None:
    (finding,) = scan(data)
    assert (finding.length, finding.confidence) == (16, "medium")


@pytest.mark.parametrize(
    ("data", "note"),
    [
        pytest.param(b"\x7fELF\0\0\0" + LINE.encode(), "binary", id="a NUL byte"),
        pytest.param(LINE.encode() * 2000 + b"\0", "binary", id="a NUL byte later in the first 64 KiB"),
        pytest.param(b"password " * 20_000 + b"\n", "not wholly looked at", id="nothing but keywords"),
        pytest.param(LINE.encode(), "", id="a text"),
        pytest.param(b"", "", id="an empty file"),
    ],
)
def test_what_was_not_looked_at_is_said(data: bytes, note: str) -> None:
    said = Scanner(RULES, b"salt").scan_text(data, "a.bin").note
    assert said.startswith(note)
    assert bool(said) == bool(note)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        pytest.param(f"x\nvalue = {TOKEN}\n", 2, 9, id="the second line"),
        pytest.param(f"é = '{TOKEN}'\n", 1, 6, id="a letter of two bytes before it counts as one"),
        pytest.param(f"a: '\\n{TOKEN}'", 1, 7, id="an escaped line break before it"),
    ],
)
def test_the_place_is_in_characters(text: str, line: int, column: int) -> None:
    (finding,) = scan(text.encode())
    assert (finding.line, finding.column) == (line, column)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        pytest.param(f"data: {b64(f'token for you: {TOKEN}')}\n", "base64", id="base64"),
        pytest.param(f"data: {b64(LINE).rstrip('=')}\n", "base64", id="base64 without padding"),
        pytest.param(f"data: {LINE.encode().hex()}\n", "hex", id="hexadecimal"),
        pytest.param(f"x=https%3A%2F%2Facme.io%2F%3Fa%3D{TOKEN}%26b\n", "url", id="percent signs"),
        pytest.param(
            f"kind: Secret\nmetadata:\n  name: a\ndata:\n  anything: {b64(PASSWORD)}\n",
            "base64",
            id="a Kubernetes Secret",
        ),
        pytest.param(
            f'{{"auths": {{"registry.acme.io": {{"auth": "{b64("ci:" + PASSWORD)}"}}}}}}',
            "",
            id="credentials of Docker",
        ),
    ],
)
def test_what_is_encoded_is_found(text: str, decoded: str) -> None:
    (finding,) = scan(text.encode())
    assert finding.decoded == decoded


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"kind: Secret\ndata:\n  username: {b64('administrator-of-it')}\n", id="the user of a Secret"),
        pytest.param(f"kind: Secret\ndata:\n  password: {b64('changeme')}\n", id="a placeholder in a Secret"),
        pytest.param(f"kind: ConfigMap\ndata:\n  anything: {b64(PASSWORD)}\n", id="a ConfigMap"),
        pytest.param(f'{{"auth": "{b64("user:password")}"}}', id="a placeholder for Docker"),
        pytest.param(f"data: {b64(b64(LINE))}\n", id="base64 in base64: one pass, not two"),
    ],
)
def test_what_is_encoded_and_no_secret_is_left_alone(text: str) -> None:
    assert scan(text.encode()) == ()


@pytest.mark.parametrize(
    ("path", "context", "confidence"),
    [
        pytest.param("src/app.py", "source", "high", id="source"),
        pytest.param("tests/test_app.py", "test", "medium", id="a test is lowered, not skipped"),
        pytest.param("app/LoginTest.java", "test", "medium", id="a test of Java"),
        pytest.param("docs/guide.md", "docs", "medium", id="documentation"),
        pytest.param(".env.example", "example", "medium", id="an example"),
        pytest.param("package-lock.json", "lock", "medium", id="a lock file"),
        pytest.param("static/app.min.js", "generated", "medium", id="minified"),
        pytest.param("contest/app.py", "source", "high", id="contest is no test"),
    ],
)
def test_the_path_sets_context_and_confidence(path: str, context: str, confidence: str) -> None:
    (finding,) = scan(f"x = '{TOKEN}'\n".encode(), path)
    assert (finding.context, finding.confidence) == (context, confidence)


@pytest.mark.parametrize(
    "path", [pytest.param("/".join(["a"] * 3000), id="deep"), pytest.param("a" * 5000 + ".py", id="long")]
)
def test_no_path_is_slow(path: str) -> None:
    assert context_of(path) == "source"


@pytest.mark.parametrize(
    ("text", "by"),
    [
        pytest.param(f"a: {TOKEN}  # meshguard:allow\n", "inline", id="our comment"),
        pytest.param(f"a: {TOKEN}  # gitleaks:allow\n", "inline", id="gitleaks' comment"),
        pytest.param(f"a: {TOKEN}  # pragma: allowlist secret\n", "inline", id="detect-secrets' comment"),
        pytest.param(
            f"# pragma: allowlist nextline secret\na: {TOKEN}\n", "inline", id="the comment of the line before"
        ),
    ],
)
def test_a_comment_suppresses_and_is_counted(text: str, by: str) -> None:
    result = Scanner(RULES, b"salt").scan_text(text.encode(), "a.yaml")
    assert result.findings == ()
    assert [entry.by for entry in result.suppressed] == [by]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"# meshguard:allow\na: {TOKEN}\n", id="a comment on another line"),
        pytest.param(f"a: {TOKEN}  # allow\n", id="no comment of ours"),
    ],
)
def test_other_comments_suppress_nothing(text: str) -> None:
    assert len(scan(text.encode())) == 1


def test_a_baseline_accepts_the_secret_in_its_file_on_any_line() -> None:
    salt = b"salt of the baseline"
    found = Scanner(RULES, salt).scan_text(LINE.encode(), "a.yaml").findings
    baseline = Baseline.of(found, salt)
    assert scan(b"\n\n" + LINE.encode(), "a.yaml", baseline) == ()
    assert len(scan(LINE.encode(), "b.yaml", baseline)) == 1
    assert len(scan(LINE.replace("password: ", "password: Z").encode(), "a.yaml", baseline)) == 1
    assert PASSWORD not in baseline.to_json()


@pytest.mark.parametrize(
    "path",
    [pytest.param("certs/site.p12", id="PKCS 12"), pytest.param("store.JKS", id="a Java key store")],
)
def test_a_container_of_keys_is_found_by_its_name(path: str) -> None:
    result = Scanner(RULES, b"salt").scan_text(b"\x30\x82\0\0", path)
    assert [finding.rule for finding in result.findings] == ["key-container"]
    assert result.note.startswith("binary")


@pytest.mark.parametrize(
    ("path", "text", "rule"),
    [
        pytest.param(".pgpass", f"db:5432:app:svc:{PASSWORD}\n", "pgpass-password", id=".pgpass"),
        pytest.param("config/master.key", GROW("{hex:32}"), "rails-master-key", id="the master key of Rails"),
        pytest.param("settings.xml", f"<password>{PASSWORD}</password>", "maven-password", id="Maven"),
        pytest.param(".npmrc", f"//npm.acme.io/:_authToken={TOKEN[6:]}", "npmrc-token", id=".npmrc"),
        pytest.param("dump.sql", GROW("(1, '$2y$12${b62:53}')"), "dumped-hash", id="a hash in a dump"),
        pytest.param("shadow", GROW("root:$6${b62:16}${b62:86}:19000:0:::"), "htpasswd-hash", id="a hash in shadow"),
        pytest.param("a.json", GROW('{"identitytoken": "{b62:64}"}'), "docker-identity-token", id="a token of Docker"),
        pytest.param("a.json", f'{{"auth": "{b64("ci:" + PASSWORD)}"}}', "registry-auth", id="credentials of Docker"),
    ],
)
def test_files_of_one_purpose(path: str, text: str, rule: str) -> None:
    assert [finding.rule for finding in scan(text.encode(), path)] == [rule]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("pgpass.md", f"db:5432:app:svc:{PASSWORD}\n", id="the form of .pgpass in another file"),
        pytest.param("config/other.key", GROW("{hex:32}"), id="32 digits in another file"),
        pytest.param("notes.txt", GROW("(1, '$2y$12${b62:53}')"), id="a hash in another file"),
    ],
)
def test_the_same_in_other_files_is_left_alone(path: str, text: str) -> None:
    assert scan(text.encode(), path) == ()
