"""web.hsts and web.redirects_to_https."""

from typing import Any

import pytest
from tests.checks.web_facts import HOME, URL, answer, home, redirecting, site

from meshguard.api import Fact, NotObserved
from meshguard.targets.web import HeaderLine, Page, Refused, Response, Web
from meshguard.testing import judge, recorded
from meshguard_checks.web import hsts, redirects_to_https

HSTS = "strict-transport-security"
YEAR = (HSTS, "max-age=31536000")


@pytest.mark.parametrize(
    ("lines", "parameters", "outcome", "message"),
    [
        pytest.param(["max-age=31536000"], {}, "pass", "max-age is 365d", id="exactly a year"),
        pytest.param(["max-age=31535999"], {}, "fail", "max-age is 364d23h59m59s, wanted 365d", id="one second short"),
        pytest.param(["max-age=86400"], {"min_age": "1d"}, "pass", "max-age is 1d", id="a day where a day is wanted"),
        pytest.param(["max-age=0"], {}, "fail", "max-age is 0s, wanted 365d", id="zero deletes the policy"),
        pytest.param(["max-age=99999999999999999999"], {}, "pass", "max-age is 36500d", id="an age beyond all numbers"),
        pytest.param([], {}, "fail", "no Strict-Transport-Security header", id="no header"),
        pytest.param([""], {}, "fail", "browsers ignore the header: max-age is missing", id="an empty header"),
        pytest.param(['max-age="31536000"'], {}, "pass", "max-age is 365d", id="a quoted age"),
        pytest.param(["max-age = 31536000"], {}, "pass", "max-age is 365d", id="spaces around the equals sign"),
        pytest.param(["MAX-AGE=31536000;;"], {}, "pass", "max-age is 365d", id="upper case and empty directives"),
        pytest.param(["max-age=31536000; new=x"], {}, "pass", "max-age is 365d", id="an unknown directive"),
        pytest.param(
            ["max-age=foo"],
            {},
            "fail",
            "browsers ignore the header: max-age=foo is no whole number of seconds",
            id="no number",
        ),
        pytest.param(
            ["max-age="],
            {},
            "fail",
            "browsers ignore the header: max-age has no value",
            id="nothing after the equals sign",
        ),
        pytest.param(
            ["max-age='31536000'"],
            {},
            "fail",
            "browsers ignore the header: max-age='31536000' is no whole number of seconds",
            id="single quotes",
        ),
        pytest.param(
            ["max-age=31536000.5"],
            {},
            "fail",
            "browsers ignore the header: max-age=31536000.5 is no whole number of seconds",
            id="half a second",
        ),
        pytest.param(
            ["max-age=31536000; includeSubDomains; includesubdomains"],
            {},
            "fail",
            "browsers ignore the header: the directive includesubdomains stands twice",
            id="a directive twice voids it",
        ),
        pytest.param(
            ["max-age=31536000, max-age=31536000"],
            {},
            "fail",
            "browsers ignore the header: max-age=31536000, max-age=31536000 is no whole number of seconds",
            id="two policies joined by a proxy",
        ),
        pytest.param(
            ["max-age=300", "max-age=31536000"], {}, "fail", "max-age is 5m, wanted 365d", id="the first line counts"
        ),
        pytest.param(["max-age=31536000", "max-age=300"], {}, "pass", "max-age is 365d", id="the second line does not"),
        pytest.param(
            ["max-age=31536000"],
            {"include_subdomains": True},
            "fail",
            "includeSubDomains is missing",
            id="subdomains wanted and not covered",
        ),
        pytest.param(
            ["max-age=31536000; IncludeSubDomains"],
            {"include_subdomains": True},
            "pass",
            "max-age is 365d",
            id="subdomains wanted and covered",
        ),
        pytest.param(
            ["max-age=31536000; includeSubDomains"], {"preload": True}, "fail", "preload is missing", id="no preload"
        ),
        pytest.param(["max-age=31536000; preload"], {"preload": True}, "pass", "max-age is 365d", id="preload"),
    ],
)
async def test_hsts(lines: list[str], parameters: dict[str, object], outcome: str, message: str) -> None:
    verdict = await judge(hsts, HOME, home([(HSTS, line) for line in lines]), **parameters)

    assert (verdict.outcome, verdict.message) == (outcome, message)


