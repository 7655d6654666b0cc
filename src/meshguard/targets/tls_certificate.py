"""What can be said of the certificates that a server sent: dates, names, keys, and whether they lead to a trusted CA.

Each is told apart, since OpenSSL reports only the first thing that is wrong with a chain.
"""

from __future__ import annotations

import base64
import ipaddress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from meshguard.errors import NotObserved


class Issuer(BaseModel):
    """A certificate between the leaf and the trusted CA, on the way by which the leaf is trusted."""

    model_config = ConfigDict(frozen=True)

    subject: str
    not_after: datetime
    key: str
    key_bits: int
    signature_hash: str


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
    """Kind and size: "RSA 2048", "EC 256", "Ed25519 256"."""
    key_bits: int
    signature_hash: str
    """Its name; "none" where the signature has no hash of its own (Ed25519)."""
    chain_length: int
    """Certificates that the server sent."""
    trusted: bool
    trust_problem: str = ""
    """OpenSSL's first complaint about the chain, against the deployment's CA; names are not part of it."""
    names_host: bool
    """Whether a subject alternative name is the host (RFC 9525)."""
    for_servers: bool = True
    """Whether its extended key usage, if it has one, lets it stand for a TLS server (RFC 5280, 4.2.1.12)."""
    issuers: tuple[Issuer, ...] = ()
    """What lies between the leaf and the trusted CA; empty where it is not trusted."""


def certificate_of(chain: tuple[str, ...], host: str, ca: Path | None) -> Certificate:
    """What can be said of the chain, DER in base64 with the leaf first, that a server sent for `host`.

    Raises:
        NotObserved: a certificate can't be read, or `ca` holds none.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        certificates = [x509.load_der_x509_certificate(base64.b64decode(der)) for der in chain]
        return _certificate(certificates, host, ca)
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise NotObserved(
            f"the certificates of {host} can't be read ({type(fault).__name__})",
            fix="see them with openssl s_client -showcerts",
        ) from None


def _certificate(certificates: list[Any], host: str, ca: Path | None) -> Certificate:
    leaf = certificates[0]
    names, addresses = _names(leaf)
    problem, way = _trust(certificates, ca)
    key, bits = _key(leaf)
    return Certificate(
        subject=leaf.subject.rfc4514_string(),
        issuer=leaf.issuer.rfc4514_string(),
        names=(*names, *addresses),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        key=key,
        key_bits=bits,
        signature_hash=_hash(leaf),
        chain_length=len(certificates),
        trusted=not problem,
        trust_problem=problem,
        names_host=_names_host(names, addresses, host),
        for_servers=_for_servers(leaf),
        issuers=tuple(_issuer(certificate) for certificate in way[1:-1]),
    )


def _issuer(certificate: Any) -> Issuer:
    key, bits = _key(certificate)
    return Issuer(
        subject=certificate.subject.rfc4514_string(),
        not_after=certificate.not_valid_after_utc,
        key=key,
        key_bits=bits,
        signature_hash=_hash(certificate),
    )


def _key(certificate: Any) -> tuple[str, int]:
    key = certificate.public_key()
    bits = getattr(key, "key_size", 256)
    return f"{type(key).__name__.lstrip('_').removesuffix('PublicKey').replace('EllipticCurve', 'EC')} {bits}", bits


def _hash(certificate: Any) -> str:
    found = certificate.signature_hash_algorithm
    return str(found.name) if found else "none"


def _names(leaf: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """DNS names, and addresses."""
    from cryptography import x509

    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    addresses = extension.get_values_for_type(x509.IPAddress)
    return tuple(extension.get_values_for_type(x509.DNSName)), tuple(str(address) for address in addresses)


def _names_host(names: tuple[str, ...], addresses: tuple[str, ...], host: str) -> bool:
    """RFC 9525, 6.3: equal without case, or a wildcard that stands for the whole left-most label.

    An address is named by an iPAddress entry alone.
    """
    host = host.lower().rstrip(".")
    try:
        return str(ipaddress.ip_address(host.strip("[]"))) in addresses
    except ValueError:
        pass
    if not host.isascii():
        host = host.encode("idna").decode()
    first, _, parent = host.partition(".")
    wanted = (host, f"*.{parent}") if first and parent else (host,)
    return any(name.lower() in wanted for name in names)


def _for_servers(leaf: Any) -> bool:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages


def _trust(certificates: list[Any], ca: Path | None) -> tuple[str, list[Any]]:
    """OpenSSL's complaint about the chain as the server sent it, or the way from the leaf to a trusted CA."""
    from OpenSSL import crypto

    store = crypto.X509Store()
    try:
        store.load_locations(str(ca) if ca is not None else _public())
    except crypto.Error:
        raise NotObserved(f"{ca} holds no CA certificate", fix="give a file of PEM certificates with `ca:`") from None
    store.set_time(datetime.now(UTC).replace(tzinfo=None))
    leaf, *rest = [crypto.X509.from_cryptography(certificate) for certificate in certificates]
    try:
        way = crypto.X509StoreContext(store, leaf, rest).get_verified_chain()
    except crypto.X509StoreContextError as fault:
        return str(fault.args[0]), []
    return "", [certificate.to_cryptography() for certificate in way]


def _public() -> str:
    import certifi

    return certifi.where()
