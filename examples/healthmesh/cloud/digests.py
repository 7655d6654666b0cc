"""Digest files of CloudTrail and the log files that they name, signed as CloudTrail does, with a key of our own."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import md5, sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .builder import Cloud

ALGORITHM = "SHA256withRSA"
HOURS = 27


@cache
def signing_key() -> RSAPrivateKey:
    """CloudTrail's key of the test cloud, the same for all regions."""
    return generate_private_key(65537, 2048)


def public_key() -> dict[str, Any]:
    """The key as ListPublicKeys tells it: DER as PKCS #1, and the MD5 of that as its fingerprint."""
    der = signing_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    now = datetime.now(UTC).timestamp()
    return {
        "Value": base64.b64encode(der).decode(),
        "Fingerprint": md5(der, usedforsecurity=False).hexdigest(),
        "ValidityStartTime": now - 30 * 86_400,
        "ValidityEndTime": now + 30 * 86_400,
    }


@dataclass(frozen=True)
class Place:
    """Whose digest files, and where they go."""

    bucket: str
    prefix: str
    account: str
    region: str
    trail: str
    home: str

    def key(self, kind: str, end: datetime, tail: str) -> str:
        """A key of CloudTrail or CloudTrail-Digest."""
        root = f"{self.prefix}/" if self.prefix else ""
        return f"{root}AWSLogs/{self.account}/{kind}/{self.region}/{end:%Y/%m/%d}/{self.account}_{kind}_{tail}"

    def digest_key(self, end: datetime) -> str:
        """The key of the digest file whose hour ends then."""
        return self.key(
            "CloudTrail-Digest", end, f"{self.region}_{self.trail}_{self.home}_{end:%Y%m%dT%H%M%SZ}.json.gz"
        )

    def log_key(self, end: datetime) -> str:
        """The key of the log file of that hour."""
        return self.key(
            "CloudTrail", end, f"{self.region}_{end - timedelta(minutes=9):%Y%m%dT%H%MZ}_Wq3mD0aBcDeFgHiJ.json.gz"
        )


def newest_end(now: datetime | None = None) -> datetime:
    """The end of the newest digest file's hour: at most an hour ago."""
    now = now or datetime.now(UTC)
    end = now.replace(minute=1, second=31, microsecond=0)
    return end if end <= now else end - timedelta(hours=1)


def ends(hours: int = HOURS, now: datetime | None = None) -> list[datetime]:
    """Ends of the last hours, oldest first."""
    return [newest_end(now) - timedelta(hours=back) for back in reversed(range(hours))]


def write_chain(cloud: Cloud, place: Place, hours: int = HOURS) -> None:
    """One account's digest files in one region: every third hour is empty, and the first begins the chain."""
    s3 = cloud.client("s3")
    before: dict[str, Any] | None = None
    for number, end in enumerate(ends(hours)):
        logs = []
        if number % 3:
            body = log_body(place, end)
            s3.put_object(Bucket=place.bucket, Key=place.log_key(end), Body=gzip.compress(body))
            logs = [log_entry(place, end, body)]
        before = put_digest(s3, place, digest_body(place, end, logs, before))


def log_body(place: Place, end: datetime, name: str = "GetSecretValue") -> bytes:
    """A log file with one event."""
    event = {
        "eventVersion": "1.11",
        "eventTime": f"{end - timedelta(minutes=20):%Y-%m-%dT%H:%M:%SZ}",
        "eventName": name,
        "awsRegion": place.region,
    }
    return json.dumps({"Records": [event]}).encode()


def log_entry(place: Place, end: datetime, body: bytes) -> dict[str, Any]:
    """What a digest file says of a log file: the hash is of the content before it was compressed."""
    return {
        "s3Bucket": place.bucket,
        "s3Object": place.log_key(end),
        "hashValue": sha256(body).hexdigest(),
        "hashAlgorithm": "SHA-256",
        "newestEventTime": f"{end - timedelta(minutes=20):%Y-%m-%dT%H:%M:%SZ}",
        "oldestEventTime": f"{end - timedelta(minutes=20):%Y-%m-%dT%H:%M:%SZ}",
    }


def digest_body(
    place: Place, end: datetime, logs: list[dict[str, Any]], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A digest file's content; `before` is what `put_digest` answered for the hour before."""
    times = [one["newestEventTime"] for one in logs] or [None]
    return {
        "awsAccountId": place.account,
        "digestStartTime": f"{end - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "digestEndTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "digestS3Bucket": place.bucket,
        "digestS3Object": place.digest_key(end),
        "digestPublicKeyFingerprint": public_key()["Fingerprint"],
        "digestSignatureAlgorithm": ALGORITHM,
        "newestEventTime": times[0],
        "oldestEventTime": times[0],
        "previousDigestS3Bucket": before["bucket"] if before else None,
        "previousDigestS3Object": before["key"] if before else None,
        "previousDigestHashValue": before["hash"] if before else None,
        "previousDigestHashAlgorithm": "SHA-256" if before else None,
        "previousDigestSignature": before["signature"] if before else None,
        "previousDigestSignatureAlgorithm": ALGORITHM if before else None,
        "logFiles": logs,
    }


def put_digest(
    s3: Any, place: Place, said: dict[str, Any], key: RSAPrivateKey | None = None, late: bool = False
) -> dict[str, Any]:
    """Sign a digest file and put it where it says it is; what the next one says of it."""
    if late:
        said["digestS3Object"] = said["digestS3Object"].replace(".json.gz", "_backfill.json.gz")
    content = json.dumps(said).encode()
    digest = sha256(content).hexdigest()
    lines = (
        said["digestEndTime"],
        f"{said['digestS3Bucket']}/{said['digestS3Object']}",
        digest,
        said["previousDigestSignature"] or "null",
    )
    signature = (key or signing_key()).sign("\n".join(lines).encode(), PKCS1v15(), SHA256()).hex()
    s3.put_object(
        Bucket=place.bucket,
        Key=said["digestS3Object"],
        Body=gzip.compress(content),
        Metadata={"signature": signature, "signature-algorithm": ALGORITHM},
    )
    return {"bucket": place.bucket, "key": said["digestS3Object"], "hash": digest, "signature": signature}
