"""What is recorded of a software bill of materials."""

from __future__ import annotations

from datetime import datetime

from meshguard.targets.repo.models import RepoModel


class Component(RepoModel):
    """A component that a bill lists."""

    ref: str
    name: str
    version: str
    purl: str = ""
    key: str = ""
    """The purl without qualifiers, in its canonical form; empty where it has none that is valid."""
    other_id: bool = False
    """Whether it has another identifier: CPE, SWID, SWHID, OmniBOR."""
    supplier: str = ""
    """Who made or supplies it, by the first field that says so."""
    hashes: int = 0
    licences: tuple[str, ...] = ()
    kind: str = "library"


class Bill(RepoModel):
    """A CycloneDX document, reduced to what makes it one that can be used."""

    spec: str
    """Version of the specification that it names."""
    faults: tuple[str, ...] = ()
    """Where it breaks the schema of that version, each as `place: rule`."""
    sha256: str
    timestamp: str = ""
    """As it stands."""
    time: datetime | None = None
    """The timestamp; None where it is none, or has no zone."""
    authors: tuple[str, ...] = ()
    """Who made the document: authors, manufacturer."""
    tools: tuple[str, ...] = ()
    """`name version` each."""
    phases: tuple[str, ...] = ()
    """The lifecycle's phases in which it was made: the generation context."""
    root: Component | None = None
    """What it is the bill of."""
    components: tuple[Component, ...] = ()
    """All but the root, nested ones too."""
    without_relations: tuple[str, ...] = ()
    """Refs of components, root among them, that `dependencies` does not speak of."""
    dangling: tuple[str, ...] = ()
    """Refs in `dependencies` that no component has."""
    doubled: tuple[str, ...] = ()
    """Refs that several components have."""
