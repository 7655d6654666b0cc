"""VEX documents, OpenVEX and CycloneDX: what was found out about a vulnerability in a product.

They come from the deployment and never from the checkout by itself. What sets a vulnerability aside must say why, and
a newer statement about the same vulnerability and package wins (OpenVEX 0.2.0, "Statement inheritance and updating").
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from packageurl import PackageURL

from meshguard.targets.repo.lock_read import LockError, as_json, rows, table, text, words
from meshguard.targets.repo.vuln_models import Statement, VexRead, when
from meshguard.targets.repo.vuln_source import names_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from meshguard.targets.repo.lock_models import Lock, Package

MAX_BYTES = 16_000_000
Status = Literal["not_affected", "fixed", "affected", "under_investigation"]
_STATUSES: dict[str, Status] = {
    "not_affected": "not_affected", "fixed": "fixed", "affected": "affected",
    "under_investigation": "under_investigation",
}  # fmt: skip
_STATES: dict[str, Status] = {
    "not_affected": "not_affected", "false_positive": "not_affected", "resolved": "fixed",
    "resolved_with_pedigree": "fixed", "exploitable": "affected", "in_triage": "under_investigation",
}  # fmt: skip
"""CycloneDX's states of an analysis."""


class VexError(ValueError):
    """It is no VEX document, or a statement of it is not in order."""


def read_all(paths: Iterable[Path]) -> VexRead:
    """The statements of all documents; one that is not in order gives none."""
    statements: list[Statement] = []
    unread: list[tuple[str, str]] = []
    for path in paths:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            statements += read_vex(path.name, data)
        except OSError as fault:
            unread.append((path.name, f"it cannot be read: {fault.strerror}"))
        except (VexError, LockError) as fault:
            unread.append((path.name, str(fault)))
    return VexRead(statements=tuple(statements), unread=tuple(unread))


def read_vex(name: str, data: bytes) -> list[Statement]:
    """The statements of one document.

    Raises:
        VexError, LockError: it is not in order.
    """
    if len(data) > MAX_BYTES:
        raise VexError(f"it has more than the {MAX_BYTES} bytes that are read")
    document = as_json(data)
    if text(document.get("@context")).startswith("https://openvex.dev/ns"):
        return list(_openvex(name, document))
    if document.get("bomFormat") == "CycloneDX":
        return list(_cyclonedx(name, document))
    raise VexError("it is neither OpenVEX nor CycloneDX in JSON")


def _openvex(name: str, document: dict[str, Any]) -> Iterator[Statement]:
    for number, row in enumerate(_listed(document, "statements"), 1):
        said = row.get("vulnerability")
        vulnerability = {"name": said} if isinstance(said, str) else table(said)
        status = _STATUSES.get(text(row.get("status")))
        if status is None:
            raise VexError(f"statement {number} has no status that OpenVEX knows")
        yield _statement(
            f"statement {number}",
            document=name,
            ids=names_in(
                vulnerability.get("name"),
                text(vulnerability.get("@id")).rpartition("/")[2],
                *words(vulnerability.get("aliases")),
            ),
            products=_products(row.get("products")),
            status=status,
            why=text(row.get("justification")) or text(row.get("impact_statement")),
            dated=_last(row, ("last_updated", "timestamp")) or _last(document, ("last_updated", "timestamp")),
        )


def _products(said: object) -> list[str]:
    """Package URLs; where a product names parts of it (`subcomponents`), those are meant."""
    found = list(words(said))
    for product in rows(said):
        inner = _products(product.get("subcomponents"))
        identifiers = table(product.get("identifiers"))
        found += inner or [text(product.get("@id")), text(identifiers.get("purl"))]
    return [one for one in found if one.startswith("pkg:")]


