"""What a deployment says of a web site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, ValidationInfo, field_validator

from meshguard.target import TargetSettings
from meshguard.targets.web_answer import port_of
from meshguard.yamlfile import LocalPath


class WebSettings(TargetSettings):
    """An entry under `targets: web:`."""

    url: str = Field(description="Scheme, host and port: https://health-mesh.example.")
    paths: tuple[str, ...] = Field(
        ("/",), min_length=1, description="Paths that are judged: a page, the login, an API answer, a 404."
    )
    error_paths: tuple[str, ...] = Field(
        (), description="More paths that are judged, which answer with a server error on purpose."
    )
    ca: LocalPath | None = Field(None, description="PEM file of the CA to trust, where it is not a public one.")
    http_url: str = Field("", description="The same site over plain http; http on port 80 where the https port is 443.")
    connect_to: str = Field("", pattern=r"^$|^.+:\d+$", description="address:port to connect to instead of the URL's.")
    headers: dict[str, str] = Field(default={}, description="Headers to send; their values are secrets.")
    also: tuple[str, ...] = Field(
        (), alias="hosts", description="More hosts (host or host:port) that redirects may lead to."
    )

    @field_validator("url", "http_url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and not port_of(parts):
            raise ValueError(f"the port of {value!r} is no number from 1 to 65535")
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError(f"{value!r} is no http or https URL")
        if parts.username or parts.password:
            raise ValueError("put credentials under `headers`, not into the URL")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("give only scheme, host and port; paths go under `paths`")
        return value.rstrip("/")

    @field_validator("http_url")
    @classmethod
    def _plain(cls, value: str) -> str:
        if value and urlsplit(value).scheme != "http":
            raise ValueError(f"{value!r} is not plain http; the https address goes under `url`")
        return value

    @field_validator("paths", "error_paths")
    @classmethod
    def _rooted(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for path in value:
            if not path.startswith("/") or path.startswith("//"):
                raise ValueError(f"the path {path!r} does not start with one /")
            if "?" in path or "#" in path:
                raise ValueError(
                    "a path with a query or a fragment: it names the page in every report, so give it bare"
                )
        return tuple(dict.fromkeys(value))

    @field_validator("ca")
    @classmethod
    def _readable(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        offline = bool(info.context and info.context.get("offline"))
        if value is not None and not offline and not value.is_file():
            raise ValueError(f"there is no CA file {value}")
        return value

    @property
    def parts(self) -> SplitResult:
        """The URL, split."""
        return urlsplit(self.url)

    @property
    def plain_url(self) -> str:
        """The site over plain http; empty where the deployment does not say it.

        Nothing is guessed where `connect_to` leads elsewhere: port 80 of the host's public address would be another
        machine's answer.
        """
        if self.http_url or self.parts.scheme == "http":
            return self.http_url or self.url
        guessed = port_of(self.parts) == 443 and not self.connect_to
        return f"http://{self.parts.netloc.removesuffix(':443')}" if guessed else ""

    def hosts(self) -> Iterator[tuple[str, int]]:
        """Own host over https and http, the address to connect to, and the hosts that are named besides."""
        for url in filter(None, (self.url, self.plain_url)):
            yield str(urlsplit(url).hostname), port_of(urlsplit(url))
        if self.connect_to:
            host, _, port = self.connect_to.rpartition(":")
            yield host.strip("[]"), int(port)
        for entry in self.also:
            parts = urlsplit(f"//{entry}")
            for number in [parts.port] if parts.port else [443, 80]:
                yield str(parts.hostname), number

    def derived(self) -> Iterator[tuple[str, TargetSettings]]:
        """An https site is a tls target too."""
        if self.parts.scheme == "https":
            from meshguard.targets.tls import TlsSettings

            yield (
                "tls",
                TlsSettings(
                    name=self.name,
                    stage=self.stage,
                    limits=self.limits,
                    host=str(self.parts.hostname),
                    port=port_of(self.parts),
                    ca=self.ca,
                    connect_to=self.connect_to,
                ),
            )

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The values of the headers that are sent, and what follows a scheme such as Bearer."""
        for name, value in self.headers.items():
            yield value, f"secret header {name}"
            if " " in value:
                yield value.split(" ", 1)[1], f"secret header {name}"
