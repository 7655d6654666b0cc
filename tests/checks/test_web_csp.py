"""web.csp: every rule of CSP Level 3 that decides."""

import time

import pytest
from tests.checks.web_facts import HOME, URL, answer, home, redirecting, site

from meshguard.testing import judge
from meshguard_checks.web import csp

row = pytest.param
CSP = "content-security-policy"
REST = "; base-uri 'none'; frame-ancestors 'none'"
GOOD = "default-src 'self'" + REST


def scripts(sources: str) -> list[str]:
    return [f"default-src 'self'; script-src {sources}{REST}"]


ROWS = [
    row([GOOD], "pass", "only known script runs", id="own scripts only"),
    row([], "fail", "no Content-Security-Policy header", id="no header"),
    row([""], "fail", "no valid Content-Security-Policy header", id="an empty header is no policy"),
    row([" ; , ;"], "fail", "no valid Content-Security-Policy header", id="separators alone are no policy"),
    row(scripts("'unsafe-inline'"), "fail", "script-src lets inline script run", id="inline script"),
    row(scripts("'UNSAFE-INLINE'"), "fail", "script-src lets inline script run", id="keywords have no case"),
    row(scripts("'unsafe-inline' 'nonce-abc123=='"), "pass", "only known", id="a nonce voids unsafe-inline"),
    row(scripts("'unsafe-inline' 'nonce-'"), "fail", "inline", id="an empty nonce is none"),
    row(scripts("'unsafe-inline' nonce-abc"), "fail", "inline", id="a nonce without quotes is a host"),
    row(scripts("'unsafe-inline' 'sha256-AbC/d+e='"), "pass", "only known", id="a hash voids unsafe-inline"),
    row(scripts("'unsafe-inline' 'sha1-AbC='"), "fail", "inline", id="SHA-1 is no hash source"),
    row(
        scripts("'strict-dynamic' 'nonce-r4nd0m' https: http: 'unsafe-inline'"),
        "pass",
        "only known",
        id="strict-dynamic voids hosts, schemes and unsafe-inline",
    ),
    row(scripts("'nonce-r4nd0m' https:"), "fail", "any host: https:", id="a scheme counts beside a nonce alone"),
    row(
        [f"default-src 'unsafe-inline'{REST}"],
        "fail",
        "default-src lets inline script run",
        id="default-src falls back",
    ),
    row(
        [f"script-src 'self'; object-src 'none'; style-src 'unsafe-inline'{REST}"],
        "pass",
        "only known",
        id="inline style is no script",
    ),
    row(
        [f"default-src 'self'; script-src-attr 'unsafe-inline'{REST}"],
        "fail",
        "script-src-attr lets inline script run",
        id="event handlers by script-src-attr",
    ),
    row(
        [f"default-src 'self'; script-src 'self'; script-src-elem 'unsafe-inline'{REST}"],
        "fail",
        "script-src-elem lets inline script run",
        id="script elements by script-src-elem",
    ),
    row(scripts("'self' 'unsafe-eval'"), "fail", "strings be run as script", id="eval"),
    row(scripts("'self' 'wasm-unsafe-eval'"), "pass", "only known", id="WebAssembly is no eval"),
    row(scripts("*"), "fail", "script-src allows any host: *", id="scripts from any host"),
    row(scripts("https:"), "fail", "script-src allows any host: https:", id="scripts from any https host"),
    row(scripts("'self' http:"), "fail", "any host: http:", id="scripts from any http host"),
    row(scripts("'self' data:"), "fail", "any host: data:", id="scripts from data URLs"),
    row(scripts("'self' blob:"), "fail", "any host: blob:", id="scripts from blob URLs"),
    row(scripts("https://*"), "fail", "any host: https://*", id="a wildcard behind a scheme"),
    row(scripts("*:443"), "fail", "any host: *:443", id="a wildcard with a port"),
    row(scripts("*.com"), "fail", "any host: *.com", id="a wildcard for a whole top level domain"),
    row(scripts("*.example.com"), "pass", "only known", id="a wildcard for one domain's hosts"),
    row(scripts("https://cdn.example.com/lib/"), "pass", "only known", id="a host with a scheme"),
    row([f"script-src 'self'{REST}"], "fail", "without object-src and default-src", id="no object-src"),
    row([f"object-src 'none'{REST}"], "fail", "without script-src and default-src", id="no script-src"),
    row([f"default-src *; script-src 'self'{REST}"], "fail", "default-src allows any host: *", id="objects"),
    row(
        [f"default-src *; script-src 'self'; object-src 'none'{REST}"], "pass", "only known", id="images from anywhere"
    ),
    row([f"script-src; object-src{REST}"], "pass", "only known", id="an empty source list allows nothing"),
    row(["default-src 'self'; frame-ancestors 'none'"], "fail", "base-uri is not set", id="no base-uri"),
    row(["default-src 'self'; base-uri 'self'"], "fail", "frame-ancestors is not set", id="no frame-ancestors"),
    row(
        ["default-src 'none'; base-uri *; frame-ancestors 'none'"],
        "fail",
        "base-uri allows any host: *",
        id="base-uri to any host",
    ),
    row(
        ["default-src 'none'; base-uri 'none'; frame-ancestors https:"],
        "fail",
        "frame-ancestors allows any host: https:",
        id="framed by any https host",
    ),
    row(["default-src 'none'; frame-ancestors 'none'"], "fail", "base-uri is not set", id="HTML needs base-uri always"),
    row(
        ["script-src 'self'; script-src *; object-src 'none'" + REST],
        "pass",
        "only known",
        id="a repeated directive is ignored",
    ),
    row(
        ["script-src *; SCRIPT-SRC 'self'; object-src 'none'" + REST],
        "fail",
        "script-src allows any host: *",
        id="the first of a repeated directive counts, whatever its case",
    ),
    row(["DEFAULT-SRC 'SELF'; Base-URI 'none'; Frame-Ancestors 'none'"], "pass", "only", id="names in any case"),
    row([GOOD + ";;\t;"], "pass", "only known", id="empty directives and tabs"),
    row(["default-src\t'self';base-uri\t'none';frame-ancestors\t'none'"], "pass", "only known", id="tabs"),
    row([f"script-src ü *; {GOOD}"], "pass", "only known", id="a directive that is not ASCII is skipped"),
    row(["script-src *", GOOD], "pass", "only known", id="a strict policy beside a loose one: both apply"),
    row([f"script-src *, {GOOD}"], "pass", "only known", id="the same in one line"),
    row(
        ["script-src 'unsafe-inline'; object-src 'none'" + REST, "script-src *; object-src 'none'"],
        "pass",
        "only known",
        id="one forbids hosts, the other inline script",
    ),
    row(["default-src https:" + REST, "default-src http:" + REST], "fail", "any host: https:", id="two loose policies"),
    row(["default-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"], "pass", "only", id="three lines"),
    row(["default-src 'self' 'none'" + REST], "pass", "only known", id="'none' beside others is ignored"),
]


