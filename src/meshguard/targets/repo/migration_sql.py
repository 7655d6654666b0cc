"""SQL of PostgreSQL cut into statements of tokens; comments and what stands in quotes is never taken for a command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MAX_TOKENS = 500_000
_TOKEN = re.compile(
    r"""(?sx)
    (?P<space>\s+|--[^\n]*)
    |(?P<block>/\*)
    |(?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
    |(?P<string>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*')
    |(?P<dollar>\$(?P<tag>[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$)
    |(?P<quoted>(?:[uU]&)?"(?:[^"]|"")+"|`[^`]+`|\[[A-Za-z_]\w*\])
    |(?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
    |(?P<number>\d[\d.]*(?:[eE][-+]?\d+)?|\$\d+)
    |(?P<mark>\\[^\n]*|::|[^\s])
    """
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token; a word in capitals, a quoted name as it is without its quotes."""

    kind: Literal["word", "name", "string", "number", "mark"]
    text: str
    line: int


Statement = list[Token]


def statements(text: str) -> Iterator[Statement]:
    """The statements of a text, without what ends them.

    Raises:
        ValueError: a quote or comment does not end, or there are more tokens than are read.
    """
    found: Statement = []
    depth = 0
    for token in _tokens(text):
        if token.kind == "mark" and token.text in "()":
            depth += 1 if token.text == "(" else -1
        if token.kind == "mark" and token.text == ";" and depth <= 0:
            if found:
                yield found
            found, depth = [], 0
        else:
            found.append(token)
    if found:
        yield found


def _tokens(text: str) -> Iterator[Token]:
    at = count = 0
    line = 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or (match["mark"] and match["mark"] in "'\""):
            raise ValueError(f"a quote that begins in line {line} does not end")
        end = match.end()
        if match["block"]:
            end = _end_of_comment(text, at, line)
        elif match["dollar"]:
            end = text.find(match["dollar"], end) + len(match["dollar"])
            if end < match.end() + len(match["dollar"]):
                raise ValueError(f"a quote that begins in line {line} does not end")
            yield Token("string", text[match.end() : end - len(match["dollar"])], line)
        elif not match["space"]:
            yield _token(match, line)
        line += text.count("\n", at, end)
        at, count = end, count + 1
        if count > MAX_TOKENS:
            raise ValueError(f"it has more than the {MAX_TOKENS} tokens that are read")


def _token(match: re.Match[str], line: int) -> Token:
    if match["word"]:
        return Token("word", match["word"].upper(), line)
    if match["quoted"]:
        return Token("name", match["quoted"].removeprefix("U&").removeprefix("u&")[1:-1], line)
    if match["escaped"] or match["string"]:
        return Token("string", (match["escaped"] or match["string"]), line)
    return Token("number" if match["number"] else "mark", match[0], line)


def _end_of_comment(text: str, at: int, line: int) -> int:
    """Comments nest."""
    depth = 0
    for match in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return at + match.end()
    raise ValueError(f"a comment that begins in line {line} does not end")
