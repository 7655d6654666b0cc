"""Buckets: encryption, access, logs, versions, locks, lifecycle."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from meshguard.api import Denied, Listing, NotObserved, Unread, Verdict, days
from meshguard.targets.aws import Account, Aws
from meshguard.targets.aws.kms import Key
from meshguard.targets.aws.s3_models import (
    AccessLog,
    Acl,
    Bucket,
    Encryption,
    LifecycleRule,
    ObjectLock,
    PublicAccessBlock,
    Versioning,
)
from meshguard.targets.aws.trails import (
    AdvancedSelector,
    BasicSelector,
    DataResources,
    FieldSelector,
    Selectors,
    Trail,
    TrailStatus,
)
from meshguard.testing import judge, recorded
from meshguard_checks.aws import (
    s3_access_logging,
    s3_encrypted,
    s3_lifecycle,
    s3_object_lock,
    s3_public_access,
    s3_tls_only,
    s3_versioning,
)

OWN = "123456789012"
HOME, FAR = f"{OWN}/us-east-1", f"{OWN}/eu-west-1"
NAME = "scans.example"
ARN = f"arn:aws:s3:::{NAME}"
AT = (FAR, NAME)
BUCKET = Bucket(arn=ARN, place=FAR, name=NAME)
FOREIGN = BUCKET.model_copy(update={"owned": "foreign"})
DENIED = Denied("s3 in eu-west-1: access denied (AccessDenied)", fix="allow it")
KEY_ARN = f"arn:aws:kms:eu-west-1:{OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ACCOUNTS: dict[Any, Any] = {Aws.accounts: {(): Listing(items=(Account(id=OWN, place=HOME),))}}
EXISTING: Listing[Bucket] = Listing(items=(BUCKET, Bucket(arn="arn:aws:s3:::logs", place=FAR, name="logs")))


def account(facts: dict[Any, Any], **settings: Any) -> Aws:
    return recorded(Aws, {**ACCOUNTS, **facts}, region="us-east-1", **settings)


def key(**fields: Any) -> Key:
    said: dict[str, Any] = {
        "arn": KEY_ARN,
        "place": FAR,
        "manager": "CUSTOMER",
        "state": "Enabled",
        "spec": "SYMMETRIC_DEFAULT",
        "usage": "ENCRYPT_DECRYPT",
        "origin": "AWS_KMS",
        "created": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Key(**said | fields)


def kms(**fields: Any) -> Encryption:
    return Encryption(**{"algorithm": "aws:kms", "key": KEY_ARN} | fields)


ALIAS = "arn:aws:kms:eu-west-1:123456789012:alias/aws/s3"


@pytest.mark.parametrize(
    ("said", "found", "parameters", "outcome"),
    [
        pytest.param(kms(), key(), {}, "pass", id="a customer-managed key"),
        pytest.param(kms(key="alias/scans"), key(), {}, "pass", id="by an alias"),
        pytest.param(kms(algorithm="aws:kms:dsse"), key(), {}, "pass", id="twice"),
        pytest.param(Encryption(algorithm="AES256"), key(), {}, "fail", id="S3's own keys, as every bucket"),
        pytest.param(None, key(), {}, "fail", id="no default, as other services than AWS's may say"),
        pytest.param(kms(key=""), key(), {}, "fail", id="no key named: aws/s3"),
        pytest.param(kms(key="alias/aws/s3"), key(), {}, "fail", id="aws/s3 by its name"),
        pytest.param(kms(key=ALIAS), key(), {}, "fail", id="aws/s3 by its ARN"),
        pytest.param(kms(), key(manager="AWS"), {}, "fail", id="aws/s3 by its key's ARN"),
        pytest.param(kms(algorithm="aws:fsx"), key(), {}, "fail", id="a file system's encryption"),
        pytest.param(kms(), None, {}, "fail", id="a key that does not exist"),
        pytest.param(kms(), key(state="Disabled"), {}, "fail", id="a disabled key"),
        pytest.param(kms(), key(state="PendingDeletion"), {}, "fail", id="a key that will be deleted"),
        pytest.param(kms(), DENIED, {}, "error", id="a key that may not be described"),
        pytest.param(DENIED, key(), {}, "error", id="denied"),
        pytest.param(kms(algorithm="aws:kms:dsse"), key(), {"twice": True}, "pass", id="twice, as wanted"),
        pytest.param(kms(), key(), {"twice": True}, "fail", id="once, and twice is wanted"),
        pytest.param(kms(bucket_key=True), key(), {"bucket_key": True}, "pass", id="with a bucket key"),
        pytest.param(kms(), key(), {"bucket_key": True}, "fail", id="without a bucket key"),
        pytest.param(
            kms(algorithm="aws:kms:dsse"),
            key(),
            {"bucket_key": True, "twice": True},
            "pass",
            id="DSSE has no bucket key",
        ),
        pytest.param(kms(refuses_sse_c=True), key(), {"refuse_sse_c": True}, "pass", id="SSE-C is refused"),
        pytest.param(kms(), key(), {"refuse_sse_c": True}, "fail", id="SSE-C is taken"),
    ],
)
async def test_encrypted(said: Any, found: Any, parameters: dict[str, Any], outcome: str) -> None:
    named = said.key if isinstance(said, Encryption) else KEY_ARN
    aws = account({Aws.encryption: {AT: said}, Aws.key_named: {(FAR, named): found}})

    assert (await judge(s3_encrypted, BUCKET, aws, **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("bucket", "settings", "parameters", "outcome"),
    [
        pytest.param(BUCKET, {}, {}, "pass", id="all"),
        pytest.param(BUCKET, {}, {"buckets": ("scans.*",)}, "pass", id="by a glob"),
        pytest.param(BUCKET, {}, {"buckets": ("scans",)}, "not-applicable", id="a part of a name is no name"),
        pytest.param(BUCKET, {"backup_buckets": [NAME]}, {"role": "backup"}, "pass", id="a backup bucket"),
        pytest.param(BUCKET, {"audit_buckets": [NAME]}, {"role": "audit"}, "pass", id="an audit bucket"),
        pytest.param(BUCKET, {"data_stores": [f"s3:{NAME}"]}, {"role": "data"}, "pass", id="a data bucket"),
        pytest.param(BUCKET, {"backup_buckets": ["dumps"]}, {"role": "backup"}, "not-applicable", id="another is"),
        pytest.param(BUCKET, {"data_stores": [f"rds:{NAME}"]}, {"role": "data"}, "not-checked", id="a database's name"),
        pytest.param(BUCKET, {}, {"role": "backup"}, "not-checked", id="no backup bucket is named"),
        pytest.param(BUCKET.model_copy(update={"owned": "missing"}), {}, {}, "fail", id="there is none of the name"),
        pytest.param(FOREIGN, {}, {}, "pass", id="another account's, which lets itself be read"),
    ],
)
async def test_a_check_speaks_of_the_buckets_that_are_chosen(
    bucket: Bucket, settings: dict[str, Any], parameters: dict[str, Any], outcome: str
) -> None:
    aws = account({Aws.versioning: {AT: Versioning(status="Enabled")}}, **settings)

    assert (await judge(s3_versioning, bucket, aws, **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("said", "parameters", "outcome"),
    [
        pytest.param(Versioning(status="Enabled"), {}, "pass", id="enabled"),
        pytest.param(Versioning(status="Suspended"), {}, "fail", id="suspended"),
        pytest.param(Versioning(status="never"), {}, "fail", id="never enabled"),
        pytest.param(Versioning(status="Enabled", mfa_delete=True), {"mfa_delete": True}, "pass", id="with MFA delete"),
        pytest.param(Versioning(status="Enabled"), {"mfa_delete": True}, "fail", id="without MFA delete"),
        pytest.param(DENIED, {}, "error", id="denied"),
    ],
)
async def test_versioning(said: Any, parameters: dict[str, Any], outcome: str) -> None:
    aws = account({Aws.versioning: {AT: said}})

    assert (await judge(s3_versioning, BUCKET, aws, **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("said", "parameters", "outcome"),
    [
        pytest.param(ObjectLock(mode="COMPLIANCE", retention=days(7)), {}, "pass", id="exactly long enough"),
        pytest.param(ObjectLock(mode="COMPLIANCE", retention=days(6)), {}, "fail", id="a day short"),
        pytest.param(ObjectLock(mode="COMPLIANCE", retention=days(30)), {"min_retention": "30d"}, "pass", id="30 days"),
        pytest.param(ObjectLock(mode="COMPLIANCE", retention=days(29)), {"min_retention": "30d"}, "fail", id="29 days"),
        pytest.param(ObjectLock(mode="GOVERNANCE", retention=days(99)), {}, "fail", id="governance can be bypassed"),
        pytest.param(
            ObjectLock(mode="GOVERNANCE", retention=days(7)), {"mode": "governance"}, "pass", id="governance will do"
        ),
        pytest.param(
            ObjectLock(mode="COMPLIANCE", retention=days(7)),
            {"mode": "governance"},
            "pass",
            id="compliance is stronger",
        ),
        pytest.param(ObjectLock(), {}, "fail", id="on, without a default retention"),
        pytest.param(None, {}, "fail", id="none"),
        pytest.param(DENIED, {}, "error", id="denied"),
    ],
)
async def test_object_lock(said: Any, parameters: dict[str, Any], outcome: str) -> None:
    aws = account({Aws.object_lock: {AT: said}})

    assert (await judge(s3_object_lock, BUCKET, aws, **parameters)).outcome == outcome


def rule(**fields: Any) -> LifecycleRule:
    return LifecycleRule(**{"name": "end", "enabled": True, "days": 30} | fields)


DATE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "status", "parameters", "outcome"),
    [
        pytest.param((rule(),), "never", {}, "pass", id="exactly within"),
        pytest.param((rule(days=31),), "never", {}, "fail", id="a day later"),
        pytest.param((), "never", {}, "fail", id="no rule"),
        pytest.param((rule(enabled=False),), "never", {}, "fail", id="disabled"),
        pytest.param((rule(filtered=True),), "never", {}, "fail", id="only some tags or sizes"),
        pytest.param((rule(days=None),), "never", {}, "fail", id="a rule that moves, and never deletes"),
        pytest.param((rule(days=None, at=DATE),), "never", {}, "fail", id="by a date"),
        pytest.param((rule(prefix="tmp/"),), "never", {}, "fail", id="only a prefix, and all are meant"),
        pytest.param((rule(prefix="tmp/"),), "never", {"prefix": "tmp/"}, "pass", id="the prefix that is meant"),
        pytest.param((rule(prefix="t"),), "never", {"prefix": "tmp/"}, "pass", id="a prefix of the prefix"),
        pytest.param((rule(prefix="tmp/a"),), "never", {"prefix": "tmp/"}, "fail", id="a part of the prefix"),
        pytest.param((rule(prefix="tmp/"), rule(days=30)), "never", {}, "pass", id="another rule takes all"),
        pytest.param((rule(),), "Enabled", {}, "fail", id="versions are kept without an end"),
        pytest.param((rule(days=29, noncurrent_days=1),), "Enabled", {}, "pass", id="versions end in time"),
        pytest.param((rule(days=29, noncurrent_days=2),), "Enabled", {}, "fail", id="versions end a day later"),
        pytest.param((rule(days=29), rule(days=None, noncurrent_days=1)), "Enabled", {}, "pass", id="two rules"),
        pytest.param(
            (rule(days=1, noncurrent_days=1, newer_versions=1),), "Enabled", {}, "fail", id="one version is kept"
        ),
        pytest.param((rule(),), "Suspended", {}, "fail", id="versions from before it was suspended"),
    ],
)
async def test_lifecycle(rules: Any, status: str, parameters: dict[str, Any], outcome: str) -> None:
    facts = {
        Aws.versioning: {AT: Versioning(status=status)},
        Aws.lifecycle: {AT: rules},
        Aws.object_lock: {AT: None},
    }

    said = await judge(s3_lifecycle, BUCKET, account(facts), expires_within="30d", **parameters)
    assert said.outcome == outcome


@pytest.mark.parametrize(
    ("lock", "outcome"),
    [
        pytest.param(ObjectLock(mode="GOVERNANCE", retention=days(30)), "pass", id="as long"),
        pytest.param(ObjectLock(mode="GOVERNANCE", retention=days(31)), "fail", id="longer than it may be kept"),
        pytest.param(ObjectLock(), "pass", id="without a default retention"),
        pytest.param(DENIED, "error", id="denied"),
    ],
)
async def test_a_lifecycle_does_not_delete_what_is_locked(lock: Any, outcome: str) -> None:
    facts = {
        Aws.versioning: {AT: Versioning(status="Enabled")},
        Aws.lifecycle: {AT: (rule(days=29, noncurrent_days=1),)},
        Aws.object_lock: {AT: lock},
    }

    assert (await judge(s3_lifecycle, BUCKET, account(facts), expires_within="30d")).outcome == outcome


async def test_a_lifecycle_rule_that_does_not_count_is_named_with_the_reason() -> None:
    facts = {
        Aws.versioning: {AT: Versioning(status="never")},
        Aws.lifecycle: {AT: (rule(enabled=False), rule(name="", prefix="tmp/"))},
        Aws.object_lock: {AT: None},
    }

    said = await judge(s3_lifecycle, BUCKET, account(facts), expires_within="30d")
    assert said.message == (
        "no rule of its lifecycle makes all objects expire: end is disabled; a rule takes only 'tmp/'"
    )


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


DENY_PLAIN = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [ARN, f"{ARN}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
PUBLIC = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
NAMED = PUBLIC | {"Principal": {"AWS": f"arn:aws:iam::{OWN}:role/reader"}}
ODD = PUBLIC | {"Principal": {"AWS": "arn:aws:iam::*:root"}}
ALL_ON = PublicAccessBlock(block_acls=True, ignore_acls=True, block_policy=True, restrict=True)
HALF = PublicAccessBlock(block_acls=True, ignore_acls=True)
OTHER_HALF = PublicAccessBlock(block_policy=True, restrict=True)
NONE_ON = PublicAccessBlock()
ENFORCED = Acl(ownership="BucketOwnerEnforced")


async def public(
    own: Any, its_account: Any, text: Any = None, acl: Any = None, bucket: Bucket = BUCKET, **parameters: Any
) -> Verdict:
    facts: dict[Any, Any] = {
        Aws.public_access_block: {AT: own},
        Aws.account_public_access: {(HOME,): its_account},
        Aws.bucket_policy: {AT: text},
    }
    if acl is not None:
        facts[Aws.bucket_acl] = {AT: acl}
    return await judge(s3_public_access, bucket, account(facts), **parameters)


@pytest.mark.parametrize(
    ("own", "its_account", "outcome"),
    [
        pytest.param(ALL_ON, NONE_ON, "pass", id="by the bucket"),
        pytest.param(NONE_ON, ALL_ON, "pass", id="by the account"),
        pytest.param(HALF, OTHER_HALF, "pass", id="by both together"),
        pytest.param(HALF, HALF, "fail", id="two settings are off"),
        pytest.param(ALL_ON.model_copy(update={"restrict": False}), NONE_ON, "fail", id="one setting is off"),
        pytest.param(NONE_ON, NONE_ON, "fail", id="not at all"),
        pytest.param(ALL_ON, DENIED, "pass", id="by the bucket, whatever the account's are"),
        pytest.param(HALF, DENIED, "error", id="the account's are denied"),
        pytest.param(DENIED, ALL_ON, "error", id="the bucket's are denied"),
    ],
)
async def test_public_access(own: Any, its_account: Any, outcome: str) -> None:
    assert (await public(own, its_account)).outcome == outcome


async def test_a_bucket_that_is_public_now_is_said_to_be() -> None:
    said = await public(HALF, NONE_ON, policy(PUBLIC))

    assert said.message.startswith("BlockPublicPolicy, RestrictPublicBuckets are off, and statement 1")
    assert said.got == "2 of 4 settings"


@pytest.mark.parametrize(
    ("own", "text", "acl", "outcome"),
    [
        pytest.param(NONE_ON, None, ENFORCED, "pass", id="no policy, no ACLs"),
        pytest.param(NONE_ON, policy(NAMED), ENFORCED, "pass", id="a policy for one role"),
        pytest.param(NONE_ON, policy(PUBLIC), ENFORCED, "fail", id="a policy for anyone"),
        pytest.param(OTHER_HALF, policy(PUBLIC), ENFORCED, "pass", id="a policy for anyone, restricted"),
        pytest.param(NONE_ON, policy(ODD), ENFORCED, "not-checked", id="a policy that leaves it open"),
        pytest.param(NONE_ON, "{", ENFORCED, "not-checked", id="a policy that cannot be read"),
        pytest.param(
            NONE_ON, None, Acl(ownership="ObjectWriter", public=("READ to AllUsers",)), "fail", id="an ACL for anyone"
        ),
        pytest.param(
            HALF, None, Acl(ownership="ObjectWriter", public=("READ to AllUsers",)), "pass", id="an ACL that is ignored"
        ),
        pytest.param(NONE_ON, None, Acl(ownership="BucketOwnerPreferred"), "not-checked", id="objects have ACLs"),
        pytest.param(NONE_ON, None, DENIED, "error", id="the ACL is denied"),
        pytest.param(NONE_ON, DENIED, ENFORCED, "error", id="the policy is denied"),
    ],
)
async def test_without_the_block_a_bucket_may_be_private(own: Any, text: Any, acl: Any, outcome: str) -> None:
    assert (await public(own, NONE_ON, text, acl, private_suffices=True)).outcome == outcome


@pytest.mark.parametrize(
    ("own", "outcome"),
    [pytest.param(ALL_ON, "pass", id="all on"), pytest.param(HALF, "not-checked", id="its account's are not seen")],
)
async def test_public_access_of_another_accounts_bucket(own: Any, outcome: str) -> None:
    assert (await public(own, ALL_ON, bucket=FOREIGN)).outcome == outcome


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        pytest.param(policy(DENY_PLAIN), "pass", id="denied on the bucket and its objects"),
        pytest.param(policy(DENY_PLAIN | {"Resource": f"{ARN}/*"}), "fail", id="denied on the objects alone"),
        pytest.param(policy(DENY_PLAIN | {"Action": "s3:GetObject"}), "fail", id="reading alone is denied"),
        pytest.param(policy(DENY_PLAIN | {"Effect": "Allow"}), "fail", id="allowed"),
        pytest.param(policy(NAMED), "fail", id="another policy"),
        pytest.param(None, "fail", id="no policy"),
        pytest.param("{", "not-checked", id="a policy that cannot be read"),
        pytest.param(DENIED, "error", id="denied"),
    ],
)
async def test_tls_only(text: Any, outcome: str) -> None:
    assert (await judge(s3_tls_only, BUCKET, account({Aws.bucket_policy: {AT: text}}))).outcome == outcome


TRAIL = Trail(
    arn=f"arn:aws:cloudtrail:us-east-1:{OWN}:trail/all",
    place=FAR,
    name="all",
    home="us-east-1",
    asker=OWN,
    multi_region=True,
    validated=True,
    bucket="logs",
)
OBJECTS = DataResources(type="AWS::S3::Object", values=("arn:aws:s3",))
TAKES_ALL = Selectors(basic=(BasicSelector(data=(OBJECTS,)),))
NO_DATA = Selectors(basic=(BasicSelector(),))


async def logging(
    log: Any = None,
    trails: Any = (),
    selectors: Any = TAKES_ALL,
    status: Any = None,
    existing: Any = EXISTING,
    bucket: Bucket = BUCKET,
    **parameters: Any,
) -> Verdict:
    facts: dict[Any, Any] = {
        Aws.access_log: {AT: log},
        Aws.all_buckets_in: {(HOME,): existing},
        Aws.trails_in: {(FAR,): Listing(items=trails) if isinstance(trails, tuple) else trails},
        Aws.trail_status: {(FAR, TRAIL.arn): status if status is not None else TrailStatus(logging=True)},
        Aws.trail_selectors: {(HOME, TRAIL.arn): selectors},
    }
    return await judge(s3_access_logging, bucket, account(facts), **parameters)


PART: Listing[Bucket] = Listing(items=EXISTING.items[:1], unread=(Unread(resource="arn:aws:s3:::x", reason="denied"),))


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        pytest.param({"log": AccessLog(bucket="logs")}, "pass", id="a server log in another bucket"),
        pytest.param({"log": AccessLog(bucket=NAME)}, "fail", id="a server log in itself"),
        pytest.param({"log": AccessLog(bucket="gone")}, "fail", id="a server log in a bucket that is gone"),
        pytest.param(
            {"log": AccessLog(bucket="gone"), "existing": PART}, "not-checked", id="not all buckets are known"
        ),
        pytest.param({"log": AccessLog(bucket="logs"), "existing": DENIED}, "error", id="the buckets are denied"),
        pytest.param(
            {"log": AccessLog(bucket="x"), "bucket": FOREIGN}, "not-checked", id="of an account not looked at"
        ),
        pytest.param({}, "fail", id="neither"),
        pytest.param({"log": DENIED}, "error", id="the setting is denied"),
        pytest.param({"trails": (TRAIL,)}, "pass", id="a trail"),
        pytest.param({"trails": (TRAIL,), "selectors": NO_DATA}, "fail", id="a trail without data events"),
        pytest.param({"trails": (TRAIL,), "status": TrailStatus(logging=False)}, "fail", id="a trail that is stopped"),
        pytest.param({"trails": (TRAIL,), "selectors": None}, "not-checked", id="a trail that is not shown"),
        pytest.param({"trails": DENIED}, "error", id="the trails are denied"),
        pytest.param({"trails": (TRAIL,), "selectors": DENIED}, "error", id="the selectors are denied"),
        pytest.param(
            {"trails": (TRAIL.model_copy(update={"bucket": NAME}),)}, "fail", id="a trail that writes to the bucket"
        ),
        pytest.param({"log": AccessLog(bucket="logs"), "trails": DENIED}, "pass", id="one of them is enough"),
        pytest.param({"log": AccessLog(bucket="logs"), "by": "server-log"}, "pass", id="a server log is wanted"),
        pytest.param({"trails": (TRAIL,), "by": "server-log"}, "fail", id="a trail where a server log is wanted"),
        pytest.param({"trails": (TRAIL,), "by": "cloudtrail"}, "pass", id="a trail is wanted"),
        pytest.param({"log": AccessLog(bucket="logs"), "by": "cloudtrail"}, "fail", id="a server log where a trail is"),
    ],
)
async def test_access_logging(said: dict[str, Any], outcome: str) -> None:
    assert (await logging(**said)).outcome == outcome


def basic(read_write: str, *values: str, kind: str = "AWS::S3::Object") -> BasicSelector:
    return BasicSelector(read_write=read_write, data=(DataResources(type=kind, values=values),))


def advanced(*fields: FieldSelector) -> Selectors:
    start = (
        FieldSelector(field="eventCategory", equals=("Data",)),
        FieldSelector(field="resources.type", equals=("AWS::S3::Object",)),
    )
    return Selectors(advanced=(AdvancedSelector(fields=(*start, *fields)),))


def on_arn(**conditions: Any) -> FieldSelector:
    return FieldSelector(field="resources.ARN", **conditions)


@pytest.mark.parametrize(
    ("selectors", "outcome"),
    [
        pytest.param(Selectors(basic=(basic("All", f"{ARN}/"),)), "pass", id="this bucket"),
        pytest.param(Selectors(basic=(basic("All", "arn:aws:s3:::"),)), "pass", id="all buckets"),
        pytest.param(Selectors(basic=(basic("All", f"{ARN}/a/"),)), "fail", id="a folder of it"),
        pytest.param(Selectors(basic=(basic("All", "arn:aws:s3:::scans/"),)), "fail", id="another bucket"),
        pytest.param(
            Selectors(basic=(basic("All", "arn:aws:lambda", kind="AWS::Lambda::Function"),)), "fail", id="Lambda"
        ),
        pytest.param(Selectors(basic=(basic("WriteOnly", f"{ARN}/"),)), "fail", id="writes alone"),
        pytest.param(
            Selectors(basic=(basic("WriteOnly", f"{ARN}/"), basic("ReadOnly", f"{ARN}/"))), "pass", id="both, by two"
        ),
        pytest.param(advanced(), "pass", id="advanced: all objects"),
        pytest.param(advanced(on_arn(starts_with=(f"{ARN}/",))), "pass", id="advanced: this bucket"),
        pytest.param(advanced(on_arn(starts_with=(f"{ARN}/a",))), "fail", id="advanced: a folder of it"),
        pytest.param(advanced(on_arn(equals=(f"{ARN}/a",))), "fail", id="advanced: one object"),
        pytest.param(advanced(on_arn(not_starts_with=("arn:aws:s3:::logs/",))), "pass", id="advanced: all but another"),
        pytest.param(advanced(on_arn(not_starts_with=(f"{ARN}/",))), "fail", id="advanced: all but this"),
        pytest.param(
            advanced(on_arn(not_starts_with=("arn:aws:s3:::scans",))), "fail", id="advanced: all but its like"
        ),
        pytest.param(advanced(on_arn(not_starts_with=(f"{ARN}/a",))), "fail", id="advanced: all but a folder of it"),
        pytest.param(advanced(on_arn(not_equals=(f"{ARN}/a",))), "fail", id="advanced: all but one object"),
        pytest.param(advanced(on_arn(ends_with=(".log",))), "fail", id="advanced: by the end of the name"),
        pytest.param(advanced(FieldSelector(field="readOnly", equals=("true",))), "fail", id="advanced: reads alone"),
        pytest.param(
            Selectors(
                advanced=(
                    *advanced(FieldSelector(field="readOnly", equals=("true",))).advanced,
                    *advanced(FieldSelector(field="readOnly", equals=("false",))).advanced,
                )
            ),
            "pass",
            id="advanced: both, by two",
        ),
        pytest.param(
            advanced(FieldSelector(field="eventName", equals=("DeleteObject",))), "fail", id="advanced: one operation"
        ),
        pytest.param(
            advanced(FieldSelector(field="userIdentity.arn", not_starts_with=("arn:aws:sts:",))),
            "fail",
            id="advanced: not all callers",
        ),
        pytest.param(
            Selectors(
                advanced=(AdvancedSelector(fields=(FieldSelector(field="eventCategory", equals=("Management",)),)),)
            ),
            "fail",
            id="advanced: management events",
        ),
    ],
)
async def test_which_selectors_take_all_data_events(selectors: Selectors, outcome: str) -> None:
    assert (await logging(trails=(TRAIL,), selectors=selectors)).outcome == outcome


async def test_nothing_that_is_not_observed_is_a_pass() -> None:
    gone = NotObserved("s3:GetBucketVersioning in eu-west-1: it answered an error (NoSuchBucket, HTTP 404)")

    assert (await judge(s3_versioning, BUCKET, account({Aws.versioning: {AT: gone}}))).outcome == "error"
    assert (await judge(s3_tls_only, BUCKET, account({}))).outcome == "not-checked"
