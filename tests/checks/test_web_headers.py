"""web.content_type_options, referrer_policy, permissions_policy, security_headers and no_technology_disclosure."""

import pytest
from pydantic import ValidationError
from tests.checks.web_facts import HOME, URL, home, redirecting, site

from meshguard.targets.web import HeaderLine, Response
from meshguard.testing import judge
from meshguard_checks.web import (
    content_type_options,
    no_technology_disclosure,
    permissions_policy,
    referrer_policy,
    security_headers,
)

row = pytest.param
Headers = list[tuple[str, str]]


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        row(["nosniff"], "pass", id="nosniff"),
        row(["NoSniff "], "pass", id="any case"),
        row([], "fail", id="no header"),
        row([""], "fail", id="an empty header"),
        row(["no-sniff"], "fail", id="misspelt"),
        row(["nosniff, nosniff"], "pass", id="said twice by two servers"),
        row(["nosniff", "x"], "pass", id="the first of two lines counts"),
        row(["x", "nosniff"], "fail", id="the second of two lines does not"),
        row([",nosniff"], "fail", id="an empty first value"),
    ],
)
async def test_content_type_options(lines: list[str], outcome: str) -> None:
    site = home([("x-content-type-options", line) for line in lines])

    assert (await judge(content_type_options, HOME, site)).outcome == outcome


