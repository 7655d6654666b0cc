"""Secrets Manager: what is known of each secret without reading it, and, where it is asked, whether a value changed."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator
from datetime import datetime
from secrets import token_bytes
from typing import Any

from meshguard.fact import Listing, fact
from meshguard.targets.aws.base import AwsBase, documented, found_in
from meshguard.targets.aws.models import AwsModel, Place, Resource, region_of
from meshguard.targets.aws.operation import Operation

LIST_SECRETS = Operation("secretsmanager", "ListSecrets", items="SecretList")
LIST_VERSIONS = Operation("secretsmanager", "ListSecretVersionIds", items="Versions")
GET_VALUE = Operation("secretsmanager", "GetSecretValue", when="compare_values")

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
_SECRET_FIELD = re.compile(
    r"(?i)passw|passphrase|pwd|secret|token|credential|(?:api|access|private|account|auth|signing|encryption|master)[_-]?key"
)
_ABOUT_A_SECRET = re.compile(r"(?i)(?:arn|[_-]?id|name|url|uri|expires?|ttl|type)$")


class Secret(Resource):
    """A secret (ListSecrets); times are absent where the service has none."""

    created: datetime | None = None
    rotated: datetime | None = None
    """When a rotation by Secrets Manager last succeeded."""
    changed: datetime | None = None
    """When anything of it last changed: its value, but also a tag or its description."""
    deleted: datetime | None = None
    """When its deletion was scheduled."""
    next_rotation: datetime | None = None
    rotates: bool = False
    every_days: int | None = None
    schedule: str = ""
    """rate(...) or cron(...)."""
    owner: str = ""
    """The service that made it, such as rds; it changes it through that service alone."""
    primary_region: str = ""
    """Where it was made, if it is replicated."""
    current: bool = False
    """Whether it holds a value."""
    previous: bool = False
    """Whether the value before the current one is still kept."""

    @property
    def is_replica(self) -> bool:
        """Whether it follows a secret of another region."""
        return self.primary_region not in ("", region_of(self.place))


class Current(AwsModel):
    """The version of a secret that is in force (ListSecretVersionIds)."""

    created: datetime | None


class SecretFacts(AwsBase):
    """Facts of Secrets Manager."""

    @fact
    async def secrets(self) -> Listing[Secret]:
        """All secrets of all places, those that are scheduled for deletion included."""
        return await self.across(self.secrets_in)

    @fact
    async def secrets_in(self, place: Place) -> Listing[Secret]:
        """The secrets of one place."""
        found = await self.pages(place, LIST_SECRETS, IncludePlannedDeletion=True)
        with documented(LIST_SECRETS):
            return found_in(_secret(place, one) for one in found)

    @fact
    async def secret_version(self, place: Place, arn: str) -> Current | None:
        """The version in force; None where the secret holds no value."""
        found = await self.pages(place, LIST_VERSIONS, SecretId=arn)
        with documented(LIST_VERSIONS):
            current = [one for one in found if CURRENT in one.get("VersionStages", ())]
            return Current(created=current[0].get("CreatedDate")) if current else None

    @fact
    async def secret_differs(self, place: Place, arn: str) -> bool:
        """Whether the current value differs from the one before it; neither leaves this fact.

        Of a JSON object none of the fields that are secrets may hold what one of them held before: another host, or
        fields in another order, make no new password. What is compared are hashes under a salt that is thrown away.
        """
        salt = token_bytes(32)
        held: list[set[bytes]] = []
        for stage in (CURRENT, PREVIOUS):
            answer = await self.call(place, GET_VALUE, SecretId=arn, VersionStage=stage)
            with documented(GET_VALUE):
                value = answer["SecretString"] if "SecretString" in answer else answer["SecretBinary"]
                held.append({hmac.digest(salt, part, "sha256") for part in parts_of(value)})
        return held[0].isdisjoint(held[1])


def _secret(place: Place, said: dict[str, Any]) -> Secret:
    rules = said.get("RotationRules") or {}
    stages = {stage for held in (said.get("SecretVersionsToStages") or {}).values() for stage in held}
    return Secret(
        arn=said["ARN"],
        place=place,
        name=said["Name"],
        created=said.get("CreatedDate"),
        rotated=said.get("LastRotatedDate"),
        changed=said.get("LastChangedDate"),
        deleted=said.get("DeletedDate"),
        next_rotation=said.get("NextRotationDate"),
        rotates=bool(said.get("RotationEnabled")),
        every_days=rules.get("AutomaticallyAfterDays"),
        schedule=rules.get("ScheduleExpression") or "",
        owner=said.get("OwningService") or "",
        primary_region=said.get("PrimaryRegion") or "",
        current=CURRENT in stages,
        previous=PREVIOUS in stages,
    )


def parts_of(value: str | bytes) -> list[bytes]:
    """What is secret in a value: the fields that say so, wherever they stand; else all of it, spaces apart."""
    try:
        whole = json.loads(value)
    except (ValueError, RecursionError):
        return [value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value]
    return [json.dumps(part, sort_keys=True).encode() for part in list(_secret_fields(whole)) or [whole]]


def _secret_fields(value: Any) -> Iterator[Any]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in pairs:
        if isinstance(part, dict | list):
            yield from _secret_fields(part)
        elif part not in (None, "") and _names_secret(str(name)):
            yield part


def _names_secret(field: str) -> bool:
    return _SECRET_FIELD.search(field) is not None and _ABOUT_A_SECRET.search(field) is None
