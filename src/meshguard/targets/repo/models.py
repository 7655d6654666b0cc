"""What is recorded of a repository."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class RepoModel(BaseModel):
    """Base of all that is recorded of a repository."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class GitState(RepoModel):
    """What git says of the checkout."""

    commit: str
    """The commit that is checked out; empty where there is none yet."""
    branch: str
    """Empty where no branch is checked out."""
    changed: int
    """Files that differ from the commit, staged or not."""
    untracked: int
    """Files that git does not know and does not ignore."""
    shallow: bool
    submodules: tuple[str, ...] = ()
    """Paths of other repositories in it, which are not looked at."""


class Skipped(RepoModel):
    """What was not looked at, and why."""

    why: str
    count: int
    paths: tuple[str, ...] = ()
    """Some of them."""


class Inventory(RepoModel):
    """What a checkout holds that has a meaning of its own: paths from its folder, with "/" between their parts."""

    files: int
    bytes: int
    lockfiles: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    """What names packages, and may have a lockfile beside it."""
    workflows: tuple[str, ...] = ()
    """Of GitHub Actions and GitLab CI."""
    bots: tuple[str, ...] = ()
    """Of Dependabot and Renovate."""
    dockerfiles: tuple[str, ...] = ()
    composes: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    """What would configure other people's scanners; found and reported, and never obeyed."""
    skipped: tuple[Skipped, ...] = ()
