"""Facts of the Python environments of a build: what is installed there, and its licences.

Nothing of an environment is run: a program of its own could say anything. What pip-licenses knows of the metadata of
distributions is used in this process, on the folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from meshguard.errors import NotObserved
from meshguard.fact import fact
from meshguard.target import in_thread
from meshguard.targets.repo.base import RepoBase
from meshguard.targets.repo.licence_terms import expression_of
from meshguard.targets.repo.lock_models import Package
from meshguard.targets.repo.lock_python import canonical
from meshguard.targets.repo.lock_read import purl_of
from meshguard.targets.repo.models import RepoModel
from meshguard.values import encodable

MAX_LICENCE = 200
"""Characters of a licence's name; what is longer is its text."""
UNKNOWN = "UNKNOWN"
FIX = "give the folder of the environment that the build installs into, such as .venv"


class Environment(RepoModel):
    """A Python environment."""

    path: str
    packages: tuple[Package, ...]
    problems: tuple[str, ...] = ()


class EnvironmentFacts(RepoBase):
    """The Python environments that the deployment names."""

    @fact
    async def environment(self, path: str) -> Environment:
        """What is installed in one environment; what is installed for editing is the repository's own and left out.

        Args:
            path: its folder, as `environments` of the target names it.

        Raises:
            NotObserved: there is no environment.
        """
        return await in_thread(_environment, path)


def _environment(path: str) -> Environment:
    folders = list(site_folders(Path(path)))
    if not folders:
        raise NotObserved(f"{path} is no Python environment: it has no site-packages", fix=FIX)
    found, problems = dict[str, Package](), list[str]()
    if _uses_the_system(Path(path)):
        problems.append("it uses the packages of the system too, which were not looked at")
    for one in distributions(path=[str(folder) for folder in folders]):
        try:
            package = _package(one)
        except (OSError, ValueError, TypeError, KeyError) as fault:
            problems.append(f"a distribution has metadata that cannot be read ({type(fault).__name__})")
            continue
        if package is not None:
            found.setdefault(package.purl, package)
    packages = tuple(_joined(found).values())
    if not packages:
        problems.append("nothing is installed in it")
    return Environment(path=encodable(path), packages=packages, problems=tuple(dict.fromkeys(problems)))


def site_folders(path: Path) -> Iterator[Path]:
    """The folders that hold its distributions: of a virtual environment, or the folder itself (`pip --target`)."""
    seen = set()
    for pattern in ("lib/python3*/site-packages", "lib64/python3*/site-packages", "Lib/site-packages"):
        for folder in sorted(path.glob(pattern)):
            if folder.is_dir() and folder.resolve() not in seen:
                seen.add(folder.resolve())
                yield folder
    if not seen and any(path.glob("*.dist-info")):
        yield path


def _uses_the_system(path: Path) -> bool:
    try:
        said = (path / "pyvenv.cfg").read_text("utf-8", "replace")
    except OSError:
        return False
    return bool(re.search(r"(?im)^include-system-site-packages\s*=\s*true", said))


def _package(one: Distribution) -> Package | None:
    """The distribution as a package; None for one that is installed for editing."""
    if '"editable": true' in (one.read_text("direct_url.json") or ""):
        return None
    name, version = one.metadata["Name"], one.metadata["Version"]
    if not name or not version:
        raise ValueError("no name or version")
    return Package(
        name=encodable(name),
        version=encodable(version),
        purl=purl_of("pypi", name, version),
        licence=_licence(one.metadata),
        dependencies=tuple(_needs(one)),
    )


def _needs(one: Distribution) -> Iterator[str]:
    """Names of what it needs here, without what an extra of it needs; joined to packages afterwards."""
    for text in one.requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonical(requirement.name)


def _joined(found: dict[str, Package]) -> dict[str, Package]:
    by_name = {canonical(package.name): purl for purl, package in found.items()}
    joined = {}
    for purl, package in sorted(found.items()):
        needs = sorted({by_name[name] for name in package.dependencies if name in by_name} - {purl})
        joined[purl] = package.model_copy(update={"dependencies": tuple(needs)})
    return joined


def _licence(metadata: Any) -> str | None:
    """What the metadata say, the first of them that is clear: the expression (PEP 639), classifiers, the free field.

    Several classifiers all hold, as nothing says that one may choose. Where nothing is clear, all that is said.
    """
    from piplicenses import METADATA_KEYS, find_license_from_classifier  # type: ignore[import-untyped]

    def field(key: str) -> str:
        found = (one for select in METADATA_KEYS[key] if (one := select(metadata)))
        text = " ".join(str(next(found, "")).split())
        if len(text) > MAX_LICENCE:
            return f"(a text of {len(text)} characters)"
        return "" if text == UNKNOWN else encodable(text)

    classifiers = [encodable(one) for one in find_license_from_classifier(metadata.get_all("Classifier", []))]
    expressions = [expression_of(one) for one in classifiers]
    joined = " AND ".join(f"({one})" if " " in one else one for one in dict.fromkeys(expressions))
    clear = joined if expressions and all(expressions) else ""
    said = [field("license_expression"), clear, field("license")]
    best = next((one for one in said if one and expression_of(one)), "")
    return best or "; ".join(dict.fromkeys(one for one in (said[0], *classifiers, said[2]) if one)) or None
