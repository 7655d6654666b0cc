from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import DEPLOYMENT, PROFILE, Workplace

from meshguard.recording import read_recording

SECRET = "hunter2-tr0ub4dor"
BAD = "bad: the state is bad, wanted ok"


def audited(work: Workplace, *arguments: str, code: int | None = None) -> Any:
    """The JSON result of an audit."""
    done = work.call("audit", "-o", "json=-", *arguments)
    assert "Traceback" not in done.stderr
    results = json.loads(done.stdout)
    assert results["gate"]["exit_code"] == done.returncode
    assert code is None or done.returncode == code
    return results


def status(results: Any, control: str = "lab.all-ok") -> tuple[str, str]:
    (found,) = [c for c in results["controls"] if c["id"] == control]
    return found["status"], found["reason"]


@pytest.mark.parametrize(
    ("target", "state", "reason", "code"),
    [
        pytest.param("things: [a, b]", "satisfied", "2 of 2 verdicts pass", 0, id="all pass"),
        pytest.param("things: [a, bad]", "not-satisfied", BAD, 1, id="one fails"),
        pytest.param("things: [a, skip]", "satisfied", "1 of 1 verdicts pass", 0, id="one does not apply"),
        pytest.param("things: [skip]", "undetermined", "lab.ok found nothing that it speaks of", 3, id="none applies"),
        pytest.param(
            "things: []", "undetermined", "lab:main: there are no things to look at", 3, id="nothing to look at"
        ),
        pytest.param(
            "things: [], left_out: 4",
            "undetermined",
            "lab:main: there are no things to look at (4 left out by label=test)",
            3,
            id="all left out",
        ),
        pytest.param(
            "things: [a], whole: false",
            "undetermined",
            "lab:main: not all things could be listed: page 2 was not answered",
            3,
            id="an incomplete list",
        ),
        pytest.param("things: [a, b], broken: [b]", "undetermined", "b: b did not answer", 3, id="one does not answer"),
        pytest.param("things: [denied]", "undetermined", "denied: denied may not be read", 3, id="one may not be read"),
        pytest.param(
            "things: [bad, b], broken: [b]", "not-satisfied", "bad: the state is bad, wanted ok", 1, id="1 or 3"
        ),
    ],
)
def test_a_controls_status(work: Workplace, target: str, state: str, reason: str, code: int) -> None:
    work.lab(f"name: main, {target}")
    assert status(audited(work, code=code)) == (state, reason)


def test_one_broken_resource_keeps_the_verdicts_of_the_others(work: Workplace) -> None:
    work.lab("name: main, things: [a, b, c], broken: [b]")
    findings = audited(work)["findings"]
    assert [(f["resource"], f["outcome"]) for f in findings] == [("a", "pass"), ("b", "error"), ("c", "pass")]
    assert findings[1]["fix"] == "mend it"


def test_a_gap_is_undetermined_and_says_what_to_add(work: Workplace) -> None:
    work.write("meshguard.yaml", "name: demo\nprofile: ./profile.yaml\n")
    results = audited(work, code=3)
    assert status(results) == ("undetermined", "lab: no lab target in meshguard.yaml")
    assert "add one under `targets: lab:`" in results["findings"][0]["fix"]


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("lab.breaks", "the check broke: RuntimeError at lab_checks.py:"),
        ("lab.exits", "the check broke: SystemExit at lab_checks.py:"),
        ("lab.leaves", "lab:main/leaves() broke: SystemExit at lab_target.py:"),
        ("lab.throttled", "slow down"),
    ],
)
def test_what_breaks_is_an_error_and_never_the_end(work: Workplace, check: str, message: str) -> None:
    work.lab(f"name: main, token: {SECRET}")
    work.controls("lab.all-ok: lab.ok", f"lab.broken low: {check}")
    results = audited(work, code=0)
    assert status(results, "lab.broken")[0] == "undetermined"
    assert message in results["findings"][2]["message"]
    assert SECRET not in json.dumps(results)
    assert audited(work, "--fail-on", "low", code=3)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 1),
        (("--advisory",), 0),
        (("--fail-on", "critical"), 0),
        (("--fail-on", "low"), 1),
        (("--advisory", "--fail-on", "low"), 3),
        (("--skip", "lab.bad"), 0),
        (("--only", "lab.bad"), 1),
        (("--only", "lab.unknown", "--fail-on", "medium"), 3),
        (("--phase", "post"), 1),
    ],
)
def test_exit_codes(work: Workplace, arguments: tuple[str, ...], code: int) -> None:
    work.lab("name: main, things: [bad]")
    work.controls("lab.bad high: lab.ok", "lab.unknown medium: lab.throttled", "lab.good critical: lab.quiet")
    audited(work, *arguments, code=code)


