"""Target `repo`: a checkout of a repository, and its history."""

from meshguard.targets.repo.models import GitState, Inventory, RepoModel, Skipped
from meshguard.targets.repo.packages import PackageFacts
from meshguard.targets.repo.settings import RepoSettings

__all__ = ["GitState", "Inventory", "Repo", "RepoModel", "RepoSettings", "Skipped"]


class Repo(PackageFacts):
    """A checkout of a repository."""
