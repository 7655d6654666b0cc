"""CloudTrail: which trails record a place, whether they do so now, and which events they take."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import AwsModel, Place, Resource, account_of
from meshguard.targets.aws.operation import Operation

DESCRIBE_TRAILS = Operation("cloudtrail", "DescribeTrails", items="trailList")
GET_TRAIL_STATUS = Operation("cloudtrail", "GetTrailStatus")
GET_EVENT_SELECTORS = Operation("cloudtrail", "GetEventSelectors")
UNSEEN = ("TrailNotFoundException",)
"""What a member account may be told of a trail that belongs to its organisation."""
MAX_ERROR = 100


class Trail(Resource):
    """A trail as a place sees it: its own, or another region's or account's that records this place too."""

    home: str
    """The region that it was made in."""
    asker: str
    """The account that is asked of it: the owner where that is audited, else the one that sees it."""
    multi_region: bool
    organization: bool = False
    """Whether it is its organisation's, and so may belong to another account."""
    validated: bool
    """Whether digest files are delivered, by which a changed log file is noticed."""
    kms_key: str | None = None
    bucket: str
    log_group: str | None = None
    custom_selectors: bool = False

    @property
    def owner(self) -> str:
        """The account that made it."""
        return self.arn.split(":")[4]

    @property
    def home_place(self) -> Place:
        """Where its configuration is asked."""
        return f"{self.asker}/{self.home}"


class TrailStatus(AwsModel):
    """Whether a trail records, in one region (GetTrailStatus); errors are the codes of S3 and of CloudWatch Logs."""

    logging: bool
    delivery_error: str = ""
    digest_error: str = ""
    log_group_error: str = ""
    delivered: datetime | None = None
    """When log files were last delivered; None where none was yet."""


class DataResources(AwsModel):
    """Resources of one type whose data events a basic selector takes: ARNs, or beginnings of ARNs."""

    type: str
    values: tuple[str, ...] = ()


class BasicSelector(AwsModel):
    """A basic event selector."""

    read_write: str = "All"
    """ReadOnly, WriteOnly or All."""
    management: bool = True
    excluded: tuple[str, ...] = ()
    """Services whose management events it leaves out."""
    data: tuple[DataResources, ...] = ()


class FieldSelector(AwsModel):
    """What an advanced event selector demands of one field of an event."""

    field: str
    equals: tuple[str, ...] = ()
    starts_with: tuple[str, ...] = ()
    ends_with: tuple[str, ...] = ()
    not_equals: tuple[str, ...] = ()
    not_starts_with: tuple[str, ...] = ()
    not_ends_with: tuple[str, ...] = ()


class AdvancedSelector(AwsModel):
    """An advanced event selector: it takes the events that fit all of its fields."""

    name: str = ""
    fields: tuple[FieldSelector, ...]


class Selectors(AwsModel):
    """Which events a trail takes: those that any selector takes. A trail has basic or advanced ones."""

    basic: tuple[BasicSelector, ...] = ()
    advanced: tuple[AdvancedSelector, ...] = ()


class TrailFacts(AwsBase):
    """Facts of CloudTrail."""

    @fact
    async def trails(self) -> Listing[Trail]:
        """All trails that record any of the places, each once however many regions show it."""
        # A trail records the deployment whether or not it carries the deployment's tags.
        seen = await self.across(self.trails_in, taggable=False)
        once = {trail.arn: trail for trail in reversed(seen.items)}
        return seen.model_copy(update={"items": tuple(once[arn] for arn in sorted(once))})

    @fact
    async def trails_in(self, place: Place) -> Listing[Trail]:
        """The trails that record one place, those of other regions and of the organisation included."""
        audited = {account.id for account in (await self.accounts()).items}
        found = await self.pages(place, DESCRIBE_TRAILS, includeShadowTrails=True)
        with documented(DESCRIBE_TRAILS):
            return found_in(_trail(said, place, audited) for said in found)

    @fact
    async def trail_status(self, place: Place, arn: str) -> TrailStatus | None:
        """Whether a trail records the region of a place; None where it is not shown to the account."""
        answer = await self.call_or_none(place, GET_TRAIL_STATUS, UNSEEN, Name=arn)
        if answer is None:
            return None
        with documented(GET_TRAIL_STATUS):
            return TrailStatus(
                logging=answer["IsLogging"],
                delivery_error=_short(answer, "LatestDeliveryError"),
                digest_error=_short(answer, "LatestDigestDeliveryError"),
                log_group_error=_short(answer, "LatestCloudWatchLogsDeliveryError"),
                delivered=answer.get("LatestDeliveryTime"),
            )

    @fact
    async def trail_selectors(self, place: Place, arn: str) -> Selectors | None:
        """Which events a trail takes; asked in its home region. None where it is not shown to the account."""
        answer = await self.call_or_none(place, GET_EVENT_SELECTORS, UNSEEN, TrailName=arn)
        if answer is None:
            return None
        with documented(GET_EVENT_SELECTORS):
            return Selectors(
                basic=tuple(_basic(one) for one in answer.get("EventSelectors") or ()),
                advanced=tuple(_advanced(one) for one in answer.get("AdvancedEventSelectors") or ()),
            )


def _trail(said: dict[str, Any], place: Place, audited: set[str]) -> Trail:
    arn = str(said["TrailARN"])
    _, _, _, home, owner, _ = arn.split(":", 5)
    return Trail(
        arn=arn,
        place=place,
        name=said["Name"],
        home=home,
        asker=owner if owner in audited else account_of(place),
        multi_region=said["IsMultiRegionTrail"],
        organization=said.get("IsOrganizationTrail", False),
        validated=said.get("LogFileValidationEnabled", False),
        kms_key=said.get("KmsKeyId") or None,
        bucket=said["S3BucketName"],
        log_group=said.get("CloudWatchLogsLogGroupArn") or None,
        custom_selectors=said.get("HasCustomEventSelectors", False),
    )


def _short(answer: dict[str, Any], field: str) -> str:
    return str(answer.get(field) or "")[:MAX_ERROR]


def _basic(said: dict[str, Any]) -> BasicSelector:
    """Defaults are those that the API documents."""
    return BasicSelector(
        read_write=said.get("ReadWriteType", "All"),
        management=said.get("IncludeManagementEvents", True),
        excluded=tuple(said.get("ExcludeManagementEventSources") or ()),
        data=tuple(
            DataResources(type=one["Type"], values=tuple(one.get("Values") or ()))
            for one in said.get("DataResources") or ()
        ),
    )


def _advanced(said: dict[str, Any]) -> AdvancedSelector:
    return AdvancedSelector(
        name=said.get("Name", ""),
        fields=tuple(
            FieldSelector(
                field=one["Field"],
                equals=tuple(one.get("Equals") or ()),
                starts_with=tuple(one.get("StartsWith") or ()),
                ends_with=tuple(one.get("EndsWith") or ()),
                not_equals=tuple(one.get("NotEquals") or ()),
                not_starts_with=tuple(one.get("NotStartsWith") or ()),
                not_ends_with=tuple(one.get("NotEndsWith") or ()),
            )
            for one in said["FieldSelectors"]
        ),
    )
