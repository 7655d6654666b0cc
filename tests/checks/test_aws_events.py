"""aws.event_rules, and what patterns of EventBridge take."""

import json
from typing import Any

import pytest

from meshguard.api import Denied, Fact, Listing
from meshguard.targets.aws import Aws
from meshguard.targets.aws.events import EventRule, RuleRuns
from meshguard.testing import judge, recorded
from meshguard_checks.aws.events import event_rules
from meshguard_checks.parsing.aws_event_pattern import matches, parse_pattern

row = pytest.param
Facts = dict[Fact[Any, Any, Any], dict[tuple[Any, ...], object]]
OURS, HUB = "111122223333", "999988887777"
HERE, CENTRAL = f"{OURS}/us-east-1", f"{OURS}/eu-west-1"
DENIED = Denied("access denied", fix="allow it")
LAMBDA = f"arn:aws:lambda:us-east-1:{OURS}:function:answer"
STEPS = f"arn:aws:states:us-east-1:{OURS}:stateMachine:answer"
AUTOMATION = f"arn:aws:ssm:us-east-1:{OURS}:automation-definition/AWS-StopEC2Instance:$DEFAULT"
RUN_COMMAND = f"arn:aws:ssm:us-east-1:{OURS}:document/AWS-RunShellScript"
TOPIC = f"arn:aws:sns:us-east-1:{OURS}:ops"
QUEUE = f"arn:aws:sqs:us-east-1:{OURS}:ops"
EXECUTION = f"arn:aws:states:us-east-1:{OURS}:execution:answer:1"


def bus(account: str = OURS, region: str = "eu-west-1", name: str = "default") -> str:
    return f"arn:aws:events:{region}:{account}:event-bus/{name}"


def pattern(source: object = ("aws.guardduty",), **others: Any) -> str:
    return json.dumps({"source": source, **others})


def rule(name: str = "findings", place: str = HERE, **changes: Any) -> EventRule:
    good: dict[str, Any] = {
        "arn": f"arn:aws:events:us-east-1:{OURS}:rule/{name}",
        "place": place,
        "name": name,
        "enabled": True,
        "pattern": pattern(),
    }
    return EventRule.model_validate({**good, **changes})


Seen = tuple[EventRule, object, object]


def account(*seen: Seen, buses: tuple[tuple[str, str], ...] = ((HERE, "default"),), days: int = 90) -> Aws:
    """An account with these rules, each with what it starts and how that went, on these event buses."""
    facts: Facts = {
        Aws.places: {(): Listing(items=(HERE, CENTRAL))},
        Aws.event_rules_in: {
            (place, name): Listing(items=tuple(one for one, _, _ in seen if (one.place, one.bus) == (place, name)))
            for place, name in buses
        },
        Aws.event_targets: {(one.place, one.bus, one.name): targets for one, targets, _ in seen},
        Aws.event_rule_runs: {(one.place, one.bus, one.name, days): runs for one, _, runs in seen},
    }
    return recorded(Aws, facts, region="us-east-1")


RAN, FAILED, NEVER = RuleRuns(started=3), RuleRuns(started=3, failed=1), RuleRuns()


