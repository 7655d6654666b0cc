"""Bills of materials: what is read of one, and MeshGuard's own."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import Workplace

from meshguard.api import NotObserved
from meshguard.cli.sbom import write_sbom
from meshguard.errors import MeshGuardError
from meshguard.evidence import Evidence
from meshguard.targets.repo import Repo, RepoSettings
from meshguard.targets.repo.licences import Licensed, Said
from meshguard.targets.repo.lock_models import Package
from meshguard.targets.repo.sbom_read import VERSIONS, BillError, read_bill
from meshguard.targets.repo.sbom_write import Material, cyclonedx

row = pytest.param

BILL: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
    "version": 1,
    "metadata": {
        "timestamp": "2026-06-01T11:00:00Z",
        "authors": [{"name": "Clinic", "email": "clinic@health-mesh.example"}],
        "tools": {"components": [{"type": "application", "name": "cyclonedx-npm", "version": "6.0.1"}]},
        "lifecycles": [{"phase": "build"}],
        "component": {"type": "application", "bom-ref": "root", "name": "mesh", "version": "1.2.0"},
    },
    "components": [
        {
            "type": "library",
            "bom-ref": "b",
            "group": "@s",
            "name": "b",
            "version": "1.0.0",
            "purl": "pkg:npm/%40s/b@1.0.0?x=y",
            "publisher": "Somebody",
            "hashes": [{"alg": "SHA-256", "content": "a" * 64}],
            "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Own Terms"}}],
            "components": [{"type": "file", "bom-ref": "f", "name": "f.js"}],
        }
    ],
    "dependencies": [{"ref": "root", "dependsOn": ["b"]}, {"ref": "b", "dependsOn": ["gone"]}],
}


def read(**changes: Any) -> Any:
    return read_bill(json.dumps({**BILL, **changes}).encode())


def test_what_is_read_of_a_bill() -> None:
    bill = read()
    assert (bill.spec, bill.faults) == ("1.6", ())
    assert bill.time == datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
    assert (bill.authors, bill.tools, bill.phases) == (("Clinic",), ("cyclonedx-npm 6.0.1",), ("build",))
    assert bill.root.name == "mesh"
    assert [one.name for one in bill.components] == ["@s/b", "f.js"]
    library = bill.components[0]
    assert (library.key, library.supplier, library.hashes) == ("pkg:npm/%40s/b@1.0.0", "Somebody", 1)
    assert library.licences == ("MIT AND (Own Terms)",)
    assert (bill.without_relations, bill.dangling, bill.doubled) == (("f",), ("gone",), ())
    assert "clinic@" not in bill.model_dump_json()


def test_old_forms_of_tools_and_authors() -> None:
    metadata = {"tools": [{"vendor": "x", "name": "syft", "version": "1"}], "manufacture": {"name": "Clinic"}}
    bill = read(specVersion="1.4", metadata=metadata)
    assert (bill.tools, bill.authors, bill.root, bill.time) == (("syft 1",), ("Clinic",), None, None)


@pytest.mark.parametrize("spec", VERSIONS)
def test_every_version_has_its_schema(spec: str) -> None:
    good = {"bomFormat": "CycloneDX", "specVersion": spec, "version": 1, "components": []}
    assert read_bill(json.dumps(good).encode()).faults == ()
    bad = {**good, "components": [{"type": "library"}], "metadata": {"timestamp": 3}}
    faults = read_bill(json.dumps(bad).encode()).faults
    assert any(fault.startswith("components/0: ") for fault in faults), faults


def test_a_licence_that_spdx_does_not_have_breaks_the_schema() -> None:
    component = {"type": "library", "name": "a", "version": "1", "licenses": [{"license": {"id": "MTI"}}]}
    assert read(components=[component]).faults != ()


def test_faults_are_few_and_hold_no_content() -> None:
    bill = read(components=[{"type": "hunter2"} for _ in range(40)])
    assert (len(bill.faults), bill.faults[-1]) == (11, "and more")
    assert "hunter2" not in str(bill.faults)


def test_refs_that_stand_twice() -> None:
    twice = [{"type": "library", "bom-ref": "b", "name": name, "version": "1"} for name in ("a", "c")]
    assert read(components=twice).doubled == ("b",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        row(b"", "not valid JSON", id="empty"),
        row(b"<bom/>", "it is XML", id="XML"),
        row(b"SPDXVersion: SPDX-2.3\n", "tag-value", id="SPDX tag-value"),
        row(b'{"spdxVersion": "SPDX-2.3"}', "but an SPDX one", id="SPDX as JSON"),
        row(b"{}", "no CycloneDX", id="an empty object"),
        row(b'{"bomFormat": "CycloneDX", "specVersion": "9.9"}', "'9.9'", id="a version to come"),
        row(b'{"bomFormat": "CycloneDX", "specVersion": ["1.6"]}', "''", id="a version that is a list"),
    ],
)
def test_what_is_no_bill(data: bytes, said: str) -> None:
    with pytest.raises(BillError, match=said):
        read_bill(data)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "root", "pkg:npm/a@1", "MIT"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["bom-ref", "name", "licenses", "license", "ref", "purl", "tools"]), inner)
    ),
    max_leaves=10,
)


@given(VALUES, st.sampled_from(["metadata", "components", "dependencies"]))
def test_any_part_of_a_bill_is_read(value: object, part: str) -> None:
    for found in (value, [value], {"tools": value, "component": value, "authors": value}):
        assert read(**{part: found}).spec == "1.6"


async def test_the_build_without_a_bill(tmp_path: Path) -> None:
    repo = Repo(RepoSettings(name="source", path=tmp_path), Evidence())
    with pytest.raises(NotObserved, match="names no SBOM"):
        await repo.bill_of_build()
    (tmp_path / "sbom.json").write_text("{}")
    repo = Repo(RepoSettings(name="source", path=tmp_path, sbom=tmp_path / "sbom.json"), Evidence())
    with pytest.raises(NotObserved, match=r"sbom.json was not read: it is no CycloneDX"):
        await repo.bill_of_build()


def material() -> Material:
    made = Material("mesh", "1.2.0", authors=("Clinic",), unread=("bun.lock: no parser",))
    made.add(
        [
            Package(name="@s/b", version="1.0.0", purl="pkg:npm/%40s/b@1.0.0", hashes=("sha512:" + "0" * 128,)),
            Package(name="a", version="1.0.0", purl="pkg:npm/a@1.0.0", direct=True,
                    dependencies=("pkg:npm/%40s/b@1.0.0", "pkg:npm/gone@1")),
            Package(name="m", version="v1", purl="pkg:golang/x.example/m@v1", hashes=("h1:abc=",), dev=True),
            Package(name="o", version="1", purl="pkg:npm/o@1", optional=True),
        ]
    )  # fmt: skip
    texts = {
        "pkg:npm/%40s/b@1.0.0": ("MIT", "MIT"),
        "pkg:npm/a@1.0.0": ("MIT or ISC", "MIT OR ISC"),
        "pkg:npm/o@1": ("Own Terms", ""),
    }
    made.licences = {
        purl: Licensed(purl=purl, dev=False, said=(Said(by="x", text=text, expression=expression),))
        for purl, (text, expression) in texts.items()
    }
    return made


WHEN = datetime(2026, 6, 1, tzinfo=UTC)


def test_the_own_bill_says_all_that_is_known() -> None:
    document = json.loads(cyclonedx(material(), time=WHEN, reproducible=True))
    bill = read_bill(json.dumps(document).encode())
    assert (bill.spec, bill.faults, bill.dangling, bill.without_relations) == ("1.6", (), (), ())
    assert (bill.authors, bill.phases) == (("Clinic",), ("pre-build",))
    assert sorted(one.key for one in bill.components) == [
        "pkg:golang/x.example/m@v1",
        "pkg:npm/%40s/b@1.0.0",
        "pkg:npm/a@1.0.0",
        "pkg:npm/o@1",
    ]
    assert {one.name: one.licences for one in bill.components} == {
        "x.example/m": (),
        "@s/b": ("MIT",),
        "a": ("MIT OR ISC",),
        "o": ("Own Terms",),
    }
    scopes = {one["name"]: one.get("scope") for one in document["components"]}
    assert scopes == {"m": "excluded", "b": None, "a": None, "o": "optional"}
    edges = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    assert edges["root:mesh@1.2.0"] == ["pkg:npm/a@1.0.0"]
    assert edges["pkg:npm/a@1.0.0"] == ["pkg:npm/%40s/b@1.0.0"]
    said = {one["name"]: one["value"] for one in document["metadata"]["properties"]}
    assert said["meshguard:unread"] == "bun.lock: no parser"


def test_the_own_bill_is_the_same_each_time_where_that_is_wanted() -> None:
    again = [cyclonedx(material(), time=WHEN, reproducible=True) for _ in range(2)]
    assert again[0] == again[1]
    other = material()
    other.packages.pop("pkg:npm/o@1")
    serials = [json.loads(text)["serialNumber"] for text in (again[0], cyclonedx(other, time=WHEN, reproducible=True))]
    assert serials[0] != serials[1], "another content has another serial number"
    random = [json.loads(cyclonedx(material(), time=WHEN, reproducible=False))["serialNumber"] for _ in range(2)]
    assert random[0] != random[1]
    assert "timestamp" not in json.loads(cyclonedx(material(), time=None, reproducible=True))["metadata"]
    assert cyclonedx(material(), time=WHEN, reproducible=True, format_="xml").startswith("<?xml")


LOCK = {
    "name": "mesh",
    "version": "1.2.0",
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "mesh", "version": "1.2.0", "dependencies": {"a": "1"}},
        "node_modules/a": {"version": "1.0.0", "license": "MIT", "integrity": "sha512-" + "A" * 86 + "=="},
    },
}


def checkout(folder: Path) -> Path:
    (folder / "package-lock.json").write_text(json.dumps(LOCK))
    (folder / "package.json").write_text(
        '{"author": "Clinic <clinic@health-mesh.example>", "dependencies": {"a": "1"}}'
    )
    (folder / "node_modules/a").mkdir(parents=True)
    (folder / "node_modules/a/package.json").write_text('{"name": "a", "version": "1.0.0"}')
    (folder / "node_modules/a/LICENSE").write_text("Permission is hereby granted\n")
    return folder


def test_the_command(work: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    folder = checkout(work.folder)
    assert write_sbom(folder, folder / "sbom.json", reproducible=True, format="cyclonedx") == 0
    written = (folder / "sbom.json").read_bytes()
    bill = read_bill(written)
    assert (bill.authors, bill.timestamp, [one.key for one in bill.components]) == (
        ("Clinic",),
        "",
        ["pkg:npm/a@1.0.0"],
    )
    assert write_sbom(folder, None, reproducible=True, format="notice") == 0
    out = capsys.readouterr().out
    assert "1 packages" in out
    assert "pkg:npm/a@1.0.0\nLicence: MIT\n\nPermission is hereby granted" in out
    (folder / "bun.lock").write_text("{}")
    assert write_sbom(folder, folder / "sbom.json", reproducible=True, format="cyclonedx") == 3
    assert "not read: bun.lock: no parser" in capsys.readouterr().err


def test_the_time_of_a_bill_that_is_reproduced(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = checkout(work.folder)
    identity = ["-c", "user.name=x", "-c", "user.email=x@health-mesh.example"]
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-05-01T00:00:00Z")
    for command in (["init", "-q"], ["add", "package.json"], [*identity, "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    for said, when in (("", "2026-05-01"), ("1700000000", "2023-11-14")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", said)
        write_sbom(folder, folder / "sbom.json", reproducible=True, format="cyclonedx-json")
        assert read_bill((folder / "sbom.json").read_bytes()).timestamp.startswith(when)


@pytest.mark.parametrize(
    ("path", "output", "format_", "said"),
    [
        row("gone", None, "cyclonedx", "no folder", id="no folder"),
        row(".", None, "spdx", "unknown format 'spdx'", id="no format"),
        row(".", "gone/sbom.json", "cyclonedx", "cannot be written", id="no place to write"),
    ],
)
def test_mistakes_of_the_command(work: Workplace, path: str, output: str | None, format_: str, said: str) -> None:
    place = work.folder / output if output else None
    with pytest.raises(MeshGuardError, match=said):
        write_sbom(work.folder / path, place, reproducible=True, format=format_)


def distribution(site: Path) -> None:
    """An installed distribution with its licence's text, one that is a link, and one without a name."""
    info = site / "p-1.0.dist-info"
    (info / "licenses").mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: p\nVersion: 1.0\nLicense-Expression: MIT\n")
    (info / "licenses/LICENSE").write_text("Permission of P is hereby granted\n")
    (info / "NOTICE").symlink_to("/etc/hostname")
    (site / "p.py").write_text("")
    (info / "RECORD").write_text("p.py,,\np-1.0.dist-info/licenses/LICENSE,,\np-1.0.dist-info/NOTICE,,\n")


