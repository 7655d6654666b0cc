"""Checks of where data is."""

from __future__ import annotations

from typing import Annotated

from meshguard.api import Field, Verdict, check, failed, passed, undetermined
from meshguard.targets.aws import Aws
from meshguard.targets.aws.models import account_of, region_of
from meshguard.targets.aws.residency import Located
from meshguard.targets.aws.settings import Region
from meshguard_checks.parsing.aws_regions import left_open

PolicyId = Annotated[str, Field(pattern=r"^(p-[0-9a-zA-Z_]{8,128})?$")]


@check(
    "aws.regions",
    method="examine",
    over=Aws.located,
    fix="Move what is outside, end its replication (such as aws secretsmanager remove-regions-from-replication), and "
    "close the other regions for all accounts:\n"
    'Terraform: resource "aws_organizations_policy" { content = a Deny of all actions with StringNotEquals '
    "aws:RequestedRegion of the allowed ones }; set `regions: all` or name that policy as `scp`",
)
async def regions(
    item: Located,
    aws: Aws,
    *,
    allowed: tuple[Region, ...] = (),
    scp: PolicyId = "",
    scp_exceptions: bool = False,
) -> Verdict:
    """No data, and no copy of it, is outside of the allowed regions (GDPR, Art. 44; AWS whitepaper "Navigating GDPR \
Compliance on AWS", "Monitoring and Logging").

    Buckets, databases, tables, volumes, file systems, secrets, multi-Region keys, snapshots, vaults and recovery points
    are judged by where they are, and by where their replicas, copied backups and replication rules go. Each account is
    judged as well: whether every region that is enabled in it and not allowed was looked at. Where the deployment
    audits some regions only, that is settled by a service control policy that keeps the account out of the others.
    A region that is not enabled (opt-in) can take no new data; what it kept from before cannot be seen.

    Args:
        allowed: regions where data may be; those under `allowed_regions` of the target unless given.
        scp: id of a service control policy that denies requests to all other regions; it is read and judged. The
            credentials must be those of the management account or of a delegated one.
        scp_exceptions: whether that policy may except named principals.
    """
    allowed = allowed or await aws.allowed_regions()
    if not allowed:
        return undetermined("the deployment does not say where data may be", fix="name `allowed_regions` of the target")
    if item.kind == "account":
        return await _account(item, aws, allowed, scp, scp_exceptions)
    copies = await _copies(item, aws)
    unknown = [what for what, region in copies.items() if not region]
    own = region_of(item.place)
    outside = {what: region for what, region in copies.items() if region and region not in allowed}
    want = ", ".join(allowed)
    if own not in allowed:
        return failed(f"the {item.kind} {item.name} is in {own}", got=own, want=want)
    if outside:
        told = ", ".join(what if what == region else f"{what} in {region}" for what, region in outside.items())
        got = ", ".join(sorted(set(outside.values())))
        return failed(f"the {item.kind} {item.name} is copied to {told}", got=got, want=want)
    if unknown:
        return undetermined(
            f"the {item.kind} {item.name} is copied to {', '.join(unknown)}, which no audited account has",
            fix="audit the account that it belongs to as well (`accounts`)",
        )
    told = f", its copies in {', '.join(sorted(set(filter(None, copies.values()))))}" if copies else ""
    return passed(f"the {item.kind} {item.name} is in {own}{told}", got=own, want=want)


async def _copies(item: Located, aws: Aws) -> dict[str, str]:
    """Each copy and its region; an empty one where that is not known."""
    own = region_of(item.place)
    if item.kind == "bucket":
        names = await aws.bucket_copies(item.place, item.name)
        known = await _buckets(aws) if names else {}
        return {name: known.get(name, "") for name in names}
    copies: tuple[str, ...] = item.copies
    if item.kind == "table":
        return {region: region for region in (await aws.table(item.place, item.name)).copied_to}
    if item.kind == "secret":
        copies = await aws.secret_copies(item.place, item.arn)
        return {one: _region(one, otherwise=one) for one in copies}
    if item.kind == "key":
        key = await aws.key(item.place, item.arn)
        copies = (*key.replica_arns, *filter(None, [key.primary]))
    elif item.kind == "plan":
        copies = await aws.plan_copies(item.place, item.arn.rpartition(":")[2])
    elif item.kind == "file-system":
        found = await aws.file_system_copies(item.place)
        return {region: region for region in found.get(item.name, ())}
    return {one: _region(one, otherwise=own) for one in copies}


async def _buckets(aws: Aws) -> dict[str, str]:
    """The region of each bucket of the audited accounts."""
    found: dict[str, str] = {}
    for account in (await aws.accounts()).items:
        found |= {one.name: region_of(one.place) for one in (await aws.all_buckets_in(account.place)).items}
    return found


def _region(copy: str, otherwise: str) -> str:
    """The region that an ARN names; what is named without one is a name in its source's own region."""
    return copy.split(":")[3] if copy.startswith("arn:") else otherwise


async def _account(item: Located, aws: Aws, allowed: tuple[str, ...], scp: str, exceptions: bool) -> Verdict:
    account, want = account_of(item.place), ", ".join(allowed)
    unread = [part.resource for part in (await aws.located()).unread]
    if unread:
        return undetermined(f"not everything could be looked at: {', '.join(unread)}")
    if aws.settings.regions == "all":
        return passed(f"all regions that are enabled in {account} were looked at", want=want)
    looked_at = {region_of(one) for one in (await aws.places()).items if account_of(one) == account}
    unseen = sorted(set(await aws.open_regions(item.place)) - looked_at - set(allowed))
    if not unseen:
        return passed(f"every region that is enabled in {account} was looked at, or is allowed", want=want)
    if not scp:
        return undetermined(
            f"not all regions that are enabled in {account} were looked at: {', '.join(unseen)} not",
            fix="set `regions: all`, or name the service control policy that closes them as `scp`",
        )
    return await _closed(account, aws, unseen, scp, exceptions)


async def _closed(account: str, aws: Aws, unseen: list[str], scp: str, exceptions: bool) -> Verdict:
    """Whether the policy keeps the account out of the regions that were not looked at."""
    policy = await aws.scp(scp)
    if policy.management == account:
        return undetermined(
            f"{account} is the management account, which no service control policy binds", fix="set `regions: all`"
        )
    if account not in policy.targets and not set(await aws.above(account)) & set(policy.targets):
        return undetermined(f"{scp} is attached neither to {account} nor above it", fix="attach it, or `regions: all`")
    still_open = left_open(policy.content, unseen, exceptions=exceptions)
    if still_open:
        return undetermined(
            f"{scp} does not deny all that stores data in {', '.join(still_open)}, and they were not looked at",
            fix="let it deny all actions but those of global services there, or set `regions: all`",
        )
    return passed(f"{scp} keeps {account} out of {', '.join(unseen)}", got=f"closed by {scp}")
