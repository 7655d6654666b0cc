"""What serves requests: load balancers with their targets, web ACLs, Auto Scaling groups, canaries."""

from __future__ import annotations

from typing import Any

from meshguard.errors import NotObserved
from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import Place, account_of, region_of
from meshguard.targets.aws.operation import Operation
from meshguard.targets.aws.serving_models import (
    AclRules,
    Attributes,
    Canary,
    CanaryRun,
    Listener,
    LoadBalancer,
    Member,
    Rule,
    ScalingGroup,
    TargetGroup,
    WebAcl,
)
from meshguard.targets.aws.serving_read import (
    actions_of,
    attributes_of,
    canary_of,
    group_of,
    load_balancer_of,
    member_of,
    rules_of,
    run_of,
    scaling_group_of,
)

DESCRIBE_LOAD_BALANCERS = Operation("elbv2", "DescribeLoadBalancers", items="LoadBalancers")
DESCRIBE_LB_ATTRIBUTES = Operation("elbv2", "DescribeLoadBalancerAttributes", items="Attributes")
DESCRIBE_LISTENERS = Operation("elbv2", "DescribeListeners", items="Listeners")
DESCRIBE_RULES = Operation("elbv2", "DescribeRules", items="Rules")
DESCRIBE_TARGET_GROUPS = Operation("elbv2", "DescribeTargetGroups", items="TargetGroups")
DESCRIBE_TARGET_HEALTH = Operation("elbv2", "DescribeTargetHealth", items="TargetHealthDescriptions")
DESCRIBE_INSTANCES = Operation("ec2", "DescribeInstances", items="Reservations")
GET_WEB_ACL_FOR_RESOURCE = Operation("wafv2", "GetWebACLForResource", when="waf")
LIST_WEB_ACLS = Operation("wafv2", "ListWebACLs", items="WebACLs")
GET_WEB_ACL = Operation("wafv2", "GetWebACL")
GET_WAF_LOGGING = Operation("wafv2", "GetLoggingConfiguration", when="logging")
DESCRIBE_SCALING_GROUPS = Operation("autoscaling", "DescribeAutoScalingGroups", items="AutoScalingGroups")
DESCRIBE_CANARIES = Operation("synthetics", "DescribeCanaries", items="Canaries")
DESCRIBE_LAST_RUNS = Operation("synthetics", "DescribeCanariesLastRun", items="CanariesLastRun")
GET_CANARY_RUNS = Operation("synthetics", "GetCanaryRuns", items="CanaryRuns")

EDGE_REGION = "us-east-1"
"""Where AWS keeps the web ACLs of CloudFront (AWS WAF API Reference, ListWebACLs, Scope)."""


