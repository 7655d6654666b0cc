"""Signed cookies: the pre-session that a login form needs, and the session that it gives."""

import hmac
import secrets
import time
from typing import Literal

from starlette.responses import Response

from .settings import Settings

Kind = Literal["pre-session", "session"]
LIFETIME_S: dict[Kind, int] = {"pre-session": 600, "session": 8 * 3600}


def cookie_name(kind: Kind) -> str:
    """The cookie's name; its prefix binds it to this host over https (rfc6265bis, 4.1.3.2)."""
    return f"__Host-{kind}"


def issue(key: bytes, kind: Kind, subject: str) -> str:
    """A fresh signed value for this subject."""
    expires = int(time.time()) + LIFETIME_S[kind]
    body = f"{subject}~{expires}~{secrets.token_urlsafe(16)}"
    return f"{body}~{_signature(key, kind, body)}"


def subject_of(key: bytes, kind: Kind, value: str) -> str | None:
    """Whom the value was issued to, or None when it is forged, expired or of the other kind."""
    body, _, signature = value.rpartition("~")
    if not hmac.compare_digest(signature.encode(), _signature(key, kind, body).encode()):
        return None
    subject, expires, _ = body.split("~")
    return subject if int(expires) > time.time() else None


def set_cookie(response: Response, settings: Settings, kind: Kind, value: str) -> None:
    """Add the cookie, with the attributes that the settings say."""
    attributes = [name if said is None else f"{name}={said}" for name, said in settings.cookie.items()]
    response.headers.append("set-cookie", "; ".join([f"{cookie_name(kind)}={value}", *attributes]))


def _signature(key: bytes, kind: Kind, body: str) -> str:
    return hmac.digest(key, f"{kind}~{body}".encode(), "sha256").hex()
