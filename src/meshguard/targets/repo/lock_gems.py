"""Gemfile.lock of Bundler."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from meshguard.targets.repo.lock_draft import Draft
from meshguard.targets.repo.lock_models import Lock, Source
from meshguard.targets.repo.lock_read import Beside, LockError, as_text, hashes_of

_SPEC = re.compile(r"    (\S+) \(([^)]+)\)")
_NEED = re.compile(r"      (\S+?)!?(?: \(.*\))?")
_DIRECT = re.compile(r"  (\S+?)!?(?: \(.*\))?")
_CHECKSUM = re.compile(r"  (\S+) \(([^)]+)\)(?: (\S+))?")
_FIELD = re.compile(r"  (remote|revision): (\S+)")
SECTIONS: dict[str, Source] = {"GEM": "registry", "GIT": "git", "PATH": "path", "PLUGIN SOURCE": "registry"}


@dataclass
class _Read:
    """What was read so far."""

    draft: Draft
    section: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    current: str = ""
    found: list[tuple[str, str, Source, str]] = field(default_factory=list)
    needs: dict[str, list[str]] = field(default_factory=dict)
    direct: list[str] = field(default_factory=list)
    sums: dict[tuple[str, str], str] = field(default_factory=dict)


def parse_gems(path: str, data: bytes, beside: Beside) -> Lock:
    """The gems of Bundler's lockfile; those of a path are the repository's own."""
    del beside
    read = _Read(Draft(path, "gem"))
    for number, line in enumerate(as_text(data).splitlines(), 1):
        if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
            raise LockError(f"line {number} is the mark of a conflict in a merge")
        if line and not line.startswith(" "):
            read.section, read.fields, read.current = line.strip(), {}, ""
        elif line.strip():
            _line(read, line)
    if not read.found and "GEM" not in as_text(data):
        raise LockError("it has no section GEM")
    return _lock(read)


def _line(read: _Read, line: str) -> None:
    if read.section in SECTIONS:
        _source_line(read, line)
    elif read.section == "DEPENDENCIES" and (match := _DIRECT.fullmatch(line)):
        read.direct.append(match[1])
    elif read.section == "CHECKSUMS" and (match := _CHECKSUM.fullmatch(line)):
        read.sums[match[1], match[2]] = match[3] or ""


def _source_line(read: _Read, line: str) -> None:
    if match := _FIELD.fullmatch(line):
        read.fields[match[1]] = match[2]
    elif match := _SPEC.fullmatch(line):
        where = read.fields.get("remote", "")
        if revision := read.fields.get("revision"):
            where = f"git+{where}@{revision}"
        read.current = match[1]
        read.found.append((match[1], match[2], SECTIONS[read.section], where))
    elif (match := _NEED.fullmatch(line)) and read.current:
        read.needs.setdefault(read.current, []).append(match[1])
    elif line.startswith("    "):
        read.draft.problem(f"a line of the section {read.section} cannot be read")


def _lock(read: _Read) -> Lock:
    """Gems by name; one for several platforms stands several times."""
    by_name: dict[str, list[str]] = {}
    own: set[str] = set()
    for name, version, source, where in read.found:
        if source == "path":
            own.add(name)
            continue
        hashes = hashes_of(read.sums.get((name, version)))
        by_name.setdefault(name, []).append(read.draft.add(name, version, hashes=hashes, source=source, where=where))
    edges: dict[str, list[str]] = {}
    direct = [purl for name in read.direct for purl in by_name.get(name, ())]
    for name, needs in read.needs.items():
        found = [purl for need in needs for purl in by_name.get(need, ())]
        direct += found if name in own else []
        for purl in by_name.get(name, ()):
            edges.setdefault(purl, []).extend(found)
    return read.draft.lock("Gemfile", edges=edges, direct=direct)
