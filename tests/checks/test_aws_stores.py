"""Encryption of databases, volumes, tables, file systems, topics, queues, logs, and of the named data stores."""

from datetime import UTC, datetime
from typing import Any

import pytest

from meshguard.api import Check, Denied, Listing, Unread, Verdict
from meshguard.fact import LeftOut
from meshguard.targets.aws import Account, Aws, Resource
from meshguard.targets.aws.kms import Key, is_aws_alias, key_id_of
from meshguard.targets.aws.models import Identity
from meshguard.targets.aws.s3_models import Bucket, Encryption
from meshguard.targets.aws.stores_models import (
    DataStore,
    DbCluster,
    DbInstance,
    EbsDefault,
    FileSystem,
    LogGroup,
    Queue,
    QueueRef,
    Table,
    Topic,
    Volume,
)
from meshguard.testing import judge, recorded
from meshguard_checks import data_stores
from meshguard_checks.aws import (
    dynamodb_encrypted,
    ebs_default_encrypted,
    ebs_encrypted,
    efs_encrypted,
    logs_encrypted,
    rds_encrypted,
    sns_encrypted,
    sqs_encrypted,
)

OWN, OTHER = "123456789012", "210987654321"
HOME = f"{OWN}/us-east-1"
KEY = f"arn:aws:kms:us-east-1:{OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
FOREIGN = KEY.replace(OWN, OTHER)
DENIED = Denied("denied in us-east-1: access denied (AccessDeniedException)", fix="allow it")
NAMED: dict[str, Any] = {"arn": "arn:aws:any:us-east-1:123456789012:thing/mg", "place": HOME, "name": "mg"}
URL = f"https://sqs.us-east-1.amazonaws.com/{OWN}/mg"


def key(manager: str) -> Key:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    said = {"state": "Enabled", "spec": "SYMMETRIC_DEFAULT", "origin": "AWS_KMS"}
    return Key(arn=KEY, place=HOME, manager=manager, created=made, **said)


def account(facts: dict[Any, Any], **settings: Any) -> Aws:
    return recorded(Aws, facts, region="us-east-1", **settings)


def database(**fields: Any) -> DbInstance:
    """A DB instance, encrypted with a customer-managed key."""
    given = NAMED | {
        "encrypted": True,
        "kms_key": KEY,
        "engine": "postgres",
        "status": "available",
        "backup_days": 7,
        "deletion_protection": True,
        "copies_tags": True,
        "multi_az": True,
        "public": False,
    }
    return DbInstance(**given | fields)


def kept(check: Check[Any], keep: dict[str, Any]) -> tuple[Any, dict[Any, Any]]:
    """A resource of the check's kind that is kept so, and the facts that say it."""
    listed: Any = Resource(**NAMED)
    kinds: dict[str, tuple[Any, dict[Any, Any]]] = {
        "aws.rds_encrypted": (database(**keep), {}),
        "aws.ebs_encrypted": (Volume(**NAMED, **keep), {}),
        "aws.efs_encrypted": (FileSystem(**NAMED, **keep), {}),
        "aws.logs_encrypted": (LogGroup(**NAMED, **keep, retention_days=30), {}),
        "aws.dynamodb_encrypted": (listed, {Aws.table: {(HOME, "mg"): Table(**NAMED, **keep, status="ACTIVE")}}),
        "aws.sns_encrypted": (listed, {Aws.topic: {(HOME, listed.arn): Topic(**NAMED, **keep)}}),
        "aws.sqs_encrypted": (QueueRef(**NAMED, url=URL), {Aws.queue: {(HOME, URL): Queue(**NAMED, **keep)}}),
        "data_stores.encrypted": (DataStore(**NAMED | {"name": "rds:mg"}, **keep, kind="rds"), {}),
        "aws.ebs_default_encrypted": (
            HOME,
            {
                Aws.ebs_default: {(HOME,): EbsDefault(encrypted=keep["encrypted"])},
                Aws.ebs_default_key: {(HOME,): str(keep["kms_key"])},
            },
        ),
    }
    return kinds[check.id]


async def said_of(check: Check[Any], keep: dict[str, Any], keys: Any = None, **parameters: Any) -> Verdict:
    """What a check says of a resource that is kept so; a key that is not given must not be asked."""
    resource, facts = kept(check, keep)
    if keys is not None:
        facts[Aws.key_named] = {(HOME, str(keep["kms_key"])): keys}
    return await judge(check, resource, account(facts), **parameters)


