"""Checks of where data stores stand in virtual networks."""

from __future__ import annotations

from collections.abc import Iterable

from meshguard.api import Verdict, check, failed, not_applicable, passed, undetermined
from meshguard.targets.aws import Aws
from meshguard.targets.aws.network_models import RouteTable
from meshguard.targets.aws.store_subnets import InSubnets
from meshguard.targets.aws.stores_models import DataStore, DbCluster, DbInstance

ELSEWHERE = {
    "s3": "a bucket is in no subnet",
    "dynamodb": "a table is in no subnet",
    "ebs": "a volume is in no subnet; the machine that it is attached to is",
}
PUBLIC_GATEWAYS = ("igw-", "cagw-")
"""Internet gateways, and carrier gateways of Wavelength zones: both let connections in."""


@check(
    "aws.subnets",
    method="examine",
    over=Aws.data_stores,
    fix="aws rds modify-db-instance --db-instance-identifier NAME --db-subnet-group-name PRIVATE "
    "--no-publicly-accessible\n"
    'Terraform: resource "aws_db_subnet_group" of subnets whose route table has no aws_internet_gateway, and '
    "publicly_accessible = false",
)
async def subnets(store: DataStore, aws: Aws) -> Verdict:
    """The data store is in private subnets, and has no public address (Amazon VPC User Guide, "Subnet types").

    A subnet is public where its route table has a route to an internet gateway, of either version of IP and to
    whatever network; a subnet that names no table has the main one of its VPC. All subnets of a subnet group count:
    a failover may use each. NAT and egress-only gateways let nothing in.
    """
    if store.kind in ELSEWHERE:
        return not_applicable(ELSEWHERE[store.kind])
    if not store.exists:
        told = f"{store.name} was not found"
        return failed(told, want="a store") if store.exists is False else undetermined(f"{told}: {store.unread}")
    clusters = await _clusters(store, aws)
    instances = await _instances(store, clusters, aws)
    public = [one.name for one in (*clusters, *instances) if one.public]
    if public:
        return failed(f"{', '.join(public)} has a public address", got="public", want="PubliclyAccessible false")
    unsaid = [one.name for one in instances if one.public is None]
    if unsaid:
        return undetermined(f"whether {', '.join(unsaid)} has a public address was not said")
    stands = await _stands(store, {one.subnet_group for one in (*clusters, *instances)}, aws)
    return _judged(store, stands, (await aws.route_tables_in(store.place)).items)


async def _clusters(store: DataStore, aws: Aws) -> list[DbCluster]:
    if store.kind != "rds-cluster":
        return []
    return [one for one in (await aws.db_clusters_in(store.place)).items if one.arn == store.arn]


async def _instances(store: DataStore, clusters: list[DbCluster], aws: Aws) -> list[DbInstance]:
    """The instance, or those of the cluster."""
    if store.kind == "efs":
        return []
    names = {one.name for one in clusters}
    found = (await aws.db_instances_in(store.place)).items
    return [one for one in found if one.arn == store.arn or one.cluster in names]


async def _stands(store: DataStore, groups: set[str], aws: Aws) -> list[InSubnets]:
    """Where it is: the mount targets of a file system, the subnet groups of a database."""
    if store.kind == "efs":
        return list(await aws.mount_targets(store.place, store.arn.rpartition("/")[2]))
    return [one for one in (await aws.subnet_groups_in(store.place)).items if one.name in groups]


def _judged(store: DataStore, stands: list[InSubnets], tables: Iterable[RouteTable]) -> Verdict:
    known = tuple(tables)
    if not stands and store.kind == "efs":
        return passed("it has no mount target, so no network reaches it", got="no subnet")
    ids = dict.fromkeys((subnet, one.vpc) for one in stands for subnet in one.subnet_ids)
    if not ids:
        return undetermined("its subnets were not said")
    public, unknown = [], []
    for subnet, vpc in ids:
        table = _table(subnet, vpc, known)
        if table is None:
            unknown.append(subnet)
        elif ways := [f"{route.to} by {route.via}" for route in table.routes if _is_public(route.via, route.active)]:
            whose = "" if subnet in table.subnet_ids else ", the main table"
            public.append(f"{subnet} routes {', '.join(ways)} ({table.name}{whose})")
    if public:
        return failed("; ".join(public), got="a public subnet", want="private subnets")
    if unknown:
        return undetermined(f"no route table was seen for {', '.join(unknown)}, as where another account shares it")
    return passed(f"no internet gateway leads to {', '.join(subnet for subnet, _ in ids)}", got="private subnets")


def _table(subnet: str, vpc: str, tables: tuple[RouteTable, ...]) -> RouteTable | None:
    """The table that the subnet names, else the main one of its network."""
    own = next((one for one in tables if subnet in one.subnet_ids), None)
    return own or next((one for one in tables if one.main and one.vpc == vpc), None)


def _is_public(gateway: str, active: bool) -> bool:
    return active and gateway.startswith(PUBLIC_GATEWAYS)
