"""Checks of networks and of where data is against the test cloud: a good account, each weakness, what is denied."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from examples.healthmesh.cloud import account, network
from examples.healthmesh.cloud.builder import Cloud, CloudDefect
from examples.healthmesh.cloud.network_parts import INSIDE, answers, default_vpc, subnet_group
from examples.healthmesh.cloud.server import running
from tests.live.aws_account import Audited, audited

from meshguard.evidence import Evidence
from meshguard.targets.aws import Aws, AwsSettings

CHECKS = (
    "aws.security_groups",
    "aws.admin_access",
    "aws.admin_path",
    "aws.network_acls",
    "aws.vpc_flow_logs",
    "aws.subnets",
    "aws.regions",
)
LISTS_OF_EC2 = ("aws.security_groups", "aws.admin_access", "aws.network_acls", "aws.vpc_flow_logs")
"""Those that take one client and few calls; the others are asked only where a test is about them."""
STORES = ["rds:mg-db-private", "efs:mg-files-private"]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with running() as server:
        yield Cloud(server.endpoint)


@pytest.fixture
def good(cloud: Cloud) -> Cloud:
    cloud.control.reset()
    seed(cloud)
    return cloud


def seed(cloud: Cloud) -> None:
    """A good network, and something of each kind that holds data."""
    cloud.client("rds").create_db_instance(
        DBInstanceIdentifier="mg-db-private",
        DBInstanceClass="db.t4g.medium",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="mesh",
        ManageMasterUserPassword=True,
        PubliclyAccessible=False,
        DBSubnetGroupName=subnet_group(cloud),
    )
    efs = cloud.client("efs")
    tags = [{"Key": "Name", "Value": "mg-files-private"}]
    files = efs.create_file_system(CreationToken="files", Encrypted=True, Tags=tags)["FileSystemId"]
    of = [{"Name": "vpc-id", "Values": [default_vpc(cloud)]}]
    subnet = cloud.client("ec2").describe_subnets(Filters=of)["Subnets"][0]["SubnetId"]
    efs.create_mount_target(FileSystemId=files, SubnetId=subnet)
    cloud.client("s3").create_bucket(Bucket="mg-scans")
    cloud.client("secretsmanager").create_secret(Name="mg-secret", SecretString="x")
    cloud.client("dynamodb").create_table(
        TableName="mg-table",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    cloud.client("kms").create_key(MultiRegion=True)
    network.good(cloud)


def audit(cloud: Cloud, folder: Path, *checks: str, **settings: Any) -> Audited:
    said = {"data_stores": STORES, "backup_buckets": [], "audit_buckets": [], **settings}
    return audited(cloud, folder, checks or CHECKS, **said)


def failing(found: Audited) -> set[str]:
    return {check for (check, _), outcome in found.outcomes.items() if outcome == "fail"}


def test_a_good_account_passes(good: Cloud, tmp_path: Path) -> None:
    found = audit(good, tmp_path)

    assert {
        one: found.verdicts[one] for one, said in found.outcomes.items() if said not in ("pass", "not-applicable")
    } == {}
    assert {check for check, _ in found.outcomes} == set(CHECKS)
    assert found.outcomes.items() >= network.manifest(good).items()


def test_each_resource_gets_the_verdict_that_it_deserves(good: Cloud, tmp_path: Path) -> None:
    network.bad(good, 3)

    assert audit(good, tmp_path).outcomes.items() >= network.manifest(good, 3).items()


@pytest.mark.parametrize("defect", network.DEFECTS, ids=lambda defect: defect.name)
def test_a_weakness_trips_its_check_alone(good: Cloud, defect: CloudDefect, tmp_path: Path) -> None:
    defect.plant(good)

    found = audit(good, tmp_path, *{*LISTS_OF_EC2, defect.check})
    assert failing(found) == {defect.check, *defect.also}


JOINED = ("aws.subnets", "aws.regions")
"""Those that are run over several lists joined: what one list cannot tell is an error, and the others are judged."""


CALLS = (
    "ec2:DescribeSecurityGroups", "ec2:DescribeNetworkAcls", "ec2:DescribeVpcs", "ec2:DescribeFlowLogs",
    "ec2:DescribeRouteTables", "rds:DescribeDBSubnetGroups", "efs:DescribeMountTargets",
    "ssm:DescribeInstanceInformation", "rds:DescribeGlobalClusters", "efs:DescribeReplicationConfigurations",
    "s3:GetBucketReplication", "s3:ListBuckets", "secretsmanager:DescribeSecret", "kms:DescribeKey",
    "ec2:DescribeRegions",
)  # fmt: skip
"""The operations of these topics, and one list of another's."""


