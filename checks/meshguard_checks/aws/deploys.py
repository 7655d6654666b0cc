"""Checks of what is deployed and how: images, CodeDeploy, services of ECS."""

from __future__ import annotations

from typing import Annotated, Literal

from meshguard.api import Field, Verdict, check, failed, not_applicable, passed, undetermined
from meshguard.targets.aws import Aws
from meshguard.targets.aws.deploys_models import (
    Deployment,
    DeploymentGroup,
    GroupSettings,
    Release,
    Repository,
    Service,
)
from meshguard_checks.parsing.aws_images import SEVERITIES, open_tags, scan_frequency

FAILURE, ALARM = "DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"
FINISHED = frozenset(["Succeeded", "Failed", "Stopped"])
SCANNED = frozenset(["COMPLETE", "ACTIVE"])
"""States of a scan that has findings to tell; ACTIVE is a continuous one (ECR API Reference, ImageScanStatus)."""
Severity = Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]


@check(
    "aws.ecr_scanning",
    method="examine",
    over=Aws.repositories,
    fix="aws ecr put-registry-scanning-configuration --scan-type ENHANCED --rules scanFrequency=SCAN_ON_PUSH,...\n"
    'Terraform: resource "aws_ecr_registry_scanning_configuration" { rule { scan_frequency = "SCAN_ON_PUSH" } }',
)
async def ecr_scanning(
    repository: Repository,
    aws: Aws,
    *,
    immutable_tags: bool = True,
    mutable: tuple[str, ...] = (),
    findings_below: Severity | None = None,
) -> Verdict:
    """Images of the repository are scanned when they are pushed, and tags cannot be moved (Amazon ECR User Guide,
    "Scan images for software vulnerabilities"; Security Hub, ECR.1, ECR.2).

    Where the registry scans in the enhanced way, its rules alone decide: a repository that none of them fits is not
    scanned, whatever its own setting says.

    Args:
        immutable_tags: whether tags must be immutable.
        mutable: tags that may be moved all the same; `*` stands for anything.
        findings_below: only findings below this severity may be in the newest image; it must have been scanned.
    """
    frequency = scan_frequency(repository, await aws.registry_scanning(repository.place))
    if frequency == "MANUAL":
        return failed("images are not scanned when they are pushed", got=frequency, want="SCAN_ON_PUSH")
    if immutable_tags:
        movable = open_tags(repository, mutable)
        if movable:
            return failed(f"tags can be moved: {movable}", got=repository.mutability, want="IMMUTABLE")
    if findings_below is not None:
        worse = await _findings(repository, aws, findings_below)
        if worse is not None:
            return worse
    return passed("images are scanned when they are pushed", got=frequency)


async def _findings(repository: Repository, aws: Aws, below: Severity) -> Verdict | None:
    """What the newest image's scan says against it, if anything."""
    scan = await aws.newest_image_scan(repository.place, repository.name)
    if scan is None:
        return undetermined("it holds no image")
    if scan.status not in SCANNED:
        return undetermined(f"the newest image has no finished scan: {scan.status}")
    barred = SEVERITIES[SEVERITIES.index(below) :]
    found = {name: count for name, count in scan.counts.items() if name in barred and count}
    if found:
        said = ", ".join(f"{found[name]} {name.lower()}" for name in reversed(barred) if name in found)
        return failed(f"the newest image has findings: {said}", got=sum(found.values()), want=0)
    unrated = sum(count for name, count in scan.counts.items() if name in ("UNDEFINED", "UNTRIAGED"))
    return undetermined(f"{unrated} findings of the newest image have no severity") if unrated else None


@check(
    "aws.codedeploy",
    method="examine",
    over=Aws.releases,
    fix="aws deploy update-deployment-group --deployment-style deploymentType=BLUE_GREEN,"
    "deploymentOption=WITH_TRAFFIC_CONTROL; aws ecs update-service --deployment-configuration strategy=BLUE_GREEN\n"
    'Terraform: resource "aws_codedeploy_deployment_group" { deployment_style { deployment_type = "BLUE_GREEN" } }',
)
async def codedeploy(
    release: Release,
    aws: Aws,
    *,
    last: Annotated[int, Field(ge=1, le=50)] = 3,
    days: Annotated[int, Field(ge=1, le=365)] = 90,
) -> Verdict:
    """New versions come into service beside the old ones and take over its traffic, and the last `last` deployments did
    so (AWS CodeDeploy User Guide, "Overview of a blue/green deployment"; Amazon ECS Developer Guide, "blue/green").

    Deployment groups of CodeDeploy are judged by their setting and by what was deployed: one that failed is borne
    where it was rolled back, but not as the last. Services of ECS are judged by their own strategy, unless CodeDeploy
    deploys them; one that gets no requests has no traffic to shift.

    Args:
        last: how many deployments are looked at; fewer where there were not as many.
        days: how far back they are looked for.
    """
    if isinstance(release, Service):
        return _service_strategy(release)
    said = await aws.deployment_group(release.place, release.application, release.name)
    if said.style != "BLUE_GREEN":
        return failed("it deploys in place", got=said.style, want="BLUE_GREEN")
    if said.platform == "Server" and said.traffic != "WITH_TRAFFIC_CONTROL":
        return failed("no load balancer shifts the traffic", got=said.traffic, want="WITH_TRAFFIC_CONTROL")
    found = await aws.deployments(release.place, release.application, release.name, days)
    return _history([one for one in found if one.status in FINISHED and not one.rollback_of][:last], days)


