"""One site: the web and tls checks of the web baseline, against a bare script with the same GETs and handshakes."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.certificates import write_certificates
from bench.measure import MESHGUARD, ROOT, Command, Row, compare

PATHS = ("/", "/login", "/api/patients", "/missing")


@dataclass(frozen=True)
class Site:
    """A running loopback site, and the deployment file that names it."""

    folder: Path
    port: int
    plain_port: int

    @property
    def deployment(self) -> Path:
        """The deployment file."""
        return self.folder / "meshguard.yaml"

    def counts(self) -> dict[str, int]:
        """What was asked since the last call."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.plain_port}/-counts")
        opener = urllib.request.build_opener(_AsItIs)
        with opener.open(request, timeout=5) as answer:
            return dict(json.loads(answer.read()))


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """No status is followed or raised."""

    def http_response(self, request: object, response: object) -> object:
        """The answer itself."""
        del request
        return response


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """A site with certificates of its own, and its deployment file."""
    write_certificates(folder)
    command = [sys.executable, "-m", "bench.server", str(folder / "site.pem")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            port, plain_port = map(int, process.stdout.readline().split())
            site = Site(folder, port, plain_port)
            site.deployment.write_text(_deployment(site))
            yield site
        finally:
            process.terminate()


def _deployment(site: Site) -> str:
    return (
        "name: bench\nprofile: web-baseline\ntargets:\n  web:\n"
        f"    - name: site\n      url: https://127.0.0.1:{site.port}\n      http_url: http://127.0.0.1:{site.plain_port}\n"
        f"      ca: ca.pem\n      paths: [{', '.join(PATHS)}]\n"
    )


def bare(site: Site) -> Command:
    """The floor: httpx and ssl, the same GETs and handshakes at once, and a line of output."""
    script = str(Path(__file__).with_name("bare_site.py"))
    return Command([sys.executable, script, str(site.port), str(site.plain_port), str(site.folder / "ca.pem"), *PATHS])


def audit(site: Site, *options: str) -> Command:
    """The audit of the site, whole process; the verdicts do not matter here."""
    return Command([*MESHGUARD, "audit", str(site.deployment), *options], cwd=site.folder, codes=(0, 1, 3))


def rows(work: Path, *, quick: bool) -> list[Row]:
    """The whole process."""
    folder = work / "site"
    folder.mkdir()
    with running_site(folder) as site:
        asked = []
        for command in (bare(site), audit(site)):
            command.run()
            asked.append(site.counts())
        same = "the same requests" if asked[0] == asked[1] else f"NOT the same requests: bare {asked[0]}"
        seen = ", ".join(f"{count} {what}" for what, count in sorted(asked[1].items()))
        return [
            compare(
                f"one site, web and tls checks on {len(PATHS)} paths",
                bare(site),
                audit(site),
                runs=5 if quick else 11,
                note=f"{same} at the server: {seen}",
            )
        ]
