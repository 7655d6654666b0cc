"""GuardDuty, Security Hub and AWS Config: whether they are on, what they watch, and what they found."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import AwsModel, Place, Resource, account_of, region_of
from meshguard.targets.aws.operation import Operation

LIST_DETECTORS = Operation("guardduty", "ListDetectors", items="DetectorIds")
GET_DETECTOR = Operation("guardduty", "GetDetector")
GET_ADMINISTRATOR = Operation("guardduty", "GetAdministratorAccount", when="administrator")
LIST_DESTINATIONS = Operation("guardduty", "ListPublishingDestinations", items="Destinations", when="exported")
LIST_FINDINGS = Operation("guardduty", "ListFindings", items="FindingIds")
GET_FINDINGS = Operation("guardduty", "GetFindings", items="Findings")
DESCRIBE_HUB = Operation("securityhub", "DescribeHub")
GET_ENABLED_STANDARDS = Operation("securityhub", "GetEnabledStandards", items="StandardsSubscriptions")
DESCRIBE_RECORDERS = Operation("config", "DescribeConfigurationRecorders", items="ConfigurationRecorders")
DESCRIBE_RECORDER_STATUS = Operation(
    "config", "DescribeConfigurationRecorderStatus", items="ConfigurationRecordersStatus"
)
DESCRIBE_DELIVERIES = Operation("config", "DescribeDeliveryChannelStatus", items="DeliveryChannelsStatus")
DESCRIBE_RULES = Operation("config", "DescribeConfigRules", items="ConfigRules")
DESCRIBE_COMPLIANCE = Operation("config", "DescribeComplianceByConfigRule", items="ComplianceByConfigRules")
HUB_IS_OFF = ("InvalidAccessException", "ResourceNotFoundException")
"""Security Hub's words for an account that has not enabled it; a caller without the right gets AccessDenied."""
SHOWN_FINDINGS = 50
"""What GetFindings takes in one call."""
DELIVERIES = {
    "history": "configHistoryDeliveryInfo",
    "snapshot": "configSnapshotDeliveryInfo",
    "stream": "configStreamDeliveryInfo",
}


class Detector(Resource):
    """GuardDuty in a region (GetDetector)."""

    enabled: bool
    """False where it was suspended."""
    frequency: str
    """How often updated findings are published: FIFTEEN_MINUTES, ONE_HOUR, SIX_HOURS."""
    features: dict[str, bool] = Field({})
    """Whether each is on; a feature's own options as FEATURE/OPTION."""


class FoundThreat(AwsModel):
    """A finding of GuardDuty, without what it is about."""

    type: str
    severity: float


class Threats(AwsModel):
    """Findings that are not archived, from a severity on: how many, and the gravest of them."""

    count: int
    shown: tuple[FoundThreat, ...] = ()


class Standard(AwsModel):
    """A standard that Security Hub holds the account against."""

    arn: str
    status: str
    """PENDING, READY, FAILED, DELETING, INCOMPLETE."""
    reason: str = ""


class Recorder(AwsModel):
    """A configuration recorder of AWS Config, and whether it records."""

    name: str
    recording: bool
    last_status: str = ""
    """Of the last event that it recorded: pending, success, failure; in small letters, as AWS writes it both ways."""
    strategy: str
    """ALL_SUPPORTED_RESOURCE_TYPES, INCLUSION_BY_RESOURCE_TYPES or EXCLUSION_BY_RESOURCE_TYPES."""
    types: tuple[str, ...] = ()
    """The types that it takes alone, or leaves out, as its strategy says."""
    global_types: bool = False
    """Whether it records IAM's users, groups, roles and policies too."""


class Delivery(AwsModel):
    """A delivery channel of AWS Config: how each kind of delivery last went, in small letters."""

    name: str
    last: dict[str, str] = Field({})


class ConfigRule(Resource):
    """A rule of AWS Config."""

    owner: str
    """AWS, CUSTOM_LAMBDA or CUSTOM_POLICY."""
    identifier: str = ""
    """Of a managed rule, such as ENCRYPTED_VOLUMES."""
    state: str
    narrowed: bool = False
    """Whether it looks at one resource, or at those with a tag, alone."""
    detective: bool = True
    """Whether it evaluates what is deployed, and not only what is about to be."""


