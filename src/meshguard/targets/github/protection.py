"""Facts of what keeps the branch and the places to deploy to: classic protection, rulesets, environments.

Classic protection and rulesets add up: of what both ask, the stricter holds (docs.github.com, "About rulesets").
"""

from __future__ import annotations

from typing import Any, Literal

from meshguard.errors import Denied
from meshguard.fact import fact
from meshguard.targets.github.base import GithubBase, TurnedOff, reading
from meshguard.targets.github.endpoints import ENVIRONMENTS, PROTECTION, RULES, RULESET
from meshguard.targets.github.models import Environment, Guard, Off, Reviews

ADMINISTRATORS = "administrators"


class ProtectionFacts(GithubBase):
    """Protection of the branch and of environments."""

    @fact
    async def rulesets(self) -> tuple[Guard, ...]:
        """The rulesets that are in force for the branch, those of the organisation too; empty where there are none.

        Who may pass a ruleset by is shown to those alone who may change it.
        """
        branch = await self.branch()
        found = await self.repository()
        try:
            raw = await self.fetch_list(RULES, repo=found.full_name, branch=branch.name)
        except TurnedOff:
            return ()
        rules = reading(RULES, _by_ruleset, raw)
        return tuple([await self._ruleset_guard(found.full_name, number, one) for number, one in rules.items()])

    @fact
    async def classic_protection(self) -> Guard | Off:
        """The branch's classic protection, or that it has none."""
        branch = await self.branch()
        found = await self.repository()
        try:
            raw = await self.fetch(PROTECTION, repo=found.full_name, branch=branch.name)
        except TurnedOff as off:
            return Off(off=off.reason)
        return reading(PROTECTION, classic_guard_of, raw)

    @fact
    async def environments(self) -> tuple[Environment, ...]:
        """The places to deploy to, and who must agree."""
        found = await self.repository()
        raw = await self.fetch_list(ENVIRONMENTS, key="environments", repo=found.full_name)
        return reading(ENVIRONMENTS, lambda items: tuple(environment_of(item) for item in items), raw)

    async def _ruleset_guard(self, repo: str, number: int, rules: list[dict[str, Any]]) -> Guard:
        try:
            raw = await self.fetch(RULESET, repo=repo, id=number)
        except Denied:  # one of the organisation's, which the token may not see: its rules are known, its gaps are not
            raw = {}
        bypass = reading(RULESET, bypass_of, raw)
        return reading(RULES, lambda found: ruleset_guard_of(number, found, bypass), rules)


def _by_ruleset(raw: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for rule in raw:
        found.setdefault(rule["ruleset_id"], []).append(rule)
    return found


def bypass_of(raw: dict[str, Any]) -> tuple[str, ...] | None:
    """Who may pass a ruleset by; None where it is not shown."""
    actors = raw.get("bypass_actors")
    if actors is None:
        return None
    return tuple(sorted({_actor(one["actor_type"], one.get("actor_id")) for one in actors}))


ROLES = {2: "maintainers", 4: "writers", 5: ADMINISTRATORS}
"""Ids of the roles that every repository has."""


def _actor(kind: str, number: int | None) -> str:
    if kind == "RepositoryRole":
        return ROLES.get(number or 0, f"RepositoryRole:{number}")
    return kind if kind in ("OrganizationAdmin", "EnterpriseOwner", "DeployKey") else f"{kind}:{number}"


def ruleset_guard_of(number: int, rules: list[dict[str, Any]], bypass: tuple[str, ...] | None) -> Guard:
    """What the rules of one ruleset ask."""
    by_type = {rule["type"]: rule.get("parameters") or {} for rule in rules}
    pull = by_type.get("pull_request")
    reviews = None
    if pull is not None:
        reviews = Reviews(
            count=pull["required_approving_review_count"],
            code_owners=pull["require_code_owner_review"],
            dismiss_stale=pull["dismiss_stale_reviews_on_push"],
        )
    checks = by_type.get("required_status_checks", {}).get("required_status_checks", [])
    return Guard(
        source=f"ruleset {number}",
        reviews=reviews,
        status_checks=tuple(sorted({check["context"] for check in checks})),
        no_force_push="non_fast_forward" in by_type,
        no_deletion="deletion" in by_type,
        bypass=bypass,
    )


def classic_guard_of(raw: dict[str, Any]) -> Guard:
    """What the classic protection asks."""
    pull, checks = raw.get("required_pull_request_reviews"), raw.get("required_status_checks") or {}
    reviews = None
    if pull is not None:
        reviews = Reviews(
            count=pull.get("required_approving_review_count", 0),
            code_owners=pull["require_code_owner_reviews"],
            dismiss_stale=pull["dismiss_stale_reviews"],
        )
    contexts = {*checks.get("contexts", ()), *(one["context"] for one in checks.get("checks", ()))}
    allowed = (pull or {}).get("bypass_pull_request_allowances") or {}
    return Guard(
        source="classic protection",
        reviews=reviews,
        status_checks=tuple(sorted(contexts)),
        no_force_push=not raw["allow_force_pushes"]["enabled"],
        no_deletion=not raw["allow_deletions"]["enabled"],
        bypass=() if raw["enforce_admins"]["enabled"] else (ADMINISTRATORS,),
        review_bypass=tuple(sorted(_allowed(allowed))),
    )


def _allowed(allowances: dict[str, Any]) -> set[str]:
    """Each by its kind and number; a person's name is not recorded."""
    found = {f"User:{one['id']}" for one in allowances.get("users", ())}
    found |= {f"Team:{one['id']}" for one in allowances.get("teams", ())}
    return found | {f"Integration:{one['id']}" for one in allowances.get("apps", ())}


def environment_of(raw: dict[str, Any]) -> Environment:
    """One environment, from its JSON."""
    rules = [rule for rule in raw.get("protection_rules") or () if rule["type"] == "required_reviewers"]
    return Environment(
        name=raw["name"],
        reviewers=sum(len(rule["reviewers"]) for rule in rules),
        prevent_self_review=any(rule.get("prevent_self_review", False) for rule in rules),
        admins_bypass=raw.get("can_admins_bypass"),
        branches=_branches(raw.get("deployment_branch_policy")),
    )


def _branches(policy: dict[str, Any] | None) -> Literal["any", "protected", "selected"]:
    if policy is None:
        return "any"
    return "protected" if policy["protected_branches"] else "selected"
