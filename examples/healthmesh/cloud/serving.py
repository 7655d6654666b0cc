"""What serves requests in the test cloud's account: load balancers, web ACLs, Auto Scaling groups, canaries.

moto tells no zones of targets by address, and no runs of canaries; the server's controls answer those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .builder import Cloud, CloudDefect
from .serving_parts import acl, balancer, canary, healthy, scaling, tell_canaries

BALANCER, WAF, SCALING, CANARY = "aws.load_balancer", "aws.waf_rules", "aws.autoscaling_zones", "aws.synthetics"
_FLAWS = {
    BALANCER: ("unlogged", "open", "old-tls", "clear", "unguarded"),
    WAF: ("count", "empty", "unlogged"),
    SCALING: ("narrow", "small"),
    CANARY: ("stopped", "once"),
}


def good(cloud: Cloud, n: int = 1) -> None:
    """`n` good load balancers with targets and web ACLs, Auto Scaling groups, and canaries that run and pass."""
    answers(cloud)
    arn = acl(cloud, "mg-acl-front-good-0")
    for i in range(1, n + 1):
        balancer(cloud, f"mg-lb-good-{i}", web_acl=arn)
        acl(cloud, f"mg-webacl-good-{i}")
        scaling(cloud, f"mg-asg-good-{i}")
        canary(cloud, f"mg-can-good-{i}")


def bad(cloud: Cloud, n: int = 1) -> None:
    """`n` of each flaw."""
    for i in range(1, n + 1):
        for flaw in _FLAWS[BALANCER]:
            _bad_balancer(cloud, flaw, f"mg-lb-{flaw}-{i}")
        for flaw in _FLAWS[WAF]:
            _bad_acl(cloud, flaw, f"mg-webacl-{flaw}-{i}")
        for flaw in _FLAWS[SCALING]:
            _bad_scaling(cloud, flaw, f"mg-asg-{flaw}-{i}")
        for flaw in _FLAWS[CANARY]:
            _bad_canary(cloud, flaw, f"mg-can-{flaw}-{i}")


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What each check must say of each resource that `good(cloud, n)` and `bad(cloud, n)` made."""
    del n
    elb = cloud.client("elbv2").get_paginator("describe_load_balancers").paginate()
    groups = cloud.client("autoscaling").get_paginator("describe_auto_scaling_groups").paginate()
    acls = cloud.client("wafv2").list_web_acls(Scope="REGIONAL", Limit=100)["WebACLs"]
    canaries = cloud.client("synthetics").describe_canaries()["Canaries"]
    prefix = f"arn:aws:synthetics:{cloud.region}:{cloud.account}:canary:"
    named = [
        *((BALANCER, lb["LoadBalancerArn"], lb["LoadBalancerName"]) for page in elb for lb in page["LoadBalancers"]),
        *((WAF, one["ARN"], one["Name"]) for one in acls),
        *(
            (SCALING, one["AutoScalingGroupARN"], one["AutoScalingGroupName"])
            for page in groups
            for one in page["AutoScalingGroups"]
        ),
        *((CANARY, prefix + one["Name"], one["Name"]) for one in canaries),
    ]
    return {(check, arn): "pass" if "-good-" in name else "fail" for check, arn, name in named}


def answers(cloud: Cloud) -> None:
    """What moto lacks; to be said again after the server's answers were cleared."""
    health = [healthy("10.0.0.11", "a"), healthy("10.0.0.12", "b")]
    cloud.control.answer("elbv2:DescribeTargetHealth", {"TargetHealthDescriptions": health})
    tell_canaries(cloud)


def _bad_balancer(cloud: Cloud, flaw: str, name: str) -> None:
    web_acl = _front_acl(cloud) if flaw != "unguarded" else ""
    changes: dict[str, Any] = {
        "unlogged": {"access_logs__s3__enabled": "false"},
        "open": {"deletion_protection__enabled": "false"},
        "old-tls": {"policy": "ELBSecurityPolicy-TLS13-1-0-2021-06"},
        "clear": {"clear": {}},
        "unguarded": {},
    }
    balancer(cloud, name, web_acl=web_acl, **changes[flaw])


