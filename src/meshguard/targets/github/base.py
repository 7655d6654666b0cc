"""What all facts of a repository on GitHub stand on: the repository, its branch, and how the API is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from meshguard.errors import NotObserved
from meshguard.fact import fact
from meshguard.limits import LimitSettings
from meshguard.target import Target
from meshguard.targets.github.answer import Answer, refused
from meshguard.targets.github.client import Client
from meshguard.targets.github.endpoints import BRANCH, REPOSITORY, Endpoint
from meshguard.targets.github.models import Branch, Repository
from meshguard.targets.github.settings import GithubSettings
from meshguard.values import parse_duration

T = TypeVar("T")
Query = dict[str, Any] | None

PAGE = 100
MAX_PAGES = 100
NARROW = "narrow what the check looks at, such as its time"


class TurnedOff(NotObserved):
    """GitHub says that a feature is off; facts for which that is an answer take it as one."""


class GithubBase(Target[GithubSettings]):
    """A repository on GitHub."""

    kind = "github"
    Settings = GithubSettings
    DEFAULT_LIMITS = LimitSettings(connections=4, fact_deadline=parse_duration("1m"))
    MAX_VALUE_BYTES = 16_000_000

    @property
    def subject(self) -> str:
        """The repository, and where."""
        return f"{self.settings.parts.netloc}/{self.settings.repo}"

    @cached_property
    def client(self) -> Client:
        """The way to the API."""
        return Client(self.settings, self.egress, self.limits.deadline_s)

    @fact
    async def repository(self) -> Repository:
        """The repository: its present name, its default branch, and what of its security settings is told."""
        body = await self.fetch(REPOSITORY, repo=self.settings.repo)
        return reading(REPOSITORY, repository_of, body)

    @fact
    async def branch(self) -> Branch:
        """The branch that is judged, and its newest commit."""
        found = await self.repository()
        body = await self.fetch(BRANCH, repo=found.full_name, branch=self.settings.branch or found.default_branch)
        return reading(BRANCH, lambda raw: Branch(name=raw["name"], sha=raw["commit"]["sha"]), body)

    async def answer_to(self, endpoint: Endpoint, query: Query = None, **names: object) -> Answer:
        """The answer to one call, whatever its status."""
        safe = {"repo": "/"}
        parts = {name: quote(str(value), safe=safe.get(name, "")) for name, value in names.items()}
        path = endpoint.path.format(**parts)
        return await self._call(path + (f"?{urlencode(query)}" if query else ""), endpoint)

    async def fetch(self, endpoint: Endpoint, query: Query = None, **names: object) -> Any:
        """The JSON of a successful answer.

        Raises:
            TurnedOff: GitHub says that the feature is off.
            NotObserved: any other answer.
        """
        return self._success(await self.answer_to(endpoint, query, **names), endpoint)

    async def fetch_list(
        self,
        endpoint: Endpoint,
        query: Query = None,
        *,
        key: str = "",
        enough: Callable[[Any], bool] | None = None,
        **names: object,
    ) -> list[Any]:
        """All items of a list, page by page; up to and with the first that is `enough`.

        Raises:
            TurnedOff: GitHub says that the feature is off.
            NotObserved: a page could not be read, or there are more than `MAX_PAGES`: never a part of the list.
        """
        found: list[Any] = []
        page: Any = None
        async for page in self._pages(endpoint, {"per_page": PAGE, **(query or {})}, names):
            for item in reading(endpoint, list_at(key), page):
                found.append(item)
                if enough is not None and reading(endpoint, enough, item):
                    return found
        if key and len(found) < reading(endpoint, lambda last: int(last["total_count"]), page):
            # Of some lists GitHub gives a thousand entries and no more, and says so nowhere but here.
            raise NotObserved(f"{what_of(endpoint)}: the list is cut off after {len(found)} entries", fix=NARROW)
        return found

    def refusal(self, answer: Answer, endpoint: Endpoint) -> NotObserved:
        """Why an answer is no success."""
        return refused(answer, endpoint, what_of(endpoint), token=bool(self.settings.token.get_secret_value()))

    def _success(self, answer: Answer, endpoint: Endpoint) -> Any:
        if answer.status == 200:
            return answer.body
        if answer.status in (403, 404, 410) and (off := endpoint.off_by(answer.message)):
            raise TurnedOff(off)
        raise self.refusal(answer, endpoint)

    async def _pages(self, endpoint: Endpoint, query: dict[str, Any], names: dict[str, object]) -> AsyncIterator[Any]:
        answer = await self.answer_to(endpoint, query, **names)
        for _ in range(MAX_PAGES):
            yield self._success(answer, endpoint)
            place = self.client.next_page(answer)
            if not place:
                return
            answer = await self._call(place, endpoint)
        raise NotObserved(
            f"{what_of(endpoint)}: the list has more than {MAX_PAGES * PAGE} entries",
            fix=NARROW,
        )

    async def _call(self, url: str, endpoint: Endpoint) -> Answer:
        self.evidence.spend(what_of(endpoint))
        answer = await self.client.get(url)
        if "partial-results" in answer.headers.get("x-github-sso", ""):
            raise NotObserved(
                f"{what_of(endpoint)}: the answer lacks what the token is not authorised for",
                fix="authorise the token for the organisation's SSO",
            )
        return answer

    async def close(self) -> None:
        """End the connections."""
        if "client" in vars(self):
            await self.client.close()


def what_of(endpoint: Endpoint) -> str:
    """The call, in a sentence."""
    return f"GET {endpoint.path}"


def list_at(key: str) -> Callable[[Any], list[Any]]:
    """Takes the list out of a page: the page itself, or what stands under a key."""

    def take(page: Any) -> list[Any]:
        found = page[key] if key else page
        if not isinstance(found, list):
            raise TypeError
        return found

    return take


def reading(endpoint: Endpoint, read: Callable[[Any], T], body: Any) -> T:
    """What `read` makes of an answer.

    Raises:
        NotObserved: the answer has another form than the API's documentation says.
    """
    try:
        return read(body)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise NotObserved(
            f"{what_of(endpoint)}: the answer has another form than the API documents",
            fix="see that `api` is GitHub's REST API, and the version of the Enterprise Server",
        ) from None


def repository_of(raw: dict[str, Any]) -> Repository:
    """The repository, from its JSON."""
    told = raw.get("security_and_analysis") or {}
    return Repository(
        full_name=GithubSettings.model_validate({"name": "n", "repo": raw["full_name"]}).repo,
        default_branch=raw["default_branch"],
        archived=raw["archived"],
        disabled=raw["disabled"],
        fork=raw["fork"],
        private=raw["private"],
        admin=(raw.get("permissions") or {}).get("admin"),
        secret_scanning=_switch(told, "secret_scanning"),
        push_protection=_switch(told, "secret_scanning_push_protection"),
    )


def _switch(told: dict[str, Any], name: str) -> bool | None:
    """Whether a setting is on; None where it is not told."""
    return told[name]["status"] == "enabled" if name in told else None
