"""uv.lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from meshguard.targets.repo.lock_draft import Draft
from meshguard.targets.repo.lock_models import Lock, Source
from meshguard.targets.repo.lock_read import Beside, LockError, as_toml, hashes_of, rows, table, text

OWN = ("editable", "virtual", "directory")
"""Sources of the repository's own packages; `directory` is one where it lies inside."""
Index = Mapping[str, list[tuple[str, str]]]
"""Name -> version and purl of each of its versions."""


def parse_uv(path: str, data: bytes, beside: Beside) -> Lock:
    """The packages of uv's lockfile."""
    del beside
    document = as_toml(data)
    version = document.get("version")
    if version != 1:
        raise LockError(f"its version is {version!r:.40}; 1 is read")
    packages = rows(document.get("package"))
    own = [one for one in packages if _is_own(one)]
    others = [one for one in packages if not _is_own(one)]
    draft, index = Draft(path, "pypi"), dict[str, list[tuple[str, str]]]()
    for package in others:
        purl = _added(draft, package)
        index.setdefault(text(package.get("name")), []).append((text(package.get("version")), purl))
    ours = {text(one.get("name")) for one in own}
    edges: dict[str, list[str]] = {}
    for package in others:
        versions = index[text(package.get("name"))]
        here = next(one for number, one in versions if number == text(package.get("version")))
        edges[here] = list(_needs(draft, index, ours, package, dev=False))
    production = [purl for one in own for purl in _needs(draft, index, ours, one, dev=False)]
    dev = [purl for one in own for purl in _needs(draft, index, ours, one, dev=True)]
    root = own[0] if own else {}
    return draft.lock(
        f"uv {version}",
        edges=edges,
        direct=[*production, *dev],
        production=production if own else None,
        name=text(root.get("name")),
        version=text(root.get("version")),
    )


def _is_own(package: Mapping[str, Any]) -> bool:
    source = table(package.get("source"))
    said = next((text(source[key]) for key in OWN if key in source), None)
    return said is not None and not said.startswith(("../", "/"))


def _added(draft: Draft, package: Mapping[str, Any]) -> str:
    archives = [table(package.get("sdist")), *rows(package.get("wheels"))]
    said = table(package.get("source"))
    kinds: dict[str, Source] = {"git": "git", "url": "url", "path": "path", "directory": "path", "editable": "path"}
    kind = next((key for key in kinds if key in said), "registry")
    where = text(said.get(kind))
    return draft.add(
        text(package.get("name")),
        text(package.get("version")) or (where.partition("#")[2] if kind == "git" else ""),
        hashes=hashes_of(*(one.get("hash") for one in archives)),
        source=kinds.get(kind, "registry"),
        where=f"git+{where}" if kind == "git" else where,
    )


def _needs(draft: Draft, index: Index, ours: set[str], package: Mapping[str, Any], *, dev: bool) -> Iterator[str]:
    groups = table(package.get("dev-dependencies")).values() if dev else [package.get("dependencies")]
    optional = [] if dev else [*table(package.get("optional-dependencies")).values()]
    for need in (one for group in (*groups, *optional) for one in rows(group)):
        name, version = text(need.get("name")), text(need.get("version"))
        found = [purl for number, purl in index.get(name, ()) if version in ("", number)]
        if not found and name not in ours:
            draft.problem(f"{text(package.get('name'))} needs {name}, which the lockfile does not hold")
        yield from found
