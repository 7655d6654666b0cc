"""Checks of what watches an account, and of its alarms, against the test cloud."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from examples.healthmesh.cloud import alarms, detection
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from tests.live.aws_watch_help import Auditor, auditor, failing, unsettled

from meshguard_checks.aws.alarms import alarms as alarms_heard
from meshguard_checks.aws.detection import config_rules, guardduty, guardduty_findings, securityhub
from meshguard_checks.aws.events import event_rules

CHECKS = (guardduty, guardduty_findings, securityhub, config_rules, event_rules, alarms_heard)
GUARDDUTY, FINDINGS, HUB, CONFIG, EVENTS, ALARMS = (check.id for check in CHECKS)
HERE = "123456789012/us-east-1"


@pytest.fixture(scope="module")
def audit() -> Iterator[Auditor]:
    with auditor() as found:
        yield found


@pytest.fixture
def cloud(audit: Auditor) -> Cloud:
    """A good account, to be changed."""
    audit.cloud.control.reset()
    detection.good(audit.cloud)
    alarms.good(audit.cloud)
    audit.is_good = False
    return audit.cloud


@pytest.fixture
def standing(audit: Auditor, request: pytest.FixtureRequest) -> Cloud:
    """A good account, of which only faults and answers may be changed: it is made once for several tests."""
    if not audit.is_good:
        request.getfixturevalue("cloud")
        audit.is_good = True
    audit.cloud.control.clear()
    detection.answers(audit.cloud)
    return audit.cloud


def test_each_resource_gets_the_verdict_that_it_deserves(audit: Auditor, cloud: Cloud) -> None:
    alarms.bad(cloud, 3)
    assert audit(CHECKS) == detection.manifest(cloud) | alarms.manifest(cloud, 3)


def test_an_empty_account_fails_and_says_nothing_of_findings(audit: Auditor, cloud: Cloud) -> None:
    cloud.control.reset()
    cloud.control.answer("config:DescribeDeliveryChannelStatus", {"DeliveryChannelsStatus": []})
    outcomes = audit(CHECKS)
    assert failing(outcomes) == {GUARDDUTY, HUB, CONFIG, EVENTS}
    assert outcomes[FINDINGS, HERE] == "not-checked"
    assert outcomes[ALARMS, "-"] == "empty"


@pytest.mark.parametrize("defect", [*detection.DEFECTS, *alarms.DEFECTS], ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(audit: Auditor, cloud: Cloud, defect: CloudDefect) -> None:
    assert not failing(audit(CHECKS))
    defect.plant(cloud)
    found = failing(audit(CHECKS))
    assert defect.check in found
    assert found <= {defect.check, *defect.also}


ASKED_MORE = {GUARDDUTY: {"exported": True, "administrator": "999988887777"}}


@pytest.mark.parametrize(
    ("operation", "checks"),
    [
        ("guardduty:ListDetectors", {GUARDDUTY, FINDINGS}),
        ("guardduty:GetDetector", {GUARDDUTY, FINDINGS}),
        ("guardduty:ListPublishingDestinations", {GUARDDUTY}),
        ("guardduty:GetAdministratorAccount", {GUARDDUTY}),
        ("guardduty:ListFindings", {FINDINGS}),
        ("securityhub:DescribeHub", {HUB}),
        ("securityhub:GetEnabledStandards", {HUB}),
        ("config:DescribeConfigurationRecorders", {CONFIG}),
        ("config:DescribeConfigurationRecorderStatus", {CONFIG}),
        ("config:DescribeDeliveryChannelStatus", {CONFIG}),
        ("config:DescribeConfigRules", {CONFIG}),
        ("config:DescribeComplianceByConfigRule", {CONFIG}),
        ("events:ListRules", {EVENTS}),
        ("events:ListTargetsByRule", {EVENTS}),
        ("cloudwatch:GetMetricData", {EVENTS}),
        ("cloudwatch:DescribeAlarms", {ALARMS}),
        ("sns:ListSubscriptionsByTopic", {ALARMS}),
    ],
)
@pytest.mark.parametrize("kind", ["denied", "html"])
def test_what_is_not_answered_is_never_a_pass(
    audit: Auditor, standing: Cloud, operation: str, kind: str, checks: set[str]
) -> None:
    destination = {"DestinationId": "d", "DestinationType": "S3", "Status": "PUBLISHING"}
    standing.control.answer("guardduty:ListPublishingDestinations", {"Destinations": [destination]})
    administrator = {"AccountId": "999988887777", "RelationshipStatus": "Enabled"}
    standing.control.answer("guardduty:GetAdministratorAccount", {"Administrator": administrator})
    standing.control.fault(operation, kind)  # type: ignore[arg-type]
    outcomes = audit(CHECKS, parameters=ASKED_MORE)
    assert unsettled(outcomes) == checks
    assert not [1 for (check, _), outcome in outcomes.items() if check in checks and outcome == "pass"]
    assert not failing(outcomes)


def test_findings_denied_in_detail_are_no_pass(audit: Auditor, standing: Cloud) -> None:
    standing.control.answer("guardduty:ListFindings", {"FindingIds": ["f"]})
    standing.control.fault("guardduty:GetFindings", "denied")
    assert audit(CHECKS)[FINDINGS, HERE] == "error"


def test_a_rule_that_never_started_is_not_shown_to_work(audit: Auditor, standing: Cloud) -> None:
    empty: list[dict[str, object]] = [
        {"Id": name, "Label": name, "Timestamps": [], "Values": [], "StatusCode": "Complete"}
        for name in ("invocations", "failedInvocations", "deadLetterInvocations")
    ]
    standing.control.answer("cloudwatch:GetMetricData", {"MetricDataResults": empty})
    assert audit(CHECKS)[EVENTS, HERE] == "not-checked"


@pytest.mark.parametrize("status", ["InternalError", "Forbidden", "PartialData"])
def test_metrics_that_are_not_whole_are_an_error(audit: Auditor, standing: Cloud, status: str) -> None:
    results: list[dict[str, object]] = [
        {"Id": name, "Label": name, "Timestamps": [], "Values": [], "StatusCode": status}
        for name in ("invocations", "failedInvocations", "deadLetterInvocations")
    ]
    standing.control.answer("cloudwatch:GetMetricData", {"MetricDataResults": results})
    assert audit(CHECKS)[EVENTS, HERE] == "error"


def test_metrics_that_are_not_told_are_an_error(audit: Auditor, standing: Cloud) -> None:
    standing.control.answer("cloudwatch:GetMetricData", {"MetricDataResults": []})
    assert audit(CHECKS)[EVENTS, HERE] == "error"


def test_a_composite_alarm_speaks_for_those_under_it(audit: Auditor, cloud: Cloud) -> None:
    alarms.alarm(cloud, "mg-alarm-child")
    composite = {
        "AlarmName": "mg-alarm-top",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:mg-alarm-top",
        "AlarmRule": 'ALARM("mg-alarm-child")',
        "ActionsEnabled": True,
        "AlarmActions": [alarms.ops_topic(cloud)],
        "StateValue": "OK",
    }
    assert failing(audit(CHECKS)) == {ALARMS}
    cloud.control.answer(
        "cloudwatch:DescribeAlarms", {"CompositeAlarms": [composite], "MetricAlarms": []}, match="CompositeAlarm"
    )
    outcomes = audit(CHECKS)
    assert not failing(outcomes)
    assert outcomes[ALARMS, str(composite["AlarmArn"])] == "pass"


def test_an_alarm_of_a_function(audit: Auditor, cloud: Cloud) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:mg-function-answer"
    alarms.alarm(cloud, "mg-alarm-function", arn)
    assert failing(audit(CHECKS)) == {ALARMS}, "there is no such function"
    said = {"FunctionArn": arn, "State": "Active", "Environment": {"Variables": {"TOKEN": "s3cr3t"}}}
    cloud.control.answer("lambda:GetFunctionConfiguration", said)
    assert not failing(audit(CHECKS))
    cloud.control.fault("lambda:GetFunctionConfiguration", "denied")
    name = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:mg-alarm-function"
    assert audit(CHECKS)[ALARMS, name] == "error"


def test_subscribers_of_a_second_page_are_found(audit: Auditor, cloud: Cloud) -> None:
    sns = cloud.client("sns")
    topic = alarms.ops_topic(cloud)
    for number in range(120):
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=f"ops-{number}@health-mesh.example")
    assert not failing(audit(CHECKS))


def test_what_many_checks_read_is_asked_once(audit: Auditor, cloud: Cloud) -> None:
    for number in range(30):
        alarms.alarm(cloud, f"mg-alarm-more-{number}", alarms.ops_topic(cloud))
    cloud.control.forget_calls()
    outcomes = audit(CHECKS)
    assert set(outcomes.values()) == {"pass"}
    asked = cloud.control.counts()
    # Metric and composite alarms are two lists of one operation.
    assert {name: n for name, n in asked.items() if n > 1} == {"cloudwatch:DescribeAlarms": 2}


def test_of_many_findings_fifty_are_looked_at_and_all_counted(audit: Auditor, cloud: Cloud) -> None:
    next(one for one in detection.DEFECTS if one.check == FINDINGS).plant(cloud)
    cloud.control.answer("guardduty:ListFindings", {"FindingIds": [f"f{number}" for number in range(70)]})
    assert audit([guardduty_findings])[FINDINGS, HERE] == "fail"
    cloud.control.answer("guardduty:GetFindings", {"Code": "BadRequestException"}, status=400, match="f50")
    assert audit([guardduty_findings])[FINDINGS, HERE] == "fail", "the fifty-first was not asked for"


RECORDER = {"name": "default", "roleARN": "arn:aws:iam::123456789012:role/config"}
LINKED = {**RECORDER, "recordingScope": "INTERNAL", "servicePrincipal": "example.amazonaws.com"}


def _group(kind: str, **more: object) -> dict[str, object]:
    return {"recordingGroup": {"allSupported": kind.startswith("ALL"), "recordingStrategy": {"useOnly": kind}, **more}}


@pytest.mark.parametrize(
    ("recorders", "outcome"),
    [
        pytest.param([{**RECORDER, **_group("ALL_SUPPORTED_RESOURCE_TYPES")}], "pass", id="all"),
        pytest.param([{**RECORDER, "recordingGroup": {"allSupported": True}}], "pass", id="all, before strategies"),
        pytest.param([{**RECORDER, "recordingGroup": {"allSupported": False}}], "fail", id="some, before strategies"),
        pytest.param([RECORDER], "fail", id="nothing said"),
        pytest.param(
            [{**RECORDER, **_group("INCLUSION_BY_RESOURCE_TYPES", resourceTypes=["AWS::EC2::Volume"])}],
            "fail",
            id="volumes alone",
        ),
        pytest.param(
            [
                {
                    **RECORDER,
                    **_group(
                        "EXCLUSION_BY_RESOURCE_TYPES", exclusionByResourceTypes={"resourceTypes": ["AWS::IAM::Role"]}
                    ),
                }
            ],
            "pass",
            id="all but IAM's",
        ),
        pytest.param(
            [
                {
                    **RECORDER,
                    **_group(
                        "EXCLUSION_BY_RESOURCE_TYPES",
                        exclusionByResourceTypes={"resourceTypes": ["AWS::RDS::DBInstance"]},
                    ),
                }
            ],
            "fail",
            id="all but databases",
        ),
        pytest.param([{**LINKED, **_group("ALL_SUPPORTED_RESOURCE_TYPES")}], "fail", id="a service's own"),
    ],
)
def test_recorders(audit: Auditor, standing: Cloud, recorders: list[dict[str, object]], outcome: str) -> None:
    standing.control.answer("config:DescribeConfigurationRecorders", {"ConfigurationRecorders": recorders})
    assert audit([config_rules])[CONFIG, HERE] == outcome


@pytest.mark.parametrize(
    ("channel", "outcome"),
    [
        pytest.param(
            {"configHistoryDeliveryInfo": {"lastStatus": "Success"}}, "pass", id="capitals as the API has them"
        ),
        pytest.param({"configHistoryDeliveryInfo": {"lastStatus": "FAILURE"}}, "fail", id="as the service writes them"),
        pytest.param({"configStreamDeliveryInfo": {"lastStatus": "NOT_APPLICABLE"}}, "not-checked", id="nothing yet"),
        pytest.param({}, "not-checked", id="nothing said"),
    ],
)
def test_deliveries(audit: Auditor, standing: Cloud, channel: dict[str, object], outcome: str) -> None:
    channels = [{"name": "default", **channel}]
    standing.control.answer("config:DescribeDeliveryChannelStatus", {"DeliveryChannelsStatus": channels})
    assert audit([config_rules])[CONFIG, HERE] == outcome


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        pytest.param({}, "pass", id="as it is"),
        pytest.param({"Scope": {"ComplianceResourceTypes": ["AWS::EC2::Volume"]}}, "pass", id="of a kind of resources"),
        pytest.param({"Scope": {"TagKey": "stage"}}, "fail", id="of those with a tag"),
        pytest.param({"Scope": {"ComplianceResourceId": "vol-1"}}, "fail", id="of one resource"),
        pytest.param({"EvaluationModes": [{"Mode": "PROACTIVE"}]}, "fail", id="before deployment alone"),
        pytest.param({"EvaluationModes": [{"Mode": "PROACTIVE"}, {"Mode": "DETECTIVE"}]}, "pass", id="in both modes"),
        pytest.param({"ConfigRuleState": "DELETING_RESULTS"}, "fail", id="whose results are being deleted"),
    ],
)
def test_rules_of_config(audit: Auditor, standing: Cloud, changes: dict[str, object], outcome: str) -> None:
    name = detection.rule_name("ENCRYPTED_VOLUMES")
    rule = {
        "ConfigRuleName": name,
        "ConfigRuleArn": "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-1",
        "Source": {"Owner": "AWS", "SourceIdentifier": "ENCRYPTED_VOLUMES"},
        "ConfigRuleState": "ACTIVE",
        **changes,
    }
    standing.control.answer("config:DescribeConfigRules", {"ConfigRules": [rule]})
    assert audit([config_rules], parameters={CONFIG: {"rules": ["ENCRYPTED_VOLUMES"]}})[CONFIG, HERE] == outcome


def test_findings_are_followed_to_another_bus(audit: Auditor, cloud: Cloud) -> None:
    events = cloud.client("events")
    bus = events.create_event_bus(Name="security")["EventBusArn"]
    machine = events.list_targets_by_rule(Rule=detection.RULE)["Targets"][0]["Arn"]
    events.put_rule(Name="answer", EventBusName="security", EventPattern='{"source": ["aws.guardduty"]}')
    events.put_targets(Rule="answer", EventBusName="security", Targets=[{"Id": "1", "Arn": machine}])
    events.remove_targets(Rule=detection.RULE, Ids=["answer"])
    events.put_targets(
        Rule=detection.RULE, Targets=[{"Id": "1", "Arn": bus, "RoleArn": "arn:aws:iam::123456789012:role/r"}]
    )
    assert audit([event_rules])[EVENTS, HERE] == "not-checked", "the default bus's starts are not this one's"
    detection.runs(cloud, "Invocations", 2, EventBusName="security", RuleName="answer")
    assert audit([event_rules])[EVENTS, HERE] == "pass"
    detection.runs(cloud, "DeadLetterInvocations", 1, EventBusName="security", RuleName="answer")
    assert audit([event_rules])[EVENTS, HERE] == "fail"


def test_a_hub_that_is_off_is_no_denial_and_a_denial_is_not_off(audit: Auditor, standing: Cloud) -> None:
    standing.control.answer("securityhub:DescribeHub", {"Code": "InvalidAccessException"}, status=401)
    assert audit([securityhub])[HUB, HERE] == "fail"
    standing.control.answer("securityhub:DescribeHub", {"Code": "AccessDeniedException"}, status=403)
    assert audit([securityhub])[HUB, HERE] == "error"
