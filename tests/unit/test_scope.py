"""What of a plan is judged: options, phases, frameworks, and what derived controls pull in."""

from __future__ import annotations

import gc
import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import PROFILE, Workplace

from meshguard.plan import Plan, Scope, load_plan
from meshguard.plugins import Plugins

HEAD = PROFILE.split("  - id")[0]
CONTROLS = """\
  - {id: a.first, title: A, phase: pre, checks: [lab.ok, lab.quiet]}
  - id: a.second
    title: B
    phase: post
    checks: [lab.quiet]
    refs: [{framework: NIST CSF, version: "2.0", ids: ["PR.AA-01"]}]
  - {id: c.item, title: C, phase: pre, requires: ["a.*"]}
  - {id: c.all, title: D, phase: pre, requires: [c.item]}
"""


def planned(**scope: Any) -> Plan:
    return load_plan(Path("meshguard.yaml"), Plugins(), Scope(**scope))


def statuses(work: Workplace, *options: str) -> dict[str, tuple[str, bool]]:
    controls = json.loads(work.call("audit", "-o", "json=-", *options).stdout)["controls"]
    return {control["id"]: (control["status"], control["pulled_in"]) for control in controls}


FULL = {"a.first": ("satisfied", False), "a.second": ("satisfied", False)}
ITEM = {"c.item": ("satisfied", False)}
ALL = {"c.all": ("satisfied", False)}
PULLED = {"a.first": ("satisfied", True), "a.second": ("satisfied", True)}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        pytest.param((), FULL | ITEM | ALL, id="everything"),
        pytest.param(("--phase", "post"), {"a.second": ("satisfied", False)}, id="one phase"),
        pytest.param(
            ("--phase", "pre"),
            {"a.first": ("satisfied", False), "a.second": ("satisfied", True)} | ITEM | ALL,
            id="what is required is pulled in whatever its phase",
        ),
        pytest.param(("--only", "c.item"), PULLED | ITEM, id="only a derived control"),
        pytest.param(("--only", "c.all"), PULLED | {"c.item": ("satisfied", True)} | ALL, id="and one derived from it"),
        pytest.param(("--only", "lab.quiet"), FULL, id="only a check"),
        pytest.param(("--only", "a.first"), {"a.first": ("satisfied", False)}, id="only a control"),
        pytest.param(
            ("--skip", "a.second"),
            {"a.first": ("satisfied", False), "c.item": ("undetermined", False), "c.all": ("undetermined", False)},
            id="what is skipped is not pulled in, and what requires it is undetermined",
        ),
        pytest.param(
            ("--skip", "lab.quiet"),
            {"a.first": ("satisfied", False), "c.item": ("undetermined", False), "c.all": ("undetermined", False)},
            id="a control without its only check is left out",
        ),
        pytest.param(("--framework", "nist-csf"), {"a.second": ("satisfied", False)}, id="a framework"),
    ],
)
def test_what_is_judged(work: Workplace, options: tuple[str, ...], found: dict[str, tuple[str, bool]]) -> None:
    work.write("profile.yaml", HEAD + CONTROLS)
    assert statuses(work, *options) == found


def test_what_a_derived_control_rests_on_is_judged_whole(work: Workplace) -> None:
    work.write("profile.yaml", HEAD + CONTROLS)
    work.lab("name: main, things: [bad]")
    assert statuses(work, "--only", "lab.quiet")["a.first"] == ("satisfied", False), "narrowed to one check"
    both = statuses(work, "--only", "lab.quiet", "--only", "c.item")
    assert both["a.first"] == both["c.item"] == ("not-satisfied", False)


@pytest.mark.parametrize(
    ("controls", "what"),
    [
        pytest.param(
            "  - {id: a.a, title: A, requires: [a.b]}\n  - {id: a.b, title: B, requires: [a.a]}\n",
            "controls require each other: a.",
            id="two",
        ),
        pytest.param("  - {id: a.a, title: A, requires: [a.a]}\n", "each other: a.a -> a.a", id="itself"),
        pytest.param("  - {id: a.a, title: A, requires: [a.b]}\n", "requires unknown control 'a.b'", id="unknown"),
        pytest.param("  - {id: a.a, title: A, requires: ['a.*']}\n", "requires unknown control 'a.*'", id="a glob"),
    ],
)
def test_requirements_that_are_wrong(work: Workplace, controls: str, what: str) -> None:
    work.write("profile.yaml", HEAD + controls)
    done = work.call("validate")
    assert "profile.yaml:6: " in done.stderr or "profile.yaml:7: " in done.stderr
    assert what in done.stderr


