"""Certificates and targets for tests against real servers on loopback."""

import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from meshguard.api import Clock
from meshguard.evidence import Evidence
from meshguard.targets.tls import Tls, TlsSettings
from meshguard.targets.web import Web, WebSettings
from meshguard.verdict import Verdict

HOST = "health-mesh.example"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in files."""

    certificate: Path
    """The leaf, and what was asked to be sent with it; PEM."""
    key: Path

    def context(self, *, weak: bool = False) -> ssl.SSLContext:
        """A server's context; a weak one takes keys that OpenSSL finds too small."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if weak:
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True)
class Authority:
    """A CA of one test."""

    folder: Path
    name: str
    key: Key
    certificate: x509.Certificate

    @property
    def file(self) -> Path:
        """Its certificate, PEM."""
        path = self.folder / f"{self.name}.pem"
        path.write_bytes(pem(self.certificate))
        return path

    def certify(
        self,
        host: str = HOST,
        *,
        days: tuple[int, int] = (-1, 90),
        key: Key | None = None,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        with_issuer: bool = False,
    ) -> Pair:
        """A certificate for `host` and 127.0.0.1, valid from and to so many days from now."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = begun(host, key.public_key(), self.certificate.subject, days)
        builder = builder.add_extension(names, False).add_extension(x509.ExtendedKeyUsage([usage]), False)
        leaf = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True).sign(
            self.key, hashes.SHA256()
        )
        return written(self.folder, [leaf, self.certificate] if with_issuer else [leaf], key)

    def below(self, *, days: tuple[int, int] = (-1, 365), key: Key | None = None) -> "Authority":
        """An intermediate CA."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = begun("intermediate", key.public_key(), self.certificate.subject, days)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        return Authority(self.folder, "intermediate", key, builder.sign(self.key, hashes.SHA256()))


def authority(folder: Path, name: str = "ca") -> Authority:
    """A new root CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = begun(name, key.public_key(), subject, (-1, 3650))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    return Authority(folder, name, key, builder.sign(key, hashes.SHA256()))


def begun(
    name: str, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, issuer: x509.Name, days: tuple[int, int]
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1], hours=1))
    )


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def written(folder: Path, certificates: list[x509.Certificate], key: Key) -> Pair:
    stem = folder / f"{certificates[0].serial_number:x}"
    stem.with_suffix(".crt").write_bytes(b"".join(pem(certificate) for certificate in certificates))
    stem.with_suffix(".key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Pair(stem.with_suffix(".crt"), stem.with_suffix(".key"))


@dataclass(frozen=True)
class Site:
    """The targets of one site under one audit's evidence."""

    web: Web
    tls: Tls
    clock: Clock
    evidence: Evidence


@asynccontextmanager
async def site(url: str, *, deadline: str = "1s", **settings: object) -> AsyncIterator[Site]:
    """A web target and the tls target that it is too, asked for real."""
    evidence = Evidence()
    given = WebSettings.model_validate(
        {"name": "public", "url": url, "limits": {"fact_deadline": deadline}, **settings}
    )
    web = Web(given, evidence)
    # An http site is no tls target; the tests ask it nothing about TLS.
    tls_settings = next((found for _, found in given.derived()), TlsSettings(name="public", host="127.0.0.1"))
    assert isinstance(tls_settings, TlsSettings)
    try:
        yield Site(web, Tls(tls_settings, evidence), Clock.only(evidence), evidence)
    finally:
        await web.close()


def is_clear(verdict: Verdict) -> bool:
    """Whether an error says in one line what happened, and what to do."""
    return verdict.outcome == "error" and bool(verdict.fix) and "\n" not in verdict.message + verdict.fix
