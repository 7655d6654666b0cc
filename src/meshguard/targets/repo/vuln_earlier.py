"""What an earlier audit knew: since when each vulnerability is seen in this deployment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshguard.errors import NotObserved
from meshguard.targets.repo.lock_read import LockError, as_json, rows, table, text
from meshguard.targets.repo.vuln_models import Earlier, when

if TYPE_CHECKING:
    from datetime import datetime

MAX_BYTES = 256_000_000
SCHEMA = "meshguard.results/1"
CHECKS = ("repo.vulnerabilities", "repo.vulnerability_age")
FIX = "name the JSON result of the last audit under `earlier` of the target"


def read_earlier(path: Path, target: str) -> Earlier:
    """What a JSON result says of the vulnerabilities of a target.

    Raises:
        NotObserved: it is no JSON result of an audit.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise LockError(f"it has more than the {MAX_BYTES} bytes that are read")
        result = as_json(data)
    except (OSError, LockError) as fault:
        said = fault.strerror if isinstance(fault, OSError) else str(fault)
        raise NotObserved(f"the earlier result {path} was not read: {said}", fix=FIX) from None
    started = when(table(result.get("run")).get("started"))
    if result.get("schema") != SCHEMA or started is None or not isinstance(result.get("findings"), list):
        raise NotObserved(f"{path} is no JSON result of an audit", fix=FIX)
    findings = [one for one in rows(result["findings"]) if one.get("check") in CHECKS and one.get("target") == target]
    since: dict[str, datetime] = {}
    for resource, known in _known(findings, started):
        since[resource] = min(known, since.get(resource, known))
    return Earlier(
        started=started,
        lockfiles=tuple(sorted(set(_wholes(findings)))),
        since=tuple(sorted(since.items())),
    )


def _wholes(findings: list[dict[str, Any]]) -> Iterator[str]:
    """Lockfiles that were looked at whole: a resource of a vulnerability has spaces and a package URL in it."""
    for one in findings:
        resource = text(one.get("resource"))
        if resource and " pkg:" not in resource and one.get("outcome") == "pass":
            yield resource


def _known(findings: list[dict[str, Any]], started: datetime) -> Iterator[tuple[str, datetime]]:
    """`repo.vulnerability_age` says as `got` since when it is known, so that the time goes from result to result."""
    for one in findings:
        resource = text(one.get("resource"))
        if " pkg:" in resource:
            known = when(one.get("got")) or started
            yield resource, min(known, started)
