"""From IAM's authorization details to policies and who holds them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from meshguard.targets.aws.models import Place, Resource

SERVICE_LINKED = "/aws-service-role/"
"""The path of roles that a service made for itself; IAM lets nobody else make one there, nor change its policy."""


class Grant(Resource):
    """A policy that grants, or the attachment of one that AWS manages."""

    kind: Literal["customer", "inline", "aws"]
    document: str = ""
    """Its JSON; empty for a policy that AWS manages. Of several versions the default one, which alone is in force."""
    holders: tuple[str, ...] = ()
    """What it is attached to: role/name, user/name, group/name."""
    attachments: int = 0
    """How many IAM counts."""
    boundary: bool = False
    """Whether it bounds the permissions of somebody; as a boundary it grants nothing."""
    service_linked: bool = False


def grants_of(place: Place, parts: Mapping[str, list[Any]]) -> Iterator[Grant]:
    """All policies of an account.

    Args:
        place: the account.
        parts: the lists of GetAccountAuthorizationDetails.
    """
    holders: dict[str, list[str]] = {}
    for kind, owner in _owners(parts):
        holder = f"{kind}/{owner[f'{kind.capitalize()}Name']}"
        for policy in owner.get("AttachedManagedPolicies") or ():
            holders.setdefault(policy["PolicyArn"], []).append(holder)
            if policy["PolicyArn"].split(":")[4] == "aws":
                yield _attached(place, owner, holder, policy)
        for inline in owner.get(f"{kind.capitalize()}PolicyList") or ():
            yield _inline(place, owner, holder, inline)
    for policy in parts["Policies"]:
        yield _customer(place, policy, holders.get(policy["Arn"], []))


def _owners(parts: Mapping[str, list[Any]]) -> Iterator[tuple[str, Any]]:
    for kind in ("user", "group", "role"):
        for owner in parts[f"{kind.capitalize()}DetailList"]:
            yield kind, owner


def _attached(place: Place, owner: Any, holder: str, policy: Any) -> Grant:
    return Grant(
        arn=f"{owner['Arn']}#{policy['PolicyName']}",
        place=place,
        name=policy["PolicyArn"].split(":policy/", 1)[-1],
        kind="aws",
        holders=(holder,),
        attachments=1,
        service_linked=str(owner.get("Path", "")).startswith(SERVICE_LINKED),
    )


def _inline(place: Place, owner: Any, holder: str, policy: Any) -> Grant:
    return Grant(
        arn=f"{owner['Arn']}#{policy['PolicyName']}",
        place=place,
        name=policy["PolicyName"],
        kind="inline",
        document=_text(policy["PolicyDocument"]),
        holders=(holder,),
        attachments=1,
        service_linked=str(owner.get("Path", "")).startswith(SERVICE_LINKED),
    )


def _customer(place: Place, policy: Any, holders: list[str]) -> Grant:
    default = [one for one in policy["PolicyVersionList"] if one["IsDefaultVersion"]][0]  # noqa: RUF015 - IndexError
    return Grant(
        arn=policy["Arn"],
        place=place,
        name=policy["Arn"].rsplit("/", 1)[-1],
        kind="customer",
        document=_text(default["Document"]),
        holders=tuple(sorted(holders)),
        attachments=max(policy.get("AttachmentCount") or 0, len(holders)),
        boundary=bool(policy.get("PermissionsBoundaryUsageCount")),
    )


def _text(document: object) -> str:
    """The client library decodes what is a JSON document, and leaves what is none as it came."""
    return document if isinstance(document, str) else json.dumps(document)
