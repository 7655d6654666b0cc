"""Whether a value is a password or key, at the boundary of each rule; and the tests that formats allow."""

from __future__ import annotations

import base64

import pytest
from tests.evidence.scanning.grow import Grower

from meshguard.targets.scanning.confirm import crc32_of_github, decoded64, is_jwt, is_user_and_password
from meshguard.targets.scanning.strength import is_placeholder, is_reference, is_wordlike, password, token

GROW = Grower(3)


@pytest.mark.parametrize(
    ("value", "code", "settings"),
    [
        pytest.param("kX9vB2nQ", "strong", "strong", id="random, eight characters"),
        pytest.param("kX9vB2n", "none", "fair", id="random, seven characters"),
        pytest.param("Winter2024!", "strong", "strong", id="four classes"),
        pytest.param("violet*192maple", "strong", "strong", id="words round a sign and a number"),
        pytest.param("acmeProd88", "fair", "fair", id="words and a number at the end"),
        pytest.param("hunter2", "none", "fair", id="a word and a digit"),
        pytest.param("Admin@123", "none", "fair", id="a placeholder's words in four classes"),
        pytest.param("password123", "none", "none", id="a placeholder and a number"),
        pytest.param("swordfish", "none", "none", id="a word"),
        pytest.param("user_password_reset", "none", "none", id="a name of something"),
        pytest.param("Password must be long", "none", "none", id="prose"),
        pytest.param("${DB_PASSWORD}", "none", "none", id="a template"),
        pytest.param("/run/secrets/db", "none", "none", id="a path"),
        pytest.param("пароль1234", "none", "none", id="letters beyond ASCII"),
        pytest.param("a" * 129 + "B1!", "none", "none", id="longer than any password"),
        pytest.param("", "none", "none", id="empty"),
    ],
)
def test_password(value: str, code: str, settings: str) -> None:
    value = value.encode().decode("latin-1")
    assert (password(value, plain=False), password(value, plain=True)) == (code, settings)


@pytest.mark.parametrize(
    ("value", "strength"),
    [
        pytest.param("9f86d081884c7d659a2f", "strong", id="twenty hexadecimal digits"),
        pytest.param("9f86d081884c7d659a2", "fair", id="nineteen hexadecimal digits"),
        pytest.param("dGhpc0lzTm90UmVhbA", "fair", id="eighteen mixed characters"),
        pytest.param("123e4567-e89b-42d3-a456-426614174000", "fair", id="a UUID"),
        pytest.param("aaaaaaaaaaaaaaaaaaaaaaab", "none", id="two characters only"),
        pytest.param("organization_membership_id", "none", id="a name of something"),
        pytest.param("sha256:9f86d081884c7d659a2f", "none", id="a digest that says so"),
        pytest.param("2026-01-01T00:00:00.000Z", "none", id="a time"),
        pytest.param("https://acme.io/token/9f86d081884c", "none", id="an address"),
        pytest.param("%Y-%m-%dT%H:%M:%SZ", "none", id="a format of times"),
        pytest.param("[-!#$%&'*+.^_`|~0-9a-zA-Z]+", "none", id="a regular expression"),
        pytest.param("your-api-key-goes-here-1", "none", id="a placeholder"),
        pytest.param("abcdefghijklmnopqrst", "none", id="the alphabet"),
    ],
)
def test_token(value: str, strength: str) -> None:
    assert token(value, plain=False) == strength


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("changeme", True, id="changeme"),
        pytest.param("xxxxxxxx", True, id="one letter"),
        pytest.param("<your password>", True, id="in angle brackets"),
        pytest.param("12345678", True, id="a row of digits"),
        pytest.param("my-secret-token-1", True, id="words of placeholders"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", True, id="EXAMPLE"),
        pytest.param("hunter2", False, id="hunter2"),
        pytest.param("83947261", True, id="digits alone"),
        pytest.param("abc394x", False, id="letters and digits"),
    ],
)
def test_placeholder(value: str, *, expected: bool) -> None:
    assert is_placeholder(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("${A}", True, id="shell and Spring"),
        pytest.param("{{ a.b }}", True, id="Jinja and Helm"),
        pytest.param("$(cat f)", True, id="a command"),
        pytest.param("process.env.A", True, id="Node"),
        pytest.param("arn:aws:secretsmanager:x", True, id="Secrets Manager"),
        pytest.param("ENC[AES256_GCM,data:x]", True, id="SOPS"),
        pytest.param("op://vault/item", True, id="1Password"),
        pytest.param("pa$$word", False, id="a dollar sign in a password"),
        pytest.param("p(ss)w{rd", False, id="brackets in a password"),
    ],
)
def test_reference(value: str, *, expected: bool) -> None:
    assert is_reference(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("PasswordResetForm", True, id="words in capitals"),
        pytest.param("internationalization", True, id="a long word"),
        pytest.param("xkqzvbnwfjtr", False, id="random letters"),
        pytest.param("a1b2", False, id="too few letters"),
    ],
)
def test_wordlike(value: str, *, expected: bool) -> None:
    assert is_wordlike(value) == expected


def test_the_checksum_of_github() -> None:
    good = GROW("ghp_{github}")
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    assert (crc32_of_github(good), crc32_of_github(wrong)) == (True, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("ci:kX9vB2nQ", True, id="user and password"),
        pytest.param("ci:", False, id="no password"),
        pytest.param("ci:abc", False, id="three characters"),
        pytest.param("user:password", False, id="a placeholder"),
        pytest.param("guest:guest", False, id="the user again"),
        pytest.param("no colon here", False, id="no colon"),
    ],
)
def test_user_and_password(text: str, *, expected: bool) -> None:
    assert is_user_and_password(base64.b64encode(text.encode()).decode()) == expected


def test_a_json_web_token_has_a_header_and_claims() -> None:
    token_, other = GROW("{jwt}"), GROW("eyJ{b62:20}.eyJ{b62:20}.{b62:20}")
    assert (is_jwt(token_), is_jwt(other)) == (True, False)


@pytest.mark.parametrize("text", [pytest.param("!!!!", id="other signs"), pytest.param("A", id="one character")])
def test_what_is_no_base64_is_empty(text: str) -> None:
    assert decoded64(text) == b""
