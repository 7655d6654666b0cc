"""Cargo.lock and composer.lock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from meshguard.targets.repo.lock_draft import Draft
from meshguard.targets.repo.lock_models import Lock
from meshguard.targets.repo.lock_read import (
    Beside,
    LockError,
    as_json,
    as_toml,
    hashes_of,
    rows,
    source_of,
    table,
    text,
    words,
)


def parse_cargo(path: str, data: bytes, beside: Beside) -> Lock:
    """The packages of Cargo's lockfile; one without a source is the repository's own."""
    del beside
    document = as_toml(data)
    version = document.get("version", 1)
    if version not in (1, 2, 3, 4):
        raise LockError(f"its version is {version!r:.40}; 1 to 4 are read")
    if "package" not in document:
        raise LockError("it has no `package`")
    packages, sums = rows(document.get("package")), table(document.get("metadata"))
    draft, by_key = Draft(path, "cargo"), dict[str, str]()
    for package in packages:
        by_key.update(dict.fromkeys(_keys(package), _cargo_package(draft, package, sums)))
    edges, direct = dict[str, list[str]](), list[str]()
    for package in packages:
        found = [by_key[one] for one in words(package.get("dependencies")) if by_key.get(one)]
        if missing := [one for one in words(package.get("dependencies")) if one not in by_key]:
            draft.problem(f"{text(package.get('name'))} needs {missing[0]}, which the lockfile does not hold")
        purl = by_key[_keys(package)[-1]]
        direct += found if not purl else []
        edges.setdefault(purl, []).extend(found)
    own = next((one for one in packages if "source" not in one), {})
    name, number = text(own.get("name")), text(own.get("version"))
    return draft.lock(f"Cargo {version}", edges=edges, direct=direct, name=name, version=number)


def _keys(package: Mapping[str, Any]) -> tuple[str, ...]:
    """How other packages may name it: shortly where that is clear, else with version and source."""
    name, version, source = (text(package.get(key)) for key in ("name", "version", "source"))
    return name, f"{name} {version}", f"{name} {version} ({source})"


def _cargo_package(draft: Draft, package: Mapping[str, Any], sums: Mapping[str, Any]) -> str:
    source = text(package.get("source"))
    if not source:
        return ""
    kind, _, where = source.partition("+")
    name, version = text(package.get("name")), text(package.get("version"))
    checksum = package.get("checksum", sums.get(f"checksum {name} {version} ({source})"))
    return draft.add(
        name,
        version,
        hashes=hashes_of(checksum),
        source="git" if kind == "git" else "registry",
        where=source if kind == "git" else where,
    )


def parse_composer(path: str, data: bytes, beside: Beside) -> Lock:
    """The packages of Composer's lockfile."""
    document = as_json(data)
    if not isinstance(document.get("packages"), list):
        raise LockError("it has no list `packages`")
    draft, needs = Draft(path, "composer"), dict[str, list[str]]()
    for kind in ("packages", "packages-dev"):
        for package in rows(document.get(kind)):
            purl = _composer_package(draft, package, dev=kind == "packages-dev")
            needs.setdefault(purl, []).extend(name.lower() for name in table(package.get("require")))
    by_name = {package.name.lower(): purl for purl, package in draft.packages.items()}
    edges = {purl: [by_name[name] for name in names if name in by_name] for purl, names in needs.items()}
    data_ = beside("composer.json")
    manifest = as_json(data_) if data_ is not None else {}
    named = [name.lower() for kind in ("require", "require-dev") for name in table(manifest.get(kind))]
    return draft.lock(
        "composer",
        edges=edges,
        direct=[by_name[name] for name in named if name in by_name],
        name=text(manifest.get("name")),
        version=text(manifest.get("version")),
    )


def _composer_package(draft: Draft, package: Mapping[str, Any], *, dev: bool) -> str:
    """One package; several licences are a choice (Composer's documentation, "license")."""
    dist, origin = table(package.get("dist")), table(package.get("source"))
    said = package.get("license")
    licence = " OR ".join(words(said)) if isinstance(said, list) else text(said)
    local = dist.get("type") == "path"
    where = text(dist.get("url")) or text(origin.get("url"))
    return draft.add(
        text(package.get("name")).lower(),
        text(package.get("version")),
        licence=licence or None,
        hashes=hashes_of(dist.get("shasum")) or _commit(dist.get("reference")),
        dev=dev,
        source=source_of(where) if local else "registry",
        where=where,
    )


def _commit(reference: object) -> tuple[str, ...]:
    """The commit that an archive is made of, where the lockfile has no hash of the archive."""
    found = text(reference)
    return (f"git:{found}",) if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", found) else ()
