"""What a text in JavaScript is made of: what stands in the file, and what is put into it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshguard.targets.repo.code_js import (
    FUNCTIONS,
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tree_sitter import Node

MAX_DEPTH = 60
NAME_DEPTH = 5
"""How much deeper what a name stands for counts."""
MAX_FIXED = 4_000
MAX_PARTS = 500
MAX_VALUES = 100
SAFE_CALLS = frozenset({
    "getQuery", "getSql", "escape", "escapeId", "escapeIdentifier", "escapeLiteral", "Number", "parseInt", "parseFloat",
})  # fmt: skip
"""What gives SQL that is made by a builder, a quoted text, or a number."""
SAFE_MEMBERS = frozenset({"alias", "tableName", "tablePath", "length"})
SAME = frozenset({"trim", "toLowerCase", "toUpperCase", "toString", "trimEnd", "trimStart", "normalize"})
SQL_TAG = re.compile(r"(?i)(?:^|\.)\w*sql$|\$queryRaw$|\$executeRaw$")
"""Tags of templates that make parameters of what is put in."""


OPEN = Text()


def joined(parts: Iterable[Text], how: str) -> Text:
    """Parts put together: built, unless each of them is fixed."""
    found = list(parts)
    text = "".join(part.fixed or " " for part in found)[:MAX_FIXED]
    if all(part.state == "fixed" for part in found):
        return Text(text, "fixed")
    return Text(text, "built", next((part.how for part in found if part.how), how))


def either(parts: Iterable[Text]) -> Text:
    """One of several texts: the worst counts."""
    found = list(parts)
    text = " ".join(part.fixed for part in found)[:MAX_FIXED]
    for state in ("built", "open"):
        for part in found:
            if part.state == state:
                return Text(text, part.state, part.how)
    return Text(text, "fixed") if found else OPEN


def evaluate(source: Source, node: Node | None, depth: int = 0) -> Text:
    """What a text is made of."""
    node = bare(node)
    if node is None:
        return OPEN
    if depth > MAX_DEPTH:
        return Text("", "built", "parts nested deeper than is followed")
    read = _READERS.get(node.type)
    if read is None:
        return OPEN
    key = (node.id, depth // NAME_DEPTH)
    if key not in source.texts:  # names that are made of names would be followed again and again
        source.texts[key] = read(source, node, depth + 1)
    return source.texts[key]


def _string(_: Source, node: Node, depth: int) -> Text:
    del depth
    return Text("".join(text_of(child) for child in node.named_children), "fixed")


def _number(_: Source, node: Node, depth: int) -> Text:
    del depth
    return Text(text_of(node), "fixed")


def _template(source: Source, node: Node, depth: int) -> Text:
    parts = []
    for child in node.named_children:
        if child.type == "template_substitution":
            parts.append(evaluate(source, child.named_child(0), depth))
        else:
            parts.append(Text(text_of(child), "fixed"))
    return joined(parts, "a template literal with ${}")


def _binary(source: Source, node: Node, depth: int) -> Text:
    operator = text_of(node.child_by_field_name("operator"))
    sides: list[Node | None] = []
    at: Node | None = node
    while at is not None and at.type == "binary_expression" and operator == text_of(at.child_by_field_name("operator")):
        sides.append(at.child_by_field_name("right"))
        at = at.child_by_field_name("left")  # a long chain is deep on its left side alone
    if len(sides) > MAX_PARTS:
        return Text("", "built", "more parts than are followed")
    parts = [evaluate(source, side, depth) for side in (at, *reversed(sides))]
    if operator == "+":
        return joined(parts, "concatenation")
    return either(parts[-1:] if operator == "&&" else parts) if operator in ("||", "??", "&&") else OPEN


def _ternary(source: Source, node: Node, depth: int) -> Text:
    branches = (node.child_by_field_name("consequence"), node.child_by_field_name("alternative"))
    return either(evaluate(source, branch, depth) for branch in branches)


def _name(source: Source, node: Node, depth: int) -> Text:
    values = source.values(node)
    if not values or depth > MAX_DEPTH // 2:  # a name that is defined by itself ends here too
        return OPEN
    if len(values) > MAX_VALUES:
        return Text("", "built", "more values of one name than are followed")
    set_to = [
        evaluate(source, value, depth + NAME_DEPTH) for operator, value in values if operator not in ("+=", "push")
    ]
    added = [evaluate(source, value, depth + NAME_DEPTH) for operator, value in values if operator == "+="]
    return joined([either(set_to), *added], "concatenation with +=") if added else either(set_to)


def _member(source: Source, node: Node, depth: int) -> Text:
    name = text_of(node.child_by_field_name("property"))
    if name in SAFE_MEMBERS:
        return Text("x", "fixed")
    if node.type == "member_expression" and source.values(node):
        return _name(source, node, depth)
    return _entry(source, node, depth)


def _entry(source: Source, node: Node, depth: int) -> Text:
    """An entry of a table of texts that stands in the file: whichever is taken, it is fixed."""
    table = bare(node.child_by_field_name("object"))
    values = source.values(table) if table is not None and table.type == "identifier" else []
    if len(values) != 1 or (literal := bare(values[0][1])) is None or literal.type != "object":
        return OPEN
    entries = [evaluate(source, value, depth + NAME_DEPTH) for _, value in pairs(literal)]
    return either(entries) if entries and len(entries) == literal.named_child_count else OPEN


def _call(source: Source, node: Node, depth: int) -> Text:
    name = name_of(node)
    if is_tagged(node):
        tag = text_of(node.child_by_field_name("function"))
        return Text("x", "fixed") if SQL_TAG.search(tag) else evaluate(source, arguments_of(node)[0], depth)
    if name in SAFE_CALLS:
        return Text("x", "fixed")
    receiver = bare(receiver_of(node))
    if name in SAME and receiver is not None:
        return evaluate(source, receiver, depth)
    if name == "concat" and receiver is not None:
        parts = [evaluate(source, one, depth) for one in (receiver, *arguments_of(node))]
        return joined(parts, "concatenation with concat()") if any(part.fixed.strip() for part in parts) else OPEN
    if name == "join" and receiver is not None:
        return _join(source, receiver, arguments_of(node), depth)
    return _returned(source, node, depth) if receiver is None else OPEN


def _join(source: Source, array: Node, separators: list[Node], depth: int) -> Text:
    """An array joined: its elements, what was pushed to it, or what each of them is mapped to."""
    between = [evaluate(source, separator, depth) for separator in separators]
    if array.type == "identifier":
        pieces = [value for operator, value in source.values(array) if operator == "push"]
        literals = [bare(value) for operator, value in source.values(array) if operator == "="]
        pieces += [child for one in literals if one is not None and one.type == "array" for child in one.named_children]
        if not pieces:
            return OPEN
        return joined(
            [evaluate(source, piece, depth + NAME_DEPTH) for piece in pieces] + between, "an array that is joined"
        )
    if array.type == "array":
        return joined([evaluate(source, child, depth) for child in array.named_children] + between, "an array joined")
    arguments = arguments_of(array) if array.type == "call_expression" else []
    if arguments and name_of(array) == "fill":
        return evaluate(source, arguments[0], depth)
    if arguments and name_of(array) == "map" and arguments[0].type == "arrow_function":
        return _placeholders(source, arguments[0], depth)
    return OPEN


def _placeholders(source: Source, arrow: Node, depth: int) -> Text:
    """What each element becomes: `?` or `$1`, with nothing of the element itself, is fixed."""
    body = bare(arrow.child_by_field_name("body"))
    names = re.findall(r"[\w$]+", text_of(arrow.child_by_field_name("parameters")))
    if body is None or body.type not in ("string", "template_string", "binary_expression"):
        return OPEN
    used = set(re.findall(r"[A-Za-z_][\w$]*", re.sub(r"'[^']*'|\"[^\"]*\"", "", text_of(body))))
    if not used or (len(names) > 1 and used == {names[1]}):
        return Text("?", "fixed")
    return evaluate(source, body, depth)


def _returned(source: Source, node: Node, depth: int) -> Text:
    """What a function of the same file returns."""
    called = bare(node.child_by_field_name("function"))
    if called is None or called.type != "identifier":
        return OPEN
    bodies = [value.child_by_field_name("body") for _, value in source.values(called) if value.type in FUNCTIONS]
    found = []
    for body in bodies:
        if body is not None and body.type != "statement_block":
            found.append(evaluate(source, body, depth + NAME_DEPTH))
        for statement in body.named_children if body is not None else []:
            if statement.type == "return_statement":
                found.append(evaluate(source, statement.named_child(0), depth + NAME_DEPTH))
    return either(found)


_READERS: dict[str, Callable[[Source, Node, int], Text]] = {
    "string": _string,
    "number": _number,
    "update_expression": _number,
    "template_string": _template,
    "binary_expression": _binary,
    "ternary_expression": _ternary,
    "identifier": _name,
    "shorthand_property_identifier": _name,
    "member_expression": _member,
    "subscript_expression": _entry,
    "call_expression": _call,
}
