"""web.frame_options: X-Frame-Options and frame-ancestors as browsers weigh them."""

import pytest
from tests.checks.web_facts import HOME, home, redirecting

from meshguard.testing import judge
from meshguard_checks.web import frame_options

row = pytest.param
XFO, CSP = "x-frame-options", "content-security-policy"
NONE, SELF = (CSP, "frame-ancestors 'none'"), (CSP, "frame-ancestors 'self'")
DENY, SAME = (XFO, "DENY"), (XFO, "SAMEORIGIN")

ROWS = [
    row([DENY], {}, "pass", "X-Frame-Options is DENY", id="DENY"),
    row([(XFO, " deny\t")], {}, "pass", "X-Frame-Options is", id="lower case and blanks"),
    row([SAME], {}, "fail", "X-Frame-Options is SAMEORIGIN", id="SAMEORIGIN where DENY is wanted"),
    row([SAME], {"value": "SAMEORIGIN"}, "pass", "X-Frame-Options is SAMEORIGIN", id="SAMEORIGIN wanted"),
    row([DENY], {"value": "SAMEORIGIN"}, "pass", "X-Frame-Options is DENY", id="DENY is stricter than wanted"),
    row([], {}, "fail", "no X-Frame-Options header", id="no header"),
    row([(XFO, "")], {}, "fail", "X-Frame-Options is ", id="an empty header"),
    row([(XFO, "ALLOW-FROM https://a.example")], {}, "fail", "ALLOW-FROM", id="ALLOW-FROM is void"),
    row([(XFO, "ALLOWALL")], {}, "fail", "ALLOWALL", id="ALLOWALL is void"),
    row([(XFO, '"DENY"')], {}, "fail", '"DENY"', id="DENY in quotes is void"),
    row([(XFO, "DENY;")], {}, "fail", "DENY;", id="DENY with a semicolon is void"),
    row([DENY, DENY], {}, "pass", "DENY, DENY", id="DENY on two lines"),
    row([(XFO, "SAMEORIGIN, SAMEORIGIN")], {"value": "SAMEORIGIN"}, "pass", "SAMEORIGIN", id="said twice"),
    row([(XFO, "SAMEORIGIN, SAMEORIGIN")], {}, "fail", "SAMEORIGIN", id="said twice is no DENY"),
    row([DENY, SAME], {}, "pass", "DENY, SAMEORIGIN", id="contradicting values are read as DENY"),
    row([(XFO, "ALLOW-FROM https://a.example, x")], {}, "fail", "ALLOW-FROM", id="two void values let anybody"),
    row([NONE], {}, "pass", "by equivalent: CSP frame-ancestors lets nobody frame it", id="by equivalent"),
    row([NONE], {"accept_csp": False}, "fail", "no X-Frame-Options header", id="no equivalent accepted"),
    row([NONE, DENY], {"accept_csp": False}, "pass", "X-Frame-Options is DENY", id="both, header wanted"),
    row([NONE, SAME], {}, "pass", "by equivalent", id="frame-ancestors is stricter than the header"),
    row([NONE, SAME], {"accept_csp": False}, "fail", "SAMEORIGIN", id="stricter, but the header is wanted"),
    row([SELF], {}, "fail", "lets same-origin frame it", id="'self' where nobody is wanted"),
    row([SELF], {"value": "SAMEORIGIN"}, "pass", "by equivalent", id="'self' where SAMEORIGIN is wanted"),
    row([SELF, DENY], {}, "fail", "browsers ignore X-Frame-Options", id="'self' beats DENY"),
    row([DENY, (CSP, "frame-ancestors *")], {}, "fail", "lets anybody frame it", id="* beats DENY"),
    row([DENY, (CSP, "frame-ancestors *")], {"value": "SAMEORIGIN"}, "fail", "anybody", id="* beats SAMEORIGIN"),
    row([(CSP, "frame-ancestors https://a.example"), SAME], {"value": "SAMEORIGIN"}, "fail", "anybody", id="host"),
    row([(CSP, "frame-ancestors")], {}, "pass", "by equivalent", id="an empty list is 'none'"),
    row([(CSP, "frame-ancestors 'self' 'none'")], {}, "fail", "same-origin", id="'none' beside 'self' is void"),
    row([(CSP, "frame-ancestors *"), NONE], {}, "pass", "by equivalent", id="the stricter of two policies"),
    row([(CSP, "frame-ancestors *, frame-ancestors 'none'")], {}, "pass", "by equivalent", id="in one line"),
    row([(CSP, "frame-ancestors 'self'; frame-ancestors 'none'")], {}, "fail", "same-origin", id="first counts"),
    row([(CSP, "default-src 'none'")], {}, "fail", "no X-Frame-Options", id="default-src is no fallback"),
    row([(CSP + "-report-only", "frame-ancestors 'none'")], {}, "fail", "no X-Frame", id="only reported"),
    row(
        [DENY, (CSP + "-report-only", "frame-ancestors *")],
        {},
        "pass",
        "DENY",
        id="a reported policy takes nothing away",
    ),
]


@pytest.mark.parametrize(("headers", "parameters", "outcome", "message"), ROWS)
async def test_frame_options(
    headers: list[tuple[str, str]], parameters: dict[str, object], outcome: str, message: str
) -> None:
    verdict = await judge(frame_options, HOME, home(headers), **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_framing_is_judged_where_redirects_end() -> None:
    assert (await judge(frame_options, HOME, redirecting([], [DENY]))).outcome == "pass"
    assert (await judge(frame_options, HOME, redirecting([DENY], []))).outcome == "fail"
