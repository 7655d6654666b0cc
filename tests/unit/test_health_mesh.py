"""The guide as a profile: every statement, every reference, every number; and what planning it costs."""

from __future__ import annotations

import re
import time
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from bench.planning import write_files
from tests.conftest import Workplace

from meshguard.cli.look import record_mistakes
from meshguard.errors import Mistake
from meshguard.frameworks import load_catalogue
from meshguard.plan import Plan, Scope, load_plan
from meshguard.plugins import Plugins
from meshguard.profile import PRIORITIES, Control, Profile, ProfileLoader
from meshguard.settings import names_in

GUIDE = {"implemented": 34, "hardening": 95, "checklist": 17, "metrics": 5}


def load() -> Profile:
    mistakes: list[Mistake] = []
    profile = ProfileLoader(Plugins(), mistakes).load("health-mesh", folder=Path())
    assert not mistakes
    assert profile is not None
    return profile


PROFILE = load()
CONTROLS = list(PROFILE.controls.values())
each = pytest.mark.parametrize("control", CONTROLS, ids=[control.id for control in CONTROLS])


def part(control: Control) -> str:
    """Which part of the guide a control stands for."""
    if control.place.startswith("Hardening Actions"):
        return "hardening"
    if control.place.endswith("-Deployment Checklist"):
        return "checklist"
    return "implemented" if control.guide_status == "implemented" else "metrics"


def test_every_statement_of_the_guide_is_a_control_with_an_id_of_its_own() -> None:
    assert len(CONTROLS) == 151
    assert Counter(map(part, CONTROLS)) == GUIDE
    assert len({(control.place, control.statement) for control in CONTROLS}) == 151


@each
def test_a_control(control: Control) -> None:
    assert 0 < len(control.title) <= 80
    assert control.statement
    assert control.section
    assert control.method in ("test", "examine", "derived")
    assert set(control.phase) <= {"pre", "post"}
    assert len(control.rationale) >= 40
    assert len(control.remediation) >= 40
    assert control.checks or control.any or control.requires or control.pending, "nothing verifies it"


@each
def test_the_references_of_a_control_stand_in_the_catalogue(control: Control) -> None:
    catalogue = load_catalogue()
    assert any(reference.framework == "NIST CSF" for reference in control.refs)
    assert 1 <= len(control.refs) <= 5
    for reference in control.refs:
        assert len(set(reference.ids)) == len(reference.ids)
        for requirement in reference.ids:
            assert catalogue.knows(reference.framework, reference.version, requirement), requirement


@pytest.mark.parametrize("name", ["title", "rationale", "remediation"])
def test_no_text_stands_twice(name: str) -> None:
    counts = Counter(getattr(control, name) for control in CONTROLS)
    assert [text for text, count in counts.items() if count > 1] == []


def test_every_setting_is_declared_and_every_declared_one_is_used() -> None:
    uses = [use for control in CONTROLS for use in (*control.checks, *control.any)]
    used = {name for use in uses for name in names_in(use.parameters)}
    used |= {name for control in CONTROLS for name in re.findall(r"\$([a-z][a-z0-9-]*)", control.pending)}
    assert used == PROFILE.settings.keys()


@pytest.fixture
def plan(work: Workplace) -> Plan:
    work.write("meshguard.yaml", "name: demo\nprofile: health-mesh\ntargets: {lab: [{name: main}]}\n")
    return load_plan(Path("meshguard.yaml"), Plugins(), Scope())


def test_what_is_required_is_there_without_circles_and_as_urgent(plan: Plan) -> None:
    planned = {one.control.id: one for one in plan.controls}
    assert len(list(TopologicalSorter({name: one.requires for name, one in planned.items()}).static_order())) == 151
    for one in planned.values():
        if one.requires and not one.all_uses:
            urgent = min((planned[name].control.priority for name in one.requires), key=PRIORITIES.index)
            assert one.control.priority == urgent, one.control.id
            assert not one.control.pending
            assert one.derived


def test_without_targets_nothing_is_satisfied(work: Workplace, plan: Plan) -> None:
    import json

    results = json.loads(work.call("audit", "-o", "json=-").stdout)
    assert len(results["controls"]) == 151
    others = [control for control in results["controls"] if control["status"] != "undetermined"]
    assert others == []
    assert results["score"] == 0.0
    assert results["gate"]["exit_code"] == 3


def test_pending_controls_are_counted(work: Workplace) -> None:
    pending = sum(bool(control.pending) for control in CONTROLS)
    lines = work.call("controls", "health-mesh", "--pending").stdout.splitlines()
    assert len(lines) == pending + 1
    assert lines[-1] == f"{pending} controls, {pending} pending"
    assert work.call("controls", "health-mesh").stdout.splitlines()[-1] == f"151 controls, {pending} pending"


def test_waivers_and_records_by_the_hundred(work: Workplace) -> None:
    write_files(work.folder, waivers=200, records=500)
    start = time.process_time()
    plan = load_plan(Path("meshguard.yaml"), Plugins(), Scope(), look_too=record_mistakes)
    assert len(plan.waivers.entries) == 200
    assert len(plan.controls) == 151
    assert time.process_time() - start < 2.0, "an order of magnitude above what it takes"


def test_ten_times_the_waivers_take_about_ten_times_as_long(work: Workplace) -> None:
    seconds = {}
    for count in (500, 5000):
        write_files(work.folder, waivers=count, records=0)
        start = time.process_time()
        load_plan(Path("meshguard.yaml"), Plugins(), Scope())
        seconds[count] = time.process_time() - start
    assert seconds[5000] < 30 * seconds[500], seconds
