"""The checks of frameworks, at their boundaries."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from meshguard.answers import Answers
from meshguard.evidence import Evidence
from meshguard.results import ControlResult
from meshguard.testing import judge
from meshguard_checks.framework import coverage, score


def answers(whole: bool = True, alone: str = "", **statuses: str) -> Answers:
    """Controls that each stand for one of the ten letters of 2025."""
    target = Answers(Evidence())
    target.controls = [
        ControlResult.model_validate(
            {
                "id": f"a.{letter.lower()}",
                "title": "T",
                "status": status,
                "reason": "r",
                "priority": "high",
                "phase": ("pre",),
                "refs": [{"framework": "OWASP Top 10", "version": "2025", "ids": [letter]}],
            }
        )
        for letter, status in statuses.items()
    ]
    target.whole, target.framework_alone = whole, alone
    return target


NAME = "owasp-top-10@2025"
GOOD, BAD = "satisfied", "not-satisfied"


@pytest.mark.parametrize(
    ("found", "minimum", "outcome"),
    [
        pytest.param(answers(A01=GOOD, A02=BAD), 0.2, "pass", id="exactly"),
        pytest.param(answers(A01=GOOD, A02=BAD), 0.21, "fail", id="one short"),
        pytest.param(answers(), 0.1, "fail", id="none"),
        pytest.param(answers(whole=False, A01=GOOD), 0, "not-checked", id="a reduced audit"),
        pytest.param(answers(whole=False, alone="owasp-top-10", A01=GOOD), 0.1, "pass", id="reduced to the framework"),
        pytest.param(answers(whole=False, alone="hipaa", A01=GOOD), 0, "not-checked", id="reduced to another"),
        pytest.param(
            answers(whole=False, alone="owasp-top-10@2021", A01=GOOD), 0, "not-checked", id="reduced to another version"
        ),
    ],
)
async def test_coverage(found: Answers, minimum: float, outcome: str) -> None:
    assert (await judge(coverage, found, framework=NAME, min=minimum)).outcome == outcome


@pytest.mark.parametrize(
    ("found", "minimum", "outcome"),
    [
        pytest.param(answers(A01=GOOD, A02=BAD), 0.5, "pass", id="exactly"),
        pytest.param(answers(A01=GOOD, A02=BAD), 0.51, "fail", id="one short"),
        pytest.param(answers(A01=GOOD, A02="undetermined"), 0.51, "fail", id="undetermined counts against"),
        pytest.param(answers(A01=GOOD, A02="waived"), 0.51, "fail", id="waived counts against"),
        pytest.param(answers(A01=GOOD, A02="not-applicable"), 1, "pass", id="what does not apply counts nothing"),
        pytest.param(answers(A01="not-applicable"), 0, "not-checked", id="nothing applies"),
        pytest.param(answers(), 0, "not-checked", id="nothing is covered"),
        pytest.param(answers(whole=False, A01=GOOD), 0, "not-checked", id="a reduced audit"),
    ],
)
async def test_score(found: Answers, minimum: float, outcome: str) -> None:
    assert (await judge(score, found, framework=NAME, min=minimum)).outcome == outcome


@pytest.mark.parametrize("name", ["owasp", "", "owasp-top-10@2022"])
async def test_frameworks_that_are_none(name: str) -> None:
    with pytest.raises(ValidationError, match="unknown framework"):
        await judge(coverage, answers(), framework=name)
