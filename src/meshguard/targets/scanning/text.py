"""A file's bytes as text that a scan can walk, and what its path says of it.

The text is the file's UTF-8 read as Latin-1: one character for each byte, so that no byte is lost and nothing that
is no UTF-8 stops the scan. Places and lengths are counted in characters of UTF-8 in the end.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meshguard.targets.scanning.findings import Context

BINARY = "binary (a NUL byte, and no UTF-16)"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 65_536
_PRINTABLE = frozenset(range(32, 127)) | {9, 10, 13}


def as_text(data: bytes) -> str | None:
    """The text, or None where it is binary."""
    if data.startswith(codecs.BOM_UTF8):
        return data[3:].decode("latin-1")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _recoded(data[len(mark) :], encoding)
    sample = data[:_SAMPLE]
    if b"\0" not in sample:
        return data.decode("latin-1")
    return _without_mark(data, sample)


def _recoded(data: bytes, encoding: str) -> str:
    return data.decode(encoding, "replace").encode("utf-8", "replace").decode("latin-1")


def _without_mark(data: bytes, sample: bytes) -> str | None:
    """UTF-16 has a NUL in each second place wherever it says something in Latin letters."""
    if len(data) % 2:
        return None
    even, odd, half = sample[::2], sample[1::2], len(sample) // 2
    for high, low, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if high.count(0) > 0.4 * half and sum(map(_PRINTABLE.__contains__, low)) > 0.9 * half:
            return _recoded(data, encoding)
    return None


def characters(text: str) -> str:
    """A piece of the text as the characters that a reader sees."""
    return text.encode("latin-1").decode("utf-8", "replace")


class Places:
    """Lines and columns of offsets in one text."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _breaks(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self._text)]

    def of(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1."""
        line = bisect_left(self._breaks, offset)
        start = self._breaks[line - 1] + 1 if line else 0
        return line + 1, len(characters(self._text[start:offset])) + 1


def line_at(text: str, offset: int, limit: int = 2000) -> str:
    """The line that an offset stands in, as far as `limit` characters round it."""
    start = max(text.rfind("\n", 0, offset) + 1, offset - limit)
    end = text.find("\n", offset)
    return text[start : min(end if end >= 0 else len(text), offset + limit)]


_LOCKS = re.compile(
    r"(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|poetry\.lock|pdm\.lock"
    r"|uv\.lock|Pipfile\.lock|pylock[^/]*\.toml|Cargo\.lock|go\.sum|composer\.lock|Gemfile\.lock|mix\.lock"
    r"|pubspec\.lock|Podfile\.lock|flake\.lock|packages\.lock\.json|\.terraform\.lock\.hcl|deno\.lock)$"
)
_GENERATED = re.compile(
    r"\.min\.(?:js|css|mjs)$|\.map$|(?:^|/)(?:dist|node_modules|vendor|third_party|site-packages|bower_components"
    r"|__snapshots__)/|_pb2?\.(?:py|rb|js|go)$|\.pb\.go$|\.snap$|\.svg$|\.bundle\.js$|(?:^|/)\.yarn/"
)
_EXAMPLES = re.compile(
    r"(?:^|[/._-])(?:examples?|samples?|demos?|dist|templates?|tmpl|tpl|skel(?:eton)?|default|boilerplate)(?:$|[/._-])",
    re.IGNORECASE,
)
_TESTS = re.compile(
    r"(?:^|/)(?:tests?|testing|specs?|__tests__|fixtures?|test[_-]?data|mocks?|__mocks__|e2e|cypress|integration)/"
    r"|(?:^|[/_.-])(?:tests?|specs?|mocks?|fixtures?|conftest)(?:\.[\w]+)+$|(?:^|/)test[_-][^/]*$|Tests?\.(?:java|kt|cs|php)$",
    re.IGNORECASE,
)
_DOCS = re.compile(
    r"(?:^|/)(?:docs?|documentation|wiki|man|changelogs?)/|\.(?:md|mdx|rst|adoc|asciidoc|markdown|html?|tex|po|pot)$"
    r"|(?:^|/)(?:README|CHANGELOG|CONTRIBUTING|HISTORY|NEWS|CHANGES|UPGRADING|SECURITY)[^/]*$",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\.(?:py|pyi|pyx|js|jsx|mjs|cjs|ts|tsx|vue|svelte|java|kt|kts|scala|groovy|go|rb|php|phtml|c|h|cc|cpp|hpp|cs|vb|fs"
    r"|rs|swift|m|mm|dart|lua|pl|pm|r|jl|ex|exs|erl|hs|clj|html?|css|scss|less|sass|map|svg|po|pot|md|mdx|rst|adoc|sql)$",
    re.IGNORECASE,
)


@lru_cache(maxsize=8192)
def context_of(path: str) -> Context:
    """What a path says of a file."""
    if _LOCKS.search(path):
        return "lock"
    if _GENERATED.search(path):
        return "generated"
    if _TESTS.search(path):
        return "test"
    if _DOCS.search(path):
        return "docs"
    return "example" if _EXAMPLES.search(path) else "source"


@lru_cache(maxsize=8192)
def is_plain(path: str) -> bool:
    """Whether a file holds settings rather than a program's text or prose: there a value is what it says."""
    return not _CODE.search(path) and context_of(path) != "docs"