@pytest.mark.parametrize("status", [301, 404, 499])
async def test_hsts_is_wanted_on_redirects_and_errors(status: int) -> None:
    location = "https://elsewhere.example/" if status == 301 else None
    bare = site({"/": answer(status=status, location=location)})
    good = site({"/": answer([YEAR], status=status, location=location)})

    assert (await judge(hsts, HOME, bare)).outcome == "fail"
    assert (await judge(hsts, HOME, good)).outcome == "pass"


@pytest.mark.parametrize(("status", "outcome"), [(499, "pass"), (500, "error"), (502, "error"), (503, "error")])
async def test_a_server_error_is_not_the_page(status: int, outcome: str) -> None:
    verdict = await judge(hsts, HOME, site({"/": answer([YEAR], status=status)}))

    assert verdict.outcome == outcome
    assert outcome == "pass" or f"/ answered {status}: a server error was seen, and not the page" in verdict.message


async def test_a_page_that_fails_on_purpose_is_judged() -> None:
    facts = {Web.get: {("/boom",): answer([YEAR], status=500)}}
    boom = recorded(Web, facts, url=URL, error_paths=["/boom"])

    assert (await judge(hsts, Page(path="/boom"), boom)).outcome == "pass"


@pytest.mark.parametrize(
    ("https", "settings", "outcome", "message"),
    [
        pytest.param(
            NotObserved("it refused the connection"), {}, "error", "it refused the connection", id="a host that is down"
        ),
        pytest.param(
            answer([YEAR]),
            {"http_url": "http://health-mesh.example:81"},
            "not-checked",
            "the deployment says that plain http is at health-mesh.example:81",
            id="a port that the deployment names",
        ),
    ],
)
async def test_a_closed_port_says_nothing_by_itself(
    https: Response | Exception, settings: dict[str, str], outcome: str, message: str
) -> None:
    closed = Refused(refused="health-mesh.example:81")
    down = recorded(Web, {Web.get: {("/",): https}, Web.plain: {("/",): closed}}, url=URL, **settings)
    verdict = await judge(redirects_to_https, HOME, down)

    assert verdict.outcome == outcome
    assert message in verdict.message


async def test_hsts_missing_on_a_redirect_on_the_way_is_named() -> None:
    verdict = await judge(hsts, HOME, redirecting([], [YEAR]))

    assert verdict.message == f"no Strict-Transport-Security header on the redirect from {URL}/"


async def test_hsts_missing_behind_a_redirect_fails() -> None:
    assert (await judge(hsts, HOME, redirecting([YEAR], []))).outcome == "fail"
    assert (await judge(hsts, HOME, redirecting([YEAR], [YEAR]))).outcome == "pass"


async def test_hsts_over_plain_http_counts_for_nothing() -> None:
    plain = answer([YEAR], url="http://health-mesh.example/")
    verdict = await judge(hsts, HOME, recorded(Web, {Web.get: {("/",): plain}}, url="http://health-mesh.example"))

    assert verdict.outcome == "fail"
    assert verdict.message == "http://health-mesh.example/ is not served over https, where alone the header counts"


async def test_hsts_of_an_address_passes_and_says_that_browsers_want_a_name() -> None:
    found = answer([YEAR], url="https://192.0.2.1/")
    verdict = await judge(hsts, HOME, recorded(Web, {Web.get: {("/",): found}}, url="https://192.0.2.1"))

    assert verdict.outcome == "pass"
    assert "an address" in verdict.message


async def test_hsts_of_a_site_without_an_answer_is_an_error() -> None:
    verdict = await judge(hsts, HOME, site({"/": NotObserved("it refused", fix="start it")}))

    assert (verdict.outcome, verdict.message, verdict.fix) == ("error", "it refused", "start it")


def leads(status: int, location: str | None) -> Response:
    return answer(url="http://health-mesh.example/", status=status, location=location)


