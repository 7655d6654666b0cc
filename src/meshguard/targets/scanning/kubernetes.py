"""Values of Kubernetes Secrets: base64 under a name that says little, secret because of the kind of the object."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshguard.targets.scanning.confirm import decoded64
from meshguard.targets.scanning.decode import Encoded

_KIND = re.compile(r"""["']?kind["']?\s{0,4}:\s{0,4}["']?Secret["']?\s{0,4}(?:[\r\n,}]|$)""")
_END = re.compile(r"^---\s*$", re.MULTILINE)
_ENTRY = re.compile(
    r"""^[ \t]+["']?([A-Za-z0-9._\-]{1,100})["']?[ \t]*:[ \t]*["']?([A-Za-z0-9+/]{6,20000}={0,2})["']?,?[ \t]*\r?$""",
    re.MULTILINE,
)
_HARMLESS = re.compile(
    r"(?i)(?:user(?:name)?|login|host(?:name)?|port|url|endpoint|database|db|dbname|namespace|email|region|bucket|name"
    r"|ca\.crt|tls\.crt|ca|crt|cert|certificate|type|uid|resourceVersion|creationTimestamp)$"
)


def secret_values(text: str) -> Iterator[Encoded]:
    """The decoded value of each entry of each Secret that the text holds."""
    if "Secret" not in text:
        return
    low = 0
    for end in (*(match.start() for match in _END.finditer(text)), len(text)):
        if _KIND.search(text, low, end):
            yield from _entries(text, low, end)
        low = end


def _entries(text: str, low: int, high: int) -> Iterator[Encoded]:
    for match in _ENTRY.finditer(text, low, high):
        plain = decoded64(match[2])
        if not _HARMLESS.search(match[1]) and _is_printable(plain):
            yield Encoded(match.start(2), match.end(2), plain.decode("latin-1"), "base64")


def _is_printable(plain: bytes) -> bool:
    return len(plain) >= 4 and all(32 <= byte < 127 or byte in (9, 10, 13) for byte in plain)
