"""Whatever a server does, the audit says in one line what happened and what to do, in time, and never passes it."""

import socket
import time
from pathlib import Path

import pytest
from tests.live.web_help import HOST, Authority, authority, is_clear, site
from tests.stubs import bad_http as bad

from meshguard.targets.web import Page, Refused
from meshguard.testing import judge
from meshguard_checks.tls import versions
from meshguard_checks.web import csp, hsts, no_technology_disclosure, redirects_to_https

row = pytest.param
HOME = Page(path="/")
DEADLINE_S = 1.0
IN_TIME_S = 5.0
"""The deadline, and what a busy machine takes besides."""


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return authority(tmp_path)


BEHAVIOURS = [
    row(bad.hang_after_request, "had no whole answer within 1 s", id="hangs after the request"),
    row(bad.drip, "had no whole answer within 1 s", id="a byte a second"),
    row(bad.drip_body, "had no whole answer within 1 s", id="the body a byte a second"),
    row(bad.endless_headers, "its headers are too large", id="100 MB of header lines"),
    row(bad.endless_line, "its headers are too large", id="one header line of 100 MB"),
    row(bad.close_after_hello, "no whole valid HTTP answer", id="closes after the request"),
    row(bad.says(b"SSH-2.0-OpenSSH_9.2\r\n"), "no whole valid HTTP answer", id="another protocol"),
    row(bad.says(b"\x00\xff" * 1000), "no whole valid HTTP answer", id="garbage"),
    row(bad.says(b"HTTP/1.1 200 OK\r\nserver: x\r\nconte"), "no whole valid HTTP answer", id="closed within the head"),
    row(bad.says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"), "no whole valid HTTP answer", id="within the body"),
    row(bad.says(b"HTTP/1.1 200 OK\r\nserver: a\x00b\r\n\r\n"), "no whole valid HTTP answer", id="NUL in a header"),
    row(bad.says(b"HTTP/1.1 99999 OK\r\n\r\n"), "no whole valid HTTP answer", id="an impossible status"),
    row(bad.answers(b"content-length: 5"), "no whole valid HTTP answer", id="two lengths that differ"),
]


@pytest.mark.parametrize(("behave", "reason"), BEHAVIOURS)
async def test_over_https_it_is_an_error_in_time(ca: Authority, behave: bad.Behaviour, reason: str) -> None:
    async with (
        bad.serving(behave, tls=ca.certify().context()) as server,
        site(f"https://127.0.0.1:{server.port}", ca=str(ca.file)) as here,
    ):
        begun = time.monotonic()
        verdict = await judge(hsts, HOME, here.web)

    assert is_clear(verdict)
    assert reason in verdict.message
    assert time.monotonic() - begun < IN_TIME_S
    assert server.connections == 1


@pytest.mark.parametrize(("behave", "reason"), BEHAVIOURS)
async def test_over_plain_http_it_is_an_error_and_no_closed_port(behave: bad.Behaviour, reason: str) -> None:
    async with (
        bad.serving(behave) as server,
        site("https://127.0.0.1:9", http_url=f"http://127.0.0.1:{server.port}") as here,
    ):
        verdict = await judge(redirects_to_https, HOME, here.web)

    assert is_clear(verdict)
    assert reason in verdict.message


async def test_a_server_that_never_speaks_is_an_error_in_time() -> None:
    async with bad.serving(bad.hang) as server:
        url = f"127.0.0.1:{server.port}"
        async with site(f"https://{url}", http_url=f"http://{url}") as here:
            begun = time.monotonic()
            https = await judge(hsts, HOME, here.web)
            plain = await judge(redirects_to_https, HOME, here.web)
            tls = await judge(versions, here.tls)
            took = time.monotonic() - begun

    assert [is_clear(verdict) for verdict in (https, plain, tls)] == [True, True, True]
    assert https.message == f"no connection with https://{url} within 0.45 s"
    assert plain.message.endswith("had no whole answer within 1 s")
    assert tls.message.endswith("had no whole answer within 1 s")
    assert took < 3 * IN_TIME_S


async def test_an_endless_body_is_cut_and_its_headers_are_judged(ca: Authority) -> None:
    async with (
        bad.serving(bad.endless_body, tls=ca.certify().context()) as server,
        site(f"https://127.0.0.1:{server.port}", ca=str(ca.file)) as here,
    ):
        verdict = await judge(hsts, HOME, here.web)
        answer = await here.web.get("/")

    assert verdict.outcome == "pass"
    assert answer.body_bytes == 65_536


async def test_a_closed_port_that_the_deployment_names_is_no_pass() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take the port meanwhile
        url = f"127.0.0.1:{closed.getsockname()[1]}"
        async with site(f"https://{url}", http_url=f"http://{url}") as here:
            https = await judge(hsts, HOME, here.web)
            tls = await judge(versions, here.tls)
            plain = await judge(redirects_to_https, HOME, here.web)
            wanted = await judge(redirects_to_https, HOME, here.web, allow_closed_port=False)

    assert is_clear(https)
    assert https.message == f"https://{url} refused the connection"
    assert is_clear(tls)
    assert (plain.outcome, plain.message) == (
        "not-checked",
        f"the deployment says that plain http is at {url}, and nothing listens there",
    )
    assert wanted.outcome == "not-checked"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 64 + ".invalid"])
