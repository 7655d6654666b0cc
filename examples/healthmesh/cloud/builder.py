"""What builders of the cloud get: clients of the running server, and its controls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .control import Control

ACCOUNT = "123456789012"
REGION = "us-east-1"


@dataclass
class Cloud:
    """A server that answers as AWS, and an account in it."""

    endpoint: str
    region: str = REGION
    account: str = ACCOUNT
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def control(self) -> Control:
        """The server's own controls: its clock, faults, and answers that moto lacks."""
        return Control(self.endpoint)

    def client(self, service: str, region: str = "") -> Any:
        """The boto3 client of a service, made once."""
        import boto3

        key = (service, region or self.region)
        if key not in self._clients:
            session: Any = boto3.Session(
                aws_access_key_id="example", aws_secret_access_key="example", region_name=key[1]
            )
            self._clients[key] = session.client(service, endpoint_url=self.endpoint)
        return self._clients[key]


@dataclass(frozen=True, slots=True)
class CloudDefect:
    """One weakness of the account that can be planted by name."""

    name: str
    check: str
    """The MeshGuard check that it must trip."""
    says: str
    plant: Callable[[Cloud], None]
    also: tuple[str, ...] = ()
    """Checks that it cannot help tripping too."""
