"""Checks of IAM: the root user, users, passwords, keys, and policies that make administrators."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meshguard.api import Clock, Fact
from meshguard.errors import Denied
from meshguard.targets.aws import Account, Aws
from meshguard.targets.aws.iam import (
    AccessKey,
    CredentialReport,
    Credentials,
    KeyState,
    PasswordPolicy,
    Summary,
    User,
    lines_of,
)
from meshguard.targets.aws.iam_grants import Grant, grants_of
from meshguard.testing import judge, recorded
from meshguard.verdict import Verdict
from meshguard_checks.aws.identity import access_key_age, iam_wildcards, password_policy, root_account, user_mfa

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
REPORTED = NOW - timedelta(hours=3)
PLACE = "123456789012/us-east-1"
ACCOUNT = Account(id="123456789012", place=PLACE)
CLOCK = recorded(Clock, {Clock.now: {(): NOW}})
NOTHING = recorded(Aws, {})
DENIED = Denied("iam:GetAccountSummary in us-east-1: access denied (AccessDenied)")


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


def summary(**given: Any) -> Summary:
    return Summary(**{"mfa": True, "keys_present": 0, "signing_certificates": 0, "password": True, **given})


def root_line(used: datetime | None = None, *, key_used: datetime | None = None) -> Credentials:
    key = KeyState(number=1, active=False, rotated=ago(days=900), used=key_used)
    return Credentials(
        user="<root_account>",
        arn="arn:aws:iam::123456789012:root",
        password=None,
        password_used=used,
        mfa=True,
        key_states=(key,) if key_used else (),
    )


async def of_root(said: object, *lines: Credentials, virtual: object = False, **parameters: Any) -> Verdict:
    facts: dict[Fact[Any, Any, Any], dict[tuple[Any, ...], object]] = {
        Aws.account_summary: {(PLACE,): said},
        Aws.root_virtual_mfa: {(PLACE,): virtual},
        Aws.credential_report: {(PLACE,): CredentialReport(generated=REPORTED, lines=lines)},
    }
    return await judge(root_account, ACCOUNT, recorded(Aws, facts), CLOCK, **parameters)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        pytest.param(summary(), "pass", id="MFA, no key"),
        pytest.param(summary(password=None), "pass", id="an account that does not say whether root has a password"),
        pytest.param(summary(mfa=False), "fail", id="no MFA"),
        pytest.param(summary(mfa=False, password=None), "fail", id="no MFA, and a password is not said to be missing"),
        pytest.param(summary(mfa=False, password=False), "pass", id="no credentials at all: root is centralised"),
        pytest.param(summary(mfa=False, password=False, keys_present=1), "fail", id="no password, but a key"),
        pytest.param(
            summary(mfa=False, password=False, signing_certificates=1), "fail", id="no password, a certificate"
        ),
        pytest.param(summary(keys_present=1), "fail", id="an access key"),
        pytest.param(summary(signing_certificates=1), "fail", id="a signing certificate"),
        pytest.param(DENIED, "error", id="denied"),
    ],
)
async def test_the_root_user_has_mfa_and_no_key(said: object, outcome: str) -> None:
    assert (await of_root(said, root_line())).outcome == outcome


@pytest.mark.parametrize(
    ("line", "unused_for", "outcome"),
    [
        pytest.param(root_line(ago(days=7)), "7d", "pass", id="used exactly seven days ago"),
        pytest.param(root_line(ago(days=6, hours=23)), "7d", "fail", id="used an hour later"),
        pytest.param(root_line(), "7d", "pass", id="never used"),
        pytest.param(root_line(ago(days=90), key_used=ago(days=1)), "7d", "fail", id="a key of it was used"),
        pytest.param(root_line(ago(minutes=1)), "0s", "pass", id="use does not matter"),
    ],
)
async def test_nobody_works_as_root(line: Credentials, unused_for: str, outcome: str) -> None:
    verdict = await of_root(summary(), line, unused_for=unused_for)
    assert verdict.outcome == outcome
    assert unused_for == "0s" or "report of 2026-06-01 09:00 UTC" in verdict.message


async def test_a_report_without_the_root_user_settles_nothing() -> None:
    assert (await of_root(summary())).outcome == "not-checked"


async def test_what_fails_needs_no_report() -> None:
    aws = recorded(
        Aws, {Aws.account_summary: {(PLACE,): summary(mfa=False)}, Aws.credential_report: {(PLACE,): DENIED}}
    )
    assert (await judge(root_account, ACCOUNT, aws, CLOCK)).outcome == "fail"


async def test_a_report_that_is_denied_is_no_pass() -> None:
    aws = recorded(Aws, {Aws.account_summary: {(PLACE,): summary()}, Aws.credential_report: {(PLACE,): DENIED}})
    assert (await judge(root_account, ACCOUNT, aws, CLOCK)).outcome == "error"


@pytest.mark.parametrize(
    ("virtual", "hardware", "outcome"),
    [
        pytest.param(True, True, "fail", id="a virtual device"),
        pytest.param(False, True, "pass", id="a hardware device"),
        pytest.param(True, False, "pass", id="a virtual device where it does not matter"),
        pytest.param(DENIED, True, "error", id="denied"),
    ],
)
async def test_hardware_may_be_demanded(virtual: object, hardware: bool, outcome: str) -> None:
    assert (await of_root(summary(), root_line(), virtual=virtual, hardware=hardware)).outcome == outcome


@pytest.mark.parametrize(
    ("password", "mfa", "outcome"),
    [
        pytest.param(True, True, "pass", id="password and MFA"),
        pytest.param(True, False, "fail", id="password alone"),
        pytest.param(False, False, "not-applicable", id="a service's user without a password"),
        pytest.param(None, True, "not-checked", id="a report that does not say it"),
    ],
)
async def test_console_users_have_mfa(password: bool | None, mfa: bool, outcome: str) -> None:
    user = User(arn="arn:aws:iam::1:user/a", place=PLACE, name="a", password=password, mfa=mfa, reported=REPORTED)
    verdict = await judge(user_mfa, user, NOTHING)
    assert verdict.outcome == outcome
    assert "report of 2026-06-01 09:00 UTC" in verdict.message


def passwords(**given: Any) -> PasswordPolicy:
    flags = dict.fromkeys(("symbols", "numbers", "uppercase", "lowercase"), False)
    return PasswordPolicy(**{"min_length": 14, "remembered": 24, "max_age_days": None, **flags, **given})


@pytest.mark.parametrize(
    ("said", "parameters", "outcome"),
    [
        pytest.param(passwords(), {}, "pass", id="exactly what is wanted"),
        pytest.param(passwords(min_length=13), {}, "fail", id="one character short"),
        pytest.param(passwords(min_length=13), {"min_length": 13}, "pass", id="a shorter one is accepted"),
        pytest.param(passwords(remembered=23), {}, "fail", id="one password short"),
        pytest.param(passwords(remembered=0), {"remembered": 0}, "pass", id="old passwords do not matter"),
        pytest.param(passwords(max_age_days=90), {"max_age": "90d"}, "pass", id="expires in time"),
        pytest.param(passwords(max_age_days=91), {"max_age": "90d"}, "fail", id="expires a day late"),
        pytest.param(passwords(), {"max_age": "90d"}, "fail", id="never expires"),
        pytest.param(passwords(symbols=True), {"characters": ["symbols"]}, "pass", id="symbols demanded"),
        pytest.param(passwords(symbols=True), {"characters": ["numbers"]}, "fail", id="numbers not demanded"),
        pytest.param(None, {}, "fail", id="AWS's default"),
        pytest.param(None, {"min_length": 8, "remembered": 0}, "pass", id="AWS's default suffices"),
        pytest.param(None, {"min_length": 9, "remembered": 0}, "fail", id="AWS's default is eight characters"),
        pytest.param(
            None, {"min_length": 8, "remembered": 0, "characters": ["symbols"]}, "fail", id="default: any three kinds"
        ),
        pytest.param(DENIED, {}, "error", id="denied"),
    ],
)
async def test_the_account_demands_strong_passwords(said: object, parameters: dict[str, Any], outcome: str) -> None:
    aws = recorded(Aws, {Aws.password_policy: {(PLACE,): said}})
    verdict = await judge(password_policy, ACCOUNT, aws, **parameters)
    assert verdict.outcome == outcome
    assert said is not None or "AWS's default" in verdict.message


def key(**given: Any) -> AccessKey:
    known: dict[str, Any] = {"number": 1, "active": True, "rotated": ago(days=1), "used": None, "other_active": False}
    return AccessKey(arn="arn:aws:iam::1:user/a#key-1", place=PLACE, reported=REPORTED, **(known | given))


@pytest.mark.parametrize(
    ("said", "parameters", "outcome"),
    [
        pytest.param(key(rotated=ago(days=90)), {}, "pass", id="exactly 90 days"),
        pytest.param(key(rotated=ago(days=90, seconds=1)), {}, "fail", id="a second more"),
        pytest.param(key(rotated=ago(days=91)), {"max_age": "91d"}, "pass", id="an older one is accepted"),
        pytest.param(key(active=False, rotated=ago(days=900)), {}, "not-applicable", id="an old one that is off"),
        pytest.param(key(rotated=None), {}, "not-checked", id="a report that does not say when"),
        pytest.param(key(rotated=ago(days=46)), {}, "pass", id="never used, which does not matter"),
        pytest.param(key(rotated=ago(days=45)), {"max_unused": "45d"}, "pass", id="never used for 45 days"),
        pytest.param(key(rotated=ago(days=46)), {"max_unused": "45d"}, "fail", id="never used for 46 days"),
        pytest.param(
            key(rotated=ago(days=80), used=ago(days=45)), {"max_unused": "45d"}, "pass", id="last used 45 days ago"
        ),
        pytest.param(
            key(rotated=ago(days=80), used=ago(days=46)), {"max_unused": "45d"}, "fail", id="last used 46 days ago"
        ),
        pytest.param(key(other_active=True), {}, "pass", id="two active keys, as while one replaces the other"),
        pytest.param(key(other_active=True), {"only_one": True}, "fail", id="two active keys where one is wanted"),
    ],
)
async def test_access_keys_are_young(said: AccessKey, parameters: dict[str, Any], outcome: str) -> None:
    verdict = await judge(access_key_age, said, NOTHING, CLOCK, **parameters)
    assert verdict.outcome == outcome
    assert "report of 2026-06-01 09:00 UTC" in verdict.message


def document(actions: object = "s3:GetObject", resource: str = "*", element: str = "Action", **more: object) -> str:
    statement = {"Effect": "Allow", element: actions, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def grant(text: str = "", **given: Any) -> Grant:
    known: dict[str, Any] = {"kind": "inline", "holders": ("role/ops",), "attachments": 1, "document": text, **given}
    return Grant(**{"arn": "arn:aws:iam::1:role/ops#p", "place": PLACE, "name": "p", **known})


IF_REGION = {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}


@pytest.mark.parametrize(
    ("said", "parameters", "outcome"),
    [
        pytest.param(grant(document()), {}, "pass", id="one action"),
        pytest.param(grant(document("*")), {}, "fail", id="everything"),
        pytest.param(
            grant(document("*", "arn:aws:s3:::scans/*")), {}, "pass", id="every action on one bucket's objects"
        ),
        pytest.param(grant(document(["s3:GetObject", "*:*"])), {}, "fail", id="everything beside another action"),
        pytest.param(grant(document("aws-portal:*", element="NotAction")), {}, "fail", id="all but billing"),
        pytest.param(grant(document("iam:*")), {}, "fail", id="all of IAM"),
        pytest.param(grant(document("s3:*")), {}, "pass", id="all of a service that governs no other"),
        pytest.param(grant(document("s3:*")), {"services": ["s3"]}, "fail", id="all of a service that is named"),
        pytest.param(grant(document("KMS:*")), {}, "fail", id="capitals do not matter"),
        pytest.param(grant(document("*", Condition=IF_REGION)), {}, "not-checked", id="everything under a condition"),
        pytest.param(grant("{"), {}, "not-checked", id="no document"),
        pytest.param(grant(document("*")), {"allow": ["ops"]}, "pass", id="a role that may"),
        pytest.param(grant(document("*")), {"allow": ["role/o*"]}, "pass", id="a role that may, by its kind"),
        pytest.param(grant("{"), {"allow": ["ops"]}, "pass", id="no document, and the role may all the same"),
        pytest.param(
            grant(document("*"), holders=("user/ops",)),
            {"allow": ["ops"]},
            "fail",
            id="a user of an allowed role's name",
        ),
        pytest.param(
            grant(document("*"), holders=("user/eve",)), {"allow": ["user/eve"]}, "pass", id="a user that may"
        ),
        pytest.param(
            grant(document("*"), kind="customer", holders=("role/ops", "group/dev"), attachments=2),
            {"allow": ["ops"]},
            "fail",
            id="one holder that may and one that may not",
        ),
        pytest.param(
            grant(document("*"), kind="customer", attachments=2), {"allow": ["ops"]}, "fail", id="a holder not listed"
        ),
        pytest.param(
            grant(document("*"), kind="customer", holders=(), attachments=0),
            {},
            "not-applicable",
            id="attached to nobody",
        ),
        pytest.param(
            grant(document("*"), kind="customer", holders=(), attachments=0),
            {"unattached": True, "allow": ["*"]},
            "fail",
            id="attached to nobody yet",
        ),
        pytest.param(
            grant(document(), kind="customer", holders=(), attachments=0),
            {"unattached": True},
            "pass",
            id="unheld, small",
        ),
        pytest.param(
            grant(document("*"), kind="customer", holders=(), attachments=0, boundary=True),
            {"unattached": True},
            "not-applicable",
            id="a boundary alone",
        ),
        pytest.param(
            grant(document("*"), kind="customer", boundary=True), {}, "fail", id="a boundary that is attached too"
        ),
        pytest.param(grant(kind="aws", name="AdministratorAccess"), {}, "fail", id="AWS's AdministratorAccess"),
        pytest.param(grant(kind="aws", name="PowerUserAccess"), {}, "fail", id="AWS's PowerUserAccess"),
        pytest.param(grant(kind="aws", name="ReadOnlyAccess"), {}, "pass", id="AWS's ReadOnlyAccess"),
        pytest.param(
            grant(kind="aws", name="AdministratorAccess", holders=("role/AWSReservedSSO_Admin_0f",)),
            {"allow": ["AWSReservedSSO_Admin_*"]},
            "pass",
            id="administrators of the identity centre",
        ),
        pytest.param(
            grant(kind="aws", name="job-function/Auditor"), {"aws_managed": ["job-function/*"]}, "fail", id="by a glob"
        ),
        pytest.param(
            grant(kind="aws", name="AdministratorAccess", service_linked=True),
            {},
            "not-applicable",
            id="a service's own",
        ),
    ],
)
async def test_no_policy_makes_an_administrator(said: Grant, parameters: dict[str, Any], outcome: str) -> None:
    assert (await judge(iam_wildcards, said, NOTHING, **parameters)).outcome == outcome


REPORT = """\
user,arn,user_creation_time,password_enabled,password_last_used,mfa_active,access_key_1_active,\
access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,\
access_key_2_last_used_date,a_newer_column
<root_account>,arn:aws:iam::1:root,2020-01-01T00:00:00+00:00,not_supported,no_information,TRUE,FALSE,N/A,N/A,FALSE,N/A,N/A,x
eve,arn:aws:iam::1:user/eve,2020-01-01T00:00:00+00:00,true,2026-01-02T03:04:05+00:00,false,true,\
2026-01-01T00:00:00Z,N/A,false,2025-01-01T00:00:00+00:00,2025-02-01T00:00:00+00:00,x
app,arn:aws:iam::1:user/app,2020-01-01T00:00:00+00:00,false,N/A,false,false,N/A,N/A,true,N/A,N/A,x
"""


def test_the_report_is_read_as_aws_writes_it() -> None:
    root, eve, app = lines_of(REPORT)
    assert (root.user, root.password, root.password_used, root.mfa, root.key_states) == (
        "<root_account>",
        None,
        None,
        True,
        (),
    )
    assert (eve.password, eve.mfa) == (True, False)
    assert [(one.number, one.active, one.used is None) for one in eve.key_states] == [
        (1, True, True),
        (2, False, False),
    ]
    assert [(one.number, one.active, one.rotated) for one in app.key_states] == [(2, True, None)]
    assert app.password is False


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(REPORT.replace("mfa_active", "mfa"), id="a column that is gone"),
        pytest.param(REPORT.replace(",TRUE,", ",perhaps,"), id="neither true nor false"),
    ],
)
def test_a_report_of_another_form_is_refused(text: str) -> None:
    with pytest.raises((KeyError, ValueError)):
        list(lines_of(text))


def test_policies_are_found_with_who_holds_them() -> None:
    statement = {"Version": "2012-10-17", "Statement": []}
    admin = {"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    own = {"PolicyName": "own", "PolicyArn": "arn:aws:iam::1:policy/own"}
    versions = [
        {"VersionId": "v2", "IsDefaultVersion": False, "Document": "old"},
        {"VersionId": "v1", "IsDefaultVersion": True, "Document": statement},
    ]
    parts: dict[str, list[Any]] = {
        "UserDetailList": [
            {
                "UserName": "eve",
                "Arn": "arn:aws:iam::1:user/eve",
                "Path": "/",
                "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": statement}],
                "AttachedManagedPolicies": [own],
            }
        ],
        "GroupDetailList": [{"GroupName": "dev", "Arn": "arn:aws:iam::1:group/dev", "AttachedManagedPolicies": [own]}],
        "RoleDetailList": [
            {
                "RoleName": "linked",
                "Arn": "arn:aws:iam::1:role/aws-service-role/x.amazonaws.com/linked",
                "Path": "/aws-service-role/x.amazonaws.com/",
                "AttachedManagedPolicies": [admin],
            }
        ],
        "Policies": [{"Arn": "arn:aws:iam::1:policy/own", "AttachmentCount": 3, "PolicyVersionList": versions}],
    }
    found = {one.arn.split(":")[-1]: one for one in grants_of(PLACE, parts)}
    assert found["user/eve#p"].holders == ("user/eve",)
    assert found["policy/own"].holders == ("group/dev", "user/eve")
    assert (found["policy/own"].attachments, json.loads(found["policy/own"].document)) == (3, statement)
    linked = found["role/aws-service-role/x.amazonaws.com/linked#AdministratorAccess"]
    assert (linked.kind, linked.name, linked.service_linked) == ("aws", "AdministratorAccess", True)
