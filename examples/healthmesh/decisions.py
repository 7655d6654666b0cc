"""What was decided about an instance: failures that are accepted, and controls that are declared not to apply.

Hardened, each decision holds and is used. Leaky, there is one of each kind that MeshGuard must not take as it stands:
a waiver that ended, one that covers nothing, one that ends soon, and a declaration that denies what is there.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from .choice import Mode

PEOPLE = {"owner": "Platform team", "approver": "Chief information security officer"}
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decisions:
    """The waivers and the declarations of one instance."""

    waivers: list[Entry]
    declarations: list[Entry]


def of(mode: Mode, today: date) -> Decisions:
    """The decisions of a mode, on this day."""
    own_media = _declaration(
        "records.media-disposal", "Health-Mesh runs at a cloud provider and owns no media.", today, left=200
    )
    if mode == "hardened":
        return Decisions([_unsigned_report(today, left=120)], [own_media])
    return Decisions(
        [_unsigned_report(today, left=10), _ended(today), _for_nothing(today)],
        [own_media, _denied(today)],
    )


def of_guide(today: date, *, one_host: bool) -> list[Entry]:
    """What is declared about the guide's own controls; an instance without a cloud account is one host alone."""
    if not one_host:
        return []
    reason = "The example runs on one host, which has no second side to switch to."
    return [_declaration("deploy.blue-green", reason, today, left=200)]


def _unsigned_report(today: date, *, left: int) -> Entry:
    reason = "The job that makes the report gets its signing key with the next release."
    return _waiver("records.gdpr-report-signed", "-", reason, "HM-118", today, left=left)


def _ended(today: date) -> Entry:
    reason = "The marketing pages needed the whole address until they were rebuilt."
    return _waiver("web.content.referrer", "/", reason, "HM-97", today, left=-1)


def _for_nothing(today: date) -> Entry:
    reason = "The old status page is still framed by the intranet."
    return _waiver("web.content.framing", "/old-status", reason, "HM-102", today, left=90)


def _denied(today: date) -> Entry:
    """Says that there are no cookies, and so hides those that are there."""
    return _declaration("web.session.cookies", "The service sets no cookies, so none can be stolen.", today, left=200)


def _waiver(control: str, resource: str, reason: str, ticket: str, today: date, *, left: int) -> Entry:
    days = {"created": today - timedelta(days=60), "expires": today + timedelta(days=left)}
    return {"control": control, "resource": resource, "reason": reason, **PEOPLE, "ticket": ticket, **days}


def _declaration(control: str, reason: str, today: date, *, left: int) -> Entry:
    until = today + timedelta(days=left)
    return {"control": control, "reason": reason, **PEOPLE, "ticket": "HM-77", "expires": until}
