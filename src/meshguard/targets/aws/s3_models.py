"""What is recorded of buckets and of the objects in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from meshguard.targets.aws.models import AwsModel, Resource

Owned = Literal["own", "foreign", "missing", "unsettled"]


class Bucket(Resource):
    """A bucket; its place has the bucket's own region."""

    owned: Owned = "own"
    """own: an audited account lists it. The deployment names the others: foreign, none that is audited has it; missing,
    there is none of its name; unsettled, not all accounts could be asked."""


class Encryption(AwsModel):
    """What new objects are encrypted with, unless a request says otherwise (GetBucketEncryption)."""

    algorithm: str
    """AES256 (S3's own keys), aws:kms, or aws:kms:dsse (twice)."""
    key: str = ""
    """As it was set: a key's id or ARN, an alias or its ARN; empty for what AWS manages."""
    bucket_key: bool = False
    refuses_sse_c: bool = False
    """Whether requests that bring a key of their own are refused."""


class Versioning(AwsModel):
    """Whether older versions are kept (GetBucketVersioning)."""

    status: str
    """Enabled, Suspended, or "never" where it never was."""
    mfa_delete: bool = False

    @property
    def enabled(self) -> bool:
        """Whether what is overwritten or deleted is kept now."""
        return self.status == "Enabled"


class PublicAccessBlock(AwsModel):
    """The four settings of Block Public Access; all off where there is no such configuration."""

    block_acls: bool = False
    ignore_acls: bool = False
    block_policy: bool = False
    restrict: bool = False
    """RestrictPublicBuckets."""

    def joined(self, other: PublicAccessBlock) -> PublicAccessBlock:
        """What holds where both do: the most restrictive of each setting."""
        return PublicAccessBlock(
            block_acls=self.block_acls or other.block_acls,
            ignore_acls=self.ignore_acls or other.ignore_acls,
            block_policy=self.block_policy or other.block_policy,
            restrict=self.restrict or other.restrict,
        )

    @property
    def off(self) -> list[str]:
        """The settings that are off, as the API names them."""
        settings = {
            "BlockPublicAcls": self.block_acls,
            "IgnorePublicAcls": self.ignore_acls,
            "BlockPublicPolicy": self.block_policy,
            "RestrictPublicBuckets": self.restrict,
        }
        return [name for name, is_on in settings.items() if not is_on]


class Acl(AwsModel):
    """Who may write ACLs, and whom the bucket's own lets in (GetBucketOwnershipControls, GetBucketAcl)."""

    ownership: str
    """BucketOwnerEnforced: ACLs count for nothing. BucketOwnerPreferred or ObjectWriter: they do."""
    public: tuple[str, ...] = ()
    """What is granted to everyone, or to all users of AWS: READ to AllUsers."""


class AccessLog(AwsModel):
    """Where the server access log goes (GetBucketLogging)."""

    bucket: str
    prefix: str = ""


class ObjectLock(AwsModel):
    """Object Lock and the retention that new objects get (GetObjectLockConfiguration)."""

    mode: str = ""
    """COMPLIANCE or GOVERNANCE; empty where objects get no retention but what their writer gives them."""
    retention: timedelta | None = None
    """A year is 365 days."""


class LifecycleRule(AwsModel):
    """One rule (GetBucketLifecycleConfiguration), as far as it deletes."""

    name: str
    enabled: bool
    prefix: str = ""
    filtered: bool = False
    """Whether it takes only objects with certain tags or sizes."""
    days: int | None = None
    """Days after which a current object expires."""
    at: datetime | None = None
    """The date from which on all current objects expire, however young."""
    noncurrent_days: int | None = None
    """Days after which a version expires that is no longer the current one."""
    newer_versions: int = 0
    """Younger versions that are kept besides, without an end."""


class StoredObject(AwsModel):
    """One object, without its content; its name is its key."""

    name: str
    modified: datetime
    size: int


class Stored(AwsModel):
    """What S3 keeps of one object's content: its checksums (GetObjectAttributes)."""

    size: int
    checksums: dict[str, str]
    """Algorithm, such as sha256, -> hexadecimal digits of the whole object's checksum."""
    composite: tuple[str, ...]
    """Algorithms whose value is made of the parts' checksums, which no tool computes from the file alone."""


class Manifest(AwsModel):
    """What a manifest says: names of files and the checksums they had when they were made."""

    checksums: dict[str, dict[str, str]]
    """File name -> algorithm -> hexadecimal digits."""
    modified: datetime
