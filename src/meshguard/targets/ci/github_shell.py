"""In which shell a step of GitHub Actions runs its script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from meshguard.targets.ci.shell_models import Shell
from meshguard.targets.ci.shell_words import OPEN
from meshguard.targets.ci.yaml_read import Map

SHELLS: dict[str, Shell] = {
    "": Shell(errexit=True, pipefail=False),
    "bash": Shell(errexit=True, pipefail=True),
    "sh": Shell(errexit=True, pipefail=False),
}
"""What GitHub starts a script with: `bash -e`, with pipefail only where `shell: bash` is said."""


def strings(value: Any) -> dict[str, str]:
    """A mapping's values as text, `OPEN` for expressions."""
    if not isinstance(value, dict):
        return {}
    return {str(key): text_of(item) for key, item in value.items()}


def text_of(item: Any) -> str:
    """A value as text, `OPEN` where it holds an expression."""
    if isinstance(item, bool):
        return "true" if item else "false"
    text = "" if item is None else str(item)
    return OPEN if "${{" in text else text


@dataclass(frozen=True)
class Defaults:
    """What steps inherit."""

    shell: str = ""
    folder: str = ""
    environment: dict[str, str] | None = None
    system: str = "shell"
    """shell; windows; or open, where it is not known."""


def run_defaults(*parts: Any) -> dict[str, str]:
    """What `defaults: run:` of a workflow and a job say."""
    found: dict[str, str] = {}
    for part in parts:
        run = part.get("defaults") if isinstance(part, dict) else None
        run = run.get("run") if isinstance(run, dict) else None
        found |= strings(run)
    return found


def system_of(job: Map) -> str:
    """shell, windows, or open where it is not known."""
    said = job.get("runs-on")
    text = " ".join(str(one) for one in said) if isinstance(said, list) else str(said)
    if "${{" in text:
        strategy = job.get("strategy")
        text = str(strategy.get("matrix") if isinstance(strategy, dict) else "${{")
        if "${{" in text or text == "None":
            return "open"
    return "windows" if "windows" in text.lower() else "shell"


def shell_of(said: str, system: str) -> tuple[Shell, str]:
    """What a script starts with, or the language that is not followed."""
    if said == "" and system != "shell":
        return Shell(), "the shell of Windows" if system == "windows" else "a shell that is not known beforehand"
    if said in SHELLS:
        return SHELLS[said], ""
    words = said.split()
    if words and words[0].rsplit("/", 1)[-1] in ("bash", "sh", "dash") and OPEN not in said:
        flags = "".join(word for word in words[1:] if word.startswith("-") and not word.startswith("--"))
        return Shell(errexit="e" in flags, pipefail="pipefail" in words), ""
    return Shell(), f"{said or 'a shell'} that is not followed".replace(OPEN, "a shell")