def _cyclonedx(name: str, document: dict[str, Any]) -> Iterator[Statement]:
    purls = dict(_purls([table(document.get("metadata")).get("component"), *rows(document.get("components"))]))
    bom_dated = when(table(document.get("metadata")).get("timestamp"))
    for number, row in enumerate(_listed(document, "vulnerabilities"), 1):
        analysis = table(row.get("analysis"))
        status = _STATES.get(text(analysis.get("state")))
        if status is None:
            continue  # a vulnerability that is listed without an analysis is no statement
        references = [one.get("id") for one in rows(row.get("references"))]
        yield _statement(
            f"vulnerability {number}",
            document=name,
            ids=names_in(row.get("id"), *references),
            products=[_affects(text(one.get("ref")), purls) for one in rows(row.get("affects"))],
            status=status,
            why=text(analysis.get("justification")) or text(analysis.get("detail")),
            dated=_last(analysis, ("lastUpdated", "firstIssued")) or _last(row, ("updated", "published")) or bom_dated,
        )


def _listed(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = document.get(name)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise VexError(f"it has no list of {name}")
    return found


def _purls(components: Iterable[object]) -> Iterator[tuple[str, str]]:
    todo = list(components)
    while todo:
        component = table(todo.pop())
        yield text(component.get("bom-ref")), text(component.get("purl"))
        todo += rows(component.get("components"))


def _affects(ref: str, purls: dict[str, str]) -> str:
    """The package URL behind a reference: an element of this document, or a BOM-Link to one of another."""
    if ref.startswith("urn:cdx:"):
        ref = unquote(ref.partition("#")[2])
    return purls.get(ref) or ref


def _statement(
    place: str, *, document: str, ids: tuple[str, ...], products: list[str], status: Status, why: str,
    dated: datetime | None,
) -> Statement:  # fmt: skip
    if not ids:
        raise VexError(f"{place} names no vulnerability")
    known = tuple(dict.fromkeys(one for one in products if one.startswith("pkg:")))
    if not known:
        raise VexError(f"{place} names no product by its package URL")
    if status == "not_affected" and not why:
        raise VexError(f"{place} says not affected, and gives no justification")
    return Statement(document=document, ids=ids, products=known, status=status, why=why[:300], dated=dated)


def _last(row: dict[str, Any], names: tuple[str, ...]) -> datetime | None:
    return next((found for name in names if (found := when(row.get(name))) is not None), None)


def statement_of(statements: Iterable[Statement], ids: Iterable[str], package: Package, lock: Lock) -> Statement | None:
    """The newest statement about a vulnerability in a package; of equally old ones the last."""
    names = {one.upper() for one in ids}
    own = [*lock.own, *_own(lock)]
    found = [
        one
        for one in statements
        if names.intersection(map(str.upper, one.ids)) and any(_is_meant(p, package, own, one) for p in one.products)
    ]
    return max(enumerate(found), key=lambda pair: (_seconds(pair[1]), pair[0]))[1] if found else None


def _seconds(statement: Statement) -> float:
    return statement.dated.timestamp() if statement.dated is not None else 0.0


def _own(lock: Lock) -> Iterator[str]:
    if lock.name:
        yield (
            f"pkg:{lock.ecosystem}/{lock.name}@{lock.version}" if lock.version else f"pkg:{lock.ecosystem}/{lock.name}"
        )


def _is_meant(product: str, package: Package, own: list[str], statement: Statement) -> bool:
    """Whether a product is the package, or the repository's own product with all that is in it.

    A product without a version is each version of it; but what is fixed is fixed in a version.
    """
    said = _parsed(product)
    if said is None or (statement.status == "fixed" and not said.version):
        return False
    return any(_fits(said, other) for purl in (package.purl, *own) if (other := _parsed(purl)) is not None)


def _fits(said: PackageURL, other: PackageURL) -> bool:
    same = (said.type, said.namespace, said.name) == (other.type, other.namespace, other.name)
    theirs = table(other.qualifiers)
    return (
        same
        and said.version in (None, "", other.version)
        and all(theirs.get(key) == value for key, value in table(said.qualifiers).items())
    )


def _parsed(purl: str) -> PackageURL | None:
    try:
        return PackageURL.from_string(purl)
    except ValueError:
        return None
