"""The deployment files with which MeshGuard audits an instance: one for its own demands, one for the whole guide."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from . import decisions
from .choice import Choice
from .files import State, write_whole
from .records import make

PATHS = ["/", "/login", "/api/v1/patients", "/no-such-page"]
RECORDS_PROFILE = Path(__file__).with_name("records-profile.yaml")


@dataclass(frozen=True, slots=True)
class Address:
    """Where an instance is."""

    project: str
    https_port: int
    http_port: int
    engine: str | None
    """The engine that has its containers; None: there are none."""
    aws: dict[str, Any] | None = None
    """The account of the cloud, as a deployment file names it; None: there is none."""
    source: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The targets of checkout and repository, by kind; none where there is no source."""


def write(state: State, chosen: Choice, address: Address) -> None:
    """Write both files, and what they name: the records, their demands and the waivers of this day."""
    today = datetime.now(UTC).date()
    targets = _targets(state, address)
    shutil.rmtree(state.records, ignore_errors=True)
    made = make.write(state.records, today, defects=[defect.name for defect in chosen.records])
    targets["records"] = [_relative(made, state.folder)]
    shutil.copyfile(RECORDS_PROFILE, state.profile)
    decided = decisions.of(chosen.mode, today)
    _write(state.waivers, {"waivers": decided.waivers})
    baselines = ["web-baseline"]
    baselines += ["docker-baseline"] if address.engine is not None else []
    baselines += ["source-baseline"] if address.source else []
    baselines += ["aws-baseline"] if address.aws is not None else []
    own = {
        "name": address.project,
        "profile": [*baselines, state.profile.name],
        "fail_on": "medium",
        "waivers": state.waivers.name,
        "not_applicable": decided.declarations,
        "targets": targets,
    }
    _write(state.deployment, own)
    guide = {"name": f"{address.project}-guide", "profile": "health-mesh", "fail_on": "medium"}
    declared = decisions.of_guide(today, one_host=address.aws is None)
    _write(state.guide, {**guide, "not_applicable": declared, "targets": targets})


def _targets(state: State, address: Address) -> dict[str, list[dict[str, Any]]]:
    web: dict[str, object] = {
        "name": "public",
        "url": f"https://localhost:{address.https_port}",
        "ca": str(state.ca.relative_to(state.folder)),
        "http_url": f"http://localhost:{address.http_port}",
        "paths": PATHS,
    }
    targets: dict[str, list[dict[str, Any]]] = {"web": [web]}
    if address.engine is not None:
        label = f"com.docker.compose.project={address.project}"
        targets["docker"] = [{"name": "local", "host": address.engine, "label": label}]
    if address.aws is not None:
        targets["aws"] = [address.aws]
    return targets | address.source


def _relative(made: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The target of the records, its paths as seen from the deployment file."""
    keys: Sequence[str] = made["public_keys"]
    relative = {"folder": _from(made["folder"], folder), "public_keys": [_from(key, folder) for key in keys]}
    return {**made, **relative}


def _from(path: str, folder: Path) -> str:
    return str(Path(path).relative_to(folder))


def _write(path: Path, content: object) -> None:
    write_whole(path, yaml.dump(content, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110))


class _Plain(yaml.SafeDumper):
    """Writes what stands at two places twice, for people read these files."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - its name and shape are PyYAML's
        return True
