"""JavaScript and TypeScript as a syntax tree."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Tree

MAX_NESTING = 1_000
FUNCTIONS = frozenset({
    "function_declaration", "function_expression", "arrow_function", "method_definition",
    "generator_function_declaration", "generator_function",
})  # fmt: skip
WRAPPERS = frozenset({
    "parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression", "await_expression",
    "type_assertion",
})  # fmt: skip
KINDS = (
    "call_expression", "new_expression", "assignment_expression", "augmented_assignment_expression",
    "variable_declarator", "function_declaration", "import_statement", "method_definition", "public_field_definition",
    "field_definition", "ERROR", *sorted(FUNCTIONS - {"function_declaration", "method_definition"}),
)  # fmt: skip


@cache
def _language(name: str) -> Language:
    import tree_sitter_javascript
    import tree_sitter_typescript
    from tree_sitter import Language

    grammars = {
        "javascript": tree_sitter_javascript.language,
        "typescript": tree_sitter_typescript.language_typescript,
        "tsx": tree_sitter_typescript.language_tsx,
    }
    return Language(grammars[name]())


GRAMMARS = {".ts": ("typescript", "tsx"), ".mts": ("typescript",), ".cts": ("typescript",), ".tsx": ("tsx",)}


def parse(data: bytes, suffix: str) -> Tree:
    """The tree by the first grammar that takes all of it, else by the first one, with errors in it.

    Raises:
        ValueError: it is nested deeper than anybody writes.
    """
    from tree_sitter import Parser

    if _nesting(data) > MAX_NESTING:
        raise ValueError(f"it is nested deeper than the {MAX_NESTING} levels that are followed")

    first = None
    for name in GRAMMARS.get(suffix, ("javascript", "tsx")):
        tree = Parser(_language(name)).parse(data)
        if not tree.root_node.has_error:
            return tree
        first = first or tree
    assert first is not None  # noqa: S101 - there is always a grammar
    return first


def _nesting(data: bytes) -> int:
    """The deepest nesting of brackets, those in texts counted too."""
    if data.count(b"(") + data.count(b"[") + data.count(b"{") <= MAX_NESTING:
        return 0
    deepest = depth = 0
    for match in re.finditer(rb"[(\[{]|[)\]}]", data):
        depth += 1 if match[0] in b"([{" else -1 if depth else 0
        deepest = max(deepest, depth)
    return deepest


def text_of(node: Node | None) -> str:
    """The source of a node."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def bare(node: Node | None) -> Node | None:
    """The node without brackets, casts and await."""
    while node is not None and node.type in WRAPPERS and node.named_child_count:
        node = node.named_child(1 if node.type == "type_assertion" else 0)
    return node


def name_of(call: Node) -> str:
    """The last name of what is called."""
    called = bare(call.child_by_field_name("function") or call.child_by_field_name("constructor"))
    if called is not None and called.type == "member_expression":
        called = called.child_by_field_name("property")
    return text_of(called) if called is not None and called.type in _NAMES else ""


_NAMES = frozenset({"identifier", "property_identifier", "private_property_identifier"})


def receiver_of(call: Node) -> Node | None:
    """What the called method is a method of."""
    called = bare(call.child_by_field_name("function"))
    return called.child_by_field_name("object") if called is not None and called.type == "member_expression" else None


def arguments_of(call: Node) -> list[Node]:
    """The arguments, or the template of a tagged one."""
    found = call.child_by_field_name("arguments")
    if found is None or found.type == "template_string":
        return [found] if found is not None else []
    return [child for child in found.named_children if child.type != "comment"]


def is_tagged(call: Node) -> bool:
    """Whether it is a template with a tag, and no call."""
    found = call.child_by_field_name("arguments")
    return found is not None and found.type == "template_string"


def pairs(node: Node) -> Iterator[tuple[str, Node]]:
    """Keys and values of an object literal."""
    for child in node.named_children:
        key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
        if child.type == "pair" and key is not None and value is not None:
            yield text_of(key).strip("\"'`"), value
        elif child.type == "shorthand_property_identifier":
            yield text_of(child), child


State = Literal["fixed", "open", "built"]


@dataclass(frozen=True)
class Text:
    """What is known of a text."""

    fixed: str = ""
    """The parts that stand in the file, with a space where another one is put in."""
    state: State = "open"
    """fixed: nothing but what stands there; open: it comes from elsewhere as it is; built: parts are put together."""
    how: str = ""


