"""What a deployment says of a repository on GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from meshguard.target import TargetSettings
from meshguard.yamlfile import LocalPath


class GithubSettings(TargetSettings):
    """An entry under `targets: github:`."""

    repo: str = Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$", description="The repository: owner/name.")
    api: str = Field(
        "https://api.github.com",
        description="Base URL of the REST API; of an Enterprise Server https://HOST/api/v3.",
    )
    token: SecretStr = Field(SecretStr(""), description="Token to ask with, as ${GITHUB_TOKEN}; it needs to read only.")
    branch: str = Field("", max_length=250, description="The branch that is judged; the default branch unless given.")
    ca: LocalPath | None = Field(None, description="PEM file of the CA to trust, where it is not a public one.")

    @field_validator("repo")
    @classmethod
    def _named(cls, value: str) -> str:
        if {".", ".."} & set(value.split("/")):
            raise ValueError(f"{value!r} is no owner/name")
        return value.removesuffix(".git")

    @field_validator("api")
    @classmethod
    def _base(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or _port(parts) == 0:
            raise ValueError(f"{value!r} is no http or https URL")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("give only scheme, host, port and path; the token goes under `token`")
        if parts.scheme == "http" and not _is_loopback(str(parts.hostname)):
            raise ValueError("over plain http the token would be sent in the clear; give the https URL")
        return value.rstrip("/")

    @field_validator("token")
    @classmethod
    def _one_word(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("the token holds blanks or characters that no token has")
        return SecretStr(text)

    @field_validator("ca")
    @classmethod
    def _readable(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        offline = bool(info.context and info.context.get("offline"))
        if value is not None and not offline and not value.is_file():
            raise ValueError(f"there is no CA file {value}")
        return value

    @property
    def parts(self) -> SplitResult:
        """The API's base URL, split."""
        return urlsplit(self.api)

    @property
    def address(self) -> tuple[str, int]:
        """The API's host and port."""
        return str(self.parts.hostname), _port(self.parts)

    def hosts(self) -> Iterator[tuple[str, int]]:
        """The API, and nothing else."""
        yield self.address

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The token."""
        if token := self.token.get_secret_value():
            yield token, f"token of {self.name}"


def _port(parts: SplitResult) -> int:
    """The port, also where the URL does not say it; 0 where it is none."""
    try:
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return 0


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
