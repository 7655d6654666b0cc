"""The audit: runs a plan and says what it found, whatever happens on the way.

All tasks run side by side; targets' limits hold them back. Checks that may lock somebody out run last, one after
another. When the audit is stopped (a signal, its deadline), facts under way become observations that say so, and
every verdict that rests on one is not-checked: what was found is kept.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from meshguard.errors import ESCAPES, FAILURES, NotObserved
from meshguard.evidence import Evidence, place_of, reading
from meshguard.fact import LeftOut, Listing
from meshguard.sketch import Sketcher
from meshguard.target import Egress, Target
from meshguard.uses import RESULTS
from meshguard.values import encodable, shown
from meshguard.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from meshguard.check import Check
    from meshguard.plan import Plan, TargetRef, Task

CLOSE_S = 2.0
REPORT = "report this to its author"
TARGET_ITSELF = "-"
"""The resource of a check that judges the target as a whole."""

Progress = Callable[[int, int, str], None]
"""Told verdicts so far, verdicts known to come, and what was just judged."""


@dataclass
class Judged:
    """One resource's verdict and the keys of the facts that it rests on."""

    resource: str
    verdict: Verdict
    reads: tuple[str, ...]


@dataclass
class Judgement:
    """What came of one task."""

    task: Task
    judged: list[Judged] = field(default_factory=list)
    query: str = ""
    listed: int = 0
    unlisted: int = 0
    """Verdicts that are about the list and not about a resource in it."""
    left_out: tuple[LeftOut, ...] = ()
    complete: bool = True
    note: str = ""


@dataclass
class Audit:
    """A plan under way."""

    plan: Plan
    evidence: Evidence
    on_progress: Progress = lambda _done, _all, _what: None
    conclude: Callable[[Audit, Target[Any]], None] = lambda _audit, _answers: None
    """Tells the target of results what was found, before what judges the results themselves runs."""
    judgements: dict[str, Judgement] = field(default_factory=dict)
    incomplete: str = ""
    """Why the audit did not come to its end."""
    subjects: dict[str, str] = field(default_factory=dict)
    _targets: dict[TargetRef, Target[Any]] = field(default_factory=dict)
    _done: int = 0
    _known: int = 0

    async def run(self, stop: asyncio.Event, reason: list[str]) -> None:
        """Judge every task; `stop` ends it early, `reason[0]` says why."""
        self._make_targets()
        deadline_s = self.plan.deployment.file.limits.audit_deadline.total_seconds()
        work = asyncio.create_task(self._judge_all())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, stopped}, timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self.incomplete = reason[0] if reason else f"its deadline of {deadline_s:g} s came"
                await self.evidence.stop(f"the audit was not finished: {self.incomplete}")
                await asyncio.wait({work}, timeout=2.0)
        finally:
            for task in (work, stopped):
                task.cancel()
            await asyncio.gather(work, stopped, return_exceptions=True)
            await self._close()
        if work.done() and not work.cancelled() and (fault := work.exception()) is not None:
            raise fault

    def _make_targets(self) -> None:
        from meshguard.answers import Answers
        from meshguard.clock import Clock

        deployment, sketch = self.plan.deployment, Sketcher()
        egress = Egress(deployment.hosts())
        for ref in sorted({ref for task in self.plan.tasks for ref in task.targets}):
            kind, name = ref
            if kind == Clock.kind:
                self._targets[ref] = Clock.only(self.evidence)
                continue
            if kind == Answers.kind:
                self._targets[ref] = Answers(self.evidence)
                continue
            for module in () if self.evidence.replaying else self.plan.plugins.target(kind).IMPORTS:
                importlib.import_module(module)
            target = self.plan.plugins.target(kind)(
                deployment.targets[kind][name],
                self.evidence,
                sketch=sketch,
                egress=egress,
                limits=deployment.file.limits,
            )
            self._targets[ref] = target
            self.subjects[str(target)] = target.subject

    async def _close(self) -> None:
        """End connections; one that does not end in good time, or in good order, keeps no verdict back."""
        closing = [asyncio.create_task(target.close()) for target in self._targets.values()]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_S)
        for task in closing:
            task.cancel()
        await asyncio.gather(*closing, return_exceptions=True)

    async def _judge_all(self) -> None:
        tasks = self.plan.tasks
        self._known = len(tasks)
        self.judgements = {task.key: Judgement(task) for task in tasks}
        side_by_side = [task for task in tasks if task.check.effect != "lockout" and not task.computed]
        await asyncio.gather(*(self._judge(self.judgements[task.key]) for task in side_by_side))
        for task in tasks:
            if task.check.effect == "lockout":
                await self._judge(self.judgements[task.key])
        computed = [task for task in tasks if task.computed]
        if computed:
            self.conclude(self, self._targets[RESULTS])
            await asyncio.gather(*(self._judge(self.judgements[task.key]) for task in computed))

    async def _judge(self, judgement: Judgement) -> None:
        try:
            await self._judge_task(judgement)
        except ESCAPES as fault:
            broken = Verdict(Outcome.ERROR, f"its resources broke: {place_of(fault)}", fix=REPORT)
            judgement.judged.append(Judged(TARGET_ITSELF, broken, ()))

    async def _judge_task(self, judgement: Judgement) -> None:
        task = judgement.task
        targets = [self._targets[ref] for ref in task.targets]
        if task.check.over is None:
            judgement.query, judgement.listed = task.target, 1
            await self._one(judgement, TARGET_ITSELF, targets)
            return
        resources = await self._resources(judgement, targets)
        self._known += max(0, len(resources) - 1)
        named = [(encodable(str(item)), item) for item in resources]
        await asyncio.gather(*(self._one(judgement, name, [item, *targets]) for name, item in named))
        judgement.judged.sort(key=lambda judged: judged.resource)

    async def _resources(self, judgement: Judgement, targets: list[Target[Any]]) -> list[Any]:
        """The resources to judge; an unreadable or an empty list is a verdict of its own, and never a pass."""
        over = judgement.task.check.over
        assert over is not None  # noqa: S101 - the caller has looked
        owner = next(target for target in targets if over in type(target).facts().values())
        judgement.query = over.key(owner, [])
        async with reading() as reader:
            verdict = None
            try:
                listing: Listing[Any] = await getattr(owner, over.name)()
            except NotObserved as fault:
                verdict = Verdict(Outcome(fault.outcome), fault.reason, fix=fault.fix)
                listing = Listing(items=(), complete=False, note=fault.reason)
        judgement.listed, judgement.left_out = len(listing.items), listing.left_out
        judgement.complete, judgement.note = listing.complete and not listing.unread, listing.note
        reads = tuple(reader.reads)
        if verdict is None and not listing.items and listing.complete:
            verdict = Verdict(Outcome.NOT_CHECKED, _nothing(over.name, listing), fix=listing.fix)
        elif verdict is None and not listing.complete:
            verdict = Verdict(
                Outcome.ERROR, f"not all {_words(over.name)} could be listed: {listing.note}", fix=listing.fix
            )
        if verdict is not None and not listing.unread:
            self._of_list(judgement, TARGET_ITSELF, verdict, reads)
        for part in listing.unread:
            outcome = Outcome(FAILURES.get(part.kind, NotObserved).outcome)
            verdict = Verdict(outcome, f"its {_words(over.name)} could not be listed: {part.reason}", fix=part.fix)
            self._of_list(judgement, part.resource, verdict, reads)
        return list(listing.items)

    def _of_list(self, judgement: Judgement, resource: str, verdict: Verdict, reads: tuple[str, ...]) -> None:
        judgement.judged.append(Judged(resource, verdict, reads))
        judgement.unlisted += 1
        self._tell(judgement.task.check)

    async def _one(self, judgement: Judgement, resource: str, arguments: list[Any]) -> None:
        verdict, reads = await verdict_of(judgement.task.check, arguments, judgement.task.arguments(resource))
        query = () if resource == TARGET_ITSELF else (judgement.query,)
        judgement.judged.append(Judged(resource, verdict, (*query, *reads)))
        self._tell(judgement.task.check)

    def _tell(self, check: Check[Any]) -> None:
        self._done += 1
        self.on_progress(self._done, self._known, check.id)