def test_a_target_and_a_check_can_be_chosen(work: Workplace) -> None:
    work.lab("name: one", "name: two, things: [bad]")
    work.controls("lab.all-ok: lab.ok | lab.quiet", "lab.else: lab.quiet")
    only = audited(work, "--only", "lab:one", code=0)
    assert {f["target"] for f in only["findings"]} == {"lab:one"}
    assert only["scope"] == {"kind": "reduced", "phase": None, "narrowed_by": ["--only lab:one"]}
    assert only["score"] is None
    check = audited(work, "--only", "lab.q*", code=0)
    assert {f["check"] for f in check["findings"]} == {"lab.quiet"}
    assert {f["check"] for f in audited(work, "--skip", "two", code=0)["findings"]} == {"lab.ok", "lab.quiet"}
    assert audited(work, "--only", "tw?", "--skip", "lab.ok", code=0)
    text = work.call("audit", "--only", "lab:one").stdout
    assert "a reduced scope" in text.splitlines()[0]
    assert "Scope reduced by --only lab:one" in text


@pytest.mark.parametrize(
    ("file", "arguments", "changed", "burst"),
    [
        pytest.param("", (), "undetermined", "undetermined", id="nothing is said"),
        pytest.param("active: true\n", (), "undetermined", "undetermined", id="only the file allows it"),
        pytest.param("active: true\n", ("--active", "demo"), "satisfied", "satisfied", id="both allow it"),
    ],
)
def test_the_interlock(work: Workplace, file: str, arguments: tuple[str, ...], changed: str, burst: str) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + file)
    work.controls("lab.changed: lab.changed", "lab.burst: lab.bursts")
    results = audited(work, *arguments)
    assert (status(results, "lab.changed")[0], status(results, "lab.burst")[0]) == (changed, burst)
    if changed == "undetermined":
        assert {f["outcome"] for f in results["findings"]} == {"not-checked"}


NOT_APPLICABLE = "not_applicable: [{control: lab.all-ok, reason: one host, owner: ops, approver: ciso, expires: %s}]\n"


def test_a_declaration_that_holds(work: Workplace) -> None:
    work.write("meshguard.yaml", DEPLOYMENT.split("targets:")[0] + NOT_APPLICABLE % "2099-01-01")
    results = audited(work, code=0)
    assert status(results) == ("not-applicable", "one host")
    assert results["controls"][0]["declared"] == "owner ops, approved by ciso, until 2099-01-01"
    assert "one host (owner ops, approved by ciso, until 2099-01-01)" in work.call("audit").stdout


def test_a_declaration_that_denies_what_is_there_is_a_failure(work: Workplace) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + NOT_APPLICABLE % "2099-01-01")
    results = audited(work, code=1)
    found, reason = status(results)
    assert found == "not-satisfied"
    assert "declared not applicable, but there is something that it applies to" in reason
    assert results["declarations"][0]["state"] == "contradicted"


def test_a_declaration_that_has_expired_is_judged_and_noted(work: Workplace) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + NOT_APPLICABLE % "2020-01-01")
    results = audited(work, code=0)
    assert status(results)[0] == "satisfied"
    assert results["notes"] == [
        "the declaration that lab.all-ok is not applicable expired on 2020-01-01; it was judged"
    ]
    assert "Note: the declaration that lab.all-ok" in work.call("audit").stdout


