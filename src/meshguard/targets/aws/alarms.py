"""CloudWatch alarms, and whether what they set off is there: topics with subscribers, functions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import AwsModel, Place, Resource, account_of, region_of
from meshguard.targets.aws.operation import Operation

METRIC_ALARMS = Operation("cloudwatch", "DescribeAlarms", items="MetricAlarms")
COMPOSITE_ALARMS = Operation("cloudwatch", "DescribeAlarms", items="CompositeAlarms")
LIST_SUBSCRIPTIONS = Operation("sns", "ListSubscriptionsByTopic", items="Subscriptions")
GET_FUNCTION = Operation("lambda", "GetFunctionConfiguration")
NO_TOPIC = ("NotFound", "NotFoundException")
NO_FUNCTION = ("ResourceNotFoundException",)


class Action(AwsModel):
    """What an alarm sets off, and where that is asked: as its owner where that account is audited."""

    arn: str
    place: Place


class Alarm(Resource):
    """An alarm."""

    kind: Literal["metric", "composite"]
    enabled: bool
    """Whether its actions are on."""
    state: str
    """OK, ALARM or INSUFFICIENT_DATA."""
    since: datetime | None = None
    actions: tuple[Action, ...] = ()
    """What it sets off when it goes into ALARM."""
    rule: str = ""
    """Of a composite one: the expression over other alarms."""
    held_back: bool = False
    """Of a composite one: whether its suppressor, another alarm, holds its actions back now."""


class Subscribers(AwsModel):
    """Who gets a topic's messages: how many have confirmed, and how many have not."""

    confirmed: int
    pending: int


class AlarmFacts(AwsBase):
    """Facts of CloudWatch alarms."""

    @fact
    async def alarms(self) -> Listing[Alarm]:
        """The metric and composite alarms of all places."""
        return await self.across(self.alarms_in)

    @fact
    async def alarms_in(self, place: Place) -> Listing[Alarm]:
        """The metric and composite alarms of one place."""
        audited = {one.id for one in (await self.accounts()).items}
        # Unless it is told the types, DescribeAlarms leaves the composite ones out.
        metric = await self.pages(place, METRIC_ALARMS, AlarmTypes=["MetricAlarm"])
        composite = await self.pages(place, COMPOSITE_ALARMS, AlarmTypes=["CompositeAlarm"])
        with documented(METRIC_ALARMS):
            found = [_alarm(one, place, "metric", audited) for one in metric]
            return found_in([*found, *(_alarm(one, place, "composite", audited) for one in composite)])

    @fact
    async def topic_subscribers(self, place: Place, arn: str) -> Subscribers | None:
        """How many get a topic's messages; None where there is no such topic."""
        answer = await self.call_or_none(place, LIST_SUBSCRIPTIONS, NO_TOPIC, TopicArn=arn)
        if answer is None:
            return None
        with documented(LIST_SUBSCRIPTIONS):
            found = list(answer["Subscriptions"])
            if answer.get("NextToken"):
                found = await self.pages(place, LIST_SUBSCRIPTIONS, TopicArn=arn)
            # One that waits, or is gone, has the word for it in place of an ARN.
            confirmed = [one for one in found if str(one["SubscriptionArn"]).startswith("arn:")]
            pending = [one for one in found if one["SubscriptionArn"] == "PendingConfirmation"]
        return Subscribers(confirmed=len(confirmed), pending=len(pending))

    @fact
    async def function_state(self, place: Place, arn: str) -> str | None:
        """The state of a Lambda function; None where there is no such function, version or alias."""
        answer = await self.call_or_none(place, GET_FUNCTION, NO_FUNCTION, FunctionName=arn)
        return None if answer is None else str(answer.get("State") or "Active")


def _action(arn: str, place: Place, audited: set[str]) -> Action:
    region, owner = arn.split(":")[3:5]
    asker = owner if owner in audited else account_of(place)
    return Action(arn=arn, place=f"{asker}/{region or region_of(place)}")


def _alarm(said: dict[str, Any], place: Place, kind: Literal["metric", "composite"], audited: set[str]) -> Alarm:
    return Alarm(
        arn=said["AlarmArn"],
        place=place,
        name=said["AlarmName"],
        kind=kind,
        enabled=said["ActionsEnabled"],
        state=said["StateValue"],
        since=said.get("StateTransitionedTimestamp") or said.get("StateUpdatedTimestamp"),
        actions=tuple(_action(arn, place, audited) for arn in said.get("AlarmActions") or ()),
        rule=said.get("AlarmRule") or "",
        held_back=said.get("ActionsSuppressedBy") == "Alarm",
    )
