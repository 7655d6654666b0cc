"""The way to the API: one GET at a time, to the host that the deployment names and to no other."""

from __future__ import annotations

import json
import re
import ssl
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from meshguard import __version__
from meshguard.errors import NotObserved
from meshguard.targets.github.answer import Answer
from meshguard.targets.github.endpoints import API_VERSION
from meshguard.targets.web import trust

if TYPE_CHECKING:
    import httpx

    from meshguard.target import Egress
    from meshguard.targets.github.settings import GithubSettings

MAX_BODY = 32_000_000
"""Bytes of one page; a hundred alerts with their advisories are about one million."""
MAX_REDIRECTS = 3
_NEXT = re.compile(r'<([^<>]{1,4000})>\s*;\s*rel="next"')
_SEE = "see `api`, the route and the firewall"


class Client:
    """Asks the API of one target."""

    def __init__(self, settings: GithubSettings, egress: Egress, deadline_s: float) -> None:
        self._settings = settings
        self._egress = egress
        self._deadline_s = deadline_s

    async def get(self, url: str) -> Answer:
        """The answer to one GET of an URL of the API, or of a path below its base; redirects within it are followed.

        A repository that was renamed or transferred answers with a redirect to where it is now.
        """
        url = self._settings.api + url if url.startswith("/") else url
        for _ in range(MAX_REDIRECTS + 1):
            self._require(url)
            answer = await self._get(url)
            if answer.status not in (301, 302, 307, 308):
                return answer
            url = urljoin(url, answer.headers.get("location", ""))
        raise NotObserved(f"{self._where} redirects without end", fix="see that `api` is GitHub's REST API")

    def next_page(self, answer: Answer) -> str:
        """The URL of the list's next page; empty where this is the last one."""
        found = _NEXT.search(answer.headers.get("link", ""))
        return found[1] if found else ""

    @property
    def _where(self) -> str:
        return self._settings.parts.netloc

    def _require(self, url: str) -> None:
        """Refuse what does not lead to the API: the token must reach nobody else."""
        api, parts = self._settings.parts, urlsplit(url)
        within = parts.path.startswith(api.path + "/")
        if (parts.scheme, parts.netloc.lower()) != (api.scheme, api.netloc.lower()) or not within:
            raise NotObserved(
                f"{self._where} leads to another place than its API, which was not followed",
                fix="give under `api` the address that GitHub itself uses",
            )
        self._egress.require(*self._settings.address)

    async def _get(self, url: str) -> Answer:
        import httpx

        timeout = httpx.Timeout(self._deadline_s, connect=0.45 * self._deadline_s).as_dict()
        try:
            request = httpx.Request("GET", url, headers=self._headers(), extensions={"timeout": timeout})
            answer = await self._transport.handle_async_request(request)
            try:
                return Answer(answer.status_code, _headers_of(answer), await self._json(answer))
            finally:
                await answer.aclose()
        except httpx.ConnectTimeout:
            raise NotObserved(f"no connection with {self._where} in time", fix=_SEE) from None
        except httpx.TimeoutException:
            raise TimeoutError from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as fault:
            raise self._unreached(fault) from None

    def _headers(self) -> dict[str, str]:
        token = self._settings.token.get_secret_value()
        return {
            "Host": self._where,
            "User-Agent": f"meshguard/{__version__}",
            "Accept": "application/vnd.github+json",
            "Accept-Encoding": "identity",
            "X-GitHub-Api-Version": API_VERSION,
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }

    async def _json(self, answer: httpx.Response) -> Any:
        """The body, where it is JSON; a refusal of a proxy in between may be a page for people."""
        body = bytearray()
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > MAX_BODY:
                raise NotObserved(f"{self._where} answered more than {MAX_BODY} bytes", fix="see that `api` is right")
        try:
            return json.loads(body) if body else None
        except (ValueError, RecursionError):
            if answer.status_code >= 300:
                return None
            raise NotObserved(
                f"the answer of {self._where} is no JSON", fix="see that `api` is GitHub's REST API"
            ) from None

    def _unreached(self, fault: Exception) -> NotObserved:
        causes: list[BaseException] = []
        cause: BaseException | None = fault
        while cause is not None and cause not in causes:
            causes.append(cause)
            cause = cause.__cause__ or cause.__context__
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return NotObserved(
                    f"{self._where} has no certificate that is trusted: {cause.verify_message}",
                    fix="give the CA of the Enterprise Server with `ca:`",
                )
        return NotObserved(f"{self._where} was not reached ({type(fault).__name__})", fix=_SEE)

    @cached_property
    def _transport(self) -> httpx.AsyncHTTPTransport:
        import httpx

        # A connection for each GET: one that the server closes after its answer may look open until it is used again.
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncHTTPTransport(verify=trust(self._settings.ca), limits=limits, trust_env=False)

    async def close(self) -> None:
        """End the connections."""
        if "_transport" in vars(self):
            await self._transport.aclose()


def _headers_of(answer: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}
