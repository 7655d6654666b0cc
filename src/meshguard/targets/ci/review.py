"""What one file of a CI service says of code of others, permissions, secrets and strangers' pull requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from meshguard.targets.ci.files import Files, NotRead
from meshguard.targets.ci.models import JobPermissions, Permissions, Unknown, Use, Uses, WorkflowFile
from meshguard.targets.ci.triggers import events_of
from meshguard.targets.ci.yaml_read import Map, Unreadable, read

TRIVY = ("aquasecurity/trivy-action", "aquasecurity/setup-trivy")
_TRIVY_IN_TEXT = re.compile(
    r"(?:aquasec(?:urity)?/trivy:|trivy/releases/download/|trivy[_@=-]+|TRIVY_VERSION[=: \"']+)v?(\d+\.\d+\.\d+)"
)
_EXPRESSION = ("${{", "$")


def mapping(files: Files, path: str) -> Map:
    """The mapping in a file.

    Raises:
        Unreadable, NotRead: there is none that can be read.
    """
    documents = read(files.text(path))
    data = documents[-1] if documents else None
    if not isinstance(data, Map):
        raise Unreadable("it is no mapping")
    return data


@dataclass(frozen=True)
class Step:
    """One step, with the job in which it stands."""

    job: str
    data: Map
    conditions: tuple[Any, ...] = ()


def maps(value: Any) -> Iterator[tuple[str, Map]]:
    """The mappings in a mapping, by name."""
    for name, item in value.items() if isinstance(value, dict) else ():
        if isinstance(item, Map):
            yield str(name), item


def steps(data: Map) -> Iterator[Step]:
    """All steps of a workflow's jobs, or of an action."""
    for name, job in maps(data.get("jobs")):
        for step in job.get("steps") or () if isinstance(job.get("steps"), list) else ():
            if isinstance(step, Map):
                yield Step(name, step, (job.get("if"), step.get("if")))
    runs = data.get("runs")
    for step in (runs.get("steps") or ()) if isinstance(runs, Map) else ():
        if isinstance(step, Map):
            yield Step("", step, (step.get("if"),))


def uses(files: Files, one: WorkflowFile) -> Uses:
    """All code of others that a file runs."""
    data = mapping(files, one.path)
    found = list(_gitlab_uses(data) if one.system == "gitlab" else _github_uses(data))
    found += _trivy_in_text(files.text(one.path))
    open_ = [use for use in found if any(sign in use.name for sign in _EXPRESSION)]
    unknown = [Unknown(where=f"{one.path}:{use.line}", what="what it uses is not known beforehand") for use in open_]
    return Uses(path=one.path, uses=tuple(use for use in found if use not in open_), unknown=tuple(unknown))


def _github_uses(data: Map) -> Iterator[Use]:
    for step in steps(data):
        said = step.data.get("uses")
        if isinstance(said, str) and not said.startswith("./"):
            yield _use(said, step.data, "action")
    for _, job in maps(data.get("jobs")):
        said = job.get("uses")
        if isinstance(said, str) and not said.startswith("./"):
            yield _use(said, job, "workflow")
        yield from _images(job)
    runs = data.get("runs")
    image = runs.get("image") if isinstance(runs, Map) else None
    if isinstance(runs, Map) and isinstance(image, str) and image.startswith("docker://"):
        yield _image(image.removeprefix("docker://"), runs.at("image"))


def _use(said: str, part: Map, kind: Any) -> Use:
    line = part.at("uses")
    if said.startswith("docker://"):
        return _image(said.removeprefix("docker://"), line)
    name, _, ref = said.partition("@")
    given = part.get("with")
    version = given.get("version") if isinstance(given, Map) and name.lower() in TRIVY else None
    shown = "" if version is None else str(version).removeprefix("v")
    return Use(line=line, kind=kind, name=name[:200], ref=ref.strip()[:200], version=shown[:40])


def _images(job: Map) -> Iterator[Use]:
    parts = [job.get("container"), *(service for _, service in maps(job.get("services")))]
    for part in parts:
        image = part.get("image") if isinstance(part, Map) else part
        if isinstance(image, str) and image:
            yield _image(image, part.at("image") if isinstance(part, Map) else job.at("container"))


def _image(said: str, line: int) -> Use:
    name, at, digest = said.partition("@")
    if not at:
        head, colon, tag = name.rpartition(":")
        name, digest = (head, tag) if colon and "/" not in tag else (name, "")
    return Use(line=line, kind="image", name=name[:200], ref=digest[:200])


def _gitlab_uses(data: Map) -> Iterator[Use]:
    said, line = data.get("include"), data.at("include")
    for one in said if isinstance(said, list) else [] if said is None else [said]:
        if isinstance(one, str) and "://" in one:
            yield Use(line=line, kind="include", name=one[:200], ref="")
        elif isinstance(one, Map):
            yield from _include(one)
    for part in (data, *(job for _, job in maps(data))):
        image = part.get("image")
        image = image.get("name") if isinstance(image, Map) else image
        if isinstance(image, str):
            yield _image(image, part.at("image"))


def _include(one: Map) -> Iterator[Use]:
    if "component" in one:
        name, _, ref = str(one["component"]).partition("@")
        # GitLab itself sets $CI_SERVER_FQDN; what follows is the component's project.
        shown = name.replace("$CI_SERVER_FQDN", "gitlab")
        yield Use(line=one.at("component"), kind="include", name=shown[:200], ref=ref[:200])
    elif "project" in one:
        yield Use(
            line=one.at("project"), kind="include", name=str(one["project"])[:200], ref=str(one.get("ref") or "")[:200]
        )
    elif "remote" in one:
        digest = str(one.get("integrity") or "")
        yield Use(line=one.at("remote"), kind="include", name=str(one["remote"])[:200], ref=digest[:200])


def _trivy_in_text(text: str) -> Iterator[Use]:
    for number, line in enumerate(text.splitlines(), 1):
        for match in _TRIVY_IN_TEXT.finditer(line.partition(" #")[0]):
            if not line.lstrip().startswith("#"):
                yield Use(line=number, kind="image", name="trivy", ref="", version=match[1])


def permissions(files: Files, path: str) -> Permissions:
    """What the tokens of a workflow of GitHub may do."""
    data = mapping(files, path)
    jobs = [_permissions(job, name) for name, job in maps(data.get("jobs"))]
    called = set(events_of(data)) == {"workflow_call"}
    return Permissions(path=path, top=_permissions(data, ""), jobs=tuple(jobs), called_only=called)


def _permissions(part: Map, job: str) -> JobPermissions:
    said, line = part.get("permissions"), part.at("permissions")
    if "permissions" not in part:
        return JobPermissions(job=job, line=part.line, said=False)
    if said in ("read-all", "write-all"):
        return JobPermissions(job=job, line=line, said=True, all=said)
    if said is None or isinstance(said, Map):
        writes = tuple(sorted(str(name)[:60] for name, level in (said or {}).items() if level == "write"))
        odd = [level for level in (said or {}).values() if level not in ("read", "write", "none")]
        return JobPermissions(
            job=job, line=line, said=True, writes=writes, unknown="a level that is not known" if odd else ""
        )
    return JobPermissions(job=job, line=line, said=True, unknown="they are neither a mapping nor read-all or write-all")


__all__ = ["NotRead", "mapping", "maps", "permissions", "steps", "uses"]
