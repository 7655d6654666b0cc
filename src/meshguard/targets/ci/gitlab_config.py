"""GitLab's configuration as it is after `include`, `extends`, `default` and `!reference`."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from meshguard.targets.ci.files import Files, NotRead, normal
from meshguard.targets.ci.tasks import Tasks
from meshguard.targets.ci.yaml_read import Map, Reference, Unreadable, read

MAX_INCLUDES = 60
MAX_EXTENDS = 11
"""How deep `extends` may go, as GitLab has it."""
KEYWORDS = frozenset({
    "default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script",
    "after_script", "spec",
})  # fmt: skip
GLOBALS = ("image", "services", "cache", "before_script", "after_script", "interruptible", "retry", "tags", "timeout")
STAGES = (".pre", "build", "test", "deploy", ".post")


@dataclass
class Config:
    """The merged configuration, and in which file each job stands."""

    data: Map = field(default_factory=Map)
    files: dict[str, str] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    def jobs(self) -> list[str]:
        """The names of the jobs that run."""
        return [
            name for name, job in self.data.items() if name not in KEYWORDS and name[:1] != "." and isinstance(job, Map)
        ]

    def stages(self) -> list[str]:
        """The stages in their order."""
        said = self.data.get("stages")
        return [".pre", *(str(one) for one in said), ".post"] if isinstance(said, list) else list(STAGES)

    def job(self, name: str) -> Map:
        """A job with what it extends and what holds for all.

        Raises:
            Unreadable: it extends what is not there, or itself.
        """
        job = self._extended(name, 0)
        default = self.data.get("default")
        inherit = job.get("inherit")
        refuses = isinstance(inherit, dict) and "default" in inherit and inherit["default"] is not True
        for key in GLOBALS if not refuses else ():
            source = default if isinstance(default, Map) and key in default else self.data
            if key not in job and key in source:
                job[key] = source[key]
                job.lines[key] = job.line
        return job

    def _extended(self, name: str, depth: int) -> Map:
        found = self.data.get(name)
        if not isinstance(found, Map):
            raise Unreadable(f"it extends {name!r}, which is not in the configuration that is read")
        if depth > MAX_EXTENDS:
            raise Unreadable("`extends` goes round or too deep")
        said = found.get("extends")
        result = Map()
        for base in [said] if isinstance(said, str) else said if isinstance(said, list) else []:
            merge(result, self._extended(str(base), depth + 1))
        merge(result, found)
        result.line = found.line
        return result

    def lines(self, value: Any, depth: int = 0) -> list[str | None]:
        """The lines of a script, references followed; None for what is not known."""
        if isinstance(value, Reference):
            referred = self._referred(value) if depth < MAX_EXTENDS else None
            return [None] if referred is None else self.lines(referred, depth + 1)
        if isinstance(value, list):
            return [line for one in value for line in self.lines(one, depth + 1)] if depth < MAX_EXTENDS else [None]
        return [] if value is None else [str(value)]

    def _referred(self, reference: Reference) -> Any:
        value: Any = self.data
        for part in reference.path:
            value = value.get(part) if isinstance(value, Map) else None
        return value

    def rules(self, value: Any, depth: int = 0) -> Any:
        """Rules, references followed."""
        if isinstance(value, Reference):
            return self.rules(self._referred(value), depth + 1) if depth < MAX_EXTENDS else None
        if not isinstance(value, list):
            return value
        found: list[Any] = []
        for one in value:
            inner = self.rules(one, depth + 1) if isinstance(one, list | Reference) and depth < MAX_EXTENDS else one
            found += inner if isinstance(inner, list) else [inner]
        return found


def merge(base: Map, other: Map) -> None:
    """Mappings are merged, and all else is replaced."""
    for key, value in other.items():
        base[key] = _joined(base.get(key), value)
        base.lines[key] = other.at(key)


def _joined(known: Any, value: Any) -> Any:
    if not (isinstance(known, Map) and isinstance(value, Map)):
        return value
    joined = Map()
    merge(joined, known)
    merge(joined, value)
    joined.line = value.line
    return joined


def load(files: Files, path: str, tasks: Tasks, paths: tuple[str, ...]) -> Config:
    """The configuration that begins in a file; what it includes from elsewhere is told as not read."""
    config = Config()
    _include(files, path, tasks, config, paths)
    return config


def _include(files: Files, path: str, tasks: Tasks, config: Config, paths: tuple[str, ...]) -> None:
    if path in config.read or len(config.read) >= MAX_INCLUDES:
        return
    config.read.append(path)
    try:
        documents = read(files.text(path))
    except (Unreadable, NotRead) as fault:
        tasks.missing(path, 0, f"it cannot be read: {fault}")
        return
    data = documents[-1] if documents else None
    if not isinstance(data, Map):
        tasks.missing(path, 0, "it is no mapping")
        return
    said = data.get("include")
    for one in said if isinstance(said, list) else [] if said is None else [said]:
        _one(files, one, path, data.at("include"), tasks, config, paths)
    merge(config.data, data)
    config.files |= dict.fromkeys(data, path)


def _one(files: Files, said: Any, path: str, line: int, tasks: Tasks, config: Config, paths: tuple[str, ...]) -> None:
    local = (
        said if isinstance(said, str) and "://" not in said else said.get("local") if isinstance(said, dict) else None
    )
    if not isinstance(local, str) or "$" in local:
        what = (
            next((str(said[key]) for key in ("component", "project", "remote", "template") if key in said), "…")
            if isinstance(said, dict)
            else "an address"
        )
        tasks.missing(path, line, f"what it includes from elsewhere is not read: {what[:150]}")
        return
    if isinstance(said, dict) and "rules" in said:
        tasks.missing(path, line, f"whether {local} is included depends on a rule")
    place = normal(local.lstrip("/"))
    if place is not None and "*" in place:
        for one in paths:
            if fnmatchcase(one, place):
                _include(files, one, tasks, config, paths)
    elif place is None:
        tasks.missing(path, line, "what it includes is outside of the checkout")
    else:
        _include(files, place, tasks, config, paths)
