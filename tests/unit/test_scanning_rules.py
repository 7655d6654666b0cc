"""Rules as data: gitleaks' schema and Go's regular expressions, mistakes, and that no rule is slow."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.evidence.scanning.grow import Grower

from meshguard.errors import MeshGuardError
from meshguard.targets.scanning import Rules, Scanner
from meshguard.targets.scanning.goregex import compile_go
from meshguard.targets.scanning.match import Matcher
from meshguard.targets.scanning.rules import Rule

BUILTIN = Rules.load()
GROW = Grower(11)
MEGABYTE = 1_000_000
MAX_S = 1.0

OWN = """
title = "ours"

[[rules]]
id = "acme-token"
description = "Acme token"
regex = '''\\bacme_([a-z0-9]{16})(?:[^a-z0-9]|\\z)'''
keywords = ["acme_"]
secretGroup = 1
entropy = 2.5

[[rules.allowlists]]
stopwords = ["feedfeed"]

[[allowlists]]
description = "generated files"
paths = ['''(^|/)generated/''']

[[allowlists]]
regexTarget = "line"
regexes = ['''harmless''']
targetRules = ["acme-token"]
"""


@pytest.fixture
def own(tmp_path: Path) -> Scanner:
    path = tmp_path / "rules.toml"
    path.write_text(OWN)
    return Scanner(Rules.load(path), b"salt")


@pytest.mark.parametrize(
    ("text", "found", "suppressed"),
    [
        pytest.param("acme_k3x9v2b7n4q8t5r1\n", 1, 0, id="the rule's format"),
        pytest.param("acme_k3x9v2b7n4q8t5r\n", 0, 0, id="one character short"),
        pytest.param("acme_k3x9v2b7n4q8t5r1", 1, 0, id="at the end of the text"),
        pytest.param("acme_aaaaaaaaaaaaaaaa\n", 0, 0, id="entropy below the rule's"),
        pytest.param("acme_k3x9feedfeed5r1a\n", 0, 1, id="a stop word"),
        pytest.param("acme_k3x9v2b7n4q8t5r1 harmless\n", 0, 1, id="a line that is allowed"),
    ],
)
def test_a_gitleaks_file_that_the_deployment_names(own: Scanner, text: str, found: int, suppressed: int) -> None:
    result = own.scan_text(text.encode(), "src/app.txt")
    assert (len(result.findings), len(result.suppressed)) == (found, suppressed)


def test_a_secret_far_from_the_keyword_is_within_the_window(own: Scanner) -> None:
    text = " " * 100_000 + "acme_k3x9v2b7n4q8t5r1" + " " * 100_000
    assert len(own.scan_text(text.encode(), "a.txt").findings) == 1


def test_the_builtin_rules_stay_and_disabled_ones_are_said(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[extend]\nuseDefault = false\ndisabledRules = ["jwt"]\n')
    rules = Rules.load(path)
    assert {rule.id for rule in BUILTIN.rules} - {rule.id for rule in rules.rules} == {"jwt"}
    assert rules.notes == ("disabled rule jwt",)


def test_a_rule_of_the_same_id_takes_the_place(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[[rules]]\nid = 'jwt'\nregex = 'zzz[0-9]{9}'\nkeywords = ['zzz']\n")
    rules = Rules.load(path)
    assert [rule.builtin for rule in rules.rules if rule.id == "jwt"] == [False]
    assert len(rules.rules) == len(BUILTIN.rules)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[[rules", "no TOML", id="no TOML"),
        pytest.param("[[rules]]\nregex = 'a'\n", "needs an `id`", id="no id"),
        pytest.param("[[rules]]\nid = 'a'\n", "needs a `regex` or a `path`", id="neither regex nor path"),
        pytest.param("[[rules]]\nid = 'a'\nregex = '('\n", "does not compile", id="a broken regex"),
        pytest.param("[[rules]]\nid = 'a'\nregex = '\\pL'\n", "not supported", id="a class of Unicode"),
        pytest.param("[[rules]]\nid = 'a'\nregex = 'a'\nsecretGroup = 1\n", "has 0 groups", id="a group too many"),
        pytest.param("[allowlist]\nregexes = ['(']\n", "does not compile", id="a broken allowlist"),
        pytest.param("[allowlist]\nregexes = ['a']\nregexTarget = 'file'\n", "match or line", id="an unknown target"),
    ],
)
def test_mistakes_are_said(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(MeshGuardError, match=said):
        Rules.load(path)


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(MeshGuardError, match="cannot be read"):
        Rules.load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("pattern", "matches", "other"),
    [
        pytest.param("a(?i)b", "aB", "AB", id="a flag in the middle"),
        pytest.param("a(?i)b|c", "C", "A", id="a flag goes on behind a bar"),
        pytest.param("(x(?i)y)z", "xYz", "xYZ", id="a flag ends with its group"),
        pytest.param(r"ab\z", "ab", "ab\n", id="the very end"),
        pytest.param("[[:alnum:]]{3}", "aB3", "a_3", id="a POSIX class"),
        pytest.param("(?<name>a)b", "ab", "b", id="a named group"),
        pytest.param(r"\Qa.b\E", "a.b", "axb", id="quoted"),
        pytest.param(r"\x{61}b", "ab", "b", id="a character by its number"),
        pytest.param("[]a]b", "]b", "b", id="a bracket in a class"),
        pytest.param(r"^\w$", "a", "é", id="words are ASCII"),
    ],
)
def test_patterns_of_go(pattern: str, matches: str, other: str) -> None:
    compiled = compile_go(pattern)
    assert compiled.search(matches)
    assert not compiled.search(other)


FILLERS = ("", "a", "A1b2", "-", "=", '"', "://", " ", "\\n")


@pytest.mark.parametrize("rule", BUILTIN.rules, ids=lambda rule: rule.id)
def test_no_rule_is_slow_on_a_line_made_for_it(rule: Rule) -> None:
    rules = Rules((rule,))
    word = rule.keywords[0] if rule.keywords else "a:b:c:d:"
    filler = FILLERS[len(rule.id) % len(FILLERS)]
    for piece in (word, word + filler):
        line = piece * (MEGABYTE // len(piece))
        began = time.process_time()
        Matcher(rules, line, "x/.env").hits()
        assert time.process_time() - began < MAX_S, piece


def test_all_rules_together_are_fast_on_a_minified_line() -> None:
    line = GROW("{b62:2000}").join(["function(e){var t=e.password,n=e.token;return t+n}"] * 500).encode()
    began = time.process_time()
    Scanner(BUILTIN, b"salt").scan_text(line, "app.min.js")
    assert time.process_time() - began < 3 * MAX_S
