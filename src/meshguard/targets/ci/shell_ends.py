"""How a block of a shell script ends, and what a statement makes of the status before it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Literal

from meshguard.targets.ci.shell_words import OPEN, text_of, words

if TYPE_CHECKING:
    from tree_sitter import Node

TESTS = frozenset({"test", "[", "[[", "grep", "egrep", "command", "which", "type", "diff", "cmp", "false", "hash"})


class Ending(Enum):
    """How a block ends."""

    FAILS = "it ends the script with a failure"
    SAME = "its own failure stands for the failure before it"
    GOES_ON = "it goes on, or ends with success"
    UNKNOWN = "it may end either way"


def ends_with(*block: Node) -> Ending:
    """How a block ends that is run where something has failed."""
    statements = [inside for node in block for inside in _unfolded(node)]
    for index, statement in enumerate(statements):
        said = words(statement) if statement.type == "command" else ()
        if said[:1] in (("exit",), ("return",)):
            return _exit(said, first=index == 0)
        if _holds_exit(statement):
            return Ending.UNKNOWN
    last = statements[-1] if statements else None
    if last is not None and last.type == "command" and words(last)[:1] == ("false",):
        return Ending.SAME
    if last is not None and last.type == "subshell" and ends_with(*last.named_children) is Ending.FAILS:
        return Ending.SAME
    return Ending.GOES_ON


def _exit(said: tuple[str, ...], *, first: bool) -> Ending:
    status = said[1] if len(said) > 1 else OPEN
    if status.isdigit():
        fails = int(status[-6:]) % 256 != 0  # the system keeps the last eight bits
    elif status == OPEN:
        fails = first  # without a status, or with `$?`, it hands on that of the command before it
        if not first:
            return Ending.GOES_ON if len(said) == 1 else Ending.UNKNOWN
    else:
        return Ending.UNKNOWN
    if not fails:
        return Ending.GOES_ON
    return Ending.FAILS if said[0] == "exit" else Ending.UNKNOWN


def _unfolded(node: Node) -> list[Node]:
    if node.type in ("compound_statement", "redirected_statement"):
        return [inside for child in node.named_children for inside in _unfolded(child)]
    return [] if node.type in ("comment", "file_redirect") else [node]


def _holds_exit(node: Node) -> bool:
    if node.type == "command" and words(node)[:1] in (("exit",), ("return",)):
        return True
    return node.type != "subshell" and any(_holds_exit(child) for child in node.named_children)


def captures_status(node: Node) -> Literal["", "exits", "kept"]:
    """What a statement does with the status of the one before it."""
    if node.type == "command" and words(node)[:1] == ("exit",):
        argument = node.children_by_field_name("argument")
        return "exits" if not argument or text_of(argument[0]).strip('"') == "$?" else ""
    return "kept" if "$?" in text_of(node) or "PIPESTATUS" in text_of(node) else ""


def is_test(node: Node) -> bool:
    """Whether a statement only looks at something, so that what depends on it may not run."""
    if node.type in ("test_command", "negated_command"):
        return True
    if node.type == "command":
        return words(node)[:1] != () and words(node)[0].rsplit("/", 1)[-1] in TESTS
    if node.type == "list":
        return any(is_test(child) for child in node.named_children)
    return node.type in ("redirected_statement", "pipeline") and is_test(
        node.named_children[-1 if node.type == "pipeline" else 0]
    )


def name_of(node: Node) -> str:
    """The first word of a statement, to name it."""
    while node.type not in ("command", "test_command") and node.named_children:
        node = node.named_children[0]
    said = words(node) if node.type == "command" else ()
    return said[0] if said and OPEN not in said[0] and len(said[0]) < 40 else "…"
