"""Checks of KMS keys: their rotation, their policies, and that the data stores use them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from meshguard.api import (
    Clock,
    Duration,
    Verdict,
    check,
    days,
    failed,
    judged,
    not_applicable,
    passed,
    show_duration,
    undetermined,
)
from meshguard.targets.aws import Aws, Resource
from meshguard.targets.aws.kms import Key, Rotation, is_aws_alias
from meshguard.targets.aws.stores_models import DataStore
from meshguard_checks.parsing.aws_policy import Answer, parse, public_statements

ROTATE = "aws kms enable-key-rotation --key-id KEY --rotation-period-in-days 90"
ROTATE_NOW = "aws kms rotate-key-on-demand --key-id KEY"
ROTATE_TERRAFORM = 'Terraform: resource "aws_kms_key" { enable_key_rotation = true, rotation_period_in_days = 90 }'
FIXES = {
    "AWS_KMS": ROTATE_NOW,
    "EXTERNAL": f"aws kms import-key-material --key-id KEY --import-type NEW_KEY_MATERIAL ...; {ROTATE_NOW}",
    "AWS_CLOUDHSM": "make a new key, and point the alias and the data stores to it",
}
"""What to do about an old key, by the origin of its material."""
A_YEAR = days(365)
"""The period of keys that AWS manages ("Rotate AWS KMS keys"); nobody can change it."""
A_DAY = days(1)
IDLE = {
    "Disabled": "it is disabled: it encrypts nothing, and KMS rotates no disabled key",
    "PendingDeletion": "it is to be deleted: it encrypts nothing",
    "PendingReplicaDeletion": "it is to be deleted: it encrypts nothing",
    "PendingImport": "it has no key material: it encrypts nothing",
}
"""States in which nothing can be encrypted with a key ("Key states of AWS KMS keys"), so no rotation is due."""
USABLE = ("Enabled", "Updating")


@dataclass(frozen=True)
class Rule:
    """What is demanded of a key's rotation."""

    max_period: timedelta
    recent: bool
    imported: Literal["by-age", "not-applicable"]
    used: bool
    """Whether a data store is known to use the key: then one that AWS manages is judged too."""


@check("aws.kms_rotation", method="examine", over=Aws.keys, fix=f"{ROTATE}\n{ROTATE_TERRAFORM}")
async def kms_rotation(
    key: Resource,
    aws: Aws,
    clock: Clock,
    *,
    max_period: Duration = days(90),
    recent: bool = True,
    imported: Literal["by-age", "not-applicable"] = "by-age",
) -> Verdict:
    """KMS rotates the key every `max_period` or oftener, and did within it (AWS KMS, "Rotate AWS KMS keys").

    Where rotation was turned on later, the first one comes a whole period after that: until then an old key is still
    the old key. A replica of a multi-Region key has its primary key's rotation and age. A disabled key is not judged:
    it encrypts nothing, KMS neither rotates it nor lets rotation be set, and it is judged again when it is enabled.
    Asymmetric and HMAC keys cannot be rotated by KMS.

    Args:
        max_period: longest accepted rotation period; KMS takes 90 to 2560 days. A day's delay is none.
        recent: whether the last rotation, or the making of the key, must lie within the period too.
        imported: keys with imported material or in a custom key store, which KMS does not rotate by itself. by-age: the
            last rotation on demand, or the making of the key, must lie within the period.
    """
    rule = Rule(max_period, recent, imported, used=False)
    return await _rotated(await aws.key(key.place, key.arn), aws, clock, rule)


@check("aws.store_keys_rotated", method="examine", over=Aws.store_keys, fix=f"{ROTATE}\n{ROTATE_TERRAFORM}")
async def store_keys_rotated(
    key: Resource,
    aws: Aws,
    clock: Clock,
    *,
    max_period: Duration = days(90),
    recent: bool = True,
    imported: Literal["by-age", "not-applicable"] = "by-age",
) -> Verdict:
    """The data store's key is rotated every `max_period` or oftener (AWS KMS, "Rotate AWS KMS keys").

    As `aws.kms_rotation`, over the keys that the named data stores use, also those of other accounts and those that
    the deployment's tags leave out. A key that AWS manages is rotated every year.

    Args:
        max_period: longest accepted rotation period; KMS takes 90 to 2560 days. A day's delay is none.
        recent: whether the last rotation, or the making of the key, must lie within the period too.
        imported: keys with imported material or in a custom key store; see `aws.kms_rotation`.
    """
    found = await aws.key_named(key.place, key.arn)
    if found is None:
        return failed("there is no such key", want="a key that exists")
    return await _rotated(found, aws, clock, Rule(max_period, recent, imported, used=True))


async def _rotated(key: Key, aws: Aws, clock: Clock, rule: Rule) -> Verdict:
    if key.manager == "AWS":
        return _by_aws(rule)
    if key.state in IDLE:
        return not_applicable(IDLE[key.state])
    if key.spec != "SYMMETRIC_DEFAULT":
        return not_applicable(f"KMS cannot rotate a key of {key.spec}")
    if key.origin != "AWS_KMS":
        return await _by_hand(key, aws, clock, rule)
    problem = _set_wrongly(key, await aws.key_rotation(key.place, key.arn), rule.max_period)
    if problem is not None or not rule.recent:
        return problem or passed(f"it is rotated at least every {show_duration(rule.max_period)}", want=rule.max_period)
    return await _by_age(key, aws, clock, rule)


def _by_aws(rule: Rule) -> Verdict:
    said = "AWS manages it and rotates it every year"
    if not rule.used:
        return not_applicable(said)
    if rule.max_period >= A_YEAR:
        return passed(said, got=A_YEAR, want=rule.max_period)
    return failed(said, got=A_YEAR, want=rule.max_period, fix="give the data store a customer-managed key")


