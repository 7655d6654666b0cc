"""What a bucket's settings come to: its policy, who may read it, how long it keeps things. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from meshguard.targets.aws.s3_models import LifecycleRule, PublicAccessBlock, Versioning
from meshguard_checks.parsing.aws_policy import (
    Answer,
    Judgement,
    Policy,
    PolicyError,
    parse,
    public_statements,
    tls_only,
)


def tls_of(text: str | None, arn: str) -> Judgement:
    """Whether a bucket's policy refuses requests without TLS."""
    if text is None:
        return Judgement(Answer.NO, "the bucket has no policy, and so takes requests without TLS")
    return _of(text, lambda policy: tls_only(policy, arn))


def public_of(text: str | None) -> Judgement:
    """Whether a bucket's policy lets anyone in."""
    if text is None:
        return Judgement(Answer.NO, "the bucket has no policy")
    return _of(text, _public)


def _of(text: str, ask: Callable[[Policy], Judgement]) -> Judgement:
    try:
        return ask(parse(text))
    except PolicyError as fault:
        return Judgement(Answer.UNDECIDED, f"the bucket's policy could not be read: {fault}")


def _public(policy: Policy) -> Judgement:
    findings = public_statements(policy)
    for answer in (Answer.YES, Answer.UNDECIDED):
        for one in findings:
            if one.answer is answer:
                return Judgement(answer, f"{one.statement} of its policy: {one.reason}")
    return Judgement(Answer.NO, "its policy lets nobody in but those it names")


def blocked(block: PublicAccessBlock) -> Judgement:
    """Whether all four settings are on."""
    if block.off:
        return Judgement(Answer.NO, f"{', '.join(block.off)} {'is' if len(block.off) == 1 else 'are'} off")
    return Judgement(Answer.YES, "Block Public Access is on, all four settings")


@dataclass(frozen=True)
class Lasting:
    """How long something lasts; None: without an end."""

    length: timedelta | None
    why: str

    @property
    def shown(self) -> str:
        """For `got`."""
        return "without an end" if self.length is None else f"{self.length.days}d"


def expires_after(rules: Iterable[LifecycleRule], prefix: str, versioning: Versioning) -> Lasting:
    """After how long an object under `prefix` is surely gone, with all its versions (S3 User Guide, "Lifecycle").

    A rule for some tags or sizes may miss it. A bucket that ever kept versions only marks what expires as deleted, so
    that the version must expire too; and a rule that keeps a number of newer versions keeps those without an end.
    """
    covering = [one for one in rules if one.enabled and not one.filtered and prefix.startswith(one.prefix)]
    current = min((one.days for one in covering if one.days), default=None)
    if current is None:
        return Lasting(None, _no_rule(list(rules), prefix))
    if versioning.status == "never":
        return Lasting(timedelta(days=current), f"objects expire after {current} days")
    older = [one.noncurrent_days for one in covering if one.noncurrent_days and not one.newer_versions]
    if not older:
        return Lasting(None, f"objects expire after {current} days, and their versions are kept without an end")
    return Lasting(
        timedelta(days=current + min(older)),
        f"objects expire after {current} days, and their versions {min(older)} days later",
    )


def _no_rule(rules: list[LifecycleRule], prefix: str) -> str:
    where = f"objects under {prefix!r}" if prefix else "all objects"
    expiring = [one for one in rules if one.days or one.at]
    if not expiring:
        return "no rule of its lifecycle makes objects expire"
    said = "; ".join(f"{one.name or 'a rule'} {_why_not(one, prefix)}" for one in expiring)
    return f"no rule of its lifecycle makes {where} expire: {said}"


def _why_not(rule: LifecycleRule, prefix: str) -> str:
    if not rule.enabled:
        return "is disabled"
    if rule.filtered:
        return "takes only some tags or sizes"
    return "works from one date on" if prefix.startswith(rule.prefix) else f"takes only {rule.prefix!r}"


def kept_for(rules: Iterable[LifecycleRule], prefix: str, versioning: Versioning) -> Lasting:
    """How long each object under `prefix` is kept at least, if nobody deletes or overwrites it.

    A rule for some tags or sizes shortens the life of those. A rule with a date deletes what was written a moment
    before it. In a versioned bucket the version is kept longer than the object.
    """
    touching = _touching(rules, prefix)
    lives = [0 if one.at else one.days or 0 for one in touching if one.at or one.days]
    if not lives:
        return Lasting(None, "no rule makes objects expire")
    if not versioning.enabled:
        return Lasting(timedelta(days=min(lives)), f"a rule deletes objects after {min(lives)} days")
    older = versions_kept_for(touching, "")
    if older.length is None:
        return Lasting(None, "objects expire, and their versions are kept without an end")
    return Lasting(timedelta(days=min(lives)) + older.length, f"objects expire after {min(lives)} days; {older.why}")


def versions_kept_for(rules: Iterable[LifecycleRule], prefix: str) -> Lasting:
    """How long a version is kept at least once it was overwritten or deleted."""
    touching = _touching(rules, prefix)
    older = [one.noncurrent_days for one in touching if one.noncurrent_days]
    if not older:
        return Lasting(None, "no rule makes older versions expire")
    return Lasting(timedelta(days=min(older)), f"a rule deletes older versions after {min(older)} days")


def _touching(rules: Iterable[LifecycleRule], prefix: str) -> list[LifecycleRule]:
    """The rules in force that take at least some of what is under a prefix."""
    return [one for one in rules if one.enabled and (one.prefix.startswith(prefix) or prefix.startswith(one.prefix))]
