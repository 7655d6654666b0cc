"""Parts of the test cloud's virtual networks, for the builders of every topic, and what moto lacks of them."""

from __future__ import annotations

from typing import Any

from .builder import Cloud

PUBLIC_PORT = 443
INSIDE = ("us-east-1", "eu-west-1")
"""The regions that are enabled in the account; data may be in them."""
SUBNET_GROUP, LOG_GROUP, LOGS_KEY = "mg-private", "mg-flow-logs", "alias/mg-flow-logs"
ROTATED_DAYS, KEPT_DAYS = 90, 2192


def answers(cloud: Cloud) -> None:
    """What moto lacks; `Control.clear` forgets it, and this says it again."""
    told = {"OptInStatus": "opt-in-not-required"}
    cloud.control.answer("ec2:DescribeRegions", {"Regions": [{"RegionName": name, **told} for name in INSIDE]})
    cloud.control.answer("ec2:DescribeClientVpnEndpoints", {"ClientVpnEndpoints": []})
    cloud.control.answer("efs:DescribeReplicationConfigurations", {"Replications": []})
    managed(cloud, "Online")


def managed(cloud: Cloud, state: str) -> None:
    """One instance of Systems Manager, and whether it answers."""
    one = {
        "InstanceId": "i-0123456789abcdef0",
        "PingStatus": state,
        "PlatformType": "Linux",
        "ResourceType": "EC2Instance",
    }
    cloud.control.answer("ssm:DescribeInstanceInformation", {"InstanceInformationList": [one]})


def default_vpc(cloud: Cloud, region: str = "") -> str:
    """The network that each region of an account comes with."""
    found = cloud.client("ec2", region).describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])
    return str(found["Vpcs"][0]["VpcId"])


def harden(cloud: Cloud, region: str = "") -> None:
    """Take the rules from every default group of a region, and put ports into every default ACL."""
    ec2 = cloud.client("ec2", region)
    for one in ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"]:
        if one["IpPermissions"]:
            ec2.revoke_security_group_ingress(GroupId=one["GroupId"], IpPermissions=one["IpPermissions"])
        if one["IpPermissionsEgress"]:
            ec2.revoke_security_group_egress(GroupId=one["GroupId"], IpPermissions=one["IpPermissionsEgress"])
    for one in ec2.describe_network_acls(Filters=[{"Name": "default", "Values": ["true"]}])["NetworkAcls"]:
        inbound = [entry for entry in one["Entries"] if not entry["Egress"] and entry["RuleAction"] == "allow"]
        if any(entry["Protocol"] == "-1" for entry in inbound):
            ec2.delete_network_acl_entry(NetworkAclId=one["NetworkAclId"], Egress=False, RuleNumber=100)
            for number, ports in ((100, (PUBLIC_PORT, PUBLIC_PORT)), (110, (1024, 3388)), (120, (3390, 65535))):
                _entry(cloud, one["NetworkAclId"], number, "allow", ports, region)


def vpc(cloud: Cloud, name: str, number: int) -> str:
    """A network; its default group and ACL are as AWS makes them until `harden`."""
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": name}]}]
    cidr = f"10.{number % 256}.{number // 256}.0/24"
    made = cloud.client("ec2").create_vpc(CidrBlock=cidr, TagSpecifications=tags)
    return str(made["Vpc"]["VpcId"])


def group(cloud: Cloud, name: str) -> str:
    """A security group in the default network."""
    made = cloud.client("ec2").create_security_group(GroupName=name, Description=name, VpcId=default_vpc(cloud))
    return str(made["GroupId"])


def allow(cloud: Cloud, group_id: str, port: int, *cidrs: str) -> None:
    """Let networks reach a TCP port."""
    said: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    said["IpRanges"] = [{"CidrIp": cidr} for cidr in cidrs if ":" not in cidr]
    said["Ipv6Ranges"] = [{"CidrIpv6": cidr} for cidr in cidrs if ":" in cidr]
    cloud.client("ec2").authorize_security_group_ingress(GroupId=group_id, IpPermissions=[said])


def acl(cloud: Cloud, name: str, *rules: tuple[str, int]) -> str:
    """A network ACL in the default network with these rules of ingress, in their order, for everybody."""
    tags = [{"ResourceType": "network-acl", "Tags": [{"Key": "Name", "Value": name}]}]
    made = cloud.client("ec2").create_network_acl(VpcId=default_vpc(cloud), TagSpecifications=tags)["NetworkAcl"]
    for entry in made["Entries"]:
        if entry["RuleAction"] == "allow":  # AWS makes an ACL that denies everything
            cloud.client("ec2").delete_network_acl_entry(
                NetworkAclId=made["NetworkAclId"], Egress=entry["Egress"], RuleNumber=entry["RuleNumber"]
            )
    for number, (action, port) in enumerate(rules, 1):
        _entry(cloud, made["NetworkAclId"], 10 * number, action, (port, port))
    return str(made["NetworkAclId"])


def _entry(cloud: Cloud, acl_id: str, number: int, action: str, ports: tuple[int, int], region: str = "") -> None:
    cloud.client("ec2", region).create_network_acl_entry(
        NetworkAclId=acl_id,
        RuleNumber=number,
        Protocol="6",
        RuleAction=action,
        Egress=False,
        CidrBlock="0.0.0.0/0",
        PortRange={"From": ports[0], "To": ports[1]},
    )


def log_group(cloud: Cloud) -> str:
    """The log group that flow logs go to: with a key that is rotated, and kept for six years."""
    logs, kms = cloud.client("logs"), cloud.client("kms")
    if not logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]:
        key = kms.create_key(Description="flow logs")["KeyMetadata"]
        kms.create_alias(AliasName=LOGS_KEY, TargetKeyId=key["KeyId"])
        kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=ROTATED_DAYS)
        logs.create_log_group(logGroupName=LOG_GROUP, kmsKeyId=key["Arn"])
        logs.put_retention_policy(logGroupName=LOG_GROUP, retentionInDays=KEPT_DAYS)
    return LOG_GROUP


def log_flows(cloud: Cloud, vpcs: list[str], *, traffic: str = "ALL", to: str = "") -> None:
    """Flow logs of networks."""
    cloud.client("ec2").create_flow_logs(
        ResourceIds=vpcs,
        ResourceType="VPC",
        TrafficType=traffic,
        LogGroupName=to or log_group(cloud),
        DeliverLogsPermissionArn=f"arn:aws:iam::{cloud.account}:role/mg-flow-logs",
    )


def subnet_group(cloud: Cloud) -> str:
    """The name of the subnet group of private subnets, for databases."""
    rds, ec2 = cloud.client("rds"), cloud.client("ec2")
    if SUBNET_GROUP not in {one["DBSubnetGroupName"] for one in rds.describe_db_subnet_groups()["DBSubnetGroups"]}:
        found = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [default_vpc(cloud)]}])["Subnets"]
        ids = [one["SubnetId"] for one in found[:2]]
        rds.create_db_subnet_group(DBSubnetGroupName=SUBNET_GROUP, DBSubnetGroupDescription="private", SubnetIds=ids)
    return SUBNET_GROUP


def private_databases(cloud: Cloud) -> None:
    """Put the databases that moto left out of any subnet into private ones, where AWS would have put them."""
    rds = cloud.client("rds")
    for one in rds.describe_db_instances()["DBInstances"]:
        if not one.get("DBSubnetGroup"):
            rds.modify_db_instance(
                DBInstanceIdentifier=one["DBInstanceIdentifier"],
                DBSubnetGroupName=subnet_group(cloud),
                PubliclyAccessible=False,
                ApplyImmediately=True,
            )
