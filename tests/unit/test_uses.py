"""From uses of checks to tasks: alternatives, parameters that differ by target, resource and role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.conftest import DEPLOYMENT, PROFILE, Workplace

from meshguard.errors import Mistakes
from meshguard.plan import Plan, Scope, load_plan
from meshguard.plugins import Plugins

SETTINGS = """\
settings:
  least: {value: 1, stricter: higher, title: Least}
  most: {value: 1, stricter: higher, title: Most}
"""


def planned(*names: str, scope: Scope | None = None) -> Plan:
    return load_plan(Path("meshguard.yaml"), Plugins(), scope or Scope(), names)


def with_overrides(work: Workplace, overrides: str, *, use: str = "lab.ok: {least: $least}") -> Plan:
    work.write("profile.yaml", SETTINGS + PROFILE.replace("lab.ok", use))
    work.write("meshguard.yaml", DEPLOYMENT + f"    - {{name: other}}\nsettings: {{least: {overrides}}}\n")
    return planned()


@pytest.mark.parametrize(
    ("overrides", "target", "resource", "least"),
    [
        pytest.param("4", "lab:main", "x", 4, id="everywhere"),
        pytest.param("{value: 2, for: [{target: 'lab:other', value: 5}]}", "lab:other", "x", 5, id="one target"),
        pytest.param("{value: 2, for: [{target: 'lab:other', value: 5}]}", "lab:main", "x", 2, id="not the other"),
        pytest.param("{for: [{resource: 'web-*', value: 5}]}", "lab:main", "web-1", 5, id="a glob of resources"),
        pytest.param("{for: [{resource: 'web[12]', value: 5}]}", "lab:main", "web1", 5, id="a set of letters"),
        pytest.param("{for: [{resource: 'web[12]', value: 5}]}", "lab:main", "web3", 1, id="outside of the set"),
        pytest.param(
            "{for: [{target: 'lab:other', resource: '[ab]', value: 5}]}", "lab:other", "a", 5, id="target and resource"
        ),
        pytest.param(
            "{for: [{target: 'lab:other', resource: '[ab]', value: 5}]}", "lab:main", "a", 1, id="another target"
        ),
        pytest.param(
            "{for: [{resource: 'x*', value: 5}, {resource: 'xy', value: 7}]}",
            "lab:main",
            "xy",
            5,
            id="the first counts",
        ),
    ],
)
def test_parameters_of_a_resource(work: Workplace, overrides: str, target: str, resource: str, least: int) -> None:
    plan = with_overrides(work, overrides)
    (task,) = [task for task in plan.tasks if task.target == target]
    assert task.arguments(resource)["least"] == least


def test_two_settings_of_one_check_are_overridden_each_for_itself(work: Workplace) -> None:
    work.write("profile.yaml", SETTINGS + PROFILE.replace("lab.ok", "lab.ok: {least: $least, wanted: ok}"))
    said = "settings: {least: {for: [{resource: 'x*', value: 4}, {resource: '*y', value: 6}]}}\n"
    work.write("meshguard.yaml", DEPLOYMENT + said)
    (task,) = planned().tasks
    assert [task.arguments(name)["least"] for name in ("xa", "xy", "ay", "b")] == [4, 4, 6, 1]
    assert task.shown_overrides == [
        {"setting": "least", "resource": "x*", "value": 4},
        {"setting": "least", "resource": "*y", "value": 6},
    ]


def test_a_check_without_a_target_is_a_gap(work: Workplace) -> None:
    work.controls("lab.one: web.hsts | lab.ok")
    (one,) = planned().controls
    assert [gap.kind for gap in one.gaps] == ["web"]
    assert [task.target for task in one.tasks] == ["lab:main"]


def test_equal_work_is_done_once(work: Workplace) -> None:
    work.controls("lab.one: lab.ok", "lab.two: 'lab.ok: {least: 1}'".replace("'", ""), "lab.three: lab.ok: {least: 2}")
    assert len(planned().tasks) == 2


ANY = PROFILE.replace(
    "checks:\n      - lab.ok", "any:\n      - web.hsts\n      - lab.ok: {least: 2}\n      - lab.quiet"
)


@pytest.mark.parametrize(
    ("targets", "pin", "status", "reason"),
    [
        pytest.param("{name: main}", "", "satisfied", "2 of 2", id="the first that is configured"),
        pytest.param("{name: main, things: []}", "", "satisfied", "1 of 1", id="what lists nothing is passed over"),
        pytest.param("{name: main, things: []}", "lab.ok", "undetermined", "none of its alternatives", id="a pin"),
        pytest.param("{name: main}", "web.hsts", "undetermined", "no web target", id="a pin without a target"),
        pytest.param(
            "{name: main, broken: [one]}", "", "undetermined", "one did not answer", id="an error falls not through"
        ),
        pytest.param(
            "{name: main, things: [], whole: false}",
            "",
            "undetermined",
            "not all things could be listed: page 2 was not answered",
            id="nor an unread list",
        ),
    ],
)
def test_alternatives(work: Workplace, targets: str, pin: str, status: str, reason: str) -> None:
    import json

    work.write("profile.yaml", ANY)
    pins = f"pins: {{lab.all-ok: {pin}}}\n" if pin else ""
    work.write("meshguard.yaml", DEPLOYMENT.replace("{name: main}", targets) + pins)
    (control,) = json.loads(work.call("audit", "-o", "json=-").stdout)["controls"]
    assert control["status"] == status
    assert reason in control["reason"]


@pytest.mark.parametrize(
    ("pins", "what"),
    [
        ("{lab.all-ok: lab.okk}", "'lab.okk' is no alternative of lab.all-ok\n      did you mean 'lab.ok'?"),
        ("{lab.all-okk: lab.ok}", "unknown control 'lab.all-okk'\n      did you mean 'lab.all-ok'?"),
    ],
)
def test_pins_that_are_wrong(work: Workplace, pins: str, what: str) -> None:
    work.write("profile.yaml", ANY)
    work.write("meshguard.yaml", DEPLOYMENT + f"pins: {pins}\n")
    assert f"meshguard.yaml:6: {what}" in work.call("validate").stderr


REF = "refs: [{framework: %s, version: %s, ids: [%s]}]\n    priority: high"


@pytest.mark.parametrize(
    ("framework", "version", "ids", "what"),
    [
        pytest.param("NIST CSF", "'2.0'", "'PR.AA-09'", "NIST CSF 2.0 has no 'PR.AA-09' in the catalogue", id="an id"),
        pytest.param(
            "NIST CSF", "'1.1'", "'PR.AA-01'", "unknown version '1.1' of NIST CSF\n      known are 2.0", id="v"
        ),
        pytest.param("NIST-CSF", "'2.0'", "'PR.AA-01'", "did you mean 'NIST CSF'?", id="another spelling"),
        pytest.param("NIST CFS", "'2.0'", "'PR.AA-01'", "did you mean 'NIST CSF'?", id="a typing error"),
        pytest.param("CIS Docker", "'1.6.0'", "'9.99'", "CIS Docker 1.6.0 has no '9.99'", id="a number"),
        pytest.param("ACME", "'1'", "1.10", "YAML reads it as the number 1.1; write it in quotes", id="a bare number"),
        pytest.param("ACME", "'1'", "2026-01-01", "YAML reads it as the date 2026-01-01", id="a bare date"),
        pytest.param("ACME", "1.10", "'1'", "refs.0.version: input should be a valid string: YAML reads", id="version"),
        pytest.param("ACME", "'1'", "yes", "YAML reads it as the truth value True", id="a bare yes"),
    ],
)
def test_references_that_are_wrong(work: Workplace, framework: str, version: str, ids: str, what: str) -> None:
    work.write("profile.yaml", PROFILE.replace("priority: high", REF % (framework, version, ids)))
    done = work.call("validate")
    assert f"profile.yaml:8: {''}" in done.stderr
    assert what in done.stderr


def test_a_framework_of_ones_own_is_taken_as_it_is(work: Workplace) -> None:
    work.write("profile.yaml", PROFILE.replace("priority: high", REF % ("House Rules", "'1'", "'4.2'")))
    assert work.call("validate").returncode == 0


CHILD = 'meshguard: 1\nid: child\ntitle: Child\nversion: "1"\nextends: ./profile.yaml\ncontrols:\n'


def child(work: Workplace, controls: str) -> Any:
    work.write("child.yaml", CHILD + controls)
    return planned("./child.yaml")


def test_a_child_changes_what_it_gives(work: Workplace) -> None:
    plan = child(work, "  - {id: lab.all-ok, priority: low, checks: [{lab.ok: {least: 4}}]}\n")
    (one,) = plan.controls
    assert (one.control.title, one.control.priority) == ("All is well", "low")
    assert plan.tasks[0].arguments()["least"] == 4


def test_a_child_that_changes_nothing_that_is_there(work: Workplace) -> None:
    with pytest.raises(Mistakes) as caught:
        child(work, "  - {id: lab.all-okay, priority: low}\n")
    (mistake,) = caught.value.mistakes
    assert mistake.where.endswith("child.yaml:7")
    assert mistake.what == "no extended profile has a control 'lab.all-okay' to change"
    assert mistake.fix == "did you mean 'lab.all-ok'?"


def test_a_control_that_is_switched_off_is_named_with_its_reason(work: Workplace) -> None:
    import json

    work.write(
        "child.yaml",
        CHILD + "  - {id: lab.all-ok, off: we have no such thing}\n  - {id: lab.b, title: B, checks: [lab.ok]}\n",
    )
    results = json.loads(work.call("audit", "-p", "./child.yaml", "-o", "json=-").stdout)
    assert [control["id"] for control in results["controls"]] == ["lab.b"]
    assert results["notes"] == ["lab.all-ok is switched off by the profile: we have no such thing"]
    work.write("child.yaml", CHILD + "  - {id: lab.all-ok, off: ' '}\n")
    assert "say why it does not count" in work.call("validate", "-p", "./child.yaml").stderr


def test_profiles_that_many_extend_are_read_once(work: Workplace) -> None:
    work.write("p0.yaml", PROFILE)
    head = 'meshguard: 1\nid: p%d\ntitle: P\nversion: "1"\nextends: [./p%d.yaml, ./q%d.yaml]\n'
    work.write("q0.yaml", PROFILE)
    for level in range(1, 25):
        for name in "pq":
            work.write(f"{name}{level}.yaml", head % (level, level - 1, level - 1))
    assert len(planned("./p24.yaml").controls) == 1


@pytest.mark.parametrize(
    ("controls", "what"),
    [
        ("  - {id: 1.10, title: A, checks: [lab.ok]}\n", "YAML reads it as the number 1.1; write it in quotes"),
        ("  - {id: 2026-01-01, title: A, checks: [lab.ok]}\n", "YAML reads it as the date 2026-01-01"),
        ("  - {id: a.b, title: A, requires: [1.10]}\n", "requires.0: input should be a valid string: YAML reads it"),
    ],
)
def test_ids_that_yaml_turns_into_something_else(work: Workplace, controls: str, what: str) -> None:
    work.write("profile.yaml", PROFILE.split("  - id")[0] + controls)
    done = work.call("validate")
    assert "profile.yaml:6: " in done.stderr
    assert what in done.stderr
