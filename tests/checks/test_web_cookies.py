"""web.cookies: flags, SameSite and prefixes of each cookie that a path sets."""

import pytest
from tests.checks.web_facts import HOME, URL, answer, cookie, home, site

from meshguard.testing import judge
from meshguard_checks.web import cookies

row = pytest.param
GOOD = "sid=x; Secure; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(
    ("line", "parameters", "outcome", "message"),
    [
        row(GOOD, {}, "pass", "sid is set as wanted", id="all flags"),
        row("sid=x; secure; HTTPONLY; samesite=STRICT", {}, "pass", "sid", id="any case"),
        row("sid=x; HttpOnly; SameSite=Lax", {}, "fail", "sid: no Secure", id="no Secure"),
        row("sid=x; Secure; SameSite=Lax", {}, "fail", "sid: no HttpOnly", id="no HttpOnly"),
        row("sid=x; Secure; HttpOnly", {}, "fail", "sid: no SameSite", id="no SameSite"),
        row("sid=x", {}, "fail", "sid: no Secure, no HttpOnly, no SameSite", id="nothing at all"),
        row("csrf=x; Secure; SameSite=Lax", {"readable": ["csrf"]}, "pass", "csrf", id="scripts may read this one"),
        row("CSRF=x; Secure; SameSite=Lax", {"readable": ["csrf"]}, "fail", "no HttpOnly", id="names have case"),
        row("sid=x; Secure; SameSite=Lax", {"readable": ["csrf"]}, "fail", "no HttpOnly", id="but not that one"),
        row("csrf=x; SameSite=Lax", {"readable": ["csrf"]}, "fail", "csrf: no Secure", id="readable needs Secure too"),
        row("sid=x; Secure; HttpOnly; SameSite=None", {}, "fail", "sid: SameSite=None", id="sent from other sites"),
        row(
            "sso=x; Secure; HttpOnly; SameSite=None", {"cross_site": ["sso"]}, "pass", "sso", id="this one may be sent"
        ),
        row(
            "sso=x; HttpOnly; SameSite=None",
            {"cross_site": ["sso"]},
            "fail",
            "SameSite=None without Secure, which browsers refuse",
            id="SameSite=None without Secure",
        ),
        row("sid=x; Secure; HttpOnly; SameSite=Lx", {}, "fail", "SameSite=Lx is no value", id="a value unknown"),
        row("sid=x; Secure; HttpOnly; SameSite", {}, "fail", "SameSite= is no value", id="SameSite without a value"),
        row(GOOD, {"same_site": "Strict"}, "fail", "sid: SameSite=Lax", id="Lax where Strict is wanted"),
        row("sid=x; Secure; HttpOnly; SameSite=Strict", {"same_site": "Strict"}, "pass", "sid", id="Strict as wanted"),
        row("__Host-" + GOOD + "; Path=/", {}, "pass", "__Host-sid", id="__Host- by its rules"),
        row("__Host-" + GOOD, {}, "fail", "__Host- needs Secure, Path=/ and no Domain", id="__Host- without Path"),
        row("__host-" + GOOD, {}, "fail", "__Host- needs", id="prefixes have no case"),
        row("__Host-" + GOOD + "; Path=/app", {}, "fail", "__Host- needs", id="__Host- below a path"),
        row("__Host-" + GOOD + "; Path=/; Domain=a.example", {}, "fail", "__Host- needs", id="__Host- with a Domain"),
        row("__Host-sid=x; HttpOnly; SameSite=Lax; Path=/", {}, "fail", "__Host- needs", id="__Host- without Secure"),
        row("__Secure-" + GOOD, {}, "pass", "__Secure-sid", id="__Secure- by its rule"),
        row("__SECURE-sid=x; HttpOnly; SameSite=Lax", {}, "fail", "__Secure- needs Secure", id="__Secure- without it"),
        row(GOOD, {"require_prefix": "__Host-"}, "fail", "sid: no prefix __Host-", id="a prefix wanted"),
        row("__Secure-" + GOOD, {"require_prefix": "__Host-"}, "fail", "no prefix __Host-", id="the weaker prefix"),
        row("__Secure-" + GOOD, {"require_prefix": "__Secure-"}, "pass", "__Secure-sid", id="__Secure- as wanted"),
        row("__Host-" + GOOD + "; Path=/", {"require_prefix": "__Secure-"}, "pass", "__Host-sid", id="stronger"),
        row("sid=; Max-Age=0", {}, "not-applicable", "no cookie is set here", id="deleted by Max-Age"),
        row("sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", {}, "not-applicable", "no cookie", id="deleted by Expires"),
        row("sid=x; Max-Age=0", {}, "fail", "no Secure", id="a value that is sent before it ends"),
        row("sid=", {}, "fail", "no Secure", id="an empty value that stays"),
        row("=x; Secure; HttpOnly; SameSite=Lax", {}, "pass", "set as wanted", id="no name"),
        row("=x; Secure", {}, "fail", "a cookie without a name: no HttpOnly", id="no name and no flags"),
    ],
)
async def test_a_cookie(line: str, parameters: dict[str, object], outcome: str, message: str) -> None:
    verdict = await judge(cookies, HOME, home(cookies=(cookie(line),)), **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_a_path_without_cookies_is_not_applicable() -> None:
    verdict = await judge(cookies, HOME, home())

    assert (verdict.outcome, verdict.message) == ("not-applicable", "no cookie is set here")


async def test_each_cookie_is_judged_and_each_bad_one_named() -> None:
    found = home(cookies=(cookie(GOOD), cookie("a=1; Secure; HttpOnly"), cookie("b=1; SameSite=Lax; Secure")))
    verdict = await judge(cookies, HOME, found)

    assert verdict.message == "a: no SameSite; b: no HttpOnly"
    assert verdict.got == "a, b, sid"


async def test_the_cookie_of_a_redirect_on_the_way_is_judged() -> None:
    first = answer(status=302, location=f"{URL}/home", cookies=(cookie("sid=x"),))
    verdict = await judge(cookies, HOME, site({"/": first, "/home": answer(url=f"{URL}/home")}))

    assert verdict.outcome == "fail"
