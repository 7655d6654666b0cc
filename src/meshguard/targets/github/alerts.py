"""Facts of what GitHub itself looks for: holes in dependencies, secrets, and what code scanners found."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from meshguard.errors import Denied
from meshguard.fact import fact
from meshguard.targets.github.base import GithubBase, TurnedOff, reading
from meshguard.targets.github.endpoints import (
    ANALYSES,
    CODE_ALERTS,
    DEPENDABOT_ALERTS,
    ISSUES,
    PULLS,
    SECRET_ALERTS,
    SECURITY_UPDATES,
    VULNERABILITY_ALERTS,
    Endpoint,
)
from meshguard.targets.github.models import (
    Analyses,
    Analysis,
    CodeAlert,
    CodeAlerts,
    DependabotAlert,
    DependabotAlerts,
    Off,
    SecretAlert,
    SecretAlerts,
    SecurityUpdates,
    Severity,
    Trace,
)

T = TypeVar("T")

BOT = "dependabot[bot]"
MAX_TEXT = 200_000
MAX_NAMED = 500
_ADVISORY = re.compile(r"\b(?:GHSA(?:-[0-9a-z]{4}){3}|CVE-\d{4}-\d{4,19})\b", re.IGNORECASE)
_BUMPED = re.compile(r"\b(?:bumps?|updates?) (?:the requirements on )?\[?`?(@?[\w./:-]{1,200})`?\]?", re.IGNORECASE)


class AlertFacts(GithubBase):
    """Alerts of Dependabot, secret scanning and code scanning."""

    @fact
    async def vulnerability_alerts(self) -> bool:
        """Whether Dependabot alerts are enabled.

        204 is yes. 404 is no where its message says so, or where the token acts for an administrator; to others
        GitHub answers 404 too, whatever is set.
        """
        found = await self.repository()
        answer = await self.answer_to(VULNERABILITY_ALERTS, repo=found.full_name)
        if answer.status == 204:
            return True
        if answer.status == 404 and (VULNERABILITY_ALERTS.off_by(answer.message) or found.admin):
            return False
        raise self.refusal(answer, VULNERABILITY_ALERTS)

    @fact
    async def security_updates(self) -> SecurityUpdates:
        """Whether Dependabot opens pull requests for what has a known hole."""
        found = await self.repository()
        answer = await self.answer_to(SECURITY_UPDATES, repo=found.full_name)
        if answer.status == 404 and found.admin:  # documented: "if Dependabot is not enabled"
            return SecurityUpdates(enabled=False, paused=False)
        if answer.status != 200:
            raise self.refusal(answer, SECURITY_UPDATES)
        return reading(SECURITY_UPDATES, SecurityUpdates.model_validate, answer.body)

    @fact(deadline_s=300)
    async def dependabot_alerts(self, severities: tuple[Severity, ...]) -> DependabotAlerts | Off:
        """Every alert of these severities, open or not, or that there are none because they are off."""
        found = await self.repository()
        query = {"severity": ",".join(severities), "sort": "created", "direction": "asc"}
        try:
            raw = await self.fetch_list(DEPENDABOT_ALERTS, query, repo=found.full_name)
        except TurnedOff as off:
            return Off(off=off.reason)
        return DependabotAlerts(alerts=_each(DEPENDABOT_ALERTS, dependabot_alert_of, raw))

    @fact(deadline_s=300)
    async def traces(self, since: date) -> tuple[Trace, ...]:
        """Issues and pull requests made since a day, with the advisories and packages that they name."""
        found = await self.repository()
        start = datetime(since.year, since.month, since.day, tzinfo=UTC)
        # To the API `since` is the time of the last change: more than is wanted, and never less.
        query = {"state": "all", "since": start.isoformat().replace("+00:00", "Z"), "sort": "created"}
        try:
            raw = await self.fetch_list(ISSUES, query, repo=found.full_name)
        except TurnedOff:
            raw = await self.fetch_list(
                PULLS, {"state": "all", "sort": "created", "direction": "desc"}, repo=found.full_name,
                enough=lambda one: _time(one["created_at"]) < start,
            )  # fmt: skip
            raw = [{"pull_request": {}, **one} for one in raw]
        return tuple(one for one in _each(ISSUES, trace_of, raw) if one.created >= start)

    @fact(deadline_s=300)
    async def secret_alerts(self) -> SecretAlerts | Off:
        """Every secret that is reported and not resolved, or that nothing looks for any."""
        found = await self.repository()
        try:
            raw = await self.fetch_list(SECRET_ALERTS, {"state": "open", "hide_secret": "true"}, repo=found.full_name)
        except TurnedOff as off:
            return Off(off=off.reason)
        except Denied:
            if found.secret_scanning is False:
                return Off(off="secret scanning is disabled")
            raise
        return SecretAlerts(alerts=_each(SECRET_ALERTS, secret_alert_of, raw))

    @fact(deadline_s=300)
    async def analyses(self, since: date) -> Analyses | Off:
        """The branch's analyses since a day, and the one before it; or that there is no code scanning."""
        branch = await self.branch()
        found = await self.repository()
        query = {"ref": f"refs/heads/{branch.name}", "sort": "created", "direction": "desc"}
        try:
            raw = await self.fetch_list(
                ANALYSES, query, repo=found.full_name, enough=lambda one: _time(one["created_at"]).date() < since
            )
        except TurnedOff as off:
            return Off(off=off.reason)
        return Analyses(analyses=_each(ANALYSES, analysis_of, raw))

    @fact(deadline_s=300)
    async def code_alerts(self) -> CodeAlerts | Off:
        """Every open finding of code scanners on the branch; or that there is no code scanning."""
        branch = await self.branch()
        found = await self.repository()
        query = {"state": "open", "ref": f"refs/heads/{branch.name}"}
        try:
            raw = await self.fetch_list(CODE_ALERTS, query, repo=found.full_name)
        except TurnedOff as off:
            return Off(off=off.reason)
        return CodeAlerts(alerts=_each(CODE_ALERTS, code_alert_of, raw))