EITHER: list[Check[Any]] = [
    rds_encrypted,
    ebs_encrypted,
    ebs_default_encrypted,
    efs_encrypted,
    sns_encrypted,
    sqs_encrypted,
]
"""Checks of what may be in the clear; any key is enough unless the profile demands the customer's."""
ALWAYS: list[Check[Any]] = [dynamodb_encrypted, logs_encrypted]
"""Checks of what AWS encrypts always: only whose key it is says something."""
ALL: list[Check[Any]] = [*EITHER, *ALWAYS, data_stores.encrypted]


# --- every check


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
@pytest.mark.parametrize(
    ("keep", "keys", "outcome"),
    [
        pytest.param({"encrypted": True, "kms_key": KEY}, key("CUSTOMER"), "pass", id="a customer-managed key"),
        pytest.param({"encrypted": True, "kms_key": "alias/data"}, key("CUSTOMER"), "pass", id="one by its alias"),
        pytest.param({"encrypted": True, "kms_key": KEY}, key("AWS"), "fail", id="a key that AWS manages, by its ARN"),
        pytest.param({"encrypted": True, "kms_key": "alias/aws/any"}, None, "fail", id="a key of AWS, by its alias"),
        pytest.param({"encrypted": True, "kms_key": FOREIGN}, None, "pass", id="a key of another account"),
        pytest.param({"encrypted": False, "kms_key": None}, None, "fail", id="in the clear"),
        pytest.param({"encrypted": True, "kms_key": KEY}, DENIED, "error", id="the key may not be read"),
    ],
)
async def test_the_key_is_the_customers_where_that_is_demanded(
    check: Check[Any], keep: dict[str, Any], keys: Any, outcome: str
) -> None:
    assert (await said_of(check, keep, keys, customer_managed=True)).outcome == outcome


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
@pytest.mark.parametrize(
    ("keep", "outcome"),
    [
        pytest.param({"encrypted": True, "kms_key": "alias/aws/any"}, "pass", id="a key that AWS manages"),
        pytest.param({"encrypted": True, "kms_key": KEY}, "pass", id="any key, which is not asked"),
        pytest.param({"encrypted": False, "kms_key": None}, "fail", id="in the clear"),
    ],
)
async def test_any_key_is_enough_where_the_customers_is_not_demanded(
    check: Check[Any], keep: dict[str, Any], outcome: str
) -> None:
    assert (await said_of(check, keep, customer_managed=False)).outcome == outcome


@pytest.mark.parametrize("check", [c for c in ALL if c is not ebs_default_encrypted], ids=lambda check: check.id)
async def test_a_key_that_aws_owns_is_not_the_customers(check: Check[Any]) -> None:
    keep = {"encrypted": True, "kms_key": None}

    assert (await said_of(check, keep, customer_managed=True)).outcome == "fail"
    assert (await said_of(check, keep, customer_managed=False)).outcome == "pass"


@pytest.mark.parametrize("check", EITHER, ids=lambda check: check.id)
async def test_what_may_be_in_the_clear_passes_with_any_key_unless_told_otherwise(check: Check[Any]) -> None:
    assert (await said_of(check, {"encrypted": True, "kms_key": "alias/aws/any"})).outcome == "pass"


@pytest.mark.parametrize("check", [*ALWAYS, data_stores.encrypted], ids=lambda check: check.id)
async def test_what_aws_encrypts_always_must_have_the_customers_key_unless_told_otherwise(check: Check[Any]) -> None:
    assert (await said_of(check, {"encrypted": True, "kms_key": "alias/aws/any"})).outcome == "fail"


async def test_a_key_that_is_gone_is_nobodys() -> None:
    aws = account({Aws.key_named: {(HOME, KEY): None}})
    verdict = await judge(rds_encrypted, database(), aws, customer_managed=True)

    assert (verdict.outcome, verdict.message) == ("fail", "the key that it names does not exist")


@pytest.mark.parametrize(
    ("check", "fact", "resource"),
    [
        pytest.param(dynamodb_encrypted, Aws.table, (HOME, "mg"), id="a table"),
        pytest.param(sns_encrypted, Aws.topic, (HOME, NAMED["arn"]), id="a topic"),
        pytest.param(ebs_default_encrypted, Aws.ebs_default, (HOME,), id="a region's default"),
    ],
)
async def test_what_may_not_be_read_is_an_error(check: Check[Any], fact: Any, resource: Any) -> None:
    asked: Any = HOME if check is ebs_default_encrypted else Resource(**NAMED)

    assert (await judge(check, asked, account({fact: {resource: DENIED}}))).outcome == "error"