@pytest.mark.parametrize(
    ("seen", "outcome", "message"),
    [
        row(((rule(), (LAMBDA,), RAN),), "pass", "findings started 3 times in 90 days", id="a function"),
        row(((rule(), (STEPS,), RAN),), "pass", "started 3", id="a state machine"),
        row(((rule(), (AUTOMATION,), RAN),), "pass", "started 3", id="an automation"),
        row(((rule(), (RUN_COMMAND,), RAN),), "fail", "starts nothing", id="a command, which is no automation"),
        row(((rule(), (TOPIC,), RAN),), "fail", "findings takes findings and starts nothing", id="a topic"),
        row(((rule(), (QUEUE, TOPIC), RAN),), "fail", "starts nothing", id="a queue and a topic"),
        row(((rule(), (EXECUTION,), RAN),), "fail", "starts nothing", id="an execution is no machine"),
        row(((rule(), (TOPIC, LAMBDA), RAN),), "pass", "started", id="a topic and a function"),
        row(((rule(), (), RAN),), "fail", "starts nothing", id="no target"),
        row((), "fail", "no enabled rule takes findings", id="no rule"),
        row(((rule(enabled=False), (LAMBDA,), RAN),), "fail", "no enabled rule", id="a disabled rule"),
        row(
            ((rule(managed_by="guardduty.amazonaws.com"), (LAMBDA,), RAN),), "fail", "no enabled", id="a service's own"
        ),
        row(((rule(pattern=""), (LAMBDA,), RAN),), "fail", "no enabled rule", id="a schedule"),
        row(((rule(pattern="{"), (LAMBDA,), RAN),), "fail", "no enabled rule", id="a pattern that is no JSON"),
        row(((rule(pattern="{}"), (LAMBDA,), RAN),), "fail", "no enabled rule", id="an empty pattern"),
        row(((rule(), (LAMBDA,), NEVER),), "not-checked", "has never started in 90 days", id="it never started"),
        row(((rule(), (LAMBDA,), RuleRuns(started=0)),), "not-checked", "never started", id="it started no time"),
        row(((rule(), (LAMBDA,), FAILED),), "fail", "findings failed 1 times", id="it failed once"),
        row(((rule(), (LAMBDA,), RuleRuns(failed=2)),), "fail", "failed 2 times", id="it only failed"),
        row(((rule(), (LAMBDA,), RuleRuns(started=1, failed=0)),), "pass", "started 1", id="it failed no time"),
        row(
            ((rule("a"), (LAMBDA,), NEVER), (rule("b"), (STEPS,), RAN)),
            "pass",
            "b started 3",
            id="one of two started",
        ),
        row(((rule("a"), (LAMBDA,), FAILED), (rule("b"), (STEPS,), RAN)), "fail", "a failed", id="one of two failed"),
        row(((rule(), DENIED, RAN),), "error", "access denied", id="targets denied"),
        row(((rule(), (LAMBDA,), DENIED),), "error", "access denied", id="metrics denied"),
    ],
)
async def test_event_rules(seen: tuple[Seen, ...], outcome: str, message: str) -> None:
    verdict = await judge(event_rules, HERE, account(*seen))

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


GRAVE = {"severity": [{"numeric": [">=", 7]}]}
HUB_EVENT = {"detail-type": ["Security Hub Findings - Imported"]}


@pytest.mark.parametrize(
    ("text", "parameters", "outcome"),
    [
        row(pattern(), {}, "pass", id="GuardDuty"),
        row(pattern(["aws.securityhub"]), {}, "pass", id="Security Hub"),
        row(pattern(["aws.securityhub"]), {"sources": ["aws.guardduty"]}, "fail", id="another source than is wanted"),
        row(pattern(["aws.ec2"]), {}, "fail", id="another service"),
        row(pattern([{"prefix": "aws.guard"}]), {}, "pass", id="a prefix"),
        row(pattern([{"prefix": "aws.s3"}]), {}, "fail", id="another prefix"),
        row(pattern([{"anything-but": ["aws.guardduty", "aws.securityhub"]}]), {}, "fail", id="anything but these"),
        row(pattern([{"anything-but": ["aws.ec2"]}]), {}, "pass", id="anything but another"),
        row(json.dumps({"account": [OURS]}), {}, "pass", id="all events of the account"),
        row(pattern(**{"detail-type": ["GuardDuty Finding"]}), {}, "pass", id="with its type"),
        row(pattern(**{"detail-type": ["AWS API Call via CloudTrail"]}), {}, "fail", id="calls of GuardDuty's API"),
        row(pattern(["aws.securityhub"], **HUB_EVENT), {}, "pass", id="Security Hub's, imported"),
        row(
            pattern(["aws.securityhub"], **{"detail-type": ["Security Hub Findings - Custom Action"]}),
            {},
            "fail",
            id="Security Hub's, when someone clicks",
        ),
        row(pattern(detail=GRAVE), {}, "pass", id="from 7"),
        row(pattern(detail=GRAVE), {"severity": "medium"}, "fail", id="from 7 where medium is wanted"),
        row(pattern(detail={"severity": [{"numeric": ["<", 4]}]}), {}, "fail", id="below 4"),
        row(pattern(detail={"severity": [8, 8.0]}), {}, "pass", id="8, as GuardDuty gives it"),
        row(pattern(detail={"severity": [{"numeric": [">=", 9]}]}), {}, "fail", id="from 9"),
        row(
            pattern(detail={"severity": [{"numeric": [">=", 9]}]}),
            {"severity": "critical"},
            "pass",
            id="from 9 where critical is wanted",
        ),
        row(pattern(detail={"type": [{"prefix": "UnauthorizedAccess"}]}), {}, "pass", id="findings of one kind"),
        row(
            pattern(["aws.securityhub"], detail={"findings": {"Severity": {"Label": ["HIGH", "CRITICAL"]}}}),
            {},
            "pass",
            id="Security Hub's, high and critical",
        ),
        row(
            pattern(["aws.securityhub"], detail={"findings": {"Severity": {"Label": ["CRITICAL"]}}}),
            {},
            "fail",
            id="Security Hub's, critical alone",
        ),
        row(
            pattern(["aws.securityhub"], detail={"findings": {"RecordState": ["ARCHIVED"]}}),
            {},
            "fail",
            id="Security Hub's, archived",
        ),
    ],
)
async def test_which_rules_take_findings(text: str, parameters: dict[str, Any], outcome: str) -> None:
    verdict = await judge(event_rules, HERE, account((rule(pattern=text), (LAMBDA,), RAN)), **parameters)

    assert verdict.outcome == outcome, verdict.message


