"""EventBridge: rules, what they start, and how often that went well."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from meshguard.errors import NotObserved
from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import AwsModel, Place, Resource
from meshguard.targets.aws.operation import Operation

LIST_RULES = Operation("events", "ListRules", items="Rules")
LIST_TARGETS = Operation("events", "ListTargetsByRule", items="Targets")
GET_METRIC_DATA = Operation("cloudwatch", "GetMetricData", items="MetricDataResults")
DEFAULT_BUS = "default"
METRICS = ("Invocations", "FailedInvocations", "DeadLetterInvocations")
DAY_S = 86_400


class EventRule(Resource):
    """A rule of an event bus."""

    enabled: bool
    pattern: str = ""
    """JSON; empty where the rule runs by schedule alone."""
    managed_by: str = ""
    """The AWS service that made it for itself."""
    bus: str = DEFAULT_BUS


class RuleRuns(AwsModel):
    """How often a rule started its targets in a time; each None where CloudWatch has no data of it."""

    started: float | None = None
    failed: float | None = None
    """Starts that failed for good, those that went to a dead-letter queue included."""


class EventFacts(AwsBase):
    """Facts of EventBridge."""

    @fact
    async def event_rules_in(self, place: Place, bus: str = DEFAULT_BUS) -> Listing[EventRule]:
        """The rules of one event bus; events of AWS services arrive on the default one."""
        found = await self.pages(place, LIST_RULES, EventBusName=bus)
        with documented(LIST_RULES):
            return found_in(
                EventRule(
                    arn=one["Arn"],
                    place=place,
                    name=one["Name"],
                    # The third state, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS, is enabled too.
                    enabled=str(one["State"]).startswith("ENABLED"),
                    pattern=one.get("EventPattern") or "",
                    managed_by=one.get("ManagedBy") or "",
                    bus=bus,
                )
                for one in found
            )

    @fact
    async def event_targets(self, place: Place, bus: str, rule: str) -> tuple[str, ...]:
        """ARNs of what a rule starts."""
        found = await self.pages(place, LIST_TARGETS, EventBusName=bus, Rule=rule)
        with documented(LIST_TARGETS):
            return tuple(sorted(one["Arn"] for one in found))

    @fact
    async def event_rule_runs(self, place: Place, bus: str, rule: str, days: int) -> RuleRuns:
        """How often a rule started its targets in the last days, and how often that failed (CloudWatch)."""
        end = datetime.now(UTC)
        found = await self.pages(
            place,
            GET_METRIC_DATA,
            MetricDataQueries=[_query(name, bus, rule) for name in METRICS],
            StartTime=end - timedelta(days=days),
            EndTime=end,
        )
        with documented(GET_METRIC_DATA):
            sums = _sums(found)
        lost = [sums[name] for name in METRICS[1:] if name in sums]
        return RuleRuns(started=sums.get("Invocations"), failed=sum(lost) if lost else None)


def _query(metric: str, bus: str, rule: str) -> dict[str, Any]:
    """Rules of the default bus have the name alone as their dimension."""
    names = {"RuleName": rule} if bus == DEFAULT_BUS else {"EventBusName": bus, "RuleName": rule}
    dimensions = [{"Name": name, "Value": value} for name, value in names.items()]
    stat = {"Metric": {"Namespace": "AWS/Events", "MetricName": metric, "Dimensions": dimensions}}
    return {"Id": _id(metric), "MetricStat": {**stat, "Period": DAY_S, "Stat": "Sum"}}


def _id(metric: str) -> str:
    return metric[0].lower() + metric[1:]


def _sums(found: list[dict[str, Any]]) -> dict[str, float]:
    """The sum of each metric that has data, over all pages; each must be told, and whole on its last page."""
    last = {one["Id"]: one["StatusCode"] for one in found}
    lacking = [name for name in METRICS if last.get(_id(name)) != "Complete"]
    if lacking:
        raise NotObserved(
            f"{GET_METRIC_DATA} answered no whole data of {', '.join(lacking)}",
            fix="run the audit again; allow cloudwatch:GetMetricData",
        )
    sums: Counter[str] = Counter()
    points: Counter[str] = Counter()
    for one in found:
        sums[one["Id"]] += sum(one["Values"])
        points[one["Id"]] += len(one["Values"])
    return {name: float(sums[_id(name)]) for name in METRICS if points[_id(name)]}
