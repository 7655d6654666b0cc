"""The parser of Content-Security-Policy."""

import time

import pytest

from meshguard_checks.parsing.csp import allows_inline, broad, is_none, parse_csp

row = pytest.param


@pytest.mark.parametrize(
    ("lines", "policies"),
    [
        row(["default-src 'self'"], [{"default-src": ("'self'",)}], id="one directive"),
        row(["a x;b", "c y"], [{"a": ("x",), "b": ()}, {"c": ("y",)}], id="two lines"),
        row(["a x, b y"], [{"a": ("x",)}, {"b": ("y",)}], id="two policies in a line"),
        row(["A X; a y"], [{"a": ("x",)}], id="the second of a name is ignored"),
        row(["", ";,;", " "], [], id="nothing"),
        row(["\xa0a x; b y"], [{"b": ("y",)}], id="a no-break space is no ASCII"),
        row(["a\x0bx"], [{"a\x0bx": ()}], id="a vertical tab separates nothing"),
        row(["a\x00b x"], [{"a\x00b": ("x",)}], id="NUL"),
        row(["\ud800; b y"], [{"b": ("y",)}], id="half a surrogate"),
    ],
)
def test_policies(lines: list[str], policies: list[dict[str, tuple[str, ...]]]) -> None:
    assert [policy.directives for policy in parse_csp(lines)] == policies


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        row("script-src-elem", ("e",), id="its own"),
        row("script-src-attr", ("s",), id="falls back to script-src"),
        row("object-src", ("d",), id="falls back to default-src"),
        row("base-uri", None, id="falls back to nothing"),
    ],
)
def test_fallback(name: str, sources: tuple[str, ...] | None) -> None:
    [policy] = parse_csp(["default-src d; script-src s; script-src-elem e"])

    assert policy.sources(name) == sources


def test_lists() -> None:
    assert is_none(())
    assert is_none(("'none'",))
    assert not is_none(("'none'", "'self'"))
    assert allows_inline(None)
    assert not allows_inline(())
    assert broad(None) == ("*",)
    assert broad(("http://*:8080/x", "*.example.org", "'self'", "ws:")) == ("http://*:8080/x", "ws:")


@pytest.mark.parametrize(
    "line",
    [
        row(";".join(f"d{n} x" for n in range(50_000)), id="fifty thousand directives"),
        row("script-src " + "'self' " * 100_000, id="a hundred thousand sources"),
        row("a," * 50_000, id="fifty thousand policies"),
        row("*." * 500_000, id="one source of a megabyte"),
        row("script-src '" + "nonce-" * 200_000, id="a nonce that never ends"),
    ],
)
def test_time_is_linear_in_the_length(line: str) -> None:
    begun = time.process_time()
    for policy in parse_csp([line]):
        allows_inline(policy.sources("script-src"))
        broad(policy.sources("script-src"))

    assert time.process_time() - begun < 3