async def test_what_a_rule_looks_at_besides_is_told() -> None:
    text = pattern(detail={"type": [{"prefix": "UnauthorizedAccess"}]})
    verdict = await judge(event_rules, HERE, account((rule(pattern=text), (LAMBDA,), RAN)))

    assert "findings (by detail.type) started" in verdict.message


async def test_the_window_is_a_parameter() -> None:
    seen = account((rule(), (LAMBDA,), RAN), days=30)

    assert (await judge(event_rules, HERE, seen, window="30d")).outcome == "pass"


async def test_other_regions_than_the_one_where_findings_are_gathered() -> None:
    seen = account((rule(), (LAMBDA,), RAN))

    assert (await judge(event_rules, CENTRAL, seen, region="us-east-1")).outcome == "not-applicable"
    assert (await judge(event_rules, HERE, seen, region="us-east-1")).outcome == "pass"


THERE = rule("central", CENTRAL)
ON_A_BUS = rule("central", CENTRAL, bus="security")


@pytest.mark.parametrize(
    ("target", "there", "runs", "outcome", "message"),
    [
        row(bus(), THERE, RAN, "pass", "central started", id="to the default bus of an audited region"),
        row(bus(name="security"), ON_A_BUS, RAN, "pass", "central started", id="to another bus there"),
        row(bus(name="security"), THERE, RAN, "fail", "starts nothing", id="to another bus than the rule's"),
        row(bus(), THERE, NEVER, "not-checked", "never started", id="where it never started"),
        row(bus(), THERE, FAILED, "fail", "failed", id="where it failed"),
        row(bus(HUB), THERE, RAN, "not-checked", "which is not audited", id="to an account that is not audited"),
        row(bus(region="us-east-1"), THERE, RAN, "fail", "starts nothing", id="to itself"),
    ],
)
async def test_findings_are_followed(target: str, there: EventRule, runs: RuleRuns, outcome: str, message: str) -> None:
    buses = ((HERE, "default"), (CENTRAL, "default"), (CENTRAL, "security"))
    seen = account((rule(), (target,), RAN), (there, (LAMBDA,), runs), buses=buses)
    verdict = await judge(event_rules, HERE, seen)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_rules_denied_are_an_error() -> None:
    aws = recorded(Aws, {Aws.event_rules_in: {(HERE, "default"): DENIED}}, region="us-east-1")

    assert (await judge(event_rules, HERE, aws)).outcome == "error"


