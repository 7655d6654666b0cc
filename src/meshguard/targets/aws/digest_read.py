"""Verifying digest files of CloudTrail, without a network (AWS CloudTrail User Guide, "Custom implementations of
CloudTrail log file integrity validation" and "CloudTrail digest file structure").

Hashes are SHA-256 over the uncompressed content, in hexadecimal digits, of digest files and log files alike. The
signature is RSA PKCS #1 v1.5 with SHA-256, in hexadecimal digits in the object's metadata, over four lines: the
digest's end, bucket/key, the content's hash, and the signature of the digest before it, or `null` for a first one.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from meshguard.targets.aws.digest_models import Fault, FaultKind

MAX_DIGEST = 64 * 1024 * 1024
"""Bytes of an uncompressed digest file; real ones have some hundred bytes for each log file."""
PIECE = 1024 * 1024
ALGORITHM = "SHA256withRSA"
NAME_TIME = re.compile(r"_(\d{8}T\d{6}Z)(_backfill)?\.json\.gz$")


class Invalid(Exception):
    """A digest file does not verify."""

    def __init__(self, kind: FaultKind, says: str) -> None:
        self.kind: FaultKind = kind
        self.says = says
        super().__init__(says)


@dataclass(frozen=True)
class Log:
    """A log file as a digest file names it."""

    bucket: str
    path: str
    hash: str


@dataclass(frozen=True)
class Digest:
    """A digest file, verified by its signature."""

    bucket: str
    key: str
    start: datetime
    end: datetime
    hash: str
    signature: str
    previous: tuple[str, str] | None
    """Bucket and key of the one before it; None for a first one."""
    previous_hash: str
    previous_signature: str
    logs: tuple[Log, ...]


@dataclass(frozen=True)
class Found:
    """An object as S3 gave it."""

    bucket: str
    key: str
    content: bytes
    """Compressed, as it is stored."""
    metadata: Mapping[str, str]


class Hashing:
    """Hashes a gzip file as it comes in; never holds more than one piece of it."""

    def __init__(self, limit: int) -> None:
        self._hash = sha256()
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._limit = limit
        self.size = 0

    def take(self, data: bytes) -> Iterator[bytes]:
        """Hash what the next bytes unpack to, and hand it on in pieces.

        Raises:
            Invalid: it is no gzip file, is too large, or something follows its end: what reads on there, as gunzip
                does, would see more than was hashed.
        """
        while data:
            if self._inflate.eof:
                raise Invalid("log-changed", "something follows the end of the compressed file")
            try:
                piece = self._inflate.decompress(data, PIECE)
            except zlib.error:
                raise Invalid("log-unreadable", "it is no gzip file") from None
            self.size += len(piece)
            if self.size > self._limit:
                raise Invalid("log-unreadable", f"it unpacks to more than {self._limit} bytes")
            self._hash.update(piece)
            yield piece
            data = self._inflate.unconsumed_tail or self._inflate.unused_data

    def digest(self) -> str:
        """The hash of the whole.

        Raises:
            Invalid: the file ends too early.
        """
        if not self._inflate.eof:
            raise Invalid("log-unreadable", "it ends too early")
        return self._hash.hexdigest()


def ends_at(key: str) -> datetime | None:
    """The end of the hour that a digest file's name tells; None for what is no digest file."""
    match = NAME_TIME.search(key)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def is_late(key: str) -> bool:
    """Whether a digest file is about log files that came too late for their hour: such have no place in the chain."""
    match = NAME_TIME.search(key)
    return match is not None and match[2] is not None


def verified(found: Found, account: str, keys: Mapping[str, bytes]) -> Digest:
    """The digest file, if it is where it was delivered and its signature holds.

    Args:
        found: the object.
        account: whose digest it must be.
        keys: public keys by fingerprint, DER as PKCS #1.

    Raises:
        Invalid: it does not verify.
    """
    content = _unpacked(found.content)
    try:
        said = json.loads(content)
        digest = _digest(found, said, sha256(content).hexdigest())
        if (said["digestS3Bucket"], said["digestS3Object"]) != (found.bucket, found.key):
            raise Invalid("digest-moved", "it was delivered to another place")
        if said["awsAccountId"] != account or said["digestSignatureAlgorithm"] != ALGORITHM:
            raise Invalid("digest-unreadable", "it is of another account, or signed in an unknown way")
        lines = (said["digestEndTime"], f"{found.bucket}/{found.key}", digest.hash, digest.previous_signature or "null")
        _check_signature("\n".join(lines), digest.signature, keys, said["digestPublicKeyFingerprint"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise Invalid("digest-unreadable", "it has not the form of a digest file") from None
    return digest


def _unpacked(content: bytes) -> bytes:
    hashing = Hashing(MAX_DIGEST)
    try:
        unpacked = b"".join(hashing.take(content))
        hashing.digest()
    except Invalid as fault:
        raise Invalid("digest-unreadable", fault.says) from None
    return unpacked


def _digest(found: Found, said: dict[str, Any], content_hash: str) -> Digest:
    signature = found.metadata.get("signature", "")
    if not signature or found.metadata.get("signature-algorithm") != ALGORITHM:
        raise Invalid("digest-unsigned", "the object has no signature in its metadata")
    previous = said.get("previousDigestS3Object")
    if any(one.get("hashAlgorithm", "SHA-256") != "SHA-256" for one in said["logFiles"]):
        raise Invalid("digest-unreadable", "a log file is hashed in an unknown way")
    return Digest(
        bucket=found.bucket,
        key=found.key,
        start=_time(said["digestStartTime"]),
        end=_time(said["digestEndTime"]),
        hash=content_hash,
        signature=signature.lower(),
        previous=(str(said["previousDigestS3Bucket"]), str(previous)) if previous is not None else None,
        previous_hash=str(said.get("previousDigestHashValue") or "").lower(),
        previous_signature=str(said["previousDigestSignature"] or ""),
        logs=tuple(
            Log(str(one["s3Bucket"]), str(one["s3Object"]), one["hashValue"].lower()) for one in said["logFiles"]
        ),
    )


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _check_signature(text: str, signature: str, keys: Mapping[str, bytes], fingerprint: str) -> None:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    if fingerprint not in keys:
        raise Invalid("digest-key-unknown", "CloudTrail has no public key of its fingerprint for that time")
    try:
        key = load_der_public_key(keys[fingerprint])
        if not isinstance(key, RSAPublicKey):
            raise Invalid("digest-key-unknown", "the public key is no RSA key")
        key.verify(bytes.fromhex(signature), text.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        raise Invalid("digest-signature", "its signature does not hold") from None


def fault_of(digest: Digest, later: Digest) -> Fault | None:
    """What is wrong between a digest file and the one that names it as the one before: its hash or its signature."""
    if digest.hash != later.previous_hash:
        return Fault(
            kind="digest-chain", file=f"{digest.bucket}/{digest.key}", says="the next digest has another hash of it"
        )
    if digest.signature != later.previous_signature.lower():
        return Fault(
            kind="digest-chain",
            file=f"{digest.bucket}/{digest.key}",
            says="the next digest has another signature of it",
        )
    return None
