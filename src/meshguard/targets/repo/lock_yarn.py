"""yarn.lock: the own grammar of version 1, and the YAML of later ones ("berry")."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from meshguard.targets.repo.lock_draft import Draft
from meshguard.targets.repo.lock_models import Lock
from meshguard.targets.repo.lock_read import (
    Beside,
    LockError,
    as_json,
    as_text,
    as_yaml,
    hashes_of,
    source_of,
    table,
    text,
)

REGISTRY = re.compile(r"/-/")
"""What stands in the URL of every archive of an npm registry."""
PRODUCTION = ("dependencies", "optionalDependencies", "peerDependencies")
LOCAL = ("link:", "file:", "portal:", "workspace:")
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|"|[^\s,"]+')


@dataclass
class Entry:
    """One entry of either form."""

    patterns: tuple[str, ...]
    """What asks for it: `name@range`."""
    fields: dict[str, Any]
    needs: dict[str, str] = field(default_factory=dict)


def parse_yarn(path: str, data: bytes, beside: Beside) -> Lock:
    """The packages of Yarn's lockfile."""
    if re.search(rb"(?m)^__metadata:", data):
        return _berry(path, data, beside)
    text_ = as_text(data)
    if "# yarn lockfile v1" not in text_[:2_000]:
        raise LockError("it says neither `# yarn lockfile v1` nor `__metadata`")
    return _classic(path, text_, beside)


def _classic(path: str, text_: str, beside: Beside) -> Lock:
    draft, entries = Draft(path, "npm"), list(_entries(text_))
    by_pattern, edges = {}, {}
    for entry in entries:
        name = _alias(entry.patterns[0])
        resolved = text(entry.fields.get("resolved"))
        url, _, sha1 = resolved.partition("#")
        purl = draft.add(
            name,
            text(entry.fields.get("version")),
            hashes=hashes_of(entry.fields.get("integrity")) or hashes_of(sha1),
            source="registry" if not resolved or REGISTRY.search(url) else source_of(resolved),
            where=url,
        )
        by_pattern.update(dict.fromkeys(entry.patterns, purl))
    for entry in entries:
        edges[by_pattern[entry.patterns[0]]] = list(_found(draft, entry.needs, by_pattern, entry.patterns[0]))
    manifest = _manifest(beside)
    roots = {kind: list(_roots(draft, manifest, kind, by_pattern)) for kind in (*PRODUCTION, "devDependencies")}
    production = [purl for kind in PRODUCTION for purl in roots[kind]]
    return draft.lock(
        "yarn 1",
        edges=edges,
        direct=[purl for found in roots.values() for purl in found],
        production=production if manifest and not manifest.get("workspaces") else None,
        name=text(manifest.get("name")),
        version=text(manifest.get("version")),
    )


def _manifest(beside: Beside) -> Mapping[str, Any]:
    data = beside("package.json")
    return as_json(data) if data is not None else {}


def _roots(draft: Draft, manifest: Mapping[str, Any], kind: str, by_pattern: Mapping[str, str]) -> Iterator[str]:
    """What the manifest names; a range that the lockfile does not have came later, or is of a workspace."""
    for name, wanted in table(manifest.get(kind)).items():
        if purl := by_pattern.get(f"{name}@{wanted}", ""):
            yield purl
        elif kind != "peerDependencies" and not manifest.get("workspaces") and not text(wanted).startswith(LOCAL):
            draft.problem(f"package.json names {name} in a range that the lockfile does not have")


def _found(draft: Draft, needs: Mapping[str, str], by_pattern: Mapping[str, str], who: str) -> Iterator[str]:
    for name, wanted in needs.items():
        purl = by_pattern.get(f"{name}@{wanted}", by_pattern.get(f"{name}@npm:{wanted}"))
        if purl is None:
            draft.problem(f"{who} needs {name}@{wanted}, which the lockfile does not hold")
        elif purl:
            yield purl


def _alias(pattern: str) -> str:
    """The package's own name: `name@range`, or `alias@npm:name@range`."""
    name, _, wanted = pattern[1:].partition("@")
    if wanted.startswith("npm:") and "@" in wanted[5:]:
        return wanted[4] + wanted[5:].partition("@")[0]
    return pattern[:1] + name


