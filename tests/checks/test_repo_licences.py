"""repo.licenses."""

from datetime import datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from meshguard.api import Clock, NotObserved
from meshguard.targets.repo import Repo
from meshguard.targets.repo.licence_terms import expression_of
from meshguard.targets.repo.licences import Licensed, Said
from meshguard.testing import judge, recorded
from meshguard_checks.parsing.spdx import Policy, state_of
from meshguard_checks.repo.licences import licenses

row = pytest.param
HERE = Path(__file__).parent
PURL = "pkg:npm/a@1.0.0"
ALLOW = ("MIT", "Apache-2.0", "BSD-*", "GPL-2.0-only WITH Classpath-exception-2.0", "LicenseRef-ours", "MPL-2.0")


def package(*texts: str, purl: str = PURL, dev: bool = False) -> Licensed:
    said = tuple(Said(by="package-lock.json", text=text, expression=expression_of(text)) for text in texts)
    return Licensed(purl=purl, dev=dev, said=said)


def targets(now: str = "2026-06-01T23:59:59Z") -> tuple[Repo, Clock]:
    return recorded(Repo, {}, path=HERE), recorded(Clock, {Clock.now: {(): datetime.fromisoformat(now)}})


@pytest.mark.parametrize(
    ("text", "outcome", "message"),
    [
        row("MIT", "pass", "its licence is MIT", id="allowed"),
        row("mit", "pass", "its licence is MIT", id="in small letters"),
        row("ISC", "fail", "ISC, which the policy does not allow", id="not listed"),
        row("BSD-3-Clause", "pass", "BSD-3-Clause", id="by a pattern"),
        row("BSD", "not-checked", "says 'BSD'", id="BSD says no version"),
        row("MIT OR GPL-3.0-only", "pass", "MIT OR GPL-3.0-only", id="OR: one of them is enough"),
        row("ISC OR GPL-3.0-only", "fail", "which the policy", id="OR: none of them"),
        row("MIT AND Apache-2.0", "pass", "", id="AND: all of them"),
        row("MIT AND ISC", "fail", "does not allow", id="AND: one is missing"),
        row("(MIT OR CC0-1.0)", "pass", "", id="in brackets"),
        row("MIT AND (ISC OR Apache-2.0)", "pass", "", id="OR inside AND"),
        row("GPL-2.0-only WITH Classpath-exception-2.0", "pass", "", id="WITH is one symbol"),
        row("GPL-2.0-only", "fail", "", id="the same without the exception"),
        row("GPL-2.0-only WITH GCC-exception-2.0", "fail", "", id="another exception"),
        row("MIT WITH Classpath-exception-2.0", "fail", "does not allow", id="an exception that was not listed alone"),
        row("Apache-2.0+", "pass", "", id="a later version may be chosen and need not"),
        row("MPL-2.0-no-copyleft-exception", "fail", "", id="a licence that begins alike"),
        row("UNLICENSED", "fail", "UNLICENSED", id="UNLICENSED is nobody's to use"),
        row("Unlicense", "fail", "its licence is Unlicense", id="and not the Unlicense"),
        row("LicenseRef-ours", "pass", "", id="an own licence that is listed"),
        row("LicenseRef-theirs", "fail", "", id="an own licence that is not"),
        row("LicenseRef-MIT-Bootstrap", "fail", "", id="an own licence that only sounds like one"),
        row("SEE LICENSE IN LICENSE.md", "not-checked", "SEE LICENSE IN", id="see the file"),
        row("NOASSERTION", "not-checked", "not clear", id="no assertion"),
        row("MIT/Apache-2.0", "not-checked", "not clear", id="a slash means nothing"),
        row("MIT, Apache-2.0", "not-checked", "not clear", id="nor does a comma"),
        row("PSF-2.0 AND", "not-checked", "not clear", id="an expression that is cut off"),
        row("GPL", "not-checked", "not clear", id="GPL says no version"),
        row("Public Domain", "not-checked", "not clear", id="public domain needs a person"),
        row("MIT License", "pass", "its licence is MIT", id="a name in use"),
    ],
)
async def test_licences(text: str, outcome: str, message: str) -> None:
    verdict = await judge(licenses, package(text), *targets(), allow=ALLOW)
    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