async def test_a_name_that_does_not_resolve_is_no_closed_port(host: str) -> None:
    async with site(f"https://{host}:8443", http_url=f"http://{host}:8080", deadline="5s") as here:
        for verdict in (
            await judge(hsts, HOME, here.web),
            await judge(redirects_to_https, HOME, here.web),
            await judge(versions, here.tls),
        ):
            assert is_clear(verdict)


async def test_the_plain_port_is_not_guessed_where_the_site_is_elsewhere() -> None:
    async with site(f"https://{HOST}", connect_to="127.0.0.1:9") as here:
        verdict = await judge(redirects_to_https, HOME, here.web)

    assert is_clear(verdict)
    assert "does not say where" in verdict.message


# --- redirects


async def test_a_loop_of_redirects_is_an_error_after_one_request_each(ca: Authority) -> None:
    async with (
        bad.serving(bad.redirects(b"/"), tls=ca.certify().context()) as server,
        site(f"https://127.0.0.1:{server.port}", ca=str(ca.file)) as here,
    ):
        verdict = await judge(hsts, HOME, here.web)

    assert is_clear(verdict)
    assert "redirects do not end" in verdict.message
    assert server.connections <= 2


async def test_redirects_without_end_are_left_after_ten(ca: Authority) -> None:
    async def further(reader: bad.Reader, writer: bad.Writer) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        place = b"location: " + asked + b"a\r\n"
        writer.write(b"HTTP/1.1 302 Found\r\n" + place + b"connection: close\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    async with (
        bad.serving(further, tls=ca.certify().context()) as server,
        site(f"https://127.0.0.1:{server.port}", ca=str(ca.file)) as here,
    ):
        verdict = await judge(hsts, HOME, here.web)

    assert is_clear(verdict)
    assert server.connections == 11


@pytest.mark.parametrize("scheme", ["https", "http", "HTTPS"])
async def test_a_host_that_is_not_named_is_never_contacted(ca: Authority, scheme: str) -> None:
    pair = ca.certify()
    async with bad.serving(bad.answers()) as other:
        to = f"{scheme}://127.0.0.1:{other.port}/?token=s3cret".encode()
        async with (
            bad.serving(bad.redirects(to), tls=pair.context()) as server,
            bad.serving(bad.redirects(to)) as plain,
            site(
                f"https://127.0.0.1:{server.port}",
                ca=str(ca.file),
                http_url=f"http://127.0.0.1:{plain.port}",
            ) as here,
        ):
            header = await judge(csp, HOME, here.web)
            redirect = await judge(redirects_to_https, HOME, here.web)
            seen = await here.web.page("/")

        assert (header.outcome, redirect.outcome) == ("fail", "fail")
        assert other.connections == 0
        assert "s3cret" not in str(here.evidence.observations)
        assert seen.status == 302


