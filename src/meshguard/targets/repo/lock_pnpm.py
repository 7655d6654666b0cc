"""pnpm-lock.yaml, versions 5, 6 and 9."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from meshguard.targets.repo.lock_draft import Draft
from meshguard.targets.repo.lock_models import Lock
from meshguard.targets.repo.lock_read import Beside, LockError, as_yaml, hashes_of, source_of, table, text

PRODUCTION = ("dependencies", "optionalDependencies")
OWN_KINDS = (*PRODUCTION, "devDependencies")
_PEERS = re.compile(r"\(.*$")
_OLD_KEY = re.compile(r"/?((?:@[^/]+/)?[^/@]+)/(\d[^/_(]*)")
"""`/name/1.0.0_peer@2.0.0`, as version 5 writes it."""


def parse_pnpm(path: str, data: bytes, beside: Beside) -> Lock:
    """The packages of pnpm's lockfile; later versions put what pnpm itself needs into a document of its own."""
    del beside
    documents = [table(one) for one in as_yaml(data)]
    version = next((text(one.get("lockfileVersion")) for one in documents), "")
    major = version.partition(".")[0]
    if major not in ("5", "6", "9"):
        raise LockError(f"its lockfileVersion is {version!r:.40}; 5, 6 and 9 are read")
    draft, edges, direct, production = Draft(path, "npm"), dict[str, list[str]](), list[str](), list[str]()
    for document in documents:
        known = {key: _added(draft, key, table(value)) for key, value in table(document.get("packages")).items()}
        for key, value in {**table(document.get("packages")), **table(document.get("snapshots"))}.items():
            purl = _named(known, key)
            if purl:
                found = [one for kind in PRODUCTION for one in _needs(draft, known, table(value).get(kind), key)]
                edges.setdefault(purl, []).extend(found)
        for kind, purls in _own(draft, known, document):
            direct += purls
            production += purls if kind in PRODUCTION else []
    return draft.lock(f"pnpm {version}", edges=edges, direct=direct, production=production)


def _own(draft: Draft, known: Mapping[str, str], document: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """What the repository's own packages name, by kind: of one package at the top, of several under `importers`."""
    for folder, importer in (table(document.get("importers")) or {".": document}).items():
        for kind in (*OWN_KINDS, "configDependencies", "packageManagerDependencies"):
            yield kind, list(_needs(draft, known, table(importer).get(kind), f"the package in {folder}"))


def _needs(draft: Draft, known: Mapping[str, str], needs: object, who: str) -> Iterable[str]:
    for name, value in table(needs).items():
        wanted = text(value) or text(table(value).get("version"))
        if wanted.startswith(("link:", "workspace:", "file:.")):
            continue
        purl = next((one for key in _keys(name, wanted) if (one := _named(known, key)) is not None), None)
        if purl is None:
            draft.problem(f"{who} needs {name} {wanted}, which the lockfile does not hold")
        elif purl:
            yield purl


def _keys(name: str, wanted: str) -> tuple[str, ...]:
    """How `packages` may name what a dependency means: `name@version`, `/name@version`, `/name/version`, or whole."""
    return (f"{name}@{wanted}", f"/{name}@{wanted}", f"/{name}/{wanted}", wanted, f"/{wanted}")


def _named(known: Mapping[str, str], key: str) -> str | None:
    """The purl under a key, with the peers that are part of it or without; None where there is none."""
    return known.get(key, known.get(_PEERS.sub("", key)))


def _added(draft: Draft, key: str, entry: Mapping[str, Any]) -> str:
    resolution = table(entry.get("resolution"))
    if resolution.get("type") == "directory":
        return ""  # the repository's own package
    name, version = _split(_PEERS.sub("", key))
    name, version = text(entry.get("name")) or name, text(entry.get("version")) or version
    where = text(resolution.get("tarball")) or text(resolution.get("repo")) or text(resolution.get("directory"))
    source = source_of(where) if where and not re.search(r"/-/[^/]+\.tgz$", where) else "registry"
    if resolution.get("type") == "git":
        source, version = "git", text(entry.get("version")) or text(resolution.get("commit"))
    if where and "://" in version:
        version = text(entry.get("version")) or where.rpartition("/")[2]
    return draft.add(
        name, version, hashes=hashes_of(resolution.get("integrity")), source=source, where=where, dev=_dev(entry)
    )


def _dev(entry: Mapping[str, Any]) -> bool:
    return entry.get("dev") == "true"


def _split(key: str) -> tuple[str, str]:
    """Name and version of a key of any version of the format."""
    old = _OLD_KEY.match(key)
    if old is not None:
        return old[1], old[2]
    key = key.removeprefix("/")
    name, at, version = key[1:].partition("@")
    return (key[:1] + name, version) if at else (key, "")