async def test_a_default_key_that_may_not_be_read_is_an_error_where_it_matters() -> None:
    aws = account({Aws.ebs_default: {(HOME,): EbsDefault(encrypted=True)}, Aws.ebs_default_key: {(HOME,): DENIED}})

    assert (await judge(ebs_default_encrypted, HOME, aws, customer_managed=True)).outcome == "error"
    assert (await judge(ebs_default_encrypted, HOME, aws)).outcome == "pass"


async def test_a_region_that_does_not_encrypt_is_not_asked_for_its_key() -> None:
    aws = account({Aws.ebs_default: {(HOME,): EbsDefault(encrypted=False)}})

    assert (await judge(ebs_default_encrypted, HOME, aws, customer_managed=True)).outcome == "fail"


# --- data_stores.encrypted


@pytest.mark.parametrize(
    ("exists", "outcome"),
    [
        pytest.param(False, "fail", id="it is nowhere"),
        pytest.param(None, "not-checked", id="it was not found, and not all was read"),
    ],
)
@pytest.mark.parametrize("customer_managed", [True, False])
async def test_a_store_that_was_not_found_never_passes(
    exists: bool | None, outcome: str, customer_managed: bool
) -> None:
    store = DataStore(
        arn="rds:mg", place=HOME, name="rds:mg", kind="rds", encrypted=True, exists=exists, unread="denied"
    )

    verdict = await judge(data_stores.encrypted, store, account({}), customer_managed=customer_managed)
    assert verdict.outcome == outcome


async def test_a_strangers_bucket_may_have_a_key_that_aws_manages_for_the_stranger() -> None:
    store = DataStore(
        arn="arn:aws:s3:::scans", place=HOME, name="s3:scans", kind="s3", encrypted=True, kms_key=FOREIGN, foreign=True
    )

    for found, outcome in ((key("CUSTOMER"), "pass"), (key("AWS"), "fail"), (DENIED, "error")):
        aws = account({Aws.key_named: {(HOME, FOREIGN): found}})
        assert (await judge(data_stores.encrypted, store, aws)).outcome == outcome


# --- finding the data stores

CLUSTER = DbCluster(
    **database().model_dump(exclude={"cluster", "vpc", "subnet_ids", "backup_copies", "name"}), name="mg-c"
)
VOLUME = Volume(
    arn="arn:aws:ec2:us-east-1:123456789012:volume/vol-1", place=HOME, name="vol-1", encrypted=True, label="data"
)
SHARE = FileSystem(
    arn="arn:aws:elasticfilesystem:x", place=HOME, name="fs-1", encrypted=True, kms_key=KEY, label="scans"
)
TABLE = Table(arn="arn:aws:dynamodb:x", place=HOME, name="t", encrypted=True, kms_key=KEY, status="ACTIVE")
BUCKET = Bucket(arn="arn:aws:s3:::scans", place=HOME, name="scans")


def found(named: tuple[str, ...], facts: dict[Any, Any] | None = None, **settings: Any) -> Aws:
    """An account with one store of each kind."""
    whole: dict[Any, Any] = {
        Aws.accounts: {(): Listing(items=(Account(id=OWN, place=HOME),))},
        Aws.places: {(): Listing(items=(HOME,))},
        Aws.db_instances_in: {(HOME,): Listing(items=(database(),))},
        Aws.db_clusters_in: {(HOME,): Listing(items=(CLUSTER,))},
        Aws.volumes_in: {(HOME,): Listing(items=(VOLUME,))},
        Aws.file_systems_in: {(HOME,): Listing(items=(SHARE,))},
        Aws.tables_in: {(HOME,): Listing(items=(Resource(arn=TABLE.arn, place=HOME, name="t"),))},
        Aws.table: {(HOME, "t"): TABLE},
        Aws.named_buckets: {(): Listing(items=(BUCKET,))},
        Aws.encryption: {(HOME, "scans"): Encryption(algorithm="aws:kms", key=KEY)},
    }
    return account(whole | (facts or {}), data_stores=named, **settings)


