"""Target `tls`: what a server offers in the handshake, asked one version at a time.

Every https URL of a web target is one too. A handshake is made with a context that allows just the asked version and
every cipher that the local OpenSSL knows, and without trusting anybody: what the client side forbids would look like
the server's refusal. Trust is judged afterwards, on the chain that the server sent.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import ssl
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from meshguard.errors import NotObserved
from meshguard.fact import fact
from meshguard.limits import LimitSettings
from meshguard.target import Target, TargetSettings
from meshguard.yamlfile import LocalPath

Version = Literal["1.0", "1.1", "1.2", "1.3"]
VERSIONS: tuple[Version, ...] = ("1.0", "1.1", "1.2", "1.3")
_SSL = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_LOCAL = (
    "NO_CIPHERS_AVAILABLE",
    "NO_PROTOCOLS_AVAILABLE",
    "UNSUPPORTED_PROTOCOL",
    "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED",
)
"""Reasons by which OpenSSL says that this side can't, and not that the server won't."""


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
    chain: tuple[str, ...] = ()
    """The certificates that the server sent, leaf first; DER in base64."""


class Certificate(BaseModel):
    """The leaf certificate and what can be said of its chain; times are UTC."""

    model_config = ConfigDict(frozen=True)

    subject: str
    issuer: str
    names: tuple[str, ...]
    """DNS names and addresses of the subject alternative name."""
    not_before: datetime
    not_after: datetime
    key: str
    """Kind and size: "RSA 2048", "EC 256"."""
    key_bits: int
    signature_hash: str
    chain_length: int
    trusted: bool
    trust_problem: str = ""
    """OpenSSL's first complaint about the chain, against the deployment's CA; names are not part of it."""
    names_host: bool
    """Whether a subject alternative name is the host (RFC 9525)."""


class Tls(Target[TlsSettings]):
    """A TLS server."""

    kind = "tls"
    Settings = TlsSettings
    DEFAULT_LIMITS = LimitSettings(connections=4)

    @property
    def subject(self) -> str:
        """Host and port."""
        return f"{self.settings.host}:{self.settings.port}"

    @fact
    async def handshake(self, version: Version) -> Handshake:
        """What the server answers to a handshake that offers this one version.

        Raises:
            NotObserved: no TCP connection, no TLS at all, or this machine's OpenSSL can't offer the version.
        """
        host, port = self.settings.address
        self.egress.require(host, port)
        context = _context(version)
        try:
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=self.settings.host)
        except ssl.SSLError as fault:
            return self._refused(version, fault)
        except ConnectionResetError:
            return Handshake(version=version, accepted=False, detail="the server closed the connection")
        except ConnectionRefusedError:
            raise NotObserved(
                f"{host}:{port} refused the connection", fix="see that the server runs and listens there"
            ) from None
        except OSError as fault:
            reason = fault.strerror or "the name does not resolve"
            raise NotObserved(
                f"{host}:{port} was not reached: {reason}", fix="see the name, the route and the firewall"
            ) from None
        try:
            tls = writer.get_extra_info("ssl_object")
            return Handshake(version=version, accepted=True, cipher=tls.cipher()[0], chain=_chain(tls))
        finally:
            writer.transport.abort()

    def _refused(self, version: Version, fault: ssl.SSLError) -> Handshake:
        reason = fault.reason or "UNEXPECTED_EOF"
        if reason in _LOCAL:
            raise NotObserved(
                f"this machine's OpenSSL does not offer TLS {version} ({reason})",
                fix="run the audit where OpenSSL still speaks old versions; the server's refusal was not seen",
            )
        if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG") and version == "1.2":
            raise NotObserved(f"{self.subject} does not speak TLS ({reason})", fix="see the port")
        return Handshake(version=version, accepted=False, detail=reason.lower().replace("_", " "))

    @fact(effect="local")
    async def certificate(self) -> Certificate:
        """The certificate that the server sends with the newest version that it accepts.

        Not validated: an expired certificate is still a fact. Trust, times and names are told apart, since OpenSSL
        reports only the first thing that is wrong.
        """
        for version in reversed(VERSIONS):
            answer = await self.handshake(version)
            if answer.accepted and answer.chain:
                return await asyncio.to_thread(_certificate, answer.chain, self.settings)
        raise NotObserved(
            f"{self.subject} accepted no TLS version and sent no certificate", fix="see that it speaks TLS"
        )


def _context(version: Version) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # to offer what is deprecated is what this is for
        context.minimum_version = _SSL[version]
        context.maximum_version = _SSL[version]
    return context


def _chain(tls: ssl.SSLObject) -> tuple[str, ...]:
    """All certificates that the server sent: public from Python 3.13 on, and there before it."""
    source: Any = tls if hasattr(tls, "get_unverified_chain") else tls._sslobj  # type: ignore[attr-defined]
    found = source.get_unverified_chain() or []
    ders = [item if isinstance(item, bytes) else ssl.PEM_cert_to_DER_cert(item.public_bytes()) for item in found]
    return tuple(base64.b64encode(der).decode() for der in ders)


def _certificate(chain: tuple[str, ...], settings: TlsSettings) -> Certificate:
    from cryptography import x509

    certificates = [x509.load_der_x509_certificate(base64.b64decode(der)) for der in chain]
    leaf = certificates[0]
    names = _names(leaf)
    problem = _trust_problem(certificates, settings)
    key = leaf.public_key()
    bits = getattr(key, "key_size", 256)
    hash_ = leaf.signature_hash_algorithm
    return Certificate(
        subject=leaf.subject.rfc4514_string(),
        issuer=leaf.issuer.rfc4514_string(),
        names=names,
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        key=f"{type(key).__name__.lstrip('_').removesuffix('PublicKey').replace('EllipticCurve', 'EC')} {bits}",
        key_bits=bits,
        signature_hash=hash_.name if hash_ else "none",
        chain_length=len(certificates),
        trusted=not problem,
        trust_problem=problem,
        names_host=_names_host(names, settings.host),
    )


def _names(leaf: Any) -> tuple[str, ...]:
    from cryptography import x509

    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    names = extension.get_values_for_type(x509.DNSName)
    return (*names, *(str(address) for address in extension.get_values_for_type(x509.IPAddress)))


def _names_host(names: tuple[str, ...], host: str) -> bool:
    """RFC 9525, 6.3: equal without case, or a wildcard that stands for the whole left-most label."""
    host = host.lower().rstrip(".")
    try:
        address = str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        first, _, parent = host.partition(".")
        return any(
            name.lower() == host or (bool(first) and bool(parent) and name.lower() == f"*.{parent}") for name in names
        )
    return address in names


def _trust_problem(certificates: list[Any], settings: TlsSettings) -> str:
    """OpenSSL's complaint about the chain as the server sent it; empty where it leads to a trusted CA."""
    from OpenSSL import crypto

    store = crypto.X509Store()
    if settings.ca is not None:
        store.load_locations(str(settings.ca))
    else:
        import certifi

        store.load_locations(certifi.where())
    store.set_time(datetime.now(UTC).replace(tzinfo=None))
    leaf, *rest = [crypto.X509.from_cryptography(certificate) for certificate in certificates]
    try:
        crypto.X509StoreContext(store, leaf, rest).verify_certificate()
    except crypto.X509StoreContextError as fault:
        return str(fault.args[0])
    return ""
