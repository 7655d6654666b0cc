"""The gate: from control statuses to a decision and an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshguard.profile import PRIORITIES
from meshguard.results import Gate, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshguard.profile import Priority
    from meshguard.results import ControlResult

OPEN, NOT_SATISFIED, MISTAKE, UNDETERMINED, INTERNAL = 0, 1, 2, 3, 70
"""Exit codes; precedence 70, 2, 1, 3, 0."""


def decide(
    controls: Iterable[ControlResult], *, fail_on: Priority, complete: bool | str, advisory: bool = False
) -> Gate:
    """The gate's decision.

    Open where the audit is complete and no control at or above the threshold is not satisfied or undetermined.
    `advisory` lets a control that is not satisfied through (1 becomes 0), and never one that is undetermined. What is
    judged only because another control requires it does not count, and what failed in the baseline already neither.
    A failure that is let through lets nothing through with it: what else could not be looked at in its control counts.
    """
    in_scope = [control for control in controls if not control.pulled_in]
    counted = [c for c in in_scope if PRIORITIES.index(c.priority) <= PRIORITIES.index(fail_on)]
    failed = [c for c in counted if c.status is Status.NOT_SATISFIED and not c.known]
    unknown = [c for c in counted if c.status is Status.UNDETERMINED or c.unsettled]
    level = f"at or above {fail_on}" if fail_on != "low" else "in scope"
    if failed and not advisory:
        return _gate(NOT_SATISFIED, fail_on, advisory, f"{_count(failed)} {level} not satisfied")
    if unknown or complete is not True:
        parts = [f"{_count(unknown)} {level} undetermined"] if unknown else []
        parts += [f"the audit is incomplete: {complete}"] if complete is not True else []
        return _gate(UNDETERMINED, fail_on, advisory, "; ".join(parts))
    if failed:
        return _gate(OPEN, fail_on, advisory, f"advisory: {_count(failed)} {level} not satisfied")
    return _gate(OPEN, fail_on, advisory, f"nothing {level} is not satisfied or undetermined")


def _gate(code: int, fail_on: Priority, advisory: bool, reason: str) -> Gate:
    return Gate(open=code == OPEN, exit_code=code, fail_on=fail_on, advisory=advisory, reason=reason)


def _count(controls: list[ControlResult]) -> str:
    return f"{len(controls)} control{'s' if len(controls) != 1 else ''}"
