from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from meshguard.api import (
    BaseModel,
    Clock,
    Evidence,
    LimitSettings,
    NotAllowed,
    NotObserved,
    Sketch,
    Target,
    TargetSettings,
    Throttled,
    fact,
    in_thread,
)
from meshguard.audit import verdict_of
from meshguard.errors import Interrupted, NotRecorded
from meshguard.evidence import Allowed, Failure, Observation, place_of, reading
from meshguard.values import parse_duration
from meshguard.verdict import Outcome


class Point(BaseModel):
    where: tuple[int, int]
    when: datetime


class Probe(Target[TargetSettings]):
    """Facts that count how often and how many at once they are asked."""

    kind = "probe"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.asked: list[str] = []
        self.now = self.most = 0
        self.begun: list[float] = []

    async def work(self, name: str, seconds: float = 0.01) -> None:
        self.asked.append(name)
        self.begun.append(asyncio.get_running_loop().time())
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.now -= 1

    @fact
    async def point(self) -> Point:
        await self.work("point")
        return Point(where=(1, 2), when=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    @fact
    async def pair(self) -> tuple[int, str]:
        return (1, "one")

    @fact
    async def number(self, n: int, *, scale: int = 1) -> int:
        await self.work(f"number {n}", 0.03)
        return n * scale

    @fact
    async def fails(self) -> str:
        await self.work("fails")
        raise NotObserved("the door is shut", fix="open it")

    @fact
    async def breaks(self) -> str:
        raise RuntimeError("password=hunter2")

    @fact
    async def leaves(self) -> str:
        sys.exit(0)

    @fact
    async def total(self, n: int) -> int:
        return sum([await self.number(i) for i in range(n)])

    @fact
    async def total_at_once(self, n: int) -> int:
        return sum(await asyncio.gather(*(self.number(i) for i in range(n))))

    @fact
    async def staggered(self) -> int:
        async def later() -> int:
            await asyncio.sleep(0.045)  # the first is there, and the slot not yet taken again
            return await self.number(2)

        return sum(await asyncio.gather(self.number(1), later()))

    @fact(effect="local")
    async def local_total(self) -> int:
        return await self.number(1) + await self.number(2)

    @fact
    async def circle_a(self) -> str:
        return await self.circle_b()

    @fact
    async def circle_b(self) -> str:
        return await self.circle_a()

    @fact
    async def circle_in_a_crowd(self) -> list[int]:
        return list(await asyncio.gather(self.number(1), self.circle_back()))

    @fact
    async def circle_back(self) -> int:
        return len(await self.circle_in_a_crowd())

    @fact
    async def itself(self) -> str:
        return await self.itself()

    @fact
    async def slow(self) -> str:
        await self.work("slow", 30)
        return "late"

    @fact
    async def busy(self, times: int, retry_after: float = 0.0) -> int:
        self.asked.append("busy")
        if len(self.asked) <= times:
            raise Throttled("slow down", retry_after=retry_after)
        return len(self.asked)

    @fact(effect="write")
    async def write_busy(self) -> str:
        self.asked.append("write")
        raise Throttled("slow down")

    @fact(effect="lockout")
    async def burst(self) -> str:
        return "burst"

    @fact
    async def big(self, size: int, letter: str = "a") -> str:
        return letter * size

    @fact
    async def says(self, text: str) -> dict[str, list[str]]:
        return {text: [text, "other"]}

    @fact
    async def refuses(self, text: str) -> str:
        raise NotObserved(f"refused: {text}", fix=f"not {text}")

    @fact
    async def half_pair(self) -> str:
        raise NotObserved("file \udcff")

    @fact(version=3)
    async def third(self) -> int:
        return 3

    @fact
    async def any_key(self, value: object = None, other: object = 1) -> bool:
        return value == other

    @fact
    async def mistyped(self) -> int:
        return "no number"  # type: ignore[return-value]

    @fact
    async def thread(self, seconds: float) -> str:
        await in_thread(time.sleep, seconds)
        return "done"

    @fact
    async def thread_leaves(self) -> str:
        await in_thread(sys.exit, 0)
        return "done"

    @fact
    async def secret(self) -> Sketch:
        return self.sketch("hunter2hunter2")


def probe(evidence: Evidence | None = None, **limits: Any) -> Probe:
    settings = TargetSettings(name="p", limits=LimitSettings.model_validate(limits))
    return Probe(settings, evidence or Evidence())


def replayed(target: Probe) -> Probe:
    return Probe(TargetSettings(name="p"), Evidence(recorded=target.evidence.observations))


async def test_eight_readers_at_once_ask_once_and_see_one_value() -> None:
    target = probe()
    values = await asyncio.gather(*(target.point() for _ in range(8)))
    assert target.asked == ["point"]
    assert all(value is values[0] for value in values)
    assert await target.point() is values[0]


async def test_a_reader_that_is_cancelled_does_not_cancel_the_fact() -> None:
    target = probe()
    first, second = asyncio.create_task(target.point()), asyncio.create_task(target.point())
    await asyncio.sleep(0.002)
    first.cancel()
    assert (await second).where == (1, 2)
    assert first.cancelled()
    assert target.asked == ["point"]


async def test_a_failed_fact_is_asked_once_and_is_the_same_failure_to_all() -> None:
    target = probe()
    faults = await asyncio.gather(*(target.fails() for _ in range(5)), return_exceptions=True)
    assert [(type(f), str(f), getattr(f, "fix", "")) for f in faults] == [
        (NotObserved, "the door is shut", "open it")
    ] * 5
    assert target.asked == ["fails"]


async def test_readers_see_the_recorded_form_live_and_in_a_replay() -> None:
    target = probe()
    live = (await target.point(), await target.pair())
    again = replayed(target)
    assert live == (await again.point(), await again.pair())
    assert live[0].when.tzinfo is not None
    assert isinstance(live[1], tuple)
    assert again.asked == []
    assert (target.evidence.replaying, again.evidence.replaying) == (False, True)


async def test_what_the_recording_lacks_is_not_recorded() -> None:
    with pytest.raises(NotRecorded, match=r"does not hold probe:p/pair\(\)") as fault:
        await Probe(TargetSettings(name="p"), Evidence(recorded={})).pair()
    assert fault.value.outcome == "not-checked"


async def test_a_recorded_value_of_another_form_is_not_recorded() -> None:
    key = "probe:p/pair()"
    evidence = Evidence(recorded={key: Observation(key, "", {"not": "a pair"})})
    with pytest.raises(NotRecorded, match="another form"):
        await Probe(TargetSettings(name="p"), evidence).pair()


async def test_what_a_fact_read_is_part_of_what_a_finding_rests_on() -> None:
    target = probe()
    async with reading() as reader:
        assert await target.total(3) == 3
    assert list(reader.reads) == ["probe:p/total(3)"]
    assert target.evidence.closure(reader.reads) == (
        "probe:p/number(0,1)",
        "probe:p/number(1,1)",
        "probe:p/number(2,1)",
        "probe:p/total(3)",
    )
    again = replayed(target)
    assert await again.total(3) == 3
    assert again.evidence.closure(reader.reads) == target.evidence.closure(reader.reads)
    assert set(again.evidence.observations) == set(target.evidence.observations)


@pytest.mark.parametrize("connections", [1, 2])
async def test_facts_that_read_facts_do_not_block_each_other(connections: int) -> None:
    target = probe(connections=connections)
    async with asyncio.timeout(10):
        found = await asyncio.gather(target.total(4), target.total(5), target.total_at_once(6))
        assert list(found) == [6, 10, 15]
    assert target.most <= connections


async def test_a_fact_that_reads_several_at_once_takes_no_second_slot() -> None:
    target = probe(connections=1)
    async with asyncio.timeout(10):
        await asyncio.gather(*(target.total_at_once(n) for n in range(2, 8)))
        await asyncio.gather(*(target.number(n) for n in range(20, 30)))
    assert target.most == 1


async def test_a_fact_that_waits_again_before_it_goes_on_takes_no_second_slot() -> None:
    target = probe(connections=1, fact_deadline="200ms")
    async with asyncio.timeout(10):
        first = asyncio.create_task(target.staggered())
        await asyncio.sleep(0.01)
        await asyncio.gather(*(target.number(n) for n in range(50, 60)))
        assert await first == 3
        assert await asyncio.gather(*(target.number(n) for n in range(60, 65)))
    assert target.most == 1
    assert target.limits._free._value == 1


@pytest.mark.parametrize("name", ["total", "total_at_once", "local_total"])
async def test_the_clock_stands_while_a_fact_waits_for_others(name: str) -> None:
    target = probe(connections=1, fact_deadline="50ms")
    arguments = () if name == "local_total" else (8,)
    assert await getattr(target, name)(*arguments) in (3, 28)


@pytest.mark.parametrize("name", ["circle_a", "circle_b", "itself", "circle_in_a_crowd", "circle_back"])
async def test_a_circle_of_facts_is_refused(name: str) -> None:
    target = probe()
    async with asyncio.timeout(5):
        with pytest.raises(NotObserved, match="waits for itself"):
            await getattr(target, name)()


async def test_both_ends_of_a_circle_asked_at_once_are_refused() -> None:
    target = probe()
    async with asyncio.timeout(5):
        faults = await asyncio.gather(target.circle_a(), target.circle_b(), return_exceptions=True)
    assert all("waits for itself" in str(fault) for fault in faults)


async def test_a_fact_past_its_deadline_is_an_error() -> None:
    target = probe(fact_deadline="20ms")
    with pytest.raises(NotObserved, match=r"no whole answer within 0\.02 s") as fault:
        await target.slow()
    assert "fact_deadline" in fault.value.fix
    assert target.now == 0


async def test_a_slot_is_given_back_after_a_deadline() -> None:
    target = probe(connections=1, fact_deadline="20ms")
    with pytest.raises(NotObserved):
        await target.slow()
    assert await target.pair() == (1, "one")


async def test_a_throttled_read_is_asked_again() -> None:
    target = probe()
    assert await target.busy(2) == 3


async def test_a_read_that_stays_throttled_is_an_error() -> None:
    target = probe()
    with pytest.raises(Throttled, match="slow down") as fault:
        await target.busy(99)
    assert fault.value.outcome == "error"
    assert len(target.asked) == 3


async def test_a_wait_longer_than_the_deadline_is_not_begun() -> None:
    target = probe(fact_deadline="5s")
    began = time.monotonic()
    with pytest.raises(Throttled, match="slow down"):
        await target.busy(99, 60)
    assert time.monotonic() - began < 2
    assert target.asked == ["busy"]


async def test_what_changes_state_is_never_asked_twice() -> None:
    target = probe(Evidence(allowed=Allowed(frozenset({"write"}))))
    with pytest.raises(Throttled):
        await target.write_busy()
    assert target.asked == ["write"]


@pytest.mark.parametrize(
    ("allowed", "fact_name", "asked"),
    [
        pytest.param({"local", "read"}, "write_busy", False, id="write is not asked where reads are allowed"),
        pytest.param({"local", "read"}, "burst", False, id="lockout is not asked where reads are allowed"),
        pytest.param({"local", "read", "write"}, "burst", False, id="lockout is not asked where writes are allowed"),
        pytest.param({"local", "read", "write", "lockout"}, "burst", True, id="lockout is asked where allowed"),
        pytest.param({"local"}, "pair", False, id="a read is not asked where it is not allowed"),
    ],
)
async def test_effects_that_are_not_allowed_are_not_had(allowed: set[str], fact_name: str, asked: bool) -> None:
    target = probe(Evidence(allowed=Allowed(frozenset(allowed))))
    if asked:
        assert await getattr(target, fact_name)()
        return
    with pytest.raises(NotAllowed) as fault:
        await getattr(target, fact_name)()
    assert fault.value.outcome == "not-checked"
    assert "--active" in fault.value.fix
    assert target.asked == []


@pytest.mark.parametrize(
    ("size", "letter", "fits"),
    [
        pytest.param(999_998, "a", True, id="a million bytes with the quotes"),
        pytest.param(999_999, "a", False, id="one byte more"),
        pytest.param(400_000, "€", False, id="bytes count, not characters"),
    ],
)
async def test_an_answer_has_at_most_a_megabyte(size: int, letter: str, fits: bool) -> None:
    target = probe()
    if fits:
        assert len(await target.big(size, letter)) == size
        return
    with pytest.raises(NotObserved, match="more than the 1000000 allowed"):
        await target.big(size, letter)


SECRETS = ["hunter22", 'quo"te\\back', "päss wörd/1", "1234", "true", "null", ":[{,"]


@pytest.mark.parametrize("secret", SECRETS)
async def test_a_secret_that_is_echoed_is_masked_in_values_keys_and_failures(secret: str) -> None:
    target = probe(Evidence(masks=[(secret, "the secret")]))
    text = f"a {secret} b"
    assert await target.says(text) == {"a [the secret] b": ["a [the secret] b", "other"]}
    with pytest.raises(NotObserved) as fault:
        await target.refuses(text)
    assert (fault.value.reason, fault.value.fix) == ("refused: a [the secret] b", "not a [the secret] b")


async def test_a_secret_in_an_url_is_masked() -> None:
    target = probe(Evidence(masks=[("a+b/c==", "the secret")]))
    assert "a%2Bb%2Fc%3D%3D" not in str(await target.says("/x/a%2Bb%2Fc%3D%3D/y"))
    assert "a%2Bb/c" not in str(await target.says("/x/a%2Bb/c%3D%3D/y"))


async def test_a_secret_that_holds_another_is_masked_whole() -> None:
    target = probe(Evidence(masks=[("abcd", "short"), ("abcdefgh", "long")]))
    assert await target.says("abcdefgh abcd") == {"[long] [short]": ["[long] [short]", "other"]}


async def test_a_number_is_no_secret_although_its_digits_are() -> None:
    target = probe(Evidence(masks=[("1234", "pin")]))
    assert await target.number(51234) == 51234


@pytest.mark.parametrize("name", ["breaks", "leaves", "thread_leaves", "mistyped"])
async def test_a_fact_that_breaks_is_an_error_without_the_faults_text(name: str) -> None:
    target = probe()
    with pytest.raises(NotObserved, match=r"broke: |no number") as fault:
        await getattr(target, name)()
    assert fault.value.outcome == "error"
    assert "hunter2" not in fault.value.reason + fault.value.fix


async def test_a_reason_that_is_no_unicode_can_be_recorded() -> None:
    target = probe()
    with pytest.raises(NotObserved, match=r"file \\udcff"):
        await target.half_pair()
    assert target.evidence.observations["probe:p/half_pair()"].digest.startswith("sha256:")


async def test_calls_are_paced() -> None:
    target = probe(calls_per_second=50)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(target.number(n) for n in range(6)))
    assert target.begun[-1] - began > 5 * 0.02 - 0.005


