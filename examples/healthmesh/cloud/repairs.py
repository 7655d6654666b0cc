"""Where moto says what AWS does not: small patches with what AWS documents, made when a service is first asked."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from .repairs_iam import patch, patch_iam

_lock = threading.Lock()
_applied: set[str] = set()


def apply(service: str) -> None:
    """Repair a service, once."""
    with _lock:
        if service in _REPAIRS and service not in _applied:
            _REPAIRS[service]()
        _applied.add(service)


def _backup() -> None:
    """A vault has a key always: without one of the customer's, the AWS managed key of Backup (CreateBackupVault)."""
    from moto.backup.models import Vault
    from moto.kms.models import kms_backends

    original = Vault.__init__

    def made(self: Vault, *args: Any, **given: Any) -> None:
        original(self, *args, **given)
        if not self.encryption_key_arn:
            _, _, _, region, account, *_ = self.backup_vault_arn.split(":")
            self.encryption_key_arn = _managed_key(kms_backends[account][region], "alias/aws/backup").arn

    patch(Vault, __init__=made)


def _managed_key(kms: Any, alias: str) -> Any:
    """The AWS managed key of this alias, made when it is first needed, as AWS does."""
    for key in kms.keys.values():
        if alias in key.aliases:
            return key
    key = kms.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "Default key of a service", None)
    key.key_manager = "AWS"
    kms.create_alias(key.id, alias)
    return key


def _ec2() -> None:
    """Where encryption by default is on, a volume that does not say is encrypted, under the AWS managed key.

    So are those that an instance is started with ("Amazon EBS encryption", Amazon EBS User Guide).
    """
    from moto.ec2.models.elastic_block_store import EBSBackend
    from moto.kms.models import kms_backends

    original = EBSBackend.create_volume

    def create_volume(self: Any, *args: Any, **given: Any) -> Any:
        if self.get_ebs_encryption_by_default() and len(args) <= MOTO_ENCRYPTED and not given.get("encrypted"):
            given["encrypted"] = True
        return original(self, *args, **given)

    def create_key(self: Any) -> str:
        key = _managed_key(kms_backends[self.account_id][self.region_name], "alias/aws/ebs")
        self.default_kms_key_id = key.arn
        return str(key.arn)

    patch(EBSBackend, create_volume=create_volume, _create_default_encryption_key=create_key)


MOTO_ENCRYPTED = 3
"""Place of `encrypted` among the arguments of moto's create_volume."""


def _kms() -> None:
    """The rotation period is kept and told, with the next rotation (EnableKeyRotation, GetKeyRotationStatus).

    The period is 90 to 2560 days, 365 by default. Only symmetric encryption keys that AWS made can be rotated, for
    others the status is always false; an AWS managed key is rotated every year, always, and is said to be AWS's.
    """
    from moto.core.exceptions import JsonRESTError
    from moto.kms.exceptions import ValidationException
    from moto.kms.models import KmsBackend
    from moto.kms.responses import KmsResponse
    from moto.kms.utils import RESERVED_ALIASES

    enable = KmsResponse.enable_key_rotation

    def enabled(self: KmsResponse) -> Any:
        period = self._get_param("RotationPeriodInDays")
        if period is not None and not 90 <= period <= 2560:
            raise ValidationException("RotationPeriodInDays must be between 90 and 2560")
        self._validate_cmk_id(self._get_param("KeyId"))
        key = _key(self)
        if key.key_spec != "SYMMETRIC_DEFAULT" or key.origin != "AWS_KMS":
            raise JsonRESTError("UnsupportedOperationException", f"{key.arn} cannot be rotated automatically")
        key.rotation_period, key.rotation_enabled = period or 365, datetime.now(UTC)
        return enable(self)

    def status(self: KmsResponse) -> str:
        self._validate_cmk_id(self._get_param("KeyId"))
        return json.dumps(_rotation(_key(self)))

    def managed(self: KmsBackend, alias_name: str) -> str | None:
        return _managed_key(self, alias_name).id if alias_name in RESERVED_ALIASES else None

    patch(KmsBackend, _generate_default_keys=managed)
    patch(KmsResponse, enable_key_rotation=enabled, get_key_rotation_status=status)


def _key(response: Any) -> Any:
    backend = response.kms_backend
    return backend.keys[backend.get_key_id(backend.any_id_to_key_id(response._get_param("KeyId")))]


def _rotation(key: Any) -> dict[str, Any]:
    is_managed = key.key_manager == "AWS"
    is_on = is_managed or (key.key_rotation_status and key.key_state != "PendingDeletion")
    said: dict[str, Any] = {"KeyId": key.arn, "KeyRotationEnabled": is_on}
    if is_on:
        created = datetime.fromtimestamp(key.creation_date, UTC)
        period = getattr(key, "rotation_period", 365)
        since = getattr(key, "rotation_enabled", created)
        rounds = max((datetime.now(UTC) - since) // timedelta(days=period), 0) + 1
        said |= {
            "RotationPeriodInDays": period,
            "NextRotationDate": (since + rounds * timedelta(days=period)).timestamp(),
        }
    return said


def _s3() -> None:
    """Every bucket encrypts, with AES256 where nothing else is set (since January 2023); ListBuckets has pages.

    DeleteBucketEncryption sets a bucket back to AES256 and GetBucketEncryption says so.
    """
    from moto.s3.models import FakeBucket, S3Backend
    from moto.s3.responses import S3Response

    original = FakeBucket.__init__

    def made(self: FakeBucket, *args: Any, **given: Any) -> None:
        original(self, *args, **given)
        self.encryption = _aes256()

    def delete_encryption(self: S3Backend, bucket_name: str) -> None:
        self.get_bucket(bucket_name).encryption = _aes256()

    patch(FakeBucket, __init__=made)
    patch(S3Backend, delete_bucket_encryption=delete_encryption)
    patch(S3Response, all_buckets=_list_buckets)


def _aes256() -> dict[str, Any]:
    return {
        "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"},
    }


def _list_buckets(self: Any) -> Any:
    """In the order of names, in pages; the region is told where the request has a parameter (ListBuckets)."""
    from moto.core.responses import ActionResult

    given = {name: self._get_param(name) for name in ("prefix", "bucket-region", "max-buckets", "continuation-token")}
    self.data["Action"] = "ListAllMyBuckets"
    self._authenticate_and_authorize_s3_action()
    self.data["Action"] = "ListBuckets"
    found = self.backend.list_buckets(prefix=given["prefix"], bucket_region=given["bucket-region"], max_buckets=None)
    after = base64.b64decode(given["continuation-token"] or "").decode()
    rest = sorted((bucket for bucket in found if bucket.name > after), key=lambda bucket: bucket.name)
    page = rest[: int(given["max-buckets"] or 10_000)]
    said: dict[str, Any] = {"Owner": {"ID": "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"}}
    said["Buckets"] = [
        {
            "Name": bucket.name,
            "CreationDate": bucket.creation_date_ISO8601,
            **({"BucketRegion": bucket.region_name} if any(given.values()) else {}),
        }
        for bucket in page
    ]
    if len(page) < len(rest):
        said["ContinuationToken"] = base64.b64encode(page[-1].name.encode()).decode()
    if given["prefix"]:
        said["Prefix"] = given["prefix"]
    return self.serialized(ActionResult(said))


_REPAIRS: dict[str, Callable[[], None]] = {"backup": _backup, "ec2": _ec2, "iam": patch_iam, "kms": _kms, "s3": _s3}