def _entries(text_: str) -> Iterator[Entry]:
    """The blocks of version 1: a line of patterns, then `key value` by two spaces, dependencies by four."""
    entry: Entry | None = None
    section = ""
    for number, line in enumerate(text_.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line.startswith(" ") and line.endswith(":"):
            if entry is not None:
                yield entry
            entry, section = Entry(tuple(_words(line, number)), {}), ""
            if not entry.patterns:
                raise LockError(f"line {number} names no package")
        elif entry is None:
            raise _alien(number)
        else:
            section = _inner(entry, section, line, number)
    if entry is not None:
        yield entry


def _words(line: str, number: int) -> list[str]:
    return [_bare(word, number) for word in _WORD.findall(line.removesuffix(":"))]


def _inner(entry: Entry, section: str, line: str, number: int) -> str:
    """Take in one line of an entry; the section that it stands in or opens."""
    indent, found = len(line) - len(line.lstrip(" ")), _words(line, number)
    if indent == 2 and len(found) == 1 and line.endswith(":"):
        return found[0]
    if indent == 2 and len(found) == 2:
        entry.fields[found[0]] = found[1]
        return ""
    if indent == 4 and len(found) == 2 and section:
        if section in ("dependencies", "optionalDependencies"):
            entry.needs[found[0]] = found[1]
        return section
    raise _alien(number)


def _alien(number: int) -> LockError:
    return LockError(f"line {number} is none of a lockfile of Yarn 1")


def _bare(word: str, number: int) -> str:
    if not word.startswith('"'):
        return word
    try:
        return str(json.loads(word))
    except ValueError:
        raise LockError(f"line {number} has a text that does not end") from None


def _berry(path: str, data: bytes, beside: Beside) -> Lock:
    documents = as_yaml(data)
    document = table(documents[0]) if documents else {}
    version = text(table(document.get("__metadata")).get("version"))
    draft, by_pattern, own = Draft(path, "npm"), dict[str, str](), []
    entries = []
    for key, value in document.items():
        if key == "__metadata":
            continue
        fields = table(value)
        entry = Entry(tuple(part.strip() for part in key.split(",")), fields, _needs(fields))
        if "@workspace:" in text(fields.get("resolution")):
            own.append(entry)
            continue
        entries.append(entry)
        by_pattern.update(dict.fromkeys(entry.patterns, _added(draft, entry)))
    known = {**by_pattern, **dict.fromkeys((pattern for one in own for pattern in one.patterns), "")}
    edges = {by_pattern[one.patterns[0]]: list(_found(draft, one.needs, known, one.patterns[0])) for one in entries}
    direct = [purl for one in own for purl in _found(draft, one.needs, known, one.patterns[0])]
    manifest = _manifest(beside)
    only = len(own) == 1 and bool(manifest)
    wanted = {name for kind in PRODUCTION for name in table(manifest.get(kind))}
    production = [purl for one in own for purl in _found(draft, _only(one.needs, wanted), known, one.patterns[0])]
    return draft.lock(
        f"yarn berry {version}",
        edges=edges,
        direct=direct,
        production=production if only else None,
        name=text(manifest.get("name")),
        version=text(manifest.get("version")),
    )


def _only(needs: Mapping[str, str], names: set[str]) -> dict[str, str]:
    return {name: wanted for name, wanted in needs.items() if name in names}


def _needs(fields: Mapping[str, Any]) -> dict[str, str]:
    """What it needs. Peers are not among them: Yarn lists ranges that no pattern answers to."""
    return {name: text(wanted) for name, wanted in table(fields.get("dependencies")).items()}


def _added(draft: Draft, entry: Entry) -> str:
    """One package. Its checksum is that of the archive which Yarn makes of it, not of the package as published."""
    resolution = text(entry.fields.get("resolution"))
    name, _, place = resolution[1:].partition("@")
    kind = place.partition(":")[0]
    if kind == "patch":  # `name@patch:name@npm%3A1.0.0#...`: the package with the repository's own changes
        kind = "npm"
    source = "registry" if kind in ("npm", "virtual") else source_of(place)
    version = text(entry.fields.get("version"))
    checksum = text(entry.fields.get("checksum")).rpartition("/")[2]
    hashes = (f"yarn:{checksum}",) if checksum else ()
    where = place if source != "registry" else ""
    return draft.add(resolution[:1] + name, version, hashes=hashes, source=source, where=where)
