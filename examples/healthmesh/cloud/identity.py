"""Users, keys, policies and the root user of the test cloud's account: good ones, bad ones, and weaknesses by name."""

from __future__ import annotations

import json
from typing import Any

from .builder import Cloud, CloudDefect

POLICY = {"min": 14, "remembered": 24}
OLD_DAYS = 400
PASSWORD = "Correct-horse-battery-7"
NO_TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


def _policy(*actions: str, resource: str = "*", **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


READ_SCANS = _policy("s3:GetObject", resource="arn:aws:s3:::scans/*")
EVERYTHING = _policy("*")
ALL_OF_KMS = _policy("kms:*")


def good(cloud: Cloud, n: int = 1) -> None:
    """The account's root user and password policy in good order, and `n` good users and roles."""
    cloud.control.root(mfa=True, used_days_ago=OLD_DAYS)
    iam = cloud.client("iam")
    iam.update_account_password_policy(
        MinimumPasswordLength=POLICY["min"], PasswordReusePrevention=POLICY["remembered"], RequireSymbols=True
    )
    for i in range(1, n + 1):
        user(cloud, f"mg-user-good-{i}", password=True, mfa=True, key=True)
        user(cloud, f"mg-user-service-{i}", key=True)
        role(cloud, f"mg-role-good-{i}", inline=READ_SCANS)
        policy(cloud, f"mg-policy-good-{i}", READ_SCANS, held_by=f"mg-role-good-{i}")
        policy(cloud, f"mg-policy-unheld-{i}", EVERYTHING)


def bad(cloud: Cloud, n: int = 1) -> None:
    """`n` bad resources of each kind."""
    for i in range(1, n + 1):
        user(cloud, f"mg-user-mfa-{i}", password=True)
        role(cloud, f"mg-role-admin-{i}", inline=EVERYTHING)
        role(cloud, f"mg-role-kms-{i}")
        policy(cloud, f"mg-policy-kms-{i}", ALL_OF_KMS, held_by=f"mg-role-kms-{i}")
    cloud.control.clock(-OLD_DAYS)
    try:
        for i in range(1, n + 1):
            user(cloud, f"mg-user-key-{i}", key=True)
    finally:
        cloud.control.clock(0)


def manifest(cloud: Cloud, n: int = 1) -> dict[tuple[str, str], str]:
    """What each check must say of each resource that `good(cloud, n)` and `bad(cloud, n)` made."""
    start = f"arn:aws:iam::{cloud.account}"
    said = {("aws.root_account", cloud.account): "pass", ("aws.password_policy", cloud.account): "pass"}
    for i in range(1, n + 1):
        for name, outcome in (
            ("good", "pass"),
            ("service", "not-applicable"),
            ("mfa", "fail"),
            ("key", "not-applicable"),
        ):
            said["aws.user_mfa", f"{start}:user/mg-user-{name}-{i}"] = outcome
        for name, outcome in (("good", "pass"), ("service", "pass"), ("key", "fail")):
            said["aws.access_key_age", f"{start}:user/mg-user-{name}-{i}#key-1"] = outcome
        for resource, outcome in (
            (f"policy/mg-policy-good-{i}", "pass"),
            (f"policy/mg-policy-unheld-{i}", "not-applicable"),
            (f"policy/mg-policy-kms-{i}", "fail"),
            (f"role/mg-role-good-{i}#inline", "pass"),
            (f"role/mg-role-admin-{i}#inline", "fail"),
        ):
            said["aws.iam_wildcards", f"{start}:{resource}"] = outcome
    return said


def user(cloud: Cloud, name: str, *, password: bool = False, mfa: bool = False, key: bool = False) -> None:
    """A user of IAM, with what it signs in with."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    if password:
        iam.create_login_profile(UserName=name, Password=PASSWORD)
    if mfa:
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(
            UserName=name, SerialNumber=device, AuthenticationCode1="123456", AuthenticationCode2="654321"
        )
    if key:
        iam.create_access_key(UserName=name)


def role(cloud: Cloud, name: str, *, inline: str = "") -> str:
    """A role that nobody may take, and its ARN."""
    iam = cloud.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=NO_TRUST)["Role"]["Arn"]
    if inline:
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=inline)
    return arn


def policy(cloud: Cloud, name: str, document: str, *, held_by: str = "") -> None:
    """A customer-managed policy, attached to a role where one is named."""
    iam = cloud.client("iam")
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    if held_by:
        iam.attach_role_policy(RoleName=held_by, PolicyArn=arn)


def _weak_passwords(cloud: Cloud) -> None:
    cloud.client("iam").update_account_password_policy(MinimumPasswordLength=13, PasswordReusePrevention=24)


def _passwords_again(cloud: Cloud) -> None:
    cloud.client("iam").update_account_password_policy(MinimumPasswordLength=14, PasswordReusePrevention=23)


def _old_key(cloud: Cloud) -> None:
    cloud.control.clock(-91)
    try:
        user(cloud, "mg-user-old-key", key=True)
    finally:
        cloud.control.clock(0)


def _admin_policy(cloud: Cloud) -> None:
    role(cloud, "mg-role-holder")
    policy(cloud, "mg-policy-admin", EVERYTHING, held_by="mg-role-holder")


def _admin_inline(cloud: Cloud) -> None:
    role(cloud, "mg-role-all", inline=EVERYTHING)


def _all_of_kms(cloud: Cloud) -> None:
    role(cloud, "mg-role-keys", inline=ALL_OF_KMS)


def _all_but_billing(cloud: Cloud) -> None:
    statement = {"Effect": "Allow", "NotAction": "aws-portal:*", "Resource": "*"}
    role(cloud, "mg-role-nearly", inline=json.dumps({"Version": "2012-10-17", "Statement": statement}))


def _administrator(cloud: Cloud) -> None:
    """The account's details as they are, and one role more: moto brings no policies of AWS to attach."""
    found = cloud.client("iam").get_account_authorization_details(
        Filter=["User", "Role", "Group", "LocalManagedPolicy"]
    )
    found.pop("ResponseMetadata")
    found["RoleDetailList"].append(
        {
            "Path": "/",
            "RoleName": "mg-role-administrator",
            "Arn": f"arn:aws:iam::{cloud.account}:role/mg-role-administrator",
            "RolePolicyList": [],
            "AttachedManagedPolicies": [
                {"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
            ],
        }
    )
    cloud.control.answer("iam:GetAccountAuthorizationDetails", _encoded(found))


def _encoded(value: Any) -> Any:
    """Policy documents as text and times as ISO 8601, as they go over the wire; the client library decoded them."""
    if isinstance(value, dict):
        documents = ("Document", "PolicyDocument", "AssumeRolePolicyDocument")
        return {name: json.dumps(part) if name in documents else _encoded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_encoded(part) for part in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


DEFECTS: tuple[CloudDefect, ...] = (
    CloudDefect(
        "aws-root-without-mfa",
        "aws.root_account",
        "The root user has no MFA.",
        lambda cloud: cloud.control.root(mfa=False, used_days_ago=OLD_DAYS),
    ),
    CloudDefect(
        "aws-root-key",
        "aws.root_account",
        "The root user has an access key.",
        lambda cloud: cloud.control.root(mfa=True, access_keys=1, used_days_ago=OLD_DAYS),
    ),
    CloudDefect(
        "aws-root-at-work",
        "aws.root_account",
        "The root user signed in yesterday.",
        lambda cloud: cloud.control.root(mfa=True, used_days_ago=1),
    ),
    CloudDefect(
        "aws-user-without-mfa",
        "aws.user_mfa",
        "A user signs in with a password alone.",
        lambda cloud: user(cloud, "mg-user-no-mfa", password=True),
    ),
    CloudDefect(
        "aws-no-password-policy",
        "aws.password_policy",
        "The account has no password policy of its own.",
        lambda cloud: cloud.client("iam").delete_account_password_policy(),
    ),
    CloudDefect("aws-short-passwords", "aws.password_policy", "Passwords of 13 characters do.", _weak_passwords),
    CloudDefect("aws-passwords-again", "aws.password_policy", "An old password may be taken again.", _passwords_again),
    CloudDefect("aws-old-access-key", "aws.access_key_age", "A service's key is 91 days old.", _old_key),
    CloudDefect("aws-admin-policy", "aws.iam_wildcards", "A role holds a policy that allows all.", _admin_policy),
    CloudDefect(
        "aws-admin-inline",
        "aws.iam_wildcards",
        "A role allows all by a policy of its own.",
        _admin_inline,
    ),
    CloudDefect("aws-nearly-all", "aws.iam_wildcards", "A role allows all but billing.", _all_but_billing),
    CloudDefect(
        "aws-all-of-kms",
        "aws.iam_wildcards",
        "A role may do all with every key.",
        _all_of_kms,
    ),
    CloudDefect("aws-administrator", "aws.iam_wildcards", "A role has AdministratorAccess.", _administrator),
)
