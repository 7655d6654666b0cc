"""What a statement of a migration does, by the rules of PostgreSQL for locks (PostgreSQL 17, 13.3 and ALTER TABLE)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshguard.targets.repo.migration_alter import Action
from meshguard.targets.repo.migration_cursor import Cursor, head, parts
from meshguard.targets.repo.migration_models import Operation
from meshguard.targets.repo.migration_sql import statements

FREE_MODES = frozenset({"ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE"})
"""Modes of LOCK that keep neither readers nor writers out."""
HARMLESS = frozenset({
    "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "INSERT", "SELECT", "COMMENT", "GRANT",
    "REVOKE", "ANALYZE", "ABORT", "NOTIFY", "LISTEN", "SHOW", "VALUES", "EXPLAIN", "RESET", "DISCARD", "COPY", "SET",
    "UPDATE", "DELETE", "WITH", "MERGE", "CALL", "DEALLOCATE",
})  # fmt: skip
"""Commands that lock no table against readers and writers; what they do to rows is another matter."""
OBJECTS = frozenset({
    "VIEW", "FUNCTION", "PROCEDURE", "TRIGGER", "TYPE", "SEQUENCE", "SCHEMA", "EXTENSION", "ROLE", "USER", "POLICY",
    "DOMAIN", "MATERIALIZED", "OR", "TEMP", "TEMPORARY", "UNLOGGED", "RULE", "AGGREGATE", "OPERATOR", "CAST",
    "COLLATION", "PUBLICATION", "SUBSCRIPTION", "STATISTICS", "EVENT", "DEFAULT", "DATABASE", "OWNED", "GROUP",
    "SERVER", "FOREIGN", "TEXT", "CONSTRAINT", "RECURSIVE", "SYSTEM", "LARGE", "ROUTINE",
})  # fmt: skip
INNER = re.compile(r"(?i)\b(?:alter\s+table|create\s+(?:unique\s+)?index|drop|lock|truncate|rename|execute|cluster)\b")
DOWN = re.compile(r"(?im)^[ \t]*--[ \t]*(?:\+goose[ \t]+Down|migrate:down|\+migrate[ \t]+Down|//@UNDO)\b")


def operations(text: str, before: int = 0) -> Iterator[Operation]:
    """What a text of SQL does; what leads back is left out.

    Args:
        text: statements.
        before: lines that stand before the text in its file.

    Raises:
        ValueError: it cannot be cut into statements.
    """
    down = DOWN.search(text)
    for statement in statements(text[: down.start()] if down else text):
        for operation in _Reader(statement).read():
            yield operation.model_copy(update={"line": operation.line + before})


class _Reader(Cursor):
    """Reads one statement."""

    def read(self) -> Iterator[Operation]:
        if self._take("ALTER", "TABLE") or self._take("ALTER", "FOREIGN", "TABLE"):
            yield from self._alter_table()
        elif self._take("CREATE"):
            yield self._create()
        elif self._take("DROP"):
            yield from self._drop()
        else:
            yield self._other()

    def _alter_table(self) -> Iterator[Operation]:
        self._skip_existence()
        table = self._name()
        if self.at < len(self.tokens) and self.tokens[self.at].text == "*":
            self.at += 1
        for part in parts(self._rest()):
            yield from Action(part, table).read()

    def _create(self) -> Operation:
        unique = self._take("UNIQUE")
        if self._take("INDEX"):
            concurrent = self._take("CONCURRENTLY")
            self._skip_existence()
            name = "" if self._is("ON") else self._name()
            self._take("ON")
            self._take("ONLY")
            return self._op("harmless" if concurrent else "create-index", self._name(), name)
        if unique:
            return self._op("unknown", detail="CREATE UNIQUE")
        for modifier in ("TEMP", "TEMPORARY", "UNLOGGED", "GLOBAL", "LOCAL"):
            self._take(modifier)
        if self._take("TABLE"):
            self._skip_existence()
            return self._op("create-table", self._name())
        known = bool(self._rest()) and self._rest()[0].text in OBJECTS
        return self._op("harmless" if known else "unknown", detail=head(self.tokens))

    def _drop(self) -> Iterator[Operation]:
        if self._take("TABLE"):
            self._skip_existence()
            for part in parts(self._rest()):
                yield self._op("drop-table", _Reader(part)._name())
        elif self._take("INDEX"):
            concurrent = self._take("CONCURRENTLY")
            self._skip_existence()
            yield self._op("harmless" if concurrent else "drop-index", detail=self._name())
        elif self._is("VIEW") or self._is("MATERIALIZED"):
            yield self._op("drop-table", detail=head(self.tokens))
        else:
            known = bool(self._rest()) and self._rest()[0].text in OBJECTS
            yield self._op("harmless" if known else "unknown", detail=head(self.tokens))

    def _other(self) -> Operation:
        first, words = self.tokens[0].text, {token.text for token in self.tokens if token.kind == "word"}
        if first == "SET" and "LOCK_TIMEOUT" in words:
            return self._op("lock-timeout")
        if first in ("CLUSTER", "REINDEX", "VACUUM", "REFRESH"):
            safe = "CONCURRENTLY" in words or (first == "VACUUM" and "FULL" not in words)
            return self._op("harmless" if safe else "rewrite", detail=head(self.tokens))
        if first in ("LOCK", "TRUNCATE"):
            free = first == "LOCK" and self._mode() in FREE_MODES
            return self._op("harmless" if free else "lock" if first == "LOCK" else "truncate", detail=first)
        if first == "DO":
            inner = any(INNER.search(token.text) for token in self.tokens if token.kind == "string")
            return self._op("unknown" if inner else "harmless", detail="a DO block that holds commands")
        if first == "ALTER":
            return self._alter_other(words)
        return self._op("harmless" if first in HARMLESS else "unknown", detail=head(self.tokens))

    def _mode(self) -> str:
        """The mode of a LOCK; ACCESS EXCLUSIVE where none is said."""
        texts = [token.text for token in self.tokens if token.text != "NOWAIT"]
        return " ".join(texts[texts.index("IN") + 1 : -1]) if "IN" in texts else ""

    def _alter_other(self, words: set[str]) -> Operation:
        if "RENAME" in words or {"SET", "SCHEMA"} <= words:
            return self._op("rename", detail=head(self.tokens))
        known = len(self.tokens) > 1 and self.tokens[1].text in OBJECTS | {"INDEX"}
        return self._op("harmless" if known else "unknown", detail=head(self.tokens))
