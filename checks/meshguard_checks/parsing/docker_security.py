"""Security options of a container as the engine reads them (moby, daemon/daemon_unix.go, parseSecurityOpt)."""

from __future__ import annotations

from collections.abc import Iterable

_TRUE = frozenset(["1", "t", "T", "TRUE", "true", "True"])
"""What Go's strconv.ParseBool takes for true."""


def no_new_privileges_of(options: Iterable[str]) -> bool | None:
    """Whether the last option that speaks of no-new-privileges sets it; None where none does.

    `no-new-privileges`, `=true`, `:true` and `:1` all set it. The separator is `=`, or `:` where there is no `=`.
    """
    found = None
    for option in options:
        name, separator, value = option.partition("=" if "=" in option else ":")
        if name == "no-new-privileges":
            found = value in _TRUE if separator else True
    return found
