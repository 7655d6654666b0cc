"""aws.cloudtrail, aws.cloudtrail_logs_secrets and aws.log_retention."""

from typing import Any

import pytest

from meshguard.api import Denied, Fact, Listing, Verdict
from meshguard.targets.aws import Aws
from meshguard.targets.aws.stores_models import LogGroup
from meshguard.targets.aws.trails import (
    AdvancedSelector,
    BasicSelector,
    FieldSelector,
    Selectors,
    Trail,
    TrailStatus,
)
from meshguard.testing import judge, recorded
from meshguard_checks.aws.trails import cloudtrail, cloudtrail_logs_secrets, log_retention

row = pytest.param
OURS, ROOT = "111122223333", "999988887777"
PLACE = f"{OURS}/us-east-1"
DENIED = Denied("access denied", fix="allow it")
KMS, RDS_DATA = "kms.amazonaws.com", "rdsdata.amazonaws.com"
ALL = Selectors(basic=(BasicSelector(),))
LOGGING = TrailStatus(logging=True)


def trail(name: str = "mg-trail", **changes: Any) -> Trail:
    """A trail in order, with changes; its owner is in `owner`."""
    home = changes.get("home", "us-east-1")
    owner = changes.pop("owner", OURS)
    good: dict[str, Any] = {
        "arn": f"arn:aws:cloudtrail:{home}:{owner}:trail/{name}",
        "place": PLACE,
        "name": name,
        "home": home,
        "asker": OURS,
        "multi_region": True,
        "validated": True,
        "kms_key": f"arn:aws:kms:us-east-1:{OURS}:key/k",
        "bucket": "mg-trail",
    }
    return Trail.model_validate({**good, **changes})


Seen = tuple[Trail, object, object]
Facts = dict[Fact[Any, Any, Any], dict[tuple[Any, ...], object]]


def account(*seen: Seen, place: str = PLACE) -> Aws:
    """An account that sees these trails, each with its status in the place and its selectors at home."""
    facts: Facts = {
        Aws.trails_in: {(place,): Listing(items=tuple(one for one, _, _ in seen))},
        Aws.trail_status: {(f"{one.asker}/{place.partition('/')[2]}", one.arn): status for one, status, _ in seen},
        Aws.trail_selectors: {(one.home_place, one.arn): selectors for one, _, selectors in seen},
    }
    return recorded(Aws, facts, region="us-east-1")


def field(name: str, **demands: tuple[str, ...]) -> FieldSelector:
    return FieldSelector(field=name, **demands)


def advanced(*fields: FieldSelector, category: str = "Management") -> AdvancedSelector:
    return AdvancedSelector(fields=(field("eventCategory", equals=(category,)), *fields))


def basic(**changes: Any) -> Selectors:
    return Selectors(basic=(BasicSelector(**changes),))


READS, WRITES = field("readOnly", equals=("true",)), field("readOnly", equals=("false",))
NO_KMS = field("eventSource", not_equals=(KMS,))
NO_RDS = field("eventSource", not_equals=(RDS_DATA,))


