"""The corpus: positives with the rule that should find them, and negatives; grown anew from seeds in each run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.evidence.scanning import formats, names
from tests.evidence.scanning.grow import Grower


@dataclass(frozen=True)
class Sample:
    """A small file."""

    rule: str
    """What should find it; "context" where any rule may; empty where nothing should."""
    path: str
    text: str


def provider_samples(rounds: int = 2) -> Iterator[Sample]:
    """Each format of each provider in surroundings that change."""
    for turn in range(rounds):
        grow = Grower(turn)
        wrapper = turn
        for rule, patterns in formats.TOKENS.items():
            for pattern in patterns:
                wrapper += 1
                path, text = formats.WRAPPERS[wrapper % len(formats.WRAPPERS)]
                yield Sample(rule, path, text.format(grow(pattern)))
        for rule, lines in formats.LINES.items():
            for line in lines:
                wrapper += 1
                yield Sample(rule, formats.LINE_PATHS[wrapper % len(formats.LINE_PATHS)], grow(line) + "\n")


def context_samples(rounds: int = 3) -> Iterator[Sample]:
    """Passwords of machines and of people, and keys without a format, behind their names."""
    for turn in range(rounds):
        grow = Grower(1000 + turn)
        for path, text in names.PASSWORDS:
            yield Sample("context", path, text.format(grow.machine() if turn % 2 == 0 else grow.human()) + "\n")
        for index, (path, text) in enumerate(names.SECRETS):
            pattern = names.TOKEN_PATTERNS[(index + turn) % len(names.TOKEN_PATTERNS)]
            yield Sample("context", path, text.format(grow(pattern)) + "\n")


def negative_samples(rounds: int = 9) -> Iterator[Sample]:
    """What looks like a secret and is none."""
    for path, text in names.NONE:
        yield Sample("", path, text + "\n")
    for turn in range(rounds):
        grow = Grower(2000 + turn)
        for path, text in names.GROWN_NONE:
            yield Sample("", path, grow(text.replace("{{", "{")) + "\n")
