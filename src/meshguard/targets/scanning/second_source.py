"""Reports of other scanners as findings: a second opinion beside MeshGuard's own. Only text is read, no tool runs.

The secret that such a report holds is hashed and dropped at once. A report that was redacted (`--redact`) has no
secret left: its hash is then of rule, file and line, and says nothing of whether two secrets are equal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

from meshguard.errors import NotObserved
from meshguard.targets.scanning.findings import Confidence, Finding, in_order, lowered, salted
from meshguard.targets.scanning.text import context_of

Tool = Literal["gitleaks", "betterleaks", "trivy"]


def read_report(tool: Tool, text: str, salt: bytes) -> tuple[Finding, ...]:
    """The findings of a JSON report of gitleaks, betterleaks or Trivy.

    Raises:
        NotObserved: it is not such a report: an empty file is none, and an empty list is.
    """
    try:
        document = json.loads(text)
        return tuple(in_order(_READERS[tool](document, salt)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        fix = f"write it with {tool}'s JSON format"
        raise NotObserved(f"it is no whole JSON report of {tool}", fix=fix) from None


def _leaks(document: Any, salt: bytes) -> Iterator[Finding]:
    """Gitleaks and betterleaks: a list, or null where nothing was found."""
    if document is None:
        return
    if isinstance(document, dict):
        document = document["findings"]
    if not isinstance(document, list):
        raise TypeError
    for entry in document:
        secret = str(entry.get("Secret") or entry.get("Match") or "")
        yield _finding(
            rule=str(entry["RuleID"]),
            kind=str(entry.get("Description") or entry["RuleID"]),
            path=str(entry["File"]),
            line=int(entry["StartLine"]),
            column=int(entry.get("StartColumn") or 0),
            secret=secret,
            confidence="medium",
            salt=salt,
        )


_SEVERITY: dict[str, Confidence] = {"CRITICAL": "high", "HIGH": "high", "MEDIUM": "medium", "LOW": "low"}


def _trivy(document: Any, salt: bytes) -> Iterator[Finding]:
    """Trivy: the class `secret` of its results; what it matched is masked by Trivy itself."""
    if "SchemaVersion" not in document:
        raise KeyError
    for result in document.get("Results") or ():
        for entry in result.get("Secrets") or ():
            yield _finding(
                rule=str(entry["RuleID"]),
                kind=str(entry.get("Title") or entry["RuleID"]),
                path=str(result["Target"]),
                line=int(entry["StartLine"]),
                column=0,
                secret="",
                confidence=_SEVERITY.get(str(entry.get("Severity")), "low"),
                salt=salt,
            )


_READERS: dict[Tool, Callable[[Any, bytes], Iterator[Finding]]] = {
    "gitleaks": _leaks,
    "betterleaks": _leaks,
    "trivy": _trivy,
}


def _finding(
    *, rule: str, kind: str, path: str, line: int, column: int, secret: str, confidence: Confidence, salt: bytes
) -> Finding:
    known = bool(secret) and secret != "REDACTED" and "***" not in secret
    context = context_of(path)
    return Finding(
        rule=rule,
        kind=kind,
        path=path,
        line=line,
        column=column,
        length=len(secret) if known else 0,
        confidence=confidence if context == "source" else lowered(confidence),
        context=context,
        hash=salted(salt, secret if known else f"{rule}\0{path}\0{line}"),
    )
