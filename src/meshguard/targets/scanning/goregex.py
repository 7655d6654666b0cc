"""Regular expressions as Go writes them (RE2), for Python's `re`: gitleaks' rule files are written for Go."""

from __future__ import annotations

import re
from collections.abc import Callable

_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "cntrl": r"\x00-\x1f\x7f",
    "ascii": r"\x00-\x7f",
    "graph": "!-~",
    "print": " -~",
}
_TOKEN = re.compile(
    r"""
      (?P<quote>\\Q.*?(?:\\E|\Z))
    | (?P<hex>\\x\{[0-9A-Fa-f]+\})
    | (?P<end>\\z)
    | (?P<unicode>\\[pP](?:\{\^?\w+\}|\w))
    | (?P<escape>\\.)
    | (?P<class>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])
    | (?P<name>\(\?<(?=[A-Za-z_]))
    | (?P<flags>\(\?[imsU]*(?:-[imsU]+)?\))
    | (?P<open>\((?:\?(?:P<\w+>|[imsU]*(?:-[imsU]+)?:))?)
    | (?P<close>\))
    | (?P<or>\|)
    | (?P<other>[^\\\[()|]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)


def compile_go(pattern: str) -> re.Pattern[str]:
    r"""The pattern compiled; `\w`, `\d` and `\b` are those of ASCII, as in Go.

    Raises:
        ValueError: it does not compile, or it uses what `re` cannot say.
    """
    try:
        return re.compile(to_python(pattern), re.ASCII)
    except (re.error, RecursionError, OverflowError) as fault:
        raise ValueError(f"the regular expression does not compile: {fault}") from None


def to_python(pattern: str) -> str:
    r"""The same pattern for `re`: flags in its middle get a scope, `\z` is `\Z`, POSIX classes are written out."""
    out: list[str] = []
    scopes: list[list[str]] = [[]]
    """For each open group, the flags that were set in it."""
    for match in _TOKEN.finditer(pattern):
        kind, text = str(match.lastgroup), match[0]
        if kind == "flags":
            flags = _flags(text[2:-1])
            scopes[-1].append(flags)
            out.append(f"(?{flags}:")
        elif kind in ("close", "or"):
            out.append(")" * len(scopes[-1]) + text)
            if kind == "or":
                out.extend(f"(?{flags}:" for flags in scopes[-1])
            elif len(scopes) > 1:
                scopes.pop()
        else:
            if kind in ("open", "name"):
                scopes.append([])
            out.append(_said(kind, text))
    return "".join(out) + ")" * len(scopes[0])


def _flags(flags: str) -> str:
    if "U" in flags:
        raise ValueError("the flag U (ungreedy) is not supported; write lazy quantifiers")
    return flags


def _said(kind: str, text: str) -> str:
    """One token in Python's words."""
    if kind == "unicode":
        raise ValueError(f"the class {text} is not supported; write its characters out")
    if kind == "open":
        _flags(text)
    said: dict[str, Callable[[], str]] = {
        "quote": lambda: re.escape(text[2:].removesuffix("\\E")),
        "hex": lambda: re.escape(chr(int(text[3:-1], 16))),
        "end": lambda: r"\Z",
        "name": lambda: "(?P<",
        "class": lambda: re.sub(r"\[:(\^?)(\w+):\]", _posix, text),
    }
    return said[kind]() if kind in said else text


def _posix(match: re.Match[str]) -> str:
    if match[1] or match[2] not in _POSIX:
        raise ValueError(f"the class {match[0]} is not supported; write its characters out")
    return _POSIX[match[2]]
