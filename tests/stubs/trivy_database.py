"""A small database that a real Trivy reads: a file of bbolt (format version 2), and the metadata beside it.

Written from the description of the format: 4 KiB pages with a header of 16 bytes, two meta pages with an FNV-1a
checksum, a freelist, and for each bucket one leaf page, which overflows into the pages that follow it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = 4096
BRANCHLESS, META, FREELIST = 0x02, 0x04, 0x10
MAGIC, FORMAT = 0xED0CDAED, 2
Bucket = Mapping[str, "Bucket | bytes"]

NPM, PIP = "npm::GitHub Security Advisory npm", "pip::GitHub Security Advisory pip"


def _header(number: int, kind: int, count: int, more: int = 0) -> bytes:
    return struct.pack("<QHHI", number, kind, count, more)


def _leaf(pages: list[bytes], bucket: Bucket) -> int:
    """Append a bucket's leaf page, after those of the buckets in it; its number."""
    rows = []
    for key, value in sorted(bucket.items(), key=lambda row: row[0].encode()):
        if isinstance(value, bytes):
            rows.append((0, key.encode(), value))
        else:
            rows.append((1, key.encode(), struct.pack("<QQ", _leaf(pages, value), 0)))
    at = 16 * len(rows)
    elements, content = b"", b""
    for index, (flag, name, data) in enumerate(rows):
        elements += struct.pack("<IIII", flag, at - 16 * index + len(content), len(name), len(data))
        content += name + data
    size = 16 + len(elements) + len(content)
    count, number = -(-size // PAGE), len(pages)
    page = _header(number, BRANCHLESS, len(rows), count - 1) + elements + content
    page = page.ljust(count * PAGE, b"\0")
    pages += [page[start : start + PAGE] for start in range(0, len(page), PAGE)]
    return number


def _checksum(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def bbolt(root: Bucket) -> bytes:
    """A database with these buckets; what is no bucket is a value."""
    pages = [b"", b"", _header(2, FREELIST, 0).ljust(PAGE, b"\0"), _header(3, BRANCHLESS, 0).ljust(PAGE, b"\0")]
    top = _leaf(pages, root)
    for number in (0, 1):
        meta = struct.pack("<IIIIQQQQQ", MAGIC, FORMAT, PAGE, 0, top, 0, 2, len(pages), number + 1)
        pages[number] = (_header(number, META, 0) + meta + struct.pack("<Q", _checksum(meta))).ljust(PAGE, b"\0")
    return b"".join(pages)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


ADVISORIES: dict[str, dict[str, dict[str, dict[str, Any]]]] = {
    NPM: {
        "lodash": {
            "CVE-2019-10744": {
                "PatchedVersions": ["4.17.12"],
                "VulnerableVersions": ["<4.17.12"],
            }
        }
    },
    PIP: {"werkzeug": {"CVE-2019-14806": {"PatchedVersions": ["0.15.3"], "VulnerableVersions": ["<0.15.3"]}}},
}
DETAILS: dict[str, dict[str, Any]] = {
    "CVE-2019-10744": {
        "Title": "lodash: prototype pollution",
        "Severity": "CRITICAL",
        "VendorSeverity": {"ghsa": 4, "nvd": 4},
        "PublishedDate": "2019-07-26T00:15:00Z",
        "References": ["https://github.com/advisories/GHSA-jf85-cpcp-j695", "https://lodash.example/changes"],
    },
    "CVE-2019-14806": {"Title": "werkzeug: debugger PIN", "Severity": "HIGH", "VendorSeverity": {"ghsa": 3}},
}


def write_database(folder: Path, *, updated: str = "2026-11-24T00:00:00Z") -> Path:
    """A cache folder of Trivy with the database in it."""
    sources = {bucket: _json({"ID": "ghsa", "Name": bucket, "URL": ""}) for bucket in ADVISORIES}
    root: dict[str, Any] = {
        bucket: {name: {id_: _json(said) for id_, said in rows.items()} for name, rows in packages.items()}
        for bucket, packages in ADVISORIES.items()
    }
    root["data-source"] = sources
    root["vulnerability"] = {id_: _json(said) for id_, said in DETAILS.items()}
    (folder / "db").mkdir(parents=True)
    (folder / "db" / "trivy.db").write_bytes(bbolt(root))
    times = {"UpdatedAt": updated, "DownloadedAt": updated, "NextUpdate": "2099-01-01T00:00:00Z"}
    (folder / "db" / "metadata.json").write_text(json.dumps({"Version": 2, **times}))
    return folder
