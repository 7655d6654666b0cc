"""Whatever is wrong in what the user gave: exit 2, every mistake at its file:line with a hint, and no traceback."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from tests.conftest import DEPLOYMENT, PROFILE, Installer, Workplace


def mistakes(work: Workplace, *arguments: str) -> str:
    """What `validate` says is wrong."""
    done = work.call(*(arguments or ("validate",)))
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "nothing was audited" in done.stderr.splitlines()[0]
    return done.stderr


MAIN = "targets:\n  lab:\n    - {name: main}"
CHECKS = "    checks:\n      - lab.ok\n"


def test_every_mistake_of_every_file_is_reported_together(work: Workplace) -> None:
    work.write(
        "meshguard.yaml",
        "name: demo\nprofile: ./profile.yaml\nfail_on: huge\ntargets:\n  lab:\n    - {name: main, slwo: 1s}\n",
    )
    work.write(
        "profile.yaml",
        PROFILE + "  - id: lab.two\n    titel: Two\n    checks: [lab.ok]\n  - id: Lab.three\n    title: Three\n",
    )
    text = mistakes(work)
    assert text.startswith("meshguard: 4 mistakes; nothing was audited\n")
    assert "meshguard.yaml:6: unknown key 'targets.lab.0.slwo'\n      did you mean 'slow'?" in text
    assert "meshguard.yaml:3: fail_on: input should be 'critical', 'high', 'medium' or 'low'" in text
    assert "profile.yaml:12: unknown key 'controls.1.titel'\n      did you mean 'title'?" in text
    assert "profile.yaml:14: controls.2.id: 'Lab.three' is no control id" in text


def test_what_a_profile_that_is_wrong_would_know_is_not_held_against_the_deployment(work: Workplace) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + NOT_APPLICABLE % ("lab.all-ok", "2099-01-01"))
    work.write("profile.yaml", PROFILE.replace("priority", "prio"))
    text = mistakes(work, "audit", "--only", "lab.*")
    assert text.startswith("meshguard: 1 mistake;")


@pytest.mark.parametrize(
    ("checks", "line", "what"),
    [
        pytest.param("- lab.okk", 10, "unknown check 'lab.okk'\n      did you mean 'lab.ok'?", id="check"),
        pytest.param("- lba.ok", 10, "unknown check 'lba.ok'\n      did you mean 'lab.'?", id="namespace"),
        pytest.param(
            "- lab.ok: {wnated: ok}",
            10,
            "lab.ok has no parameter 'wnated'\n      did you mean 'wanted'?",
            id="parameter",
        ),
        pytest.param("- lab.quiet: {x: 1}", 10, "no parameter 'x'\n      it takes none", id="parameter of none"),
        pytest.param("- lab.ok: {least: many}", 10, "lab.ok: least: input should be a valid integer", id="type"),
        pytest.param("- lab.ok: {least: 10}", 10, "lab.ok: least: input should be less than or equal to 9", id="range"),
        pytest.param("- lab.ok: 7", 10, "write a check id, or `check-id: {parameter: value}`", id="form"),
        pytest.param("- lab.ok\n      - lab.ok", 11, "stands twice with equal parameters", id="check twice"),
    ],
)
def test_a_controls_checks(work: Workplace, checks: str, line: int, what: str) -> None:
    work.write("profile.yaml", PROFILE.replace("- lab.ok", checks))
    text = mistakes(work)
    assert what in text
    assert f"profile.yaml:{line}: " in text


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        pytest.param('version: "1"', "version: 1.10", 4, "version: input should be a valid string", id="version"),
        pytest.param("priority: high", "refs: [{framework: F, version: '1', ids: [1.10]}]", 8, "valid string", id="id"),
        pytest.param("meshguard: 1", "meshguard: 2", 1, "meshguard: input should be 1", id="format of the future"),
        pytest.param(CHECKS, "", 6, "the control lab.all-ok has no checks", id="empty control"),
        pytest.param(CHECKS, "    checks: []\n", 6, "has no checks", id="empty list"),
        pytest.param("    title: All is well\n", "", 6, "the control lab.all-ok has no title", id="no title"),
        pytest.param("title: Lab", "extends: profile.yaml\ntitle: Lab", 3, "the profile extends itself", id="itself"),
        pytest.param("title: Lab", "extends: web-basline\ntitle: Lab", 3, "did you mean 'web-baseline'?", id="typo"),
        pytest.param("title: Lab", "extends: nothing\ntitle: Lab", 3, "installed are ", id="unknown base"),
        pytest.param("title: Lab", "extends: ./none.yaml\ntitle: Lab", None, "none.yaml: no such file", id="no base"),
        pytest.param("- id: lab.all-ok", "- id: lab.all-ok\n    id: lab.b", 7, "'id' stands twice", id="key twice"),
    ],
)
def test_a_profile(work: Workplace, old: str, new: str, line: int | None, what: str) -> None:
    assert old in PROFILE
    work.write("profile.yaml", PROFILE.replace(old, new))
    text = mistakes(work)
    assert what in text
    assert line is None or f"profile.yaml:{line}: " in text


def test_a_control_twice(work: Workplace) -> None:
    work.write("profile.yaml", PROFILE + PROFILE.split("controls:\n")[1])
    text = mistakes(work)
    assert "profile.yaml:11: the control lab.all-ok stands twice" in text
    assert "first at " in text
    assert "profile.yaml:6" in text


def test_a_profile_that_extends_itself_through_another(work: Workplace) -> None:
    work.write("profile.yaml", PROFILE.replace("title: Lab", "extends: ./other.yaml\ntitle: Lab"))
    work.write("other.yaml", PROFILE.replace("title: Lab", "extends: ./profile.yaml\ntitle: Lab"))
    assert "other.yaml:3: the profile extends itself: profile -> other -> profile" in mistakes(work)


def test_a_base_that_is_reached_by_very_many_ways_is_read_once(work: Workplace) -> None:
    head = PROFILE.split("controls:", maxsplit=1)[0]
    for level in range(40):
        work.write(f"p{level}.yaml", head + f"extends: [./p{level + 1}.yaml, ./p{level + 1}.yaml]\n")
    work.write("p40.yaml", PROFILE)
    work.write("meshguard.yaml", DEPLOYMENT.replace("./profile.yaml", "./p0.yaml"))
    assert work.call("validate").returncode == 0


def test_two_bases_that_say_different_things(work: Workplace) -> None:
    work.write("a.yaml", PROFILE)
    work.write("b.yaml", PROFILE.replace("high", "low"))
    work.write("profile.yaml", PROFILE.split("controls:")[0] + "extends: [./a.yaml, ./b.yaml]\n")
    assert "profile.yaml:5: two extended profiles say different things of lab.all-ok" in mistakes(work)


def test_two_profiles_that_say_different_things(work: Workplace) -> None:
    work.write("other.yaml", PROFILE.replace("high", "low"))
    text = mistakes(work, "validate", "-p", "./profile.yaml", "-p", "./other.yaml")
    assert "other.yaml:6: two profiles say different things of lab.all-ok" in text


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        pytest.param(
            "name: demo\n", "name: demo\nnmae: x\n", 2, "unknown key 'nmae'\n      did you mean 'name'?", id="key"
        ),
        pytest.param("name: demo", "name: ' '", 1, "name: string should match pattern", id="name"),
        pytest.param("  lab:", "  lba:", 4, "unknown kind of target 'lba'\n      did you mean 'lab'?", id="kind"),
        pytest.param("{name: main}", "{name: main, thinks: []}", 5, "did you mean 'things'?", id="setting"),
        pytest.param("{name: main}", "{nam: main}", 5, "'targets.lab.0.name' is missing", id="no name"),
        pytest.param("{name: main}", "{name: main, slow: 5}", 5, "'5' is no duration", id="no unit"),
        pytest.param("{name: main}", "{name: main, limits: {connections: 0}}", 5, "greater than or equal", id="limit"),
        pytest.param(
            "{name: main}", "{name: main, limits: {calls_per_second: .nan}}", 5, "greater than 0", id="not a number"
        ),
        pytest.param("{name: main}", "{name: a}\n    - {name: a}", 6, "two lab targets are named 'a'", id="name twice"),
        pytest.param("{name: main}", '{name: "a/b c"}', 5, "should match pattern", id="a name with a slash"),
        pytest.param("profile: ./profile.yaml\n", "", 1, "no profile is named", id="no profile"),
        pytest.param("./profile.yaml", "[web-baseline, nothing]", 2, "unknown profile 'nothing'", id="unknown profile"),
        pytest.param("targets:", "limits: {audit_deadline: 9999999999d}\ntargets:", 3, "longer than", id="deadline"),
        pytest.param("targets:", "checks: [./none]\ntargets:", 3, "no such folder of checks", id="folder of checks"),
        pytest.param(
            "{name: main}", "{name: main, token: '${LAB_TOKEN}'}", 5, "LAB_TOKEN is not set", id="variable missing"
        ),
        pytest.param("{name: main}", "{name: main, token: '${}'}", 5, "${} is no variable name", id="variable unnamed"),
        pytest.param("{name: main}", "{name: main, token: '${A B}'}", 5, "${A B} is no variable name", id="two words"),
        pytest.param(MAIN, "targets: []", 3, "targets: input should be", id="no kinds"),
        pytest.param(MAIN, "targets: {lab: {}}", 3, "targets.lab: input", id="no list"),
        pytest.param("targets:\n  lab:", 'targets:\n  "\\e[2J":', 4, "target '\\x1b[2J'", id="escapes"),
    ],
)
def test_a_deployment(work: Workplace, old: str, new: str, line: int, what: str) -> None:
    assert old in DEPLOYMENT
    work.write("meshguard.yaml", DEPLOYMENT.replace(old, new))
    text = mistakes(work)
    assert what in text
    assert f"meshguard.yaml:{line}: " in text


def test_the_environment_fills_in_variables(work: Workplace) -> None:
    work.environment["LAB_TOKEN"] = "hunter22"
    work.write("meshguard.yaml", DEPLOYMENT.replace("{name: main}", "{name: main, token: '${LAB_TOKEN}'}"))
    assert work.call("validate").returncode == 0


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        pytest.param("url: https://user:hunter2@x.example", "put credentials under `headers`", id="credentials"),
        pytest.param("url: ftp://user:hunter2@x.example", "'ftp://…@x.example' is no http", id="and no http"),
        pytest.param("url: https://x.example, ca: none.pem", "there is no CA file ", id="CA that is missing"),
        pytest.param("url: x.example", "is no http or https URL", id="no scheme"),
    ],
)
def test_a_web_target(work: Workplace, entry: str, what: str) -> None:
    work.write("meshguard.yaml", f"name: demo\nprofile: web-baseline\ntargets:\n  web:\n    - {{name: a, {entry}}}\n")
    text = mistakes(work)
    assert what in text
    assert "meshguard.yaml:5: " in text
    assert "hunter2" not in text


def test_a_relative_ca_starts_at_the_deployment_file(work: Workplace) -> None:
    work.write("sub/ca.pem", "")
    work.write(
        "sub/d.yaml",
        "name: demo\nprofile: web-baseline\ntargets: {web: [{name: a, url: 'https://x.example', ca: ca.pem}]}\n",
    )
    assert work.call("validate", "sub/d.yaml").returncode == 0


NOT_APPLICABLE = "not_applicable: [{control: %s, reason: one host, owner: ops, approver: ciso, expires: %s}]\n"


def test_not_applicable_with_an_unknown_control(work: Workplace) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + NOT_APPLICABLE % ("lab.all-okay", "2099-01-01"))
    text = mistakes(work)
    assert "meshguard.yaml:6: unknown control 'lab.all-okay'\n      did you mean 'lab.all-ok'?" in text


def test_not_applicable_without_an_approver(work: Workplace) -> None:
    text = DEPLOYMENT + (NOT_APPLICABLE % ("lab.all-ok", "2099-01-01")).replace(", approver: ciso", "")
    work.write("meshguard.yaml", text)
    assert "meshguard.yaml:6: 'not_applicable.0.approver' is missing" in mistakes(work)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--only", "lab.al-ok"), "--only: 'lab.al-ok' matches nothing in scope\n      did you mean 'lab.all-ok'?"),
        (("--skip", "zzz"), "--skip: 'zzz' matches nothing in scope\n      it may name a control, check or target"),
        (("--skip", "lab.*"), "nothing is left to audit"),
        (("--profile", "nothing"), "--profile: unknown profile 'nothing'"),
        (("--active", "prod"), "--active: the deployment is 'demo' and not 'prod'"),
        (("--active", "demo"), "meshguard.yaml:1: this deployment does not allow checks that change state"),
        (("-o", "pdf=x"), "--output: unknown format 'pdf'"),
        (("-o", "jsn=x"), "did you mean 'json'?"),
        (("-o", "json"), "--output: 'json' is not FORMAT=PATH"),
        (("-o", "json=none/x"), "--output: there is no folder none"),
        (("-o", "json=."), "--output: . is a folder"),
        (("-o", "json=x", "-o", "text=./x"), "--output: two reports would go to ./x"),
        (("-o", "json=-", "-o", "text=-"), "--output: two reports would go to -"),
        (("-o", "json=meshguard.yaml"), "--output: meshguard.yaml is another file of this audit"),
        (("-o", "json=x", "-e", "./x"), "--output: x is another file of this audit"),
        (("-e", "meshguard.yaml"), "--evidence: meshguard.yaml is another file of this audit"),
        (("-e", "x", "--replay", "y"), "--evidence: a replay records nothing"),
        (("-e", "none/x"), "--evidence: there is no folder none"),
        (("-e", "."), ".: the evidence cannot be written: Is a directory"),
        (("--replay", "none"), "none: no such file"),
        (("--replay", "meshguard.yaml"), "meshguard.yaml:1: no evidence file of schema"),
    ],
)
def test_options_of_an_audit(work: Workplace, arguments: tuple[str, ...], what: str) -> None:
    assert what in mistakes(work, "audit", *arguments)
    assert work.call("validate").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit", "--fail-on", "huge"),
        ("audit", "--nonsense"),
        ("nonsense",),
        ("schema", "nonsense"),
        ("explain",),
        ("audit", "a", "b"),
        (),
    ],
)
def test_usage(work: Workplace, arguments: tuple[str, ...]) -> None:
    done = work.call(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("audit", "none.yaml"), "none.yaml: no such file\n      give the deployment's file, or write one"),
        (("checks", "zzz.*"), "no check matches 'zzz.*'"),
        (("controls", "nothing"), "unknown profile 'nothing'"),
        (("explain", "lab.okk"), "no check or control is named 'lab.okk'\n      did you mean 'lab.ok'?"),
        (("ask", "nobody"), "no target is named 'nobody'\n      targets: lab:main"),
        (("ask", "main", "stat"), "lab:main has no fact 'stat'\n      did you mean 'state'?"),
        (("ask", "main", "state"), "state: missing a required argument: 'name'\n      it takes (name)"),
        (("report", "none.json"), "none.json: cannot be read: No such file or directory"),
        (("report", "meshguard.yaml"), "meshguard.yaml: no JSON result of schema meshguard.results/1"),
        (("report", "/dev/zero"), "/dev/zero: no JSON result of schema meshguard.results/1"),
    ],
)
def test_other_commands(work: Workplace, arguments: tuple[str, ...], what: str) -> None:
    assert what in mistakes(work, *arguments)


def test_ask_with_a_mistake_in_the_deployment(work: Workplace) -> None:
    work.write("meshguard.yaml", "nmae: x\n")
    assert "unknown key 'nmae'" in mistakes(work, "ask", "main")


def test_two_targets_of_one_name_are_asked_with_their_kind(work: Workplace) -> None:
    work.write("meshguard.yaml", DEPLOYMENT + "  web:\n    - {name: main, url: 'http://127.0.0.1:1'}\n")
    assert "more than one target is named 'main'" in mistakes(work, "ask", "main")


CHECK = '''
from meshguard.api import Verdict, check, passed
from tests.stubs.lab_target import Lab


@check("{id}", method="test", fix="None.")
async def made(lab: Lab) -> Verdict:
    """It is {id} (a rule)."""
    return passed("it is")
'''


def local(work: Workplace, **files: str) -> None:
    for name, text in files.items():
        work.write(f"checks/{name}.py", text)
    work.write("meshguard.yaml", DEPLOYMENT + "checks: [./checks]\n")


def test_a_local_folder_of_checks(work: Workplace) -> None:
    local(work, own=CHECK.replace("{id}", "own.made"))
    work.controls("lab.own: own.made")
    done = work.call("audit", "-o", "json=-")
    assert done.returncode == 0, done.stderr
    assert '"group": "local"' in done.stdout
    assert '"digest": "sha256:' in done.stdout


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        pytest.param("\n\ndef x(:\n", "own.py:3", "does not load: SyntaxError", id="a syntax error"),
        pytest.param("import nothing_there\n", "own.py", "No module named 'nothing_there'", id="an import error"),
        pytest.param("import sys\nsys.exit(0)\n", "own.py", "does not load: SystemExit", id="an end of the process"),
        pytest.param("raise KeyboardInterrupt\n", "own.py", "does not load: KeyboardInterrupt", id="an interrupt"),
        pytest.param(CHECK.replace("{id}", "made"), "own.py", "'made' is no check id", id="an id without a topic"),
        pytest.param(CHECK.replace("{id}", "lab.ok"), "own.py", "the check lab.ok is defined twice", id="an id twice"),
        pytest.param(CHECK.replace("{id}", "web.hsts"), "own.py", "web.hsts is defined twice", id="another's id"),
        pytest.param(
            CHECK.replace("{id}", "own.a").replace("lab: Lab", "lab: int"), "own.py", "not a kind of target", id="type"
        ),
        pytest.param(
            CHECK.replace("{id}", "own.a").replace("lab: Lab", "lab: 'Lob'"), "own.py", "cannot be read", id="no type"
        ),
        pytest.param(CHECK.replace("{id}", "own.a").replace("lab: Lab", ""), "own.py", "takes no target", id="none"),
        pytest.param(
            CHECK.replace("{id}", "own.a").replace('"""It is own.a (a rule)."""', ""),
            "own.py",
            "no docstring",
            id="doc",
        ),
        pytest.param(
            CHECK.replace("{id}", "own.a").replace("async def", "def"), "own.py", "is no async function", id="not async"
        ),
    ],
)
def test_a_local_check_that_does_not_load(work: Workplace, text: str, where: str, what: str) -> None:
    local(work, own=text.replace("{id}", "own.a"), other="import nothing_else\n")
    found = mistakes(work)
    assert f"{where}: " in found
    assert what in found
    assert "No module named 'nothing_else'" in found


def test_two_local_checks_of_one_id(work: Workplace) -> None:
    local(work, a=CHECK.replace("{id}", "own.made"), b=CHECK.replace("{id}", "own.made"))
    assert "the check own.made is defined twice" in mistakes(work)


OVER = '''
from meshguard.api import Verdict, check, passed
from meshguard.targets.web import Page, Web
from tests.stubs.lab_target import Lab


@check("own.over", method="test", over=Web.pages, fix="None.")
async def over(page: Page, lab: Lab) -> Verdict:
    """It is run over the pages of a target that it does not take (a rule)."""
    return passed("it is")
'''


def test_a_check_over_a_list_of_no_target_of_its(work: Workplace) -> None:
    local(work, own=OVER)
    assert "own.over is run over 'pages', which no target of its lists" in mistakes(work)


@pytest.mark.parametrize(
    ("point", "value", "arguments", "what"),
    [
        pytest.param("meshguard.checks: foo", "no_such", ("checks",), "No module named 'no_such'", id="checks"),
        pytest.param("meshguard.targets: foo", "no_such:Foo", ("schema",), "No module named 'no_such'", id="target"),
        pytest.param("meshguard.targets: foo", "json:loads", ("schema",), "no kind of target named", id="function"),
        pytest.param(
            "meshguard.targets: foo",
            "tests.stubs.lab_target:Lab",
            ("schema",),
            "no kind of target named",
            id="kind",
        ),
        pytest.param("meshguard.profiles: foo", "no_such", ("controls",), "No module named 'no_such", id="profiles"),
        pytest.param("meshguard.checks: foo", "tests.stubs.lab_checks", ("checks",), "outside its namespace", id="ids"),
        pytest.param("meshguard.checks: lab", "json", ("checks",), "two packages provide 'lab'", id="two"),
    ],
)
def test_a_plugin_that_does_not_fit(
    work: Workplace, installs: Installer, point: str, value: str, arguments: tuple[str, ...], what: str
) -> None:
    installs("meshguard-foo", {point: value})
    text = mistakes(work, *arguments)
    assert what in text
    assert "meshguard-foo" in text or "outside its namespace" in text


def test_a_plugin_that_ends_the_process(work: Workplace, installs: Installer) -> None:
    (work.plugins / "leaves.py").write_text("import sys\nsys.exit(0)\n")
    installs("meshguard-foo", {"meshguard.checks: foo": "leaves"})
    work.controls("lab.foo: foo.bar")
    text = mistakes(work, "audit")
    assert "profile.yaml:10: " in text
    assert "of meshguard-foo does not load: SystemExit at leaves.py:2" in text


def test_two_packages_with_one_profile(work: Workplace, installs: Installer) -> None:
    package = work.plugins / "more_profiles"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "web-baseline.yaml").write_text(PROFILE)
    installs("meshguard-foo", {"meshguard.profiles: more": "more_profiles"})
    assert "two packages provide the profile 'web-baseline'" in mistakes(work, "controls")


def test_a_plugin_that_is_not_used_is_not_imported(work: Workplace, installs: Installer) -> None:
    installs("meshguard-foo", {"meshguard.checks: foo": "no_such", "meshguard.targets: foo": "no_such:Foo"})
    assert work.call("audit").returncode == 0


def test_fifty_megabytes_are_refused_at_once(work: Workplace) -> None:
    with (work.folder / "meshguard.yaml").open("wb") as file:
        file.truncate(50_000_000)
    began = time.monotonic()
    assert "more than the 5000000 bytes" in mistakes(work)
    assert time.monotonic() - began < 20


def test_a_folder_that_cannot_be_written(work: Workplace) -> None:
    (work.folder / "shut").mkdir(mode=0o555)
    work.folder.chmod(0o755)
    script = (
        "import os, sys; from meshguard.cli.output import parse_outputs\n"
        "os.getuid() or os.setuid(65534)\n"
        "parse_outputs(('json=shut/x',))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=work.folder, env=work.env, capture_output=True, text=True, check=False)
    assert "--output: nothing can be written into shut" in done.stderr