@pytest.mark.parametrize(("lines", "outcome", "message"), ROWS)
async def test_policies_of_a_page(lines: list[str], outcome: str, message: str) -> None:
    verdict = await judge(csp, HOME, home([(CSP, line) for line in lines]))

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


@pytest.mark.parametrize(
    ("policy", "parameters", "outcome"),
    [
        row(scripts("'unsafe-inline'")[0], {"allow_unsafe_inline": True}, "pass", id="inline allowed"),
        row(scripts("'unsafe-eval'")[0], {"allow_unsafe_inline": True}, "fail", id="inline allowed, eval not"),
        row(scripts("'unsafe-eval'")[0], {"allow_unsafe_eval": True}, "pass", id="eval allowed"),
        row(scripts("'unsafe-inline'")[0], {"allow_unsafe_eval": True}, "fail", id="eval allowed, inline not"),
        row(scripts("blob:")[0], {"allow_sources": ["blob:"]}, "pass", id="blob URLs allowed"),
        row(scripts("blob: data:")[0], {"allow_sources": ["blob:"]}, "fail", id="blob allowed, data not"),
        row("default-src 'self'", {"require": []}, "pass", id="nothing more required"),
        row(GOOD, {"require": ["form-action"]}, "fail", id="form-action required and missing"),
        row(GOOD + "; form-action 'self'", {"require": ["form-action"]}, "pass", id="form-action required"),
        row(GOOD + "; form-action *", {"require": ["form-action"]}, "fail", id="forms to any host"),
        row(GOOD, {"require": ["sandbox"]}, "fail", id="a sandbox required and missing"),
        row(GOOD + "; sandbox", {"require": ["sandbox"]}, "pass", id="a sandbox needs no value"),
    ],
)
async def test_parameters_relax_or_add_single_rules(policy: str, parameters: dict[str, object], outcome: str) -> None:
    assert (await judge(csp, HOME, home([(CSP, policy)]), **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        row("default-src 'none'; frame-ancestors 'none'", "pass", id="a closed policy needs no base-uri"),
        row("default-src; frame-ancestors 'none'", "pass", id="an empty default-src is closed too"),
        row("default-src 'none'", "fail", id="it needs frame-ancestors"),
        row("default-src 'self'; frame-ancestors 'none'", "fail", id="an open one needs base-uri"),
        row(
            "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'none'",
            "fail",
            id="closed, but for scripts",
        ),
        row(GOOD, "pass", id="a page's policy will do"),
    ],
)
async def test_policies_of_an_api_answer(policy: str, outcome: str) -> None:
    assert (await judge(csp, HOME, home([(CSP, policy)], html=False))).outcome == outcome


