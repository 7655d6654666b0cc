"""Rules: what a secret looks like, as data. The schema is gitleaks' TOML, with a few fields more.

A rule is looked for round its keywords only. Fields beyond gitleaks' own, which gitleaks ignores:

    at          "token": the regex matches where a keyword begins, and nothing of a word stands before it.
                "keyword": it matches where a keyword begins. Without it the regex is searched round the keyword.
    before, after   characters round a keyword in which the regex is searched.
    confidence  high, medium or low.
    value       "password" or "token": how the secret is judged, for formats that have no prefix.
    near        a regex that must match within 400 characters of the place.
    names       a regex for the whole name that the keyword is part of; where it does not match there is no finding.
    opens       a regex for what stands before that name.
    names_not   a regex for the whole name that the keyword is part of; where it matches there is no finding.
                May be the name of a pattern in the file's table `names`.
    confirm     the name of a test (`confirm.py`) that raises the confidence to high.
    require     the name of a test without which there is no finding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from meshguard.targets.scanning.keywords import Keywords

if TYPE_CHECKING:
    from meshguard.targets.scanning.findings import Confidence

__all__ = ["Allowlist", "Rule", "Rules"]

Target = Literal["secret", "match", "line"]
At = Literal["token", "keyword", "window", "file"]
BUILTIN = ("providers.toml", "keys.toml", "context.toml")
"""In the order of their precedence: where two rules find one place, the first names it."""


@dataclass(frozen=True)
class Allowlist:
    """What is no finding, as gitleaks says it."""

    paths: tuple[re.Pattern[str], ...] = ()
    regexes: tuple[re.Pattern[str], ...] = ()
    target: Target = "secret"
    stopwords: tuple[str, ...] = ()
    every: bool = False
    """Whether all of its criteria must hold, not one."""
    rules: frozenset[str] = frozenset()
    """The rules that it is for; empty: all."""
    builtin: bool = False

    def allows(self, rule: str, path: str, texts: dict[str, str]) -> bool:
        """Whether a find is allowed; `texts` holds secret, match and line."""
        if self.rules and rule not in self.rules:
            return False
        secret = texts["secret"].lower()
        said = [
            any(pattern.search(path) for pattern in self.paths) if self.paths else None,
            any(pattern.search(texts[self.target]) for pattern in self.regexes) if self.regexes else None,
            any(word in secret for word in self.stopwords) if self.stopwords else None,
        ]
        given = [answer for answer in said if answer is not None]
        return bool(given) and (all(given) if self.every else any(given))

    @property
    def only_paths(self) -> bool:
        """Whether a whole file is allowed, for each rule, by its path alone."""
        others = self.regexes or self.stopwords
        return bool(self.paths) and not self.rules and not (self.every and others)


@dataclass(frozen=True)
class Rule:
    """One kind of secret."""

    id: str
    kind: str
    regex: re.Pattern[str] | None
    """None: the path alone is the finding."""
    keywords: tuple[str, ...] = ()
    path: re.Pattern[str] | None = None
    group: int = 0
    """The group that is the secret; 0: the first that matched, or the whole."""
    entropy: float = 0.0
    allowlists: tuple[Allowlist, ...] = ()
    at: At = "window"
    before: int = 300
    after: int = 4000
    confidence: Confidence = "medium"
    value: Literal["", "password", "token"] = ""
    near: re.Pattern[str] | None = None
    names: re.Pattern[str] | None = None
    names_not: re.Pattern[str] | None = None
    opens: re.Pattern[str] | None = None
    confirm: str = ""
    require: str = ""
    builtin: bool = True

    def secret(self, match: re.Match[str]) -> tuple[str, int]:
        """The secret of a match and where it begins."""
        group = self.group
        if not group and match.re.groups:
            group = next((index for index in range(1, match.re.groups + 1) if match[index]), 0)
        return match[group] or "", match.start(group)


@dataclass(frozen=True)
class Rules:
    """All rules of a scan, by precedence."""

    rules: tuple[Rule, ...]
    allowlists: tuple[Allowlist, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """What a rule file of the deployment turned off or asked for in vain."""

    @staticmethod
    def load(extra: Path | None = None, *, builtin: bool = True) -> Rules:
        """The built-in rules, and those of a gitleaks file that the deployment names.

        A rule of the file replaces the built-in one of the same id; `extend.disabledRules` takes rules away. Whether
        it says `useDefault` or not, the built-in rules stay.

        Raises:
            MeshGuardError: the file cannot be read, is no TOML, or says what cannot be done; with what and where.
        """
        from meshguard.targets.scanning.rule_files import merged, read_rules

        own = _builtin() if builtin else Rules(())
        if extra is None:
            return own
        text = read_text(extra)
        return merged(own, read_rules(text, str(extra), builtin=False))

    @cached_property
    def keywords(self) -> Keywords:
        """Finds the keywords of all rules in one pass."""
        pairs = [(word, index) for index, rule in enumerate(self.rules) for word in rule.keywords]
        return Keywords(pairs)

    @cached_property
    def order(self) -> dict[str, int]:
        """The precedence of each rule by its id."""
        return {rule.id: index for index, rule in enumerate(self.rules)}

    @cached_property
    def unkeyed(self) -> tuple[tuple[int, Rule], ...]:
        """Rules without keywords: those for some paths only, and a user's for all."""
        return tuple((index, rule) for index, rule in enumerate(self.rules) if not rule.keywords)


def read_text(path: Path) -> str:
    """A rule file's text."""
    from meshguard.errors import MeshGuardError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is no UTF-8"
        raise MeshGuardError(f"the rule file cannot be read: {reason}", where=str(path)) from None


def _builtin() -> Rules:
    from meshguard.targets.scanning.rule_files import merged, read_rules

    found = Rules(())
    folder = resources.files("meshguard.targets.scanning").joinpath("rules")
    for name in BUILTIN:
        found = merged(found, read_rules(folder.joinpath(name).read_text(encoding="utf-8"), name, builtin=True))
    return found
