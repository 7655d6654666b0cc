"""Signatures of records: Ed25519 (RFC 8032) over the canonical JSON of all that an entry says.

The signed text names the kind too, so that an entry cannot be moved into another register; what has its default
value is left out, so that a field that a later version adds breaks no signature.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from meshguard.errors import MeshGuardError
from meshguard.values import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshguard.records.statement import SignatureState, Statement

SCHEMA = "meshguard.record/1"
MAX_KEY_FILE = 10_000
_UNREADABLE = (OSError, ValueError, TypeError, UnsupportedAlgorithm)


def signed_text(kind: str, statement: Statement) -> bytes:
    """What is signed."""
    said = statement.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"signature"})
    return canonical_json({"schema": SCHEMA, "kind": kind, "says": said}).encode()


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the key's 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def public_key(path: Path) -> Ed25519PublicKey:
    """The Ed25519 public key in a PEM file.

    Raises:
        MeshGuardError: there is none in it.
    """
    try:
        found = load_pem_public_key(_bytes(path))
    except _UNREADABLE:
        found = None
    if not isinstance(found, Ed25519PublicKey):
        fix = "give a PEM file of an Ed25519 public key (`openssl pkey -in KEY -pubout`)"
        raise MeshGuardError("no Ed25519 public key can be read from it", where=str(path), fix=fix) from None
    return found


def private_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 private key in a PEM file without a passphrase.

    Raises:
        MeshGuardError: there is none in it.
    """
    try:
        found = load_pem_private_key(_bytes(path), password=None)
    except _UNREADABLE:
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        fix = "give a PEM file without a passphrase (`openssl genpkey -algorithm ed25519`)"
        raise MeshGuardError("no Ed25519 private key can be read from it", where=str(path), fix=fix) from None
    return found


def _bytes(path: Path) -> bytes:
    if not path.is_file() or path.stat().st_size > MAX_KEY_FILE:
        raise ValueError("no key file")
    return path.read_bytes()


def signature_of(kind: str, statement: Statement, key: Ed25519PrivateKey) -> str:
    """The signature in base64; the statement names the key already."""
    return base64.b64encode(key.sign(signed_text(kind, statement))).decode()


class Keys:
    """The public keys that the deployment accepts."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._known = {key_id(key): key for key in map(public_key, paths)}

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, sorted."""
        return tuple(sorted(self._known))

    def state(self, kind: str, statement: Statement) -> SignatureState:
        """What the signature of a statement is worth."""
        if statement.signature is None:
            return "absent"
        if statement.key is not None:
            tried = [self._known[statement.key]] if statement.key in self._known else []
        else:
            tried = list(self._known.values())
        if not tried:
            return "unknown-key"
        text, signature = signed_text(kind, statement), base64.b64decode(statement.signature)
        return "valid" if any(_verifies(key, signature, text) for key in tried) else "invalid"


def _verifies(key: Ed25519PublicKey, signature: bytes, text: bytes) -> bool:
    try:
        key.verify(signature, text)
    except InvalidSignature:
        return False
    return True
