"""MeshGuard's own bill of materials: CycloneDX 1.6 of what lockfiles and environments fix.

1.6 is the newest version whose every part the library writes; of 1.7 it lacks some.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.contact import OrganizationalContact
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement, LicenseExpression
from cyclonedx.model.lifecycle import LifecyclePhase, PredefinedLifecycle
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.spdx import is_supported_id
from packageurl import PackageURL

from meshguard import __version__
from meshguard.targets.repo.sbom_read import faults_of

if TYPE_CHECKING:
    from meshguard.targets.repo.licences import Licensed, Said
    from meshguard.targets.repo.lock_models import Package

ALGORITHMS = {
    "md5": HashAlgorithm.MD5,
    "sha1": HashAlgorithm.SHA_1,
    "sha256": HashAlgorithm.SHA_256,
    "sha384": HashAlgorithm.SHA_384,
    "sha512": HashAlgorithm.SHA_512,
}
"""Of hashes over a package's archive; all others (Go's h1, Yarn's own, a commit) stand as properties."""


@dataclass
class Material:
    """What goes into the bill."""

    name: str
    version: str = ""
    authors: tuple[str, ...] = ()
    packages: dict[str, Package] = field(default_factory=dict)
    licences: Mapping[str, Licensed] = field(default_factory=dict)
    installed: bool = False
    """Whether an environment of the build was looked at, and not only lockfiles."""
    unread: tuple[str, ...] = ()
    """What could not be looked at, so that the bill may lack it."""

    def add(self, packages: Iterable[Package]) -> None:
        """Packages of one lockfile or environment, joined with those that are here."""
        for new in packages:
            old = self.packages.get(new.purl)
            self.packages[new.purl] = new if old is None else _joined(old, new)


def _joined(old: Package, new: Package) -> Package:
    return old.model_copy(
        update={
            "hashes": tuple(dict.fromkeys((*old.hashes, *new.hashes))),
            "dependencies": tuple(sorted({*old.dependencies, *new.dependencies})),
            "dev": old.dev and new.dev,
            "optional": old.optional and new.optional,
            "direct": old.direct or new.direct,
        }
    )


def cyclonedx(material: Material, *, time: datetime | None, reproducible: bool, format_: str = "json") -> str:
    """The bill as CycloneDX 1.6.

    Args:
        material: what goes into it.
        time: when it was made; None leaves it out.
        reproducible: whether the serial number follows from the content and is not random.
        format_: json or xml.

    Raises:
        ValueError: what came out breaks the schema.
    """
    bom = _bom(material, time)
    if reproducible:
        content = json.dumps([material.name, material.version, sorted(map(repr, material.packages.values()))])
        bom.serial_number = uuid5(NAMESPACE_URL, content)
    outputter = make_outputter(bom, OutputFormat[format_.upper()], SchemaVersion.V1_6)
    if format_ != "json":
        return outputter.output_as_string(indent=2) + "\n"
    document = json.loads(outputter.output_as_string())
    if time is None:
        document["metadata"].pop("timestamp", None)
    if faults := list(faults_of(document, "1.6")):
        raise ValueError(f"the bill breaks the schema of CycloneDX 1.6 at {faults[0]}")
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _bom(material: Material, time: datetime | None) -> Bom:
    ref = f"{material.name}@{material.version}" if material.version else material.name
    root = Component(
        name=material.name, version=material.version or None, type=ComponentType.APPLICATION, bom_ref=f"root:{ref}"
    )
    components = {purl: _component(package, material) for purl, package in sorted(material.packages.items())}
    direct = [purl for purl, package in material.packages.items() if package.direct]
    known = {purl: Dependency(component.bom_ref) for purl, component in components.items()}
    for purl, package in material.packages.items():
        known[purl].dependencies.update(Dependency(components[one].bom_ref) for one in package.dependencies
                                        if one in components)  # fmt: skip
    top = Dependency(root.bom_ref, [Dependency(components[purl].bom_ref) for purl in direct])
    phases = [LifecyclePhase.PRE_BUILD] + ([LifecyclePhase.BUILD] if material.installed else [])
    metadata = BomMetaData(
        timestamp=time or datetime.now(UTC),
        component=root,
        tools=ToolRepository(components=[_tool()]),
        authors=[OrganizationalContact(name=name) for name in material.authors],
        lifecycles=[PredefinedLifecycle(phase) for phase in phases],
        properties=[
            Property(name="meshguard:unknown", value="suppliers: neither lockfiles nor environments name them"),
            *(Property(name="meshguard:unread", value=text) for text in material.unread),
        ],
    )
    return Bom(components=components.values(), metadata=metadata, dependencies=[top, *known.values()])


def _tool() -> Component:
    return Component(name="meshguard", version=__version__, type=ComponentType.APPLICATION)


def _component(package: Package, material: Material) -> Component:
    purl = PackageURL.from_string(package.purl)
    scope = ComponentScope.EXCLUDED if package.dev else ComponentScope.OPTIONAL if package.optional else None
    pairs = [one.partition(":") for one in package.hashes]
    licensed = material.licences.get(package.purl)
    return Component(
        name=purl.name,
        group=purl.namespace or None,
        version=package.version,
        purl=purl,
        bom_ref=package.purl,
        scope=scope,
        hashes=[HashType(alg=ALGORITHMS[name], content=value) for name, _, value in pairs if name in ALGORITHMS],
        licenses=_licences(licensed.said if licensed else ()),
        properties=[
            Property(name=f"meshguard:{name}", value=value) for name, _, value in pairs if name not in ALGORITHMS
        ],
    )


def _licences(said: Iterable[Said]) -> list[Any]:
    """The first clear statement, else the first one as a name."""
    said = list(said)
    best = next((one for one in said if one.expression and one.expression != "UNLICENSED"), None)
    declared = LicenseAcknowledgement.DECLARED
    if best is None:
        return [DisjunctiveLicense(name=said[0].text, acknowledgement=declared)] if said else []
    if is_supported_id(best.expression):
        return [DisjunctiveLicense(id=best.expression, acknowledgement=declared)]
    return [LicenseExpression(best.expression, acknowledgement=declared)]
