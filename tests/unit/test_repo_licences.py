"""Where licences come from: texts, environments, node_modules, lockfiles, the build's SBOM."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshguard.api import NotObserved
from meshguard.evidence import Evidence
from meshguard.targets.repo import Repo, RepoSettings
from meshguard.targets.repo.licence_terms import NAMES, expression_of, is_identifier, tree_of

row = pytest.param


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        row("GPL-2.0", "GPL-2.0-only", id="a deprecated identifier"),
        row("GPL-2.0+", "GPL-2.0-or-later", id="or later, as it was written"),
        row("AGPL-3.0", "AGPL-3.0-only", id="the same of the AGPL"),
        row("MIT  \n or\tISC", "MIT OR ISC", id="small letters and lines"),
        row("BSD-3-Clause AND MIT OR ISC", "(BSD-3-Clause AND MIT) OR ISC", id="AND binds closer than OR"),
        row("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception", id="WITH"),
        row("MPL-2.0-no-copyleft-exception", "MPL-2.0-no-copyleft-exception", id="a licence named like an exception"),
        row("DocumentRef-x:LicenseRef-y", "DocumentRef-x:LicenseRef-y", id="a licence of another document"),
        row("unlicensed", "UNLICENSED", id="unlicensed"),
        row("MIT WITH MIT", "", id="a licence as exception"),
        row("Classpath-exception-2.0", "", id="an exception as licence"),
        row("MIT OR UNLICENSED", "", id="UNLICENSED in an expression"),
        row("LicenseRef-", "", id="a reference without name"),
        row("MIT MIT", "", id="two without operator"),
        row("()", "", id="empty brackets"),
        row("OR", "", id="an operator alone"),
        row("(" * 60 + "MIT" + ")" * 60, "", id="brackets without end"),
        row("MIT OR " * 100 + "MIT", "", id="longer than any licence"),
        row("Apache Software License", "", id="a classifier without version (PEP 639)"),
        row("NONE", "", id="NONE"),
    ],
)
def test_expressions(text: str, expression: str) -> None:
    assert expression_of(text) == expression


def test_names_mean_identifiers() -> None:
    assert {name for name, found in NAMES.items() if expression_of(found) != found or name != name.lower()} == set()


def test_identifiers() -> None:
    assert [text for text in ("MIT", "LicenseRef-x", "UNLICENSED", "mit", "GPL-2.0", "BSD", "") if is_identifier(text)]
    assert not [text for text in ("mit", "GPL-2.0", "BSD", "") if is_identifier(text)]


PARTS = st.sampled_from(
    ["MIT", "ISC", "OR", "AND", "WITH", "(", ")", "Classpath-exception-2.0", "LicenseRef-x", "+", "/"]
)


@given(st.lists(PARTS, max_size=8).map(" ".join) | st.text(max_size=60))
def test_any_text_is_an_expression_or_none(text: str) -> None:
    found = expression_of(text)
    assert expression_of(found) == found
    if found:
        assert tree_of(found)


def distribution(site: Path, name: str, *lines: str, requires: tuple[str, ...] = (), editable: bool = False) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    head = ["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines]
    (info / "METADATA").write_text("\n".join([*head, *(f"Requires-Dist: {one}" for one in requires)]) + "\n")
    if editable:
        (info / "direct_url.json").write_text(json.dumps({"url": "file:///x", "dir_info": {"editable": True}}))


def repo_in(folder: Path, **settings: object) -> Repo:
    return Repo(RepoSettings.model_validate({"name": "source", "path": folder, **settings}), Evidence())


MIT = "Classifier: License :: OSI Approved :: MIT License"
BSD = "Classifier: License :: OSI Approved :: BSD License"
ISC = "Classifier: License :: OSI Approved :: ISC License (ISCL)"


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        row(
            ("License-Expression: MIT OR Apache-2.0", BSD, "License: x"), "MIT OR Apache-2.0", id="the expression wins"
        ),
        row((MIT, "License: GPL-3.0-only"), "MIT", id="a clear classifier before the field"),
        row((BSD, "License: BSD-3-Clause"), "BSD-3-Clause", id="a clear field after an unclear classifier"),
        row((MIT, ISC), "MIT AND ISC", id="several classifiers all hold"),
        row((MIT, BSD), "MIT License; BSD License", id="one of several is unclear"),
        row((BSD,), "BSD License", id="nothing is clear"),
        row(("License: " + "x" * 300,), "(a text of 300 characters)", id="a whole text"),
        row(("License: UNKNOWN",), None, id="UNKNOWN"),
        row((), None, id="nothing"),
    ],
)
async def test_the_licence_of_a_distribution(tmp_path: Path, lines: tuple[str, ...], licence: str | None) -> None:
    distribution(tmp_path / "lib/python3.11/site-packages", "a", *lines)
    found = await repo_in(tmp_path).environment(str(tmp_path))
    assert [package.licence for package in found.packages] == [licence]


async def test_an_environment(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    distribution(site, "A_b", "License: MIT", requires=("C>=1", "d; extra == 'x'", "e; python_version < '3'", "%%"))
    distribution(site, "c")
    distribution(site, "d")
    distribution(site, "e")
    distribution(site, "own", editable=True)
    (site / "broken-1.dist-info").mkdir()
    (site / "latin-1.dist-info").mkdir()
    (site / "latin-1.dist-info/METADATA").write_bytes(b"Name: l\xe4tin\nVersion: 1\n")
    (tmp_path / "lib64").symlink_to("lib")
    (tmp_path / "pyvenv.cfg").write_text("home = /usr\ninclude-system-site-packages = true\n")
    found = await repo_in(tmp_path).environment(str(tmp_path))
    by_name = {package.name: package for package in found.packages}
    assert set(by_name) == {"A_b", "c", "d", "e"}
    assert by_name["A_b"].purl == "pkg:pypi/a-b@1.0"
    assert by_name["A_b"].dependencies == ("pkg:pypi/c@1.0",)
    assert [problem.partition(" (")[0] for problem in found.problems] == [
        "it uses the packages of the system too, which were not looked at",
        "a distribution has metadata that cannot be read",
        "a distribution has metadata that cannot be read",
    ]


async def test_no_environment_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(NotObserved, match="no site-packages"):
        await repo_in(tmp_path).environment(str(tmp_path))
    (tmp_path / "lib/python3.11/site-packages").mkdir(parents=True)
    assert (await repo_in(tmp_path).environment(str(tmp_path))).problems == ("nothing is installed in it",)


LOCK: dict[str, Any] = {
    "lockfileVersion": 3,
    "packages": {
        "": {"dependencies": {"a": "1", "b": "1", "@s/c": "1"}, "devDependencies": {"d": "1"}},
        "node_modules/a": {"version": "1.0.0", "license": "MIT"},
        "node_modules/b": {"version": "1.0.0"},
        "node_modules/@s/c": {"version": "1.0.0"},
        "node_modules/d": {"version": "1.0.0", "dev": True},
    },
}


def install(root: Path, folder: str, name: str, version: str, licence: object) -> None:
    (root / folder).mkdir(parents=True)
    manifest = {"name": name, "version": version, "license": licence}
    (root / folder / "package.json").write_text(json.dumps(manifest))


async def test_licences_of_all_sources(tmp_path: Path) -> None:
    (tmp_path / "package-lock.json").write_text(json.dumps(LOCK))
    install(tmp_path, "node_modules/b", "b", "1.0.0", "ISC")
    install(tmp_path, "node_modules/b/node_modules/d", "d", "9.0.0", "GPL-3.0")
    install(tmp_path, "node_modules/.pnpm/@s+c@1.0.0/node_modules/@s/c", "@s/c", "1.0.0", {"type": "MIT"})
    (tmp_path / "node_modules/link").symlink_to("b")
    install(tmp_path, "node_modules/broken", "b", "1.0.0", None)
    (tmp_path / "node_modules/broken/package.json").write_text("{")
    component = {"type": "library", "bom-ref": "1", "name": "d", "version": "1.0.0", "purl": "pkg:npm/d@1.0.0"}
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]}
    (tmp_path / "sbom.json").write_text(
        json.dumps({**bill, "components": [{**component, "licenses": [{"license": {"id": "Zlib"}}]}]})
    )
    distribution(tmp_path / "env/lib/python3.11/site-packages", "p", MIT)
    repo = repo_in(tmp_path, sbom=tmp_path / "sbom.json", environments=[tmp_path / "env"])
    listing = await repo.licences()
    said = {str(one): [(say.by, say.expression) for say in one.said] for one in listing.items}
    assert said == {
        "pkg:npm/%40s/c@1.0.0": [("node_modules", "MIT")],
        "pkg:npm/a@1.0.0": [("package-lock.json", "MIT")],
        "pkg:npm/b@1.0.0": [("node_modules", "ISC")],
        "pkg:npm/d@1.0.0": [("the build's SBOM", "Zlib")],
        "pkg:pypi/p@1.0": [(str(tmp_path / "env"), "MIT")],
    }
    assert [str(one) for one in listing.items if one.dev] == ["pkg:npm/d@1.0.0"]
    assert listing.unread == ()


async def test_sources_that_cannot_be_read_are_unread(tmp_path: Path) -> None:
    (tmp_path / "package-lock.json").write_text("{")
    (tmp_path / "sub").mkdir()
    partly = {**LOCK["packages"], "node_modules/x": {}}
    (tmp_path / "sub/package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": partly}))
    (tmp_path / "bun.lock").write_text("{}")
    (tmp_path / "sbom.json").write_text("<bom/>")
    repo = repo_in(tmp_path, sbom=tmp_path / "sbom.json", environments=[tmp_path / "env"])
    listing = await repo.licences()
    assert len(listing.items) == 4
    assert [one.resource for one in listing.unread] == [
        "bun.lock",
        "package-lock.json",
        "sub/package-lock.json",
        str(tmp_path / "env"),
        "the build's SBOM",
    ]
    assert "it is XML" in listing.unread[-1].reason
    assert "x has no version" in listing.unread[2].reason


async def test_a_folder_of_pip_target_and_an_environment_read_in_part(tmp_path: Path) -> None:
    distribution(tmp_path / "target", "a", MIT)
    found = await repo_in(tmp_path).environment(str(tmp_path / "target"))
    assert ([package.name for package in found.packages], found.problems) == (["a"], ())
    site = tmp_path / "env/lib/python3.11/site-packages"
    distribution(site, "b", MIT)
    distribution(site, "c", MIT, requires=("not a requirement!",))
    (site / "broken-1.dist-info").mkdir()
    listing = await repo_in(tmp_path, environments=[tmp_path / "env"]).licences()
    assert [str(one) for one in listing.items] == ["pkg:pypi/b@1.0", "pkg:pypi/c@1.0"]
    assert [one.resource for one in listing.unread] == [str(tmp_path / "env")]


async def test_node_modules_beside_an_inner_lockfile(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/package-lock.json").write_text(json.dumps(LOCK))
    install(tmp_path, "web/node_modules/b", "b", "1.0.0", "ISC")
    install(tmp_path, "web/node_modules/.bin", "x", "1", "MIT")
    install(tmp_path, "node_modules/d", "d", "1.0.0", "GPL-3.0")
    said = {str(one): [say.by for say in one.said] for one in (await repo_in(tmp_path).licences()).items}
    assert said["pkg:npm/b@1.0.0"] == ["web/node_modules"]
    assert said["pkg:npm/d@1.0.0"] == []
