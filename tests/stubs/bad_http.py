"""A server that behaves badly: each behaviour is what it does with one connection."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
Behaviour = Callable[[Reader, Writer], Awaitable[None]]


@dataclass
class Server:
    """A server that runs."""

    port: int = 0
    connections: int = 0


@asynccontextmanager
async def serving(behave: Behaviour, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """The behaviour on a free port of loopback, until the end of the block."""
    running = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: Reader, writer: Writer) -> None:
        running.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await behave(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the client has gone, or the test is over
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        await server.wait_closed()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def says(text: bytes) -> Behaviour:
    """Reads one request, answers these bytes and closes."""

    async def behave(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return behave


def answers(*lines: bytes, status: bytes = b"200 OK", body: bytes = b"x") -> Behaviour:
    """Reads one request and answers it with these header lines."""
    head = b"".join(line + b"\r\n" for line in lines)
    size = str(len(body)).encode()
    return says(b"HTTP/1.1 " + status + b"\r\n" + head + b"content-length: " + size + b"\r\n\r\n" + body)


def redirects(location: bytes, status: bytes = b"302 Found") -> Behaviour:
    """Leads there."""
    return answers(b"location: " + location, status=status)


async def hang(reader: Reader, writer: Writer) -> None:
    """Accepts and never says a word."""
    await asyncio.sleep(60)


async def hang_after_request(reader: Reader, writer: Writer) -> None:
    """Reads the request and never answers."""
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(60)


async def drip(reader: Reader, writer: Writer) -> None:
    """A byte a second: each one before any timeout of a single read."""
    for byte in b"HTTP/1.1 200 OK\r\nserver: slow\r\ncontent-length: 1\r\n\r\nx":
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


async def drip_body(reader: Reader, writer: Writer) -> None:
    """The head at once, then a byte a second."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(1)


async def endless_body(reader: Reader, writer: Writer) -> None:
    """A body without an end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(
        b"HTTP/1.1 200 OK\r\nstrict-transport-security: max-age=31536000\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    while True:
        writer.write(b"2000\r\n" + b"x" * 8192 + b"\r\n")
        await writer.drain()


async def endless_headers(reader: Reader, writer: Writer) -> None:
    """100 MB of header lines."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        writer.write(b"x-%d: " % number + b"y" * 1_000 + b"\r\n")
        await writer.drain()


async def endless_line(reader: Reader, writer: Writer) -> None:
    """One header line of 100 MB."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nserver: ")
    for _ in range(12_800):
        writer.write(b"y" * 8192)
        await writer.drain()


async def close_at_once(reader: Reader, writer: Writer) -> None:
    """Accepts and closes."""


async def close_after_hello(reader: Reader, writer: Writer) -> None:
    """Reads what the client says first and closes without a word."""
    await reader.read(4096)


async def one_alert_byte(reader: Reader, writer: Writer) -> None:
    """The beginning of a TLS record, and no more."""
    await reader.read(4096)
    writer.write(b"\x16\x03\x03")
    await writer.drain()


def raw(data: bytes) -> Behaviour:
    """Reads what the client says first and answers these bytes."""

    async def behave(reader: Reader, writer: Writer) -> None:
        await reader.read(4096)
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0.05)

    return behave
