"""Target `tcp`: which ports of a host accept a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Literal

from meshguard.api import (
    BaseModel,
    ConfigDict,
    Field,
    LimitSettings,
    Listing,
    NotObserved,
    Target,
    TargetSettings,
    fact,
)

PortNumber = Annotated[int, Field(ge=1, le=65535)]


class TcpSettings(TargetSettings):
    """An entry under `targets: tcp:`."""

    host: str = Field(min_length=1, description="Host name or address.")
    public: tuple[PortNumber, ...] = Field((), description="Ports that serve clients, and must accept connections.")
    private: tuple[PortNumber, ...] = Field((), description="Ports that must refuse connections from here.")

    def hosts(self) -> Iterator[tuple[str, int]]:
        """The listed ports of the host; no other port is ever tried."""
        yield from ((self.host, number) for number in (*self.public, *self.private))


class Port(BaseModel):
    """A port that the deployment lists: what a verdict is about."""

    model_config = ConfigDict(frozen=True)

    number: int

    def __str__(self) -> str:
        """`port 443`: the resource's name in findings."""
        return f"port {self.number}"


class PortState(BaseModel):
    """What a port answered to one attempt to connect."""

    model_config = ConfigDict(frozen=True)

    state: Literal["open", "refused"]


class Tcp(Target[TcpSettings]):
    """The TCP ports of a host."""

    kind = "tcp"
    Settings = TcpSettings
    DEFAULT_LIMITS = LimitSettings(connections=16)

    @property
    def subject(self) -> str:
        """The host."""
        return self.settings.host

    @fact(effect="local")
    async def public_ports(self) -> Listing[Port]:
        """The ports that the deployment lists as public."""
        items = tuple(Port(number=number) for number in self.settings.public)
        return Listing(items=items, fix=f"list the ports that serve clients under `public:` of {self}")

    @fact(effect="local")
    async def private_ports(self) -> Listing[Port]:
        """The ports that the deployment lists as private."""
        items = tuple(Port(number=number) for number in self.settings.private)
        return Listing(items=items, fix=f"list the ports that must be closed under `private:` of {self}")

    @fact
    async def port(self, number: int) -> PortState:
        """Whether a port accepts or refuses a connection; nothing is sent on it.

        Raises:
            NotObserved: the host did not answer. A firewall that drops packets and a cable that is out look the same
                from here, so silence is neither open nor refused.
        """
        self.egress.require(self.settings.host, number)
        try:
            _, writer = await asyncio.open_connection(self.settings.host, number)
        except ConnectionRefusedError:
            return PortState(state="refused")
        except OSError as fault:
            reason = fault.strerror or type(fault).__name__
            raise NotObserved(
                f"{self.settings.host}:{number} did not answer: {reason}",
                fix="see the name, the route and the firewall; let the firewall reject instead of drop",
            ) from None
        writer.transport.abort()
        return PortState(state="open")