def test_a_pending_control_is_undetermined_although_it_passes(work: Workplace) -> None:
    work.write("profile.yaml", PROFILE + "    pending: the drill is missing\n")
    assert status(audited(work, code=3)) == ("undetermined", "not fully verified yet: the drill is missing")


def test_a_pending_control_may_have_no_checks_yet(work: Workplace) -> None:
    work.write("profile.yaml", PROFILE.replace("checks:\n      - lab.ok", "pending: nothing yet"))
    assert status(audited(work, code=3)) == ("undetermined", "not fully verified yet: nothing yet")


def test_one_check_with_two_sets_of_parameters(work: Workplace) -> None:
    work.lab("name: main, things: [a]")
    work.controls("lab.all-ok: lab.ok | lab.ok: {wanted: bad}")
    results = audited(work, code=1)
    assert len({f["id"] for f in results["findings"]}) == 2
    assert [p["parameters"]["wanted"] for p in results["populations"]] == ["ok", "bad"]


def test_populations_say_what_was_judged_and_what_was_left_out(work: Workplace) -> None:
    work.lab("name: main, things: [a, skip, b], broken: [b], left_out: 2")
    (population,) = audited(work)["populations"]
    assert population["query"] == "lab:main/things()"
    assert (population["listed"], population["judged"]) == (3, 1)
    assert population["left_out"] == [{"filter": "label=test", "count": 2}]


def test_a_profile_that_extends_another_changes_what_it_gives(work: Workplace) -> None:
    work.controls("lab.all-ok high: lab.ok", "lab.else high: lab.quiet")
    (work.folder / "profile.yaml").rename(work.folder / "base.yaml")
    work.write(
        "profile.yaml",
        PROFILE.split("controls:", maxsplit=1)[0]
        + "extends: ./base.yaml\ncontrols:\n  - {id: lab.all-ok, priority: low}\n  - {id: lab.else, off: not here}\n",
    )
    results = audited(work, code=0)
    assert [(c["id"], c["priority"], c["title"]) for c in results["controls"]] == [("lab.all-ok", "low", "Title")]


def test_a_replay_says_the_same_but_for_the_run(work: Workplace) -> None:
    work.lab(f"name: main, things: [a, bad, skip, c], broken: [c], token: {SECRET}")
    work.controls("lab.all-ok: lab.ok", "lab.q: lab.quiet", "lab.c: lab.changed", "lab.t: lab.throttled")
    first = audited(work, "-e", "evidence.jsonl")
    (work.folder / "meshguard.yaml").touch()
    again = audited(work, "--replay", "evidence.jsonl")
    assert again["run"]["replayed"].startswith("sha256:")
    assert json.dumps({**first, "run": 0}) == json.dumps({**again, "run": 0})
    assert SECRET not in (work.folder / "evidence.jsonl").read_text()
    assert SECRET not in json.dumps(first)


@pytest.mark.parametrize("lines", [1, 2, 4])
def test_a_recording_that_is_cut_off_is_incomplete(work: Workplace, lines: int) -> None:
    audited(work, "-e", "evidence.jsonl", code=0)
    path = work.folder / "evidence.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))
    results = audited(work, "--replay", "evidence.jsonl", code=3)
    assert results["complete"] == f"the recording is cut off after line {lines}"
    assert status(results)[0] == ("satisfied" if lines == 4 else "undetermined")


def test_a_recording_that_was_changed_is_refused(work: Workplace) -> None:
    audited(work, "-e", "evidence.jsonl")
    path = work.folder / "evidence.jsonl"
    path.write_text(path.read_text().replace('"ok"', '"OK"', 1))
    done = work.call("audit", "--replay", "evidence.jsonl")
    assert done.returncode == 2
    assert "evidence.jsonl:3: the recording was changed after it was recorded" in done.stderr