def test_the_circle_is_named_in_the_direction_of_its_requirements(work: Workplace) -> None:
    rows = [f"  - {{id: a.x{n}, title: A, requires: [a.x{(n + 1) % 3}]}}\n" for n in range(3)]
    work.write("profile.yaml", HEAD + "".join(rows))
    text = work.call("validate").stderr
    steps = text.split("each other: ")[1].split("\n")[0].split(" -> ")
    assert all(int(b[-1]) == (int(a[-1]) + 1) % 3 for a, b in pairwise(steps))


def test_a_switched_off_control_is_not_required(work: Workplace) -> None:
    work.write("profile.yaml", HEAD + CONTROLS.replace("title: B", "title: B\n    off: we have none"))
    found = statuses(work)
    assert "a.second" not in found
    assert found["c.item"] == ("satisfied", False)
    work.write(
        "profile.yaml",
        HEAD + CONTROLS.replace("title: B", "title: B\n    off: none").replace("title: A", "off: none, title: A"),
    )
    assert statuses(work)["c.item"] == ("undetermined", False), "nothing is left that it could rest on"


def lines(count: int) -> str:
    """A profile of so many controls, each derived from the one before."""
    rows = ["  - {id: a.c0, title: T, checks: [lab.ok]}\n"]
    rows += [f"  - {{id: a.c{n}, title: T, checks: [lab.quiet], requires: [a.c{n - 1}]}}\n" for n in range(1, count)]
    return HEAD + "".join(rows)


def test_a_deep_chain_is_followed_without_recursion_and_its_reasons_stay_short(work: Workplace) -> None:
    work.write("profile.yaml", lines(2000))
    work.lab("name: main, things: [bad]")
    controls = json.loads(work.call("audit", "-o", "json=-").stdout)["controls"]
    assert {control["status"] for control in controls} == {"not-satisfied"}
    assert controls[-1]["reason"] == "a.c0 is not satisfied: bad: the state is bad, wanted ok"


def test_ten_thousand_controls_are_planned_in_linear_time(work: Workplace) -> None:
    seconds = {}
    gc.collect()
    gc.disable()  # in a long run it searches all that other tests have left, again and again
    try:
        for count in (1000, 2000, 10_000):
            work.write("profile.yaml", lines(count))
            start = time.process_time()
            assert len(planned().controls) == count
            seconds[count] = time.process_time() - start
    finally:
        gc.enable()
    # Five times as many; quadratic work would take 25 times as long.
    assert seconds[10_000] < 12 * seconds[2000], seconds


NETWORKED = """\
name: demo
profile: ./profile.yaml
targets:
  lab: [{name: main}]
  web: [{name: site, url: "https://127.0.0.1:9"%s}]
"""
REQUIRED_LATER = """\
  - {id: a.live, title: A, phase: post, checks: [web.hsts]}
  - {id: c.item, title: C, phase: pre, requires: [a.live]}
"""


@pytest.mark.parametrize(
    ("stage", "phase", "reason"),
    [
        pytest.param("", "pre", "no web target with `stage: staging` in meshguard.yaml", id="not marked"),
        pytest.param(", stage: production", "pre", "no web target with `stage: staging`", id="marked as production"),
        pytest.param(", stage: staging", "pre", "refused the connection", id="staging is asked"),
        pytest.param("", None, "refused the connection", id="without a phase every target is asked"),
    ],
)
def test_before_a_deployment_later_demands_are_judged_on_staging(
    work: Workplace, stage: str, phase: str | None, reason: str
) -> None:
    work.write("profile.yaml", HEAD + REQUIRED_LATER)
    work.write("meshguard.yaml", NETWORKED % stage)
    options = ("--phase", phase) if phase else ()
    controls = json.loads(work.call("audit", "-o", "json=-", *options).stdout)["controls"]
    found = {control["id"]: control for control in controls}
    assert found["c.item"]["status"] == "undetermined"
    assert reason in found["c.item"]["reason"]


WITH_SCORE = """\
  - {id: a.first, title: A, checks: [lab.ok]}
  - {id: m.score, title: S, checks: [score.weighted]}
"""


@pytest.mark.parametrize(
    ("options", "controls"),
    [
        pytest.param((), ["a.first", "a.second", "m.score"], id="the whole has a score"),
        pytest.param(("--only", "a.*"), ["a.first", "a.second"], id="a part has none"),
        pytest.param(("--skip", "lab.quiet"), ["a.first"], id="nor what something was left out of"),
        pytest.param(("--only", "m.score"), ["m.score"], id="unless it is asked for by name"),
    ],
)
def test_a_part_is_not_held_against_the_score_of_the_whole(
    work: Workplace, options: tuple[str, ...], controls: list[str]
) -> None:
    work.write("profile.yaml", HEAD + WITH_SCORE + "  - {id: a.second, title: B, checks: [lab.quiet]}\n")
    assert sorted(statuses(work, *options)) == controls
