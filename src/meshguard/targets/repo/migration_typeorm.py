"""What a migration of TypeORM does: the SQL that its `up` runs, and the calls that write SQL for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from meshguard.targets.repo.code_js import Source, arguments_of, bare, name_of, pairs, receiver_of, text_of
from meshguard.targets.repo.code_text import evaluate
from meshguard.targets.repo.migration_models import Kind, Operation
from meshguard.targets.repo.migration_ops import operations

if TYPE_CHECKING:
    from tree_sitter import Node

CALLS: dict[str, Kind] = {
    "createTable": "create-table", "dropTable": "drop-table", "renameTable": "rename", "renameColumn": "rename",
    "changeColumn": "alter-type", "changeColumns": "alter-type", "dropColumn": "drop-column",
    "dropColumns": "drop-column", "createPrimaryKey": "add-primary-key", "updatePrimaryKeys": "add-primary-key",
    "createUniqueConstraint": "add-unique", "createUniqueConstraints": "add-unique",
    "createCheckConstraint": "add-check", "createCheckConstraints": "add-check",
    "createExclusionConstraint": "add-exclusion", "createForeignKey": "add-foreign-key",
    "createForeignKeys": "add-foreign-key", "createIndex": "create-index", "createIndices": "create-index",
    "dropIndex": "drop-index", "dropIndices": "drop-index", "clearTable": "truncate", "clearDatabase": "drop-table",
    "dropDatabase": "drop-table", "dropSchema": "drop-table",
}  # fmt: skip
HARMLESS = frozenset({
    "dropForeignKey", "dropForeignKeys", "dropUniqueConstraint", "dropCheckConstraint", "dropPrimaryKey", "createView",
    "createSchema", "createDatabase", "hasTable", "hasColumn", "getTable", "getTables", "startTransaction",
    "commitTransaction", "connect", "release", "dropView", "dropExclusionConstraint",
})  # fmt: skip
STABLE_DEFAULTS = ("now(", "current_timestamp", "'", '"')


def typeorm_operations(data: bytes, suffix: str) -> tuple[list[Operation], str]:
    """What `up` does, and why it is not wholly understood.

    Raises:
        ValueError: it is no migration of TypeORM.
    """
    source = Source(data, suffix)
    ups = [one for one in source.of("method_definition") if text_of(one.child_by_field_name("name")) == "up"]
    if not ups:
        raise ValueError("it is no migration of a kind that is understood (SQL, TypeORM)")
    found: list[Operation] = []
    for up in ups:
        runner = re.search(r"[\w$]+", text_of(up.child_by_field_name("parameters")))
        if runner is not None:
            found += _of_method(source, up, runner[0])
    return found, source.problem


def _of_method(source: Source, up: Node, runner: str) -> Iterator[Operation]:
    """What `up` does with its query runner."""
    for call in source.of("call_expression"):
        if up.start_byte <= call.start_byte and call.end_byte <= up.end_byte:
            receiver = text_of(receiver_of(call))
            if re.match(rf"{re.escape(runner)}\b", receiver):
                yield from _of_call(source, call)
    body = text_of(up.child_by_field_name("body"))
    for match in re.finditer(rf"(?<![\w$.]){re.escape(runner)}\b(?!\s*(?:\?|!)?\.)", body):
        line = up.start_point.row + 1 + body.count("\n", 0, match.start())
        yield Operation(line=line, kind="unknown", detail="the query runner is handed on")


def _of_call(source: Source, call: Node) -> Iterator[Operation]:
    name, arguments, line = name_of(call), arguments_of(call), call.start_point.row + 1
    if name == "query":
        yield from _query(source, arguments, line)
    elif name in ("addColumn", "addColumns"):
        yield from _add_columns(source, arguments, line)
    elif name in CALLS:
        yield Operation(line=line, kind=CALLS[name], table=_table(source, arguments), detail=name)
    elif name not in HARMLESS:
        yield Operation(line=line, kind="unknown", detail=f"{name}()"[:80])


def _query(source: Source, arguments: list[Node], line: int) -> Iterator[Operation]:
    text = evaluate(source, arguments[0]) if arguments else None
    if text is None or text.state != "fixed":
        yield Operation(line=line, kind="unknown", detail="its SQL is put together when it runs")
        return
    raw = text.fixed.replace("\\n", "\n").replace('\\"', '"').replace("\\'", "'").replace("\\`", "`")
    for operation in operations(raw):
        yield operation.model_copy(update={"line": line + operation.line - 1})


def _table(source: Source, arguments: list[Node]) -> str:
    """The table that is named, or that a new Table names."""
    first = bare(arguments[0]) if arguments else None
    if first is None:
        return ""
    if first.type == "new_expression":
        options = _options(first)
        return evaluate(source, options.get("name")).fixed.rpartition(".")[2][:80]
    return evaluate(source, first).fixed.rpartition(".")[2][:80]


def _options(node: Node) -> dict[str, Node]:
    """The options that a new object is made of."""
    first = next(iter(arguments_of(node)), None)
    return dict(pairs(first)) if first is not None and first.type == "object" else {}


def _add_columns(source: Source, arguments: list[Node], line: int) -> Iterator[Operation]:
    table = _table(source, arguments)
    given = bare(arguments[1]) if len(arguments) > 1 else None
    columns = given.named_children if given is not None and given.type == "array" else [given]
    for column in columns:
        if column is None or column.type != "new_expression" or not (options := _options(column)):
            yield Operation(line=line, kind="unknown", table=table, detail="a column that is made elsewhere")
            continue
        name = evaluate(source, options.get("name")).fixed[:80]
        yield Operation(line=line, kind=_column_kind(source, options), table=table, detail=name)
        if text_of(options.get("isUnique")) == "true":
            yield Operation(line=line, kind="add-unique", table=table, detail=name)


def _column_kind(source: Source, options: dict[str, Node]) -> Kind:
    """A column of TypeORM may not be null unless it says so."""
    if "generationStrategy" in options or "generatedType" in options or text_of(options.get("isGenerated")) == "true":
        return "add-column-rewrite"
    if "default" not in options:
        return "add-column" if text_of(options.get("isNullable")) == "true" else "add-column-not-null"
    default = evaluate(source, options["default"])
    volatile = "(" in default.fixed and not default.fixed.strip().lower().startswith(STABLE_DEFAULTS)
    return "add-column-rewrite" if volatile else "add-column"
