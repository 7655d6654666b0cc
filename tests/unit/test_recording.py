from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from meshguard.errors import MeshGuardError
from meshguard.evidence import Failure, Observation
from meshguard.recording import EvidenceWriter, read_recording
from meshguard.values import canonical_json

HEAD = {"deployment": {"name": "demo", "digest": "sha256:0"}, "started": "2026-01-01T00:00:00"}
OBSERVATIONS = [
    Observation("lab:a/state()", "2026-01-01T00:00:00.000Z", {"b": [1, None, "ü\u2028"], "a": 1.5}),
    Observation("lab:a/fails()", "2026-01-01T00:00:01.000Z", None, Failure("not-allowed", "no", "ask")),
    Observation("lab:a/total()", "2026-01-01T00:00:02.000Z", 3, None, ("lab:a/state()", "lab:a/fails()")),
]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "evidence.jsonl"
    writer = EvidenceWriter(path, HEAD)
    for observation in OBSERVATIONS:
        writer.write(observation)
    writer.finish(True)
    assert writer.fault == ""
    return path


def chained(*contents: dict[str, Any]) -> str:
    """A recording as somebody would forge it who knows how lines are chained."""
    from meshguard.recording import _link

    chain, lines = "", []
    for content in contents:
        chain = _link(chain, content)
        lines.append(canonical_json({**content, "chain": chain}))
    return "\n".join(lines) + "\n"


def test_what_was_written_is_read(recording: Path) -> None:
    found = read_recording(recording)
    assert list(found.observations.values()) == OBSERVATIONS
    assert found.complete is True
    assert found.head["deployment"] == HEAD["deployment"]
    assert found.digest.startswith("sha256:")


def test_only_its_owner_may_read_it(recording: Path) -> None:
    assert stat.S_IMODE(recording.stat().st_mode) == 0o600


def test_an_older_readable_file_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    path.write_text("older")
    path.chmod(0o644)
    EvidenceWriter(path, HEAD).finish(True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "older" not in path.read_text()


def test_a_device_keeps_its_mode() -> None:
    master, slave = os.openpty()
    device = Path(os.ttyname(slave))
    mode = device.stat().st_mode
    EvidenceWriter(device, HEAD).finish(True)
    assert device.stat().st_mode == mode != 0o600
    os.close(slave)
    os.close(master)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / "link").symlink_to(victim)
    with pytest.raises(MeshGuardError, match="cannot be written"):
        EvidenceWriter(tmp_path / "link", HEAD)
    assert victim.read_text() == "kept"


def test_a_full_disk_is_a_fault_and_no_exception() -> None:
    writer = EvidenceWriter(Path("/dev/full"), HEAD)
    writer.write(OBSERVATIONS[0])
    writer.finish(True)
    assert writer.fault == "evidence could not be written: No space left on device"


@pytest.mark.parametrize("lines", [1, 2, 3, 4])
@pytest.mark.parametrize("more", [0, 1, 30], ids=["at the line's end", "one byte on", "in the middle of a line"])
def test_a_recording_that_is_cut_off_is_incomplete(recording: Path, lines: int, more: int) -> None:
    data = recording.read_bytes()
    cut = sum(len(line) for line in data.splitlines(keepends=True)[:lines]) + more
    recording.write_bytes(data[:cut])
    found = read_recording(recording)
    assert found.complete == f"the recording is cut off after line {lines}"
    assert list(found.observations.values()) == OBSERVATIONS[: lines - 1]


