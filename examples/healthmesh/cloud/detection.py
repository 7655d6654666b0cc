"""What watches the test cloud's account: GuardDuty, Security Hub, AWS Config, and the answer to their findings.

moto lacks findings, standards, compliance and deliveries: `answers` gives them, and is to be called again after the
server's answers were cleared.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from .builder import Cloud, CloudDefect
from .trails import logs_bucket

ROLE = "arn:aws:iam::{account}:role/mg-automation"
RULE = "mg-rule-findings"
MACHINE = "mg-machine-answer"
STANDARD = "arn:aws:securityhub:{region}::standards/aws-foundational-security-best-practices/v/1.0.0"
RULES = ("ENCRYPTED_VOLUMES", "RDS_STORAGE_ENCRYPTED", "S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED")
CHECKS = ("aws.guardduty", "aws.guardduty_findings", "aws.securityhub", "aws.config_rules", "aws.event_rules")
GUARDDUTY, FINDINGS, HUB, CONFIG, EVENTS = CHECKS


def good(cloud: Cloud, n: int = 1) -> None:
    """All of it on, and an answer to findings that has worked; each is there once in a region, whatever `n` is."""
    del n
    cloud.client("guardduty").create_detector(
        Enable=True,
        FindingPublishingFrequency="FIFTEEN_MINUTES",
        Features=[{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}],
    )
    cloud.client("securityhub").enable_security_hub()
    _config(cloud)
    _answer_to_findings(cloud)
    answers(cloud)


def bad(cloud: Cloud, n: int = 1) -> None:
    """Nothing: of each there is one in a region, which cannot be good and bad at once."""
    del cloud, n


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What each check must say of the place."""
    del n
    return {(check, f"{cloud.account}/{cloud.region}"): "pass" for check in CHECKS}


def answers(cloud: Cloud) -> None:
    """What moto lacks, as AWS would say it of an account that is in order."""
    control = cloud.control
    control.answer("guardduty:ListFindings", {"FindingIds": []})
    control.answer("securityhub:GetEnabledStandards", {"StandardsSubscriptions": [_standard(cloud, "READY")]})
    delivered = {"lastStatus": "SUCCESS"}
    channel = {
        "name": "default",
        "configHistoryDeliveryInfo": delivered,
        "configSnapshotDeliveryInfo": delivered,
        "configStreamDeliveryInfo": {"lastStatus": "NOT_APPLICABLE"},
    }
    control.answer("config:DescribeDeliveryChannelStatus", {"DeliveryChannelsStatus": [channel]})
    compliance(cloud, dict.fromkeys(RULES, "COMPLIANT"))


def compliance(cloud: Cloud, said: dict[str, str]) -> None:
    """What AWS Config says of the rules, by their identifiers."""
    rules = [
        {"ConfigRuleName": rule_name(identifier), "Compliance": {"ComplianceType": kind}}
        for identifier, kind in said.items()
    ]
    cloud.control.answer("config:DescribeComplianceByConfigRule", {"ComplianceByConfigRules": rules})


def rule_name(identifier: str) -> str:
    """As a conformance pack names its rules."""
    return f"{identifier.lower().replace('_', '-')}-conformance-pack-mg1"


def _standard(cloud: Cloud, status: str) -> dict[str, Any]:
    arn = STANDARD.format(region=cloud.region)
    return {
        "StandardsSubscriptionArn": f"{arn}/subscription",
        "StandardsArn": arn,
        "StandardsInput": {},
        "StandardsStatus": status,
    }


def _config(cloud: Cloud) -> None:
    client = cloud.client("config")
    client.put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default",
            "roleARN": ROLE.format(account=cloud.account),
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
        }
    )
    client.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": logs_bucket(cloud)})
    client.start_configuration_recorder(ConfigurationRecorderName="default")
    for identifier in RULES:
        source = {"Owner": "AWS", "SourceIdentifier": identifier}
        client.put_config_rule(ConfigRule={"ConfigRuleName": rule_name(identifier), "Source": source})


def _answer_to_findings(cloud: Cloud) -> None:
    """A rule that starts a state machine, and has done so."""
    machine = cloud.client("stepfunctions").create_state_machine(
        name=MACHINE,
        definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
        roleArn=ROLE.format(account=cloud.account),
    )
    events = cloud.client("events")
    pattern = {"source": ["aws.guardduty"], "detail": {"severity": [{"numeric": [">=", 4]}]}}
    events.put_rule(Name=RULE, EventPattern=json.dumps(pattern), State="ENABLED")
    events.put_targets(Rule=RULE, Targets=[{"Id": "answer", "Arn": machine["stateMachineArn"]}])
    runs(cloud, "Invocations", 3)


