"""Target `web`: one site over HTTPS, asked with one GET for each listed path.

Recorded are the status, the names of all header lines in their order, the values of the lines in `RECORDED`, and
cookies with their attributes and a sketch of their value. Bodies, queries and every other header value are dropped.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, urljoin, urlsplit

from meshguard import __version__
from meshguard.errors import NotObserved
from meshguard.fact import Fact, Listing, fact
from meshguard.limits import LimitSettings
from meshguard.target import Target
from meshguard.targets.web_answer import (
    MAX_BODY,
    RECORDED,
    Cookie,
    HeaderLine,
    Page,
    Refused,
    Response,
    port_of,
    recorded_answer,
)
from meshguard.targets.web_settings import WebSettings

if TYPE_CHECKING:
    import httpx

__all__ = ["RECORDED", "Cookie", "HeaderLine", "Page", "Refused", "Response", "Web", "WebSettings", "port_of", "trust"]

MAX_REDIRECTS = 10
_HEADERS = {"User-Agent": f"meshguard/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
_ROUTE = "see the name, the route and the firewall"
_CA = "give the CA of the site with `ca:`, or let it send a certificate that is trusted, for this name, with its chain"


class _ConnectionRefused(NotObserved):
    """Every address refused the TCP connection."""


@lru_cache
def trust(ca: Path | None) -> ssl.SSLContext:
    """One TLS context for each CA file in a process; making one costs 20 ms."""
    if ca is not None:
        try:
            return ssl.create_default_context(cafile=str(ca))
        except (ssl.SSLError, OSError):
            raise NotObserved(
                f"{ca} holds no CA certificate", fix="give a file of PEM certificates with `ca:`"
            ) from None
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


SERVER_ERROR = 500


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
        paths = dict.fromkeys((*self.settings.paths, *self.settings.error_paths))
        return Listing(items=tuple(Page(path=path) for path in paths))

    @fact
    async def get(self, url: str) -> Response:
        """What one GET of an URL (or of a path of the site) answers; redirects are not followed."""
        return await self._get(urljoin(self.settings.url + "/", url), self.settings.headers)

    @fact
    async def plain(self, path: str) -> Response | Refused:
        """What one GET over plain http answers, or that the port is closed; secret headers are not sent."""
        if not self.settings.plain_url:
            raise NotObserved(
                f"the deployment does not say where {self.settings.url} answers plain http",
                fix=f"add `http_url:` to the web target {self.name}",
            )
        try:
            return await self._get(self.settings.plain_url + path, {})
        except _ConnectionRefused:
            parts = urlsplit(self.settings.plain_url)
            return Refused(refused=f"{parts.hostname}:{port_of(parts)}")

    async def page(self, path: str) -> Response:
        """The last of the answers for a path: what a browser shows."""
        return (await self.answers(path))[-1]

    async def answers(self, path: str) -> tuple[Response, ...]:
        """The answer for a path and those of its redirects, each one a GET of its own, as far as the named hosts reach.

        Where a redirect leads to a host that the deployment does not name, or to no https address, the redirect
        itself is the site's last answer.

        Raises:
            NotObserved: the redirects go round, or are more than `MAX_REDIRECTS`; or the server failed (5xx), so that
                a proxy's error page was seen and not the application.
        """
        found = [await self.get(path)]
        seen = [found[0].url]
        while found[-1].redirects and self._may_follow(place := found[-1].location or ""):
            if place in seen or len(seen) > MAX_REDIRECTS:
                raise NotObserved(
                    f"redirects do not end: {' -> '.join([*seen, place][-4:])} (queries are not followed)",
                    fix=f"let {path} lead to a page, or list another path",
                )
            seen.append(place)
            found.append(await self.get(self._key(place)))
        if found[-1].status >= SERVER_ERROR and path not in self.settings.error_paths:
            raise NotObserved(
                f"{path} answered {found[-1].status}: a server error was seen, and not the page",
                fix="see why it fails; a path that fails on purpose goes under `error_paths` of the target",
            )
        return tuple(found)

    def _key(self, url: str) -> str:
        """The path of an URL of this site, so that a listed path to which redirects lead is asked once."""
        parts = urlsplit(url)
        return parts.path or "/" if self._is_own(parts) and not parts.path.startswith("//") else url

    def _may_follow(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme == "https" and self.egress.names(str(parts.hostname), port_of(parts))

    async def _get(self, url: str, headers: dict[str, str]) -> Response:
        parts = urlsplit(url)
        self.egress.require(str(parts.hostname), port_of(parts))
        import httpx

        target, extensions = self._route(parts)
        own = {**_HEADERS, "Host": parts.netloc, **(headers if self._is_own(parts) else {})}
        timeout = httpx.Timeout(self.limits.deadline_s, connect=self._connect_s).as_dict()
        try:
            request = httpx.Request("GET", target, headers=own, extensions={"timeout": timeout, **extensions})
            # The transport and no client: a client would send the cookies of one answer with the next request.
            answer = await self._transport.handle_async_request(request)
            try:
                return recorded_answer(parts, answer, await _body_bytes(answer), self.sketch)
            finally:
                await answer.aclose()
        except httpx.ConnectTimeout:
            where = f"{parts.scheme}://{parts.netloc}"
            raise NotObserved(f"no connection with {where} within {self._connect_s:g} s", fix=_ROUTE) from None
        except httpx.TimeoutException:
            raise TimeoutError from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as fault:
            raise _not_observed(parts, fault, self.settings) from None

    @property
    def _connect_s(self) -> float:
        """Seconds for TCP, and again for TLS; both end before the deadline, at which httpcore would leak the socket."""
        return 0.45 * self.limits.deadline_s

    def _is_own(self, parts: SplitResult) -> bool:
        return (parts.scheme, parts.netloc) == (self.settings.parts.scheme, self.settings.parts.netloc)

    def _route(self, parts: SplitResult) -> tuple[str, dict[str, str]]:
        """The URL to connect to, with the name to ask for in TLS where that is another."""
        if not self.settings.connect_to or not self._is_own(parts):
            return parts.geturl(), {}
        return parts._replace(netloc=self.settings.connect_to).geturl(), {"sni_hostname": str(parts.hostname)}

    @cached_property
    def _transport(self) -> httpx.AsyncHTTPTransport:
        import httpx

        # A connection for each GET: one that the server closes after its answer may look open until it is used again.
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncHTTPTransport(verify=trust(self.settings.ca), limits=limits, trust_env=False)

    @classmethod
    def how_often(cls, fact: Fact[Any, Any, Any], over: str) -> str:
        """How often a fact is asked: what a page redirects to is asked too."""
        often = super().how_often(fact, over)
        return f"{often} and its redirects" if over and fact.parameters else often

    async def close(self) -> None:
        """End the connections."""
        if "_transport" in vars(self):
            await self._transport.aclose()


async def _body_bytes(answer: httpx.Response) -> int:
    """How long the body is, read up to `MAX_BODY`."""
    size = 0
    async with aclosing(cast(AsyncGenerator[bytes, None], answer.aiter_raw(8192))) as chunks:
        async for chunk in chunks:
            size += len(chunk)
            if size >= MAX_BODY:
                break
    return min(size, MAX_BODY)


def _not_observed(parts: SplitResult, fault: Exception, settings: WebSettings) -> NotObserved:
    """Why there is no answer, from the fault and what caused it."""
    where = f"{parts.scheme}://{parts.netloc}"
    causes = list(_causes(fault))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _distrusted(where, cause, settings)
        if isinstance(cause, ssl.SSLError):
            reason = (cause.reason or "handshake failed").lower().replace("_", " ")
            return NotObserved(f"no TLS connection with {where}: {reason}", fix="see the tls checks")
    if type(fault).__name__ in ("RemoteProtocolError", "LocalProtocolError"):
        return NotObserved(
            f"the answer of {where}{parts.path} is no whole valid HTTP answer, or its headers are too large",
            fix="see the server's answer with curl -v",
        )
    if type(fault).__name__ == "ReadError":
        return NotObserved(f"{where} closed the connection before its answer ended", fix="see the server's log")
    return _unreached(where, [cause for cause in causes if isinstance(cause, OSError) and cause.strerror])


def _unreached(where: str, faults: list[OSError]) -> NotObserved:
    """Refused only where each address that was tried refused: an unreachable one says nothing."""
    other = [fault for fault in faults if not isinstance(fault, ConnectionRefusedError)]
    if faults and not other:
        return _ConnectionRefused(f"{where} refused the connection", fix="see that the server runs and listens there")
    reason = other[0].strerror if other else "no connection"
    return NotObserved(f"{where} was not reached: {reason}", fix=_ROUTE)


def _distrusted(where: str, fault: ssl.SSLCertVerificationError, settings: WebSettings) -> NotObserved:
    hint = f"{settings.ca} is not the site's CA, or its certificate is wrong" if settings.ca else _CA
    return NotObserved(f"{where} has no certificate that is trusted: {fault.verify_message}", fix=hint)


def _causes(fault: BaseException) -> Iterator[BaseException]:
    """A fault and all that led to it, those of a group too: one for each address that was tried."""
    seen: list[BaseException] = []
    todo: list[BaseException] = [fault]
    while todo:
        cause = todo.pop(0)
        if cause in seen:
            continue
        seen.append(cause)
        yield cause
        todo.extend(cause.exceptions if isinstance(cause, BaseExceptionGroup) else ())
        todo.extend(filter(None, (cause.__cause__, cause.__context__)))