def test_a_missing_last_newline_loses_nothing(recording: Path) -> None:
    recording.write_bytes(recording.read_bytes()[:-1])
    assert read_recording(recording).complete is True


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(lambda ls: [ls[0], ls[1].replace(b"1.5", b"1.6"), *ls[2:]], 2, id="a value is edited"),
        pytest.param(lambda ls: [ls[0].replace(b"demo", b"prod"), *ls[1:]], 1, id="the head is edited"),
        pytest.param(lambda ls: [ls[0], *ls[2:]], 2, id="a line is removed"),
        pytest.param(lambda ls: [ls[0], ls[2], ls[1], *ls[3:]], 2, id="two lines are swapped"),
        pytest.param(lambda ls: [*ls[:3], ls[2], *ls[3:]], 4, id="a line stands twice"),
        pytest.param(lambda ls: [*ls, ls[1]], 5, id="a line is appended"),
        pytest.param(lambda ls: [*ls, b"\n"], 5, id="an empty line is appended"),
        pytest.param(lambda ls: [ls[0], b"\n", *ls[1:]], 2, id="an empty line is inserted"),
        pytest.param(lambda ls: [ls[0], b"[1]\n", *ls[1:]], 2, id="a line is no object"),
        pytest.param(lambda ls: [*ls[:4], ls[4].replace(b"true", b'"no"')], 5, id="the last line is edited"),
    ],
)
def test_a_recording_that_was_changed_is_refused_at_the_line(recording: Path, change: Any, line: int) -> None:
    recording.write_bytes(b"".join(change(lines_of(recording))))
    with pytest.raises(MeshGuardError, match="changed after it was recorded") as fault:
        read_recording(recording)
    assert fault.value.mistakes[0].where == f"{recording}:{line}"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"", "no evidence file of schema meshguard.evidence/1", id="an empty file"),
        pytest.param(b"hello\n", "no evidence file", id="some text"),
        pytest.param(b"\xff\xfe\x00", "no evidence file", id="bytes"),
        pytest.param(b'["schema"]\n', "no evidence file", id="a list"),
        pytest.param(b'{"schema": "meshguard.evidence/9"}\n', "it says 'meshguard.evidence/9'", id="another schema"),
        pytest.param(b"[" * 200_000, "no evidence file", id="deep nesting"),
        pytest.param(
            b'{"schema": "meshguard.evidence/1", "deployment": [1]}\n', "no evidence file", id="a head of another form"
        ),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(MeshGuardError, match=what) as fault:
        read_recording(path)
    assert fault.value.mistakes[0].where == f"{path}:1"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param({"key": ["a"], "collected": ""}, id="a key that is a list"),
        pytest.param({"key": "a"}, id="no time"),
        pytest.param({"key": "a", "collected": 1}, id="a time that is a number"),
        pytest.param({"key": "a", "collected": "", "failure": {"kind": "failed"}}, id="a failure without a reason"),
        pytest.param({"key": "a", "collected": "", "reads": 7}, id="reads that are a number"),
    ],
)
def test_a_forged_line_of_another_form_is_refused(tmp_path: Path, line: dict[str, Any]) -> None:
    path = tmp_path / "file"
    path.write_text(chained({"schema": "meshguard.evidence/1"}, line, {"end": 1, "complete": True}))
    with pytest.raises(MeshGuardError, match="no observation of this schema") as fault:
        read_recording(path)
    assert fault.value.mistakes[0].where == f"{path}:2"


def test_a_forged_count_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(chained({"schema": "meshguard.evidence/1"}, {"end": 1, "complete": True}))
    with pytest.raises(MeshGuardError, match="changed"):
        read_recording(path)


def test_half_a_surrogate_pair_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(chained({"schema": "meshguard.evidence/1", "x": "\ud800"}, {"end": 0, "complete": True}))
    assert read_recording(path).complete is True


def test_a_last_line_that_does_not_say_complete_is_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(chained({"schema": "meshguard.evidence/1"}, {"end": 0}))
    assert "not finished" in str(read_recording(path).complete)


def test_an_unfinished_audits_recording_is_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "file"
    EvidenceWriter(path, HEAD).finish("it was interrupted")
    assert read_recording(path).complete == "it was recorded by an audit that was not finished: it was interrupted"


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    head = canonical_json({"schema": "meshguard.evidence/1"}).encode() + b"\n"
    path.write_bytes(head + b'"' + b"a" * 16_000_000)
    with pytest.raises(MeshGuardError, match="longer than any observation") as fault:
        read_recording(path)
    assert fault.value.mistakes[0].where == f"{path}:2"


@pytest.mark.parametrize(("name", "what"), [("none", "no such file"), (".", "cannot be read: Is a directory")])
def test_what_cannot_be_read_is_a_mistake(tmp_path: Path, name: str, what: str) -> None:
    with pytest.raises(MeshGuardError, match=what):
        read_recording(tmp_path / name)


def test_lines_are_json_on_their_own(recording: Path) -> None:
    parsed = [json.loads(line) for line in lines_of(recording)]
    assert [sorted(line)[0] for line in parsed] == ["chain", "chain", "chain", "chain", "chain"]
    assert parsed[-1]["end"] == 3
