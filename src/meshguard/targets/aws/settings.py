"""What an entry under `targets: aws:` may say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from meshguard.target import TargetSettings
from meshguard.yamlfile import LocalPath

ACCOUNT = r"^\d{12}$"
REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,2}-\d{1,2}")
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}")
STORES = ("rds", "rds-cluster", "s3", "dynamodb", "efs", "ebs")
"""Kinds of data store, as `data_stores` names them: kind:name."""
_STORE = re.compile(rf"(?:{'|'.join(STORES)}):[^\s]{{1,255}}")

AccountId = Annotated[str, Field(pattern=ACCOUNT)]


def _region(value: str) -> str:
    if not REGION.fullmatch(value):
        raise ValueError(f"{value!r} is no name of a region; write such as eu-central-1")
    return value


Region = Annotated[str, AfterValidator(_region)]


def _network(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError:
        raise ValueError(f"{value!r} is no network; write such as 10.8.0.0/16") from None


Network = Annotated[str, AfterValidator(_network)]


def _store(value: str) -> str:
    if not _STORE.fullmatch(value):
        raise ValueError(f"{value!r} names no data store; write kind:name with a kind of {', '.join(STORES)}")
    return value


class AwsSettings(TargetSettings):
    """An entry under `targets: aws:`."""

    region: Region | None = Field(
        None, description="The region, where it is one; else that of the profile or of AWS_REGION."
    )
    regions: tuple[Region, ...] | Literal["all"] = Field(
        (), description="Several regions, or `all`: those that are enabled in each account."
    )
    account: AccountId | None = Field(
        None, description="The account that the credentials must belong to; anything else is not audited."
    )
    accounts: tuple[AccountId, ...] | Literal["organization"] = Field(
        (), description="Accounts to audit, or `organization`: all active ones. Without it the credentials' own."
    )
    member_role: str = Field(
        "",
        max_length=576,
        pattern=r"^[A-Za-z0-9_+=,.@/-]*$",
        description="Name of the role that is assumed in each of `accounts` but the credentials' own.",
    )
    profile: str = Field("", description="A profile of the AWS configuration files.")
    role: str = Field("", description="ARN of a role to assume first.")
    external_id: str = Field("", description="The external id that the roles ask for.")
    session_name: str = Field(
        "meshguard",
        min_length=2,
        max_length=64,
        pattern=r"^[A-Za-z0-9_+=,.@-]+$",
        description="Names the audit in the account's own trail.",
    )
    web_identity_token: LocalPath | None = Field(
        None, description="File with an OIDC token, such as a CI job's; `role` is assumed with it."
    )
    endpoint: str = Field("", description="URL of another endpoint than AWS's, for all services.")
    allowed_regions: tuple[Region, ...] = Field((), description="The regions where data may be.")
    vpn_ranges: tuple[Network, ...] = Field((), description="Addresses of the VPN that administrators come through.")
    tags: dict[str, str] = Field({}, description="Only resources that carry all of these tags; an empty value: any.")
    data_stores: tuple[Annotated[str, AfterValidator(_store)], ...] = Field(
        (), description="The stores that hold the deployment's data, each kind:name, such as rds:patients or s3:scans."
    )
    backup_buckets: tuple[str, ...] = Field((), description="Names of the buckets that hold backups.")
    audit_buckets: tuple[str, ...] = Field((), description="Names of the buckets that hold the audit trail.")
    secrets_named: tuple[str, ...] = Field(
        (), description="Names of the secrets that the deployment needs; each must be in Secrets Manager."
    )
    retries: Annotated[int, Field(ge=1, le=10)] = Field(3, description="Times that one call is tried.")
    rates: dict[str, Annotated[float, Field(gt=0, le=1000)]] = Field(
        {},
        description=(
            "Calls a second by service, such as ec2: 2. Unless given: 25 for s3 and 5 for each other service; "
            "no limit with `endpoint`."
        ),
    )

    @field_validator(
        "data_stores",
        "backup_buckets",
        "audit_buckets",
        "secrets_named",
        "allowed_regions",
        "vpn_ranges",
        mode="before",
    )
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("endpoint")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and not (parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/")):
            raise ValueError(f"{value!r} is no URL of an endpoint; write http://host:port")
        if parts.username or parts.password:
            raise ValueError("give no credentials in `endpoint`")
        return value.rstrip("/")

    @field_validator("web_identity_token")
    @classmethod
    def _readable(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        offline = bool(info.context and info.context.get("offline"))
        if value is not None and not offline and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @field_validator("role")
    @classmethod
    def _arn(cls, value: str) -> str:
        if value and not ROLE_ARN.fullmatch(value):
            raise ValueError(f"{value!r} is no ARN of a role; write arn:aws:iam::123456789012:role/name")
        return value

    @model_validator(mode="after")
    def _whole(self) -> AwsSettings:
        if self.region and self.regions:
            raise ValueError("both `region` and `regions` are given: give one")
        if self.accounts and not self.member_role and self.accounts != (self.account,):
            raise ValueError("`accounts` needs `member_role`: the role to assume in each")
        if self.member_role and not self.accounts:
            raise ValueError("`member_role` is for `accounts`; a role to assume first is `role`")
        if self.web_identity_token and not self.role:
            raise ValueError("`web_identity_token` needs `role`: the role to assume with it")
        if self.external_id and not (self.role or self.member_role):
            raise ValueError("`external_id` is for `role` or `member_role`")
        return self

    @property
    def named_regions(self) -> tuple[str, ...]:
        """Regions that the deployment names; none where it says all, or leaves it to the AWS configuration."""
        if self.region:
            return (self.region,)
        return self.regions if isinstance(self.regions, tuple) else ()

    def hosts(self) -> Iterator[tuple[str, int]]:
        """The endpoint; AWS itself where none is named."""
        parts = urlsplit(self.endpoint)
        if self.endpoint:
            yield str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
            return
        chinese = any(region.startswith("cn-") for region in self.named_regions)
        yield "amazonaws.com.cn" if chinese else "amazonaws.com", 443

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The external id: who knows it may try to assume the role."""
        if self.external_id:
            yield self.external_id, f"external_id of {self.name}"
