"""What a text hides behind an encoding: base64, hexadecimal digits, percent signs. One pass, not deeper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from meshguard.targets.scanning.confirm import decoded64

MAX_ENCODED = 200_000
_RUN = re.compile(r"(?<![A-Za-z0-9+/_\-])[A-Za-z0-9+/_\-]{20,}={0,2}")
_HEX = re.compile(r"[0-9a-fA-F]{32,}")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_BREAK = re.compile(r"[\s\"'<>`]")
_MAX_URL = 2_000
_HEAD = 24
_PRINTABLE = frozenset(range(32, 127)) | {9, 10, 13}


@dataclass(frozen=True, slots=True)
class Encoded:
    """A piece of text, decoded."""

    start: int
    end: int
    text: str
    how: str

    def __repr__(self) -> str:
        """Without the text."""
        return f"Encoded({self.start}, {self.end}, {self.how!r})"


def encoded(text: str) -> Iterator[Encoded]:
    """All pieces that decode to text in which something might stand."""
    for match in _RUN.finditer(text):
        found = _from_hex(match) or _from_base64(match)
        if found is not None:
            yield found
    if "%" in text:
        yield from _from_percent(text)


def _from_base64(match: re.Match[str]) -> Encoded | None:
    run = match[0]
    if len(run) > MAX_ENCODED or not is_text(decoded64(run[:_HEAD])):
        return None
    plain = decoded64(run)
    if not is_text(plain[:4000]):
        return None
    return Encoded(match.start(), match.end(), plain.decode("latin-1"), "base64")


def _from_hex(match: re.Match[str]) -> Encoded | None:
    run = match[0]
    if len(run) > MAX_ENCODED or len(run) % 2 or not _HEX.fullmatch(run):
        return None
    plain = bytes.fromhex(run)
    return Encoded(match.start(), match.end(), plain.decode("latin-1"), "hex") if is_text(plain) else None


def _from_percent(text: str) -> Iterator[Encoded]:
    """Words that have at least two escapes."""
    done = 0
    for match in _PERCENT.finditer(text):
        if match.start() < done:
            continue
        low = max(done, match.start() - _MAX_URL)
        breaks = [gap.end() for gap in _BREAK.finditer(text, low, match.start())]
        start = breaks[-1] if breaks else low
        gap = _BREAK.search(text, match.end(), match.end() + _MAX_URL)
        done = gap.start() if gap else min(len(text), match.end() + _MAX_URL)
        word = text[start:done]
        plain = unquote_to_bytes(word.encode("latin-1"))
        if len(word) - len(plain) >= 4 and is_text(plain):
            yield Encoded(start, done, plain.decode("latin-1"), "url")


def is_text(data: bytes) -> bool:
    """Whether nearly all of it can be printed."""
    return len(data) >= 8 and sum(byte in _PRINTABLE for byte in data) * 20 >= len(data) * 19
