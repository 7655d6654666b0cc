"""The configuration of Renovate, as far as it stands in the checkout."""

from __future__ import annotations

import json
import re
from typing import Any

from meshguard.targets.ci.files import Files, NotRead
from meshguard.targets.repo.bots import Pace, Renovate

FILES = (
    "renovate.json", "renovate.json5", ".github/renovate.json", ".github/renovate.json5", ".gitlab/renovate.json",
    ".gitlab/renovate.json5", ".renovaterc", ".renovaterc.json", ".renovaterc.json5", "package.json",
)  # fmt: skip
"""In the order in which Renovate takes the first; in package.json it is the key `renovate`."""
MAX_CHARS = 200_000
BUILT_IN = re.compile(
    r"(?:config|schedule|group|helpers|docker|security|workarounds|replacements|monorepo|npm|default|preview|packages"
    r"|customManagers|regexManagers|mergeConfidence|abandonments|global|)?:\w[\w-]*(?:\(.*\))?"
)
IGNORING = frozenset({"config:recommended", "config:base", "config:best-practices", "config:js-app", "config:js-lib",
                      ":ignoreModulesAndTests", "config:semverAllMonthly", "config:semverAllWeekly"})  # fmt: skip
IGNORED = (
    "**/node_modules/**", "**/bower_components/**", "**/vendor/**", "**/examples/**", "**/__tests__/**", "**/test/**",
    "**/tests/**", "**/__fixtures__/**",
)  # fmt: skip
"""What these presets leave out (`:ignoreModulesAndTests`)."""
SCHEDULES: dict[str, Pace] = {
    "schedule:daily": "daily", "schedule:nonOfficeHours": "daily", "schedule:officeHours": "daily",
    "schedule:weekdays": "daily", "schedule:weekends": "weekly", "schedule:weekly": "weekly",
    "schedule:earlyMondays": "weekly", "schedule:automergeDaily": "daily", "schedule:monthly": "monthly",
    "config:semverAllMonthly": "monthly", "schedule:quarterly": "slower", "schedule:yearly": "slower",
}  # fmt: skip
STOPS = {
    ":disableRenovate": "it is switched off (`:disableRenovate`)",
    ":dependencyDashboardApproval": "each update waits for someone to approve it (`:dependencyDashboardApproval`)",
    "security:only-security-updates": "it proposes updates of security alone",
}
_SLOW = re.compile(r"(?i)month|quarter|year|day of|first day|\d(?:st|nd|rd|th)\b")
_WEEKLY = re.compile(r"(?i)\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\bweekend\b|\bweek\b")
_DAILY = re.compile(r"(?i)\bweekday\b|\bevery day\b|at any time|\b(?:before|after)\s+\d")


def renovate(files: Files) -> Renovate | None:
    """What Renovate is told; None where nothing in the checkout is for it."""
    for path in FILES:
        if not (files.root / path).exists() and not (files.root / path).is_symlink():
            continue
        try:
            data = parsed(files.text(path))
        except (NotRead, ValueError, RecursionError) as fault:
            if path == "package.json":
                continue
            why = str(fault) if isinstance(fault, NotRead) else "it is no JSON or JSON5"
            return Renovate(path=path, problem=f"it cannot be read: {why}")
        if path == "package.json":
            data = data.get("renovate") if isinstance(data, dict) else None
            if data is None:
                continue
        if not isinstance(data, dict):
            return Renovate(path=path, problem="it is no object")
        return _told(path, data)
    return None


def parsed(text: str) -> Any:
    """JSON, or JSON5 as Renovate takes it.

    Raises:
        ValueError: it is neither, or too long.
    """
    if len(text) > MAX_CHARS:
        raise ValueError("too long")
    try:
        return json.loads(text)
    except ValueError:
        import json5

        return json5.loads(text)


