"""Who audits, where, when and with what: the facts of a run that its results name."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from meshguard import __version__
from meshguard.results import PluginUsed, Results, Run, Tool
from meshguard.values import encodable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from meshguard.audit import Audit
    from meshguard.plan import Plan
    from meshguard.profile import Priority


@dataclass(frozen=True)
class Circumstances:
    """What the results say of the run itself."""

    argv: tuple[str, ...]
    started: datetime
    fail_on: Priority
    advisory: bool = False
    replayed: str = ""
    recording_complete: bool | str = True
    notes: tuple[str, ...] = ()
    inherited: Results | None = None
    """The earlier result that the deployment names under `inherit`."""
    known: Mapping[str, str] = field(default_factory=dict)
    """Ids of findings that failed in the baseline already, and since when."""


def tool_of(plan: Plan) -> Tool:
    """MeshGuard and the plugins that took part."""
    used = sorted(plan.plugins.used.values(), key=lambda plugin: (plugin.group, plugin.name))
    plugins = [
        PluginUsed(group=p.group, name=p.name, distribution=p.distribution, version=p.version, digest=p.digest)
        for p in used
    ]
    return Tool(version=__version__, python=platform.python_version(), plugins=tuple(plugins))


def run_of(audit: Audit, circumstances: Circumstances) -> Run:
    """Who audited, where, when, and of which commit."""
    offsets = [
        o.value["clock_offset_s"]
        for o in audit.evidence.observations.values()
        if isinstance(o.value, dict) and isinstance(o.value.get("clock_offset_s"), int | float)
    ]
    return Run(
        operator=_operator(),
        host=socket.gethostname(),
        argv=tuple(encodable(argument) for argument in circumstances.argv),
        commit=_commit(audit.plan.deployment.folder),
        ci=_ci(),
        replayed=circumstances.replayed,
        started=_utc(circumstances.started),
        finished=_utc(datetime.now(UTC)),
        clock_offset_s=min(offsets, key=abs, default=None),
    )


def _utc(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _operator() -> str:
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "SUDO_USER", "LOGNAME", "USER"):
        if value := os.environ.get(name):
            return encodable(value)
    return f"uid {os.getuid()}"


def _ci() -> str:
    if url := os.environ.get("CI_JOB_URL") or os.environ.get("BUILD_URL"):
        return encodable(url)
    parts = [os.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""


def _commit(folder: Path) -> str:
    """The commit of the checkout that holds the deployment file; empty where there is none, or no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],  # noqa: S607 - git as the user has it on PATH
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
