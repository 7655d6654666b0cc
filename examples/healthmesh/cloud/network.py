"""Virtual networks of the test cloud's account: good ones, bad ones, and weaknesses by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .builder import Cloud, CloudDefect
from .network_parts import (
    INSIDE,
    PUBLIC_PORT,
    ROTATED_DAYS,
    acl,
    allow,
    answers,
    default_vpc,
    group,
    harden,
    log_flows,
    managed,
    private_databases,
    vpc,
)

ADMIN_PORT = 22
VPN = "10.8.0.0/16"
HALVES = ("0.0.0.0/1", "128.0.0.0/1")
OUTSIDE = "ap-southeast-2"
"""A region that data must not be in; the account does not name it among those that are enabled."""
PARAMETERS: dict[str, dict[str, Any]] = {
    "aws.security_groups": {"public_ports": [PUBLIC_PORT]},
    "aws.admin_access": {"vpn_ranges": [VPN]},
    "aws.regions": {"allowed": list(INSIDE)},
}


def good(cloud: Cloud, n: int = 1) -> None:
    """The default network in good order, and `n` good networks, groups and ACLs; databases in private subnets."""
    answers(cloud)
    ec2 = cloud.client("ec2")
    vpcs = [vpc(cloud, f"mg-vpc-good-{i}", i) for i in range(1, n + 1)]
    harden(cloud)
    log_flows(cloud, [default_vpc(cloud), *vpcs])
    for i in range(1, n + 1):
        one = group(cloud, f"mg-sg-good-{i}")
        allow(cloud, one, PUBLIC_PORT, "0.0.0.0/0", "::/0")
        allow(cloud, one, ADMIN_PORT, VPN)
        pair = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": one}]}
        ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=[pair])
        acl(cloud, f"mg-acl-good-{i}", ("deny", ADMIN_PORT), ("allow", ADMIN_PORT), ("allow", PUBLIC_PORT))
    private_databases(cloud)


def bad(cloud: Cloud, n: int = 1) -> None:
    """`n` bad resources for each way in which one can be wrong."""
    for i in range(1, n + 1):
        allow(cloud, group(cloud, f"mg-sg-open-{i}"), 8080, "0.0.0.0/0")
        allow(cloud, group(cloud, f"mg-sg-halves-{i}"), 8080, *HALVES)
        allow(cloud, group(cloud, f"mg-sg-v6-{i}"), 8080, "::/0")
        allow(cloud, group(cloud, f"mg-sg-admin-{i}"), ADMIN_PORT, "10.0.0.0/8")
        vpc(cloud, f"mg-vpc-unlogged-{i}", 100 + i)
        acl(cloud, f"mg-acl-open-{i}", ("allow", ADMIN_PORT))
        acl(cloud, f"mg-acl-behind-{i}", ("allow", ADMIN_PORT), ("deny", ADMIN_PORT))
    harden(cloud)


_GROUPS = {
    "good": ("pass", "pass"),
    "open": ("fail", "pass"),
    "halves": ("fail", "pass"),
    "v6": ("fail", "pass"),
    "admin": ("pass", "fail"),
}
"""What aws.security_groups and aws.admin_access say of each kind of group."""
_ACLS = {"good": "pass", "open": "fail", "behind": "fail"}
_VPCS = {"good": "pass", "unlogged": "fail"}


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What each check must say of each resource that `good(cloud, n)` and `bad(cloud, n)` made."""
    ec2 = cloud.client("ec2")
    start = f"arn:aws:ec2:{cloud.region}:{cloud.account}"
    said: dict[tuple[str, str], str] = {
        ("aws.admin_path", cloud.account): "pass",
        ("aws.regions", cloud.account): "pass",
    }
    for one in ec2.describe_security_groups()["SecurityGroups"]:
        arn, name = f"{start}:security-group/{one['GroupId']}", one["GroupName"]
        if name == "default" or _is(name, "mg-sg", _GROUPS, n):
            outcomes = ("pass", "pass") if name == "default" else _GROUPS[name.split("-")[2]]
            said["aws.security_groups", arn], said["aws.admin_access", arn] = outcomes
    for one in ec2.describe_network_acls()["NetworkAcls"]:
        name = _tag(one)
        if one["IsDefault"] or _is(name, "mg-acl", _ACLS, n):
            outcome = "pass" if one["IsDefault"] else _ACLS[name.split("-")[2]]
            said["aws.network_acls", f"{start}:network-acl/{one['NetworkAclId']}"] = outcome
    for one in ec2.describe_vpcs()["Vpcs"]:
        name = _tag(one)
        if one["IsDefault"] or _is(name, "mg-vpc", _VPCS, n):
            outcome = "pass" if one["IsDefault"] else _VPCS[name.split("-")[2]]
            said["aws.vpc_flow_logs", f"{start}:vpc/{one['VpcId']}"] = outcome
    return said


