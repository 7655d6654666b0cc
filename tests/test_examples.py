"""The examples run as their READMEs say, through the real command."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LOCAL = ROOT / "examples" / "local-checks"


def meshguard(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meshguard", *map(str, arguments)]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)


@contextmanager
def site(cache_control: str) -> Iterator[str]:
    """A site on loopback that sends this Cache-Control on every answer; an empty one is not sent."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            if cache_control:
                self.send_header("Cache-Control", cache_control)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def audit_local(folder: Path, out: Path, cache_control: str) -> tuple[int, dict[str, Any]]:
    with site(cache_control) as url:
        done = meshguard("audit", folder / "meshguard.yaml", "-q", "-o", f"json={out}", SITE_URL=url)
    assert done.returncode in (0, 1, 3), done.stderr
    return done.returncode, json.loads(out.read_text())


@pytest.mark.parametrize(
    ("cache_control", "exit_code", "outcome"),
    [
        pytest.param("no-store", 0, "pass", id="no-store passes"),
        pytest.param("private, NO-STORE", 0, "pass", id="a directive among others and in capitals passes"),
        pytest.param("no-cache", 1, "fail", id="no-cache still lets it be stored"),
        pytest.param("x-no-store", 1, "fail", id="a directive that only ends like it is another one"),
        pytest.param("", 1, "fail", id="without the header browsers keep the page"),
    ],
)
def test_local_checks_judge_a_real_site(tmp_path: Path, cache_control: str, exit_code: int, outcome: str) -> None:
    code, results = audit_local(LOCAL, tmp_path / "out.json", cache_control)
    assert code == exit_code
    assert {f["resource"]: f["outcome"] for f in results["findings"]} == {"/": "not-applicable", "/login": outcome}


def test_results_record_the_digest_of_the_folder_of_checks(tmp_path: Path) -> None:
    folder = tmp_path / "local-checks"
    shutil.copytree(LOCAL, folder, ignore=shutil.ignore_patterns("__pycache__"))
    _, before = audit_local(folder, tmp_path / "before.json", "no-store")
    _, again = audit_local(folder, tmp_path / "again.json", "no-cache")
    with (folder / "checks" / "house.py").open("a") as file:
        file.write("# edited\n")
    _, after = audit_local(folder, tmp_path / "after.json", "no-store")
    digests = [_local_plugin(results)["digest"] for results in (before, again, after)]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]
    assert all(len(digest) == len("sha256:") + hashlib.sha256().digest_size * 2 for digest in digests)


def _local_plugin(results: dict[str, Any]) -> dict[str, Any]:
    (found,) = [plugin for plugin in results["meshguard"]["plugins"] if plugin["group"] == "local"]
    assert found["name"] == "checks"
    return dict(found)


def test_a_broken_check_file_stops_the_audit_before_it_begins(tmp_path: Path) -> None:
    folder = tmp_path / "local-checks"
    shutil.copytree(LOCAL, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "checks" / "house.py").write_text("def broken(:\n")
    done = meshguard("audit", folder / "meshguard.yaml", SITE_URL="http://127.0.0.1:9")
    assert done.returncode == 2
    assert "house.py:1" in done.stderr
    assert "nothing was audited" in done.stderr


def test_a_folder_of_checks_that_is_not_there_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "local-checks"
    shutil.copytree(LOCAL, folder, ignore=shutil.ignore_patterns("checks"))
    done = meshguard("validate", folder / "meshguard.yaml", SITE_URL="http://127.0.0.1:9")
    assert done.returncode == 2
    assert "meshguard.yaml:6: no such folder of checks" in done.stderr


def test_the_benchmarks_run_and_print_every_row() -> None:
    command = [sys.executable, "-m", "bench", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    for name in (
        "cold start, --version",
        "cold start, --help",
        "one site, web and tls checks on 4 paths",
        "5 containers, whole process",
        "5 containers, in one process",
        "200 controls over recorded evidence",
        "100 resources, facts of 30 ms",
    ):
        assert f"\n{name} " in done.stdout, done.stdout
    assert "NOT the same" not in done.stdout


def test_local_checks_are_listed_and_explained_with_their_deployment() -> None:
    path = LOCAL / "meshguard.yaml"
    assert (
        "house.not_stored" in meshguard("checks", "house.*", "--deployment", path, SITE_URL="https://a.example").stdout
    )
    assert "Check house.not_stored" in meshguard("explain", "house.not_stored", "-d", path).stdout
    assert meshguard("checks", "house.*").returncode == 2
