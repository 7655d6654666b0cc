"""Puts an entry into a register as text: comments, order and quotes of the file stay as they are."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from meshguard.errors import MeshGuardError, Mistake, Mistakes
from meshguard.records.register import LoadedRegister, load_register

BY_HAND = "add the entry by hand"


@dataclass(frozen=True)
class Addition:
    """An entry, or a declaration that there is none, as plain data."""

    data: dict[str, Any]
    none: bool


@dataclass(frozen=True)
class Place:
    """Where it was written, and as what."""

    where: str
    text: str


def append(folder: Path, kind: str, addition: Addition) -> Place:
    """Add to FOLDER/KIND.yaml; the file is whole at every moment.

    Raises:
        MeshGuardError: the register has mistakes, has the entry, or cannot take it; it is as it was.
    """
    path = folder / f"{kind}.yaml"
    if not folder.is_dir():
        raise MeshGuardError("there is no such folder", where=str(folder), fix="make it, or name another one")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise MeshGuardError("it is a link that leads out of the records' folder", where=str(path))
    with _alone(folder):
        loaded = load_register(path, kind)
        if loaded is not None:
            _refuse(loaded, addition)
        before = _text(path) if loaded is not None else f"kind: {kind}\n"
        text = _dumped(addition)
        draft = _write_draft(path.resolve(), _inserted(before, addition, text, str(path)))
        try:
            after = _checked(draft, path, kind, loaded, addition)
            draft.replace(path.resolve())
        finally:
            draft.unlink(missing_ok=True)
    at = ("none",) if addition.none else ("entries", len(after.file.entries) - 1)
    return Place(f"{path}:{after.document.lines[at]}", text)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig")


def _refuse(loaded: LoadedRegister, addition: Addition) -> None:
    where, none = loaded.document.where(("none",)), loaded.file.none
    if none is not None:
        what = "the register declares `none` already" if addition.none else "the register declares `none`"
        raise MeshGuardError(what, where=where, fix="remove the declaration first")
    if addition.none and loaded.file.entries:
        raise MeshGuardError("the register has entries, so there is not none", where=loaded.where(0))
    for index, entry in enumerate(loaded.file.entries):
        if not addition.none and entry.id.casefold() == str(addition.data["id"]).casefold():
            raise MeshGuardError(f"the id {entry.id!r} is there already", where=loaded.where(index), fix="give another")


def _dumped(addition: Addition) -> str:
    return yaml.safe_dump(addition.data, sort_keys=False, allow_unicode=True, width=10_000)


def _inserted(before: str, addition: Addition, text: str, where: str) -> str:
    """The file's text with the addition in it."""
    lines = before.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    root = yaml.compose(before, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise MeshGuardError("the register is written in { }", where=where, fix=BY_HAND)
    if addition.none:
        return "".join([*lines, "none:\n", *_indented(text, "  ", "  ")])
    for index, (name, entries) in enumerate(root.value):
        if name.value == "entries":
            last = index == len(root.value) - 1
            return _into(lines, entries, text, where, at=len(lines) if last else _end(entries))
    return "".join([*lines, "entries:\n", *_indented(text, "  - ", "    ")])


def _into(lines: list[str], entries: yaml.Node, text: str, where: str, *, at: int) -> str:
    if not isinstance(entries, yaml.SequenceNode):
        raise MeshGuardError("`entries` is no list", where=where, fix=BY_HAND)
    if entries.flow_style:
        if entries.value:
            raise MeshGuardError(
                "the entries are written in [ ]", where=where, fix=f"write them with dashes, or {BY_HAND}"
            )
        start, end = entries.start_mark, entries.end_mark
        if start.line != end.line:
            raise MeshGuardError("the empty list runs over lines", where=where, fix=BY_HAND)
        line = lines[start.line]
        kept = line[: start.column].rstrip() + line[end.column :]
        lines[start.line : start.line + 1] = [kept, *_indented(text, "  - ", "    ")]
        return "".join(lines)
    margin = " " * entries.start_mark.column
    lines[at:at] = _indented(text, f"{margin}- ", f"{margin}  ")
    return "".join(lines)


def _end(node: yaml.Node) -> int:
    """The number of the line after the node's last value; a comment after it stays with what follows."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    mark = node.end_mark
    return int(mark.line + (1 if mark.column else 0))


def _indented(text: str, first: str, rest: str) -> list[str]:
    lines = text.splitlines(keepends=True)
    return [(first if index == 0 else rest) + line for index, line in enumerate(lines)]


def _write_draft(path: Path, text: str) -> Path:
    """The text in a neighbour of the file, with the file's mode."""
    mask = os.umask(0)
    os.umask(mask)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~mask
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".part")
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        os.fchmod(descriptor, mode)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    return Path(name)


def _checked(draft: Path, path: Path, kind: str, before: LoadedRegister | None, addition: Addition) -> LoadedRegister:
    """The draft as it will be read: what the file said and the addition, and nothing else."""
    try:
        after = load_register(draft, kind)
    except MeshGuardError as fault:
        mistakes = [Mistake(m.where.replace(str(draft), str(path)), m.what, m.fix) for m in fault.mistakes]
        raise Mistakes(mistakes) from None
    said: dict[str, Any] = {"kind": kind, **(before.document.data if before is not None else {})}
    entries = list(said.get("entries") or [])
    said |= {"none": addition.data} if addition.none else {"entries": [*entries, addition.data]}
    if after is None or after.document.data != said:
        raise MeshGuardError("the entry would change what the file says", where=str(path), fix=BY_HAND)
    return after


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against another `meshguard record`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