@pytest.mark.parametrize(
    ("named", "arn"),
    [
        pytest.param("rds:mg", NAMED["arn"], id="a DB instance"),
        pytest.param("rds:MG", NAMED["arn"], id="a DB instance in capitals, which RDS does not keep"),
        pytest.param("rds-cluster:mg-c", NAMED["arn"], id="a DB cluster"),
        pytest.param("dynamodb:t", TABLE.arn, id="a table"),
        pytest.param("efs:fs-1", SHARE.arn, id="a file system by its id"),
        pytest.param("efs:scans", SHARE.arn, id="a file system by its Name tag"),
        pytest.param("ebs:vol-1", VOLUME.arn, id="a volume by its id"),
        pytest.param("ebs:data", VOLUME.arn, id="a volume by its Name tag"),
        pytest.param(f"ebs:{VOLUME.arn}", VOLUME.arn, id="a volume by its ARN"),
        pytest.param("s3:scans", BUCKET.arn, id="a bucket"),
    ],
)
async def test_a_named_store_is_found(named: str, arn: str) -> None:
    listing = await Aws.data_stores.ask(found((named,)))

    (store,) = listing.items
    assert (store.arn, store.name, store.exists) == (arn, named, True)
    assert not listing.unread


@pytest.mark.parametrize(
    "named",
    [
        pytest.param("rds:mg-c", id="a cluster's name is no instance's"),
        pytest.param("rds-cluster:mg", id="an instance's name is no cluster's"),
        pytest.param("dynamodb:T", id="tables' names have capitals"),
        pytest.param("ebs:vol-11", id="a longer id"),
        pytest.param("s3:other", id="no bucket"),
    ],
)
async def test_a_named_store_that_is_nowhere_is_listed_as_that(named: str) -> None:
    (store,) = (await Aws.data_stores.ask(found((named,)))).items

    assert (store.arn, store.exists, store.encrypted) == (named, False, False)


async def test_a_deployment_without_named_stores_has_nothing_to_look_at() -> None:
    listing = await Aws.data_stores.ask(found(()))

    assert (listing.items, listing.note) == ((), "the deployment names no data store")


async def test_tags_do_not_choose_among_stores_that_are_named() -> None:
    (store,) = (await Aws.data_stores.ask(found(("rds:mg",), tags={"team": "mesh"}))).items

    assert store.exists


async def test_a_store_that_was_not_found_may_be_in_a_place_that_was_not_read() -> None:
    listing = await Aws.data_stores.ask(found(("rds:mg",), {Aws.db_instances_in: {(HOME,): DENIED}}))

    (store,) = listing.items
    assert (store.exists, store.unread) == (None, f"{HOME}: {DENIED.reason}")
    assert [part.resource for part in listing.unread] == [f"rds in {HOME}"]


async def test_one_kind_that_was_not_read_takes_nothing_from_the_others() -> None:
    aws = found(("rds:mg", "efs:fs-1"), {Aws.db_instances_in: {(HOME,): DENIED}})

    assert [store.exists for store in (await Aws.data_stores.ask(aws)).items] == [None, True]


async def test_a_bucket_that_is_missing_is_no_store() -> None:
    gone = Bucket(arn=BUCKET.arn, place=HOME, name="scans", owned="missing")
    (store,) = (
        await Aws.data_stores.ask(found(("s3:scans",), {Aws.named_buckets: {(): Listing(items=(gone,))}}))
    ).items

    assert store.exists is False


@pytest.mark.parametrize(
    ("encryption", "kept"),
    [
        pytest.param(Encryption(algorithm="AES256"), (True, None), id="S3's own keys"),
        pytest.param(Encryption(algorithm="aws:kms"), (True, "alias/aws/s3"), id="KMS without a key is aws/s3"),
        pytest.param(Encryption(algorithm="aws:kms:dsse", key=KEY), (True, KEY), id="twice"),
        pytest.param(None, (False, None), id="nothing"),
    ],
)
async def test_a_bucket_is_kept_by_what_it_encrypts_new_objects_with(encryption: Any, kept: Any) -> None:
    aws = found(("s3:scans",), {Aws.encryption: {(HOME, "scans"): encryption}})
    (store,) = (await Aws.data_stores.ask(aws)).items

    assert (store.encrypted, store.kms_key) == kept


async def test_a_store_that_may_not_be_described_is_unread() -> None:
    listing = await Aws.data_stores.ask(found(("dynamodb:t",), {Aws.table: {(HOME, "t"): DENIED}}))

    assert listing.items == ()
    assert [(part.resource, part.kind) for part in listing.unread] == [(TABLE.arn, "denied")]


