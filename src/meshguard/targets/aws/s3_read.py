"""Answers of S3 about buckets and objects, as what is recorded of them. Run where missing fields are explained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from meshguard.targets.aws.s3_manifest import BITS, decoded
from meshguard.targets.aws.s3_models import LifecycleRule, ObjectLock, PublicAccessBlock, Stored

EVERYONE = ("AllUsers", "AuthenticatedUsers")
"""Groups of ACLs that let in strangers; the second is everyone who has any account of AWS."""
SIZES = ("ObjectSizeGreaterThan", "ObjectSizeLessThan")
DAYS_A_YEAR = 365


def public_access_block_of(answer: Mapping[str, Any] | None) -> PublicAccessBlock:
    """The four settings; what is not said is off."""
    if answer is None:
        return PublicAccessBlock()
    said = answer["PublicAccessBlockConfiguration"]
    return PublicAccessBlock(
        block_acls=said.get("BlockPublicAcls", False),
        ignore_acls=said.get("IgnorePublicAcls", False),
        block_policy=said.get("BlockPublicPolicy", False),
        restrict=said.get("RestrictPublicBuckets", False),
    )


def public_grants(grants: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """What an ACL grants to strangers."""
    found = []
    for grant in grants:
        group = str(grant["Grantee"].get("URI", "")).rpartition("/")[2]
        if group in EVERYONE:
            found.append(f"{grant['Permission']} to {group}")
    return tuple(sorted(found))


def lifecycle_rule(said: Mapping[str, Any]) -> LifecycleRule:
    """One rule; its prefix may stand in the rule, in its filter, or in the filter's And."""
    filters = said.get("Filter") or {}
    joined = filters.get("And") or {}
    expires, older = said.get("Expiration") or {}, said.get("NoncurrentVersionExpiration") or {}
    prefixes = [part.get("Prefix") for part in (said, filters, joined)]
    return LifecycleRule(
        name=said.get("ID", ""),
        enabled=said["Status"] == "Enabled",
        prefix=next((prefix for prefix in prefixes if prefix), ""),
        filtered=any(part.get(name) for part in (filters, joined) for name in ("Tag", "Tags", *SIZES)),
        days=expires.get("Days"),
        at=expires.get("Date"),
        noncurrent_days=older.get("NoncurrentDays"),
        newer_versions=older.get("NewerNoncurrentVersions") or 0,
    )


def object_lock_of(said: Mapping[str, Any]) -> ObjectLock | None:
    """The lock, with its default retention where it has one."""
    if said.get("ObjectLockEnabled") != "Enabled":
        return None
    default = (said.get("Rule") or {}).get("DefaultRetention") or {}
    if not default.get("Mode"):
        return ObjectLock()
    length = default.get("Days") or default["Years"] * DAYS_A_YEAR
    return ObjectLock(mode=default["Mode"], retention=timedelta(days=length))


def stored_of(answer: Mapping[str, Any]) -> Stored:
    """The checksums that S3 keeps of an object."""
    said = answer.get("Checksum") or {}
    whole, composite = {}, []
    for algorithm in BITS:
        value = said.get(f"Checksum{algorithm.upper()}")
        if not value:
            continue
        # Of an object that was sent in parts: a checksum of the parts' checksums, with their number after a hyphen.
        if said.get("ChecksumType") == "COMPOSITE" or "-" in value:
            composite.append(algorithm)
        else:
            whole[algorithm] = decoded(value).hex()
    return Stored(size=answer["ObjectSize"], checksums=whole, composite=tuple(composite))
