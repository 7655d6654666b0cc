"""Engines for tests: one that answers from a table, and a relay before a real one that counts what passes."""

import json
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12"}


def as_json(value: object, status: int = 200, **headers: str) -> Answer:
    """An answer of the engine."""
    return status, headers, json.dumps(value).encode()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    answers: dict[str, Answer]
    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        path = self.path
        self.server.asked.append(path)
        answer = self.server.answers.get(path) or self.server.answers.get(path.partition("?")[0])
        status, headers, body = answer or as_json({"message": "No such thing, hunter2"}, 404)
        self.close_connection = not status
        if not status:
            return
        self.send_response(status)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": str(len(body)), **given}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def stub_engine(path: Path, answers: dict[str, Answer], **version: str) -> Iterator[list[str]]:
    """An engine on a Unix socket that answers these paths (status 0: not at all); what was asked of it."""
    server = _Server(str(path), _Handler)
    server.answers = {"/version": as_json({**VERSION, **version}), **answers}
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Relay:
    """Passes bytes between clients and an engine's Unix socket, and notes the path of each request."""

    def __init__(self, door: socket.socket, engine: str, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        self.open = True
        self._door, self._engine, self._context = door, engine, context
        self._clients: list[socket.socket] = []
        door.settimeout(0.1)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """End every connection, as an engine does that stops."""
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Accept nothing more."""
        self.open = False
        self._thread.join()
        self._door.close()

    def _accept(self) -> None:
        while self.open:
            with suppress(TimeoutError):
                client, _ = self._door.accept()
                self._clients.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(10)
        try:
            if self._context is not None:
                client = self._context.wrap_socket(client, server_side=True)
            with socket.socket(socket.AF_UNIX) as engine:
                engine.connect(self._engine)
                engine.settimeout(10)
                back = threading.Thread(target=_pump, args=(engine, client, None), daemon=True)
                back.start()
                _pump(client, engine, self.asked)
                with suppress(OSError):
                    engine.shutdown(socket.SHUT_RDWR)
                back.join()
        except OSError:
            pass
        finally:
            client.close()


def _pump(source: socket.socket, sink: socket.socket, asked: list[str] | None) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            if asked is not None:
                asked += [path.decode() for path in re.findall(rb"^GET (\S+) HTTP", data, re.MULTILINE)]
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def relay(path: Path, engine: str = "/var/run/docker.sock") -> Iterator[Relay]:
    """A relay on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen(16)
        running = Relay(door, engine)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def tls_relay(context: ssl.SSLContext, engine: str = "/var/run/docker.sock") -> Iterator[tuple[Relay, int]]:
    """A relay that speaks TLS on a port of loopback; the relay and the port."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(16)
        running = Relay(door, engine, context)
        try:
            yield running, door.getsockname()[1]
        finally:
            running.close()
