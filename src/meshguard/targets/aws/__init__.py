"""Target `aws`: accounts and regions of Amazon Web Services, asked with read-only calls through boto3."""

from meshguard.targets.aws.kms import KmsFacts
from meshguard.targets.aws.models import Account, AwsModel, Place, Resource, account_of, region_of
from meshguard.targets.aws.settings import AwsSettings

__all__ = ["Account", "Aws", "AwsModel", "AwsSettings", "Place", "Resource", "account_of", "region_of"]


class Aws(KmsFacts):
    """Accounts and regions of AWS."""
