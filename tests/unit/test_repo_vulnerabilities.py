"""What sources of vulnerabilities say, read from literal reports: order of versions, merging, VEX, KEV, EPSS."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stubs.osv_service import LODASH, advisory, write_archives

from meshguard.api import NotObserved
from meshguard.evidence import Evidence
from meshguard.targets.repo import Repo, RepoSettings, vuln_npm, vuln_pip_audit, vuln_trivy
from meshguard.targets.repo.exploited import read_exploits
from meshguard.targets.repo.lock_models import Lock, Package
from meshguard.targets.repo.lock_read import LockError, purl_of
from meshguard.targets.repo.versions import VersionError, in_events, in_npm_range, npm_fixes, pep440, semver
from meshguard.targets.repo.vex import VexError, read_vex, statement_of
from meshguard.targets.repo.vuln_earlier import read_earlier
from meshguard.targets.repo.vuln_merge import merged, unassessed
from meshguard.targets.repo.vuln_models import Hit, Looked, Statement, Unassessed
from meshguard.targets.repo.vuln_osv_data import hits_of, read_archive
from meshguard.targets.repo.vuln_source import names_in
from meshguard.targets.tools import find

row = pytest.param
WHEN = datetime(2026, 11, 24, tzinfo=UTC)


def package(name: str, version: str, kind: str = "npm", **said: Any) -> Package:
    return Package(name=name, version=version, purl=purl_of(kind, name, version), **said)


def lock_of(*packages: Package, path: str = "package-lock.json", kind: str = "npm", **said: Any) -> Lock:
    return Lock(path=path, format="x", ecosystem=kind, packages=packages, **said)


LOCK = lock_of(package("lodash", "4.17.4"), package("left-pad", "1.3.0"))


# Versions


@pytest.mark.parametrize(
    ("smaller", "greater"),
    [
        ("1.0.0-alpha", "1.0.0-alpha.1"),
        ("1.0.0-alpha.1", "1.0.0-alpha.beta"),
        ("1.0.0-beta.2", "1.0.0-beta.11"),
        ("1.0.0-rc.1", "1.0.0"),
        ("1.9.0", "1.10.0"),
        ("1.2", "1.2.1"),
        ("v0.0.0-20200101000000-abcdef", "v0.1.0"),
    ],
)
def test_semver_orders_as_its_specification_says(smaller: str, greater: str) -> None:
    assert semver(smaller) < semver(greater)


@pytest.mark.parametrize("version", ["", "1.x", "latest", "1.2.3.4", "9" * 40, "1.2.3\n4", "١.2.3"])
def test_what_is_no_semver_is_refused(version: str) -> None:
    with pytest.raises(VersionError):
        semver(version)


@given(st.text(max_size=40))
def test_any_text_is_a_version_or_refused(text: str) -> None:
    for key in (semver, pep440):
        try:
            key(text)
        except VersionError:
            continue


@pytest.mark.parametrize(
    ("version", "range_", "inside"),
    [
        ("4.17.11", "<4.17.12", True),
        ("4.17.12", "<4.17.12", False),
        ("1.2.3", ">=1.0.0 <1.2.3 || >=2.0.0 <2.1.0", False),
        ("2.0.5", ">=1.0.0 <1.2.3 || >=2.0.0 <2.1.0", True),
        ("1.2.3", "<=1.2.3", True),
        ("1.2.4", "<=1.2.3", False),
        ("1.2.3", "1.2.3", True),
        ("1.2.4", "= 1.2.3", False),
        ("0.0.1-a", "*", True),
        ("7.0.0-rc.1", ">= 6.0.0, < 7.0.0", True),
    ],
)
def test_a_range_of_npm(version: str, range_: str, inside: bool) -> None:
    assert in_npm_range(version, range_) is inside


@pytest.mark.parametrize("range_", ["^1.2.3", "~1.0", "1.x", "1.0.0 - 2.0.0", ">=a"])
def test_a_range_of_another_form_is_refused_and_not_guessed(range_: str) -> None:
    with pytest.raises(VersionError):
        in_npm_range("1.2.3", range_)


def test_a_fix_is_where_the_alternative_of_the_version_ends() -> None:
    assert npm_fixes("2.0.5", "<1.2.3 || >=2.0.0 <2.1.0") == ("2.1.0",)


def events(*rows: tuple[str, str]) -> list[dict[str, str]]:
    return [{kind: version} for kind, version in rows]


@pytest.mark.parametrize(
    ("version", "rows", "affected"),
    [
        row("1.0.0", [("introduced", "0")], True, id="all versions"),
        row("1.4.9", [("introduced", "0"), ("fixed", "1.5.0")], True, id="before the fix"),
        row("1.5.0", [("introduced", "0"), ("fixed", "1.5.0")], False, id="the fix"),
        row("1.0.0", [("fixed", "1.5.0"), ("introduced", "0")], True, id="events in another order"),
        row("2.0.0", [("introduced", "0"), ("fixed", "1.5.0"), ("introduced", "2.0.0")], True, id="introduced again"),
        row("1.7.0", [("introduced", "0"), ("fixed", "1.5.0"), ("introduced", "2.0.0")], False, id="between both"),
        row("1.5.0", [("introduced", "1.0.0"), ("last_affected", "1.5.0")], True, id="the last affected"),
        row("1.5.1", [("introduced", "1.0.0"), ("last_affected", "1.5.0")], False, id="after the last affected"),
        row("0.9.0", [("introduced", "1.0.0")], False, id="before it came"),
        row("1.0.0", [], False, id="no event"),
    ],
)
def test_events_of_osv(version: str, rows: list[tuple[str, str]], affected: bool) -> None:
    assert in_events(version, events(*rows), semver)[0] is affected


# npm audit


def npm_report(**changes: Any) -> dict[str, Any]:
    via = {
        "source": 1065,
        "name": "lodash",
        "url": "https://github.com/advisories/GHSA-jf85-cpcp-j695",
        "severity": "moderate",
        "range": "<4.17.12",
    }
    return {
        "auditReportVersion": 2,
        "vulnerabilities": {
            "lodash": {"name": "lodash", "via": [via], "fixAvailable": True},
            "parent": {"name": "parent", "via": ["lodash"], "fixAvailable": True},
        },
        "metadata": {"dependencies": {"total": 2}},
        **changes,
    }


def npm_read(report: object, lock: Lock = LOCK) -> Looked:
    data = report if isinstance(report, bytes) else json.dumps(report).encode()
    return vuln_npm.read_report(data, lock, source="npm 11.19.1", asked="registry.example")


def test_npm_names_the_advisory_and_not_what_is_affected_by_it() -> None:
    assert npm_read(npm_report()).hits == (
        Hit(
            purl="pkg:npm/lodash@4.17.4",
            ids=("GHSA-jf85-cpcp-j695",),
            severity="medium",
            fixed=("4.17.12",),
            fixable=True,
        ),
    )


def test_of_two_versions_only_the_one_in_the_range_is_named() -> None:
    lock = lock_of(package("lodash", "4.17.4"), package("lodash", "4.17.21"))

    assert [hit.purl for hit in npm_read(npm_report(), lock).hits] == ["pkg:npm/lodash@4.17.4"]


def test_a_range_that_cannot_be_read_names_each_version() -> None:
    report = npm_report()
    report["vulnerabilities"]["lodash"]["via"][0]["range"] = "^4.0.0"
    lock = lock_of(package("lodash", "4.17.4"), package("lodash", "4.17.21"))

    assert len(npm_read(report, lock).hits) == 2


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        row(b"", "was not read", id="nothing"),
        row(b"[]", "holds no object", id="no object"),
        row({"message": "request failed", "error": {"code": "ENOAUDIT"}}, "ENOAUDIT request failed", id="an error"),
        row({"auditReportVersion": 3}, "gave no report", id="another version of the report"),
        row(npm_report(metadata={"dependencies": {"total": 1}}), "looked at 1 packages, and", id="fewer packages"),
        row(npm_report(metadata={}), "looked at None packages", id="no count"),
        row(npm_report(vulnerabilities=None), "does not say none", id="no list"),
    ],
)
def test_what_is_no_report_of_npm_is_no_pass(report: object, reason: str) -> None:
    with pytest.raises(NotObserved, match=reason):
        npm_read(report)


def test_an_advisory_on_the_name_of_a_package_from_git_is_not_lost() -> None:
    lock = lock_of(package("lodash", "4.17.4", source="git"), package("left-pad", "1.3.0"))

    assert [hit.purl for hit in npm_read(npm_report(), lock).hits] == ["pkg:npm/lodash@4.17.4"]


def test_an_advisory_on_a_name_that_only_the_repository_bears_says_nothing() -> None:
    lock = lock_of(package("left-pad", "1.3.0"), own=("pkg:npm/lodash@0.1.0",))

    assert npm_read(npm_report(), lock).hits == ()


def test_an_advisory_on_a_package_that_is_not_there_is_no_pass() -> None:
    with pytest.raises(NotObserved, match="speaks of lodash"):
        npm_read(npm_report(), lock_of(package("left-pad", "1.3.0")))


def test_a_package_from_git_is_not_looked_at() -> None:
    lock = lock_of(package("lodash", "4.17.4"), package("fork", "1.0.0", source="git"))

    found = npm_read(npm_report(), lock)

    assert found.assessed == ("pkg:npm/lodash@4.17.4",)
    assert [one.purl for one in found.unassessed] == ["pkg:npm/fork@1.0.0"]


# pip-audit


PIP = [package("Werkzeug", "0.15.2", "pypi"), package("six", "1.16.0", "pypi")]


def pip_read(*entries: dict[str, Any]) -> Looked:
    return vuln_pip_audit.read_report(json.dumps({"dependencies": entries}).encode(), PIP, "uv.lock", "said")


def test_pip_audit_counts_what_it_skips_as_not_looked_at() -> None:
    found = pip_read(
        {"name": "werkzeug", "version": "0.15.2", "vulns": []},
        {"name": "six", "skip_reason": "Dependency not found on PyPI and could not be audited: six (1.16.0)"},
    )

    assert found.assessed == ("pkg:pypi/werkzeug@0.15.2",)
    assert found.unassessed[0].purl == "pkg:pypi/six@1.16.0"
    assert "not found on PyPI" in found.unassessed[0].reason


def test_pip_audit_counts_what_it_does_not_name_as_not_looked_at() -> None:
    found = pip_read({"name": "werkzeug", "version": "0.15.2", "vulns": []})

    assert found.unassessed == (Unassessed(purl="pkg:pypi/six@1.16.0", reason="pip-audit's report does not name it"),)


def test_a_crash_of_pip_audit_is_no_pass() -> None:
    with pytest.raises(NotObserved, match=r"gave no report for uv.lock: ConnectionError"):
        vuln_pip_audit.read_report(b"", PIP, "uv.lock", "ConnectionError")


def test_two_versions_of_a_name_are_asked_apart() -> None:
    groups = list(vuln_pip_audit.groups_of([*PIP, package("SIX", "1.15.0", "pypi"), package("odd", "x", "pypi")]))

    assert [[one.name for one in group] for group in groups] == [["Werkzeug", "six"], ["SIX"]]


# Trivy


def trivy_read(*packages: str, found: tuple[dict[str, Any], ...] = (), **changes: Any) -> Looked:
    listed = [{"Name": purl, "Identifier": {"PURL": purl}} for purl in packages]
    result = {"Target": "package-lock.json", "Packages": listed, "Vulnerabilities": list(found)}
    report = {"SchemaVersion": 2, "Results": [result], **changes}
    return vuln_trivy.read_report(json.dumps(report).encode(), LOCK, source="trivy 0.59.1", dated=WHEN)


TRIVY_FOUND = {
    "VulnerabilityID": "CVE-2019-10744",
    "PkgName": "lodash",
    "PkgIdentifier": {"PURL": "pkg:npm/lodash@4.17.4"},
    "FixedVersion": "4.17.12, 5.0.0",
    "Severity": "CRITICAL",
    "PublishedDate": "2019-07-26T00:15:00Z",
    "References": ["https://github.com/advisories/GHSA-jf85-cpcp-j695"],
}


def test_trivy_names_the_cve_and_githubs_name_of_it() -> None:
    (hit,) = trivy_read("pkg:npm/lodash@4.17.4", "pkg:npm/left-pad@1.3.0", found=(TRIVY_FOUND,)).hits

    assert (hit.ids, hit.severity) == (("CVE-2019-10744", "GHSA-jf85-cpcp-j695"), "critical")
    assert (hit.fixed, hit.published) == (("4.17.12", "5.0.0"), datetime(2019, 7, 26, 0, 15, tzinfo=UTC))


def test_two_pages_of_github_leave_its_name_open() -> None:
    pages = ["https://github.com/advisories/GHSA-jf85-cpcp-j695", "https://github.com/advisories/GHSA-aaaa-bbbb-cccc"]
    (hit,) = trivy_read("pkg:npm/lodash@4.17.4", found=({**TRIVY_FOUND, "References": pages},)).hits

    assert hit.ids == ("CVE-2019-10744",)


@pytest.mark.parametrize(
    "changes", [row({"Results": []}, id="an empty list"), row({"Results": None}, id="no list at all")]
)
def test_an_empty_report_of_trivy_is_a_report_on_nothing(changes: dict[str, Any]) -> None:
    found = trivy_read(**changes)

    assert (found.assessed, len(found.unassessed)) == ((), 2)


def test_a_package_that_trivy_does_not_list_is_not_looked_at() -> None:
    found = trivy_read("pkg:npm/lodash@4.17.4")

    assert [one.purl for one in found.unassessed] == ["pkg:npm/left-pad@1.3.0"]


@pytest.mark.parametrize("changes", [{"SchemaVersion": 1}, {"SchemaVersion": None}])
def test_a_report_of_trivy_of_another_form_is_no_pass(changes: dict[str, Any]) -> None:
    with pytest.raises(NotObserved, match="of another form"):
        trivy_read(**changes)


@pytest.mark.parametrize(("version", "refused"), [("0.69.3", 0), ("0.69.4", 1), ("0.69.5", 1), ("0.69.6", 1)])
async def test_releases_of_trivy_that_were_tampered_with_are_not_run(
    tmp_path: Path, version: str, refused: bool
) -> None:
    program = tmp_path / "trivy"
    program.write_text(f"#!/bin/sh\necho Version: {version}\n")
    program.chmod(0o755)
    if not refused:
        assert (await find(vuln_trivy.TRIVY, str(program))).version == version
        return
    with pytest.raises(NotObserved, match="tampered with"):
        await find(vuln_trivy.TRIVY, str(program))


@pytest.mark.parametrize(
    "metadata",
    [
        row("", id="an empty file"),
        row('{"Version": 2}', id="no date"),
        row('{"Version": 2, "UpdatedAt": "0001-01-01T00:00:00Z"}', id="the date of no database"),
        row('{"Version": 1, "UpdatedAt": "2026-11-24T00:00:00Z"}', id="another version"),
        row('{"Version": 2, "UpdatedAt": "2026-11-24T00:00:00Z"}', id="no database beside it"),
    ],
)
def test_a_cache_without_a_dated_database_is_no_pass(tmp_path: Path, metadata: str) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "metadata.json").write_text(metadata)

    with pytest.raises(NotObserved, match="database of Trivy"):
        vuln_trivy.dated_of(tmp_path)


# OSV


def osv_hits(said: dict[str, Any], *packages: Package, kind: str = "npm", matched: bool = False) -> list[Hit]:
    return list(hits_of(said, kind, packages, matched=matched))


def test_an_advisory_of_osv_with_its_fix() -> None:
    (hit,) = osv_hits(LODASH, package("lodash", "4.17.4"), package("lodash", "4.17.12"))

    assert (hit.purl, hit.ids) == ("pkg:npm/lodash@4.17.4", ("GHSA-jf85-cpcp-j695", "CVE-2019-10744"))
    assert (hit.severity, hit.fixed) == ("critical", ("4.17.12",))


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        row({"database_specific": {"severity": "MODERATE"}}, "medium", id="the database's word"),
        row({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:H"}]}, "critical",
            id="CVSS 3.1, 9.1"),
        row({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N"}]}, "low",
            id="CVSS 3.1, 2.9"),
        row({"severity": [{"type": "CVSS_V4", "score":
             "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}]}, "critical", id="CVSS 4.0, 9.3"),
        row({"severity": [{"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"}]}, "high", id="CVSS 2, 7.5"),
        row({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:Q"}]}, "unknown", id="a broken vector"),
        row({}, "unknown", id="nothing"),
    ],
)  # fmt: skip
def test_the_severity_of_an_advisory(said: dict[str, Any], severity: str) -> None:
    (hit,) = osv_hits(advisory("GHSA-a", "npm", "a", {"introduced": "0"}, **said), package("a", "1.0.0"))

    assert hit.severity == severity


def test_a_malicious_package_is_critical() -> None:
    (hit,) = osv_hits(advisory("MAL-2026-1", "npm", "a", {"introduced": "0"}), package("a", "1.0.0"))

    assert hit.severity == "critical"


def test_a_withdrawn_advisory_says_nothing() -> None:
    said = advisory("GHSA-a", "npm", "a", {"introduced": "0"}, withdrawn="2026-11-02T00:00:00Z")

    assert osv_hits(said, package("a", "1.0.0")) == []


@pytest.mark.parametrize(("version", "hits"), [("1.2.0", 1), ("1.2.1", 0)])
def test_versions_without_an_order_are_those_that_are_listed(version: str, hits: int) -> None:
    said = advisory("GHSA-a", "RubyGems", "a", {"introduced": "0"}, {"fixed": "1.2.1"}, versions=["1.2.0"])

    assert len(osv_hits(said, package("a", version, "gem"), kind="gem")) == hits


def test_versions_without_an_order_and_a_list_are_not_guessed() -> None:
    said = advisory("GHSA-a", "RubyGems", "a", {"introduced": "0"}, {"fixed": "1.2.1"})

    with pytest.raises(VersionError, match="cannot be ordered"):
        osv_hits(said, package("a", "1.2.0", "gem"), kind="gem")


def test_names_of_python_packages_are_compared_as_pypi_does() -> None:
    said = advisory("PYSEC-1", "PyPI", "Some.Name", {"introduced": "0"})

    assert len(osv_hits(said, package("some_name", "1.0", "pypi"), kind="pypi")) == 1


@pytest.mark.parametrize("under", ["", "osv-scanner"])
def test_an_archive_gives_what_speaks_of_the_packages(tmp_path: Path, under: str) -> None:
    write_archives(tmp_path, [LODASH, advisory("GHSA-b", "npm", "b", {"introduced": "0"})], under=under)

    found = read_archive(tmp_path, "npm", {"lodash"})

    assert [one["id"] for one in found.advisories] == ["GHSA-jf85-cpcp-j695"]
    assert found.dated == datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "content",
    [row(b"", id="empty"), row(b"PK\x03\x04" + b"\0" * 100, id="cut off"), row(None, id="not there")],
)
def test_a_broken_archive_is_no_pass(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "npm").mkdir()
    if content is not None:
        (tmp_path / "npm" / "all.zip").write_bytes(content)

    with pytest.raises(NotObserved):
        read_archive(tmp_path, "npm", {"lodash"})


def test_an_archive_with_nothing_in_it_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "npm").mkdir()
    zipfile.ZipFile(tmp_path / "npm" / "all.zip", "w").close()

    with pytest.raises(NotObserved, match="no advisory with a date"):
        read_archive(tmp_path, "npm", {"lodash"})


# Merging


def looked(source: str, *hits: Hit, assessed: tuple[str, ...] = ()) -> Looked:
    return Looked(source=source, hits=hits, assessed=assessed)


def hit(*ids: str, purl: str = "pkg:npm/lodash@4.17.4", **said: Any) -> Hit:
    return Hit(purl=purl, ids=ids, **said)


def test_names_that_belong_together_are_one_vulnerability() -> None:
    (found,) = merged(
        LOCK,
        [
            looked("npm", hit("GHSA-1", severity="high", fixable=True)),
            looked("trivy", hit("cve-2019-10744", severity="critical", fixed=("4.17.12",), published=WHEN)),
            looked("osv", hit("GHSA-1", "CVE-2019-10744", "PYSEC-1")),
        ],
    )

    assert found.ids == ("CVE-2019-10744", "GHSA-1", "PYSEC-1")
    assert (found.severity, found.fixed, found.sources) == ("critical", ("4.17.12",), ("npm", "trivy", "osv"))


def test_names_that_do_not_are_two() -> None:
    found = merged(LOCK, [looked("npm", hit("GHSA-1"), hit("GHSA-2")), looked("osv", hit("GHSA-2"))])

    assert [one.id for one in found] == ["GHSA-1", "GHSA-2"]


def test_a_package_is_looked_at_where_one_source_did() -> None:
    first = Looked(source="npm", assessed=("pkg:npm/lodash@4.17.4",))

    assert [one.purl for one in unassessed(LOCK, [first])] == ["pkg:npm/left-pad@1.3.0"]
    assert unassessed(LOCK, [first, looked("osv", assessed=("pkg:npm/left-pad@1.3.0",))]) == ()


def test_what_is_no_name_of_a_vulnerability_is_left_out() -> None:
    assert names_in("CVE-2026-1", "../../etc/passwd", None, "a b", "CVE-2026-1") == ("CVE-2026-1",)


# VEX


def openvex(**changes: Any) -> dict[str, Any]:
    statement = {
        "vulnerability": {"name": "CVE-2019-10744", "aliases": ["GHSA-jf85-cpcp-j695"]},
        "products": [{"@id": "pkg:npm/lodash@4.17.4"}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_present",
        **changes,
    }
    context = "https://openvex.dev/ns/v0.2.0"
    return {"@context": context, "timestamp": "2026-11-01T00:00:00Z", "statements": [statement]}


def cyclonedx(analysis: dict[str, Any], ref: str = "lodash") -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [{"components": [{"bom-ref": "lodash", "purl": "pkg:npm/lodash@4.17.4"}]}],
        "vulnerabilities": [
            {
                "id": "GHSA-jf85-cpcp-j695",
                "references": [{"id": "CVE-2019-10744"}],
                "analysis": analysis,
                "affects": [{"ref": ref}],
            }
        ],
    }


def vex_read(document: dict[str, Any]) -> list[Statement]:
    return read_vex("a.json", json.dumps(document).encode())


def test_a_statement_of_openvex() -> None:
    assert vex_read(openvex()) == [
        Statement(
            document="a.json",
            ids=("CVE-2019-10744", "GHSA-jf85-cpcp-j695"),
            products=("pkg:npm/lodash@4.17.4",),
            status="not_affected",
            why="vulnerable_code_not_present",
            dated=datetime(2026, 11, 1, tzinfo=UTC),
        )
    ]


@pytest.mark.parametrize(
    "ref", ["lodash", "pkg:npm/lodash@4.17.4", "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:npm%2Flodash@4.17.4"]
)
def test_a_statement_of_cyclonedx(ref: str) -> None:
    (found,) = vex_read(cyclonedx({"state": "false_positive", "detail": "another package of the name"}, ref))

    assert (found.status, found.products) == ("not_affected", ("pkg:npm/lodash@4.17.4",))
    assert found.ids == ("GHSA-jf85-cpcp-j695", "CVE-2019-10744")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        row(openvex(justification=""), "gives no justification", id="not affected without a justification"),
        row(openvex(status="fine"), "no status", id="an unknown status"),
        row(openvex(products=[]), "names no product", id="no product"),
        row(openvex(products=[{"@id": "the shop"}]), "names no product", id="a product without a package URL"),
        row(openvex(vulnerability={}), "names no vulnerability", id="no vulnerability"),
        row({"@context": "https://openvex.dev/ns/v0.2.0"}, "no list of statements", id="no statements"),
        row(cyclonedx({"state": "not_affected"}), "gives no justification", id="CycloneDX without a justification"),
        row({"statements": []}, "neither OpenVEX nor CycloneDX", id="another document"),
    ],
)
def test_a_vex_document_that_is_not_in_order_sets_nothing_aside(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(VexError, match=reason):
        vex_read(document)


@given(st.binary(max_size=200))
def test_any_bytes_are_vex_or_refused(data: bytes) -> None:
    with pytest.raises((VexError, LockError)):
        read_vex("a.json", data)


def said_of(*statements: Statement, lock: Lock = LOCK, ids: tuple[str, ...] = ("cve-2019-10744",)) -> Statement | None:
    return statement_of(statements, ids, lock.packages[0], lock)


def statement(*products: str, status: Any = "not_affected", day: int = 1) -> Statement:
    return Statement(
        document="a.json", ids=("CVE-2019-10744",), products=products, status=status, why="so",
        dated=datetime(2026, 11, day, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("product", "status", "meant"),
    [
        row("pkg:npm/lodash@4.17.4", "not_affected", True, id="the package"),
        row("pkg:npm/lodash", "not_affected", True, id="the package in any version"),
        row("pkg:npm/lodash@4.17.5", "not_affected", False, id="another version"),
        row("pkg:npm/%40types/lodash@4.17.4", "not_affected", False, id="the name in another namespace"),
        row("pkg:pypi/lodash@4.17.4", "not_affected", False, id="the name in another ecosystem"),
        row("pkg:npm/lodash@4.17.4?repository_url=other", "not_affected", False, id="from another registry"),
        row("pkg:npm/mesh@1.0.0", "not_affected", True, id="the repository's own product"),
        row("pkg:npm/mesh@2.0.0", "not_affected", False, id="another version of the product"),
        row("pkg:npm/lodash@4.17.4", "fixed", True, id="fixed in the version"),
        row("pkg:npm/lodash", "fixed", False, id="fixed in no version that is named"),
        row("pkg:", "not_affected", False, id="no package URL"),
    ],
)
def test_which_package_a_statement_means(product: str, status: str, meant: bool) -> None:
    lock = lock_of(*LOCK.packages, name="mesh", version="1.0.0")

    assert (said_of(statement(product, status=status), lock=lock) is not None) is meant


def test_the_newest_statement_counts() -> None:
    old, new = statement("pkg:npm/lodash", day=1), statement("pkg:npm/lodash", status="affected", day=2)

    assert (said_of(old, new), said_of(new, old)) == (new, new)


def test_a_statement_about_another_vulnerability_says_nothing() -> None:
    assert said_of(statement("pkg:npm/lodash"), ids=("CVE-2020-8203",)) is None


# Exploitation


def kev(**changes: Any) -> str:
    rows = [{"cveID": "CVE-2019-10744", "dateAdded": "2026-11-01"}, {"cveID": "CVE-2021-1", "dateAdded": "2026-11-02"}]
    return json.dumps({"dateReleased": "2026-11-24T00:00:00.000Z", "count": 2, "vulnerabilities": rows, **changes})


EPSS = "#model_version:v2025.03.14,score_date:2026-11-24T00:00:00+0000\ncve,epss,percentile\nCVE-2019-10744,0.12,0.9\n"


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_both_files_speak_of_the_cves_that_are_asked_about(tmp_path: Path, pack: Any) -> None:
    (tmp_path / "kev.json").write_text(kev())
    (tmp_path / "epss.csv").write_bytes(pack(EPSS.encode()))

    found = read_exploits(tmp_path / "kev.json", tmp_path / "epss.csv", {"CVE-2019-10744", "CVE-2020-1"})

    assert found.exploited == (("CVE-2019-10744", datetime(2026, 11, 1, tzinfo=UTC)),)
    assert found.scores == (("CVE-2019-10744", 0.12),)
    assert (found.kev_dated, found.epss_dated) == (WHEN, WHEN)


def test_files_that_are_not_given_say_nothing() -> None:
    found = read_exploits(None, None, {"CVE-2019-10744"})

    assert (found.exploited, found.scores, found.kev_dated, found.epss_dated) == ((), (), None, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        row("", "was not read", id="empty"),
        row(kev(dateReleased=""), "with a date", id="no date"),
        row(kev(vulnerabilities=[]), "with a date", id="no rows"),
        row(kev(count=3), "cut off", id="fewer rows than it counts"),
        row(kev(vulnerabilities=[{"cve": "CVE-1"}]), "with a date", id="rows of another form"),
    ],
)
def test_a_catalogue_that_is_not_in_order_is_no_pass(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "kev.json").write_text(text)

    with pytest.raises(NotObserved, match=reason):
        read_exploits(tmp_path / "kev.json", None, set())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        row(b"", "with a date", id="empty"),
        row(b"cve,epss\n", "with a date", id="no date"),
        row(EPSS.encode() + b"CVE-1,2.0,1\n", "4 is no score", id="no probability"),
        row(EPSS.encode() + b"CVE-1,nan,1\n", "4 is no score", id="not a number"),
        row(EPSS.encode() + b"CVE-1\n", "4 is no score", id="cut off in a line"),
        row(gzip.compress(EPSS.encode())[:-20], "not read", id="cut off"),
    ],
)
def test_scores_that_are_not_in_order_are_no_pass(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "epss").write_bytes(data)

    with pytest.raises(NotObserved, match=reason):
        read_exploits(None, tmp_path / "epss", set())


# Whatever a source answers


WORDS = (
    *("auditReportVersion", "vulnerabilities", "lodash", "via", "name", "url", "severity", "range", "fixAvailable"),
    *("metadata", "dependencies", "total", "vulns", "version", "skip_reason", "aliases", "fix_versions", "id"),
    *("SchemaVersion", "Results", "Packages", "Vulnerabilities", "Identifier", "PURL", "PkgIdentifier", "References"),
    *("affected", "package", "ecosystem", "ranges", "events", "introduced", "fixed", "type", "versions", "score"),
    *("npm", "4.17.4", "pkg:npm/lodash@4.17.4", "werkzeug", "0.15.2", "SEMVER", "0", "CVE-2019-10744"),
)
LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=40,
)
HEAD = {"auditReportVersion": 2, "SchemaVersion": 2, "metadata": {"dependencies": {"total": 2}}}


@given(st.dictionaries(st.sampled_from(WORDS), JSON, max_size=8))
def test_any_report_is_read_or_refused(said: dict[str, Any]) -> None:
    data = json.dumps({**said, **HEAD}).encode()
    reads: tuple[Callable[[], Looked], ...] = (
        lambda: vuln_npm.read_report(data, LOCK, source="npm", asked=""),
        lambda: vuln_trivy.read_report(data, LOCK, source="trivy", dated=WHEN),
        lambda: vuln_pip_audit.read_report(data, PIP, "uv.lock", "said"),
    )
    for read in reads:
        try:
            found = read()
        except NotObserved:
            continue
        assert len(found.assessed) + len(found.unassessed) >= 2


@given(st.dictionaries(st.sampled_from(WORDS), JSON, max_size=8))
def test_any_advisory_is_read_or_refused(said: dict[str, Any]) -> None:
    for matched in (True, False):
        try:
            osv_hits(said, *LOCK.packages, matched=matched)
        except VersionError:
            continue


# The earlier audit


def result(*findings: dict[str, Any], **changes: Any) -> str:
    run = {"started": "2026-11-23T12:00:00+00:00"}
    return json.dumps({"schema": "meshguard.results/1", "run": run, "findings": list(findings), **changes})


def finding(resource: str, **changes: Any) -> dict[str, Any]:
    return {
        "check": "repo.vulnerability_age", "target": "repo:source", "resource": resource, "outcome": "pass", **changes
    }  # fmt: skip


def test_an_earlier_result_says_since_when_each_is_known(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(
        result(
            finding("package-lock.json"),
            finding("uv.lock", outcome="not-checked"),
            finding("package-lock.json pkg:npm/a@1 CVE-1", got="2026-11-20T00:00:00+00:00"),
            finding("package-lock.json pkg:npm/b@1 CVE-2", got="high", check="repo.vulnerabilities"),
            finding("package-lock.json pkg:npm/a@1 CVE-1", got="high", check="repo.vulnerabilities"),
            finding("package-lock.json pkg:npm/c@1 CVE-3", target="repo:other"),
            finding("package-lock.json pkg:npm/d@1 CVE-4", got="2027-01-01T00:00:00+00:00"),
        )
    )

    found = read_earlier(tmp_path / "results.json", "repo:source")

    assert found.lockfiles == ("package-lock.json",)
    assert dict(found.since) == {
        "package-lock.json pkg:npm/a@1 CVE-1": datetime(2026, 11, 20, tzinfo=UTC),
        "package-lock.json pkg:npm/b@1 CVE-2": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "package-lock.json pkg:npm/d@1 CVE-4": datetime(2026, 11, 23, 12, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    "text",
    [
        row("{", id="no JSON"),
        row(result(schema="other"), id="another schema"),
        row(result(run={}), id="no time"),
        row(result(findings=None), id="no findings"),
    ],
)
def test_what_is_no_earlier_result_is_no_pass(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)

    with pytest.raises(NotObserved):
        read_earlier(tmp_path / "results.json", "repo:source")


# The facts


async def test_a_lockfile_that_cannot_be_read_and_a_vex_document_that_cannot_are_named(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "package-lock.json").write_text("{")
    (tmp_path / "a.vex.json").write_text("{}")
    said = {"name": "source", "path": code, "vex": [tmp_path / "a.vex.json"], "sources": "osv", "osv_data": tmp_path}

    found = await Repo(RepoSettings.model_validate(said), Evidence()).exposures()

    assert found.items == ()
    assert [(one.resource, one.reason.split(":")[0]) for one in found.unread] == [
        ("package-lock.json", "package-lock.json was not read"),
        ("a.vex.json", "the VEX document was not read"),
    ]


async def test_what_is_known_beside_is_joined(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    packages = {"": {"dependencies": {"lodash": "*"}}, "node_modules/lodash": {"version": "4.17.4"}}
    lock = {"name": "mesh", "version": "1.0.0", "lockfileVersion": 3, "packages": packages}
    (code / "package-lock.json").write_text(json.dumps(lock))
    for name, text in {"a.vex.json": json.dumps(openvex()), "kev.json": kev(), "epss.csv": EPSS}.items():
        (tmp_path / name).write_text(text)
    files = {"vex": [tmp_path / "a.vex.json"], "kev": tmp_path / "kev.json", "epss": tmp_path / "epss.csv"}
    said = {"name": "source", "path": code, "sources": "osv", "osv_data": write_archives(tmp_path / "osv"), **files}

    (_, item) = (await Repo(RepoSettings.model_validate(said), Evidence()).exposures()).items

    assert str(item) == "package-lock.json pkg:npm/lodash@4.17.4 CVE-2019-10744"
    one = item.vulnerability
    assert one is not None
    assert (one.exploited, one.epss, one.direct) == (True, 0.12, True)
    assert one.vex is not None
    assert one.vex.status == "not_affected"


async def test_a_catalogue_that_cannot_be_read_hides_no_vulnerability(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    packages = {"": {"dependencies": {"lodash": "*"}}, "node_modules/lodash": {"version": "4.17.4"}}
    (code / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "name": "m", "packages": packages}))
    (tmp_path / "kev.json").write_text("{}")
    files = {"kev": tmp_path / "kev.json", "osv_data": write_archives(tmp_path / "osv")}
    repo = Repo(RepoSettings.model_validate({"name": "s", "path": code, "sources": "osv", **files}), Evidence())

    found = await repo.assessment("package-lock.json")

    assert [one.state for one in found.sources] == ["looked", "failed"]
    assert [one.exploited for one in found.vulnerabilities] == [None]


async def test_a_source_that_is_not_set_up_is_named_and_one_that_is_asked_for_must_answer(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    packages = {"": {"dependencies": {"lodash": "*"}}, "node_modules/lodash": {"version": "4.17.4"}}
    (code / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "name": "m", "packages": packages}))
    missing = {"tools": {"npm": {"path": str(tmp_path / "npm")}}, "npm_registry": "http://127.0.0.1:9"}
    repo = Repo(RepoSettings.model_validate({"name": "source", "path": code, **missing}), Evidence())

    found = await repo.assessment("package-lock.json")

    assert [(one.name, one.state) for one in found.sources] == [
        ("npm", "failed"),
        ("trivy", "absent"),
        ("osv", "absent"),
    ]
    assert [one.purl for one in found.unassessed] == ["pkg:npm/lodash@4.17.4"]


async def test_a_service_that_the_deployment_does_not_name_is_not_asked(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    packages = {"": {"dependencies": {"lodash": "*"}}, "node_modules/lodash": {"version": "4.17.4"}}
    (code / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "name": "m", "packages": packages}))
    repo = Repo(RepoSettings.model_validate({"name": "source", "path": code}), Evidence())

    found = await repo.assessment("package-lock.json")

    assert {one.state for one in found.sources} == {"absent"}
    assert found.sources[0].said == "npm is not asked: `npm_registry` is not given, and `sources` does not name npm"
    assert [one.purl for one in found.unassessed] == ["pkg:npm/lodash@4.17.4"]