class DetectionFacts(AwsBase):
    """Facts of the services that watch an account."""

    @fact
    async def detectors_in(self, place: Place) -> Listing[Detector]:
        """GuardDuty's detector of one place; none where it was never enabled there."""
        partition = (await self.identity()).partition
        ids = await self.pages(place, LIST_DETECTORS)
        found = []
        for one in ids:
            said = await self.call(place, GET_DETECTOR, DetectorId=one)
            arn = f"arn:{partition}:guardduty:{region_of(place)}:{account_of(place)}:detector/{one}"
            with documented(GET_DETECTOR):
                found.append(
                    Detector(
                        arn=arn,
                        place=place,
                        name=one,
                        enabled=said["Status"] == "ENABLED",
                        frequency=said.get("FindingPublishingFrequency", ""),
                        features=_features(said.get("Features") or ()),
                    )
                )
        return found_in(found)

    @fact
    async def detector_administrator(self, place: Place, detector: str) -> str:
        """The account that administers a detector with the relation enabled; empty where none does."""
        answer = await self.call(place, GET_ADMINISTRATOR, DetectorId=detector)
        with documented(GET_ADMINISTRATOR):
            said = answer.get("Administrator") or {}
            is_on = str(said.get("RelationshipStatus", "")).lower() == "enabled"
            return str(said["AccountId"]) if is_on else ""

    @fact
    async def detector_exports(self, place: Place, detector: str) -> tuple[str, ...]:
        """The states of the destinations that a detector exports its findings to."""
        found = await self.pages(place, LIST_DESTINATIONS, DetectorId=detector)
        with documented(LIST_DESTINATIONS):
            return tuple(sorted(one["Status"] for one in found))

    @fact
    async def threats(self, place: Place, detector: str, at_least: int) -> Threats:
        """A detector's findings that are not archived, of a severity of `at_least` or more."""
        criteria = {
            "service.archived": {"Equals": ["false"]},
            "severity": {"GreaterThanOrEqual": at_least},
        }
        ids = await self.pages(
            place,
            LIST_FINDINGS,
            DetectorId=detector,
            FindingCriteria={"Criterion": criteria},
            SortCriteria={"AttributeName": "severity", "OrderBy": "DESC"},
        )
        if not ids:
            return Threats(count=0)
        said = await self.pages(place, GET_FINDINGS, DetectorId=detector, FindingIds=ids[:SHOWN_FINDINGS])
        with documented(GET_FINDINGS):
            shown = [FoundThreat(type=one["Type"], severity=one["Severity"]) for one in said]
        return Threats(count=len(ids), shown=tuple(sorted(shown, key=lambda one: (-one.severity, one.type))))

    @fact
    async def security_standards(self, place: Place) -> tuple[Standard, ...] | None:
        """The standards that Security Hub holds a place against; None where it is not enabled there."""
        if await self.call_or_none(place, DESCRIBE_HUB, HUB_IS_OFF) is None:
            return None
        found = await self.pages(place, GET_ENABLED_STANDARDS)
        with documented(GET_ENABLED_STANDARDS):
            standards = [
                Standard(
                    arn=one["StandardsArn"],
                    status=one["StandardsStatus"],
                    reason=(one.get("StandardsStatusReason") or {}).get("StatusReasonCode", ""),
                )
                for one in found
            ]
        return tuple(sorted(standards, key=lambda one: one.arn))

    @fact
    async def recorders(self, place: Place) -> tuple[Recorder, ...]:
        """The account's own configuration recorders in one place, and whether they record."""
        found = await self.pages(place, DESCRIBE_RECORDERS)
        states = await self.pages(place, DESCRIBE_RECORDER_STATUS) if found else []
        with documented(DESCRIBE_RECORDERS):
            by_name = {one["name"]: one for one in states}
            # A recorder that a service made for itself records for that service alone.
            return tuple(_recorder(one, by_name.get(one["name"], {})) for one in found if not _is_linked(one))

    @fact
    async def config_deliveries(self, place: Place) -> tuple[Delivery, ...]:
        """The delivery channels of AWS Config in one place, and how they last delivered."""
        found = await self.pages(place, DESCRIBE_DELIVERIES)
        with documented(DESCRIBE_DELIVERIES):
            return tuple(Delivery(name=one["name"], last=_last(one)) for one in found)

    @fact
    async def config_rules_in(self, place: Place) -> Listing[ConfigRule]:
        """The rules of AWS Config in one place."""
        found = await self.pages(place, DESCRIBE_RULES)
        with documented(DESCRIBE_RULES):
            return found_in(_rule(one, place) for one in found)

    @fact
    async def config_compliance(self, place: Place) -> dict[str, str]:
        """What AWS Config says by each rule's name: COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE, INSUFFICIENT_DATA."""
        found = await self.pages(place, DESCRIBE_COMPLIANCE)
        with documented(DESCRIBE_COMPLIANCE):
            return {
                one["ConfigRuleName"]: (one.get("Compliance") or {}).get("ComplianceType", "INSUFFICIENT_DATA")
                for one in found
            }


def _features(said: Any) -> dict[str, bool]:
    found = {}
    for one in said:
        found[str(one["Name"])] = one["Status"] == "ENABLED"
        for option in one.get("AdditionalConfiguration") or ():
            found[f"{one['Name']}/{option['Name']}"] = option["Status"] == "ENABLED"
    return found


def _is_linked(said: dict[str, Any]) -> bool:
    return bool(said.get("servicePrincipal")) or said.get("recordingScope") == "INTERNAL"


def _recorder(said: dict[str, Any], state: dict[str, Any]) -> Recorder:
    group = said.get("recordingGroup") or {}
    everything = "ALL_SUPPORTED_RESOURCE_TYPES" if group.get("allSupported") else "INCLUSION_BY_RESOURCE_TYPES"
    strategy = str((group.get("recordingStrategy") or {}).get("useOnly") or everything)
    excluded = (group.get("exclusionByResourceTypes") or {}).get("resourceTypes")
    types = excluded if strategy.startswith("EXCLUSION") else group.get("resourceTypes")
    return Recorder(
        name=said["name"],
        recording=state.get("recording", False),
        last_status=str(state.get("lastStatus") or "").lower(),
        strategy=strategy,
        types=tuple(types or ()),
        global_types=group.get("includeGlobalResourceTypes", False),
    )


def _last(said: dict[str, Any]) -> dict[str, str]:
    parts = {kind: (said.get(field) or {}).get("lastStatus") for kind, field in DELIVERIES.items()}
    return {kind: str(status).lower() for kind, status in parts.items() if status}


def _rule(said: dict[str, Any], place: Place) -> ConfigRule:
    scope = said.get("Scope") or {}
    modes = [one["Mode"] for one in said.get("EvaluationModes") or ()]
    return ConfigRule(
        arn=said["ConfigRuleArn"],
        place=place,
        name=said["ConfigRuleName"],
        owner=said["Source"]["Owner"],
        identifier=str(said["Source"].get("SourceIdentifier") or "")[:256],
        state=said.get("ConfigRuleState", ""),
        narrowed=bool(scope.get("TagKey") or scope.get("ComplianceResourceId")),
        detective=not modes or "DETECTIVE" in modes,
    )