# --- the keys of the data stores


def stores(*items: DataStore, unread: tuple[Unread, ...] = ()) -> dict[Any, Any]:
    return {Aws.data_stores: {(): Listing(items=items, unread=unread)}}


def kept_with(kms_key: str | None, **fields: Any) -> DataStore:
    return DataStore(**NAMED | {"name": "rds:mg", "kind": "rds", "encrypted": True, "kms_key": kms_key} | fields)


@pytest.mark.parametrize(
    "kms_key",
    [
        pytest.param(KEY, id="an ARN, which is not asked"),
        pytest.param(key_id_of(KEY), id="an id, which is not asked"),
        pytest.param("alias/data", id="an alias"),
        pytest.param(f"arn:aws:kms:us-east-1:{OWN}:alias/data", id="an alias by its ARN"),
    ],
)
async def test_a_stores_key_is_told_by_its_arn(kms_key: str) -> None:
    asked = {(HOME, kms_key): key("CUSTOMER")} if "alias/" in kms_key else {}
    identity = Identity(account=OWN, arn=f"arn:aws:sts::{OWN}:assumed-role/audit/me")
    aws = account(stores(kept_with(kms_key)) | {Aws.key_named: asked, Aws.identity: {(): identity}})
    listing = await Aws.store_keys.ask(aws)

    assert [(one.arn, one.name) for one in listing.items] == [(KEY, key_id_of(KEY))]
    assert not listing.unread


async def test_a_key_of_several_stores_is_listed_once() -> None:
    listing = await Aws.store_keys.ask(account(stores(kept_with(KEY), kept_with(KEY, name="rds:other"))))

    assert [str(one) for one in listing.items] == [KEY]


async def test_stores_without_a_key_of_their_own_are_counted() -> None:
    listing = await Aws.store_keys.ask(account(stores(kept_with(None), kept_with("alias/aws/s3"))))

    assert listing.items == ()
    assert listing.left_out == (LeftOut(filter="stores that name no key of their own", count=2),)


@pytest.mark.parametrize(
    ("facts", "resource"),
    [
        pytest.param(stores(kept_with(None, exists=False)), "rds:mg", id="a store that is nowhere"),
        pytest.param(stores(kept_with(None, exists=None, unread="denied")), "rds:mg", id="one that may be there"),
        pytest.param(stores(unread=(Unread(resource="x", reason="denied"),)), "x", id="one that was not read"),
        pytest.param(
            stores(kept_with("alias/a")) | {Aws.key_named: {(HOME, "alias/a"): DENIED}},
            NAMED["arn"],
            id="a denied alias",
        ),
        pytest.param(
            stores(kept_with("alias/a")) | {Aws.key_named: {(HOME, "alias/a"): None}},
            NAMED["arn"],
            id="an alias of none",
        ),
    ],
)
async def test_a_store_whose_key_is_not_known_is_unread(facts: dict[Any, Any], resource: str) -> None:
    listing = await Aws.store_keys.ask(account(facts))

    assert [part.resource for part in listing.unread] == [resource]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("alias/aws/s3", True),
        (f"arn:aws:kms:us-east-1:{OWN}:alias/aws/s3", True),
        ("alias/awsome", False),
        ("alias/data", False),
        (KEY, False),
    ],
)
def test_an_alias_of_aws_is_told_by_its_start(name: str, is_one: bool) -> None:
    assert is_aws_alias(name) is is_one


def databases(instances: Any, clusters: Any) -> Aws:
    return account({Aws.db_instances: {(): instances}, Aws.db_clusters: {(): clusters}})


async def test_databases_are_instances_and_clusters_together() -> None:
    aws = databases(Listing(items=(database(),)), Listing(items=(CLUSTER,)))

    assert [one.name for one in (await Aws.databases.ask(aws)).items] == ["mg", "mg-c"]


async def test_clusters_that_were_not_read_hide_no_instances() -> None:
    denied = Listing[DbCluster](items=(), unread=(Unread(resource=HOME, kind="denied", reason="denied"),))
    listing = await Aws.databases.ask(databases(Listing(items=(database(),)), denied))

    assert [one.name for one in listing.items] == ["mg"]
    assert [(part.resource, part.kind) for part in listing.unread] == [(f"DB clusters in {HOME}", "denied")]
