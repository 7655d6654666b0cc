"""aws.alarms."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meshguard.api import Clock, Denied, Fact, Listing, Verdict
from meshguard.targets.aws import Aws
from meshguard.targets.aws.alarms import Action, Alarm, Subscribers
from meshguard.testing import judge, recorded
from meshguard_checks.aws.alarms import alarms

row = pytest.param
Facts = dict[Fact[Any, Any, Any], dict[tuple[Any, ...], object]]
OURS = "111122223333"
PLACE = f"{OURS}/us-east-1"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DENIED = Denied("access denied", fix="allow it")
OPS = f"arn:aws:sns:us-east-1:{OURS}:ops"
OLD = f"arn:aws:sns:us-east-1:{OURS}:old"
ANSWER = f"arn:aws:lambda:us-east-1:{OURS}:function:answer"
REBOOT = "arn:aws:automate:us-east-1:ec2:reboot"
SCALE = f"arn:aws:autoscaling:us-east-1:{OURS}:scalingPolicy:1:autoScalingGroupName/a:policyName/b"
OPS_ITEM = f"arn:aws:ssm:us-east-1:{OURS}:opsitem:1"
INCIDENT = f"arn:aws:ssm-incidents::{OURS}:response-plan/plan"
UNKNOWN = f"arn:aws:newthing:us-east-1:{OURS}:thing"
HEARD, WAITING, NOBODY = (Subscribers(confirmed=n, pending=p) for n, p in ((1, 0), (0, 2), (0, 0)))


def alarm(name: str = "errors", *actions: str, **changes: Any) -> Alarm:
    good: dict[str, Any] = {
        "arn": f"arn:aws:cloudwatch:us-east-1:{OURS}:alarm:{name}",
        "place": PLACE,
        "name": name,
        "kind": "metric",
        "enabled": True,
        "state": "OK",
        "since": NOW - timedelta(days=1),
        "actions": tuple(Action(arn=arn, place=PLACE) for arn in actions),
    }
    return Alarm.model_validate({**good, **changes})


def composite(name: str, rule: str, *actions: str, **changes: Any) -> Alarm:
    return alarm(name, *actions, kind="composite", rule=rule, **changes)


async def of(
    one: Alarm,
    *others: Alarm,
    topics: dict[str, object] | None = None,
    function: object = "Active",
    **parameters: Any,
) -> Verdict:
    """What is said of an alarm among others; `ops` is a topic with a subscriber unless another is given."""
    facts: Facts = {
        Aws.alarms_in: {(PLACE,): Listing(items=(one, *others))},
        Aws.topic_subscribers: {(PLACE, arn): who for arn, who in {OPS: HEARD, **(topics or {})}.items()},
        Aws.function_state: {(PLACE, ANSWER): function},
    }
    aws = recorded(Aws, facts, region="us-east-1")
    clock = recorded(Clock, {Clock.now: {(): NOW}})
    return await judge(alarms, one, aws, clock, **parameters)


@pytest.mark.parametrize(
    ("one", "given", "outcome", "message"),
    [
        row(alarm("a", OPS), {}, "pass", "the topic ops, confirmed subscribers: 1", id="a topic with a subscriber"),
        row(alarm("a", OPS), {"topics": {OPS: WAITING}}, "fail", "2 have not confirmed", id="nobody has confirmed"),
        row(alarm("a", OPS), {"topics": {OPS: NOBODY}}, "fail", "nobody subscribes", id="nobody subscribes"),
        row(alarm("a", OPS), {"topics": {OPS: None}}, "fail", "ops does not exist", id="a topic that is gone"),
        row(alarm("a", OPS), {"topics": {OPS: DENIED}}, "error", "access denied", id="a topic that is denied"),
        row(alarm("a"), {}, "fail", "it sets off nothing", id="no action"),
        row(alarm("a", OPS, enabled=False), {}, "fail", "its actions are off", id="actions that are off"),
        row(alarm("a", OLD, OPS), {"topics": {OLD: None}}, "pass", "topic ops", id="one of two topics"),
        row(alarm("a", ANSWER), {}, "pass", "the function answer", id="a function"),
        row(alarm("a", ANSWER), {"function": None}, "fail", "answer does not exist", id="a function that is gone"),
        row(alarm("a", ANSWER), {"function": "Failed"}, "fail", "answer is Failed", id="a function that failed"),
        row(alarm("a", ANSWER), {"function": "Inactive"}, "pass", "function", id="a function that is idle"),
        row(alarm("a", ANSWER), {"function": DENIED}, "error", "denied", id="a function that is denied"),
        row(alarm("a", REBOOT), {}, "pass", "reboot", id="an action of EC2"),
        row(alarm("a", SCALE), {}, "pass", "autoscaling", id="scaling"),
        row(alarm("a", OPS_ITEM), {}, "pass", "opsitem", id="an OpsItem"),
        row(alarm("a", INCIDENT), {}, "pass", "response-plan", id="an incident"),
        row(alarm("a", UNKNOWN), {}, "not-checked", "not known here", id="an action of an unknown kind"),
        row(alarm("a", UNKNOWN, OPS), {}, "pass", "ops", id="an unknown kind, and a topic"),
        row(alarm("a", OLD, UNKNOWN), {"topics": {OLD: None}}, "not-checked", "known", id="a dead topic, and unknown"),
        row(alarm("a"), {"names": ["b*"]}, "not-applicable", "not among b*", id="another than is meant"),
        row(alarm("a"), {"names": ["b*", "a"]}, "fail", "nothing", id="one that is meant"),
    ],
)
async def test_alarms(one: Alarm, given: dict[str, Any], outcome: str, message: str) -> None:
    verdict = await of(one, **given)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


def silent(**since: float) -> dict[str, Any]:
    return {"state": "INSUFFICIENT_DATA", "since": NOW - timedelta(**since)}


@pytest.mark.parametrize(
    ("changes", "parameters", "outcome", "message"),
    [
        row(silent(days=30), {}, "pass", "no data for 30d", id="long without data, which is told"),
        row(silent(days=7), {"max_no_data": "7d"}, "pass", "no data for 7d", id="as long as may be"),
        row(silent(days=7, seconds=1), {"max_no_data": "7d"}, "fail", "no data for 7d", id="a second longer"),
        row({"since": NOW - timedelta(days=90)}, {"max_no_data": "7d"}, "pass", "topic ops", id="long OK"),
        row({"state": "ALARM"}, {"max_no_data": "7d"}, "pass", "topic ops", id="in alarm"),
        row({"state": "INSUFFICIENT_DATA", "since": None}, {"max_no_data": "7d"}, "pass", "ops", id="since unknown"),
    ],
)
async def test_without_data(changes: dict[str, Any], parameters: dict[str, Any], outcome: str, message: str) -> None:
    verdict = await of(alarm("a", OPS, **changes), **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


CHILD = alarm("a b")


@pytest.mark.parametrize(
    ("parents", "outcome", "message"),
    [
        row((composite("top", 'ALARM("a b")', OPS),), "pass", "composite alarm top is over it", id="by name"),
        row((composite("top", "ALARM(a b)", OPS),), "pass", "top", id="by name without quotes"),
        row((composite("top", "ALARM('a b')", OPS),), "pass", "top", id="by name in single quotes"),
        row((composite("top", f'ALARM("{CHILD.arn}")', OPS),), "pass", "top", id="by ARN"),
        row((composite("top", 'ALARM("x") OR ALARM("a b")', OPS),), "pass", "top", id="one of two"),
        row((composite("top", 'OK("a b")', OPS),), "fail", "nothing", id="over its being OK"),
        row((composite("top", 'ALARM("x") AND NOT ALARM("a b")', OPS),), "fail", "nothing", id="over its not alarming"),
        row((composite("top", 'ALARM("a")', OPS),), "fail", "nothing", id="over another"),
        row((composite("top", 'ALARM("a b")', enabled=False),), "fail", "nothing", id="over it, and nothing set off"),
        row((composite("top", 'ALARM("a b")', OPS, enabled=False),), "fail", "nothing", id="over it, and off"),
        row((composite("top", 'ALARM("a b")', OLD),), "fail", "nothing", id="over it, to a topic that is gone"),
        row((composite("top", 'ALARM("a b")', UNKNOWN),), "not-checked", "known", id="over it, to something unknown"),
        row(
            (composite("mid", 'ALARM("a b")'), composite("top", 'ALARM("mid")', OPS)),
            "pass",
            "top is over it",
            id="two levels up",
        ),
        row(
            (composite("mid", 'ALARM("a b") OR ALARM("top")'), composite("top", 'ALARM("mid")')),
            "fail",
            "nothing",
            id="a circle",
        ),
        row((alarm("other", OPS),), "fail", "nothing", id="no composite"),
        row((composite("top", 'ALARM("a b")', OPS, held_back=True),), "not-checked", "holds", id="over it, held back"),
    ],
)
async def test_composite_alarms_over_it(parents: tuple[Alarm, ...], outcome: str, message: str) -> None:
    verdict = await of(CHILD, *parents, topics={OLD: None})

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_a_composite_alarm_is_judged_like_others() -> None:
    assert (await of(composite("top", 'ALARM("a")', OPS))).outcome == "pass"
    assert (await of(composite("top", 'ALARM("a")'))).outcome == "fail"
    assert (await of(composite("top", 'ALARM("a")', OPS, held_back=True))).outcome == "not-checked"


async def test_a_list_of_alarms_that_is_denied_is_an_error() -> None:
    facts: Facts = {Aws.alarms_in: {(PLACE,): DENIED}}
    clock = recorded(Clock, {Clock.now: {(): NOW}})

    assert (await judge(alarms, alarm("a"), recorded(Aws, facts, region="us-east-1"), clock)).outcome == "error"
