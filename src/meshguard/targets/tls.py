"""Target `tls`: what a server offers in the handshake, asked one version at a time.

Every https URL of a web target is one too. TLS 1.3 is asked by OpenSSL, without trusting anybody; older versions by a
hello made by hand, since what the client side can't or won't speak would look like the server's refusal. Trust is
judged afterwards, on the chain that the server sent.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from meshguard.errors import NotObserved
from meshguard.fact import fact
from meshguard.limits import LimitSettings
from meshguard.target import Target, TargetSettings, in_thread
from meshguard.targets import tls_hello
from meshguard.targets.tls_certificate import Certificate, Issuer, certificate_of
from meshguard.yamlfile import LocalPath

__all__ = ["VERSIONS", "Certificate", "Handshake", "Issuer", "Tls", "TlsSettings", "Version"]

Version = Literal["1.0", "1.1", "1.2", "1.3"]
VERSIONS: tuple[Version, ...] = ("1.0", "1.1", "1.2", "1.3")
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_UNKNOWN_NAME = "unrecognized name"


class TlsSettings(TargetSettings):
    """An entry under `targets: tls:`; https sites under `web` need none."""

    host: str = Field(description="Host name that is asked for.")
    port: int = Field(443, ge=1, le=65535, description="TCP port.")
    ca: LocalPath | None = Field(None, description="PEM file of the CA to trust, where it is not a public one.")
    connect_to: str = Field("", pattern=r"^$|^.+:\d+$", description="address:port to connect to instead of host:port.")

    def hosts(self) -> Iterator[tuple[str, int]]:
        """The host, and the address to connect to."""
        yield self.host, self.port
        yield self.address

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect."""
        if not self.connect_to:
            return self.host, self.port
        host, _, port = self.connect_to.rpartition(":")
        return host.strip("[]"), int(port)


class Handshake(BaseModel):
    """What came of offering one TLS version."""

    model_config = ConfigDict(frozen=True)

    version: Version
    accepted: bool
    cipher: str = ""
    detail: str = ""
    """How it was refused: the alert, or that the connection was closed."""
    closed: bool = False
    """Refused by closing the connection, without an alert that says why."""
    chain: tuple[str, ...] = ()
    """The certificates that the server sent, leaf first; DER in base64."""


class Tls(Target[TlsSettings]):
    """A TLS server."""

    kind = "tls"
    IMPORTS = ("cryptography.x509", "OpenSSL.crypto")
    Settings = TlsSettings
    DEFAULT_LIMITS = LimitSettings(connections=4)

    @property
    def subject(self) -> str:
        """Host and port."""
        return f"{self.settings.host}:{self.settings.port}"

    @fact
    async def handshake(self, version: Version) -> Handshake:
        """What the server answers to a handshake that offers this one version.

        Accepted is what the server answers with its own hello, whatever it asks of the client afterwards.

        Raises:
            NotObserved: no TCP connection, no TLS at all, or no site of this name.
        """
        try:
            answer = await (self._offer_newest() if version == "1.3" else self._offer_old(version))
        except ConnectionRefusedError:
            raise NotObserved(
                f"{_shown(self.settings.address)} refused the connection",
                fix="see that the server runs and listens there",
            ) from None
        except OSError as fault:
            reason = fault.strerror or "no address of the host took the connection"
            raise NotObserved(
                f"{_shown(self.settings.address)} was not reached: {reason}",
                fix="see the name, the route and the firewall",
            ) from None
        if not answer.accepted and _UNKNOWN_NAME in answer.detail:
            raise NotObserved(
                f"{self.subject} has no site of the name {self.settings.host} (alert {_UNKNOWN_NAME})",
                fix="see `host` and `connect_to`",
            )
        return answer

    async def _offer_newest(self) -> Handshake:
        host, port = self.settings.address
        self.egress.require(host, port)
        try:
            _, writer = await asyncio.open_connection(
                host, port, ssl=_context(), server_hostname=self.settings.host.rstrip(".")
            )
        except ssl.SSLError as fault:
            return self._refused(fault.reason or "")
        except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError):
            return _closed("1.3")
        try:
            tls = writer.get_extra_info("ssl_object")
            return Handshake(version="1.3", accepted=True, cipher=tls.cipher()[0], chain=_sent_chain(tls))
        finally:
            writer.transport.abort()

    async def _offer_old(self, version: Version) -> Handshake:
        host, port = self.settings.address
        self.egress.require(host, port)
        reader, writer = await asyncio.open_connection(host, port)
        try:
            answer = await tls_hello.ask(reader, writer, version, self.settings.host)
        except tls_hello.NotTls:
            raise self._no_tls() from None
        finally:
            writer.transport.abort()
        if answer.version == tls_hello.CODES[version]:
            chain = tuple(base64.b64encode(der).decode() for der in answer.chain)
            return Handshake(version=version, accepted=True, cipher=_suite_name(answer.suite), chain=chain)
        if answer.version is not None:
            return Handshake(version=version, accepted=False, detail="the server answered with another version")
        if not answer.alert:
            return _closed(version)
        return Handshake(version=version, accepted=False, detail=f"alert {answer.alert}")

    def _refused(self, reason: str) -> Handshake:
        if reason in _NOT_TLS:
            raise self._no_tls()
        if not reason or "EOF" in reason:
            return _closed("1.3")
        return Handshake(version="1.3", accepted=False, detail=reason.lower().replace("_", " "))

    def _no_tls(self) -> NotObserved:
        return NotObserved(
            f"{self.subject} does not speak TLS", fix="see the port, and whether it begins in clear text"
        )

    @fact(effect="local")
    async def certificate(self) -> Certificate:
        """The certificate that the server sends with the newest version that it accepts.

        Not validated: an expired certificate is still a fact. Trust, times and names are told apart, since OpenSSL
        reports only the first thing that is wrong.
        """
        for version in reversed(VERSIONS):
            answer = await self.handshake(version)
            if answer.accepted and answer.chain:
                return await in_thread(certificate_of, answer.chain, self.settings.host, self.settings.ca)
        raise NotObserved(
            f"{self.subject} accepted no TLS version and sent no certificate", fix="see that it speaks TLS"
        )


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    return context


@cache
def _suites() -> dict[int, str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    return {suite["id"] & 0xFFFF: suite["name"] for suite in context.get_ciphers()}


def _suite_name(suite: int) -> str:
    """OpenSSL's name; the number for what the local OpenSSL does not know."""
    return _suites().get(suite, f"0x{suite:04X}")


def _closed(version: Version) -> Handshake:
    return Handshake(version=version, accepted=False, detail="the server closed the connection", closed=True)


def _shown(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def _sent_chain(tls: ssl.SSLObject) -> tuple[str, ...]:
    """All certificates that the server sent: public from Python 3.13 on, and there before it."""
    source: Any = tls if hasattr(tls, "get_unverified_chain") else tls._sslobj  # type: ignore[attr-defined]
    found = source.get_unverified_chain() or []
    ders = [item if isinstance(item, bytes) else ssl.PEM_cert_to_DER_cert(item.public_bytes()) for item in found]
    return tuple(base64.b64encode(der).decode() for der in ders)