async def test_a_fact_that_goes_on_after_another_waits_for_no_turn() -> None:
    target = probe(calls_per_second=2)
    began = asyncio.get_running_loop().time()
    assert await target.total(1) == 0
    assert asyncio.get_running_loop().time() - began < 0.9


async def test_a_paced_call_that_is_cancelled_gives_its_slot_back() -> None:
    target = probe(connections=1, calls_per_second=0.5)
    await target.pair()
    waiting = asyncio.create_task(target.point())
    await asyncio.sleep(0.01)
    await target.evidence.stop("enough")
    with pytest.raises(Interrupted, match="enough"):
        await waiting
    await asyncio.wait_for(target.limits.acquire(begins=False), 1)


async def test_two_hundred_resources_are_asked_eight_at_a_time() -> None:
    target = probe(connections=8)
    began = time.monotonic()
    await asyncio.gather(*(target.number(n) for n in range(200)))
    assert target.most == 8
    assert time.monotonic() - began < 0.03 * 200 / 2


def test_keys_are_equal_for_equal_arguments() -> None:
    target = probe()

    def key(*arguments: Any, **named: Any) -> str:
        return Probe.any_key.call(target, *arguments, **named).key

    point = Point(where=(1, 2), when=datetime(2026, 1, 1, tzinfo=UTC))
    assert key("x") == key(value="x") == key("x", 1) == key(other=1, value="x")
    assert key({"b": 1, "a": [1, 2]}) == key({"a": (1, 2), "b": 1})
    assert key(point) == key(point.model_copy())
    assert key({3, 1, 2}) == key({1, 2, 3})
    assert key(parse_duration("60s")) == key(parse_duration("1m"))
    assert len({key(), key("None"), key(1), key("1"), key(True), key(["1"])}) == 6


