"""Places in JavaScript and TypeScript where a text that is built from parts becomes SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from meshguard.targets.repo.code_js import (
    Source,
    Text,
    arguments_of,
    bare,
    is_tagged,
    name_of,
    pairs,
    receiver_of,
    text_of,
)
from meshguard.targets.repo.code_models import SqlPlace
from meshguard.targets.repo.code_text import evaluate

if TYPE_CHECKING:
    from tree_sitter import Node

BUILDERS = frozenset({
    "where", "andWhere", "orWhere", "having", "andHaving", "orHaving", "orderBy", "addOrderBy", "groupBy", "addGroupBy",
    "addSelect", "createQueryBuilder", "whereRaw", "andWhereRaw", "orWhereRaw", "havingRaw", "orderByRaw", "groupByRaw",
    "fromRaw", "joinRaw", "selectRaw", "raw", "literal", "$queryRaw", "$executeRaw", "$queryRawUnsafe",
    "$executeRawUnsafe", "RawSQL", "Raw",
})  # fmt: skip
"""Functions whose first argument is a piece of SQL, whatever it reads like."""
JOINS = frozenset({
    "innerJoin", "leftJoin", "innerJoinAndSelect", "leftJoinAndSelect", "innerJoinAndMapMany", "leftJoinAndMapMany",
    "innerJoinAndMapOne", "leftJoinAndMapOne",
})  # fmt: skip
QUERIES = frozenset({
    "query", "execute", "executeQuery", "executeSql", "batch", "unsafe", "exec", "prepare", "run", "all", "get", "each",
    "any", "one", "oneOrNone", "many", "manyOrNone", "none", "select", "from", "stream", "queryRaw",
})  # fmt: skip
"""Functions that take SQL, and in other libraries something else: the text must read like SQL."""
TAKERS = frozenset({"query", "execute", "executeQuery", "executeSql", "unsafe"})
"""Those that take nothing but a query: a text with no fixed words is one too."""
LOGGERS = frozenset({
    "log", "info", "warn", "error", "debug", "trace", "fatal", "verbose", "print", "Error", "t", "it", "describe",
    "test", "expect",
})  # fmt: skip
SCHEMAS = frozenset({"z", "t", "v", "Type", "S", "Joi"})
"""Libraries of schemas that have a `literal` too."""
WORDS = re.compile(
    rb"\b(?:where|having|query|execute|raw|literal|rawsql|orderBy|groupBy|addSelect|queryBuilder|select|insert|"
    rb"update|delete|join|exec|prepare|unsafe)\b|Raw|QueryBuilder|OrderBy|GroupBy|Where|Having|Join"
)
SQL = re.compile(
    r"(?is)^\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(?:select\b|insert\s+into\b|replace\s+into\b|update\b.*\bset\b|"
    r"delete\s+from\b|with\s+.*\bas\s*\(|create\s|drop\s|alter\s|truncate\b|merge\s+into\b|set\s|reset\s|call\s|"
    r"explain\s|grant\s|revoke\s|lock\s|notify\s|listen\s|copy\s|vacuum\b|pragma\s|use\s|refresh\s|comment\s+on\b)"
)
CLEARLY_SQL = re.compile(
    r"(?s)\bSELECT\b.+\bFROM\b|\bINSERT\s+INTO\b|\bUPDATE\b.+\bSET\b|\bDELETE\s+FROM\b|"
    r"\bselect\b.+\bfrom\b.+\bwhere\b|\binsert\s+into\b.+\bvalues\b|\bdelete\s+from\b.+\bwhere\b"
)
"""What is SQL wherever it is given to; a sentence such as "Select a day from the list" is none."""
SQL_BYTES = re.compile(rb"\b(?:SELECT|INSERT|UPDATE|DELETE|select|insert|delete)\b")
NAMED = BUILDERS | JOINS | QUERIES
FIELDS = frozenset({"text", "sql", "query", "statement", "where"})


def sql_places(source: Source) -> Iterator[SqlPlace]:
    """The places where SQL is built, in their order."""
    anywhere = SQL_BYTES.search(source.data) is not None
    for call in source.of("call_expression", "new_expression"):
        name = name_of(call)
        if is_tagged(call) or not (anywhere or name in NAMED):
            continue
        for index, argument in enumerate(arguments_of(call)):
            text = _built(source, argument)
            if text is not None and _is_sql(name, index, text, call):
                yield SqlPlace(line=argument.start_point.row + 1, call=name[:60] or "a function", how=text.how)
                break


def _built(source: Source, argument: Node) -> Text | None:
    """The text that an argument is or holds, where it is built from parts."""
    node = bare(argument)
    if node is None:
        return None
    if node.type == "object":
        texts = [evaluate(source, value) for key, value in pairs(node) if key in FIELDS]
    elif node.type == "arrow_function":
        body = bare(node.child_by_field_name("body"))
        texts = [evaluate(source, body)] if body is not None and body.type != "call_expression" else []
    else:
        texts = [evaluate(source, node)]
    return next((text for text in texts if text.state == "built"), None)


def _is_sql(name: str, index: int, text: Text, call: Node) -> bool:
    if name in BUILDERS and index == 0:
        return not _other_library(name, call)
    if name in JOINS:
        return index != 1  # the alias
    if name in QUERIES and index == 0 and (SQL.search(text.fixed) or (name in TAKERS and not text.fixed.strip())):
        return True
    return name not in LOGGERS and bool(CLEARLY_SQL.search(text.fixed))


def _other_library(name: str, call: Node) -> bool:
    """Whether it is a function of the same name that takes no SQL."""
    if name in ("literal", "raw"):
        return text_of(receiver_of(call)) in SCHEMAS
    arguments = arguments_of(call)
    return name == "where" and len(arguments) == 3 and text_of(arguments[1]).strip("\"'") in _DOCUMENTS


_DOCUMENTS = frozenset({"==", "!=", "array-contains", "array-contains-any", "not-in"})
"""Comparisons that no SQL has: they are those of a document database."""