def _is(name: str, start: str, kinds: Iterable[str], n: int) -> bool:
    return name in {f"{start}-{kind}-{i}" for kind in kinds for i in range(1, n + 1)}


def _tag(one: dict[str, Any]) -> str:
    return next((str(tag["Value"]) for tag in one["Tags"] if tag["Key"] == "Name"), "")


def _prefix_list(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    made = ec2.create_managed_prefix_list(
        PrefixListName="mg-world", MaxEntries=2, AddressFamily="IPv4", Entries=[{"Cidr": cidr} for cidr in HALVES]
    )
    rule = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080}
    rule["PrefixListIds"] = [{"PrefixListId": made["PrefixList"]["PrefixListId"]}]
    ec2.authorize_security_group_ingress(GroupId=group(cloud, "mg-sg-list"), IpPermissions=[rule])


def _everything(cloud: Cloud) -> None:
    rule = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    cloud.client("ec2").authorize_security_group_ingress(GroupId=group(cloud, "mg-sg-all"), IpPermissions=[rule])


def _default_group(cloud: Cloud) -> None:
    """As AWS makes it: it lets in what has the group itself."""
    ec2 = cloud.client("ec2")
    named = [{"Name": "vpc-id", "Values": [default_vpc(cloud)]}, {"Name": "group-name", "Values": ["default"]}]
    one = ec2.describe_security_groups(Filters=named)["SecurityGroups"][0]["GroupId"]
    rule = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": one}]}
    ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=[rule])


def _other_flow_logs(cloud: Cloud, *, traffic: str = "ALL", to: str = "") -> None:
    ec2 = cloud.client("ec2")
    of = [{"Name": "resource-id", "Values": [default_vpc(cloud)]}]
    ec2.delete_flow_logs(FlowLogIds=[one["FlowLogId"] for one in ec2.describe_flow_logs(Filters=of)["FlowLogs"]])
    log_flows(cloud, [default_vpc(cloud)], traffic=traffic, to=to)


def _unlogged(cloud: Cloud) -> None:
    vpc(cloud, "mg-vpc-forgotten", 99)
    harden(cloud)


def _open_acl(cloud: Cloud) -> None:
    acl(cloud, "mg-acl-ssh", ("allow", ADMIN_PORT))


def _late_acl(cloud: Cloud) -> None:
    acl(cloud, "mg-acl-late", ("allow", ADMIN_PORT), ("deny", ADMIN_PORT))


