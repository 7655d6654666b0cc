"""The process: TLS and plain http, on two free loopback ports, until it is told to stop."""

import asyncio
import contextlib
import json
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from examples.healthmesh import record, secret
from examples.healthmesh.defect import Mistake, altered
from examples.healthmesh.files import State, write_whole

from .app import plain_app, secure_app
from .defects import WEB_DEFECTS
from .settings import Settings
from .tls import server_context


class Server(uvicorn.Server):
    """One of two servers in a process: the process itself handles the signals, for both."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def settings_for(names: tuple[str, ...]) -> Settings:
    """The hardened settings with the defects of these names."""
    return altered(Settings(), [defect for defect in WEB_DEFECTS if defect.name in names])


def _defects(state: State) -> tuple[str, ...]:
    kept = record.load(state.instance)
    if kept is None:
        raise Mistake(f"nothing was started in {state.folder}")
    return kept.defects


def run(folder: Path) -> None:
    """Serve the instance of this state folder until SIGTERM or SIGINT."""
    asyncio.run(_serve(State(folder)))


async def _serve(state: State) -> None:
    settings = settings_for(_defects(state))
    secrets = secret.load(state.secrets)
    with _listener() as secure, _listener() as plain:
        ports = {"https": secure.getsockname()[1], "http": plain.getsockname()[1]}
        servers = {
            secure: _server(secure_app(settings, secrets), server_context(state, settings)),
            plain: _server(plain_app(settings, secrets, ports["https"])),
        }
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _end, list(servers.values()))
        write_whole(state.ports, json.dumps(ports))
        await asyncio.gather(*(server.serve(sockets=[on]) for on, server in servers.items()))


def _listener() -> socket.socket:
    # The protocol is named, since asyncio turns off the 40 ms wait for more only on sockets that name it.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


def _server(app: ASGIApp, context: ssl.SSLContext | None = None) -> Server:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    config.ssl = context
    return Server(config)


def _end(servers: list[Server]) -> None:
    for server in servers:
        server.should_exit = True