async def test_no_statement_at_all_is_undetermined() -> None:
    verdict = await judge(licenses, package(), *targets(), allow=ALLOW)
    assert (verdict.outcome, verdict.message) == ("not-checked", "no source says which licence it has")


@pytest.mark.parametrize(
    ("texts", "outcome"),
    [
        row(("MIT", "Apache-2.0"), "pass", id="two sources, both allowed"),
        row(("MIT", "GPL-3.0-only"), "fail", id="two sources that differ, one is not allowed"),
        row(("BSD", "MIT"), "pass", id="one is unclear, the other clear"),
        row(("BSD", "GPL-3.0-only"), "fail", id="the clear one is not allowed"),
    ],
)
async def test_every_clear_statement_counts(texts: tuple[str, ...], outcome: str) -> None:
    assert (await judge(licenses, package(*texts), *targets(), allow=ALLOW)).outcome == outcome


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        row("MIT", "pass", id="not denied"),
        row("AGPL-3.0-only", "fail", id="denied"),
        row("AGPL-3.0", "fail", id="denied by its old name"),
        row("LGPL-3.0-only", "pass", id="a name that holds the denied one"),
        row("MIT OR AGPL-3.0-only", "pass", id="a branch is clean"),
        row("AGPL-3.0-only OR GPL-3.0-only", "fail", id="no branch is clean"),
        row("MIT AND GPL-3.0-only", "fail", id="a part is denied"),
        row("LicenseRef-x", "not-checked", id="terms that nobody knows"),
        row("UNLICENSED", "not-checked", id="UNLICENSED is none of the list"),
        row("GPL-3.0-only WITH GCC-exception-3.1", "fail", id="an exception takes no denial away"),
    ],
)
async def test_deny_alone(text: str, outcome: str) -> None:
    verdict = await judge(licenses, package(text), *targets(), allow=(), deny=("GPL-*", "AGPL-*"))
    assert verdict.outcome == outcome, verdict.message


async def test_without_a_policy_nothing_passes() -> None:
    assert (await judge(licenses, package("MIT"), *targets(), allow=())).outcome == "not-checked"


async def test_what_is_denied_by_name_is_so_though_a_pattern_allows_it() -> None:
    verdict = await judge(licenses, package("BSD-4-Clause"), *targets(), allow=("BSD-*",), deny=("BSD-4-Clause",))
    assert verdict.outcome == "fail"
    assert "denies" in verdict.message


EXCEPTION = {
    "package": "pkg:npm/a",
    "licence": "GPL-3.0-only",
    "reason": "used at build time",
    "approver": "ciso",
    "expires": "2026-06-01",
}


@pytest.mark.parametrize(
    ("change", "text", "outcome"),
    [
        row({}, "GPL-3.0-only", "pass", id="on its last day"),
        row({"expires": "2026-05-31"}, "GPL-3.0-only", "fail", id="a day after it"),
        row({"licence": "GPL-2.0-only"}, "GPL-3.0-only", "fail", id="for another licence"),
        row({"package": "pkg:npm/b"}, "GPL-3.0-only", "fail", id="for another package"),
        row({"package": "pkg:npm/a@1.*"}, "GPL-3.0-only", "pass", id="for its versions 1"),
        row({"package": "pkg:npm/a@2.*"}, "GPL-3.0-only", "fail", id="for its versions 2"),
        row({}, "BSD", "not-checked", id="it settles nothing that is unclear"),
    ],
)
async def test_exceptions(change: dict[str, str], text: str, outcome: str) -> None:
    given = ({**EXCEPTION, **change},)
    verdict = await judge(licenses, package(text), *targets(), allow=("MIT",), exceptions=given)
    assert verdict.outcome == outcome, verdict.message


