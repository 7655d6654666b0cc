"""Facts of GitHub Actions: workflows, their runs and jobs, and the pushes that they should have run for."""

from __future__ import annotations

from datetime import date
from typing import Any

from meshguard.fact import fact
from meshguard.targets.github.base import GithubBase, reading
from meshguard.targets.github.endpoints import ACTIVITY, JOBS, RUNS, WORKFLOWS
from meshguard.targets.github.models import Job, Push, Run, Workflow

DEPENDABOT = "dynamic/dependabot/dependabot-updates"
"""Path of the workflow that GitHub makes for Dependabot's own runs."""
PUSHES = ("push", "force_push", "pr_merge", "merge_queue_merge", "branch_creation")
"""What moves a branch, and so starts what runs on push."""


class ActionFacts(GithubBase):
    """Workflows and what became of them."""

    @fact
    async def workflows(self) -> tuple[Workflow, ...]:
        """All workflows, those that GitHub makes itself too."""
        found = await self.repository()
        raw = await self.fetch_list(WORKFLOWS, key="workflows", repo=found.full_name)
        return reading(WORKFLOWS, lambda items: tuple(Workflow.model_validate(item) for item in items), raw)

    @fact
    async def runs(self, workflow: int, branch: str, since: date) -> tuple[Run, ...]:
        """The runs of a workflow on a branch since a day, newest first."""
        found = await self.repository()
        query = {"branch": branch, "created": f">={since.isoformat()}", "exclude_pull_requests": "true"}
        raw = await self.fetch_list(RUNS, query, key="workflow_runs", repo=found.full_name, id=workflow)
        return reading(RUNS, lambda items: tuple(run_of(item, found.full_name) for item in items), raw)

    @fact
    async def jobs(self, run: int) -> tuple[Job, ...]:
        """The jobs of a run's last attempt."""
        found = await self.repository()
        raw = await self.fetch_list(JOBS, {"filter": "latest"}, key="jobs", repo=found.full_name, id=run)
        return reading(JOBS, lambda items: tuple(job_of(item) for item in items), raw)

    @fact
    async def pushes(self, count: int) -> tuple[Push, ...]:
        """The last `count` times that the branch was moved, newest first; less where it was moved less often."""
        branch = await self.branch()
        found = await self.repository()
        moved: list[Any] = []

        def is_enough(one: dict[str, Any]) -> bool:
            moved.extend([one] if one["activity_type"] in PUSHES else [])
            return len(moved) >= count

        query = {"ref": f"refs/heads/{branch.name}", "direction": "desc"}
        await self.fetch_list(ACTIVITY, query, enough=is_enough, repo=found.full_name)
        return reading(ACTIVITY, lambda items: tuple(push_of(item) for item in items), moved)


def run_of(raw: dict[str, Any], repo: str) -> Run:
    """One run, from its JSON; a title may be a commit's message, so it is kept of Dependabot's own alone."""
    return Run(
        id=raw["id"],
        sha=raw["head_sha"],
        event=raw["event"],
        finished=raw["status"] == "completed",
        conclusion=raw["conclusion"] or "",
        created=raw["created_at"],
        own=(raw["head_repository"] or {}).get("full_name") == repo,
        title=raw["name"] or "" if raw["path"].partition("@")[0] == DEPENDABOT else "",
    )


def job_of(raw: dict[str, Any]) -> Job:
    """One job, from its JSON."""
    return Job(name=raw["name"], conclusion=raw["conclusion"] or "")


def push_of(raw: dict[str, Any]) -> Push:
    """One push, from its JSON."""
    return Push(sha=raw["after"], time=raw["timestamp"])
