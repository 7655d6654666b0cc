"""A CycloneDX document to what is recorded of it, checked against the official schema of the version that it names.

The schemas come with cyclonedx-python-lib. Formats (dates, references) are not checked: the library's own validator
reads every URL by a grammar, and takes minutes where a bill has many.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from meshguard.targets.repo.lock_read import LockError, as_json, bare_purl, rows, table, text
from meshguard.targets.repo.sbom_models import Bill, Component

MAX_FAULTS = 10
MAX_DEPTH = 50
VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
SCHEMAS = "cyclonedx.schema._res"


class BillError(ValueError):
    """The document cannot be read as a bill at all; the text says why."""


def read_bill(data: bytes) -> Bill:
    """The bill in a CycloneDX JSON document.

    Raises:
        BillError: it is no CycloneDX JSON, or of a version without a known schema.
    """
    try:
        document = as_json(data)
    except LockError as fault:
        raise BillError(_other(data) or str(fault)) from None
    spec = text(document.get("specVersion"))
    if document.get("bomFormat") != "CycloneDX":
        raise BillError("it is no CycloneDX document" + (" but an SPDX one" if "spdxVersion" in document else ""))
    if spec not in VERSIONS:
        raise BillError(f"its specVersion is {spec!r:.40}; {VERSIONS[0]} to {VERSIONS[-1]} are read")
    metadata = table(document.get("metadata"))
    root = table(metadata.get("component"))
    components = list(_components(document.get("components")))
    inner = list(_components(root.get("components")))
    refs = [text(one.get("bom-ref")) for one in (root, *inner, *components) if one]
    related = dict(_relations(document))
    known = {*refs, *(text(one.get("bom-ref")) for one in rows(document.get("services")))} - {""}
    return Bill(
        spec=spec,
        faults=tuple(faults_of(document, spec)),
        sha256=hashlib.sha256(data).hexdigest(),
        timestamp=text(metadata.get("timestamp")),
        time=_time(text(metadata.get("timestamp"))),
        authors=tuple(_authors(metadata)),
        tools=tuple(_tools(metadata.get("tools"))),
        phases=tuple(text(one.get("phase")) or text(one.get("name")) for one in rows(metadata.get("lifecycles"))),
        root=_component(root) if root else None,
        components=tuple(_component(one) for one in (*inner, *components)),
        without_relations=tuple(sorted({ref for ref in refs if ref not in related})),
        dangling=tuple(sorted({ref for ref, needs in related.items() for ref in (ref, *needs)} - known)),
        doubled=tuple(sorted(ref for ref, count in Counter(refs).items() if ref and count > 1)),
    )


def _time(said: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _other(data: bytes) -> str:
    if data.lstrip().startswith(b"<"):
        return "it is XML; have the build write CycloneDX as JSON"
    return "it is SPDX tag-value; have the build write CycloneDX as JSON" if b"SPDXVersion:" in data[:10_000] else ""


def _components(found: object) -> Iterator[dict[str, Any]]:
    todo = deque((one, 0) for one in rows(found))
    while todo:
        one, depth = todo.popleft()
        yield one
        if depth < MAX_DEPTH:
            todo.extend((inner, depth + 1) for inner in rows(one.get("components")))


def _component(said: Mapping[str, Any]) -> Component:
    group, name = text(said.get("group")), text(said.get("name"))
    ids = ("cpe", "swid", "swhid", "omniborId")
    return Component(
        ref=text(said.get("bom-ref")),
        name=f"{group}/{name}" if group else name,
        version=text(said.get("version")),
        purl=text(said.get("purl")),
        key=bare_purl(text(said.get("purl"))),
        other_id=any(said.get(key) for key in ids),
        supplier=_supplier(said),
        hashes=sum(bool(text(one.get("content"))) for one in rows(said.get("hashes"))),
        licences=tuple(_licences(said)),
        kind=text(said.get("type")),
    )


def _supplier(said: Mapping[str, Any]) -> str:
    found = [text(table(said.get(key)).get("name")) for key in ("supplier", "manufacturer")]
    found += [text(said.get(key)) for key in ("publisher", "author")]
    found += [text(one.get("name")) for one in rows(said.get("authors"))]
    return next((one for one in found if one and one.upper() not in ("NOASSERTION", "UNKNOWN", "NONE")), "")


def _licences(said: Mapping[str, Any]) -> Iterator[str]:
    """Each expression; several single licences all hold (CycloneDX, "licenses")."""
    single = []
    for one in rows(said.get("licenses")):
        licence = table(one.get("license"))
        if expression := text(one.get("expression")):
            yield expression
        elif name := text(licence.get("id")) or text(licence.get("name")):
            single.append(f"({name})" if " " in name else name)
    if single:
        yield " AND ".join(single) if len(single) > 1 else single[0].strip("()")


def _relations(document: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for one in rows(document.get("dependencies")):
        needs = one.get("dependsOn")
        yield text(one.get("ref")), [text(ref) for ref in needs] if isinstance(needs, list) else []


def _authors(metadata: Mapping[str, Any]) -> Iterator[str]:
    said = [*rows(metadata.get("authors")), table(metadata.get("manufacturer")), table(metadata.get("manufacture"))]
    for one in said:
        if name := text(one.get("name")) or text(one.get("email")):
            yield name


def _tools(said: object) -> Iterator[str]:
    """The tools of the old form, a list, and of the new one, components and services."""
    found = rows(said) or [*rows(table(said).get("components")), *rows(table(said).get("services"))]
    for one in found:
        if name := text(one.get("name")):
            yield f"{name} {text(one.get('version'))}".strip()


def faults_of(document: Mapping[str, Any], spec: str) -> Iterator[str]:
    """Where a document breaks the schema of its version; the first few, without its content."""
    for count, fault in enumerate(_validator(spec).iter_errors(document)):
        if count == MAX_FAULTS:
            yield "and more"
            return
        place = "/".join(str(part)[:40] for part in fault.absolute_path) or "the document"
        yield f"{place}: {fault.validator}"


@cache
def _validator(spec: str) -> Any:
    from jsonschema import Draft7Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT7

    def schema(name: str) -> Any:
        return json.loads((files(SCHEMAS) / f"{name}.SNAPSHOT.schema.json").read_text("utf-8"))

    inner = {name: schema(name) for name in ("spdx", "jsf-0.82", "cryptography-defs")}
    strict = "-strict" if spec in ("1.2", "1.3") else ""
    resources = [
        (f"{at}{name}.{kind}", Resource.from_contents(content, default_specification=DRAFT7))
        for name, content in inner.items()
        for at in ("", "http://cyclonedx.org/schema/")
        for kind in ("schema.json", "SNAPSHOT.schema.json")
    ]
    registry: Any = Registry().with_resources(resources)
    return Draft7Validator(schema(f"bom-{spec}{strict}"), registry=registry)
