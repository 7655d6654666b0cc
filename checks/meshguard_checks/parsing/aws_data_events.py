"""Whether a trail's event selectors take all reads and writes of a bucket's objects (CloudTrail User Guide, "Data
events"; API Reference, DataResource and AdvancedFieldSelector).
"""

from __future__ import annotations

from meshguard.targets.aws.trails import AdvancedSelector, BasicSelector, FieldSelector, Selectors

OBJECT = "AWS::S3::Object"
BOTH = frozenset({"read", "write"})
_BASIC = {"All": BOTH, "ReadOnly": frozenset({"read"}), "WriteOnly": frozenset({"write"})}
_ADVANCED: dict[tuple[str, ...], frozenset[str]] = {("true",): frozenset({"read"}), ("false",): frozenset({"write"})}


def events_of(selectors: Selectors, bucket_arn: str) -> frozenset[str]:
    """Which of "read" and "write" are taken for every object of the bucket; what is taken for some is not counted."""
    taken: set[str] = set()
    for basic in selectors.basic:
        taken |= _basic(basic, bucket_arn)
    for advanced in selectors.advanced:
        taken |= _advanced(advanced, bucket_arn)
    return frozenset(taken)


def _basic(selector: BasicSelector, bucket_arn: str) -> frozenset[str]:
    # arn:aws:s3 is all buckets; a bucket's ARN counts with the slash after which the objects' keys begin.
    whole = bucket_arn.partition(":::")[0]
    wanted = (whole, f"{whole}:::", f"{bucket_arn}/")
    covers = any(one.type == OBJECT and any(value in wanted for value in one.values) for one in selector.data)
    return _BASIC.get(selector.read_write, frozenset()) if covers else frozenset()


def _advanced(selector: AdvancedSelector, bucket_arn: str) -> frozenset[str]:
    events = BOTH
    seen = set()
    for field in selector.fields:
        seen.add(field.field)
        if field.field == "readOnly":
            events = _ADVANCED.get(field.equals, frozenset())
        elif not _takes_all(field, bucket_arn):
            return frozenset()
    # Without a category the events are not data events; without a type there is no such selector.
    return events if {"eventCategory", "resources.type"} <= seen else frozenset()


def _takes_all(field: FieldSelector, bucket_arn: str) -> bool:
    if field.field == "eventCategory":
        return "Data" in field.equals
    if field.field == "resources.type":
        return OBJECT in field.equals
    if field.field == "eventSource":
        return field.equals == ("s3.amazonaws.com",)
    if field.field == "resources.ARN":
        return _covers_objects(field, f"{bucket_arn}/")
    # Any other field (eventName, userIdentity.arn, ...) narrows what is taken.
    return False


def _covers_objects(field: FieldSelector, start: str) -> bool:
    """Whether each ARN that begins with `start` fits."""
    if field.equals or field.ends_with or field.not_ends_with:
        return False
    if field.starts_with and not any(start.startswith(value) for value in field.starts_with):
        return False
    excluded = [value for value in field.not_starts_with if value.startswith(start) or start.startswith(value)]
    return not excluded and not any(value.startswith(start) for value in field.not_equals)
