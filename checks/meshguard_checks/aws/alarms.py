"""Check of CloudWatch alarms: whether someone, or something, hears them."""

from __future__ import annotations

import fnmatch
import re
from datetime import datetime, timedelta

from meshguard.api import (
    Clock,
    Duration,
    Verdict,
    check,
    failed,
    not_applicable,
    passed,
    show_duration,
    undetermined,
)
from meshguard.targets.aws import Aws
from meshguard.targets.aws.alarms import Action, Alarm

ANSWERS = frozenset(["automate", "autoscaling", "ssm", "ssm-incidents", "aiops", "swf"])
"""Services of other actions that CloudWatch takes: EC2's own, scaling, OpsItems and incidents, investigations."""
DEAD = ("Failed", "Deleting", "Deactivating", "Deactivated", "ActiveNonInvocable")
"""States of a function in which it does not run; Inactive is one that has been idle, and that a call wakes."""
CHILD = re.compile(r"(?P<not>\bNOT\s+)?\bALARM\s*\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^()\"']+?))\s*\)")
MAX_PARENTS = 5


@check(
    "aws.alarms",
    method="examine",
    over=Aws.alarms,
    fix="aws cloudwatch put-metric-alarm --alarm-name NAME --actions-enabled --alarm-actions TOPIC ...; aws sns "
    "subscribe --topic-arn TOPIC, and confirm\n"
    'Terraform: resource "aws_cloudwatch_metric_alarm" { actions_enabled = true, '
    "alarm_actions = [aws_sns_topic.ops.arn] }",
)
async def alarms(
    alarm: Alarm, aws: Aws, clock: Clock, *, names: tuple[str, ...] = ("*",), max_no_data: Duration | None = None
) -> Verdict:
    """The alarm sets something off that is there (Amazon CloudWatch User Guide, "Alarm actions").

    Its actions are on, and one of those for ALARM is a topic that exists and has a subscriber who confirmed, a
    function that exists, or an action of EC2, scaling or Systems Manager. An alarm without such is heard all the same
    where a composite alarm over it is. A subscription that waits for its confirmation gets no message. Alarms on logs
    (LogAlarm) and mute rules are not looked at.

    Args:
        names: which alarms are meant, as globs over their names.
        max_no_data: longest accepted time in INSUFFICIENT_DATA, where an alarm can't go off; unless set it is
            only told.
    """
    if not any(fnmatch.fnmatchcase(alarm.name, glob) for glob in names):
        return not_applicable(f"it is not among {', '.join(names)}")
    silent = _silence(alarm, await clock.now())
    if max_no_data is not None and silent is not None and silent > max_no_data:
        return failed(f"it has had no data for {_whole(silent)}", got=silent, want=max_no_data)
    verdict = await _heard(aws, alarm)
    if verdict.outcome != "pass":
        verdict = await _by_parents(aws, alarm, verdict)
    if silent is not None:
        verdict = verdict.but(message=f"{verdict.message}; it has had no data for {_whole(silent)}")
    return verdict


def _silence(alarm: Alarm, now: datetime) -> timedelta | None:
    """How long it has been without data; None where it has some, or where since when is not said."""
    return now - alarm.since if alarm.state == "INSUFFICIENT_DATA" and alarm.since is not None else None


def _whole(time: timedelta) -> str:
    return show_duration(timedelta(hours=time // timedelta(hours=1)))


async def _heard(aws: Aws, alarm: Alarm) -> Verdict:
    """Whether the alarm itself sets off something that is there."""
    if not alarm.actions:
        return failed("it sets off nothing: it has no action for ALARM")
    if not alarm.enabled:
        return failed("its actions are off")
    if alarm.held_back:
        return undetermined("another alarm holds its actions back now", fix="audit again when that is over")
    found = [await _there(aws, action) for action in alarm.actions]
    for outcome in ("pass", "not-checked"):
        for verdict in found:
            if verdict.outcome == outcome:
                return verdict
    return failed("; ".join(dict.fromkeys(verdict.message for verdict in found)))


async def _there(aws: Aws, action: Action) -> Verdict:
    service, name = action.arn.split(":")[2], action.arn.rpartition(":")[2]
    if service == "sns":
        return await _topic(aws, action, name)
    if service == "lambda":
        state = await aws.function_state(action.place, action.arn)
        if state is None or state in DEAD:
            return failed(f"the function {name} " + ("does not exist" if state is None else f"is {state}"))
        return passed(f"it starts the function {name}")
    if service in ANSWERS:
        return passed(f"it sets off {action.arn}")
    return undetermined(f"it sets off {action.arn}, of a kind that is not known here")


async def _topic(aws: Aws, action: Action, name: str) -> Verdict:
    who = await aws.topic_subscribers(action.place, action.arn)
    if who is None:
        return failed(f"the topic {name} does not exist")
    if who.confirmed:
        return passed(f"it tells the topic {name}, confirmed subscribers: {who.confirmed}", got=who.confirmed)
    waiting = f": {who.pending} have not confirmed" if who.pending else ""
    return failed(f"nobody subscribes to the topic {name}{waiting}", got=0, want=1)


async def _by_parents(aws: Aws, alarm: Alarm, own: Verdict) -> Verdict:
    """What composite alarms over it say, each level up to the first that is heard; else its own verdict."""
    composites = [one for one in (await aws.alarms_in(alarm.place)).items if one.kind == "composite"]
    level, seen = [alarm], {alarm.arn}
    for _ in range(MAX_PARENTS):
        level = [one for one in composites if one.arn not in seen and any(_is_over(one, child) for child in level)]
        seen.update(one.arn for one in level)
        for parent in level:
            verdict = await _heard(aws, parent)
            if verdict.outcome == "pass":
                return passed(f"the composite alarm {parent.name} is over it: {verdict.message}")
            if verdict.outcome == "not-checked":
                own = verdict
    return own


def _is_over(composite: Alarm, alarm: Alarm) -> bool:
    """Whether a composite alarm's rule asks for this alarm being in ALARM."""
    found = (match for match in CHILD.finditer(composite.rule) if not match["not"])
    return any(name.strip() in (alarm.name, alarm.arn) for match in found for name in match.groups()[1:] if name)