def _set_wrongly(key: Key, rotation: Rotation, max_period: timedelta) -> Verdict | None:
    primary = f"on the primary key {key.primary}: {ROTATE}" if key.primary else ""
    if not rotation.enabled:
        return failed("it is not rotated", got="off", want=max_period, fix=primary)
    if rotation.period_days is None:
        return undetermined("it is rotated, and how often was not said")
    period = days(rotation.period_days)
    if period > max_period:
        return judged(False, "its rotation period", got=period, want=max_period, fix=primary)
    return None


async def _by_hand(key: Key, aws: Aws, clock: Clock, rule: Rule) -> Verdict:
    """Keys that KMS does not rotate by itself: imported material, and custom key stores."""
    if rule.imported == "not-applicable":
        return not_applicable(f"its material comes from {key.origin}, and KMS does not rotate it by itself")
    return await _by_age(key, aws, clock, rule)


async def _by_age(own: Key, aws: Aws, clock: Clock, rule: Rule) -> Verdict:
    """Whether the key was rotated or made within the period; whole days count, since a rotation takes its time.

    A replica has its primary key's material, which may be far older than the replica.
    """
    now = await clock.now()
    key = await aws.key_named(own.place, own.primary) if own.primary else own
    if key is None:
        return undetermined(f"its primary key {own.primary} was not found, so the age of its material is not known")
    if now - key.created < rule.max_period + A_DAY:
        return _aged(key, "it was made", key.created, now, rule.max_period)
    # KMS can be asked for rotations of these alone; those of a custom key store can only be replaced.
    rotations = await aws.key_rotations(key.place, key.arn) if key.origin in ("AWS_KMS", "EXTERNAL") else ()
    if rotations:
        return _aged(key, "it was last rotated", rotations[-1], now, rule.max_period)
    if key.origin == "EXTERNAL_KEY_STORE":
        return undetermined(
            "its external key manager may rotate it, and KMS does not see that",
            fix="set `imported: not-applicable`, and keep a record of its rotation",
        )
    return _aged(key, "it was never rotated, and made", key.created, now, rule.max_period)


def _aged(key: Key, what: str, when: datetime, now: datetime, max_period: timedelta) -> Verdict:
    age = now - when
    said = f"{what} {age.days} days ago, on {when:%Y-%m-%d}"
    if age < max_period + A_DAY:
        return passed(said, got=days(age.days), want=max_period)
    return failed(said, got=days(age.days), want=max_period, fix=FIXES.get(key.origin, ""))


@check(
    "aws.kms_in_use",
    method="examine",
    over=Aws.data_stores,
    fix="Give the data store a customer-managed key that is enabled, and cancel its deletion where that is scheduled: "
    "aws kms cancel-key-deletion --key-id KEY; aws kms enable-key --key-id KEY\n"
    'Terraform: resource "aws_kms_key" { is_enabled = true }, and its ARN as the data store\'s kms_key_id',
)
async def kms_in_use(store: DataStore, aws: Aws) -> Verdict:
    """The data store's key is customer-managed, there, and enabled (AWS KMS, "Key states of AWS KMS keys").

    A key that is to be deleted is not enabled. A store that is not there fails: nothing shows how its data is kept.
    """
    if store.exists is not True:
        return missing(store)
    if store.kms_key is None or is_aws_alias(store.kms_key):
        return failed("it uses no customer-managed key", got=store.kms_key or "none", want="a customer-managed key")
    key = await aws.key_named(store.place, store.kms_key)
    if key is None:
        return failed("the key that it names does not exist", got=store.kms_key, want="a key that exists")
    if key.manager != "CUSTOMER":
        return failed("its key is managed by AWS", got=key.arn, want="a customer-managed key")
    when = f"; it will be gone on {key.deleted_on:%Y-%m-%d}" if key.deleted_on else ""
    if key.state not in USABLE:
        return failed(f"its key {key.arn} is {key.state}{when}", got=key.state, want="Enabled")
    return passed(f"it uses the customer-managed key {key.arn}", got=key.state, want="Enabled")


def missing(store: DataStore) -> Verdict:
    """What is said of a store that the deployment names and that was not found."""
    if store.exists is None:
        return undetermined(f"there may be such a store, but not all was read: {store.unread}")
    return failed(
        "there is no such data store in the accounts and regions under audit",
        want=store.name,
        fix="correct its name under `data_stores` of the target, or name its account and region",
    )


@check(
    "aws.kms_key_policy",
    method="examine",
    over=Aws.keys,
    fix="Name accounts and roles, or bind the wildcard by a condition on kms:CallerAccount or aws:PrincipalOrgID: "
    "aws kms put-key-policy --key-id KEY --policy file://policy.json\n"
    'Terraform: resource "aws_kms_key_policy" { policy = data.aws_iam_policy_document.key.json }',
)
async def kms_key_policy(key: Resource, aws: Aws) -> Verdict:
    """The key's policy lets in nobody by a wildcard for principals (AWS KMS, "Key policies in AWS KMS").

    Conditions that bind the wildcard to accounts or organisations count. Disabled keys and those that are to be
    deleted are judged too: whoever may use the policy can bring them back.
    """
    said = await aws.key(key.place, key.arn)
    if said.manager == "AWS":
        return not_applicable("AWS manages it and its policy")
    found = public_statements(parse(await aws.key_policy(key.place, key.arn)))
    for one in found:
        if one.answer is Answer.YES:
            return failed(f"{one.statement} lets in anyone: {one.reason}", got=one.statement, want="fixed principals")
    for one in found:
        if one.answer is Answer.UNDECIDED:
            return undetermined(f"{one.statement} may let in anyone: {one.reason}")
    return passed(f"none of its {len(found)} statements that allow lets in anyone")
