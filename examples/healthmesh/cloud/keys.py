"""KMS keys of the test cloud's account, well kept and not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .builder import Cloud, CloudDefect

STORES_ALIAS = "alias/mg-key-stores"
"""The key of all that holds data."""
PERIOD_DAYS = 90
OLD_DAYS = 400
ROTATION, POLICY, USED = "aws.kms_rotation", "aws.kms_key_policy", "aws.store_keys_rotated"
FLAWS: dict[str, dict[str, str]] = {
    "still": {ROTATION: "fail"},
    "slow": {ROTATION: "fail"},
    "old": {ROTATION: "fail"},
    "open": {POLICY: "fail"},
    "rsa": {ROTATION: "not-applicable"},
    "gone": {ROTATION: "not-applicable"},
    "idle": {ROTATION: "not-applicable"},
    "turned": {},
}
"""What marks a key's name -> what the checks say of it; "turned" is old, and was rotated lately."""


def good(cloud: Cloud, n: int = 1) -> None:
    """`n` keys that are rotated every 90 days, and the one of all data stores."""
    stores_key(cloud)
    for i in range(1, n + 1):
        key(cloud, f"mg-key-good-{i}")


def bad(cloud: Cloud, n: int = 1) -> None:
    """`n` keys for each way in which one can be wrong, and for each in which it is not judged."""
    kms = cloud.client("kms")
    for i in range(1, n + 1):
        key(cloud, f"mg-key-still-{i}", period=0)
        key(cloud, f"mg-key-slow-{i}", period=365)
        key(cloud, f"mg-key-open-{i}", policy=open_policy(cloud))
        key(cloud, f"mg-key-rsa-{i}", period=0, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
        kms.schedule_key_deletion(KeyId=_id(key(cloud, f"mg-key-gone-{i}", period=0)), PendingWindowInDays=7)
        kms.disable_key(KeyId=_id(key(cloud, f"mg-key-idle-{i}", period=0)))
    with long_ago(cloud, OLD_DAYS):
        turned = [key(cloud, f"mg-key-turned-{i}") for i in range(1, n + 1)]
        for i in range(1, n + 1):
            key(cloud, f"mg-key-old-{i}")
    for arn in turned:
        kms.rotate_key_on_demand(KeyId=arn)


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What each check must say of each key of the account, those that other topics made among them."""
    del n
    kms = cloud.client("kms")
    names = {
        one["TargetKeyId"]: one["AliasName"] for one in _all(kms, "list_aliases", "Aliases") if "TargetKeyId" in one
    }
    said: dict[tuple[str, str], str] = {}
    for one in _all(kms, "list_keys", "Keys"):
        name = names.get(one["KeyId"], "")
        flaw = next((flaw for flaw in FLAWS if name.startswith(f"alias/mg-key-{flaw}-")), "")
        usual = "not-applicable" if name.startswith("alias/aws/") else "pass"
        for check in (ROTATION, POLICY):
            said[check, one["KeyArn"]] = FLAWS.get(flaw, {}).get(check, usual)
    said[USED, stores_key(cloud)] = "pass"
    return said


def _all(client: Any, method: str, items: str) -> list[Any]:
    return [one for page in client.get_paginator(method).paginate() for one in page[items]]


@contextmanager
def long_ago(cloud: Cloud, days: float) -> Iterator[None]:
    """What is made in the block is `days` old."""
    cloud.control.clock(-days)
    try:
        yield
    finally:
        cloud.control.clock(0)


def key(cloud: Cloud, name: str, *, period: int = PERIOD_DAYS, policy: str = "", region: str = "", **more: Any) -> str:
    """A key's ARN, made with an alias of this name; `period` 0: it is not rotated."""
    kms = cloud.client("kms", region)
    given = more | ({"Policy": policy} if policy else {})
    arn = str(kms.create_key(Description=name, **given)["KeyMetadata"]["Arn"])
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=arn)
    if period:
        kms.enable_key_rotation(KeyId=arn, RotationPeriodInDays=period)
    return arn


def stores_key(cloud: Cloud, region: str = "") -> str:
    """The ARN of the key of all that holds data in a region, made when it is first needed."""
    kms = cloud.client("kms", region)
    try:
        return str(kms.describe_key(KeyId=STORES_ALIAS)["KeyMetadata"]["Arn"])
    except kms.exceptions.NotFoundException:
        return key(cloud, STORES_ALIAS.removeprefix("alias/"), region=region)


def _id(arn: str) -> str:
    """The id of a key: what moto takes where it does not take an ARN."""
    return arn.rpartition("/")[2]


def open_policy(cloud: Cloud) -> str:
    """A key's policy that lets anyone decrypt."""
    own = {"AWS": f"arn:aws:iam::{cloud.account}:root"}
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": "Own", "Effect": "Allow", "Principal": own, "Action": "kms:*", "Resource": "*"},
                {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"},
            ],
        }
    )


def _still(cloud: Cloud) -> None:
    key(cloud, "mg-key-still-0", period=0)


def _slow(cloud: Cloud) -> None:
    key(cloud, "mg-key-slow-0", period=91)


def _old(cloud: Cloud) -> None:
    with long_ago(cloud, OLD_DAYS):
        key(cloud, "mg-key-old-0")


def _open(cloud: Cloud) -> None:
    key(cloud, "mg-key-open-0", policy=open_policy(cloud))


def _disabled(cloud: Cloud) -> None:
    cloud.client("kms").disable_key(KeyId=_id(stores_key(cloud)))


def _going(cloud: Cloud) -> None:
    cloud.client("kms").schedule_key_deletion(KeyId=_id(stores_key(cloud)), PendingWindowInDays=7)


def _used_still(cloud: Cloud) -> None:
    cloud.client("kms").disable_key_rotation(KeyId=stores_key(cloud))


DEFECTS = (
    CloudDefect("aws-key-not-rotated", ROTATION, "A key is not rotated.", _still),
    CloudDefect("aws-key-rotated-late", ROTATION, "A key is rotated every 91 days.", _slow),
    CloudDefect("aws-key-never-rotated", ROTATION, "A key of last year has not been rotated yet.", _old),
    CloudDefect("aws-key-open", POLICY, "A key's policy lets anyone decrypt.", _open),
    CloudDefect("aws-store-key-disabled", "aws.kms_in_use", "The data stores' key is disabled.", _disabled),
    CloudDefect("aws-store-key-going", "aws.kms_in_use", "The data stores' key is to be deleted.", _going),
    CloudDefect(
        "aws-store-key-not-rotated", USED, "The data stores' key is not rotated.", _used_still, also=(ROTATION,)
    ),
)
