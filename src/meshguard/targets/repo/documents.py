"""Facts of a repository's care: documents and the code that they describe, what git ignores, what it hides."""

from __future__ import annotations

import re
from datetime import date, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from meshguard.errors import NotObserved
from meshguard.fact import fact
from meshguard.target import in_thread
from meshguard.targets.repo.base import RepoBase
from meshguard.targets.repo.git import ENVIRONMENT, GIT, SAFE, git
from meshguard.targets.repo.models import RepoModel
from meshguard.targets.repo.packages import read_inside
from meshguard.targets.tools import run
from meshguard.values import encodable

MAX_DOCUMENT_BYTES = 20_000_000
MAX_FOLDERS = 200
FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
REVIEWED = re.compile(r"(?m)^reviewed:[ \t]*[\"']?(\d{4}-\d{2}-\d{2})[\"']?[ \t]*(?:#.*)?\r?$")
SECRET_FILES = (
    ".env", ".env.*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "id_rsa", "id_ed25519",
    "id_ecdsa", "id_dsa", ".pgpass", ".htpasswd", ".netrc",
)  # fmt: skip
"""Names of files that hold secrets."""


class Document(RepoModel):
    """A document of the repository."""

    path: str
    committed: datetime | None
    """When its last change was committed; none where git does not know it."""
    reviewed: date | None
    """What its front matter says under `reviewed`."""


class LastChange(RepoModel):
    """When some files were changed last."""

    pattern: str
    files: int
    """Files of the commit that the pattern names."""
    committed: datetime | None


class Ignoring(RepoModel):
    """What git ignores by rules that everybody has, and what it knows of what it should ignore."""

    ignored: tuple[str, ...]
    """Of the paths that were asked."""
    open: tuple[str, ...]
    tracked: tuple[str, ...]
    """Files with the names of secret ones that are in the repository."""
    public: tuple[str, ...] = ()
    """Those of them that hold certificates or public keys alone."""


class Marked(RepoModel):
    """Files at which git does not look any more, though they may differ."""

    paths: tuple[str, ...] = ()
    count: int = 0


class DocumentFacts(RepoBase):
    """How a repository is kept."""

    @fact
    async def document(self, path: str) -> Document:
        """A document: when it was changed, and when it was reviewed.

        Args:
            path: from the checkout's folder.
        """
        data = await in_thread(read_inside, self.settings.path, path, MAX_DOCUMENT_BYTES)
        changed = await self._document_change(f":(literal){path}")
        return Document(path=path, committed=changed, reviewed=reviewed_in(data))

    @fact
    async def last_change(self, pattern: str) -> LastChange:
        """When the files of a pattern were changed last.

        Args:
            pattern: a path or a glob from the checkout's folder; ** stands for any folders.
        """
        spec = f":(glob){pattern}"
        found = await self.tool(GIT)
        listed = await git(found, self.settings.path, "ls-files", "-z", "--", spec, deadline_s=self.limits.deadline_s)
        committed = await self._document_change(spec)
        return LastChange(pattern=pattern, files=listed.output.count(b"\0"), committed=committed)

    async def _document_change(self, spec: str) -> datetime | None:
        found, root = await self.tool(GIT), self.settings.path
        arguments = ("log", "-1", "--format=%cI", "--no-show-signature", "--", spec)
        done = await git(found, root, *arguments, deadline_s=self.limits.deadline_s)
        text = done.output.decode().strip()
        return datetime.fromisoformat(text) if text else None

    @fact
    async def ignoring(self, names: tuple[str, ...]) -> Ignoring:
        """Whether these files would be ignored at the top and beside each manifest, and which such files are known.

        Args:
            names: file names.
        """
        inventory = await self.inventory()
        folders = sorted({path.rpartition("/")[0] for path in inventory.manifests})[:MAX_FOLDERS]
        asked = [f"{folder}/{name}" if folder else name for folder in dict.fromkeys(["", *folders]) for name in names]
        found, root = await self.tool(GIT), self.settings.path
        listed = await git(found, root, "ls-files", "-z", deadline_s=self.limits.deadline_s)
        known = {encodable(one.decode("utf-8", "surrogateescape")) for one in listed.output.split(b"\0") if one}
        ignored = await self._ignored_by_all(asked, known)
        tracked = sorted(path for path in known if is_secret_file(path))
        public = await in_thread(lambda: tuple(path for path in tracked if _is_public(root, path)))
        return Ignoring(
            ignored=tuple(path for path in asked if path in ignored),
            open=tuple(path for path in asked if path not in ignored),
            tracked=tuple(tracked),
            public=public,
        )

    async def _ignored_by_all(self, asked: list[str], known: set[str]) -> set[str]:
        """Those that a .gitignore which is itself in the repository ignores; git's own exclude file is one's own."""
        found, root = await self.tool(GIT), self.settings.path
        done = await run(
            found,
            [*SAFE, "-C", str(root), "check-ignore", "--no-index", "--verbose", "--non-matching", "--", *asked],
            environment={**ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(root.resolve().parent)},
            deadline_s=self.limits.deadline_s,
        )
        if failure := done.failure(found, expected=(0, 1)):  # 1: none of them is ignored
            raise NotObserved(f"`git check-ignore` failed in {root}: {failure}", fix="see `git fsck`")
        ignored = set()
        for line in done.output.decode("utf-8", "surrogateescape").splitlines():
            rule, _, path = line.partition("\t")
            source, _, rest = rule.partition(":")
            pattern = rest.partition(":")[2]
            if source in known and not pattern.startswith("!"):
                ignored.add(path)
        return ignored

    @fact
    async def marked(self) -> Marked:
        """Files that are marked so that git does not see their changes (assume-unchanged, skip-worktree)."""
        found = await self.tool(GIT)
        done = await git(found, self.settings.path, "ls-files", "-v", "-z", deadline_s=self.limits.deadline_s)
        lines = done.output.decode("utf-8", "surrogateescape").split("\0")
        paths = [encodable(line[2:]) for line in lines if line and (line[0].islower() or line[0] == "S")]
        return Marked(paths=tuple(paths[:20]), count=len(paths))


def reviewed_in(data: bytes) -> date | None:
    """The date under `reviewed` in a document's front matter."""
    front = FRONT.match(data[:65_536].decode("utf-8", "replace"))
    match = REVIEWED.search(front[1]) if front else None
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def is_secret_file(path: str) -> bool:
    """Whether a file has the name of one that holds secrets."""
    name = path.rpartition("/")[2]
    return any(fnmatchcase(name, pattern) for pattern in SECRET_FILES)


def _is_public(root: Path, path: str) -> bool:
    """Whether a file of keys or certificates holds no private one, as far as its text says."""
    if not path.endswith((".pem", ".key")):
        return False
    try:
        data = read_inside(root, path, MAX_DOCUMENT_BYTES)
    except NotObserved:
        return False
    return b"-----BEGIN " in data and b"PRIVATE KEY" not in data
