"""Checks of a repository's own source code: tokens in the browser's storage, and SQL that is built from parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated

from meshguard.api import Field, Verdict, check, failed, not_applicable, passed, undetermined
from meshguard.targets.repo import Repo
from meshguard.targets.repo.code_models import ALL_FILES, SqlFile, StorageFile, StorageUse

Reason = Annotated[str, Field(min_length=3)]
MAX_NAMED = 5
TEST_FILE = re.compile(
    r"(?:^|/)(?:tests?|__tests__|__mocks__|e2e|spec|cypress|playwright|fixtures)/|"
    r"[._-](?:test|spec|e2e|cy|stories)\.[cm]?[jt]sx?$|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$"
)
WORDS = ("token", "tokens", "jwt", "jwts", "bearer", "auth", "credential", "credentials", "password", "apikey")
HARMLESS = ("csrf", "xsrf", "expiry", "expires", "expiration", "redirect", "provider", "design", "theme", "push")


@check(
    "repo.no_browser_token_storage",
    method="examine",
    over=Repo.storage_files,
    fix="Let the server set the token as a cookie with HttpOnly, Secure and SameSite, and keep it out of scripts.",
)
async def no_browser_token_storage(
    file: StorageFile,
    repo: Repo,
    *,
    words: tuple[str, ...] = WORDS,
    harmless: tuple[str, ...] = HARMLESS,
    reviewed: dict[str, Reason] | None = None,
    tests: bool = False,
) -> Verdict:
    """No script writes a token to localStorage, sessionStorage, IndexedDB or document.cookie (OWASP HTML5
    Security Cheat Sheet, "Local Storage").

    What is kept is told by its name and by the identifiers in what is written; aliases, libraries for cookies and
    IndexedDB, hooks and persisted stores of state are followed within a file. A name that the caller gives, or an
    object that is not known, is undetermined. An object that has a token among other fields is seen only where the
    file says so: `web.browser_storage` looks at a real browser after a login.

    Args:
        words: words that tell a token, in a name that is cut at its capitals, "-" and "_".
        harmless: words that tell that it is none after all, such as `csrfToken`.
        reviewed: files (paths, with * and ?) whose names come from elsewhere, each with why no token is among them.
        tests: whether files of tests are judged too.
    """
    del repo
    if file.path != ALL_FILES and not tests and TEST_FILE.search(file.path):
        return not_applicable("it is a test")
    bad = [use for use in file.uses if use.sure and _is_token(use, words, harmless)]
    if bad:
        return failed(_told(bad), got=bad[0].key or bad[0].names, want="no token in what scripts can read")
    if file.problem:
        return undetermined(f"it was not wholly looked at: {file.problem}", fix="correct it, or `exclude` it")
    if file.path == ALL_FILES:
        return passed(f"{file.files} files were looked at; those that write to the browser's storage are told apart")
    unsure = [use for use in file.uses if not use.known or (not use.sure and _is_token(use, words, harmless))]
    return _unsure(unsure[0], _reason(reviewed or {}, file.path)) if unsure else _clean(file)


def _unsure(use: StorageUse, reason: str) -> Verdict:
    if reason:
        return passed(f"it was reviewed: {reason}")
    what = f"line {use.line} writes {use.key!r} to {use.store}, and what that is, is said elsewhere"
    return undetermined(what, fix="see its callers, and put the file under `reviewed` with the reason")


def _clean(file: StorageFile) -> Verdict:
    keys = ", ".join(dict.fromkeys(use.key for use in file.uses if use.key))[:200]
    return passed(f"{len(file.uses)} places write to the browser's storage, none a token", got=keys)


def _is_token(use: StorageUse, words: tuple[str, ...], harmless: tuple[str, ...]) -> bool:
    return any(_tells(name, words, harmless) for name in (use.key, *use.names))


def _tells(name: str, words: tuple[str, ...], harmless: tuple[str, ...]) -> bool:
    """Whether a name tells a token: `accessToken`, `AUTH_TOKEN`, `x-jwt`."""
    parts = [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    return any(part in words for part in parts) and not any(part in harmless for part in parts)


def _told(uses: list[StorageUse]) -> str:
    named = [f"line {use.line}: {use.key or 'fields'!r} to {use.store}" for use in uses[:MAX_NAMED]]
    more = f" and {len(uses) - MAX_NAMED} more" if len(uses) > MAX_NAMED else ""
    return f"a script writes a token where every script can read it: {'; '.join(named)}{more}"


@check(
    "repo.sql_concatenation",
    method="examine",
    over=Repo.sql_files,
    fix="Give values as parameters (`where('u.id = :id', { id })`, `query('... $1', [id])`, "
    "`execute('... %s', (id,))`, a tagged template); take columns and directions from a list of constants.",
)
async def sql_concatenation(
    file: SqlFile, repo: Repo, *, reviewed: dict[str, Reason] | None = None, tests: bool = False
) -> Verdict:
    """No text that is built from parts is run as SQL (OWASP ASVS 5.0, 1.2.4; CWE-89).

    Looked at are JavaScript, TypeScript and Python: template literals, concatenation, formatting and joined arrays
    that reach a query, a query builder, `raw()` or `literal()`, through variables and functions of the same file.
    Constants of the file, choices among them, placeholders that are repeated and tagged templates (sql``) are no
    parts; a constant of another file is one, for what it holds is not seen. A text that comes whole from elsewhere is
    judged where it is built.

    Args:
        reviewed: files (paths, with * and ?) whose parts can come from no request, each with the reason.
        tests: whether files of tests are judged too.
    """
    del repo
    if file.path == ALL_FILES:
        return passed(f"{file.files} files were looked at; those that build SQL from parts are told apart")
    if not tests and TEST_FILE.search(file.path):
        return not_applicable("it is a test")
    reason = _reason(reviewed or {}, file.path)
    if file.places and not reason:
        named = [f"line {one.line}: {one.how} in {one.call}()" for one in file.places[:MAX_NAMED]]
        more = f" and {len(file.places) - MAX_NAMED} more" if len(file.places) > MAX_NAMED else ""
        return failed(f"SQL is built from parts: {'; '.join(named)}{more}", got=len(file.places), want=0)
    if file.problem:
        return undetermined(f"it was not wholly looked at: {file.problem}", fix="correct it, or `exclude` it")
    return passed(f"{len(file.places)} places build SQL from parts, which were reviewed: {reason}")


def _reason(reviewed: Mapping[str, str], path: str) -> str:
    """Why a file that was reviewed is good."""
    return next((reason for pattern, reason in reviewed.items() if fnmatchcase(path, pattern)), "")
