"""Checks of licences: what the packages of others may be used under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated

from meshguard.api import (
    AfterValidator,
    BaseModel,
    Clock,
    ConfigDict,
    Field,
    Verdict,
    check,
    failed,
    not_applicable,
    passed,
    undetermined,
)
from meshguard.targets.repo import Repo
from meshguard.targets.repo.licence_terms import expression_of
from meshguard.targets.repo.licences import Licensed
from meshguard_checks.parsing.spdx import Policy, State, state_of, term


def _expression(text: str) -> str:
    if not (found := expression_of(text)):
        raise ValueError(f"{text!r} is no SPDX expression")
    return found


Term = Annotated[str, AfterValidator(term)]
Expression = Annotated[str, AfterValidator(_expression)]
Pattern = Annotated[str, Field(pattern=r"^pkg:[a-z]+/.+")]


class LicenceException(BaseModel):
    """A package that may be used though the policy does not allow its licence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: Pattern = Field(description="Its package URL, with or without a version, with * and ?.")
    licence: Expression = Field(description="The licence that is meant; under another one it is no exception.")
    reason: str = Field(min_length=3, description="Why it may be used.")
    approver: str = Field(min_length=1, description="Who decided it.")
    expires: date = Field(description="The last day on which it counts.")


@check(
    "repo.licenses",
    method="examine",
    over=Repo.licences,
    fix="Replace the package, or have whoever may decide it add an entry to `exceptions` "
    "(package, licence, reason, approver, expires); `meshguard sbom --format notice` lists all licences.",
)
async def licenses(
    package: Licensed,
    repo: Repo,
    clock: Clock,
    *,
    allow: tuple[Term, ...],
    deny: tuple[Term, ...] = (),
    exceptions: tuple[LicenceException, ...] = (),
    settled: dict[Pattern, Expression] | None = None,
    dev: bool = True,
) -> Verdict:
    """The package's licence, as an SPDX expression, is one that the policy allows (SPDX 2.3, annex D).

    OR is satisfied by any branch, AND by all its parts; a licence WITH an exception is one symbol. Each clear statement
    of a source must be allowed: the lockfile, node_modules, the metadata of the installed package, the build's SBOM.
    A text that is no SPDX expression and means none beyond doubt ("BSD", "Public Domain", "SEE LICENSE IN", none at
    all) is unknown and never passes; UNLICENSED is not the Unlicense.

    Args:
        allow: identifiers of the SPDX list that may be used, LicenseRef-..., `X WITH Y`, or patterns such as BSD-*;
            empty: all that `deny` does not name.
        deny: what may not be used even where `allow` has a pattern for it.
        exceptions: packages that may be used nevertheless, each with reason, approver and last day.
        settled: package URL -> its licence, where a person has found out what no source says clearly.
        dev: whether packages for development alone are judged too.
    """
    del repo
    if package.dev and not dev:
        return not_applicable("it is for development alone, which this control leaves out")
    if not allow and not deny:
        return undetermined("the profile says neither what is allowed nor what is denied", fix="set `allow` or `deny`")
    policy = Policy(allow, deny)
    clear = list(dict.fromkeys(said.expression for said in package.said if said.expression))
    if not clear:
        clear = [found for pattern, found in (settled or {}).items() if _fits(package.purl, pattern)][:1]
    if not clear:
        return _unknown(package)
    states: dict[str, State] = {expression: state_of(expression, policy) for expression in clear}
    bad = [expression for expression, state in states.items() if state != "allowed"]
    if not bad:
        return passed(f"its licence is {' and '.join(clear)}", got=clear[0], want=str(policy))
    return _excepted(package, bad, exceptions, (await clock.now()).date()) or _refused(states, bad[0], policy)


def _unknown(package: Licensed) -> Verdict:
    said = "; ".join(dict.fromkeys(f"{one.by} says {one.text!r}" for one in package.said))
    why = f"what is said of its licence is not clear: {said}" if said else "no source says which licence it has"
    return undetermined(
        why,
        fix="see the text of its licence and put the answer under `settled`; where nothing is said at all, install "
        "the packages before the audit, or name the build's environment under `environments`",
    )


def _refused(states: Mapping[str, State], bad: str, policy: Policy) -> Verdict:
    if states[bad] == "unknown":
        return undetermined(f"its licence is {bad}, whose terms are its own", fix="put it under `allow` or `deny`")
    why = "which the policy denies" if states[bad] == "denied" else "which the policy does not allow"
    return failed(f"its licence is {bad}, {why}", got=bad, want=str(policy))


def _excepted(
    package: Licensed, bad: Iterable[str], exceptions: Iterable[LicenceException], today: date
) -> Verdict | None:
    """The verdict by an exception for this package under this licence; None where there is none."""
    found = [one for one in exceptions if _fits(package.purl, one.package)]
    fitting = [one for one in found if all(one.licence == licence for licence in bad)]
    valid = [one for one in fitting if one.expires >= today]
    if valid:
        one = valid[0]
        return passed(f"its licence is {one.licence}, excepted by {one.approver} until {one.expires}: {one.reason}")
    if fitting:
        one = fitting[0]
        return failed(f"its licence is {one.licence}, and the exception for it ended on {one.expires}")
    return None


def _fits(purl: str, pattern: str) -> bool:
    """Whether a pattern means the package; one without a version means all of them."""
    versioned = "@" in pattern.rpartition("/")[2]
    return fnmatchcase(purl, pattern if versioned else f"{pattern}@*")
