from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.conftest import DEPLOYMENT, PROFILE, ROOT, Workplace

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "MESHGUARD_UPDATE_GOLDEN" in os.environ
"""Set it to write the golden files anew; look at the difference before you keep it."""


def out(work: Workplace, *arguments: str, code: int = 0) -> str:
    done = work.call(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_version(work: Workplace) -> None:
    assert re.fullmatch(r"meshguard \d+\.\d+\.\d+\n", work.run("--version").stdout)


@pytest.mark.parametrize(
    "command", ["", "audit", "plan", "validate", "checks", "controls", "explain", "ask", "schema", "report"]
)
def test_help(work: Workplace, command: str) -> None:
    text = out(work, *filter(None, [command]), "--help")
    assert "Usage: meshguard" in text
    assert command != "audit" or "Exit status: 0 the gate is open" in " ".join(text.split())


def test_checks(work: Workplace) -> None:
    assert re.search(
        r"^lab\.ok +examine  Each thing is ok \(the lab's rule book, 1\)\.$", out(work, "checks"), re.MULTILINE
    )
    assert [line.split()[0] for line in out(work, "checks", "lab.q*").splitlines()] == ["lab.quiet"]
    (check,) = json.loads(out(work, "checks", "lab.ok", "--json"))
    assert check["asks"] == ["things", "state"]
    assert check["parameters"]["least"]["description"] == "how much of it, 0 to 9."
    assert (check["effect"], check["over"], check["targets"]) == ("read", "things", ["lab"])


def test_controls(work: Workplace) -> None:
    more = "    pending: the drill\n  - {id: lab.b, title: B, off: not here, checks: [lab.ok]}\n"
    work.write("profile.yaml", PROFILE + more)
    assert out(work, "controls", "./profile.yaml").splitlines() == [
        "lab.all-ok  high    pre+post  (pending) All is well",
        "lab.b       medium  pre+post  (off) B",
        "2 controls, 1 pending",
    ]
    assert out(work, "controls", "./profile.yaml", "--pending").endswith("1 controls, 1 pending\n")
    assert "lab.b" not in out(work, "controls", "./profile.yaml", "--priority", "high")
    found = json.loads(out(work, "controls", "./profile.yaml", "--json", "--phase", "pre"))
    assert [control["id"] for control in found] == ["lab.all-ok", "lab.b"]
    assert "web-baseline" in {control["profile"] for control in json.loads(out(work, "controls", "--json"))}


def test_explain(work: Workplace) -> None:
    text = out(work, "explain", "lab.ok")
    assert "Check lab.ok\n\n  Each thing is ok (the lab's rule book, 1).\n" in text
    assert "  Looks at    lab, once for each of things\n  Asks        things (local), state (read)\n" in text
    assert "    wanted [ok]  the state that is wanted.\n" in text
    assert "  Parameters  none" in out(work, "explain", "lab.quiet")
    assert "\n  Names that are not found keep a thread.\n" in out(work, "explain", "lab.resolves")
    control = out(work, "explain", "web.transport.hsts")
    assert "Control web.transport.hsts of web-baseline" in control
    assert '  Checks       web.hsts {"min_age": "365d"}' in control


def test_plan(work: Workplace) -> None:
    work.controls("lab.a: lab.ok | lab.throttled", "lab.b: web.hsts", "lab.c: lab.ok")
    text = out(work, "plan")
    assert text.startswith("3 controls, 2 checks on targets\n")
    assert "web.hsts of lab.b: no web target; it will be undetermined\n" in text
    assert "lab:main state      read  at most once for each of things\n" in text
    assert text.endswith("Hosts contacted: none\n")
    found = json.loads(out(work, "plan", "--json", "--only", "lab.a"))
    assert [task["check"] for task in found["tasks"]] == ["lab.ok", "lab.throttled"]
    assert found["hosts"] == []


def test_plan_names_the_hosts(work: Workplace) -> None:
    work.write(
        "meshguard.yaml", "name: d\nprofile: web-baseline\ntargets: {web: [{name: a, url: 'https://x.example'}]}\n"
    )
    assert out(work, "plan").endswith("Hosts contacted: x.example:80, x.example:443\n")


def test_validate(work: Workplace) -> None:
    assert out(work, "validate") == "meshguard.yaml: no mistakes; 1 controls, 1 checks on targets (1 lab)\n"
    work.write("meshguard.yaml", "name: d\nprofile: ./profile.yaml\n")
    text = out(work, "validate")
    assert "no targets" in text
    assert "No target of kind lab: what needs one will be undetermined" in text


def test_ask(work: Workplace) -> None:
    work.lab("name: main, token: hunter2-tr0ub4dor, broken: [b]")
    listed = out(work, "ask", "main")
    assert "state(name)  [read]  `ok`, unless the name says something else.\n" in listed
    assert json.loads(out(work, "ask", "lab:main", "state", "a"))["value"] == "ok"
    answer = json.loads(out(work, "ask", "main", "echo", "123"))
    assert answer["key"] == 'lab:main/echo("123")'
    assert answer["value"] == "123 [lab token]"
    assert json.loads(out(work, "ask", "main", "twice", "21"))["value"] == 42
    assert work.call("ask", "main", "twice", "many").returncode == 3
    assert "collected" in json.loads(out(work, "ask", "clock", "now"))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("state", "b"), "meshguard: b did not answer\n  mend it\n"),
        (("change",), "meshguard: lab:main/change() was not asked: it changes state"),
        (("leaves",), "meshguard: lab:main/leaves() broke: SystemExit at "),
    ],
)
def test_ask_what_has_no_answer(work: Workplace, arguments: tuple[str, ...], reason: str) -> None:
    work.lab("name: main, broken: [b]")
    done = work.call("ask", "main", *arguments)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(reason)


