"""Findings that are accepted until they are gone: by the secret's salted hash and its path, never by a line number.

A line that is added above does not bring a finding back, and the secret in another file is a new finding. The
baseline has a salt of its own, in its file, so that it stays valid from audit to audit. An entry's key is the
HMAC-SHA256 of the secret under that salt (64 bits, as `salted` makes it) with the path.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from meshguard.errors import MeshGuardError
from meshguard.targets.scanning.findings import Finding, salted

_SCHEMA = "meshguard-secrets-baseline-1"


@dataclass(frozen=True)
class Baseline:
    """What is accepted."""

    salt: bytes = b""
    entries: frozenset[tuple[str, str]] = frozenset()
    """Hash and path."""

    def holds(self, secret: str, path: str) -> bool:
        """Whether the secret is accepted in that file."""
        return bool(self.entries) and (salted(self.salt, secret), path) in self.entries

    @staticmethod
    def of(findings: Iterable[Finding], salt: bytes) -> Baseline:
        """A baseline that accepts these findings; they were made under `salt`."""
        return Baseline(salt, frozenset((finding.hash, finding.path) for finding in findings))

    @staticmethod
    def new_salt() -> bytes:
        """A salt for a new baseline: scan with it, then keep it with the baseline."""
        return secrets.token_bytes(16)

    def to_json(self) -> str:
        """The file's text."""
        entries = [{"hash": digest, "path": path} for digest, path in sorted(self.entries, key=lambda pair: pair[::-1])]
        return json.dumps({"schema": _SCHEMA, "salt": self.salt.hex(), "entries": entries}, indent=1) + "\n"

    @staticmethod
    def load(path: Path) -> Baseline:
        """The baseline of a file.

        Raises:
            MeshGuardError: it cannot be read, or it is no baseline.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["schema"] != _SCHEMA:
                raise ValueError
            entries = frozenset((str(entry["hash"]), str(entry["path"])) for entry in document["entries"])
            return Baseline(bytes.fromhex(document["salt"]), entries)
        except OSError as fault:
            raise MeshGuardError(f"the baseline cannot be read: {fault.strerror}", where=str(path)) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            fix = "write it anew"
            raise MeshGuardError(f"it is no baseline of {_SCHEMA}", where=str(path), fix=fix) from None


NO_BASELINE = Baseline()
