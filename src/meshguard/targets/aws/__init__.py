"""Target `aws`: accounts and regions of Amazon Web Services, asked with read-only calls through boto3."""

from meshguard.targets.aws.admin_ways import AdminWayFacts
from meshguard.targets.aws.detection import DetectionFacts
from meshguard.targets.aws.iam import IamFacts
from meshguard.targets.aws.models import Account, AwsModel, Place, Resource, account_of, region_of
from meshguard.targets.aws.network import NetworkFacts
from meshguard.targets.aws.s3_objects import S3ObjectFacts
from meshguard.targets.aws.secretsmanager import SecretFacts
from meshguard.targets.aws.serving import ServingFacts
from meshguard.targets.aws.settings import AwsSettings
from meshguard.targets.aws.stores import StoreFacts
from meshguard.targets.aws.trails import TrailFacts

__all__ = ["Account", "Aws", "AwsModel", "AwsSettings", "Place", "Resource", "account_of", "region_of"]


class Aws(
    AdminWayFacts,
    DetectionFacts,
    IamFacts,
    NetworkFacts,
    S3ObjectFacts,
    SecretFacts,
    ServingFacts,
    StoreFacts,
    TrailFacts,
):
    """Accounts and regions of AWS."""
