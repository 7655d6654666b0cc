"""Checks of what a page may run, and who may frame it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from meshguard.api import Verdict, check, failed, passed
from meshguard.targets.web import Page, Web
from meshguard_checks.parsing.csp import (
    FALLBACK,
    Policy,
    Sources,
    allows_eval,
    allows_inline,
    broad,
    is_none,
    parse_csp,
)
from meshguard_checks.parsing.framing import STRICTNESS, Framing, by_csp, by_x_frame_options

Required = Literal[
    "base-uri",
    "default-src",
    "form-action",
    "frame-ancestors",
    "require-trusted-types-for",
    "sandbox",
    "upgrade-insecure-requests",
]
_WITHOUT_SOURCES = ("require-trusted-types-for", "sandbox", "upgrade-insecure-requests")
_OF_HTML = ("base-uri", "form-action")
_SHOWN = 500


@check(
    "web.csp",
    method="test",
    over=Web.pages,
    fix="Send `Content-Security-Policy: default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'` on every answer, scripts in files or with a nonce for each answer; "
    "for an API `default-src 'none'; frame-ancestors 'none'` (helmet: `contentSecurityPolicy`; nginx: `add_header ... "
    "always;`).",
)
async def csp(
    page: Page,
    site: Web,
    *,
    allow_unsafe_inline: bool = False,
    allow_unsafe_eval: bool = False,
    allow_sources: tuple[str, ...] = (),
    require: tuple[Required, ...] = ("base-uri", "frame-ancestors"),
) -> Verdict:
    """A Content Security Policy keeps foreign and injected script out of the page (CSP Level 3; OWASP CSP Cheat Sheet).

    All policies of all header lines apply, so a demand is met where one of them meets it. script-src and object-src
    fall back to default-src; base-uri, form-action and frame-ancestors do not. 'unsafe-inline' counts for nothing
    beside a nonce, a hash or 'strict-dynamic', and hosts and schemes for nothing beside 'strict-dynamic'. A policy
    that is only reported enforces nothing. What is no HTML needs no base-uri and form-action where its policy is
    `default-src 'none'`. A policy in a meta element is not seen: it can't hold frame-ancestors, and is late.

    The 404 page that Express makes itself replaces helmet's policy by one without frame-ancestors: answer what is not
    found by a handler of your own.

    Args:
        allow_unsafe_inline: whether inline script may run.
        allow_unsafe_eval: whether strings may be run as script.
        allow_sources: sources that match any host and are accepted, as they are written (`https:`).
        require: directives that must be set, and not to any host.
    """
    answer = await site.page(page.path)
    lines = answer.values("content-security-policy")
    policies = parse_csp(lines)
    if not policies:
        only = answer.values("content-security-policy-report-only")
        why = "; the one of Report-Only enforces nothing" if only else ""
        return failed(f"no {'valid ' if lines else ''}Content-Security-Policy header{why}", want="a policy")
    needed = require if answer.is_html or not _is_closed(policies) else tuple(n for n in require if n not in _OF_HTML)
    problems = [
        *([] if allow_unsafe_inline else _inline(policies)),
        *([] if allow_unsafe_eval else _eval(policies)),
        *_broad(policies, "script-src-elem", allow_sources),
        *_broad(policies, "object-src", allow_sources),
        *(problem for name in needed for problem in _missing(policies, name, allow_sources)),
    ]
    shown = ", ".join(lines)[:_SHOWN]
    if problems:
        return failed("; ".join(problems), got=shown, want="a policy that lets only known script run")
    return passed("only known script runs", got=shown)


def _is_closed(policies: Sequence[Policy]) -> bool:
    return any(is_none(policy.directives.get("default-src", ("*",))) for policy in policies)


def _inline(policies: Sequence[Policy]) -> list[str]:
    for name in ("script-src-elem", "script-src-attr"):
        if all(allows_inline(policy.sources(name)) for policy in policies):
            return [f"{_speaks(policies[0], name)} lets inline script run"]
    return []


def _eval(policies: Sequence[Policy]) -> list[str]:
    if not all(allows_eval(policy.sources("script-src")) for policy in policies):
        return []
    return [f"{_speaks(policies[0], 'script-src')} lets strings be run as script ('unsafe-eval')"]


def _broad(policies: Sequence[Policy], name: str, allowed: tuple[str, ...]) -> list[str]:
    script = name.startswith("script")
    found = [_not_in(broad(policy.sources(name), script=script), allowed) for policy in policies]
    return [f"{_speaks(policies[0], name)} allows any host: {' '.join(found[0])[:_SHOWN]}"] if all(found) else []


def _not_in(sources: Sources, allowed: tuple[str, ...]) -> list[str]:
    return [source for source in sources if source not in {word.lower() for word in allowed}]


def _speaks(policy: Policy, name: str) -> str:
    """The directive that speaks for `name`, as the site's owner wrote it."""
    chain = FALLBACK[name]
    none = f"the policy, without {chain[-2]} and default-src,"
    return next((candidate for candidate in chain if candidate in policy.directives), none)


