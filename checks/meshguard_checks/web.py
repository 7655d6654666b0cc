"""Checks of live web answers: response headers, cookies and the redirect to HTTPS.

Each listed path is judged by its own answer: a page, the login, an API answer and a 404 often come from other places.
"""

from meshguard_checks.web_content import csp, frame_options
from meshguard_checks.web_cookies import cookies
from meshguard_checks.web_headers import (
    content_type_options,
    no_technology_disclosure,
    permissions_policy,
    referrer_policy,
    security_headers,
)
from meshguard_checks.web_transport import hsts, redirects_to_https

__all__ = [
    "content_type_options",
    "cookies",
    "csp",
    "frame_options",
    "hsts",
    "no_technology_disclosure",
    "permissions_policy",
    "redirects_to_https",
    "referrer_policy",
    "security_headers",
]
