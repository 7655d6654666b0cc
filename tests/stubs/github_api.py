"""A stub of GitHub's REST API for one repository: it answers from a state that is plain JSON, as the reference says.

Not GitHub: it knows the calls that MeshGuard makes, pages lists and says so by Link, sends ETag and answers 304 to
If-None-Match, counts down a rate limit, refuses a token that lacks a permission (403 to a fine-grained one, 404 to a
classic one), and answers "off" as GitHub does: by a message, by a bare 404, or by 204.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

State = dict[str, Any]
MAX_PER_PAGE = 100


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def said(status: int, message: str, **headers: str) -> Reply:
    """A refusal with GitHub's kind of body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"message": message, "documentation_url": "https://docs.github.com/rest"}, named)


NOT_FOUND = said(404, "Not Found")


@dataclass
class Asked:
    """One request, taken apart."""

    path: str
    query: dict[str, str]
    parts: tuple[str, ...] = ()


Handler = Callable[[State, Asked], Reply | list[Any] | tuple[str, list[Any]]]
"""Answers a reply, a list to be paged, or the key under which a list is paged."""


def repository(state: State, asked: Asked) -> Reply:
    return Reply(200, state["repository"])


def branch(state: State, asked: Asked) -> Reply:
    if not state["branches"]:
        return said(404, "Branch not found")
    sha = state["branches"].get(asked.parts[0])
    return (
        said(404, "Branch not found") if sha is None else Reply(200, {"name": asked.parts[0], "commit": {"sha": sha}})
    )


def protection(state: State, asked: Asked) -> Reply:
    if state.get("free_plan"):
        return said(403, "Upgrade to GitHub Pro or make this repository public to enable this feature.")
    if asked.parts[0] not in state["branches"]:
        return said(404, "Branch not found")
    found = state["protection"].get(asked.parts[0])
    return said(404, "Branch not protected") if found is None else Reply(200, found)


def rules(state: State, asked: Asked) -> Reply | list[Any]:
    if state.get("free_plan"):
        return said(403, "Upgrade to GitHub Pro or make this repository public to enable this feature.")
    active = [
        one for one in state["rulesets"] if one["enforcement"] == "active" and _covers(state, one, asked.parts[0])
    ]
    return [
        {**rule, "ruleset_id": one["id"], "ruleset_source": one["source"], "ruleset_source_type": one["source_type"]}
        for one in active
        for rule in one["rules"]
    ]


def _covers(state: State, ruleset: dict[str, Any], name: str) -> bool:
    names = ruleset["conditions"]["ref_name"]["include"]
    default = state["repository"]["default_branch"]
    return any(
        (one == "~DEFAULT_BRANCH" and name == default) or one == "~ALL" or fnmatchcase(f"refs/heads/{name}", one)
        for one in names
    )


def ruleset(state: State, asked: Asked) -> Reply:
    found = [one for one in state["rulesets"] if str(one["id"]) == asked.parts[0]]
    if not found or found[0].get("hidden"):
        return NOT_FOUND
    shown = dict(found[0])
    if state["token"].get("permissions", {}).get("administration", "write") != "write":
        shown.pop("bypass_actors")  # shown to those alone who may change it
    return Reply(200, shown)


def vulnerability_alerts(state: State, asked: Asked) -> Reply:
    return Reply(204) if state["vulnerability_alerts"] else said(404, state.get("off_says", "Not Found"))


def security_updates(state: State, asked: Asked) -> Reply:
    found = state["automated_security_fixes"]
    return NOT_FOUND if found is None else Reply(200, found)


def dependabot_alerts(state: State, asked: Asked) -> Reply | list[Any]:
    if state["repository"]["archived"]:
        return said(403, "Dependabot alerts are not available for archived repositories.")
    if not state["vulnerability_alerts"]:
        return said(403, "Dependabot alerts are disabled for this repository.")
    wanted = asked.query.get("severity", "").split(",")
    return [one for one in state["dependabot_alerts"] if one["security_vulnerability"]["severity"] in wanted]


def secret_alerts(state: State, asked: Asked) -> Reply | list[Any]:
    if state["repository"]["security_and_analysis"]["secret_scanning"]["status"] != "enabled":
        return said(404, "Secret scanning is disabled on this repository.")
    hidden = asked.query.get("hide_secret") == "true"
    alerts = [one for one in state["secret_scanning_alerts"] if one["state"] == asked.query.get("state", one["state"])]
    return [{name: value for name, value in one.items() if not (hidden and name == "secret")} for one in alerts]


def analyses(state: State, asked: Asked) -> Reply | list[Any]:
    if not state["code_scanning"]:
        return said(403, "Code scanning is not enabled for this repository.")
    found = [one for one in state["code_scanning_analyses"] if one["ref"] == asked.query.get("ref", one["ref"])]
    newest_first = sorted(found, key=lambda one: str(one["created_at"]), reverse=True)
    return newest_first or said(404, "no analysis found")