def test_a_fact_that_the_recording_lacks_is_undetermined(work: Workplace) -> None:
    audited(work, "-e", "evidence.jsonl")
    work.lab("name: other")
    results = audited(work, "--replay", "evidence.jsonl", code=3)
    assert status(results) == ("undetermined", "lab:other: the recording does not hold lab:other/things()")
    assert results["notes"] == ["the recording was made for another state of the deployment file (demo)"]


def test_a_disk_that_is_full_while_recording_makes_the_audit_incomplete(work: Workplace) -> None:
    results = audited(work, "-e", "/dev/full", code=3)
    assert results["complete"] == "evidence could not be written: No space left on device"
    assert results["score"] is None
    assert status(results)[0] == "satisfied"


def test_a_report_that_cannot_be_written_does_not_end_with_0(work: Workplace) -> None:
    done = work.call("audit", "-o", "json=/dev/full", "-o", "text=report.txt")
    assert done.returncode == 3
    assert "the json report was not written to /dev/full: No space left on device" in done.stderr
    assert "OPEN" in (work.folder / "report.txt").read_text()
    assert work.call("audit", "-q", "-o", "json=results.json").returncode == 0
    again = work.call("report", "results.json", "-o", "text=/dev/full")
    assert (again.returncode, "not written" in again.stderr) == (3, True)


