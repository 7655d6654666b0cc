"""The parser of Strict-Transport-Security."""

import time
from datetime import timedelta

import pytest

from meshguard_checks.parsing.hsts import Hsts, HstsProblem, parse_hsts

row = pytest.param


def test_a_policy() -> None:
    assert parse_hsts(' max-age="60" ;; includeSubDomains; PRELOAD; x=y') == Hsts(timedelta(minutes=1), True, True)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        row("", "max-age is missing", id="nothing"),
        row("\x00=1; max-age=1", "'\\x00' is no directive name", id="NUL"),
        row("ü; max-age=1", "'ü' is no directive name", id="a name that is not ASCII"),
        row("max-age=١٢٣", "max-age=١٢٣ is no whole number of seconds", id="digits of another script"),
        row("max-age=-1", "max-age=-1 is no whole number of seconds", id="below zero"),
        row("max-age=+1", "max-age=+1 is no whole number of seconds", id="a plus sign"),
        row("max-age=0x10", "max-age=0x10 is no whole number of seconds", id="hexadecimal"),
        row('max-age="1', 'max-age="1 is no whole number of seconds', id="half a pair of quotes"),
        row('max-age=""', 'max-age="" is no whole number of seconds', id="empty quotes"),
        row("max-age=1 2", "max-age=1 2 is no whole number of seconds", id="a blank inside"),
        row("preload; preload; max-age=1", "the directive preload stands twice", id="a flag twice"),
    ],
)
def test_void_headers(line: str, problem: str) -> None:
    assert parse_hsts(line) == HstsProblem(problem)


@pytest.mark.parametrize(
    "line",
    [
        row("max-age=" + "9" * 1_000_000, id="a million digits"),
        row(";".join(f"d{n}" for n in range(200_000)), id="many directives"),
        row(";" * 1_000_000, id="many semicolons"),
        row("x" * 1_000_000 + "ü", id="a long name"),
    ],
)
def test_time_is_linear_in_the_length(line: str) -> None:
    begun = time.process_time()
    parse_hsts(line)

    assert time.process_time() - begun < 3
