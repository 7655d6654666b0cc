"""A stub of an npm registry, for `npm audit`: advisories in bulk, and the packuments that it asks for a fix.

No registry is behind it: what it knows are two real advisories, and what a test adds or takes away.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

LODASH = {
    "id": 1065,
    "url": "https://github.com/advisories/GHSA-jf85-cpcp-j695",
    "title": "Prototype Pollution in lodash",
    "severity": "critical",
    "vulnerable_versions": "<4.17.12",
    "cwe": ["CWE-1321"],
    "cvss": {"score": 9.1, "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:H"},
}
MINIMIST = {
    "id": 1097677,
    "url": "https://github.com/advisories/GHSA-vh95-rmgr-6w4m",
    "title": "Prototype Pollution in minimist",
    "severity": "moderate",
    "vulnerable_versions": ">=1.0.0 <1.2.3",
    "cwe": ["CWE-1321"],
    "cvss": {"score": 5.6, "vectorString": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:L"},
}
VERSIONS = {"lodash": ("4.17.4", "4.17.21"), "minimist": ("1.2.0", "1.2.8"), "left-pad": ("1.3.0",)}


@dataclass
class NpmRegistry:
    """What the stub knows, how it answers, and what it was asked."""

    url: str = ""
    advisories: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"lodash": [LODASH], "minimist": [MINIMIST]}
    )
    status: int = 200
    """Of its answer to the question for advisories."""
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def npm_registry() -> Iterator[NpmRegistry]:
    """A stub that runs on loopback until the block ends."""
    state = NpmRegistry()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._note()
            wanted = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
            state.asked.append(wanted)
            if "bulk" not in self.path:
                self._answer(404, {})
            else:
                found = {name: state.advisories[name] for name in wanted if name in state.advisories}
                self._answer(state.status, found if state.status == 200 else {"error": "out of order"})

        def do_GET(self) -> None:
            self._note()
            name = unquote(self.path.strip("/"))
            versions = VERSIONS.get(name)
            if versions is None:
                self._answer(404, {"error": "not found"})
                return
            manifests = {one: {"name": name, "version": one, "dist": {"tarball": ""}} for one in versions}
            self._answer(200, {"name": name, "dist-tags": {"latest": versions[-1]}, "versions": manifests})

        def _note(self) -> None:
            state.paths.append(self.path)
            state.headers.append(dict(self.headers))

        def _answer(self, status: int, body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
