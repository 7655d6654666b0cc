"""A real nginx: what it is told to send is what the checks see, and it is asked no more than it must."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.live.web_help import Authority, authority, site

from meshguard.api import Check, Listing, Verdict
from meshguard.targets.tls import VERSIONS, Version
from meshguard.targets.web import Page
from meshguard.testing import judge
from meshguard_checks import web
from meshguard_checks.tls import certificate, versions

pytestmark = [
    pytest.mark.nginx,
    pytest.mark.skipif(
        shutil.which("nginx", path="/usr/sbin:/usr/bin") is None and os.environ.get("CI") != "true",
        reason="nginx is not installed",
    ),
]
row = pytest.param
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin") or "nginx"
PATHS = ("/", "/login", "/api/patients", "/no-such-page")
HEADER_CHECKS = {
    check.id: check
    for check in vars(web).values()
    if isinstance(check, Check) and check.id not in ("web.cookies", "web.redirects_to_https")
}

GOOD = """
  add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;
  add_header Content-Security-Policy "default-src 'self'; base-uri 'none'; frame-ancestors 'none'" always;
  add_header X-Content-Type-Options nosniff always;
  add_header X-Frame-Options DENY always;
  add_header Referrer-Policy no-referrer always;
  add_header Permissions-Policy "geolocation=(), camera=(), microphone=()" always;
  add_header Cross-Origin-Opener-Policy same-origin always;
  add_header Cross-Origin-Resource-Policy same-origin always;
  add_header Origin-Agent-Cluster ?1 always;
  add_header X-DNS-Prefetch-Control off always;
  add_header X-Download-Options noopen always;
  add_header X-Permitted-Cross-Domain-Policies none always;
  add_header X-XSS-Protection 0 always;
  server_tokens off;
"""
COOKIE = "__Host-sid=s3cret; Secure; HttpOnly; SameSite=Strict; Path=/"
CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_ciphers ALL:@SECLEVEL=0;
  {servers}
}}
"""
SERVER = """
  server {{
    listen 127.0.0.1:{port} {ssl};
    access_log {folder}/{name}.log;
    {more}
  }}
"""
PAGES = """
    location = / {{ default_type text/html; add_header Set-Cookie "{cookie}"; {headers} return 200 "<p>hello"; }}
    location = /login {{ return 302 /; }}
    location /api/ {{ default_type application/json; return 200 "{{}}"; }}
    location / {{ return 404; }}
"""


@dataclass(frozen=True)
class Nginx:
    """An nginx that runs, with one server for each name."""

    folder: Path
    ports: dict[str, int]
    ca: Path

    def url(self, name: str) -> str:
        scheme = "http" if name.startswith("plain") else "https"
        return f"{scheme}://127.0.0.1:{self.ports[name]}"

    def requests(self, name: str) -> list[str]:
        """The request lines in the server's access log."""
        time.sleep(0.05)
        return [line.split('"')[1] for line in (self.folder / f"{name}.log").read_text().splitlines()]


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def servers(folder: Path, ports: dict[str, int]) -> str:
    pages = PAGES.format(cookie=COOKIE, headers=GOOD)
    bare = PAGES.format(cookie="sid=s3cret", headers="")
    https = f"https://127.0.0.1:{ports['all-good']}"
    more = {
        "all-good": f"ssl_protocols TLSv1.3; {GOOD} {pages}",
        "bare": f"ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; {bare}",
        "on-200-only": f"ssl_protocols TLSv1.2 TLSv1.3; {GOOD.replace(' always', '')} {pages}",
        "seclevel": "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers DEFAULT; return 404;",
        "plain-good": f"return 308 {https}$request_uri;",
        "plain-302": f"return 302 {https}$request_uri;",
        "plain-host": "return 301 https://localhost:1$request_uri;",
        "plain-pages": bare,
    }
    return "".join(
        SERVER.format(
            port=port, ssl="" if name.startswith("plain") else "ssl", folder=folder, name=name, more=more[name]
        )
        for name, port in ports.items()
    )