def test_the_version_is_part_of_the_key_and_a_long_key_is_hashed() -> None:
    target = probe()
    assert Probe.third.call(target).key == "probe:p/third@3()"
    long = Probe.any_key.call(target, "x" * 500).key
    assert len(long) < 120
    assert long != Probe.any_key.call(target, "x" * 501).key
    assert Probe.any_key.call(target, "\udcff").key.encode()


async def test_what_is_under_way_when_the_audit_stops_says_so() -> None:
    target = probe(connections=1)
    waiting = [asyncio.create_task(target.slow()), asyncio.create_task(target.point())]
    await asyncio.sleep(0.01)
    begun_too_late = asyncio.create_task(target.pair())
    await asyncio.sleep(0)
    await target.evidence.stop("stopped by SIGINT")
    faults = await asyncio.gather(*waiting, begun_too_late, target.number(9), return_exceptions=True)
    assert [(type(fault), str(fault)) for fault in faults] == [(Interrupted, "stopped by SIGINT")] * 4
    assert len(target.evidence.observations) == 4
    assert all(o.failure is not None for o in target.evidence.observations.values())


async def test_stopping_with_nothing_under_way_is_no_wait() -> None:
    target = probe()
    await target.evidence.stop("enough")
    assert target.evidence.observations == {}


