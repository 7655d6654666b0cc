"""IAM: the root user, users and their credentials, the password policy, and the policies that grant.

Four questions an account, whatever it holds: the credential report, the summary, the password policy, and all
policies with what they are attached to.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from meshguard.errors import NotObserved
from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented
from meshguard.targets.aws.iam_grants import Grant, grants_of
from meshguard.targets.aws.models import AwsModel, Place, Resource
from meshguard.targets.aws.operation import Operation

GENERATE_REPORT = Operation("iam", "GenerateCredentialReport")
GET_REPORT = Operation("iam", "GetCredentialReport")
GET_SUMMARY = Operation("iam", "GetAccountSummary")
GET_PASSWORD_POLICY = Operation("iam", "GetAccountPasswordPolicy")
LIST_VIRTUAL_MFA = Operation("iam", "ListVirtualMFADevices", items="VirtualMFADevices", when="hardware")
GET_DETAILS = Operation("iam", "GetAccountAuthorizationDetails")

LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
KINDS = ("User", "Group", "Role", "LocalManagedPolicy")
ROOT = "<root_account>"
NEVER = frozenset(["N/A", "n/a", "no_information", "not_supported", ""])
"""What the report says in place of a time."""
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0)
"""Between questions whether the report is complete; it takes AWS some seconds."""
NO_USERS = "where the account has no IAM users on purpose, declare the control not applicable"


class KeyState(AwsModel):
    """One of a user's two access keys, as the report has it."""

    number: int
    active: bool
    rotated: datetime | None
    """When it was made or last changed."""
    used: datetime | None
    """None: never, as far as IAM recorded it."""


class Credentials(AwsModel):
    """A line of the credential report."""

    user: str
    arn: str
    password: bool | None
    """None where the report does not say it, as for the root user."""
    password_used: datetime | None
    mfa: bool
    key_states: tuple[KeyState, ...]
    """Those that exist, active or not."""


class CredentialReport(AwsModel):
    """The credential report of an account."""

    generated: datetime
    """Up to four hours ago: IAM makes no newer one sooner."""
    lines: tuple[Credentials, ...]

    def root(self) -> Credentials | None:
        """The root user's line."""
        return next((line for line in self.lines if line.user == ROOT), None)


class Summary(AwsModel):
    """What the summary says of the root user."""

    mfa: bool
    keys_present: int
    signing_certificates: int
    password: bool | None
    """None where it is not said."""


class PasswordPolicy(AwsModel):
    """The account's own password policy; what it does not say, IAM does not demand."""

    min_length: int
    symbols: bool
    numbers: bool
    uppercase: bool
    lowercase: bool
    max_age_days: int | None
    remembered: int
    """Previous passwords that cannot be taken again."""


class User(Resource):
    """A user of IAM."""

    password: bool | None
    """Whether it has a password for the console; None where the report does not say it."""
    mfa: bool
    reported: datetime


class AccessKey(Resource):
    """An access key, named by its user and its number, never by its id."""

    number: int
    active: bool
    rotated: datetime | None
    used: datetime | None
    other_active: bool
    """Whether the user's other key is active too."""
    reported: datetime


