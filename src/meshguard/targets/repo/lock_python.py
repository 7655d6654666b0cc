"""poetry.lock, pdm.lock, pylock.toml (PEP 751) and Pipfile.lock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from meshguard.targets.repo.lock_draft import Draft
from meshguard.targets.repo.lock_models import Lock, Source
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

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def canonical(name: str) -> str:
    """The name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def required(requirements: Iterable[str]) -> set[str]:
    """The names in requirements such as `httpx[http2]>=0.28; python_version > "3"`."""
    return {canonical(match[1]) for one in requirements if (match := _NAME.match(one))}


def parse_poetry(path: str, data: bytes, beside: Beside) -> Lock:
    """The packages of Poetry's lockfile."""
    document = as_toml(data)
    metadata = table(document.get("metadata"))
    if "package" in document and not isinstance(document["package"], list):
        raise LockError("its `package` is no list")
    if not metadata:
        raise LockError("it has no `metadata`")
    files = table(metadata.get("files"))
    draft, needs = Draft(path, "pypi"), dict[str, set[str]]()
    for package in rows(document.get("package")):
        name = text(package.get("name"))
        listed = rows(package.get("files")) or rows(files.get(name))
        purl = draft.add(
            name,
            text(package.get("version")),
            hashes=hashes_of(*(file.get("hash") for file in listed)),
            dev=_is_dev(package),
            **_source(table(package.get("source"))),
        )
        needs.setdefault(purl, set()).update(map(canonical, table(package.get("dependencies"))))
    version = text(metadata.get("lock-version"))
    return _lock(draft, f"poetry {version}".strip(), needs, beside)


def _is_dev(package: Mapping[str, Any]) -> bool:
    groups = words(package.get("groups"))
    if groups:
        return not {"main", "default"} & set(groups)
    return package.get("category") == "dev"


def _source(said: Mapping[str, Any]) -> dict[str, Any]:
    kinds: dict[str, Source] = {"git": "git", "url": "url", "file": "path", "directory": "path"}
    kind = kinds.get(text(said.get("type")), "registry")
    url, commit = text(said.get("url")), text(said.get("resolved_reference"))
    return {"source": kind, "where": f"git+{url}@{commit}" if kind == "git" else url}


def parse_pdm(path: str, data: bytes, beside: Beside) -> Lock:
    """The packages of PDM's lockfile."""
    document = as_toml(data)
    metadata = table(document.get("metadata"))
    if not metadata:
        raise LockError("it has no `metadata`")
    files = table(metadata.get("files"))
    draft, needs = Draft(path, "pypi"), dict[str, set[str]]()
    for package in rows(document.get("package")):
        name, version = text(package.get("name")), text(package.get("version"))
        listed = rows(package.get("files")) or rows(files.get(f"{name} {version}"))
        git, url, local = (text(package.get(key)) for key in ("git", "url", "path"))
        kinds: list[tuple[Source, str]] = [("git", git), ("url", url), ("path", local)]
        source, where = next(((kind, said) for kind, said in kinds if said), ("registry", ""))
        purl = draft.add(
            name, version, hashes=hashes_of(*(file.get("hash") for file in listed)), dev=_is_dev(package),
            source=source, where=where,
        )  # fmt: skip
        needs.setdefault(purl, set()).update(required(words(package.get("dependencies"))))
    return _lock(draft, f"pdm {text(metadata.get('lock_version'))}".strip(), needs, beside)


