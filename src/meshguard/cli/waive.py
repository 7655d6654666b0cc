"""`meshguard waive`: writes a waiver, asking for what is missing."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from meshguard.cli.output import emit, write_file
from meshguard.errors import MeshGuardError, Mistake, Mistakes
from meshguard.values import did_you_mean
from meshguard.waivers import Waiver, WaiverFile
from meshguard.yamlfile import parse, read_yaml

ASKED = ("control", "resource", "reason", "owner", "approver", "ticket", "expires")
HEAD = "# Accepted failures. Each names one resource, two people, a ticket and an end.\nwaivers:\n"


def write_waiver(path: Path, settings: tuple[str, ...], *, asking: bool | None = None) -> None:
    """Append one waiver to the file at `path`, which is made where it is not there, and print it.

    Args:
        path: the file of waivers.
        settings: NAME=VALUE each.
        asking: whether questions may be asked; without it, whether stdin is a terminal.

    Raises:
        MeshGuardError: what is wrong or missing; nothing was written.
    """
    given = _given(settings)
    given.setdefault("created", datetime.datetime.now(datetime.UTC).date().isoformat())
    if asking if asking is not None else sys.stdin.isatty():
        given |= _answers(given)
    waiver = _validated(given)
    before = _before(path)
    said = waiver.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump([said], sort_keys=False, allow_unicode=True, width=110)
    entry = "".join(f"  {line}\n" for line in text.splitlines())
    _check(path, before + entry)
    write_file(path, before + entry)
    emit(f"{path}\n{entry}It holds where a deployment file says `waivers: {path.name}`; see `meshguard validate`.\n")


def _given(settings: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise MeshGuardError(f"{text!r} is not NAME=VALUE", where="--set", fix="such as --set ticket=SEC-12")
        if name not in Waiver.model_fields:
            raise MeshGuardError(
                f"a waiver has no {name!r}", where="--set", fix=did_you_mean(name, Waiver.model_fields)
            )
        found[name] = value
    return found


def _answers(given: dict[str, Any]) -> dict[str, Any]:
    import typer

    asked = [name for name in ASKED if name not in given and not (name == "control" and "check" in given)]
    return {name: typer.prompt(f"{name} ({Waiver.model_fields[name].description})") for name in asked}


def _validated(given: dict[str, Any]) -> Waiver:
    try:
        return Waiver.model_validate(given)
    except ValidationError as fault:
        mistakes = []
        for error in fault.errors(include_url=False):
            name = ".".join(str(part) for part in error["loc"])
            what = f"{name} is missing" if error["type"] == "missing" else error["msg"].removeprefix("Value error, ")
            mistakes.append(Mistake("waiver", what, f"give --set {name}=..." if name else ""))
        raise Mistakes(mistakes) from None


def _before(path: Path) -> str:
    """The file's text so far, ending with a line's end."""
    if not path.exists():
        return HEAD
    document = read_yaml(path)
    _, mistakes = parse(WaiverFile, document)
    if mistakes:
        raise Mistakes(mistakes)
    if not document.data["waivers"]:
        return HEAD
    return path.read_text(encoding="utf-8").rstrip("\n") + "\n"


def _check(path: Path, text: str) -> None:
    """Refuse to write what could not be read again."""
    try:
        WaiverFile.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError):
        raise MeshGuardError(
            "the file is not written as a block list, so nothing can be appended to it",
            where=str(path),
            fix="write `waivers:` and its entries as `  - control: ...` lines",
        ) from None
