"""A stub of an OSV service, with batches, pages and single advisories; and the same advisories as archives."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def advisory(id_: str, ecosystem: str, name: str, *events: dict[str, str], **said: Any) -> dict[str, Any]:
    """An advisory in OSV's schema; events as `{"introduced": "0"}, {"fixed": "1.2"}`."""
    kind = "ECOSYSTEM" if ecosystem in ("PyPI", "RubyGems", "Packagist") else "SEMVER"
    affected = {
        "package": {"name": name, "ecosystem": ecosystem},
        "ranges": [{"type": kind, "events": list(events)}] if events else [],
        "versions": said.pop("versions", []),
    }
    return {
        "schema_version": "1.7.3",
        "id": id_,
        "modified": "2026-11-20T00:00:00Z",
        "published": "2026-11-01T00:00:00Z",
        "affected": [affected],
        **said,
    }


LODASH = advisory(
    "GHSA-jf85-cpcp-j695", "npm", "lodash", {"introduced": "0"}, {"fixed": "4.17.12"},
    aliases=["CVE-2019-10744"], database_specific={"severity": "CRITICAL"},
)  # fmt: skip
WERKZEUG = advisory(
    "PYSEC-2019-217", "PyPI", "werkzeug", {"introduced": "0"}, {"fixed": "0.15.3"}, versions=["0.15.2"],
    aliases=["CVE-2019-14806", "GHSA-gq9m-qvpx-68hc"],
    severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
)  # fmt: skip
ALL = (LODASH, WERKZEUG)


@dataclass
class OsvService:
    """What the stub knows, how it answers, and what it was asked."""

    url: str = ""
    known: list[dict[str, Any]] = field(default_factory=lambda: list(ALL))
    matches: dict[str, list[str]] = field(
        default_factory=lambda: {"lodash@4.17.4": ["GHSA-jf85-cpcp-j695"], "werkzeug@0.15.2": ["PYSEC-2019-217"]}
    )
    """`NAME@VERSION` -> ids."""
    paged: bool = False
    """Whether each advisory comes on a page of its own, after an empty one."""
    broken: str = ""
    """`short`: answers fewer questions than were asked; `status`: answers 503; `other`: gives another advisory."""
    asked: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def osv_service() -> Iterator[OsvService]:
    """A stub that runs on loopback until the block ends."""
    state = OsvService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if state.broken == "status":
                self._answer(503, {})
            elif self.path == "/v1/query":  # what pip-audit asks
                state.asked.append(body)
                ids = _matches(state, body)
                self._answer(200, {"vulns": [one for one in state.known if one["id"] in ids]} if ids else {})
            else:
                state.asked += body["queries"]
                results = [_page(state, query) for query in body["queries"]]
                self._answer(200, {"results": results[1:] if state.broken == "short" else results})

        def do_GET(self) -> None:
            id_ = self.path.rpartition("/")[2]
            wanted = [one for one in state.known if (one["id"] == id_) != (state.broken == "other")]
            self._answer(200 if wanted else 404, wanted[0] if wanted else {"code": 5})

        def _answer(self, status: int, body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
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


def _matches(state: OsvService, query: dict[str, Any]) -> list[str]:
    return state.matches.get(f"{query['package']['name']}@{query['version']}", [])


def _page(state: OsvService, query: dict[str, Any]) -> dict[str, Any]:
    ids = _matches(state, query)
    rows = [{"id": one, "modified": "2026-11-20T00:00:00Z"} for one in ids]
    if not state.paged or not rows:
        return {"vulns": rows} if rows else {}
    at = int(query.get("page_token", "0"))
    more = {"next_page_token": str(at + 1)} if at < len(rows) else {}
    return {**({"vulns": [rows[at - 1]]} if at else {}), **more}


def write_archives(folder: Path, advisories: list[dict[str, Any]] | None = None, *, under: str = "") -> Path:
    """OSV's archives, one `ECOSYSTEM/all.zip` for each ecosystem."""
    by_ecosystem: dict[str, list[dict[str, Any]]] = {}
    for one in ALL if advisories is None else advisories:
        by_ecosystem.setdefault(one["affected"][0]["package"]["ecosystem"], []).append(one)
    for ecosystem, several in by_ecosystem.items():
        path = folder / under / ecosystem / "all.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for one in several:
                archive.writestr(f"{one['id']}.json", json.dumps(one))
    return folder
