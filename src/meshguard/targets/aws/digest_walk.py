"""The walk along one chain of digest files: which is read next, and what is wrong between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from meshguard.targets.aws.digest_models import Chain, Fault, FaultKind, Gap
from meshguard.targets.aws.digest_read import Digest, Found, Invalid, Log, ends_at, fault_of, is_late, verified

SEAM = timedelta(minutes=1)
"""Hours of digest files join; what is shorter is no gap."""


@dataclass(frozen=True)
class Walked:
    """What a walk found."""

    chain: Chain
    faults: tuple[Fault, ...]
    logs: tuple[Log, ...]


@dataclass
class Walk:
    """One account's digest files in one region, from the newest to the first whose hour is in the window."""

    bucket: str
    root: str
    account: str
    region: str
    trail: str
    home: str
    since: datetime
    until: datetime
    _keys: list[str] = field(default_factory=list)
    """Digest files of the chain that the bucket lists, oldest first."""
    _late: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _next: tuple[str, str] | None = None
    _later: Digest | None = None
    """The digest file that named the one that is read next."""
    _digests: list[Digest] = field(default_factory=list)
    _late_digests: list[Digest] = field(default_factory=list)
    _faults: list[Fault] = field(default_factory=list)
    _gaps: list[Gap] = field(default_factory=list)
    _count: int = 0
    _began: datetime | None = None

    @property
    def days(self) -> list[str]:
        """Beginnings of the keys of each day's digest files, the day before the window and the day after too."""
        start = self.since.date() - timedelta(days=1)
        count = (self.until.date() - start).days + 2
        folder = f"{self.root}{self.account}/CloudTrail-Digest/{self.region}/"
        name = f"{self.account}_CloudTrail-Digest_{self.region}_{self.trail}_{self.home}_"
        return [f"{folder}{start + timedelta(days=day):%Y/%m/%d}/{name}" for day in range(count)]

    def listed(self, keys: Iterable[str]) -> None:
        """Take in what the bucket lists, and begin with the newest."""
        ordered = sorted(keys, key=lambda key: (ends_at(key) or self.since, key))
        self._late = [key for key in ordered if is_late(key) and self._in_window(key)]
        self._keys = [key for key in ordered if not is_late(key)]
        self._next = (self.bucket, self._keys[-1]) if self._keys and self._in_window(self._keys[-1]) else None

    def next(self) -> tuple[str, str] | None:
        """Bucket and key of the digest file to read; first the chain, then those about late log files."""
        if self._next is not None:
            return self._next
        self._later = None
        return (self.bucket, self._late[-1]) if self._late else None

    def read(self, bucket: str, key: str, found: Found | None, keys: Mapping[str, bytes]) -> None:
        """Judge what was read, and find the one before it."""
        is_chain = self._next is not None
        self._seen.add(key)
        self._count += 1 if is_chain and found is not None else 0
        if not is_chain:
            self._late.pop()
        try:
            if found is None:
                raise Invalid("digest-missing", "the next digest names it, and it is not there")
            digest = verified(found, self.account, keys)
        except Invalid as fault:
            self._blame(fault.kind, f"{bucket}/{key}", fault.says)
            if is_chain:
                self._jump(key)
                # What is wrong is known; only a chain that begins anew asks what was before the window.
                self._next = self._next if self._next and self._in_window(self._next[1]) else None
            return
        if is_chain:
            self._follow(digest)
        else:
            self._late_digests.append(digest)

    def _follow(self, digest: Digest) -> None:
        """A digest file of the chain verified: hold it against the next one, and go on to the one before."""
        later = self._later
        if later is not None and later.previous == (digest.bucket, digest.key):
            fault = fault_of(digest, later)
            if fault is not None:
                self._faults.append(fault)
        if self._digests and self._digests[-1].start - digest.end > SEAM:
            self._gaps.append(Gap(since=digest.end, until=self._digests[-1].start))
        self._digests.append(digest)
        self._later = digest
        if digest.start <= self.since:
            self._next = None
        elif digest.previous is None:
            self._jump(digest.key)
            self._began = digest.start if self._next is None else None
        elif digest.previous[1] in self._seen:
            self._blame("digest-chain", f"{digest.bucket}/{digest.key}", "it names a later one as the one before it")
            self._next = None
        else:
            self._next = digest.previous

    def _jump(self, key: str) -> None:
        """Go on with the next older digest file that the bucket lists, since none leads there."""
        self._later = None
        before = ends_at(key) or self.since
        older = [one for one in self._keys if (ends_at(one) or self.since) < before and one not in self._seen]
        self._next = (self.bucket, older[-1]) if older else None

    def ended(self) -> Walked:
        """What was found."""
        oldest = min((one.start for one in self._digests), default=None)
        for key in self._keys:
            if key not in self._seen and self._in_window(key):
                self._blame("digest-stray", f"{self.bucket}/{key}", "no digest leads to it")
        digests = [*self._digests, *self._late_digests]
        logs = tuple(dict.fromkeys(log for one in digests for log in one.logs))
        chain = Chain(
            account=self.account,
            region=self.region,
            digests=self._count,
            empty=sum(not one.logs for one in self._digests),
            late=len(self._late_digests),
            logs=len(logs),
            began=self._began,
            oldest=oldest,
            newest=max((one.end for one in self._digests), default=None),
            gaps=tuple(self._gaps),
            faults=len(self._faults),
        )
        return Walked(chain, tuple(self._faults), logs)

    def _in_window(self, key: str) -> bool:
        end = ends_at(key)
        return end is not None and self.since < end <= self.until + SEAM

    def _blame(self, kind: FaultKind, key: str, says: str) -> None:
        self._faults.append(Fault(kind=kind, file=key, says=says))
