"""A whole account: what is said of each resource, and that no answer that is missing ever becomes a pass."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.healthmesh.cloud import account
from examples.healthmesh.cloud.builder import Cloud
from examples.healthmesh.cloud.control import Kind
from examples.healthmesh.cloud.server import running
from tests.live.aws_account import LARGE, Audited, Place, audited, aws_checks, differences, permissions

OPEN = ("error", "not-checked")
IDENTITY = "sts:GetCallerIdentity"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """One of each kind, good and bad."""
    with running() as server:
        cloud = Cloud(server.endpoint)
        account.good(cloud)
        account.bad(cloud)
        yield cloud


@pytest.fixture(scope="module")
def baseline(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The audit of it that nothing disturbs."""
    return audited(cloud, tmp_path_factory.mktemp("baseline"))


def test_one_of_each_kind_is_judged_as_it_was_built(cloud: Cloud, baseline: Audited) -> None:
    assert differences(baseline, account.manifest(cloud)) == []


@pytest.mark.parametrize("scale", [20, 200] if LARGE in os.environ else [20])
@pytest.mark.timeout(1800)
def test_many_of_each_kind_are_judged_as_they_were_built(scale: int, tmp_path: Path) -> None:
    with running(tmp_path / "cloud") as server:
        cloud = Cloud(server.endpoint)
        account.good(cloud, scale)
        account.bad(cloud, scale)
        found = audited(cloud, tmp_path / "audit")
        assert differences(found, account.manifest(cloud, scale)) == []


# --- what could not be looked at


def test_no_check_breaks_and_no_list_holds_a_resource_twice(baseline: Audited) -> None:
    assert baseline.twice == []
    assert {place: v.message for place, v in baseline.verdicts.items() if " broke: " in v.message} == {}


def test_each_operation_denied_leaves_no_pass_that_needs_it(cloud: Cloud, baseline: Audited, tmp_path: Path) -> None:
    wrong: list[str] = []
    for number, group in enumerate(apart(baseline)):
        said = disturbed(cloud, tmp_path / str(number), baseline, group, "denied")
        wrong += [fault for operation in group for fault in unsound(baseline, said, operation)]
    assert wrong == []


@pytest.mark.parametrize("kind", ["throttled", "error500", "unsupported", "expired"])
def test_no_answer_at_all_is_no_pass_and_no_failure(
    cloud: Cloud, baseline: Audited, tmp_path: Path, kind: Kind
) -> None:
    said = disturbed(cloud, tmp_path, baseline, sorted({made.name for made in baseline.calls} - {IDENTITY}), kind)
    assert {check for check, _ in said.outcomes} == set(aws_checks())
    # What does not apply by its name or kind alone needs no answer.
    settled = {place: outcome for place, outcome in said.outcomes.items() if outcome not in (*OPEN, "not-applicable")}
    assert settled == {}


@pytest.mark.parametrize("kind", ["error500", "unsupported"])
def test_lists_without_details_leave_no_pass_that_needs_one(
    cloud: Cloud, baseline: Audited, tmp_path: Path, kind: Kind
) -> None:
    details = sorted({made.name for made in baseline.calls} - listing(baseline) - {IDENTITY})
    said = disturbed(cloud, tmp_path, baseline, details, kind)
    assert [fault for operation in details for fault in unsound(baseline, said, operation)] == []


def disturbed(cloud: Cloud, folder: Path, baseline: Audited, operations: list[str], kind: Kind) -> Audited:
    """The audit of the checks that take these operations, while none of them answers."""
    concerned = {check for (check, _), taken in baseline.takes.items() if taken & set(operations)}
    for operation in operations:
        cloud.control.fault(operation, kind)
    try:
        # A throttled client slows itself down for good, and an expired one is made anew.
        return audited(cloud, folder, concerned, keep=kind not in ("throttled", "expired"))
    finally:
        lift(cloud)


def lift(cloud: Cloud) -> None:
    """End all faults: the newest one strikes, and this one does nothing. `clear` would forget the answers too."""
    cloud.control.fault("*", "slow", seconds=0)


