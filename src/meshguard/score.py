"""The compliance score: the weighted share of applicable controls that are satisfied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshguard.profile import PRIORITIES, Weights
from meshguard.results import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshguard.results import ControlResult


def score_of(controls: Iterable[ControlResult], weights: Weights | None = None) -> float | None:
    """0 to 1, four places; waived, undetermined and not satisfied count as not satisfied. None without any control.

    Derived controls, and those that are judged only because another requires them, count nothing.
    """
    weights = weights or Weights()
    counted = [c for c in controls if c.counts and c.status is not Status.NOT_APPLICABLE]
    whole = sum(weights.of(c.priority) for c in counted)
    good = sum(weights.of(c.priority) for c in counted if c.status is Status.SATISFIED)
    return round(good / whole, 4) if whole else None


def formula(weights: Weights) -> str:
    """How the score is made, for reports."""
    parts = ", ".join(f"{priority} {weights.of(priority):g}" for priority in PRIORITIES)
    return f"weight of satisfied over weight of applicable controls, derived ones left out ({parts})"
