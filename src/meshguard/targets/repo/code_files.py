"""Source files of a checkout: which there are, what could not be read, and the scripts in markup."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from meshguard.errors import NotObserved
from meshguard.fact import LeftOut, Unread
from meshguard.targets.repo.packages import read_inside
from meshguard.targets.repo.walk import Left, walk
from meshguard.values import encodable

MAX_SOURCE_BYTES = 4_000_000
SCRIPTS = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"})
MARKUP = frozenset({".vue", ".svelte", ".html", ".htm", ".astro"})
TYPES = re.compile(r"\.d\.[cm]?ts$")
"""Files of TypeScript that hold types and no code."""
HARMLESS = frozenset({"excluded by the deployment", "installed packages"})
INSIDE = "another repository in it"
LINK = "a link, which is not followed"


@dataclass
class SourceLeft(Left):
    """What is left out, with every path that matters, not only the first ones."""

    suffixes: Collection[str] = ()
    every: list[tuple[str, str]] = field(default_factory=list)

    def add(self, why: str, path: str) -> None:
        """One more path left out; a file of another kind does not matter, and a folder does."""
        super().add(why, path)
        suffix = posixpath.splitext(path)[1].lower()
        if why not in HARMLESS and (suffix in self.suffixes or why not in (LINK, "neither file nor folder")):
            self.every.append((why, path))


@dataclass
class Sources:
    """The source files of some kinds."""

    paths: list[str] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    excluded: int = 0

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What the deployment excludes."""
        return (LeftOut(filter="exclude", count=self.excluded),) if self.excluded else ()


def sources(root: Path, exclude: Sequence[str], suffixes: Collection[str]) -> Sources:
    """The files with these endings; what would belong to them and cannot be looked at is unread."""
    left = SourceLeft(suffixes=suffixes)
    found = Sources()
    for entry in walk(root, exclude, left):
        if posixpath.splitext(entry.name)[1].lower() in suffixes and not TYPES.search(entry.name):
            found.paths.append(entry.path)
    found.excluded = left.found.get("excluded by the deployment", (0, []))[0]
    for why, path in left.every:
        if why == LINK and _leads_inside(root, path):
            continue
        fix = "name it as a target of its own, and `exclude` it here" if why == INSIDE else "make it readable"
        fix = "put the file where the link is, or `exclude` it" if why == LINK else fix
        found.unread.append(Unread(resource=encodable(path), reason=f"it was not looked at: {why}", fix=fix))
    return found


def _leads_inside(root: Path, path: str) -> bool:
    """Whether a link leads to a file that is looked at where it stands."""
    try:
        return (root / path).resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return True  # it leads nowhere, so there is nothing to look at


def each(root: Path, found: Sources, words: re.Pattern[bytes]) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file that holds one of the words; what cannot be read becomes unread."""
    for path in found.paths:
        try:
            data = read_inside(root, path, MAX_SOURCE_BYTES)
        except NotObserved as fault:
            found.unread.append(Unread(resource=encodable(path), kind=fault.kind, reason=fault.reason, fix=fault.fix))
            continue
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            data = data.decode("utf-16", "replace").encode()
        if words.search(data):
            yield path, data


@dataclass(frozen=True)
class Script:
    """A script in a file, and the line that stands before it."""

    text: bytes
    before: int
    suffix: str


class _Markup(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[Script] = []
        self._suffix = ""
        self._before = 0
        self._pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "script" and "json" not in (said.get("type") or ""):
            language = (said.get("lang") or "").lower()
            self._suffix = {"ts": ".ts", "typescript": ".ts", "tsx": ".tsx"}.get(language, ".js")
            self._pieces = []
        for name, value in attrs:
            if value and name.startswith(("on", "@", "v-on:", "(")):
                handler = value.strip().removeprefix("{").removesuffix("}")
                self.scripts.append(Script(handler.encode("utf-8", "replace"), self.getpos()[0] - 1, ".ts"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._suffix:
            text = "".join(self._pieces).encode("utf-8", "replace")
            self.scripts.append(Script(text, self._before, self._suffix))
            self._suffix = ""

    def handle_data(self, data: str) -> None:
        if self._suffix:
            self._before = self._before if self._pieces else self.getpos()[0] - 1
            self._pieces.append(data)  # it comes in pieces where it holds "</"


def scripts_in(path: str, data: bytes) -> list[Script]:
    """The scripts of a file: itself, or those of a page or component with the handlers in its markup.

    Raises:
        ValueError: its markup cannot be read.
    """
    suffix = posixpath.splitext(path)[1].lower()
    if suffix in SCRIPTS:
        return [Script(data, 0, suffix)]
    parser = _Markup()
    try:
        parser.feed(data.decode("utf-8", "replace"))
        parser.close()
        parser.handle_endtag("script")
    except (AssertionError, RecursionError):  # the parser's own words for markup that is beyond it
        raise ValueError("its markup cannot be read") from None
    return parser.scripts


def outside(data: bytes, scripts: Sequence[Script], words: re.Pattern[bytes]) -> bool:
    """Whether one of the words stands outside of the scripts that were found."""
    inside = sum(len(words.findall(script.text)) for script in scripts)
    return len(words.findall(data)) > inside
