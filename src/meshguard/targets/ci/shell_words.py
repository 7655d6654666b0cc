"""A script of the shell as a syntax tree, and the words of a command in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

OPEN = "\0"
"""Stands for what is not known before it runs: a variable, a substitution, an expression of the CI service."""
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}|\$\[\[.*?\]\]", re.DOTALL)
_PLACEHOLDER = "meshguard-unknown-expression"
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
MAX_DEPTH = 150


@cache
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def parse(script: str) -> Node | None:
    """The tree of a script, expressions of the CI service replaced; None where it is no valid script or too deep."""
    text = _EXPRESSION.sub(_PLACEHOLDER, script)
    root = _parser().parse(text.encode("utf-8", "replace")).root_node
    return None if root.has_error or _deep(root) else root


def _deep(root: Node) -> bool:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node.named_children]
        if not level:
            return False
    return True


def text_of(node: Node) -> str:
    """The node's own text."""
    return (node.text or b"").decode("utf-8", "replace")


def word(node: Node) -> str:
    """A word as the shell would hand it on, with `OPEN` for what is not known."""
    kind = node.type
    if kind == "raw_string":
        return text_of(node)[1:-1]
    if kind in ("word", "number", "command_name", "variable_name", "string_content", "extglob_pattern"):
        if node.named_children:
            return "".join(word(child) for child in node.named_children)
        plain = text_of(node) if kind == "string_content" else _ESCAPE.sub(_unescaped, text_of(node))
        return plain.replace(_PLACEHOLDER, OPEN)
    if kind in ("string", "concatenation"):
        return "".join(word(child) for child in node.named_children)
    return OPEN


def _unescaped(match: re.Match[str]) -> str:
    return "" if match[1] == "\n" else match[1]


def words(command: Node) -> tuple[str, ...]:
    """The words of a simple command: its name and its arguments."""
    parts = [*command.children_by_field_name("name"), *command.children_by_field_name("argument")]
    return tuple(word(part) for part in parts)


def assignments(command: Node) -> dict[str, str]:
    """Variables that are set for one command alone."""
    found = {}
    for child in command.named_children:
        if child.type == "variable_assignment":
            name, value = child.child_by_field_name("name"), child.child_by_field_name("value")
            if name is not None:
                found[text_of(name)] = word(value) if value is not None else ""
    return found


def substitutions(node: Node) -> Iterator[Node]:
    """Commands that are run to make words of this node; not those inside them again."""
    for child in node.named_children:
        if child.type in ("command_substitution", "process_substitution"):
            yield child
        else:
            yield from substitutions(child)


def statements(node: Node) -> list[tuple[Node, bool]]:
    """The statements in a block, each with whether it is left to run in the background."""
    found: list[tuple[Node, bool]] = []
    for child in node.children:
        if child.is_named and child.type not in ("comment", "heredoc_body", "variable_name"):
            found.append((child, False))
        elif child.type == "&" and found:
            found[-1] = (found[-1][0], True)
    return found
