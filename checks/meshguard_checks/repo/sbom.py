"""Checks of software bills of materials: the build's own, and what the lockfiles hold for one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from meshguard.api import (
    Clock,
    Duration,
    Field,
    Verdict,
    check,
    failed,
    passed,
    show_duration,
    undetermined,
)
from meshguard.targets.repo import Repo
from meshguard.targets.repo.lock_models import Lock, Lockfile, Package
from meshguard.targets.repo.sbom_models import Bill
from meshguard_checks.parsing.sbom import missing_elements

Percent = Annotated[int, Field(ge=0, le=100)]
MAX_NAMED = 5


@check(
    "repo.sbom",
    method="examine",
    over=Repo.locks,
    fix="Let the package manager write the lockfile anew with hashes (`npm install --package-lock-only`, "
    "`pip-compile --generate-hashes`, `uv lock`); then `meshguard sbom -o sbom.json`.",
)
async def sbom(lockfile: Lockfile, repo: Repo, *, min_hashes: Percent = 100) -> Verdict:
    """The lockfile fixes all that an SBOM needs: each package's version, package URL and hash (CISA 2025, draft).

    Only packages from a registry or by a URL have an archive that can be hashed; a git commit is a hash of its own.

    Args:
        min_hashes: percent of those packages that must have a hash.
    """
    lock = await repo.lock(lockfile.path)
    archived = [package for package in lock.packages if package.source in ("registry", "url")]
    bare = [package for package in archived if not package.hashes]
    share = 100 if not archived else 100 * (len(archived) - len(bare)) // len(archived)
    if share < min_hashes:
        what = f"{len(bare)} of {len(archived)} packages have no hash: {_named(package.purl for package in bare)}"
        return failed(what, got=share, want=min_hashes)
    if lock.problems:
        return undetermined(f"it was read in part: {'; '.join(lock.problems[:MAX_NAMED])}")
    if not lock.packages:
        return undetermined("it fixes no package", fix="see that it belongs to what is built, or exclude it")
    return passed(f"{len(lock.packages)} packages, {share} % of them with a hash", got=share, want=min_hashes)


@check(
    "repo.sbom_of_build",
    method="examine",
    over=Repo.locks,
    fix="Write the SBOM in the build, from the lockfile that is installed, and keep it as an artefact "
    "(`npx @cyclonedx/cyclonedx-npm --package-lock-only --omit dev -o sbom.json`).",
)
async def sbom_of_build(lockfile: Lockfile, repo: Repo, *, dev: bool = False) -> Verdict:
    """The build's own SBOM lists the packages that the lockfile fixes, and no other versions (NTIA 2021, "Coverage").

    Packages for development, and those that an installation on another system has, may be there and need not.
    Package URLs are compared without qualifiers. The document itself is judged by `repo.sbom_valid`.

    Args:
        dev: whether packages for development must be listed too.
    """
    bill = await repo.bill_of_build()
    lock = await repo.lock(lockfile.path)
    listed = {one.key for one in bill.components if one.key.startswith(f"pkg:{lock.ecosystem}/")}
    allowed = _allowed(lock)
    wanted = {_bare(one) for one in lock.packages if (dev or not one.dev) and not one.optional}
    if listed - allowed:  # another lockfile may fix them
        for other in (await repo.locks()).items:
            if other.ecosystem == lock.ecosystem and other.path != lock.path:
                allowed |= _allowed(await repo.lock(other.path))
    missing, more = sorted(wanted - listed), sorted(listed - allowed)
    if missing:
        return failed(f"the SBOM lacks {len(missing)} of {len(wanted)}: {_named(missing)}", got=len(listed))
    if more:
        return failed(f"the SBOM lists {len(more)} that no lockfile fixes: {_named(more)}", got=len(listed))
    if lock.problems:
        return undetermined(f"{lock.path} was read in part: {'; '.join(lock.problems[:MAX_NAMED])}")
    if not wanted:
        return undetermined(f"{lock.path} fixes no package that is shipped")
    return passed(f"the SBOM lists all {len(wanted)} packages that are shipped", got=len(listed), want=len(wanted))


@check(
    "repo.sbom_valid",
    method="examine",
    fix="Have the generator write CycloneDX 1.6 with hashes, licences and the dependency graph; name supplier and "
    "author in its configuration.",
)
async def sbom_valid(
    repo: Repo,
    clock: Clock,
    *,
    min_suppliers: Percent = 100,
    min_hashes: Percent = 100,
    min_licences: Percent = 100,
    context: bool = True,
    max_age: Duration | None = None,
) -> Verdict:
    """The build's SBOM is valid CycloneDX with the minimum elements (NTIA 2021; CISA 2025, draft).

    NTIA: supplier, name, version and identifier of each component, how they depend on each other, author and time of
    the data. CISA adds hash, licence, the tool's name and the context (the lifecycle's phase) in which it was made.
    Valid is what the official schema of its version takes; formats of dates and references are not looked at.

    Args:
        min_suppliers: percent of components that must name who supplies or made them.
        min_hashes: percent of components that must have a hash (0: NTIA 2021 alone).
        min_licences: percent of components that must name a licence (0: NTIA 2021 alone).
        context: whether the tool and the phase must be named (false: NTIA 2021 alone).
        max_age: oldest accepted time of the data.
    """
    bill = await repo.bill_of_build()
    if bill.faults:
        return failed(f"it breaks the schema of CycloneDX {bill.spec}: {'; '.join(bill.faults[:MAX_NAMED])}")
    if not bill.components:
        return undetermined("it lists no component", fix="see that the build writes it after installing")
    lacks = missing_elements(bill, suppliers=min_suppliers, hashes=min_hashes, licences=min_licences, context=context)
    if lacks:
        return failed(f"it lacks {'; '.join(lacks)}", got=len(bill.components))
    if problem := _age_problem(bill, await clock.now(), max_age):
        return failed(problem)
    return passed(f"CycloneDX {bill.spec} of {len(bill.components)} components with all minimum elements")


def _age_problem(bill: Bill, now: datetime, max_age: Duration | None) -> str:
    if bill.time is None:
        return f"its timestamp {bill.timestamp!r} is no time with a zone"
    if bill.time > now:
        return f"its time lies ahead: {bill.timestamp}"
    if max_age is not None and now - bill.time > max_age:
        return f"it is of {bill.timestamp}, older than {show_duration(max_age)}"
    return ""


def _allowed(lock: Lock) -> set[str]:
    return {_bare(one) for one in lock.packages} | set(lock.own)


def _bare(package: Package) -> str:
    """The package URL without qualifiers."""
    return package.purl.partition("?")[0]


def _named(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return ", ".join(found[:MAX_NAMED]) + more
