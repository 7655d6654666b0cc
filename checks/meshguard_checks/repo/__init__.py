"""Checks of a repository: its checkout and its history."""

from meshguard_checks.repo.licences import licenses
from meshguard_checks.repo.sbom import sbom, sbom_of_build, sbom_valid

__all__ = [
    "licenses",
    "sbom",
    "sbom_of_build",
    "sbom_valid",
]
