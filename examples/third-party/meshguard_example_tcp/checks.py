"""Checks of TCP ports."""

from __future__ import annotations

from meshguard.api import Verdict, check, judged
from meshguard_example_tcp.target import Port, Tcp


@check(
    "tcp.open",
    method="test",
    over=Tcp.public_ports,
    fix="Start the service, or let it listen on this address.",
)
async def open_(port: Port, host: Tcp) -> Verdict:
    """Every port that serves clients accepts connections (RFC 9293, 3.5)."""
    answer = await host.port(port.number)
    return judged(answer.state == "open", "the port", got=answer.state, want="open")


@check(
    "tcp.closed",
    method="test",
    over=Tcp.private_ports,
    fix="Bind the service to loopback or to an internal network, and close the port in the firewall.",
)
async def closed(port: Port, host: Tcp) -> Verdict:
    """No port that is private accepts connections from where the audit runs (NIST CSF 2.0, PR.IR-01)."""
    answer = await host.port(port.number)
    return judged(answer.state == "refused", "the port", got=answer.state, want="refused")
