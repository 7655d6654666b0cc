"""What is recorded of load balancers, web ACLs, Auto Scaling groups and canaries."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from meshguard.targets.aws.models import AwsModel, Resource


class LoadBalancer(Resource):
    """A load balancer (DescribeLoadBalancers)."""

    kind: Literal["application", "network", "gateway"]
    state: str
    """active, provisioning, active_impaired or failed."""
    zones: tuple[str, ...]


class Attributes(AwsModel):
    """Attributes of a load balancer; None where the answer has none of that name: not of its kind, or not told."""

    access_logs: bool | None = None
    deletion_protection: bool | None = None
    drop_invalid_headers: bool | None = None


class Action(AwsModel):
    """What a listener or a rule does with a request."""

    kind: str
    """forward, redirect, fixed-response, authenticate-oidc, authenticate-cognito, jwt-validation."""
    groups: dict[str, int] = Field(default_factory=dict)
    """ARNs of target groups and the weight of each, where it forwards."""
    redirect_protocol: str = ""
    """HTTP, HTTPS or #{protocol}, where it redirects; the last is also what AWS takes where none is given."""


class Listener(AwsModel):
    """A listener (DescribeListeners)."""

    arn: str
    port: int | None = None
    """None for a gateway load balancer."""
    protocol: str = ""
    policy: str = ""
    """Name of the security policy; empty where it ends no TLS."""
    actions: tuple[Action, ...] = ()


class Rule(AwsModel):
    """A rule of a listener of an application load balancer (DescribeRules)."""

    priority: str
    """A number, or "default"."""
    actions: tuple[Action, ...] = ()


class TargetGroup(AwsModel):
    """A target group (DescribeTargetGroups)."""

    arn: str
    name: str
    kind: str
    """instance, ip, lambda or alb."""
    balancers: tuple[str, ...] = ()
    """ARNs of the load balancers that route to it."""


class Member(AwsModel):
    """A registered target and its health (DescribeTargetHealth)."""

    id: str
    zone: str = ""
    """Empty where the answer names none, as for instances; "all" for addresses outside of the network."""
    state: str
    reason: str = ""


class WebAcl(Resource):
    """A web ACL (ListWebACLs)."""

    id: str
    scope: Literal["REGIONAL", "CLOUDFRONT"]


class AclRule(AwsModel):
    """A rule of a web ACL, or a rule group that Firewall Manager puts before or after them."""

    name: str
    kind: Literal["managed", "rate", "group", "other"]
    action: str = ""
    """block, allow, count, captcha, challenge; of a group: none (each rule does what it does) or count."""
    group: str = ""
    """Vendor and name of a managed rule group: AWS/AWSManagedRulesCommonRuleSet."""
    limit: int | None = None
    """Requests in the window, of a rate rule."""
    window_s: int | None = None
    counting: tuple[str, ...] = ()
    """Rules of the group that are set to count or to allow."""
    narrowed: bool = False
    """Whether a scope-down statement lets it look at some requests alone."""


class AclRules(AwsModel):
    """The rules of one web ACL, in the order in which they are tried (GetWebACL)."""

    rules: tuple[AclRule, ...]


class ScalingGroup(Resource):
    """An Auto Scaling group (DescribeAutoScalingGroups)."""

    zones: tuple[str, ...]
    min_size: int
    desired: int
    suspended: tuple[str, ...] = ()
    """Processes that are suspended: Launch, ReplaceUnhealthy, ..."""
    in_service: dict[str, int] = Field(default_factory=dict)
    """Instances that are healthy and in service, by zone."""
    deleting: bool = False


class Canary(Resource):
    """A canary of CloudWatch Synthetics (DescribeCanaries)."""

    state: str
    schedule: str
    """rate(5 minutes), cron(...), or rate(0 minute): once, when it is started."""
    lasts_s: int = 0
    """How long the schedule runs after it was started; 0: for ever."""


class CanaryRun(AwsModel):
    """A run of a canary."""

    state: str
    """PASSED, FAILED or RUNNING."""
    started: datetime
    completed: datetime | None = None