def _texts(value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [str(one)[:300] for one in values]


def _told(path: str, data: dict[str, Any]) -> Renovate:
    presets = _texts(data.get("extends"))
    off, ignored, stopped, doubts = _rules(data.get("packageRules"))
    off += [name for name, value in data.items() if isinstance(value, dict) and value.get("enabled") is False]
    if "docker:disable" in presets:
        off += ["dockerfile", "docker-compose"]
    if ":onlyNpm" in presets:
        data = {"enabledManagers": ["npm"], **data}
    own = data.get("ignorePaths")
    if own is None and any(preset in IGNORING for preset in presets):
        own = list(IGNORED)
    doubts += [f"the preset {preset} is not in the checkout" for preset in presets if not BUILT_IN.fullmatch(preset)]
    doubts += ["it takes settings from elsewhere (`globalExtends`)"] if "globalExtends" in data else []
    return Renovate(
        path=path,
        stopped=_stopped(data, presets) or stopped,
        pace=_pace(data, presets),
        managers=tuple(_texts(data.get("enabledManagers"))),
        off=tuple(dict.fromkeys(off)),
        ignored=(*_texts(own), *ignored),
        included=tuple(_texts(data.get("includePaths"))),
        doubts=tuple(doubts),
    )


def _stopped(data: dict[str, Any], presets: list[str]) -> str:
    if data.get("enabled") is False:
        return "it is switched off (`enabled: false`)"
    if data.get("dependencyDashboardApproval") is True:
        return "each update waits for someone to approve it (`dependencyDashboardApproval`)"
    if data.get("mode") == "silent":
        return "its mode is silent"
    if any(pattern in ("*", "**") for pattern in _texts(data.get("ignoreDeps"))):
        return "it ignores every package"
    return next((STOPS[preset] for preset in presets if preset in STOPS), "")


def _pace(data: dict[str, Any], presets: list[str]) -> Pace:
    said = _texts(data.get("schedule"))
    if said:
        return min((pace_of(one) for one in said), key=ORDER.index)
    named = [SCHEDULES.get(one, "unknown") for one in presets if one.startswith("schedule:") or one in SCHEDULES]
    return named[-1] if named else "daily"


ORDER: tuple[Pace, ...] = ("daily", "weekly", "monthly", "slower", "unknown")


def cron(text: str) -> Pace:
    """The pace of five fields of cron; unknown where they are of another form."""
    fields = text.split()
    if len(fields) != 5:
        return "unknown"
    day, month, weekday = fields[2:]
    if month != "*":
        return "unknown"
    if day in ("*", "?"):
        return "daily" if weekday in ("*", "?") else "weekly"
    return "monthly" if weekday in ("*", "?") else "weekly"


def pace_of(text: str) -> Pace:
    """The pace of one schedule, in Renovate's words or as cron; unknown where neither is clear."""
    fields = text.split()
    if len(fields) == 5 and all(re.fullmatch(r"[\d*,/?#LW-]+", one) for one in fields):
        return cron(text)
    if _SLOW.search(text):
        return "monthly" if re.search(r"(?i)every \d+ months|year|quarter", text) is None else "slower"
    if _WEEKLY.search(text):
        return "weekly"
    return "daily" if _DAILY.search(text) else "unknown"


def _rules(rules: Any) -> tuple[list[str], list[str], str, list[str]]:
    """Managers and paths that rules switch off, why all is off, and what of them is not followed."""
    off: list[str] = []
    ignored: list[str] = []
    doubts: list[str] = []
    stopped = ""
    for rule in rules if isinstance(rules, list) else ():
        if not isinstance(rule, dict) or rule.get("enabled") is not False:
            continue
        matchers = {key for key in rule if key.startswith("match")}
        if not matchers or (matchers == {"matchPackageNames"} and set(_texts(rule["matchPackageNames"])) & {"*", "**"}):
            stopped = "a rule switches off every package"
        elif matchers == {"matchManagers"}:
            off += _texts(rule["matchManagers"])
        elif matchers == {"matchFileNames"}:
            ignored += _texts(rule["matchFileNames"])
        elif matchers & {"matchUpdateTypes"} and set(_texts(rule["matchUpdateTypes"])) <= {"major"}:
            continue
        elif not matchers & {"matchPackageNames", "matchDepNames", "matchPackagePatterns", "matchSourceUrls"}:
            doubts.append(f"a rule switches off what fits {', '.join(sorted(matchers))}")
    return off, ignored, stopped, doubts
