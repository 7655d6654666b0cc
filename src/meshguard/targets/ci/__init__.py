"""Target `ci`: the workflows of a checkout, for GitHub Actions and GitLab CI. None is run, nothing is contacted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from meshguard.errors import NotObserved
from meshguard.fact import LeftOut, Listing, Unread, fact
from meshguard.limits import LimitSettings
from meshguard.target import Target, in_thread
from meshguard.targets.ci.files import Files, NotRead
from meshguard.targets.ci.listing import workflow_files
from meshguard.targets.ci.models import Permissions, Runs, Secrets, Trusting, Unknown, Uses, WorkflowFile
from meshguard.targets.ci.settings import CiSettings
from meshguard.targets.ci.yaml_read import Unreadable
from meshguard.targets.ci.zizmor import Opinion, ask
from meshguard.values import parse_duration

__all__ = ["Ci", "CiSettings", "Opinion", "Permissions", "Runs", "Secrets", "Trusting", "Uses", "WorkflowFile"]

T = TypeVar("T")
NONE = "add a workflow under .github/workflows, or a .gitlab-ci.yml"


class Ci(Target[CiSettings]):
    """The workflows of a checkout."""

    kind = "ci"
    Settings = CiSettings
    DEFAULT_LIMITS = LimitSettings(connections=2, fact_deadline=parse_duration("1m"))

    @property
    def subject(self) -> str:
        """The folder."""
        return str(self.settings.path)

    @fact
    async def files(self) -> Listing[WorkflowFile]:
        """The files that say what runs: workflows, actions of the repository, GitLab's configuration."""
        found, left = await in_thread(workflow_files, self.settings.path, self.settings.exclude)
        return Listing(
            items=tuple(found),
            left_out=tuple(LeftOut(filter=one.why, count=one.count) for one in left if not one.failed),
            unread=tuple(Unread(resource=path, reason=one.why) for one in left if one.failed for path in one.paths),
            fix=NONE,
        )

    @fact
    async def runs(self, commands: tuple[str, ...], branch: str) -> Runs:
        """Where one of the commands is run on pushes and pull requests of a branch, and what may run it unseen."""
        from meshguard.targets.ci.search import search

        listing = await self.files()
        if not listing.items:
            raise NotObserved("the checkout has no workflow", fix=NONE)
        found: Runs = await self._from_files(search, listing.items, tuple(commands), branch)
        unread = [*found.unknown, *(Unknown(where=one.resource, what=one.reason) for one in listing.unread)]
        return found.model_copy(update={"unknown": tuple(unread)})

    @fact
    async def uses(self, path: str) -> Uses:
        """The code of others that one file runs."""
        from meshguard.targets.ci.review import uses

        return await self._from_files(uses, await self._file(path))

    @fact
    async def tokens(self, path: str) -> Permissions:
        """What the tokens of one workflow of GitHub may do."""
        from meshguard.targets.ci.review import permissions

        return await self._from_files(permissions, path)

    @fact
    async def secrets(self, path: str) -> Secrets:
        """How one file comes by its secrets, by name."""
        from meshguard.targets.ci.secrets import secrets

        return await self._from_files(secrets, await self._file(path))

    @fact
    async def trusting(self, path: str) -> Trusting:
        """What one workflow does with a stranger's code or words where it has the repository's rights."""
        from meshguard.targets.ci.trusting import trusting

        return await self._from_files(trusting, path)

    @fact
    async def zizmor(self, path: str) -> Opinion:
        """What zizmor says of one workflow or action, where the deployment names it."""
        return await ask(Files(self.settings.path), path, self.settings.zizmor, deadline_s=self.limits.deadline_s)

    async def _file(self, path: str) -> WorkflowFile:
        listing = await self.files()
        found = next((one for one in listing.items if one.path == path), None)
        if found is None:
            raise NotObserved(f"{path} is no file of a CI service in the checkout", fix="`meshguard ask ci files`")
        return found

    async def _from_files(self, function: Callable[..., T], *arguments: object) -> T:
        try:
            return await in_thread(function, Files(self.settings.path), *arguments)
        except (Unreadable, NotRead) as fault:
            raise NotObserved(
                f"it cannot be read: {fault}", fix="correct the file; see what the service says"
            ) from None
        except RecursionError:
            raise NotObserved("it nests too deep to be read", fix="make it simpler") from None
