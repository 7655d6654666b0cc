"""Checks of who gets at buckets, over what, and whether it is written down."""

from __future__ import annotations

from typing import Literal

from meshguard.api import Verdict, check, failed, passed, undetermined
from meshguard.targets.aws import Aws, region_of
from meshguard.targets.aws.s3_models import Acl, Bucket, PublicAccessBlock
from meshguard_checks.aws.bucket_choice import Role, passed_over
from meshguard_checks.parsing.aws_bucket import blocked, public_of, tls_of
from meshguard_checks.parsing.aws_data_events import BOTH, events_of
from meshguard_checks.parsing.aws_policy import Answer, Judgement
from meshguard_checks.parsing.aws_whole import unread

BLOCK = (
    "aws s3api put-public-access-block --bucket NAME --public-access-block-configuration "
    "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true\n"
    'Terraform: resource "aws_s3_bucket_public_access_block" { block_public_acls = true, ignore_public_acls = true, '
    "block_public_policy = true, restrict_public_buckets = true }"
)
TLS = (
    "aws s3api put-bucket-policy --bucket NAME --policy file://policy.json, with a statement that denies s3:* to * on "
    'the bucket and its objects under {"Bool": {"aws:SecureTransport": "false"}}\n'
    'Terraform: data "aws_iam_policy_document" { statement { effect = "Deny", actions = ["s3:*"], condition '
    '{ test = "Bool", variable = "aws:SecureTransport", values = ["false"] } } }'
)
LOG = (
    "aws s3api put-bucket-logging --bucket NAME --bucket-logging-status "
    '\'{"LoggingEnabled":{"TargetBucket":"LOGS","TargetPrefix":"NAME/"}}\', or a trail with data events of the bucket\n'
    'Terraform: resource "aws_s3_bucket_logging" { bucket = NAME, target_bucket = LOGS, target_prefix = "NAME/" }'
)


@check("aws.s3_public_access", method="examine", over=Aws.buckets, fix=BLOCK)
async def s3_public_access(
    bucket: Bucket, aws: Aws, *, role: Role = "all", buckets: tuple[str, ...] = (), private_suffices: bool = False
) -> Verdict:
    """Block Public Access holds for the bucket, all four settings of it, by itself or by its account (S3 User Guide,
    "Blocking public access to your Amazon S3 storage").

    Of the bucket's settings and the account's, which include the organisation's, the stricter one of each holds.

    Args:
        role: which buckets: all, or those that the deployment names as backup, audit or data buckets.
        buckets: names or globs of the buckets; without one any.
        private_suffices: whether it is enough that neither the policy nor ACLs let strangers in now. Where ACLs count,
            each object has one of its own, and those are not read.
    """
    if (other := passed_over(bucket, aws.settings, role, buckets)) is not None:
        return other
    block = await aws.public_access_block(bucket.place, bucket.name)
    if block.off and bucket.owned == "own":
        block = block.joined(await aws.account_public_access(await aws.home_of(bucket.place)))
    said = blocked(block)
    if said.answer is Answer.YES:
        return passed(said.reason)
    if bucket.owned != "own" and not private_suffices:
        return undetermined(f"{said.reason} for the bucket, and its account's settings are not seen", fix=BLOCK)
    policy = public_of(await aws.bucket_policy(bucket.place, bucket.name))
    if not private_suffices:
        now = f", and {policy.reason}" if policy.answer is Answer.YES and not block.restrict else ""
        return failed(said.reason + now, got=f"{4 - len(block.off)} of 4 settings", want="4 of 4 settings")
    acl = await aws.bucket_acl(bucket.place, bucket.name)
    return _private(block, policy, acl)


def _private(block: PublicAccessBlock, policy: Judgement, acl: Acl) -> Verdict:
    """Whether strangers are kept out without the whole block."""
    if policy.answer is Answer.YES and not block.restrict:
        return failed(policy.reason, want="nobody but named principals")
    counts = acl.ownership != "BucketOwnerEnforced" and not block.ignore_acls
    if counts and acl.public:
        return failed(f"its ACL grants {', '.join(acl.public)}", want="nobody but named principals")
    if policy.answer is Answer.UNDECIDED and not block.restrict:
        return undetermined(policy.reason, fix=BLOCK)
    if counts:
        fix = "set the object ownership to BucketOwnerEnforced, or switch IgnorePublicAcls on"
        return undetermined("each object's ACL may let strangers in, and those are not read", fix=fix)
    return passed("neither its policy nor an ACL lets strangers in")


