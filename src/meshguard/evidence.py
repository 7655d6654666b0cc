"""Evidence: every fact once, its failure kept, what rests on what, and nothing a reader sees that is not recorded.

A fact is collected in a task of its own that no reader can cancel (single flight). Its value is turned into JSON,
recorded, and read back from that JSON by every reader, live as in replay, so a replayed audit sees the same. A fact
that fails is an observation too, and every reader gets the same failure.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from meshguard.errors import ESCAPES, FAILURES, Interrupted, NotAllowed, NotObserved, NotRecorded, Throttled
from meshguard.masks import Masks
from meshguard.reader import Reader, current_reader, reading
from meshguard.values import canonical_json, encodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meshguard.fact import Call

__all__ = ["Allowed", "Evidence", "Failure", "Observation", "Recorder", "place_of", "reading"]

T = TypeVar("T")

RETRIES = 3
MAX_SENTENCE = 4_000
"""Characters of a reason or remedy."""


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

    effects: frozenset[str] = frozenset({"computed", "local", "read"})
    why_not: str = "it changes state, and this audit may only read"
    fix: str = "set `active: true` in the deployment file and give --active=NAME-OF-THE-DEPLOYMENT"


class Evidence:
    """All observations of one audit. Live it collects and records; with `recorded` it only reads a recording."""

    def __init__(
        self,
        *,
        allowed: Allowed | None = None,
        recorder: Recorder | None = None,
        recorded: Mapping[str, Observation] | None = None,
        masks: Iterable[tuple[str, str]] = (),
        max_calls: int | None = None,
    ) -> None:
        self.calls = 0
        """Calls of services that count them (`spend`)."""
        self.bound_reached = False
        """Whether a call was refused because all that may be made were made."""
        self._max_calls = max_calls
        self._counting = threading.Lock()
        self.observations: dict[str, Observation] = {}
        self.stopped = ""
        """Why nothing more is collected; empty while the audit runs."""
        self._allowed = allowed or Allowed()
        self._recorder = recorder
        self._recorded = recorded
        self._masked = Masks(masks)
        self._tasks: dict[str, asyncio.Task[Observation]] = {}
        self._values: dict[str, Any] = {}
        self._waits: dict[str, list[str]] = {}

    @property
    def replaying(self) -> bool:
        """Whether answers come from a recording alone."""
        return self._recorded is not None

    async def read(self, call: Call[T]) -> T:
        """The value of a fact, collected at the first reading.

        Raises:
            NotObserved: the fact has no value; the same failure for each reader.
        """
        reader = current_reader.get()
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
        if reader is None or reader.clock is None:
            return await asyncio.shield(task)
        self._refuse_circle(reader.key, call.key)
        waits = self._waits.setdefault(reader.key, [])
        waits.append(call.key)
        try:
            async with reader.paused(reader.clock):
                return await asyncio.shield(task)
        finally:
            waits.remove(call.key)

    def _refuse_circle(self, reader: str, key: str) -> None:
        seen: set[str] = set()
        todo = [key]
        while todo:
            key = todo.pop()
            if key == reader:
                raise NotObserved(f"the fact {key} waits for itself", fix="report this to the author of the target")
            if key not in seen:
                seen.add(key)
                todo += self._waits.get(key, ())

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
        if self._recorded is not None and call.effect != "computed":
            observation = self._recorded.get(call.key) or _unrecorded(call.key)
            self._bring(observation.reads)
        else:
            observation = await self._collect(call)
            if self._recorder is not None and call.effect != "computed":
                self._recorder.write(observation)
        self.observations[call.key] = observation
        return observation

    def _bring(self, keys: tuple[str, ...]) -> None:
        """In a replay, the recorded observations that one was made from are evidence too, though nobody asks them."""
        for key in keys:
            found = (self._recorded or {}).get(key)
            if found is not None and key not in self.observations:
                self.observations[key] = found
                self._bring(found.reads)

    async def _collect(self, call: Call[Any]) -> Observation:
        reader = Reader(key=call.key, limits=call.limits if call.effect not in ("computed", "local") else None)
        current_reader.set(reader)
        value, failure = None, None
        try:
            self._permit(call)
            text = call.encode(await self._attempts(call, reader))
            if (size := len(text.encode())) > call.max_bytes:
                raise NotObserved(f"the answer of {call.key} is {size} bytes, more than the {call.max_bytes} allowed")
            value = self._masked(json.loads(text))
        except NotObserved as fault:
            failure = Failure(fault.kind, self._sentence(fault.reason), self._sentence(fault.fix))
        except asyncio.CancelledError:
            failure = Failure(Interrupted.kind, self.stopped or "the audit was stopped before it was answered")
        except ESCAPES as fault:
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
                            pause_s = max(fault.retry_after, 0.25 * 2**attempt)
                            if attempt == RETRIES - 1 or not fault.again or not _can_wait(call, reader, pause_s):
                                raise
                            await asyncio.sleep(pause_s)
            except TimeoutError:
                raise NotObserved(
                    f"{call.key} had no whole answer within {call.deadline_s:g} s",
                    fix="see that the target answers, or raise `fact_deadline` under its `limits`",
                ) from None
        raise AssertionError("unreachable")

    def _sentence(self, text: str) -> str:
        return str(self._masked(encodable(text)))[:MAX_SENTENCE]

    def spend(self, what: str) -> None:
        """Count one call of a service; refuse it where the calls that the audit may make are spent. From any thread.

        Raises:
            NotAllowed: with the number, and how to raise it.
        """
        with self._counting:
            self.calls += 1
            if self._max_calls is None or self.calls <= self._max_calls:
                return
            self.calls -= 1
            self.bound_reached = True
        many = f"{self._max_calls} call{'s' if self._max_calls > 1 else ''}"
        raise NotAllowed(
            f"{what} was not called: the bound of {many} is reached",
            fix="raise --max-calls, or narrow the audit with --only",
        )

    async def stop(self, why: str, *, grace_s: float = 2.0) -> None:
        """Collect nothing more: what is under way becomes an observation that says `why`."""
        self.stopped = why
        pending = [task for task in self._tasks.values() if not task.done()]
        await asyncio.sleep(0)  # a task that is cancelled before it has begun could not say why
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


def _can_wait(call: Call[Any], reader: Reader, pause_s: float) -> bool:
    """Whether asking twice does no harm, and the deadline leaves time for it."""
    ends = reader.clock.when() if reader.clock is not None else None
    in_time = ends is None or asyncio.get_running_loop().time() + pause_s < ends
    return in_time and call.effect in ("local", "read")


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