def _way_out(cloud: Cloud) -> None:
    ec2, of = cloud.client("ec2"), default_vpc(cloud)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=of)
    main = [{"Name": "vpc-id", "Values": [of]}, {"Name": "association.main", "Values": ["true"]}]
    table = ec2.describe_route_tables(Filters=main)["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def _public_databases(cloud: Cloud) -> None:
    rds = cloud.client("rds")
    for one in rds.describe_db_instances()["DBInstances"]:
        rds.modify_db_instance(
            DBInstanceIdentifier=one["DBInstanceIdentifier"], PubliclyAccessible=True, ApplyImmediately=True
        )


def _far_bucket(cloud: Cloud) -> None:
    cloud.client("s3", OUTSIDE).create_bucket(
        Bucket="mg-bucket-far", CreateBucketConfiguration={"LocationConstraint": OUTSIDE}
    )


def _far_key(cloud: Cloud) -> None:
    kms = cloud.client("kms")
    key = kms.create_key(Description="replicated", MultiRegion=True)["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=ROTATED_DAYS)
    kms.replicate_key(KeyId=key, ReplicaRegion=OUTSIDE)


def _far_file_system(cloud: Cloud) -> None:
    """Every file system of the account is replicated to a region that is not allowed."""
    found = cloud.client("efs").describe_file_systems()["FileSystems"]
    far = {"Status": "ENABLED", "FileSystemId": "fs-0fedcba9876543210", "Region": OUTSIDE}
    replications = [
        {
            "SourceFileSystemId": one["FileSystemId"],
            "SourceFileSystemRegion": cloud.region,
            "SourceFileSystemArn": one["FileSystemArn"],
            "OriginalSourceFileSystemArn": one["FileSystemArn"],
            "CreationTime": 1764000000,
            "Destinations": [far],
        }
        for one in found
    ]
    cloud.control.answer("efs:DescribeReplicationConfigurations", {"Replications": replications})


DEFECTS: tuple[CloudDefect, ...] = (
    CloudDefect(
        "aws-group-open",
        "aws.security_groups",
        "A group lets the world reach port 8080.",
        lambda cloud: allow(cloud, group(cloud, "mg-sg-8080"), 8080, "0.0.0.0/0"),
    ),
    CloudDefect(
        "aws-group-open-v6",
        "aws.security_groups",
        "A group lets the world of IPv6 reach port 8080.",
        lambda cloud: allow(cloud, group(cloud, "mg-sg-8080-v6"), 8080, "::/0"),
    ),
    CloudDefect(
        "aws-group-halves",
        "aws.security_groups",
        "A group lets both halves of the Internet reach port 8080.",
        lambda cloud: allow(cloud, group(cloud, "mg-sg-two"), 8080, *HALVES),
    ),
    CloudDefect(
        "aws-group-prefix-list", "aws.security_groups", "A group names a prefix list that is the world.", _prefix_list
    ),
    CloudDefect(
        "aws-group-all",
        "aws.security_groups",
        "A group lets the world reach everything.",
        _everything,
        also=("aws.admin_access",),
    ),
    CloudDefect("aws-default-group", "aws.security_groups", "The default group is as AWS makes it.", _default_group),
    CloudDefect(
        "aws-ssh-from-everywhere-inside",
        "aws.admin_access",
        "SSH is open to networks that are not the VPN.",
        lambda cloud: allow(cloud, group(cloud, "mg-sg-ssh"), ADMIN_PORT, "10.0.0.0/8"),
    ),
    CloudDefect(
        "aws-no-way-in",
        "aws.admin_path",
        "No instance answers Systems Manager, and there is no VPN.",
        lambda cloud: managed(cloud, "ConnectionLost"),
    ),
    CloudDefect("aws-vpc-unlogged", "aws.vpc_flow_logs", "A network has no flow log.", _unlogged),
    CloudDefect(
        "aws-flow-logs-in-part",
        "aws.vpc_flow_logs",
        "Only rejected traffic is logged.",
        lambda cloud: _other_flow_logs(cloud, traffic="REJECT"),
    ),
    CloudDefect(
        "aws-flow-logs-lost",
        "aws.vpc_flow_logs",
        "Flow logs go to a log group that is not there.",
        lambda cloud: _other_flow_logs(cloud, to="mg-no-such-group"),
    ),
    CloudDefect(
        "aws-acl-open",
        "aws.network_acls",
        "An ACL lets the world reach SSH.",
        _open_acl,
    ),
    CloudDefect(
        "aws-acl-denied-too-late",
        "aws.network_acls",
        "An ACL denies SSH behind the rule that allows it.",
        _late_acl,
    ),
    CloudDefect("aws-subnet-public", "aws.subnets", "The main route table leads to the Internet.", _way_out),
    CloudDefect("aws-database-public", "aws.subnets", "The databases have public addresses.", _public_databases),
    CloudDefect("aws-bucket-abroad", "aws.regions", "A bucket is in a region that is not allowed.", _far_bucket),
    CloudDefect("aws-key-abroad", "aws.regions", "A key has a replica in a region that is not allowed.", _far_key),
    CloudDefect(
        "aws-files-abroad",
        "aws.regions",
        "File systems are replicated to a region that is not allowed.",
        _far_file_system,
    ),
)
