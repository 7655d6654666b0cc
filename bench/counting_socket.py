"""A Unix socket before the engine's that notes what is asked; it stands there for the counting run alone."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

_REQUEST = re.compile(rb"^(GET|POST|PUT|DELETE|HEAD) (?:/v[\d.]+)?([^ ?]*)[^ ]* HTTP/1\.1\r\n", re.MULTILINE)


@contextmanager
def counting(behind: Path, place: Path) -> Iterator[Counter[str]]:
    """A socket at `place` that passes everything on to `behind`; the paths that are asked, without API version."""
    asked: Counter[str] = Counter()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(place))
        door.listen(64)
        threading.Thread(target=_serve, args=(door, behind, asked), daemon=True).start()
        try:
            yield asked
        finally:
            door.shutdown(socket.SHUT_RDWR)
            place.unlink()


def _serve(door: socket.socket, behind: Path, asked: Counter[str]) -> None:
    while True:
        try:
            client, _ = door.accept()
        except OSError:
            return
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(str(behind))
        threading.Thread(target=_pass, args=(client, engine, asked), daemon=True).start()
        threading.Thread(target=_pass, args=(engine, client, None), daemon=True).start()


def _pass(source: socket.socket, sink: socket.socket, asked: Counter[str] | None) -> None:
    try:
        while data := source.recv(65_536):
            if asked is not None:
                asked.update(f"{method.decode()} {unquote(path.decode())}" for method, path in _REQUEST.findall(data))
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue
