"""`meshguard sbom`: MeshGuard's own bill of materials of a checkout, or the notices of what it ships."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from meshguard.cli.output import emit, note, write_file
from meshguard.errors import MeshGuardError, NotObserved
from meshguard.gate import OPEN, UNDETERMINED
from meshguard.plugins import Plugins
from meshguard.values import did_you_mean, printable

FORMATS = {"cyclonedx": "json", "cyclonedx-json": "json", "cyclonedx-xml": "xml", "notice": "notice"}


def write_sbom(
    path: Path, output: Path | None, *, reproducible: bool, format: str, environments: tuple[Path, ...] = ()
) -> int:
    """Write the bill of materials of the checkout at PATH; 3 where it lacks what could not be read, and says what.

    Args:
        path: the folder of the checkout.
        output: the file that it goes to; stdout without it.
        reproducible: the same checkout gives the same bytes: no random serial number, the commit's time.
        format: one of `FORMATS`.
        environments: Python environments of the build, which tell what licences their packages have.

    Raises:
        MeshGuardError: there is no such folder or format, or the file cannot be written.
    """
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS, otherwise=f"formats: {', '.join(FORMATS)}")
        raise MeshGuardError(f"unknown format {format!r}", where="--format", fix=hint)
    if not path.is_dir():
        raise MeshGuardError(f"there is no folder {path}", fix="give the folder of the checkout")
    text, unread = asyncio.run(_written(path, environments, reproducible=reproducible, format_=FORMATS[format]))
    if output is None:
        emit(text)
    else:
        _save(output, text)
    for line in unread:
        note(f"not read: {printable(line)}")
    return UNDETERMINED if unread else OPEN


async def _written(
    path: Path, environments: tuple[Path, ...], *, reproducible: bool, format_: str
) -> tuple[str, tuple[str, ...]]:
    from meshguard.evidence import Evidence

    kind: Any = Plugins().target("repo")
    repo = kind(kind.Settings(name="checkout", path=path, environments=environments), Evidence())
    try:
        text, unread = await repo.written_bill(reproducible=reproducible, format_=format_)
    except NotObserved as fault:
        raise MeshGuardError(fault.reason, fix=fault.fix) from None
    finally:
        await repo.close()
    return text, unread


def _save(output: Path, text: str) -> None:
    try:
        write_file(output, text)
    except OSError as fault:
        raise MeshGuardError(f"cannot be written: {fault.strerror}", where=str(output)) from None
