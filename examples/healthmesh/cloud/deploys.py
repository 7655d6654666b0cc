"""What deploys in the test cloud's account: repositories of images, CodeDeploy, services of ECS.

moto keeps no kind of deployment with a deployment, and lets none succeed; the server's controls answer their history.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .builder import Cloud, CloudDefect

IMAGES, DEPLOY, ROLLBACK = "aws.ecr_scanning", "aws.codedeploy", "aws.codedeploy_rollback"
EVENTS = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]
APPLICATION = "mg-shop"
CLUSTER = "mg-cluster"
ALARM = "mg-deploy-errors"
_REPOSITORIES = ("unscanned", "movable")
_GROUPS: dict[str, tuple[dict[str, Any], str, str]] = {
    "good": ({}, "pass", "pass"),
    "in-place": ({"style": "IN_PLACE"}, "fail", "pass"),
    "stuck": ({"rollback": False}, "pass", "fail"),
    "deaf": ({"alarms": False}, "pass", "fail"),
}
"""How a kind of deployment group is made, and what aws.codedeploy and aws.codedeploy_rollback say of it."""
_SERVICES: dict[str, tuple[dict[str, Any], str, str]] = {
    "good": ({}, "pass", "pass"),
    "rolling": ({"strategy": "ROLLING"}, "fail", "pass"),
    "brittle": ({"breaker": False}, "pass", "fail"),
}


def good(cloud: Cloud, n: int = 1) -> None:
    """`n` good repositories and deployment groups, and a good service of ECS."""
    cloud.client("codedeploy").create_application(applicationName=APPLICATION, computePlatform="ECS")
    cloud.client("ecs").create_cluster(clusterName=CLUSTER)
    answers(cloud)
    service(cloud, "good")
    for i in range(1, n + 1):
        repository(cloud, f"mg-repo-good-{i}")
        group(cloud, f"mg-group-good-{i}", "good")


def bad(cloud: Cloud, n: int = 1) -> None:
    """`n` of each flaw, and one service of each."""
    for flaw in _SERVICES.keys() - {"good"}:
        service(cloud, flaw)
    for i in range(1, n + 1):
        for flaw in _REPOSITORIES:
            _bad_repository(cloud, flaw, f"mg-repo-{flaw}-{i}")
        for flaw in _GROUPS.keys() - {"good"}:
            group(cloud, f"mg-group-{flaw}-{i}", flaw)


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What each check must say of each resource that `good(cloud, n)` and `bad(cloud, n)` made."""
    here, said = f"{cloud.region}:{cloud.account}", {}
    for i in range(1, n + 1):
        for kind in ("good", *_REPOSITORIES):
            arn = f"arn:aws:ecr:{here}:repository/mg-repo-{kind}-{i}"
            said[IMAGES, arn] = "pass" if kind == "good" else "fail"
        for kind, (_, deploys, rolls_back) in _GROUPS.items():
            arn = f"arn:aws:codedeploy:{here}:deploymentgroup:{APPLICATION}/mg-group-{kind}-{i}"
            said[DEPLOY, arn], said[ROLLBACK, arn] = deploys, rolls_back
    for kind, (_, deploys, rolls_back) in _SERVICES.items():
        arn = f"arn:aws:ecs:{here}:service/{CLUSTER}/mg-service-{kind}"
        said[DEPLOY, arn], said[ROLLBACK, arn] = deploys, rolls_back
    return said


def answers(cloud: Cloud) -> None:
    """What moto lacks; to be said again after the server's answers were cleared."""
    tell_history(cloud, [deployment("d-AAAAAAAA2", 1), deployment("d-AAAAAAAA1", 2)])
    tell_services(cloud)
    groups = cloud.client("codedeploy").list_deployment_groups(applicationName=APPLICATION)["deploymentGroups"]
    for name in groups:
        tell_group(cloud, name, name.removeprefix("mg-group-").rsplit("-", 1)[0])


def deployment(name: str, days_ago: float, **changes: Any) -> dict[str, Any]:
    """A blue/green deployment that succeeded."""
    said: dict[str, Any] = {
        "deploymentId": name,
        "createTime": datetime.now(UTC).timestamp() - days_ago * 86_400,
        "status": "Succeeded",
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
    }
    return said | changes


def tell_history(cloud: Cloud, deployments: list[dict[str, Any]]) -> None:
    """Answer what was deployed, of every group."""
    ids = [one["deploymentId"] for one in deployments]
    cloud.control.answer("codedeploy:ListDeployments", {"deployments": ids})
    cloud.control.answer("codedeploy:BatchGetDeployments", {"deploymentsInfo": deployments})


def repository(cloud: Cloud, name: str, *, scan: bool = True, mutability: str = "IMMUTABLE") -> None:
    """A repository of images."""
    cloud.client("ecr").create_repository(
        repositoryName=name, imageTagMutability=mutability, imageScanningConfiguration={"scanOnPush": scan}
    )


def group(cloud: Cloud, name: str, kind: str) -> None:
    """A deployment group of a kind."""
    cloud.client("codedeploy").create_deployment_group(**_group_settings(name, kind, cloud.account))
    tell_group(cloud, name, kind)


def tell_group(cloud: Cloud, name: str, kind: str) -> None:
    """Answer what a deployment group is set to: moto keeps no alarms."""
    said = {"deploymentGroupInfo": {"computePlatform": "ECS", **_group_settings(name, kind, cloud.account)}}
    cloud.control.answer("codedeploy:GetDeploymentGroup", said, match=f'"{name}"')


