"""A lockfile while it is read: packages put together from its entries, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from meshguard.targets.repo.lock_models import Lock, Package, Source
from meshguard.targets.repo.lock_read import place, purl_of
from meshguard.values import encodable

MAX_PROBLEMS = 20


def reach(edges: Mapping[str, Iterable[str]], roots: Iterable[str]) -> set[str]:
    """All that can be reached, the roots among it."""
    found: set[str] = set()
    todo = list(roots)
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += edges.get(one, ())
    return found


@dataclass
class Draft:
    """A lockfile while it is read: packages by purl, joined where one stands twice, and what went wrong."""

    path: str
    ecosystem: str
    packages: dict[str, Package] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    more: int = 0

    def add(
        self,
        name: str,
        version: str,
        *,
        licence: str | None = None,
        hashes: tuple[str, ...] = (),
        dev: bool = False,
        optional: bool = False,
        source: Source = "registry",
        where: str = "",
    ) -> str:
        """One package; its purl, or nothing where it has no usable name or version, which is a problem."""
        if not name or not version:
            self.problem(f"{name or 'a package'} has no {'version' if name else 'name'}")
            return ""
        where = place(where)
        try:
            purl = purl_of(self.ecosystem, name, version, source=source, where=where)
        except ValueError:
            self.problem(f"{name!r} {version!r} is no name and version of a package")
            return ""
        new = Package(
            name=name, version=version, purl=purl, licence=licence, hashes=hashes, dev=dev, optional=optional,
            source=source, where=where,
        )  # fmt: skip
        old = self.packages.get(purl)
        self.packages[purl] = new if old is None else _joined(old, new)
        return purl

    def problem(self, what: str) -> None:
        """What could not be read."""
        what = encodable(what)[:300]
        if what in self.problems:
            return
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(what)
        else:
            self.more += 1

    def lock(
        self,
        format_: str,
        *,
        edges: Mapping[str, Iterable[str]] | None = None,
        direct: Iterable[str] = (),
        production: Iterable[str] | None = None,
        own: Iterable[tuple[str, str]] = (),
        name: str = "",
        version: str = "",
    ) -> Lock:
        """The lockfile.

        Args:
            format_: kind of file and its version.
            edges: what each purl needs.
            direct: purls that the repository's own packages name.
            production: those of them that are not for development alone, where `dev` follows from them.
            own: name and version of the repository's own packages beside the one that is named here.
            name: the repository's own package.
            version: its version.
        """
        edges, direct = edges or {}, set(direct)
        alone = None if production is None else reach(edges, direct) - reach(edges, production)
        found = []
        for purl, package in sorted(self.packages.items()):
            needs = tuple(sorted({one for one in edges.get(purl, ()) if one in self.packages and one != purl}))
            dev = package.dev if alone is None else purl in alone
            changes = {"dependencies": needs, "direct": purl in direct, "dev": dev}
            found.append(package.model_copy(update=changes))
        tail = [f"and {self.more} more of the kind"] if self.more else []
        return Lock(
            path=self.path,
            format=format_,
            ecosystem=self.ecosystem,
            packages=tuple(found),
            problems=(*self.problems, *tail),
            own=tuple(sorted(set(self._own([*own, (name, version)])))),
            name=name,
            version=version,
        )

    def _own(self, own: Iterable[tuple[str, str]]) -> Iterator[str]:
        for name, version in own:
            with suppress(ValueError):  # an own package may have a name that no registry would take
                if name:
                    yield purl_of(self.ecosystem, name, version)


def _joined(old: Package, new: Package) -> Package:
    """One package of two entries: for production where either is."""
    return old.model_copy(
        update={
            "licence": old.licence or new.licence,
            "hashes": tuple(dict.fromkeys((*old.hashes, *new.hashes))),
            "dev": old.dev and new.dev,
            "optional": old.optional and new.optional,
        }
    )
