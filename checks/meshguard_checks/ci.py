"""Checks of a CI service's workflows: what they run, whose code they run, and what they may do."""

from meshguard_checks.ci_order import order
from meshguard_checks.ci_pinned import pinned_actions
from meshguard_checks.ci_rights import least_permissions, pull_request_target, secrets_from_manager
from meshguard_checks.ci_runs import runs
from meshguard_checks.ci_zizmor import zizmor

__all__ = [
    "least_permissions",
    "order",
    "pinned_actions",
    "pull_request_target",
    "runs",
    "secrets_from_manager",
    "zizmor",
]