def parse_pylock(path: str, data: bytes, beside: Beside) -> Lock:
    """The packages of a pylock.toml (PEP 751)."""
    document = as_toml(data)
    version = text(document.get("lock-version"))
    if version.partition(".")[0] != "1":
        raise LockError(f"its lock-version is {version!r:.40}; 1 is read")
    draft, needs = Draft(path, "pypi"), dict[str, set[str]]()
    for package in rows(document.get("packages")):
        archives = [table(package.get("sdist")), table(package.get("archive")), *rows(package.get("wheels"))]
        said = [f"{kind}:{value}" for one in archives for kind, value in table(one.get("hashes")).items()]
        source, where = _pylock_source(package)
        number = text(package.get("version")) or text(table(package.get("vcs")).get("commit-id"))
        purl = draft.add(text(package.get("name")), number, hashes=hashes_of(*said), source=source, where=where)
        named = {canonical(text(one.get("name"))) for one in rows(package.get("dependencies"))}
        needs.setdefault(purl, set()).update(named)
    return _lock(draft, f"pylock {version}", needs, beside)


def _pylock_source(package: Mapping[str, Any]) -> tuple[Source, str]:
    for key, kind in (("vcs", "git"), ("archive", "url"), ("directory", "path")):
        said = table(package.get(key))
        if said:
            where = text(said.get("url")) or text(said.get("path"))
            return ("git" if kind == "git" else source_of(where)), where
    return "registry", ""


def parse_pipfile(path: str, data: bytes, beside: Beside) -> Lock:
    """The packages of Pipenv's lockfile, which does not say what needs what."""
    del beside
    document = as_json(data)
    if "_meta" not in document:
        raise LockError("it has no `_meta`")
    draft = Draft(path, "pypi")
    groups = [key for key in document if key != "_meta"]
    for group in groups:
        for name, value in table(document[group]).items():
            _pipfile_package(draft, name, table(value), dev=group == "develop")
    return draft.lock(f"Pipfile {table(document['_meta']).get('pipfile-spec', '')}".strip())


def _pipfile_package(draft: Draft, name: str, said: Mapping[str, Any], *, dev: bool) -> None:
    git, local = text(said.get("git")), text(said.get("path")) or text(said.get("file"))
    version = text(said.get("version")).removeprefix("==").removeprefix("=") or text(said.get("ref"))
    if local in (".", "./"):
        return  # the repository's own package
    source: Source = "git" if git else source_of(local) if local else "registry"
    where = f"git+{git}" if git else local
    hashes = hashes_of(*words(said.get("hashes")))
    draft.add(text(name), version, hashes=hashes, dev=dev, source=source, where=where)


def _lock(draft: Draft, format_: str, needs: Mapping[str, set[str]], beside: Beside) -> Lock:
    """Dependencies by name, joined to the versions that the lockfile has; of several versions, all."""
    by_name: dict[str, list[str]] = {}
    for purl, package in draft.packages.items():
        by_name.setdefault(canonical(package.name), []).append(purl)
    edges = {purl: [one for name in names for one in by_name.get(name, ())] for purl, names in needs.items()}
    named, project = manifest(beside)
    direct = [one for name in named for one in by_name.get(name, ())]
    if not named:
        needed = {one for found in edges.values() for one in found}
        direct = [purl for purl in draft.packages if purl not in needed]
    return draft.lock(format_, edges=edges, direct=direct, name=project[0], version=project[1])


def manifest(beside: Beside) -> tuple[set[str], tuple[str, str]]:
    """What the pyproject.toml beside a lockfile names, and the project's own name and version."""
    data = beside("pyproject.toml")
    if data is None:
        return set(), ("", "")
    document = as_toml(data)
    project, poetry = table(document.get("project")), table(table(document.get("tool")).get("poetry"))
    groups = [project.get("dependencies"), *table(project.get("optional-dependencies")).values()]
    groups += [*table(document.get("dependency-groups")).values()]
    named = required(one for group in groups for one in words(group))
    tables = [poetry.get("dependencies"), poetry.get("dev-dependencies")]
    tables += [table(group).get("dependencies") for group in table(poetry.get("group")).values()]
    named |= {canonical(name) for one in tables for name in table(one)} - {"python"}
    name = text(project.get("name")) or text(poetry.get("name"))
    return named, (name, text(project.get("version")) or text(poetry.get("version")))