@check("aws.s3_tls_only", method="examine", over=Aws.buckets, fix=TLS)
async def s3_tls_only(bucket: Bucket, aws: Aws, *, role: Role = "all", buckets: tuple[str, ...] = ()) -> Verdict:
    """The bucket's policy denies everyone every request without TLS (S3 User Guide, "Security best practices").

    Args:
        role: which buckets: all, or those that the deployment names as backup, audit or data buckets.
        buckets: names or globs of the buckets; without one any.
    """
    if (other := passed_over(bucket, aws.settings, role, buckets)) is not None:
        return other
    said = tls_of(await aws.bucket_policy(bucket.place, bucket.name), bucket.arn)
    if said.answer is Answer.UNDECIDED:
        return undetermined(said.reason, fix=TLS)
    return passed(said.reason) if said.answer is Answer.YES else failed(said.reason)


@check("aws.s3_access_logging", method="examine", over=Aws.buckets, fix=LOG)
async def s3_access_logging(
    bucket: Bucket,
    aws: Aws,
    *,
    role: Role = "all",
    buckets: tuple[str, ...] = (),
    by: Literal["any", "server-log", "cloudtrail"] = "any",
) -> Verdict:
    """Who reads and writes objects is logged, to another bucket (S3 User Guide, "Logging requests").

    Either by server access logging, or by a trail that is logging now and takes the data events of all objects, reads
    and writes. What CloudTrail Lake stores is not looked at. Whether the log's bucket lets S3 write is not seen.

    Args:
        role: which buckets: all, or those that the deployment names as backup, audit or data buckets.
        buckets: names or globs of the buckets; without one any.
        by: server-log or cloudtrail, where only one of them is accepted.
    """
    if (other := passed_over(bucket, aws.settings, role, buckets)) is not None:
        return other
    found = []
    if by != "cloudtrail":
        found.append(await _by_server_log(bucket, aws))
    if by != "server-log" and not any(one.answer is Answer.YES for one in found):
        found.append(await _by_trail(bucket, aws))
    for one in found:
        if one.answer is Answer.YES:
            return passed(one.reason)
    said = "; ".join(one.reason for one in found)
    if any(one.answer is Answer.UNDECIDED for one in found):
        return undetermined(said, fix=LOG)
    return failed(said, want="a log in another bucket")


async def _by_server_log(bucket: Bucket, aws: Aws) -> Judgement:
    log = await aws.access_log(bucket.place, bucket.name)
    if log is None:
        return Judgement(Answer.NO, "server access logging is off")
    if log.bucket == bucket.name:
        return Judgement(Answer.NO, "its server access log goes to itself")
    if bucket.owned != "own":
        return Judgement(Answer.UNDECIDED, f"its server access log goes to {log.bucket}, of an account not looked at")
    # S3 delivers only within an account and region, and says nothing when the log's bucket is gone.
    own = await aws.all_buckets_in(await aws.home_of(bucket.place))
    if log.bucket in {one.name for one in own.items}:
        return Judgement(Answer.YES, f"its server access log goes to {log.bucket}")
    doubt = unread(own)
    said = f"its server access log goes to {log.bucket}, which the account does not have"
    return (
        Judgement(Answer.UNDECIDED, f"{said}, as far as it was read: {doubt}") if doubt else Judgement(Answer.NO, said)
    )


async def _by_trail(bucket: Bucket, aws: Aws) -> Judgement:
    doubts = []
    for trail in (await aws.trails_in(bucket.place)).items:
        status = await aws.trail_status(f"{trail.asker}/{region_of(bucket.place)}", trail.arn)
        selectors = await aws.trail_selectors(trail.home_place, trail.arn)
        if status is None or selectors is None:
            doubts.append(f"what the trail {trail.name} takes is not shown to the account")
        elif status.logging and trail.bucket != bucket.name and events_of(selectors, bucket.arn) == BOTH:
            return Judgement(Answer.YES, f"the trail {trail.name} takes its data events, to {trail.bucket}")
    if doubts:
        return Judgement(Answer.UNDECIDED, "; ".join(doubts))
    return Judgement(Answer.NO, "no trail that is logging takes all its data events to another bucket")
