"""Evidence: every fact once, its failure kept, what rests on what, and nothing a reader sees that is not recorded.

A fact is collected in a task of its own that no reader can cancel (single flight). Its value is turned into JSON,
recorded, and read back from that JSON by every reader, live as in replay, so a replayed audit sees the same. A fact
that fails is an observation too, and every reader gets the same failure.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from meshguard.errors import FAILURES, Interrupted, NotAllowed, NotObserved, NotRecorded, Throttled
from meshguard.values import canonical_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from meshguard.fact import Call
    from meshguard.limits import Limits


T = TypeVar("T")

MAX_VALUE_BYTES = 1_000_000
"""A fact's recorded answer is at most this long; what is larger is reduced inside the fact."""
RETRIES = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no value."""

    kind: str
    reason: str
    fix: str = ""

    def exception(self) -> NotObserved:
        """The failure as what a reader gets."""
        return FAILURES.get(self.kind, NotObserved)(self.reason, fix=self.fix)


@dataclass(frozen=True)
class Observation:
    """A fact's recorded answer: its value as JSON, or why there is none; when; and the facts it was made from."""

    key: str
    collected: str
    value: Any = None
    failure: Failure | None = None
    reads: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 over key and answer, without the time: equal answers have equal digests."""
        answer = [self.key, self.value, self.failure and [self.failure.kind, self.failure.reason]]
        return "sha256:" + hashlib.sha256(canonical_json(answer).encode()).hexdigest()


class Recorder(Protocol):
    """Where observations go as they are made."""

    def write(self, observation: Observation) -> None:
        """Append one observation; called once for each key."""


@dataclass(frozen=True)
class Allowed:
    """Which effects an audit may have on its targets, and why the others are not allowed."""

    effects: frozenset[str] = frozenset({"local", "read"})
    why_not: str = "it changes state, and this audit may only read"
    fix: str = "set `active: true` in the deployment file and give --active=NAME-OF-THE-DEPLOYMENT"


@dataclass
class Reader:
    """Who reads: a check, or a fact that reads other facts. While it waits it holds no slot and its clock stands."""

    key: str = ""
    reads: dict[str, None] = field(default_factory=dict)
    limits: Limits | None = None
    clock: asyncio.Timeout | None = None
    holds_slot: bool = False

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the target's slots; waiting for it does not count against the fact's deadline."""
        if self.limits is None:
            yield
            return
        await self.limits.acquire()
        self.holds_slot = True
        try:
            yield
        finally:
            if self.holds_slot:
                self.limits.release()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Give the slot back and stop the clock while another fact is awaited."""
        if self.limits is None or self.clock is None:
            yield
            return
        loop = asyncio.get_running_loop()
        left = (self.clock.when() or loop.time()) - loop.time()
        self.clock.reschedule(None)
        self.holds_slot = False
        self.limits.release()
        try:
            yield
        finally:
            await self.limits.acquire()
            self.holds_slot = True
            self.clock.reschedule(loop.time() + left)


_reader: ContextVar[Reader | None] = ContextVar("meshguard_reader", default=None)


@asynccontextmanager
async def reading() -> AsyncIterator[Reader]:
    """Everything read inside is noted in the reader that is given."""
    reader = Reader()
    token = _reader.set(reader)
    try:
        yield reader
    finally:
        _reader.reset(token)


class Evidence:
    """All observations of one audit. Live it collects and records; with `recorded` it only reads a recording."""

    def __init__(
        self,
        *,
        allowed: Allowed | None = None,
        recorder: Recorder | None = None,
        recorded: Mapping[str, Observation] | None = None,
        masks: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.observations: dict[str, Observation] = {}
        self.stopped = ""
        """Why nothing more is collected; empty while the audit runs."""
        self._allowed = allowed or Allowed()
        self._recorder = recorder
        self._recorded = recorded
        self._masks = [(json.dumps(secret)[1:-1], name) for secret, name in masks if len(secret) >= 4]
        self._tasks: dict[str, asyncio.Task[Observation]] = {}
        self._values: dict[str, Any] = {}
        self._waits: dict[str, str] = {}

    @property
    def replaying(self) -> bool:
        """Whether answers come from a recording alone."""
        return self._recorded is not None

    async def read(self, call: Call[T]) -> T:
        """The value of a fact, collected at the first reading.

        Raises:
            NotObserved: the fact has no value; the same failure for each reader.
        """
        reader = _reader.get()
        if reader is not None:
            reader.reads[call.key] = None
        observation = self.observations.get(call.key) or await self._await(call, reader)
        if observation.failure is not None:
            raise observation.failure.exception()
        if call.key not in self._values:
            self._values[call.key] = self._decode(call, observation)
        value: T = self._values[call.key]
        return value

    async def _await(self, call: Call[Any], reader: Reader | None) -> Observation:
        task = self._tasks.get(call.key)
        if task is None:
            task = self._tasks[call.key] = asyncio.create_task(self._observe(call), name=call.key)
        if reader is None or not reader.key:
            return await asyncio.shield(task)
        self._refuse_circle(reader.key, call.key)
        self._waits[reader.key] = call.key
        try:
            async with reader.paused():
                return await asyncio.shield(task)
        finally:
            self._waits.pop(reader.key, None)

    def _refuse_circle(self, reader: str, key: str | None) -> None:
        while key is not None:
            if key == reader:
                raise NotObserved(f"the fact {key} waits for itself", fix="report this to the author of the target")
            key = self._waits.get(key)

    @staticmethod
    def _decode(call: Call[T], observation: Observation) -> T:
        try:
            return call.decode(observation.value)
        except ValueError:
            raise NotRecorded(
                f"the recorded answer of {call.key} has another form than this version reads",
                fix="replay with the version of MeshGuard and its plugins that recorded it, or record anew",
            ) from None

    async def _observe(self, call: Call[Any]) -> Observation:
        if self._recorded is not None:
            observation = self._recorded.get(call.key) or _unrecorded(call.key)
        else:
            observation = await self._collect(call)
            if self._recorder is not None:
                self._recorder.write(observation)
        self.observations[call.key] = observation
        return observation

    async def _collect(self, call: Call[Any]) -> Observation:
        reader = Reader(key=call.key, limits=call.limits if call.effect != "local" else None)
        _reader.set(reader)
        value, failure = None, None
        try:
            self._permit(call)
            text = self._mask(call.encode(await self._attempts(call, reader)))
            if len(text) > MAX_VALUE_BYTES:
                raise NotObserved(
                    f"the answer of {call.key} is {len(text)} bytes, more than the {MAX_VALUE_BYTES} allowed"
                )
            value = json.loads(text)
        except NotObserved as fault:
            failure = Failure(fault.kind, self._mask(fault.reason), self._mask(fault.fix))
        except asyncio.CancelledError:
            failure = Failure(Interrupted.kind, self.stopped or "the audit was stopped before it was answered")
        except Exception as fault:  # noqa: BLE001 - a fault of a fact is an observation; its text may hold a secret
            failure = Failure(
                NotObserved.kind,
                f"{call.key} broke: {place_of(fault)}",
                "report this to the author of the target",
            )
        when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return Observation(call.key, when, value, failure, tuple(reader.reads))

    def _permit(self, call: Call[Any]) -> None:
        if self.stopped:
            raise Interrupted(self.stopped)
        if call.effect not in self._allowed.effects:
            raise NotAllowed(f"{call.key} was not asked: {self._allowed.why_not}", fix=self._allowed.fix)

    async def _attempts(self, call: Call[Any], reader: Reader) -> Any:
        """Ask, and ask again where the service throttles and asking twice does no harm."""
        async with reader.slot():
            try:
                async with asyncio.timeout(call.deadline_s) as reader.clock:
                    for attempt in range(RETRIES):
                        try:
                            return await call.collect()
                        except Throttled as fault:
                            if attempt == RETRIES - 1 or call.effect not in ("local", "read"):
                                raise
                            await asyncio.sleep(max(fault.retry_after, 0.25 * 2**attempt))
            except TimeoutError:
                raise NotObserved(
                    f"{call.key} had no whole answer within {call.deadline_s:g} s",
                    fix="see that the target answers, or raise `fact_deadline` under its `limits`",
                ) from None
        raise AssertionError("unreachable")

    def _mask(self, text: str) -> str:
        for literal, name in self._masks:
            text = text.replace(literal, f"[{name}]")
        return text

    async def stop(self, why: str, *, grace_s: float = 2.0) -> None:
        """Collect nothing more: what is under way becomes an observation that says `why`."""
        self.stopped = why
        pending = [task for task in self._tasks.values() if not task.done()]
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=grace_s)

    def closure(self, keys: Iterable[str]) -> tuple[str, ...]:
        """`keys` and all that their facts were made from, sorted."""
        found: set[str] = set()
        todo = list(keys)
        while todo:
            key = todo.pop()
            if key not in found:
                found.add(key)
                observation = self.observations.get(key)
                todo.extend(observation.reads if observation else ())
        return tuple(sorted(found))


def _unrecorded(key: str) -> Observation:
    failure = Failure(
        NotRecorded.kind,
        f"the recording does not hold {key}",
        "record the evidence anew with `meshguard audit --evidence`",
    )
    return Observation(key, "", None, failure)


def place_of(fault: BaseException) -> str:
    """Type and line of a fault, without its text."""
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(fault).__name__
    name = trace.tb_frame.f_code.co_filename.rsplit("/", 1)[-1]
    return f"{type(fault).__name__} at {name}:{trace.tb_lineno}"
