"""A small site on loopback, in a process of its own: https with four pages, plain http that redirects there.

It counts what is asked of it, so that the benchmark can say that both sides asked the same.

    python -m bench.server CERTIFICATE    prints its two ports; `GET /-counts` on the plain port shows the counts
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from asyncio import StreamReader, StreamWriter
from collections import Counter

HEADERS = (
    "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'\r\n"
    "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
    "Permissions-Policy: geolocation=(), camera=(), microphone=()\r\n"
    "Set-Cookie: __Host-session=c2Vzc2lvbi1vZi10aGUtYmVuY2g; Secure; HttpOnly; SameSite=Strict; Path=/\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
)
BODY = b"<!doctype html><title>bench</title>" + b"<p>text</p>" * 200

counts: Counter[str] = Counter()


async def main(certificate: str) -> None:
    """Serve until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    secure = await asyncio.start_server(lambda r, w: _secure(r, w, context), "127.0.0.1", 0, backlog=256)
    port = secure.sockets[0].getsockname()[1]
    plain = await asyncio.start_server(lambda r, w: _plain(r, w, port), "127.0.0.1", 0, backlog=256)
    sys.stdout.write(f"{port} {plain.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await plain.serve_forever()


async def _secure(reader: StreamReader, writer: StreamWriter, context: ssl.SSLContext) -> None:
    counts["tls connections"] += 1
    try:
        await writer.start_tls(context)
    except (OSError, ssl.SSLError):
        writer.transport.abort()
        return
    head = f"HTTP/1.1 200 OK\r\n{HEADERS}Content-Length: {len(BODY)}\r\n\r\n".encode()
    while await _request(reader):
        counts["https"] += 1
        writer.write(head + BODY)
    await _close(writer)


async def _plain(reader: StreamReader, writer: StreamWriter, port: int) -> None:
    while path := await _request(reader):
        body = json.dumps(counts).encode() if path == "/-counts" else b""
        if path == "/-counts":
            counts.clear()
        else:
            counts["http"] += 1
        head = f"HTTP/1.1 308 Permanent Redirect\r\nLocation: https://127.0.0.1:{port}{path}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await _close(writer)


async def _request(reader: StreamReader) -> str:
    """The path of the next request; empty where the client has gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, OSError, ssl.SSLError):
        return ""
    return head.split(b" ", 2)[1].decode("latin-1")


async def _close(writer: StreamWriter) -> None:
    writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
