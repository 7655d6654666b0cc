"""What is remembered of one instance, so that another process can serve, ask and stop it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from .files import write_whole


@dataclass(frozen=True, slots=True)
class Record:
    """Which project, with which defects, and where its containers are."""

    project: str
    defects: tuple[str, ...]
    engine: str | None = None
    """The engine that has its containers; None: it has none."""
    no_containers: str | None = None
    """Why it has none."""

    def write(self, path: Path) -> None:
        """Keep it."""
        write_whole(path, json.dumps(asdict(self), indent=2))


def load(path: Path) -> Record | None:
    """The record, or None where no instance was started or the last one was stopped."""
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return Record(**{**kept, "defects": tuple(kept["defects"])})
