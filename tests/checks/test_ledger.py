"""Digest files of a trail as the transcript tells them, and the lock of audit buckets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meshguard.api import Clock, Denied, Listing, NotObserved, Verdict, days
from meshguard.targets.aws import Aws
from meshguard.targets.aws.digest_models import Chain, Fault, Gap, Transcript
from meshguard.targets.aws.digests import Retention
from meshguard.targets.aws.s3_models import Bucket, ObjectLock, StoredObject
from meshguard.targets.aws.trails import Trail
from meshguard.testing import judge, recorded
from meshguard_checks.ledger import cloudtrail_digests, immutable

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=24)
HOME = "123456789012/us-east-1"
ARN = "arn:aws:cloudtrail:us-east-1:123456789012:trail/main"
DENIED = Denied("s3:GetObject in us-east-1: access denied (AccessDenied)", fix="allow it")
WELL = Chain(
    account="123456789012", region="us-east-1", digests=25, empty=8, logs=17,
    oldest=SINCE - timedelta(minutes=29), newest=NOW - timedelta(minutes=29),
)  # fmt: skip
FAULT = Fault(kind="log-changed", file="trail-bucket/AWSLogs/x.json.gz", says="its content has another hash")


def trail(*, validated: bool = True) -> Trail:
    return Trail(
        arn=ARN,
        place=HOME,
        name="main",
        home="us-east-1",
        asker="123456789012",
        multi_region=True,
        validated=validated,
        bucket="trail-bucket",
    )


async def digests(transcript: object = None, *, validated: bool = True, **parameters: Any) -> Verdict:
    """What is said of a trail; without a transcript it must not be asked."""
    hours = parameters.get("hours", 24)
    limits = (parameters.get("max_logs", 5000), parameters.get("max_megabytes", 2000))
    facts: dict[Any, Any] = {}
    if transcript is not None:
        facts[Aws.trail_digests] = {(HOME, ARN, hours, *limits): transcript}
    return await judge(
        cloudtrail_digests, trail(validated=validated), recorded(Aws, facts, region="us-east-1"), **parameters
    )


def seen(*chains: Chain, **said: Any) -> Transcript:
    return Transcript(**{"since": SINCE, "until": NOW, "chains": chains, "logs": 17, "logs_read": 17} | said)


def but(**said: Any) -> Chain:
    return WELL.model_copy(update=said)


GAP = Gap(since=NOW - timedelta(hours=9), until=NOW - timedelta(hours=7))


@pytest.mark.parametrize(
    ("transcript", "parameters", "outcome", "says"),
    [
        pytest.param(seen(WELL), {}, "pass", "25 digest files verify, and 17 log files are unchanged", id="all verify"),
        pytest.param(seen(but(logs=0, empty=25), logs=0, logs_read=0), {}, "pass", "0 log files", id="empty digests"),
        pytest.param(seen(WELL, fault_count=1, faults=(FAULT,)), {}, "fail", "another hash", id="a changed log file"),
        pytest.param(seen(but(gaps=(GAP,))), {}, "fail", "from 2026-06-01 03:00 to 2026-06-01 05:00", id="a gap"),
        pytest.param(
            seen(but(oldest=None, newest=None, digests=0)), {}, "fail", "has no digest files", id="all are gone"
        ),
        pytest.param(
            seen(WELL, but(region="eu-west-1", newest=None, oldest=None)), {}, "fail", "eu-west-1",
            id="another region has none",
        ),
        pytest.param(seen(but(newest=NOW - timedelta(hours=3))), {}, "pass", "", id="as old as it may be"),
        pytest.param(
            seen(but(newest=NOW - timedelta(hours=3, seconds=1))), {}, "fail", "none since 3h1s", id="a second older"
        ),
        pytest.param(
            seen(but(newest=NOW - timedelta(hours=2))), {"max_delay": "1h"}, "fail", "since 2h", id="a shorter delay"
        ),
        pytest.param(seen(but(oldest=SINCE)), {}, "pass", "", id="the oldest begins with the window"),
        pytest.param(
            seen(but(oldest=SINCE + timedelta(seconds=1), began=SINCE + timedelta(seconds=1))), {}, "not-checked",
            "begin inside", id="validation began inside of the window",
        ),
        pytest.param(
            seen(WELL, logs=18), {}, "not-checked", "1 more were not read", id="not all log files were read"
        ),
        pytest.param(seen(WELL, logs=18), {"sample": True}, "pass", "a sample of 18", id="a sample is enough"),
        pytest.param(
            seen(WELL, logs=18, fault_count=1, faults=(FAULT,)), {"sample": True}, "fail", "log-changed",
            id="a sample with a fault",
        ),
        pytest.param(DENIED, {}, "error", "access denied", id="denied"),
        pytest.param(NotObserved("the answer was cut off"), {}, "error", "cut off", id="cut off"),
    ],
)  # fmt: skip
async def test_digests(transcript: object, parameters: dict[str, Any], outcome: str, says: str) -> None:
    verdict = await digests(transcript, **parameters)
    assert verdict.outcome == outcome
    assert says in verdict.message


async def test_a_trail_without_validation_fails_unasked() -> None:
    verdict = await digests(validated=False)
    assert (verdict.outcome, verdict.got) == ("fail", False)


async def test_the_hours_and_limits_are_those_that_are_asked() -> None:
    verdict = await digests(seen(WELL), hours=48, max_logs=10, max_megabytes=1)
    assert verdict.outcome == "pass"


BUCKET = Bucket(arn="arn:aws:s3:::audit", place=HOME, name="audit")
LOCKED = ObjectLock(mode="COMPLIANCE", retention=days(365))
NEWEST = StoredObject(name="audit/1.json", modified=NOW - timedelta(hours=1), size=20)
KEPT = Retention(mode="COMPLIANCE", until=NEWEST.modified + days(365))


async def lock(
    said: object = LOCKED,
    newest: object = NEWEST,
    kept: object = KEPT,
    *,
    bucket: Bucket = BUCKET,
    earlier: object = NotObserved("must not be asked"),
    **parameters: Any,
) -> Verdict:
    prefix = NOW.strftime(parameters.get("prefix", ""))
    before = (NOW - days(1)).strftime(parameters.get("prefix", ""))
    without = parameters.get("without", "")
    facts: dict[Any, Any] = {
        Aws.object_lock: {(HOME, "audit"): said},
        Aws.newest_object: {(HOME, "audit", before, without): earlier, (HOME, "audit", prefix, without): newest},
        Aws.object_retention: {(HOME, "audit", "audit/1.json"): kept},
    }
    clock = recorded(Clock, {Clock.now: {(): NOW}})
    return await judge(immutable, bucket, recorded(Aws, facts, region="us-east-1"), clock, **parameters)


@pytest.mark.parametrize(
    ("facts", "parameters", "outcome", "says"),
    [
        pytest.param({}, {}, "pass", "an equivalent of blockchain", id="locked, fresh, and the newest locked too"),
        pytest.param({"said": None}, {}, "fail", "not locked", id="no Object Lock"),
        pytest.param({"said": ObjectLock()}, {}, "fail", "not locked", id="Object Lock without a default"),
        pytest.param(
            {"said": ObjectLock(mode="GOVERNANCE", retention=days(3650))}, {}, "fail", "bypass", id="governance mode"
        ),
        pytest.param(
            {"said": ObjectLock(mode="COMPLIANCE", retention=days(364))}, {}, "fail", "too shortly",
            id="a day shorter than wanted",
        ),
        pytest.param({}, {"retention": "366d"}, "fail", "too shortly", id="a longer retention wanted"),
        pytest.param({}, {"retention": "364d"}, "pass", "", id="a shorter retention wanted"),
        pytest.param({"newest": None}, {}, "fail", "no object", id="an empty bucket"),
        pytest.param(
            {"newest": NEWEST.model_copy(update={"modified": NOW - days(1)})}, {}, "pass", "", id="as old as it may be"
        ),
        pytest.param(
            {"newest": NEWEST.model_copy(update={"modified": NOW - days(1) - timedelta(seconds=1)})}, {}, "fail",
            "of 2026-05-31", id="a second older",
        ),
        pytest.param({}, {"max_age": "30m"}, "fail", "of 2026-06-01", id="a shorter age"),
        pytest.param({"kept": None}, {}, "fail", "not locked", id="the newest object has no retention"),
        pytest.param(
            {"kept": Retention(mode="GOVERNANCE", until=KEPT.until)}, {}, "fail", "not locked",
            id="the newest object brought a weaker mode along",
        ),
        pytest.param(
            {"kept": Retention(mode="COMPLIANCE", until=KEPT.until - days(1))}, {}, "fail", "too shortly",
            id="the newest object brought a shorter retention along",
        ),
        pytest.param(
            {"kept": Retention(mode="COMPLIANCE", until=KEPT.until - timedelta(seconds=2))}, {}, "pass", "",
            id="seconds between the request and the object's time",
        ),
        pytest.param({"said": DENIED}, {}, "error", "denied", id="the lock is denied"),
        pytest.param({"newest": DENIED}, {}, "error", "denied", id="the list is denied"),
        pytest.param({"kept": DENIED}, {}, "error", "denied", id="the retention is denied"),
        pytest.param(
            {"bucket": BUCKET.model_copy(update={"owned": "missing"})}, {}, "fail", "no bucket", id="no such bucket"
        ),
        pytest.param(
            {"bucket": BUCKET.model_copy(update={"owned": "unsettled"})}, {}, "not-checked", "not all accounts",
            id="whose it is, is not settled",
        ),
        pytest.param(
            {"bucket": BUCKET.model_copy(update={"owned": "foreign"})}, {}, "pass", "", id="another account's"
        ),
        pytest.param(
            {"newest": None, "earlier": NEWEST}, {"prefix": "trail/%Y/%m/%d/"}, "pass", "",
            id="after midnight, the newest is under the day before",
        ),
    ],
)  # fmt: skip
async def test_immutable(facts: dict[str, Any], parameters: dict[str, Any], outcome: str, says: str) -> None:
    verdict = await lock(**facts, **parameters)
    assert verdict.outcome == outcome
    assert says in verdict.message


async def test_no_named_audit_bucket_says_what_to_name() -> None:
    listing = await Aws.audit_buckets.ask(
        recorded(Aws, {Aws.named_buckets: {(): Listing(items=())}}, region="us-east-1")
    )
    assert listing.items == ()
    assert "audit_buckets" in listing.fix
