"""Checks of live web answers: response headers, cookies and the redirect to HTTPS.

Each listed path is judged by its own answer: a page, the login, an API answer and a 404 often come from other places.
"""

from __future__ import annotations

from meshguard.api import Duration, Verdict, check, days, failed, judged
from meshguard.targets.web import Page, Web
from meshguard_checks.parsing.hsts import HstsProblem, parse_hsts


@check(
    "web.hsts",
    method="test",
    over=Web.pages,
    fix="Send `Strict-Transport-Security: max-age=31536000; includeSubDomains` on every https answer.",
)
async def hsts(
    page: Page,
    site: Web,
    *,
    min_age: Duration = days(365),
    include_subdomains: bool = False,
    preload: bool = False,
) -> Verdict:
    """Browsers are told to use HTTPS for at least `min_age` (RFC 6797, 6.1).

    Only the first header line counts (8.1), and one with a directive twice or a max-age that is no whole number is
    no policy at all (6.1). Over plain http browsers ignore the header (8.1).

    Args:
        min_age: shortest accepted max-age.
        include_subdomains: whether the policy must cover subdomains.
        preload: whether the policy must allow the browsers' preload lists (hstspreload.org).
    """
    answer = await site.page(page.path)
    lines = answer.values("strict-transport-security")
    if not answer.url.startswith("https:"):
        return failed("the page is not served over https, where alone the header counts", want=min_age)
    if not lines:
        return failed("no Strict-Transport-Security header", want=min_age)
    policy = parse_hsts(lines[0])
    if isinstance(policy, HstsProblem):
        return failed(f"browsers ignore the header: {policy.problem}", got=lines[0], want=min_age)
    if include_subdomains and not policy.include_subdomains:
        return failed("includeSubDomains is missing", got=lines[0], want="includeSubDomains")
    if preload and not policy.preload:
        return failed("preload is missing", got=lines[0], want="preload")
    return judged(policy.max_age >= min_age, "max-age", got=policy.max_age, want=min_age)


@check(
    "web.content_type_options",
    method="test",
    over=Web.pages,
    fix="Send `X-Content-Type-Options: nosniff` on every answer.",
)
async def content_type_options(page: Page, site: Web) -> Verdict:
    """Browsers are told not to guess the content type (Fetch Standard, 3.6, "nosniff").

    Browsers read the lines joined by commas and look at the first value only.
    """
    answer = await site.page(page.path)
    lines = answer.values("x-content-type-options")
    if not lines:
        return failed("no X-Content-Type-Options header", want="nosniff")
    first = ",".join(lines).split(",")[0].strip().lower()
    return judged(first == "nosniff", "X-Content-Type-Options", got=", ".join(lines), want="nosniff")