async def test_a_thread_that_hangs_is_left_behind() -> None:
    target = probe(fact_deadline="30ms")
    with pytest.raises(NotObserved, match="no whole answer"):
        await target.thread(0.2)
    await asyncio.sleep(0.3)


async def test_a_blocking_call_runs_beside_others() -> None:
    target = probe()
    began = time.monotonic()
    await asyncio.gather(*(target.thread(0.1 + n / 1000) for n in range(8)))
    assert time.monotonic() - began < 0.6


async def test_a_secret_is_seen_as_a_sketch() -> None:
    target = probe()
    sketch = await target.secret()
    assert (sketch.kind, sketch.length) == ("text", 14)
    assert "hunter2" not in str(target.evidence.observations)


async def test_the_clock_gives_one_answer_for_the_whole_audit() -> None:
    clock = Clock.only(Evidence())
    first = await clock.now()
    await asyncio.sleep(0.002)
    assert await clock.now() == first


def test_a_digest_is_the_same_for_the_same_answer_at_another_time() -> None:
    one = Observation("k", "2026-01-01", {"b": 1, "a": 2})
    assert one.digest == Observation("k", "2027-01-01", {"a": 2, "b": 1}).digest
    assert one.digest != Observation("k", "2026-01-01", None, Failure("failed", "x")).digest


def test_a_failure_of_an_unknown_kind_is_an_error() -> None:
    assert Failure("from-the-future", "x").exception().outcome == "error"


def test_the_place_of_a_fault_that_was_never_raised_is_its_type() -> None:
    assert place_of(RuntimeError("secret")) == "RuntimeError"


def test_settings_without_hosts_name_nothing() -> None:
    settings: Iterator[Any] = TargetSettings(name="p").hosts()
    assert list(settings) == []
    target = probe()
    assert (str(target), target.subject) == ("probe:p", "p")
    with pytest.raises(NotAllowed, match="does not name it"):
        target.egress.require("example.org", 443)


async def test_a_check_that_swallows_the_end_is_still_a_verdict() -> None:
    from tests.stubs.lab_checks import breaks, exits
    from tests.stubs.lab_target import Lab

    lab = Lab(Lab.Settings.model_validate({"name": "x", "token": "hunter22"}), Evidence())
    for check in (breaks, exits):
        verdict, _ = await verdict_of(check, [lab], {})
        assert verdict.outcome is Outcome.ERROR
        assert verdict.message.startswith("the check broke: ")
        assert "hunter22" not in verdict.message
