"""repo.vulnerabilities and repo.vulnerability_age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from meshguard.api import Clock, NotObserved, Verdict
from meshguard.targets.repo import Repo
from meshguard.targets.repo.vuln_models import (
    Assessment,
    Earlier,
    Exposure,
    SourceState,
    Statement,
    Unassessed,
    Vulnerability,
)
from meshguard.testing import judge, recorded
from meshguard_checks.repo.vulnerabilities import vulnerabilities, vulnerability_age

row = pytest.param
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PATH = "package-lock.json"
LODASH = "pkg:npm/lodash@4.17.4"
RESOURCE = f"{PATH} {LODASH} CVE-2019-10744"
SECOND = timedelta(seconds=1)
LOOKED = SourceState(name="npm", state="looked", said="npm 11.19.1: 2 of 2 packages")


def clock() -> Clock:
    return recorded(Clock, {Clock.now: {(): NOW}}, name="audit")


def assessment(**changes: Any) -> Assessment:
    """A lockfile of two packages that npm looked at, with changes."""
    return Assessment(**{"path": PATH, "packages": 2, "sources": (LOOKED,), **changes})


def found(**changes: Any) -> Exposure:
    """A high vulnerability with a fix, with changes."""
    good = {
        "purl": LODASH,
        "ids": ("CVE-2019-10744", "GHSA-jf85-cpcp-j695"),
        "severity": "high",
        "fixed": ("4.17.12",),
        "fixable": True,
        "sources": ("npm 11.19.1",),
    }
    return Exposure(path=PATH, vulnerability=Vulnerability(**{**good, **changes}))


def state(state_: Any, said: str, **more: Any) -> SourceState:
    return SourceState(name="trivy", state=state_, said=said, **more)


async def verdict_of(
    check: Any, exposure: Exposure, *, whole: object = None, earlier: object = None, **parameters: Any
) -> Verdict:
    facts: dict[Any, Any] = {
        Repo.assessment: {(PATH,): whole if whole is not None else assessment()},
        Repo.earlier: {(): earlier},
    }
    repo = recorded(Repo, facts, path=str(Path(__file__).parent))
    return await judge(check, exposure, repo, clock(), **parameters)


WEEK = timedelta(days=7)
LEFT_PAD = Unassessed(purl="pkg:npm/left-pad@1.3.0", reason="it comes from a git")


@pytest.mark.parametrize("check", [vulnerabilities, vulnerability_age])
@pytest.mark.parametrize(
    ("whole", "parameters", "outcome", "message"),
    [
        row(assessment(), {}, "pass", "2 packages were looked at (npm 11.19.1: 2 of 2 packages)", id="all looked at"),
        row(
            assessment(sources=(LOOKED, state("absent", "trivy is not asked: `trivy_cache` names no database"))),
            {}, "pass", "2 packages were looked at", id="another source is not set up",
        ),
        row(
            assessment(sources=(LOOKED, state("failed", "Trivy gave no report"))),
            {}, "not-checked", "Trivy gave no report", id="another source failed",
        ),
        row(
            assessment(sources=(state("absent", "npm is not on PATH"),), unassessed=(LEFT_PAD,)),
            {}, "not-checked", "no source of vulnerabilities covers it: npm is not on PATH", id="no source is there",
        ),
        row(
            assessment(sources=(), unassessed=(LEFT_PAD,)),
            {}, "not-checked", "covers it: none knows this kind of lockfile", id="no source knows the kind",
        ),
        row(
            assessment(unassessed=(LEFT_PAD,)),
            {}, "not-checked", "1 of 2 packages were not looked at: pkg:npm/left-pad@1.3.0 (it comes from a git)",
            id="a package was passed over",
        ),
        row(
            assessment(unassessed=(LEFT_PAD,)),
            {"excepted": {"pkg:npm/left-pad@*": "our own fork, reviewed"}},
            "pass", "2 packages were looked at, 1 of them excepted", id="the package is excepted",
        ),
        row(
            assessment(unassessed=(LEFT_PAD,)),
            {"excepted": {"pkg:npm/right-pad@*": "our own fork, reviewed"}},
            "not-checked", "1 of 2 packages", id="another package is excepted",
        ),
        row(
            assessment(problems=("a has no version",)),
            {}, "not-checked", "it was read in part: a has no version", id="the lockfile was read in part",
        ),
        row(assessment(packages=0), {}, "not-checked", "it fixes no package", id="nothing in it"),
        row(
            assessment(sources=(state("looked", "trivy", dated=NOW - WEEK),)),
            {}, "pass", "2 packages", id="data of a week",
        ),
        row(
            assessment(sources=(state("looked", "trivy", dated=NOW - WEEK - SECOND),)),
            {}, "not-checked", "the data of trivy is of 2026-11-17", id="data of more than a week",
        ),
        row(
            assessment(sources=(state("looked", "trivy", dated=NOW - WEEK - SECOND),)),
            {"max_data_age": "8d"}, "pass", "2 packages", id="data of more than a week where 8 days are allowed",
        ),
        row(
            assessment(exploits_dated=(("KEV", NOW - WEEK - SECOND),)),
            {}, "not-checked", "the data of KEV is of 2026-11-17", id="an old catalogue",
        ),
        row(NotObserved("it is not valid JSON"), {}, "error", "it is not valid JSON", id="the lockfile is broken"),
    ],
)  # fmt: skip
async def test_a_lockfile_as_a_whole(check: Any, whole: object, parameters: Any, outcome: str, message: str) -> None:
    verdict = await verdict_of(check, Exposure(path=PATH), whole=whole, **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


def vex(status: Any = "not_affected", why: str = "vulnerable_code_not_present", **more: Any) -> Statement:
    return Statement(
        document="app.vex.json", ids=("CVE-2019-10744",), products=(LODASH,), status=status, why=why, **more
    )


@pytest.mark.parametrize(
    ("exposure", "parameters", "outcome", "message"),
    [
        row(found(), {}, "fail", "CVE-2019-10744 (GHSA-jf85-cpcp-j695) is high; fixed in 4.17.12 (npm 11.19.1)",
            id="high where high counts"),
        row(found(severity="medium"), {}, "pass", "is medium, below high", id="medium where high counts"),
        row(found(severity="critical"), {}, "fail", "is critical", id="critical where high counts"),
        row(found(), {"severity": "critical"}, "pass", "is high, below critical", id="high where critical counts"),
        row(found(severity="low"), {"severity": "low"}, "fail", "is low", id="low where low counts"),
        row(found(severity="low"), {"severity": "medium"}, "pass", "below medium", id="low where medium counts"),
        row(found(severity="unknown"), {"severity": "critical"}, "fail", "is of unknown severity, which counts",
            id="an unknown severity counts"),
        row(found(dev=True), {}, "fail", "is high", id="development counts"),
        row(found(dev=True), {"dev": False}, "not-applicable", "development alone", id="development does not count"),
        row(found(), {"dev": False}, "fail", "is high", id="what is shipped counts all the same"),
        row(found(fixed=(), fixable=False), {}, "fail", "no fixed version is known", id="without a fix counts"),
        row(found(fixed=(), fixable=False), {"unfixed": False}, "not-applicable", "no fixed version is known",
            id="without a fix does not count"),
        row(found(fixed=(), fixable=True), {"unfixed": False}, "fail", "is high", id="a fix without a version"),
        row(found(severity="low", epss=0.1), {"epss": 0.1}, "fail", "with a probability of 10.0% (EPSS)",
            id="the probability"),
        row(found(severity="low", epss=0.099), {"epss": 0.1}, "pass", "is low", id="under the probability"),
        row(found(severity="low", epss=0.9), {}, "pass", "is low", id="probabilities are not asked for"),
        row(found(severity="low"), {"epss": 0.1}, "not-checked", "the probability that CVE-2019-10744 is exploited",
            id="no probability known"),
        row(found(), {"epss": 0.1}, "fail", "is high", id="no probability known, and high"),
        row(found(severity="low", exploited=True), {}, "fail", "is low, and is exploited (KEV)", id="exploited"),
        row(found(severity="low", exploited=False), {"exploited": True}, "pass", "is low", id="not exploited"),
        row(found(severity="low", exploited=None), {}, "pass", "is low", id="no catalogue, and none asked for"),
        row(found(severity="low", exploited=None), {"exploited": True}, "not-checked",
            "whether CVE-2019-10744 is exploited is not known", id="no catalogue where it must be known"),
        row(found(vex=vex()), {}, "not-applicable",
            "app.vex.json says not affected of CVE-2019-10744 (GHSA-jf85-cpcp-j695): vulnerable_code_not_present",
            id="VEX says not affected"),
        row(found(vex=vex("fixed", "")), {}, "not-applicable", "says fixed of", id="VEX says fixed"),
        row(found(vex=vex("affected")), {}, "fail", "is high", id="VEX says affected"),
        row(found(vex=vex("under_investigation")), {}, "fail", "is high", id="VEX says under investigation"),
        row(found(vex=vex(dated=NOW - WEEK)), {"max_vex_age": "7d"}, "not-applicable", "not affected",
            id="VEX of a week"),
        row(found(vex=vex(dated=NOW - WEEK - SECOND)), {"max_vex_age": "7d"}, "fail", "says of it is too old",
            id="VEX of more than a week"),
        row(found(vex=vex()), {"max_vex_age": "7d"}, "fail", "is high", id="VEX without a time where it may age"),
    ],
)  # fmt: skip
async def test_a_vulnerability(exposure: Exposure, parameters: Any, outcome: str, message: str) -> None:
    verdict = await verdict_of(vulnerabilities, exposure, **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


DAY = timedelta(days=1)


def known(since: datetime, *, started: datetime = NOW - DAY) -> Earlier:
    return Earlier(started=started, lockfiles=(PATH,), since=((RESOURCE, since),))


def unknown(started: datetime = NOW - DAY, *lockfiles: str) -> Earlier:
    return Earlier(started=started, lockfiles=lockfiles or (PATH,))


OLD = found(published=NOW - 30 * DAY)


@pytest.mark.parametrize(
    ("exposure", "earlier", "parameters", "outcome", "message"),
    [
        row(found(), known(NOW - DAY), {}, "pass", "is known for 1d without a decision", id="known for a day"),
        row(found(), known(NOW - DAY - SECOND), {}, "fail", "is known for 1d1s without a decision, wanted at most 1d",
            id="known for more than a day"),
        row(found(), known(NOW - 2 * DAY), {"max": "48h"}, "pass", "known for 2d", id="two days where they may be"),
        row(OLD, unknown(), {}, "pass", "is known for 0s", id="an old advisory, seen for the first time"),
        row(OLD, unknown(NOW - WEEK), {}, "pass", "is known for 0s", id="the earlier audit is a week old"),
        row(OLD, unknown(NOW - WEEK - SECOND), {}, "fail", "is known for 30d", id="the earlier audit is older"),
        row(OLD, unknown(NOW - WEEK - SECOND), {"max_gap": "8d"}, "pass", "0s", id="older, where it may be"),
        row(OLD, unknown(NOW - DAY, "other/package-lock.json"), {}, "fail", "is known for 30d",
            id="the earlier audit did not look at the lockfile"),
        row(OLD, unknown(NOW + DAY), {}, "fail", "is known for 30d", id="the earlier audit lies ahead"),
        row(OLD, None, {}, "fail", "is known for 30d", id="no earlier audit, and an old advisory"),
        row(found(published=NOW - DAY), None, {}, "pass", "known for 1d", id="no earlier audit, and a new advisory"),
        row(found(published=NOW + DAY), None, {}, "not-checked", "has no date", id="an advisory from ahead"),
        row(found(), None, {}, "not-checked", "since when CVE-2019-10744", id="no earlier audit and no date"),
        row(found(), NotObserved("no JSON result"), {}, "error", "no JSON result", id="the result is broken"),
        row(found(vex=vex("affected")), known(NOW - WEEK), {}, "pass", "app.vex.json says affected", id="decided"),
        row(found(vex=vex("under_investigation")), known(NOW - WEEK), {}, "fail", "known for 7d", id="not decided yet"),
        row(found(severity="medium"), known(NOW - WEEK), {}, "not-applicable", "below high", id="medium"),
        row(found(severity="medium"), known(NOW - WEEK), {"severity": "medium"}, "fail", "7d", id="medium counts"),
        row(found(severity="unknown"), known(NOW - WEEK), {}, "fail", "known for 7d", id="an unknown severity counts"),
        row(found(dev=True), known(NOW - WEEK), {}, "fail", "known for 7d", id="development counts"),
        row(found(dev=True), known(NOW - WEEK), {"dev": False}, "not-applicable", "development", id="it does not"),
    ],
)  # fmt: skip
async def test_the_time_until_a_decision(
    exposure: Exposure, earlier: object, parameters: Any, outcome: str, message: str
) -> None:
    verdict = await verdict_of(vulnerability_age, exposure, earlier=earlier, **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_the_time_goes_on_to_the_next_result() -> None:
    verdict = await verdict_of(vulnerability_age, found(), earlier=known(NOW - 3 * DAY))

    assert verdict.got == "2026-11-21T12:00:00+00:00"


def test_a_resource_names_lockfile_package_and_vulnerability() -> None:
    assert (str(found()), str(Exposure(path=PATH))) == (RESOURCE, PATH)
