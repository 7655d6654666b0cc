"""Which buckets a check of buckets speaks of."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from meshguard.api import Verdict, failed, not_applicable, undetermined
from meshguard.targets.aws import AwsSettings
from meshguard.targets.aws.s3_models import Bucket

Role = Literal["all", "backup", "audit", "data"]
"""The buckets of `backup_buckets`, of `audit_buckets`, or the s3: ones of `data_stores`."""

NAME_STORES = "name the stores that hold the deployment's data under `data_stores` of the target"


def passed_over(bucket: Bucket, said: AwsSettings, role: Role, names: tuple[str, ...]) -> Verdict | None:
    """Why the bucket is not looked at; None where it is.

    Args:
        bucket: one of the list.
        said: the target's settings.
        role: the part that it must have in the deployment.
        names: globs of names; none of them: any name.
    """
    of_role = named_as(said, role)
    if role != "all" and not of_role:
        setting = "data_stores" if role == "data" else f"{role}_buckets"
        return undetermined(f"the deployment names no {role} bucket", fix=f"name them under `{setting}` of the target")
    if role != "all" and bucket.name not in of_role:
        return not_applicable(f"it is no {role} bucket of the deployment")
    if names and not any(fnmatchcase(bucket.name, name) for name in names):
        return not_applicable("it is none of the buckets that are asked for")
    return missing(bucket)


def missing(bucket: Bucket) -> Verdict | None:
    """What is to say of a bucket that the deployment names, and that does not exist."""
    if bucket.owned != "missing":
        return None
    return failed("there is no bucket of this name", fix="make it, or correct the name in the deployment file")


def named_as(said: AwsSettings, role: Role) -> tuple[str, ...]:
    """The names that the deployment gives to buckets of a role."""
    stores = tuple(store.removeprefix("s3:") for store in said.data_stores if store.startswith("s3:"))
    return {"backup": said.backup_buckets, "audit": said.audit_buckets, "data": stores}.get(role, ())
