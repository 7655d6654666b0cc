"""Checks of the containers of a Docker engine, running or stopped, by their configuration."""

from meshguard_checks.docker_network import network_isolation, ports
from meshguard_checks.docker_operation import healthcheck, resource_limits, restart_policy
from meshguard_checks.docker_privileges import (
    capabilities,
    no_new_privileges,
    non_root,
    privileged,
    read_only_rootfs,
    socket_mounted,
)
from meshguard_checks.docker_secrets import env_secrets

__all__ = [
    "capabilities",
    "env_secrets",
    "healthcheck",
    "network_isolation",
    "no_new_privileges",
    "non_root",
    "ports",
    "privileged",
    "read_only_rootfs",
    "resource_limits",
    "restart_policy",
    "socket_mounted",
]
