"""Asks git about a repository that may be hostile: nothing of its configuration runs, nothing is fetched.

`core.fsmonitor`, hooks, pagers, external diffs and signature programs of the repository are turned off; a partial
clone is not completed over the network (no protocol is allowed).
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from meshguard.errors import NotObserved

_SAFE = (
    *(
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.pager=cat",
        "-c",
        "core.quotePath=false",
    ),
    *("-c", "log.showSignature=false", "-c", "log.showRoot=true", "-c", "diff.external=", "-c", "core.attributesFile="),
    *("-c", "submodule.recurse=false", "-c", "log.mailmap=false"),
)
_TIMEOUT_S = 600


def environment() -> dict[str, str]:
    """The caller's environment without what would lead git elsewhere, and with no way to a network."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


@dataclass(frozen=True)
class Git:
    """One repository, or a work tree of it."""

    root: Path

    def output(self, *arguments: str) -> bytes:
        """What a command prints.

        Raises:
            NotObserved: git is not there, or it refuses.
        """
        with self.stream(*arguments) as out:
            return out.read()

    @contextmanager
    def stream(self, *arguments: str, given: IO[bytes] | None = None) -> Iterator[IO[bytes]]:
        """A command's output as it comes; its end is waited for, and a failure is not taken for the end.

        Raises:
            NotObserved: git is not there, or it refuses.
        """
        command = ["git", "--no-pager", "-C", str(self.root), *_SAFE, *arguments]
        with tempfile.TemporaryFile() as said:
            stdin = given if given is not None else subprocess.DEVNULL
            try:
                process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=said, env=environment())
            except OSError as fault:
                raise NotObserved(f"git did not start: {fault.strerror}", fix="install git") from None
            with process:
                assert process.stdout is not None  # noqa: S101 - it was asked for
                try:
                    yield process.stdout
                    process.stdout.read()
                except BaseException:
                    process.kill()
                    raise
            if process.returncode:
                said.seek(0)
                raise refused(self.root, said.read(4000).decode("utf-8", "replace"))

    def is_repository(self) -> bool:
        """Whether the folder is in a work tree, or is a bare repository.

        Raises:
            NotObserved: it is one, and git refuses to read it.
        """
        try:
            self.output("rev-parse", "--git-dir")
        except NotObserved:
            if any(is_repository_here(folder) for folder in (self.root, *self.root.absolute().parents)):
                raise
            return False
        return True

    def is_bare(self) -> bool:
        """Whether it has no work tree."""
        return self.output("rev-parse", "--is-bare-repository").strip() == b"true"

    def is_shallow(self) -> bool:
        """Whether its history was cut when it was cloned."""
        return self.output("rev-parse", "--is-shallow-repository").strip() == b"true"

    def paths(self, *arguments: str) -> list[bytes]:
        """The paths that a command prints with NUL between them."""
        return [path for path in self.output(*arguments).split(b"\0") if path]


def is_repository_here(folder: Path) -> bool:
    """Whether a folder looks like a repository, or the top of a work tree."""
    return (folder / ".git").exists() or looks_bare(folder)


def looks_bare(folder: Path) -> bool:
    """Whether a folder has what git keeps at its own top."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def refused(root: Path, said: str) -> NotObserved:
    """Why git did not answer, without what it printed: it may quote a URL with a password in it."""
    if "dubious ownership" in said:
        fix = f"run as its owner, or `git config --global --add safe.directory {root}`"
        return NotObserved(f"git does not read {root}: it belongs to another user", fix=fix)
    if "not a git repository" in said:
        return NotObserved(f"{root} is no git repository", fix="name the folder of a repository")
    if "unknown repository extension" in said or "repository version" in said:
        return NotObserved(f"git does not know the format of {root}", fix="install a newer git")
    if any(word in said for word in ("missing", "corrupt", "bad object", "unable to read", "does not exist")):
        return _not_whole(Git(root))
    return NotObserved(f"git failed on {root}", fix="see `git -C FOLDER log --all`")


@dataclass(frozen=True)
class Blob:
    """One version of a file's content."""

    id: str
    size: int
    path: bytes
    """One path that it stands at."""


def blobs(git: Git, missing: list[str]) -> Iterator[Blob]:
    """Each content that any ref reaches, once; what a partial clone lacks is added to `missing`."""
    with tempfile.TemporaryFile() as names:
        with git.stream("rev-list", "--objects", "--all", "--missing=print") as listed:
            for line in listed:
                if line.startswith(b"?"):
                    missing.append(line[1:].strip().decode())
                else:
                    names.write(line)
        names.seek(0)
        asked = "--batch-check=%(objecttype) %(objectname) %(objectsize) %(rest)"
        with git.stream("cat-file", asked, given=names) as answers:
            for line in answers:
                kind, _, rest = line.rstrip(b"\n").partition(b" ")
                if rest == b"missing":
                    raise _not_whole(git)
                if kind == b"blob":
                    name, size, path = rest.split(b" ", 2)
                    yield Blob(name.decode(), int(size), path)


def contents(git: Git, wanted: Iterable[Blob]) -> Iterator[tuple[Blob, bytes]]:
    """The content of each blob, in their order, through one `cat-file`.

    Raises:
        NotObserved: an object cannot be read.
    """
    with tempfile.TemporaryFile() as names:
        kept = []
        for blob in wanted:
            kept.append(blob)
            names.write(f"{blob.id}\n".encode())
        names.seek(0)
        if not kept:
            return
        with git.stream("cat-file", "--batch", given=names) as answers:
            for blob in kept:
                head = answers.readline().split()
                if len(head) != 3 or head[0] != blob.id.encode():
                    raise _not_whole(git)
                data = answers.read(int(head[2]))
                answers.read(1)
                yield blob, data


def _not_whole(git: Git) -> NotObserved:
    return NotObserved(f"the repository {git.root} is not whole: objects are missing or damaged", fix="git fsck")
