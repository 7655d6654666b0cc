"""Checks of IAM: the root user, users and their credentials, and what policies grant.

The credential report that some rest on may be four hours old, since IAM makes no newer one sooner: each verdict names
its time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from meshguard.api import (
    Clock,
    Duration,
    Verdict,
    check,
    days,
    failed,
    judged,
    not_applicable,
    passed,
    show_duration,
    undetermined,
)
from meshguard.targets.aws import Account, Aws
from meshguard.targets.aws.iam import AccessKey, Credentials, PasswordPolicy, Summary, User
from meshguard.targets.aws.iam_grants import Grant
from meshguard_checks.parsing.aws_grants import ADMIN_SERVICES, AWS_ADMIN, admin_in, is_one_of, not_allowed

Characters = Literal["symbols", "numbers", "uppercase", "lowercase"]
AWS_DEFAULT_LENGTH = 8
"""Without a policy of its own an account has AWS's: 8 characters of three kinds, no expiry, nothing remembered."""


@check(
    "aws.root_account",
    method="examine",
    over=Aws.accounts,
    fix="Console, as root: Security credentials > Assign MFA device; delete access keys. In an organization: aws iam "
    "enable-organizations-root-credentials-management, and then delete the members' root credentials\n"
    'Terraform: resource "aws_iam_organizations_features" "root" { enabled_features = ["RootCredentialsManagement"] }',
)
async def root_account(
    account: Account, aws: Aws, clock: Clock, *, hardware: bool = False, unused_for: Duration = days(7)
) -> Verdict:
    """The root user has MFA and no access key, and nobody works as root (IAM User Guide, "Root user best practices").

    A member of an organization whose root credentials were deleted has nothing to sign in with, and passes. MFA and
    keys are as they are now; the last use is as of the credential report.

    Args:
        hardware: whether each MFA device must be a hardware one, such as a security key; asks for the virtual ones.
        unused_for: shortest time since the root user was last used; 0s: any. CIS names no number.
    """
    root = await aws.account_summary(account.place)
    if root.password is False and not root.keys_present and not root.signing_certificates:
        return passed("its root user has no credentials: no password, no access key, no certificate")
    faults = _root_faults(root)
    if hardware and root.mfa and await aws.root_virtual_mfa(account.place):
        faults.append("its MFA device is a virtual one")
    if faults:
        return failed(f"the root user: {'; '.join(faults)}", got=faults, want="MFA, no access key")
    if not unused_for:
        return passed("the root user has MFA and no access key")
    report = await aws.credential_report(account.place)
    line = report.root()
    if line is None:
        return undetermined(f"the credential report {_of(report.generated)} does not name the root user")
    used = _last_used(line)
    if used is None:
        return passed(f"the root user has MFA, no access key, and no known use {_of(report.generated)}")
    age = await clock.now() - used
    said = f"the time since the root user was used {_of(report.generated)}"
    return judged(age >= unused_for, said, got=_days(age), want=unused_for)


def _root_faults(root: Summary) -> list[str]:
    found = [] if root.mfa else ["it has no MFA"]
    if root.keys_present:
        found.append("it has an access key")
    return [*found, "it has a signing certificate"] if root.signing_certificates else found


def _last_used(line: Credentials) -> datetime | None:
    times = [line.password_used, *(key.used for key in line.key_states)]
    return max((time for time in times if time is not None), default=None)


@check(
    "aws.user_mfa",
    method="examine",
    over=Aws.users,
    fix="aws iam enable-mfa-device --user-name USER --serial-number ARN --authentication-code1 A "
    "--authentication-code2 B; where nobody signs in: aws iam delete-login-profile --user-name USER\n"
    'Terraform: resource "aws_iam_virtual_mfa_device" "user" { virtual_mfa_device_name = "USER" }',
)
async def user_mfa(user: User, aws: Aws) -> Verdict:
    """A user with a password for the console has MFA (IAM User Guide, "AWS Multi-factor authentication in IAM").

    A user without a password cannot sign in there, and is not judged; the root user is judged by aws.root_account.
    """
    del aws
    if user.password is None:
        return undetermined(f"the credential report {_of(user.reported)} does not say whether it has a password")
    if not user.password:
        return not_applicable(f"it has no password for the console {_of(user.reported)}")
    if user.mfa:
        return passed(f"it has a password and MFA {_of(user.reported)}", got="MFA", want="MFA")
    return failed(f"it has a password and no MFA {_of(user.reported)}", got="no MFA", want="MFA")


@check(
    "aws.password_policy",
    method="examine",
    over=Aws.accounts,
    fix="aws iam update-account-password-policy --minimum-password-length 14 --password-reuse-prevention 24\n"
    'Terraform: resource "aws_iam_account_password_policy" "all" { minimum_password_length = 14, '
    "password_reuse_prevention = 24 }",
)
async def password_policy(
    account: Account,
    aws: Aws,
    *,
    min_length: int = 14,
    remembered: int = 24,
    max_age: Duration | None = None,
    characters: tuple[Characters, ...] = (),
) -> Verdict:
    """The account demands passwords of `min_length` and no old one again (IAM User Guide, "Set an account password
    policy for IAM users").

    Args:
        min_length: shortest accepted minimum length.
        remembered: previous passwords that must not be taken again, at least; 0: not judged. IAM takes up to 24.
        max_age: longest accepted life of a password; without it not judged (NIST SP 800-63B advises against one).
        characters: kinds of characters that each password must have.
    """
    said = await aws.password_policy(account.place)
    own = said or PasswordPolicy(
        min_length=AWS_DEFAULT_LENGTH,
        symbols=False,
        numbers=False,
        uppercase=False,
        lowercase=False,
        max_age_days=None,
        remembered=0,
    )
    faults = [] if own.min_length >= min_length else [f"length {own.min_length}, wanted {min_length}"]
    if own.remembered < remembered:
        faults.append(f"{own.remembered} remembered, wanted {remembered}")
    if max_age is not None and (own.max_age_days is None or days(own.max_age_days) > max_age):
        age = f"{own.max_age_days}d" if own.max_age_days else "no expiry"
        faults.append(f"{age}, wanted {show_duration(max_age)}")
    faults += [f"no {kind} demanded" for kind in characters if not getattr(own, kind)]
    whose = "its password policy" if said else "it has no password policy of its own, and AWS's default"
    want = f"length {min_length}, {remembered} remembered"
    got = f"length {own.min_length}, {own.remembered} remembered"
    if faults:
        return failed(f"{whose} is too weak: {'; '.join(faults)}", got=got, want=want)
    return passed(f"{whose} suffices: {got}", got=got, want=want)


