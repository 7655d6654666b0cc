"""What is read of packages, held against what the package managers themselves say."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from examples.healthmesh.source.defect import RepoDefect
from examples.healthmesh.source.packages import BILL, DEFECTS, good
from tests.conftest import ROOT

from meshguard.clock import Clock
from meshguard.evidence import Evidence
from meshguard.targets.repo import Repo, RepoSettings
from meshguard.targets.repo.lock_models import Lockfile
from meshguard.targets.repo.lock_python import canonical
from meshguard.testing import judge
from meshguard_checks.repo.licences import licenses
from meshguard_checks.repo.sbom import sbom, sbom_of_build, sbom_valid

NODE = ROOT / "tests" / "node"
POLICY = ("MIT", "Apache-2.0", "MPL-2.0", "BSD-3-Clause")
LOCKFILE = Lockfile(path="package-lock.json", ecosystem="npm")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a real lockfile and manifest of npm."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        content = json.loads((NODE / name).read_text())
        for one in (content, content.get("packages", {}).get("", {})):
            one["version"] = "1.0.0"  # `npm sbom` refuses a package without one
        (folder / name).write_text(json.dumps(content))
    return folder


def npm(folder: Path, *arguments: str) -> Any:
    """What npm answers, without a network."""
    kept = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "npm_config_update_notifier": "false"}
    command = ["npm", *arguments, "--offline", "--package-lock-only"]
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, timeout=120, check=False)
    assert done.stdout, done.stderr.decode()
    return json.loads(done.stdout)


def repo_in(folder: Path, **settings: Any) -> Repo:
    return Repo(RepoSettings.model_validate({"name": "source", "path": folder, **settings}), Evidence())


def named(node: Any) -> set[str]:
    """`name@version` of a tree of `npm ls`, which leaves out what is for another system."""
    found = set()
    for name, one in node.get("dependencies", {}).items():
        found |= {f"{one.get('name', name)}@{one['version']}"} if "version" in one else set()
        found |= named(one)
    return found


async def test_a_lockfile_holds_what_npm_lists(checkout: Path) -> None:
    lock = await repo_in(checkout).lock("package-lock.json")
    ours = {f"{package.name}@{package.version}" for package in lock.packages}
    assert lock.problems == ()
    assert len(ours) > 50
    assert named(npm(checkout, "ls", "--all", "--json")) == ours


async def test_the_bill_that_npm_writes_equals_the_lockfile(checkout: Path) -> None:
    bill = npm(checkout, "sbom", "--sbom-format", "cyclonedx")
    path = checkout.parent / "sbom.json"
    path.write_text(json.dumps(bill))
    repo = repo_in(checkout, sbom=path)
    verdict = await judge(sbom_of_build, LOCKFILE, repo, dev=True)
    assert verdict.outcome == "pass", verdict.message
    clock = Clock.only(Evidence())
    said = await judge(sbom_valid, repo, clock, min_suppliers=0)
    assert (said.outcome, "the author of the data" in said.message) == ("fail", True), said.message
    left_out = bill["components"].pop()
    path.write_text(json.dumps(bill))
    verdict = await judge(sbom_of_build, LOCKFILE, repo_in(checkout, sbom=path), dev=True)
    assert (verdict.outcome, left_out["version"] in verdict.message) == ("fail", True), verdict.message


async def test_the_own_bill_equals_the_one_that_npm_writes(checkout: Path) -> None:
    text, unread = await repo_in(checkout).written_bill(reproducible=True, format_="json")
    theirs = {one["purl"] for one in npm(checkout, "sbom", "--sbom-format", "cyclonedx")["components"]}
    ours = {one["purl"] for one in json.loads(text)["components"]}
    assert unread == ()
    assert ours == theirs
    (checkout.parent / "own.json").write_text(text)
    repo = repo_in(checkout, sbom=checkout.parent / "own.json")
    assert (await judge(sbom_of_build, LOCKFILE, repo, dev=True)).outcome == "pass"
    assert (await judge(sbom, LOCKFILE, repo)).outcome == "pass"


async def test_an_environment_is_what_pip_licenses_lists(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--from=all", "--with-system"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=True)
    theirs = {canonical(one["Name"]): one for one in json.loads(done.stdout)}
    found = await repo_in(tmp_path).environment(sys.prefix)
    ours = {canonical(package.name): package for package in found.packages}
    assert set(theirs) - set(ours) <= {"meshguard"}, "what is installed for editing is left out"
    assert set(ours) <= set(theirs)
    said = {name: one["License-Expression"] for name, one in theirs.items() if name in ours}
    said = {name: expression for name, expression in said.items() if expression != "UNKNOWN"}
    assert len(said) > 10
    assert {name for name, licence in said.items() if ours[name].licence != licence} == set()


async def verdicts(folder: Path) -> dict[str, str]:
    """The worst outcome of each of the four checks over the example's repository."""
    repo = repo_in(folder, sbom=folder / BILL)
    clock = Clock.only(Evidence())
    locks, packages = await repo.locks(), await repo.licences()
    found: dict[str, list[Any]] = {"repo.sbom_valid": [await judge(sbom_valid, repo, clock)]}
    found["repo.sbom"] = [await judge(sbom, one, repo) for one in locks.items]
    found["repo.sbom_of_build"] = [await judge(sbom_of_build, one, repo) for one in locks.items]
    found["repo.licenses"] = [await judge(licenses, one, repo, clock, allow=POLICY) for one in packages.items]
    assert (len(locks.items), len(packages.items), locks.unread, packages.unread) == (2, 7, (), ())
    worst = ("fail", "error", "not-checked", "pass")
    return {name: min((one.outcome for one in several), key=worst.index) for name, several in found.items()}


async def test_the_example_in_order(tmp_path: Path) -> None:
    good(tmp_path)
    assert set((await verdicts(tmp_path)).values()) == {"pass"}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
async def test_a_defect_of_the_example(defect: RepoDefect, tmp_path: Path) -> None:
    good(tmp_path)
    defect.plant(tmp_path)
    found = await verdicts(tmp_path)
    assert {name for name, outcome in found.items() if outcome == "fail"} == {defect.check, *defect.also}
    assert {outcome for outcome in found.values() if outcome != "fail"} == {"pass"}
