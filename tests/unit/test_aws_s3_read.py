"""Answers about buckets, objects and backups, read in all the forms in which they are documented."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meshguard.targets.aws.backup_models import LastJobs, PlanRule, Restored, Selection
from meshguard.targets.aws.backup_read import (
    db_snapshot,
    last_jobs,
    plan_of,
    restored,
    selection_of,
    source_of,
    volume_snapshot,
)
from meshguard.targets.aws.s3_manifest import checksums_in
from meshguard.targets.aws.s3_models import LifecycleRule, ObjectLock, PublicAccessBlock, Stored
from meshguard.targets.aws.s3_read import (
    lifecycle_rule,
    object_lock_of,
    public_access_block_of,
    public_grants,
    stored_of,
)

RAW = hashlib.sha256(b"dump").digest()
HEX, BASE64 = RAW.hex(), base64.b64encode(RAW).decode()
SHA1 = hashlib.sha1(b"dump", usedforsecurity=False).hexdigest()
PLACE = "123456789012/us-east-1"
DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(f"{HEX}  dump.gz\n", {"dump.gz": {"sha256": HEX}}, id="sha256sum"),
        pytest.param(
            f"{HEX} *./dump.gz\r\n\r\n", {"dump.gz": {"sha256": HEX}}, id="binary mode, in a folder, from Windows"
        ),
        pytest.param(f"# daily\n{SHA1}  a b.gz", {"a b.gz": {"sha1": SHA1}}, id="a comment, and a space in the name"),
        pytest.param(f'{{"dump.gz": "{BASE64}"}}', {"dump.gz": {"sha256": HEX}}, id="JSON, base64 as S3 shows it"),
        pytest.param(
            f'{{"files": {{"a": "{HEX.upper()}"}}}}', {"a": {"sha256": HEX}}, id="JSON, upper case, under files"
        ),
        pytest.param(f'{{"a": {{"ChecksumSHA256": "{BASE64}"}}}}', {"a": {"sha256": HEX}}, id="JSON, S3's name"),
        pytest.param(f'{{"a": {{"SHA-256": "{HEX}", "size": 4}}}}', {"a": {"sha256": HEX}}, id="JSON, other members"),
        pytest.param(
            '{"a": {"CRC64NVME": "AAECAwQFBgc="}}', {"a": {"crc64nvme": "0001020304050607"}}, id="a CRC, named"
        ),
    ],
)
def test_a_manifest(text: str, found: dict[str, Any]) -> None:
    assert checksums_in(text) == found


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("PGDMP binary", id="a backup"),
        pytest.param("d41d8cd98f00b204e9800998ecf8427e  dump.gz", id="MD5"),
        pytest.param(f"{HEX}  a\n{'0' * 64}  a\n", id="one name twice"),
        pytest.param(f"{HEX[:-1]}  a", id="cut off"),
        pytest.param('{"a": "AAAA"}', id="too short"),
        pytest.param('{"a": {"sha256": "AAAA"}}', id="too short for its name"),
        pytest.param('{"a": 5}', id="a number"),
        pytest.param('{"files": ["a"]}', id="a list"),
        pytest.param('{"a": ', id="half of a JSON"),
    ],
)
def test_no_manifest(text: str) -> None:
    with pytest.raises(ValueError):
        checksums_in(text)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        pytest.param({"Expiration": {"Days": 7}}, {"days": 7}, id="all objects"),
        pytest.param({"Prefix": "tmp/", "Expiration": {"Days": 7}}, {"days": 7, "prefix": "tmp/"}, id="the older form"),
        pytest.param({"Filter": {"Prefix": ""}}, {}, id="an empty filter"),
        pytest.param({"Filter": {"Prefix": "a/"}}, {"prefix": "a/"}, id="a prefix"),
        pytest.param({"Filter": {"Tag": {"Key": "k", "Value": "v"}}}, {"filtered": True}, id="a tag"),
        pytest.param({"Filter": {"ObjectSizeGreaterThan": 1}}, {"filtered": True}, id="a size"),
        pytest.param(
            {"Filter": {"And": {"Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}]}}},
            {"prefix": "a/", "filtered": True},
            id="a prefix and a tag",
        ),
        pytest.param({"Expiration": {"Date": DAY}}, {"at": DAY}, id="a date"),
        pytest.param({"Expiration": {"ExpiredObjectDeleteMarker": True}}, {}, id="markers alone"),
        pytest.param(
            {"NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2}},
            {"noncurrent_days": 3, "newer_versions": 2},
            id="versions",
        ),
    ],
)
def test_a_lifecycle_rule(said: dict[str, Any], rule: dict[str, Any]) -> None:
    assert lifecycle_rule({"ID": "r", "Status": "Enabled", **said}) == LifecycleRule(name="r", enabled=True, **rule)


@pytest.mark.parametrize(
    ("said", "lock"),
    [
        pytest.param({}, None, id="off"),
        pytest.param({"ObjectLockEnabled": "Enabled"}, ObjectLock(), id="no default"),
        pytest.param(
            {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 7}}},
            ObjectLock(mode="COMPLIANCE", retention=timedelta(days=7)),
            id="days",
        ),
        pytest.param(
            {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 2}}},
            ObjectLock(mode="GOVERNANCE", retention=timedelta(days=730)),
            id="years",
        ),
    ],
)
def test_an_object_lock(said: dict[str, Any], lock: ObjectLock | None) -> None:
    assert object_lock_of(said) == lock


def test_what_a_block_does_not_say_is_off() -> None:
    assert public_access_block_of(None) == PublicAccessBlock()
    said = {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}
    assert public_access_block_of(said).off == ["IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]


def test_grants_to_strangers_are_those_to_two_groups() -> None:
    groups = "http://acs.amazonaws.com/groups"
    grants = [
        {"Grantee": {"Type": "CanonicalUser", "ID": "1"}, "Permission": "FULL_CONTROL"},
        {"Grantee": {"Type": "Group", "URI": f"{groups}/s3/LogDelivery"}, "Permission": "WRITE"},
        {"Grantee": {"Type": "Group", "URI": f"{groups}/global/AllUsers"}, "Permission": "READ"},
        {"Grantee": {"Type": "Group", "URI": f"{groups}/global/AuthenticatedUsers"}, "Permission": "WRITE"},
    ]
    assert public_grants(grants) == ("READ to AllUsers", "WRITE to AuthenticatedUsers")


@pytest.mark.parametrize(
    ("checksum", "stored"),
    [
        pytest.param(
            {"ChecksumSHA256": BASE64, "ChecksumType": "FULL_OBJECT"}, {"checksums": {"sha256": HEX}}, id="whole"
        ),
        pytest.param({"ChecksumSHA256": BASE64}, {"checksums": {"sha256": HEX}}, id="whole, as older answers say it"),
        pytest.param(
            {"ChecksumSHA256": BASE64, "ChecksumType": "COMPOSITE"}, {"composite": ("sha256",)}, id="of its parts"
        ),
        pytest.param({"ChecksumSHA256": f"{BASE64}-3"}, {"composite": ("sha256",)}, id="of three parts"),
        pytest.param({"ChecksumMD5": "AAAA"}, {}, id="MD5"),
        pytest.param(None, {}, id="none"),
    ],
)
def test_stored_checksums(checksum: dict[str, str] | None, stored: dict[str, Any]) -> None:
    answer = {"ObjectSize": 4} | ({"Checksum": checksum} if checksum else {})
    assert stored_of(answer) == Stored(**{"size": 4, "checksums": {}, "composite": ()} | stored)


@pytest.mark.parametrize(
    ("arn", "source"),
    [
        pytest.param("arn:aws:rds:us-east-1:1:db:patients", "rds:patients", id="a database"),
        pytest.param("arn:aws:rds:us-east-1:1:cluster:patients", "rds-cluster:patients", id="a DB cluster"),
        pytest.param("arn:aws:dynamodb:us-east-1:1:table/visits", "dynamodb:visits", id="a table"),
        pytest.param("arn:aws:elasticfilesystem:us-east-1:1:file-system/fs-1", "efs:fs-1", id="a file system"),
        pytest.param("arn:aws:ec2:us-east-1:1:volume/vol-1", "ebs:vol-1", id="a volume"),
        pytest.param("arn:aws-cn:s3:::scans.example", "s3:scans.example", id="a bucket"),
        pytest.param("arn:aws:ec2:us-east-1:1:instance/i-1", "", id="an instance"),
        pytest.param("rds:patients", "", id="no ARN"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_a_backup_was_made_of(arn: str, source: str) -> None:
    assert source_of(arn) == source


def test_a_snapshot_that_rds_encrypts_with_its_own_key_is_encrypted_without_a_key_of_kms() -> None:
    said = {
        "DBSnapshotArn": "arn:snapshot",
        "DBSnapshotIdentifier": "s",
        "DBInstanceIdentifier": "patients",
        "SnapshotType": "manual",
        "Encrypted": False,
        "StorageEncryptionType": "sse-rds",
    }
    found = db_snapshot(PLACE, said)
    assert (found.encrypted, found.key, found.source, found.created) == (True, "", "rds:patients", None)
    assert db_snapshot(PLACE, said | {"StorageEncryptionType": "none"}).encrypted is False


def test_the_copy_of_a_snapshot_does_not_tell_its_volume() -> None:
    said = {"SnapshotId": "snap-1", "VolumeId": "vol-ffffffff", "Encrypted": True, "KmsKeyId": "arn:key"}
    found = volume_snapshot(PLACE, "arn:aws:ec2:us-east-1::snapshot", said)
    assert (found.arn, found.source, found.key) == ("arn:aws:ec2:us-east-1::snapshot/snap-1", "", "arn:key")


@pytest.mark.parametrize(
    ("said", "selection"),
    [
        pytest.param({"Resources": ["arn:a"]}, {"arns": ("arn:a",)}, id="by ARN"),
        pytest.param({}, {"arns": ("*",)}, id="nothing is everything"),
        pytest.param(
            {"Resources": [], "NotResources": ["arn:b"]}, {"arns": ("*",), "not_arns": ("arn:b",)}, id="but one"
        ),
        pytest.param({"ListOfTags": [{"ConditionKey": "k"}]}, {"by_tags": True}, id="by tags"),
        pytest.param(
            {"Resources": ["*"], "Conditions": {"StringEquals": [{"ConditionKey": "k"}], "StringLike": []}},
            {"arns": ("*",), "conditions": True},
            id="if it has tags",
        ),
        pytest.param({"Conditions": {"StringEquals": [], "StringLike": []}}, {"arns": ("*",)}, id="empty conditions"),
    ],
)
def test_what_a_plan_selects(said: dict[str, Any], selection: dict[str, Any]) -> None:
    assert selection_of(said) == Selection(**selection)


def test_a_plans_rules() -> None:
    rules = [
        {
            "RuleName": "daily",
            "TargetBackupVaultName": "v",
            "Lifecycle": {"DeleteAfterDays": 7, "DeleteAfterEvent": "DELETE_AFTER_COPY"},
            "CopyActions": [
                {"DestinationBackupVaultArn": "arn:v", "Lifecycle": {"DeleteAfterDays": 30}},
                {"DestinationBackupVaultArn": "arn:w"},
            ],
        },
        {"RuleName": "kept", "TargetBackupVaultName": "v", "Lifecycle": {"DeleteAfterDays": -1}},
    ]
    answer = {"BackupPlanArn": "arn:aws:backup:us-east-1:1:backup-plan:p-1", "BackupPlan": {"BackupPlanName": "n"}}
    found = plan_of(PLACE, {**answer, "BackupPlan": {**answer["BackupPlan"], "Rules": rules}}, ())  # type: ignore[dict-item]
    assert found.id == "p-1"
    assert found.rules == (
        PlanRule(
            name="daily",
            vault="v",
            delete_days=7,
            copies_days=(30, None),
            copies_to=("arn:v", "arn:w"),
            only_copies=True,
        ),
        PlanRule(name="kept", vault="v", delete_days=None),
    )


def job(state: str, hours: int, **more: Any) -> dict[str, Any]:
    return {"ResourceArn": "arn:a", "State": state, "CreationDate": DAY + timedelta(hours=hours), **more}


BY_PLAN = {"CreatedBy": {"BackupPlanId": "p-1"}, "CompletionDate": DAY + timedelta(hours=2)}


@pytest.mark.parametrize(
    ("jobs", "state", "completed", "plan"),
    [
        pytest.param([job("COMPLETED", 1, **BY_PLAN)], "COMPLETED", 1, "p-1", id="one"),
        pytest.param([job("COMPLETED", 1, **BY_PLAN), job("FAILED", 2)], "FAILED", 1, "p-1", id="a later one failed"),
        pytest.param([job("FAILED", 2), job("COMPLETED", 3)], "COMPLETED", 3, "", id="a later one, by hand"),
        pytest.param([job("COMPLETED", 1), job("RUNNING", 2)], "COMPLETED", 1, "", id="one under way"),
        pytest.param([job("COMPLETED", 1), job("FAILED", 2, ParentJobId="j")], "COMPLETED", 1, "", id="a part of one"),
        pytest.param([job("FAILED", 1)], "FAILED", None, "", id="none was completed"),
        pytest.param([job("COMPLETED", 1, MessageCategory="SUCCESS")], "COMPLETED", 1, "", id="with success"),
        pytest.param(
            [job("COMPLETED", 1, MessageCategory="AccessDenied")], "COMPLETED with issues", None, "", id="with issues"
        ),
    ],
)
def test_the_last_jobs(jobs: list[dict[str, Any]], state: str, completed: int | None, plan: str) -> None:
    (found,) = last_jobs(jobs)
    began = None if completed is None else DAY + timedelta(hours=completed)
    assert found == LastJobs(source="arn:a", state=state, ended=found.ended, completed=began, plan=plan)


def restore(status: str, validation: str, hours: int) -> dict[str, Any]:
    said = {"SourceResourceArn": "arn:a", "Status": status, "CreationDate": DAY + timedelta(hours=hours)}
    return said | ({"ValidationStatus": validation} if validation else {})


@pytest.mark.parametrize(
    ("jobs", "newest"),
    [
        pytest.param([restore("COMPLETED", "SUCCESSFUL", 1)], ("COMPLETED", "SUCCESSFUL", 1), id="validated"),
        pytest.param([restore("COMPLETED", "", 1)], None, id="nobody validated it"),
        pytest.param([restore("COMPLETED", "VALIDATING", 1)], None, id="not yet validated"),
        pytest.param([restore("FAILED", "", 1)], ("FAILED", "", 1), id="failed"),
        pytest.param(
            [restore("COMPLETED", "SUCCESSFUL", 1), restore("COMPLETED", "FAILED", 2)],
            ("COMPLETED", "FAILED", 2),
            id="the newest counts",
        ),
        pytest.param(
            [restore("COMPLETED", "SUCCESSFUL", 2), restore("COMPLETED", "", 3), restore("FAILED", "", 1)],
            ("COMPLETED", "SUCCESSFUL", 2),
            id="one that nobody validated takes nothing away",
        ),
        pytest.param([{"Status": "FAILED", "CreationDate": DAY}], None, id="of what is not said"),
    ],
)
def test_the_last_restore(jobs: list[dict[str, Any]], newest: tuple[str, str, int] | None) -> None:
    found = restored(jobs)
    if newest is None:
        assert found == ()
    else:
        status, validation, hours = newest
        ended = DAY + timedelta(hours=hours)
        assert found == (Restored(source="arn:a", status=status, validation=validation, ended=ended),)
