"""Checks of the stores that a deployment names as holding its data, whatever their kind."""

from __future__ import annotations

from meshguard.api import Verdict, check
from meshguard.targets.aws import Aws
from meshguard.targets.aws.stores_models import DataStore
from meshguard_checks.aws.keys import missing
from meshguard_checks.aws.stores import by_key, without_key

__all__ = ["encrypted"]


@check(
    "data_stores.encrypted",
    method="examine",
    over=Aws.data_stores,
    fix="Buckets and tables take another key in place: aws s3api put-bucket-encryption, aws dynamodb update-table. "
    "RDS, EBS and EFS do not: restore a snapshot's encrypted copy, or copy the data.\n"
    "Terraform: kms_key_id (RDS, EBS, EFS), kms_key_arn (DynamoDB) or kms_master_key_id (S3) = aws_kms_key.data.arn",
)
async def encrypted(store: DataStore, aws: Aws, *, customer_managed: bool = True) -> Verdict:
    """The data store is encrypted at rest with a customer-managed key (AWS KMS Developer Guide, "AWS KMS concepts").

    Each store by its own evidence: an RDS instance or cluster, an EBS volume or EFS file system by its storage, a
    DynamoDB table by its key, a bucket by what it encrypts new objects with. S3 and DynamoDB encrypt all that they
    hold, so only the key says something. All use AES-256. A named store that is not there fails.

    Args:
        customer_managed: whether the key must be one that the customer manages, and not one of AWS.
    """
    if store.exists is not True:
        return missing(store)
    verdict = without_key(store, customer_managed=customer_managed)
    return verdict or by_key(store, await aws.key_named(store.place, store.kms_key or ""))
