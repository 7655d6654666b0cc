"""Rotation, policies and use of KMS keys."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meshguard.api import Clock, Denied, Listing, NotObserved, Unread, Verdict, days
from meshguard.fact import LeftOut
from meshguard.targets.aws import Account, Aws, Resource
from meshguard.targets.aws.kms import Key, Rotation
from meshguard.targets.aws.stores_models import DataStore
from meshguard.testing import judge, recorded
from meshguard_checks.aws import kms_in_use, kms_key_policy, kms_rotation, store_keys_rotated
from meshguard_checks.parsing.aws_whole import left_out, unread

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OWN, OTHER = "123456789012", "210987654321"
HOME = f"{OWN}/us-east-1"
ARN = f"arn:aws:kms:us-east-1:{OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
RESOURCE = Resource(arn=ARN, place=HOME, name=ARN[-36:])
DENIED = Denied("kms in us-east-1: access denied (AccessDeniedException)", fix="allow it")

SYMMETRIC: dict[str, Any] = {
    "arn": ARN,
    "place": HOME,
    "manager": "CUSTOMER",
    "state": "Enabled",
    "spec": "SYMMETRIC_DEFAULT",
    "origin": "AWS_KMS",
    "created": NOW - days(10),
}
ON = Rotation(enabled=True, period_days=90)


def aged(age_days: float, **fields: Any) -> Key:
    """A customer-managed key of that age."""
    return Key(**SYMMETRIC | {"created": NOW - days(age_days)} | fields)


def clock() -> Clock:
    return recorded(Clock, {Clock.now: {(): NOW}})


def account(facts: dict[Any, Any], **settings: Any) -> Aws:
    return recorded(Aws, facts, region="us-east-1", **settings)


async def rotation(key: Any, said: Any = None, rotations: Any = None, **parameters: Any) -> Verdict:
    """What is said of a key; a fact that is not given must not be asked."""
    facts: dict[Any, Any] = {Aws.key: {(HOME, ARN): key}}
    if said is not None:
        facts[Aws.key_rotation] = {(HOME, ARN): said}
    if rotations is not None:
        facts[Aws.key_rotations] = {(HOME, ARN): rotations}
    return await judge(kms_rotation, RESOURCE, account(facts), clock(), **parameters)


# --- aws.kms_rotation


@pytest.mark.parametrize(
    ("period", "parameters", "outcome"),
    [
        pytest.param(90, {}, "pass", id="the longest accepted period"),
        pytest.param(91, {}, "fail", id="a day more"),
        pytest.param(365, {}, "fail", id="AWS's default period of a year"),
        pytest.param(365, {"max_period": "365d"}, "pass", id="a year where that is accepted"),
        pytest.param(366, {"max_period": "365d"}, "fail", id="a year and a day where a year is accepted"),
        pytest.param(None, {}, "not-checked", id="on, and the period is not said"),
    ],
)
async def test_a_key_is_rotated_by_the_period(period: int | None, parameters: dict[str, str], outcome: str) -> None:
    said = Rotation(enabled=True, period_days=period)

    assert (await rotation(aged(10), said, **parameters)).outcome == outcome


async def test_a_key_without_rotation_fails_and_says_what_was_wanted() -> None:
    verdict = await rotation(aged(10), Rotation(enabled=False))

    assert (verdict.outcome, verdict.got, verdict.want) == ("fail", "off", "90d")


A_DAY = timedelta(days=1)
A_SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("made_days_ago", "rotated", "outcome"),
    [
        pytest.param(90, None, "pass", id="made within the period"),
        pytest.param(90.99, None, "pass", id="made within the period, by whole days"),
        pytest.param(91, (), "fail", id="made a day before the period, and rotation was turned on later"),
        pytest.param(800, (), "fail", id="an old key whose rotation was turned on lately"),
        pytest.param(800, (NOW - days(10),), "pass", id="an old key that was rotated"),
        pytest.param(800, (NOW - days(91) + A_SECOND,), "pass", id="rotated within the period, by whole days"),
        pytest.param(800, (NOW - days(91),), "fail", id="rotated a day before the period"),
        pytest.param(800, (NOW - days(300), NOW - days(10)), "pass", id="the last of several rotations counts"),
        pytest.param(800, Denied("denied"), "error", id="the rotations may not be listed"),
    ],
)
async def test_the_last_rotation_lies_within_the_period(made_days_ago: float, rotated: Any, outcome: str) -> None:
    assert (await rotation(aged(made_days_ago), ON, rotated)).outcome == outcome


async def test_an_old_key_passes_by_its_settings_where_recent_rotation_is_not_demanded() -> None:
    assert (await rotation(aged(800), ON, recent=False)).outcome == "pass"
    assert (await rotation(aged(800), Rotation(enabled=False), recent=False)).outcome == "fail"


async def test_an_old_key_is_told_how_to_be_rotated_now() -> None:
    verdict = await rotation(aged(800), ON, ())

    assert verdict.message == "it was never rotated, and made 800 days ago, on 2024-03-23"
    assert "rotate-key-on-demand" in verdict.fix
    assert not (await rotation(aged(800), ON, (NOW,))).fix


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"manager": "AWS"}, id="AWS manages it"),
        pytest.param({"spec": "RSA_2048"}, id="asymmetric"),
        pytest.param({"spec": "HMAC_256"}, id="HMAC"),
        pytest.param({"state": "PendingDeletion"}, id="to be deleted"),
        pytest.param({"state": "PendingReplicaDeletion"}, id="a primary key to be deleted after its replicas"),
        pytest.param({"state": "Disabled"}, id="disabled"),
        pytest.param({"state": "PendingImport", "origin": "EXTERNAL"}, id="without key material"),
    ],
)
async def test_what_kms_cannot_rotate_is_not_judged_and_its_rotation_not_asked(fields: dict[str, str]) -> None:
    assert (await rotation(aged(800, **fields))).outcome == "not-applicable"


@pytest.mark.parametrize("state", ["Enabled", "Updating", "Creating", "Unavailable"])
async def test_a_key_in_any_other_state_is_judged(state: str) -> None:
    assert (await rotation(aged(10, state=state), Rotation(enabled=False))).outcome == "fail"


PRIMARY = f"arn:aws:kms:eu-west-1:{OWN}:key/mrk-1234abcd12ab34cd56ef1234567890ab"


async def test_a_replica_has_its_primarys_rotation_and_fails_with_its_name() -> None:
    replica = aged(10, primary=PRIMARY)

    assert (await rotation(replica, ON, recent=False)).outcome == "pass"
    assert PRIMARY in (await rotation(replica, Rotation(enabled=False))).fix
    assert PRIMARY in (await rotation(replica, Rotation(enabled=True, period_days=365))).fix


@pytest.mark.parametrize(
    ("primary", "rotated", "outcome"),
    [
        pytest.param(aged(90, arn=PRIMARY, place=f"{OWN}/eu-west-1"), (), "pass", id="a young primary key"),
        pytest.param(aged(91, arn=PRIMARY, place=f"{OWN}/eu-west-1"), (), "fail", id="an old primary key"),
        pytest.param(aged(91, arn=PRIMARY, place=f"{OWN}/eu-west-1"), (NOW,), "pass", id="one that was rotated"),
        pytest.param(None, (), "not-checked", id="a primary key that was not found"),
        pytest.param(DENIED, (), "error", id="a primary key that may not be read"),
    ],
)
async def test_a_young_replica_has_its_primarys_material_and_age(primary: Any, rotated: Any, outcome: str) -> None:
    aws = account(
        {
            Aws.key: {(HOME, ARN): aged(1, primary=PRIMARY)},
            Aws.key_rotation: {(HOME, ARN): ON},
            Aws.key_named: {(HOME, PRIMARY): primary},
            Aws.key_rotations: {(f"{OWN}/eu-west-1", PRIMARY): rotated},
        }
    )

    assert (await judge(kms_rotation, RESOURCE, aws, clock())).outcome == outcome


@pytest.mark.parametrize(
    ("origin", "made_days_ago", "rotated", "outcome"),
    [
        pytest.param("EXTERNAL", 90, None, "pass", id="imported lately"),
        pytest.param("EXTERNAL", 91, (), "fail", id="imported, and never rotated on demand"),
        pytest.param("EXTERNAL", 400, (NOW - days(90),), "pass", id="imported, and rotated on demand within"),
        pytest.param("EXTERNAL", 400, (NOW - days(91),), "fail", id="imported, and rotated on demand before"),
        pytest.param("AWS_CLOUDHSM", 90, None, "pass", id="a new key of a CloudHSM key store"),
        pytest.param("AWS_CLOUDHSM", 91, None, "fail", id="an old key of a CloudHSM key store"),
        pytest.param("EXTERNAL_KEY_STORE", 90, None, "pass", id="a new key of an external key store"),
        pytest.param("EXTERNAL_KEY_STORE", 91, None, "not-checked", id="KMS does not see what an external store does"),
    ],
)
async def test_a_key_that_kms_does_not_rotate_counts_by_its_age(
    origin: str, made_days_ago: int, rotated: Any, outcome: str
) -> None:
    key = aged(made_days_ago, origin=origin)

    assert (await rotation(key, None, rotated)).outcome == outcome
    assert (await rotation(key, imported="not-applicable")).outcome == "not-applicable"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        pytest.param(DENIED, None, id="the key"),
        pytest.param(aged(10), DENIED, id="its rotation"),
        pytest.param(NotObserved("there is no such key"), None, id="a key that is gone meanwhile"),
    ],
)
async def test_what_may_not_be_read_is_an_error(key: Any, said: Any) -> None:
    assert (await rotation(key, said)).outcome == "error"


@pytest.mark.parametrize(
    ("max_period", "outcome"),
    [
        pytest.param("365d", "pass", id="a year is accepted"),
        pytest.param("364d", "fail", id="a day less"),
    ],
)
async def test_a_key_of_aws_that_a_store_uses_is_judged_by_its_year(max_period: str, outcome: str) -> None:
    by_store = account({Aws.key_named: {(HOME, ARN): aged(10, manager="AWS")}})

    verdict = await judge(store_keys_rotated, RESOURCE, by_store, clock(), max_period=max_period)
    assert verdict.outcome == outcome


# --- aws.store_keys_rotated


@pytest.mark.parametrize(
    ("key", "said", "outcome"),
    [
        pytest.param(aged(10), ON, "pass", id="rotated"),
        pytest.param(aged(10), Rotation(enabled=False), "fail", id="not rotated"),
        pytest.param(None, ON, "fail", id="no such key"),
        pytest.param(DENIED, ON, "error", id="a key of another account that may not be read"),
    ],
)
async def test_the_keys_of_data_stores_are_rotated(key: Any, said: Rotation, outcome: str) -> None:
    aws = account({Aws.key_named: {(HOME, ARN): key}, Aws.key_rotation: {(HOME, ARN): said}})

    assert (await judge(store_keys_rotated, RESOURCE, aws, clock())).outcome == outcome


# --- aws.kms_in_use


def store(**fields: Any) -> DataStore:
    given = {
        "arn": f"arn:aws:rds:us-east-1:{OWN}:db:patients",
        "place": HOME,
        "name": "rds:patients",
        "kind": "rds",
        "encrypted": True,
        "kms_key": ARN,
    }
    return DataStore(**given | fields)


@pytest.mark.parametrize(
    ("key", "outcome"),
    [
        pytest.param(aged(10), "pass", id="enabled"),
        pytest.param(aged(10, state="Updating"), "pass", id="its primary Region is being changed"),
        pytest.param(aged(10, state="Disabled"), "fail", id="disabled"),
        pytest.param(aged(10, state="PendingDeletion", deleted_on=NOW), "fail", id="to be deleted"),
        pytest.param(aged(10, state="PendingReplicaDeletion"), "fail", id="to be deleted after its replicas"),
        pytest.param(aged(10, state="PendingImport", origin="EXTERNAL"), "fail", id="its imported material expired"),
        pytest.param(aged(10, state="Unavailable"), "fail", id="its key store is disconnected"),
        pytest.param(aged(10, manager="AWS"), "fail", id="AWS manages it"),
        pytest.param(None, "fail", id="no such key"),
        pytest.param(DENIED, "error", id="the key may not be read"),
    ],
)
async def test_a_data_stores_key_is_there_and_enabled(key: Any, outcome: str) -> None:
    aws = account({Aws.key_named: {(HOME, ARN): key}})

    assert (await judge(kms_in_use, store(), aws)).outcome == outcome


async def test_the_day_of_deletion_is_named() -> None:
    key = aged(10, state="PendingDeletion", deleted_on=NOW + days(7))
    verdict = await judge(kms_in_use, store(), account({Aws.key_named: {(HOME, ARN): key}}))

    assert verdict.message == f"its key {ARN} is PendingDeletion; it will be gone on 2026-06-08"


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        pytest.param({"kms_key": None}, "fail", id="encrypted with a key of the service"),
        pytest.param({"kms_key": None, "encrypted": False}, "fail", id="not encrypted"),
        pytest.param({"kms_key": "alias/aws/s3"}, "fail", id="an alias of AWS, which is never asked"),
        pytest.param({"kms_key": f"arn:aws:kms:us-east-1:{OWN}:alias/aws/s3"}, "fail", id="an alias of AWS by its ARN"),
        pytest.param({"exists": False}, "fail", id="no such store"),
        pytest.param({"exists": None, "unread": "denied"}, "not-checked", id="not found, and not all was read"),
    ],
)
async def test_a_store_without_a_key_of_the_customers_is_settled_without_a_call(
    fields: dict[str, Any], outcome: str
) -> None:
    assert (await judge(kms_in_use, store(**fields), account({}))).outcome == outcome


# --- aws.kms_key_policy


def policy(principal: Any, **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"} | more
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


BOUND = {"Condition": {"StringEquals": {"kms:CallerAccount": OWN}}}
THROUGH_S3 = {"Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}}
DENY = {"Effect": "Deny"}


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        pytest.param(policy({"AWS": f"arn:aws:iam::{OWN}:root"}), "pass", id="the account itself"),
        pytest.param(policy({"AWS": f"arn:aws:iam::{OTHER}:root"}), "pass", id="another account by its name"),
        pytest.param(policy({"AWS": "*"}), "fail", id="anyone"),
        pytest.param(policy("*"), "fail", id="anyone, written short"),
        pytest.param(policy({"AWS": [f"arn:aws:iam::{OWN}:root", "*"]}), "fail", id="anyone among others"),
        pytest.param(policy({"AWS": "*"}, **BOUND), "pass", id="a wildcard bound to an account"),
        pytest.param(policy({"AWS": "*"}, **THROUGH_S3), "fail", id="a wildcard bound to a service that all may use"),
        pytest.param(policy({"AWS": "*"}, **DENY), "pass", id="a wildcard that denies"),
        pytest.param(policy({"AWS": "*"}, Action="kms:Decrypt"), "fail", id="anyone may decrypt"),
        pytest.param("{", "error", id="no policy"),
        pytest.param(DENIED, "error", id="the policy may not be read"),
    ],
)
async def test_a_keys_policy_lets_in_nobody_by_a_wildcard(text: Any, outcome: str) -> None:
    aws = account({Aws.key: {(HOME, ARN): aged(10)}, Aws.key_policy: {(HOME, ARN): text}})

    assert (await judge(kms_key_policy, RESOURCE, aws)).outcome == outcome


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        pytest.param({"manager": "AWS"}, "not-applicable", id="AWS manages it"),
        pytest.param({"state": "Disabled"}, "fail", id="disabled: a stranger may enable it"),
        pytest.param({"state": "PendingDeletion"}, "fail", id="to be deleted: a stranger may cancel that"),
        pytest.param({"spec": "RSA_2048"}, "fail", id="asymmetric"),
    ],
)
async def test_the_policy_of_a_key_in_any_state_is_judged(fields: dict[str, str], outcome: str) -> None:
    aws = account({Aws.key: {(HOME, ARN): aged(10, **fields)}, Aws.key_policy: {(HOME, ARN): policy("*")}})

    assert (await judge(kms_key_policy, RESOURCE, aws)).outcome == outcome


# --- lists that are not whole


def test_a_whole_list_is_unread_nowhere() -> None:
    assert unread(Listing(items=())) == ""
    assert left_out(Listing(items=(), left_out=(LeftOut(filter="tags a=b", count=0),))) == ""


def test_the_parts_that_could_not_be_read_are_named_and_counted() -> None:
    parts = tuple(Unread(resource=f"region-{n}", reason="denied") for n in range(5))

    assert unread(Listing(items=(), unread=parts[:1])) == "region-0 could not be read: denied"
    assert unread(Listing(items=(), unread=parts)) == (
        "region-0, region-1, region-2 and 2 more could not be read: denied"
    )


def test_a_list_that_was_cut_off_is_not_whole() -> None:
    assert unread(Listing(items=(), complete=False)) == "not all pages of the list could be read"
    assert unread(Listing(items=(), complete=False, note="page 2 was cut off")) == "page 2 was cut off"


def test_what_was_left_out_on_purpose_is_said_by_itself() -> None:
    listing: Listing[str] = Listing(items=(), left_out=(LeftOut(filter="tags a=b", count=2),))

    assert (unread(listing), left_out(listing)) == ("", "the list leaves out 2 by tags a=b")


# --- keys that are named by others


@pytest.mark.parametrize(
    ("named", "asked_at"),
    [
        pytest.param(ARN, HOME, id="an ARN of the own account"),
        pytest.param(ARN.replace("us-east-1", "eu-west-1"), f"{OWN}/eu-west-1", id="an ARN of another region"),
        pytest.param(ARN.replace(OWN, OTHER), f"{OTHER}/us-east-1", id="an ARN of another audited account"),
        pytest.param(ARN.replace(OWN, "999999999999"), HOME, id="an ARN of an account that is not audited"),
        pytest.param("alias/data", HOME, id="an alias"),
        pytest.param(ARN[-36:], HOME, id="an id"),
    ],
)
async def test_a_key_is_asked_in_its_own_region_and_as_its_own_account(named: str, asked_at: str) -> None:
    accounts: Listing[Account] = Listing(
        items=(Account(id=OWN, place=HOME), Account(id=OTHER, place=f"{OTHER}/us-east-1"))
    )
    aws = account({Aws.accounts: {(): accounts}, Aws.key_or_none: {(asked_at, named): aged(10)}})

    assert await Aws.key_named.ask(aws, HOME, named) == aged(10)


async def test_an_alias_of_aws_is_never_asked_since_that_may_make_its_key() -> None:
    with pytest.raises(NotObserved, match="asking may make the key"):
        await Aws.key_or_none.ask(account({}), HOME, "alias/aws/sns")
