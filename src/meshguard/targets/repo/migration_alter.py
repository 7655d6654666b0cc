"""What one action of ALTER TABLE does."""

from __future__ import annotations

from collections.abc import Iterator

from meshguard.targets.repo.migration_cursor import Cursor, has, head
from meshguard.targets.repo.migration_models import Kind, Operation
from meshguard.targets.repo.migration_sql import Statement, Token

STABLE = frozenset({
    "NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIMESTAMP", "TRANSACTION_TIMESTAMP",
    "STATEMENT_TIMESTAMP", "TO_TIMESTAMP", "DATE_TRUNC", "COALESCE", "LOWER", "UPPER", "JSONB_BUILD_OBJECT",
    "JSON_BUILD_OBJECT", "JSONB_BUILD_ARRAY", "ARRAY", "CAST", "TIMEZONE", "MAKE_INTERVAL", "CURRENT_SETTING",
})  # fmt: skip
"""Functions that are evaluated once, so that a default with them rewrites no table (since PostgreSQL 11)."""
DEFAULT_ENDS = frozenset({"NOT", "NULL", "CHECK", "UNIQUE", "PRIMARY", "REFERENCES", "CONSTRAINT", "GENERATED",
                          "COLLATE"})  # fmt: skip
SERIALS = frozenset({"SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL4", "SERIAL8", "SERIAL2"})


class Action(Cursor):
    """One action of ALTER TABLE."""

    def __init__(self, tokens: Statement, table: str) -> None:
        super().__init__(tokens)
        self.table = table

    def read(self) -> Iterator[Operation]:
        """What it does; a new column with a constraint does two things."""
        if self._take("ADD"):
            yield from self._add()
        elif self._take("DROP"):
            yield self._drop_part()
        elif self._take("ALTER"):
            yield self._alter_column()
        else:
            yield self._other_action()

    def _found(self, kind: Kind, detail: str = "") -> Operation:
        return self._op(kind, self.table, detail)

    def _add(self) -> Iterator[Operation]:
        if self._take("CONSTRAINT"):
            yield self._constraint(self._name())
        elif any(self._is(word) for word in ("CHECK", "UNIQUE", "PRIMARY", "FOREIGN", "EXCLUDE")):
            yield self._constraint("")
        else:
            self._take("COLUMN")
            self._skip_existence()
            yield from self._column(self._name())

    def _constraint(self, name: str) -> Operation:
        words = [token.text for token in self._rest() if token.kind == "word"]
        safe = words[-2:] == ["NOT", "VALID"] or has(words, "NOT", "VALID") or has(words, "USING", "INDEX")
        kinds: dict[str, Kind] = {
            "CHECK": "add-check", "UNIQUE": "add-unique", "PRIMARY": "add-primary-key", "FOREIGN": "add-foreign-key",
            "EXCLUDE": "add-exclusion",
        }  # fmt: skip
        kind = kinds.get(words[0] if words else "", "unknown")
        return self._found("harmless" if safe and kind != "unknown" else kind, name)

    def _column(self, name: str) -> Iterator[Operation]:
        rest = _outside_brackets(self._rest())
        words = [token.text for token in rest if token.kind == "word"]
        has_default = "DEFAULT" in words
        if not words:
            yield self._found("unknown", name)
        elif words[0] in SERIALS or "GENERATED" in words or _is_volatile(self._rest()):
            yield self._found("add-column-rewrite", name)
        elif (has(words, "NOT", "NULL") or "PRIMARY" in words) and not has_default:
            yield self._found("add-column-not-null", name)
        else:
            yield self._found("add-column", name)
        inline: tuple[tuple[str, Kind], ...] = (
            ("UNIQUE", "add-unique"), ("PRIMARY", "add-primary-key"), ("REFERENCES", "add-foreign-key"),
            ("CHECK", "add-check"),
        )  # fmt: skip
        yield from (self._found(kind, name) for word, kind in inline if word in words)

    def _drop_part(self) -> Operation:
        if self._take("CONSTRAINT"):
            return self._found("harmless")
        self._take("COLUMN")
        self._skip_existence()
        return self._found("drop-column", self._name())

    def _alter_column(self) -> Operation:
        if self._is("CONSTRAINT"):
            return self._found("harmless")
        self._take("COLUMN")
        name = self._name()
        if self._is("TYPE") or self._is("SET", "DATA", "TYPE"):
            return self._found("alter-type", name)
        if self._is("SET", "NOT", "NULL"):
            return self._found("set-not-null", name)
        known = any(self._is(word) for word in ("SET", "DROP", "RESET", "ADD", "RESTART"))
        return self._found("harmless" if known else "unknown", name)

    def _other_action(self) -> Operation:
        if self._is("RENAME") or self._is("SET", "SCHEMA"):
            return self._found("rename", head(self.tokens))
        if any(self._is(word) for word in ("MODIFY", "CHANGE")):
            return self._found("alter-type", head(self.tokens))
        if self._is("SET", "TABLESPACE") or self._is("SET", "LOGGED") or self._is("SET", "UNLOGGED"):
            return self._found("rewrite", head(self.tokens))
        if self._is("ATTACH") or self._is("DETACH"):
            safe = any(token.text == "CONCURRENTLY" for token in self.tokens)
            return self._found("harmless" if safe else "attach", head(self.tokens))
        known = (
            "VALIDATE",
            "ENABLE",
            "DISABLE",
            "OWNER",
            "SET",
            "RESET",
            "REPLICA",
            "FORCE",
            "NO",
            "INHERIT",
            "CLUSTER",
        )
        return self._found("harmless" if any(self._is(word) for word in known) else "unknown", head(self.tokens))


def _outside_brackets(tokens: Statement) -> Statement:
    found, depth = [], 0
    for token in tokens:
        if token.kind == "mark" and token.text in "()":
            depth += 1 if token.text == "(" else -1
        elif depth == 0:
            found.append(token)
    return found


def _is_volatile(tokens: Statement) -> bool:
    """Whether the default calls a function that is not known to be evaluated once."""
    start = next((index for index, token in enumerate(tokens) if _is_word(token, "DEFAULT")), None)
    if start is None:
        return False
    before = ""
    for token, after in zip(tokens[start + 1 :], [*tokens[start + 2 :], None], strict=False):
        cast, before = before == "::", token.text
        if token.kind == "word" and token.text in DEFAULT_ENDS:
            return False
        called = after is not None and after.text == "(" and token.kind in ("word", "name")
        if called and not cast and token.text.upper() not in STABLE and not _is_word(token, "INTERVAL"):
            return True
    return False


def _is_word(token: Token, word: str) -> bool:
    return token.kind == "word" and token.text == word
