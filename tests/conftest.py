"""What tests share: the `lab` plugin as an installed distribution, folders to audit, and the command to audit them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings

from meshguard.errors import MeshGuardError

settings.register_profile("here", database=None, deadline=None)
settings.load_profile("here")

ROOT = Path(__file__).parent.parent


def install(folder: Path, name: str, points: Mapping[str, str]) -> None:
    """Make `folder` hold an installed distribution with these entry points: "group: name" -> value."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    groups: dict[str, list[str]] = {}
    for point, value in points.items():
        group, key = point.split(": ")
        groups.setdefault(group, []).append(f"{key} = {value}")
    text = "".join(f"[{group}]\n" + "\n".join(lines) + "\n" for group, lines in groups.items())
    (info / "entry_points.txt").write_text(text)


LAB = {"meshguard.checks: lab": "tests.stubs.lab_checks", "meshguard.targets: lab": "tests.stubs.lab_target:Lab"}

DEPLOYMENT = """\
name: demo
profile: ./profile.yaml
targets:
  lab:
    - {name: main}
"""

PROFILE = """\
meshguard: 1
id: lab-profile
title: Lab
version: "1"
controls:
  - id: lab.all-ok
    title: All is well
    priority: high
    checks:
      - lab.ok
"""


@dataclass
class Workplace:
    """A folder with a deployment, a profile and the lab plugin, and the command to audit it."""

    folder: Path
    plugins: Path
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str | bytes) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def controls(self, *controls: str) -> None:
        """Replace the profile's controls; each is `id priority: check`."""
        head = PROFILE.split("controls:", maxsplit=1)[0]
        rows = []
        for control in controls:
            name, _, checks = control.partition(": ")
            control_id, _, priority = name.partition(" ")
            rows.append(f"  - id: {control_id}\n    title: Title\n    priority: {priority or 'high'}\n")
            rows.append("    checks:\n" + "".join(f"      - {check}\n" for check in checks.split(" | ")))
        self.write("profile.yaml", head + "controls:\n" + "".join(rows))

    def lab(self, *settings: str) -> None:
        """Replace the deployment's lab targets."""
        head = DEPLOYMENT.split("targets:", maxsplit=1)[0]
        rows = "".join(f"    - {{{text}}}\n" for text in settings)
        self.write("meshguard.yaml", head + "targets:\n  lab:\n" + rows)

    @property
    def env(self) -> dict[str, str]:
        """The environment that the command gets."""
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CI", "COLUMNS")}
        return {**kept, "PYTHONPATH": f"{self.plugins}:{ROOT}", "COLUMNS": "100", **self.environment}

    def run(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        """`meshguard` with these arguments, in the folder."""
        given: dict[str, object] = {"capture_output": True, "text": True, "timeout": 120, **options}
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            [sys.executable, "-m", "meshguard", *arguments], cwd=self.folder, env=self.env, check=False, **given
        )

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same in this process: quicker, and without what `main` does before and after."""
        from meshguard.cli.app import app
        from meshguard.cli.output import show_mistakes

        handlers = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in {"COLUMNS": "100", **self.environment}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["meshguard", *arguments])
            try:
                app(list(arguments), prog_name="meshguard")
            except MeshGuardError as fault:
                show_mistakes(fault)
                code = 2
            except SystemExit as end:
                code = int(end.code or 0)
            finally:
                for number, handler in handlers:
                    signal.signal(number, handler)
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, not waited for."""
        command = [sys.executable, "-m", "meshguard", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=self.env, text=True, stdout=pipe, stderr=pipe)


@pytest.fixture
def plugins(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with the lab plugin installed."""
    folder = tmp_path_factory.mktemp("plugins")
    install(folder, "meshguard-lab", LAB)
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.fixture
def work(tmp_path: Path, plugins: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A folder to audit, which is the working folder too."""
    place = Workplace(tmp_path, plugins)
    place.write("meshguard.yaml", DEPLOYMENT)
    place.write("profile.yaml", PROFILE)
    monkeypatch.chdir(tmp_path)
    return place


Installer = Callable[[str, Mapping[str, str]], None]


@pytest.fixture
def installs(plugins: Path) -> Installer:
    """Install one more distribution: its name, and its entry points."""
    return lambda name, points: install(plugins, name, points)
