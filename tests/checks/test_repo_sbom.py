"""repo.sbom, repo.sbom_of_build and repo.sbom_valid."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from meshguard.api import Clock, Listing, NotObserved
from meshguard.targets.repo import Repo
from meshguard.targets.repo.lock_models import Lock, Lockfile, Package
from meshguard.targets.repo.sbom_models import Bill, Component
from meshguard.testing import judge, recorded
from meshguard_checks.repo.sbom import sbom, sbom_of_build, sbom_valid

row = pytest.param
HERE = Path(__file__).parent
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LOCKFILE = Lockfile(path="package-lock.json", ecosystem="npm")


def package(name: str, **changes: Any) -> Package:
    good = {"name": name, "version": "1.0.0", "purl": f"pkg:npm/{name}@1.0.0", "hashes": ("sha512:00",)}
    return Package.model_validate({**good, **changes})


def lock(*packages: Package, path: str = "package-lock.json", **changes: Any) -> Lock:
    return Lock(path=path, format="package-lock 3", ecosystem="npm", packages=packages, **changes)


def component(name: str, **changes: Any) -> Component:
    purl = f"pkg:npm/{name}@1.0.0"
    good = {"ref": purl, "name": name, "version": "1.0.0", "purl": purl, "key": purl, "supplier": "Somebody"}
    return Component.model_validate({**good, "hashes": 1, "licences": ("MIT",), **changes})


def bill(*components: Component, **changes: Any) -> Bill:
    good = {
        "spec": "1.6",
        "sha256": "0" * 64,
        "timestamp": "2026-06-01T11:00:00+00:00",
        "time": NOW - timedelta(hours=1),
        "authors": ("Clinic",),
        "tools": ("cyclonedx-npm 6.0.1",),
        "phases": ("build",),
        "root": Component(ref="root", name="mesh", version="1.2.0"),
    }
    return Bill.model_validate({**good, "components": components, **changes})


def repo(found: Lock | NotObserved, made: Bill | NotObserved | None = None, *others: Lock) -> Repo:
    locks = {(one.path,): one for one in others} | {("package-lock.json",): found}
    files = tuple(Lockfile(path=path, ecosystem="npm") for (path,) in locks)
    facts: dict[Any, Any] = {Repo.lock: locks, Repo.locks: {(): Listing(items=files)}}
    return recorded(Repo, {**facts, **({Repo.bill_of_build: {(): made}} if made is not None else {})}, path=HERE)


BARE = package("b", hashes=())


@pytest.mark.parametrize(
    ("found", "least", "outcome"),
    [
        row(lock(package("a")), 100, "pass", id="all have a hash"),
        row(lock(package("a"), BARE), 100, "fail", id="one has none"),
        row(lock(package("a"), BARE), 50, "pass", id="as many as wanted"),
        row(lock(package("a"), BARE), 51, "fail", id="one percent short"),
        row(lock(package("a"), package("g", hashes=(), source="git")), 100, "pass", id="a commit is a hash"),
        row(lock(package("a"), package("u", hashes=(), source="url")), 100, "fail", id="a URL is none"),
        row(lock(package("a"), problems=("b has no version",)), 100, "not-checked", id="read in part"),
        row(lock(BARE, problems=("b has no version",)), 100, "fail", id="read in part and bad"),
        row(lock(), 100, "not-checked", id="no package"),
        row(NotObserved("no JSON"), 100, "error", id="not read"),
    ],
)
async def test_sbom(found: Lock | NotObserved, least: int, outcome: str) -> None:
    verdict = await judge(sbom, LOCKFILE, repo(found), min_hashes=least)
    assert verdict.outcome == outcome, verdict.message


A, B = package("a"), package("b")
DEV, OPTIONAL = package("d", dev=True), package("o", optional=True)
NEWER = component("a", version="1.0.1", key="pkg:npm/a@1.0.1")


@pytest.mark.parametrize(
    ("found", "made", "dev", "outcome", "message"),
    [
        row(lock(A, B), bill(component("a"), component("b")), False, "pass", "all 2 packages", id="equal"),
        row(lock(A, B), bill(component("a")), False, "fail", "lacks 1 of 2: pkg:npm/b@1.0.0", id="one is missing"),
        row(lock(A), bill(component("a"), component("x")), False, "fail", "lists 1 that no", id="one more"),
        row(lock(A), bill(NEWER), False, "fail", "lacks 1 of 1", id="another version"),
        row(lock(A, DEV), bill(component("a")), False, "pass", "", id="development is left out"),
        row(lock(A, DEV), bill(component("a")), True, "fail", "lacks 1 of 2", id="development is wanted"),
        row(lock(A, DEV), bill(component("a"), component("d")), False, "pass", "", id="development is there"),
        row(lock(A, OPTIONAL), bill(component("a")), True, "pass", "", id="what is for another system"),
        row(lock(A), bill(component("a"), component("p", key="pkg:deb/p@1")), False, "pass", "", id="other kinds"),
        row(lock(A, own=("pkg:npm/w@1",)), bill(component("a"), component("w", key="pkg:npm/w@1")), False, "pass", "",
            id="the repository's own packages"),
        row(lock(A), bill(component("a"), component("z", key="")), False, "pass", "", id="a component without purl"),
        row(lock(package("a", purl="pkg:npm/a@1.0.0?vcs_url=x")), bill(component("a")), False, "pass", "",
            id="qualifiers do not count"),
        row(lock(A, problems=("b has no version",)), bill(component("a")), False, "not-checked", "in part",
            id="read in part"),
        row(lock(DEV), bill(component("d")), False, "not-checked", "no package that is shipped", id="nothing shipped"),
        row(lock(A), bill(), False, "fail", "lacks 1 of 1", id="an empty bill"),
        row(lock(A), NotObserved("names no SBOM"), False, "error", "names no SBOM", id="no bill"),
    ],
)  # fmt: skip
async def test_sbom_of_build(found: Lock, made: Bill | NotObserved, dev: bool, outcome: str, message: str) -> None:
    verdict = await judge(sbom_of_build, LOCKFILE, repo(found, made), dev=dev)
    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_one_bill_may_be_of_several_lockfiles() -> None:
    other = lock(B, path="inner/package-lock.json")
    made = bill(component("a"), component("b"))
    assert (await judge(sbom_of_build, LOCKFILE, repo(lock(A), made, other))).outcome == "pass"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        row(bill(component("a"), faults=("metadata/timestamp: type",)), "breaks the schema", id="not valid"),
        row(bill(component("a"), authors=()), "the author", id="no author"),
        row(bill(component("a"), timestamp="", time=None), "the time of the data", id="no time"),
        row(bill(component("a"), timestamp="yesterday", time=None), "no time with a zone", id="a time that is none"),
        row(bill(component("a"), time=NOW + timedelta(seconds=1)), "lies ahead", id="of tomorrow"),
        row(bill(component("a"), time=NOW - timedelta(days=1, seconds=1)), "older than 1d", id="a second too old"),
        row(bill(component("a"), root=None), "what it is the bill of", id="no root"),
        row(bill(component("a"), root=Component(ref="r", name="m", version="")), "bill of", id="no version"),
        row(bill(component("a"), tools=()), "of the tool", id="no tool"),
        row(bill(component("a"), tools=("syft",)), "of the tool", id="a tool without version"),
        row(bill(component("a"), phases=()), "the context", id="no context"),
        row(bill(component("a"), without_relations=("pkg:npm/a@1.0.0",)), "the dependencies of pkg:npm/a", id="edge"),
        row(bill(component("a"), dangling=("x",)), "names as x", id="an edge to nothing"),
        row(bill(component("a"), doubled=("x",)), "several components have x", id="a ref twice"),
        row(bill(component("a", version="")), "the version of pkg:npm/a", id="a component without version"),
        row(bill(component("a", key="", purl="")), "an identifier of a", id="without identifier"),
        row(bill(component("a", supplier="")), "the supplier of pkg", id="without supplier"),
        row(bill(component("a", hashes=0)), "a hash of pkg", id="without hash"),
        row(bill(component("a", licences=())), "a licence of pkg", id="without licence"),
    ],
)  # fmt: skip
async def test_a_bill_that_lacks_something(made: Bill, message: str) -> None:
    clock = recorded(Clock, {Clock.now: {(): NOW}})
    verdict = await judge(sbom_valid, repo(lock(A), made), clock, max_age="1d")
    assert (verdict.outcome, message in verdict.message) == ("fail", True), verdict.message


@pytest.mark.parametrize(
    ("made", "parameters", "outcome"),
    [
        row(bill(component("a")), {}, "pass", id="all of it"),
        row(bill(component("a"), time=NOW - timedelta(days=1)), {"max_age": "1d"}, "pass", id="as old as it may be"),
        row(bill(component("a", key="", other_id=True)), {}, "pass", id="another identifier"),
        row(bill(component("a"), component("f", kind="file", key="", version="", supplier="")), {}, "pass", id="file"),
        row(bill(component("a"), component("b", supplier="")), {"min_suppliers": 50}, "pass", id="half the suppliers"),
        row(bill(component("a"), component("b", supplier="")), {"min_suppliers": 51}, "fail", id="more than half"),
        row(bill(component("a"), component("b", hashes=0)), {"min_hashes": 50}, "pass", id="half the hashes"),
        row(bill(component("a"), component("b", hashes=0)), {"min_hashes": 51}, "fail", id="more hashes than half"),
        row(bill(component("a"), component("b", licences=())), {"min_licences": 50}, "pass", id="half the licences"),
        row(bill(component("a"), component("b", licences=())), {"min_licences": 51}, "fail", id="more of them"),
        row(bill(component("a", hashes=0, licences=()), tools=(), phases=()),
            {"min_hashes": 0, "min_licences": 0, "context": False}, "pass", id="NTIA alone"),
        row(bill(), {}, "not-checked", id="no component"),
        row(NotObserved("names no SBOM"), {}, "error", id="no bill"),
    ],
)  # fmt: skip
async def test_sbom_valid(made: Bill | NotObserved, parameters: dict[str, Any], outcome: str) -> None:
    clock = recorded(Clock, {Clock.now: {(): NOW}})
    verdict = await judge(sbom_valid, repo(lock(A), made), clock, **parameters)
    assert verdict.outcome == outcome, verdict.message
