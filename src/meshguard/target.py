"""A target: one thing under audit, its settings from the deployment file, and the facts it answers."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from meshguard.errors import NotAllowed
from meshguard.fact import Fact
from meshguard.limits import Limits, LimitSettings
from meshguard.sketch import Sketcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from meshguard.evidence import Evidence

P = ParamSpec("P")
T = TypeVar("T")


class TargetSettings(BaseModel):
    """What each entry under `targets` may say, whatever its kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Its name in reports.",
    )
    stage: str = Field("", description="Where it stands: staging, production, or what the deployment calls it.")
    limits: LimitSettings = Field(LimitSettings(), description="What the audit may ask of it.")

    def hosts(self) -> Iterator[tuple[str, int]]:
        """Hosts and ports that an audit of this target may contact, and no others."""
        yield from ()

    def derived(self) -> Iterator[tuple[str, TargetSettings]]:
        """Targets of other kinds that this one is too, with their settings (an https site is a tls target)."""
        yield from ()

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Secret values given to this target, each with the name to show instead."""
        yield from ()


class Egress:
    """The hosts and ports that the deployment names; nothing else is ever contacted."""

    def __init__(self, named: Iterable[tuple[str, int]]) -> None:
        self._named = {(host.lower().rstrip("."), port) for host, port in named}

    def names(self, host: str, port: int) -> bool:
        """Whether the deployment names this host and port."""
        return (host.lower().rstrip("."), port) in self._named

    def require(self, host: str, port: int) -> None:
        """Refuse what the deployment does not name.

        Raises:
            NotAllowed: with the host, and where it would be named.
        """
        if not self.names(host, port):
            raise NotAllowed(
                f"{host}:{port} was not contacted: the deployment does not name it",
                fix="if it belongs to the deployment, name it under the target's `hosts`",
            )


C = TypeVar("C", bound=TargetSettings)


class Target(Generic[C]):
    """Base of all targets. A subclass names its `kind`, its `Settings` and its facts; it is made for one audit."""

    kind: ClassVar[str]
    Settings: ClassVar[type[TargetSettings]] = TargetSettings
    DEFAULT_LIMITS: ClassVar[LimitSettings] = LimitSettings()
    DIGESTS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Facts and the field of their answer that is the digest of what runs there; results name them."""
    IMPORTS: ClassVar[tuple[str, ...]] = ()
    """Modules that its facts import in threads and that import each other in circles: an audit loads them first."""
    MAX_VALUE_BYTES: ClassVar[int] = 1_000_000
    """A fact's recorded answer is at most this long."""

    def __init__(
        self,
        settings: C,
        evidence: Evidence,
        *,
        sketch: Sketcher | None = None,
        egress: Egress | None = None,
        limits: LimitSettings | None = None,
    ) -> None:
        self.settings = settings
        self.evidence = evidence
        self.sketch = sketch or Sketcher()
        self.egress = egress or Egress(settings.hosts())
        self.limits = Limits(settings.limits.over(limits or LimitSettings()).over(self.DEFAULT_LIMITS))

    @property
    def name(self) -> str:
        """The target's name, as the deployment gives it."""
        return self.settings.name

    def __str__(self) -> str:
        """`kind:name`."""
        return f"{self.kind}:{self.name}"

    @property
    def subject(self) -> str:
        """What is audited in the words of the world: a URL, a host, an account."""
        return self.name

    @classmethod
    def permissions(cls, fact: Fact[Any, Any, Any], settings: C, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Permissions of the service that a fact itself takes (IAM actions), where the service has such.

        Args:
            fact: one of its facts.
            settings: the target's settings, which may make a call needless.
            parameters: those of the check that asks.
        """
        del fact, settings, parameters
        return ()

    @classmethod
    def operations(
        cls, fact: Fact[Any, Any, Any], settings: C, parameters: Mapping[str, Any]
    ) -> tuple[str, ...] | None:
        """The service's own names of the calls that a fact itself may make; None where the kind does not name them."""
        del fact, settings, parameters
        return None

    @classmethod
    def calls(cls, fact: Fact[Any, Any, Any]) -> tuple[str, ...]:
        """The service's own names of the calls of a fact, whatever the settings; for documents."""
        del fact
        return ()

    @classmethod
    def how_often(cls, fact: Fact[Any, Any, Any], over: str) -> str:
        """How often a fact is asked in an audit, where `over` names the list that a check is run over, or is empty."""
        if not fact.parameters:
            return "once"
        return f"at most once for each of {over}" if over else "once for each argument"

    async def preflight(self, asked: Sequence[tuple[Fact[Any, Any, Any], Mapping[str, Any]]]) -> dict[str, str]:
        """What is known beforehand of each permission that an audit takes.

        Args:
            asked: the facts of the audit, each with the parameters of the check that asks.

        Returns:
            Permission -> "" where it is there, else why not; it begins with "?" where that could not be settled.
        """
        del asked
        return {}

    async def close(self) -> None:
        """End connections; called once when the audit ends."""

    @classmethod
    def facts(cls) -> dict[str, Fact[Any, Any, Any]]:
        """All facts of this kind by name."""
        found = {}
        for base in reversed(cls.__mro__):
            found.update({name: value for name, value in vars(base).items() if isinstance(value, Fact)})
        return found


async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking client's call in a thread that does nothing else meanwhile.

    The thread is a daemon: one that hangs past the fact's deadline is left behind and does not keep the process.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, fault: BaseException | None) -> None:
        if done.done():
            return
        if fault is not None:
            done.set_exception(fault)
        else:
            done.set_result(value)  # type: ignore[arg-type]

    def work() -> None:
        value, fault = None, None
        try:
            value = function(*args, **kwargs)
        except BaseException as caught:  # noqa: BLE001 - handed to the awaiting fact whole
            fault = caught
        try:
            loop.call_soon_threadsafe(settle, value, fault)
        except RuntimeError:  # the audit has ended; nobody waits for the answer
            return

    _hand_over(work)
    return await done


_idle: list[queue.SimpleQueue[Callable[[], None]]] = []
"""Threads that wait for work; one that hangs in a call is not among them, and is left behind."""


def _hand_over(work: Callable[[], None]) -> None:
    """Give work to an idle daemon thread, or to a new one; making a thread costs more than most calls of a socket."""
    try:
        inbox = _idle.pop()
    except IndexError:
        inbox = queue.SimpleQueue()
        threading.Thread(target=_work_on, args=(inbox,), daemon=True, name="meshguard-fact").start()
    inbox.put(work)


def _work_on(inbox: queue.SimpleQueue[Callable[[], None]]) -> None:
    while True:
        inbox.get()()
        _idle.append(inbox)
