"""zizmor's opinion on workflows, judged and kept apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from meshguard.errors import NotAllowed, NotObserved
from meshguard.targets.ci import Ci, Opinion, WorkflowFile
from meshguard.targets.ci.zizmor import Said, read_report
from meshguard.testing import judge, recorded
from meshguard_checks.ci import zizmor

PATH = ".github/workflows/ci.yml"
FILE = WorkflowFile(path=PATH, system="github")
GITLAB = WorkflowFile(path=".gitlab-ci.yml", system="gitlab")


def said(severity: Any = "high", confidence: Any = "high") -> Said:
    return Said(rule="template-injection", line=7, severity=severity, confidence=confidence)


def ci(answer: object) -> Ci:
    return recorded(Ci, {Ci.zizmor: {(PATH,): answer}}, path=Path(__file__).parent)


@pytest.mark.parametrize(
    ("findings", "parameters", "outcome"),
    [
        pytest.param((), {}, "pass", id="nothing"),
        pytest.param((said("high", "medium"),), {}, "fail", id="as bad and as sure as is wanted"),
        pytest.param((said("medium", "high"),), {}, "pass", id="one step less bad"),
        pytest.param((said("high", "low"),), {}, "pass", id="one step less sure"),
        pytest.param((said("medium", "high"), said("high", "high")), {}, "fail", id="one of two"),
        pytest.param((said("medium", "high"),), {"min_severity": "medium"}, "fail", id="medium is wanted"),
        pytest.param((said("low", "high"),), {"min_severity": "medium"}, "pass", id="less than medium"),
        pytest.param((said("informational", "high"),), {"min_severity": "informational"}, "fail", id="all is wanted"),
        pytest.param((said("high", "low"),), {"min_confidence": "low"}, "fail", id="unsure ones are wanted"),
        pytest.param((said("high", "medium"),), {"min_confidence": "high"}, "pass", id="sure ones alone are wanted"),
    ],
)
async def test_what_zizmor_finds_at_or_above_fails(
    findings: tuple[Said, ...], parameters: dict[str, Any], outcome: str
) -> None:
    verdict = await judge(zizmor, FILE, ci(Opinion(path=PATH, source="zizmor 1.32.0", findings=findings)), **parameters)
    assert verdict.outcome == outcome
    assert verdict.message.startswith("zizmor 1.32.0 finds ")


async def test_the_findings_are_named_and_the_rest_counted() -> None:
    answer = Opinion(path=PATH, source="zizmor 1.32.0", findings=(said(),) * 6)
    message = (await judge(zizmor, FILE, ci(answer))).message
    assert "line 7: template-injection (high severity, high confidence)" in message
    assert message.endswith("; 1 more")


async def test_a_file_of_gitlab_is_not_zizmors() -> None:
    assert (await judge(zizmor, GITLAB, ci(NotObserved("not asked")))).outcome == "not-applicable"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        pytest.param(NotAllowed("the deployment does not name it"), "not-checked", id="not named"),
        pytest.param(NotObserved("zizmor 1.32.0 ended with 1"), "error", id="it fails"),
    ],
)
async def test_no_opinion_is_no_pass(fault: NotObserved, outcome: str) -> None:
    assert (await judge(zizmor, FILE, ci(fault))).outcome == outcome


ENTRY: dict[str, Any] = {
    "ident": "unpinned-uses",
    "determinations": {"confidence": "High", "severity": "Medium", "persona": "Regular"},
    "locations": [
        {"symbolic": {"kind": "Hidden"}, "concrete": {"location": {"start_point": {"row": 0, "column": 0}}}},
        {"symbolic": {"kind": "Primary"}, "concrete": {"location": {"start_point": {"row": 5, "column": 8}}}},
    ],
    "ignored": True,
}


def test_a_finding_is_read_with_the_line_of_its_primary_place_though_a_comment_ignores_it() -> None:
    (found,) = read_report(json.dumps([ENTRY]).encode())
    assert found == Said(rule="unpinned-uses", line=6, severity="medium", confidence="high")


def test_an_empty_list_is_a_report() -> None:
    assert read_report(b"[]") == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("{}", id="no list"),
        pytest.param("[{", id="half of one"),
        pytest.param(json.dumps([{**ENTRY, "determinations": {"confidence": "High"}}]), id="no severity"),
        pytest.param(
            json.dumps([{**ENTRY, "determinations": {"confidence": "High", "severity": "Dire"}}]),
            id="a severity that is not known",
        ),
        pytest.param(json.dumps([{**ENTRY, "locations": []}]), id="no place"),
    ],
)
def test_what_is_no_report_is_no_pass(text: str) -> None:
    with pytest.raises(NotObserved, match="no whole JSON report of zizmor"):
        read_report(text.encode())
