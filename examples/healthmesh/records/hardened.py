"""The records as they should be, whatever day it is."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from .recordset import SIGNED, Record, RecordSet

RULES = (
    "access-control",
    "audit-controls",
    "integrity",
    "person-authentication",
    "transmission-security",
    "minimum-necessary",
)
INCIDENTS = ("ransomware", "data-breach", "account-takeover")

REQUIRED = {"baa": ["aws", "twilio"], "playbook": list(INCIDENTS)}
"""What the deployment says each register must have."""

DEMANDS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("records.register", {"kind": "baa"}),
    ("records.register", {"kind": "dpia", "max_age": "365d"}),
    ("records.register", {"kind": "breach", "max_notification_delay": "60d"}),
    ("records.register", {"kind": "transfer"}),
    ("records.register", {"kind": "playbook", "max_age": "365d"}),
    ("records.register", {"kind": "post-incident", "review_within": "14d"}),
    ("records.register", {"kind": "hipaa-rule", "max_age": "31d", "required": RULES}),
    ("records.fresh", {"kind": "breach-procedure", "max_age": "365d"}),
    ("records.fresh", {"kind": "dpo-appointment"}),
    ("records.fresh", {"kind": "risk-assessment", "max_age": "365d"}),
    ("records.fresh", {"kind": "restore-test", "max_age": "90d"}),
    ("records.fresh", {"kind": "rollback-test", "max_age": "90d"}),
    ("records.fresh", {"kind": "regulatory-report", "max_age": "31d"}),
    ("records.fresh", {"kind": "encryption-report", "max_age": "31d"}),
    ("records.fresh", {"kind": "hipaa-report", "max_age": "31d", "signed": True}),
    ("records.fresh", {"kind": "gdpr-report", "max_age": "31d"}),
    ("records.fresh", {"kind": "ccpa-report", "max_age": "31d"}),
    ("records.fresh", {"kind": "documentation-review", "max_age": "365d"}),
    ("records.fresh", {"kind": "ledger-verification", "max_age": "7d", "signed": True}),
)
"""The checks that the set must pass, with their parameters."""


def hardened(today: date) -> RecordSet:
    """The set of this day."""
    found = RecordSet(today, {}, frozenset())
    records = {f"{one.kind}/{one.says.get('id', 'none')}": one for one in (*_signed_papers(found), *_doings(found))}
    return RecordSet(today, records, frozenset(record.kind for record in records.values()))


def _paper(kind: str, name: str, day: date, **says: Any) -> Record:
    """An entry with a document of its own."""
    text = f"{kind} {name}\nMade for the Health-Mesh example on {day}.\n"
    values = {"id": name, "date": day, "signed_by": "Head of compliance", **says}
    return Record(kind, values, text=text, signed=kind in SIGNED)


def _signed_papers(now: RecordSet) -> list[Record]:
    day = now.day
    year: dict[str, Any] = {"review_every": "365d"}
    approved = {**year, "approver": "Chief executive"}
    soon = now.today + timedelta(days=200)
    return [
        _paper("baa", "aws", day(165), vendor="aws", services=["s3", "rds"], valid_until=soon),
        _paper("baa", "twilio", day(90), vendor="twilio", services=["sms"], valid_until=soon),
        _paper("dpia", "exports", day(300), activity="research exports", risk="high", reviewed=day(40), **approved),
        _paper("dpia", "newsletter", day(100), activity="newsletter", risk="low", **approved),
        _paper("dpo-appointment", "dpo", day(300), officer="Data protection officer", review_every="365d"),
        _paper("risk-assessment", "platform", day(120), scope="the whole platform", **approved),
        _paper("breach-procedure", "procedure", day(200), **approved),
        *(_paper("playbook", name, day(30), incident_type=name, **year) for name in INCIDENTS),
        _paper("documentation-review", "runbooks", day(20), scope="runbooks and diagrams", **year),
        _declared("transfer", day(10), now.today + timedelta(days=355), "all data stays in us-east-1"),
    ]


def _doings(now: RecordSet) -> list[Record]:
    day = now.day
    events: dict[str, Any] = {"signed_by": "Head of security", "approver": "Chief executive"}
    monthly: dict[str, Any] = {"review_every": "31d", "produced_by": "the compliance job"}
    tried: dict[str, Any] = {"review_every": "90d", "result": "passed"}
    review = "post-incident queue\nThe queue was full; its limit is watched now.\n"
    incident = {"incident": "queue outage", "ended": day(50), "reviewed": day(41)}
    breach = {"discovered": day(500), "notified": day(470), "affected": 12}
    return [
        Record("breach", {"id": "wrong-address", **breach, **events}),
        Record("post-incident", {"id": "queue", **incident, **events}, text=review),
        *(Record("hipaa-rule", _evaluated(name, day(0))) for name in RULES),
        _paper("restore-test", "database", day(12), subject="the database", **tried),
        _paper("rollback-test", "api", day(15), subject="the api", **tried),
        _paper("ledger-verification", "trail", day(2), subject="the audit trail", result="passed", review_every="7d"),
        *(
            _paper(kind, "monthly", day(5), **monthly)
            for kind in ("regulatory-report", "encryption-report", "hipaa-report", "gdpr-report", "ccpa-report")
        ),
    ]


def _evaluated(rule: str, day: date) -> dict[str, Any]:
    return {"id": rule, "rule": rule, "date": day, "review_every": "31d", "signed_by": "the compliance engine"}


def _declared(kind: str, day: date, until: date, reason: str) -> Record:
    return Record(kind, {"date": day, "valid_until": until, "reason": reason, "signed_by": "Head of compliance"})
