"""Bytes of a lockfile to plain values, whatever they hold."""

from __future__ import annotations

import base64
import binascii
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import yaml
from packageurl import PackageURL

from meshguard.targets.repo.lock_models import Source
from meshguard.values import encodable

Beside = Callable[[str], bytes | None]
"""Reads a file by its path from the lockfile's folder; None where it is not there or may not be read."""

MAX_DEPTH = 100
MAX_TEXT = 2_000
"""Characters of a name, a version, a URL."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HEX_LENGTHS = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}


class LockError(ValueError):
    """The file is no lockfile of its kind; the text says why, in one line and without its content."""


def nothing_beside(name: str) -> None:
    """There is no other file."""
    del name


def as_text(data: bytes) -> str:
    """The bytes as UTF-8, with or without a byte order mark."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise LockError(f"byte {fault.start} is not UTF-8") from None


def as_json(data: bytes) -> dict[str, Any]:
    """A JSON object; a key that stands twice is refused, as readers differ on which counts."""
    try:
        found = json.loads(as_text(data), object_pairs_hook=_once, parse_constant=_no_number)
    except LockError:
        raise
    except RecursionError:
        raise LockError("it nests too deep") from None
    except ValueError as fault:
        raise LockError(f"it is not valid JSON: {_line(fault)}") from None
    return _object(found)


def as_toml(data: bytes) -> dict[str, Any]:
    """A TOML document."""
    try:
        return tomllib.loads(as_text(data))
    except LockError:
        raise
    except RecursionError:
        raise LockError("it nests too deep") from None
    except ValueError as fault:
        raise LockError(f"it is not valid TOML: {_line(fault)}") from None


def as_yaml(data: bytes) -> list[Any]:
    """The documents of a YAML file, every scalar as the text that stands there.

    Built from events, with no recursion. Refused: aliases (no package manager writes them), a key that stands twice,
    a key that is not text.
    """
    try:
        return _documents(yaml.parse(as_text(data), Loader=_LOADER))
    except yaml.YAMLError as fault:
        raise LockError(f"it is not valid YAML: {_line(fault)}") from None


def _line(fault: Exception) -> str:
    mark = getattr(fault, "problem_mark", None)
    if mark is not None:
        return f"line {mark.line + 1}"
    number = getattr(fault, "lineno", None) or next(iter(re.findall(r"line (\d+)", str(fault))), None)
    otherwise = "it is cut off" if "end of document" in str(fault) else "a value that cannot be read"
    return f"line {number}" if number else otherwise


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise LockError("a key stands twice in one object")
    return found


def _no_number(text: str) -> NoReturn:
    raise LockError(f"it holds {text}, which is no number of JSON")


def _object(found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise LockError("it holds no object")
    return found


def _documents(events: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    open_: list[Any] = []
    key: str | None = None
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise LockError("it holds a YAML alias")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            value: Any = event.value if isinstance(event, yaml.ScalarEvent) else {}
            value = [] if isinstance(event, yaml.SequenceStartEvent) else value
            holder = open_[-1] if open_ else found
            if isinstance(holder, dict) and key is None:
                key = _key(value, holder)
                continue
            _put(holder, key, value)
            key = None
            if isinstance(event, yaml.CollectionStartEvent):
                open_.append(value)
                if len(open_) > MAX_DEPTH:
                    raise LockError("it nests too deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            open_.pop()
    return found


def _key(value: object, holder: Mapping[str, Any]) -> str:
    if not isinstance(value, str):
        raise LockError("it has a key that is not text")
    if value in holder:
        raise LockError("a key stands twice in one mapping")
    return value


def _put(holder: Any, key: str | None, value: object) -> None:
    if isinstance(holder, dict):
        holder[key] = value
    else:
        holder.append(value)


def table(value: object) -> dict[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[dict[str, Any]]:
    """The mappings in a list; empty for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def words(value: object) -> list[str]:
    """The texts in a list; empty for anything else."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def text(value: object) -> str:
    """The value where it is a text of bearable length, else an empty one."""
    return encodable(value.strip()) if isinstance(value, str) and len(value) <= MAX_TEXT else ""


def hashes_of(*said: object) -> tuple[str, ...]:
    """Hashes as `algorithm:hex`, from "sha512-base64" (W3C SRI), "sha256:hex", "sha256=hex" or bare hex."""
    found = [one for value in said if isinstance(value, str) for part in value.split() for one in _hash(part)]
    return tuple(dict.fromkeys(found))


def _hash(part: str) -> Iterable[str]:
    match = re.fullmatch(r"(?:(md5|sha1|sha256|sha384|sha512)[:=])?([0-9a-fA-F]+)", part)
    if match:
        algorithm = _HEX_LENGTHS.get(len(match[2]))
        if algorithm and match[1] in (None, algorithm):
            yield f"{algorithm}:{match[2].lower()}"
        return
    algorithm, dash, coded = part.partition("?")[0].partition("-")
    if not dash:
        return
    try:
        digest = base64.b64decode(coded, validate=True).hex()
    except (binascii.Error, ValueError):
        return
    if _HEX_LENGTHS.get(len(digest)) == algorithm:
        yield f"{algorithm}:{digest}"


def place(url: str) -> str:
    """A URL or path without user, password and query, where tokens stand."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return encodable(urlunsplit((parts.scheme, host, parts.path, "", parts.fragment)))[:MAX_TEXT]
    except ValueError:
        return ""


def source_of(url: str) -> Source:
    """What kind of place a URL or path names; the fetching registry is decided by who knows the format."""
    if re.match(r"git[+:@]|ssh:|github:|gitlab:|bitbucket:", url) or re.search(r"\.git(#|@|$)", url):
        return "git"
    if re.match(r"https?:", url):
        return "url"
    return "path"


def purl_of(kind: str, name: str, version: str, *, source: Source = "registry", where: str = "") -> str:
    """The package URL; what comes from elsewhere than a registry says from where (PURL specification, qualifiers)."""
    namespace, _, base = name.rpartition("/")
    if kind == "pypi":
        base = re.sub(r"[-_.]+", "-", base).lower()
    qualifier = {"git": "vcs_url", "url": "download_url"}.get(source)
    qualifiers = {qualifier: where} if qualifier and where else {}
    return PackageURL(kind, namespace or None, base, version or None, qualifiers).to_string()


def bare_purl(purl: str) -> str:
    """The package URL without qualifiers and subpath, in its canonical form; empty where it is none."""
    try:
        found = PackageURL.from_string(purl)
        return purl_of(found.type, f"{found.namespace or ''}/{found.name}".lstrip("/"), found.version or "")
    except ValueError:
        return ""