def _history(finished: list[Deployment], days: int) -> Verdict:
    if not finished:
        return undetermined(f"nothing was deployed in {days} days", fix="deploy once, or look at more `days`")
    in_place = [one.id for one in finished if one.style != "BLUE_GREEN"]
    if in_place:
        return failed(f"{in_place[0]} was deployed in place", got=len(in_place), want=0)
    if finished[0].status != "Succeeded":
        return failed(
            f"the last deployment, {finished[0].id}, did not succeed", got=finished[0].status, want="Succeeded"
        )
    lost = [one for one in finished if one.status != "Succeeded" and not one.rolled_back_by]
    if lost:
        return failed(f"{lost[0].id} did not succeed and was not rolled back", got=lost[0].status, want="Succeeded")
    return passed(f"the last {len(finished)} deployments were blue/green, and the last one succeeded")


def _service_strategy(service: Service) -> Verdict:
    if service.controller == "CODE_DEPLOY":
        return not_applicable("CodeDeploy deploys it, and its deployment group is judged")
    if service.controller == "EXTERNAL":
        return undetermined("something else than AWS deploys it", fix="show it by what deploys it")
    if not service.routed:
        return not_applicable("no load balancer sends it requests")
    if service.strategy == "ROLLING":
        return failed("it replaces its tasks in place", got=service.strategy, want="BLUE_GREEN")
    if service.last_rollout == "FAILED":
        return failed("its last deployment failed", got=service.last_rollout, want="COMPLETED")
    return passed("new tasks come into service beside the old ones", got=service.strategy)


@check(
    "aws.codedeploy_rollback",
    method="examine",
    over=Aws.releases,
    fix="aws deploy update-deployment-group --auto-rollback-configuration enabled=true,"
    f"events={FAILURE},{ALARM} --alarm-configuration enabled=true,alarms=[{{name=NAME}}]\n"
    'Terraform: resource "aws_codedeploy_deployment_group" { auto_rollback_configuration { enabled = true } }',
)
async def codedeploy_rollback(release: Release, aws: Aws, *, on_alarm: bool = True) -> Verdict:
    """A deployment that fails is rolled back by itself, and so is one during which an alarm goes off (AWS CodeDeploy
    User Guide, "Redeploy and roll back a deployment"; Amazon ECS Developer Guide, "deployment circuit breaker").

    The event "stop on alarm" does nothing where no alarms are named, where they are off, or where a failure to read
    them is passed over.

    Args:
        on_alarm: whether alarms must roll back too.
    """
    if isinstance(release, DeploymentGroup):
        said = await aws.deployment_group(release.place, release.application, release.name)
        lacks = _group_lacks(said, on_alarm)
        alarms = said.alarm_names
    elif release.controller == "ECS":
        lacks, alarms = _service_lacks(release, on_alarm), release.alarm_names
    elif release.controller == "CODE_DEPLOY":
        return not_applicable("CodeDeploy deploys it, and its deployment group is judged")
    else:
        return undetermined("something else than AWS deploys it", fix="show it by what deploys it")
    if lacks:
        return failed("; ".join(lacks))
    return passed(f"it rolls back on failure and on {', '.join(alarms)}" if on_alarm else "it rolls back on failure")


def _group_lacks(said: GroupSettings, on_alarm: bool) -> list[str]:
    events = said.rollback_events if said.rollback else ()
    lacks = [] if FAILURE in events else ["a failed deployment is not rolled back"]
    if on_alarm:
        lacks += [] if ALARM in events else ["a deployment that an alarm stops is not rolled back"]
        lacks += [] if said.alarm_names and said.alarms_on else ["no alarm stops a deployment"]
        lacks += ["alarms that cannot be read are passed over"] if said.alarms_unread_ignored else []
    return lacks


def _service_lacks(service: Service, on_alarm: bool) -> list[str]:
    lacks = [] if service.breaker and service.breaker_rollback else ["a failed deployment is not rolled back"]
    if on_alarm and not (service.alarm_names and service.alarms_on):
        lacks.append("no alarm stops a deployment")
    elif on_alarm and not service.alarms_rollback:
        lacks.append("a deployment that an alarm stops is not rolled back")
    return lacks
