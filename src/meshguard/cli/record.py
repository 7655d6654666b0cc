"""`meshguard record`: asks for what an entry must say, and appends it to its register.

The file's own text stays as it is: the entry is put in as text, what comes out is read again and must say what the
file said before and the new entry, and only then does it take the file's place.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from meshguard.cli.output import emit
from meshguard.cli.record_append import Addition, append
from meshguard.errors import MeshGuardError, Mistake, Mistakes
from meshguard.records.document import NoDigestError, digest_of
from meshguard.records.kinds import KINDS
from meshguard.records.statement import Absence, Statement
from meshguard.records.text import is_url
from meshguard.values import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

COMPUTED = ("key", "signature")
"""What the command writes itself."""
ASKED_TOO = ("document", "valid_until", "review_every", "approver")
"""Fields that need not be given and are worth a question."""


def write_record(
    kind: str, folder: Path, settings: tuple[str, ...], *, key: str = "", none: bool = False, asking: bool | None = None
) -> int:
    """Append one entry to FOLDER/KIND.yaml and print it; what is missing is asked for where somebody can answer.

    Args:
        kind: the kind of record.
        folder: the folder of the registers.
        settings: NAME=VALUE each; several values of one field are separated by commas.
        key: where the private key lies that signs the entry, as `file:PATH`; empty: it is not signed.
        none: declare that there is none instead.
        asking: whether questions may be asked; without it, whether stdin is a terminal.

    Raises:
        MeshGuardError: what is wrong or missing; nothing was written.
    """
    model = _model(kind, none=none)
    given = _given(model, settings)
    if asking if asking is not None else sys.stdin.isatty():
        given |= _answers(model, given)
    given |= _digest(folder, given)
    statement = _signed(kind, _validated(kind, model, given), key)
    said = statement.model_dump(mode="python", by_alias=True, exclude_defaults=True)
    place = append(folder, kind, Addition(_plain(statement, said), none=none))
    emit(f"{place.where}\n{place.text}")
    return 0


def _model(kind: str, *, none: bool) -> type[Statement]:
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS, otherwise=f"kinds: {', '.join(KINDS)}")
        raise MeshGuardError(f"{kind!r} is no kind of record", fix=hint)
    if none and not KINDS[kind].may_be_none:
        raise MeshGuardError(f"a {kind} is demanded, and cannot be declared absent", where="--none")
    return Absence if none else KINDS[kind]


def _fields(model: type[Statement]) -> dict[str, FieldInfo]:
    """The fields that can be given, by the name that the file uses."""
    return {info.alias or name: info for name, info in model.model_fields.items() if name not in COMPUTED}


def _given(model: type[Statement], settings: tuple[str, ...]) -> dict[str, Any]:
    fields, found, mistakes = _fields(model), dict[str, Any](), list[Mistake]()
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            mistakes.append(Mistake("--set", f"{setting!r} is not NAME=VALUE"))
        elif name not in fields:
            hint = did_you_mean(name, fields, otherwise=f"it has {', '.join(fields)}")
            mistakes.append(Mistake("--set", f"there is no field {name!r}", hint))
        elif name in found:
            mistakes.append(Mistake("--set", f"{name} is given twice", "separate several values by commas"))
        else:
            found[name] = _value(fields[name], value)
    if mistakes:
        raise Mistakes(mistakes)
    return found


def _value(info: FieldInfo, text: str) -> Any:
    """A text as the value of a field."""
    if str(info.annotation).startswith("tuple"):
        return [part.strip() for part in text.split(",") if part.strip()]
    if info.annotation is int and text.strip().isdecimal():
        return int(text)
    return text.strip()


def _answers(model: type[Statement], given: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody answers for each field that is missing; an empty answer leaves out what need not be given."""
    import typer

    found: dict[str, Any] = {}
    for name, info in _fields(model).items():
        if name in given or name == "sha256" or not (info.is_required() or name in ASKED_TOO):
            continue
        default: Any = None if info.is_required() else ""
        if name == "date":
            default = datetime.datetime.now(datetime.UTC).date().isoformat()
        answer = typer.prompt(f"{name}: {info.description}", default=default, show_default=bool(default))
        if answer:
            found[name] = _value(info, str(answer))
    return found


def _digest(folder: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """The digest of the document, computed; one that was given must be the same."""
    name = given.get("document")
    if not isinstance(name, str) or is_url(name):
        return {}
    try:
        found = digest_of(folder, name)
    except NoDigestError as fault:
        what = f"the document {name} is {fault.state.replace('-', ' ')}"
        raise MeshGuardError(
            what, where="document", fix=f"give a file inside {folder}, by its path from there"
        ) from None
    wanted = str(given.get("sha256", found)).lower().removeprefix("sha256:")
    if wanted != found:
        raise MeshGuardError(f"the document's SHA-256 is {found}, not the one given", where="sha256")
    return {"sha256": found}


def _validated(kind: str, model: type[Statement], given: Mapping[str, Any]) -> Statement:
    try:
        return model.model_validate(given)
    except ValidationError as fault:
        errors = fault.errors(include_url=False)
    missing = [".".join(map(str, error["loc"])) for error in errors if error["type"] == "missing"]
    mistakes = [
        Mistake(".".join(map(str, error["loc"])) or kind, error["msg"].removeprefix("Value error, "))
        for error in errors
        if error["type"] != "missing"
    ]
    if missing:
        example = f"--set {missing[0]}=VALUE"
        mistakes.append(Mistake(kind, f"missing: {', '.join(missing)}", f"give each by {example}"))
    raise Mistakes(mistakes)


def _signed(kind: str, statement: Statement, key: str) -> Statement:
    """The statement, signed where a key is given."""
    if not key:
        return statement
    from meshguard.records.sign import key_id, private_key, signature_of

    scheme, _, path = key.partition(":")
    if scheme != "file" or not path:
        raise MeshGuardError(f"{scheme!r} is no place of keys", where="--key", fix="write file:PATH")
    private = private_key(Path(path).expanduser())
    named = statement.model_copy(update={"key": key_id(private.public_key())})
    return named.model_copy(update={"signature": signature_of(kind, named, private)})


def _plain(statement: Statement, said: Mapping[str, Any]) -> dict[str, Any]:
    """What the statement says as YAML writes it: days as days, the rest as text, lists and numbers."""
    written = statement.model_dump(mode="json", by_alias=True)
    names = sorted(said, key=lambda name: (name != "id", name in Statement.model_fields))
    return {name: said[name] if isinstance(said[name], datetime.date) else written[name] for name in names}
