"""The WSGI server: threads, connections that stay open (HTTP/1.1), and a body that is read before it is looked at."""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_NO_BODY = (204, 304)


class Handler(MotoRequestHandler):
    """Moto's request handler, whose own writer closes each connection after one answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def handle_expect_100(self) -> bool:
        """Let a client send its body; what is written waits in a buffer otherwise."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def run_wsgi(self) -> None:
        """Read the whole request, ask the application, and write the whole answer."""
        body = self._body()
        environ = self.make_environ()
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.update({"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
        said: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:
            said[:] = [status, headers]
            return None

        answer = b"".join(self.server.app(environ, start_response))
        self._send(said[0], said[1], answer)

    def _send(self, status: str, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        length = str(len(body))
        for name, value in headers:
            if name.lower() == "content-length":
                length = value
            elif name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        if int(code) not in _NO_BODY:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD" and int(code) not in _NO_BODY:
            self.wfile.write(body)
            # A promise that is not kept: the client learns it from the connection's end.
            self.close_connection = self.close_connection or int(length) > len(body)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say errors only."""
        if type == "error":
            print(message % args, file=sys.stderr, flush=True)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of a request that was answered."""


def serve(app: WSGIApplication, listening: socket.socket) -> None:
    """Serve on a socket that listens, for ever."""
    host, port = listening.getsockname()
    make_server(host, port, app, threaded=True, request_handler=Handler, fd=listening.fileno()).serve_forever()
