"""Manifests of backups: which checksum each file had when it was made.

Two forms are read: lines as `sha256sum` writes them (GNU coreutils, "cksum output modes"), and a JSON object of names,
each with digits or with an object of algorithm and digits. Digits are hexadecimal, or base64 as S3 shows them.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

BITS = {"sha512": 512, "sha256": 256, "sha1": 160, "crc64nvme": 64, "crc32": 32, "crc32c": 32}
"""Checksums that S3 computes over whole objects, and their lengths. MD5 is left out: it is forged in seconds."""
UNNAMED = {512: "sha512", 256: "sha256", 160: "sha1"}
"""What digits of a length are, where no algorithm stands with them."""
_LINE = re.compile(r"([0-9a-fA-F]{40,128}) [ *](.+)")


def checksums_in(text: str) -> dict[str, dict[str, str]]:
    """File name -> algorithm -> hexadecimal digits. Raises ValueError where the text has neither form."""
    return _of_json(json.loads(text)) if text.lstrip().startswith("{") else _of_lines(text)


def _of_lines(text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            raise ValueError("a line is no checksum and a name")
        _add(found, match[2].removeprefix("./"), "", match[1])
    return found


def _of_json(document: dict[str, Any]) -> dict[str, dict[str, str]]:
    files = document.get("files", document)
    if not isinstance(files, dict):
        raise ValueError("its files are no object of names")
    found: dict[str, dict[str, str]] = {}
    for name, said in files.items():
        for algorithm, digits in said.items() if isinstance(said, dict) else [("", said)]:
            if _plain(algorithm) in BITS or not algorithm:
                _add(found, name, algorithm, digits)
    return found


def _add(found: dict[str, dict[str, str]], name: str, algorithm: str, digits: Any) -> None:
    if not isinstance(digits, str):
        raise ValueError("a checksum is no text")
    raw = _bytes_of(digits)
    kind = _plain(algorithm) or UNNAMED.get(8 * len(raw), "")
    if not kind or 8 * len(raw) != BITS[kind]:
        raise ValueError("a checksum has not the length of its algorithm")
    if found.setdefault(name, {}).setdefault(kind, raw.hex()) != raw.hex():
        raise ValueError("one name has two checksums")


def _plain(algorithm: str) -> str:
    """sha256 for ChecksumSHA256, SHA-256 and sha256."""
    return algorithm.lower().removeprefix("checksum").replace("-", "").replace("_", "")


def _bytes_of(digits: str) -> bytes:
    if re.fullmatch(r"[0-9a-fA-F]+", digits) and 4 * len(digits) in BITS.values():
        return bytes.fromhex(digits)
    return decoded(digits)


def decoded(digits: str) -> bytes:
    """Base64 as S3 writes it. Raises ValueError for anything else."""
    try:
        return base64.b64decode(digits, validate=True)
    except binascii.Error:
        raise ValueError("a checksum is neither hexadecimal nor base64") from None
