"""tls.versions and tls.certificate."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meshguard.api import Clock, NotObserved
from meshguard.targets.tls import VERSIONS, Certificate, Handshake, Issuer, Tls
from meshguard.testing import judge, recorded
from meshguard_checks.tls import certificate, versions

row = pytest.param
YES, NO, CLOSED = "accepted", "alert", "closed"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def handshake(version: Any, answer: str | Exception) -> object:
    if isinstance(answer, Exception):
        return answer
    return Handshake(version=version, accepted=answer == YES, closed=answer == CLOSED, detail=answer)


def server(*answers: str | Exception) -> Tls:
    """A server with these answers to 1.0, 1.1, 1.2 and 1.3."""
    facts = {(version,): handshake(version, answer) for version, answer in zip(VERSIONS, answers, strict=True)}
    return recorded(Tls, {Tls.handshake: facts}, host="health-mesh.example")


@pytest.mark.parametrize(
    ("answers", "least", "outcome", "message"),
    [
        row((NO, NO, NO, YES), "1.3", "pass", "accepts TLS 1.3 and refuses older versions", id="1.3 alone"),
        row((NO, NO, YES, YES), "1.3", "fail", "accepts TLS 1.2", id="1.2 where 1.3 alone is wanted"),
        row((NO, NO, YES, YES), "1.2", "pass", "accepts TLS 1.2 and 1.3 and refuses", id="1.2 where it may be"),
        row((NO, NO, NO, YES), "1.2", "pass", "accepts TLS 1.3", id="1.2 may be and is not"),
        row((NO, YES, YES, YES), "1.2", "fail", "accepts TLS 1.1", id="1.1"),
        row((YES, YES, YES, YES), "1.2", "fail", "accepts TLS 1.0 and 1.1", id="both old ones"),
        row((YES, NO, NO, YES), "1.3", "fail", "accepts TLS 1.0", id="1.0 alone of the old"),
        row((NO, NO, YES, NO), "1.2", "fail", "does not accept TLS 1.3", id="no 1.3"),
        row((NO, NO, NO, NO), "1.3", "fail", "no TLS version was accepted", id="none"),
        row((NO, NO, NO, CLOSED), "1.3", "fail", "no TLS version was accepted", id="none, one by closing"),
        row((CLOSED, CLOSED, CLOSED, YES), "1.3", "pass", "accepts TLS 1.3", id="old ones refused by closing"),
        row((CLOSED,) * 4, "1.3", "not-checked", "closed every connection", id="closed always is no refusal"),
        row((NotObserved("in time"), NO, NO, YES), "1.3", "error", "in time", id="one version without an answer"),
    ],
)
async def test_versions(answers: tuple[str, ...], least: str, outcome: str, message: str) -> None:
    verdict = await judge(versions, server(*answers), min=least)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message


def leaf(**changes: object) -> Certificate:
    """A certificate in order, with changes."""
    good: dict[str, object] = {
        "subject": "CN=health-mesh.example",
        "issuer": "CN=ca",
        "names": ("health-mesh.example",),
        "not_before": NOW - timedelta(days=30),
        "not_after": NOW + timedelta(days=60),
        "key": "EC 256",
        "key_bits": 256,
        "signature_hash": "sha256",
        "chain_length": 2,
        "trusted": True,
        "names_host": True,
    }
    return Certificate.model_validate({**good, **changes})


def issuer(**changes: object) -> Issuer:
    good: dict[str, object] = {
        "subject": "CN=between",
        "not_after": NOW + timedelta(days=300),
        "key": "RSA 4096",
        "key_bits": 4096,
        "signature_hash": "sha384",
    }
    return Issuer.model_validate({**good, **changes})


def rsa(bits: int) -> dict[str, object]:
    return {"key": f"RSA {bits}", "key_bits": bits}


def until(**left: float) -> dict[str, object]:
    return {"not_after": NOW + timedelta(**left)}


UNTRUSTED = {"trusted": False, "trust_problem": "unable to get local issuer certificate"}


@pytest.mark.parametrize(
    ("found", "parameters", "outcome", "message"),
    [
        row(leaf(), {}, "pass", "it is trusted, for this host, and valid for 60 more days", id="in order"),
        row(leaf(**until(days=21)), {}, "pass", "21 more days", id="21 whole days"),
        row(leaf(**until(days=20, hours=23)), {}, "fail", "it expires in 20 days", id="an hour short of 21 days"),
        row(leaf(**until(days=7)), {"min_days": 7}, "pass", "7 more days", id="7 days where 7 are wanted"),
        row(leaf(**until(days=6.9)), {"min_days": 7}, "fail", "it expires in 6 days", id="6 days where 7 are wanted"),
        row(leaf(**until(seconds=0)), {"min_days": 0}, "pass", "0 more days", id="the last second"),
        row(leaf(**until(seconds=-1)), {"min_days": 0}, "fail", "it is valid from 2026-05-02 to", id="a second late"),
        row(leaf(not_before=NOW + timedelta(seconds=1)), {}, "fail", "it is valid from 2026-06-01", id="not yet"),
        row(leaf(names_host=False), {}, "fail", "it is for health-mesh.example and not for", id="another host's"),
        row(leaf(names_host=False, names=()), {}, "fail", "it is for no name and not for", id="a common name alone"),
        row(leaf(**UNTRUSTED), {}, "fail", "it is not trusted: unable to get local issuer certificate", id="no CA"),
        row(leaf(**UNTRUSTED, chain_length=1), {}, "fail", "no certificate besides it", id="no intermediate sent"),
        row(leaf(for_servers=False), {}, "fail", "its extended key usage", id="a client's certificate"),
        row(leaf(**rsa(2048)), {}, "pass", "trusted", id="RSA 2048"),
        row(leaf(**rsa(2047)), {}, "fail", "its key is RSA 2047, wanted at least 2048 bits", id="RSA a bit short"),
        row(leaf(**rsa(2048)), {"min_rsa_bits": 3072}, "fail", "wanted at least 3072", id="RSA 3072 wanted"),
        row(leaf(key="EC 224", key_bits=224), {}, "fail", "its key is EC 224", id="a short curve"),
        row(leaf(), {"min_ec_bits": 384}, "fail", "its key is EC 256, wanted at least 384", id="P-384 wanted"),
        row(leaf(key="Ed25519 256", signature_hash="none"), {}, "pass", "trusted", id="Ed25519"),
        row(leaf(key="DSA 3072", key_bits=3072), {}, "fail", "its key is DSA 3072, wanted RSA, EC", id="DSA"),
        row(leaf(signature_hash="sha1"), {}, "fail", "its signature is made with sha1", id="SHA-1"),
        row(leaf(signature_hash="md5"), {}, "fail", "its signature is made with md5", id="MD5"),
        row(leaf(issuers=(issuer(),)), {}, "pass", "60 more days", id="an intermediate in order"),
        row(leaf(issuers=(issuer(**until(days=21)),)), {}, "pass", "21 more days", id="an intermediate of 21 days"),
        row(leaf(issuers=(issuer(**until(days=20)),)), {}, "fail", "of its chain expires in 20", id="one of 20 days"),
        row(leaf(issuers=(issuer(**rsa(1024)),)), {}, "fail", "the issuer CN=between's key is RSA 1024", id="weak CA"),
        row(leaf(issuers=(issuer(signature_hash="sha1"),)), {}, "fail", "CN=between's signature", id="an SHA-1 CA"),
        row(leaf(), {"max_lifetime": "90d"}, "pass", "trusted", id="90 days where 90 are allowed"),
        row(leaf(), {"max_lifetime": "89d"}, "fail", "it lives 90d, wanted at most 89d", id="90 days, 89 allowed"),
    ],
)
async def test_certificate(found: Certificate, parameters: dict[str, object], outcome: str, message: str) -> None:
    host = recorded(Tls, {Tls.certificate: {(): found}}, host="health-mesh.example")
    verdict = await judge(certificate, host, recorded(Clock, {Clock.now: {(): NOW}}), **parameters)

    assert (verdict.outcome, message in verdict.message) == (outcome, True), verdict.message
