"""Checks of how backups are encrypted."""

from __future__ import annotations

from collections.abc import Iterable

from meshguard.api import Verdict, check, failed, not_applicable, passed, undetermined
from meshguard.targets.aws import Aws
from meshguard.targets.aws.backup_models import Backup, BackupKind
from meshguard.targets.aws.backup_read import source_of
from meshguard.targets.aws.kms import Key, is_aws_alias
from meshguard.targets.aws.s3_models import Bucket
from meshguard.targets.aws.stores_models import Encrypted
from meshguard_checks.aws.bucket_choice import NAME_STORES, missing
from meshguard_checks.aws.buckets import unusable
from meshguard_checks.parsing.aws_whole import unread

KINDS: tuple[BackupKind, ...] = (
    "recovery-point",
    "db-snapshot",
    "cluster-snapshot",
    "volume-snapshot",
    "vault",
    "bucket",
)
SEPARATE = (
    "aws rds copy-db-snapshot --source-db-snapshot-identifier ID --target-db-snapshot-identifier COPY --kms-key-id KEY "
    "or aws backup create-backup-vault --backup-vault-name NAME --encryption-key-arn KEY-ARN\n"
    'Terraform: resource "aws_backup_vault" { kms_key_arn = aws_kms_key.backup.arn }, with a key of its own'
)
OWN_KEY = "a customer-managed key of its own"


@check("aws.backup_encrypted", method="examine", over=Aws.backups, fix=SEPARATE)
async def backup_encrypted(
    backup: Backup, aws: Aws, *, kinds: tuple[BackupKind, ...] = KINDS, automated: bool = True
) -> Verdict:
    """The backup is encrypted with a customer-managed key that no data store uses (AWS Backup Developer Guide,
    "Encryption for backups in AWS Backup"; RDS User Guide, "Encrypting Amazon RDS resources").

    Who can use the key of the data can read such a backup too, and who deletes that key takes both. A snapshot of RDS
    or EBS has its source's key, whatever the vault's is, until it is copied under another one. The keys of one
    multi-Region key are the same key. A vault that holds nothing is passed over.

    Args:
        kinds: which backups are looked at.
        automated: whether the snapshots that RDS makes by itself are judged, which have their source's key always; if
            not, it is enough that each data store has another backup, which is judged in their place.
    """
    if (verdict := _passed_over(backup, kinds)) is not None:
        return verdict
    if backup.made == "automated" and not automated:
        if not aws.settings.data_stores:
            return undetermined("the deployment names no data stores, whose backup it may be", fix=NAME_STORES)
        stores = {source_of(store.arn) for store in (await aws.data_stores()).items}
        return _stands_in(backup, stores, [one for one in (await aws.backups()).items if one.kind in kinds])
    named = await _key_name(backup, aws)
    if not named or is_aws_alias(named):
        return failed(_without_key(backup), got=named or "no key named", want=OWN_KEY)
    key = await aws.key_named(backup.place, named)
    if key is None or unusable(key):
        return failed(f"its key {unusable(key)}", got=named, want=OWN_KEY)
    return await _separate(backup, key.arn, aws)


async def _key_name(backup: Backup, aws: Aws) -> str:
    if backup.kind != "bucket":
        return backup.key
    said = await aws.encryption(backup.place, backup.name)
    return said.key if said is not None and said.algorithm.startswith("aws:kms") else ""


async def _separate(backup: Backup, arn: str, aws: Aws) -> Verdict:
    """Whether neither a data store nor the backup's source uses its key."""
    stores = await aws.store_keys()
    if any(_same(arn, one.arn) for one in stores.items):
        return failed("a data store uses its key too", got=arn, want=OWN_KEY)
    source = await _source_key(backup, aws)
    if source is not None and _same(arn, source.arn):
        return failed(f"its key is that of its source {backup.source}", got=arn, want=OWN_KEY)
    if not aws.settings.data_stores:
        return undetermined("the deployment names no data stores, whose keys it may not have", fix=NAME_STORES)
    if doubt := unread(stores):
        return undetermined(f"not all keys of the data stores are known: {doubt}")
    return passed("it is encrypted with a customer-managed key that no data store uses", got=arn)


def _passed_over(backup: Backup, kinds: Iterable[str]) -> Verdict | None:
    if backup.kind not in kinds:
        return not_applicable(f"it is a {backup.kind}, and those are not asked for")
    if backup.kind == "vault" and backup.points == 0:
        return not_applicable("the vault holds no recovery point")
    if backup.owned == "missing":
        return missing(Bucket(arn=backup.arn, place=backup.place, name=backup.name, owned="missing"))
    return None


def _stands_in(backup: Backup, stores: Iterable[str], all_backups: Iterable[Backup]) -> Verdict:
    if backup.source not in stores:
        return not_applicable("RDS made it with its source's key, and its source is no data store of the deployment")
    others = [one for one in all_backups if one.source == backup.source and one.made != "automated"]
    if not others:
        return failed(
            "RDS made it with its source's key, and there is no copy of it", want="a copy with a key of its own"
        )
    return not_applicable(f"RDS made it with its source's key; {others[0].name} is judged in its place")


def _without_key(backup: Backup) -> str:
    if backup.encrypted is False:
        return "it is not encrypted"
    return "it is encrypted with a key that AWS manages"


def _same(one: str, other: str) -> bool:
    """Keys of one multi-Region key have the same id in all regions, and the same secret material."""
    own, others = one.rpartition("/")[2], other.rpartition("/")[2]
    return one == other or (own == others and own.startswith("mrk-"))


async def _source_key(backup: Backup, aws: Aws) -> Key | None:
    """The key of the database or volume that a snapshot was made of, where that is still there."""
    kind, _, name = backup.source.partition(":")
    source: Encrypted | None = None
    if kind == "rds":
        source = next((one for one in (await aws.db_instances_in(backup.place)).items if one.name == name), None)
    elif kind == "rds-cluster":
        source = next((one for one in (await aws.db_clusters_in(backup.place)).items if one.name == name), None)
    elif kind == "ebs":
        source = next((one for one in (await aws.volumes_in(backup.place)).items if one.name == name), None)
    key = source.kms_key if source is not None else None
    return await aws.key_named(backup.place, key) if key and not is_aws_alias(key) else None
