"""Check that a bot proposes updates of packages."""

from __future__ import annotations

import re
from typing import Literal

from meshguard.api import Verdict, check, failed, passed, undetermined
from meshguard.targets.repo import Repo
from meshguard.targets.repo.bots import Dependabot, DependabotEntry, Pace, Renovate, UpdatePlace

PACES: tuple[Pace, ...] = ("daily", "weekly", "monthly", "slower")
ACCEPTED = {"bun": ("bun", "npm"), "docker-compose": ("docker-compose", "docker")}
"""Ecosystems of Dependabot beside the place's own under which it may be listed."""
MANAGERS = {
    "npm": ("npm",), "bun": ("bun",), "uv": ("pep621",), "docker": ("dockerfile",), "swift": ("swift",),
    "pip": ("pip_requirements", "pep621", "poetry", "pipenv", "setup-cfg", "pip_setup", "pip-compile"),
}  # fmt: skip
"""Renovate's names of managers, where they differ from the ecosystem's."""
NO_DEPENDABOT = ("cocoapods", "conan")


@check(
    "repo.update_bot",
    method="examine",
    over=Repo.update_places,
    fix="Add to .github/dependabot.yml: `{package-ecosystem: npm, directory: /, schedule: {interval: weekly}}`; or "
    "extend `config:recommended` in renovate.json.",
)
async def update_bot(
    place: UpdatePlace, repo: Repo, *, interval: Literal["daily", "weekly", "monthly"] = "weekly"
) -> Verdict:
    """Dependabot or Renovate proposes updates for the ecosystem in this folder (NIST SP 800-218, PW.4.4).

    An entry counts for the folders that it names, where it runs often enough, may open pull requests and does not
    ignore everything. Whether the bot is switched on at the service does not stand in the checkout.

    Args:
        interval: the slowest accepted schedule.
    """
    bots = await repo.update_bots()
    if bots.dependabot is None and bots.renovate is None:
        return failed("neither Dependabot nor Renovate is configured in the checkout", got="no bot", want=str(place))
    tried = []
    if bots.dependabot is not None:
        tried.append(_dependabot(place, bots.dependabot, interval))
    if bots.renovate is not None:
        tried.append(_renovate(place, bots.renovate, interval))
    for outcome in ("pass", "not-checked"):
        for verdict in tried:
            if verdict.outcome == outcome:
                return verdict
    return tried[0] if len(tried) == 1 else tried[0].but(message="; ".join(one.message for one in tried))


def _dependabot(place: UpdatePlace, found: Dependabot, interval: str) -> Verdict:
    if found.problem:
        return undetermined(f"{found.path}: {found.problem}", fix="correct it; GitHub shows what it makes of it")
    names = ACCEPTED.get(place.ecosystem, (place.ecosystem,))
    entries = [one for one in found.entries if one.ecosystem in names and _covers(one, place)]
    if not entries:
        none = "Dependabot does not know this ecosystem" if place.ecosystem in NO_DEPENDABOT else "has no entry for it"
        return failed(f"{found.path} {none}: {place}", got="no entry", want=str(place))
    problems = [_problem(one, interval) for one in entries]
    for one, problem in zip(entries, problems, strict=True):
        if not problem and not one.doubt and one.pace != "unknown":
            return passed(f"{found.path}:{one.line} covers it, {one.pace}", got=one.pace, want=interval)
    open_ = [one for one, problem in zip(entries, problems, strict=True) if not problem]
    if open_:
        return undetermined(f"{found.path}:{open_[0].line}: {open_[0].doubt or 'its schedule is not followed'}")
    return failed(f"{found.path}:{entries[0].line}: {problems[0]}", got=problems[0], want=interval)


def _covers(entry: DependabotEntry, place: UpdatePlace) -> bool:
    folder = "" if place.ecosystem == "github-actions" else place.folder
    if not any(_glob(one.strip("/")).fullmatch(folder) for one in entry.folders):
        return False
    return not (place.files and all(_any(entry.excluded, path) for path in place.files))


def _problem(entry: DependabotEntry, interval: str) -> str:
    if entry.stopped:
        return entry.stopped
    if entry.limit == 0:
        return "open-pull-requests-limit is 0, which stops version updates"
    return _slow(entry.pace, interval)


def _slow(pace: Pace, interval: str) -> str:
    if pace == "unknown" or PACES.index(pace) <= PACES.index(interval):
        return ""
    return f"it runs {pace if pace != 'slower' else 'more seldom than monthly'}, wanted {interval}"


def _renovate(place: UpdatePlace, found: Renovate, interval: str) -> Verdict:
    if found.problem:
        return undetermined(f"{found.path}: {found.problem}", fix="correct it; see renovate-config-validator")
    problem = found.stopped or _left_out(place, found) or _slow(found.pace, interval)
    if problem:
        return failed(f"{found.path}: {problem}", got=problem, want=str(place))
    if found.doubts:
        return undetermined(f"{found.path}: {found.doubts[0]}", fix="say in the checkout's file what is to be covered")
    if found.pace == "unknown":
        return undetermined(f"{found.path}: its schedule is not followed", fix="write it as `schedule:weekly`")
    return passed(f"{found.path} covers it, {found.pace}", got=found.pace, want=interval)


def _left_out(place: UpdatePlace, found: Renovate) -> str:
    managers = MANAGERS.get(place.ecosystem, (place.ecosystem,))
    if found.managers and not any(name in found.managers for name in managers):
        return f"the manager {managers[0]} is not among `enabledManagers`"
    if all(name in found.off for name in managers):
        return f"the manager {managers[0]} is switched off"
    if place.files and all(
        _any(found.ignored, path) or any(one in path for one in found.ignored) for path in place.files
    ):
        return f"{place.files[0]} is on a path that it ignores"
    if found.included and not any(_any(found.included, path) for path in place.files):
        return f"{place.files[0]} is on no path of `includePaths`"
    return ""


def _any(patterns: tuple[str, ...], path: str) -> bool:
    """Whether a path is one of these globs, or under one of these folders."""
    return any(_glob(one.strip("/")).fullmatch(path) or path.startswith(one.strip("/") + "/") for one in patterns)


def _glob(pattern: str) -> re.Pattern[str]:
    text = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return re.compile(text)
