"""What the service says and how: the hardened settings, which a defect alters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ssl import TLSVersion

HSTS = "Strict-Transport-Security"
CSP = "Content-Security-Policy"

# What helmet 8 sends, with the stricter of each pair of values, and Permissions-Policy, which it lacks.
HEADERS: Mapping[str, tuple[str, ...]] = {
    HSTS: ("max-age=31536000; includeSubDomains",),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("DENY",),
    "Referrer-Policy": ("no-referrer",),
    "Permissions-Policy": ("geolocation=(), camera=(), microphone=()",),
    "Cross-Origin-Opener-Policy": ("same-origin",),
    "Cross-Origin-Resource-Policy": ("same-origin",),
    "Origin-Agent-Cluster": ("?1",),
    "X-DNS-Prefetch-Control": ("off",),
    "X-Download-Options": ("noopen",),
    "X-Permitted-Cross-Domain-Policies": ("none",),
    "X-XSS-Protection": ("0",),
    "Cache-Control": ("no-store",),
}

CSP_DIRECTIVES: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

COOKIE_ATTRIBUTES: Mapping[str, str | None] = {
    "Secure": None,
    "HttpOnly": None,
    "SameSite": "Strict",
    "Path": "/",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about the service that a defect may alter; the defaults are the hardened ones."""

    headers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: HEADERS)
    """The lines of each header; an empty tuple leaves it out."""
    csp: Mapping[str, str] = field(default_factory=lambda: CSP_DIRECTIVES)
    csp_header: str = CSP
    left_out_on_404: frozenset[str] = frozenset()
    cookie: Mapping[str, str | None] = field(default_factory=lambda: COOKIE_ATTRIBUTES)
    redirect_status: int | None = 308
    """How plain http is answered; None serves the pages there."""
    redirect_to: str = "https://{host}:{port}"
    tls_minimum: TLSVersion = TLSVersion.TLSv1_3
    tls_ciphers: str | None = None
    certificate_left: timedelta = timedelta(days=90, minutes=-1)
    """Of its 90 days; the minute is for clients whose clocks are behind."""

    def lines(self, *, status: int, plain_http: bool) -> list[tuple[bytes, bytes]]:
        """The header lines that every answer with this status carries."""
        policy = "; ".join(f"{name} {value}" for name, value in self.csp.items())
        said = {**self.headers, self.csp_header: (policy,) if policy else ()}
        left_out = set(self.left_out_on_404) if status == 404 else set()
        if plain_http:
            left_out.add(HSTS)  # RFC 6797, 7.2: not over plain http
        return [
            (name.lower().encode("ascii"), line.encode("ascii"))
            for name, lines in said.items()
            if name not in left_out
            for line in lines
        ]
