"""Secrets of the deployment against a server that gives them back wherever it can."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import quote

import pytest
from tests.conftest import Workplace

SECRET = 'hunter2+tr0ub/4dor=="x'
SESSION = "s3ss10n-of-somebody-0123456789"


class Echo(BaseHTTPRequestHandler):
    """Gives the secret header back in headers, cookies, a redirect and the body."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        secret = self.headers.get("X-Api-Key", "")
        self.seen.append(secret)
        self.send_response(302 if self.path == "/away" else 200, f"OK {secret}")
        self.send_header("Location", f"/back/{quote(secret, safe='')}?token={quote(secret)}#{secret}")
        self.send_header("Server", f"nginx {secret}")
        self.send_header("X-Powered-By", secret)
        self.send_header("Strict-Transport-Security", f"max-age={secret}")
        self.send_header("Content-Security-Policy", f"report-uri /{secret}")
        self.send_header(f"X-{secret.replace('=', '').replace('/', '').replace(chr(34), '')}", "1")
        self.send_header("Set-Cookie", f"session={SESSION}; Path=/{secret}; Domain={secret}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    Echo.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_secret_that_is_echoed_is_nowhere(work: Workplace, site: str) -> None:
    work.environment["API_KEY"] = SECRET
    work.write(
        "meshguard.yaml",
        f"name: demo\nprofile: web-baseline\ntargets:\n  web:\n    - name: site\n      url: {site}\n"
        "      paths: [/, /away]\n      headers: {X-Api-Key: '${API_KEY}'}\n",
    )
    reports = ("-o", "json=r.json", "-o", "html=r.html", "-o", "text=r.txt", "-e", "e.jsonl")
    done = work.run("audit", "-v", *reports)
    assert done.returncode in (1, 3), done.stderr
    asked = [work.run("ask", "site", "get", path) for path in ("/", "/away", "nowhere://")]
    replayed = work.run("audit", "-v", "--replay", "e.jsonl", "-o", "json=again.json")
    assert SECRET in Echo.seen
    texts = {path.name: path.read_text() for path in work.folder.iterdir()}
    texts |= {f"{n}": run.stdout + run.stderr for n, run in enumerate([done, *asked, replayed])}
    assert {"r.json", "r.html", "r.txt", "e.jsonl", "again.json"} <= set(texts)
    forms = [SECRET, quote(SECRET), quote(SECRET, safe=""), json.dumps(SECRET)[1:-1], SESSION]
    assert not [(name, form) for name, text in texts.items() for form in forms if form in text]
    assert "[secret header X-Api-Key]" in texts["e.jsonl"]
    assert len(json.loads(texts["r.json"])["findings"]) > 5


def test_a_secret_is_not_in_what_is_said_of_a_mistake(work: Workplace, site: str) -> None:
    work.environment["API_KEY"] = SECRET
    work.write(
        "meshguard.yaml",
        f"name: demo\nprofile: web-baseline\ntargets:\n  web:\n    - name: site\n      url: {site}\n"
        "      headers: ['${API_KEY}']\n",
    )
    done = work.run("audit")
    assert done.returncode == 2
    assert "targets.web.0.headers" in done.stderr
    assert SECRET not in done.stderr
    assert Echo.seen == []
