"""The notices of a distribution: each package that is shipped, its licence and the texts that come with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

from meshguard.errors import NotObserved
from meshguard.targets.repo.environments import site_folders
from meshguard.targets.repo.lock_read import purl_of
from meshguard.targets.repo.packages import read_inside

if TYPE_CHECKING:
    from meshguard.targets.repo.licences import Licensed

TEXTS = re.compile(r"(?i)(licen[cs]e|copying|notice|authors)([.-].*)?")
MAX_TEXT_BYTES = 200_000
RULE = "=" * 78


def notice(name: str, licensed: Iterable[Licensed], texts: Mapping[str, list[str]]) -> str:
    """The notice file: packages for development are left out, and what has no text says so."""
    shipped = [one for one in licensed if not one.dev]
    parts = [f"Software of others in {name}: {len(shipped)} packages."]
    for one in shipped:
        said = next((say.expression or say.text for say in one.said), "not known")
        found = texts.get(one.purl) or ["(the package brings no text of its licence, or it is not installed here)"]
        parts += [RULE, f"{one.purl}\nLicence: {said}", *found]
    return "\n\n".join(parts) + "\n"


def texts_of_python(environment: Path) -> Iterator[tuple[str, str]]:
    """Purl and text of each licence file in a Python environment."""
    for one in distributions(path=[str(folder) for folder in site_folders(environment)]):
        name, version = one.metadata["Name"], one.metadata["Version"]
        for file in one.files or ():
            if ".dist-info" in str(file.parent) and TEXTS.fullmatch(file.name) and name and version:
                path = Path(str(one.locate_file(file)))
                if path.is_file() and not path.is_symlink():
                    yield purl_of("pypi", name, version), _cut(path.read_bytes())


def texts_of_npm(root: Path, folder: str) -> Iterator[str]:
    """The texts of licences in the folder of an installed npm package, no link followed."""
    for path in sorted((root / folder).iterdir()):
        if TEXTS.fullmatch(path.name):
            try:
                yield _cut(read_inside(root, f"{folder}/{path.name}"))
            except NotObserved:
                continue


def _cut(data: bytes) -> str:
    return data[:MAX_TEXT_BYTES].decode("utf-8", "replace").strip()
