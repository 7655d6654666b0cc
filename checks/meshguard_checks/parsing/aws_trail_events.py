"""Which events a trail takes, as CloudTrail decides it ("Logging management events" in its user guide).

A trail takes an event that any of its selectors takes. An advanced selector takes those that fit all of its fields;
what an event is not known to have, no demand on it fits, so a selector that looks at one user alone is not enough.
"""

from __future__ import annotations

from dataclasses import dataclass

from meshguard.targets.aws.trails import AdvancedSelector, BasicSelector, FieldSelector, Selectors


@dataclass(frozen=True)
class ManagementEvent:
    """A management event to be asked of."""

    source: str
    """The service, such as kms.amazonaws.com; empty: any that no selector names."""
    is_read: bool
    name: str = ""
    """The API's operation; empty: any that no selector names."""

    def __str__(self) -> str:
        """For sentences."""
        service = self.source.removesuffix(".amazonaws.com")
        kind = "read" if self.is_read else "write"
        return f"{service}:{self.name}" if self.name else f"{kind} events{f' of {service}' if service else ''}"


def takes(selectors: Selectors, event: ManagementEvent, *, by_default: bool) -> bool:
    """Whether a trail takes the event; `by_default`: it has no selectors of its own, and so takes all such events."""
    if not selectors.basic and not selectors.advanced:
        return by_default
    return any(_basic(one, event) for one in selectors.basic) or any(_fits(one, event) for one in selectors.advanced)


def _basic(selector: BasicSelector, event: ManagementEvent) -> bool:
    wanted = ("All", "ReadOnly" if event.is_read else "WriteOnly")
    return selector.management and selector.read_write in wanted and event.source not in selector.excluded


def _fits(selector: AdvancedSelector, event: ManagementEvent) -> bool:
    fields = {
        "eventCategory": "Management",
        "eventSource": event.source,
        "readOnly": "true" if event.is_read else "false",
        "eventType": "AwsApiCall",
        "eventName": event.name or None,
    }
    # Without a category a selector is none that the API takes; it must not count as one for everything.
    is_management = any(one.field == "eventCategory" for one in selector.fields)
    return is_management and all(_accepts(one, fields.get(one.field)) for one in selector.fields)


def _accepts(demand: FieldSelector, value: str | None) -> bool:
    """The positive operators of a field are joined by "or", the negative ones by "and"."""
    if value is None:
        return False
    wanted = [
        *(value == one for one in demand.equals),
        *(value.startswith(one) for one in demand.starts_with),
        *(value.endswith(one) for one in demand.ends_with),
    ]
    refused = [
        *(value == one for one in demand.not_equals),
        *(value.startswith(one) for one in demand.not_starts_with),
        *(value.endswith(one) for one in demand.not_ends_with),
    ]
    return (any(wanted) or not wanted) and not any(refused)
