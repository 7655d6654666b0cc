"""Certificates that clients do not trust, and servers that speak no TLS: an error over https, a failure of tls.*."""

from pathlib import Path

import pytest
from tests.live.web_help import HOST, Authority, Pair, authority, is_clear, site
from tests.stubs import bad_http as bad

from meshguard.targets.web import Page
from meshguard.testing import judge
from meshguard.verdict import Verdict
from meshguard_checks.tls import certificate, versions
from meshguard_checks.web import hsts

row = pytest.param
HOME = Page(path="/")


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return authority(tmp_path)


async def both(pair: Pair, ca: Path, host: str = HOST) -> tuple[Verdict, Verdict]:
    """What web.hsts and tls.certificate say of a server with this certificate."""
    good = bad.answers(b"strict-transport-security: max-age=31536000")
    async with bad.serving(good, tls=pair.context()) as server:
        to = f"127.0.0.1:{server.port}"
        async with site(f"https://{host}:{server.port}", ca=str(ca), connect_to=to) as here:
            return await judge(hsts, HOME, here.web), await judge(certificate, here.tls, here.clock)


async def test_a_good_certificate_passes(ca: Authority) -> None:
    web, tls = await both(ca.certify(), ca.file)

    assert (web.outcome, tls.outcome) == ("pass", "pass"), tls.message


async def test_a_certificate_of_another_ca(ca: Authority, tmp_path: Path) -> None:
    web, tls = await both(authority(tmp_path, "other").certify(), ca.file)

    assert is_clear(web)
    assert "no certificate that is trusted: unable to get local issuer certificate" in web.message
    assert tls.outcome == "fail"
    assert "it is not trusted: unable to get local issuer certificate" in tls.message


async def test_an_expired_certificate(ca: Authority) -> None:
    web, tls = await both(ca.certify(days=(-90, -2)), ca.file)

    assert is_clear(web)
    assert "certificate has expired" in web.message
    assert (tls.outcome, tls.message[:17]) == ("fail", "it is valid from ")


async def test_a_certificate_for_another_name(ca: Authority) -> None:
    web, tls = await both(ca.certify("other.example"), ca.file)

    assert is_clear(web)
    assert "Hostname mismatch" in web.message
    assert tls.message == f"it is for other.example, 127.0.0.1 and not for {HOST}"


async def test_a_self_signed_certificate(tmp_path: Path, ca: Authority) -> None:
    own = authority(tmp_path, "self")
    web, tls = await both(own.certify(with_issuer=True), ca.file)

    assert is_clear(web)
    assert "self-signed certificate" in web.message
    assert (tls.outcome, "self-signed certificate" in tls.message) == ("fail", True)


async def test_a_chain_without_its_intermediate(ca: Authority) -> None:
    below = ca.below()
    alone, whole = below.certify(), below.certify(with_issuer=True)
    web, tls = await both(alone, ca.file)

    assert is_clear(web)
    assert tls.outcome == "fail"
    assert "the server sent no certificate besides it" in tls.message
    assert [verdict.outcome for verdict in await both(whole, ca.file)] == ["pass", "pass"]


async def test_a_ca_file_that_holds_no_certificate(ca: Authority, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    web, tls = await both(ca.certify(), tmp_path / "empty.pem")

    assert is_clear(web)
    assert is_clear(tls)
    assert "holds no CA certificate" in web.message
    assert "holds no CA certificate" in tls.message


@pytest.mark.parametrize(
    ("behave", "versions_say"),
    [
        row(bad.close_at_once, "the server closed every connection without an answer", id="closes at once"),
        row(bad.close_after_hello, "the server closed every connection without an answer", id="closes after the hello"),
        row(bad.one_alert_byte, "the server closed every connection without an answer", id="closes within a record"),
        row(bad.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "does not speak TLS", id="plain http"),
        row(bad.raw(b"220 mail.example ESMTP\r\n"), "does not speak TLS", id="mail"),
        row(bad.raw(b"\x00" * 100), "does not speak TLS", id="zeros"),
    ],
)
async def test_a_server_without_tls_is_not_passed(behave: bad.Behaviour, versions_say: str) -> None:
    async with bad.serving(behave) as server, site(f"https://127.0.0.1:{server.port}") as here:
        web = await judge(hsts, HOME, here.web)
        tls = await judge(versions, here.tls)
        leaf = await judge(certificate, here.tls, here.clock)

    assert is_clear(web)
    assert tls.outcome in ("error", "not-checked")
    assert versions_say in tls.message
    assert tls.fix
    assert is_clear(leaf)


async def test_a_tls_server_that_ends_without_an_alert_is_judged_by_what_it_said(ca: Authority) -> None:
    head = b"HTTP/1.1 200 OK\r\nstrict-transport-security: max-age=31536000\r\n"

    async def cut(reader: bad.Reader, writer: bad.Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"content-length: 1\r\n\r\nx")
        await writer.drain()
        writer.transport.abort()

    async with (
        bad.serving(cut, tls=ca.certify().context()) as server,
        site(f"https://127.0.0.1:{server.port}", ca=str(ca.file)) as here,
    ):
        verdict = await judge(hsts, HOME, here.web)

    assert verdict.outcome == "pass"
