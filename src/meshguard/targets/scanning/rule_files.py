"""Reads rule files: gitleaks' TOML schema, with every mistake said with the rule that has it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from typing import Any, get_args

from meshguard.errors import MeshGuardError, Mistake, Mistakes
from meshguard.targets.scanning.confirm import TESTS
from meshguard.targets.scanning.findings import Confidence
from meshguard.targets.scanning.goregex import compile_go
from meshguard.targets.scanning.rules import Allowlist, Rule, Rules, Target

_DISABLED = "disabled rule "


def read_rules(text: str, where: str, *, builtin: bool) -> Rules:
    """The rules of one file.

    Raises:
        MeshGuardError: it is no TOML, or rules have mistakes: all of them.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise MeshGuardError(f"the rule file is no TOML: {fault}", where=where) from None
    mistakes: list[Mistake] = []
    rules: list[Rule] = []
    for number, table in enumerate(_tables(document, "rules"), 1):
        name = str(table.get("id") or f"rule {number}")
        try:
            rules.append(_rule(_with_names(table, document), builtin=builtin))
        except (ValueError, TypeError, KeyError) as fault:
            mistakes.append(Mistake(f"{where}: {name}", str(fault)))
    try:
        allowlists = _allowlists(document, "allowlist", builtin=builtin)
    except (ValueError, TypeError) as fault:
        mistakes.append(Mistake(f"{where}: allowlist", str(fault)))
        allowlists = ()
    if mistakes:
        raise Mistakes(mistakes)
    return Rules(tuple(rules), allowlists, _notes(document))


def merged(own: Rules, other: Rules) -> Rules:
    """The other's rules added; one of the same id takes the place of its own, and disabled ones go."""
    new = {rule.id: rule for rule in other.rules}
    gone = {note.removeprefix(_DISABLED) for note in other.notes if note.startswith(_DISABLED)}
    kept = [new.pop(rule.id, rule) for rule in own.rules if rule.id not in gone]
    return Rules((*kept, *new.values()), (*own.allowlists, *other.allowlists), (*own.notes, *other.notes))


def _notes(document: dict[str, Any]) -> tuple[str, ...]:
    extend = document.get("extend")
    extend = extend if isinstance(extend, dict) else {}
    notes = [f"{_DISABLED}{name}" for name in extend.get("disabledRules", ()) if isinstance(name, str)]
    notes += [f"`extend.{key}` is not followed" for key in ("path", "url") if extend.get(key)]
    # A rule that asks for company finds more without it, never less.
    notes += [
        f"`required` of {table.get('id')} is not read" for table in _tables(document, "rules") if "required" in table
    ]
    lists = [*_tables(document, "allowlist"), *_tables(document, "allowlists")]
    notes += ["`commits` of an allowlist is not followed"] * any("commits" in table for table in lists)
    return tuple(notes)


def _tables(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    tables = document.get(key, [])
    tables = tables if isinstance(tables, list) else [tables]
    return [table for table in tables if isinstance(table, dict)]


def _with_names(table: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A rule with the pattern that it names in place of the name."""
    pattern = document.get("names", {}).get(table.get("names_not"))
    return table if pattern is None else table | {"names_not": "".join(pattern.split())}


def _rule(table: dict[str, Any], *, builtin: bool) -> Rule:
    pattern, path = table.get("regex"), table.get("path")
    keywords = tuple(str(word).lower() for word in table.get("keywords", ()) if word)
    regex = compile_go(pattern) if pattern else None
    if not table.get("id"):
        raise ValueError("a rule needs an `id`")
    if regex is None and not path:
        raise ValueError("a rule needs a `regex` or a `path`")
    group = int(table.get("secretGroup", 0))
    if regex is not None and group > regex.groups:
        raise ValueError(f"`secretGroup` is {group}, and the regex has {regex.groups} groups")
    rule = Rule(
        id=str(table["id"]),
        kind=str(table.get("description") or table["id"]),
        regex=regex,
        keywords=keywords,
        path=compile_go(path) if path else None,
        group=group,
        entropy=float(table.get("entropy", 0)),
        allowlists=_allowlists(table, "allowlist", builtin=builtin),
        builtin=builtin,
    )
    return _extended(rule, table) if builtin else rule


def _extended(rule: Rule, table: dict[str, Any]) -> Rule:
    """The fields beyond gitleaks' schema."""
    confidence = table.get("confidence", "high")
    if confidence not in get_args(Confidence):
        raise ValueError(f"{confidence!r} is no confidence")
    unknown = {table.get(key, "") for key in ("confirm", "require")} - {"", *TESTS}
    if unknown:
        raise ValueError(f"there is no test {', '.join(sorted(unknown))}")
    patterns: dict[str, re.Pattern[str]] = {
        key: compile_go(table[key]) for key in ("near", "names", "names_not", "opens") if key in table
    }
    return replace(
        rule,
        at=table.get("at", "window"),
        before=int(table.get("before", 80)),
        after=int(table.get("after", 200)),
        confidence=confidence,
        value=table.get("value", ""),
        confirm=table.get("confirm", ""),
        require=table.get("require", ""),
        near=patterns.get("near"),
        opens=patterns.get("opens"),
        names=patterns.get("names"),
        names_not=patterns.get("names_not"),
    )


def _allowlists(table: dict[str, Any], key: str, *, builtin: bool) -> tuple[Allowlist, ...]:
    """Both forms: one `allowlist`, and a list of `allowlists`."""
    return tuple(_allowlist(item, builtin=builtin) for item in (*_tables(table, key), *_tables(table, f"{key}s")))


def _allowlist(table: dict[str, Any], *, builtin: bool) -> Allowlist:
    target: Target = table.get("regexTarget") or "secret"
    if target not in get_args(Target):
        raise ValueError(f"`regexTarget` is {target!r}; it is match or line")
    return Allowlist(
        paths=tuple(compile_go(pattern) for pattern in table.get("paths", ())),
        regexes=tuple(compile_go(pattern) for pattern in table.get("regexes", ())),
        target=target,
        stopwords=tuple(str(word).lower() for word in table.get("stopwords", ())),
        every=str(table.get("condition", "OR")).upper() in ("AND", "&&"),
        rules=frozenset(map(str, table.get("targetRules", ()))),
        builtin=builtin,
    )