NAMES = ("all-good", "bare", "on-200-only", "seclevel", "plain-good", "plain-302", "plain-host", "plain-pages")


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def nginx(tmp_path: Path, ca: Authority) -> Iterator[Nginx]:
    ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
    pair = ca.certify("localhost")
    config = tmp_path / "nginx.conf"
    config.write_text(
        CONFIG.format(folder=tmp_path, certificate=pair.certificate, key=pair.key, servers=servers(tmp_path, ports))
    )
    command = [NGINX, "-p", str(tmp_path), "-c", str(config), "-e", str(tmp_path / "error.log")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            wait(process, ports["plain-good"])
            yield Nginx(tmp_path, ports, ca.file)
        finally:
            process.terminate()
            process.wait(10)


def wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until it listens; it opens all ports before it serves any."""
    for _ in range(100):
        assert process.poll() is None, "nginx did not start"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nginx does not listen")


async def all_paths(nginx: Nginx, name: str, check: Check[...], plain: str = "plain-good") -> dict[str, Verdict]:
    async with site(nginx.url(name), ca=str(nginx.ca), paths=PATHS, http_url=nginx.url(plain), deadline="5s") as here:
        pages: Listing[Page] = await here.web.pages()
        return {page.path: await judge(check, page, here.web) for page in pages.items}


@pytest.mark.parametrize("check_id", HEADER_CHECKS)
async def test_a_hardened_server_passes_on_every_path(nginx: Nginx, check_id: str) -> None:
    found = await all_paths(nginx, "all-good", HEADER_CHECKS[check_id])

    assert {path: verdict.outcome for path, verdict in found.items()} == dict.fromkeys(PATHS, "pass"), found


@pytest.mark.parametrize("check_id", HEADER_CHECKS)
async def test_a_bare_server_fails_on_every_path(nginx: Nginx, check_id: str) -> None:
    found = await all_paths(nginx, "bare", HEADER_CHECKS[check_id])

    assert {path: verdict.outcome for path, verdict in found.items()} == dict.fromkeys(PATHS, "fail")


@pytest.mark.parametrize("check_id", [check_id for check_id in HEADER_CHECKS if "disclosure" not in check_id])
async def test_add_header_without_always_fails_on_the_404_alone(nginx: Nginx, check_id: str) -> None:
    found = await all_paths(nginx, "on-200-only", HEADER_CHECKS[check_id])

    assert [path for path, verdict in found.items() if verdict.outcome != "pass"] == ["/no-such-page"]


async def test_cookies_are_judged_where_they_are_set(nginx: Nginx) -> None:
    good = await all_paths(nginx, "all-good", web.cookies)
    bare = await all_paths(nginx, "bare", web.cookies)

    assert [verdict.outcome for verdict in good.values()] == ["pass", "pass", "not-applicable", "not-applicable"]
    assert [verdict.outcome for verdict in bare.values()] == ["fail", "fail", "not-applicable", "not-applicable"]


@pytest.mark.parametrize(
    ("plain", "outcome", "message"),
    [
        row("plain-good", "pass", "308 to https://127.0.0.1:", id="308 to the site"),
        row("plain-302", "fail", "the redirect is 302 and not permanent", id="302 to the site"),
        row("plain-host", "fail", "the first redirect leads to another host, localhost:1", id="to another host"),
        row("plain-pages", "fail", "over plain http and does not redirect", id="pages over plain http"),
    ],
)
async def test_redirects(nginx: Nginx, plain: str, outcome: str, message: str) -> None:
    found = await all_paths(nginx, "all-good", web.redirects_to_https, plain)
    wanted = found["/"]

    assert (wanted.outcome, message in wanted.message) == (outcome, True), wanted.message


@pytest.mark.parametrize(
    ("name", "accepted", "least", "outcome"),
    [
        row("all-good", ["1.3"], "1.3", "pass", id="1.3 alone"),
        row("on-200-only", ["1.2", "1.3"], "1.3", "fail", id="1.2 where 1.3 alone is wanted"),
        row("on-200-only", ["1.2", "1.3"], "1.2", "pass", id="1.2 where it may be"),
        row("bare", ["1.0", "1.1", "1.2", "1.3"], "1.2", "fail", id="all versions"),
        row("seclevel", ["1.2", "1.3"], "1.2", "pass", id="old ones named, but barred by OpenSSL's level"),
    ],
)
async def test_tls_versions(nginx: Nginx, name: str, accepted: list[Version], least: str, outcome: str) -> None:
    async with site(nginx.url(name), ca=str(nginx.ca), deadline="5s") as here:
        verdict = await judge(versions, here.tls, min=least)
        answers = [await here.tls.handshake(version) for version in VERSIONS]

    assert [answer.version for answer in answers if answer.accepted] == accepted, answers
    assert verdict.outcome == outcome
    assert not any(answer.closed for answer in answers)


async def test_all_checks_together_ask_each_thing_once(nginx: Nginx) -> None:
    async with site(
        nginx.url("all-good"), ca=str(nginx.ca), paths=PATHS, http_url=nginx.url("plain-good"), deadline="5s"
    ) as here:
        for check in (*HEADER_CHECKS.values(), web.cookies, web.redirects_to_https):
            for path in PATHS:
                await judge(check, Page(path=path), here.web)
        assert (await judge(versions, here.tls)).outcome == "pass"
        assert (await judge(certificate, here.tls, here.clock)).outcome == "pass"
        handshakes = [key for key in here.evidence.observations if "/handshake(" in key]

    assert sorted(nginx.requests("all-good")) == sorted(f"GET {path} HTTP/1.1" for path in PATHS)
    assert sorted(nginx.requests("plain-good")) == sorted(f"GET {path} HTTP/1.1" for path in PATHS)
    assert len(handshakes) == len(VERSIONS)
    log = (nginx.folder / "error.log").read_text()
    assert log.count("SSL_do_handshake() failed") == len(VERSIONS) - 1
    assert "s3cret" not in str(here.evidence.observations)
