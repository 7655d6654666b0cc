"""The minimum elements of an SBOM (NTIA 2021; CISA 2025, draft), and which of them a bill lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from meshguard.targets.repo.sbom_models import Bill, Component

MAX_NAMED = 3
NO_PACKAGES = ("file", "operating-system", "data", "cryptographic-asset")
"""Kinds of components that have no archive, or no package URL of their own."""


def missing_elements(bill: Bill, *, suppliers: int, hashes: int, licences: int, context: bool) -> list[str]:
    """What the bill lacks, each as words; the numbers are percents of components that must have it."""
    return [
        *_of_document(bill, context=context),
        *_of_relations(bill),
        *_of_components(bill, suppliers, hashes, licences),
    ]


def _of_document(bill: Bill, *, context: bool) -> Iterator[str]:
    if not bill.authors:
        yield "the author of the data"
    if not bill.timestamp:
        yield "the time of the data"
    if bill.root is None or not bill.root.name or not bill.root.version:
        yield "name and version of what it is the bill of"
    if context and not any(" " in tool for tool in bill.tools):
        yield "name and version of the tool"
    if context and not any(bill.phases):
        yield "the context in which it was made (`lifecycles`)"


def _of_relations(bill: Bill) -> Iterator[str]:
    if bill.without_relations:
        yield f"the dependencies of {_counted(bill.without_relations)}"
    if bill.dangling:
        yield f"the components that `dependencies` names as {_counted(bill.dangling)}"
    if bill.doubled:
        yield f"refs that are clear: several components have {_counted(bill.doubled)}"


def _of_components(bill: Bill, suppliers: int, hashes: int, licences: int) -> Iterator[str]:
    packages = [one for one in bill.components if one.kind not in NO_PACKAGES]
    yield from _share(packages, 100, "the version", lambda one: bool(one.name and one.version))
    yield from _share(packages, 100, "an identifier", lambda one: bool(one.key or one.other_id))
    yield from _share(packages, suppliers, "the supplier", lambda one: bool(one.supplier))
    yield from _share(packages, hashes, "a hash", lambda one: one.hashes > 0)
    yield from _share(packages, licences, "a licence", lambda one: bool(one.licences))


def _share(packages: list[Component], least: int, what: str, has: Callable[[Component], bool]) -> Iterator[str]:
    without = [one for one in packages if not has(one)]
    if 100 * (len(packages) - len(without)) < least * len(packages):
        yield f"{what} of {_counted(tuple(one.purl or one.name or one.ref for one in without))}"


def _counted(names: tuple[str, ...]) -> str:
    shown = ", ".join(name or "(a component without ref)" for name in names[:MAX_NAMED])
    return shown if len(names) <= MAX_NAMED else f"{shown} and {len(names) - MAX_NAMED} more"
