"""Where data is, where copies of it go, and what of that could not be seen."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from meshguard.api import Denied, Listing, NotObserved, Unread
from meshguard.targets.aws import Account, Aws
from meshguard.targets.aws.kms import Key
from meshguard.targets.aws.residency import Kind, Located, Scp
from meshguard.targets.aws.s3_models import Bucket
from meshguard.targets.aws.stores_models import Table
from meshguard.testing import judge, recorded
from meshguard_checks.aws.residency import regions

row = pytest.param
ACCOUNT, HOME = "123456789012", "123456789012/eu-central-1"
ALLOWED = {"allowed": ["eu-central-1", "eu-west-1"]}
OWN = Account(id=ACCOUNT, place=HOME)
DENIED = Denied("s3:X in eu-central-1: access denied", fix="allow s3:X")


def at(kind: Kind, region: str = "eu-central-1", name: str = "x", copies: tuple[str, ...] = ()) -> Located:
    return Located(
        arn=f"arn:aws:{kind}:{region}:{ACCOUNT}:{name}",
        place=f"{ACCOUNT}/{region}",
        name=name,
        kind=kind,
        copies=copies,
    )


def aws(facts: dict[Any, Any] | None = None, **settings: Any) -> Aws:
    known: dict[Any, Any] = {Aws.accounts: {(): Listing(items=(OWN,))}, Aws.located: {(): Listing[Located](items=())}}
    return recorded(Aws, known | (facts or {}), **({"region": "eu-central-1"} | settings))


def arn(service: str, region: str, name: str) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{name}"


@pytest.mark.parametrize(
    ("region", "copies", "outcome"),
    [
        row("eu-central-1", (), "pass", id="in an allowed region"),
        row("eu-west-1", (), "pass", id="in the other one"),
        row("eu-west-2", (), "fail", id="in a region that is not allowed"),
        row("eu-central-1", ("patients-replica",), "pass", id="a read replica in its own region, which has no ARN"),
        row("eu-central-1", (arn("rds", "eu-west-1", "db:copy"),), "pass", id="a replica in an allowed region"),
        row("eu-central-1", (arn("rds", "us-east-1", "db:copy"),), "fail", id="a replica outside"),
        row("eu-central-1", ("us-east-1",), "pass", id="a replica that is named like a region"),
        row(
            "eu-central-1",
            (arn("rds", "us-east-1", "auto-backup:ab-1"),),
            "fail",
            id="automated backups copied outside",
        ),
        row("us-east-1", (arn("rds", "eu-west-1", "db:copy"),), "fail", id="outside, and copied home"),
    ],
)
async def test_a_database(region: str, copies: tuple[str, ...], outcome: str) -> None:
    assert (await judge(regions, at("database", region, copies=copies), aws(), **ALLOWED)).outcome == outcome


@pytest.mark.parametrize("kind", ["backup", "global-cluster", "volume"])
async def test_other_kinds_are_judged_by_their_region(kind: Kind) -> None:
    assert (await judge(regions, at(kind, "eu-west-1"), aws(), **ALLOWED)).outcome == "pass"
    assert (await judge(regions, at(kind, "eu-west-2"), aws(), **ALLOWED)).outcome == "fail"


def bucket(name: str, region: str) -> Bucket:
    return Bucket(arn=f"arn:aws:s3:::{name}", place=f"{ACCOUNT}/{region}", name=name)


@pytest.mark.parametrize(
    ("copies", "outcome"),
    [
        row((), "pass", id="none"),
        row(("near",), "pass", id="to a bucket in an allowed region"),
        row(("far",), "fail", id="to a bucket outside"),
        row(("near", "far"), "fail", id="to both"),
        row(("theirs",), "not-checked", id="to a bucket of another account"),
        row(("theirs", "far"), "fail", id="to one outside, and one unknown"),
        row(DENIED, "error", id="denied"),
    ],
)
async def test_what_a_bucket_copies_to(copies: Any, outcome: str) -> None:
    facts: dict[Any, Any] = {
        Aws.bucket_copies: {(HOME, "x"): copies},
        Aws.all_buckets_in: {(HOME,): Listing(items=(bucket("near", "eu-west-1"), bucket("far", "us-east-1")))},
    }

    assert (await judge(regions, at("bucket"), aws(facts), **ALLOWED)).outcome == outcome


@pytest.mark.parametrize(
    ("copied_to", "outcome"),
    [row(("eu-west-1",), "pass", id="inside"), row(("us-east-1",), "fail", id="outside"), row((), "pass", id="none")],
)
async def test_replicas_of_a_global_table(copied_to: tuple[str, ...], outcome: str) -> None:
    one = Table(arn="arn", place=HOME, name="x", encrypted=True, status="ACTIVE", copied_to=copied_to)

    assert (await judge(regions, at("table"), aws({Aws.table: {(HOME, "x"): one}}), **ALLOWED)).outcome == outcome


@pytest.mark.parametrize(
    ("copies", "outcome"),
    [
        row((), "pass", id="none"),
        row(("eu-west-1",), "pass", id="inside"),
        row(("us-east-1",), "fail", id="outside"),
        row((arn("secretsmanager", "us-east-1", "secret:x"),), "fail", id="in another account, outside"),
        row(DENIED, "error", id="denied"),
    ],
)
async def test_replicas_of_a_secret(copies: Any, outcome: str) -> None:
    one = at("secret")

    assert (
        await judge(regions, one, aws({Aws.secret_copies: {(HOME, one.arn): copies}}), **ALLOWED)
    ).outcome == outcome


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        row({"replica_arns": (arn("kms", "eu-west-1", "key/mrk-1"),)}, "pass", id="a replica inside"),
        row({"replica_arns": (arn("kms", "us-east-1", "key/mrk-1"),)}, "fail", id="a replica outside"),
        row({"primary": arn("kms", "us-east-1", "key/mrk-1")}, "fail", id="the primary outside"),
    ],
)
async def test_multi_region_keys(more: dict[str, Any], outcome: str) -> None:
    one = at("key", name="mrk-1")
    key = Key(
        arn=one.arn,
        place=HOME,
        manager="CUSTOMER",
        state="Enabled",
        spec="SYMMETRIC_DEFAULT",
        usage="ENCRYPT_DECRYPT",
        origin="AWS_KMS",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        **more,
    )

    assert (await judge(regions, one, aws({Aws.key: {(HOME, one.arn): key}}), **ALLOWED)).outcome == outcome


@pytest.mark.parametrize(
    ("copies", "outcome"),
    [
        row((), "pass", id="none"),
        row((arn("backup", "eu-west-1", "backup-vault:v"),), "pass", id="inside"),
        row((arn("backup", "us-east-1", "backup-vault:v"),), "fail", id="outside"),
    ],
)
async def test_copies_of_a_backup_plan(copies: tuple[str, ...], outcome: str) -> None:
    facts: dict[Any, Any] = {Aws.plan_copies: {(HOME, "p-1"): copies}}

    assert (await judge(regions, at("plan", name="backup-plan:p-1"), aws(facts), **ALLOWED)).outcome == outcome


@pytest.mark.parametrize(
    ("copies", "outcome"),
    [
        row({}, "pass", id="none"),
        row({"fs-1": ("eu-west-1",)}, "pass", id="inside"),
        row({"fs-1": ("us-east-1",)}, "fail", id="outside"),
        row({"fs-2": ("us-east-1",)}, "pass", id="another file system's"),
    ],
)
async def test_replicas_of_a_file_system(copies: dict[str, tuple[str, ...]], outcome: str) -> None:
    facts: dict[Any, Any] = {Aws.file_system_copies: {(HOME,): copies}}

    assert (await judge(regions, at("file-system", name="fs-1"), aws(facts), **ALLOWED)).outcome == outcome


ACCOUNT_ITEM = Located(arn=ACCOUNT, place=HOME, name=ACCOUNT, kind="account")


def seen(*enabled: str, **more: Any) -> dict[Any, Any]:
    return {Aws.places: {(): Listing(items=(HOME,))}, Aws.open_regions: {(HOME,): enabled}, **more}


@pytest.mark.parametrize(
    ("facts", "settings", "outcome"),
    [
        row({}, {"region": None, "regions": "all"}, "pass", id="all regions are audited"),
        row(seen("eu-central-1"), {}, "pass", id="no other region is enabled"),
        row(seen("eu-central-1", "eu-west-1"), {}, "pass", id="the other one is allowed, and need not be looked at"),
        row(seen("eu-central-1", "us-east-1"), {}, "not-checked", id="a region was not looked at"),
        row({**seen(), Aws.open_regions: {(HOME,): DENIED}}, {}, "error", id="the regions are not told"),
    ],
)
async def test_regions_that_were_not_looked_at(facts: dict[Any, Any], settings: dict[str, Any], outcome: str) -> None:
    assert (await judge(regions, ACCOUNT_ITEM, aws(facts, **settings), **ALLOWED)).outcome == outcome


async def test_what_could_not_be_listed_leaves_the_account_undetermined() -> None:
    unread = (Unread(resource=f"{ACCOUNT}/us-east-1", kind="denied", reason="access denied"),)
    one = aws({Aws.located: {(): Listing[Located](items=(), unread=unread)}}, region=None, regions="all")

    assert (await judge(regions, ACCOUNT_ITEM, one, **ALLOWED)).outcome == "not-checked"


def deny(**more: Any) -> dict[str, Any]:
    outside = {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1"]}}
    return {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": outside} | more


GLOBAL = ["iam:*", "sts:*", "route53:*", "s3:ListAllMyBuckets"]
EXCEPTED = {"ArnNotLike": {"aws:PrincipalARN": "arn:aws:iam::*:role/AWSControlTowerExecution"}}


def without_action(*services: str) -> dict[str, Any]:
    return {key: value for key, value in deny().items() if key != "Action"} | {"NotAction": list(services)}


@pytest.mark.parametrize(
    ("statements", "parameters", "outcome"),
    [
        row([deny()], {}, "pass", id="everything but the allowed regions"),
        row(deny(), {}, "pass", id="a statement that is no list"),
        row([without_action(*GLOBAL)], {}, "pass", id="but for global services"),
        row([without_action(*GLOBAL, "rds:*")], {}, "not-checked", id="but for databases"),
        row([without_action(*GLOBAL, "RDS:Create*")], {}, "not-checked", id="but for databases, in other letters"),
        row([deny(Action=["rds:*", "dynamodb:*"])], {}, "not-checked", id="some services only"),
        row([deny(Resource="arn:aws:rds:*:*:db:*")], {}, "not-checked", id="some resources only"),
        row([deny(Effect="Allow")], {}, "not-checked", id="an allowance"),
        row([], {}, "not-checked", id="no statement"),
        row([deny(Condition={"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "us-east-1"]}})], {},
            "not-checked", id="the region is allowed by it"),
        row([deny(Condition={"StringEquals": {"aws:RequestedRegion": ["us-east-1"]}})], {}, "pass", id="by name"),
        row([deny(Condition={"StringLike": {"aws:RequestedRegion": "us-*"}})], {}, "pass", id="by a pattern"),
        row([deny(Condition={"StringNotLike": {"aws:RequestedRegion": "eu-*"}})], {}, "pass", id="all but a pattern"),
        row([deny(Condition={"StringNotLike": {"aws:RequestedRegion": "*"}})], {}, "not-checked", id="all but all"),
        row([deny(Condition=deny()["Condition"] | EXCEPTED)], {}, "not-checked", id="it excepts principals"),
        row([deny(Condition=deny()["Condition"] | EXCEPTED)], {"scp_exceptions": True}, "pass", id="as may be"),
        row([deny(Condition=deny()["Condition"] | {"ArnNotLike": {"aws:PrincipalArn": "*"}})], {"scp_exceptions": True},
            "not-checked", id="it excepts everybody"),
        row([deny(Condition=deny()["Condition"] | {"Bool": {"aws:ViaAWSService": "false"}})], {"scp_exceptions": True},
            "not-checked", id="it excepts what services do"),
    ],
)  # fmt: skip
async def test_a_policy_that_closes_regions(statements: Any, parameters: dict[str, Any], outcome: str) -> None:
    policy = Scp(content=json.dumps({"Statement": statements}), targets=("ou-1",), management="999999999999")
    facts = seen("eu-central-1", "us-east-1") | {
        Aws.scp: {("p-12345678",): policy},
        Aws.above: {(ACCOUNT,): ("ou-1", "r-1")},
    }

    assert (
        await judge(regions, ACCOUNT_ITEM, aws(facts), scp="p-12345678", **ALLOWED, **parameters)
    ).outcome == outcome


@pytest.mark.parametrize(
    ("targets", "management", "content", "outcome"),
    [
        row((ACCOUNT,), "999999999999", [deny()], "pass", id="attached to the account"),
        row(("r-1",), "999999999999", [deny()], "pass", id="attached to the root"),
        row(("ou-2",), "999999999999", [deny()], "not-checked", id="attached elsewhere"),
        row((), "999999999999", [deny()], "not-checked", id="attached to nothing"),
        row(("r-1",), ACCOUNT, [deny()], "not-checked", id="the management account, which it does not bind"),
        row(("r-1",), "999999999999", None, "not-checked", id="no policy at all"),
    ],
)
async def test_where_the_policy_holds(targets: tuple[str, ...], management: str, content: Any, outcome: str) -> None:
    policy = Scp(content=json.dumps({"Statement": content}), targets=targets, management=management)
    facts = seen("us-east-1") | {Aws.scp: {("p-12345678",): policy}, Aws.above: {(ACCOUNT,): ("ou-1", "r-1")}}

    assert (await judge(regions, ACCOUNT_ITEM, aws(facts), scp="p-12345678", **ALLOWED)).outcome == outcome


async def test_a_policy_that_cannot_be_read_is_an_error() -> None:
    facts = seen("us-east-1") | {Aws.scp: {("p-12345678",): NotObserved("organizations:DescribePolicy: denied")}}

    assert (await judge(regions, ACCOUNT_ITEM, aws(facts), scp="p-12345678", **ALLOWED)).outcome == "error"


@pytest.mark.parametrize(
    "parameters",
    [
        row({"allowed": ["Frankfurt"]}, id="a city"),
        row({"allowed": ["eu-central-1"], "scp": "my-policy"}, id="a policy's name"),
    ],
)
def test_a_wrong_parameter_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        regions.parameters.model_validate(parameters)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        row(("eu-central-1",), "pass", id="what the deployment allows"),
        row(("eu-west-1",), "fail", id="and what it does not"),
        row((), "not-checked", id="nothing said is nothing allowed, and nothing forbidden"),
    ],
)
async def test_the_deployment_says_where_data_may_be(said: tuple[str, ...], outcome: str) -> None:
    known = aws({Aws.allowed_regions: {(): said}})
    assert (await judge(regions, at("database"), known)).outcome == outcome
