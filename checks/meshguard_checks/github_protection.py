"""Check of what keeps the branch on GitHub."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated

from meshguard.api import Field, Verdict, check, failed, passed, undetermined
from meshguard.targets.github import Github, Guard, Off, Reviews


@dataclass(frozen=True)
class Demand:
    """One thing that some source of protection must ask."""

    what: str
    is_met: Callable[[Guard], bool]
    of_reviews: bool = False
    """Whether those who may push without a pull request pass it by."""


@check(
    "github.branch_protection",
    method="examine",
    fix="Make a ruleset for the default branch, active and with nobody on its bypass list: require a pull request with "
    "approvals, require the status checks by name, block force pushes and deletions (Settings > Rules > Rulesets).",
)
async def branch_protection(
    repository: Github,
    *,
    reviews: Annotated[int, Field(ge=0, le=6)] = 1,
    status_checks: tuple[str, ...] = (),
    code_owners: bool = False,
    dismiss_stale: bool = False,
    may_bypass: tuple[str, ...] = (),
) -> Verdict:
    """What reaches the branch was reviewed and tested, for administrators too, and stays (CIS GitHub 1.0, 1.1).

    Rulesets and classic protection add up, so each demand may be met by either. One that somebody may pass by is not
    met. Who is on a ruleset's bypass list is shown to those alone who may change it: unseen, it is no pass.

    Args:
        reviews: approvals that a pull request needs; with 0 a pull request alone.
        status_checks: names of checks that must succeed before a merge; at least one check where none is named.
        code_owners: whether the owners of the changed files must approve.
        dismiss_stale: whether a new commit takes approvals back.
        may_bypass: who may pass the rules by all the same, as a finding names them (Integration:4711).
    """
    demands = list(_demands(reviews, status_checks, code_owners, dismiss_stale))
    guards = await repository.rulesets()
    if not all(_met(demand, guards, may_bypass) for demand in demands):
        classic = await repository.classic_protection()
        guards += () if isinstance(classic, Off) else (classic,)
    open_ = [demand for demand in demands if not _met(demand, guards, may_bypass)]
    if not guards:
        return failed("the branch is not protected", got="nothing", want=[demand.what for demand in demands])
    sure = [text for demand in open_ if (text := _why_not(demand, guards, may_bypass))]
    if sure:
        return failed("; ".join(sure), want=[demand.what for demand in demands])
    if open_:
        return undetermined(
            f"GitHub does not tell this token who may bypass {_sources(open_[0], guards)}",
            fix="give the token the permission administration=write, or read it by a user who may edit the ruleset",
        )
    names = ", ".join(sorted({guard.source for guard in guards}))
    return passed(f"{', '.join(demand.what for demand in demands)}, without exception ({names})")


def _demands(reviews: int, status_checks: tuple[str, ...], code_owners: bool, dismiss_stale: bool) -> Iterable[Demand]:
    text = f"{reviews} approving review{'s' if reviews != 1 else ''}" if reviews else "a pull request"

    def reviewed(test: Callable[[Reviews], bool]) -> Callable[[Guard], bool]:
        return lambda guard: guard.reviews is not None and test(guard.reviews)

    yield Demand(text, reviewed(lambda asked: asked.count >= reviews), of_reviews=True)
    if code_owners:
        yield Demand("review by code owners", reviewed(lambda asked: asked.code_owners), of_reviews=True)
    if dismiss_stale:
        yield Demand("stale reviews dismissed", reviewed(lambda asked: asked.dismiss_stale), of_reviews=True)
    for name in status_checks:
        yield Demand(f"the status check {name}", _requires(name))
    if not status_checks:
        yield Demand("a status check", lambda guard: bool(guard.status_checks))
    yield Demand("force pushes off", lambda guard: guard.no_force_push)
    yield Demand("deletion off", lambda guard: guard.no_deletion)


def _requires(name: str) -> Callable[[Guard], bool]:
    return lambda guard: name in guard.status_checks


def _gaps(demand: Demand, guard: Guard, may_bypass: tuple[str, ...]) -> set[str] | None:
    """Who may pass a demand by that should not; None where it is not known."""
    if guard.bypass is None:
        return None
    return {*guard.bypass, *(guard.review_bypass if demand.of_reviews else ())} - set(may_bypass)


def _met(demand: Demand, guards: Iterable[Guard], may_bypass: tuple[str, ...]) -> bool:
    return any(demand.is_met(guard) and _gaps(demand, guard, may_bypass) == set() for guard in guards)


def _why_not(demand: Demand, guards: Iterable[Guard], may_bypass: tuple[str, ...]) -> str:
    """Why a demand is surely not met; empty where that hangs on what is not known."""
    gaps = [_gaps(demand, guard, may_bypass) for guard in guards if demand.is_met(guard)]
    if not gaps:
        return f"{demand.what}: not required"
    known = [gap for gap in gaps if gap is not None]
    if len(known) < len(gaps):
        return ""
    return f"{demand.what}: may be bypassed by {', '.join(sorted(sorted(known, key=len)[0]))}"


def _sources(demand: Demand, guards: Iterable[Guard]) -> str:
    return " and ".join(guard.source for guard in guards if demand.is_met(guard) and guard.bypass is None)