def test_what_is_denied_is_never_a_pass(good: Cloud, tmp_path: Path) -> None:
    whole = audit(good, tmp_path)
    takes = {(check, resource): taken for (check, resource), taken in whole.takes.items() if taken}
    for operation in CALLS:
        good.control.clear()
        answers(good)
        good.control.fault(operation, "denied")
        checks = {check for (check, _), taken in takes.items() if operation in taken}
        assert checks, operation
        found = audit(good, tmp_path, *checks)
        assert not failing(found), operation
        for check in checks:
            of_check = {place: operation in taken for place, taken in takes.items() if place[0] == check}
            if check in JOINED and all(of_check.values()):
                assert "error" in found.of(check).values(), operation
                assert found.outcomes.get(("aws.regions", good.account)) in (None, "not-checked", "error"), operation
            else:
                assert not {p for p, rests in of_check.items() if rests and found.outcomes.get(p) == "pass"}, operation


def test_each_list_is_asked_once_whatever_it_holds(good: Cloud, tmp_path: Path) -> None:
    network.bad(good, 5)

    counts = audit(good, tmp_path, *LISTS_OF_EC2).counts

    assert {name: count for name, count in counts.items() if name.startswith("ec2:")} == {
        "ec2:DescribeSecurityGroups": 1,
        "ec2:DescribeNetworkAcls": 1,
        "ec2:DescribeVpcs": 1,
        "ec2:DescribeFlowLogs": 1,
    }


def test_a_prefix_list_is_asked_once_whoever_names_it(good: Cloud, tmp_path: Path) -> None:
    next(one for one in network.DEFECTS if one.name == "aws-group-prefix-list").plant(good)

    assert audit(good, tmp_path, *LISTS_OF_EC2).counts["ec2:GetManagedPrefixListEntries"] == 1


def test_a_table_with_a_replica_abroad(good: Cloud, tmp_path: Path) -> None:
    table = good.client("dynamodb").describe_table(TableName="mg-table")["Table"]
    replica = {"RegionName": network.OUTSIDE, "ReplicaStatus": "ACTIVE"}
    good.control.answer(
        "dynamodb:DescribeTable", {"Table": {**table, "CreationDateTime": 1764000000, "Replicas": [replica]}}
    )

    assert audit(good, tmp_path, "aws.regions").outcomes["aws.regions", table["TableArn"]] == "fail"


def test_a_secret_with_a_replica_abroad(good: Cloud, tmp_path: Path) -> None:
    secrets = good.client("secretsmanager")
    secrets.replicate_secret_to_regions(SecretId="mg-secret", AddReplicaRegions=[{"Region": network.OUTSIDE}])

    arn = secrets.describe_secret(SecretId="mg-secret")["ARN"]
    assert audit(good, tmp_path, "aws.regions").outcomes["aws.regions", arn] == "fail"


@pytest.mark.parametrize(
    ("to", "outcome"), [("mg-copies-near", "pass"), ("mg-copies-far", "fail"), ("mg-copies-theirs", "not-checked")]
)
def test_a_bucket_that_copies_elsewhere(good: Cloud, tmp_path: Path, to: str, outcome: str) -> None:
    near = {"LocationConstraint": "eu-west-1"}
    good.client("s3", "eu-west-1").create_bucket(Bucket="mg-copies-near", CreateBucketConfiguration=near)
    if outcome == "fail":
        far = {"LocationConstraint": network.OUTSIDE}
        good.client("s3", network.OUTSIDE).create_bucket(Bucket="mg-copies-far", CreateBucketConfiguration=far)
    body = (
        '<ReplicationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Role>arn:aws:iam::1:role/r</Role>'
        f"<Rule><ID>all</ID><Priority>1</Priority><Status>Enabled</Status><Filter/>"
        f"<Destination><Bucket>arn:aws:s3:::{to}</Bucket></Destination></Rule></ReplicationConfiguration>"
    )
    good.control.answer("s3:GetBucketReplication", body, path="/mg-scans*")

    assert audit(good, tmp_path, "aws.regions").outcomes["aws.regions", "arn:aws:s3:::mg-scans"] == outcome