def _each(endpoint: Endpoint, read: Callable[[Any], T], raw: list[Any]) -> tuple[T, ...]:
    return reading(endpoint, lambda items: tuple(read(item) for item in items), raw)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def dependabot_alert_of(raw: dict[str, Any]) -> DependabotAlert:
    """One alert, from its JSON."""
    dependency, advisory = raw["dependency"], raw["security_advisory"]
    return DependabotAlert(
        number=raw["number"],
        state=raw["state"],
        severity=raw["security_vulnerability"]["severity"],
        package=dependency["package"]["name"],
        ecosystem=dependency["package"]["ecosystem"],
        manifest=dependency["manifest_path"],
        ghsa=advisory["ghsa_id"],
        cve=advisory["cve_id"] or "",
        created=raw["created_at"],
        dismissed=raw["dismissed_at"],
        auto_dismissed=raw.get("auto_dismissed_at"),
        fixed=raw["fixed_at"],
    )


def trace_of(raw: dict[str, Any]) -> Trace:
    """What an issue or pull request names; of its text nothing else is kept."""
    user = raw["user"] or {}  # of an account that was deleted there is none
    text = f"{raw['title']}\n{raw['body'] or ''}"[:MAX_TEXT]
    dependabot = user.get("login") == BOT
    return Trace(
        number=raw["number"],
        created=raw["created_at"],
        pull="pull_request" in raw,
        bot=user.get("type") == "Bot",
        dependabot=dependabot,
        advisories=tuple(sorted({found.upper() for found in _ADVISORY.findall(text)})[:MAX_NAMED]),
        packages=tuple(sorted(set(_BUMPED.findall(text)))[:MAX_NAMED]) if dependabot else (),
    )


def secret_alert_of(raw: dict[str, Any]) -> SecretAlert:
    """One alert, from its JSON; where an old server sends the secret all the same, it is dropped here."""
    return SecretAlert(
        number=raw["number"],
        kind=raw["secret_type"],
        created=raw["created_at"],
        validity=raw.get("validity") or "unknown",
    )


def analysis_of(raw: dict[str, Any]) -> Analysis:
    """One analysis, from its JSON; the text of an error may quote the code."""
    return Analysis(
        tool=raw["tool"]["name"],
        category=raw.get("category") or raw["analysis_key"],
        created=raw["created_at"],
        failed=bool(raw["error"]),
    )


def code_alert_of(raw: dict[str, Any]) -> CodeAlert:
    """One finding, from its JSON."""
    rule = raw["rule"]
    return CodeAlert(
        number=raw["number"],
        severity=rule.get("security_severity_level") or rule.get("severity") or "none",
        rule=rule["id"],
        created=raw["created_at"],
    )
