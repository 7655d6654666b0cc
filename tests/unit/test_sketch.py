from __future__ import annotations

import base64
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshguard.sketch import Sketch, Sketcher

LETTERS = "ghijkmnoqrsuvwxyz" + "GHIJKLMNOPQRSTUVWXYZ" + "!#$%&()*+-/;<=>?@^|~äß€"
"""No hexadecimal digit, so that an alias cannot hold a piece of a secret by chance."""


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def jwt(header: object, claims: object, signature: str = "c2lnbmF0dXJl") -> str:
    return f"{part(header)}.{part(claims)}.{signature}"


@given(st.text(LETTERS, min_size=4, max_size=200))
def test_no_piece_of_a_secret_is_in_its_sketch(secret: str) -> None:
    fields = " ".join(Sketch.model_fields) + " empty jwt uuid hex number base64 text null true false"
    text = Sketcher()(secret, long_enough=True).model_dump_json()
    pieces = {secret[i : i + 4] for i in range(len(secret) - 3)}
    assert not [piece for piece in pieces if piece in text and piece not in fields]


@given(
    st.dictionaries(st.sampled_from(["sub", "name", "email", "role", "jti", "nonce"]), st.text(LETTERS, min_size=4)),
    st.text(LETTERS, min_size=4),
)
def test_no_other_claim_of_a_jwt_is_in_its_sketch(claims: dict[str, str], signature: str) -> None:
    secret = jwt({"alg": "HS256", "x5c": "certificate"}, {**claims, "exp": 1}, signature.replace(".", "_"))
    text = Sketcher()(secret).model_dump_json()
    assert "certificate" not in text
    assert not [value for value in claims.values() if value in text]
    assert all(secret[i : i + 8] not in text for i in range(len(secret) - 7))


@given(st.text(max_size=60), st.text(max_size=60))
def test_an_alias_is_equal_exactly_where_the_secrets_are(one: str, other: str) -> None:
    sketch = Sketcher()
    assert (sketch(one).alias == sketch(other).alias) == (one == other)


@given(st.text(max_size=300))
def test_any_text_has_a_sketch_with_its_length(secret: str) -> None:
    sketch = Sketcher()(secret)
    assert sketch.length == len(secret)
    assert 0 <= sketch.entropy <= len(secret) * 21
    assert Sketch.model_validate_json(sketch.model_dump_json()) == sketch


def test_two_audits_give_one_secret_two_aliases() -> None:
    assert Sketcher()("hunter22").alias != Sketcher()("hunter22").alias


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param("123e4567-e89b-12d3-a456-426614174000", "uuid", id="an UUID"),
        pytest.param("0123456789", "number", id="digits"),
        pytest.param("deadBEEF", "hex", id="hexadecimal"),
        pytest.param("deadbee", "text", id="an odd number of hexadecimal digits"),
        pytest.param("QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "base64", id="base64"),
        pytest.param("short_one", "text", id="too short for base64"),
        pytest.param("correct horse", "text", id="words"),
        pytest.param(jwt({"alg": "none"}, {}), "jwt", id="a JWT"),
        pytest.param(jwt({"typ": "JWT"}, {}), "text", id="no alg, no JWT"),
        pytest.param(jwt(["alg"], {}), "text", id="a header that is no object"),
        pytest.param("ey.ey.ey", "text", id="three parts that are no JSON"),
        pytest.param("eyJ" + "[" * 5000 + ".e30.x", "text", id="nonsense of some length"),
    ],
)
def test_kinds(secret: str, kind: str) -> None:
    assert Sketcher()(secret).kind == kind


def test_of_a_jwt_the_header_and_the_named_claims_are_known() -> None:
    claims = {"exp": 2, "iat": 1, "iss": "me", "aud": ["a", "b"], "sub": "patient-17", "nbf": None}
    sketch = Sketcher()(jwt({"alg": "RS256", "typ": "JWT", "kid": "k1", "jku": "https://evil.example"}, claims))
    assert sketch.jwt_header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert sketch.jwt_claims == {"exp": 2, "iat": 1, "iss": "me"}


def test_a_jwt_with_half_a_surrogate_pair_is_still_a_sketch() -> None:
    sketch = Sketcher()(jwt({"alg": "HS256", "kid": "\ud800"}, {"iss": "\udfff", "exp": 1}))
    assert sketch.kind == "jwt"
    assert sketch.model_dump_json()


@pytest.mark.parametrize(
    ("secret", "bits"),
    [
        pytest.param("", 0.0, id="nothing"),
        pytest.param("aaaaaaaa", 0.0, id="one character"),
        pytest.param("abababab", 8.0, id="two characters evenly"),
        pytest.param("0123456789abcdef", 64.0, id="sixteen characters once"),
        pytest.param(string.ascii_letters, 296.4, id="all letters once"),
    ],
)
def test_entropy(secret: str, bits: float) -> None:
    assert Sketcher()(secret).entropy == bits


def test_named_tests_are_kept() -> None:
    assert Sketcher()("x", default_password=True).tests == {"default_password": True}
