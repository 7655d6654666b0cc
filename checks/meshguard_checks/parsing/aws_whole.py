"""Whether a list is whole: nobody may say "there is none" of a list that lacks a part."""

from __future__ import annotations

from typing import Any

from meshguard.api import Listing

NAMED = 3
"""Parts that a sentence names; the others are counted."""


def unread(listing: Listing[Any]) -> str:
    """What could not be read of a list, and why; empty for a whole one.

    What was left out on purpose, by the deployment's tags or regions, is not among it: see `left_out`.
    """
    if listing.unread:
        names = [part.resource for part in listing.unread]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return f"{', '.join(names[:NAMED])}{more} could not be read: {listing.unread[0].reason}"
    if not listing.complete:
        return listing.note or "not all pages of the list could be read"
    return ""


def left_out(listing: Listing[Any]) -> str:
    """What a list leaves out on purpose; empty where it leaves out nothing."""
    parts = [f"{part.count} by {part.filter}" for part in listing.left_out if part.count]
    return f"the list leaves out {', '.join(parts)}" if parts else ""
