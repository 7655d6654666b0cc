"""What authors of checks and targets import; nothing else is public."""

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from meshguard.answers import Answers
from meshguard.check import Check, check
from meshguard.clock import Clock
from meshguard.errors import Denied, NotAllowed, NotObserved, Throttled, Unsupported
from meshguard.evidence import Evidence
from meshguard.fact import Fact, LeftOut, Listing, Unread, fact
from meshguard.limits import LimitSettings
from meshguard.sketch import Sketch
from meshguard.target import Egress, Target, TargetSettings, in_thread
from meshguard.values import Duration, days, show_duration
from meshguard.verdict import Outcome, Verdict, failed, judged, not_applicable, passed, undetermined
from meshguard.yamlfile import LocalPath

__all__ = [
    "AfterValidator",
    "Answers",
    "BaseModel",
    "Check",
    "Clock",
    "ConfigDict",
    "Denied",
    "Duration",
    "Egress",
    "Evidence",
    "Fact",
    "Field",
    "LeftOut",
    "LimitSettings",
    "Listing",
    "LocalPath",
    "NotAllowed",
    "NotObserved",
    "Outcome",
    "Sketch",
    "Target",
    "TargetSettings",
    "Throttled",
    "Unread",
    "Unsupported",
    "Verdict",
    "check",
    "days",
    "fact",
    "failed",
    "in_thread",
    "judged",
    "not_applicable",
    "passed",
    "show_duration",
    "undetermined",
]
