"""`meshguard sbom`: MeshGuard's own bill of materials of a checkout, or the notices of what it ships."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from meshguard.cli.output import emit
from meshguard.errors import MeshGuardError, NotObserved
from meshguard.gate import OPEN, UNDETERMINED
from meshguard.plugins import Plugins
from meshguard.values import did_you_mean, printable

FORMATS = {"cyclonedx": "json", "cyclonedx-json": "json", "cyclonedx-xml": "xml", "notice": "notice"}


def write_sbom(path: Path, output: Path | None, *, reproducible: bool, format: str) -> int:
    """Write the bill of materials of the checkout at PATH; 3 where it lacks what could not be read, and says what.

    Args:
        path: the folder of the checkout.
        output: the file that it goes to; stdout without it.
        reproducible: the same checkout gives the same bytes: no random serial number, the commit's time.
        format: one of `FORMATS`.

    Raises:
        MeshGuardError: there is no such folder or format, or the file cannot be written.
    """
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS, otherwise=f"formats: {', '.join(FORMATS)}")
        raise MeshGuardError(f"unknown format {format!r}", where="--format", fix=hint)
    if not path.is_dir():
        raise MeshGuardError(f"there is no folder {path}", fix="give the folder of the checkout")
    text, unread = asyncio.run(_written(path, reproducible=reproducible, format_=FORMATS[format]))
    if output is None:
        emit(text.rstrip("\n"))
    else:
        _save(output, text)
    for line in unread:
        sys.stderr.write(f"not read: {printable(line)}\n")
    return UNDETERMINED if unread else OPEN


async def _written(path: Path, *, reproducible: bool, format_: str) -> tuple[str, tuple[str, ...]]:
    from meshguard.evidence import Evidence

    kind: Any = Plugins().target("repo")
    environments = [found for name in (".venv", "venv") if (found := path / name).is_dir()]
    settings = kind.Settings(name="checkout", path=path, environments=tuple(environments))
    repo = kind(settings, Evidence())
    try:
        found: tuple[str, tuple[str, ...]] = await repo.written_bill(reproducible=reproducible, format_=format_)
    except NotObserved as fault:
        raise MeshGuardError(fault.reason, fix=fault.fix) from None
    finally:
        await repo.close()
    return found


def _save(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise MeshGuardError(f"cannot be written: {fault.strerror}", where=str(output)) from None
