"""What all facts of AWS stand on: who asks, which accounts and regions, and one way to call.

Facts of a service are a class of their own over this one, in a module of the service's name; `Aws` joins them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from meshguard.errors import NotObserved
from meshguard.fact import LeftOut, Listing, Unread, fact
from meshguard.limits import LimitSettings
from meshguard.reader import current_reader
from meshguard.target import Target, in_thread
from meshguard.targets.aws.client import Clients
from meshguard.targets.aws.faults import Asked, code_of, explained
from meshguard.targets.aws.models import Account, Identity, Place, account_of, region_of
from meshguard.targets.aws.operation import Operation, operations_of, wanted
from meshguard.targets.aws.rates import Rates
from meshguard.targets.aws.settings import AwsSettings
from meshguard.values import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshguard.fact import Fact
    from meshguard.reader import Reader

P = ParamSpec("P")
T = TypeVar("T")

GET_CALLER_IDENTITY = Operation("sts", "GetCallerIdentity", action="")  # AWS: "No permissions are required"
LIST_ACCOUNTS = Operation("organizations", "ListAccounts", items="Accounts", setting="accounts=organization")
DESCRIBE_REGIONS = Operation("ec2", "DescribeRegions", items="Regions", setting="regions=all")
GET_RESOURCES = Operation("resourcegroupstaggingapi", "GetResources", items="ResourceTagMappingList", setting="tags")
OWN = "-"


class AwsBase(Target[AwsSettings]):
    """An account of AWS, or several."""

    kind = "aws"
    Settings = AwsSettings
    DEFAULT_LIMITS = LimitSettings(connections=16, fact_deadline=parse_duration("60s"))
    MAX_VALUE_BYTES = 16_000_000

    _made: Clients | None = None
    _rates: Rates
    _caller: threading.local

    @property
    def subject(self) -> str:
        """What the deployment says of accounts and regions."""
        said = self.settings
        accounts = said.accounts if isinstance(said.accounts, str) else ", ".join(said.accounts)
        regions = said.regions if isinstance(said.regions, str) else ", ".join(said.named_regions)
        endpoint = f" at {said.endpoint}" if said.endpoint else ""
        return f"AWS {accounts or said.account or 'account'}, {regions or 'the configured region'}{endpoint}"

    @fact
    async def identity(self) -> Identity:
        """Whose credentials the audit has.

        Raises:
            NotObserved: there are none, they have expired, or they belong to another account than the named one.
        """
        region = await in_thread(self._clients.region)
        if not self.settings.endpoint:
            await in_thread(self._clients.known, region)
        answer = await self._one(OWN, region, GET_CALLER_IDENTITY, {}, ())
        with documented(GET_CALLER_IDENTITY):
            arn = str(answer["Arn"])
            found = Identity(account=answer["Account"], arn=arn, partition=arn.split(":")[1])
        if self.settings.account and found.account != self.settings.account:
            raise NotObserved(
                f"the credentials belong to account {found.account}, and {self} names {self.settings.account}",
                fix="set `profile` or `role` to those of the account, or correct `account`",
            )
        self._clients.own(found.account, found.partition)
        return found

    @fact(effect="local")
    async def allowed_regions(self) -> tuple[str, ...]:
        """The regions where data may be, as the deployment says."""
        return self.settings.allowed_regions

    @fact(effect="local")
    async def vpn_ranges(self) -> tuple[str, ...]:
        """The addresses of the VPN that administrators come through, as the deployment says."""
        return self.settings.vpn_ranges

    @fact
    async def accounts(self) -> Listing[Account]:
        """The accounts under audit: those named, all active ones of the organisation, or the credentials' own."""
        own = await self.identity()
        home = await in_thread(self._clients.region)
        if self.settings.accounts == "organization":
            return await self._organization(own, home)
        ids = self.settings.accounts or (own.account,)
        return Listing(items=tuple(Account(id=one, place=f"{one}/{home}") for one in ids))

    async def _organization(self, own: Identity, home: str) -> Listing[Account]:
        found = await self.pages(f"{own.account}/{home}", LIST_ACCOUNTS)
        with documented(LIST_ACCOUNTS):
            active = [one for one in found if (one.get("State") or one["Status"]) == "ACTIVE"]
            items = tuple(
                Account(
                    id=one["Id"],
                    place=f"{one['Id']}/{home}",
                    arn=one["Arn"],
                    management=one["Arn"].split(":")[4] == one["Id"],
                )
                for one in active
            )
        left_out = LeftOut(filter="accounts that are not active", count=len(found) - len(active))
        return Listing(items=items, left_out=(left_out,))

    @fact
    async def places(self) -> Listing[Place]:
        """Each account in each region under audit."""
        accounts = await self.accounts()
        if self.settings.regions != "all":
            regions = self.settings.named_regions or (await in_thread(self._clients.region),)
            if not self.settings.endpoint:
                for region in regions:
                    await in_thread(self._clients.known, region)
            found = [f"{account.id}/{region}" for account in accounts.items for region in regions]
            return Listing(items=tuple(found), unread=accounts.unread)
        return await self._gathered(accounts, self.enabled_regions, [one.place for one in accounts.items])

    @fact
    async def enabled_regions(self, place: Place) -> Listing[Place]:
        """The regions that are enabled in the account of `place`."""
        found = await self.pages(place, DESCRIBE_REGIONS)
        with documented(DESCRIBE_REGIONS):
            return Listing(items=tuple(f"{account_of(place)}/{one['RegionName']}" for one in found))

    @fact
    async def tagged(self, place: Place) -> tuple[str, ...]:
        """ARNs of the resources in a place that carry the deployment's tags (Resource Groups Tagging API)."""
        filters = [{"Key": key, "Values": [value] if value else []} for key, value in self.settings.tags.items()]
        found = await self.pages(place, GET_RESOURCES, TagFilters=filters)
        with documented(GET_RESOURCES):
            return tuple(sorted(one["ResourceARN"] for one in found))

    async def across(
        self, ask: Callable[[Place], Awaitable[Listing[T]]], *, taggable: bool = True, once_an_account: bool = False
    ) -> Listing[T]:
        """The lists of all places joined; a place whose list could not be read is named in `unread`.

        Args:
            ask: the fact that lists what one place has.
            taggable: whether the resources carry tags, so that the deployment's `tags` choose among them.
            once_an_account: whether they are the same in every region of an account.
        """
        if once_an_account:
            accounts = await self.accounts()
            listing = await self._gathered(accounts, ask, [one.place for one in accounts.items])
        else:
            places = await self.places()
            listing = await self._gathered(places, ask, list(places.items))
        return await self._with_tags(listing) if taggable and self.settings.tags else listing

    async def _gathered(
        self, asked: Listing[Any], ask: Callable[[Place], Awaitable[Listing[T]]], places: Sequence[Place]
    ) -> Listing[T]:
        answers = await asyncio.gather(*(settled(ask(place)) for place in places))
        unread = [*asked.unread]
        lists: list[Listing[T]] = []
        for place, answer in zip(places, answers, strict=True):
            if isinstance(answer, NotObserved):
                unread.append(Unread(resource=place, kind=answer.kind, reason=answer.reason, fix=answer.fix))
            else:
                lists.append(answer)
                unread += answer.unread
        empty = [
            place for place, one in zip(places, answers, strict=True) if isinstance(one, Listing) and not one.items
        ]
        left_out: dict[str, int] = {}
        for part in (part for one in lists for part in one.left_out):
            left_out[part.filter] = left_out.get(part.filter, 0) + part.count
        return Listing(
            items=tuple(item for one in lists for item in one.items),
            left_out=tuple(LeftOut(filter=name, count=count) for name, count in left_out.items()),
            complete=all(one.complete for one in lists),
            note=f"none in {', '.join(empty)}" if empty else "",
            fix=next((one.fix for one in lists if one.fix), ""),
            unread=tuple(unread),
        )

    async def _with_tags(self, listing: Listing[T]) -> Listing[T]:
        places = sorted({str(getattr(item, "place", "")) for item in listing.items})
        lists = await asyncio.gather(*(self.tagged(place) for place in places))
        chosen = {arn for arns in lists for arn in arns}
        kept = tuple(item for item in listing.items if str(item) in chosen)
        said = ", ".join(f"{key}={value}" if value else key for key, value in self.settings.tags.items())
        part = LeftOut(filter=f"tags {said}", count=len(listing.items) - len(kept))
        return listing.model_copy(update={"items": kept, "left_out": (*listing.left_out, part)})

    async def call(self, place: Place, operation: Operation, **params: Any) -> dict[str, Any]:
        """One call's answer; raises NotObserved with the reason and the remedy."""
        await self.identity()
        return await self._one(account_of(place), region_of(place), operation, params, ())

    async def call_or_none(
        self, place: Place, operation: Operation, absent: tuple[str, ...], **params: Any
    ) -> dict[str, Any] | None:
        """One call's answer, or None where the service answers with one of the error codes that say "there is none"."""
        await self.identity()
        try:
            return await self._one(account_of(place), region_of(place), operation, params, absent)
        except _Absent:
            return None

    async def pages(self, place: Place, operation: Operation, **params: Any) -> list[Any]:
        """All items of a list, page by page, each page a call."""
        await self.identity()
        account, region = account_of(place), region_of(place)
        with self._explained(account, region, operation, ()):
            pages = await self._in_thread(self._clients.pages, account, region, operation, params)
        if pages is None:
            answer = await self._one(account, region, operation, params, ())
            if any(answer.get(token) for token in ("NextToken", "nextToken", "Marker", "NextMarker")):
                raise NotObserved(f"{operation} in {place} answered a part of its list alone", fix="report this")
            return self._items(operation, answer)
        items: list[Any] = []
        while True:
            with self._explained(account, region, operation, ()):
                page = await self._in_thread(next, pages, None)
                if page is None:
                    return items
                items += self._items(operation, page)

    @staticmethod
    def _items(operation: Operation, answer: dict[str, Any]) -> list[Any]:
        """The list in an answer; some services leave out one that is empty."""
        return list(answer.get(operation.items) or ())

    async def _one(
        self, account: str, region: str, operation: Operation, params: dict[str, Any], absent: tuple[str, ...]
    ) -> dict[str, Any]:
        with self._explained(account, region, operation, absent):
            return await self._in_thread(self._clients.ask, account, region, operation, params)

    async def _in_thread(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a client's work in a thread that knows for which reader it calls."""
        loop, reader = asyncio.get_running_loop(), current_reader.get()

        def work() -> T:
            self._caller.loop, self._caller.reader = loop, reader
            return function(*args, **kwargs)

        return await in_thread(work)

    def _on_call(self, service: str, operation: str) -> None:
        """Count a call and wait for its turn, in the thread that makes it."""
        self.evidence.spend(f"{service}:{operation}")
        wait_s = self._rates.next_in_s(service)
        if wait_s > 0:
            asyncio.run_coroutine_threadsafe(_wait(self._caller.reader, wait_s), self._caller.loop).result()

    @contextmanager
    def _explained(self, account: str, region: str, operation: Operation, absent: tuple[str, ...]) -> Iterator[None]:
        try:
            yield
        except NotObserved:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever the library raises becomes a reason
            if code_of(fault) in absent:
                raise _Absent from None
            whose = "" if account == OWN else account
            raise explained(fault, Asked(str(operation), operation.permission, region, whose)) from None

    @property
    def _clients(self) -> Clients:
        if self._made is None:
            self._caller = threading.local()
            self._rates = Rates(self.settings.rates, limited=not self.settings.endpoint)
            self._made = Clients(self.settings, connections=2 * self.limits.connections, before_call=self._on_call)
        return self._made

    @classmethod
    def permissions(
        cls, fact: Fact[Any, Any, Any], settings: AwsSettings, parameters: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """IAM actions that a fact itself takes."""
        found = wanted(operations_of(fact, cls), settings, parameters)
        return tuple(sorted({one.permission for one in found} - {""}))

    @classmethod
    def operations(
        cls, fact: Fact[Any, Any, Any], settings: AwsSettings, parameters: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Operations that a fact itself may call."""
        return tuple(str(one) for one in wanted(operations_of(fact, cls), settings, parameters))

    @classmethod
    def calls(cls, fact: Fact[Any, Any, Any]) -> tuple[str, ...]:
        """Operations of a fact, but those that only a setting of the target asks for."""
        return tuple(str(one) for one in operations_of(fact, cls) if one.permission and not one.setting)

    @classmethod
    def how_often(cls, fact: Fact[Any, Any, Any], over: str) -> str:
        """How often a fact is asked."""
        names = list(fact.parameters)
        if names == ["place"]:
            return "once for each account and region"
        return super().how_often(fact, over)

    async def preflight(self, asked: Sequence[tuple[Fact[Any, Any, Any], Mapping[str, Any]]]) -> dict[str, str]:
        """What IAM's simulation says of each action in each account; where that is denied, what a call itself says."""
        from meshguard.targets.aws.preflight import preflight

        operations = {
            operation: None
            for fact, parameters in asked
            for operation in wanted(operations_of(fact, type(self)), self.settings, parameters)
            if operation.permission
        }
        return await preflight(self, list(operations))

    async def try_once(self, place: Place, operation: Operation) -> None:
        """One call without arguments, its first page alone; raises NotObserved as any call does."""
        await self.identity()
        await self._one(account_of(place), region_of(place), operation, {}, ())

    async def takes_arguments(self, place: Place, operation: Operation) -> bool:
        """Whether the operation cannot be called without naming a resource."""
        client = await in_thread(self._clients.client, account_of(place), operation.service, region_of(place))
        shape = client.meta.service_model.operation_model(operation.name).input_shape
        return bool(shape is not None and shape.required_members)

    async def close(self) -> None:
        """End the connections."""
        if self._made is not None:
            await in_thread(self._made.close)


async def _wait(reader: Reader | None, wait_s: float) -> None:
    """Wait for a turn, which counts neither as the reader's time nor as one of its slots."""
    if reader is None or reader.clock is None:
        await asyncio.sleep(wait_s)
        return
    async with reader.paused(reader.clock):
        await asyncio.sleep(wait_s)


class _Absent(Exception):
    """The service says that there is none."""


async def settled(answer: Awaitable[T]) -> T | NotObserved:
    """A fact's value, or why there is none, so that others can still be read."""
    try:
        return await answer
    except NotObserved as fault:
        return fault


@contextmanager
def documented(operation: Operation) -> Iterator[None]:
    """What is missing or of another form in an answer is why the fact failed."""
    fix = "see that the endpoint is AWS's, or update MeshGuard"
    try:
        yield
    except KeyError as fault:
        raise NotObserved(f"the answer to {operation} lacks {fault.args[0]}", fix=fix) from None
    except (TypeError, ValueError, AttributeError, IndexError):
        raise NotObserved(f"the answer to {operation} has another form than its API documents", fix=fix) from None


def found_in(items: Iterable[T]) -> Listing[T]:
    """A whole list of one place, in the order of its resources' names."""
    return Listing(items=tuple(sorted(items, key=str)))
