"""An audit that is stopped: what was found is written, marked incomplete, and nothing that is secret is in it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.conftest import Workplace

from meshguard.recording import read_recording

SECRET = "hunter2-tr0ub4dor"
REPORTS = ("-o", "json=r.json", "-o", "html=r.html", "-o", "text=r.txt", "-e", "e.jsonl")


class SlowSite(BaseHTTPRequestHandler):
    """Answers /fast/ at once and everything else never."""

    asked = threading.Event()
    ended = threading.Event()

    def do_GET(self) -> None:
        if not self.path.startswith("/fast"):
            self.asked.set()
            self.ended.wait(60)
            return
        self.send_response(200)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Echo", self.headers.get("Authorization", ""))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving() -> Iterator[str]:
    SlowSite.asked.clear()
    SlowSite.ended.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), SlowSite) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        SlowSite.ended.set()
        server.shutdown()


PROFILE = """\
meshguard: 1
id: slow
title: Slow
version: "1"
controls:
  - {id: web.types, title: Types, priority: high, checks: [web.content_type_options]}
"""


@pytest.fixture
def slow(work: Workplace) -> Iterator[Workplace]:
    """A site of which two pages answer and one does not."""
    with serving() as url:
        work.write("profile.yaml", PROFILE)
        work.write("meshguard.yaml", deployment(url))
        yield work


def deployment(url: str, more: str = "") -> str:
    return (
        f"name: demo\nprofile: ./profile.yaml\n{more}targets:\n  web:\n    - name: site\n      url: {url}\n"
        f"      paths: [/fast/a, /fast/b, /slow]\n      headers: {{Authorization: Bearer {SECRET}}}\n"
        "      limits: {fact_deadline: 60s}\n"
    )


def started(work: Workplace, *arguments: str) -> subprocess.Popen[str]:
    """An audit that waits for the slow page."""
    process = work.start("audit", *arguments)
    assert SlowSite.asked.wait(30)
    time.sleep(0.3)
    return process


def ended(process: subprocess.Popen[str], seconds: float = 20) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
    assert "Traceback" not in err
    return process.returncode, out, err


def written(work: Workplace) -> Any:
    """The result, with a look at all that was written."""
    results = json.loads((work.folder / "r.json").read_text())
    assert "INCOMPLETE" in (work.folder / "r.txt").read_text()
    assert "</html>" in (work.folder / "r.html").read_text()
    for path in work.folder.iterdir():
        assert path.name == "meshguard.yaml" or SECRET not in path.read_text(), path
    return results


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_was_found(slow: Workplace, number: signal.Signals) -> None:
    process = started(slow, *REPORTS)
    process.send_signal(number)
    code, out, err = ended(process)
    results = written(slow)
    why = f"it was interrupted ({number.name})"
    assert (code, results["complete"], results["score"]) == (3, why, None)
    assert [(f["resource"], f["outcome"]) for f in results["findings"]] == [
        ("/fast/a", "pass"),
        ("/fast/b", "pass"),
        ("/slow", "not-checked"),
    ]
    assert results["findings"][2]["message"] == f"the audit was not finished: {why}"
    assert read_recording(slow.folder / "e.jsonl").complete != True  # noqa: E712 - it is a sentence
    assert f"INCOMPLETE: {why}" in out
    assert SECRET not in out + err


def test_an_interrupted_recording_is_replayed_as_incomplete(slow: Workplace) -> None:
    process = started(slow, *REPORTS)
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 3
    done = slow.call("audit", "--replay", "e.jsonl", "-o", "json=-")
    assert done.returncode == 3
    assert json.loads(done.stdout)["complete"].startswith("it was recorded by an audit that was not finished")


def test_more_signals_lose_nothing(slow: Workplace) -> None:
    process = started(slow, *REPORTS)
    for _ in range(40):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
        if process.poll() is not None:
            break
    code, _, _ = ended(process)
    assert code == 3
    assert len(written(slow)["findings"]) == 3


def test_a_signal_beside_a_failure_is_1(slow: Workplace) -> None:
    text = (slow.folder / "profile.yaml").read_text()
    slow.write("profile.yaml", text + "  - {id: web.hsts, title: H, priority: high, checks: [web.hsts]}\n")
    process = started(slow, *REPORTS)
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 1
    assert written(slow)["complete"] == "it was interrupted (SIGINT)"


def test_the_deadline_keeps_what_was_found(work: Workplace) -> None:
    with serving() as url:
        work.write("profile.yaml", PROFILE)
        work.write("meshguard.yaml", deployment(url, "limits: {audit_deadline: 1s}\n"))
        process = work.start("audit", *REPORTS)
        code, _, _ = ended(process)
    results = written(work)
    assert (code, results["complete"]) == (3, "its deadline of 1 s came")
    assert [f["outcome"] for f in results["findings"]] == ["pass", "pass", "not-checked"]


def test_resources_that_were_not_reached_are_counted(work: Workplace) -> None:
    work.lab(
        "name: main, slow: 100ms, limits: {connections: 1}, things: [" + ", ".join(f"t{n}" for n in range(50)) + "]"
    )
    (work.folder / "meshguard.yaml").write_text(
        (work.folder / "meshguard.yaml").read_text() + "limits: {audit_deadline: 700ms}\n"
    )
    done = work.call("audit", "-o", "json=-")
    results = json.loads(done.stdout)
    outcomes = [f["outcome"] for f in results["findings"]]
    assert done.returncode == 3
    assert 1 <= outcomes.count("pass") <= 8
    assert len(outcomes) == 50
    assert set(outcomes) == {"pass", "not-checked"}


def test_a_thread_that_never_ends_does_not_keep_the_process(work: Workplace) -> None:
    work.lab("name: main, limits: {fact_deadline: 300ms}")
    work.controls("lab.all-ok: lab.hangs", "lab.fine: lab.ok")
    began = time.monotonic()
    code, out, _ = ended(work.start("audit"))
    assert code == 3
    assert "lab:main/hangs() had no whole answer within 0.3 s" in out
    assert time.monotonic() - began < 15


def test_a_thread_that_never_ends_can_be_interrupted(work: Workplace) -> None:
    work.controls("lab.all-ok: lab.hangs", "lab.fine: lab.ok")
    process = work.start("audit", *REPORTS)
    deadline = time.monotonic() + 30
    while "state" not in (evidence.read_text() if (evidence := work.folder / "e.jsonl").exists() else ""):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert ended(process, 10)[0] == 3
    assert written(work)["coverage"]["satisfied"] == 1


def test_reports_do_not_wait_for_a_name_that_is_looked_up(work: Workplace) -> None:
    work.lab("name: main, limits: {fact_deadline: 300ms}")
    work.controls("lab.all-ok: lab.resolves")
    process = work.start("audit", *REPORTS)
    while not (work.folder / "r.txt").exists():
        assert process.poll() is None, "the reports come before the end"
        time.sleep(0.05)
    assert process.poll() is None
    assert ended(process)[0] == 3


def test_a_connection_that_does_not_close_keeps_nothing_back(work: Workplace) -> None:
    work.write(
        "checks/own.py",
        '''
import asyncio
from meshguard.api import Verdict, check, passed
from tests.stubs.lab_target import Lab

async def never(self): await asyncio.sleep(3600)
async def breaks(self): raise RuntimeError("broken")
Lab.close = never if "NEVER" in __import__("os").environ else breaks

@check("own.made", method="test", fix="None.")
async def made(lab: Lab) -> Verdict:
    """It is made (a rule)."""
    return passed("it is")
''',
    )
    work.write("meshguard.yaml", (work.folder / "meshguard.yaml").read_text() + "checks: [./checks]\n")
    work.controls("lab.own: own.made")
    assert ended(work.start("audit"))[0] == 0
    work.environment["NEVER"] = "1"
    assert ended(work.start("audit"))[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_audit_begins_is_3(work: Workplace, number: signal.Signals) -> None:
    pipe = work.folder / "pipe.yaml"
    os.mkfifo(pipe)
    process = work.start("audit", "pipe.yaml", *REPORTS)
    with pipe.open("w") as opened:  # it reads its deployment now
        process.send_signal(number)
        code, out, err = ended(process)
        opened.close()
    assert (code, out) == (3, "")
    assert err == f"meshguard: stopped by {number.name}; nothing was audited\n"
    assert not (work.folder / "r.json").exists()


@pytest.mark.parametrize("delay_s", [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4])
def test_a_signal_at_any_time_while_it_starts_is_never_open_or_a_trace(work: Workplace, delay_s: float) -> None:
    work.lab("name: main, slow: 30s")
    script = "from meshguard.cli import main; print('up', flush=True); main()"
    command = [sys.executable, "-c", script, "audit"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=work.folder, env=work.env, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    time.sleep(delay_s)
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 3


def test_a_plugin_being_imported_can_be_interrupted(work: Workplace) -> None:
    work.write("checks/own.py", "import time\nprint('here', flush=True)\ntime.sleep(60)\n")
    work.write("meshguard.yaml", (work.folder / "meshguard.yaml").read_text() + "checks: [./checks]\n")
    process = work.start("audit")
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert (code, err) == (3, "meshguard: stopped by SIGINT; nothing was audited\n")


def test_ask_can_be_interrupted(work: Workplace) -> None:
    work.lab("name: main, slow: 60s, limits: {fact_deadline: 60s}")
    process = work.start("ask", "main", "state", "a")
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    code, out, _ = ended(process)
    assert (code, out) == (3, "")


def test_a_port_that_answers_nothing_is_undetermined(work: Workplace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        work.write("profile.yaml", PROFILE)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        work.write("meshguard.yaml", deployment(url).replace("60s", "500ms"))
        code, out, err = ended(work.start("audit", "-o", "json=r.json", "-o", "html=r.html", "-o", "text=r.txt"))
    assert code == 3
    assert SECRET not in out + err
    results = json.loads((work.folder / "r.json").read_text())
    assert {f["outcome"] for f in results["findings"]} == {"error"}