@pytest.mark.parametrize(
    ("lines", "parameters", "outcome", "message"),
    [
        row(["no-referrer"], {}, "pass", "Referrer-Policy is no-referrer", id="nothing is sent"),
        row(["same-origin"], {}, "pass", "same-origin", id="to the own site only"),
        row(["strict-origin"], {}, "pass", "strict-origin", id="the origin over https"),
        row(["strict-origin-when-cross-origin"], {}, "pass", "strict-origin", id="the browsers' own default, said"),
        row(["STRICT-ORIGIN"], {}, "pass", "Referrer-Policy is strict-origin", id="any case"),
        row(["origin"], {}, "fail", "Referrer-Policy is origin", id="the origin over http too"),
        row(["origin-when-cross-origin"], {}, "fail", "origin-when-cross-origin", id="the origin to others, over http"),
        row(["no-referrer-when-downgrade"], {}, "fail", "downgrade", id="the whole address over https"),
        row(["unsafe-url"], {}, "fail", "Referrer-Policy is unsafe-url", id="the whole address always"),
        row([], {}, "fail", "no Referrer-Policy header", id="no header"),
        row([""], {}, "fail", "browsers know no value", id="an empty header"),
        row(["never"], {}, "fail", "browsers know no value", id="a value of the meta element only"),
        row(["no-referrer; x"], {}, "fail", "browsers know no value", id="a semicolon"),
        row(["unsafe-url, no-referrer"], {}, "pass", "is no-referrer", id="the last known value counts"),
        row(["no-referrer, unsafe-url"], {}, "fail", "is unsafe-url", id="the first does not"),
        row(["no-referrer, strictest"], {}, "pass", "is no-referrer", id="an unknown value is skipped"),
        row(["no-referrer", "unsafe-url"], {}, "fail", "is unsafe-url", id="the last of two lines counts"),
        row(["same-origin"], {"accepted": ["no-referrer"]}, "fail", "is same-origin", id="only one accepted"),
        row(["origin"], {"accepted": ["origin"]}, "pass", "is origin", id="another accepted"),
    ],
)
async def test_referrer_policy(lines: list[str], parameters: dict[str, object], outcome: str, message: str) -> None:
    verdict = await judge(referrer_policy, HOME, home([("referrer-policy", line) for line in lines]), **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


ALL = "geolocation=(), camera=(), microphone=()"


@pytest.mark.parametrize(
    ("lines", "parameters", "outcome", "message"),
    [
        row([ALL], {}, "pass", "geolocation, camera, microphone are disabled", id="all disabled"),
        row(["geolocation=(), camera=()", "microphone=()"], {}, "pass", "are disabled", id="on two lines"),
        row([ALL + ';report-to="x", usb=*'], {}, "pass", "are disabled", id="with a parameter and another feature"),
        row(["geolocation=( ),camera=(),microphone=()"], {}, "pass", "are disabled", id="other blanks"),
        row(["geolocation=(), camera=()"], {}, "fail", "microphone is not disabled", id="one is missing"),
        row([ALL + ", camera=*"], {}, "fail", "camera is not disabled", id="the last of a repeated feature counts"),
        row(["camera=*, " + ALL], {}, "pass", "are disabled", id="the first of a repeated feature does not"),
        row([ALL.replace("camera=()", "camera=(self)")], {}, "fail", "camera is not", id="the own site may"),
        row([ALL.replace("camera=()", "camera=self")], {}, "fail", "camera is not", id="the own site without a list"),
        row([ALL.replace("camera=()", "camera")], {}, "fail", "camera is not", id="a name alone"),
        row([ALL.replace("camera=()", 'camera=("https://a.example")')], {}, "fail", "camera is not", id="one origin"),
        row(["geolocation 'none'; camera 'none'; microphone 'none'"], {}, "fail", "ignore the header", id="old syntax"),
        row([ALL + ","], {}, "fail", "browsers ignore the header: it ends with a comma", id="a comma at the end"),
        row([ALL + "; x y"], {}, "fail", "browsers ignore the header", id="a word too many voids all"),
        row([ALL.replace("camera", "Camera")], {}, "fail", "browsers ignore the header", id="upper case"),
        row([ALL, "x=(("], {}, "fail", "browsers ignore the header", id="a second line voids the first"),
        row([""], {}, "fail", "are not disabled", id="an empty header"),
        row([], {}, "fail", "no Permissions-Policy header", id="no header"),
        row(["usb=()"], {"disabled": ["usb"]}, "pass", "usb is disabled", id="another feature wanted"),
        row([ALL], {"disabled": ["usb"]}, "fail", "usb is not disabled", id="another feature wanted and missing"),
    ],
)
async def test_permissions_policy(lines: list[str], parameters: dict[str, object], outcome: str, message: str) -> None:
    site = home([("permissions-policy", line) for line in lines])
    verdict = await judge(permissions_policy, HOME, site, **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_feature_policy_does_not_count_and_the_message_says_so() -> None:
    verdict = await judge(permissions_policy, HOME, home([("feature-policy", "camera 'none'")]))

    assert verdict.message == "no Permissions-Policy header; Feature-Policy does not count"


HELMET = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("origin-agent-cluster", "?1"),
    ("x-dns-prefetch-control", "off"),
    ("x-download-options", "noopen"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-xss-protection", "0"),
]


async def test_what_helmet_sends_by_default_passes() -> None:
    assert (await judge(security_headers, HOME, home(HELMET))).outcome == "pass"


@pytest.mark.parametrize("name", [name for name, _ in HELMET])
async def test_each_header_that_is_missing_fails(name: str) -> None:
    verdict = await judge(security_headers, HOME, home([line for line in HELMET if line[0] != name]))

    assert (verdict.outcome, verdict.message, verdict.got) == ("fail", f"no {name}", "6 of 7 as wanted")


@pytest.mark.parametrize(
    ("name", "value", "outcome"),
    [
        row("cross-origin-opener-policy", 'same-origin; report-to="x"', "pass", id="with a report"),
        row("cross-origin-opener-policy", "unsafe-none", "fail", id="opener not cut off"),
        row("cross-origin-opener-policy", "Same-Origin", "fail", id="tokens have case"),
        row("cross-origin-opener-policy", "same-origin, same-origin", "fail", id="a list is no item"),
        row("cross-origin-opener-policy", '"same-origin"', "fail", id="a string is no token"),
        row("cross-origin-resource-policy", "same-site", "fail", id="same-site where same-origin is wanted"),
        row("cross-origin-resource-policy", "same-origin, same-origin", "fail", id="two lines joined are no value"),
        row("origin-agent-cluster", "?0", "fail", id="no cluster"),
        row("origin-agent-cluster", "1", "fail", id="a number is no boolean"),
        row("x-dns-prefetch-control", "on", "fail", id="prefetching on"),
        row("x-dns-prefetch-control", "OFF", "pass", id="any case of an old header"),
        row("x-xss-protection", "1; mode=block", "fail", id="the filter on"),
        row("x-permitted-cross-domain-policies", "all", "fail", id="all policies"),
    ],
)
async def test_values_of_security_headers(name: str, value: str, outcome: str) -> None:
    headers = [*(line for line in HELMET if line[0] != name), (name, value)]

    assert (await judge(security_headers, HOME, home(headers))).outcome == outcome


async def test_which_headers_and_values_are_wanted_is_a_parameter() -> None:
    wanted = {"cross-origin-resource-policy": ["same-origin", "same-site"]}

    assert (await judge(security_headers, HOME, home([HELMET[1]]), headers=wanted)).outcome == "pass"
    assert (await judge(security_headers, HOME, home([HELMET[0]]), headers=wanted)).outcome == "fail"


@pytest.mark.parametrize(
    ("check", "parameter", "value"),
    [
        row(security_headers, "headers", {}, id="no header"),
        row(permissions_policy, "disabled", [], id="no feature"),
        row(referrer_policy, "accepted", [], id="no policy"),
        row(referrer_policy, "accepted", ["no-referer"], id="a policy that is misspelt"),
    ],
)
def test_a_demand_for_nothing_is_refused(check: object, parameter: str, value: object) -> None:
    with pytest.raises(ValidationError):
        check.parameters.model_validate({parameter: value})  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("headers", "parameters", "outcome", "message"),
    [
        row([], {}, "pass", "no answer names a technology with its version", id="nothing is said"),
        row([("server", "nginx")], {}, "pass", "no answer names", id="a bare product name"),
        row([("server", "nginx")], {"allow_product_name": False}, "fail", "names a product: nginx", id="not allowed"),
        row([("server", "")], {"allow_product_name": False}, "pass", "no answer names", id="an empty Server"),
        row([("server", "nginx/1.18.0 (Ubuntu)")], {}, "fail", "server names a version", id="nginx with a version"),
        row(
            [("server", "Apache/2.4.41 (Ubuntu) OpenSSL/1.1.1k")], {}, "fail", "server names", id="Apache with modules"
        ),
        row([("server", "Apache OpenSSL/1.1.1k")], {}, "fail", "server names a version", id="a module's version alone"),
        row([("server", "Microsoft-IIS/10.0")], {}, "fail", "server names a version", id="IIS"),
        row([("server", "gunicorn 20.0.4")], {}, "fail", "server names a version", id="a version behind a blank"),
        row([("server", "Jetty(9.4.z-SNAPSHOT)")], {}, "fail", "server names a version", id="a version in brackets"),
        row([("server", "h2o")], {}, "pass", "no answer names", id="a digit in a name is no version"),
        row([("server", "ECS (dcb/7F84)")], {}, "pass", "no answer names", id="a node's number is no version"),
        row([("x-powered-by", "Express")], {}, "fail", "x-powered-by is sent: Express", id="Express"),
        row([("x-powered-by", "")], {}, "fail", "x-powered-by is sent", id="an empty X-Powered-By"),
        row([("x-aspnet-version", "4.0.30319")], {}, "fail", "x-aspnet-version is sent", id="ASP.NET"),
        row([("x-aspnetmvc-version", "5.2")], {}, "fail", "x-aspnetmvc-version is sent", id="ASP.NET MVC"),
        row([("x-generator", "Drupal 9")], {}, "fail", "x-generator is sent", id="a generator"),
        row([("x-runtime", "0.012")], {}, "fail", "x-runtime is sent", id="Rails"),
        row([("x-version", "1.2.3")], {}, "fail", "x-version is sent", id="the service's version"),
        row([("x-version", "1.2.3")], {"headers": ["x-powered-by"]}, "pass", "no answer", id="not one of those asked"),
        row([("x-build", "7")], {"headers": ["X-Build"]}, "fail", "x-build is sent", id="one that is asked besides"),
        row([("via", "1.1 vegur")], {}, "pass", "no answer names", id="Via has a protocol's version always"),
        row([("via", "1.1 a, HTTP/2 b.cdn.example (CDN)")], {}, "pass", "no answer names", id="two proxies"),
        row([("via", "1.1 cache (squid/4.10)")], {}, "fail", "via names a version", id="a proxy with its version"),
    ],
)
async def test_no_technology_disclosure(
    headers: Headers, parameters: dict[str, object], outcome: str, message: str
) -> None:
    verdict = await judge(no_technology_disclosure, HOME, home(headers), **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_what_a_redirect_on_the_way_names_counts() -> None:
    verdict = await judge(no_technology_disclosure, HOME, redirecting([("server", "nginx/1.22.1")], []))

    assert verdict.message == "server names a version: nginx/1.22.1"


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        row([HeaderLine(name="x-own", value=None)], "not-checked", id="sent, and its value is not recorded"),
        row([], "fail", id="not sent"),
    ],
)
async def test_a_value_that_is_not_recorded_is_not_judged(lines: list[HeaderLine], outcome: str) -> None:
    bare = Response(url=f"{URL}/", status=200, headers=tuple(lines))
    verdict = await judge(security_headers, HOME, site({"/": bare}), headers={"X-Own": ["", "on"]})
    assert verdict.outcome == outcome
