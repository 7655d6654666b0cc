"""The kinds of record: what each entry of a register must say, as models."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field, model_validator

from meshguard.records.statement import Documented, Entry, Standing, in_order
from meshguard.records.text import Day, Name, Text

EventKind = Literal["breach", "post-incident"]
"""Something that happened, with a term in which it must be answered; it does not grow stale."""
StandingKind = Literal[
    "baa",
    "breach-procedure",
    "ccpa-report",
    "documentation-review",
    "dpia",
    "dpo-appointment",
    "encryption-report",
    "gdpr-report",
    "hipaa-report",
    "hipaa-rule",
    "ledger-verification",
    "playbook",
    "regulatory-report",
    "restore-test",
    "risk-assessment",
    "rollback-test",
    "transfer",
]
"""Something that holds until a day, or until it is due again."""
Kind = Literal[StandingKind, EventKind]


class Baa(Documented):
    """An agreement with a business associate (45 CFR 164.504(e))."""

    kind = "baa"
    may_be_none = True
    vendor: Text = Field(description="The vendor.")
    services: tuple[Text, ...] = Field(min_length=1, description="Its services that touch health data.")

    @property
    def item(self) -> str:
        """The vendor."""
        return self.vendor


class Dpia(Documented):
    """A data protection impact assessment (GDPR, article 35)."""

    kind = "dpia"
    may_be_none = True
    activity: Text = Field(description="The processing activity.")
    risk: Literal["high", "medium", "low"] = Field(description="The risk for the persons concerned.")
    approver: Name = Field(description="Who approved it; somebody else.")

    @property
    def item(self) -> str:
        """The processing activity."""
        return self.activity


class DpoAppointment(Documented):
    """The appointment of a data protection officer (GDPR, article 37)."""

    kind = "dpo-appointment"
    officer: Name = Field(description="Who is appointed.")

    @property
    def item(self) -> str:
        """The officer."""
        return self.officer


class RiskAssessment(Documented):
    """A risk analysis (45 CFR 164.308(a)(1)(ii)(A))."""

    kind = "risk-assessment"
    scope: Text = Field(description="What was assessed.")
    approver: Name = Field(description="Who approved it; somebody else.")

    @property
    def item(self) -> str:
        """What was assessed."""
        return self.scope


class BreachProcedure(Documented):
    """The procedure for breach notification (45 CFR 164.400-414)."""

    kind = "breach-procedure"
    approver: Name = Field(description="Who approved it; somebody else.")


class Breach(Entry):
    """A breach: discovered, and notified (45 CFR 164.404(b))."""

    kind = "breach"
    may_be_none = True
    discovered: Day = Field(description="The day of its discovery.")
    notified: Day | None = Field(None, description="The day on which the last person affected was notified.")
    affected: int = Field(ge=0, strict=True, description="How many persons are affected.")

    @model_validator(mode="after")
    def _in_order(self) -> Breach:
        in_order(("discovered", self.discovered), ("notified", self.notified))
        return self

    def days(self) -> dict[str, datetime.date | None]:
        """When it was discovered and notified."""
        return {"dated": self.discovered, "began": self.discovered, "answered": self.notified}


class Transfer(Documented):
    """A transfer of personal data across a border (GDPR, chapter V)."""

    kind = "transfer"
    may_be_none = True
    from_: Text = Field(alias="from", description="The country or region that the data leaves.")
    to: Text = Field(description="The country or region that it goes to.")
    mechanism: Literal["adequacy", "standard-clauses", "binding-rules", "certification", "derogation"] = Field(
        description="What makes it lawful (articles 45 to 49)."
    )

    @property
    def item(self) -> str:
        """From where to where."""
        return f"{self.from_} -> {self.to}"


class Playbook(Documented):
    """What to do in one type of incident (NIST SP 800-61)."""

    kind = "playbook"
    incident_type: Text = Field(description="The type of incident.")

    @property
    def item(self) -> str:
        """The type of incident."""
        return self.incident_type


class PostIncident(Entry):
    """The review of an incident after its end (NIST SP 800-61r2, 3.4.1)."""

    kind = "post-incident"
    may_be_none = True
    incident: Text = Field(description="The incident.")
    ended: Day = Field(description="The day on which it ended.")
    reviewed: Day | None = Field(None, description="The day of the review; its report is the document.")

    @model_validator(mode="after")
    def _in_order(self) -> PostIncident:
        in_order(("ended", self.ended), ("reviewed", self.reviewed))
        if self.reviewed is not None and self.document is None:
            raise ValueError("it was reviewed, and the review's document is missing")
        return self

    @property
    def item(self) -> str:
        """The incident."""
        return self.incident

    def days(self) -> dict[str, datetime.date | None]:
        """When it ended and was reviewed."""
        return {"dated": self.ended, "began": self.ended, "answered": self.reviewed}


class Exercise(Documented):
    """Something that was tried, and what came of it."""

    subject: Text = Field(description="What was tried: the backup, the service, the ledger.")
    result: Literal["passed", "failed"] = Field(description="What came of it.")

    @property
    def item(self) -> str:
        """What was tried."""
        return self.subject


class RestoreTest(Exercise):
    """A backup that was restored (45 CFR 164.308(a)(7)(ii)(D))."""

    kind = "restore-test"


class RollbackTest(Exercise):
    """A deployment that was rolled back."""

    kind = "rollback-test"


class LedgerVerification(Exercise):
    """An audit trail that the platform verified."""

    kind = "ledger-verification"


class Report(Documented):
    """A report of the platform's own."""

    produced_by: Text = Field(description="The system or job that made it.")

    @property
    def item(self) -> str:
        """What made it."""
        return self.produced_by


class RegulatoryReport(Report):
    """A report for a regulator."""

    kind = "regulatory-report"


class EncryptionReport(Report):
    """A report on what is encrypted."""

    kind = "encryption-report"


class HipaaReport(Report):
    """A report on the HIPAA Security Rule."""

    kind = "hipaa-report"


class GdprReport(Report):
    """A report on the GDPR."""

    kind = "gdpr-report"


class CcpaReport(Report):
    """A report on the CCPA."""

    kind = "ccpa-report"


class HipaaRule(Standing):
    """A HIPAA rule that the platform evaluates; `date` is the day of the last evaluation."""

    kind = "hipaa-rule"
    rule: Text = Field(description="The rule's name.")

    @property
    def item(self) -> str:
        """The rule."""
        return self.rule


class DocumentationReview(Documented):
    """A review of documentation."""

    kind = "documentation-review"
    scope: Text = Field(description="What was reviewed.")

    @property
    def item(self) -> str:
        """What was reviewed."""
        return self.scope


_ALL: tuple[type[Entry], ...] = (
    *(Baa, BreachProcedure, Breach, CcpaReport, DocumentationReview, Dpia, DpoAppointment, EncryptionReport),
    *(GdprReport, HipaaReport, HipaaRule, LedgerVerification, Playbook, PostIncident, RegulatoryReport),
    *(RestoreTest, RiskAssessment, RollbackTest, Transfer),
)
KINDS: dict[str, type[Entry]] = {entry.kind: entry for entry in _ALL}
"""Kind -> the model of its entries."""
