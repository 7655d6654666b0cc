"""The defects of records, as data; each touches one record, which names its kind."""

from collections.abc import Callable
from dataclasses import replace

from examples.healthmesh.defect import Alteration, Defect

from .recordset import Record, RecordSet

REGISTER, FRESH = "records.register", "records.fresh"
_Change = Callable[[Record, RecordSet], Record]


def altered(name: str, change: _Change) -> Alteration[RecordSet]:
    """This record is changed."""
    return Alteration(frozenset({name}), lambda said: said.with_record(name, change(said.records[name], said)))


def removed(name: str) -> Alteration[RecordSet]:
    """This record is not there."""
    return Alteration(frozenset({name}), lambda said: said.without(name))


def no_register(kind: str, name: str) -> Alteration[RecordSet]:
    """The register is not there."""
    return Alteration(frozenset({name}), lambda said: replace(said.without(name), kinds=said.kinds - {kind}))


def kind_of(defect: Defect[RecordSet]) -> str:
    """The kind of record that a defect is of."""
    (touched,) = defect.alters.touches
    return touched.partition("/")[0]


RECORD_DEFECTS: tuple[Defect[RecordSet], ...] = (
    Defect(
        "baa-expired",
        REGISTER,
        "The agreement with a vendor expired yesterday.",
        altered("baa/aws", lambda it, on: it.saying(valid_until=on.day(1))),
    ),
    Defect("baa-missing", REGISTER, "A required vendor has no agreement.", removed("baa/twilio")),
    Defect(
        "dpia-changed",
        REGISTER,
        "The document of an impact assessment was changed after it was signed.",
        altered("dpia/newsletter", lambda it, _: replace(it, hashed="another text")),
    ),
    Defect(
        "dpia-not-reviewed",
        REGISTER,
        "An activity of a high risk was last assessed 366 days ago.",
        altered("dpia/exports", lambda it, on: it.without("reviewed").saying(date=on.day(366), review_every="730d")),
    ),
    Defect(
        "breach-notified-late",
        REGISTER,
        "A breach was notified 61 days after its discovery.",
        altered("breach/wrong-address", lambda it, on: it.saying(notified=on.day(500 - 61))),
    ),
    Defect(
        "breach-not-notified",
        REGISTER,
        "A breach was discovered 61 days ago, and nobody was notified.",
        altered("breach/wrong-address", lambda it, on: it.without("notified").saying(discovered=on.day(61))),
    ),
    Defect("absence-not-declared", REGISTER, "A register is empty and does not say `none`.", removed("transfer/none")),
    Defect(
        "absence-expired",
        REGISTER,
        "The declaration that there is none ended yesterday.",
        altered("transfer/none", lambda it, on: it.saying(valid_until=on.day(1))),
    ),
    Defect(
        "playbook-overdue",
        REGISTER,
        "A playbook was due for review yesterday.",
        altered("playbook/ransomware", lambda it, _: it.saying(review_every="29d")),
    ),
    Defect("playbook-missing", REGISTER, "One type of incident has no playbook.", removed("playbook/data-breach")),
    Defect(
        "incident-review-late",
        REGISTER,
        "An incident was reviewed 15 days after its end.",
        altered("post-incident/queue", lambda it, on: it.saying(reviewed=on.day(35))),
    ),
    Defect(
        "hipaa-rule-not-evaluated",
        REGISTER,
        "A rule of the platform was last evaluated 32 days ago.",
        altered("hipaa-rule/integrity", lambda it, on: it.saying(date=on.day(32), review_every="365d")),
    ),
    Defect(
        "breach-procedure-lost",
        FRESH,
        "The document of the breach procedure is gone.",
        altered("breach-procedure/procedure", lambda it, _: replace(it, kept=False)),
    ),
    Defect(
        "documentation-outside",
        FRESH,
        "A document lies outside the records' folder.",
        altered("documentation-review/runbooks", lambda it, _: it.saying(document="../runbooks.txt")),
    ),
    Defect(
        "risk-self-approved",
        FRESH,
        "The risk assessment is approved by who signed it.",
        altered("risk-assessment/platform", lambda it, _: it.saying(approver="head of  compliance")),
    ),
    Defect(
        "risk-assessment-old",
        FRESH,
        "The last risk assessment is 366 days old.",
        altered("risk-assessment/platform", lambda it, on: it.saying(date=on.day(366), review_every="730d")),
    ),
    Defect(
        "restore-test-in-future",
        FRESH,
        "A restore test is dated tomorrow.",
        altered("restore-test/database", lambda it, on: it.saying(date=on.day(-1))),
    ),
    Defect(
        "rollback-test-failed",
        FRESH,
        "The last rollback test failed.",
        altered("rollback-test/api", lambda it, _: it.saying(result="failed")),
    ),
    Defect(
        "ledger-report-forged",
        FRESH,
        "A signed report was changed after it was signed.",
        altered("ledger-verification/trail", lambda it, _: replace(it, forged={"subject": "another trail"})),
    ),
    Defect(
        "hipaa-report-unsigned",
        FRESH,
        "A report that must be signed is not.",
        altered("hipaa-report/monthly", lambda it, _: replace(it, signed=False)),
    ),
    Defect(
        "encryption-report-missing",
        FRESH,
        "There is no register of encryption reports.",
        no_register("encryption-report", "encryption-report/monthly"),
    ),
)
