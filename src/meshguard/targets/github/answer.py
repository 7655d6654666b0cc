"""One answer of the API, and what it means where it is not what was asked for.

GitHub's own message is never taken over: it may hold names of people and organisations. Statuses and headers are those
of docs.github.com, "Troubleshooting the REST API" and "Rate limits for the REST API".
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from meshguard.errors import Denied, NotObserved, Throttled, Unsupported
from meshguard.targets.github.endpoints import Endpoint

PAUSE_S = 60.0
"""To wait where a limit is reached and the answer does not say how long (the documentation's own advice)."""
MAX_PAUSE_S = 86_400.0
_LIMITED = ("rate limit", "abuse detection")
_PLAIN = re.compile(r"[a-z_=,;: ]{1,200}")


@dataclass(frozen=True)
class Answer:
    """A whole answer: its status, its headers by their name in small letters, and its JSON."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def message(self) -> str:
        """What GitHub says; to be compared and never to be shown."""
        found = self.body.get("message", "") if isinstance(self.body, dict) else ""
        return found[:1000] if isinstance(found, str) else ""


def pause_s(answer: Answer) -> float | None:
    """Seconds to wait where the answer says that a limit is reached; None where it says nothing of limits."""
    if answer.status not in (403, 429):
        return None
    if "retry-after" in answer.headers:
        return _seconds(answer.headers["retry-after"])
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return _seconds(answer.headers.get("x-ratelimit-reset", ""), since=_clock_of(answer))
    if answer.status == 429 or any(phrase in answer.message.lower() for phrase in _LIMITED):
        return PAUSE_S
    return None


def _seconds(text: str, since: float = 0.0) -> float:
    found = float(text) - since if re.fullmatch(r"\d{1,12}", text) else PAUSE_S
    return min(max(found, 1.0), MAX_PAUSE_S)


def _clock_of(answer: Answer) -> float:
    """The server's clock, since the time at which a limit is renewed is told by it; ours where it has none."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (ValueError, TypeError):
        return time.time()


def refused(answer: Answer, endpoint: Endpoint, what: str, *, token: bool) -> NotObserved:
    """Why an answer that is no success is none, and what would settle it.

    Args:
        answer: its status is 300 or more.
        endpoint: what was asked.
        what: the call, for the sentence.
        token: whether one was sent.
    """
    if (pause := pause_s(answer)) is not None:
        fix = f"GitHub answers again in {pause:.0f} s; audit then, or with a token that nothing else uses"
        return Throttled(f"{what}: the rate limit is reached", retry_after=pause, fix=fix)
    if answer.status == 401:
        return Denied(f"{what}: the token is not accepted", fix="renew the token; it may have expired or been revoked")
    if answer.status in (403, 404, 451):
        return _denied(answer, endpoint, what, token=token)
    if answer.status == 409:
        return NotObserved(f"{what}: the repository is empty", fix="push a first commit")
    if answer.status in (410, 501):
        return Unsupported(f"{what}: it is switched off there", fix="see the repository's settings")
    return NotObserved(
        f"{what}: it answered {answer.status}", fix="see githubstatus.com, or the health of the Enterprise Server"
    )


def _denied(answer: Answer, endpoint: Endpoint, what: str, *, token: bool) -> NotObserved:
    if not token:
        return Denied(f"{what}: it is answered to nobody without a token", fix="give a token under `token`")
    if "x-github-sso" in answer.headers:
        return Denied(f"{what}: the token is not authorised for the organisation", fix="authorise the token for SSO")
    if "ip allow list" in answer.message.lower():
        return Denied(f"{what}: this address is not on the organisation's list", fix="audit from an address that is")
    said = "it is not there, or the token may not see it" if answer.status == 404 else "the token may not read it"
    return Denied(f"{what}: {said} ({answer.status})", fix=f"give the token {_needed(answer, endpoint)}")


def _needed(answer: Answer, endpoint: Endpoint) -> str:
    """The permission, as the answer names it; else as the documentation does."""
    if "x-oauth-scopes" in answer.headers:  # only of classic tokens
        asked = _clean(answer.headers.get("x-accepted-oauth-scopes", "")) or endpoint.scope
        has = _clean(answer.headers["x-oauth-scopes"]) or "none"
        return f"the scope {asked}, by a user who administers the repository (it has {has})"
    named = _clean(answer.headers.get("x-accepted-github-permissions", "")) or endpoint.permission
    return f"the permission {named} on this repository"


def _clean(text: str) -> str:
    text = text.strip()
    return text if _PLAIN.fullmatch(text) else ""
