"""The capabilities that a container's processes may get (moby, daemon/pkg/oci/caps.TweakCapabilities)."""

from __future__ import annotations

from collections.abc import Iterable

ALL = "ALL"
DEFAULTS = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "NET_RAW",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
"""What a container has when nothing is dropped."""


def normalised(names: Iterable[str]) -> frozenset[str]:
    """Names in upper case and without CAP_: the CLI writes them so, the API and Compose keep what was given."""
    return frozenset(name.strip().upper().removeprefix("CAP_") for name in names)


def effective(add: Iterable[str], drop: Iterable[str]) -> frozenset[str]:
    """What is left after dropping and adding; ALL stands for itself, and in `add` it wins over a dropped ALL."""
    added, dropped = normalised(add), normalised(drop)
    if ALL in added:
        return frozenset([ALL])
    return added if ALL in dropped else (DEFAULTS - dropped) | added
