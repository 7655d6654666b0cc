"""Checks of KMS keys."""

from __future__ import annotations

from meshguard.api import Duration, Verdict, check, days, failed, not_applicable, passed, undetermined
from meshguard.targets.aws import Aws, Resource

CLI = "aws kms enable-key-rotation --key-id KEY --rotation-period-in-days 90"
TERRAFORM = 'Terraform: resource "aws_kms_key" { enable_key_rotation = true, rotation_period_in_days = 90 }'


@check("aws.kms_rotation", method="examine", over=Aws.keys, fix=f"{CLI}\n{TERRAFORM}")
async def kms_rotation(key: Resource, aws: Aws, *, max_period: Duration = days(90)) -> Verdict:
    """The key is rotated by KMS at least every `max_period` (AWS KMS Developer Guide, "Rotate AWS KMS keys").

    Args:
        max_period: longest accepted rotation period; KMS takes 90 to 2560 days.
    """
    said = await aws.key(key.place, key.arn)
    if said.manager == "AWS":
        return not_applicable("AWS manages it and rotates it every year")
    if said.state in ("PendingDeletion", "PendingReplicaDeletion"):
        return not_applicable(f"it is {said.state}")
    if said.spec != "SYMMETRIC_DEFAULT":
        return not_applicable(f"KMS cannot rotate a key of {said.spec}")
    rotation = await aws.key_rotation(key.place, key.arn)
    if not rotation.enabled:
        return failed("it is not rotated", want=max_period)
    if rotation.period_days is None:
        return undetermined("it is rotated, and how often was not said")
    return passed("ok") if days(rotation.period_days) <= max_period else failed("no")