def code_alerts(state: State, asked: Asked) -> Reply | list[Any]:
    if not state["code_scanning"]:
        return said(403, "Code scanning is not enabled for this repository.")
    return [one for one in state["code_scanning_alerts"] if one["state"] == asked.query.get("state", one["state"])]


def environments(state: State, asked: Asked) -> tuple[str, list[Any]]:
    return "environments", state["environments"]


def workflows(state: State, asked: Asked) -> tuple[str, list[Any]]:
    return "workflows", state["workflows"]


def runs(state: State, asked: Asked) -> tuple[str, list[Any]] | Reply:
    if asked.parts[0] not in {str(one["id"]) for one in state["workflows"]}:
        return NOT_FOUND
    since = asked.query.get("created", "").removeprefix(">=")
    found = [
        one
        for one in state["runs"]
        if str(one["workflow_id"]) == asked.parts[0]
        and one["head_branch"] == asked.query.get("branch", one["head_branch"])
        and one["created_at"] >= since
    ]
    return "workflow_runs", sorted(found, key=lambda one: str(one["created_at"]), reverse=True)


def jobs(state: State, asked: Asked) -> tuple[str, list[Any]]:
    return "jobs", state["jobs"].get(asked.parts[0], [])


def activity(state: State, asked: Asked) -> list[Any]:
    found = [one for one in state["activity"] if one["ref"] == asked.query.get("ref", one["ref"])]
    return sorted(found, key=lambda one: str(one["timestamp"]), reverse=True)


def issues(state: State, asked: Asked) -> Reply | list[Any]:
    if not state["repository"]["has_issues"]:
        return said(410, "Issues are disabled for this repo")
    return [one for one in state["issues"] if one["updated_at"] >= asked.query.get("since", "")]


def pulls(state: State, asked: Asked) -> list[Any]:
    found = [one for one in state["issues"] if "pull_request" in one]
    bare = [{name: value for name, value in one.items() if name != "pull_request"} for one in found]
    return sorted(bare, key=lambda one: str(one["created_at"]), reverse=True)


CALLS: tuple[tuple[str, Handler, str], ...] = (
    (r"", repository, "metadata"),
    (r"/branches/([^/]+)", branch, "contents"),
    (r"/branches/([^/]+)/protection", protection, "administration"),
    (r"/rules/branches/([^/]+)", rules, "metadata"),
    (r"/rulesets/(\d+)", ruleset, "metadata"),
    (r"/vulnerability-alerts", vulnerability_alerts, "administration"),
    (r"/automated-security-fixes", security_updates, "administration"),
    (r"/dependabot/alerts", dependabot_alerts, "vulnerability_alerts"),
    (r"/secret-scanning/alerts", secret_alerts, "secret_scanning_alerts"),
    (r"/code-scanning/analyses", analyses, "security_events"),
    (r"/code-scanning/alerts", code_alerts, "security_events"),
    (r"/environments", environments, "actions"),
    (r"/actions/workflows", workflows, "actions"),
    (r"/actions/workflows/(\d+)/runs", runs, "actions"),
    (r"/actions/runs/(\d+)/jobs", jobs, "actions"),
    (r"/activity", activity, "contents"),
    (r"/issues", issues, "issues"),
    (r"/pulls", pulls, "pull_requests"),
)
"""Path below the repository, what answers, and the permission it takes."""