async def test_a_host_that_is_named_is_followed(ca: Authority) -> None:
    pair = ca.certify()
    async with bad.serving(bad.answers(b"server: other/1.0"), tls=pair.context()) as other:
        to = f"https://127.0.0.1:{other.port}/".encode()
        async with bad.serving(bad.redirects(to), tls=pair.context()) as server:
            named = [f"127.0.0.1:{other.port}"]
            async with site(f"https://127.0.0.1:{server.port}", ca=str(ca.file), hosts=named) as here:
                verdict = await judge(no_technology_disclosure, HOME, here.web)

    assert verdict.message == "server names a version: other/1.0"
    assert other.connections == 1


@pytest.mark.parametrize(
    "location",
    [
        row(b"file:///etc/passwd", id="a file"),
        row(b"javascript:alert(1)", id="a script"),
        row(b"http://127.0.0.1:1/", id="plain http"),
        row(b"https://[bad/", id="a broken address"),
        row(b"https://a.example:99999/", id="a port beyond all ports"),
        row(b"https://a.example:x/", id="a port that is a word"),
        row(b"//", id="no host"),
        row(b"", id="nothing"),
    ],
)
async def test_a_redirect_to_no_https_address_is_judged_itself(ca: Authority, location: bytes) -> None:
    async with (
        bad.serving(bad.redirects(location), tls=ca.certify().context()) as server,
        bad.serving(bad.redirects(location, b"301 Moved")) as plain,
        site(f"https://127.0.0.1:{server.port}", ca=str(ca.file), http_url=f"http://127.0.0.1:{plain.port}") as here,
    ):
        header = await judge(hsts, HOME, here.web)
        redirect = await judge(redirects_to_https, HOME, here.web)

    assert redirect.outcome == "fail"
    if location:
        assert header.message.startswith("no Strict-Transport-Security header on the redirect")
    assert header.outcome != "pass"


async def test_bytes_that_are_no_text_are_read_and_judged(ca: Authority) -> None:
    lines = (b"strict-transport-security: max-age=31536000; \xff\xfe", b"server: caf\xe9/1.0")
    async with (
        bad.serving(bad.answers(*lines), tls=ca.certify().context()) as server,
        site(f"https://127.0.0.1:{server.port}", ca=str(ca.file)) as here,
    ):
        policy = await judge(hsts, HOME, here.web)
        said = await judge(no_technology_disclosure, HOME, here.web)

    assert policy.outcome == "fail"
    assert said.message == "server names a version: café/1.0"


async def test_the_cookie_of_one_answer_is_not_sent_with_the_next_request(ca: Authority) -> None:
    seen: list[bytes] = []

    async def sets(reader: bad.Reader, writer: bad.Writer) -> None:
        while True:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: sid=s3cret; Secure\r\ncontent-length: 0\r\n\r\n")

    async with (
        bad.serving(sets, tls=ca.certify().context()) as server,
        site(f"https://127.0.0.1:{server.port}", ca=str(ca.file), headers={"X-Key": "k3y"}) as here,
    ):
        await here.web.get("/")
        await here.web.get("/login")

    assert [b"x-key: k3y" in request.lower() for request in seen] == [True, True]
    assert [b"cookie" in request.lower() for request in seen] == [False, False]
    assert "s3cret" not in str(here.evidence.observations)


async def test_a_name_with_two_addresses_that_both_refuse_is_a_closed_port() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        async with site("https://localhost:9", http_url=f"http://localhost:{port}") as here:
            answer = await here.web.plain("/")

    assert answer == Refused(refused=f"localhost:{port}")


async def test_garbage_in_the_date_is_no_clock(ca: Authority) -> None:
    for date in (b"now", b"Mon, 99 Foo 9999 99:99:99 GMT", b"Mon, 01 Jan 2024 00:00:00"):
        async with (
            bad.serving(bad.answers(b"date: " + date, b"set-cookie: a-value"), tls=ca.certify().context()) as server,
            site(f"https://127.0.0.1:{server.port}", ca=str(ca.file)) as here,
        ):
            answer = await here.web.get("/")

        assert (answer.clock_offset_s, answer.cookies[0].name) == (None, "")
