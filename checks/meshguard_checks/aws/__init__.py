"""Checks of AWS accounts."""

from meshguard_checks.aws.keys import kms_rotation

__all__ = [
    "kms_rotation",
]