def _group_settings(name: str, kind: str, account: str) -> dict[str, Any]:
    how = _GROUPS[kind][0]
    return {
        "applicationName": APPLICATION,
        "deploymentGroupName": name,
        "serviceRoleArn": f"arn:aws:iam::{account}:role/mg-deploy",
        "deploymentStyle": {
            "deploymentType": how.get("style", "BLUE_GREEN"),
            "deploymentOption": "WITH_TRAFFIC_CONTROL",
        },
        "autoRollbackConfiguration": {"enabled": how.get("rollback", True), "events": EVENTS},
        "alarmConfiguration": {
            "enabled": how.get("alarms", True),
            "ignorePollAlarmFailure": False,
            "alarms": [{"name": ALARM}],
        },
    }


def service(cloud: Cloud, kind: str) -> None:
    """A service behind a load balancer; one of a kind is enough."""
    ecs = cloud.client("ecs")
    if not ecs.list_task_definitions(familyPrefix="mg-deploy")["taskDefinitionArns"]:
        container = {"name": "web", "image": "example/web@sha256:" + "0" * 64, "memory": 128}
        ecs.register_task_definition(family="mg-deploy", containerDefinitions=[container])
    ecs.create_service(cluster=CLUSTER, serviceName=f"mg-service-{kind}", taskDefinition="mg-deploy", desiredCount=0)
    tell_services(cloud)


def tell_services(cloud: Cloud) -> None:
    """Answer about all services how they deploy, by the kind that their names tell: moto keeps nothing of it."""
    ecs = cloud.client("ecs")
    task = ecs.list_task_definitions(familyPrefix="mg-deploy")["taskDefinitionArns"]
    arns = ecs.list_services(cluster=CLUSTER)["serviceArns"]
    if task:
        said = [_described(str(arn), str(task[0])) for arn in sorted(arns)]
        cloud.control.answer("ecs:DescribeServices", {"services": said, "failures": []}, match=f':cluster/{CLUSTER}"')


def _described(arn: str, task: str) -> dict[str, Any]:
    name = arn.rsplit("/", 1)[-1]
    how, now = _SERVICES[name.removeprefix("mg-service-")][0], datetime.now(UTC).timestamp()
    breaker = how.get("breaker", True)
    return {
        "serviceArn": arn,
        "serviceName": name,
        "clusterArn": arn.rsplit("/", 1)[0].replace(":service/", ":cluster/"),
        "status": "ACTIVE",
        "taskDefinition": task,
        "loadBalancers": [{"containerName": "web", "containerPort": 8443}],
        "deploymentController": {"type": "ECS"},
        "deploymentConfiguration": {
            "strategy": how.get("strategy", "BLUE_GREEN"),
            "deploymentCircuitBreaker": {"enable": breaker, "rollback": breaker},
            "alarms": {"alarmNames": [ALARM], "enable": True, "rollback": True},
        },
        "deployments": [{"createdAt": now, "rolloutState": "COMPLETED", "taskDefinition": task}],
    }


def _bad_repository(cloud: Cloud, flaw: str, name: str) -> None:
    repository(cloud, name, scan=flaw != "unscanned", mutability="MUTABLE" if flaw == "movable" else "IMMUTABLE")


def _failed_last(cloud: Cloud) -> None:
    """The last deployment failed, and nothing was rolled back."""
    tell_history(cloud, [deployment("d-AAAAAAAA3", 0.1, status="Failed"), deployment("d-AAAAAAAA1", 2)])


def _in_place_once(cloud: Cloud) -> None:
    """The groups are set to blue/green, and the last but one deployment went in place."""
    style = {"deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"}
    tell_history(cloud, [deployment("d-AAAAAAAA3", 0.1), deployment("d-AAAAAAAA2", 1, deploymentStyle=style)])


def _defect(name: str, check: str, says: str, plant: Callable[[Cloud], None]) -> CloudDefect:
    return CloudDefect(f"aws-{name}", check, says, plant)


DEFECTS: tuple[CloudDefect, ...] = (
    _defect(
        "ecr-unscanned", IMAGES, "A repository's images are not scanned.",
        lambda cloud: _bad_repository(cloud, "unscanned", "mg-repo-unscanned-0"),
    ),
    _defect(
        "ecr-movable-tags", IMAGES, "A repository's tags can be moved.",
        lambda cloud: _bad_repository(cloud, "movable", "mg-repo-movable-0"),
    ),
    _defect(
        "deploy-in-place", DEPLOY, "A deployment group deploys in place.",
        lambda cloud: group(cloud, "mg-group-in-place-0", "in-place"),
    ),
    _defect("deploy-failed", DEPLOY, "The last deployment failed.", _failed_last),
    _defect("deploy-once-in-place", DEPLOY, "A blue/green group was deployed in place.", _in_place_once),
    _defect(
        "deploy-rolling-service", DEPLOY, "A service of ECS replaces its tasks.",
        lambda cloud: service(cloud, "rolling"),
    ),
    _defect(
        "deploy-stuck", ROLLBACK, "A failed deployment is not rolled back.",
        lambda cloud: group(cloud, "mg-group-stuck-0", "stuck"),
    ),
    _defect(
        "deploy-deaf", ROLLBACK, "Alarms of a deployment group are off.",
        lambda cloud: group(cloud, "mg-group-deaf-0", "deaf"),
    ),
    _defect(
        "deploy-brittle-service", ROLLBACK, "A service of ECS has no circuit breaker.",
        lambda cloud: service(cloud, "brittle"),
    ),
)  # fmt: skip
