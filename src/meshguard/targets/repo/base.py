"""What all facts of a repository stand on: where it is, what it holds, what git says of it."""

from __future__ import annotations

from meshguard.fact import fact
from meshguard.limits import LimitSettings
from meshguard.target import Target, in_thread
from meshguard.targets.repo.git import GIT, git, own_folder
from meshguard.targets.repo.models import GitState, Inventory
from meshguard.targets.repo.settings import RepoSettings, ToolSettings
from meshguard.targets.repo.walk import inventory
from meshguard.targets.tools import Found, Tool, find
from meshguard.values import encodable, parse_duration


class RepoBase(Target[RepoSettings]):
    """A checkout of a repository."""

    kind = "repo"
    Settings = RepoSettings
    DEFAULT_LIMITS = LimitSettings(connections=4, fact_deadline=parse_duration("5m"))
    MAX_VALUE_BYTES = 16_000_000

    @property
    def subject(self) -> str:
        """The folder."""
        return str(self.settings.path)

    async def tool(self, tool: Tool) -> Found:
        """A program of others, as the deployment names it; raises NotObserved where it is not there."""
        said = self.settings.tools.get(tool.name, ToolSettings())
        return await find(tool, said.path, sha256=said.sha256)

    @fact
    async def inventory(self) -> Inventory:
        """What the checkout holds that has a meaning of its own, and what was not looked at."""
        return await in_thread(inventory, self.settings.path, self.settings.exclude)

    @fact
    async def state(self) -> GitState:
        """The commit that is audited, and whether the files are those of the commit."""
        found = await self.tool(GIT)
        await own_folder(found, self.settings.path, deadline_s=30)
        done = await git(
            found, self.settings.path, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all",
            "--ignore-submodules=all", deadline_s=self.limits.deadline_s,
        )  # fmt: skip
        shallow = await git(found, self.settings.path, "rev-parse", "--is-shallow-repository", deadline_s=30)
        staged = await git(found, self.settings.path, "ls-files", "--stage", "-z", deadline_s=self.limits.deadline_s)
        lines = done.output.decode("utf-8", "surrogateescape").split("\0")
        heads = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch."))
        commit, branch = heads.get("branch.oid", ""), heads.get("branch.head", "")
        return GitState(
            commit="" if commit == "(initial)" else commit,
            branch="" if branch == "(detached)" else encodable(branch),
            changed=sum(line[:2] in ("1 ", "2 ", "u ") for line in lines),
            untracked=sum(line.startswith("? ") for line in lines),
            shallow=shallow.output.strip() == b"true",
            submodules=tuple(
                encodable(line.partition(b"\t")[2].decode("utf-8", "surrogateescape"))
                for line in staged.output.split(b"\0")
                if line.startswith(b"160000 ")
            ),
        )
