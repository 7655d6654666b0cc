"""What a web site answers, as it is recorded: status, header lines, cookies as sketches, and where a redirect leads.

Of each header line the name is recorded; the value only of the lines in `RECORDED`. Bodies and queries are dropped.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from pydantic import BaseModel, ConfigDict

from meshguard.sketch import Sketch

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
REDIRECTS = (301, 302, 303, 307, 308)
"""The statuses on which a browser follows Location (Fetch Standard, 2.2.3)."""


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
    """Where a redirect leads, as a whole URL without its query; empty where Location is no URL, None without one."""
    body_bytes: int = 0
    """Bytes of the body that were read; at most `MAX_BODY`."""
    clock_offset_s: float | None = None
    """Seconds that the server's Date was ahead of this machine."""

    def values(self, name: str) -> list[str]:
        """The values of all lines of this name, in order."""
        return [line.value or "" for line in self.headers if line.name == name]

    @property
    def redirects(self) -> bool:
        """Whether a browser would go on to `location`."""
        return self.status in REDIRECTS and self.location is not None

    @property
    def is_html(self) -> bool:
        """Whether a browser would render it as a page."""
        kinds = self.values("content-type")
        return bool(kinds) and kinds[0].split(";")[0].strip().lower() in (
            "text/html",
            "application/xhtml+xml",
        )


class Refused(BaseModel):
    """No answer, since every address of the host refused the TCP connection: nothing listens on this port.

    An answer of the network too, and so a value: a deadline, an unreachable network or an unknown name say nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    refused: str
    """Host and port."""


def port_of(parts: SplitResult) -> int:
    """The URL's port, or its scheme's; 0 where what stands there is none."""
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 0


def recorded_answer(parts: SplitResult, answer: httpx.Response, size: int, sketch: Sketcher) -> Response:
    """What is kept of an answer to a GET of the URL `parts`, of whose body `size` bytes were read."""
    lines = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers.raw]
    dates = [value for name, value in lines if name == "date"]
    places = [value for name, value in lines if name == "location"]
    return Response(
        url=without_query(parts),
        status=answer.status_code,
        headers=tuple(HeaderLine(name=name, value=value if name in RECORDED else None) for name, value in lines),
        cookies=tuple(_cookie(value, sketch) for name, value in lines if name == "set-cookie"),
        location=_location(parts, places[0]) if places else None,
        body_bytes=size,
        clock_offset_s=_offset(dates[0]) if dates else None,
    )


def without_query(parts: SplitResult) -> str:
    """An URL without query, fragment and credentials: they may hold a token."""
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()


def _location(base: SplitResult, value: str) -> str:
    """The whole URL that a Location names; empty where it is none, since it comes from a server that may be hostile."""
    try:
        if value.startswith("//") and not urlsplit(value).netloc:
            return ""  # no host; Python would read it as the base itself
        parts = urlsplit(urljoin(base.geturl(), value))
    except ValueError:
        return ""
    return without_query(parts) if port_of(parts) else ""


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
