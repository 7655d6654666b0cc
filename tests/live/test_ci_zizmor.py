"""The example's workflows, judged by the checks and by zizmor: what one refuses, the other refuses too."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from examples.healthmesh.source.ci import AUDIT, DEFECTS, good
from examples.healthmesh.source.defect import RepoDefect

from meshguard.check import Check
from meshguard.evidence import Evidence
from meshguard.target import Target
from meshguard.targets.ci import Ci
from meshguard.targets.repo import Repo
from meshguard.testing import judge
from meshguard_checks.ci import (
    least_permissions,
    order,
    pinned_actions,
    pull_request_target,
    runs,
    secrets_from_manager,
)
from meshguard_checks.repo.bots import update_bot

ZIZMOR = shutil.which("zizmor") or str(Path(sys.executable).parent / "zizmor")
COMMANDS: tuple[tuple[Check[Any], dict[str, Any]], ...] = (
    (runs, {"command": "npm audit"}),
    (runs, {"command": "license-checker-rseidelsohn"}),
    (order, {"first": "smoke.sh", "then": "aws elbv2 modify-listener"}),
    (pinned_actions, {}),
    (least_permissions, {}),
    (secrets_from_manager, {}),
    (pull_request_target, {}),
    (update_bot, {}),
)
RULES = {
    "repo-action-by-tag": "unpinned-uses",
    "repo-trivy-action-moved": "unpinned-uses",
    "repo-workflow-writes-all": "excessive-permissions",
    "repo-pull-request-target": "dangerous-triggers",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    good(tmp_path)
    (tmp_path / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {}}')
    return tmp_path


async def outcomes(folder: Path) -> Counter[tuple[str, str]]:
    evidence = Evidence()
    ci = Ci(Ci.Settings.model_validate({"name": "x", "path": folder}), evidence)
    repo = Repo(Repo.Settings.model_validate({"name": "x", "path": folder}), evidence)
    found: Counter[tuple[str, str]] = Counter()
    for check, parameters in COMMANDS:
        target: Target[Any] = repo if check is update_bot else ci
        listing = await getattr(target, check.over.name)() if check.over is not None else None
        for resource in [()] if listing is None else [(one,) for one in listing.items]:
            verdict = await judge(check, *resource, target, **parameters)
            found[check.id, verdict.outcome] += 1
    return found


def zizmor(folder: Path, persona: str) -> set[str]:
    """The rules that fire; for `regular`, zizmor holds back what it thinks too strict for a single job."""
    done = subprocess.run(
        [ZIZMOR, "--offline", "--no-config", "--persona", persona, "--format", "json", str(folder)],
        capture_output=True,
        check=False,
        timeout=60,
    )
    return {finding["ident"] for finding in json.loads(done.stdout)}


async def test_the_good_state_passes(checkout: Path) -> None:
    found = await outcomes(checkout)
    assert {outcome for _, outcome in found} == {"pass"}
    assert {check for check, _ in found} == {check.id for check, _ in COMMANDS}


def test_zizmor_finds_nothing_in_the_good_state(checkout: Path) -> None:
    assert zizmor(checkout, "pedantic") == set()


@pytest.mark.parametrize("defect", [pytest.param(defect, id=defect.name) for defect in DEFECTS])
async def test_a_defect_trips_its_check_alone(checkout: Path, defect: RepoDefect) -> None:
    defect.plant(checkout)
    found = await outcomes(checkout)
    assert {check for check, outcome in found if outcome != "pass"} == {defect.check, *defect.also}


@pytest.mark.parametrize("defect", [pytest.param(one, id=one.name) for one in DEFECTS if one.name in RULES])
def test_zizmor_agrees(checkout: Path, defect: RepoDefect) -> None:
    defect.plant(checkout)
    assert RULES[defect.name] in zizmor(checkout, "auditor")


async def test_what_was_recorded_holds_no_value(checkout: Path) -> None:
    next(one for one in DEFECTS if one.name == "repo-secret-in-workflow").plant(checkout)
    ci = Ci(Ci.Settings.model_validate({"name": "x", "path": checkout}), Evidence())
    for one in (await ci.files()).items:
        for fact in (ci.secrets, ci.uses):
            assert "kept-in" not in (await fact(one.path)).model_dump_json()
    assert AUDIT not in (await ci.runs(("npm audit",), "main")).model_dump_json()
