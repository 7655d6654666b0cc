"""YAML of CI services: keys are text (`on` stays `on`), each value has its line, and no input breaks it.

Plain scalars are read as YAML 1.2 does. GitLab's `!reference` is kept as a value of its own; anchors and merge keys
are followed. Refused: duplicate keys, more than `MAX_NODES` values, nesting over `MAX_DEPTH`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_NODES = 100_000
MAX_DEPTH = 60
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_INT = re.compile(r"[-+]?\d{1,18}")


class Unreadable(ValueError):
    """The text is no YAML that is taken; the message says why, with the line."""


class Map(dict[str, Any]):
    """A mapping, with the line of each key."""

    line = 1

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}

    def at(self, key: str) -> int:
        """The line of a key, or of the mapping."""
        return self.lines.get(key, self.line)


class Seq(list[Any]):
    """A sequence, with the line of each item."""

    line = 1

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []


@dataclass(frozen=True)
class Reference:
    """GitLab's `!reference [job, key]`."""

    path: tuple[str, ...]


@dataclass
class _Builder:
    left: int = MAX_NODES
    depth: int = 0
    open: set[int] = field(default_factory=set)

    def build(self, node: yaml.Node) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Unreadable(f"more than {MAX_NODES} values")
        if id(node) in self.open:
            raise Unreadable(f"line {node.start_mark.line + 1}: an anchor holds itself")
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        self.open.add(id(node))
        try:
            return self.map(node) if isinstance(node, yaml.MappingNode) else self.sequence(node)
        finally:
            self.open.discard(id(node))

    def map(self, node: yaml.MappingNode) -> Map:
        found, merged = Map(), []
        found.line = node.start_mark.line + 1
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise Unreadable(f"line {line}: a key that is not text")
            if key_node.value == "<<" and not key_node.style:
                merged.append(self.build(value_node))
                continue
            if key_node.value in found:
                raise Unreadable(f"line {line}: a key stands there twice")
            found[key_node.value] = self.build(value_node)
            found.lines[key_node.value] = line
        for source in merged:
            for each in source if isinstance(source, list) else [source]:
                _merge(found, each)
        return found

    def sequence(self, node: Any) -> Any:
        found = Seq()
        found.line = node.start_mark.line + 1
        for each in node.value:
            found.append(self.build(each))
            found.lines.append(each.start_mark.line + 1)
        if node.tag == "!reference":
            return Reference(tuple(str(part) for part in found))
        return found


def _merge(found: Map, source: Any) -> None:
    if isinstance(source, Map):
        for key, value in source.items():
            if key not in found:
                found[key] = value
                found.lines[key] = source.at(key)


def _scalar(node: yaml.ScalarNode) -> Any:
    text = str(node.value)
    if node.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INT.fullmatch(text) else text


def read(text: str) -> list[Any]:
    """The documents of a text.

    Raises:
        Unreadable: it is not valid, or of a form that is refused.
    """
    try:
        _refuse_depth(text)
        builder = _Builder()
        return [builder.build(node) for node in yaml.compose_all(text, Loader=Loader)]
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        raise Unreadable(f"line {mark.line + 1 if mark else 1}: no valid YAML") from None
    except (yaml.YAMLError, RecursionError):
        raise Unreadable("no valid YAML") from None


def _refuse_depth(text: str) -> None:
    """Before nodes are made: the composer recurses."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=Loader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH or count > 2 * MAX_NODES:
            raise Unreadable(f"nested more than {MAX_DEPTH} deep" if depth > MAX_DEPTH else "too many values")
