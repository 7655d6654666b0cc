"""Service control policies that keep an organisation out of regions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

STORING = (
    "backup:CreateBackupVault",
    "dynamodb:CreateTable",
    "ec2:CopySnapshot",
    "ec2:CreateVolume",
    "ec2:RunInstances",
    "elasticfilesystem:CreateFileSystem",
    "rds:CopyDBSnapshot",
    "rds:CreateDBCluster",
    "rds:CreateDBInstance",
    "rds:CreateDBInstanceReadReplica",
    "secretsmanager:CreateSecret",
)
"""What puts data into a region. Buckets and the replicas of keys, tables and secrets are seen from elsewhere."""
REGION = "aws:requestedregion"
PRINCIPAL = "aws:principalarn"
_EXCEPTING = frozenset(["arnnotlike", "arnnotequals", "stringnotlike", "stringnotequals"])


def left_open(content: str, regions: Iterable[str], *, exceptions: bool) -> list[str]:
    """The regions where the policy does not deny all that stores data; all of them where it cannot be read.

    Args:
        content: the policy's JSON.
        regions: those that must be closed.
        exceptions: whether the denial may except named principals (aws:PrincipalArn).
    """
    try:
        said = json.loads(content)["Statement"]
        statements = [said] if isinstance(said, dict) else list(said)
        return [
            region
            for region in regions
            if not all(any(_denies(one, action, region, exceptions) for one in statements) for action in STORING)
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return list(regions)


def _denies(statement: Mapping[str, Any], action: str, region: str, exceptions: bool) -> bool:
    if statement.get("Effect") != "Deny" or "*" not in _several(statement.get("Resource")):
        return False
    if "NotAction" in statement:
        spoken_of = not _matches(action, statement["NotAction"])
    else:
        spoken_of = _matches(action, statement.get("Action"))
    conditions = statement.get("Condition") or {}
    return spoken_of and all(
        _holds(operator.lower(), key.lower(), _several(values), region, exceptions)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _holds(operator: str, key: str, values: list[str], region: str, exceptions: bool) -> bool:
    """Whether a condition is met by every request to the region, or by every one but those of named principals."""
    operator = operator.removesuffix("ifexists")
    if key == PRINCIPAL:
        # A star for the whole would except everybody.
        return exceptions and operator in _EXCEPTING and not {"*", "arn:*", "arn:aws:iam::*:*"} & set(values)
    if key != REGION or not operator.startswith("string"):
        return False
    like = operator.endswith("like")
    found = any(fnmatchcase(region, value.lower()) if like else region == value.lower() for value in values)
    known = ("stringequals", "stringequalsignorecase", "stringlike")
    negated = ("stringnotequals", "stringnotequalsignorecase", "stringnotlike")
    return found if operator in known else not found if operator in negated else False


def _matches(action: str, patterns: Any) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _several(patterns))


def _several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
