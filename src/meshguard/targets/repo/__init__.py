"""Target `repo`: a checkout of a repository, and its history."""

from meshguard.targets.repo.bots import BotFacts
from meshguard.targets.repo.code import CodeFacts
from meshguard.targets.repo.documents import DocumentFacts
from meshguard.targets.repo.licences import LicenceFacts
from meshguard.targets.repo.migrations import MigrationFacts
from meshguard.targets.repo.models import GitState, Inventory, RepoModel, Skipped
from meshguard.targets.repo.secrets import SecretFacts
from meshguard.targets.repo.settings import RepoSettings
from meshguard.targets.repo.vulnerabilities import VulnerabilityFacts

__all__ = ["GitState", "Inventory", "Repo", "RepoModel", "RepoSettings", "Skipped"]


class Repo(BotFacts, CodeFacts, DocumentFacts, LicenceFacts, MigrationFacts, SecretFacts, VulnerabilityFacts):
    """A checkout of a repository."""