def test_copies_of_a_backup_plan_abroad(good: Cloud, tmp_path: Path) -> None:
    backup = good.client("backup")
    backup.create_backup_vault(BackupVaultName="mg-vault")
    vault = f"arn:aws:backup:{network.OUTSIDE}:{good.account}:backup-vault:far"
    rule = {
        "RuleName": "daily",
        "TargetBackupVaultName": "mg-vault",
        "CopyActions": [{"DestinationBackupVaultArn": vault}],
    }
    made = backup.create_backup_plan(BackupPlan={"BackupPlanName": "mg-plan", "Rules": [rule]})
    good.control.answer("backup:ListBackupSelections", {"BackupSelectionsList": []})

    assert audit(good, tmp_path, "aws.regions").outcomes["aws.regions", made["BackupPlanArn"]] == "fail"


def test_a_region_that_was_not_looked_at(good: Cloud, tmp_path: Path) -> None:
    regions = [{"RegionName": name} for name in (*INSIDE, network.OUTSIDE)]
    good.control.answer("ec2:DescribeRegions", {"Regions": regions})

    found = audit(good, tmp_path, "aws.regions")

    assert found.outcomes["aws.regions", good.account] == "not-checked"
    assert network.OUTSIDE in found.verdicts["aws.regions", good.account].message
    looked_at = audit(good, tmp_path, "aws.regions", region=None, regions="all")
    assert looked_at.outcomes["aws.regions", good.account] == "pass"


def test_a_tunnel_that_is_up_is_a_way_in_and_its_key_is_recorded_nowhere(
    good: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    secret = "a9Zq_preshared.key-of-tunnel"
    connection = {
        "VpnConnectionId": "vpn-0123456789abcdef0",
        "State": "available",
        "CustomerGatewayConfiguration": f"<vpn_connection><pre_shared_key>{secret}</pre_shared_key></vpn_connection>",
        "VgwTelemetry": [{"Status": "DOWN"}, {"Status": "UP", "StatusMessage": "2 BGP ROUTES"}],
    }
    good.control.answer("ec2:DescribeVpnConnections", {"VpnConnections": [connection]})

    async def asked() -> str:
        said = {"name": "main", "region": good.region, "endpoint": good.endpoint, "retries": 1}
        aws = Aws(AwsSettings.model_validate(said), Evidence())
        found = (await aws.vpn_connections()).items
        await aws.close()
        assert [(one.usable, one.state) for one in found] == [(True, "available, 1 of its tunnels up")]
        return json.dumps([observation.value for observation in aws.evidence.observations.values()])

    assert secret not in asyncio.run(asked())


OUTSIDE_DENIED = {
    "Effect": "Deny",
    "NotAction": ["iam:*", "organizations:*", "route53:*", "sts:*", "support:*"],
    "Resource": "*",
    "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(INSIDE)}},
}


@pytest.mark.parametrize(("attached_to", "outcome"), [("ou-1", "pass"), ("r-1", "pass"), ("ou-2", "not-checked")])
def test_a_policy_of_the_organisation_settles_what_was_not_looked_at(
    good: Cloud, tmp_path: Path, attached_to: str, outcome: str
) -> None:
    answer = good.control.answer
    answer("ec2:DescribeRegions", {"Regions": [{"RegionName": name} for name in (*INSIDE, network.OUTSIDE)]})
    answer("organizations:DescribeOrganization", {"Organization": {"MasterAccountId": "999999999999"}})
    answer("organizations:DescribePolicy", {"Policy": {"Content": json.dumps({"Statement": OUTSIDE_DENIED})}})
    answer("organizations:ListTargetsForPolicy", {"Targets": [{"TargetId": attached_to}]})
    answer("organizations:ListParents", {"Parents": [{"Id": "r-1", "Type": "ROOT"}]})
    unit = {"Parents": [{"Id": "ou-1", "Type": "ORGANIZATIONAL_UNIT"}]}
    answer("organizations:ListParents", unit, match=f'"ChildId": "{good.account}"')

    parameters = {**network.PARAMETERS["aws.regions"], "scp": "p-12345678"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(account.PARAMETERS, "aws.regions", parameters)
        found = audit(good, tmp_path, "aws.regions")

    assert found.outcomes["aws.regions", good.account] == outcome


def test_a_place_without_replicated_file_systems_may_say_so_by_an_error(good: Cloud, tmp_path: Path) -> None:
    good.control.answer("efs:DescribeReplicationConfigurations", {"Code": "ReplicationNotFound"}, status=404)

    assert set(audit(good, tmp_path, "aws.regions").outcomes.values()) == {"pass"}