class ServingFacts(AwsBase):
    """Facts of what serves requests."""

    @fact
    async def load_balancers(self) -> Listing[LoadBalancer]:
        """The application, network and gateway load balancers of all places."""
        return await self.across(self.load_balancers_in)

    @fact
    async def load_balancers_in(self, place: Place) -> Listing[LoadBalancer]:
        """The load balancers of one place."""
        found = await self.pages(place, DESCRIBE_LOAD_BALANCERS)
        with documented(DESCRIBE_LOAD_BALANCERS):
            return found_in(load_balancer_of(one, place) for one in found)

    @fact
    async def balancer_attributes(self, place: Place, arn: str) -> Attributes:
        """Attributes of one load balancer."""
        found = await self.pages(place, DESCRIBE_LB_ATTRIBUTES, LoadBalancerArn=arn)
        with documented(DESCRIBE_LB_ATTRIBUTES):
            return attributes_of({one["Key"]: one.get("Value", "") for one in found})

    @fact
    async def listeners(self, place: Place, balancer: str) -> tuple[Listener, ...]:
        """The listeners of one load balancer, by port."""
        found = await self.pages(place, DESCRIBE_LISTENERS, LoadBalancerArn=balancer)
        with documented(DESCRIBE_LISTENERS):
            said = [
                Listener(
                    arn=one["ListenerArn"],
                    port=one.get("Port"),
                    protocol=one.get("Protocol", ""),
                    policy=one.get("SslPolicy", ""),
                    actions=actions_of(one.get("DefaultActions", [])),
                )
                for one in found
            ]
        return tuple(sorted(said, key=lambda one: (one.port or 0, one.arn)))

    @fact
    async def listener_rules(self, place: Place, listener: str) -> tuple[Rule, ...]:
        """The rules of a listener of an application load balancer, the default one among them."""
        found = await self.pages(place, DESCRIBE_RULES, ListenerArn=listener)
        with documented(DESCRIBE_RULES):
            return tuple(Rule(priority=one["Priority"], actions=actions_of(one["Actions"])) for one in found)

    @fact
    async def target_groups(self, place: Place) -> tuple[TargetGroup, ...]:
        """The target groups of one place."""
        found = await self.pages(place, DESCRIBE_TARGET_GROUPS)
        with documented(DESCRIBE_TARGET_GROUPS):
            return tuple(sorted((group_of(one) for one in found), key=lambda one: one.arn))

    @fact
    async def target_health(self, place: Place, group: str) -> tuple[Member, ...]:
        """The targets of one target group and their health."""
        found = await self.pages(place, DESCRIBE_TARGET_HEALTH, TargetGroupArn=group)
        with documented(DESCRIBE_TARGET_HEALTH):
            return tuple(sorted((member_of(one) for one in found), key=lambda one: one.id))

    @fact
    async def instance_zones(self, place: Place) -> dict[str, str]:
        """The zone of each running instance of a place: the health of an instance names none."""
        running = [{"Name": "instance-state-name", "Values": ["running"]}]
        found = await self.pages(place, DESCRIBE_INSTANCES, Filters=running)
        with documented(DESCRIBE_INSTANCES):
            instances = [one for part in found for one in part.get("Instances", [])]
            return {one["InstanceId"]: one["Placement"]["AvailabilityZone"] for one in instances}

    @fact
    async def web_acl_of(self, place: Place, arn: str) -> str | None:
        """The ARN of the web ACL of one resource, or none."""
        answer = await self.call(place, GET_WEB_ACL_FOR_RESOURCE, ResourceArn=arn)
        with documented(GET_WEB_ACL_FOR_RESOURCE):
            acl = answer.get("WebACL")
            return str(acl["ARN"]) if acl else None

    @fact
    async def web_acls(self) -> Listing[WebAcl]:
        """The web ACLs of all places; those of CloudFront where us-east-1 is among them."""
        return await self.across(self.web_acls_in)

    @fact
    async def web_acls_in(self, place: Place) -> Listing[WebAcl]:
        """The web ACLs of one place, and of CloudFront where it is us-east-1."""
        scopes = ("REGIONAL", "CLOUDFRONT") if region_of(place) == EDGE_REGION else ("REGIONAL",)
        found: list[WebAcl] = []
        for scope in scopes:
            said = await self._marked(place, LIST_WEB_ACLS, "NextMarker", Scope=scope, Limit=100)
            with documented(LIST_WEB_ACLS):
                found += [
                    WebAcl(arn=one["ARN"], place=place, name=one["Name"], id=one["Id"], scope=scope) for one in said
                ]
        return found_in(found)

    @fact
    async def web_acl_rules(self, place: Place, name: str, acl_id: str, scope: str) -> AclRules:
        """The rules of one web ACL."""
        answer = await self.call(place, GET_WEB_ACL, Name=name, Id=acl_id, Scope=scope)
        with documented(GET_WEB_ACL):
            return AclRules(rules=rules_of(answer["WebACL"]))

    @fact
    async def web_acl_logs(self, place: Place, arn: str) -> bool:
        """Whether requests to a web ACL are logged."""
        answer = await self.call_or_none(place, GET_WAF_LOGGING, ("WAFNonexistentItemException",), ResourceArn=arn)
        with documented(GET_WAF_LOGGING):
            return answer is not None and bool(answer["LoggingConfiguration"]["LogDestinationConfigs"])

    @fact
    async def scaling_groups(self) -> Listing[ScalingGroup]:
        """The Auto Scaling groups of all places."""
        return await self.across(self.scaling_groups_in)

    @fact
    async def scaling_groups_in(self, place: Place) -> Listing[ScalingGroup]:
        """The Auto Scaling groups of one place."""
        found = await self.pages(place, DESCRIBE_SCALING_GROUPS)
        with documented(DESCRIBE_SCALING_GROUPS):
            return found_in(scaling_group_of(one, place) for one in found)

    @fact
    async def canaries(self) -> Listing[Canary]:
        """The canaries of all places."""
        return await self.across(self.canaries_in)

    @fact
    async def canaries_in(self, place: Place) -> Listing[Canary]:
        """The canaries of one place."""
        partition = (await self.identity()).partition
        found = await self._marked(place, DESCRIBE_CANARIES, "NextToken")
        with documented(DESCRIBE_CANARIES):
            prefix = f"arn:{partition}:synthetics:{region_of(place)}:{account_of(place)}:canary:"
            return found_in(canary_of(one, place, prefix) for one in found)

    @fact
    async def last_canary_runs(self, place: Place) -> dict[str, CanaryRun]:
        """The most recent run of each canary of one place, by the canary's name."""
        found = await self._marked(place, DESCRIBE_LAST_RUNS, "NextToken")
        with documented(DESCRIBE_LAST_RUNS):
            return {one["CanaryName"]: run_of(one["LastRun"]) for one in found if one.get("LastRun")}

    @fact
    async def canary_runs(self, place: Place, name: str) -> tuple[CanaryRun, ...]:
        """The latest runs of one canary, the newest first; asked where the last one is still under way."""
        answer = await self.call(place, GET_CANARY_RUNS, Name=name, MaxResults=10)
        with documented(GET_CANARY_RUNS):
            runs = [run_of(one) for one in answer["CanaryRuns"]]
        return tuple(sorted(runs, key=lambda one: one.started, reverse=True))

    async def _marked(self, place: Place, operation: Operation, marker: str, **params: Any) -> list[Any]:
        """All items of a list whose pages the client library does not know.

        AWS WAF names a marker on its last page too, so a page that is empty ends the list.
        """
        items: list[Any] = []
        seen: set[str] = set()
        while True:
            answer = await self.call(place, operation, **params)
            page = self._items(operation, answer)
            items += page
            token = str(answer.get(marker) or "")
            if not token or not page:
                return items
            if token in seen:
                raise NotObserved(
                    f"{operation} in {place}: a page named itself as the next one",
                    fix="see that the endpoint is AWS's, or speaks its API",
                )
            seen.add(token)
            params = params | {marker: token}