def unsound(baseline: Audited, said: Audited, operation: str) -> Iterator[str]:
    """Each pass that needs an answer that was not given, and each check that does not say that it lacks one."""
    for place, needed in sorted(baseline.needs.items()):
        if operation in needed and said.outcomes.get(place) == "pass" and (place[0], operation) not in NOT_NEEDED:
            yield f"{place[0]} passes {place[1]} without {operation}"
    for check in sorted({check for (check, _), taken in baseline.takes.items() if operation in taken}):
        outcomes = [outcome for (judged, _), outcome in said.outcomes.items() if judged == check]
        if not any(outcome in OPEN for outcome in outcomes) and (check, operation) not in NOT_NEEDED:
            yield f"{check} does not say that it lacks {operation}: {outcomes}"


STORES = (
    "rds:DescribeDBInstances", "rds:DescribeDBClusters", "dynamodb:ListTables", "dynamodb:DescribeTable",
    "efs:DescribeFileSystems", "ec2:DescribeVolumes",
)  # fmt: skip
NOT_NEEDED: dict[Place, str] = {
    **{
        ("aws.backup_bucket_separate", one): "of the named data stores only buckets can be the backup's"
        for one in STORES
    },
    ("aws.s3_access_logging", "s3:ListBuckets"): "a bucket that the deployment names is found without the list",
}
"""Check and operation -> why a pass does not need it although it was read."""


def apart(baseline: Audited) -> list[list[str]]:
    """The operations in groups; no check takes two of one group, so that denying them together hides nothing."""
    takers = {
        operation: {check for (check, _), taken in baseline.takes.items() if operation in taken}
        for operation in sorted({made.name for made in baseline.calls} - {IDENTITY})
    }
    groups: list[list[str]] = []
    for operation in sorted(takers, key=lambda operation: -len(takers[operation])):
        free = [group for group in groups if not any(takers[operation] & takers[other] for other in group)]
        if free:
            free[0].append(operation)
        else:
            groups.append([operation])
    return groups


def listing(baseline: Audited) -> set[str]:
    """Operations that are called once in a place: without a parameter that names a resource."""
    return {made.name for made in baseline.calls if not named(made.parameters)}


def named(parameters: str) -> bool:
    said = json.loads(parameters)
    return bool(said.keys() - {"MaxResults", "MaxRecords", "MaxBuckets", "MaxItems", "Limit", "Scope", "Filter"})


# --- what may be called


def test_the_policy_allows_what_is_called_and_nothing_else(cloud: Cloud, baseline: Audited, tmp_path: Path) -> None:
    path = account.write(cloud, tmp_path, sorted(aws_checks()))
    command = [sys.executable, "-m", "meshguard", "plan", str(path), "--iam-policy"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    allowed = {action for part in json.loads(printed)["Statement"] for action in part["Action"]}
    known = permissions()
    called = {known[made.name] for made in baseline.calls} - {""}
    assert called - allowed == set()
    assert allowed - called == set(UNUSED)


UNUSED: dict[str, str] = {
    "ec2:DescribeClientVpnEndpoints": "where no instance answers Systems Manager",
    "ec2:DescribeInstances": "where a target group has instances, whose health names no zone",
    "ec2:DescribeVpnConnections": "where no instance answers Systems Manager",
    "ec2:GetManagedPrefixListEntries": "where a rule names a prefix list",
    "ecs:DescribeTasks": "where tasks run",
    "guardduty:GetFindings": "where there are findings",
    "kms:Decrypt": "where S3 encrypts the digest files with a key",
    "lambda:GetFunctionConfiguration": "where an alarm starts a function",
    "s3:GetBucketLocation": "where the list of buckets does not tell a region",
    "secretsmanager:ListSecretVersionIds": "where a secret was never rotated by the service",
    "synthetics:GetCanaryRuns": "where a canary runs just now",
}
"""Actions that this account does not make the audit take, and when they are taken."""
