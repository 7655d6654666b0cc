"""Checks of single response headers, and of headers that should not be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from meshguard.api import Field, Verdict, check, failed, judged, passed, undetermined
from meshguard.targets.web import Page, Response, Web
from meshguard_checks.parsing.structured import bare_item, dictionary_or_problem


@check(
    "web.content_type_options",
    method="test",
    over=Web.pages,
    fix="Send `X-Content-Type-Options: nosniff` on every answer "
    "(helmet sends it by default; nginx: `add_header X-Content-Type-Options nosniff always;`).",
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


Referrer = Literal[
    "no-referrer",
    "no-referrer-when-downgrade",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
]
KNOWN_REFERRER = frozenset(Referrer.__args__)  # type: ignore[attr-defined]


@check(
    "web.referrer_policy",
    method="test",
    over=Web.pages,
    fix="Send `Referrer-Policy: no-referrer` (or `strict-origin-when-cross-origin`) on every answer "
    "(helmet sends no-referrer by default; nginx: `add_header Referrer-Policy no-referrer always;`).",
)
async def referrer_policy(
    page: Page,
    site: Web,
    *,
    accepted: Annotated[tuple[Referrer, ...], Field(min_length=1)] = (
        "no-referrer",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
    ),
) -> Verdict:
    """The page's whole address is not sent to other sites (W3C Referrer Policy, 8.1).

    Of the values of all lines the last one that browsers know counts; the others are for older browsers.

    Args:
        accepted: policies that are accepted.
    """
    answer = await site.page(page.path)
    lines = answer.values("referrer-policy")
    if not lines:
        return failed("no Referrer-Policy header", want=accepted)
    known = [token for token in _tokens(lines) if token in KNOWN_REFERRER]
    if not known:
        return failed("browsers know no value of Referrer-Policy", got=", ".join(lines), want=accepted)
    return judged(known[-1] in accepted, "Referrer-Policy", got=known[-1], want=accepted)


def _tokens(lines: list[str]) -> list[str]:
    return [token.strip(" \t").lower() for line in lines for token in line.split(",")]


@check(
    "web.permissions_policy",
    method="test",
    over=Web.pages,
    fix="Send `Permissions-Policy: geolocation=(), camera=(), microphone=()` on every answer "
    '(nginx: `add_header Permissions-Policy "geolocation=(), camera=(), microphone=()" always;`; helmet does not).',
)
async def permissions_policy(
    page: Page,
    site: Web,
    *,
    disabled: Annotated[tuple[str, ...], Field(min_length=1)] = ("geolocation", "camera", "microphone"),
) -> Verdict:
    """Powerful browser features are switched off for the page and its frames (W3C Permissions Policy, 5.2).

    The lines are one dictionary of RFC 9651: one mistake, such as the old `geolocation 'none'`, voids all of it, and
    of a feature named twice the last counts. Feature-Policy is an older header that browsers no longer read.

    Args:
        disabled: features that must have the empty list `()`.
    """
    answer = await site.page(page.path)
    lines = answer.values("permissions-policy")
    want = ", ".join(f"{name}=()" for name in disabled)
    if not lines:
        old = "; Feature-Policy does not count" if answer.values("feature-policy") else ""
        return failed(f"no Permissions-Policy header{old}", want=want)
    found = dictionary_or_problem(lines)
    if isinstance(found, str):
        return failed(f"browsers ignore the header: {found}", got=", ".join(lines)[:500], want=want)
    left = [name for name in disabled if found.get(name) != ()]
    if left:
        return failed(f"{', '.join(left)} {_is_are(left)} not disabled", got=", ".join(lines)[:500], want=want)
    return passed(f"{', '.join(disabled)} {_is_are(disabled)} disabled", got=", ".join(lines)[:500])


def _is_are(names: list[str] | tuple[str, ...]) -> str:
    return "is" if len(names) == 1 else "are"


HELMET: dict[str, tuple[str, ...]] = {
    "cross-origin-opener-policy": ("same-origin",),
    "cross-origin-resource-policy": ("same-origin",),
    "origin-agent-cluster": ("?1",),
    "x-dns-prefetch-control": ("off",),
    "x-download-options": ("noopen",),
    "x-permitted-cross-domain-policies": ("none",),
    "x-xss-protection": ("0",),
}
"""What helmet 8 sends by default, beyond what has a check of its own."""
STRUCTURED = ("cross-origin-opener-policy", "cross-origin-embedder-policy", "origin-agent-cluster")


@check(
    "web.security_headers",
    method="test",
    over=Web.pages,
    fix="Use `app.use(helmet())` of helmet 8 with its defaults, or send the same from the proxy: "
    + "; ".join(f"`{name}: {values[0]}`" for name, values in HELMET.items()),
)
async def security_headers(
    page: Page, site: Web, *, headers: Annotated[dict[str, tuple[str, ...]], Field(min_length=1)] = HELMET
) -> Verdict:
    """The headers that helmet 8 sends by default are there (helmetjs.github.io; OWASP Secure Headers Project).

    Of those that have a check of their own that check speaks. X-XSS-Protection is wanted as 0: the filter that it
    switched on could be turned against the page. Several lines of a name are one value, as browsers join them.

    Args:
        headers: names in lower case, each with the values that are accepted.
    """
    answer = await site.page(page.path)
    if unseen := [line.name for line in answer.headers if line.value is None and line.name in map(str.lower, headers)]:
        return undetermined(
            f"{unseen[0]} is sent, and MeshGuard records no value of it", fix="leave it out of `headers`"
        )
    wrong = [problem for name, accepted in headers.items() for problem in _wrong(answer, name.lower(), accepted)]
    want = "; ".join(f"{name}: {' or '.join(values)}" for name, values in headers.items())
    if wrong:
        return failed("; ".join(wrong), got=f"{len(headers) - len(wrong)} of {len(headers)} as wanted", want=want)
    return passed(f"all {len(headers)} headers are as wanted", want=want)


def _wrong(answer: Response, name: str, accepted: tuple[str, ...]) -> list[str]:
    lines = answer.values(name)
    if not lines:
        return [f"no {name}"]
    value = ", ".join(lines).strip(" \t")
    if name in STRUCTURED:
        value = bare_item(value)
    elif name.startswith("x-"):
        value = value.lower()
    return [] if value in accepted else [f"{name} is {', '.join(lines)[:100]}"]


REVEALING = (
    "x-powered-by",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-generator",
    "x-runtime",
    "x-version",
)
_VERSION = re.compile(r"(?:^|[/ (_-]|\bv)\d+(?:\.\w+)*(?=$|[ ;,()_+~-])")
_VIA_PROTOCOL = re.compile(r"(?:^|,)[ \t]*(?:[A-Za-z]+/)?\d[\w.]*[ \t]+[^\s,;(]*")


@check(
    "web.no_technology_disclosure",
    method="test",
    over=Web.pages,
    fix="Express: `app.disable('x-powered-by')`; nginx: `server_tokens off;` and `proxy_hide_header X-Powered-By;`; "
    "PHP: `expose_php = Off`; ASP.NET: `<httpRuntime enableVersionHeader='false' />`.",
)
async def no_technology_disclosure(
    page: Page, site: Web, *, headers: tuple[str, ...] = REVEALING, allow_product_name: bool = True
) -> Verdict:
    """Answers do not name the technology and version behind them (OWASP WSTG-INFO-02, WSTG-INFO-08).

    Redirects on the way are judged too: they often come from the proxy itself.

    Args:
        headers: headers that may not be there at all, in lower case.
        allow_product_name: whether Server may name a product without a version.
    """
    answers = await site.answers(page.path)
    problems = dict.fromkeys(
        problem for answer in answers for problem in _disclosed(answer, headers, allow_product_name)
    )
    if problems:
        return failed("; ".join(problems), want="no product version")
    return passed("no answer names a technology with its version")


def _disclosed(answer: Response, headers: tuple[str, ...], allow_product_name: bool) -> Iterator[str]:
    for name in headers:
        if any(line.name == name.lower() for line in answer.headers):
            yield f"{name.lower()} is sent: {', '.join(answer.values(name.lower()))[:100]}".removesuffix(": ")
    for value in answer.values("server"):
        if _VERSION.search(value):
            yield f"server names a version: {value[:100]}"
        elif value.strip() and not allow_product_name:
            yield f"server names a product: {value[:100]}"
    for value in answer.values("via"):
        if _VERSION.search(_VIA_PROTOCOL.sub(" ", value)):
            yield f"via names a version: {value[:100]}"