def runs(cloud: Cloud, metric: str, times: int, **dimensions: str) -> None:
    """How often a rule did so, as EventBridge would have told CloudWatch an hour ago; the rule is RULE unless named."""
    names = dimensions or {"RuleName": RULE}
    point = {
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in names.items()],
        "Timestamp": datetime.now(UTC) - timedelta(hours=1),
        "Value": float(times),
    }
    cloud.client("cloudwatch").put_metric_data(Namespace="AWS/Events", MetricData=[point])


def detector(cloud: Cloud) -> str:
    """The id of the region's detector."""
    return str(cloud.client("guardduty").list_detectors()["DetectorIds"][0])


def _suspend(cloud: Cloud) -> None:
    cloud.client("guardduty").update_detector(DetectorId=detector(cloud), Enable=False)


def _find(cloud: Cloud) -> None:
    finding = {
        "AccountId": cloud.account,
        "Arn": f"arn:aws:guardduty:{cloud.region}:{cloud.account}:detector/d/finding/f",
        "Id": "f",
        "Region": cloud.region,
        "Type": "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        "Severity": 8.0,
        "SchemaVersion": "2.0",
        "CreatedAt": "2026-01-01T00:00:00Z",
        "UpdatedAt": "2026-01-01T00:00:00Z",
        "Resource": {},
    }
    cloud.control.answer("guardduty:ListFindings", {"FindingIds": ["f"]})
    cloud.control.answer("guardduty:GetFindings", {"Findings": [finding]})


def _incomplete(cloud: Cloud) -> None:
    standards = [_standard(cloud, "INCOMPLETE")]
    cloud.control.answer("securityhub:GetEnabledStandards", {"StandardsSubscriptions": standards})


def _tell_only(cloud: Cloud) -> None:
    """The rule's target becomes a topic: people hear of findings, and nothing answers them."""
    events = cloud.client("events")
    events.remove_targets(Rule=RULE, Ids=["answer"])
    topic = f"arn:aws:sns:{cloud.region}:{cloud.account}:mg-topic-good-1"
    events.put_targets(Rule=RULE, Targets=[{"Id": "tell", "Arn": topic}])


DEFECTS: tuple[CloudDefect, ...] = (
    CloudDefect("aws-guardduty-suspended", GUARDDUTY, "GuardDuty is suspended.", _suspend, also=(FINDINGS,)),
    CloudDefect(
        "aws-guardduty-off",
        GUARDDUTY,
        "GuardDuty has no detector in the region.",
        lambda cloud: cloud.client("guardduty").delete_detector(DetectorId=detector(cloud)),
        also=(FINDINGS,),
    ),
    CloudDefect("aws-guardduty-finding", FINDINGS, "A grave finding of GuardDuty is open.", _find),
    CloudDefect(
        "aws-securityhub-off",
        HUB,
        "Security Hub is off.",
        lambda cloud: cloud.client("securityhub").disable_security_hub(),
    ),
    CloudDefect("aws-securityhub-incomplete", HUB, "Security Hub's standard could not be enabled whole.", _incomplete),
    CloudDefect(
        "aws-config-stopped",
        CONFIG,
        "AWS Config's recorder is stopped.",
        lambda cloud: cloud.client("config").stop_configuration_recorder(ConfigurationRecorderName="default"),
    ),
    CloudDefect(
        "aws-config-rule-broken",
        CONFIG,
        "AWS Config found a volume that is not encrypted.",
        lambda cloud: compliance(cloud, {**dict.fromkeys(RULES, "COMPLIANT"), RULES[0]: "NON_COMPLIANT"}),
    ),
    CloudDefect(
        "aws-config-rule-missing",
        CONFIG,
        "AWS Config has no rule for encrypted databases.",
        lambda cloud: cloud.client("config").delete_config_rule(ConfigRuleName=rule_name(RULES[1])),
    ),
    CloudDefect(
        "aws-event-rule-off",
        EVENTS,
        "The rule that answers findings is disabled.",
        lambda cloud: cloud.client("events").disable_rule(Name=RULE),
    ),
    CloudDefect("aws-event-rule-tells-only", EVENTS, "Findings are mailed, and nothing answers them.", _tell_only),
    CloudDefect(
        "aws-event-rule-fails",
        EVENTS,
        "The answer to findings could not be started.",
        lambda cloud: runs(cloud, "FailedInvocations", 1),
    ),
)