async def verdict_of(
    check: Check[Any], arguments: list[Any], parameters: dict[str, Any]
) -> tuple[Verdict, tuple[str, ...]]:
    """What a check says of one resource, and the facts that it read; whatever goes wrong in it is its verdict."""

    async def judge() -> tuple[Verdict, tuple[str, ...]]:
        async with reading() as reader:
            try:
                verdict = await check.judge(*arguments, **parameters)
            except NotObserved as fault:
                verdict = Verdict(Outcome(fault.outcome), fault.reason, fix=fault.fix)
            except ESCAPES as fault:  # its text may hold a secret
                verdict = Verdict(Outcome.ERROR, f"the check broke: {place_of(fault)}", fix=REPORT)
        return _sound(verdict), tuple(reader.reads)

    return await asyncio.create_task(judge())


def _sound(verdict: object) -> Verdict:
    """What a check answered, in a form that results can hold; anything else is an error."""
    try:
        if not isinstance(verdict, Verdict):
            raise TypeError
        got, want = (encodable(v) if isinstance(v := shown(part), str) else v for part in (verdict.got, verdict.want))
        return Verdict(Outcome(verdict.outcome), encodable(verdict.message), got, want, encodable(verdict.fix))
    except (AttributeError, TypeError, ValueError):
        what = f"the check answered {type(verdict).__name__}, which is no sound verdict"
        return Verdict(Outcome.ERROR, what, fix=REPORT)


def _nothing(what: str, listing: Listing[Any]) -> str:
    left = sum(part.count for part in listing.left_out)
    tail = f" ({left} left out by {', '.join(part.filter for part in listing.left_out)})" if left else ""
    return f"there are no {_words(what)} to look at{tail}"


def _words(name: str) -> str:
    """A fact's name for sentences."""
    return name.replace("_", " ")
