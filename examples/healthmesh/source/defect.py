"""One weakness of the example's source repository that can be planted by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RepoDefect:
    """What is wrong, the check that it must trip, and how it is planted into a good checkout."""

    name: str
    check: str
    says: str
    plant: Callable[[Path], None]
    also: tuple[str, ...] = ()
    """Checks that it cannot help tripping too."""
