"""What is recorded of the digest files of a trail: counts, faults and gaps, never an event."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from meshguard.targets.aws.models import AwsModel

FaultKind = Literal[
    "digest-missing",
    "digest-unreadable",
    "digest-moved",
    "digest-unsigned",
    "digest-signature",
    "digest-key-unknown",
    "digest-chain",
    "digest-stray",
    "log-missing",
    "log-changed",
    "log-unreadable",
]


class Fault(AwsModel):
    """One thing that does not verify."""

    kind: FaultKind
    file: str
    """bucket/key of the digest file or of the log file."""
    says: str


class Gap(AwsModel):
    """A time that no digest file covers, between two that do."""

    since: datetime
    until: datetime


class Chain(AwsModel):
    """The digest files of one account in one region: each names the one before it."""

    account: str
    region: str
    digests: int
    """Digest files in the window, those that do not verify too."""
    empty: int = 0
    """Digest files that say that nothing was logged."""
    late: int = 0
    """Digest files about log files that came too late for their hour."""
    logs: int = 0
    """Log files that verified digest files name."""
    began: datetime | None = None
    """Where the chain begins inside of the window: before that nothing was digested."""
    oldest: datetime | None = None
    """Start of the oldest hour that was read."""
    newest: datetime | None = None
    """End of the newest hour that was read."""
    gaps: tuple[Gap, ...] = ()
    faults: int = 0

    def __str__(self) -> str:
        """`account/region`."""
        return f"{self.account}/{self.region}"


class Transcript(AwsModel):
    """What verifying a trail's digest files found, the newest digest first."""

    since: datetime
    until: datetime
    """When it was looked at."""
    chains: tuple[Chain, ...]
    faults: tuple[Fault, ...] = ()
    """The first of them; `fault_count` says how many there are."""
    fault_count: int = 0
    logs: int = 0
    logs_read: int = 0
    """Log files whose content was hashed; the others were over the limits, and which those are is drawn by lot."""
    bytes_read: int = 0
