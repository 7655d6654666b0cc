"""Clusters and services of ECS: how they deploy, and which task definitions they have."""

from __future__ import annotations

from typing import Any

from meshguard.errors import NotObserved
from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.deploys_models import Service
from meshguard.targets.aws.models import Place
from meshguard.targets.aws.operation import Operation

LIST_CLUSTERS = Operation("ecs", "ListClusters", items="clusterArns")
LIST_SERVICES = Operation("ecs", "ListServices", items="serviceArns")
DESCRIBE_SERVICES = Operation("ecs", "DescribeServices", items="services")
SERVICES_A_CALL = 10
"""The API's limit of services in one call."""


class EcsFacts(AwsBase):
    """Facts of ECS that several topics need."""

    @fact
    async def clusters_in(self, place: Place) -> tuple[str, ...]:
        """ARNs of the clusters of one place."""
        return tuple(await self.pages(place, LIST_CLUSTERS))

    @fact
    async def services_in(self, place: Place) -> Listing[Service]:
        """The active services of all clusters of one place.

        Raises:
            NotObserved: one that is listed could not be described, and for another reason than that it is gone.
        """
        found: list[Service] = []
        for cluster in await self.clusters_in(place):
            arns = await self.pages(place, LIST_SERVICES, cluster=cluster)
            for start in range(0, len(arns), SERVICES_A_CALL):
                some = arns[start : start + SERVICES_A_CALL]
                answer = await self.call(place, DESCRIBE_SERVICES, cluster=cluster, services=some)
                with documented(DESCRIBE_SERVICES):
                    lost = [one for one in answer.get("failures", []) if one.get("reason") != "MISSING"]
                    found += [_service(one, place) for one in answer["services"] if one["status"] == "ACTIVE"]
                if lost:
                    raise NotObserved(
                        f"{DESCRIBE_SERVICES} in {place} described {len(lost)} services not",
                        fix="see that all services of the clusters may be described",
                    )
        return found_in(found)


def _revisions(said: dict[str, Any]) -> set[str]:
    """The task definitions of a service, of its deployments and of its task sets."""
    sets = [said, *(said.get("deployments") or ()), *(said.get("taskSets") or ())]
    return {part["taskDefinition"] for part in sets if part.get("taskDefinition")}


def _service(said: dict[str, Any], place: Place) -> Service:
    how = said.get("deploymentConfiguration") or {}
    breaker, alarms = how.get("deploymentCircuitBreaker") or {}, how.get("alarms") or {}
    newest: dict[str, Any] = max(said.get("deployments", []), key=lambda one: one["createdAt"], default={})
    return Service(
        arn=said["serviceArn"],
        place=place,
        name=said["serviceName"],
        controller=(said.get("deploymentController") or {}).get("type", "ECS"),
        strategy=how.get("strategy") or "ROLLING",
        routed=bool(said.get("loadBalancers") or _meshed(said)),
        breaker=breaker.get("enable", False),
        breaker_rollback=breaker.get("rollback", False),
        alarm_names=tuple(sorted(alarms.get("alarmNames") or ())),
        alarms_on=alarms.get("enable", False),
        alarms_rollback=alarms.get("rollback", False),
        last_rollout=newest.get("rolloutState") or "",
        revisions=tuple(sorted(_revisions(said))),
    )


def _meshed(service: dict[str, Any]) -> bool:
    """Whether Service Connect gives it a name that others call."""
    return any(one.get("serviceConnectConfiguration", {}).get("services") for one in service.get("deployments", []))