@pytest.mark.parametrize(
    ("plain", "parameters", "outcome", "message"),
    [
        pytest.param(leads(301, f"{URL}/"), {}, "pass", f"301 to {URL}/", id="301 to the same host"),
        pytest.param(leads(308, f"{URL}/"), {}, "pass", f"308 to {URL}/", id="308 to the same host"),
        pytest.param(leads(301, "https://HEALTH-MESH.example:443/login"), {}, "pass", "301 to", id="written otherwise"),
        pytest.param(leads(302, f"{URL}/"), {}, "fail", "the redirect is 302 and not permanent", id="302"),
        pytest.param(leads(307, f"{URL}/"), {}, "fail", "the redirect is 307 and not permanent", id="307"),
        pytest.param(leads(302, f"{URL}/"), {"permanent": False}, "pass", f"302 to {URL}/", id="302 where accepted"),
        pytest.param(
            leads(200, None), {}, "fail", "answers 200 over plain http and does not redirect", id="served over http"
        ),
        pytest.param(leads(404, None), {}, "fail", "answers 404 over plain http", id="an error page over http"),
        pytest.param(
            leads(200, f"{URL}/"),
            {},
            "fail",
            "answers 200 over plain http",
            id="Location on an answer that is no redirect",
        ),
        pytest.param(leads(301, None), {}, "fail", "does not redirect", id="301 without Location"),
        pytest.param(leads(300, f"{URL}/"), {}, "fail", "does not redirect", id="300 is not followed by browsers"),
        pytest.param(
            leads(301, "http://health-mesh.example/a"), {}, "fail", "which is not https", id="first hop stays on http"
        ),
        pytest.param(
            leads(301, "https://www.health-mesh.example/"),
            {},
            "fail",
            "the first redirect leads to another host, www.health-mesh.example",
            id="first hop to another host",
        ),
        pytest.param(
            leads(301, "https://health-mesh.example:8443/"),
            {},
            "fail",
            "another host",
            id="the same host, another port",
        ),
        pytest.param(
            leads(301, "https://health-mesh.example.evil.example/"),
            {},
            "fail",
            "another host",
            id="a host that begins so",
        ),
        pytest.param(leads(301, "file:///etc/passwd"), {}, "fail", "which is not https", id="to a file"),
        pytest.param(leads(301, "javascript:alert(1)"), {}, "fail", "which is not https", id="to javascript"),
        pytest.param(leads(301, ""), {}, "fail", "no valid URL, which is not https", id="to what is no URL"),
        pytest.param(
            Refused(refused="health-mesh.example:80"),
            {},
            "pass",
            "nothing answers over plain http: health-mesh.example:80 refused the connection",
            id="a closed port",
        ),
        pytest.param(
            Refused(refused="health-mesh.example:80"),
            {"allow_closed_port": False},
            "fail",
            "health-mesh.example:80 refused the connection",
            id="a closed port where a redirect is wanted",
        ),
        pytest.param(
            NotObserved("no whole answer within 10 s"), {}, "error", "no whole answer", id="a timeout is no pass"
        ),
    ],
)
async def test_redirects_to_https(
    plain: Response | Refused | Exception, parameters: dict[str, object], outcome: str, message: str
) -> None:
    verdict = await judge(redirects_to_https, HOME, site({"/": answer()}, plain), **parameters)

    assert verdict.outcome == outcome
    assert message in verdict.message


async def test_several_location_lines_are_no_redirect() -> None:
    once = leads(301, f"{URL}/")
    twice = once.model_copy(update={"headers": (*once.headers, HeaderLine(name="location"))})
    verdict = await judge(redirects_to_https, HOME, site({"/": answer()}, twice))

    assert (verdict.outcome, verdict.message) == (
        "fail",
        "the redirect has several Location lines, which browsers refuse",
    )


async def test_https_that_leads_back_to_http_fails() -> None:
    back = answer(status=302, location="http://health-mesh.example/app")
    verdict = await judge(redirects_to_https, HOME, site({"/": back}, leads(301, f"{URL}/")))

    assert (verdict.outcome, verdict.message) == ("fail", f"{URL}/ leads back to plain http")


async def test_a_redirect_to_https_that_does_not_answer_is_an_error() -> None:
    verdict = await judge(redirects_to_https, HOME, site({"/": NotObserved("expired")}, leads(301, f"{URL}/")))

    assert verdict.outcome == "error"


async def test_a_site_named_by_http_is_held_to_https_on_its_host() -> None:
    facts: dict[Fact[Any, Any, Any], dict[tuple[str], Response]] = {
        Web.plain: {("/",): leads(301, f"{URL}/")},
        Web.get: {("/",): leads(301, f"{URL}/"), (f"{URL}/",): answer()},
    }
    verdict = await judge(redirects_to_https, Page(path="/"), recorded(Web, facts, url="http://health-mesh.example"))

    assert verdict.outcome == "pass"
