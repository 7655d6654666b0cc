"""Two results side by side."""

from __future__ import annotations

from typing import Any

import pytest
from tests.evidence.sample_results import sample

from meshguard.compare import became_worse, compare
from meshguard.reports.diff import render_diff
from meshguard.results import Finding, Named, ObservationUsed, Population, Results, finding_id


def finding(outcome: str, **said: Any) -> Finding:
    parts = {"control": "a.b", "check": "lab.ok", "target": "lab:main", "resource": "x"} | {
        key: value for key, value in said.items() if key in ("control", "check", "target", "resource")
    }
    rest = {key: value for key, value in said.items() if key not in parts}
    return Finding.model_validate(parts | {"id": finding_id(**parts), "outcome": outcome, "message": "m"} | rest)


BASE = sample()


def results(*findings: Finding, **said: Any) -> Results:
    return BASE.model_copy(update={"findings": findings, "populations": (), "observations": (), **said})


@pytest.mark.parametrize(
    ("old", "new", "kind", "bad"),
    [
        pytest.param({"outcome": "pass"}, {"outcome": "fail"}, "worse", True, id="a pass that fails"),
        pytest.param({"outcome": "pass"}, {"outcome": "error"}, "worse", True, id="a pass that is not seen any more"),
        pytest.param({"outcome": "fail"}, {"outcome": "pass"}, "better", False, id="mended"),
        pytest.param({"outcome": "error"}, {"outcome": "pass"}, "better", False, id="seen again"),
        pytest.param({"outcome": "fail"}, {"outcome": "error"}, "changed", False, id="not seen is not better"),
        pytest.param({"outcome": "error"}, {"outcome": "fail"}, "worse", True, id="seen, and it fails"),
        pytest.param({"outcome": "pass"}, {"outcome": "not-applicable"}, "changed", False, id="it applies no more"),
        pytest.param(
            {"outcome": "fail"}, {"outcome": "fail", "waiver": "T"}, "better", False, id="a failure that is accepted"
        ),
        pytest.param(
            {"outcome": "fail", "waiver": "T"}, {"outcome": "fail"}, "worse", True, id="a waiver that ran out"
        ),
        pytest.param(
            {"outcome": "fail", "got": 1}, {"outcome": "fail", "got": 2}, "changed", False, id="another value"
        ),
        pytest.param({"outcome": "pass"}, {"outcome": "pass", "message": "n"}, None, False, id="another sentence"),
    ],
)
def test_kinds_of_change(old: dict[str, Any], new: dict[str, Any], kind: str | None, bad: bool) -> None:
    changes = compare(results(finding(**old)), results(finding(**new)))
    assert [change.kind for change in changes] == ([kind] if kind else [])
    assert bool(became_worse(changes)) is bad


@pytest.mark.parametrize(
    ("outcome", "bad"), [("pass", False), ("not-applicable", False), ("fail", True), ("error", True)]
)
def test_what_is_new(outcome: str, bad: bool) -> None:
    before, after = results(finding("pass")), results(finding("pass"), finding(outcome, resource="y"))
    (change,) = compare(before, after)
    assert (change.kind, change.moved) == ("new", ("resource",))
    assert bool(became_worse([change])) is bad
    (gone,) = compare(after, before)
    assert (gone.kind, gone.moved) == ("gone", ("resource",))


def test_a_new_control_came_by_the_profile_and_not_by_a_resource() -> None:
    profile = (Named(name="p", version="2", digest="sha256:other"),)
    (change,) = compare(results(), results(finding("fail"), profiles=profile))
    assert change.moved == ("profile",)


def test_what_moved_with_a_change() -> None:
    def side(outcome: str, digest: str, least: int, **said: Any) -> Results:
        one = finding(outcome, observations=("lab:main/things()",))
        population = Population(
            check="lab.ok",
            target="lab:main",
            parameters={"least": least},
            controls=("a.b",),
            query="q",
            listed=1,
            judged=1,
        )
        seen = ObservationUsed(key="lab:main/things()", digest=digest, time="t")
        return results(one, populations=(population,), observations=(seen,), **said)

    (change,) = compare(side("pass", "d1", 1), side("fail", "d2", 2))
    assert change.moved == ("parameters", "evidence")
    (change,) = compare(side("pass", "d1", 1), side("fail", "d1", 1, deployment=Named(name="n", digest="sha256:n")))
    assert change.moved == ("deployment",)


def test_by_resource_names_of_targets_are_left_out() -> None:
    staging = results(finding("pass", target="web:staging", resource="/"))
    production = results(finding("fail", target="web:production", resource="/"))
    assert [c.kind for c in compare(staging, production)] == ["new", "gone"]
    assert [c.kind for c in compare(staging, production, by_resource=True)] == ["worse"]


def test_by_resource_loses_no_finding_of_two_targets_of_a_kind() -> None:
    before = results(*(finding("pass", target=f"web:{name}", resource="/") for name in "ab"))
    after = results(finding("fail", target="web:c", resource="/"), finding("pass", target="web:d", resource="/"))
    assert [c.kind for c in compare(before, after, by_resource=True)] == ["worse"]
    assert [c.kind for c in compare(after, before, by_resource=True)] == ["better"]
    more = results(*after.findings, finding("error", target="web:e", resource="/"))
    assert [c.kind for c in compare(before, more, by_resource=True)] == ["worse", "new"]


def test_a_result_compared_with_itself() -> None:
    assert compare(BASE, BASE) == []
    assert "Every finding is as it was." in render_diff(BASE, BASE, [])
