"""Checks of TLS: the versions that a server accepts, and its certificate."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from meshguard.api import (
    Clock,
    Duration,
    Field,
    Verdict,
    check,
    failed,
    passed,
    show_duration,
    undetermined,
)
from meshguard.targets.tls import VERSIONS, Certificate, Issuer, Tls

SOUND_HASHES = ("sha224", "sha256", "sha384", "sha512", "none")
"""Hashes of signatures that still hold; "none" is Ed25519 and Ed448, which bring their own."""


@check(
    "tls.versions",
    method="test",
    fix="Offer TLS 1.3 and no version below the lowest one that is wanted "
    "(nginx: `ssl_protocols TLSv1.3;`; Node: `minVersion: 'TLSv1.3'`).",
)
async def versions(server: Tls, *, min: Literal["1.2", "1.3"] = "1.3") -> Verdict:
    """The server speaks TLS 1.3 and refuses every version below `min` (RFC 8996, RFC 8446).

    Each older version is really offered, with every cipher suite of its time, whatever the local OpenSSL still knows.
    A connection closed without an alert is a refusal only where another version was accepted: a server that closes
    on all of them was not looked at.

    Args:
        min: the lowest version that may be accepted.
    """
    answers = [await server.handshake(version) for version in VERSIONS]
    accepted = [answer.version for answer in answers if answer.accepted]
    want = "TLS 1.3 alone" if min == "1.3" else f"TLS 1.3, and nothing older than {min}"
    if not accepted and all(answer.closed for answer in answers):
        return undetermined("the server closed every connection without an answer", fix="see that it speaks TLS there")
    if not accepted:
        return failed("no TLS version was accepted", got="none", want=want)
    old = [version for version in accepted if version < min]
    if old:
        return failed(f"accepts TLS {' and '.join(old)}", got=accepted, want=want)
    if "1.3" not in accepted:
        return failed("does not accept TLS 1.3", got=accepted, want=want)
    return passed(f"accepts TLS {' and '.join(accepted)} and refuses older versions", got=accepted, want=want)


UNTRUSTED = (
    "Use a CA that clients trust, and send the intermediate certificates after the leaf; an own CA goes under `ca:` of "
    "the target."
)


@check(
    "tls.certificate",
    method="test",
    fix="Renew the certificate from a CA that clients trust, for this host, and send the whole chain "
    "(nginx: `ssl_certificate` with the leaf first, then the intermediates).",
)
async def certificate(
    server: Tls,
    clock: Clock,
    *,
    min_days: Annotated[int, Field(ge=0)] = 21,
    min_rsa_bits: Annotated[int, Field(ge=1024)] = 2048,
    min_ec_bits: Annotated[int, Field(ge=160)] = 256,
    max_lifetime: Duration | None = None,
) -> Verdict:
    """The certificate is for this host, trusted with the chain as sent, and valid for at least `min_days` more days.

    The certificates between it and the trusted CA must last as long. A key under the sizes of NIST SP 800-57, part 1,
    table 2, and a SHA-1 or MD5 signature fail, in them too, and so does a certificate whose extended key usage is not
    for servers (RFC 5280, 4.2.1.12). Names are compared as RFC 9525 says; the subject's common name is none.

    Args:
        min_days: whole days that must be left.
        min_rsa_bits: shortest accepted RSA key, in bits.
        min_ec_bits: shortest accepted elliptic-curve key, in bits.
        max_lifetime: longest accepted time between the two dates (CA/Browser Forum Baseline Requirements, 6.3.2).
    """
    found = await server.certificate()
    now = await clock.now()
    problem = _not_valid(found, now, server.settings.host)
    if problem:
        return failed(problem, fix="" if found.trusted else UNTRUSTED)
    ends = _first_end(found)
    left = (ends - now).days
    if left < min_days:
        what = "it expires" if ends == found.not_after else "a certificate of its chain expires"
        return failed(f"{what} in {left} days", got=left, want=min_days)
    links: list[Certificate | Issuer] = [found, *found.issuers]
    weak = [text for link in links if (text := _weak(link, min_rsa_bits, min_ec_bits))]
    if weak:
        return failed(weak[0])
    lifetime = found.not_after - found.not_before
    if max_lifetime is not None and lifetime > max_lifetime:
        problem = f"it lives {show_duration(lifetime)}, wanted at most {show_duration(max_lifetime)}"
        return failed(problem, got=lifetime, want=max_lifetime)
    return passed(f"it is trusted, for this host, and valid for {left} more days", got=left, want=min_days)


def _first_end(found: Certificate) -> datetime:
    """When the first certificate on the way to the trusted CA ends."""
    return min([found.not_after, *(issuer.not_after for issuer in found.issuers)])


def _not_valid(found: Certificate, now: datetime, host: str) -> str:
    if now < found.not_before or now > found.not_after:
        return f"it is valid from {found.not_before:%Y-%m-%d} to {found.not_after:%Y-%m-%d}"
    if not found.names_host:
        return f"it is for {', '.join(found.names) or 'no name'} and not for {host}"
    if not found.trusted:
        alone = "; the server sent no certificate besides it" if found.chain_length == 1 else ""
        return f"it is not trusted: {found.trust_problem}{alone}"
    if not found.for_servers:
        return "its extended key usage does not let it stand for a server"
    return ""


def _weak(link: Certificate | Issuer, min_rsa_bits: int, min_ec_bits: int) -> str:
    whose = "its" if isinstance(link, Certificate) else f"the issuer {link.subject}'s"
    kind = link.key.split()[0]
    least = {"RSA": min_rsa_bits, "EC": min_ec_bits, "Ed25519": 0, "Ed448": 0}.get(kind)
    if least is None:
        return f"{whose} key is {link.key}, wanted RSA, EC, Ed25519 or Ed448"
    if link.key_bits < least:
        return f"{whose} key is {link.key}, wanted at least {least} bits"
    if link.signature_hash not in SOUND_HASHES:
        return f"{whose} signature is made with {link.signature_hash}"
    return ""
