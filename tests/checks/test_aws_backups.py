"""Backups: their keys, their buckets, how long they are kept, whether they are made, whole and restorable."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from meshguard.api import Clock, Denied, Listing, Unread, Verdict, days
from meshguard.targets.aws import Account, Aws, Resource
from meshguard.targets.aws.backup_models import Backup, LastJobs, Plan, PlanRule, Restored, Selection
from meshguard.targets.aws.kms import Key
from meshguard.targets.aws.s3_models import (
    Bucket,
    Encryption,
    LifecycleRule,
    Manifest,
    ObjectLock,
    PublicAccessBlock,
    Stored,
    StoredObject,
    Versioning,
)
from meshguard.targets.aws.stores_models import Database, DataStore, DbInstance, Volume
from meshguard.testing import judge, recorded
from meshguard_checks.aws import (
    backup_bucket_separate,
    backup_encrypted,
    backup_integrity,
    backup_plan,
    backup_restore_tested,
    backup_retention,
    rds_backup,
)

OWN, OTHER = "123456789012", "210987654321"
HOME = f"{OWN}/us-east-1"
NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
DENIED = Denied("s3 in us-east-1: access denied (AccessDenied)", fix="allow it")
ACCOUNTS: dict[Any, Any] = {Aws.accounts: {(): Listing(items=(Account(id=OWN, place=HOME),))}}
KEYS = f"arn:aws:kms:us-east-1:{OWN}:key"
BACKUP_KEY, DATA_KEY, SPARE_KEY = f"{KEYS}/backup", f"{KEYS}/data", f"{KEYS}/spare"
PATIENTS = f"arn:aws:rds:us-east-1:{OWN}:db:patients"


def account(facts: dict[Any, Any], **settings: Any) -> Aws:
    return recorded(Aws, {**ACCOUNTS, **facts}, **{"region": "us-east-1", "data_stores": ["rds:patients"]} | settings)


def clock() -> Clock:
    return recorded(Clock, {Clock.now: {(): NOW}})


def key(arn: str, **fields: Any) -> Key:
    said: dict[str, Any] = {
        "arn": arn,
        "place": HOME,
        "manager": "CUSTOMER",
        "state": "Enabled",
        "spec": "SYMMETRIC_DEFAULT",
        "usage": "ENCRYPT_DECRYPT",
        "origin": "AWS_KMS",
        "created": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Key(**said | fields)


def backup(kind: Any = "vault", **fields: Any) -> Backup:
    said: dict[str, Any] = {"arn": "arn:backup", "place": HOME, "name": "one", "encrypted": True, "key": BACKUP_KEY}
    return Backup(kind=kind, **said | fields)


def instance(name: str = "patients", **fields: Any) -> DbInstance:
    said: dict[str, Any] = {
        "arn": f"arn:aws:rds:us-east-1:{OWN}:db:{name}",
        "place": HOME,
        "name": name,
        "encrypted": True,
        "kms_key": DATA_KEY,
        "engine": "postgres",
        "status": "available",
        "backup_days": 7,
        "deletion_protection": True,
        "copies_tags": True,
        "multi_az": True,
        "public": False,
    }
    return DbInstance(**said | fields)


def listed(*items: Any, **fields: Any) -> Listing[Any]:
    return Listing(items=items, **fields)


def of_stores(*arns: str, **fields: Any) -> Listing[Any]:
    return listed(*(Resource(arn=arn, place=HOME, name=arn.rpartition("/")[2]) for arn in arns), **fields)


async def encrypted(
    one: Backup,
    *,
    stores: Any = None,
    found: dict[str, Any] | None = None,
    databases: Any = None,
    others: tuple[Backup, ...] = (),
    settings: dict[str, Any] | None = None,
    said: Any = None,
    **parameters: Any,
) -> Verdict:
    keys = {arn: key(arn) for arn in (BACKUP_KEY, DATA_KEY, SPARE_KEY)} | (found or {})
    facts: dict[Any, Any] = {
        Aws.key_named: {(HOME, arn): one for arn, one in keys.items()},
        Aws.store_keys: {(): of_stores(DATA_KEY) if stores is None else stores},
        Aws.db_instances_in: {(HOME,): listed(instance()) if databases is None else databases},
        Aws.db_clusters_in: {(HOME,): listed()},
        Aws.volumes_in: {
            (HOME,): listed(
                Volume(arn="arn:volume", place=HOME, name="vol-1", encrypted=True, kms_key=SPARE_KEY),
                Volume(arn="arn:volume-2", place=HOME, name="vol-2", encrypted=False),
            )
        },
        Aws.backups: {(): listed(one, *others)},
        Aws.data_stores: {(): listed(store())},
        Aws.encryption: {(HOME, "one"): said},
    }
    return await judge(backup_encrypted, one, account(facts, **settings or {}), **parameters)


SNAPSHOT = {"source": "rds:patients", "made": "manual"}
AUTOMATED = backup("db-snapshot", source="rds:patients", made="automated", key=DATA_KEY)
COPY = backup("db-snapshot", arn="arn:copy", name="copy", **SNAPSHOT)
MRK, REPLICA = f"{KEYS}/mrk-1", f"arn:aws:kms:eu-west-1:{OWN}:key/mrk-1"


@pytest.mark.parametrize(
    ("one", "more", "outcome"),
    [
        pytest.param(backup(), {}, "pass", id="a vault with a key of its own"),
        pytest.param(backup(key=DATA_KEY), {}, "fail", id="a vault with the key of the data"),
        pytest.param(backup(key=""), {}, "fail", id="a key that AWS owns"),
        pytest.param(backup(key="alias/aws/backup"), {}, "fail", id="aws/backup by its name"),
        pytest.param(backup(), {"found": {BACKUP_KEY: key(BACKUP_KEY, manager="AWS")}}, "fail", id="aws/backup"),
        pytest.param(backup(), {"found": {BACKUP_KEY: None}}, "fail", id="a key that is gone"),
        pytest.param(
            backup(), {"found": {BACKUP_KEY: key(BACKUP_KEY, state="PendingDeletion")}}, "fail", id="a key that will be"
        ),
        pytest.param(backup(), {"found": {BACKUP_KEY: DENIED}}, "error", id="a key that may not be described"),
        pytest.param(backup(points=0), {}, "not-applicable", id="an empty vault, such as Default"),
        pytest.param(backup(points=0, kind="recovery-point"), {}, "pass", id="only vaults are empty"),
        pytest.param(backup(points=1, key=""), {}, "fail", id="a vault with one recovery point"),
        pytest.param(backup("recovery-point", source="dynamodb:visits"), {}, "pass", id="a recovery point"),
        pytest.param(backup("recovery-point", key="", encrypted=False), {}, "fail", id="a recovery point in the clear"),
        pytest.param(COPY, {}, "pass", id="a snapshot copied under another key"),
        pytest.param(
            backup("db-snapshot", key=DATA_KEY, **SNAPSHOT), {}, "fail", id="a snapshot with its source's key"
        ),
        pytest.param(
            backup("db-snapshot", key=SPARE_KEY, source="rds:visits"),
            {"databases": listed(instance("visits", kms_key=SPARE_KEY))},
            "fail",
            id="a snapshot with the key of a source that is no named store",
        ),
        pytest.param(COPY, {"databases": listed()}, "pass", id="the source is gone"),
        pytest.param(COPY, {"databases": DENIED}, "error", id="the sources are denied"),
        pytest.param(AUTOMATED, {}, "fail", id="an automated snapshot"),
        pytest.param(AUTOMATED, {"automated": False}, "fail", id="an automated one, and there is no copy"),
        pytest.param(
            AUTOMATED, {"automated": False, "others": (COPY,)}, "not-applicable", id="an automated one, and a copy"
        ),
        pytest.param(
            AUTOMATED,
            {"automated": False, "others": (COPY.model_copy(update={"source": "rds:visits"}),)},
            "fail",
            id="an automated one, and a copy of another database",
        ),
        pytest.param(
            AUTOMATED,
            {"automated": False, "others": (backup("vault", **SNAPSHOT),), "kinds": ("db-snapshot",)},
            "fail",
            id="an automated one, and a copy of a kind that is not looked at",
        ),
        pytest.param(
            AUTOMATED.model_copy(update={"source": "rds:wiki"}),
            {"automated": False},
            "not-applicable",
            id="an automated one of what is no data store",
        ),
        pytest.param(
            AUTOMATED,
            {"automated": False, "settings": {"data_stores": []}, "others": (COPY,)},
            "not-checked",
            id="an automated one, and no data stores are named",
        ),
        pytest.param(COPY, {"automated": False}, "pass", id="copies are judged all the same"),
        pytest.param(backup("volume-snapshot", source="ebs:vol-1"), {}, "pass", id="an EBS snapshot with another key"),
        pytest.param(
            backup("volume-snapshot", source="ebs:vol-1", key=SPARE_KEY),
            {},
            "fail",
            id="an EBS snapshot with its volume's",
        ),
        pytest.param(backup("volume-snapshot", source="ebs:vol-2"), {}, "pass", id="an EBS snapshot of a plain volume"),
        pytest.param(
            backup("volume-snapshot", key="", encrypted=False), {}, "fail", id="an EBS snapshot that is not encrypted"
        ),
        pytest.param(backup(), {"kinds": ("bucket",)}, "not-applicable", id="a kind that is not asked for"),
        pytest.param(backup(), {"settings": {"data_stores": []}}, "not-checked", id="no data stores are named"),
        pytest.param(
            backup(key=DATA_KEY),
            {"settings": {"data_stores": []}},
            "fail",
            id="none are named, and one is seen all the same",
        ),
        pytest.param(backup(), {"stores": of_stores()}, "pass", id="stores with AWS's own keys"),
        pytest.param(
            backup(),
            {"stores": of_stores(unread=(Unread(resource="rds:patients", reason="denied"),))},
            "not-checked",
            id="a store whose key is not known",
        ),
        pytest.param(backup(), {"stores": DENIED}, "error", id="the stores are denied"),
        pytest.param(
            backup(key=REPLICA),
            {"found": {REPLICA: key(REPLICA)}, "stores": of_stores(MRK)},
            "fail",
            id="the replica of a multi-Region key that a store uses",
        ),
        pytest.param(
            backup(key=f"arn:aws:kms:eu-west-1:{OWN}:key/data"),
            {"found": {f"arn:aws:kms:eu-west-1:{OWN}:key/data": key(f"arn:aws:kms:eu-west-1:{OWN}:key/data")}},
            "pass",
            id="another region's key of the same id is another key",
        ),
        pytest.param(
            backup("bucket", key=""), {"said": Encryption(algorithm="aws:kms", key=BACKUP_KEY)}, "pass", id="a bucket"
        ),
        pytest.param(
            backup("bucket"), {"said": Encryption(algorithm="aws:kms", key=DATA_KEY)}, "fail", id="a bucket, data"
        ),
        pytest.param(backup("bucket"), {"said": Encryption(algorithm="AES256")}, "fail", id="a bucket, S3's keys"),
        pytest.param(backup("bucket"), {"said": None}, "fail", id="a bucket without a default"),
        pytest.param(backup("bucket"), {"said": DENIED}, "error", id="a bucket, denied"),
        pytest.param(backup("bucket", owned="missing"), {}, "fail", id="a bucket that is not there"),
    ],
)
async def test_encrypted(one: Backup, more: dict[str, Any], outcome: str) -> None:
    assert (await encrypted(one, **more)).outcome == outcome


NAME = "dumps"
AT = (HOME, NAME)
BUCKET = Bucket(arn=f"arn:aws:s3:::{NAME}", place=HOME, name=NAME)
FOREIGN = BUCKET.model_copy(update={"owned": "foreign"})
ALL_ON = PublicAccessBlock(block_acls=True, ignore_acls=True, block_policy=True, restrict=True)
TLS_ONLY = json.dumps({
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [BUCKET.arn, f"{BUCKET.arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    },
})  # fmt: skip


def store(**fields: Any) -> DataStore:
    said: dict[str, Any] = {"arn": PATIENTS, "place": HOME, "name": "rds:patients", "kind": "rds", "encrypted": True}
    return DataStore(**said | fields)


async def separate(bucket: Bucket = BUCKET, **said: Any) -> Verdict:
    parameters = {name: said[name] for name in ("other_account", "owner") if name in said}
    settings = {name: said[name] for name in ("data_stores",) if name in said}
    facts: dict[Any, Any] = {
        Aws.data_stores: {(): said.get("stores", listed(store()))},
        Aws.public_access_block: {AT: said.get("block", ALL_ON)},
        Aws.account_public_access: {(HOME,): said.get("of_account", PublicAccessBlock())},
        Aws.bucket_policy: {AT: said.get("policy", TLS_ONLY)},
        Aws.owned_by: {(HOME, NAME, OTHER): said.get("owned_by", True)},
    }
    return await judge(backup_bucket_separate, bucket, account(facts, **settings), **parameters)


ELSEWHERE = listed(store(place=f"{OTHER}/us-east-1"))


@pytest.mark.parametrize(
    ("bucket", "said", "outcome"),
    [
        pytest.param(BUCKET, {}, "pass", id="its own, closed, TLS only"),
        pytest.param(BUCKET, {"data_stores": [f"s3:{NAME}"]}, "fail", id="a data store by name"),
        pytest.param(BUCKET, {"stores": listed(store(arn=BUCKET.arn))}, "fail", id="a data store by ARN"),
        pytest.param(BUCKET, {"data_stores": []}, "not-checked", id="no data stores are named"),
        pytest.param(BUCKET, {"stores": DENIED}, "error", id="the data stores are denied"),
        pytest.param(BUCKET, {"block": PublicAccessBlock()}, "fail", id="open"),
        pytest.param(BUCKET, {"block": PublicAccessBlock(), "of_account": ALL_ON}, "pass", id="closed by its account"),
        pytest.param(BUCKET, {"block": DENIED}, "error", id="the block is denied"),
        pytest.param(BUCKET, {"policy": None}, "fail", id="without TLS"),
        pytest.param(BUCKET, {"policy": "{"}, "not-checked", id="a policy that cannot be read"),
        pytest.param(BUCKET, {"policy": DENIED}, "error", id="the policy is denied"),
        pytest.param(BUCKET.model_copy(update={"owned": "missing"}), {}, "fail", id="not there"),
        pytest.param(BUCKET, {"other_account": True}, "fail", id="in the account of the data"),
        pytest.param(BUCKET, {"other_account": True, "stores": ELSEWHERE}, "pass", id="in another account"),
        pytest.param(
            BUCKET,
            {"other_account": True, "stores": listed(store(exists=False))},
            "not-checked",
            id="in another account than nobody knows",
        ),
        pytest.param(BUCKET, {"owner": OTHER}, "fail", id="another account was meant"),
        pytest.param(BUCKET, {"owner": OWN}, "pass", id="the account that was meant"),
        pytest.param(FOREIGN, {}, "not-checked", id="of an account that nobody named"),
        pytest.param(FOREIGN, {"owner": OTHER}, "pass", id="of the account that was named"),
        pytest.param(FOREIGN, {"owner": OTHER, "other_account": True}, "pass", id="of another account, as wanted"),
        pytest.param(FOREIGN, {"owner": OTHER, "owned_by": DENIED}, "error", id="of a stranger's account"),
        pytest.param(FOREIGN, {"owner": OTHER, "owned_by": False}, "fail", id="gone meanwhile"),
        pytest.param(FOREIGN, {"owner": OTHER, "block": PublicAccessBlock()}, "not-checked", id="its account's block"),
    ],
)
async def test_bucket_separate(bucket: Bucket, said: dict[str, Any], outcome: str) -> None:
    assert (await separate(bucket, **said)).outcome == outcome


def lock(length: float, mode: str = "COMPLIANCE") -> ObjectLock:
    return ObjectLock(mode=mode, retention=days(length))


def rule(**fields: Any) -> LifecycleRule:
    return LifecycleRule(**{"name": "end", "enabled": True} | fields)


DATE = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locked", "status", "rules", "parameters", "outcome"),
    [
        pytest.param(lock(7), "Enabled", (rule(days=1, noncurrent_days=1),), {}, "pass", id="locked as long"),
        pytest.param(lock(6), "Enabled", (rule(days=1, noncurrent_days=1),), {}, "fail", id="locked a day short"),
        pytest.param(lock(6), "Enabled", (), {}, "pass", id="locked a day short, and kept by versions"),
        pytest.param(None, "Enabled", (), {}, "pass", id="nothing expires"),
        pytest.param(None, "Enabled", (rule(days=1),), {}, "pass", id="objects expire, versions never"),
        pytest.param(None, "Enabled", (rule(days=30, noncurrent_days=7),), {}, "pass", id="versions kept as long"),
        pytest.param(None, "Enabled", (rule(days=30, noncurrent_days=6),), {}, "fail", id="versions kept a day short"),
        pytest.param(
            None, "Enabled", (rule(days=1, noncurrent_days=6),), {"against": "lifecycle"}, "pass", id="a day and six"
        ),
        pytest.param(
            None, "Enabled", (rule(days=1, noncurrent_days=5),), {"against": "lifecycle"}, "fail", id="a day and five"
        ),
        pytest.param(None, "never", (), {}, "fail", id="what is overwritten is gone"),
        pytest.param(None, "Suspended", (), {}, "fail", id="what is overwritten is gone since"),
        pytest.param(None, "never", (), {"against": "lifecycle"}, "pass", id="overwriting aside"),
        pytest.param(None, "never", (rule(days=7),), {"against": "lifecycle"}, "pass", id="exactly as long"),
        pytest.param(None, "never", (rule(days=6),), {"against": "lifecycle"}, "fail", id="a day short"),
        pytest.param(
            None, "never", (rule(days=6),), {"against": "lifecycle", "at_least": "6d"}, "pass", id="six are enough"
        ),
        pytest.param(None, "never", (rule(days=6, enabled=False),), {"against": "lifecycle"}, "pass", id="disabled"),
        pytest.param(None, "never", (rule(days=6, filtered=True),), {"against": "lifecycle"}, "fail", id="some tags"),
        pytest.param(None, "never", (rule(at=DATE),), {"against": "lifecycle"}, "fail", id="all at one date"),
        pytest.param(
            None, "never", (rule(days=1, prefix="tmp/"),), {"against": "lifecycle"}, "fail", id="some of the objects"
        ),
        pytest.param(
            None,
            "never",
            (rule(days=1, prefix="tmp/"),),
            {"against": "lifecycle", "prefix": "trail/"},
            "pass",
            id="other objects than are meant",
        ),
        pytest.param(
            None,
            "never",
            (rule(days=1, prefix="trail/2020/"),),
            {"against": "lifecycle", "prefix": "trail/"},
            "fail",
            id="a part of the objects that are meant",
        ),
        pytest.param(None, "Enabled", (), {"against": "deletion"}, "fail", id="versions can be deleted"),
        pytest.param(ObjectLock(), "Enabled", (), {"against": "deletion"}, "fail", id="a lock without a retention"),
        pytest.param(lock(6), "Enabled", (), {"against": "deletion"}, "fail", id="a lock a day short"),
        pytest.param(lock(7, "GOVERNANCE"), "Enabled", (), {"against": "deletion"}, "pass", id="a lock as long"),
        pytest.param(DENIED, "Enabled", (), {}, "error", id="the lock is denied"),
        pytest.param(None, "Enabled", DENIED, {}, "error", id="the lifecycle is denied"),
    ],
)
async def test_retention(locked: Any, status: str, rules: Any, parameters: dict[str, Any], outcome: str) -> None:
    facts = {
        Aws.object_lock: {AT: locked},
        Aws.versioning: {AT: Versioning(status=status)},
        Aws.lifecycle: {AT: rules},
    }

    said = await judge(backup_retention, BUCKET, account(facts, audit_buckets=[NAME]), **parameters)
    assert said.outcome == outcome


@pytest.mark.parametrize(
    ("settings", "role", "outcome"),
    [
        pytest.param({"backup_buckets": [NAME]}, "backup", "pass", id="of backups"),
        pytest.param({"audit_buckets": [NAME]}, "audit", "pass", id="of the audit trail"),
        pytest.param(
            {"audit_buckets": ["x"], "backup_buckets": [NAME]}, "audit", "not-applicable", id="the other role"
        ),
        pytest.param({"backup_buckets": [NAME]}, "audit", "not-checked", id="none of the role is named"),
    ],
)
async def test_retention_by_role(settings: dict[str, Any], role: str, outcome: str) -> None:
    aws = account({Aws.object_lock: {AT: lock(7)}}, **settings)

    assert (await judge(backup_retention, BUCKET, aws, role=role)).outcome == outcome


DUMP = StoredObject(name="pg/dump.gz", modified=NOW - days(1), size=10)
DIGEST, OTHER_DIGEST = "ab" * 32, "cd" * 32
HELD = Stored(size=10, checksums={"sha256": DIGEST}, composite=())
SAYS = Manifest(checksums={"dump.gz": {"sha256": DIGEST}}, modified=NOW)


async def integrity(
    newest: Any = DUMP, manifest: Any = SAYS, held: Any = HELD, bucket: Bucket = BUCKET, **parameters: Any
) -> Verdict:
    name = newest.name if isinstance(newest, StoredObject) else "pg/dump.gz"
    facts: dict[Any, Any] = {
        Aws.newest_object: {(HOME, NAME, "", "*.sha256"): newest},
        Aws.object_manifest: {(HOME, NAME, f"{name}.sha256"): manifest},
        Aws.object_checksums: {(HOME, NAME, name): held},
    }
    return await judge(backup_integrity, bucket, account(facts), clock(), **parameters)


def says(name: str, **checksums: str) -> Manifest:
    return Manifest(checksums={name: checksums}, modified=NOW)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        pytest.param({}, "pass", id="exactly a day old, and whole"),
        pytest.param(
            {"newest": DUMP.model_copy(update={"modified": NOW - days(1.001)})}, "fail", id="older than a day"
        ),
        pytest.param({"newest": None}, "fail", id="none at all"),
        pytest.param({"newest": DENIED}, "error", id="the list is denied"),
        pytest.param({"newest": DUMP.model_copy(update={"size": 0})}, "fail", id="empty"),
        pytest.param({"min_bytes": 10}, "pass", id="just large enough"),
        pytest.param({"min_bytes": 11}, "fail", id="a byte too small"),
        pytest.param({"manifest": None}, "fail", id="no manifest"),
        pytest.param({"manifest": DENIED}, "error", id="the manifest is denied"),
        pytest.param({"manifest": says("pg/dump.gz", sha256=DIGEST)}, "pass", id="by the whole key"),
        pytest.param({"manifest": says("other.gz", sha256=DIGEST)}, "fail", id="a manifest of another backup"),
        pytest.param({"manifest": says("dump.gz", sha256=OTHER_DIGEST)}, "fail", id="another checksum"),
        pytest.param({"manifest": says("dump.gz", sha1="ef" * 20)}, "not-checked", id="a checksum that S3 has not"),
        pytest.param(
            {"manifest": says("dump.gz", sha1="ef" * 20, sha256=OTHER_DIGEST)}, "fail", id="one of two, and it differs"
        ),
        pytest.param({"held": Stored(size=10, checksums={}, composite=())}, "not-checked", id="S3 has none"),
        pytest.param(
            {"held": Stored(size=10, checksums={}, composite=("sha256",))}, "not-checked", id="S3 has that of its parts"
        ),
        pytest.param({"held": DENIED}, "error", id="the checksum is denied"),
        pytest.param({"held": None}, "not-checked", id="deleted meanwhile"),
        pytest.param({"bucket": BUCKET.model_copy(update={"owned": "missing"})}, "fail", id="no such bucket"),
    ],
)
async def test_integrity(said: dict[str, Any], outcome: str) -> None:
    assert (await integrity(**said)).outcome == outcome


@pytest.mark.parametrize(
    ("march", "february", "outcome"),
    [
        pytest.param(DUMP, None, "pass", id="this month's"),
        pytest.param(None, DUMP, "pass", id="last month's, on the first day"),
        pytest.param(None, None, "fail", id="neither"),
        pytest.param(DUMP, DENIED, "error", id="one could not be looked at"),
    ],
)
async def test_a_prefix_may_have_parts_of_the_date(march: Any, february: Any, outcome: str) -> None:
    facts: dict[Any, Any] = {
        Aws.newest_object: {
            (HOME, NAME, "pg/2026/03/", "SUMS-2026"): march,
            (HOME, NAME, "pg/2026/02/", "SUMS-2026"): february,
        },
        Aws.object_manifest: {(HOME, NAME, "SUMS-2026"): SAYS},
        Aws.object_checksums: {(HOME, NAME, DUMP.name): HELD},
    }
    parameters = {"prefix": "pg/%Y/%m/", "manifest": "SUMS-%Y"}

    assert (await judge(backup_integrity, BUCKET, account(facts), clock(), **parameters)).outcome == outcome


def restore(
    validation: str = "SUCCESSFUL", status: str = "COMPLETED", age: float = 30, source: str = PATIENTS
) -> Restored:
    return Restored(source=source, status=status, validation=validation, ended=NOW - days(age))


@pytest.mark.parametrize(
    ("found", "parameters", "outcome"),
    [
        pytest.param((restore(),), {}, "pass", id="30 days ago"),
        pytest.param((restore(age=30.01),), {}, "fail", id="longer ago"),
        pytest.param((restore(age=7.01),), {"max_age": "7d"}, "fail", id="longer ago than a week"),
        pytest.param((restore("FAILED"),), {}, "fail", id="its validation failed"),
        pytest.param((restore("TIMED_OUT"),), {}, "fail", id="its validation was not done in time"),
        pytest.param((restore("", "FAILED"),), {}, "fail", id="the restore failed"),
        pytest.param((restore(source="arn:other"),), {}, "fail", id="of another store"),
        pytest.param((), {}, "fail", id="none"),
        pytest.param(DENIED, {}, "error", id="denied"),
    ],
)
async def test_restore_tested(found: Any, parameters: dict[str, Any], outcome: str) -> None:
    aws = account({Aws.restores_in: {(HOME,): found}})

    assert (await judge(backup_restore_tested, store(), aws, clock(), **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("exists", "outcome"), [pytest.param(False, "fail", id="nowhere"), pytest.param(None, "not-checked", id="not seen")]
)
async def test_a_store_that_is_not_found_has_no_backups(exists: bool | None, outcome: str) -> None:
    one = store(exists=exists, unread="us-west-2 could not be read")

    assert (await judge(backup_restore_tested, one, account({}), clock())).outcome == outcome
    assert (await judge(backup_plan, one, account({}), clock())).outcome == outcome


DAILY = PlanRule(name="daily", vault="v", delete_days=7)


def plan(*rules: PlanRule, **selection: Any) -> Plan:
    return Plan(
        arn=f"arn:aws:backup:us-east-1:{OWN}:backup-plan:p-1",
        place=HOME,
        name="nightly",
        rules=rules or (DAILY,),
        selections=(Selection(**selection or {"arns": (PATIENTS,)}),),
    )


def jobs(**fields: Any) -> tuple[LastJobs, ...]:
    said: dict[str, Any] = {
        "source": PATIENTS,
        "state": "COMPLETED",
        "ended": NOW,
        "completed": NOW - days(2),
        "plan": "p-1",
    }
    return (LastJobs(**said | fields),)


@pytest.mark.parametrize(
    ("plans", "last", "parameters", "outcome"),
    [
        pytest.param((plan(),), jobs(), {}, "pass", id="by its ARN, two days ago"),
        pytest.param((plan(),), jobs(completed=NOW - days(2.01)), {}, "fail", id="longer ago"),
        pytest.param(
            (plan(),), jobs(completed=NOW - days(1.01)), {"max_age": "1d"}, "fail", id="longer ago than a day"
        ),
        pytest.param((plan(),), jobs(state="FAILED"), {}, "fail", id="the last job failed"),
        pytest.param((plan(),), jobs(state="COMPLETED with issues"), {}, "fail", id="the last job has issues"),
        pytest.param((plan(),), jobs(completed=None, plan=""), {}, "fail", id="no job was completed"),
        pytest.param((plan(),), (), {}, "fail", id="no job at all"),
        pytest.param((plan(),), jobs(source="arn:other"), {}, "fail", id="another store's job"),
        pytest.param((), jobs(), {}, "fail", id="no plan"),
        pytest.param((plan(arns=("arn:aws:rds:*:*:db:*",)),), jobs(), {}, "pass", id="by a wildcard"),
        pytest.param((plan(arns=("*",)),), jobs(), {}, "pass", id="everything"),
        pytest.param((plan(arns=("arn:aws:rds:*:*:cluster:*",)),), jobs(), {}, "fail", id="other resources"),
        pytest.param((plan(arns=("*",), not_arns=(PATIENTS,)),), jobs(), {}, "fail", id="all but it"),
        pytest.param((plan(by_tags=True),), jobs(), {}, "pass", id="by tags, as its job shows"),
        pytest.param((plan(by_tags=True),), jobs(plan="p-2"), {}, "not-checked", id="by tags, and another plan did it"),
        pytest.param((plan(by_tags=True),), (), {}, "not-checked", id="by tags, and nothing shows it"),
        pytest.param((plan(arns=("*",), conditions=True),), (), {}, "not-checked", id="by its ARN, if it has tags"),
        pytest.param((plan(by_tags=True, not_arns=(PATIENTS,)),), jobs(), {}, "fail", id="by tags, but not it"),
        pytest.param((plan(DAILY.model_copy(update={"delete_days": 6})),), jobs(), {}, "fail", id="kept six days"),
        pytest.param(
            (plan(DAILY.model_copy(update={"delete_days": 6})),), jobs(), {"keep_days": 6}, "pass", id="six do"
        ),
        pytest.param((plan(DAILY.model_copy(update={"delete_days": None})),), jobs(), {}, "pass", id="without an end"),
        pytest.param(
            (plan(DAILY.model_copy(update={"delete_days": 1}), DAILY),),
            jobs(),
            {},
            "pass",
            id="one of two rules keeps it",
        ),
        pytest.param(
            (plan(DAILY.model_copy(update={"delete_days": 1, "copies_days": (7,)})),),
            jobs(),
            {},
            "pass",
            id="a copy is kept",
        ),
        pytest.param(
            (plan(DAILY.model_copy(update={"delete_days": None, "only_copies": True, "copies_days": (6,)})),),
            jobs(),
            {},
            "fail",
            id="deleted once it is copied, and the copy soon after",
        ),
        pytest.param(
            (plan(DAILY.model_copy(update={"only_copies": True})),), jobs(), {}, "fail", id="deleted after no copy"
        ),
        pytest.param(DENIED, jobs(), {}, "error", id="the plans are denied"),
        pytest.param((plan().model_copy(update={"rules": ()}),), jobs(), {}, "fail", id="no rule"),
        pytest.param((plan(),), DENIED, {}, "error", id="the jobs are denied"),
    ],
)
async def test_plan(plans: Any, last: Any, parameters: dict[str, Any], outcome: str) -> None:
    facts: dict[Any, Any] = {
        Aws.plans_in: {(HOME,): listed(*plans) if isinstance(plans, tuple) else plans},
        Aws.backup_jobs_in: {(HOME,): last},
    }

    assert (await judge(backup_plan, store(), account(facts), clock(), **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("fields", "parameters", "outcome"),
    [
        pytest.param({}, {}, "pass", id="seven days"),
        pytest.param({"backup_days": 6}, {}, "fail", id="six days"),
        pytest.param({"backup_days": 0}, {"min_days": 1}, "fail", id="off"),
        pytest.param({"backup_days": 1}, {"min_days": 1}, "pass", id="one is enough"),
        pytest.param({"deletion_protection": False}, {}, "pass", id="it may be deleted"),
        pytest.param({"deletion_protection": False}, {"deletion_protection": True}, "fail", id="it may, and must not"),
        pytest.param({}, {"deletion_protection": True, "copy_tags": True}, "pass", id="protected, with tags"),
        pytest.param({"copies_tags": False}, {"copy_tags": True}, "fail", id="without tags"),
        pytest.param({"cluster": "c", "backup_days": 0}, {}, "not-applicable", id="of a cluster"),
        pytest.param({"source": "patients", "backup_days": 0}, {}, "not-applicable", id="a read replica"),
    ],
)
async def test_rds_backup(fields: dict[str, Any], parameters: dict[str, Any], outcome: str) -> None:
    one = instance(**fields)
    database = Database.model_validate(one.model_dump(include=set(Database.model_fields)))
    aws = account({Aws.db_instances_in: {(HOME,): listed(one)}})

    assert (await judge(rds_backup, database, aws, **parameters)).outcome == outcome


async def test_a_database_whose_list_is_denied_is_an_error() -> None:
    aws = account({Aws.db_instances_in: {(HOME,): DENIED}})

    assert (await judge(rds_backup, instance(), aws)).outcome == "error"
