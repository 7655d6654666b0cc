"""Git, asked without being configured by what it looks at.

The user's and the system's configuration are not read, hooks and file-system monitors do not run, nothing is fetched
(a partial clone would fetch what it lacks), and no lock is taken.
"""

from __future__ import annotations

from pathlib import Path

from meshguard.errors import NotObserved
from meshguard.targets.tools import Done, Found, Tool, run

GIT = Tool("git", advice="apt-get install git")
SAFE = (
    "--no-optional-locks", "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
    "-c", "core.untrackedCache=false", "-c", "protocol.allow=never", "-c", "core.quotePath=false",
    "-c", "submodule.recurse=false", "-c", "safe.directory=*",
)  # fmt: skip
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ASKPASS": "/bin/false",
    "GIT_CEILING_DIRECTORIES": "",
}
NO_REPOSITORY = 128


async def git(found: Found, folder: Path, *arguments: str, deadline_s: float) -> Done:
    """One git command in a checkout; raises NotObserved where it fails."""
    done = await run(
        found,
        [*SAFE, "-C", str(folder), *arguments],
        environment=_environment(folder),
        deadline_s=deadline_s,
    )
    if done.code == NO_REPOSITORY and "not a git repository" in done.said:
        raise NotObserved(f"{folder} is no checkout of a git repository", fix="name the folder that has .git in it")
    if failure := done.failure(found, expected=(0,)):
        raise NotObserved(f"`git {arguments[0]}` failed in {folder}: {failure}", fix="see `git fsck`")
    return done


def _environment(folder: Path) -> dict[str, str]:
    """A repository further up is not the one that is meant."""
    return {**ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