@pytest.mark.parametrize(
    ("settled", "text", "outcome"),
    [
        row({"pkg:npm/a": "BSD-3-Clause"}, "BSD", "pass", id="a person found it out"),
        row({"pkg:npm/a": "GPL-3.0-only"}, "BSD", "fail", id="and it may not be used"),
        row({"pkg:npm/b": "MIT"}, "BSD", "not-checked", id="of another package"),
        row({"pkg:npm/a": "MIT"}, "GPL-3.0-only", "fail", id="it overrules nothing that is clear"),
    ],
)
async def test_settled(settled: dict[str, str], text: str, outcome: str) -> None:
    verdict = await judge(licenses, package(text), *targets(), allow=ALLOW, settled=settled)
    assert verdict.outcome == outcome, verdict.message


async def test_scoped_names() -> None:
    scoped = package("BSD", purl="pkg:npm/%40s/b@1.0.0")
    assert (await judge(licenses, scoped, *targets(), allow=ALLOW, settled={"pkg:npm/%40s/b": "MIT"})).outcome == "pass"
    assert (await judge(licenses, scoped, *targets(), allow=ALLOW, settled={"pkg:npm/%40s/*": "MIT"})).outcome == "pass"


async def test_packages_for_development() -> None:
    for_development = package("GPL-3.0-only", dev=True)
    assert (await judge(licenses, for_development, *targets(), allow=ALLOW)).outcome == "fail"
    assert (await judge(licenses, for_development, *targets(), allow=ALLOW, dev=False)).outcome == "not-applicable"


async def test_no_time_is_no_verdict() -> None:
    clock = recorded(Clock, {Clock.now: {(): NotObserved("no clock")}})
    repo = recorded(Repo, {}, path=HERE)
    assert (await judge(licenses, package("GPL-3.0-only"), repo, clock, allow=("MIT",))).outcome == "error"


@pytest.mark.parametrize(
    "parameters",
    [
        row({"allow": ["MTI"]}, id="a slip of the pen"),
        row({"allow": ["mit"]}, id="small letters, which would match nothing"),
        row({"allow": ["XYZ-*"]}, id="a pattern of nothing"),
        row({"allow": ["MIT WITH"]}, id="half an exception"),
        row({}, id="no policy"),
        row({"allow": ["MIT"], "settled": {"pkg:npm/a": "BSD"}}, id="settled by what is unclear"),
        row({"allow": ["MIT"], "settled": {"a": "MIT"}}, id="a package that is no purl"),
        row({"allow": ["MIT"], "exceptions": [{**EXCEPTION, "reason": ""}]}, id="an exception without reason"),
    ],
)
def test_mistakes_in_a_policy(parameters: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        licenses.parameters.model_validate(parameters)


def test_states_are_ordered() -> None:
    policy = Policy(("MIT",), ("GPL-*",))
    assert state_of("MIT OR GPL-3.0-only", policy) == "allowed"
    assert state_of("ISC AND GPL-3.0-only", policy) == "denied"
    assert state_of("ISC OR GPL-3.0-only", policy) == "unlisted"
    assert state_of("", policy) == "unknown"
    assert state_of("GPL-2.0-or-later", Policy(("GPL-2.0-only",), ())) == "allowed"
    assert state_of("GPL-2.0-only", Policy(("GPL-2.0-or-later",), ())) == "unlisted"
    assert state_of("GPL-2.0-or-later", Policy((), ("GPL-2.0-only",))) == "allowed", "a later version is not denied"
    both = Policy(("GPL-2.0-only", "Classpath-exception-2.0"), ())
    assert state_of("GPL-2.0-only WITH Classpath-exception-2.0", both) == "allowed"
