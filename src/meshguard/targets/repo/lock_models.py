"""What is recorded of a lockfile: the packages that it fixes, and what of it could not be read."""

from __future__ import annotations

from typing import Literal

from meshguard.targets.repo.models import RepoModel

Source = Literal["registry", "git", "url", "path"]


class Package(RepoModel):
    """A package of others in one version, as a lockfile or an environment fixes it."""

    name: str
    version: str
    purl: str
    """Its package URL (ECMA-427), which names it everywhere."""
    licence: str | None = None
    """What the lockfile says, word for word; None where it says nothing."""
    hashes: tuple[str, ...] = ()
    """`algorithm:hex` of each archive. What is fixed by another hash has its kind before it: `h1` (Go's, over the list
    of files), `yarn` (of the archive that Yarn makes), `git` (the commit that the archive is made of)."""
    dev: bool = False
    """Whether it is for development alone."""
    optional: bool = False
    """Whether the installation may leave it out, as where it is for another system."""
    direct: bool = False
    """Whether the repository's own packages name it, and not only other packages."""
    dependencies: tuple[str, ...] = ()
    """The purls of what it needs."""
    source: Source = "registry"
    where: str = ""
    """The URL or path that it comes from, without credentials."""


class Lock(RepoModel):
    """A lockfile as it was read."""

    path: str
    format: str
    """Kind of file and its version, such as `package-lock 3`."""
    ecosystem: str
    """The type of its purls: npm, pypi, cargo, golang, composer, gem."""
    packages: tuple[Package, ...] = ()
    """Each once, by purl; the repository's own are not among them."""
    problems: tuple[str, ...] = ()
    """What could not be read or is not fixed: where there is any, the packages may not be all."""
    own: tuple[str, ...] = ()
    """The purls of the repository's own packages, as far as the lockfile names them."""
    name: str = ""
    """The repository's own package, where the lockfile names it."""
    version: str = ""


class Lockfile(RepoModel):
    """A lockfile that the checkout holds."""

    path: str
    ecosystem: str

    def __str__(self) -> str:
        """Its path from the checkout's folder."""
        return self.path
