"""Checks that browsers come to the site over HTTPS, and stay there."""

from __future__ import annotations

from urllib.parse import urlsplit

from meshguard.api import Duration, Verdict, check, days, failed, judged, passed, undetermined
from meshguard.targets.web import Page, Refused, Response, Web, port_of
from meshguard_checks.parsing.host import is_address
from meshguard_checks.parsing.hsts import HstsProblem, parse_hsts


@check(
    "web.hsts",
    method="test",
    over=Web.pages,
    fix="Send `Strict-Transport-Security: max-age=31536000; includeSubDomains` on every https answer, redirects and "
    "errors too (helmet sends it by default; nginx: `add_header Strict-Transport-Security "
    '"max-age=31536000; includeSubDomains" always;`).',
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
    no policy at all (6.1). Over plain http browsers ignore the header (8.1). A redirect's own answer is judged too:
    it may be the only one of its host that a browser ever sees. Whether a site is on a preload list is not looked up.

    Args:
        min_age: shortest accepted max-age.
        include_subdomains: whether the policy must cover subdomains.
        preload: whether the policy must allow the browsers' preload lists (hstspreload.org).
    """
    verdicts = [_hsts(answer, min_age, include_subdomains, preload) for answer in await site.answers(page.path)]
    return next((verdict for verdict in verdicts if verdict.outcome != "pass"), verdicts[-1])


def _hsts(answer: Response, min_age: Duration, include_subdomains: bool, preload: bool) -> Verdict:
    lines = answer.values("strict-transport-security")
    where = f" on the redirect from {answer.url}" if answer.redirects else ""
    if not answer.url.startswith("https:"):
        return failed(f"{answer.url} is not served over https, where alone the header counts", want=min_age)
    if not lines:
        return failed(f"no Strict-Transport-Security header{where}", want=min_age)
    policy = parse_hsts(lines[0])
    if isinstance(policy, HstsProblem):
        return failed(f"browsers ignore the header{where}: {policy.problem}", got=lines[0], want=min_age)
    for name, missing in (
        ("includeSubDomains", include_subdomains and not policy.include_subdomains),
        ("preload", preload and not policy.preload),
    ):
        if missing:
            return failed(f"{name} is missing{where}", got=lines[0], want=name)
    verdict = judged(policy.max_age >= min_age, f"max-age{where}", got=policy.max_age, want=min_age)
    if is_address(urlsplit(answer.url).hostname or ""):
        return verdict.but(message=f"{verdict.message} (browsers keep it for a host name only, and this is an address)")
    return verdict


@check(
    "web.redirects_to_https",
    method="test",
    over=Web.pages,
    fix="Answer every plain http request with 308 to the same host over https "
    "(nginx: `return 308 https://$host$request_uri;` in the server block of port 80).",
)
async def redirects_to_https(
    page: Page, site: Web, *, permanent: bool = True, allow_closed_port: bool = True
) -> Verdict:
    """Plain http leads to HTTPS on the same host at the first redirect (OWASP HSTS Cheat Sheet; hstspreload.org).

    A first hop to http or to another host goes out unprotected and sets no HSTS policy for this host. A port that
    refuses the connection serves nothing over plain http; no answer in time, an unreachable network or an answer that
    is no HTTP say nothing and are errors.

    Args:
        permanent: whether only 301 and 308 count, and not 302, 303 and 307.
        allow_closed_port: whether a refused connection is accepted.
    """
    answer = await site.plain(page.path)
    if isinstance(answer, Refused):
        if site.settings.http_url:
            return undetermined(
                f"the deployment says that plain http is at {answer.refused}, and nothing listens there",
                fix="correct `http_url` of the target; where plain http is closed on purpose, leave it out",
            )
        if allow_closed_port:
            await site.page(page.path)  # a host that is down refuses everything; that is no answer
            return passed(f"nothing answers over plain http: {answer.refused} refused the connection", got="closed")
        return failed(f"{answer.refused} refused the connection", got="closed", want="a redirect to https")
    problem = _first_hop(answer, site, permanent)
    if problem:
        return failed(problem, got=f"{answer.status} {answer.location or ''}".strip(), want=_want(site, permanent))
    last = await site.page(page.path)
    if last.redirects and last.location and last.location.lower().startswith("http:"):
        return failed(f"{last.url} leads back to plain http", got=last.location, want="https")
    return passed(f"{answer.status} to {answer.location}", got=answer.location)


def _want(site: Web, permanent: bool) -> str:
    return f"{'301 or 308' if permanent else 'a redirect'} to https on {site.settings.parts.hostname}"


def _first_hop(answer: Response, site: Web, permanent: bool) -> str:
    """What is wrong with the first answer over plain http; empty where it leads to https as it should."""
    if not answer.redirects:
        return f"{answer.url} answers {answer.status} over plain http and does not redirect"
    if len(answer.values("location")) > 1:
        return "the redirect has several Location lines, which browsers refuse"
    to, wanted = urlsplit(answer.location or ""), site.settings.parts
    if to.scheme != "https":
        return f"the first redirect leads to {answer.location or 'no valid URL'}, which is not https"
    port = port_of(wanted) if wanted.scheme == "https" else 443
    if (to.hostname, port_of(to)) != (wanted.hostname, port):
        return f"the first redirect leads to another host, {to.netloc}"
    if permanent and answer.status not in (301, 308):
        return f"the redirect is {answer.status} and not permanent"
    return ""
