"""What is deployed and how: repositories of images and their scans, CodeDeploy, services of ECS."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from meshguard.errors import NotObserved
from meshguard.fact import Listing, Unread, fact
from meshguard.targets.aws.base import documented, found_in, settled
from meshguard.targets.aws.deploys_models import (
    Deployment,
    DeploymentGroup,
    GroupSettings,
    ImageScan,
    Release,
    Repository,
    Scanning,
    ScanRule,
)
from meshguard.targets.aws.ecs import EcsFacts
from meshguard.targets.aws.models import Place, account_of, region_of
from meshguard.targets.aws.operation import Operation

DESCRIBE_REPOSITORIES = Operation("ecr", "DescribeRepositories", items="repositories")
GET_SCANNING = Operation("ecr", "GetRegistryScanningConfiguration")
DESCRIBE_IMAGES = Operation("ecr", "DescribeImages", items="imageDetails", when="findings_below")
DESCRIBE_FINDINGS = Operation("ecr", "DescribeImageScanFindings", when="findings_below")
LIST_APPLICATIONS = Operation("codedeploy", "ListApplications", items="applications")
LIST_GROUPS = Operation("codedeploy", "ListDeploymentGroups", items="deploymentGroups")
GET_GROUP = Operation("codedeploy", "GetDeploymentGroup")
LIST_DEPLOYMENTS = Operation("codedeploy", "ListDeployments", items="deployments")
GET_DEPLOYMENTS = Operation("codedeploy", "BatchGetDeployments", items="deploymentsInfo")

IMAGE_CONFIGS = ("application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json")
BESIDE = re.compile(r"sha256-[0-9a-f]{64}(\.(sig|att|sbom))?")
"""Tags by which signatures and attestations name their image (Sigstore, OCI referrers)."""
MAX_DEPLOYMENTS = 500
"""Deployments of one group that are read; CodeDeploy does not document in which order it lists them."""


class DeployFacts(EcsFacts):
    """Facts of what is deployed and how."""

    @fact
    async def repositories(self) -> Listing[Repository]:
        """The repositories of images of all places."""
        return await self.across(self.repositories_in)

    @fact
    async def repositories_in(self, place: Place) -> Listing[Repository]:
        """The repositories of images of one place."""
        found = await self.pages(place, DESCRIBE_REPOSITORIES)
        with documented(DESCRIBE_REPOSITORIES):
            return found_in(
                Repository(
                    arn=one["repositoryArn"],
                    place=place,
                    name=one["repositoryName"],
                    scan_on_push=one.get("imageScanningConfiguration", {}).get("scanOnPush", False),
                    mutability=one["imageTagMutability"],
                    excluded=tuple(said["filter"] for said in one.get("imageTagMutabilityExclusionFilters") or ()),
                )
                for one in found
            )

    @fact
    async def registry_scanning(self, place: Place) -> Scanning:
        """How the registry of one place scans images."""
        answer = await self.call(place, GET_SCANNING)
        with documented(GET_SCANNING):
            said = answer["scanningConfiguration"]
            rules = tuple(
                ScanRule(
                    frequency=one["scanFrequency"],
                    filters=tuple(part["filter"] for part in one["repositoryFilters"]),
                )
                for one in said.get("rules", [])
            )
            return Scanning(kind=said["scanType"], rules=rules)

    @fact
    async def newest_image_scan(self, place: Place, repository: str) -> ImageScan | None:
        """The scan of the newest image of a repository, with counts of findings; None where it has no image.

        An index of images for several platforms is no image and is not scanned; its images are listed by themselves.
        """
        found = await self.pages(place, DESCRIBE_IMAGES, repositoryName=repository)
        with documented(DESCRIBE_IMAGES):
            images = [one for one in found if _is_image(one)]
            newest = max(images, key=lambda one: (one["imagePushedAt"], one["imageDigest"]), default=None)
        if newest is None:
            return None
        answer = await self.call_or_none(
            place,
            DESCRIBE_FINDINGS,
            ("ScanNotFoundException",),
            repositoryName=repository,
            imageId={"imageDigest": newest["imageDigest"]},
            maxResults=1,
        )
        with documented(DESCRIBE_FINDINGS):
            if answer is None:
                return ImageScan(pushed=newest["imagePushedAt"], status="NONE")
            counts = answer.get("imageScanFindings", {}).get("findingSeverityCounts", {})
            return ImageScan(pushed=newest["imagePushedAt"], status=answer["imageScanStatus"]["status"], counts=counts)

    @fact
    async def releases(self) -> Listing[Release]:
        """What brings new versions into service in all places: deployment groups of CodeDeploy and services of ECS."""
        return await self.across(self.releases_in)

    @fact
    async def releases_in(self, place: Place) -> Listing[Release]:
        """The deployment groups and the services of one place; which of the two could not be listed is in `unread`."""
        parts = {
            "CodeDeploy": await settled(self.deployment_groups_in(place)),
            "ECS": await settled(self.services_in(place)),
        }
        items: list[Release] = []
        unread: list[Unread] = []
        for name, part in parts.items():
            if isinstance(part, NotObserved):
                unread.append(Unread(resource=f"{place}/{name}", kind=part.kind, reason=part.reason, fix=part.fix))
            else:
                items += part.items
        return found_in(items).model_copy(update={"unread": tuple(unread)})

    @fact
    async def deployment_groups_in(self, place: Place) -> Listing[DeploymentGroup]:
        """The deployment groups of one place."""
        partition = (await self.identity()).partition
        prefix = f"arn:{partition}:codedeploy:{region_of(place)}:{account_of(place)}:deploymentgroup:"
        found = []
        for application in await self.pages(place, LIST_APPLICATIONS):
            names = await self.pages(place, LIST_GROUPS, applicationName=application)
            found += [
                DeploymentGroup(arn=f"{prefix}{application}/{name}", place=place, name=name, application=application)
                for name in names
            ]
        return found_in(found)

    @fact
    async def deployment_group(self, place: Place, application: str, name: str) -> GroupSettings:
        """How one deployment group deploys."""
        answer = await self.call(place, GET_GROUP, applicationName=application, deploymentGroupName=name)
        with documented(GET_GROUP):
            said = answer["deploymentGroupInfo"]
            style, rollback = said.get("deploymentStyle", {}), said.get("autoRollbackConfiguration") or {}
            alarms = said.get("alarmConfiguration") or {}
            return GroupSettings(
                platform=said.get("computePlatform", "Server"),
                style=style.get("deploymentType", "IN_PLACE"),
                traffic=style.get("deploymentOption", "WITHOUT_TRAFFIC_CONTROL"),
                rollback=rollback.get("enabled", False),
                rollback_events=tuple(sorted(rollback.get("events") or ())),
                alarm_names=tuple(sorted(one["name"] for one in alarms.get("alarms") or ())),
                alarms_on=alarms.get("enabled", False),
                alarms_unread_ignored=alarms.get("ignorePollAlarmFailure", False),
            )

    @fact
    async def deployments(self, place: Place, application: str, name: str, days: int) -> tuple[Deployment, ...]:
        """The deployments of one group in the last `days` days, the newest first."""
        since = datetime.now(UTC) - timedelta(days=days)
        ids = await self.pages(
            place,
            LIST_DEPLOYMENTS,
            applicationName=application,
            deploymentGroupName=name,
            createTimeRange={"start": since},
        )
        if len(ids) > MAX_DEPLOYMENTS:
            raise NotObserved(
                f"{name} has {len(ids)} deployments in {days} days, more than the {MAX_DEPLOYMENTS} that are read",
                fix="look at fewer days",
            )
        found: list[Any] = []
        for start in range(0, len(ids), 25):  # the API's limit of ids in one call
            found += await self.pages(place, GET_DEPLOYMENTS, deploymentIds=ids[start : start + 25])
        with documented(GET_DEPLOYMENTS):
            said = [_deployment(one) for one in found]
        return tuple(sorted(said, key=lambda one: (one.created, one.id), reverse=True))


def _is_image(said: dict[str, Any]) -> bool:
    """Whether it is an image, and no index of several, no signature and no list of parts that is kept beside one."""
    manifest, config = str(said.get("imageManifestMediaType", "")), str(said.get("artifactMediaType", ""))
    tags = said.get("imageTags") or ()
    beside = bool(tags) and all(BESIDE.fullmatch(tag) for tag in tags)
    is_index = manifest.endswith((".manifest.list.v2+json", ".image.index.v1+json"))
    return not is_index and not beside and (not config or config in IMAGE_CONFIGS)


def _deployment(said: dict[str, Any]) -> Deployment:
    rollback = said.get("rollbackInfo") or {}
    return Deployment(
        id=said["deploymentId"],
        created=said["createTime"],
        status=said["status"],
        style=said.get("deploymentStyle", {}).get("deploymentType", "IN_PLACE"),
        rolled_back_by=rollback.get("rollbackDeploymentId") or "",
        rollback_of=rollback.get("rollbackTriggeringDeploymentId") or "",
    )
