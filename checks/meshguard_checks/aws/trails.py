"""Checks of CloudTrail and of how long logs are kept."""

from __future__ import annotations

import fnmatch
from typing import Annotated

from meshguard.api import Field, Verdict, check, failed, judged, not_applicable, passed, undetermined
from meshguard.targets.aws import Aws, Place, region_of
from meshguard.targets.aws.stores_models import LogGroup
from meshguard.targets.aws.trails import Trail
from meshguard_checks.parsing.aws_trail_events import ManagementEvent, takes

SERVICES = ("", "iam", "sts", "ec2", "s3", "cloudtrail")
"""Services whose events stand for all; the empty one is any that no selector names."""
EVERYTHING = tuple(
    ManagementEvent(f"{service}.amazonaws.com" if service else "", is_read)
    for is_read in (True, False)
    for service in SERVICES
)
ASK_OWNER = "audit the account that owns it too: name it under `accounts`"


@check(
    "aws.cloudtrail",
    method="examine",
    over=Aws.places,
    fix="aws cloudtrail create-trail --name NAME --s3-bucket-name BUCKET --kms-key-id KEY --is-multi-region-trail "
    "--enable-log-file-validation; aws cloudtrail start-logging --name NAME\n"
    'Terraform: resource "aws_cloudtrail" { is_multi_region_trail = true, enable_log_file_validation = true, '
    "kms_key_id = aws_kms_key.trail.arn, enable_logging = true }",
)
async def cloudtrail(
    place: Place, aws: Aws, *, multi_region: bool = True, validated: bool = True, encrypted: bool = True
) -> Verdict:
    """A trail of all regions logs the place, sealed and encrypted (CloudTrail User Guide, "Security best practices").

    The trail may be the account's own or its organisation's; it is logging in this region, without an error of
    delivery, takes the management events that read and those that write, has log file validation, and a key of KMS.
    Events of KMS and of the RDS Data API may be left out here: see aws.cloudtrail_logs_secrets. CloudTrail's event
    history, which is always on and keeps 90 days, is no trail, and event data stores of CloudTrail Lake are not
    looked at.

    Args:
        multi_region: whether it must be a trail of all regions; a region that is enabled tomorrow has no other.
        validated: whether log file validation must be on and its digests delivered.
        encrypted: whether log files must be encrypted with a key of KMS.
    """
    found: list[Verdict] = []
    for trail in (await aws.trails_in(place)).items:
        lacks = [
            *(["records one region alone"] if multi_region and not trail.multi_region else []),
            *(["has no log file validation"] if validated and not trail.validated else []),
            *(["has no key of KMS"] if encrypted and trail.kms_key is None else []),
        ]
        if lacks:
            found.append(failed(f"{trail.name} {' and '.join(lacks)}"))
        else:
            found.append(await _recording(aws, place, trail, EVERYTHING, digests=validated))
            if found[-1].outcome == "pass":
                break  # one is enough, and what others say would change nothing
    return _best(found, "no trail records it")


def _event(said: str) -> ManagementEvent:
    service, _, name = said.partition(":")
    return ManagementEvent(f"{service}.amazonaws.com", is_read=True, name=name)


@check(
    "aws.cloudtrail_logs_secrets",
    method="examine",
    over=Aws.places,
    fix="aws cloudtrail put-event-selectors --trail-name NAME --event-selectors "
    '\'[{"ReadWriteType":"All","IncludeManagementEvents":true,"ExcludeManagementEventSources":[]}]\'\n'
    'Terraform: resource "aws_cloudtrail" { event_selector { read_write_type = "All", '
    "include_management_events = true, exclude_management_event_sources = [] } }",
)
async def cloudtrail_logs_secrets(
    place: Place,
    aws: Aws,
    *,
    events: tuple[Annotated[str, Field(pattern=r"^[a-z0-9-]+:[A-Za-z0-9]+$")], ...] = (
        "secretsmanager:GetSecretValue",
        "kms:Decrypt",
    ),
) -> Verdict:
    """Each reading of a secret is recorded by a trail (Secrets Manager User Guide, "Log AWS Secrets Manager events").

    These are management events that read: a trail of writes alone misses them, and so does one that leaves out the
    events of KMS. Several trails may share them. Whether a trail is sealed and encrypted is aws.cloudtrail.

    Args:
        events: what must be recorded, each service:Operation, all of them operations that read; add ssm:GetParameter
            where secrets are in the Parameter Store.
    """
    missing, unseen, by = [], [], set()
    for wanted in events:
        verdict = await _recorded_by_any(aws, place, _event(wanted))
        if verdict.outcome == "fail":
            missing.append(f"{wanted} is not recorded: {verdict.message}")
        elif verdict.outcome == "not-checked":
            unseen.append(verdict)
        else:
            by.add(str(verdict.got))
    if missing:
        return failed("; ".join(missing), want=events)
    return unseen[0] if unseen else passed(f"{' and '.join(events)} are recorded", got=by, want=events)


