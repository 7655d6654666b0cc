"""What may be known of a secret: never the secret.

A target names the fields that are secret; each is recorded as a sketch. Checks see sketches, live and in replay,
so a secret reaches no file, log or report. A sketch keeps the kind, the length, the entropy of the characters,
the header and named claims of a JWT, the results of named tests, and an alias: an HMAC under a key that is made
for one audit and thrown away after it, so that equal secrets are seen as equal and nothing can be looked up.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import math
import re
import secrets
from collections import Counter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from meshguard.values import encodable

Kind = Literal["empty", "jwt", "uuid", "hex", "number", "base64", "text"]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CLAIMS = ("exp", "iat", "nbf", "iss", "aud", "typ")
_HEADER = ("alg", "typ", "kid")


class Sketch(BaseModel):
    """What is known of one secret value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    length: int
    """Characters."""
    entropy: float
    """Shannon entropy of the characters as they stand, in bits for the whole value; an upper bound."""
    alias: str
    """Equal within one audit exactly where the secrets are equal; meaningless outside of it."""
    jwt_header: dict[str, str | int] | None = None
    jwt_claims: dict[str, str | int] | None = None
    tests: dict[str, bool] = {}
    """Results of tests that the target named and made on the value itself."""


class Sketcher:
    """Makes sketches under one audit's key."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def __call__(self, secret: str, **tests: bool) -> Sketch:
        """The sketch of `secret`, with the results of tests that the caller made on it."""
        header, claims = _jwt(secret)
        return Sketch(
            kind="jwt" if header is not None else _kind(secret),
            length=len(secret),
            entropy=_entropy(secret),
            alias=hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:16],
            jwt_header=header,
            jwt_claims=claims,
            tests=tests,
        )


def _kind(secret: str) -> Kind:
    if not secret:
        return "empty"
    if _UUID.fullmatch(secret):
        return "uuid"
    if secret.isdecimal():
        return "number"
    if re.fullmatch(r"[0-9a-fA-F]+", secret) and len(secret) % 2 == 0:
        return "hex"
    if re.fullmatch(r"[A-Za-z0-9+/_-]{16,}={0,2}", secret):
        return "base64"
    return "text"


def _entropy(secret: str) -> float:
    size = len(secret)
    per_character = -sum(n / size * math.log2(n / size) for n in Counter(secret).values()) if size else 0.0
    return round(per_character * size, 1)


def _jwt(secret: str) -> tuple[dict[str, str | int] | None, dict[str, str | int] | None]:
    """Header and named claims of a compact JWS (RFC 7515, 7.1), or nothing if it is none."""
    parts = secret.split(".")
    if len(parts) != 3 or not secret.startswith("ey"):
        return None, None
    header, claims = _json_part(parts[0]), _json_part(parts[1])
    if header is None or claims is None or "alg" not in header:
        return None, None
    return _only(header, _HEADER), _only(claims, _CLAIMS)


def _json_part(part: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _only(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, str | int]:
    """Those of the values that are texts or whole numbers."""
    found = {name: values.get(name) for name in names}
    texts: dict[str, str | int] = {name: encodable(value) for name, value in found.items() if isinstance(value, str)}
    return texts | {name: int(value) for name, value in found.items() if isinstance(value, int)}
