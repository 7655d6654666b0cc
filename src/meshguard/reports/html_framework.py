"""The audit by the requirements of each framework, as far as the controls refer to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshguard.results import RANK, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshguard.reports.html_parts import ControlView


@dataclass(frozen=True)
class RequirementView:
    """A requirement, the worst status of the controls for it, and those controls."""

    id: str
    status: Status
    controls: tuple[ControlView, ...]


@dataclass(frozen=True)
class FrameworkView:
    """A framework and version, and its requirements that a control refers to."""

    name: str
    version: str
    requirements: tuple[RequirementView, ...]
    counts: tuple[tuple[Status, int], ...]


def frameworks_of(views: Iterable[ControlView]) -> tuple[FrameworkView, ...]:
    """The frameworks that controls refer to, by name; requirements in the order of their numbers."""
    found: dict[tuple[str, str], dict[str, list[ControlView]]] = {}
    for view in views:
        for ref in view.control.refs:
            for requirement in ref.ids:
                found.setdefault((ref.framework, ref.version), {}).setdefault(requirement, []).append(view)
    return tuple(_framework(*key, found[key]) for key in sorted(found))


def _framework(name: str, version: str, standing: dict[str, list[ControlView]]) -> FrameworkView:
    requirements = [
        RequirementView(one, _worst(standing[one]), tuple(standing[one])) for one in sorted(standing, key=_by_number)
    ]
    counts = Counter(one.status for one in requirements)
    return FrameworkView(name, version, tuple(requirements), tuple((s, counts[s]) for s in RANK if counts[s]))


def _worst(views: Sequence[ControlView]) -> Status:
    return min((view.control.status for view in views), key=RANK.__getitem__)


def _by_number(requirement: str) -> list[tuple[int, str]]:
    """10 after 9, and not after 1."""
    parts = requirement.replace("-", ".").replace("(", ".").replace(")", "").split(".")
    return [(int(part), "") if part.isascii() and part.isdigit() else (0, part) for part in parts]
