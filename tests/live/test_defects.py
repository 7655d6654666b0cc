"""Each planted defect is caught by the check that is for it, and by none that is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from examples.healthmesh.containers.defects import CONTAINER_DEFECTS
from examples.healthmesh.defect import Defect
from examples.healthmesh.instance import Running, start
from examples.healthmesh.records.defects import RECORD_DEFECTS, kind_of
from examples.healthmesh.service.defects import WEB_DEFECTS

WEB, CONTAINERS = WEB_DEFECTS, CONTAINER_DEFECTS


def audit(deployment: Path, folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON result of a real audit."""
    out = folder / "results.json"
    command = [
        sys.executable,
        "-m",
        "meshguard",
        "audit",
        str(deployment),
        "--quiet",
        "--output",
        f"json={out}",
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    result: dict[str, Any] = json.loads(out.read_text())
    return done.returncode, result


def failing(result: dict[str, Any]) -> set[str]:
    """Checks with a verdict that is no pass, but for accepted failures and what has no check yet."""
    return {
        f["check"] for f in result["findings"] if f["outcome"] not in ("pass", "not-applicable") and not f["waiver"]
    }


@pytest.mark.parametrize("defect", WEB, ids=lambda defect: defect.name)
def test_a_web_defect_fails_its_own_check_alone(defect: Defect[Any], tmp_path: Path) -> None:
    with start(tmp_path / "state", defects=[defect.name], containers=False) as running:
        code, result = audit(running.deployment, tmp_path, "--fail-on", "low")
    assert failing(result) == {defect.check, *defect.also}
    assert code == 1


@pytest.mark.parametrize("defect", RECORD_DEFECTS, ids=lambda defect: defect.name)
def test_a_record_defect_fails_its_own_control_alone(defect: Defect[Any], tmp_path: Path) -> None:
    with start(tmp_path / "state", defects=[defect.name], containers=False) as running:
        code, result = audit(running.deployment, tmp_path, "--only", "records.*")
    failed = {control["id"] for control in result["controls"] if control["status"] == "not-satisfied"}
    assert failed == {f"records.{kind_of(defect)}"}
    assert failing(result) == {defect.check}
    assert code == (1 if defect.name != "documentation-outside" else 0), "documentation is of low priority"


@pytest.fixture(scope="module")
def by_container(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """One leaky fleet, audited once: service -> checks that do not pass."""
    folder = tmp_path_factory.mktemp("fleet")
    with start(folder / "state", mode="leaky", project="mg-defects") as running:
        require_containers(running)
        _, result = audit(running.deployment, folder, "--only", "docker.*")
    found: dict[str, set[str]] = defaultdict(set)
    for finding in result["findings"]:
        if finding["outcome"] not in ("pass", "not-applicable"):
            found[finding["resource"].removeprefix("mg-defects-")].add(finding["check"])
    return found


@pytest.mark.docker
@pytest.mark.parametrize("defect", CONTAINERS, ids=lambda defect: defect.name)
def test_a_container_defect_fails_its_own_check_alone(defect: Defect[Any], by_container: dict[str, set[str]]) -> None:
    assert by_container[defect.name] == {defect.check, *defect.also}


@pytest.mark.docker
@pytest.mark.parametrize("name", ["api", "worker", "db"])
def test_a_hardened_container_beside_them_fails_nothing(name: str, by_container: dict[str, set[str]]) -> None:
    assert by_container[name] == set()


@dataclass(frozen=True)
class Audited:
    """One mode, audited whole."""

    mode: str
    running: Running
    folder: Path
    code: int
    result: dict[str, Any]


@pytest.fixture(scope="module", params=["hardened", "leaky"])
def audited(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The gate, the evidence and every report of one mode; everything is stopped when the tests look."""
    folder = tmp_path_factory.mktemp(request.param)
    with start(folder / "state", mode=request.param, project=f"mg-both-{request.param}") as running:
        require_containers(running)
        reports = [f"html={folder / 'report.html'}", f"text={folder / 'report.txt'}"]
        options = [option for report in reports for option in ("-o", report)]
        evidence = ("--evidence", str(folder / "evidence.jsonl"))
        code, result = audit(running.deployment, folder, *evidence, *options, "--verbose")
    return Audited(request.param, running, folder, code, result)


@pytest.mark.docker
def test_the_gate_says_what_it_should(audited: Audited) -> None:
    assert audited.code == {"hardened": 0, "leaky": 1}[audited.mode]
    assert audited.result["complete"] is True


@pytest.mark.docker
def test_a_replay_gives_the_same_verdicts_after_everything_is_stopped(audited: Audited, tmp_path: Path) -> None:
    evidence = ("--replay", str(audited.folder / "evidence.jsonl"))
    code, replayed = audit(audited.running.deployment, tmp_path, *evidence)
    assert code == audited.code
    for part in ("gate", "score", "coverage", "controls", "findings", "populations", "observations"):
        assert replayed[part] == audited.result[part]


@pytest.mark.docker
def test_no_secret_of_the_example_is_in_any_file(audited: Audited) -> None:
    secrets = json.loads((audited.running.state / "secrets.json").read_text())
    values = [value for value in _strings(secrets) if len(value) >= 8]
    assert values
    written = [path for path in audited.folder.iterdir() if path.is_file()]
    assert len(written) >= 4
    for path in written:
        text = path.read_text()
        assert [value for value in values if value in text] == [], path


def require_containers(running: Running) -> None:
    """Containers are there; without an engine the test is skipped, and in CI it fails."""
    if running.no_containers is not None and not os.environ.get("CI"):
        pytest.skip(f"no Docker engine: {running.no_containers}")
    assert running.no_containers is None, f"no containers: {running.no_containers}"


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []
