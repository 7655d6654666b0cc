"""One way in to all lockfiles: `parse_lock(path, bytes)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module

from meshguard.targets.repo.lock_models import Lock
from meshguard.targets.repo.lock_read import Beside, LockError, nothing_beside

Parser = Callable[[str, bytes, Beside], Lock]

PARSERS: Mapping[str, tuple[str, str, str]] = {
    "package-lock.json": ("npm", "lock_npm", "parse_npm"),
    "npm-shrinkwrap.json": ("npm", "lock_npm", "parse_npm"),
    "yarn.lock": ("npm", "lock_yarn", "parse_yarn"),
    "pnpm-lock.yaml": ("npm", "lock_pnpm", "parse_pnpm"),
    "poetry.lock": ("pypi", "lock_python", "parse_poetry"),
    "pdm.lock": ("pypi", "lock_python", "parse_pdm"),
    "pylock.toml": ("pypi", "lock_python", "parse_pylock"),
    "Pipfile.lock": ("pypi", "lock_python", "parse_pipfile"),
    "uv.lock": ("pypi", "lock_uv", "parse_uv"),
    "Cargo.lock": ("cargo", "lock_others", "parse_cargo"),
    "go.sum": ("golang", "lock_go", "parse_go"),
    "composer.lock": ("composer", "lock_others", "parse_composer"),
    "Gemfile.lock": ("gem", "lock_gems", "parse_gems"),
}
"""Name of a lockfile -> its ecosystem, and the module and function that read it; imported when one is met."""
REQUIREMENTS = ("pypi", "lock_requirements", "parse_requirements")
_REQUIREMENTS_NAME = re.compile(r"requirements[\w.-]*\.txt")


def parser_of(path: str) -> tuple[str, str, str] | None:
    """Ecosystem, module and function for a lockfile by its name; None where it has no parser."""
    name = path.rpartition("/")[2]
    if _REQUIREMENTS_NAME.fullmatch(name):
        return REQUIREMENTS
    return PARSERS.get(name)


def parse_lock(path: str, data: bytes, beside: Beside = nothing_beside) -> Lock:
    """The packages that a lockfile fixes.

    Args:
        path: its path, whose last part tells the kind.
        data: its bytes.
        beside: reads other files by their path from its folder: the manifest, the files that it includes.

    Raises:
        LockError: it is no lockfile of its kind; the text says why.
    """
    found = parser_of(path)
    if found is None:
        raise LockError("no parser reads this kind of lockfile")
    _, module, function = found
    parse: Parser = getattr(import_module(f"meshguard.targets.repo.{module}"), function)
    try:
        return parse(path, data, beside)
    except RecursionError:
        raise LockError("it nests too deep") from None
