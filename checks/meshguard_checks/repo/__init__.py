"""Checks of a repository: its checkout and its history."""

from meshguard_checks.repo.code import no_browser_token_storage, sql_concatenation
from meshguard_checks.repo.licences import licenses
from meshguard_checks.repo.sbom import sbom, sbom_of_build, sbom_valid
from meshguard_checks.repo.secrets import secrets
from meshguard_checks.repo.vulnerabilities import vulnerabilities, vulnerability_age

__all__ = [
    "licenses",
    "no_browser_token_storage",
    "sbom",
    "sbom_of_build",
    "sbom_valid",
    "secrets",
    "sql_concatenation",
    "vulnerabilities",
    "vulnerability_age",
]
