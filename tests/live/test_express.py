"""A real Express with helmet: what helmet 8 sends by default is what web.security_headers wants, and no more is said.

Needs the packages that tests/node pins (`npm ci` there), or a folder that MESHGUARD_EXPRESS names.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.live.web_help import authority, site

from meshguard.targets.web import Page
from meshguard.testing import judge
from meshguard_checks import web

ROOT = Path(os.environ.get("MESHGUARD_EXPRESS", str(Path(__file__).parents[1] / "node")))
pytestmark = pytest.mark.skipif(
    not ((ROOT / "node_modules" / "helmet").is_dir() and shutil.which("node")) and os.environ.get("CI") != "true",
    reason="Express and helmet are not installed",
)
row = pytest.param
PATHS = ("/", "/api", "/no-such-page")

APP = """
const express = require('express');
const helmet = require('helmet');
const fs = require('fs');
const [, , mode, port, cert, key] = process.argv;
const app = express();
if (mode === 'defaults') app.use(helmet());
if (mode === 'strict') {
  app.use(helmet({
    frameguard: {action: 'deny'},
    contentSecurityPolicy: {directives: {frameAncestors: ["'none'"]}},
  }));
  app.use((request, response, next) => {
    response.set('Permissions-Policy', 'geolocation=(), camera=(), microphone=()');
    next();
  });
}
app.get('/', (request, response) => {
  response.cookie('__Host-sid', 's3cret', {secure: true, httpOnly: true, sameSite: 'strict', path: '/'});
  response.send('<p>hello</p>');
});
app.get('/api', (request, response) => response.json({ok: true}));
if (mode === 'strict') app.use((request, response) => response.status(404).send('<p>nothing here</p>'));
require('https').createServer({cert: fs.readFileSync(cert), key: fs.readFileSync(key)}, app)
  .listen(Number(port), '127.0.0.1');
"""


@dataclass(frozen=True)
class Express:
    """An Express that runs."""

    url: str
    ca: Path


@pytest.fixture
def express(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Express]:
    ca = authority(tmp_path)
    pair = ca.certify("localhost")
    (tmp_path / "app.js").write_text(APP)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    node = shutil.which("node") or "node"
    command = [node, str(tmp_path / "app.js"), request.param, str(port), str(pair.certificate), str(pair.key)]
    paths = {"NODE_PATH": str((ROOT / "node_modules").resolve())}
    with subprocess.Popen(command, env={**os.environ, **paths}, stdin=subprocess.DEVNULL) as process:
        try:
            wait(process, port)
            yield Express(f"https://127.0.0.1:{port}", ca.file)
        finally:
            process.terminate()
            process.wait(10)


def wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(200):
        assert process.poll() is None, "node did not start"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("node does not listen")


PASS, FAIL = dict.fromkeys(PATHS, "pass"), dict.fromkeys(PATHS, "fail")
BUT_404 = {**PASS, "/no-such-page": "fail"}
"""Express's own 404 page replaces helmet's policy by one without frame-ancestors."""


@pytest.mark.parametrize(
    ("express", "outcomes"),
    [
        row(
            "bare", dict.fromkeys(("web.hsts", "web.security_headers", "web.no_technology_disclosure"), FAIL), id="bare"
        ),
        row(
            "defaults",
            {
                "web.hsts": PASS,
                "web.content_type_options": PASS,
                "web.referrer_policy": PASS,
                "web.security_headers": PASS,
                "web.no_technology_disclosure": PASS,
                "web.csp": BUT_404,
                "web.frame_options": FAIL,  # helmet's default is SAMEORIGIN
                "web.permissions_policy": FAIL,  # helmet does not send it
            },
            id="helmet with its defaults",
        ),
        row(
            "strict",
            {"web.csp": PASS, "web.frame_options": PASS, "web.permissions_policy": PASS, "web.security_headers": PASS},
            id="helmet with what is wanted besides",
        ),
    ],
    indirect=["express"],
)
async def test_express(express: Express, outcomes: dict[str, dict[str, str]]) -> None:
    checks = {getattr(web, name).id: getattr(web, name) for name in web.__all__}
    async with site(express.url, ca=str(express.ca), paths=PATHS, deadline="5s") as here:
        found = {
            check_id: {path: str((await judge(checks[check_id], Page(path=path), here.web)).outcome) for path in PATHS}
            for check_id in outcomes
        }

    assert found == outcomes


@pytest.mark.parametrize("express", ["strict"], indirect=True)
async def test_the_cookie_that_express_sets_passes(express: Express) -> None:
    async with site(express.url, ca=str(express.ca), deadline="5s") as here:
        verdict = await judge(web.cookies, Page(path="/"), here.web, require_prefix="__Host-", same_site="Strict")

    assert verdict.outcome == "pass", verdict.message
