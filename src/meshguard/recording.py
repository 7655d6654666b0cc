"""The evidence file: one JSON object a line, mode 0600, each line chained to the one before it.

The first line says what was audited, each next one holds an observation, the last one counts them. Every line carries
`chain`: SHA-256 over the chain of the line before and the line's own content. A file that was cut off lacks its last
line; one that was edited breaks the chain at the line that was changed. The chain finds accidents and careless edits;
it is not a signature.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ValidationError

from meshguard.errors import MeshGuardError
from meshguard.evidence import Failure, Observation
from meshguard.values import canonical_json

SCHEMA = "meshguard.evidence/1"
MAX_LINE = 16_000_000


class _FailureLine(BaseModel):
    kind: str
    reason: str
    fix: str


class _Line(BaseModel):
    """An observation as a line holds it."""

    key: str
    collected: str
    value: Any = None
    failure: _FailureLine | None = None
    reads: tuple[str, ...] = ()


class EvidenceWriter:
    """Streams observations to a file as they are made; what was written before a crash is there."""

    def __init__(self, path: Path, head: dict[str, Any]) -> None:
        """Open `path`; raises MeshGuardError where it cannot be written."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):  # root must not close /dev/null to the others
                os.fchmod(descriptor, 0o600)
        except OSError as fault:
            raise MeshGuardError(f"the evidence cannot be written: {fault.strerror}", where=str(path)) from None
        self._file: IO[str] = os.fdopen(descriptor, "w", encoding="utf-8")
        self._chain = ""
        self._count = 0
        self.fault = ""
        """Why evidence could not be written; empty while all is well."""
        self._line({"schema": SCHEMA, **head})

    def write(self, observation: Observation) -> None:
        """Append one observation."""
        line: dict[str, Any] = {"key": observation.key, "collected": observation.collected}
        if observation.failure is not None:
            failure = observation.failure
            line["failure"] = {"kind": failure.kind, "reason": failure.reason, "fix": failure.fix}
        else:
            line["value"] = observation.value
        if observation.reads:
            line["reads"] = list(observation.reads)
        self._count += 1
        self._line(line)

    def finish(self, complete: bool | str) -> None:
        """Write the last line and close."""
        self._line({"end": self._count, "complete": complete})
        try:
            self._file.close()
        except OSError as fault:
            self.fault = _unwritten(fault)

    def _line(self, content: dict[str, Any]) -> None:
        self._chain = _link(self._chain, content)
        try:
            self._file.write(canonical_json({**content, "chain": self._chain}) + "\n")
            self._file.flush()
        except OSError as fault:
            self.fault = _unwritten(fault)


def _unwritten(fault: OSError) -> str:
    return f"evidence could not be written: {fault.strerror}"


@dataclass
class Recording:
    """A read evidence file."""

    path: Path
    head: dict[str, Any]
    digest: str
    observations: dict[str, Observation] = field(default_factory=dict)
    complete: bool | str = True
    """True, or why not: cut off, or recorded by an audit that was not finished."""


def read_recording(path: Path) -> Recording:
    """An evidence file.

    A cut-off file is read as far as it goes and is incomplete.

    Raises:
        MeshGuardError: it is no evidence file, of another schema, or was changed after it was recorded.
    """
    try:
        with path.open("rb") as file:
            lines = _lines(path, file)
    except FileNotFoundError:
        raise MeshGuardError(
            "no such file", where=str(path), fix="record one with `meshguard audit --evidence FILE`"
        ) from None
    except OSError as fault:
        raise MeshGuardError(f"cannot be read: {fault.strerror}", where=str(path)) from None
    recording = Recording(path, _parse(lines[0]) or {}, "sha256:" + hashlib.sha256(b"".join(lines)).hexdigest())
    recording.complete = _read_lines(recording, lines)
    return recording


def _lines(path: Path, file: IO[bytes]) -> list[bytes]:
    """The file's lines, after a look at the first one: what is no recording is not read to its end."""
    lines = [file.readline(MAX_LINE + 1)]
    head = _parse(lines[0])
    if head is None or head.get("schema") != SCHEMA or not isinstance(head.get("deployment", {}), dict):
        found = head.get("schema") if head else None
        raise MeshGuardError(
            f"no evidence file of schema {SCHEMA}" + (f": it says {found!r}" if found else ""), where=f"{path}:1"
        )
    while text := file.readline(MAX_LINE + 1):
        lines.append(text)
        if len(text) > MAX_LINE:
            raise MeshGuardError("the line is longer than any observation", where=f"{path}:{len(lines)}")
    return lines


def _read_lines(recording: Recording, lines: list[bytes]) -> bool | str:
    chain = ""
    for number, text in enumerate(lines, 1):
        content = _parse(text)
        if content is None:
            if number == len(lines):
                return f"the recording is cut off after line {number - 1}"
            raise _changed(recording.path, number)
        found = content.pop("chain", None)
        chain = _link(chain, content)
        if found != chain:
            raise _changed(recording.path, number)
        if "end" in content:
            if content["end"] != len(recording.observations) or number < len(lines):
                raise _changed(recording.path, number)
            complete = content.get("complete")
            return complete if complete is True else f"it was recorded by an audit that was not finished: {complete}"
        if number > 1:
            observation = _observation(recording.path, number, content)
            recording.observations[observation.key] = observation
    return f"the recording is cut off after line {len(lines)}"


def _parse(text: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(text.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _observation(path: Path, number: int, content: dict[str, Any]) -> Observation:
    try:
        line = _Line.model_validate(content)
        failure = Failure(**line.failure.model_dump()) if line.failure is not None else None
        return Observation(line.key, line.collected, line.value, failure, line.reads)
    except ValidationError:
        raise MeshGuardError("no observation of this schema", where=f"{path}:{number}") from None


def _changed(path: Path, number: int) -> MeshGuardError:
    return MeshGuardError(
        "the recording was changed after it was recorded",
        where=f"{path}:{number}",
        fix="use the file as the audit wrote it, or record anew",
    )


def _link(chain: str, content: dict[str, Any]) -> str:
    return hashlib.sha256((chain + canonical_json(content)).encode()).hexdigest()
