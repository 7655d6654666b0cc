"""What a TLS server offers and sends, asked of real ones: OpenSSL, and servers written byte by byte."""

import ssl
import warnings
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.live.web_help import HOST, Authority, Pair, authority, site
from tests.stubs import bad_http as bad

from meshguard.targets.tls import VERSIONS, Version
from meshguard.targets.tls_certificate import _names_host
from meshguard.targets.tls_hello import NotTls, client_hello, read_answer
from meshguard.testing import judge
from meshguard.verdict import Verdict
from meshguard_checks.tls import certificate, versions

row = pytest.param


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return authority(tmp_path)


def context(
    pair: Pair, least: ssl.TLSVersion, most: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0"
) -> ssl.SSLContext:
    made = pair.context(weak=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version, made.maximum_version = least, most
    made.set_ciphers(ciphers)
    return made


async def accepted(made: ssl.SSLContext, host: str = HOST) -> list[Version]:
    async with bad.serving(bad.close_after_hello, tls=made) as server:
        to = f"127.0.0.1:{server.port}"
        async with site(f"https://{host}:{server.port}", connect_to=to, deadline="5s") as here:
            return [version for version in VERSIONS if (await here.tls.handshake(version)).accepted]


V = ssl.TLSVersion


@pytest.mark.parametrize(
    ("least", "most", "wanted"),
    [
        row(V.TLSv1, V.TLSv1_3, ["1.0", "1.1", "1.2", "1.3"], id="all"),
        row(V.TLSv1_1, V.TLSv1_2, ["1.1", "1.2"], id="1.1 and 1.2"),
        row(V.TLSv1_2, V.TLSv1_3, ["1.2", "1.3"], id="1.2 and 1.3"),
        row(V.TLSv1_3, V.TLSv1_3, ["1.3"], id="1.3 alone"),
        row(V.TLSv1, V.TLSv1, ["1.0"], id="1.0 alone"),
    ],
)
async def test_versions_are_really_offered(ca: Authority, least: V, most: V, wanted: list[str]) -> None:
    assert await accepted(context(ca.certify(), least, most)) == wanted


@pytest.mark.parametrize(
    "ciphers",
    ["AES128-SHA", "NULL-SHA", "AECDH-AES256-SHA", "CAMELLIA256-SHA"],
)
async def test_a_version_counts_with_any_cipher(ca: Authority, ciphers: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    assert await accepted(context(ca.certify(key=key), V.TLSv1, V.TLSv1_2, ciphers + ":@SECLEVEL=0")) == VERSIONS_OLD


VERSIONS_OLD = ["1.0", "1.1", "1.2"]


async def test_a_server_that_asks_for_a_client_certificate_still_accepts_the_version(ca: Authority) -> None:
    made = context(ca.certify(), V.TLSv1, V.TLSv1_2)
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(ca.file)

    assert await accepted(made) == VERSIONS_OLD


async def test_the_chain_of_an_old_server_is_read_too(ca: Authority) -> None:
    below = ca.below()
    made = context(below.certify(with_issuer=True), V.TLSv1, V.TLSv1)
    async with bad.serving(bad.close_after_hello, tls=made) as server:
        to = f"127.0.0.1:{server.port}"
        async with site(f"https://{HOST}:{server.port}", connect_to=to, ca=str(ca.file)) as here:
            verdict = await judge(certificate, here.tls, here.clock)
            found = await here.tls.certificate()
            offered = await here.tls.handshake("1.0")

    assert (verdict.outcome, found.chain_length, len(found.issuers)) == ("pass", 2, 1), verdict.message
    assert offered.cipher.startswith("ECDHE-ECDSA-")


async def judged(ca: Authority, pair: Pair, host: str = HOST) -> Verdict:
    async with bad.serving(bad.close_after_hello, tls=pair.context(weak=True)) as server:
        to = f"127.0.0.1:{server.port}"
        async with site(f"https://{host}:{server.port}", connect_to=to, ca=str(ca.file)) as here:
            return await judge(certificate, here.tls, here.clock)


@pytest.mark.parametrize(
    ("days", "outcome"), [row((-1, 21), "pass", id="21 days left"), row((-1, 20), "fail", id="20 days left")]
)
async def test_days_left(ca: Authority, days: tuple[int, int], outcome: str) -> None:
    assert (await judged(ca, ca.certify(days=days))).outcome == outcome


async def test_a_clients_certificate_does_not_stand_for_a_server(ca: Authority) -> None:
    verdict = await judged(ca, ca.certify(usage=ExtendedKeyUsageOID.CLIENT_AUTH))

    assert verdict.message == "its extended key usage does not let it stand for a server"


async def test_a_weak_intermediate_fails_though_the_leaf_is_strong(ca: Authority) -> None:
    below = ca.below(key=rsa.generate_private_key(public_exponent=65537, key_size=1024))
    verdict = await judged(ca, below.certify(with_issuer=True))

    assert verdict.message == "the issuer CN=intermediate's key is RSA 1024, wanted at least 2048 bits"


async def test_an_intermediate_that_ends_soon_fails(ca: Authority) -> None:
    verdict = await judged(ca, ca.below(days=(-1, 5)).certify(with_issuer=True))

    assert verdict.message == "a certificate of its chain expires in 5 days"


async def test_a_short_curve_fails(ca: Authority) -> None:
    pair = ca.certify(key=ec.generate_private_key(ec.SECP224R1()))
    made = pair.context(weak=True)
    made.maximum_version = V.TLSv1_2
    async with bad.serving(bad.close_after_hello, tls=made) as server:
        to = f"127.0.0.1:{server.port}"
        async with site(f"https://{HOST}:{server.port}", connect_to=to, ca=str(ca.file)) as here:
            verdict = await judge(certificate, here.tls, here.clock)

    assert verdict.message == "its key is EC 224, wanted at least 256 bits"


@pytest.mark.parametrize(
    ("names", "addresses", "host", "names_it"),
    [
        row(("a.example",), (), "A.Example.", True, id="case and the last dot do not count"),
        row(("*.a.example",), (), "b.a.example", True, id="a wildcard for one label"),
        row(("*.a.example",), (), "c.b.a.example", False, id="a wildcard for two labels"),
        row(("*.a.example",), (), "a.example", False, id="a wildcard for none"),
        row(("b*.a.example",), (), "bb.a.example", False, id="a wildcard for a part of a label"),
        row(("*",), (), "example", False, id="a star alone"),
        row(("xn--bcher-kva.example",), (), "bücher.example", True, id="a name that is not ASCII"),
        row((), ("192.0.2.1",), "192.0.2.1", True, id="an address"),
        row((), ("2001:db8::1",), "[2001:DB8:0::1]", True, id="an address written otherwise"),
        row(("192.0.2.1",), (), "192.0.2.1", False, id="an address as a DNS name"),
        row(("*.0.2.1",), (), "192.0.2.1", False, id="a wildcard is no address"),
    ],
)
def test_names(names: tuple[str, ...], addresses: tuple[str, ...], host: str, names_it: bool) -> None:
    assert _names_host(names, addresses, host) is names_it


# --- servers written byte by byte


def record(kind: int, payload: bytes) -> bytes:
    return bytes([kind, 3, 3]) + len(payload).to_bytes(2, "big") + payload


def hello(version: bytes) -> bytes:
    body = version + b"r" * 32 + b"\0" + b"\x00\x0a" + b"\0"
    return record(22, b"\2" + len(body).to_bytes(3, "big") + body)


async def says(data: bytes) -> Verdict:
    async with bad.serving(bad.raw(data)) as server, site(f"https://127.0.0.1:{server.port}") as here:
        return await judge(versions, here.tls)


async def test_a_cipher_that_the_local_openssl_does_not_know_is_still_an_acceptance() -> None:
    async with bad.serving(bad.raw(hello(b"\3\1"))) as server, site(f"https://127.0.0.1:{server.port}") as here:
        answer = await here.tls.handshake("1.0")

    assert (answer.accepted, answer.cipher) in [(True, "0x000A"), (True, "DES-CBC3-SHA")]


async def test_a_server_that_answers_with_another_version_does_not_accept_the_one_asked() -> None:
    async with bad.serving(bad.raw(hello(b"\3\1"))) as server, site(f"https://127.0.0.1:{server.port}") as here:
        answer = await here.tls.handshake("1.2")

    assert (answer.accepted, answer.detail) == (False, "the server answered with another version")


async def test_a_server_that_knows_no_such_name_is_an_error_and_no_refusal() -> None:
    verdict = await says(record(21, b"\2\x70"))

    assert verdict.outcome == "error"
    assert "has no site of the name 127.0.0.1" in verdict.message


async def test_a_warning_before_the_hello_is_no_refusal() -> None:
    async with (
        bad.serving(bad.raw(record(21, b"\1\x70") + hello(b"\3\2"))) as server,
        site(f"https://127.0.0.1:{server.port}") as here,
    ):
        assert (await here.tls.handshake("1.1")).accepted


@pytest.mark.parametrize(
    "data",
    [
        row(record(22, b"") * 50_000, id="many empty records"),
        row(record(22, b"\0\0\0\0" * 4_000) * 15, id="many empty messages"),
        row(record(22, b"\2\xff\xff\xff" + b"x" * 16_000) * 16, id="a message longer than all that comes"),
        row(record(22, b"\x0b\0\x10\0\0\x0f\xfd" + b"\0" * 4_093), id="a chain of empty certificates"),
        row(record(22, b"\2\0\0\1x"), id="a hello of one byte"),
        row(record(23, b"x" * 100), id="data before the handshake"),
    ],
)
async def test_strange_records_are_no_acceptance(data: bytes) -> None:
    verdict = await says(data)

    assert verdict.outcome in ("error", "not-checked", "fail")


def test_what_is_no_tls_is_told_from_what_has_not_come_whole() -> None:
    assert read_answer(b"\x16\x03\x01\x00") == read_answer(b"")
    for data in (b"HTTP/1.1 400", b"\x16\x02", b"\x00"):
        with pytest.raises(NotTls):
            read_answer(data)


def test_the_hello_names_the_host_but_no_address() -> None:
    assert b"health-mesh.example" in client_hello(0x0301, "health-mesh.example.")
    assert b"127.0.0.1" not in client_hello(0x0303, "127.0.0.1")
    assert b"xn--bcher-kva.example" in client_hello(0x0302, "bücher.example")