class Source:
    """One script: its nodes by kind, and what its names stand for."""

    def __init__(self, data: bytes, suffix: str) -> None:
        from tree_sitter import Query, QueryCursor

        self.data = data
        self.texts: dict[tuple[int, int], Text] = {}
        """What is known already of a node's text, by how deep it was asked."""
        self._tree = parse(data, suffix)
        root = self._tree.root_node
        wanted = [kind for kind in KINDS if _knows(self._tree.language, kind)]
        query = Query(self._tree.language, "\n".join(f"({kind}) @{kind}" for kind in wanted))
        self.nodes: dict[str, list[Node]] = {
            kind: sorted(nodes, key=lambda node: node.start_byte)
            for kind, nodes in QueryCursor(query).captures(root).items()
        }
        self.root = root
        self.imports: dict[str, str] = {}
        """Name -> the module that it is from."""
        self._values: dict[tuple[int, str], list[tuple[str, Node]]] = {}
        self.members: dict[str, list[Node]] = {}
        """Fields of `this` -> what is put into them."""
        self._functions = _nested(self.of(*FUNCTIONS))
        self._starts = [function.node.start_byte for function in self._functions]
        self._read_imports()
        self._read_names()

    @property
    def problem(self) -> str:
        """Where it was not understood; empty where all of it was."""
        if not self.root.has_error:
            return ""
        errors = self.nodes.get("ERROR", [])
        line = f" at line {errors[0].start_point.row + 1}" if errors else ""
        return f"a part of it is not understood{line}"

    def of(self, *kinds: str) -> list[Node]:
        """All nodes of these kinds, in their order."""
        return sorted((node for kind in kinds for node in self.nodes.get(kind, [])), key=lambda node: node.start_byte)

    def _read_imports(self) -> None:
        for node in self.of("import_statement"):
            module = text_of(node.child_by_field_name("source")).strip("\"'")
            clause = next((child for child in node.named_children if child.type == "import_clause"), None)
            for name in re.findall(r"(?:\w+\s+as\s+)?([\w$]+)", text_of(clause)):
                self.imports[name] = module
        for node in self.of("variable_declarator"):
            value = bare(node.child_by_field_name("value"))
            if value is not None and value.type == "call_expression" and name_of(value) == "require":
                module = "".join(text_of(one) for one in arguments_of(value)).strip("\"'")
                for name in re.findall(r"[\w$]+(?=\s*[,}]|$)", text_of(node.child_by_field_name("name"))):
                    self.imports[name] = module

    def _read_names(self) -> None:
        for node in self.of("variable_declarator", "function_declaration"):
            name = node.child_by_field_name("name")
            value = node if node.type == "function_declaration" else node.child_by_field_name("value")
            if name is not None and name.type == "identifier":
                inside = self._around(node)
                known = self._values.setdefault((inside[0].node.id if inside else 0, text_of(name)), [])
                known += [("=", value)] if value is not None else []
        for node in self.of("assignment_expression", "augmented_assignment_expression"):
            self._read_assignment(node)
        for node in self.of("call_expression"):
            self._read_push(node)
        for node in self.of("public_field_definition", "field_definition"):
            name = node.child_by_field_name("name") or node.child_by_field_name("property")
            value = node.child_by_field_name("value")
            if value is not None:
                self.members.setdefault(f"this.{text_of(name)}", []).append(value)

    def _read_push(self, node: Node) -> None:
        array = receiver_of(node)
        if array is not None and array.type == "identifier" and name_of(node) == "push":
            known = self._declared(array)
            if known is not None:
                self._values[known] += [("push", one) for one in arguments_of(node)]

    def _read_assignment(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        operator = text_of(node.child_by_field_name("operator")) or "="
        if left.type == "identifier":
            known = self._declared(left)
            self._values.setdefault(known or (0, text_of(left)), []).append((operator, right))
        elif left.type == "member_expression" and text_of(left).startswith("this."):
            self.members.setdefault(text_of(left), []).append(right)

    def _around(self, node: Node) -> list[_Function]:
        """The functions that a node stands in, the innermost first; a function does not stand in itself."""
        found: list[_Function] = []
        index = bisect_right(self._starts, node.start_byte) - 1
        while index >= 0:
            function = self._functions[index]
            if function.node.end_byte >= node.end_byte and function.node.id != node.id:
                found.append(function)
            index = function.outer
        return found

    def _declared(self, node: Node) -> tuple[int, str] | None:
        name = text_of(node)
        for function in self._around(node):
            if (function.node.id, name) in self._values:
                return function.node.id, name
            if name in function.parameters:
                return None
        return (0, name) if (0, name) in self._values else None

    def values(self, node: Node) -> list[tuple[str, Node]]:
        """What is put into a name in this file: operator and value; nothing where it comes from elsewhere."""
        if node.type == "member_expression":
            return [("=", value) for value in self.members.get(text_of(node), [])]
        found = self._declared(node)
        return self._values[found] if found else []

    def parameter_type(self, node: Node) -> str:
        """The type that a parameter or variable of this name is declared with, in TypeScript."""
        pattern = rf"\b{re.escape(text_of(node))}\s*\??\s*:\s*([\w.]+)"
        for function in self._around(node):
            if match := re.search(pattern, text_of(function.node.child_by_field_name("parameters"))):
                return match[1]
        return ""


@dataclass(frozen=True)
class _Function:
    """A function, and the place in the list of the one that it stands in; -1: none."""

    node: Node
    outer: int

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The names of its parameters, and those in their types and defaults."""
        found = self.node.child_by_field_name("parameters") or self.node.child_by_field_name("parameter")
        return frozenset(re.findall(r"[\w$]+", text_of(found)))


def _nested(functions: list[Node]) -> list[_Function]:
    """Functions in the order of their beginnings, each with the one around it."""
    found: list[_Function] = []
    open_: list[int] = []
    for node in functions:
        while open_ and found[open_[-1]].node.end_byte < node.end_byte:
            open_.pop()
        found.append(_Function(node, open_[-1] if open_ else -1))
        open_.append(len(found) - 1)
    return found


def _knows(language: Language, kind: str) -> bool:
    return kind == "ERROR" or language.id_for_node_kind(kind, True) is not None
