"""A register: the file KIND.yaml in the records' folder, as it is written, read and checked for mistakes."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model, model_validator

from meshguard.errors import MeshGuardError, Mistake, Mistakes
from meshguard.records.kinds import KINDS
from meshguard.records.statement import Absence, Entry
from meshguard.records.text import Text
from meshguard.yamlfile import Document, parse, read_yaml


class RegisterFile(BaseModel):
    """A register: KIND.yaml in the records' folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    entries: tuple[Entry, ...] = ()
    none: Absence | None = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> RegisterFile:
        if self.entries and self.none is not None:
            raise ValueError("it has entries and declares `none`: remove one")
        return self


@lru_cache
def register_model(kind: str) -> type[RegisterFile]:
    """The model of one kind's file."""
    entry = KINDS[kind]

    def right_kind(value: str) -> str:
        if value != kind:
            raise ValueError(f"the file is named {kind}.yaml: write `kind: {kind}`")
        return value

    def absent(value: Absence | None) -> Absence | None:
        if value is not None and not entry.may_be_none:
            raise ValueError(f"a {kind} is demanded, and cannot be declared absent")
        return value

    fields: dict[str, Any] = {
        "kind": (Annotated[Text, AfterValidator(right_kind)], Field(json_schema_extra={"const": kind})),
        "entries": (tuple[entry, ...], Field((), description=f"{_first_line(entry)} Newest last.")),  # type: ignore[valid-type]
        "none": (
            Annotated[Absence | None, AfterValidator(absent)],
            Field(None, description=_first_line(Absence) if entry.may_be_none else "Not for this kind."),
        ),
    }
    return create_model(f"Register of kind {kind}", __base__=RegisterFile, **fields)


def record_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of one kind's register.

    Raises:
        KeyError: no such kind.
    """
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema", **register_model(kind).model_json_schema()}
    if not KINDS[kind].may_be_none:
        found["properties"]["none"] = {"type": "null", "description": "Not for this kind."}
        found["$defs"].pop("Absence", None)
    return found


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").split("\n")[0]


@dataclass(frozen=True)
class LoadedRegister:
    """A register without mistakes, and where each part of it stands."""

    file: RegisterFile
    document: Document

    def where(self, index: int) -> str:
        """`file:line` of an entry."""
        return self.document.where(("entries", index))


def load_register(path: Path, kind: str) -> LoadedRegister | None:
    """The register at `path`; None where there is no such file.

    Raises:
        MeshGuardError: every mistake in it, each at its file:line.
    """
    if not _is_there(path, kind):
        return None
    document = read_yaml(path)
    file, mistakes = parse(register_model(kind), document)
    mistakes = [*mistakes, *_twice(document)]
    if file is None or mistakes:
        raise Mistakes(sorted(mistakes, key=lambda mistake: _line(mistake.where)))
    return LoadedRegister(file, document)


def _is_there(path: Path, kind: str) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        other = path.with_suffix(".yml")
        if other.exists() or path.is_symlink():
            what = f"{other.name} is not read" if other.exists() else "it is a link to nothing"
            raise MeshGuardError(what, where=str(path), fix=f"name the register {kind}.yaml") from None
        return False
    except (OSError, RuntimeError) as fault:
        reason = getattr(fault, "strerror", None) or "its links go round in a circle"
        raise MeshGuardError(f"cannot be read: {reason}", where=str(path)) from None
    if not stat.S_ISREG(mode):
        raise MeshGuardError("it is no regular file", where=str(path), fix=f"make {kind}.yaml a file")
    return True


def _twice(document: Document) -> list[Mistake]:
    """Ids that stand twice, also where the rest of the file has mistakes."""
    entries = document.data.get("entries") if isinstance(document.data, dict) else None
    first: dict[str, str] = {}
    found = []
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        name = entry.get("id") if isinstance(entry, dict) else None
        where = document.where(("entries", index, "id"))
        if isinstance(name, str) and first.setdefault(name.casefold(), where) != where:
            fix = f"the first is at {first[name.casefold()]}; give each entry its own"
            found.append(Mistake(where, f"the id {name!r} stands twice", fix))
    return found


def _line(where: str) -> int:
    line = where.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0
