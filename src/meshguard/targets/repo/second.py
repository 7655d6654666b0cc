"""Second sources for secrets: gitleaks, betterleaks and Trivy over the files, each only where the deployment names it.

What lies in the checkout does not configure them: rules, ignore files and comments that accept a finding are given or
turned off. Gitleaks reads the `.gitleaksignore` of what it looks at whatever it is told; an entry there holds the path
as it is seen, so that the checkout is seen through a link whose name is made for one run.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from meshguard.errors import NotObserved
from meshguard.target import in_thread
from meshguard.targets.repo.vuln_trivy import TRIVY
from meshguard.targets.tools import Done, Tool, run
from meshguard.values import encodable

if TYPE_CHECKING:
    from meshguard.targets.repo.base import RepoBase
    from meshguard.targets.scanning import Finding
    from meshguard.targets.scanning.second_source import Tool as Name

SHARE = 0.5
"""Of the fact's time: a tool that hangs leaves some for our own scan."""
GITLEAKS = Tool("gitleaks", ("version",), advice="install a release of gitleaks whose checksum is known")
BETTERLEAKS = Tool("betterleaks", ("version",), advice="install a release of betterleaks whose checksum is known")
BUILT_IN = "[extend]\nuseDefault = true\n"
_WARNING = re.compile(r"\b(WRN|ERR)\b")
_FOUND = re.compile(r"\S+ WRN leaks found: \d+")
_QUIET = {"TRIVY_DISABLE_TELEMETRY": "true", "TRIVY_SKIP_VERSION_CHECK": "true"}


@dataclass(frozen=True)
class Second:
    """What one tool says of the files, or why it says nothing."""

    name: str
    version: str = ""
    """Name and version."""
    findings: tuple[Finding, ...] = ()
    fault: NotObserved | None = None


@dataclass(frozen=True)
class _Way:
    """How a tool is asked."""

    tool: Tool
    arguments: Callable[[Path, str], Sequence[str]]
    """From a folder for its configuration, and the path of the checkout."""
    whole: Callable[[Done], str]
    """Why it did not look at all of it, from what it said; empty where it did."""


async def second_sources(repo: RepoBase) -> tuple[Second, ...]:
    """What each tool says that the deployment names, side by side."""
    named = [name for name in _WAYS if name in repo.settings.tools]
    return tuple(await asyncio.gather(*(_asked(repo, name) for name in named)))


async def _asked(repo: RepoBase, name: Name) -> Second:
    from meshguard.targets import scanning

    way = _WAYS[name]
    try:
        found = await repo.tool(way.tool)
        with tempfile.TemporaryDirectory(prefix="meshguard-second-") as folder:
            root = await in_thread(_seen, repo.settings.path, Path(folder))
            arguments = way.arguments(Path(folder), root)
            done = await run(found, arguments, environment=_QUIET, deadline_s=SHARE * repo.limits.deadline_s)
        if failure := done.failure(found, expected=(0,)) or way.whole(done):
            raise NotObserved(f"{name} gave no whole report: {failure[:600]}", fix=f"run {name} by hand to see why")
        read = partial(scanning.read_report, name, done.output.decode("utf-8", "replace"), secrets.token_bytes(16))
        return Second(name, str(found), tuple(within(root, await in_thread(read))))
    except NotObserved as fault:
        return Second(name, fault=fault)


def _seen(path: Path, folder: Path) -> str:
    """The checkout's path through a new link, so that no file in it can name the path."""
    real = path.resolve()
    link = folder / secrets.token_hex(8)
    link.symlink_to(real.parent, target_is_directory=True)
    return str(link / real.name)


def within(root: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings by their paths in the checkout.

    Raises:
        NotObserved: one is of a file that is not in it.
    """
    for one in findings:
        path = one.path.removeprefix(root).lstrip("/")
        if one.path.startswith("/") and not one.path.startswith(f"{root}/"):
            raise NotObserved("a finding is of a file outside of the checkout", fix="see what the tool reports")
        yield replace(one, path=encodable(path), kind=one.rule)


def in_reach(root: Path, findings: Sequence[Finding]) -> list[Finding]:
    """The findings in files that our own scan looks at too, with what git says of each.

    Raises:
        NotObserved: it is a repository, and git does not read it.
    """
    from meshguard.targets.scanning.tree import CACHES, PACKAGES, index_of

    if not findings:
        return []
    index = index_of(root)
    reached = []
    for one in findings:
        parts = one.path.split("/")[:-1]
        above = ["/".join(parts[: count + 1]) for count, name in enumerate(parts) if name in CACHES | PACKAGES]
        installed = any(not index.holds(folder.encode()) for folder in above)
        if not installed and (".git" not in parts or one.path.endswith(".git/config")):
            reached.append(replace(one, tracking=index.of(one.path.encode())))
    return reached


def _leaks(folder: Path, root: str) -> list[str]:
    config = folder / "rules.toml"
    config.write_text(BUILT_IN)
    return [
        "dir", "--config", str(config), "--gitleaks-ignore-path", str(folder / "none"), "--ignore-gitleaks-allow",
        "--redact", "--report-format", "json", "--report-path", "-", "--exit-code", "0", "--log-level", "warn",
        "--no-banner", "--no-color", root,
    ]  # fmt: skip


def _trivy(folder: Path, root: str) -> list[str]:
    config = folder / "secret.yaml"
    config.write_text("{}\n")
    return [
        "fs", "--config", "/dev/null", "--ignorefile", "/dev/null", "--secret-config", str(config), "--scanners",
        "secret", "--format", "json", "--exit-code", "0", "--quiet", "--offline-scan", "--skip-db-update",
        "--skip-java-db-update", "--cache-dir", str(folder / "cache"), root,
    ]  # fmt: skip


def _skipping(done: Done) -> str:
    """What it says that it skipped: it ends with 0 all the same, even where there is nothing to look at.

    Compared is the whole line: a file may be named as one pleases. Links are skipped without a word.
    """
    lines = [line for line in done.said.splitlines() if _WARNING.search(line)]
    return next((line for line in lines if not _FOUND.fullmatch(line)), "")


_WAYS: dict[Name, _Way] = {
    "gitleaks": _Way(GITLEAKS, _leaks, _skipping),
    "betterleaks": _Way(BETTERLEAKS, _leaks, _skipping),
    "trivy": _Way(TRIVY, _trivy, lambda _: ""),
}