class IamFacts(AwsBase):
    """Facts of IAM."""

    @fact
    async def credential_report(self, place: Place) -> CredentialReport:
        """The credential report of an account.

        Asking for it is a read: IAM compiles what it knows and keeps that for four hours; no resource is made and none
        changes. AWS counts it so too: its managed policies SecurityAudit and IAMReadOnlyAccess allow it.
        """
        for pause_s in (*PAUSES_S, 0.0):
            answer = await self.call(place, GENERATE_REPORT)
            if answer.get("State") == "COMPLETE":
                break
            await asyncio.sleep(pause_s)
        else:
            raise NotObserved("IAM did not complete the credential report in time", fix="run the audit again")
        answer = await self.call(place, GET_REPORT)
        with documented(GET_REPORT):
            lines = tuple(lines_of(answer["Content"].decode()))
            if not lines:
                raise ValueError("not even the root user")
            return CredentialReport(generated=answer["GeneratedTime"], lines=lines)

    @fact
    async def account_summary(self, place: Place) -> Summary:
        """What the summary of an account says of its root user, as it is now."""
        answer = await self.call(place, GET_SUMMARY)
        with documented(GET_SUMMARY):
            said = answer["SummaryMap"]
            password = said.get("AccountPasswordPresent")
            return Summary(
                mfa=bool(said["AccountMFAEnabled"]),
                keys_present=said["AccountAccessKeysPresent"],
                signing_certificates=said["AccountSigningCertificatesPresent"],
                password=None if password is None else bool(password),
            )

    @fact
    async def root_virtual_mfa(self, place: Place) -> bool:
        """Whether one of the root user's MFA devices is a virtual one."""
        found = await self.pages(place, LIST_VIRTUAL_MFA, AssignmentStatus="Assigned")
        with documented(LIST_VIRTUAL_MFA):
            return any(
                one["SerialNumber"].endswith(":mfa/root-account-mfa-device")
                or str(one.get("User", {}).get("Arn", "")).endswith(":root")
                for one in found
            )

    @fact
    async def password_policy(self, place: Place) -> PasswordPolicy | None:
        """The account's password policy; None where it has none of its own and AWS's default holds."""
        answer = await self.call_or_none(place, GET_PASSWORD_POLICY, ("NoSuchEntity", "NoSuchEntityException"))
        if answer is None:
            return None
        with documented(GET_PASSWORD_POLICY):
            said = answer["PasswordPolicy"]
            return PasswordPolicy(
                min_length=said["MinimumPasswordLength"],
                symbols=said["RequireSymbols"],
                numbers=said["RequireNumbers"],
                uppercase=said["RequireUppercaseCharacters"],
                lowercase=said["RequireLowercaseCharacters"],
                max_age_days=said.get("MaxPasswordAge") or None,
                remembered=said.get("PasswordReusePrevention") or 0,
            )

    @fact
    async def users(self) -> Listing[User]:
        """The users of all accounts."""
        return await self.across(self.users_in, taggable=False, once_an_account=True)

    @fact
    async def users_in(self, place: Place) -> Listing[User]:
        """The users of one account; the root user is none of them."""
        report = await self.credential_report(place)
        items = [
            User(arn=one.arn, place=place, name=one.user, password=one.password, mfa=one.mfa, reported=report.generated)
            for one in report.lines
            if one.user != ROOT
        ]
        return Listing(items=tuple(sorted(items, key=str)), fix=NO_USERS)

    @fact
    async def access_keys(self) -> Listing[AccessKey]:
        """The access keys of the users of all accounts; root users must have none at all, and are not listed."""
        return await self.across(self.access_keys_in, taggable=False, once_an_account=True)

    @fact
    async def access_keys_in(self, place: Place) -> Listing[AccessKey]:
        """The access keys of one account."""
        report = await self.credential_report(place)
        items = [
            AccessKey(
                arn=f"{line.arn}#key-{key.number}",
                place=place,
                name=line.user,
                other_active=any(other.active for other in line.key_states if other.number != key.number),
                reported=report.generated,
                **key.model_dump(),
            )
            for line in report.lines
            if line.user != ROOT
            for key in line.key_states
        ]
        fix = "where the account has no access keys on purpose, declare the control not applicable"
        return Listing(items=tuple(sorted(items, key=str)), fix=fix)

    @fact
    async def grants(self) -> Listing[Grant]:
        """The policies of all accounts: customer-managed, inline, and each attachment of one that AWS manages."""
        return await self.across(self.grants_in, taggable=False, once_an_account=True)

    @fact
    async def grants_in(self, place: Place) -> Listing[Grant]:
        """The policies of one account, with what they are attached to."""
        parts = await self._details(place)
        with documented(GET_DETAILS):
            return Listing(items=tuple(sorted(grants_of(place, parts), key=str)))

    async def _details(self, place: Place) -> dict[str, list[Any]]:
        """The lists of the authorization details, page by page; the client's pages give one of them alone."""
        parts: dict[str, list[Any]] = {name: [] for name in LISTS}
        markers: list[str] = []
        while True:
            more = {"Marker": markers[-1]} if markers else {}
            answer = await self.call(place, GET_DETAILS, Filter=list(KINDS), **more)
            if not set(parts) & set(answer):
                raise NotObserved(f"the answer to {GET_DETAILS} holds none of its lists", fix="see `endpoint`")
            for name, items in parts.items():
                items.extend(answer.get(name) or ())
            if not answer.get("IsTruncated"):
                return parts
            marker = str(answer.get("Marker") or "")
            if not marker or marker in markers:
                raise NotObserved(f"the list of {GET_DETAILS} has no end", fix="see that the endpoint is AWS's")
            markers.append(marker)


def lines_of(text: str) -> Iterator[Credentials]:
    """The lines of a credential report; columns that came later do not matter."""
    for row in csv.DictReader(text.splitlines()):
        root = row["user"] == ROOT
        yield Credentials(
            user=row["user"],
            arn=row["arn"],
            password=None if root else _said(row["password_enabled"]),
            password_used=_time(row["password_last_used"]),
            mfa=_yes(row["mfa_active"]),
            key_states=tuple(_keys(row)),
        )


def _keys(row: dict[str, str]) -> Iterator[KeyState]:
    for number in (1, 2):
        start = f"access_key_{number}_"
        active, rotated = _yes(row[f"{start}active"]), _time(row[f"{start}last_rotated"])
        if active or rotated is not None:  # a key that is not active keeps its dates; none has neither
            yield KeyState(number=number, active=active, rotated=rotated, used=_time(row[f"{start}last_used_date"]))


def _said(text: str) -> bool | None:
    return None if text in NEVER else _yes(text)


def _yes(text: str) -> bool:
    known = {"true": True, "false": False}
    if text.lower() not in known:
        raise ValueError(text)
    return known[text.lower()]


def _time(text: str) -> datetime | None:
    return None if text in NEVER else datetime.fromisoformat(text)