EVENT = {"source": "aws.guardduty", "n": 7, "yes": True, "detail": {"kind": "Recon:EC2/Portscan"}}


@pytest.mark.parametrize(
    ("wanted", "is_taken"),
    [
        row({"source": ["x", "aws.guardduty"]}, True, id="one of two"),
        row({"source": ["AWS.GuardDuty"]}, False, id="capitals"),
        row({"source": "aws.guardduty"}, False, id="no list"),
        row({"source": [{"equals-ignore-case": "AWS.GuardDuty"}]}, True, id="capitals that do not matter"),
        row({"source": [{"suffix": "duty"}]}, True, id="suffix"),
        row({"source": [{"suffix": "hub"}]}, False, id="another suffix"),
        row({"source": [{"prefix": {"equals-ignore-case": "AWS."}}]}, True, id="prefix, capitals that do not matter"),
        row({"source": [{"wildcard": "aws.*ty"}]}, True, id="wildcard"),
        row({"source": [{"wildcard": "*"}]}, True, id="wildcard alone"),
        row({"source": [{"wildcard": "aws*s3"}]}, False, id="another wildcard"),
        row({"source": [{"exists": True}]}, True, id="exists"),
        row({"source": [{"exists": False}]}, False, id="does not exist"),
        row({"source": [{"anything-but": "aws.guardduty"}]}, False, id="anything but it"),
        row({"source": [{"anything-but": {"prefix": "aws."}}]}, False, id="anything but a prefix of it"),
        row({"source": [{"anything-but": {"prefix": ["x", "aws."]}}]}, False, id="anything but one of two prefixes"),
        row({"source": [{"anything-but": {"suffix": "hub"}}]}, True, id="anything but another suffix"),
        row({"source": [{"anything-but": {"wildcard": "*duty"}}]}, False, id="anything but a wildcard of it"),
        row({"source": [{"regex": ".*"}]}, False, id="a comparison that is not known"),
        row({"source": [{"prefix": "a", "suffix": "y"}]}, False, id="two comparisons in one"),
        row({"source": []}, False, id="nothing"),
        row({"n": [7]}, True, id="a number"),
        row({"n": [7.0]}, True, id="a number with a point"),
        row({"n": ["7"]}, False, id="a number as text"),
        row({"n": [{"numeric": [">", 6, "<=", 7]}]}, True, id="a range"),
        row({"n": [{"numeric": [">", 7]}]}, False, id="the range after it"),
        row({"n": [{"numeric": ["=", 7]}]}, True, id="an equation"),
        row({"n": [{"numeric": [">"]}]}, False, id="half a range"),
        row({"n": [{"numeric": ["~", 7]}]}, False, id="no sign"),
        row({"yes": [True]}, True, id="true"),
        row({"yes": [1]}, False, id="1 is not true"),
        row({"detail": {"kind": [{"prefix": "Recon"}]}}, True, id="a field within"),
        row({"detail": {"kind": ["x"]}}, False, id="another value within"),
        row({"detail": ["x"]}, False, id="a list where fields are"),
        row({"source": {"kind": ["x"]}}, False, id="fields where a text is"),
        row({"other": ["x"]}, True, id="a field that is not known"),
        row({"source": ["aws.guardduty"], "n": [8]}, False, id="one of two fields"),
        row({"$or": [{"n": [8]}, {"source": ["aws.guardduty"]}]}, True, id="or"),
        row({"$or": [{"n": [8]}, {"source": ["x"]}]}, False, id="or, neither"),
        row({"$or": []}, False, id="or, nothing"),
    ],
)
def test_patterns(wanted: dict[str, Any], is_taken: bool) -> None:
    assert matches(wanted, EVENT) is is_taken


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '"x"', "{", "[" * 100_000])
def test_what_is_no_pattern(text: str) -> None:
    assert parse_pattern(text) is None


def test_a_deep_pattern_takes_nothing() -> None:
    deep: dict[str, Any] = {"source": ["aws.guardduty"]}
    for _ in range(60):
        deep = {"$or": [deep]}

    assert not matches(deep, EVENT)
