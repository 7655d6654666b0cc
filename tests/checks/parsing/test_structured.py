"""The parser of structured fields, by examples of RFC 9651 and by what breaks them."""

import time

import pytest

from meshguard_checks.parsing.structured import Item, Malformed, parse_dictionary, parse_item

row = pytest.param


@pytest.mark.parametrize(
    ("text", "members"),
    [
        row("", {}, id="nothing"),
        row("  ", {}, id="blanks"),
        row("a=1", {"a": Item("1")}, id="a number"),
        row("a", {"a": Item("?1")}, id="a name alone is true"),
        row("a;p=1;q, b=?0", {"a": Item("?1"), "b": Item("?0")}, id="parameters are dropped"),
        row("a=(), b=(x  y)", {"a": (), "b": (Item("x"), Item("y"))}, id="lists"),
        row('a=(self "https://a.example";x=1)', {"a": (Item("self"), Item('"https://a.example"'))}, id="origins"),
        row("a=1,\tb=2 ,  c=3", {"a": Item("1"), "b": Item("2"), "c": Item("3")}, id="tabs around commas"),
        row("a=1, a=2", {"a": Item("2")}, id="the last of a name counts"),
        row('a="x\\"y,z"', {"a": Item('"x\\"y,z"')}, id="a comma in a string"),
        row(
            "a=-1.5, b=:aGk=:, c=@1659578233",
            {"a": Item("-1.5"), "b": Item(":aGk=:"), "c": Item("@1659578233")},
            id="x",
        ),
        row('a=%"f%c3%bc"', {"a": Item('%"f%c3%bc"')}, id="a display string"),
        row("*a=*", {"*a": Item("*")}, id="a star"),
    ],
)
def test_dictionaries(text: str, members: dict[str, object]) -> None:
    assert parse_dictionary(text) == members


@pytest.mark.parametrize(
    "text",
    [
        row("A=1", id="a name in upper case"),
        row("a=", id="no value"),
        row("a=1,", id="a comma at the end"),
        row(",a=1", id="a comma at the beginning"),
        row("a=1,,b=2", id="two commas"),
        row("a =1", id="a blank before the equals sign"),
        row("a= 1", id="a blank behind it"),
        row("a=1 b=2", id="no comma"),
        row("a=(", id="a list that does not end"),
        row("a=(x", id="a list that ends in a word"),
        row("a=(x,y)", id="a comma in a list"),
        row('a=("x""y")', id="no blank between strings"),
        row("a=((x))", id="a list in a list"),
        row('a="x', id="a string that does not end"),
        row('a="ü"', id="a string that is not ASCII"),
        row('a="\x00"', id="NUL in a string"),
        row("a='none'", id="single quotes"),
        row("a=1.", id="no digit behind the point"),
        row("a=1.2345", id="four digits behind the point"),
        row("a=1234567890123456", id="sixteen digits"),
        row("a=?2", id="no boolean"),
        row("a;P", id="a parameter in upper case"),
        row("a;p=", id="a parameter without a value"),
        row("geolocation 'none'", id="Feature-Policy"),
        row("ü=1", id="a name that is not ASCII"),
        row("\x00", id="NUL"),
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_dictionary(text)


def test_items() -> None:
    assert parse_item(' same-origin; report-to="x" ') == Item("same-origin")
    for text in ("", "a, b", "a b", "(a)"):
        with pytest.raises(Malformed):
            parse_item(text)


@pytest.mark.parametrize(
    "text",
    [
        row(", ".join(f"a{n}=()" for n in range(100_000)), id="a hundred thousand members"),
        row("a=(" + "x " * 300_000 + ")", id="a long list"),
        row("a=(" * 300_000, id="lists in lists"),
        row('a="' + "\\\\" * 300_000, id="a string that never ends"),
        row("a" + ";p" * 300_000, id="a member with many parameters"),
        row("a=" + "1" * 1_000_000, id="a million digits"),
        row("a" + " " * 1_000_000 + "x", id="a million blanks"),
    ],
)
def test_time_is_linear_in_the_length(text: str) -> None:
    begun = time.process_time()
    try:
        parse_dictionary(text)
    except Malformed as fault:
        assert len(str(fault)) < 100  # noqa: PT017 - either outcome will do

    assert time.process_time() - begun < 3
