"""A planted defect: its name, the check it must trip, and what it alters."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class Mistake(Exception):
    """A request that cannot be carried out; its text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Alteration(Generic[T]):
    """One change to a hardened configuration, and the parts of it that it touches."""

    touches: frozenset[str]
    apply: Callable[[T], T]


@dataclass(frozen=True, slots=True)
class Defect(Generic[T]):
    """One weakness that can be switched on by name."""

    name: str
    check: str
    """The MeshGuard check that it must trip."""
    says: str
    alters: Alteration[T]
    also: tuple[str, ...] = ()
    """Checks that it cannot help tripping too."""


def both(first: Alteration[T], second: Alteration[T]) -> Alteration[T]:
    """Two alterations as one."""
    return Alteration(first.touches | second.touches, lambda it: second.apply(first.apply(it)))


def altered(hardened: T, defects: Iterable[Defect[T]]) -> T:
    """The hardened configuration with these defects in it."""
    for defect in defects:
        hardened = defect.alters.apply(hardened)
    return hardened


def compatible(defects: Iterable[Defect[T]]) -> tuple[Defect[T], ...]:
    """The defects, in order, that touch nothing an earlier one touches."""
    chosen: list[Defect[T]] = []
    touched: frozenset[str] = frozenset()
    for defect in defects:
        if not touched & defect.alters.touches:
            chosen.append(defect)
            touched |= defect.alters.touches
    return tuple(chosen)


def refuse_clashes(defects: Sequence[Defect[T]]) -> None:
    """Stop when two defects alter the same thing: one would hide the other."""
    for number, one in enumerate(defects):
        for other in defects[number + 1 :]:
            if shared := one.alters.touches & other.alters.touches:
                raise Mistake(f"{one.name} and {other.name} both alter {', '.join(sorted(shared))}: choose one")
