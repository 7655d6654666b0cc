"""Checks of known vulnerabilities in the packages that the lockfiles fix, and of the time until somebody has decided.

A lockfile as a whole is one resource: it passes where every package of it was looked at. Each vulnerability of each
package version in it is a resource of its own, so that a waiver accepts that one and nothing that is found later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from meshguard.api import (
    Clock,
    Duration,
    Field,
    Verdict,
    check,
    days,
    failed,
    not_applicable,
    passed,
    show_duration,
    undetermined,
)
from meshguard.targets.repo import Repo
from meshguard.targets.repo.vuln_models import SEVERITIES, Assessment, Earlier, Exposure, Vulnerability

Threshold = Literal["critical", "high", "medium", "low"]
Probability = Annotated[float, Field(ge=0, le=1)]
Reason = Annotated[str, Field(min_length=3)]
MAX_NAMED = 5
DECIDED = ("not_affected", "fixed", "affected")
"""Statements of a VEX document that are a decision; `under_investigation` is none yet."""


NAME_A_SOURCE = "name a source under `sources` of the target (such as npm), or a database under `osv_data`"


@check(
    "repo.vulnerabilities",
    method="test",
    over=Repo.exposures,
    fix="Update the package to a fixed version and commit the lockfile (`npm audit fix`, `npm update NAME`, "
    "`uv lock --upgrade-package NAME`); where it does not apply, say why in a VEX document, else waive it.",
)
async def vulnerabilities(
    exposure: Exposure,
    repo: Repo,
    clock: Clock,
    *,
    severity: Threshold = "high",
    dev: bool = True,
    unfixed: bool = True,
    epss: Probability | None = None,
    exploited: bool = False,
    excepted: dict[str, Reason] | None = None,
    max_data_age: Duration = days(7),
    max_vex_age: Duration | None = None,
) -> Verdict:
    """No package that a lockfile fixes has a known vulnerability of at least `severity` (OWASP Top 10:2021, A06).

    One of unknown severity counts, and so does a low one that is exploited (CISA's catalogue, where it is given). A
    lockfile passes where a source looked at every package of it. What a VEX document says is not affected, with its
    justification, or fixed, is not judged. A resource is `LOCKFILE PURL ID`: with a new version a waiver ends.

    Args:
        severity: the lowest severity that counts.
        dev: whether packages for development alone count.
        unfixed: whether a vulnerability counts for which no fixed version is known.
        epss: probability of exploitation in the next 30 days (FIRST EPSS) from which a lower severity counts too.
        exploited: whether it must be known that a lower one is not exploited: without the catalogue, or without a
            CVE to look up, it is undetermined.
        excepted: packages that no source can know (purls, with * and ?), each with the reason.
        max_data_age: oldest accepted data of a source that is no service, and of catalogue and probabilities.
        max_vex_age: oldest accepted statement of a VEX document; without it a statement holds for ever.
    """
    now = await clock.now()
    found = exposure.vulnerability
    if found is None:
        return _whole(await repo.assessment(exposure.path), now, excepted or {}, max_data_age)
    if aside := _set_aside(found, now, max_vex_age, dev=dev, unfixed=unfixed):
        return not_applicable(aside)
    why = _counts(found, severity, epss)
    if not why and (unknown := _unweighed(found, epss, exploited)):
        return undetermined(f"{found.severity}, and {unknown}", fix="name the files under `kev` and `epss`")
    want = f"below {severity}"
    if not why:
        return passed(f"{_told(found)} is {found.severity}, {want}", got=found.severity, want=want)
    mended = f"fixed in {_named(found.fixed)}" if found.fixed else "no fixed version is known"
    fix = f"update it to {found.fixed[0]}; in the lockfile it may be held by another package" if found.fixed else ""
    by = ", ".join(found.sources)
    old = found.vex is not None and found.vex.status in ("not_affected", "fixed")
    mended += f"; what {found.vex.document} says of it is too old" if found.vex is not None and old else ""
    return failed(f"{_told(found)} {why}; {mended} ({by})", got=found.severity, want=want, fix=fix)


@check(
    "repo.vulnerability_age",
    method="examine",
    over=Repo.exposures,
    fix="Decide: update the package, say in a VEX document what it means here (affected with what is done, or not "
    "affected), or accept it by a waiver. Keep each audit's JSON result, and name the last one under `earlier`.",
)
async def vulnerability_age(
    exposure: Exposure,
    repo: Repo,
    clock: Clock,
    *,
    max: Duration = days(1),
    severity: Threshold = "high",
    dev: bool = True,
    excepted: dict[str, Reason] | None = None,
    max_data_age: Duration = days(7),
    max_gap: Duration = days(7),
) -> Verdict:
    """Somebody decides on a vulnerability of at least `severity` within `max` of its first sight (NIST SSDF, RV.2).

    First seen is what the earlier audit's result says; what that audit did not find in a lockfile that it looked at
    is seen now for the first time. Without such an audit the advisory's own date stands for it. A decision is a VEX
    statement other than `under_investigation`, an update, or a waiver.

    Args:
        max: longest accepted time without a decision.
        severity: the lowest severity that counts; an unknown one does.
        dev: whether packages for development alone count.
        excepted: packages that no source can know (purls, with * and ?), each with the reason.
        max_data_age: oldest accepted data of a source that is no service.
        max_gap: longest accepted time since the earlier audit; an older one does not say what was first seen when.
    """
    now = await clock.now()
    found = exposure.vulnerability
    if found is None:
        return _whole(await repo.assessment(exposure.path), now, excepted or {}, max_data_age)
    if (found.dev and not dev) or not _counts(found, severity, None):
        what = "for development alone" if found.dev and not dev else f"below {severity}"
        return not_applicable(f"{_told(found)} is {found.severity}, and {what}")
    since = _first_seen(exposure, await repo.earlier(), now, max_gap)
    if found.vex is not None and found.vex.status in DECIDED:
        message = f"{found.vex.document} says {found.vex.status.replace('_', ' ')}"
        return passed(message, got=since and since.isoformat())
    if since is None:
        return undetermined(
            f"since when {_told(found)} is known here cannot be told: its advisory has no date",
            fix="name the JSON result of the last audit under `earlier` of the target",
        )
    # The time is what the next audit reads; its distance from now stands in the sentence.
    age = show_duration(timedelta(seconds=int((now - since).total_seconds())))
    message = f"{_told(found)} is known for {age} without a decision"
    if now - since > max:
        return failed(f"{message}, wanted at most {show_duration(max)}", got=since.isoformat(), want=max)
    return passed(message, got=since.isoformat(), want=max)


def _whole(found: Assessment, now: datetime, excepted: Mapping[str, str], max_age: timedelta) -> Verdict:
    """Whether all of a lockfile's packages were looked at."""
    looked = [one.said for one in found.sources if one.state == "looked"]
    if problem := next(_unsettled(found, now, max_age), None):
        return undetermined(problem[0], fix=problem[1])
    left = [one for one in found.unassessed if not any(fnmatchcase(one.purl, pattern) for pattern in excepted)]
    if left:
        names = _named(tuple(f"{one.purl} ({one.reason})" for one in left))
        return undetermined(
            f"{len(left)} of {found.packages} packages were not looked at: {names}",
            fix="add a source that knows them, or except them with the reason",
        )
    aside = f", {len(found.unassessed)} of them excepted" if found.unassessed else ""
    count = len(found.vulnerabilities)
    return passed(f"{found.packages} packages were looked at{aside} ({'; '.join(looked)})", got=f"{count} known")


def _unsettled(found: Assessment, now: datetime, max_age: timedelta) -> Iterator[tuple[str, str]]:
    """What keeps a lockfile from being looked at, with what to do."""
    for one in found.sources:
        if one.state == "failed":
            yield one.said, one.fix or "name the sources that count under `sources` of the target"
    if not any(one.state == "looked" for one in found.sources):
        why = "; ".join(one.said for one in found.sources) or "none knows this kind of lockfile"
        yield f"no source of vulnerabilities covers it: {why}", NAME_A_SOURCE
    if found.problems:
        yield f"it was read in part: {_named(found.problems)}", "let its package manager write it anew"
    if not found.packages:
        yield "it fixes no package", "see that it belongs to what is built, or exclude it"
    dated = [(one.name, one.dated) for one in found.sources if one.dated is not None]
    for name, when in (*dated, *found.exploits_dated):
        if now - when > max_age:
            yield f"the data of {name} is of {when:%Y-%m-%d}", "bring it up to date before the audit"


def _set_aside(found: Vulnerability, now: datetime, max_age: timedelta | None, *, dev: bool, unfixed: bool) -> str:
    """Why a vulnerability is not judged; empty where it is."""
    if found.dev and not dev:
        return f"{_told(found)} is in a package for development alone"
    said = found.vex
    holds = said is not None and (max_age is None or (said.dated is not None and now - said.dated <= max_age))
    if said is not None and holds and said.status in ("not_affected", "fixed"):
        why = f": {said.why}" if said.why else ""
        return f"{said.document} says {said.status.replace('_', ' ')} of {_told(found)}{why}"
    if not (found.fixable or unfixed):
        return f"no fixed version is known of {_told(found)}"
    return ""


def _counts(found: Vulnerability, severity: Threshold, epss: float | None) -> str:
    """Why a vulnerability counts; empty where it does not."""
    if found.exploited:
        return f"is {found.severity}, and is exploited (KEV)"
    if found.severity == "unknown":
        return "is of unknown severity, which counts"
    if SEVERITIES.index(found.severity) <= SEVERITIES.index(severity):
        return f"is {found.severity}"
    if epss is not None and found.epss is not None and found.epss >= epss:
        return f"is {found.severity}, and is exploited with a probability of {found.epss:.1%} (EPSS)"
    return ""


def _unweighed(found: Vulnerability, epss: float | None, exploited: bool) -> str:
    """What would have to be known of a vulnerability of lower severity."""
    if exploited and found.exploited is None:
        return f"whether {found.id} is exploited is not known"
    if epss is not None and found.epss is None:
        return f"the probability that {found.id} is exploited is not known"
    return ""


def _first_seen(exposure: Exposure, earlier: Earlier | None, now: datetime, max_gap: timedelta) -> datetime | None:
    """Since when a vulnerability is known here; a time that lies ahead says nothing."""
    if earlier is not None and earlier.started <= now:
        if (known := dict(earlier.since).get(str(exposure))) is not None:
            return known
        if exposure.path in earlier.lockfiles and now - earlier.started <= max_gap:
            return now
    published = exposure.vulnerability.published if exposure.vulnerability is not None else None
    return published if published is not None and published <= now else None


def _told(found: Vulnerability) -> str:
    others = f" ({', '.join(found.ids[1:3])})" if len(found.ids) > 1 else ""
    return f"{found.id}{others}"


def _named(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