def test_the_notices_of_python(work: Workplace) -> None:
    folder = checkout(work.folder)
    (folder / "node_modules/a/NOTICE").symlink_to("/etc/hostname")
    distribution(folder / "env/lib/python3.11/site-packages")
    place = folder / "NOTICE.txt"
    environments = (folder / "env", folder / "gone")
    assert write_sbom(folder, place, reproducible=True, format="notice", environments=environments) == 3
    text = place.read_text()
    assert text.startswith("Software of others in mesh: 2 packages.")
    assert "pkg:pypi/p@1.0\nLicence: MIT\n\nPermission of P is hereby granted" in text
    assert Path("/etc/hostname").read_text().strip() not in text
    assert write_sbom(folder, place, reproducible=True, format="cyclonedx-xml", environments=environments[:1]) == 0
    assert "pkg:pypi/p@1.0" in place.read_text()


def test_a_bill_of_what_cannot_be_read_says_so(work: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    (work.folder / "package-lock.json").write_text("{")
    (work.folder / "pyproject.toml").write_text('[project]\nname = "x"\nauthors = [{name = "Clinic <x>"}]\n')
    assert write_sbom(work.folder, work.folder / "sbom.json", reproducible=False, format="cyclonedx") == 3
    assert "package-lock.json" in capsys.readouterr().err
    document = json.loads((work.folder / "sbom.json").read_text())
    assert document["metadata"]["component"]["name"] == work.folder.name
    assert document["metadata"]["authors"] == [{"name": "Clinic"}]


async def test_a_bill_that_is_too_long_or_gone(tmp_path: Path) -> None:
    path = tmp_path / "sbom.json"
    path.write_text("{}")
    repo = Repo(RepoSettings(name="source", path=tmp_path, sbom=path), Evidence())
    path.unlink()
    with pytest.raises(NotObserved, match="cannot be read"):
        await repo.bill_of_build()
