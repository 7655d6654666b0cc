"""Yes, no, or undecided (Kleene's logic): what a policy document alone does not settle is neither yes nor no."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_SHOWN = 100


class Answer(StrEnum):
    """What a document says to a question about it."""

    YES = "yes"
    NO = "no"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Judgement:
    """An answer and the sentence that justifies it."""

    answer: Answer
    reason: str


@dataclass(frozen=True)
class Finding:
    """What one statement says to a question."""

    statement: str
    answer: Answer
    reason: str
    subject: str = ""
    """What it is about, where a statement may have several: an account, a service."""


def both(answers: Iterable[Answer]) -> Answer:
    """Yes where all are; no where one is."""
    found = set(answers)
    if Answer.NO in found:
        return Answer.NO
    return Answer.UNDECIDED if Answer.UNDECIDED in found else Answer.YES


def either(answers: Iterable[Answer]) -> Answer:
    """Yes where one is; no where all are."""
    return opposite(both(opposite(answer) for answer in answers))


def opposite(answer: Answer) -> Answer:
    """No for yes and yes for no."""
    return {Answer.YES: Answer.NO, Answer.NO: Answer.YES}.get(answer, Answer.UNDECIDED)


def clip(text: str) -> str:
    """A value of the document, short enough for a sentence."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
