"""Finds all keywords of all rules in one pass over a text (Aho-Corasick)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


class Keywords:
    """Which rules may match, and where."""

    def __init__(self, pairs: Iterable[tuple[str, int]]) -> None:
        import ahocorasick  # type: ignore[import-not-found]  # it has no stubs

        found: dict[str, list[int]] = {}
        for word, rule in pairs:
            found.setdefault(word.lower(), []).append(rule)
        self._automaton: Any = ahocorasick.Automaton()
        for word, rules in found.items():
            self._automaton.add_word(word, (len(word), tuple(dict.fromkeys(rules))))
        if found:
            self._automaton.make_automaton()
        self._empty = not found

    def hits(self, lowered: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Start and end of each keyword in a text of lower case, and the rules that it calls."""
        if self._empty:
            return
        for last, (size, rules) in self._automaton.iter(lowered):
            yield last - size + 1, last + 1, rules
