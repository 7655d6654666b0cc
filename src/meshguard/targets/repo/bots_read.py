"""The configuration of Dependabot and Renovate, read and never obeyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from meshguard.targets.ci.files import Files, NotRead
from meshguard.targets.ci.yaml_read import Map, Unreadable, read
from meshguard.targets.repo.bots import Dependabot, DependabotEntry, Pace, UpdateBots
from meshguard.targets.repo.bots_renovate import cron, renovate

DEPENDABOT = (".github/dependabot.yml", ".github/dependabot.yaml")
PACES: dict[str, Pace] = {
    "daily": "daily", "weekly": "weekly", "monthly": "monthly", "quarterly": "slower", "semiannually": "slower",
    "yearly": "slower",
}  # fmt: skip
UPDATES = {f"version-update:semver-{part}" for part in ("major", "minor", "patch")}


def bots(root: Path) -> UpdateBots:
    """What both are told."""
    files = Files(root)
    return UpdateBots(dependabot=dependabot(files), renovate=renovate(files))


def dependabot(files: Files) -> Dependabot | None:
    """What Dependabot is told; None where there is no file for it."""
    path = next((one for one in DEPENDABOT if (files.root / one).exists() or (files.root / one).is_symlink()), None)
    if path is None:
        return None
    try:
        documents = read(files.text(path))
    except (Unreadable, NotRead, RecursionError) as fault:
        return Dependabot(path=path, problem=f"it cannot be read: {fault}")
    data = documents[0] if len(documents) == 1 else None
    if not isinstance(data, Map) or not isinstance(data.get("updates"), list):
        return Dependabot(path=path, problem="it has no list `updates`")
    if data.get("version") != 2:
        return Dependabot(path=path, problem="its version is not 2, and Dependabot does not take it")
    groups = data.get("multi-ecosystem-groups")
    return Dependabot(path=path, entries=tuple(_entry(one, groups) for one in data["updates"] if isinstance(one, Map)))


def _entry(one: Map, groups: Any) -> DependabotEntry:
    limit = one.get("open-pull-requests-limit")
    stopped, doubt = _narrowed(one)
    return DependabotEntry(
        line=one.line,
        ecosystem=str(one.get("package-ecosystem", ""))[:60],
        folders=_texts(one.get("directories")) or _texts(one.get("directory")),
        pace=_pace(one, groups),
        limit=limit if isinstance(limit, int) else None,
        stopped=stopped,
        doubt=doubt,
        excluded=_texts(one.get("exclude-paths")),
    )


def _texts(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(str(one)[:300] for one in values)


def _pace(one: Map, groups: Any) -> Pace:
    schedule = one.get("schedule")
    if schedule is None and isinstance(groups, Map):
        group = groups.get(str(one.get("multi-ecosystem-group")))
        schedule = group.get("schedule") if isinstance(group, Map) else None
    if not isinstance(schedule, Map):
        return "unknown"
    if schedule.get("interval") == "cron":
        return cron(str(schedule.get("cronjob")))
    return PACES.get(str(schedule.get("interval")), "unknown")


def _narrowed(one: Map) -> tuple[str, str]:
    """Why an entry proposes not all, and what of that is not followed."""
    for rule in one.get("ignore") or ():
        if isinstance(rule, Map) and str(rule.get("dependency-name", "*")) == "*":
            types = set(_texts(rule.get("update-types")))
            if "versions" not in rule and (not types or types >= UPDATES):
                return "it ignores every package", ""
            if "versions" in rule:
                return "", "it ignores some versions of every package"
    allowed = [rule for rule in one.get("allow") or () if isinstance(rule, Map)]
    wide = [rule for rule in allowed if str(rule.get("dependency-name", "*")) == "*"]
    if allowed and not wide:
        return "it is for single packages alone (`allow`)", ""
    kinds = {str(rule.get("dependency-type", "all")) for rule in wide}
    if wide and not kinds & {"all", "direct", "production"}:
        return f"it is for {', '.join(sorted(kinds))} packages alone (`allow`)", ""
    return "", ""