@dataclass
class Stub:
    """A stub that runs."""

    state: State | Callable[[], State]
    """The state, or what gives it anew for each request."""
    base: str = "/api/v3"
    port: int = 0
    asked: list[str] = field(default_factory=list)
    """Path and query of each request."""
    seen_tokens: list[str] = field(default_factory=list)

    @property
    def api(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}{self.base}"

    def now(self) -> State:
        """The state at this moment."""
        return self.state() if callable(self.state) else self.state

    def reply(self, path: str, headers: dict[str, str]) -> Reply:
        """The whole answer to one GET."""
        state = self.now()
        parts = urlsplit(path)
        refusal = self._not_let_in(state, headers)
        if refusal is not None:
            return refusal
        below = parts.path.removeprefix(self.base)
        for old in state.get("renamed_from", ()):
            if below == f"/repos/{old}" or below.startswith(f"/repos/{old}/"):
                place = f"{self.api}/repositories/{state['repository']['id']}{below.removeprefix(f'/repos/{old}')}"
                return Reply(301, {"message": "Moved Permanently", "url": place}, {"Location": place})
        for name in (f"/repos/{state['repository']['full_name']}", f"/repositories/{state['repository']['id']}"):
            if below == name or below.startswith(name + "/"):
                return self._call(state, below.removeprefix(name), parts.path, parts.query)
        return NOT_FOUND

    @staticmethod
    def _not_let_in(state: State, headers: dict[str, str]) -> Reply | None:
        limits = state.setdefault("limits", {})
        if limits.get("secondary", 0) > 0:
            limits["secondary"] -= 1
            return said(403, "You have exceeded a secondary rate limit.", Retry_After=str(limits.get("retry_after", 1)))
        if "remaining" in limits:
            if limits["remaining"] <= 0:
                reset = str(int(time.time()) + limits.get("reset_in", 3600))
                named = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
                return Reply(403, {"message": "API rate limit exceeded for user ID 1."}, named)
            limits["remaining"] -= 1
        if headers.get("authorization") != f"Bearer {state['token']['value']}":
            return said(401, "Bad credentials")
        return None

    def _call(self, state: State, rest: str, path: str, query: str) -> Reply:
        if rest in (others := state.get("instead", {})):  # what a test wants to be answered, whatever is documented
            return Reply(**others[rest])
        for pattern, handler, permission in CALLS:
            found = re.fullmatch(pattern, rest)
            if found is None:
                continue
            given = {name: values[0] for name, values in parse_qs(query).items()}
            if (refusal := lacking(state["token"], permission)) is not None:
                return refusal
            asked = Asked(path, given, tuple(unquote(part) for part in found.groups()))
            return self._whole(handler(state, asked), asked)
        return NOT_FOUND

    def _whole(self, answer: Reply | list[Any] | tuple[str, list[Any]], asked: Asked) -> Reply:
        if isinstance(answer, Reply):
            return answer
        key, items = answer if isinstance(answer, tuple) else ("", answer)
        size = min(int(asked.query.get("per_page", "30")), MAX_PER_PAGE)
        number = int(asked.query.get("page", "1"))
        page = items[(number - 1) * size : number * size]
        headers = {}
        if number * size < len(items):
            after = urlencode({**asked.query, "page": number + 1})
            headers["Link"] = f'<http://127.0.0.1:{self.port}{asked.path}?{after}>; rel="next"'
        return Reply(200, {"total_count": len(items), key: page} if key else page, headers)


def lacking(token: dict[str, Any], permission: str) -> Reply | None:
    """The refusal of a token that lacks a permission: a fine-grained one is told which, a classic one sees nothing."""
    if "scopes" in token:
        if "repo" in token["scopes"]:
            return None
        return said(404, "Not Found", X_OAuth_Scopes=", ".join(token["scopes"]), X_Accepted_OAuth_Scopes="repo")
    if permission == "metadata" or permission in token["permissions"]:
        return None
    message = "Resource not accessible by personal access token"
    return said(403, message, X_Accepted_GitHub_Permissions=f"{permission}=read")


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that goes away, or trusts no certificate, is no fault of the stub."""


@contextmanager
def serving(state: State | Callable[[], State], port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Stub]:
    """The stub on a port of loopback, until the end of the block."""
    stub = Stub(state)

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            stub.asked.append(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            stub.seen_tokens.append(headers.get("authorization", ""))
            answer(self, stub.reply(self.path, headers), headers.get("if-none-match", ""))

        def log_message(self, *_: object) -> None:
            return

    server = _Server(("127.0.0.1", port), Requests)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    stub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(request: BaseHTTPRequestHandler, reply: Reply, known: str) -> None:
    """Write an answer as GitHub does, with the tag of its content."""
    body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
    body = b"" if reply.body is None else body
    tag = f'"{hashlib.sha256(body).hexdigest()}"'
    status = 304 if reply.status == 200 and known == tag else reply.status
    request.send_response_only(status)
    headers = {"Date": formatdate(usegmt=True), "ETag": tag, "X-GitHub-Media-Type": "github.v3; format=json"}
    for name, value in {**headers, **reply.headers}.items():
        request.send_header(name, value)
    if status in (204, 304):
        request.end_headers()
        return
    request.send_header("Content-Type", "application/json; charset=utf-8")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def main() -> None:
    """Serve the state of a file, which is read anew for each request, until the process is ended."""
    options = argparse.ArgumentParser(description=main.__doc__)
    options.add_argument("--state", type=Path, required=True, help="file of the state, JSON")
    options.add_argument("--port", type=int, default=0, help="0: any that is free")
    options.add_argument("--ports", type=Path, required=True, help="file to write the port to")
    given = options.parse_args()
    with serving(lambda: json.loads(given.state.read_text()), given.port) as stub:
        given.ports.write_text(json.dumps({"http": stub.port}))
        threading.Event().wait()


if __name__ == "__main__":
    main()
