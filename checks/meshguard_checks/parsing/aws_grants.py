"""What a policy of IAM makes of those who hold it, and who that is."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from meshguard.targets.aws.iam_grants import Grant
from meshguard_checks.parsing.aws_policy import Answer, PolicyError, full_admin, parse, service_admin

ADMIN_SERVICES = ("iam", "kms", "organizations", "secretsmanager", "sts")
"""All of one of these leads to all of AWS, or to what it keeps secret."""
AWS_ADMIN = (
    "AdministratorAccess",
    "AWSOrganizationsFullAccess",
    "IAMFullAccess",
    "PowerUserAccess",
    "SecretsManagerReadWrite",
)
"""Policies of AWS that allow all, all but little, or all of one of these services (AWS Managed Policy Reference)."""
NOBODY = "nobody yet"


def admin_in(document: str, services: Iterable[str]) -> tuple[list[str], str]:
    """Sentences on what surely makes an administrator, and one on what cannot be settled; empty where there is none."""
    try:
        policy = parse(document)
    except PolicyError as fault:
        return [], f"its document could not be read: {fault}"
    unsettled = ""
    for found in (full_admin(policy), service_admin(policy, services)):
        if yes := [f"{one.statement}: {one.reason}" for one in found if one.answer is Answer.YES]:
            return yes, ""
        unsettled = unsettled or next((f"{one.statement}: {one.reason}" for one in found), "")
    return [], unsettled


def not_allowed(grant: Grant, allow: Iterable[str]) -> list[str]:
    """Holders that none of the globs names; IAM may count more than it lists, and those are named by nothing."""
    patterns = [one if "/" in one else f"role/{one}" for one in allow]
    found = [holder for holder in grant.holders if not is_one_of(holder, patterns)]
    unlisted = grant.attachments - len(grant.holders)
    if unlisted > 0:
        found.append(f"{unlisted} more that IAM does not list")
    return found if grant.attachments else [NOBODY]


def is_one_of(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the globs is the name."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
