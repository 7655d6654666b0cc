from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.conftest import Workplace

from meshguard.cli import progress


def on_a_terminal(work: Workplace, *arguments: str) -> bytes:
    """What an audit shows on a terminal's stderr."""
    master, slave = os.openpty()
    with os.fdopen(master, "rb", buffering=0) as terminal:
        command = [sys.executable, "-m", "meshguard", "audit", *arguments]
        process = subprocess.Popen(command, cwd=work.folder, env=work.env, stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        found = b""
        try:
            while part := terminal.read(4096):
                found += part
        except OSError:  # the other end was closed
            pass
        process.communicate()
    assert process.returncode == 0
    return found


def test_a_bar_on_a_terminal_and_nothing_in_ci_or_when_quiet(work: Workplace) -> None:
    work.lab("name: main, slow: 300ms, things: [a, b, c], limits: {connections: 1}")
    assert b"auditing" in on_a_terminal(work)
    assert on_a_terminal(work, "-q") == b""
    work.environment["CI"] = "true"
    assert on_a_terminal(work) == b""


@pytest.mark.parametrize(("every_s", "lines"), [(0.0, 2), (60.0, 0)])
def test_a_line_now_and_then(work: Workplace, monkeypatch: pytest.MonkeyPatch, every_s: float, lines: int) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", every_s)
    told = work.call("audit").stderr.splitlines()
    assert len(told) == lines
    assert not lines or told[-1] == "meshguard: 2 of 2 verdicts, last lab.ok"
