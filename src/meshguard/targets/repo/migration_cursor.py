"""A place in a statement: what stands there, and what is taken from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from meshguard.targets.repo.migration_models import Kind, Operation
from meshguard.targets.repo.migration_sql import Statement


@dataclass
class Cursor:
    """Reads one statement from its beginning."""

    tokens: Statement
    at: int = 0

    def _is(self, *words: str) -> bool:
        found = self.tokens[self.at : self.at + len(words)]
        return len(found) == len(words) and all(
            token.kind == "word" and token.text == word for token, word in zip(found, words, strict=True)
        )

    def _take(self, *words: str) -> bool:
        if self._is(*words):
            self.at += len(words)
            return True
        return False

    def _skip_existence(self) -> None:
        if not self._take("IF", "NOT", "EXISTS"):
            self._take("IF", "EXISTS")
        self._take("ONLY")

    def _name(self) -> str:
        """A name with its schema; a bare word is folded to lower case."""
        parts = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind in ("word", "name"):
            token = self.tokens[self.at]
            parts.append(token.text.lower() if token.kind == "word" else token.text)
            self.at += 1
            if not (self.at < len(self.tokens) and self.tokens[self.at].text == "."):
                break
            self.at += 1
        return (parts[-1] if parts else "")[:80]

    def _rest(self) -> Statement:
        return self.tokens[self.at :]

    def _op(self, kind: Kind, table: str = "", detail: str = "", line: int = 0) -> Operation:
        return Operation(line=line or self.tokens[0].line, kind=kind, table=table, detail=detail[:80])


def parts(tokens: Statement) -> Iterator[Statement]:
    """What commas outside of brackets part."""
    found: Statement = []
    depth = 0
    for token in tokens:
        if token.kind == "mark" and token.text in "()":
            depth += 1 if token.text == "(" else -1
        if token.kind == "mark" and token.text == "," and depth == 0:
            yield found
            found = []
        else:
            found.append(token)
    yield from [found] if found else []


def has(words: list[str], *wanted: str) -> bool:
    """Whether words follow one another."""
    return any(tuple(words[index : index + len(wanted)]) == wanted for index in range(len(words)))


def head(tokens: Statement) -> str:
    """The first words of a statement, without names and values."""
    return " ".join(token.text for token in tokens[:3] if token.kind == "word")
