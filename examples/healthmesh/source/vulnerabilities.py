"""What is known of the example's packages: OSV's archives, cut down to advisories about versions that it does not use.

The deployment names the folder under `osv_data`, so that an audit of the example asks nobody.
"""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from examples.healthmesh.source.defect import RepoDefect
from examples.healthmesh.source.packages import BILL, LOCK, REQUIREMENTS

OSV = "artifacts/osv"
"""Where the archives lie, one `ECOSYSTEM/all.zip` for each ecosystem."""
DEBUG: dict[str, Any] = {
    "id": "GHSA-8mgj-vmr8-frr6",
    "aliases": ["CVE-2025-59144"],
    "summary": "debug 4.4.2 contains malware after an account takeover",
    "published": "2025-09-08T21:36:50Z",
    "database_specific": {"severity": "HIGH"},
    "affected": [{"package": {"ecosystem": "npm", "name": "debug"}, "versions": ["4.4.2"]}],
}
CERTIFI: dict[str, Any] = {
    "id": "GHSA-xqr8-7jwr-rcp7",
    "aliases": ["CVE-2023-37920", "PYSEC-2023-135"],
    "summary": "certifi trusts the root certificates of e-Tugra",
    "published": "2023-07-25T17:15:16Z",
    "database_specific": {"severity": "HIGH"},
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "certifi"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2015.4.28"}, {"fixed": "2023.7.22"}]}],
        }
    ],
}


def good(folder: Path) -> None:
    """Write the archives as they are today: they know of weaknesses, and of none in what is used."""
    for ecosystem, advisory in (("npm", DEBUG), ("PyPI", CERTIFI)):
        path = folder / OSV / ecosystem / "all.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        today = {"schema_version": "1.7.3", "modified": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{advisory['id']}.json", json.dumps({**today, **advisory}))


def _replace(folder: Path, names: tuple[str, ...], old: str, new: str) -> None:
    for name in names:
        path = folder / name
        path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")


def _malicious(folder: Path) -> None:
    """The build took the release that was on the registry for some hours, in the lockfile and in its SBOM."""
    _replace(folder, (LOCK, "package.json", BILL), "4.4.3", "4.4.2")


def _forgotten(folder: Path) -> None:
    """The worker's packages were pinned years ago, and nobody has looked at them since."""
    _replace(folder, (REQUIREMENTS, BILL), "2025.11.12", "2023.5.7")


DEFECTS: tuple[RepoDefect, ...] = (
    RepoDefect(
        name="repo-malicious-release",
        check="repo.vulnerabilities",
        says="The lockfile holds a release of a package that has malware in it.",
        plant=_malicious,
        also=("repo.vulnerability_age",),
    ),
    RepoDefect(
        name="repo-forgotten-vulnerability",
        check="repo.vulnerability_age",
        says="Nobody has decided on a vulnerability that is known for years.",
        plant=_forgotten,
        also=("repo.vulnerabilities",),
    ),
)
