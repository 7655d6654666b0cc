"""Checks of TLS: the versions that a server accepts, and its certificate."""

from __future__ import annotations

from typing import Literal

from meshguard.api import Clock, Duration, Verdict, check, failed, passed, show_duration
from meshguard.targets.tls import VERSIONS, Tls


@check("tls.versions", method="test", fix="Offer TLS 1.3 and no version below the lowest one that is wanted.")
async def versions(server: Tls, *, min: Literal["1.2", "1.3"] = "1.3") -> Verdict:
    """The server speaks TLS 1.3 and refuses every version below `min` (RFC 8996, RFC 8446).

    Each older version is really offered, with every cipher that the local OpenSSL knows.

    Args:
        min: the lowest version that may be accepted.
    """
    answers = {version: await server.handshake(version) for version in VERSIONS}
    accepted = [version for version, answer in answers.items() if answer.accepted]
    want = f"TLS {min} or newer, with 1.3" if min != "1.3" else "TLS 1.3 alone"
    if not accepted:
        return failed("no TLS version was accepted", got="none", want=want)
    old = [version for version in accepted if version < min]
    if old:
        return failed(f"accepts TLS {' and '.join(old)}", got=accepted, want=want)
    if "1.3" not in accepted:
        return failed("does not accept TLS 1.3", got=accepted, want=want)
    return passed(f"accepts TLS {' and '.join(accepted)} and refuses older versions", got=accepted, want=want)


@check(
    "tls.certificate",
    method="test",
    fix="Renew the certificate from a CA that clients trust, for this host, and send the whole chain.",
)
async def certificate(
    server: Tls,
    clock: Clock,
    *,
    min_days: int = 21,
    min_rsa_bits: int = 2048,
    min_ec_bits: int = 256,
    max_lifetime: Duration | None = None,
) -> Verdict:
    """The certificate is for this host, trusted with the chain as sent, and valid for at least `min_days` more days.

    A key under the sizes of NIST SP 800-57 and a SHA-1 or MD5 signature fail too.

    Args:
        min_days: whole days that must be left.
        min_rsa_bits: shortest accepted RSA key, in bits.
        min_ec_bits: shortest accepted elliptic-curve key, in bits.
        max_lifetime: longest accepted time between the two dates (CA/Browser Forum Baseline Requirements, 6.3.2).
    """
    found = await server.certificate()
    now = await clock.now()
    left = (found.not_after - now).days
    lifetime = found.not_after - found.not_before
    least = min_rsa_bits if found.key.startswith("RSA") else min_ec_bits
    if now < found.not_before or now > found.not_after:
        problem = f"it is valid from {found.not_before:%Y-%m-%d} to {found.not_after:%Y-%m-%d}"
    elif not found.names_host:
        problem = f"it is for {', '.join(found.names) or 'no name'} and not for {server.settings.host}"
    elif not found.trusted:
        problem = f"it is not trusted: {found.trust_problem}"
    elif left < min_days:
        return failed(f"it expires in {left} days", got=left, want=min_days)
    elif found.key_bits < least:
        problem = f"its key is {found.key}, wanted at least {least} bits"
    elif found.signature_hash in ("md5", "sha1"):
        problem = f"it is signed with {found.signature_hash}"
    elif max_lifetime is not None and lifetime > max_lifetime:
        problem = f"it lives {show_duration(lifetime)}, wanted at most {show_duration(max_lifetime)}"
    else:
        return passed(f"it is trusted, for this host, and valid for {left} more days", got=left, want=min_days)
    return failed(problem)
