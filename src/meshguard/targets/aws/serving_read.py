"""Answers about load balancers, web ACLs, Auto Scaling groups and canaries, read into what is recorded of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from meshguard.targets.aws.models import Place
from meshguard.targets.aws.serving_models import (
    AclRule,
    Action,
    Attributes,
    Canary,
    CanaryRun,
    LoadBalancer,
    Member,
    ScalingGroup,
    TargetGroup,
)

_KINDS = {"ManagedRuleGroupStatement": "managed", "RateBasedStatement": "rate", "RuleGroupReferenceStatement": "group"}
RATE_WINDOW_S = 300
"""AWS WAF's own, where a rate rule names none."""


def load_balancer_of(said: dict[str, Any], place: Place) -> LoadBalancer:
    """A load balancer of DescribeLoadBalancers."""
    return LoadBalancer(
        arn=said["LoadBalancerArn"],
        place=place,
        name=said["LoadBalancerName"],
        kind=said["Type"],
        state=said["State"]["Code"],
        zones=tuple(sorted({one["ZoneName"] for one in said["AvailabilityZones"]})),
    )


def attributes_of(said: dict[str, str]) -> Attributes:
    """The attributes that checks need."""

    def on(key: str) -> bool | None:
        return said[key].lower() == "true" if key in said else None

    return Attributes(
        access_logs=on("access_logs.s3.enabled"),
        deletion_protection=on("deletion_protection.enabled"),
        drop_invalid_headers=on("routing.http.drop_invalid_header_fields.enabled"),
    )


def actions_of(said: Iterable[dict[str, Any]]) -> tuple[Action, ...]:
    """Actions of a listener or a rule; what an identity provider needs is left out."""
    return tuple(
        Action(
            kind=one["Type"],
            groups=_weights(one) if one["Type"] == "forward" else {},
            redirect_protocol=one.get("RedirectConfig", {}).get("Protocol", "#{protocol}")
            if one["Type"] == "redirect"
            else "",
        )
        for one in said
    )


def _weights(action: dict[str, Any]) -> dict[str, int]:
    groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
    if not groups and action.get("TargetGroupArn"):
        return {action["TargetGroupArn"]: 1}
    return {one["TargetGroupArn"]: one.get("Weight", 1) for one in groups}


def group_of(said: dict[str, Any]) -> TargetGroup:
    """A target group of DescribeTargetGroups."""
    return TargetGroup(
        arn=said["TargetGroupArn"],
        name=said["TargetGroupName"],
        kind=said.get("TargetType", "instance"),
        balancers=tuple(sorted(said.get("LoadBalancerArns", []))),
    )


def member_of(said: dict[str, Any]) -> Member:
    """A target of DescribeTargetHealth."""
    health = said["TargetHealth"]
    zone = said["Target"].get("AvailabilityZone") or ""
    return Member(id=said["Target"]["Id"], zone=zone, state=health["State"], reason=health.get("Reason") or "")


def rules_of(acl: dict[str, Any]) -> tuple[AclRule, ...]:
    """The rules of a web ACL in the order in which they are tried: Firewall Manager's first, its last, its own between.

    A lower priority is tried first.
    """
    parts = (
        [(one, one["FirewallManagerStatement"]) for one in acl.get("PreProcessFirewallManagerRuleGroups", [])],
        [(one, one["Statement"]) for one in acl.get("Rules", [])],
        [(one, one["FirewallManagerStatement"]) for one in acl.get("PostProcessFirewallManagerRuleGroups", [])],
    )
    ordered = [pair for part in parts for pair in sorted(part, key=lambda pair: pair[0]["Priority"])]
    return tuple(_rule(one, statement) for one, statement in ordered)


def _rule(said: dict[str, Any], statement: dict[str, Any]) -> AclRule:
    name = next(iter(statement), "")
    body = statement.get(name) or {}
    kind: Any = _KINDS.get(name, "other")
    chosen = next(iter(said.get("Action") or said.get("OverrideAction") or {}), "")
    return AclRule(
        name=said["Name"],
        kind=kind,
        action=chosen.lower(),
        group=f"{body['VendorName']}/{body['Name']}" if kind == "managed" else "",
        limit=body["Limit"] if kind == "rate" else None,
        window_s=body.get("EvaluationWindowSec", RATE_WINDOW_S) if kind == "rate" else None,
        counting=_counting(body),
        narrowed="ScopeDownStatement" in body,
    )


def _counting(body: dict[str, Any]) -> tuple[str, ...]:
    """Rules of a group that stop nothing: set to count or to allow, or excluded in the older form."""
    overridden = [
        one["Name"] for one in body.get("RuleActionOverrides", []) if {"Count", "Allow"} & one["ActionToUse"].keys()
    ]
    return tuple(sorted({*overridden, *(one["Name"] for one in body.get("ExcludedRules", []))}))


def scaling_group_of(said: dict[str, Any], place: Place) -> ScalingGroup:
    """A group of DescribeAutoScalingGroups."""
    serving = [
        one
        for one in said.get("Instances", [])
        if one["LifecycleState"] == "InService" and one["HealthStatus"].lower() == "healthy"
    ]
    return ScalingGroup(
        arn=said["AutoScalingGroupARN"],
        place=place,
        name=said["AutoScalingGroupName"],
        zones=tuple(sorted(said["AvailabilityZones"])),
        min_size=said["MinSize"],
        desired=said["DesiredCapacity"],
        suspended=tuple(sorted(one["ProcessName"] for one in said.get("SuspendedProcesses", []))),
        in_service=dict(sorted(Counter(one["AvailabilityZone"] for one in serving).items())),
        deleting=bool(said.get("Status")),
    )


def canary_of(said: dict[str, Any], place: Place, prefix: str) -> Canary:
    """A canary of DescribeCanaries."""
    schedule = said["Schedule"]
    return Canary(
        arn=prefix + said["Name"],
        place=place,
        name=said["Name"],
        state=said["Status"]["State"],
        schedule=schedule["Expression"],
        lasts_s=int(schedule.get("DurationInSeconds") or 0),
    )


def run_of(said: dict[str, Any]) -> CanaryRun:
    """A run of DescribeCanariesLastRun or GetCanaryRuns."""
    times = said["Timeline"]
    return CanaryRun(state=said["Status"]["State"], started=times["Started"], completed=times.get("Completed"))
