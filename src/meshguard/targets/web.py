"""Target `web`: one site over HTTPS, asked with one GET for each listed path.

Recorded are the status, the names of all header lines in their order, the values of the lines in `RECORDED`, and
cookies with their attributes and a sketch of their value. Bodies, queries and every other header value are dropped.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from meshguard import __version__
from meshguard.errors import NotObserved
from meshguard.fact import Listing, fact
from meshguard.limits import LimitSettings
from meshguard.sketch import Sketch
from meshguard.target import Target, TargetSettings
from meshguard.yamlfile import LocalPath

if TYPE_CHECKING:
    import httpx

    from meshguard.sketch import Sketcher

RECORDED = frozenset(
    [
        "accept-ch",
        "alt-svc",
        "cache-control",
        "clear-site-data",
        "content-security-policy",
        "content-security-policy-report-only",
        "content-type",
        "cross-origin-embedder-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "date",
        "expect-ct",
        "feature-policy",
        "nel",
        "origin-agent-cluster",
        "permissions-policy",
        "public-key-pins",
        "referrer-policy",
        "refresh",
        "server",
        "strict-transport-security",
        "vary",
        "via",
        "x-aspnet-version",
        "x-aspnetmvc-version",
        "x-content-type-options",
        "x-dns-prefetch-control",
        "x-download-options",
        "x-frame-options",
        "x-generator",
        "x-permitted-cross-domain-policies",
        "x-powered-by",
        "x-runtime",
        "x-version",
        "x-xss-protection",
        "access-control-allow-origin",
        "access-control-allow-credentials",
    ]
)
"""Header lines whose value is recorded; of the others only the name."""

MAX_BODY = 65_536
MAX_REDIRECTS = 10


class Page(BaseModel):
    """A path that the deployment lists."""

    model_config = ConfigDict(frozen=True)

    path: str

    def __str__(self) -> str:
        """The path."""
        return self.path


class HeaderLine(BaseModel):
    """One header line as it came; two lines of a name stay two."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: str | None = None
    """None: not recorded."""


class Cookie(BaseModel):
    """One Set-Cookie line: the attributes as the browser would read them, the value as a sketch."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: Sketch
    attributes: dict[str, str]
    """Lower-case name -> value; an empty value for flags. The last of a name counts (RFC 6265, 5.3)."""


class Response(BaseModel):
    """An answer to one GET."""

    model_config = ConfigDict(frozen=True)

    url: str
    """Scheme, host and path; the query is dropped."""
    status: int
    headers: tuple[HeaderLine, ...] = ()
    cookies: tuple[Cookie, ...] = ()
    location: str | None = None
    """Where a redirect leads, as a whole URL without its query; None where the answer has no Location."""
    body_bytes: int = 0
    """Bytes of the body that were read; at most `MAX_BODY`."""
    clock_offset_s: float | None = None
    """Seconds that the server's Date was ahead of this machine."""

    def values(self, name: str) -> list[str]:
        """The values of all lines of this name, in order."""
        return [line.value or "" for line in self.headers if line.name == name]

    @property
    def is_html(self) -> bool:
        """Whether a browser would render it as a page."""
        kinds = self.values("content-type")
        return bool(kinds) and kinds[0].split(";")[0].strip().lower() in (
            "text/html",
            "application/xhtml+xml",
        )


