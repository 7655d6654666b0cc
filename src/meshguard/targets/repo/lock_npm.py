"""package-lock.json and npm-shrinkwrap.json, versions 1 to 3."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from meshguard.targets.repo.lock_draft import Draft
from meshguard.targets.repo.lock_models import Lock
from meshguard.targets.repo.lock_read import Beside, LockError, as_json, hashes_of, source_of, table, text

Entries = Mapping[str, Mapping[str, Any]]
"""By folder from the lockfile's: "" is the repository itself, `node_modules/a/node_modules/b` a package."""

INSTALLED = "node_modules/"
REGISTRY_PATH = re.compile(r"/-/|/download/@[^/]+/[^/]+/\d")
"""What stands in the URL of an archive of an npm registry, and of one of GitHub's packages."""
OWN_KINDS = ("dependencies", "optionalDependencies", "peerDependencies", "devDependencies")
NEEDED_KINDS = ("dependencies", "optionalDependencies", "peerDependencies")


def parse_npm(path: str, data: bytes, beside: Beside) -> Lock:
    """The packages of npm's lockfile."""
    document = as_json(data)
    version = document.get("lockfileVersion")
    if version in (2, 3):
        entries: Entries = {key: table(value) for key, value in table(document.get("packages")).items()}
        if "" not in entries:
            raise LockError("it has no `packages` with the entry of the repository itself")
    elif version == 1:
        entries = _of_version_1(document, _manifest(beside))
    else:
        raise LockError(f"its lockfileVersion is {version!r:.40}; 1 to 3 are read")
    draft = Draft(path, "npm")
    _hold_against(draft, entries[""], _manifest(beside))
    return _lock(draft, version, entries)


def _hold_against(draft: Draft, root: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    """A package.json that was changed afterwards: what will be installed is not what the lockfile says."""
    for kind in OWN_KINDS if manifest else ():
        said, known = table(manifest.get(kind)), table(root.get(kind))
        for name in sorted({*said, *known}):
            if said.get(name) != known.get(name):
                draft.problem(f"package.json has another range for {name} than the lockfile was made from")


def _manifest(beside: Beside) -> dict[str, Any]:
    data = beside("package.json")
    return as_json(data) if data is not None else {}


def _of_version_1(document: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The nested form of npm 5 and 6 in the flat form of later ones."""
    entries: dict[str, Mapping[str, Any]] = {
        "": {**{kind: table(manifest.get(kind)) for kind in OWN_KINDS}, "name": document.get("name")}
    }
    todo = [("", table(document.get("dependencies")))]
    while todo:
        folder, packages = todo.pop()
        for name, value in packages.items():
            entry = table(value)
            at = f"{folder}{INSTALLED}{name}"
            entries[at] = {**entry, "dependencies": table(entry.get("requires"))}
            todo.append((f"{at}/", table(entry.get("dependencies"))))
    return entries


def _lock(draft: Draft, version: int, entries: Entries) -> Lock:
    purls = {at: _added(draft, at, entry) for at, entry in entries.items() if _is_package(at, entry)}
    edges: dict[str, list[str]] = {}
    direct: set[str] = set()
    for at, entry in entries.items():
        if entry.get("link") is True:
            continue
        own = at not in purls
        found = [purls[to] for to in _needs(draft, entries, at, entry, own=own) if to in purls]
        if own:
            direct.update(found)
        else:
            edges.setdefault(purls[at], []).extend(found)
    root = entries[""]
    return draft.lock(
        f"package-lock {version}",
        edges=edges,
        direct=direct,
        own=[(text(one.get("name")), text(one.get("version"))) for at, one in entries.items() if at not in purls],
        name=text(root.get("name")),
        version=text(root.get("version")),
    )


def _is_package(at: str, entry: Mapping[str, Any]) -> bool:
    """Not the repository itself, its workspaces, or links to them."""
    return INSTALLED in at and entry.get("link") is not True


def _added(draft: Draft, at: str, entry: Mapping[str, Any]) -> str:
    name = text(entry.get("name")) or text(at.rpartition(INSTALLED)[2])
    version, resolved = text(entry.get("version")), text(entry.get("resolved"))
    if ":" in version:  # version 1 says here where a package comes from, where that is no registry
        resolved, version = resolved or version, version.partition("#")[2] or version
        if resolved.startswith("npm:"):
            name, _, version = resolved.removeprefix("npm:").rpartition("@")
    source = "registry" if not resolved or resolved.startswith("npm:") else source_of(resolved)
    if source == "url" and REGISTRY_PATH.search(resolved):
        source = "registry"
    return draft.add(
        name,
        version,
        licence=licence_in(entry),
        hashes=hashes_of(entry.get("integrity")),
        dev=entry.get("dev") is True,
        optional=entry.get("optional") is True or entry.get("devOptional") is True,
        source=source,
        where=resolved,
    )


def licence_in(entry: Mapping[str, Any]) -> str | None:
    """The licence as one text: old packages give an object, or a list of which any may be chosen."""
    said = entry.get("license", entry.get("licenses"))
    several = said if isinstance(said, list) else [said]
    found = [text(table(one).get("type")) or text(one) for one in several]
    return " OR ".join(one for one in found if one) or None


def _needs(draft: Draft, entries: Entries, at: str, entry: Mapping[str, Any], *, own: bool) -> Iterator[str]:
    optional = {*table(entry.get("optionalDependencies")), *table(entry.get("peerDependencies"))}
    for kind in OWN_KINDS if own else NEEDED_KINDS:
        for name in table(entry.get(kind)):
            found = _resolved(entries, at, name)
            if found is not None:
                yield found
            elif name not in optional:
                draft.problem(f"{at or 'the repository'} needs {name}, which the lockfile does not hold")


def _resolved(entries: Entries, at: str, name: str) -> str | None:
    """Where Node finds `name` from a folder: in the nearest `node_modules` on the way up, through links."""
    while True:
        found = f"{at}/{INSTALLED}{name}" if at else f"{INSTALLED}{name}"
        if found in entries:
            linked = entries[found]
            return text(linked.get("resolved")) if linked.get("link") is True else found
        if not at:
            return None
        at = at.rpartition("/")[0]
