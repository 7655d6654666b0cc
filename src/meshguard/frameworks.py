"""Frameworks as data, and the picture of an audit by requirement.

A requirement is known by framework, version and id; numbering moves between versions. What no control stands for is
"not covered", and is shown as that: silence about a requirement is no pass either.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, StrictStr

from meshguard.errors import MeshGuardError
from meshguard.results import RANK, Status
from meshguard.values import did_you_mean
from meshguard.yamlfile import parse, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshguard.profile import Reference
    from meshguard.results import ControlResult

NOT_COVERED = "not covered"
_NEARLY = 0.8
"""How alike two names of frameworks are, of which one is a typing error of the other."""


class Catalogue(BaseModel):
    """Framework -> version -> requirement -> label, and where each list was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: dict[StrictStr, dict[StrictStr, str]]
    frameworks: dict[StrictStr, dict[StrictStr, dict[StrictStr, str]]]

    def knows(self, framework: str, version: str, requirement: str) -> bool:
        """Whether this version of the framework has the requirement."""
        return requirement in self.frameworks.get(framework, {}).get(version, {})

    def unknown(
        self, framework: str, version: str, ids: Iterable[str]
    ) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        """What is wrong in a reference: the place in it, what, and a hint.

        A framework that is not in the catalogue is somebody's own, unless its name is nearly that of one which is.
        """
        versions = self.frameworks.get(framework)
        if versions is None:
            near = [name for name in self.frameworks if slug(name) == slug(framework)]
            near = near or get_close_matches(framework, self.frameworks, n=1, cutoff=_NEARLY)
            if near:
                yield ("framework",), f"unknown framework {framework!r}", f"did you mean {near[0]!r}?"
        elif version not in versions:
            yield ("version",), f"unknown version {version!r} of {framework}", f"known are {', '.join(versions)}"
        else:
            for index, requirement in enumerate(ids):
                if requirement not in versions[version]:
                    elsewhere = [v for v in versions if requirement in versions[v]]
                    other = f"it stands in version {', '.join(elsewhere)}" if elsewhere else ""
                    hint = other or did_you_mean(requirement, versions[version])
                    yield ("ids", index), f"{framework} {version} has no {requirement!r} in the catalogue", hint

    def select(self, text: str) -> list[tuple[str, str]]:
        """The frameworks and versions that a short name means: hipaa, nist-csf, owasp-top-10@2021.

        Raises:
            MeshGuardError: nothing is named so.
        """
        name, _, version = text.partition("@")
        known = {slug(framework): framework for framework in self.frameworks}
        framework = known.get(slug(name))
        if framework is None or (version and version not in self.frameworks[framework]):
            names = [f"{key}@{v}" for key, label in known.items() for v in self.frameworks[label]]
            hint = did_you_mean(text, [*known, *names], otherwise=f"known are {', '.join(known)}, each with @version")
            raise MeshGuardError(f"unknown framework {text!r}", where="--framework", fix=hint)
        return [(framework, v) for v in self.frameworks[framework] if version in ("", v)]


@dataclass(frozen=True)
class Requirement:
    """One requirement and what the audit says of it."""

    framework: str
    version: str
    id: str
    title: str
    status: Status | None
    """None: not covered by any control."""
    controls: tuple[str, ...]

    @property
    def state(self) -> str:
        """The status in words."""
        return self.status.value.replace("-", " ") if self.status is not None else NOT_COVERED


@lru_cache
def load_catalogue() -> Catalogue:
    """The shipped catalogue."""
    document = read_yaml(Path(str(files("meshguard") / "data" / "frameworks.yaml")))
    catalogue, mistakes = parse(Catalogue, document)
    if catalogue is None:
        raise MeshGuardError(str(mistakes[0]))
    return catalogue


def slug(framework: str) -> str:
    """A framework's short name: NIST CSF -> nist-csf."""
    return re.sub(r"[^a-z0-9]+", "-", framework.lower()).strip("-")


def refers(references: Iterable[Reference], chosen: Iterable[tuple[str, str]]) -> bool:
    """Whether one of the references is to one of the chosen frameworks and versions."""
    wanted = set(chosen)
    return any((reference.framework, reference.version) in wanted for reference in references)


def picture(
    controls: Iterable[ControlResult], catalogue: Catalogue, chosen: Iterable[tuple[str, str]]
) -> list[Requirement]:
    """Every requirement of the chosen frameworks in catalogue order, with the worst status of the controls for it."""
    found = list(controls)
    statuses = {control.id: control.status for control in found}
    standing = _standing(found)
    return [
        Requirement(
            framework, version, requirement, title, *_state(standing[framework, version, requirement], statuses)
        )
        for framework, version in chosen
        for requirement, title in catalogue.frameworks[framework][version].items()
    ]


def _standing(controls: Iterable[ControlResult]) -> Mapping[tuple[str, str, str], list[str]]:
    """Requirement -> the controls that stand for it."""
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for control in controls:
        for reference in control.refs:
            for requirement in reference.ids:
                found[reference.framework, reference.version, requirement].append(control.id)
    return found


def _state(controls: list[str], statuses: Mapping[str, Status]) -> tuple[Status | None, tuple[str, ...]]:
    worst = min((statuses[control] for control in controls), key=RANK.__getitem__, default=None)
    return worst, tuple(controls)


def covered(requirements: Iterable[Requirement]) -> float:
    """Share of the requirements that at least one control stands for, 0 to 1."""
    found = list(requirements)
    return sum(r.status is not None for r in found) / len(found) if found else 0.0


def satisfied(requirements: Iterable[Requirement]) -> float:
    """Share of the covered and applicable requirements that are satisfied, 0 to 1."""
    counted = [r for r in requirements if r.status not in (None, Status.NOT_APPLICABLE)]
    return sum(r.status is Status.SATISFIED for r in counted) / len(counted) if counted else 0.0
