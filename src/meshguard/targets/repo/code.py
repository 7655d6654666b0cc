"""Facts of a repository's own source code: what it keeps in the browser, and the SQL that it builds."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from meshguard.fact import Listing, Unread, fact
from meshguard.target import in_thread
from meshguard.targets.repo import code_sql, code_storage
from meshguard.targets.repo.base import RepoBase
from meshguard.targets.repo.code_files import MARKUP, SCRIPTS, Sources, each, outside, scripts_in, sources
from meshguard.targets.repo.code_js import Source
from meshguard.targets.repo.code_models import ALL_FILES, SqlFile, SqlPlace, StorageFile, StorageUse
from meshguard.targets.repo.code_python import WORDS as PYTHON_WORDS
from meshguard.targets.repo.code_python import parse_python, python_places
from meshguard.values import encodable

OTHER_LANGUAGES = {
    ".go": "Go", ".java": "Java", ".kt": "Kotlin", ".cs": "C#", ".php": "PHP", ".rb": "Ruby", ".scala": "Scala",
    ".rs": "Rust", ".ex": "Elixir", ".exs": "Elixir", ".pl": "Perl", ".groovy": "Groovy", ".vb": "Visual Basic",
}  # fmt: skip
SQL_TEXT = re.compile(
    rb"(?i)\bselect\b[^;]{1,300}\bfrom\b|\binsert\s+into\b|\bupdate\b[^;]{1,100}\bset\b|\bdelete\s+from\b"
)
MAX_PLACES = 50
FIX = "see whether `exclude` of the target hides it"


class CodeFacts(RepoBase):
    """The source code of a checkout."""

    @fact
    async def storage_files(self) -> Listing[StorageFile]:
        """Scripts, components and pages that write to the browser's storage; the others together as one."""
        return await in_thread(storage_listing, self.settings.path, self.settings.exclude)

    @fact
    async def sql_files(self) -> Listing[SqlFile]:
        """Files that run SQL which is built from parts; the others together as one."""
        return await in_thread(sql_listing, self.settings.path, self.settings.exclude)


def storage_listing(root: Path, exclude: Sequence[str]) -> Listing[StorageFile]:
    """What a checkout writes to the browser's storage."""
    found = sources(root, exclude, SCRIPTS | MARKUP)
    items: list[StorageFile] = []
    for path, data in each(root, found, code_storage.WORDS):
        uses, problem = storage_in(path, data)
        if uses or problem:
            items.append(StorageFile(path=encodable(path), uses=tuple(uses[:MAX_PLACES]), problem=problem))
    if found.paths:
        items.append(StorageFile(path=ALL_FILES, files=len(found.paths)))
    return Listing(items=tuple(items), unread=tuple(found.unread), left_out=found.left_out, fix=FIX)


def storage_in(path: str, data: bytes) -> tuple[list[StorageUse], str]:
    """What one file writes to the browser's storage, and why it was not wholly understood."""
    uses: list[StorageUse] = []
    problem = ""
    try:
        scripts = scripts_in(path, data)
    except ValueError as fault:
        return [], str(fault)
    for script in scripts:
        if code_storage.WORDS.search(script.text):
            try:
                source = Source(script.text, script.suffix)
            except ValueError as fault:
                return uses, str(fault)
            found = code_storage.storage_uses(source)
            uses += [use.model_copy(update={"line": use.line + script.before}) for use in found]
            problem = problem or source.problem
    if posixpath.splitext(path)[1].lower() in (".vue", ".svelte", ".astro") and outside(data, scripts, _STRONG):
        problem = problem or "its markup names the browser's storage outside of what is understood"
    return uses, problem


_STRONG = re.compile(rb"localStorage|sessionStorage|indexedDB|document\.cookie")


def sql_listing(root: Path, exclude: Sequence[str]) -> Listing[SqlFile]:
    """What SQL a checkout builds from parts."""
    found = sources(root, exclude, SCRIPTS | {".py"} | set(OTHER_LANGUAGES))
    others = [path for path in found.paths if _suffix(path) in OTHER_LANGUAGES]
    found.paths = [path for path in found.paths if _suffix(path) not in OTHER_LANGUAGES]
    items: list[SqlFile] = []
    for path, data in each(root, found, _any_of(code_sql.WORDS, PYTHON_WORDS)):
        places, problem = sql_in(path, data)
        if places or problem:
            items.append(SqlFile(path=encodable(path), places=tuple(places[:MAX_PLACES]), problem=problem))
    if found.paths:
        items.append(SqlFile(path=ALL_FILES, files=len(found.paths)))
    unread = (*found.unread, *_unknown(root, others))
    return Listing(items=tuple(items), unread=unread, left_out=found.left_out, fix=FIX)


def sql_in(path: str, data: bytes) -> tuple[list[SqlPlace], str]:
    """The SQL that one file builds, and why it was not wholly understood."""
    try:
        if _suffix(path) == ".py":
            return list(python_places(parse_python(data))), ""
        source = Source(data, _suffix(path))
    except ValueError as fault:
        return [], str(fault)
    return list(code_sql.sql_places(source)), source.problem


def _unknown(root: Path, paths: Collection[str]) -> Iterator[Unread]:
    """Files in languages that are not understood and hold what reads like SQL, one entry for each language."""
    by_language: dict[str, list[str]] = {}
    found = Sources(list(paths))
    for path, _ in each(root, found, SQL_TEXT):
        by_language.setdefault(OTHER_LANGUAGES[_suffix(path)], []).append(encodable(path))
    yield from found.unread
    for language, files in sorted(by_language.items()):
        reason = f"{len(files)} files with SQL are not understood, such as {files[0]}"
        fix = "have a scanner of that language look at them, and `exclude` them here"
        yield Unread(resource=f"({language})", kind="unsupported", reason=reason, fix=fix)


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1].lower()


def _any_of(*patterns: re.Pattern[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(b"(?:" + pattern.pattern + b")" for pattern in patterns), re.IGNORECASE)
