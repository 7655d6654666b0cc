"""What a load balancer falls short of: transport, attributes, targets; each in words, and what was not seen apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from meshguard.targets.aws.serving_models import (
    Action,
    Attributes,
    Listener,
    LoadBalancer,
    Member,
    Rule,
    TargetGroup,
)

IDLE = frozenset(["draining", "unhealthy.draining", "unused"])
"""States of targets that get no new requests (Elastic Load Balancing, "Target health status")."""
TLS_ENDS = frozenset(["HTTPS", "TLS"])


@dataclass
class Findings:
    """Shortfalls, and what would have to be seen to say that there are no others."""

    short: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Pool:
    """A target group with its targets; each with the zones where it stands, none where that is not known."""

    group: TargetGroup
    members: tuple[Member, ...]
    zones: Mapping[str, tuple[str, ...]]

    @property
    def active(self) -> list[Member]:
        """Targets that get requests."""
        return [one for one in self.members if one.state not in IDLE]


def weigh_transport(
    found: Findings,
    listeners: Iterable[Listener],
    rules: Mapping[str, Sequence[Rule]],
    policies: Sequence[str],
    passed_through: Sequence[int],
) -> None:
    """TLS with an accepted policy, clear HTTP for redirects alone, and nothing that passes through unseen."""
    for one in listeners:
        where = f"the listener {one.protocol} {one.port}"
        if one.protocol in TLS_ENDS:
            if not any(fnmatchcase(one.policy, policy) for policy in policies):
                found.short.append(f"{where} has the policy {one.policy or '(none)'}")
        elif one.protocol == "HTTP":
            clear = [rule.priority for rule in rules[one.arn] if not _keeps_to_tls(rule.actions)]
            if clear:
                found.short.append(f"{where} does not redirect to HTTPS (rule {', '.join(clear)})")
        elif one.protocol != "GENEVE" and one.port not in passed_through:
            found.unseen.append(f"{where} passes bytes through, so TLS was not seen")


def _keeps_to_tls(actions: Iterable[Action]) -> bool:
    """Whether nothing but redirects to HTTPS and fixed answers comes of it."""
    return all(
        one.kind == "fixed-response" or (one.kind == "redirect" and one.redirect_protocol == "HTTPS") for one in actions
    )


def weigh_attributes(found: Findings, said: Attributes, wanted: Mapping[str, str]) -> None:
    """Attributes that must be on: name of the field -> its words."""
    for name, words in wanted.items():
        value = getattr(said, name)
        if value is None:
            found.unseen.append(f"{words} was not told")
        elif not value:
            found.short.append(f"{words} is off")


def attributes_of_kind(balancer: LoadBalancer, listeners: Iterable[Listener]) -> dict[str, str]:
    """The attributes that this kind of load balancer has.

    Gateway load balancers write no access logs; network load balancers write them for TLS listeners alone
    (Elastic Load Balancing, "Access logs for your Network Load Balancer").
    """
    kinds = {"deletion_protection": "deletion protection"}
    ends_tls = any(one.protocol == "TLS" for one in listeners)
    if balancer.kind == "application" or (balancer.kind == "network" and ends_tls):
        kinds["access_logs"] = "access logging"
    if balancer.kind == "application":
        kinds["drop_invalid_headers"] = "dropping of invalid headers"
    return kinds


def weigh_pools(
    found: Findings, pools: Sequence[Pool], served: Mapping[str, int], min_targets: int, min_zones: int
) -> None:
    """Each target group that has targets, or that a listener forwards to, has enough healthy ones in enough zones.

    Args:
        found: where to write.
        pools: the target groups of the load balancer.
        served: ARNs of groups that default actions name, with the greatest weight of each.
        min_targets: fewest healthy targets.
        min_zones: fewest zones that they stand in.
    """
    serving = 0
    for pool in pools:
        if served.get(pool.group.arn) == 0:
            continue
        if pool.active:
            serving += 1
            _weigh_pool(found, pool, min_targets, min_zones)
        elif pool.group.arn in served:
            found.short.append(f"{pool.group.name} has no targets, and a listener forwards to it")
    if not serving and (pools or served):
        found.short.append("no target group has targets")


def _weigh_pool(found: Findings, pool: Pool, min_targets: int, min_zones: int) -> None:
    name = pool.group.name
    healthy = {one.id: one for one in pool.active if _is_healthy(one, pool.group)}
    if pool.group.kind == "lambda":
        if not healthy:
            found.short.append(f"{name} has no healthy function")
        return
    if len(healthy) < min_targets and pool.group.kind != "alb":
        found.short.append(f"{name} has {len(healthy)} healthy of {_count(pool)}, wanted {min_targets}")
        return
    if not healthy:
        found.short.append(f"{name} has no healthy target")
        return
    zones = {zone for one in healthy for zone in pool.zones.get(one, ())}
    unknown = [one for one in healthy if not pool.zones.get(one)]
    if len(zones) >= min_zones:
        return
    if unknown:
        found.unseen.append(f"the zones of {len(unknown)} targets of {name} were not told")
    else:
        stand = ", ".join(sorted(zones))
        found.short.append(f"the healthy targets of {name} stand in {len(zones)} zone ({stand}), wanted {min_zones}")


def _count(pool: Pool) -> str:
    count = len({one.id for one in pool.members})
    return f"{count} target" if count == 1 else f"{count} targets"


def _is_healthy(one: Member, group: TargetGroup) -> bool:
    """Healthy, or a function whose health check is off, as it is unless someone turns it on."""
    unasked = group.kind == "lambda" and one.reason == "Target.HealthCheckDisabled"
    return one.state == "healthy" or unasked


def served_groups(listeners: Iterable[Listener], test_ports: Sequence[int]) -> dict[str, int]:
    """Target groups that default actions forward to, each with its greatest weight; listeners for tests left out."""
    found: dict[str, int] = {}
    for listener in listeners:
        if listener.port in test_ports:
            continue
        for action in listener.actions:
            for arn, weight in action.groups.items():
                found[arn] = max(weight, found.get(arn, 0))
    return found
