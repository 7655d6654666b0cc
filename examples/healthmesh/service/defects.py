"""The defects of the web service, as data."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from ssl import TLSVersion

from examples.healthmesh.defect import Alteration, Defect, both

from .settings import CSP, HSTS, Settings

XFO = "X-Frame-Options"
NOSNIFF = "X-Content-Type-Options"


def header(name: str, *lines: str) -> Alteration[Settings]:
    """The header has these lines instead; none leaves it out."""
    return Alteration(frozenset({name}), lambda to: replace(to, headers={**to.headers, name: lines}))


def not_on_404(name: str) -> Alteration[Settings]:
    """The header is left out of the 404 page only."""
    return Alteration(frozenset({name}), lambda to: replace(to, left_out_on_404=to.left_out_on_404 | {name}))


def csp(directive: str, sources: str) -> Alteration[Settings]:
    """The policy's directive has these sources instead."""
    return Alteration(frozenset({f"CSP {directive}"}), lambda to: replace(to, csp={**to.csp, directive: sources}))


# What clashes with a change to one directive: the change to all of them.
WHOLE_CSP = frozenset({CSP, "CSP script-src", "CSP style-src", "CSP frame-ancestors"})
NO_CSP: Alteration[Settings] = Alteration(WHOLE_CSP, lambda to: replace(to, csp={}))
REPORT_ONLY: Alteration[Settings] = Alteration(
    WHOLE_CSP, lambda to: replace(to, csp_header="Content-Security-Policy-Report-Only")
)


def cookie(**attributes: str | None) -> Alteration[Settings]:
    """The cookies lack these attributes, or have another value for them."""

    def apply(to: Settings) -> Settings:
        kept: Mapping[str, str | None] = {**to.cookie, **attributes}
        missing = {name for name, value in attributes.items() if value is None}
        return replace(to, cookie={name: value for name, value in kept.items() if name not in missing})

    return Alteration(frozenset({"cookies"}), apply)


def redirect(status: int | None, to_url: str = "https://{host}:{port}") -> Alteration[Settings]:
    """Plain http is answered in another way."""
    return Alteration(frozenset({"redirect"}), lambda to: replace(to, redirect_status=status, redirect_to=to_url))


# DEFAULT and not ALL: anonymous suites would be a second defect. Level 0, since 1.0 and 1.1 sign with SHA-1.
OLD_TLS: Alteration[Settings] = Alteration(
    frozenset({"TLS versions"}),
    lambda to: replace(to, tls_minimum=TLSVersion.TLSv1, tls_ciphers="DEFAULT:@SECLEVEL=0"),
)
EXPIRING: Alteration[Settings] = Alteration(
    frozenset({"certificate"}), lambda to: replace(to, certificate_left=timedelta(days=5, hours=1))
)

