"""Checks of cookies as they are set; values are never seen, only sketches."""

from __future__ import annotations

from typing import Literal

from meshguard.api import Verdict, check, failed, not_applicable, passed
from meshguard.targets.web import Cookie, Page, Web

SAME_SITE = {"none": 0, "lax": 1, "strict": 2}


@check(
    "web.cookies",
    method="test",
    over=Web.pages,
    fix="Set cookies as `Set-Cookie: __Host-session=...; Secure; HttpOnly; SameSite=Strict; Path=/` "
    "(Express: `cookie: { secure: true, httpOnly: true, sameSite: 'strict', path: '/' }`).",
)
async def cookies(
    page: Page,
    site: Web,
    *,
    readable: tuple[str, ...] = (),
    cross_site: tuple[str, ...] = (),
    same_site: Literal["Lax", "Strict"] = "Lax",
    require_prefix: Literal["", "__Secure-", "__Host-"] = "",
) -> Verdict:
    """Each cookie is kept from plain http, from scripts and from other sites (RFC 6265bis; OWASP Session Cheat Sheet).

    The cookies of redirects on the way are judged too. Prefixes are compared without case, as browsers do: a cookie
    that breaks its prefix's rules is thrown away. A cookie that is only deleted is not judged.

    Args:
        readable: names of cookies that scripts may read, such as a CSRF token's: no HttpOnly.
        cross_site: names of cookies that may be sent from other sites: SameSite=None.
        same_site: weakest accepted SameSite.
        require_prefix: prefix that every name must have; `__Host-` counts as `__Secure-` too.
    """
    answers = await site.answers(page.path)
    found = [cookie for answer in answers for cookie in answer.cookies if not _deletes(cookie)]
    if not found:
        return not_applicable("no cookie is set here")
    problems = []
    for cookie in found:
        wrong = [
            *_flags(cookie, readable),
            *_same_site(cookie, cookie.name in cross_site, same_site.lower()),
            *_prefix(cookie, require_prefix),
        ]
        if wrong:
            problems.append(f"{cookie.name or 'a cookie without a name'}: {', '.join(wrong)}")
    names = sorted({cookie.name for cookie in found})
    if problems:
        return failed("; ".join(problems), got=names, want=f"Secure, HttpOnly, SameSite={same_site} or stricter")
    return passed(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} set as wanted", got=names)


def _deletes(cookie: Cookie) -> bool:
    age = cookie.attributes.get("max-age", "")
    ended = age == "0" or age.startswith("-") or "1970" in cookie.attributes.get("expires", "")
    return cookie.value.kind == "empty" and ended


def _flags(cookie: Cookie, readable: tuple[str, ...]) -> list[str]:
    problems = [] if "secure" in cookie.attributes else ["no Secure"]
    if "httponly" not in cookie.attributes and cookie.name not in readable:
        problems.append("no HttpOnly")
    return problems


def _same_site(cookie: Cookie, cross_site: bool, weakest: str) -> list[str]:
    value = cookie.attributes.get("samesite")
    if value is None:
        return ["no SameSite"]
    if value.lower() not in SAME_SITE:
        return [f"SameSite={value[:40]} is no value that browsers know"]
    if cross_site and value.lower() == "none":
        return [] if "secure" in cookie.attributes else ["SameSite=None without Secure, which browsers refuse"]
    return [] if SAME_SITE[value.lower()] >= SAME_SITE[weakest] else [f"SameSite={value}"]


def _prefix(cookie: Cookie, required: str) -> list[str]:
    name = cookie.name.lower()
    is_host, is_secure = name.startswith("__host-"), name.startswith("__secure-")
    problems = []
    if is_secure and "secure" not in cookie.attributes:
        problems.append("the prefix __Secure- needs Secure")
    if is_host and not _host_rules(cookie):
        problems.append("the prefix __Host- needs Secure, Path=/ and no Domain")
    if required and not (is_host or (is_secure and required == "__Secure-")):
        problems.append(f"no prefix {required}")
    return problems


def _host_rules(cookie: Cookie) -> bool:
    attributes = cookie.attributes
    return "secure" in attributes and attributes.get("path") == "/" and not attributes.get("domain")
