"""Reports of other scanners, read as findings: a report that is none is no clean report."""

from __future__ import annotations

import json

import pytest
from tests.evidence.scanning.grow import Grower

from meshguard.errors import NotObserved
from meshguard.targets.scanning import read_report
from meshguard.targets.scanning.second_source import Tool

SECRET = Grower(1)("{b62:16}")
LEAK = {
    "RuleID": "generic-api-key",
    "Description": "Generic API Key",
    "StartLine": 4,
    "StartColumn": 9,
    "Match": f"key = {SECRET}",
    "Secret": SECRET,
    "File": "src/app.py",
}
TRIVY = {
    "SchemaVersion": 2,
    "Results": [
        {
            "Target": "app/.env",
            "Class": "secret",
            "Secrets": [
                {
                    "RuleID": "aws-access-key-id",
                    "Title": "AWS",
                    "Severity": "CRITICAL",
                    "StartLine": 2,
                    "Match": "x=****",
                }
            ],
        },
        {"Target": "package-lock.json", "Class": "lang-pkgs"},
    ],
}


@pytest.mark.parametrize("tool", ["gitleaks", "betterleaks"])
def test_leaks(tool: Tool) -> None:
    (finding,) = read_report(tool, json.dumps([LEAK]), b"salt")
    assert (finding.path, finding.line, finding.column, finding.length) == ("src/app.py", 4, 9, 16)
    assert SECRET not in repr(finding)


def test_trivy() -> None:
    (finding,) = read_report("trivy", json.dumps(TRIVY), b"salt")
    assert (finding.path, finding.line, finding.confidence) == ("app/.env", 2, "high")


def test_a_redacted_secret_has_no_length() -> None:
    (finding,) = read_report("gitleaks", json.dumps([LEAK | {"Secret": "REDACTED"}]), b"salt")
    assert finding.length == 0


def test_a_test_is_lowered() -> None:
    (finding,) = read_report("gitleaks", json.dumps([LEAK | {"File": "tests/a.py"}]), b"salt")
    assert finding.confidence == "low"


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        pytest.param("gitleaks", "[]", id="an empty list"),
        pytest.param("gitleaks", "null", id="null, as gitleaks writes for none"),
        pytest.param("trivy", '{"SchemaVersion": 2}', id="Trivy without results"),
        pytest.param("trivy", '{"SchemaVersion": 2, "Results": null}', id="Trivy with none"),
    ],
)
def test_a_report_of_nothing(tool: Tool, text: str) -> None:
    assert read_report(tool, text, b"salt") == ()


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        pytest.param("gitleaks", "", id="an empty file"),
        pytest.param("gitleaks", "{}", id="an object"),
        pytest.param("gitleaks", '[{"File": "a"}]', id="an entry without a rule"),
        pytest.param("gitleaks", "[" * 100_000, id="nested without end"),
        pytest.param("betterleaks", "[1]", id="a list of numbers"),
        pytest.param("trivy", "{}", id="no schema"),
        pytest.param("trivy", "[]", id="a list"),
        pytest.param("trivy", '{"SchemaVersion": 2, "Results": [1]}', id="results that are none"),
    ],
)
def test_what_is_no_report_is_refused(tool: Tool, text: str) -> None:
    with pytest.raises(NotObserved, match="no whole JSON report"):
        read_report(tool, text, b"salt")
