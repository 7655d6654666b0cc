"""YAML as people write it, with the line of each value.

Read with libyaml's safe loader where it is present. Refused: duplicate keys, aliases that grow without bound
("billion laughs"), an anchor inside itself, more than one document, files over `MAX_BYTES`, bytes that are not UTF-8,
a key that is not text.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ValidationError, ValidationInfo

from meshguard.errors import MeshGuardError, Mistake
from meshguard.values import did_you_mean


def _from_folder(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return folder / path.expanduser() if folder is not None else path


LocalPath = Annotated[Path, AfterValidator(_from_folder)]
"""A path in a file of the user's: relative to that file's folder."""

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
M = TypeVar("M", bound=BaseModel)
Path_ = tuple[str | int, ...]

_CREDENTIALS = re.compile(r"//[^/\s]*@")
"""What stands before the host of an URL; a mistake that quotes the URL does not show it."""

_TEXT = "tag:yaml.org,2002:str"
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
MAX_BYTES = 5_000_000
MAX_NODES = 200_000
MAX_DEPTH = 60


@dataclass
class Document:
    """A file's data, and where each part of it stands."""

    path: Path
    data: Any
    lines: dict[Path_, int]
    digest: str = ""
    """SHA-256 of its bytes."""
    offline: bool = False
    """Whether nothing will be contacted: files and variables that only that would need may then be missing."""

    def where(self, at: Path_ = ()) -> str:
        """`file:line` of the value at `at`, or of the nearest value around it."""
        while at and at not in self.lines:
            at = at[:-1]
        return f"{self.path}:{self.lines.get(at, 1)}"


def read_yaml(path: Path) -> Document:
    """The file's one document.

    Raises:
        MeshGuardError: it cannot be read, is not YAML, or is of a form that is refused; with file:line.
    """
    content = _bytes(path)
    text = _text(path, content)
    loader = Loader(text)
    try:
        _refuse_excess(path, text)
        node = loader.get_single_node()
        if node is None:
            raise MeshGuardError("the file is empty", where=str(path), fix="see `meshguard schema` for what it may say")
        builder = _Builder(path, loader)
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        return Document(path, builder.build(node, ()), builder.lines, digest)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        what = fault.problem or fault.context or ""
        deep = "nesting depth" in what  # libyaml 0.2.6 has a limit of its own, and may meet it while it looks ahead
        raise MeshGuardError(
            f"nested more than {MAX_DEPTH} deep" if deep else f"not valid YAML: {what}",
            where=f"{path}:{mark.line + 1}" if mark else str(path),
            fix="" if deep else "mind the indentation and the quotes",
        ) from None
    except yaml.YAMLError:
        raise MeshGuardError("not valid YAML: it holds characters that YAML does not allow", where=str(path)) from None
    finally:
        loader.dispose()


def _refuse_excess(path: Path, text: str) -> None:
    """Refuse what nests too deep or holds too much before nodes are made of it: libyaml's composer recurses in C."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=Loader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH or count > 2 * MAX_NODES:
            what = f"nested more than {MAX_DEPTH} deep" if depth > MAX_DEPTH else f"more than {MAX_NODES} values"
            line = event.start_mark.line + 1 if event.start_mark is not None else 1
            raise MeshGuardError(what, where=f"{path}:{line}")


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise MeshGuardError(
            f"not a text file: byte {fault.start} is not UTF-8", where=str(path), fix="save it as UTF-8"
        ) from None


def _bytes(path: Path) -> bytes:
    """The file's bytes, read once: it may be a pipe, and it may have no end."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise MeshGuardError("no such file", where=str(path)) from None
    except OSError as fault:
        raise MeshGuardError(f"cannot be read: {fault.strerror}", where=str(path)) from None
    if len(content) > MAX_BYTES:
        raise MeshGuardError(f"the file has more than the {MAX_BYTES} bytes that are read", where=str(path))
    return content