def _missing(policies: Sequence[Policy], name: str, allowed: tuple[str, ...]) -> list[str]:
    lists = [policy.directives[name] for policy in policies if name in policy.directives]
    if not lists:
        return [f"{name} is not set"]
    if name in _WITHOUT_SOURCES:
        return []
    found = [_not_in(broad(sources), allowed) for sources in lists]
    return [f"{name} allows any host: {' '.join(found[0])[:_SHOWN]}"] if all(found) else []


_WANTED: dict[str, Framing] = {"DENY": "nobody", "SAMEORIGIN": "same-origin"}


@check(
    "web.frame_options",
    method="test",
    over=Web.pages,
    fix="Send `X-Frame-Options: DENY` and `frame-ancestors 'none'` in Content-Security-Policy on every answer "
    "(helmet: `frameguard: { action: 'deny' }`; nginx: `add_header X-Frame-Options DENY always;`).",
)
async def frame_options(
    page: Page, site: Web, *, value: Literal["DENY", "SAMEORIGIN"] = "DENY", accept_csp: bool = True
) -> Verdict:
    """Other sites can't frame the page: X-Frame-Options is `value` (RFC 7034; HTML Standard, 7.7).

    Browsers that find frame-ancestors in an enforced policy ignore X-Frame-Options, so a looser frame-ancestors fails
    whatever X-Frame-Options says. ALLOW-FROM and ALLOWALL are no values. Values that contradict each other are read as
    DENY, and one that is only repeated as itself.

    Args:
        value: what framing may be allowed at most.
        accept_csp: whether frame-ancestors alone is an equivalent, where X-Frame-Options is missing or looser.
    """
    answer = await site.page(page.path)
    lines = answer.values("x-frame-options")
    header, ancestors = by_x_frame_options(lines), by_csp(parse_csp(answer.values("content-security-policy")))
    got = ", ".join(lines) or "no X-Frame-Options"
    if ancestors is not None and not _at_most(ancestors, value):
        return failed(
            f"CSP frame-ancestors lets {ancestors} frame it, and with it browsers ignore X-Frame-Options",
            got=f"{got}; frame-ancestors",
            want=value,
        )
    if lines and _at_most(header, value):
        return passed(f"X-Frame-Options is {got}", got=got, want=value)
    if accept_csp and ancestors is not None:
        return passed(f"by equivalent: CSP frame-ancestors lets {ancestors} frame it", got=got, want=value)
    return failed("no X-Frame-Options header" if not lines else f"X-Frame-Options is {got}", got=got, want=value)


def _at_most(found: Framing, value: str) -> bool:
    return STRICTNESS.index(found) <= STRICTNESS.index(_WANTED[value])