async def test_a_policy_that_is_only_reported_fails_and_says_so() -> None:
    verdict = await judge(csp, HOME, home([(CSP + "-report-only", GOOD)]))

    assert verdict.outcome == "fail"
    assert verdict.message == "no Content-Security-Policy header; the one of Report-Only enforces nothing"


async def test_a_policy_is_wanted_on_a_404() -> None:
    assert (await judge(csp, HOME, home(status=404))).outcome == "fail"
    assert (await judge(csp, HOME, home([(CSP, GOOD)], status=404))).outcome == "pass"


async def test_a_policy_is_wanted_where_redirects_end() -> None:
    assert (await judge(csp, HOME, redirecting([], [(CSP, GOOD)]))).outcome == "pass"
    assert (await judge(csp, HOME, redirecting([(CSP, GOOD)], []))).outcome == "fail"


async def test_a_redirect_to_a_host_that_is_not_named_is_judged_itself() -> None:
    away = answer([(CSP, GOOD)], status=302, location="https://idp.example/login")

    assert (await judge(csp, HOME, site({"/": away}))).outcome == "pass"


async def test_redirects_that_go_round_are_an_error() -> None:
    there = answer(status=302, location=f"{URL}/a")
    back = answer(url=f"{URL}/a", status=302, location=f"{URL}/")
    verdict = await judge(csp, HOME, site({"/": there, "/a": back}))

    assert verdict.outcome == "error"
    assert "redirects do not end" in verdict.message


async def test_thousands_of_directives_are_judged_at_once() -> None:
    line = ";".join(f"script-src-{n} 'self'" for n in range(4_000)) + "," + ", ".join(["default-src https:"] * 2_000)
    begun = time.process_time()
    verdict = await judge(csp, HOME, home([(CSP, line)]))

    assert verdict.outcome == "fail"
    assert len(str(verdict.got)) <= 500
    assert time.process_time() - begun < 2
