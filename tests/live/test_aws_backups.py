"""Checks of backups against the test cloud: a good account, each weakness, each backup's due, and what is denied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from examples.healthmesh.cloud import backups, buckets, stores
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from tests.live.aws_buckets_help import Auditor, failing, started

from meshguard_checks.aws import (
    backup_bucket_separate,
    backup_encrypted,
    backup_integrity,
    backup_plan,
    backup_restore_tested,
    backup_retention,
    rds_backup,
    s3_object_lock,
    s3_public_access,
    s3_tls_only,
)

CHECKS = (
    backup_encrypted,
    backup_bucket_separate,
    backup_integrity,
    backup_restore_tested,
    backup_retention,
    backup_plan,
    rds_backup,
)
BUCKETS = (s3_object_lock, s3_public_access, s3_tls_only)
OF_BUCKET = {"aws.backup_bucket_separate", "aws.backup_integrity", "aws.backup_retention"}
OF_STORES = {"aws.backup_restore_tested", "aws.backup_plan"}
CALLS = {
    "s3:ListBuckets": OF_BUCKET | {"aws.backup_encrypted"},
    "s3:GetBucketEncryption": {"aws.backup_encrypted"},
    "s3:GetPublicAccessBlock": {"aws.backup_bucket_separate"},
    "s3:GetBucketPolicy": {"aws.backup_bucket_separate"},
    "s3:ListObjectsV2": {"aws.backup_integrity"},
    "s3:GetObjectAttributes": {"aws.backup_integrity"},
    "s3:GetObject": {"aws.backup_integrity"},
    "s3:GetObjectLockConfiguration": {"aws.backup_retention"},
    "rds:DescribeDBSnapshots": {"aws.backup_encrypted"},
    "rds:DescribeDBClusterSnapshots": {"aws.backup_encrypted"},
    "ec2:DescribeSnapshots": {"aws.backup_encrypted"},
    "backup:ListBackupVaults": {"aws.backup_encrypted"},
    "backup:ListRecoveryPointsByBackupVault": {"aws.backup_encrypted"},
    "kms:DescribeKey": {"aws.backup_encrypted"},
    "backup:ListRestoreJobs": {"aws.backup_restore_tested"},
    "backup:ListBackupPlans": {"aws.backup_plan"},
    "backup:GetBackupPlan": {"aws.backup_plan"},
    "backup:ListBackupSelections": {"aws.backup_plan"},
    "backup:GetBackupSelection": {"aws.backup_plan"},
    "backup:ListBackupJobs": {"aws.backup_plan"},
    "rds:DescribeDBInstances": {"aws.backup_encrypted", "aws.rds_backup", *OF_STORES},
    "dynamodb:DescribeTable": {"aws.backup_encrypted", *OF_STORES},
}
ALONE = {
    "s3:GetBucketEncryption",
    "rds:DescribeDBSnapshots",
    "rds:DescribeDBClusterSnapshots",
    "ec2:DescribeSnapshots",
    "backup:ListBackupVaults",
    "backup:ListRecoveryPointsByBackupVault",
    "s3:ListBuckets",
    "rds:DescribeDBInstances",
    "dynamodb:DescribeTable",
}
"""Operations that tell of a part of the resources: the others are judged without them."""


@pytest.fixture(scope="module")
def auditor() -> Iterator[Auditor]:
    with started() as cloud:
        auditor = Auditor(cloud)
        yield auditor
        auditor.close()


@pytest.fixture
def cloud(auditor: Auditor) -> Cloud:
    server = auditor.cloud
    server.control.reset()
    stores.good(server)
    backups.good(server)
    return server


@pytest.fixture
def outcomes(auditor: Auditor, cloud: Cloud) -> Any:
    """Audits the test cloud with some of the checks, or all of backups."""

    def audit(*checks: Any, **settings: Any) -> dict[tuple[str, str], str]:
        said = {"data_stores": stores.SETTINGS["data_stores"], **backups.SETTINGS, **settings}
        return auditor.audit(checks or CHECKS, buckets.PARAMETERS | backups.PARAMETERS, **said)

    return audit


def test_a_good_account_passes(outcomes: Any) -> None:
    found = outcomes(*CHECKS, *BUCKETS)
    # What RDS makes by itself has copies, which are judged in its place.
    assert set(found.values()) == {"pass", "not-applicable"}
    assert {check for (check, _), outcome in found.items() if outcome == "pass"} == {
        check.id for check in (*CHECKS, *BUCKETS)
    }


def test_each_backup_gets_the_verdict_that_it_deserves(cloud: Cloud, outcomes: Any) -> None:
    stores.bad(cloud, 1)
    backups.bad(cloud, 2)
    assert outcomes() == backups.manifest(cloud, 2)


@pytest.mark.parametrize("defect", backups.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(cloud: Cloud, defect: CloudDefect, outcomes: Any) -> None:
    defect.plant(cloud)
    assert failing(outcomes(*CHECKS, *BUCKETS)) == {defect.check, *defect.also}


def test_what_is_denied_is_never_a_pass(cloud: Cloud, outcomes: Any) -> None:
    wrong: list[str] = []
    for operation, checks in CALLS.items():
        cloud.control.fault(operation, "denied")
        found = outcomes()
        cloud.control.fault("*", "slow", seconds=0)
        open_ = {check for (check, _), outcome in found.items() if outcome in ("error", "unread", "not-checked")}
        passing = {check for (check, _), outcome in found.items() if outcome == "pass"}
        if open_ != checks or failing(found):
            wrong.append(f"{operation}: {open_ ^ checks}, failing {failing(found)}")
        if operation not in ALONE and passing & checks:
            wrong.append(f"{operation}: passes {passing & checks}")
    assert wrong == []


def test_a_vault_that_could_not_be_read_is_named(cloud: Cloud, outcomes: Any) -> None:
    backups.vaults(cloud, {"mg-vault-good-2": buckets.own_key(cloud, backups.ALIAS)})
    cloud.control.fault("backup:ListRecoveryPointsByBackupVault", "denied", match="mg-vault-good-2")
    found = outcomes(backup_encrypted)
    unread = [resource for (_, resource), outcome in found.items() if outcome == "unread"]
    assert unread == [f"arn:aws:backup:us-east-1:{cloud.account}:backup-vault:mg-vault-good-2 recovery points"]
    assert sum(outcome == "pass" for outcome in found.values()) == 7


def test_no_body_is_downloaded_but_the_manifests(cloud: Cloud, outcomes: Any) -> None:
    cloud.control.fault("s3:GetObject", "denied", match="dump.sql.gz?")
    assert set(outcomes(backup_integrity).values()) == {"pass"}
    cloud.control.fault("s3:GetObject", "denied", match=".sha256")
    assert set(outcomes(backup_integrity).values()) == {"error"}


def test_a_manifest_that_is_too_large_is_not_downloaded(cloud: Cloud, outcomes: Any) -> None:
    backups.dump(cloud, b"x", name="postgres/later.sql.gz", sums=False)
    s3 = cloud.client("s3")
    s3.put_object(Bucket=backups.BUCKET, Key="postgres/later.sql.gz.sha256", Body=b"x" * 1_000_001)
    cloud.control.forget_calls()
    assert set(outcomes(backup_integrity).values()) == {"error"}
    assert "s3:GetObject" not in cloud.control.counts()


def test_a_checksum_of_another_kind_settles_nothing(cloud: Cloud, outcomes: Any) -> None:
    s3 = cloud.client("s3")
    s3.put_object(Bucket=backups.BUCKET, Key=backups.DUMP, Body=b"a day's data", ChecksumAlgorithm="CRC32")
    assert set(outcomes(backup_integrity).values()) == {"not-checked"}


def test_backups_without_names_are_nothing_to_look_at(cloud: Cloud, outcomes: Any) -> None:
    found = outcomes(backup_bucket_separate, backup_retention, backup_plan, backup_buckets=[], data_stores=[])
    assert set(found.values()) == {"empty"}
