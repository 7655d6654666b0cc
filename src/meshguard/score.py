"""The compliance score: the weighted share of applicable controls that are satisfied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshguard.results import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshguard.results import ControlResult

WEIGHTS = {"critical": 8, "high": 4, "medium": 2, "low": 1}
"""A control of the next priority up weighs twice as much."""


def score_of(controls: Iterable[ControlResult]) -> float | None:
    """0 to 1, four places; waived, undetermined and not satisfied count as not satisfied. None without any control."""
    counted = [c for c in controls if c.status is not Status.NOT_APPLICABLE]
    whole = sum(WEIGHTS[c.priority] for c in counted)
    good = sum(WEIGHTS[c.priority] for c in counted if c.status is Status.SATISFIED)
    return round(good / whole, 4) if whole else None
