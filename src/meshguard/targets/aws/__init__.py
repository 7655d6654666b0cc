"""Target `aws`: accounts and regions of Amazon Web Services, asked with read-only calls through boto3."""

from meshguard.targets.aws.admin_ways import AdminWayFacts
from meshguard.targets.aws.alarms import AlarmFacts
from meshguard.targets.aws.deploys import DeployFacts
from meshguard.targets.aws.detection import DetectionFacts
from meshguard.targets.aws.digests import LedgerFacts
from meshguard.targets.aws.events import EventFacts
from meshguard.targets.aws.iam import IamFacts
from meshguard.targets.aws.models import Account, AwsModel, Place, Resource, account_of, region_of
from meshguard.targets.aws.network import NetworkFacts
from meshguard.targets.aws.residency import ResidencyFacts
from meshguard.targets.aws.serving import ServingFacts
from meshguard.targets.aws.settings import AwsSettings
from meshguard.targets.aws.store_subnets import StoreSubnetFacts
from meshguard.targets.aws.workloads import WorkloadFacts

__all__ = ["Account", "Aws", "AwsModel", "AwsSettings", "Place", "Resource", "account_of", "region_of"]


class Aws(
    AdminWayFacts,
    AlarmFacts,
    DeployFacts,
    DetectionFacts,
    EventFacts,
    IamFacts,
    LedgerFacts,
    NetworkFacts,
    ResidencyFacts,
    ServingFacts,
    StoreSubnetFacts,
    WorkloadFacts,
):
    """Accounts and regions of AWS."""