def _front_acl(cloud: Cloud) -> str:
    found = cloud.client("wafv2").list_web_acls(Scope="REGIONAL", Limit=100)["WebACLs"]
    return next(str(one["ARN"]) for one in found if one["Name"] == "mg-acl-front-good-0")


def _bad_acl(cloud: Cloud, flaw: str, name: str) -> None:
    changes: dict[str, Any] = {"count": {"override": "Count"}, "empty": {"rules": False}, "unlogged": {"logs": False}}
    acl(cloud, name, **changes[flaw])


def _bad_scaling(cloud: Cloud, flaw: str, name: str) -> None:
    scaling(cloud, name, zones=1 if flaw == "narrow" else 2, size=1 if flaw == "small" else 2)


def _bad_canary(cloud: Cloud, flaw: str, name: str) -> None:
    canary(cloud, name, schedule="rate(0 minute)" if flaw == "once" else "rate(5 minutes)")


def _unhealthy(cloud: Cloud) -> None:
    """One of two targets is no longer healthy."""
    sick = healthy("10.0.0.12", "b") | {"TargetHealth": {"State": "unhealthy", "Reason": "Target.Timeout"}}
    cloud.control.answer("elbv2:DescribeTargetHealth", {"TargetHealthDescriptions": [healthy("10.0.0.11", "a"), sick]})


def _one_zone(cloud: Cloud) -> None:
    both = [healthy("10.0.0.11", "a"), healthy("10.0.0.12", "a")]
    cloud.control.answer("elbv2:DescribeTargetHealth", {"TargetHealthDescriptions": both})


def _defect(
    name: str, check: str, says: str, plant: Callable[[Cloud, str, str], None], flaw: str, start: str
) -> CloudDefect:
    return CloudDefect(name, check, says, lambda cloud: plant(cloud, flaw, f"{start}-{flaw}-0"))


_BALANCERS = {
    "unlogged": "A load balancer writes no access logs.",
    "open": "A load balancer can be deleted by one call.",
    "old-tls": "A load balancer accepts TLS 1.0 by a policy that is named after TLS 1.3.",
    "clear": "One path of a load balancer is served over HTTP.",
    "unguarded": "A load balancer has no web ACL.",
}
_ACLS = {
    "count": "The managed rules count and do not block.",
    "empty": "A web ACL has no rules.",
    "unlogged": "Requests to a web ACL are not logged.",
}
DEFECTS: tuple[CloudDefect, ...] = (
    *(_defect(f"aws-lb-{one}", BALANCER, says, _bad_balancer, one, "mg-lb") for one, says in _BALANCERS.items()),
    CloudDefect("aws-lb-unhealthy", BALANCER, "Only one target is healthy.", _unhealthy),
    CloudDefect("aws-lb-one-zone", BALANCER, "Both targets stand in one zone.", _one_zone),
    *(_defect(f"aws-waf-{one}", WAF, says, _bad_acl, one, "mg-webacl") for one, says in _ACLS.items()),
    _defect("aws-asg-narrow", SCALING, "An Auto Scaling group has one zone.", _bad_scaling, "narrow", "mg-asg"),
    _defect("aws-asg-small", SCALING, "An Auto Scaling group may have one instance.", _bad_scaling, "small", "mg-asg"),
    _defect("aws-canary-stopped", CANARY, "A canary does not run.", _bad_canary, "stopped", "mg-can"),
    _defect("aws-canary-once", CANARY, "A canary runs once and never again.", _bad_canary, "once", "mg-can"),
    CloudDefect(
        "aws-canary-failed",
        CANARY,
        "A canary's last run failed.",
        lambda cloud: tell_canaries(cloud, failed="mg-can-good-1"),
    ),
)
