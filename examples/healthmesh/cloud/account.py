"""The whole account: every topic's builder joined, and what an audit must say of each resource."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import (
    alarms,
    backups,
    buckets,
    deploys,
    detection,
    identity,
    keys,
    ledger,
    network,
    network_parts,
    secrets,
    serving,
    stores,
    trails,
)
from .builder import Cloud, CloudDefect

TOPICS: tuple[Any, ...] = (
    keys, stores, buckets, backups, identity, secrets, network, trails, detection, alarms, serving, deploys, ledger,
)  # fmt: skip
"""In the order in which they are built: who uses what another one made comes after it."""
DEFECTS: tuple[CloudDefect, ...] = tuple(defect for topic in TOPICS for defect in topic.DEFECTS)
TOGETHER: tuple[CloudDefect, ...] = tuple(defect for defect in DEFECTS if defect.name != "aws-rds-saved-short")
"""Those that can be had all at once: that one makes the database that another one makes."""
PARAMETERS: dict[str, dict[str, Any]] = {"aws.s3_lifecycle": {"expires_within": "2555d"}}
"""Of checks that need some, or that the account is built for."""
for _topic in TOPICS:
    PARAMETERS |= getattr(_topic, "PARAMETERS", {})
Manifest = dict[tuple[str, str], str]
"""Check and resource -> outcome."""
ROLE = "meshguard-audit"
TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJleGFtcGxlIn0."
"""An OIDC token that nobody signed: the test cloud takes any."""


def good(cloud: Cloud, n: int = 1) -> None:
    """An account in which all is well: `n` resources of each kind."""
    for topic in TOPICS:
        topic.good(cloud, n)


def bad(cloud: Cloud, n: int = 1) -> None:
    """Add `n` resources for each way in which one can be wrong."""
    for topic in TOPICS:
        topic.bad(cloud, n)


def manifest(cloud: Cloud, n: int = 1) -> Manifest:
    """Check and resource -> what an audit must say of what `good(cloud, n)` and `bad(cloud, n)` made."""
    said: Manifest = {}
    for topic in TOPICS:
        said |= topic.manifest(cloud, n)
    return {**_of_all(cloud, said), **said}


LOCATED = ("rds_encrypted", "ebs_encrypted", "dynamodb_encrypted", "efs_encrypted", "backup_encrypted", "s3_encrypted")
"""Checks of what holds data; all of it is in the allowed region."""
NO_SUBNET = (":table/", ":volume/")


def _of_all(cloud: Cloud, said: Manifest) -> Manifest:
    """What checks say that look at what several topics made."""
    named = {f"aws.{name}" for name in LOCATED} | {"aws.secret_age"}
    found: Manifest = {("aws.regions", resource): "pass" for check, resource in said if check in named}
    for plan in cloud.client("backup").list_backup_plans()["BackupPlansList"]:
        found["aws.regions", plan["BackupPlanArn"]] = "pass"
    for store in [resource for check, resource in said if check == "data_stores.encrypted"]:
        found["aws.subnets", store] = "not-applicable" if any(kind in store for kind in NO_SUBNET) else "pass"
    for bucket in [resource for check, resource in said if check == "ledger.immutable"]:
        found["aws.backup_retention", bucket] = "pass"
    for task in cloud.client("ecs").list_task_definitions()["taskDefinitionArns"]:
        found["aws.secrets_manager_in_use", task] = "not-applicable"
    return found


def settings(cloud: Cloud, folder: Path) -> dict[str, Any]:
    """The entry under `targets: aws:` of a deployment file in a folder; the token that it names is written there.

    The role is assumed with a token, as a CI job does it, so that no credentials need be in the environment.
    """
    token = folder / "aws.token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    said: dict[str, Any] = {
        "name": "main",
        "region": cloud.region,
        "endpoint": cloud.endpoint,
        "role": f"arn:aws:iam::{cloud.account}:role/{ROLE}",
        "web_identity_token": token.name,
        "allowed_regions": list(network_parts.INSIDE),
        "vpn_ranges": [network.VPN],
        "secrets_named": [secrets.NAMED],
    }
    for topic in TOPICS:
        for name, values in getattr(topic, "SETTINGS", {}).items():
            said[name] = [*said.get(name, []), *values]
    return said


def write(cloud: Cloud, folder: Path, checks: Iterable[str], **said: Any) -> Path:
    """Write a deployment file and a profile in which each check is a control of its own; the first one's path."""
    folder.mkdir(parents=True, exist_ok=True)
    controls = [
        {"id": f"one.{check}", "title": check, "priority": "high", "checks": [{check: PARAMETERS.get(check, {})}]}
        for check in checks
    ]
    profile = {"meshguard": 1, "id": "account", "title": "Account", "version": "1", "controls": controls}
    (folder / "profile.yaml").write_text(json.dumps(profile))
    target = {**settings(cloud, folder), **said}
    deployment = {"name": "account", "profile": "./profile.yaml", "targets": {"aws": [target]}}
    (folder / "meshguard.yaml").write_text(json.dumps(deployment))
    return folder / "meshguard.yaml"