class WebSettings(TargetSettings):
    """An entry under `targets: web:`."""

    url: str = Field(description="Scheme, host and port: https://health-mesh.example.")
    paths: tuple[str, ...] = Field(
        ("/",), min_length=1, description="Paths that are judged: a page, the login, an API answer, a 404."
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
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError(f"{value!r} is no http or https URL")
        if parts.username or parts.password:
            raise ValueError("put credentials under `headers`, not into the URL")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("give only scheme, host and port; paths go under `paths`")
        return value.rstrip("/")

    @field_validator("paths")
    @classmethod
    def _rooted(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for path in value:
            if not path.startswith("/") or path.startswith("//"):
                raise ValueError(f"the path {path!r} does not start with one /")
        return tuple(dict.fromkeys(value))

    @field_validator("ca")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no CA file {value}")
        return value

    @property
    def parts(self) -> SplitResult:
        """The URL, split."""
        return urlsplit(self.url)

    @property
    def plain_url(self) -> str:
        """The site over plain http; empty where the deployment does not say it."""
        if self.http_url or self.parts.scheme == "http":
            return self.http_url or self.url
        return f"http://{self.parts.hostname}" if port_of(self.parts) == 443 else ""

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


def port_of(parts: SplitResult) -> int:
    """The URL's port, or its scheme's."""
    return parts.port or (443 if parts.scheme == "https" else 80)


@lru_cache
def trust(ca: Path | None) -> ssl.SSLContext:
    """One TLS context for each CA file in a process; making one costs 20 ms."""
    if ca is not None:
        return ssl.create_default_context(cafile=str(ca))
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


class Web(Target[WebSettings]):
    """A web site."""

    kind = "web"
    Settings = WebSettings
    DEFAULT_LIMITS = LimitSettings(connections=8)

    @property
    def subject(self) -> str:
        """The site's URL."""
        return self.settings.url

    @fact(effect="local")
    async def pages(self) -> Listing[Page]:
        """The paths that the deployment lists."""
        return Listing(items=tuple(Page(path=path) for path in self.settings.paths))

    @fact
    async def get(self, url: str) -> Response:
        """What one GET of an URL (or of a path of the site) answers; redirects are not followed."""
        return await self._get(urljoin(self.settings.url + "/", url), self.settings.headers)

    @fact
    async def plain(self, path: str) -> Response:
        """What one GET over plain http answers; secret headers are not sent."""
        if not self.settings.plain_url:
            raise NotObserved(
                f"the deployment does not say where {self.settings.url} answers plain http",
                fix=f"add `http_url:` to the web target {self.name}",
            )
        return await self._get(self.settings.plain_url + path, {})

    async def page(self, path: str) -> Response:
        """The answer for a path after its redirects, each one a GET of its own, as far as the named hosts reach.

        Where a redirect leads to a host that the deployment does not name, or to no web address at all, the redirect
        itself is the site's last answer.

        Raises:
            NotObserved: the redirects go round, or are more than `MAX_REDIRECTS`.
        """
        answer = await self.get(path)
        seen = [answer.url]
        while 300 <= answer.status < 400 and answer.location and self._may_follow(answer.location):
            if answer.location in seen or len(seen) > MAX_REDIRECTS:
                raise NotObserved(
                    f"redirects do not end: {' -> '.join([*seen, answer.location][-4:])}",
                    fix=f"let {path} lead to a page, or list another path",
                )
            seen.append(answer.location)
            answer = await self.get(answer.location)
        return answer

    def _may_follow(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme == "https" and self.egress.names(str(parts.hostname), port_of(parts))

    async def _get(self, url: str, headers: dict[str, str]) -> Response:
        parts = urlsplit(url)
        self.egress.require(str(parts.hostname), port_of(parts))
        import httpx

        target, extensions = self._route(parts)
        own = {"Host": parts.netloc, **(headers if self._is_own(parts) else {})}
        try:
            async with self._client.stream("GET", target, headers=own, extensions=extensions) as answer:
                size = 0
                async for chunk in answer.aiter_raw(8192):
                    size += len(chunk)
                    if size >= MAX_BODY:
                        break
                return _response(parts, answer, min(size, MAX_BODY), self.sketch)
        except httpx.TimeoutException:
            raise TimeoutError from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as fault:
            raise _not_observed(parts, fault, self.settings) from None

    def _is_own(self, parts: SplitResult) -> bool:
        return (parts.scheme, parts.netloc) == (self.settings.parts.scheme, self.settings.parts.netloc)

    def _route(self, parts: SplitResult) -> tuple[str, dict[str, str]]:
        """The URL to connect to, with the name to ask for in TLS where that is another."""
        if not self.settings.connect_to or not self._is_own(parts):
            return parts.geturl(), {}
        return parts._replace(netloc=self.settings.connect_to).geturl(), {"sni_hostname": str(parts.hostname)}

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(verify=trust(self.settings.ca), trust_env=False),
            timeout=self.limits.deadline_s,
            headers={
                "User-Agent": f"meshguard/{__version__}",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
            },
            trust_env=False,
            follow_redirects=False,
        )

    async def close(self) -> None:
        """End the connections."""
        if "_client" in vars(self):
            await self._client.aclose()


def _response(parts: SplitResult, answer: httpx.Response, size: int, sketch: Sketcher) -> Response:
    lines = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers.raw]
    dates = [value for name, value in lines if name == "date"]
    places = [value for name, value in lines if name == "location"]
    return Response(
        url=_shown(parts),
        status=answer.status_code,
        headers=tuple(HeaderLine(name=name, value=value if name in RECORDED else None) for name, value in lines),
        cookies=tuple(_cookie(value, sketch) for name, value in lines if name == "set-cookie"),
        location=_shown(urlsplit(urljoin(parts.geturl(), places[0]))) if places else None,
        body_bytes=size,
        clock_offset_s=_offset(dates[0]) if dates else None,
    )


def _shown(parts: SplitResult) -> str:
    """An URL without query, fragment and credentials: they may hold a token."""
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()


def _cookie(line: str, sketch: Sketcher) -> Cookie:
    """A Set-Cookie line as a browser reads it (RFC 6265bis, 5.6)."""
    pair, *rest = line.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    attributes = {}
    for part in rest:
        key, _, argument = part.partition("=")
        attributes[key.strip().lower()] = argument.strip()
    return Cookie(name=name.strip(), value=sketch(value.strip()), attributes=attributes)


def _offset(text: str) -> float | None:
    try:
        there = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if there.tzinfo is None:
        return None
    return round((there - datetime.now(UTC)).total_seconds(), 1)


def _not_observed(parts: SplitResult, fault: Exception, settings: WebSettings) -> NotObserved:
    """Why there is no answer, from the fault and what caused it."""
    where = f"{parts.scheme}://{parts.netloc}"
    causes: list[BaseException] = [fault]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = (
                "give the CA of the site with `ca:`"
                if settings.ca is None
                else f"{settings.ca} is not the site's CA, or its certificate is wrong"
            )
            return NotObserved(f"{where} has no certificate that is trusted: {cause.verify_message}", fix=hint)
        if isinstance(cause, ssl.SSLError):
            return NotObserved(
                f"no TLS connection with {where}: {cause.reason or 'handshake failed'}",
                fix="see the tls checks",
            )
        if isinstance(cause, ConnectionRefusedError) or "refused" in str(cause).lower():
            return NotObserved(f"{where} refused the connection", fix="see that the server runs and listens there")
        if isinstance(cause, OSError) and cause.strerror:
            return NotObserved(
                f"{where} was not reached: {cause.strerror}", fix="see the name, the route and the firewall"
            )
    kind = type(fault).__name__
    if kind == "RemoteProtocolError":
        return NotObserved(
            f"the answer of {where}{parts.path} is no valid HTTP, or its headers are too large",
            fix="see the server's answer with curl -v",
        )
    return NotObserved(f"{where} was not reached ({kind})", fix="see the name, the route and the firewall")
