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


READS_FILES = frozenset({"status", "diff", "log", "show"})
"""Commands that run what a repository's configuration names: filters, and programs that show differences."""
PROGRAMS = r"^(filter|diff)\..*\.(clean|smudge|process|command|textconv|required)$|^diff\.external$"


async def git(found: Found, folder: Path, *arguments: str, deadline_s: float, expected: tuple[int, ...] = (0,)) -> Done:
    """One git command in a checkout; raises NotObserved where it fails.

    Args:
        found: the program.
        folder: the checkout's own folder.
        arguments: command and arguments.
        deadline_s: seconds after which it is killed.
        expected: exit codes that are answers.
    """
    silent = await _silenced(found, folder, deadline_s) if arguments[0] in READS_FILES else {}
    done = await _run(found, folder, arguments, silent, deadline_s)
    if done.code == NO_REPOSITORY and "not a git repository" in done.said:
        raise NotObserved(f"{folder} is no checkout of a git repository", fix="name the folder that has .git in it")
    if failure := done.failure(found, expected=expected):
        raise NotObserved(f"`git {arguments[0]}` failed in {folder}: {failure}", fix="see `git fsck`")
    return done


async def _run(
    found: Found, folder: Path, arguments: tuple[str, ...], silent: dict[str, str], deadline_s: float
) -> Done:
    environment = {**_environment(folder), **silent}
    return await run(found, [*SAFE, "-C", str(folder), *arguments], environment=environment, deadline_s=deadline_s)


async def _silenced(found: Found, folder: Path, deadline_s: float) -> dict[str, str]:
    """Variables that put nothing in the place of each program that the repository's own configuration names."""
    asked = ("config", "--includes", "--name-only", "-z", "--get-regexp", PROGRAMS)
    done = await _run(found, folder, asked, {}, deadline_s)
    names = sorted({name for name in done.output.decode("utf-8", "surrogateescape").split("\0") if name})
    variables = {"GIT_CONFIG_COUNT": str(len(names))}
    for number, name in enumerate(names):
        variables[f"GIT_CONFIG_KEY_{number}"] = name
        variables[f"GIT_CONFIG_VALUE_{number}"] = "false" if name.endswith(".required") else ""
    return variables


async def own_folder(found: Found, folder: Path, *, deadline_s: float) -> None:
    """Refuse a repository whose configuration puts its files elsewhere: those would be judged in the place of these.

    Raises:
        NotObserved: with the reason.
    """
    done = await git(found, folder, "rev-parse", "--show-toplevel", deadline_s=deadline_s)
    if not _is(folder, done.output.decode("utf-8", "surrogateescape").removesuffix("\n")):
        raise NotObserved(
            f"git says that the files of {folder} are elsewhere", fix="take core.worktree out of its .git"
        )


def _is(folder: Path, told: str) -> bool:
    return Path(told).resolve() == folder.resolve()


def _environment(folder: Path) -> dict[str, str]:
    """A repository further up is not the one that is meant."""
    return {**ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