@check(
    "aws.access_key_age",
    method="examine",
    over=Aws.access_keys,
    fix="aws iam create-access-key --user-name USER; take the new key into use; aws iam delete-access-key\n"
    'Terraform: replace the resource "aws_iam_access_key", or use aws_iam_role in place of the user',
)
async def access_key_age(
    key: AccessKey,
    aws: Aws,
    clock: Clock,
    *,
    max_age: Duration = days(90),
    max_unused: Duration | None = None,
    only_one: bool = False,
) -> Verdict:
    """An active access key is at most `max_age` old (IAM User Guide, "Update access keys").

    A key is named by its user and number, never by its id. One that is not active opens nothing and is not judged.

    Args:
        max_age: longest time since the key was made or last changed.
        max_unused: longest time since its last use, or since it was made if it never was used; without it not judged.
        only_one: whether a user may have no second active key, not even while one replaces the other.
    """
    del aws
    if not key.active:
        return not_applicable(f"it is not active {_of(key.reported)}")
    if key.rotated is None:
        return undetermined(f"the credential report {_of(key.reported)} does not say when it was made")
    now = await clock.now()
    age, idle = now - key.rotated, now - (key.used or key.rotated)
    if age > max_age:
        never = "" if key.used else ", and it was never used"
        return failed(f"it is {_days(age)} old{never} {_of(key.reported)}", got=_days(age), want=max_age)
    if max_unused is not None and idle > max_unused:
        since = f"it was last used {_days(idle)} ago" if key.used else f"in {_days(idle)} it was never used"
        return failed(f"{since} {_of(key.reported)}", got=_days(idle), want=max_unused)
    if only_one and key.other_active:
        return failed(f"its user has two active keys {_of(key.reported)}", got=2, want=1)
    return passed(f"it is {_days(age)} old {_of(key.reported)}", got=_days(age), want=max_age)


@check(
    "aws.iam_wildcards",
    method="examine",
    over=Aws.grants,
    fix="Name the actions and resources that are needed: aws iam create-policy-version --policy-arn ARN "
    "--set-as-default --policy-document file://policy.json; aws iam detach-role-policy\n"
    'Terraform: data "aws_iam_policy_document" { statement { actions = ["s3:GetObject"], resources = [BUCKET_ARN] } }',
)
async def iam_wildcards(
    grant: Grant,
    aws: Aws,
    *,
    allow: tuple[str, ...] = (),
    services: tuple[str, ...] = ADMIN_SERVICES,
    aws_managed: tuple[str, ...] = AWS_ADMIN,
    unattached: bool = False,
) -> Verdict:
    """No policy makes its holder an administrator of all, or of a service that governs the others (IAM User Guide,
    "Apply least-privilege permissions").

    Judged are customer-managed policies in their default version, inline ones, and each attachment of one that AWS
    manages. All but what NotAction lists counts as all. What boundaries and the organization's policies take away is
    not counted, for a document must not lean on them. Service-linked roles are not judged: their service alone may
    take them, and nobody can change what they may do.

    Args:
        allow: who may hold such a policy, with * and ?: names of roles, or user/NAME and group/NAME; such as
            AWSReservedSSO_AdministratorAccess_*.
        services: services of which nobody may have all actions on all resources.
        aws_managed: names of policies managed by AWS that make an administrator, with * and ?.
        unattached: whether a policy that is attached to nobody is judged too.
    """
    del aws
    if grant.service_linked:
        return not_applicable("it belongs to a service-linked role")
    if not grant.attachments and (grant.boundary or not unattached):
        return not_applicable("it bounds permissions and grants none" if grant.boundary else "it is attached to nobody")
    if grant.kind == "aws":
        yes, unsettled = ([f"it is AWS's {grant.name}"] if is_one_of(grant.name, aws_managed) else []), ""
    else:
        yes, unsettled = admin_in(grant.document, services)
    if not yes and not unsettled:
        return passed("it makes no administrator")
    holders = not_allowed(grant, allow)
    if not holders:
        return passed(f"it makes administrators of those who may be: {', '.join(grant.holders)}")
    if not yes:
        return undetermined(f"{unsettled}; held by {', '.join(holders)}")
    return failed(f"{'; '.join(yes)}; held by {', '.join(holders)}", got=holders, want="nobody but those in `allow`")


def _of(reported: datetime) -> str:
    """When the credential report was made: part of each sentence that rests on it."""
    return f"(report of {reported:%Y-%m-%d %H:%M} UTC)"


def _days(age: timedelta) -> str:
    return (
        show_duration(days(age.days))
        if age >= days(1)
        else show_duration(timedelta(minutes=age // timedelta(minutes=1)))
    )