@pytest.mark.parametrize(
    ("changes", "parameters", "outcome", "message"),
    [
        row({}, {}, "pass", "mg-trail records it", id="in order"),
        row({"multi_region": False}, {}, "fail", "records one region alone", id="one region"),
        row({"multi_region": False}, {"multi_region": False}, "pass", "records it", id="one region where it may be"),
        row({"validated": False}, {}, "fail", "has no log file validation", id="no validation"),
        row({"validated": False}, {"validated": False}, "pass", "records it", id="no validation where none is asked"),
        row({"kms_key": None}, {}, "fail", "has no key of KMS", id="encrypted by S3 alone"),
        row({"kms_key": None}, {"encrypted": False}, "pass", "records it", id="no key where none is asked"),
        row({"home": "eu-west-1"}, {}, "pass", "records it", id="a trail of another region that covers this one"),
        row({"organization": True, "owner": ROOT}, {}, "pass", "records it", id="the organisation's"),
        row(
            {"organization": True, "multi_region": False}, {}, "fail", "one region", id="the organisation's, one region"
        ),
    ],
)
async def test_cloudtrail_configuration(
    changes: dict[str, Any], parameters: dict[str, Any], outcome: str, message: str
) -> None:
    verdict = await judge(cloudtrail, PLACE, account((trail(**changes), LOGGING, ALL)), **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


@pytest.mark.parametrize(
    ("status", "parameters", "outcome", "message"),
    [
        row(TrailStatus(logging=False), {}, "fail", "is not logging", id="stopped"),
        row(TrailStatus(logging=True, delivery_error="AccessDenied"), {}, "fail", "AccessDenied", id="undeliverable"),
        row(TrailStatus(logging=True, digest_error="NoSuchBucket"), {}, "fail", "NoSuchBucket", id="no digests"),
        row(
            TrailStatus(logging=True, digest_error="NoSuchBucket"),
            {"validated": False},
            "pass",
            "records it",
            id="no digests where no validation is asked",
        ),
        row(TrailStatus(logging=True, log_group_error="Denied"), {}, "pass", "records it", id="a log group besides"),
        row(None, {}, "not-checked", "is not shown to it", id="a member is not shown the status"),
        row(DENIED, {}, "error", "access denied", id="status denied"),
    ],
)
async def test_cloudtrail_status(status: object, parameters: dict[str, Any], outcome: str, message: str) -> None:
    verdict = await judge(cloudtrail, PLACE, account((trail(), status, ALL)), **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


@pytest.mark.parametrize(
    ("selectors", "outcome"),
    [
        row(ALL, "pass", id="all"),
        row(Selectors(), "pass", id="none of its own: all management events"),
        row(basic(read_write="WriteOnly"), "fail", id="writes alone"),
        row(basic(read_write="ReadOnly"), "fail", id="reads alone"),
        row(
            Selectors(basic=(BasicSelector(read_write="ReadOnly"), BasicSelector(read_write="WriteOnly"))),
            "pass",
            id="reads by one selector, writes by another",
        ),
        row(
            Selectors(basic=(BasicSelector(read_write="WriteOnly"), BasicSelector(management=False))),
            "fail",
            id="writes by one selector, data by another",
        ),
        row(basic(management=False), "fail", id="data events alone"),
        row(basic(excluded=(KMS, RDS_DATA)), "pass", id="all but those of KMS and the Data API"),
        row(Selectors(advanced=(advanced(),)), "pass", id="advanced: all"),
        row(Selectors(advanced=(advanced(WRITES),)), "fail", id="advanced: writes alone"),
        row(Selectors(advanced=(advanced(READS), advanced(WRITES))), "pass", id="advanced: reads, and writes"),
        row(Selectors(advanced=(advanced(NO_KMS),)), "pass", id="advanced: all but KMS"),
        row(
            Selectors(advanced=(advanced(field("eventSource", equals=("ec2.amazonaws.com",))),)),
            "fail",
            id="advanced: EC2 alone",
        ),
        row(
            Selectors(advanced=(advanced(field("eventSource", not_equals=("iam.amazonaws.com",))),)),
            "fail",
            id="advanced: all but IAM",
        ),
        row(
            Selectors(advanced=(advanced(field("eventSource", not_starts_with=("s",))),)),
            "fail",
            id="advanced: not what begins with s",
        ),
        row(
            Selectors(advanced=(advanced(field("userIdentity.arn", not_starts_with=("arn:x",))),)),
            "fail",
            id="advanced: not of some callers",
        ),
        row(
            Selectors(advanced=(advanced(field("eventName", not_equals=("AssumeRole",))),)),
            "fail",
            id="advanced: not of one name",
        ),
        row(Selectors(advanced=(advanced(category="Data"),)), "fail", id="advanced: data events"),
        row(Selectors(advanced=(AdvancedSelector(fields=()),)), "fail", id="advanced: no category"),
        row(None, "not-checked", id="a member is not shown the selectors"),
        row(DENIED, "error", id="selectors denied"),
    ],
)
async def test_cloudtrail_selectors(selectors: object, outcome: str) -> None:
    assert (await judge(cloudtrail, PLACE, account((trail(), LOGGING, selectors)))).outcome == outcome


async def test_no_answer_of_selectors_on_a_trail_that_has_some_is_no_default() -> None:
    seen = account((trail(custom_selectors=True), LOGGING, Selectors()))

    assert (await judge(cloudtrail, PLACE, seen)).outcome == "fail"


BAD = (trail("mg-bad", kms_key=None), LOGGING, ALL)
STOPPED = (trail("mg-stopped"), TrailStatus(logging=False), ALL)
GOOD = (trail("mg-good"), LOGGING, ALL)
HIDDEN = (trail("mg-org", owner=ROOT, organization=True), None, ALL)


@pytest.mark.parametrize(
    ("seen", "outcome", "message"),
    [
        row((), "fail", "no trail records it", id="none"),
        row((BAD, GOOD), "pass", "mg-good", id="one in order of two"),
        row((GOOD, (trail("mg-z"), DENIED, DENIED)), "pass", "mg-good", id="what others say changes nothing"),
        row((BAD, STOPPED), "fail", "mg-bad has no key of KMS; mg-stopped is not logging", id="two, neither in order"),
        row((BAD, HIDDEN), "not-checked", f"mg-org of account {ROOT}", id="a faulty one, and one that is not shown"),
        row((HIDDEN, GOOD), "pass", "mg-good", id="one that is not shown, and one in order"),
        row(
            (
                (trail("mg-a"), LOGGING, basic(read_write="ReadOnly")),
                (trail("mg-b"), LOGGING, basic(read_write="WriteOnly")),
            ),
            "fail",
            "mg-a does not take write events",
            id="reads in one trail, writes in another",
        ),
    ],
)
async def test_cloudtrail_of_several(seen: tuple[Seen, ...], outcome: str, message: str) -> None:
    verdict = await judge(cloudtrail, PLACE, account(*seen))

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_status_is_asked_in_each_region_and_selectors_at_home() -> None:
    seen = account((trail(home="eu-west-1"), LOGGING, ALL), place=f"{OURS}/us-west-2")

    assert (await judge(cloudtrail, f"{OURS}/us-west-2", seen)).outcome == "pass"


async def test_an_owner_that_is_audited_is_asked_of_its_trail() -> None:
    seen = account((trail(owner=ROOT, asker=ROOT, organization=True), LOGGING, ALL))

    assert (await judge(cloudtrail, PLACE, seen)).outcome == "pass"


@pytest.mark.parametrize("check", [cloudtrail, cloudtrail_logs_secrets])
async def test_a_place_whose_trails_are_denied_is_an_error(check: Any) -> None:
    aws = recorded(Aws, {Aws.trails_in: {(PLACE,): DENIED}}, region="us-east-1")

    assert (await judge(check, PLACE, aws)).outcome == "error"


@pytest.mark.parametrize(
    ("selectors", "parameters", "outcome", "message"),
    [
        row(ALL, {}, "pass", "secretsmanager:GetSecretValue and kms:Decrypt are recorded", id="all"),
        row(basic(read_write="ReadOnly"), {}, "pass", "are recorded", id="reads alone"),
        row(basic(read_write="WriteOnly"), {}, "fail", "GetSecretValue is not recorded", id="writes alone"),
        row(basic(management=False), {}, "fail", "is not recorded", id="data events alone"),
        row(basic(excluded=(KMS,)), {}, "fail", "kms:Decrypt is not recorded", id="all but KMS"),
        row(
            basic(excluded=(KMS,)),
            {"events": ["secretsmanager:GetSecretValue"]},
            "pass",
            "GetSecretValue are recorded",
            id="all but KMS where that is not asked",
        ),
        row(basic(excluded=(RDS_DATA,)), {}, "pass", "are recorded", id="all but the Data API"),
        row(Selectors(advanced=(advanced(),)), {}, "pass", "are recorded", id="advanced: all"),
        row(Selectors(advanced=(advanced(READS),)), {}, "pass", "are recorded", id="advanced: reads"),
        row(Selectors(advanced=(advanced(WRITES),)), {}, "fail", "is not recorded", id="advanced: writes"),
        row(Selectors(advanced=(advanced(NO_KMS),)), {}, "fail", "kms:Decrypt", id="advanced: all but KMS"),
        row(Selectors(advanced=(advanced(NO_RDS),)), {}, "pass", "are recorded", id="advanced: all but the Data API"),
        row(
            Selectors(advanced=(advanced(field("eventName", not_equals=("GetSecretValue",))),)),
            {},
            "fail",
            "GetSecretValue is not recorded",
            id="advanced: not of that name",
        ),
        row(
            Selectors(advanced=(advanced(field("eventName", starts_with=("Get", "Decrypt"))),)),
            {},
            "pass",
            "are recorded",
            id="advanced: names that begin so",
        ),
        row(
            Selectors(advanced=(advanced(field("eventName", equals=("Decrypt",), ends_with=("Value",))),)),
            {},
            "pass",
            "are recorded",
            id="advanced: two operators of one field",
        ),
        row(basic(), {"events": ["ssm:GetParameter"]}, "pass", "ssm:GetParameter", id="the Parameter Store"),
        row(None, {}, "not-checked", "are not shown", id="not shown"),
        row(DENIED, {}, "error", "access denied", id="denied"),
    ],
)
async def test_secrets(selectors: object, parameters: dict[str, Any], outcome: str, message: str) -> None:
    plain = trail(multi_region=False, kms_key=None, validated=False)
    verdict = await judge(cloudtrail_logs_secrets, PLACE, account((plain, LOGGING, selectors)), **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


@pytest.mark.parametrize(
    ("seen", "outcome", "message"),
    [
        row((), "fail", "no trail records the place", id="no trail"),
        row((STOPPED,), "fail", "is not logging", id="a stopped trail"),
        row(((trail(), TrailStatus(logging=True, delivery_error="x"), ALL),), "fail", "deliver", id="undeliverable"),
        row(((trail(), TrailStatus(logging=True, digest_error="x"), ALL),), "pass", "recorded", id="no digests"),
        row((HIDDEN,), "not-checked", "not shown", id="one that is not shown"),
        row((STOPPED, HIDDEN), "not-checked", "not shown", id="a stopped one and one that is not shown"),
        row(
            (
                (trail("mg-a"), LOGGING, basic(excluded=(KMS,))),
                (trail("mg-b"), LOGGING, Selectors(advanced=(advanced(field("eventSource", equals=(KMS,))),))),
            ),
            "pass",
            "are recorded",
            id="secrets by one trail, KMS by another",
        ),
    ],
)
async def test_secrets_by_several(seen: tuple[Seen, ...], outcome: str, message: str) -> None:
    verdict = await judge(cloudtrail_logs_secrets, PLACE, account(*seen))

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def of_group(days: int | None, name: str = "/mg/app", log_class: str = "STANDARD", **parameters: Any) -> Verdict:
    arn = f"arn:aws:logs:us-east-1:{OURS}:log-group:{name}"
    group = LogGroup(arn=arn, place=PLACE, name=name, encrypted=True, retention_days=days, log_class=log_class)
    return await judge(log_retention, group, recorded(Aws, {}, region="us-east-1"), **parameters)


@pytest.mark.parametrize(
    ("days", "parameters", "outcome"),
    [
        row(365, {}, "pass", id="a year"),
        row(364, {}, "fail", id="a day short of a year"),
        row(90, {"min_days": 90}, "pass", id="90 days where 90 are wanted"),
        row(89, {"min_days": 90}, "fail", id="89 days where 90 are wanted"),
        row(None, {}, "pass", id="for ever"),
        row(None, {"for_ever": False}, "fail", id="for ever where it may not be"),
        row(None, {"max_days": 3653}, "fail", id="for ever where most days are set"),
        row(400, {"max_days": 400}, "pass", id="as many days as may be"),
        row(401, {"max_days": 400}, "fail", id="a day more than may be"),
        row(1, {"names": ["/mg/audit*"]}, "not-applicable", id="another group than those that are meant"),
        row(1, {"names": ["/mg/audit*", "/mg/a??"]}, "fail", id="a group that the second glob means"),
        row(2, {"log_class": "DELIVERY"}, "not-applicable", id="a class that only passes logs on"),
        row(1, {"log_class": "INFREQUENT_ACCESS"}, "fail", id="a class for rare reading"),
    ],
)
async def test_log_retention(days: int | None, parameters: dict[str, Any], outcome: str) -> None:
    assert (await of_group(days, **parameters)).outcome == outcome
