"""Other people's scanners as processes: found, bounded, and ended whole."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from meshguard.errors import NotObserved
from meshguard.targets.tools import Found, Tool, find, run

SH = Found(Tool("sh"), Path("/bin/sh"), "1.0")


def program(folder: Path, text: str, name: str = "scanner") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


async def refused(asked: object) -> NotObserved:
    with pytest.raises(NotObserved) as caught:
        await asked  # type: ignore[misc]
    return caught.value


async def test_a_tool_is_found_by_its_setting_with_its_version(tmp_path: Path) -> None:
    path = program(tmp_path, 'echo "scanner version: v1.2.3-rc.1 (linux)"')
    found = await find(Tool("scanner"), str(path))
    assert (found.version, str(found), found.path) == ("1.2.3-rc.1", "scanner 1.2.3-rc.1", path)


async def test_a_tool_is_found_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "echo 2.0", "scanner")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert (await find(Tool("scanner"))).version == "2.0"


async def test_a_tool_that_is_missing_is_named_with_what_to_do() -> None:
    fault = await refused(find(Tool("no-such-scanner", advice="pip install no-such-scanner")))
    assert fault.reason == "no-such-scanner is not there on PATH"
    assert fault.fix == "pip install no-such-scanner, or name its path under `tools`"


async def test_a_tool_without_a_version_is_not_used(tmp_path: Path) -> None:
    fault = await refused(find(Tool("scanner"), str(program(tmp_path, "echo hello"))))
    assert "does not say its version" in fault.reason


async def test_a_version_that_is_known_to_be_bad_is_not_run(tmp_path: Path) -> None:
    tool = Tool("scanner", refused={"0.69.4": "its release was tampered with"})
    fault = await refused(find(tool, str(program(tmp_path, "echo 0.69.4"))))
    assert fault.reason == "scanner 0.69.4 is not run: its release was tampered with"


async def test_a_pinned_program_must_be_that_program(tmp_path: Path) -> None:
    fault = await refused(find(Tool("scanner"), str(program(tmp_path, "echo 1.0")), sha256="sha256:" + "0" * 64))
    assert "is not the program that the deployment pins" in fault.reason


async def test_output_code_and_words_are_kept_and_secrets_in_words_are_not() -> None:
    text = "echo found; echo 'token=abcdef fetching https://user:pass@host/x' >&2; exit 4"
    done = await run(SH, ["-c", text], deadline_s=10)
    assert (done.code, done.output) == (4, b"found\n")
    assert done.said == "token=[redacted] fetching https://[redacted]host/x"
    assert done.failure(SH, expected=[0]).startswith("sh 1.0 ended with 4: token=[redacted]")
    assert done.failure(SH, expected=[0, 4]) == ""


async def test_the_environment_is_a_few_harmless_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "not-for-others")
    done = await run(SH, ["-c", "env; pwd"], environment={"GIVEN": "1"}, deadline_s=10)
    assert b"not-for-others" not in done.output
    names = {line.partition(b"=")[0] for line in done.output.splitlines()}
    assert {b"PATH", b"HOME", b"GIVEN"} <= names
    assert f"HOME={os.environ['HOME']}\n".encode() not in done.output
    assert os.environ["GITHUB_TOKEN"] == "not-for-others", "this process keeps its own"


async def test_arguments_are_not_read_by_a_shell(tmp_path: Path) -> None:
    path = program(tmp_path, 'printf "%s\\n" "$@"')
    done = await run(Found(Tool("scanner"), path, "1"), ["$(id)", "a b", ";ls", "*"], deadline_s=10)
    assert done.output == b"$(id)\na b\n;ls\n*\n"


async def test_what_it_started_is_killed_at_the_deadline(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    began = time.monotonic()
    fault = await refused(run(SH, ["-c", f"sleep 60 & echo $! > {mark}; wait"], deadline_s=0.5))
    assert "did not end within 0.5 s, and was killed" in fault.reason
    assert time.monotonic() - began < 5
    await _gone(int(mark.read_text()))


async def test_a_grandchild_that_outlives_its_parent_does_not_hold_the_run_up(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    began = time.monotonic()
    done = await run(SH, ["-c", f"sleep 60 & echo $! > {mark}; echo done"], deadline_s=30)
    assert done.output == b"done\n"
    assert time.monotonic() - began < 5
    await _gone(int(mark.read_text()))


async def test_output_without_end_is_cut_off() -> None:
    fault = await refused(run(SH, ["-c", "yes"], deadline_s=30, max_output=100_000))
    assert "wrote more than 100000 bytes" in fault.reason


async def test_an_audit_that_ends_leaves_nothing_running(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    task = asyncio.create_task(run(SH, ["-c", f"echo $$ > {mark}; sleep 60"], deadline_s=60))
    while not mark.exists() or not mark.read_text():
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _gone(int(mark.read_text()))


async def test_what_is_no_program_does_not_start(tmp_path: Path) -> None:
    path = tmp_path / "scanner"
    path.write_bytes(b"\x7fELF nothing")
    path.chmod(0o755)
    fault = await refused(run(Found(Tool("scanner"), path, "1"), [], deadline_s=5))
    assert "does not start" in fault.reason


async def _gone(pid: int) -> None:
    for _ in range(200):
        if not Path(f"/proc/{pid}/stat").exists() or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{pid} still runs")
