"""Facts of the bots that propose updates: what would have to be covered, and what Dependabot and Renovate are told."""

from __future__ import annotations

from typing import Literal

from meshguard.fact import Listing, fact
from meshguard.target import in_thread
from meshguard.targets.repo.base import RepoBase
from meshguard.targets.repo.models import RepoModel

Pace = Literal["daily", "weekly", "monthly", "slower", "unknown"]


class UpdatePlace(RepoModel):
    """A folder that names packages of one ecosystem."""

    ecosystem: str
    """As Dependabot names it."""
    folder: str
    """From the checkout's folder; empty: that itself."""
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Ecosystem and folder."""
        return f"{self.ecosystem} /{self.folder}"


class DependabotEntry(RepoModel):
    """One entry under `updates` of Dependabot."""

    line: int
    ecosystem: str
    folders: tuple[str, ...] = ()
    """As they are written; with globs."""
    pace: Pace
    limit: int | None = None
    """How many pull requests may be open; 0 stops version updates."""
    stopped: str = ""
    """Why it proposes nothing, or only a part."""
    doubt: str = ""
    """What is not followed."""
    excluded: tuple[str, ...] = ()
    """Paths that it leaves out."""


class Dependabot(RepoModel):
    """What Dependabot is told."""

    path: str
    entries: tuple[DependabotEntry, ...] = ()
    problem: str = ""
    """Why it can't be read."""


class Renovate(RepoModel):
    """What Renovate is told."""

    path: str
    problem: str = ""
    stopped: str = ""
    pace: Pace = "daily"
    managers: tuple[str, ...] = ()
    """The managers that alone are on; empty: all."""
    off: tuple[str, ...] = ()
    """Managers that are off."""
    ignored: tuple[str, ...] = ()
    """Paths that it leaves out."""
    included: tuple[str, ...] = ()
    """Paths that it looks at alone; empty: all."""
    doubts: tuple[str, ...] = ()
    """What is not followed: settings from elsewhere."""


class UpdateBots(RepoModel):
    """The bots that are configured in the checkout."""

    dependabot: Dependabot | None = None
    renovate: Renovate | None = None


class BotFacts(RepoBase):
    """The bots that propose updates of a checkout's packages."""

    @fact
    async def update_places(self) -> Listing[UpdatePlace]:
        """Each ecosystem and folder that a bot would have to cover: one with a lockfile, else one with a manifest.

        A manifest under a folder with a lockfile of its ecosystem is a member of that workspace; one that names no
        package is left out.
        """
        from meshguard.targets.repo.bots_places import places

        found = await self.inventory()
        return Listing(
            items=await in_thread(places, self.settings.path, found),
            fix="nothing in the checkout names packages; see `meshguard ask repo inventory`",
        )

    @fact
    async def update_bots(self) -> UpdateBots:
        """What Dependabot and Renovate are told; a file that can't be read says so."""
        from meshguard.targets.repo.bots_read import bots

        return await in_thread(bots, self.settings.path)