def test_ask_what_changes_state(work: Workplace) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + "active: true\n")
    assert json.loads(out(work, "ask", "main", "change", "--active", "demo"))["value"] == "changed"
    assert work.call("ask", "main", "change", "--active", "other").returncode == 3


def schema(work: Workplace, name: str) -> Any:
    found = json.loads(out(work, "schema", name))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def plain(value: Any) -> Any:
    """YAML as an editor's validator sees it: dates are text."""
    return json.loads(json.dumps(value, default=str))


def test_a_json_result_fits_its_schema(work: Workplace) -> None:
    work.lab("name: main, things: [a, bad, skip], left_out: 1")
    out(work, "audit", "-q", "-o", "json=r.json", code=1)
    jsonschema.validate(json.loads((work.folder / "r.json").read_text()), schema(work, "results"))


def test_the_shipped_profiles_fit_their_schema(work: Workplace) -> None:
    wanted = schema(work, "profile")
    profiles = sorted((ROOT / "profiles" / "meshguard_profiles").glob("*.yaml"))
    assert profiles
    for path in profiles:
        jsonschema.validate(plain(yaml.safe_load(path.read_text())), wanted)
    wrong = plain(yaml.safe_load(PROFILE.replace("lab.ok", "lab.ok: {wnated: ok}")))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, wanted)


def test_deployments_fit_their_schema(work: Workplace) -> None:
    wanted = schema(work, "deployment")
    jsonschema.validate(plain(yaml.safe_load(DEPLOYMENT)), wanted)
    known = set(wanted["properties"]["targets"]["properties"])
    files = [yaml.safe_load(path.read_text()) for path in (ROOT / "examples").rglob("meshguard*.yaml")]
    for deployment in files:
        if set(deployment.get("targets", {})) <= known:  # an example of a plugin has a kind of its own
            jsonschema.validate(plain(deployment), wanted)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain(yaml.safe_load(DEPLOYMENT.replace("name: main", "nam: main"))), wanted)


HEAVY = {"pydantic", "httpx", "docker", "boto3", "jinja2", "rich.progress", "cryptography", "yaml"}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_only_an_audit_needs_is_not_imported(work: Workplace, option: str) -> None:
    script = (
        "import sys; from meshguard.cli import main; sys.argv = ['meshguard', sys.argv[1]]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, option], env=work.env, capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(done.stderr.split())
    assert "meshguard.cli.app" in done.stderr.split()


def golden(name: str, text: str) -> None:
    """Compare with the file, or write it where that is asked for."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-01-01T00:00:00Z", text)
    path = GOLDEN / f"{name}.txt"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("audit", ()), ("audit-verbose", ("-v",)), ("audit-quiet", ("-q",)), ("audit-reduced", ("--only", "lab.things"))],
)
def test_the_text_report_of_one_recorded_audit(work: Workplace, name: str, arguments: tuple[str, ...]) -> None:
    things = ", ".join(["one", *(f"bad-{n}" for n in range(9)), "skip", "denied"])
    declared = "  - {control: lab.never, reason: one host only, owner: ops, approver: ciso, expires: 2099-12-31}\n"
    work.lab(f"name: main, things: [{things}], broken: [one]")
    work.write("meshguard.yaml", (work.folder / "meshguard.yaml").read_text() + f"not_applicable:\n{declared}")
    work.controls(
        "lab.things critical: lab.ok",
        "lab.echo: lab.quiet",
        "lab.state medium: lab.changed | web.hsts",
        "lab.hostile low: lab.hostile",
        "lab.never: lab.breaks",
    )
    evidence = GOLDEN / "evidence.jsonl"
    if UPDATE and name == "audit":
        out(work, "audit", "-q", "-e", str(work.folder / "e"), code=1)
        evidence.write_text((work.folder / "e").read_text())
    golden(name, out(work, "audit", "--replay", str(evidence), *arguments, code=1))


@pytest.mark.parametrize("code", [-1, 70, 256])
def test_a_result_with_an_exit_code_that_no_gate_gives_is_refused(work: Workplace, code: int) -> None:
    out(work, "audit", "-q", "-o", "json=r.json")
    path = work.folder / "r.json"
    path.write_text(path.read_text().replace('"exit_code": 0', f'"exit_code": {code}'))
    assert "gate.exit_code" in work.call("report", "r.json").stderr
    assert work.call("report", "r.json").returncode == 2


def test_a_module_is_a_command_too(work: Workplace) -> None:
    script = Path(sys.executable).parent / "meshguard"
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True, env=work.env)
    assert done.stdout == work.run("--version").stdout


def test_a_fault_of_meshguard_is_70_and_shows_no_text(work: Workplace) -> None:
    (work.plugins / "sitecustomize.py").write_text(
        "import meshguard.cli.plan as plan\n"
        "def broken(*_, **__): raise RuntimeError('hunter2')\n"
        "plan.show_plan = broken\n"
    )
    done = work.run("plan")
    assert done.returncode == 70
    assert done.stderr.startswith("meshguard failed: RuntimeError at sitecustomize.py:2\n")
    assert "hunter2" not in done.stderr
