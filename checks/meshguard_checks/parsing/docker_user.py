"""The user of a container as the container's runtime reads it (opencontainers/runc, user.GetExecUser)."""

from __future__ import annotations

import re


def user_of(text: str) -> int | str:
    """The uid, or the name of which /etc/passwd tells the uid; what stands behind a colon is the group.

    No user is uid 0. Numbers are read as Go's Atoi reads them: 00, -0 and +0 are 0, and 0x0 is a name.
    """
    user = text.partition(":")[0]
    if not user:
        return 0
    return int(user) if re.fullmatch(r"[+-]?[0-9]+", user) else user
