"""One TLS handshake for an old version, begun by hand: ClientHello out, the server's first messages in.

OpenSSL can't ask for what it no longer speaks: a build without TLS 1.0, or without RC4 and 3DES, would take its own
limits for the server's refusal. What is offered here needs no cryptography, since up to TLS 1.2 the server's hello
and certificate come in the clear (RFC 5246, 7.4), and the connection ends there.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

CODES = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303}
"""What stands for a version on the wire."""

_SUITES = bytes.fromhex(
    "c02bc02cc02fc030cca8cca9ccaac0acc0adc0aec0af009e009fc09ec09f00a200a3c023c024c027c028c009c00ac013c014"
    "00330039003200380067006b0040006a009c009dc09cc09dc0a0c0a1002f0035003c003d"  # RSA key exchange
    "00410044004500840087008800ba00be00c000c4c072c073c076c077c086c087c08ac08b"  # Camellia
    "c05cc05dc060c061c050c05100960099009a0007"  # ARIA, SEED, IDEA
    "c004c005c00ec00fc025c026c029c02ac02dc02ec031c032"  # static ECDH
    "000a000d001000130016c003c008c00dc01200040005c002c007c00cc011"  # 3DES, RC4
    "0009000c000f00120015000300060008000b000e00110014"  # DES, export
    "00010002003bc001c006c00bc010"  # no encryption
    "001700180019001a001b0034003a0046006c006d0089009b00a600a7c015c016c017c018c019"  # no authentication
    "00ff"  # safe renegotiation (RFC 5746)
)
_GROUPS = bytes.fromhex("001d001700180019001e01000101001a001b001c001600150013")
_SIGNATURES = bytes.fromhex("040305030603080708080804080508060809080a080b04010501060104020303020102020203")
_ALERTS = {
    0: "close notify",
    10: "unexpected message",
    40: "handshake failure",
    47: "illegal parameter",
    50: "decode error",
    70: "protocol version",
    71: "insufficient security",
    80: "internal error",
    86: "inappropriate fallback",
    112: "unrecognized name",
}
MAX_BYTES = 262_144
_ALERT, _HANDSHAKE = 21, 22
_SERVER_HELLO, _CERTIFICATE, _SERVER_HELLO_DONE = 2, 11, 14


class NotTls(Exception):
    """The server's answer is no TLS."""


@dataclass(frozen=True)
class Answer:
    """What a server said to a ClientHello."""

    version: int | None = None
    """The version of its ServerHello; None: it sent none."""
    suite: int = 0
    chain: tuple[bytes, ...] = ()
    """Certificates, leaf first, DER."""
    alert: str = ""
    """The alert with which it refused; empty where it closed the connection without one."""


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: str, host: str) -> Answer:
    """What the server answers to a hello that offers this version at most.

    Raises:
        NotTls: it answers something else.
    """
    writer.write(client_hello(CODES[version], host))
    data, answer = b"", Answer()
    try:
        await writer.drain()
        while len(data) < MAX_BYTES and (more := await reader.read(16_384)):
            data += more
            answer, whole = read_answer(data)
            if whole:
                break
    except (ConnectionResetError, BrokenPipeError):
        return answer
    return answer


def client_hello(version: int, host: str) -> bytes:
    """The record of a ClientHello that offers every suite of the time up to `version`."""
    extensions = [_extension(0xFF01, b"\0"), _extension(10, _long(_GROUPS)), _extension(11, b"\1\0")]
    if not _is_address(host):
        name = host.rstrip(".").encode("idna")
        extensions.insert(0, _extension(0, _long(b"\0" + _long(name))))
    if version >= 0x0303:
        extensions.append(_extension(13, _long(_SIGNATURES)))
    body = struct.pack(">H", version) + os.urandom(32) + b"\0" + _long(_SUITES) + b"\1\0" + _long(b"".join(extensions))
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + _long(message)


def read_answer(data: bytes) -> tuple[Answer, bool]:
    """What the bytes so far say, and whether more would add nothing.

    Raises:
        NotTls: they are no TLS records.
    """
    messages, alert = bytearray(), ""
    for kind, payload in _records(data):
        if kind == _ALERT and len(payload) == 2 and (payload[0] == 2 or payload[1] == 0):
            alert = _ALERTS.get(payload[1], f"alert {payload[1]}")
            break
        if kind == _HANDSHAKE:
            messages += payload
    version, suite, whole = None, 0, bool(alert)
    chain: tuple[bytes, ...] = ()
    for kind, body in _messages(bytes(messages)):
        if kind == _SERVER_HELLO and len(body) >= 38:
            version, suite = _hello(body)
        elif kind == _CERTIFICATE:
            chain, whole = tuple(_certificates(body)), True
        elif kind == _SERVER_HELLO_DONE:
            whole = True
    return Answer(version, suite, chain, alert), whole


def _hello(body: bytes) -> tuple[int, int]:
    start = 35 + body[34]
    return struct.unpack_from(">H", body)[0], int.from_bytes(body[start : start + 2], "big")


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Whole records in order; by offset, since a hostile server may send many that are empty."""
    at = 0
    while at < len(data):
        if not 20 <= data[at] <= 24 or (len(data) > at + 1 and data[at + 1] != 3):
            raise NotTls
        end = at + 5 + int.from_bytes(data[at + 3 : at + 5], "big")
        if len(data) < max(end, at + 5):
            return
        yield data[at], data[at + 5 : end]
        at = end


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Whole handshake messages in order."""
    at = 0
    while len(data) >= at + 4:
        end = at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        if len(data) < end:
            return
        yield data[at], data[at + 4 : end]
        at = end


def _certificates(body: bytes) -> Iterator[bytes]:
    at = 3
    while len(body) >= at + 3:
        end = at + 3 + int.from_bytes(body[at : at + 3], "big")
        yield body[at + 3 : end]
        at = end


def _long(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _extension(kind: int, data: bytes) -> bytes:
    return struct.pack(">H", kind) + _long(data)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
