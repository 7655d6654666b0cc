"""Facts of database migrations: which there are, in which order, and what each does."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path

from meshguard.errors import NotObserved
from meshguard.fact import Listing, Unread, fact
from meshguard.target import in_thread
from meshguard.targets.repo.base import RepoBase
from meshguard.targets.repo.code_files import Sources, sources
from meshguard.targets.repo.git import GIT, git
from meshguard.targets.repo.migration_models import Migration, Operation, SinceRef
from meshguard.targets.repo.migration_ops import operations
from meshguard.targets.repo.packages import read_inside
from meshguard.values import encodable

MAX_MIGRATION_BYTES = 4_000_000
FOLDER = re.compile(r"(?i)(?:^|/)(?:migrations?|migrate|flyway|versions|changelogs?|db/deploy)(?:/|$)")
FLYWAY = re.compile(r"[VR]\d[\w.]*__.+\.sql|R__.+\.sql")
BACK = re.compile(r"(?i)(?:^|[._/-])(?:down|rollback|undo|revert)(?:[._/-]|$)|(?:^|/)U\d[\w.]*__")
SUFFIXES = frozenset(
    {".sql", ".ts", ".js", ".mjs", ".cjs", ".mts", ".cts", ".py", ".rb", ".php", ".xml", ".yaml", ".yml"}
)
SCRIPTS = (".ts", ".js", ".mjs", ".cjs", ".mts", ".cts")
OTHERS = {".py": "Alembic and Django", ".rb": "Rails", ".php": "PHP", ".xml": "Liquibase", ".yaml": "Liquibase",
          ".yml": "Liquibase"}  # fmt: skip
STARTS = {
    ".py": rb"(?m)^def upgrade\b|\bmigrations\.Migration\b",
    ".rb": rb"ActiveRecord::Migration",
    ".php": rb"extends\s+(?:Abstract)?Migration",
    ".xml": rb"<databaseChangeLog",
    ".yaml": rb"databaseChangeLog",
    ".yml": rb"databaseChangeLog",
}
UP = re.compile(rb"\bup\b")
FIX = "migrations are looked for in folders that are named so (migrations, migrate, versions), and by Flyway's names"


class MigrationFacts(RepoBase):
    """The database migrations of a checkout."""

    @fact
    async def migrations(self) -> Listing[Migration]:
        """The migrations, the newest of each folder first; what leads back is none of them."""
        return await in_thread(migration_listing, self.settings.path, self.settings.exclude)

    @fact
    async def added_since(self, ref: str) -> SinceRef:
        """The files that were added since a commit, those that git does not know among them.

        Args:
            ref: a branch, tag or commit; what the two have in common counts, as in a merge request.
        """
        if not re.fullmatch(r"[A-Za-z0-9][\w./@{}^~-]*", ref):
            raise NotObserved(f"{ref[:80]!r} is no name of a commit", fix="name a branch, a tag or a commit")
        found, root = await self.tool(GIT), self.settings.path
        arguments = ("--name-only", "--diff-filter=AMR", "--no-renames", "--no-ext-diff", "-z", "--relative")
        added = await git(found, root, "diff", *arguments, "--merge-base", ref, "--", deadline_s=self.limits.deadline_s)
        loose = await git(
            found, root, "ls-files", "--others", "--exclude-standard", "-z", deadline_s=self.limits.deadline_s
        )
        names = added.output.split(b"\0") + loose.output.split(b"\0")
        paths = sorted({encodable(name.decode("utf-8", "surrogateescape")) for name in names if name})
        return SinceRef(ref=ref, paths=tuple(paths))


def migration_listing(root: Path, exclude: Sequence[str]) -> Listing[Migration]:
    """The migrations of a checkout."""
    found = sources(root, exclude, SUFFIXES)
    paths = [path for path in found.paths if _may_be(path)]
    items: list[Migration] = []
    ages: dict[str, int] = {}
    unread = [one for one in found.unread if _may_be(one.resource) or "." not in posixpath.basename(one.resource)]
    for path in sorted(paths, key=_order, reverse=True):
        try:
            data = read_inside(root, path, MAX_MIGRATION_BYTES)
        except NotObserved as fault:
            unread.append(Unread(resource=encodable(path), kind=fault.kind, reason=fault.reason, fix=fault.fix))
            continue
        if not _is_one(path, data):
            continue
        folder = _folder(path)
        ages[folder] = ages.get(folder, 0) + 1
        done, problem = read_migration(path, data)
        items.append(Migration(path=encodable(path), age=ages[folder], operations=tuple(done), problem=problem))
    return Listing(
        items=tuple(items), unread=tuple(unread), left_out=Sources(excluded=found.excluded).left_out, fix=FIX
    )


def read_migration(path: str, data: bytes) -> tuple[list[Operation], str]:
    """What a migration does, and why it was not, or not wholly, understood."""
    suffix = posixpath.splitext(path)[1].lower()
    try:
        if suffix == ".sql":
            return list(operations(data.decode("utf-8-sig"))), ""
        if suffix in SCRIPTS:
            from meshguard.targets.repo.migration_typeorm import typeorm_operations

            return typeorm_operations(data, suffix)
    except UnicodeDecodeError:
        return [], "it is no UTF-8"
    except ValueError as fault:
        return [], str(fault)
    return [], f"migrations of this kind ({OTHERS[suffix]}) are not understood"


def _may_be(path: str) -> bool:
    folder, name = posixpath.split(path)
    if BACK.search(path):
        return False
    return bool(FOLDER.search(folder)) or bool(FLYWAY.fullmatch(name))


def _is_one(path: str, data: bytes) -> bool:
    """Whether the content is a migration's: what only gathers others is none."""
    suffix = posixpath.splitext(path)[1].lower()
    if suffix == ".sql":
        return True
    pattern = UP if suffix in SCRIPTS else re.compile(STARTS[suffix])
    return pattern.search(data) is not None


def _folder(path: str) -> str:
    """The folder whose migrations follow one another; Prisma has a folder for each."""
    folder, name = posixpath.split(path)
    return posixpath.dirname(folder) if name == "migration.sql" else folder


def _order(path: str) -> tuple[str, tuple[int, ...], str]:
    """By folder and the numbers that the name begins with."""
    own = path.removeprefix(_folder(path)).strip("/")
    numbers = re.match(r"[VR]?((?:\d+[._-]?)+)", own)
    return _folder(path), tuple(int(one[:30]) for one in re.findall(r"\d+", numbers[1])) if numbers else (), own