async def _recorded_by_any(aws: Aws, place: Place, event: ManagementEvent) -> Verdict:
    found: list[Verdict] = []
    for trail in (await aws.trails_in(place)).items:
        found.append(await _recording(aws, place, trail, (event,), digests=False))
        if found[-1].outcome == "pass":
            break
    return _best(found, "no trail records the place")


async def _recording(
    aws: Aws, place: Place, trail: Trail, events: tuple[ManagementEvent, ...], *, digests: bool
) -> Verdict:
    """Whether a trail records these events of a place now; delivery is asked in the place's own region."""
    status = await aws.trail_status(f"{trail.asker}/{region_of(place)}", trail.arn)
    if status is None:
        return undetermined(f"the status of {trail.name} of account {trail.owner} is not shown to it", fix=ASK_OWNER)
    if not status.logging:
        return failed(f"{trail.name} is not logging")
    error = status.delivery_error or (status.digest_error if digests else "")
    if error:
        return failed(f"{trail.name} does not deliver its files: {error}")
    selectors = await aws.trail_selectors(trail.home_place, trail.arn)
    if selectors is None:
        return undetermined(f"the selectors of {trail.name} of account {trail.owner} are not shown", fix=ASK_OWNER)
    missed = [str(event) for event in events if not takes(selectors, event, by_default=not trail.custom_selectors)]
    if missed:
        return failed(f"{trail.name} does not take {', '.join(missed)}")
    return passed(f"{trail.name} records it", got=trail.name)


def _best(found: list[Verdict], none: str) -> Verdict:
    """One trail in order is enough; where there is none, what was not seen leaves it open."""
    for outcome in ("pass", "not-checked"):
        for verdict in found:
            if verdict.outcome == outcome:
                return verdict
    return failed("; ".join(verdict.message for verdict in found) or none)


@check(
    "aws.log_retention",
    method="examine",
    over=Aws.log_groups,
    fix="aws logs put-retention-policy --log-group-name NAME --retention-in-days 365\n"
    'Terraform: resource "aws_cloudwatch_log_group" { retention_in_days = 365 }',
)
async def log_retention(
    group: LogGroup,
    aws: Aws,
    *,
    min_days: Annotated[int, Field(ge=1, le=3653)] = 365,
    max_days: Annotated[int, Field(ge=1, le=3653)] | None = None,
    for_ever: bool = True,
    names: tuple[str, ...] = ("*",),
) -> Verdict:
    """The log group keeps its events for at least `min_days` (CloudWatch Logs User Guide, "Working with log groups").

    A group without a retention keeps them for ever, which is longer than any minimum and may be against a promise to
    delete; `for_ever` and `max_days` decide.

    Args:
        min_days: fewest days that are accepted.
        max_days: most days that are accepted; one that keeps for ever is then refused too.
        for_ever: whether a group that never deletes is accepted.
        names: which groups are meant, as globs over their names.
    """
    del aws
    if not any(fnmatch.fnmatchcase(group.name, glob) for glob in names):
        return not_applicable(f"it is not among {', '.join(names)}")
    if group.log_class == "DELIVERY":
        return not_applicable("it only passes logs on: CloudWatch Logs fixes how long it keeps them")
    want = f"{min_days} to {max_days} days" if max_days else f"at least {min_days} days"
    days = group.retention_days
    if days is None:
        want = want if for_ever or max_days else f"{want}, and not for ever"
        return judged(for_ever and max_days is None, "its retention", got="for ever", want=want)
    return judged(min_days <= days <= (max_days or days), "its retention", got=f"{days} days", want=want)
