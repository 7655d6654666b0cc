"""What a web ACL's rules stop."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from meshguard.targets.aws.serving_models import AclRule
from meshguard_checks.parsing.aws_balancer import Findings

WINDOW_S = 300
STOPS = frozenset(["block", "captcha", "challenge"])


def weigh_acl(
    found: Findings,
    rules: Sequence[AclRule],
    *,
    groups: Sequence[str],
    max_rate: int | None,
    max_counting: int,
    scoped: bool,
) -> None:
    """Whether each wanted group blocks, and whether a rate rule holds; without either, whether any rule blocks."""
    for wanted in groups:
        fitting = [one for one in rules if one.kind == "managed" and fnmatchcase(one.group, wanted)]
        _best(found, [_group_fault(one, max_counting, scoped) for one in fitting] or [f"no rule group {wanted}"])
    if max_rate is not None:
        rates = [one for one in rules if one.kind == "rate"]
        _best(found, [_rate_fault(one, max_rate, scoped) for one in rates] or ["no rate rule"])
    if not groups and max_rate is None and not any(one.action in (*STOPS, "none") for one in rules):
        found.short.append("no rule blocks anything")


def _best(found: Findings, faults: Sequence[str]) -> None:
    """One rule without a fault is enough; else one whose requests are not known leaves it open."""
    if "" in faults:
        return
    open_ones = [one for one in faults if one.startswith("?")]
    if open_ones:
        found.unseen.append(open_ones[0][1:])
    else:
        found.short.append(faults[0])


def _group_fault(one: AclRule, max_counting: int, scoped: bool) -> str:
    if one.action != "none":
        return f"the rule group {one.group} counts and does not block"
    if len(one.counting) > max_counting:
        return f"{len(one.counting)} rules of {one.group} do not block, wanted at most {max_counting}"
    if one.narrowed and not scoped:
        return f"?the rule group {one.group} looks at some requests alone"
    return ""


def _rate_fault(one: AclRule, max_rate: int, scoped: bool) -> str:
    if one.action not in STOPS:
        return f"the rate rule {one.name} does not block but is set to {one.action or 'nothing'}"
    rate = (one.limit or 0) * WINDOW_S / (one.window_s or WINDOW_S)
    if rate > max_rate:
        return f"the rate rule {one.name} stops at {rate:.0f} requests in five minutes, wanted at most {max_rate}"
    if one.narrowed and not scoped:
        return f"?the rate rule {one.name} looks at some requests alone"
    return ""
