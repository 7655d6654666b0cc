"""The secrets that the deployment file holds, taken out of whatever is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_MASKED = 4
"""Shorter texts are no secrets, and stand in too many words."""


class Masks:
    """Puts a name in the place of each secret: a server may echo what it was sent."""

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        # As it stands and as an URL holds it. Long ones first, since one may hold another.
        forms = [(form, name) for secret, name in secrets for form in {secret, quote(secret), quote(secret, safe="")}]
        known = [(form, f"[{name}]") for form, name in forms if len(form) >= MIN_MASKED]
        self._known = sorted(known, key=lambda mask: -len(mask[0]))

    def __call__(self, value: Any) -> Any:
        """A JSON value without the secrets, in its texts and in its keys."""
        if isinstance(value, str):
            for secret, name in self._known:
                value = value.replace(secret, name)
            return value
        if isinstance(value, list):
            return [self(item) for item in value]
        if isinstance(value, dict):
            return {self(key): self(item) for key, item in value.items()}
        return value
