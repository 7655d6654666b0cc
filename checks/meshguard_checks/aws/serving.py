"""Checks of what serves requests: load balancers, web ACLs, Auto Scaling groups, canaries."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from meshguard.api import (
    Clock,
    Duration,
    Field,
    Verdict,
    check,
    failed,
    not_applicable,
    passed,
    show_duration,
    undetermined,
)
from meshguard.targets.aws import Aws
from meshguard.targets.aws.serving_models import Canary, LoadBalancer, Member, ScalingGroup, TargetGroup, WebAcl
from meshguard_checks.parsing.aws_balancer import (
    Findings,
    Pool,
    attributes_of_kind,
    served_groups,
    weigh_attributes,
    weigh_pools,
    weigh_transport,
)
from meshguard_checks.parsing.aws_webacl import weigh_acl

Least = Annotated[int, Field(ge=1)]
TLS_POLICIES = (
    "ELBSecurityPolicy-TLS13-1-3-*",
    "ELBSecurityPolicy-TLS13-1-2-20*",
    "ELBSecurityPolicy-TLS13-1-2-Res-*",
    "ELBSecurityPolicy-TLS13-1-2-FIPS-*",
    "ELBSecurityPolicy-TLS13-1-2-PQ-*",
)
"""TLS 1.3 with 1.2 at least: not those named 1-0, 1-1 and Ext (Security Hub, ELB.17)."""


@check(
    "aws.load_balancer",
    method="examine",
    over=Aws.load_balancers,
    fix="aws elbv2 modify-load-balancer-attributes; modify-listener --ssl-policy ELBSecurityPolicy-TLS13-1-2-2021-06\n"
    'Terraform: resource "aws_lb" { access_logs { enabled = true }, enable_deletion_protection = true, '
    "drop_invalid_header_fields = true }",
)
async def load_balancer(
    balancer: LoadBalancer,
    aws: Aws,
    *,
    min_zones: Least = 2,
    min_targets: Least = 2,
    tls_policies: tuple[str, ...] = TLS_POLICIES,
    access_logs: bool = True,
    deletion_protection: bool = True,
    drop_invalid_headers: bool = True,
    waf: bool = True,
    passed_through: tuple[int, ...] = (),
    test_ports: tuple[int, ...] = (),
) -> Verdict:
    """The load balancer serves over TLS alone from at least `min_targets` healthy targets in `min_zones` zones, logs
    requests, is protected from deletion and has a web ACL (Security Hub: ELB.1, ELB.4 to 6, ELB.13, ELB.16, ELB.17).

    Each target group that has targets is judged by itself: two services with one target each are not two targets. A
    group without targets may be the idle side of a blue/green deployment, unless a listener forwards to it. All rules
    of an HTTP listener are read, since one of them may forward while the default one redirects. A policy's name tells
    the oldest version that it takes: TLS13-1-0 is no TLS 1.3 policy. Web ACLs are for application load balancers.

    Args:
        min_zones: fewest zones, of the load balancer and of the healthy targets of each group.
        min_targets: fewest healthy targets of each group; a Lambda function and a load balancer behind it are one.
        tls_policies: accepted names of security policies; `*` stands for anything.
        access_logs: whether access logs must be on.
        deletion_protection: whether deletion protection must be on.
        drop_invalid_headers: whether headers with invalid names must be dropped.
        waf: whether a web ACL must be associated.
        passed_through: ports of a network load balancer that pass TLS through to the targets, which is tested there.
        test_ports: ports of listeners for tests of a blue/green deployment, whose group may have no targets.
    """
    if balancer.state == "provisioning":
        return undetermined("it is being made", fix="audit again when it is active")
    found = Findings()
    if balancer.state == "failed":
        found.short.append("it failed to be made")
    if len(balancer.zones) < min_zones:
        found.short.append(f"it stands in {len(balancer.zones)} zone, wanted {min_zones}")
    listeners = await aws.listeners(balancer.place, balancer.arn)
    if not listeners:
        found.short.append("it has no listener")
    clear = [one.arn for one in listeners if one.protocol == "HTTP"]
    rules = {arn: await aws.listener_rules(balancer.place, arn) for arn in clear}
    weigh_transport(found, listeners, rules, tls_policies, passed_through)
    asked = {"access_logs": access_logs, "deletion_protection": deletion_protection}
    asked["drop_invalid_headers"] = drop_invalid_headers
    wanted = {name: words for name, words in attributes_of_kind(balancer, listeners).items() if asked[name]}
    weigh_attributes(found, await aws.balancer_attributes(balancer.place, balancer.arn), wanted)
    pools = await _pools(balancer, aws)
    weigh_pools(found, pools, served_groups(listeners, test_ports), min_targets, min_zones)
    if waf and balancer.kind == "application" and await aws.web_acl_of(balancer.place, balancer.arn) is None:
        found.short.append("no web ACL is associated")
    return _verdict(found, f"it serves over TLS from {', '.join(balancer.zones)}, with all that is wanted")


async def _pools(balancer: LoadBalancer, aws: Aws) -> list[Pool]:
    """The target groups that the load balancer routes to, each with its targets and where they stand."""
    groups = [one for one in await aws.target_groups(balancer.place) if balancer.arn in one.balancers]
    pools = []
    for group in groups:
        members = await aws.target_health(balancer.place, group.arn)
        pools.append(Pool(group, members, await _zones(balancer.place, group, members, aws)))
    return pools


async def _zones(place: str, group: TargetGroup, members: tuple[Member, ...], aws: Aws) -> dict[str, tuple[str, ...]]:
    """Where targets stand: as told with their health, or as their instance or the load balancer behind them does."""
    if group.kind == "alb":
        behind = {one.arn: one.zones for one in (await aws.load_balancers_in(place)).items}
        return {one.id: behind.get(one.id, ()) for one in members}
    told: dict[str, tuple[str, ...]] = {one.id: (one.zone,) for one in members if one.zone not in ("", "all")}
    if group.kind == "instance" and any(one.id not in told for one in members):
        standing = await aws.instance_zones(place)
        told |= {one.id: (standing[one.id],) for one in members if one.id in standing}
    return told


def _verdict(found: Findings, well: str) -> Verdict:
    if found.short:
        return failed("; ".join(found.short), got=len(found.short), want=0)
    if found.unseen:
        return undetermined("; ".join(found.unseen), fix="name it in the parameters if it is meant to be so")
    return passed(well, got=0, want=0)


@check(
    "aws.waf_rules",
    method="examine",
    over=Aws.web_acls,
    fix="aws wafv2 update-web-acl with the managed rule group and OverrideAction None, and put-logging-configuration\n"
    'Terraform: resource "aws_wafv2_web_acl" { rule { override_action { none {} } statement { '
    'managed_rule_group_statement { vendor_name = "AWS", name = "AWSManagedRulesCommonRuleSet" } } } }',
)
async def waf_rules(
    acl: WebAcl,
    aws: Aws,
    *,
    groups: tuple[str, ...] = ("AWS/AWSManagedRulesCommonRuleSet",),
    max_rate: Annotated[int, Field(ge=10)] | None = None,
    max_counting: Annotated[int, Field(ge=0)] = 5,
    scoped: bool = False,
    logging: bool = True,
) -> Verdict:
    """The web ACL blocks by each of the managed rule `groups`, limits rates where that is asked, and logs requests (AWS
    WAF Developer Guide, "Testing and tuning your AWS WAF protections"; Security Hub, WAF.10, WAF.11).

    A group in count mode, and one all of whose rules are set to count, only watches. A group with a scope-down
    statement looks at some requests alone, and which is not judged.

    Args:
        groups: managed rule groups, vendor/name, that must block; `*` stands for anything.
        max_rate: most requests that one source may send in five minutes before a rate rule stops it.
        max_counting: most rules of one group that may be set to count or allow instead.
        scoped: whether a group or a rate rule may look at some requests alone.
        logging: whether requests must be logged.
    """
    said = await aws.web_acl_rules(acl.place, acl.name, acl.id, acl.scope)
    found = Findings()
    weigh_acl(found, said.rules, groups=groups, max_rate=max_rate, max_counting=max_counting, scoped=scoped)
    if logging and not await aws.web_acl_logs(acl.place, acl.arn):
        found.short.append("requests are not logged")
    return _verdict(found, f"it blocks by {', '.join(groups)}" if groups else "it blocks by its rules")


@check(
    "aws.autoscaling_zones",
    method="examine",
    over=Aws.scaling_groups,
    fix="aws autoscaling update-auto-scaling-group --auto-scaling-group-name N --min-size 2 --vpc-zone-identifier A,B\n"
    'Terraform: resource "aws_autoscaling_group" { min_size = 2, vpc_zone_identifier = [two subnets of two zones] }',
)
async def autoscaling_zones(
    group: ScalingGroup, aws: Aws, *, min_zones: Least = 2, min_size: Annotated[int, Field(ge=0)] = 2
) -> Verdict:
    """The Auto Scaling group keeps at least `min_size` instances, and they stand in `min_zones` zones (Security Hub,
    AutoScaling.2).

    Named zones alone say nothing of where its instances run: those in service are counted too. A group that may not
    launch replaces nothing.

    Args:
        min_zones: fewest zones, named and with healthy instances in service.
        min_size: lowest accepted minimum size.
    """
    del aws
    if group.deleting:
        return not_applicable("it is being deleted")
    standing = sorted(group.in_service)
    if len(group.zones) < min_zones:
        return failed("it may use too few zones", got=group.zones, want=min_zones)
    if group.min_size < min_size:
        return failed("its minimum size is too low", got=group.min_size, want=min_size)
    if "Launch" in group.suspended:
        return failed("launching is suspended, so it replaces no instance", got=group.suspended)
    if len(standing) < min_zones:
        return failed("its healthy instances in service stand in too few zones", got=standing, want=min_zones)
    return passed(f"{sum(group.in_service.values())} instances are in service", got=standing, want=min_zones)


@check(
    "aws.synthetics",
    method="examine",
    over=Aws.canaries,
    fix="aws synthetics start-canary --name NAME, and see why its last run failed: aws synthetics get-canary-runs\n"
    'Terraform: resource "aws_synthetics_canary" { start_canary = true, schedule { expression = "rate(5 minutes)" } }',
)
async def synthetics(canary: Canary, aws: Aws, clock: Clock, *, max_age: Duration = timedelta(hours=1)) -> Verdict:
    """The canary runs on a schedule, and its last run passed at most `max_age` ago (Amazon CloudWatch User Guide,
    "Synthetic monitoring (canaries)").

    `rate(0 minute)` is no schedule but one run at the start. A run that is still under way is no result: the one
    before it is judged.

    Args:
        max_age: longest accepted time since the last completed run; by it the schedule is judged too.
    """
    if canary.state != "RUNNING":
        return failed("it does not run", got=canary.state, want="RUNNING")
    if canary.schedule.replace(" ", "").lower().startswith("rate(0"):
        return failed("it runs once and has no schedule", got=canary.schedule)
    last = (await aws.last_canary_runs(canary.place)).get(canary.name)
    if last is not None and last.completed is None:
        runs = await aws.canary_runs(canary.place, canary.name)
        last = next((one for one in runs if one.completed is not None), None)
    if last is None or last.completed is None:
        return undetermined("no run of it has been completed", fix="audit again after its first run")
    if last.state != "PASSED":
        return failed("its last run did not pass", got=last.state, want="PASSED")
    age = await clock.now() - last.completed
    if age > max_age:
        return failed(
            f"its last run was {show_duration(timedelta(seconds=round(age.total_seconds())))} ago", want=max_age
        )
    return passed("it runs, and its last run passed", got=canary.schedule)
