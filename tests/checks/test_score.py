"""The score's check, at its boundary."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from meshguard.answers import Answers
from meshguard.evidence import Evidence
from meshguard.results import ControlResult
from meshguard.testing import judge
from meshguard_checks.score import weighted


def answers(*statuses: str, whole: bool = True, **said: Any) -> Answers:
    target = Answers(Evidence())
    target.controls = [
        ControlResult.model_validate(
            {"id": f"a.c{n}", "title": "T", "status": status, "reason": "r", "priority": "high", "phase": ("pre",)}
            | said
        )
        for n, status in enumerate(statuses)
    ]
    target.whole = whole
    return target


GOOD, BAD, UNKNOWN = "satisfied", "not-satisfied", "undetermined"


@pytest.mark.parametrize(
    ("statuses", "minimum", "outcome"),
    [
        pytest.param([GOOD] * 3 + [BAD], 0.74, "pass", id="above"),
        pytest.param([GOOD] * 3 + [BAD], 0.75, "fail", id="exactly at the boundary"),
        pytest.param([GOOD] * 3 + [UNKNOWN], 0.75, "not-checked", id="undetermined, which could still lift it above"),
        pytest.param([GOOD] * 2 + [BAD, UNKNOWN], 0.75, "fail", id="undetermined, which could not"),
        pytest.param([GOOD] * 3 + ["waived"], 0.75, "fail", id="waived counts against"),
        pytest.param([GOOD] * 3 + ["not-applicable"], 0.99, "pass", id="what does not apply counts nothing"),
        pytest.param([], 0, "not-checked", id="no controls"),
        pytest.param(["not-applicable"], 0, "not-checked", id="none that applies"),
        pytest.param([BAD], 0, "fail", id="nothing is no score above nothing"),
    ],
)
async def test_the_score(statuses: list[str], minimum: float, outcome: str) -> None:
    assert (await judge(weighted, answers(*statuses), min=minimum)).outcome == outcome


async def test_a_part_has_no_score() -> None:
    assert (await judge(weighted, answers(GOOD, whole=False), min=0)).outcome == "not-checked"
    assert (await judge(weighted, answers(GOOD, derived=True), min=0)).outcome == "not-checked"


async def test_the_sentence_names_the_share_that_is_determined() -> None:
    verdict = await judge(weighted, answers(GOOD, GOOD, BAD, UNKNOWN), min=0.8)
    assert verdict.message == "the score is 50.0 %, wanted more than 80 %; 75 % of 4 controls are determined"


@pytest.mark.parametrize("minimum", [-0.01, 1, 95])
async def test_shares_that_are_none(minimum: float) -> None:
    with pytest.raises(ValidationError):
        await judge(weighted, answers(GOOD), min=minimum)