class _Builder:
    """Nodes to plain data; counts what aliases unfold to."""

    def __init__(self, path: Path, loader: Any) -> None:
        self.path, self.loader = path, loader
        self.lines: dict[Path_, int] = {}
        self.count = 0
        self.open: set[int] = set()

    def build(self, node: Any, at: Path_) -> Any:
        line = node.start_mark.line + 1
        self.lines[at] = line
        self.count += 1
        if self.count > MAX_NODES:
            self._refuse(line, f"more than {MAX_NODES} values", "aliases (*name) unfold to too much; write them out")
        if id(node) in self.open:
            self._refuse(line, "an anchor that holds itself", "remove the alias")
        if len(at) > MAX_DEPTH:
            self._refuse(line, f"nested more than {MAX_DEPTH} deep", "")
        self.open.add(id(node))
        try:
            return self._value(node, at)
        finally:
            self.open.discard(id(node))

    def _value(self, node: Any, at: Path_) -> Any:
        if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
            self._refuse(node.start_mark.line + 1, f"the tag {node.tag} is not allowed here", "write plain values")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*at, index)) for index, item in enumerate(node.value)]
        line = node.start_mark.line + 1
        try:
            # Most of a file is text; asking the constructor for each of it takes a third of all reading.
            value = node.value if node.tag == _TEXT else self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError):  # what PyYAML lets through
            self._refuse(line, f"the tag {node.tag} is not allowed here or does not fit", "write plain values")
        if isinstance(value, str) and "\0" in value:
            self._refuse(line, "a text that holds the character NUL", "no name, path or address has one")
        return value

    def _mapping(self, node: Any, at: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, str) or key_node.tag == "tag:yaml.org,2002:merge":
                self._refuse(line, "a key that is not a plain name", "merge keys (<<) and complex keys are not read")
            if key in found:
                self._refuse(line, f"the key {key!r} stands twice", f"the first is on line {self.lines[*at, key]}")
            found[key] = self.build(value_node, (*at, key))
            self.lines[*at, key] = line
        return found

    def _refuse(self, line: int, what: str, fix: str) -> NoReturn:
        raise MeshGuardError(what, where=f"{self.path}:{line}", fix=fix)


def parse(model: type[M], document: Document, *, at: Path_ = (), data: Any = None) -> tuple[M | None, list[Mistake]]:
    """The document (or the part of it at `at`) as a model, and all that is wrong with it, each at its line.

    Relative paths in it are taken from the file's folder (`LocalPath` in the model).
    """
    data = document.data if data is None and not at else data
    try:
        return model.model_validate(data, context={"folder": document.path.parent, "offline": document.offline}), []
    except ValidationError as fault:
        known = _field_names(model.model_json_schema())
        return None, [_mistake(document, at, error, known) for error in fault.errors(include_url=False)]


def _mistake(document: Document, at: Path_, error: Any, known: set[str]) -> Mistake:
    loc: Path_ = at + tuple(part for part in error["loc"] if isinstance(part, str | int))
    name = ".".join(str(part) for part in loc)
    if error["type"] == "extra_forbidden":
        word = str(error["loc"][-1])
        fix = did_you_mean(word, known - {word}, otherwise="remove it; `meshguard schema` lists what may stand here")
        return Mistake(document.where(loc), f"unknown key {name!r}", fix)
    if error["type"] == "missing":
        return Mistake(document.where(loc[:-1]), f"{name!r} is missing")
    message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    message = _CREDENTIALS.sub("//…@", message)
    return Mistake(document.where(loc), f"{name or 'the file'}: {message[:1].lower()}{message[1:]}")


def _field_names(schema: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(schema, dict):
        properties = schema.get("properties")
        found |= set(properties) if isinstance(properties, dict) else set()
        for value in schema.values():
            found |= _field_names(value)
    elif isinstance(schema, list):
        for value in schema:
            found |= _field_names(value)
    return found