def test_a_disk_that_is_full_leaves_the_older_report(work: Workplace) -> None:
    path = work.write("r.html", "older")
    script = f"ulimit -f 8; {sys.executable} -m meshguard audit -q -o html=r.html -o text=r.txt"
    command = ["/bin/bash", "-c", script]
    env = {name: value for name, value in work.env.items() if not name.startswith("COV")}  # it would write too
    done = subprocess.run(command, cwd=work.folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == "meshguard: the html report was not written to r.html: File too large\n"
    assert path.read_text() == "older"
    assert sorted(p.name for p in work.folder.iterdir()) == ["meshguard.yaml", "profile.yaml", "r.html", "r.txt"]


def test_several_reports_and_the_evidence_are_written(work: Workplace) -> None:
    done = work.call("audit", "-o", "json=r.json", "-o", "text=r.txt", "-o", "html=r.html", "-e", "e.jsonl")
    assert done.returncode == 0
    assert "Written  json: r.json  text: r.txt  html: r.html  evidence: e.jsonl" in done.stdout
    assert json.loads((work.folder / "r.json").read_text())["schema"] == "meshguard.results/1"
    assert (work.folder / "r.txt").read_text().startswith("OPEN for full scope")
    assert (work.folder / "r.html").read_text().startswith("<!")
    assert read_recording(work.folder / "e.jsonl").complete is True
    assert oct((work.folder / "e.jsonl").stat().st_mode)[-3:] == "600"


def test_an_older_report_is_replaced_whole(work: Workplace) -> None:
    path = work.write("r.txt", "older\n" * 1000)
    assert work.call("audit", "-o", "text=r.txt").returncode == 0
    assert "older" not in path.read_text()
    assert sorted(p.name for p in work.folder.iterdir()) == ["meshguard.yaml", "profile.yaml", "r.txt"]


def test_what_goes_to_stdout_is_all_that_goes_there(work: Workplace) -> None:
    done = work.run("audit", "-o", "json=-", "-o", "text=r.txt", "-e", "e")
    assert json.loads(done.stdout)["gate"]["open"] is True
    assert done.stderr == ""


def test_quiet_and_verbose(work: Workplace) -> None:
    work.lab("name: main, things: [a, bad]")
    quiet, normal, verbose = (work.call("audit", *flag).stdout for flag in (["-q"], [], ["-v"]))
    assert quiet == "CLOSED for full scope: 1 control at or above high not satisfied (exit 1)\n"
    assert "✗ bad: the state is bad" in normal
    assert "✓" not in normal
    assert "✓ a: " in verbose


def test_a_result_whose_gate_was_edited_is_refused(work: Workplace) -> None:
    work.lab("name: main, things: [a, bad]")
    work.call("audit", "-q", "-o", "json=r.json")
    text = (work.folder / "r.json").read_text()
    work.write("r.json", text.replace('"exit_code": 1', '"exit_code": 0'))
    done = work.call("report", "r.json")
    assert done.returncode == 2
    assert "its gate does not follow from its controls" in done.stderr


def test_a_replay_needs_neither_secrets_nor_certificates(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    ca = work.folder / "ca.pem"
    ca.write_text("")
    target = 'targets: {web: [{name: s, url: "https://127.0.0.1:9", ca: ca.pem, headers: {X-Key: "${LAB_KEY}"}}]}\n'
    work.write("meshguard.yaml", DEPLOYMENT.split("targets:")[0] + target)
    work.write("profile.yaml", PROFILE.replace("lab.ok", "tls.versions"))
    monkeypatch.setenv("LAB_KEY", "a-long-secret")
    assert work.call("audit", "-q", "-e", "e.jsonl").returncode == 3
    monkeypatch.delenv("LAB_KEY")
    ca.unlink()
    assert work.call("audit", "-q", "--replay", "e.jsonl").returncode == 3
    assert work.call("audit", "-q").returncode == 2


def test_a_result_is_rendered_again(work: Workplace) -> None:
    work.lab("name: main, things: [a, bad]")
    text = work.call("audit", "-o", "json=r.json").stdout
    again = work.call("report", "r.json")
    assert again.returncode == 1
    assert again.stdout == text.split("\nWritten")[0]
    assert work.call("report", "r.json", "-o", "json=-").stdout == (work.folder / "r.json").read_text()


def test_no_colour_where_it_is_not_a_terminal_or_not_wanted(work: Workplace) -> None:
    def seen(*arguments: str, **environment: str) -> bytes:
        work.environment = environment
        master, slave = os.openpty()
        command = ["-m", "meshguard", "audit", *arguments]
        with os.fdopen(master, "rb", buffering=0) as terminal:
            process = subprocess.Popen([sys.executable, *command], cwd=work.folder, env=work.env, stdout=slave)
            os.close(slave)
            found = b""
            try:
                while part := terminal.read(4096):
                    found += part
            except OSError:  # the other end was closed
                pass
            process.wait()
        return found

    assert b"\x1b[" in seen(TERM="xterm")
    assert b"\x1b[" not in seen(TERM="xterm", NO_COLOR="1")
    assert b"\x1b[" not in seen("--no-color", TERM="xterm")
    assert b"\x1b[" not in seen(TERM="dumb")
    assert "\x1b[" not in work.run("audit").stdout


@pytest.mark.parametrize("width", ["40", "1", "100", "400", "x"])
def test_narrow_terminals(work: Workplace, width: str) -> None:
    work.lab("name: main, things: [bad, bad-" + "x" * 80 + "]")
    work.environment["COLUMNS"] = width
    text = work.call("audit").stdout
    assert max(len(line) for line in text.splitlines()) <= (max(40, min(int(width), 140)) if width != "x" else 100)
    assert "xxx" in text


def test_hostile_text_is_neither_markup_nor_breaks_lines(work: Workplace) -> None:
    work.lab('name: main, things: ["bad[/]", "bad\\e[31mred\\n\\u202Eltr\\u2028", "bad 日本"]')
    work.controls("lab.hostile: lab.hostile", "lab.all-ok: lab.ok")
    work.write(
        "profile.yaml", (work.folder / "profile.yaml").read_text().replace("title: Title", 'title: "[b]x\\e[0m\\ny"')
    )
    done = work.call("audit", "-v")
    assert done.returncode == 1
    assert not set(done.stdout) & set("\x1b\u202e\u2028\x9b\r")
    assert "[b]x\\x1b[0m\\x0ay" in done.stdout
    assert "a [/] b \\x1b[2J \\u202e\\u2028new\\x0aline" in done.stdout
    assert "[red]x[/red]" in done.stdout
    assert "bad[/]" in done.stdout
    for command in (["controls", "./profile.yaml"], ["plan"], ["validate"], ["checks"], ["explain", "lab.hostile"]):
        shown = work.call(*command)
        assert not set(shown.stdout) & set("\x1b\u202e\u2028"), command
        assert shown.returncode == 0


@pytest.mark.parametrize(
    ("things", "pipe", "code"),
    [
        ("[a, bad]", "| head -1", 1),
        ("[a]", "| head -1", 0),
        ("[]", "| head -1", 3),
        ("[]", "| true", 3),
        ("[bad]", "2>&1 >/dev/null | true", 1),
        ("[bad]", ">&-", 1),
        ("[bad]", "2>&-", 1),
        ("[bad]", "<&- >&- 2>&-", 1),
        ("[bad]", "> /dev/full", 1),
        ("[a]", "> /dev/full", 3),
    ],
)
def test_a_pipe_keeps_the_gates_exit_code(work: Workplace, things: str, pipe: str, code: int) -> None:
    work.lab(f"name: main, things: {things}")
    script = f"set -o pipefail; python -m meshguard audit -v -e e.jsonl -o json=r.json {pipe}"
    env = {**work.env, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["/bin/bash", "-c", script], cwd=work.folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert json.loads((work.folder / "r.json").read_text())["complete"] is True
    assert read_recording(work.folder / "e.jsonl").complete is True


def test_mistakes_keep_their_exit_code_where_nobody_reads_them(work: Workplace) -> None:
    script = f"set -o pipefail; {sys.executable} -m meshguard audit nothing.yaml 2>&1 | true"
    done = subprocess.run(["/bin/bash", "-c", script], cwd=work.folder, env=work.env, check=False)
    assert done.returncode == 2


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_any_locale_will_do(work: Workplace, environment: dict[str, str]) -> None:
    work.environment = environment
    work.lab("name: main, things: [bad]")
    done = work.run("audit")
    assert done.returncode == 1, done.stderr
    assert "✗" in done.stdout


def test_a_file_name_that_is_no_unicode(work: Workplace) -> None:
    (work.folder / "meshguard.yaml").rename(work.folder / "\udcff.yaml")
    work.environment["GITHUB_ACTOR"] = "\udcff"
    work.write("profile.yaml", PROFILE.replace("lab.ok", "web.hsts"))
    done = work.run("audit", "\udcff.yaml", "-o", "json=r.json")
    assert done.returncode == 3, done.stderr
    assert json.loads((work.folder / "r.json").read_text())["run"]["argv"][2] == "\\udcff.yaml"


def test_a_pipe_is_a_deployment_too(work: Workplace) -> None:
    text = DEPLOYMENT.replace("./profile.yaml", str(work.folder / "profile.yaml"))
    script = f"{sys.executable} -m meshguard audit -q <(printf '{text}')"
    done = subprocess.run(["/bin/bash", "-c", script], cwd=work.folder, env=work.env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ci_is_named_in_the_run(work: Workplace) -> None:
    work.environment = {"GITHUB_SERVER_URL": "https://g", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"}
    assert audited(work)["run"]["ci"] == "https://g/a/b/actions/runs/7"
    work.environment["CI_JOB_URL"] = "https://ci/1"
    assert audited(work)["run"]["ci"] == "https://ci/1"


def test_the_commit_is_named_where_there_is_one(work: Workplace) -> None:
    assert audited(work)["run"]["commit"] == ""
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org", "-C", str(work.folder)]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run([*git, *command], check=True)
    assert len(audited(work)["run"]["commit"]) == 40
    work.environment["PATH"] = "/nowhere"
    assert audited(work)["run"]["commit"] == ""


def test_the_operator_is_named(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "SUDO_USER", "LOGNAME", "USER"):
        monkeypatch.delenv(name, raising=False)
    assert audited(work)["run"]["operator"] == f"uid {os.getuid()}"
    monkeypatch.setenv("USER", "me")
    assert audited(work)["run"]["operator"] == "me"
