"""Alarms of the test cloud's account, heard and unheard."""

from __future__ import annotations

from typing import Any

from .builder import Cloud, CloudDefect
from .keys import stores_key

ALARMS = "aws.alarms"
TOPIC = "mg-topic-alarms-good"
FLAWS = ("silent", "off", "gone")


def good(cloud: Cloud, n: int = 1) -> None:
    """`n` alarms that a topic's subscriber hears."""
    for i in range(1, n + 1):
        alarm(cloud, f"mg-alarm-good-{i}", ops_topic(cloud))


def bad(cloud: Cloud, n: int = 1) -> None:
    """`n` alarms for each way of not being heard."""
    for i in range(1, n + 1):
        for flaw in FLAWS:
            _make(cloud, flaw, f"mg-alarm-{flaw}-{i}")


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What the check must say of each alarm of the account, those that other topics made among them."""
    del n
    said = {}
    for page in cloud.client("cloudwatch").get_paginator("describe_alarms").paginate():
        for one in page["MetricAlarms"]:
            is_bad = any(one["AlarmName"].startswith(f"mg-alarm-{flaw}-") for flaw in FLAWS)
            said[ALARMS, one["AlarmArn"]] = "fail" if is_bad else "pass"
    return said


def ops_topic(cloud: Cloud) -> str:
    """The ARN of an encrypted topic with a subscriber, made when it is first needed."""
    sns = cloud.client("sns")
    # Where it is there already, CreateTopic answers its ARN, and Subscribe the subscription's.
    arn = str(sns.create_topic(Name=TOPIC, Attributes={"KmsMasterKeyId": stores_key(cloud)})["TopicArn"])
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="ops@health-mesh.example")
    return arn


def alarm(cloud: Cloud, name: str, *actions: str, **changes: Any) -> None:
    """An alarm on a metric of the application, with these actions."""
    given: dict[str, Any] = {
        "AlarmName": name,
        "Namespace": "HealthMesh",
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 5,
        "Threshold": 10.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "ActionsEnabled": True,
        "AlarmActions": list(actions),
    }
    cloud.client("cloudwatch").put_metric_alarm(**given | changes)


def _make(cloud: Cloud, flaw: str, name: str) -> None:
    if flaw == "silent":
        alarm(cloud, name)
    elif flaw == "off":
        alarm(cloud, name, ops_topic(cloud), ActionsEnabled=False)
    else:
        alarm(cloud, name, f"arn:aws:sns:{cloud.region}:{cloud.account}:mg-topic-gone")


def _unconfirmed(cloud: Cloud) -> None:
    """An alarm of its own topic, whose one subscriber has not confirmed; moto confirms for everyone."""
    name = "mg-topic-unconfirmed"
    topic = cloud.client("sns").create_topic(Name=name, Attributes={"KmsMasterKeyId": stores_key(cloud)})["TopicArn"]
    waiting = {
        "SubscriptionArn": "PendingConfirmation",
        "Owner": cloud.account,
        "Protocol": "email",
        "Endpoint": "ops@health-mesh.example",
        "TopicArn": topic,
    }
    cloud.control.answer("sns:ListSubscriptionsByTopic", {"Subscriptions": [waiting]}, match=name)
    alarm(cloud, "mg-alarm-unconfirmed", topic)


DEFECTS: tuple[CloudDefect, ...] = (
    CloudDefect(
        "aws-alarm-silent",
        ALARMS,
        "An alarm sets nothing off.",
        lambda cloud: _make(cloud, "silent", "mg-alarm-nothing"),
    ),
    CloudDefect(
        "aws-alarm-off", ALARMS, "An alarm's actions are off.", lambda cloud: _make(cloud, "off", "mg-alarm-muted")
    ),
    CloudDefect(
        "aws-alarm-topic-gone",
        ALARMS,
        "An alarm's topic does not exist.",
        lambda cloud: _make(cloud, "gone", "mg-alarm-nowhere"),
    ),
    CloudDefect("aws-alarm-unconfirmed", ALARMS, "Nobody confirmed to get an alarm's mail.", _unconfirmed),
)
