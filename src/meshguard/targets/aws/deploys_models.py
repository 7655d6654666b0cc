"""What is recorded of repositories of images, of what deploys, and of deployments."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from meshguard.targets.aws.models import AwsModel, Resource


class Repository(Resource):
    """A repository of container images (DescribeRepositories)."""

    scan_on_push: bool
    """The repository's own setting; without effect where the registry scans in the enhanced way."""
    mutability: str
    """MUTABLE, IMMUTABLE, and either WITH_EXCLUSION."""
    excluded: tuple[str, ...] = ()
    """Tags that are the exception to it; `*` stands for anything."""


class ScanRule(AwsModel):
    """Which repositories a registry scans, and when."""

    frequency: str
    """SCAN_ON_PUSH, CONTINUOUS_SCAN or MANUAL."""
    filters: tuple[str, ...] = ()
    """Names of repositories with `*` for anything; one without it fits each name that holds it."""


class Scanning(AwsModel):
    """How a registry scans images (GetRegistryScanningConfiguration)."""

    kind: Literal["BASIC", "ENHANCED"]
    rules: tuple[ScanRule, ...] = ()


class ImageScan(AwsModel):
    """The scan of the newest image of a repository; only counts of findings."""

    pushed: datetime
    status: str
    """COMPLETE, ACTIVE, FAILED, UNSUPPORTED_IMAGE, ...; NONE where it was never scanned."""
    counts: dict[str, int] = Field(default_factory=dict)
    """Findings by severity: CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL, UNDEFINED, UNTRIAGED."""


class DeploymentGroup(Resource):
    """A deployment group of CodeDeploy."""

    kind: Literal["codedeploy"] = "codedeploy"
    application: str


class Service(Resource):
    """A service of ECS (DescribeServices)."""

    kind: Literal["ecs"] = "ecs"
    controller: str
    """ECS, CODE_DEPLOY or EXTERNAL."""
    strategy: str
    """ROLLING, BLUE_GREEN, LINEAR or CANARY."""
    routed: bool
    """Whether a load balancer or a service mesh sends it requests."""
    breaker: bool
    breaker_rollback: bool
    alarm_names: tuple[str, ...] = ()
    alarms_on: bool = False
    alarms_rollback: bool = False
    last_rollout: str = ""
    """State of the newest deployment: COMPLETED, IN_PROGRESS, FAILED."""
    revisions: tuple[str, ...] = ()
    """ARNs of the task definitions that it, its deployments and its task sets have."""


Release = Annotated[DeploymentGroup | Service, Field(discriminator="kind")]
"""What brings new versions into service."""


class GroupSettings(AwsModel):
    """How a deployment group deploys (GetDeploymentGroup)."""

    platform: str
    """Server, Lambda or ECS."""
    style: str
    """IN_PLACE or BLUE_GREEN."""
    traffic: str
    """WITH_TRAFFIC_CONTROL or WITHOUT_TRAFFIC_CONTROL."""
    rollback: bool
    rollback_events: tuple[str, ...] = ()
    """DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM, DEPLOYMENT_STOP_ON_REQUEST."""
    alarm_names: tuple[str, ...] = ()
    alarms_on: bool = False
    alarms_unread_ignored: bool = False
    """Whether it goes on where the alarms cannot be read."""


class Deployment(AwsModel):
    """A deployment (BatchGetDeployments)."""

    id: str
    created: datetime
    status: str
    """Created, Queued, InProgress, Baking, Succeeded, Failed, Stopped, Ready."""
    style: str
    rolled_back_by: str = ""
    """Id of the deployment that rolled it back."""
    rollback_of: str = ""
    """Id of the deployment that it rolls back."""
