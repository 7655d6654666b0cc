"""Load balancers, web ACLs, Auto Scaling groups and canaries."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meshguard.api import Clock, Denied, Listing, Verdict
from meshguard.targets.aws import Aws
from meshguard.targets.aws.serving_models import (
    AclRule,
    AclRules,
    Action,
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
from meshguard.targets.aws.serving_read import actions_of, attributes_of, member_of, rules_of, scaling_group_of
from meshguard.testing import judge, recorded
from meshguard_checks.aws.serving import autoscaling_zones, load_balancer, synthetics, waf_rules

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOME = "123456789012/us-east-1"
ELB = "arn:aws:elasticloadbalancing:us-east-1:123456789012:"
ARN = f"{ELB}loadbalancer/app/front/50dc6c495c0c9188"
INNER = f"{ELB}loadbalancer/app/inner/50dc6c495c0c9199"
HTTPS, HTTP = f"{ELB}listener/app/front/5/https", f"{ELB}listener/app/front/5/http"
BLUE, GREEN = f"{ELB}targetgroup/blue/1", f"{ELB}targetgroup/green/2"
ACL = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/front/a1"
DENIED = Denied("in us-east-1: access denied (AccessDenied)", fix="allow it")
ZONES = ("us-east-1a", "us-east-1b")
BALANCER = LoadBalancer(arn=ARN, place=HOME, name="front", kind="application", state="active", zones=ZONES)
ON = Attributes(access_logs=True, deletion_protection=True, drop_invalid_headers=True)
TO_HTTPS = (Action(kind="redirect", redirect_protocol="HTTPS"),)
POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


def forward(**weights: int) -> tuple[Action, ...]:
    arns = {"blue": BLUE, "green": GREEN}
    return (Action(kind="forward", groups={arns[name]: weight for name, weight in weights.items()}),)


def https(policy: str = POLICY, actions: tuple[Action, ...] | None = None, port: int = 443) -> Listener:
    return Listener(arn=HTTPS, port=port, protocol="HTTPS", policy=policy, actions=actions or forward(blue=1))


CLEAR = Listener(arn=HTTP, port=80, protocol="HTTP", actions=TO_HTTPS)
REDIRECTS = (Rule(priority="default", actions=TO_HTTPS),)


def target(number: int, zone: str = "a", state: str = "healthy", reason: str = "") -> Member:
    return Member(id=f"10.0.0.{number}", zone=f"us-east-1{zone}" if zone else "", state=state, reason=reason)


def group(arn: str = BLUE, kind: str = "ip", balancer: str = ARN) -> TargetGroup:
    return TargetGroup(arn=arn, name=arn.split("/")[1], kind=kind, balancers=(balancer,))


TWO = (target(1), target(2, "b"))


async def balance(balancer: LoadBalancer = BALANCER, extra: Any = None, **said: Any) -> Verdict:
    """What is said of a load balancer; of all its facts only those that are given differ from the good ones."""
    names = ("listeners", "rules", "attributes", "groups", "blue", "green", "acl")
    given = {name: said.pop(name) for name in names if name in said}
    facts: dict[Any, Any] = {
        Aws.listeners: {(HOME, ARN): given.get("listeners", (https(), CLEAR))},
        Aws.listener_rules: {(HOME, HTTP): given.get("rules", REDIRECTS)},
        Aws.balancer_attributes: {(HOME, ARN): given.get("attributes", ON)},
        Aws.target_groups: {(HOME,): given.get("groups", (group(),))},
        Aws.target_health: {(HOME, BLUE): given.get("blue", TWO), (HOME, GREEN): given.get("green", ())},
    }
    if balancer.kind == "application" and said.get("waf", True):
        facts[Aws.web_acl_of] = {(HOME, ARN): given.get("acl", ACL)}
    return await judge(load_balancer, balancer, recorded(Aws, facts | (extra or {}), region="us-east-1"), **said)


@pytest.mark.parametrize(
    ("said", "outcome", "says"),
    [
        pytest.param({}, "pass", "us-east-1a, us-east-1b", id="all is well"),
        pytest.param({"listeners": (https("ELBSecurityPolicy-TLS13-1-3-2021-06"),)}, "pass", "", id="TLS 1.3 alone"),
        pytest.param(
            {"listeners": (https("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"),)}, "pass", "", id="post-quantum policy"
        ),
        pytest.param(
            {"listeners": (https("ELBSecurityPolicy-TLS13-1-0-2021-06"),)}, "fail", "TLS13-1-0",
            id="a TLS 1.3 policy that takes TLS 1.0 too",
        ),
        pytest.param(
            {"listeners": (https("ELBSecurityPolicy-TLS13-1-1-2021-06"),)}, "fail", "TLS13-1-1",
            id="a TLS 1.3 policy that takes TLS 1.1 too",
        ),
        pytest.param(
            {"listeners": (https("ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06"),)}, "fail", "Ext2", id="weak old ciphers"
        ),
        pytest.param(
            {"listeners": (https("ELBSecurityPolicy-2016-08"),)}, "fail", "2016-08", id="the default policy of before"
        ),
        pytest.param({"listeners": (https(""),)}, "fail", "(none)", id="no policy is named"),
        pytest.param(
            {"listeners": (https("mine"),), "tls_policies": ["mine"]}, "pass", "", id="a policy that the profile names"
        ),
        pytest.param({"listeners": ()}, "fail", "no listener", id="no listener"),
        pytest.param(
            {"rules": (Rule(priority="default", actions=forward(blue=1)),)}, "fail", "rule default",
            id="HTTP is forwarded",
        ),
        pytest.param(
            {"rules": (Rule(priority="10", actions=forward(blue=1)), *REDIRECTS)}, "fail", "rule 10",
            id="one rule forwards in clear though the default redirects",
        ),
        pytest.param(
            {"rules": (Rule(priority="default", actions=(Action(kind="redirect", redirect_protocol="#{protocol}"),)),)},
            "fail", "does not redirect", id="a redirect to the same protocol",
        ),
        pytest.param(
            {"rules": (Rule(priority="default", actions=(Action(kind="fixed-response"),)),)}, "pass", "",
            id="HTTP gets a fixed answer",
        ),
        pytest.param(
            {"attributes": ON.model_copy(update={"access_logs": False})}, "fail", "access logging is off", id="no logs"
        ),
        pytest.param(
            {"attributes": ON.model_copy(update={"access_logs": False}), "access_logs": False}, "pass", "",
            id="no logs wanted",
        ),
        pytest.param(
            {"attributes": ON.model_copy(update={"deletion_protection": False})}, "fail", "deletion", id="deletable"
        ),
        pytest.param(
            {"attributes": ON.model_copy(update={"deletion_protection": False}), "deletion_protection": False},
            "pass", "", id="deletable as wanted",
        ),
        pytest.param(
            {"attributes": ON.model_copy(update={"drop_invalid_headers": False})}, "fail", "headers", id="odd headers"
        ),
        pytest.param(
            {"attributes": ON.model_copy(update={"drop_invalid_headers": None})}, "not-checked", "not told",
            id="an attribute that was not told",
        ),
        pytest.param({"acl": None}, "fail", "no web ACL", id="no web ACL"),
        pytest.param({"waf": False}, "pass", "", id="no web ACL wanted, and none asked"),
        pytest.param({"acl": DENIED}, "error", "denied", id="the web ACL is denied"),
        pytest.param({"blue": (target(1),)}, "fail", "1 healthy of 1 target, wanted 2", id="one target"),
        pytest.param({"blue": (target(1),), "min_targets": 1, "min_zones": 1}, "pass", "", id="one target wanted"),
        pytest.param({"min_targets": 3}, "fail", "2 healthy of 2 targets, wanted 3", id="three targets wanted"),
        pytest.param({"min_zones": 3}, "fail", "stands in 2 zone", id="three zones wanted"),
        pytest.param({"blue": (target(1), target(2))}, "fail", "in 1 zone (us-east-1a)", id="two targets in one zone"),
        pytest.param(
            {"blue": (target(1), target(2, "b", "unhealthy"))}, "fail", "1 healthy of 2 targets", id="one is unhealthy"
        ),
        pytest.param(
            {"blue": (target(1), target(1))}, "fail", "1 healthy of 1 target", id="one target with two ports"
        ),
        pytest.param(
            {"blue": (*TWO, target(3, "b", "draining"))}, "pass", "", id="one more is draining"
        ),
        pytest.param({"blue": (target(1, "b"), target(2, ""))}, "not-checked", "zones of 1", id="a zone not told"),
        pytest.param(
            {"blue": (Member(id="192.168.1.1", zone="all", state="healthy"), target(2))}, "not-checked", "zones of 1",
            id="an address outside of the network",
        ),
        pytest.param({"blue": DENIED}, "error", "denied", id="the health is denied"),
        pytest.param({"groups": (), "blue": ()}, "fail", "no target group has targets", id="no target group"),
        pytest.param({"blue": ()}, "fail", "blue has no targets", id="a listener forwards to nobody"),
        pytest.param(
            {"groups": (group(), group(GREEN))}, "pass", "", id="the idle side of a blue/green deployment"
        ),
        pytest.param(
            {"groups": (group(), group(GREEN)), "green": (target(9),)}, "fail", "green has 1 healthy",
            id="another service with one target",
        ),
        pytest.param(
            {"listeners": (https(actions=forward(blue=100, green=0)),), "groups": (group(), group(GREEN)),
             "green": (target(9),)},
            "pass", "", id="a group of weight 0 is idle",
        ),
        pytest.param(
            {"listeners": (https(), https(port=9443, actions=forward(green=1))), "groups": (group(), group(GREEN))},
            "fail", "green has no targets", id="a second listener leads nowhere",
        ),
        pytest.param(
            {"listeners": (https(), https(port=9443, actions=forward(green=1))), "groups": (group(), group(GREEN)),
             "test_ports": [9443]},
            "pass", "", id="a listener for tests leads nowhere between deployments",
        ),
        pytest.param(
            {"listeners": (CLEAR,), "groups": ()}, "pass", "", id="one that only redirects needs no targets"
        ),
        pytest.param({"groups": (group(balancer=INNER), group())}, "pass", "", id="another one's group of that name"),
        pytest.param(
            {"groups": (group(kind="lambda"),), "blue": (target(1, "", "unavailable", "Target.HealthCheckDisabled"),)},
            "pass", "", id="a function whose health is not asked",
        ),
        pytest.param(
            {"groups": (group(kind="lambda"),), "blue": (target(1, "", "unhealthy"),)}, "fail", "no healthy function",
            id="an unhealthy function",
        ),
    ],
)  # fmt: skip
async def test_load_balancer(said: dict[str, Any], outcome: str, says: str) -> None:
    verdict = await balance(**said)
    assert verdict.outcome == outcome, verdict.message
    assert says in verdict.message


async def test_every_shortfall_is_named() -> None:
    verdict = await balance(acl=None, attributes=Attributes(access_logs=False), blue=(target(1),))
    assert verdict.got == 3
    assert all(text in verdict.message for text in ("access logging", "1 healthy", "no web ACL"))


@pytest.mark.parametrize(
    ("balancer", "outcome", "says"),
    [
        pytest.param(BALANCER.model_copy(update={"zones": ZONES[:1]}), "fail", "in 1 zone, wanted 2", id="one zone"),
        pytest.param(BALANCER.model_copy(update={"state": "failed"}), "fail", "failed to be made", id="failed"),
        pytest.param(BALANCER.model_copy(update={"state": "provisioning"}), "not-checked", "made", id="not yet there"),
        pytest.param(BALANCER.model_copy(update={"state": "active_impaired"}), "pass", "", id="impaired, yet serving"),
    ],
)
async def test_the_load_balancer_itself(balancer: LoadBalancer, outcome: str, says: str) -> None:
    verdict = await balance(balancer)
    assert verdict.outcome == outcome
    assert says in verdict.message


async def test_instances_stand_where_the_instances_list_says() -> None:
    blue = tuple(Member(id=f"i-{number}", state="healthy") for number in (1, 2))
    known = {Aws.instance_zones: {(HOME,): {"i-1": "us-east-1a", "i-2": "us-east-1b"}}}
    assert (await balance(groups=(group(kind="instance"),), blue=blue, extra=known)).outcome == "pass"
    same = {Aws.instance_zones: {(HOME,): {"i-1": "us-east-1a", "i-2": "us-east-1a"}}}
    assert (await balance(groups=(group(kind="instance"),), blue=blue, extra=same)).outcome == "fail"
    part = {Aws.instance_zones: {(HOME,): {"i-1": "us-east-1a"}}}
    assert (await balance(groups=(group(kind="instance"),), blue=blue, extra=part)).outcome == "not-checked"


NETWORK = BALANCER.model_copy(update={"kind": "network"})
TLS = Listener(arn=HTTPS, port=443, protocol="TLS", policy=POLICY, actions=forward(blue=1))
TCP = Listener(arn=HTTPS, port=443, protocol="TCP", actions=forward(blue=1))


async def test_a_network_load_balancer_logs_its_tls_listeners_alone() -> None:
    quiet = Attributes(access_logs=False, deletion_protection=True)
    assert (await balance(NETWORK, listeners=(TLS,), attributes=ON)).outcome == "pass"
    assert (await balance(NETWORK, listeners=(TLS,), attributes=quiet)).outcome == "fail"
    assert (await balance(NETWORK, listeners=(TCP,), attributes=quiet, passed_through=[443])).outcome == "pass"


async def test_what_passes_through_was_not_seen() -> None:
    verdict = await balance(NETWORK, listeners=(TCP,))
    assert (verdict.outcome, "TCP 443 passes bytes through" in verdict.message) == ("not-checked", True)


async def test_a_load_balancer_behind_another_stands_where_it_stands() -> None:
    inner = BALANCER.model_copy(update={"arn": INNER})
    behind = (Member(id=INNER, state="healthy"),)
    listed: dict[Any, Any] = {Aws.load_balancers_in: {(HOME,): Listing(items=(inner,))}}
    said: dict[str, Any] = {"listeners": (TLS,), "groups": (group(kind="alb"),)}
    assert (await balance(NETWORK, **said, blue=behind, extra=listed)).outcome == "pass"
    thin = inner.model_copy(update={"zones": ZONES[:1]})
    narrow: dict[Any, Any] = {Aws.load_balancers_in: {(HOME,): Listing(items=(thin,))}}
    assert (await balance(NETWORK, **said, blue=behind, extra=narrow)).outcome == "fail"
    gone: dict[Any, Any] = {Aws.load_balancers_in: {(HOME,): Listing(items=())}}
    assert (await balance(NETWORK, **said, blue=behind, extra=gone)).outcome == "not-checked"
    sick = (Member(id=INNER, state="unhealthy"),)
    assert (await balance(NETWORK, **said, blue=sick, extra=listed)).outcome == "fail"


async def test_a_gateway_load_balancer_ends_no_tls_and_writes_no_logs() -> None:
    geneve = Listener(arn=HTTPS, protocol="GENEVE", actions=forward(blue=1))
    gateway = BALANCER.model_copy(update={"kind": "gateway"})
    verdict = await balance(gateway, listeners=(geneve,), attributes=Attributes(deletion_protection=True))
    assert verdict.outcome == "pass"


WEB_ACL = WebAcl(arn=ACL, place=HOME, name="front", id="a1", scope="REGIONAL")
COMMON = AclRule(name="common", kind="managed", action="none", group="AWS/AWSManagedRulesCommonRuleSet")
RATE = AclRule(name="rate", kind="rate", action="block", limit=2000, window_s=300)


async def waf(*rules: AclRule, logs: object = True, **parameters: Any) -> Verdict:
    facts: dict[Any, Any] = {Aws.web_acl_rules: {(HOME, "front", "a1", "REGIONAL"): AclRules(rules=rules)}}
    if parameters.get("logging", True):
        facts[Aws.web_acl_logs] = {(HOME, ACL): logs}
    return await judge(waf_rules, WEB_ACL, recorded(Aws, facts, region="us-east-1"), **parameters)


def counting(number: int) -> AclRule:
    return COMMON.model_copy(update={"counting": tuple(f"Rule{one}" for one in range(number))})


@pytest.mark.parametrize(
    ("rules", "parameters", "outcome", "says"),
    [
        pytest.param((COMMON,), {}, "pass", "AWSManagedRulesCommonRuleSet", id="the managed rules block"),
        pytest.param((), {}, "fail", "no rule group", id="no rules"),
        pytest.param((RATE,), {}, "fail", "no rule group", id="a rate rule alone"),
        pytest.param(
            (COMMON.model_copy(update={"action": "count"}),), {}, "fail", "counts and does not block",
            id="the group only counts",
        ),
        pytest.param(
            (COMMON.model_copy(update={"action": "count"}), COMMON), {}, "pass", "", id="it counts once and blocks once"
        ),
        pytest.param((counting(5),), {}, "pass", "", id="five rules count"),
        pytest.param((counting(6),), {}, "fail", "6 rules", id="six rules count"),
        pytest.param((counting(1),), {"max_counting": 0}, "fail", "1 rules", id="none may count"),
        pytest.param(
            (COMMON.model_copy(update={"narrowed": True}),), {}, "not-checked", "some requests alone",
            id="it looks at some requests",
        ),
        pytest.param(
            (COMMON.model_copy(update={"narrowed": True}),), {"scoped": True}, "pass", "", id="it may look at some"
        ),
        pytest.param((COMMON,), {"groups": ["AWS/*"]}, "pass", "", id="any group of AWS"),
        pytest.param(
            (COMMON,), {"groups": ["AWS/AWSManagedRulesCommonRuleSet", "AWS/AWSManagedRulesSQLiRuleSet"]}, "fail",
            "SQLi", id="one of two groups",
        ),
        pytest.param((COMMON, RATE), {"max_rate": 2000}, "pass", "", id="the rate is as high as it may be"),
        pytest.param((COMMON, RATE), {"max_rate": 1999}, "fail", "2000 requests", id="one request too many"),
        pytest.param((COMMON,), {"max_rate": 2000}, "fail", "no rate rule", id="no rate rule"),
        pytest.param(
            (COMMON, RATE.model_copy(update={"window_s": 60})), {"max_rate": 2000}, "fail", "10000 requests",
            id="the same limit for each minute is five times as much",
        ),
        pytest.param(
            (COMMON, RATE.model_copy(update={"action": "count"})), {"max_rate": 2000}, "fail", "count",
            id="the rate rule only counts",
        ),
        pytest.param(
            (COMMON, RATE.model_copy(update={"action": "challenge"})), {"max_rate": 2000}, "pass", "",
            id="the rate rule asks for a challenge",
        ),
        pytest.param(
            (COMMON, RATE.model_copy(update={"narrowed": True})), {"max_rate": 2000}, "not-checked", "",
            id="the rate rule looks at some requests",
        ),
        pytest.param((AclRule(name="x", kind="other", action="block"),), {"groups": []}, "pass", "", id="own rules"),
        pytest.param(
            (AclRule(name="x", kind="other", action="count"),), {"groups": []}, "fail", "no rule blocks",
            id="own rules that count",
        ),
    ],
)  # fmt: skip
async def test_waf_rules(rules: tuple[AclRule, ...], parameters: dict[str, Any], outcome: str, says: str) -> None:
    verdict = await waf(*rules, **parameters)
    assert verdict.outcome == outcome, verdict.message
    assert says in verdict.message


async def test_waf_logging() -> None:
    assert (await waf(COMMON, logs=False)).outcome == "fail"
    assert (await waf(COMMON, logging=False)).outcome == "pass"
    assert (await waf(COMMON, logs=DENIED)).outcome == "error"


GROUP = ScalingGroup(
    arn="arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:autoScalingGroupName/web",
    place=HOME,
    name="web",
    zones=ZONES,
    min_size=2,
    desired=2,
    in_service={"us-east-1a": 1, "us-east-1b": 1},
)


@pytest.mark.parametrize(
    ("said", "parameters", "outcome", "says"),
    [
        pytest.param({}, {}, "pass", "2 instances", id="two instances in two zones"),
        pytest.param({"zones": ZONES[:1]}, {}, "fail", "may use too few zones", id="one zone is named"),
        pytest.param({"in_service": {"us-east-1a": 2}}, {}, "fail", "stand in too few", id="both in one of two zones"),
        pytest.param({"in_service": {}}, {}, "fail", "stand in too few", id="none in service"),
        pytest.param({"min_size": 1}, {}, "fail", "minimum size", id="a minimum of one"),
        pytest.param({"min_size": 1}, {"min_size": 1}, "pass", "", id="a minimum of one wanted"),
        pytest.param({}, {"min_zones": 3}, "fail", "too few zones", id="three zones wanted"),
        pytest.param({"suspended": ("Launch",)}, {}, "fail", "suspended", id="launching is suspended"),
        pytest.param({"suspended": ("AZRebalance",)}, {}, "pass", "", id="only the balance is suspended"),
        pytest.param({"deleting": True, "min_size": 0}, {}, "not-applicable", "deleted", id="being deleted"),
    ],
)
async def test_autoscaling(said: dict[str, Any], parameters: dict[str, Any], outcome: str, says: str) -> None:
    aws = recorded(Aws, {}, region="us-east-1")
    verdict = await judge(autoscaling_zones, GROUP.model_copy(update=said), aws, **parameters)
    assert verdict.outcome == outcome
    assert says in verdict.message


CANARY = Canary(
    arn="arn:aws:synthetics:us-east-1:123456789012:canary:login",
    place=HOME,
    name="login",
    state="RUNNING",
    schedule="rate(5 minutes)",
)


def run(state: str = "PASSED", ago: timedelta | None = timedelta(minutes=5)) -> CanaryRun:
    completed = None if ago is None else NOW - ago
    return CanaryRun(state=state, started=NOW - timedelta(hours=2), completed=completed)


@pytest.mark.parametrize(
    ("said", "last", "runs", "parameters", "outcome", "says"),
    [
        pytest.param({}, run(), None, {}, "pass", "passed", id="it ran and passed"),
        pytest.param({"state": "STOPPED"}, None, None, {}, "fail", "does not run", id="stopped"),
        pytest.param({"schedule": "rate(0 minute)"}, None, None, {}, "fail", "once", id="one run at the start"),
        pytest.param({"schedule": "cron(0 * * * ? *)"}, run(), None, {}, "pass", "", id="by the clock"),
        pytest.param({}, run("FAILED"), None, {}, "fail", "did not pass", id="the last run failed"),
        pytest.param({}, run(ago=timedelta(hours=1)), None, {}, "pass", "", id="as long ago as it may be"),
        pytest.param({}, run(ago=timedelta(hours=1, seconds=1)), None, {}, "fail", "1h1s ago", id="a second longer"),
        pytest.param({}, run(), None, {"max_age": "4m"}, "fail", "5m ago", id="a shorter time"),
        pytest.param({}, None, None, {}, "not-checked", "no run", id="it never ran"),
        pytest.param({}, run("RUNNING", None), (run("RUNNING", None), run()), {}, "pass", "", id="the one before"),
        pytest.param(
            {}, run("RUNNING", None), (run("RUNNING", None), run("FAILED")), {}, "fail", "did not pass",
            id="under way, and the one before failed",
        ),
        pytest.param({}, run("RUNNING", None), (run("RUNNING", None),), {}, "not-checked", "", id="the first run"),
        pytest.param({}, run("RUNNING", None), DENIED, {}, "error", "denied", id="the runs are denied"),
    ],
)  # fmt: skip
async def test_synthetics(
    said: dict[str, Any], last: CanaryRun | None, runs: object, parameters: dict[str, Any], outcome: str, says: str
) -> None:
    facts: dict[Any, Any] = {Aws.last_canary_runs: {(HOME,): {"login": last} if last else {}}}
    if runs is not None:
        facts[Aws.canary_runs] = {(HOME, "login"): runs}
    clock = recorded(Clock, {Clock.now: {(): NOW}})
    aws = recorded(Aws, facts, region="us-east-1")
    verdict = await judge(synthetics, CANARY.model_copy(update=said), aws, clock, **parameters)
    assert verdict.outcome == outcome
    assert says in verdict.message


async def test_denied_last_runs_are_an_error() -> None:
    aws = recorded(Aws, {Aws.last_canary_runs: {(HOME,): DENIED}}, region="us-east-1")
    assert (await judge(synthetics, CANARY, aws, recorded(Clock, {Clock.now: {(): NOW}}))).outcome == "error"


def test_an_identity_providers_secret_is_not_recorded() -> None:
    said = {"Type": "authenticate-oidc", "AuthenticateOidcConfig": {"ClientSecret": "s3cr3t"}}
    assert "s3cr3t" not in repr(actions_of([said]))


def test_a_forward_names_one_group_or_weighs_several() -> None:
    one = actions_of([{"Type": "forward", "TargetGroupArn": BLUE}])
    assert one[0].groups == {BLUE: 1}
    several = {"TargetGroups": [{"TargetGroupArn": BLUE, "Weight": 0}, {"TargetGroupArn": GREEN}]}
    assert actions_of([{"Type": "forward", "ForwardConfig": several}])[0].groups == {BLUE: 0, GREEN: 1}


def test_an_attribute_that_is_not_told_is_not_off() -> None:
    said = attributes_of({"deletion_protection.enabled": "true", "access_logs.s3.enabled": "false"})
    assert (said.deletion_protection, said.access_logs, said.drop_invalid_headers) == (True, False, None)


def test_the_zone_of_an_instance_is_not_told_with_its_health() -> None:
    assert member_of({"Target": {"Id": "i-1"}, "TargetHealth": {"State": "healthy"}}).zone == ""


def test_rules_of_a_web_acl_stand_in_the_order_in_which_they_are_tried() -> None:
    managed = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "Common", "ExcludedRules": [{"Name": "A"}],
               "RuleActionOverrides": [{"Name": "B", "ActionToUse": {"Count": {}}},
                                       {"Name": "C", "ActionToUse": {"Block": {}}}]}}  # fmt: skip
    rate = {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP", "ScopeDownStatement": {}}}
    found = rules_of(
        {
            "Rules": [
                {"Name": "last", "Priority": 9, "Statement": rate, "Action": {"Block": {}}},
                {"Name": "first", "Priority": 1, "Statement": managed, "OverrideAction": {"None": {}}},
            ],
            "PreProcessFirewallManagerRuleGroups": [
                {"Name": "org", "Priority": 5, "FirewallManagerStatement": managed, "OverrideAction": {"Count": {}}}
            ],
        }
    )
    assert [(one.name, one.action) for one in found] == [("org", "count"), ("first", "none"), ("last", "block")]
    assert (found[1].group, found[1].counting) == ("AWS/Common", ("A", "B"))
    assert (found[2].limit, found[2].window_s, found[2].narrowed) == (100, 300, True)


def test_instances_in_service_and_healthy_alone_are_counted() -> None:
    instance = {"AvailabilityZone": "us-east-1a", "LifecycleState": "InService", "HealthStatus": "Healthy"}
    said = {
        "AutoScalingGroupARN": GROUP.arn, "AutoScalingGroupName": "web", "AvailabilityZones": list(ZONES),
        "MinSize": 2, "DesiredCapacity": 3,
        "Instances": [instance, instance | {"LifecycleState": "Standby"}, instance | {"HealthStatus": "Unhealthy"}],
    }  # fmt: skip
    assert scaling_group_of(said, HOME).in_service == {"us-east-1a": 1}
