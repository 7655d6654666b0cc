"""zizmor over one file of GitHub: a second opinion, kept apart from what MeshGuard finds itself.

It is not online, and nothing of the checkout configures it: neither its configuration files nor comments that accept
a finding. A file that it cannot parse it leaves out with a warning and a success, unless it is told to be strict.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

from meshguard.errors import NotAllowed, NotObserved
from meshguard.targets.ci.files import Files, NotRead
from meshguard.targets.ci.models import CiModel
from meshguard.targets.tools import Tool, find, run
from meshguard.values import encodable

Severity = Literal["informational", "low", "medium", "high"]
Confidence = Literal["low", "medium", "high"]
ZIZMOR = Tool("zizmor", advice="`pipx install zizmor`")
FIX = "see what zizmor says of the file when it is run by hand"
ANSWERS = (0, 11, 12, 13, 14)
"""Nothing found, and the worst that was found: informational, low, medium, high."""
ARGUMENTS = ("--offline", "--no-config", "--no-ignores", "--strict-collection", "--no-progress", "--format", "json")


class Said(CiModel):
    """One finding of zizmor."""

    rule: str
    line: int
    severity: Severity
    confidence: Confidence

    def __str__(self) -> str:
        """Line, rule and how bad it is."""
        return f"line {self.line}: {self.rule} ({self.severity} severity, {self.confidence} confidence)"


class Opinion(CiModel):
    """What zizmor says of one file."""

    path: str
    source: str
    """Name and version."""
    findings: tuple[Said, ...] = ()


async def ask(files: Files, path: str, program: str, *, deadline_s: float) -> Opinion:
    """What zizmor says of one workflow or action.

    Raises:
        NotObserved: the deployment does not name it, it is not there, or it gives no report on the file.
    """
    if not program:
        raise NotAllowed(
            "zizmor is not asked: the deployment does not name it",
            fix="install it, and name its path under `zizmor` of the target",
        )
    found = await find(ZIZMOR, program)
    try:
        text = files.text(path)
    except NotRead as fault:
        raise NotObserved(f"it cannot be read: {fault}") from None
    with tempfile.TemporaryDirectory(prefix="meshguard-zizmor-") as folder:
        copy = _copied(Path(folder), path, text)
        done = await run(found, [*ARGUMENTS, str(copy)], folder=Path(folder), deadline_s=deadline_s)
    if failure := done.failure(found, expected=ANSWERS):
        raise NotObserved(f"zizmor gave no report on {path}: {failure[:600]}", fix=FIX)
    findings = read_report(done.output)
    if bool(findings) != bool(done.code):
        raise NotObserved(f"zizmor's report on {path} does not fit its exit code, {done.code}", fix=FIX)
    return Opinion(path=path, source=str(found), findings=findings)


def _copied(folder: Path, path: str, text: str) -> Path:
    """The file alone, where git ignores nothing: zizmor tells a workflow from an action by its path."""
    copy = folder / path
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text)
    return copy


def read_report(output: bytes) -> tuple[Said, ...]:
    """The findings of a JSON report (v1).

    Raises:
        NotObserved: it is none: an empty output is none, and an empty list is.
    """
    try:
        document = json.loads(output)
        if not isinstance(document, list):
            raise TypeError
        found = [_said(entry) for entry in document]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, StopIteration):
        raise NotObserved("it is no whole JSON report of zizmor", fix=FIX) from None
    return tuple(sorted(found, key=lambda one: (-get_args(Severity).index(one.severity), one.line, one.rule)))


def _said(entry: Any) -> Said:
    how = entry["determinations"]
    place = next(_primary(entry["locations"]))
    return Said(
        rule=encodable(entry["ident"]),
        line=place["concrete"]["location"]["start_point"]["row"] + 1,
        severity=how["severity"].lower(),
        confidence=how["confidence"].lower(),
    )


def _primary(locations: Any) -> Iterator[Any]:
    """Where it is, and the other places that have to do with it where it says no such place."""
    yield from (one for one in locations if one["symbolic"]["kind"] == "Primary")
    yield from locations
