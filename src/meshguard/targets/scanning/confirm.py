"""Tests that a format allows: checksums and headers. Those that rules name in `confirm` and `require`."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable
from typing import Any

from meshguard.targets.scanning.strength import has_mark, is_placeholder, is_reference

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(number: int, width: int) -> str:
    """The number in base 62, padded with zeros."""
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits.rjust(width, "0")


def crc32_of_github(secret: str) -> bool:
    """The last six characters are the CRC-32 of what stands before them (GitHub's and npm's tokens)."""
    body = secret.rpartition("_")[2]
    return base62(zlib.crc32(body[:-6].encode()), 6) == body[-6:]


def decoded64(text: str) -> bytes:
    """Base64 of either alphabet, with or without padding; empty where it is none."""
    plain = re.sub(r"\s+", "", text).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def is_user_and_password(secret: str) -> bool:
    """Base64 of `user:password` (RFC 7617), and the password is no placeholder."""
    try:
        user, colon, password = decoded64(secret).decode().partition(":")
    except UnicodeDecodeError:
        return False
    return bool(colon and user and len(password) >= 4 and password.isprintable()) and not (
        is_placeholder(password) or is_reference(password) or password == user
    )


def is_jwt(secret: str) -> bool:
    """A header with `alg`, and claims, both JSON (RFC 7519)."""
    parts = secret.split(".")
    header, claims = _object(parts[0]), _object(parts[1])
    return "alg" in header and bool(claims)


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(decoded64(part))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def is_url_password(secret: str) -> bool:
    """The password of a URL: no reference, no placeholder; how strong it is does not matter."""
    return not (is_placeholder(secret) or is_reference(secret) or "%" == secret[:1] == secret[-1:])


def is_private_key_body(secret: str) -> bool:
    """The body of a PEM: base64 that is long enough and no row of one character."""
    body = re.sub(r"\\[nrt]|[\s\"'+,>|]", "", secret)
    body = body.rpartition(":")[2] if "DEK-Info" in body[:200] else body
    return len(body) >= 40 and not has_mark(body[:200]) and len(set(body)) >= 16


TESTS: dict[str, Callable[[str], bool]] = {
    "crc32-of-github": crc32_of_github,
    "user-and-password": is_user_and_password,
    "jwt": is_jwt,
    "url-password": is_url_password,
    "private-key-body": is_private_key_body,
}