# In `--leaky` the first of several that alter the same thing is taken.
WEB_DEFECTS: tuple[Defect[Settings], ...] = (
    Defect("hsts-missing", "web.hsts", "Strict-Transport-Security is not sent.", header(HSTS)),
    Defect("hsts-short", "web.hsts", "Browsers remember https for one day only.", header(HSTS, "max-age=86400")),
    Defect(
        "hsts-twice-in-one-line",
        "web.hsts",
        "max-age stands twice in the header, which voids all of it.",
        header(HSTS, "max-age=31536000; includeSubDomains; max-age=31536000"),
    ),
    Defect(
        "hsts-first-line-short",
        "web.hsts",
        "Two header lines are sent, and the first, which counts, ends after five minutes.",
        header(HSTS, "max-age=300", "max-age=31536000; includeSubDomains"),
    ),
    Defect(
        "hsts-missing-on-404",
        "web.hsts",
        "The 404 page has no Strict-Transport-Security.",
        not_on_404(HSTS),
    ),
    Defect(
        "csp-unsafe-inline",
        "web.csp",
        "The content policy lets inline scripts run.",
        csp("script-src", "'self' 'unsafe-inline'"),
    ),
    Defect("csp-any-script", "web.csp", "The content policy takes scripts from anywhere.", csp("script-src", "*")),
    Defect("csp-missing", "web.csp", "Content-Security-Policy is not sent.", NO_CSP),
    Defect("csp-report-only", "web.csp", "The content policy is reported and not enforced.", REPORT_ONLY),
    Defect(
        "csp-missing-on-404",
        "web.csp",
        "The 404 page has no content policy.",
        Alteration(WHOLE_CSP, not_on_404(CSP).apply),
    ),
    Defect("nosniff-missing", "web.content_type_options", "X-Content-Type-Options is not sent.", header(NOSNIFF)),
    Defect(
        "nosniff-missing-on-404",
        "web.content_type_options",
        "The 404 page has no X-Content-Type-Options.",
        not_on_404(NOSNIFF),
    ),
    Defect(
        "nosniff-misspelt",
        "web.content_type_options",
        "X-Content-Type-Options has a value that browsers do not know.",
        header(NOSNIFF, "no-sniff"),
    ),
    Defect(
        "frames-allowed",
        "web.frame_options",
        "X-Frame-Options has a value that browsers ignore, and the content policy lets the own site frame.",
        both(header(XFO, "ALLOWALL"), csp("frame-ancestors", "'self'")),
    ),
    Defect(
        "frames-same-origin",
        "web.frame_options",
        "The own site may frame the pages, where the guide says DENY.",
        both(header(XFO, "SAMEORIGIN"), csp("frame-ancestors", "'self'")),
    ),
    Defect(
        "referrer-unsafe",
        "web.referrer_policy",
        "Whole addresses are sent to every other site.",
        header("Referrer-Policy", "unsafe-url"),
    ),
    Defect("referrer-missing", "web.referrer_policy", "Referrer-Policy is not sent.", header("Referrer-Policy")),
    Defect(
        "permissions-missing",
        "web.permissions_policy",
        "Permissions-Policy is not sent.",
        header("Permissions-Policy"),
    ),
    Defect(
        "permissions-camera",
        "web.permissions_policy",
        "Every frame may use the camera.",
        header("Permissions-Policy", "geolocation=(), camera=*, microphone=()"),
    ),
    Defect(
        "plain-http",
        "web.redirects_to_https",
        "Plain http serves the pages and leads nobody to https.",
        redirect(None),
    ),
    Defect(
        "redirect-to-http",
        "web.redirects_to_https",
        "Plain http leads to plain http.",
        redirect(301, "http://{host}:{port}"),
    ),
    Defect(
        "redirect-other-host",
        "web.redirects_to_https",
        "Plain http leads to another host first.",
        redirect(301, "https://health-mesh-login.example"),
    ),
    Defect("cookie-no-samesite", "web.cookies", "The cookies lack SameSite.", cookie(SameSite=None)),
    Defect(
        "cookie-samesite-none",
        "web.cookies",
        "Other sites' requests carry the cookies.",
        cookie(SameSite="None"),
    ),
    Defect(
        "cookie-script-readable",
        "web.cookies",
        "Scripts can read the cookies: no HttpOnly.",
        cookie(HttpOnly=None),
    ),
    Defect("cookie-not-secure", "web.cookies", "The cookies lack Secure.", cookie(Secure=None)),
    Defect(
        "server-version",
        "web.no_technology_disclosure",
        "The Server header names a product and its version.",
        header("Server", "nginx/1.18.0 (Ubuntu)"),
    ),
    Defect(
        "powered-by",
        "web.no_technology_disclosure",
        "X-Powered-By names the framework.",
        header("X-Powered-By", "Express"),
    ),
    Defect(
        "opener-missing",
        "web.security_headers",
        "Cross-Origin-Opener-Policy is not sent.",
        header("Cross-Origin-Opener-Policy"),
    ),
    Defect(
        "resource-policy-missing",
        "web.security_headers",
        "Cross-Origin-Resource-Policy is not sent.",
        header("Cross-Origin-Resource-Policy"),
    ),
    Defect("tls-old", "tls.versions", "TLS 1.0, 1.1 and 1.2 are accepted too.", OLD_TLS),
    Defect("certificate-expiring", "tls.certificate", "The server certificate ends in five days.", EXPIRING),
)
