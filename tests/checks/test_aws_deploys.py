"""Images, deployment groups of CodeDeploy, and services of ECS."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meshguard.api import Denied, NotObserved, Verdict
from meshguard.targets.aws import Aws
from meshguard.targets.aws.deploys_models import (
    Deployment,
    DeploymentGroup,
    GroupSettings,
    ImageScan,
    Repository,
    Scanning,
    ScanRule,
    Service,
)
from meshguard.testing import judge, recorded
from meshguard_checks.aws.deploys import codedeploy, codedeploy_rollback, ecr_scanning

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOME = "123456789012/us-east-1"
DENIED = Denied("in us-east-1: access denied (AccessDeniedException)", fix="allow it")
REPOSITORY = Repository(
    arn="arn:aws:ecr:us-east-1:123456789012:repository/shop/api",
    place=HOME,
    name="shop/api",
    scan_on_push=True,
    mutability="IMMUTABLE",
)
BASIC = Scanning(kind="BASIC")


def enhanced(*filters: str, frequency: str = "SCAN_ON_PUSH") -> Scanning:
    return Scanning(kind="ENHANCED", rules=(ScanRule(frequency=frequency, filters=filters),))


async def images(scanning: object = BASIC, scan: object = None, *, asked: bool = False, **said: Any) -> Verdict:
    parameters = {name: said.pop(name) for name in ("immutable_tags", "mutable", "findings_below") if name in said}
    facts: dict[Any, Any] = {Aws.registry_scanning: {(HOME,): scanning}}
    if scan is not None or asked:
        facts[Aws.newest_image_scan] = {(HOME, "shop/api"): scan}
    aws = recorded(Aws, facts, region="us-east-1")
    return await judge(ecr_scanning, REPOSITORY.model_copy(update=said), aws, **parameters)


@pytest.mark.parametrize(
    ("scanning", "said", "outcome", "says"),
    [
        pytest.param(BASIC, {}, "pass", "scanned", id="the repository says so, in the basic way"),
        pytest.param(BASIC, {"scan_on_push": False}, "fail", "not scanned", id="nobody says so"),
        pytest.param(
            Scanning(kind="BASIC", rules=(ScanRule(frequency="SCAN_ON_PUSH", filters=("*",)),)),
            {"scan_on_push": False}, "pass", "", id="the registry says so for all",
        ),
        pytest.param(enhanced("*"), {"scan_on_push": False}, "pass", "", id="enhanced, for all"),
        pytest.param(
            enhanced("*", frequency="CONTINUOUS_SCAN"), {"scan_on_push": False}, "pass", "", id="enhanced, all the time"
        ),
        pytest.param(
            enhanced("prod-*"), {}, "fail", "not scanned", id="enhanced for others: the repository's setting is void"
        ),
        pytest.param(Scanning(kind="ENHANCED"), {}, "fail", "not scanned", id="enhanced for none"),
        pytest.param(enhanced("*", frequency="MANUAL"), {}, "fail", "not scanned", id="enhanced, by hand"),
        pytest.param(enhanced("shop"), {}, "pass", "", id="a filter without a star fits what holds it"),
        pytest.param(enhanced("shop*"), {}, "pass", "", id="a star at the end"),
        pytest.param(enhanced("*shop"), {}, "fail", "", id="a star at the start fits the whole name"),
        pytest.param(enhanced("shop?api*"), {}, "fail", "", id="a question mark is no wildcard"),
        pytest.param(DENIED, {}, "error", "denied", id="denied"),
        pytest.param(BASIC, {"mutability": "MUTABLE"}, "fail", "all of them", id="tags can be moved"),
        pytest.param(
            BASIC, {"mutability": "MUTABLE", "immutable_tags": False}, "pass", "", id="tags may be moved"
        ),
        pytest.param(
            BASIC, {"mutability": "IMMUTABLE_WITH_EXCLUSION", "excluded": ("latest", "dev-*")}, "fail",
            "latest, dev-*", id="some tags can be moved",
        ),
        pytest.param(
            BASIC, {"mutability": "IMMUTABLE_WITH_EXCLUSION", "excluded": ("latest",), "mutable": ["latest"]}, "pass",
            "", id="the one that may be moved",
        ),
        pytest.param(
            BASIC, {"mutability": "MUTABLE_WITH_EXCLUSION", "excluded": ("v*",), "mutable": ["v*"]}, "fail",
            "all but v*", id="all tags but some can be moved",
        ),
    ],
)  # fmt: skip
async def test_scanning(scanning: Any, said: dict[str, Any], outcome: str, says: str) -> None:
    verdict = await images(scanning, **said)
    assert verdict.outcome == outcome, verdict.message
    assert says in verdict.message


def scan(status: str = "COMPLETE", **counts: int) -> ImageScan:
    return ImageScan(pushed=NOW, status=status, counts=counts)


@pytest.mark.parametrize(
    ("found", "below", "outcome", "says"),
    [
        pytest.param(scan(MEDIUM=4), "HIGH", "pass", "", id="only lesser findings"),
        pytest.param(scan(HIGH=1), "HIGH", "fail", "1 high", id="one at the threshold"),
        pytest.param(scan(HIGH=2, CRITICAL=1), "HIGH", "fail", "1 critical, 2 high", id="and above it"),
        pytest.param(scan(HIGH=2), "CRITICAL", "pass", "", id="a higher threshold"),
        pytest.param(scan("ACTIVE"), "LOW", "pass", "", id="a continuous scan without findings"),
        pytest.param(scan(INFORMATIONAL=9), "LOW", "pass", "", id="informational ones do not count"),
        pytest.param(scan(UNTRIAGED=1), "HIGH", "not-checked", "no severity", id="a finding that nobody rated"),
        pytest.param(scan("FAILED"), "HIGH", "not-checked", "FAILED", id="the scan failed"),
        pytest.param(scan("UNSUPPORTED_IMAGE"), "HIGH", "not-checked", "UNSUPPORTED", id="an image it does not know"),
        pytest.param(scan("NONE"), "HIGH", "not-checked", "NONE", id="never scanned"),
        pytest.param(None, "HIGH", "not-checked", "no image", id="no image"),
        pytest.param(DENIED, "HIGH", "error", "denied", id="denied"),
    ],
)
async def test_findings(found: Any, below: str, outcome: str, says: str) -> None:
    verdict = await images(BASIC, found, asked=True, findings_below=below)
    assert verdict.outcome == outcome
    assert says in verdict.message


GROUP = DeploymentGroup(
    arn="arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:shop/api", place=HOME, name="api", application="shop"
)
GOOD = GroupSettings(
    platform="ECS", style="BLUE_GREEN", traffic="WITH_TRAFFIC_CONTROL", rollback=True,
    rollback_events=("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"), alarm_names=("errors",), alarms_on=True,
)  # fmt: skip


def deployed(number: int, status: str = "Succeeded", **said: Any) -> Deployment:
    """The higher the number, the longer ago."""
    fields = {"style": "BLUE_GREEN", **said}
    return Deployment(id=f"d-{number}", created=NOW - timedelta(days=number), status=status, **fields)


async def group(settings: object = GOOD, history: object = (deployed(1), deployed(2)), **parameters: Any) -> Verdict:
    facts: dict[Any, Any] = {
        Aws.deployment_group: {(HOME, "shop", "api"): settings},
        Aws.deployments: {(HOME, "shop", "api", parameters.get("days", 90)): history},
    }
    return await judge(codedeploy, GROUP, recorded(Aws, facts, region="us-east-1"), **parameters)


@pytest.mark.parametrize(
    ("said", "history", "parameters", "outcome", "says"),
    [
        pytest.param({}, (deployed(1), deployed(2)), {}, "pass", "last 2 deployments", id="blue/green and succeeded"),
        pytest.param({"style": "IN_PLACE"}, (), {}, "fail", "in place", id="in place"),
        pytest.param(
            {"platform": "Server", "traffic": "WITHOUT_TRAFFIC_CONTROL"}, (), {}, "fail", "no load balancer",
            id="no load balancer shifts",
        ),
        pytest.param(
            {"platform": "Lambda", "traffic": "WITH_TRAFFIC_CONTROL"}, (deployed(1),), {}, "pass", "", id="a function"
        ),
        pytest.param({}, (), {}, "not-checked", "nothing was deployed", id="never deployed"),
        pytest.param({}, (deployed(0, "InProgress"),), {}, "not-checked", "nothing", id="the first is under way"),
        pytest.param(
            {}, (deployed(1), deployed(2), deployed(3, style="IN_PLACE")), {}, "fail", "d-3", id="the third in place"
        ),
        pytest.param(
            {}, (deployed(1), deployed(2), deployed(3), deployed(4, style="IN_PLACE")), {}, "pass", "last 3",
            id="the fourth does not count",
        ),
        pytest.param(
            {}, (deployed(1), deployed(2, style="IN_PLACE")), {"last": 1}, "pass", "last 1", id="the last alone"
        ),
        pytest.param({}, (deployed(1, "Failed"), deployed(2)), {}, "fail", "did not succeed", id="the last one failed"),
        pytest.param({}, (deployed(1, "Stopped"),), {}, "fail", "Stopped", id="the last one was stopped"),
        pytest.param(
            {}, (deployed(1), deployed(2, "Failed")), {}, "fail", "not rolled back", id="one failed and stayed so"
        ),
        pytest.param(
            {}, (deployed(1), deployed(2, "Failed", rolled_back_by="d-9")), {}, "pass", "", id="one failed, rolled back"
        ),
        pytest.param(
            {}, (deployed(1, rollback_of="d-2"), deployed(2, "Failed", rolled_back_by="d-1")), {}, "fail",
            "d-2, did not succeed", id="a rollback is no deployment of its own",
        ),
        pytest.param({}, DENIED, {}, "error", "denied", id="the history is denied"),
        pytest.param({}, NotObserved("more than the 500 that are read"), {}, "error", "500", id="too many to read"),
        pytest.param({}, (deployed(1),), {"days": 30}, "pass", "", id="a shorter time"),
    ],
)  # fmt: skip
async def test_codedeploy(
    said: dict[str, Any], history: Any, parameters: dict[str, Any], outcome: str, says: str
) -> None:
    verdict = await group(GOOD.model_copy(update=said), history, **parameters)
    assert verdict.outcome == outcome, verdict.message
    assert says in verdict.message or says in str(verdict.got)


async def test_a_denied_group_is_an_error() -> None:
    assert (await group(DENIED)).outcome == "error"


def service(**said: Any) -> Service:
    fields: dict[str, Any] = {
        "arn": "arn:aws:ecs:us-east-1:123456789012:service/main/api", "place": HOME, "name": "api",
        "controller": "ECS", "strategy": "BLUE_GREEN", "routed": True, "breaker": True, "breaker_rollback": True,
        "alarm_names": ("errors",), "alarms_on": True, "alarms_rollback": True, "last_rollout": "COMPLETED",
    }  # fmt: skip
    return Service(**fields | said)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        pytest.param({}, "pass", id="blue/green"),
        pytest.param({"strategy": "CANARY"}, "pass", id="canary"),
        pytest.param({"strategy": "ROLLING"}, "fail", id="rolling"),
        pytest.param({"strategy": "ROLLING", "routed": False}, "not-applicable", id="rolling, and nobody calls it"),
        pytest.param({"controller": "CODE_DEPLOY", "strategy": "ROLLING"}, "not-applicable", id="by CodeDeploy"),
        pytest.param({"controller": "EXTERNAL"}, "not-checked", id="by something else"),
        pytest.param({"last_rollout": "FAILED"}, "fail", id="the last one failed"),
        pytest.param({"last_rollout": "IN_PROGRESS"}, "pass", id="one is under way"),
    ],
)
async def test_services(said: dict[str, Any], outcome: str) -> None:
    assert (await judge(codedeploy, service(**said), recorded(Aws, {}, region="us-east-1"))).outcome == outcome


async def rollback(release: Any, settings: object = None, **parameters: Any) -> Verdict:
    facts: dict[Any, Any] = {Aws.deployment_group: {(HOME, "shop", "api"): settings}} if settings is not None else {}
    return await judge(codedeploy_rollback, release, recorded(Aws, facts, region="us-east-1"), **parameters)


@pytest.mark.parametrize(
    ("said", "parameters", "outcome", "says"),
    [
        pytest.param({}, {}, "pass", "errors", id="on failure and on alarm"),
        pytest.param({"rollback": False}, {}, "fail", "failed deployment", id="off, though events are named"),
        pytest.param({"rollback_events": ("DEPLOYMENT_STOP_ON_ALARM",)}, {}, "fail", "failed", id="alarm only"),
        pytest.param({"rollback_events": ("DEPLOYMENT_FAILURE",)}, {}, "fail", "an alarm stops", id="failure only"),
        pytest.param(
            {"rollback_events": ("DEPLOYMENT_FAILURE",), "alarm_names": ()}, {"on_alarm": False}, "pass", "on failure",
            id="failure only, as wanted",
        ),
        pytest.param({"alarm_names": ()}, {}, "fail", "no alarm stops", id="no alarm is named"),
        pytest.param({"alarms_on": False}, {}, "fail", "no alarm stops", id="alarms are named and off"),
        pytest.param({"alarms_unread_ignored": True}, {}, "fail", "passed over", id="unread alarms are passed over"),
        pytest.param(
            {"alarms_unread_ignored": True}, {"on_alarm": False}, "pass", "", id="passed over, where none is wanted"
        ),
    ],
)  # fmt: skip
async def test_rollback_of_groups(said: dict[str, Any], parameters: dict[str, Any], outcome: str, says: str) -> None:
    verdict = await rollback(GROUP, GOOD.model_copy(update=said), **parameters)
    assert verdict.outcome == outcome
    assert says in verdict.message


async def test_a_denied_group_is_no_group_that_rolls_back() -> None:
    assert (await rollback(GROUP, DENIED)).outcome == "error"


@pytest.mark.parametrize(
    ("said", "parameters", "outcome"),
    [
        pytest.param({}, {}, "pass", id="on failure and on alarm"),
        pytest.param({"breaker": False}, {}, "fail", id="no circuit breaker"),
        pytest.param({"breaker_rollback": False}, {}, "fail", id="a circuit breaker that only stops"),
        pytest.param({"alarm_names": ()}, {}, "fail", id="no alarms"),
        pytest.param({"alarms_on": False}, {}, "fail", id="alarms are off"),
        pytest.param({"alarms_rollback": False}, {}, "fail", id="alarms only stop"),
        pytest.param({"alarm_names": ()}, {"on_alarm": False}, "pass", id="no alarms wanted"),
        pytest.param({"controller": "CODE_DEPLOY", "breaker": False}, {}, "not-applicable", id="by CodeDeploy"),
        pytest.param({"controller": "EXTERNAL"}, {}, "not-checked", id="by something else"),
    ],
)
async def test_rollback_of_services(said: dict[str, Any], parameters: dict[str, Any], outcome: str) -> None:
    assert (await rollback(service(**said), **parameters)).outcome == outcome
