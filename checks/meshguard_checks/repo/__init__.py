"""Checks of a repository: its checkout and its history."""

from meshguard_checks.repo.bots import update_bot
from meshguard_checks.repo.code import no_browser_token_storage, sql_concatenation
from meshguard_checks.repo.documents import branch_clean, documentation_current, gitignore_env
from meshguard_checks.repo.licences import licenses
from meshguard_checks.repo.migrations import migrations_online
from meshguard_checks.repo.sbom import sbom, sbom_of_build, sbom_valid
from meshguard_checks.repo.secrets import secrets
from meshguard_checks.repo.vulnerabilities import vulnerabilities, vulnerability_age

__all__ = [
    "branch_clean",
    "documentation_current",
    "gitignore_env",
    "licenses",
    "migrations_online",
    "no_browser_token_storage",
    "sbom",
    "sbom_of_build",
    "sbom_valid",
    "secrets",
    "sql_concatenation",
    "update_bot",
    "vulnerabilities",
    "vulnerability_age",
]
