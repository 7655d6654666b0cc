"""Settings: which way a deployment may move them, and for what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.conftest import DEPLOYMENT, PROFILE, Workplace

from meshguard.settings import Override, Said, Setting, Settings, names_in

HIGHER = "settings:\n  least: {value: 3, stricter: higher, title: Least}\n"


def setting(value: Any, stricter: str) -> Setting:
    return Setting.model_validate({"value": value, "stricter": stricter, "title": "T"})


@pytest.mark.parametrize(
    ("own", "stricter", "said", "allowed"),
    [
        pytest.param("8h", "lower", "8h", True, id="the same"),
        pytest.param("8h", "lower", "479m", True, id="a minute less, in another unit"),
        pytest.param("8h", "lower", "481m", False, id="a minute more"),
        pytest.param("365d", "higher", "365d1ms", True, id="a moment more"),
        pytest.param("365d", "higher", "364d", False, id="a day less"),
        pytest.param(3, "lower", 2, True, id="a lower number"),
        pytest.param(3, "lower", 4, False, id="a higher number"),
        pytest.param(0.95, "higher", 1, True, id="a whole number against a broken one"),
        pytest.param(False, "higher", True, True, id="switched on"),
        pytest.param(True, "higher", False, False, id="switched off"),
    ],
)
def test_a_deployment_may_only_be_stricter(own: Any, stricter: str, said: Any, allowed: bool) -> None:
    assert setting(own, stricter).allows(said) is allowed


@pytest.mark.parametrize(
    ("own", "said"),
    [
        pytest.param(3, "3d", id="a duration for a number"),
        pytest.param("3d", 3, id="a number for a duration"),
        pytest.param("3d", "soon", id="no duration"),
        pytest.param(3, False, id="false is not zero"),
        pytest.param(3, float("-inf"), id="infinity"),
        pytest.param(3, float("nan"), id="not a number"),
    ],
)
def test_what_cannot_be_compared_is_refused(own: Any, said: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        setting(own, "lower").allows(said)


@pytest.mark.parametrize("value", ["soon", float("nan"), "", float("inf")])
def test_a_profiles_own_value_can_be_compared(value: Any) -> None:
    with pytest.raises(ValidationError):
        setting(value, "lower")


@given(own=st.integers(0, 50), said=st.integers(0, 50), found=st.integers(0, 50))
def test_what_is_allowed_never_lets_more_pass(own: int, said: int, found: int) -> None:
    if setting(own, "lower").allows(said) and found <= said:
        assert found <= own
    if setting(own, "higher").allows(said) and found >= said:
        assert found >= own


@pytest.mark.parametrize(
    ("override", "target", "resource", "role", "holds"),
    [
        ({"target": "web:int*"}, "web:internal", "/", "", True),
        ({"target": "web:int*"}, "web:public", "/", "", False),
        ({"target": "docker:a"}, "compose:x + docker:a", "r", "", True),
        ({"resource": "a + b"}, "t:x", "a + b", "", True),
        ({"resource": "a"}, "t:x", "a + b", "", False),
        ({"role": "admin"}, "t:x", "", "admin", True),
        ({"role": "admin"}, "t:x", "", "", False),
        ({"role": "admin", "target": "t:y"}, "t:x", "", "admin", False),
    ],
)
def test_where_an_override_holds(override: Any, target: str, resource: str, role: str, holds: bool) -> None:
    assert Override.model_validate({**override, "value": 1}).holds(target, resource, role) is holds


def test_an_override_says_where() -> None:
    with pytest.raises(ValidationError, match="say where it holds"):
        Override.model_validate({"value": 1})


def settings(*overrides: dict[str, Any]) -> Settings:
    declared = {"age": setting("8h", "lower"), "most": setting(3, "lower")}
    return Settings(declared, {"age": Said.model_validate({"value": "4h", "for": list(overrides)})})


def test_the_first_override_that_holds_counts_then_the_deployment_then_the_profile() -> None:
    found = settings({"role": "admin", "value": "15m"}, {"target": "web:a", "value": "1h"})
    use = {"max": "$age", "all": ["$most", {"x": "$most"}], "text": "$$most"}
    rest = {"all": [3, {"x": 3}], "text": "$most"}
    assert found.resolve(use, "web:b") == {"max": "4h", **rest}
    assert found.resolve(use, "web:a") == {"max": "1h", **rest}
    assert found.resolve({**use, "role": "admin"}, "web:a") == {"max": "15m", **rest, "role": "admin"}


def test_names_in_parameters() -> None:
    assert names_in({"a": "$x", "b": ["$y", {"c": "$z"}], "d": "$$no", "e": 1}) == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("said", "line", "what"),
    [
        pytest.param("least: 2", 6, "least is 2, looser than the profile's 3\n      a deployment may only", id="loose"),
        pytest.param("leest: 4", 6, "unknown setting 'leest'\n      did you mean 'least'?", id="a typing error"),
        pytest.param("least: 3d", 6, "least: 3d is no number", id="another kind of value"),
        pytest.param("least: [3]", 6, "settings.least", id="no value at all"),
        pytest.param("least: {for: [{target: 'lab:*', value: 2}]}", 6, "least is 2, looser", id="a loose override"),
        pytest.param("least: {for: [{value: 4}]}", 6, "say where it holds", id="an override for nothing"),
        pytest.param(
            "least: {for: [{target: 'lab:mian', value: 4}]}",
            6,
            "no target is named 'lab:mian'\n      did you mean 'lab:main'?",
            id="an override of no target",
        ),
        pytest.param(
            "least: {for: [{role: admin, value: 4}]}", 6, "no check that uses it has the role 'admin'", id="no role"
        ),
        pytest.param("least: 10", 11, "least: input should be less than or equal to 9", id="beyond the check's range"),
        pytest.param(
            "least: {for: [{resource: x, value: 10}]}", 11, "less than or equal to 9", id="an override beyond it"
        ),
    ],
)
def test_what_a_deployment_says_wrongly(work: Workplace, said: str, line: int, what: str) -> None:
    work.write("profile.yaml", HIGHER + PROFILE.replace("- lab.ok", "- lab.ok: {least: $least}"))
    work.write("meshguard.yaml", DEPLOYMENT + f"settings: {{{said}}}\n")
    done = work.call("validate")
    assert done.returncode == 2
    assert what in done.stderr
    assert f"yaml:{line}" in done.stderr or "profile.yaml:12" in done.stderr


def test_a_setting_that_no_profile_declares(work: Workplace) -> None:
    work.write("profile.yaml", HIGHER + PROFILE.replace("- lab.ok", "- lab.ok: {least: $leest}"))
    done = work.call("validate")
    assert "profile.yaml:12: unknown setting $leest\n      did you mean 'least'?" in done.stderr


def test_two_profiles_must_agree_on_a_setting(work: Workplace) -> None:
    work.write("profile.yaml", HIGHER + PROFILE)
    work.write("other.yaml", HIGHER.replace("3", "1") + PROFILE.replace("lab-profile", "other"))
    done = work.call("validate", "-p", "./profile.yaml", "-p", "./other.yaml")
    assert "two profiles say different things of the setting least" in done.stderr
    work.write("child.yaml", PROFILE.split("controls:")[0] + "extends: [./profile.yaml, ./other.yaml]\n")
    assert "two extended profiles say different things of $least" in work.call("validate", "-p", "./child.yaml").stderr
    work.write("child.yaml", HIGHER + PROFILE.split("controls:")[0] + "extends: [./profile.yaml, ./other.yaml]\n")
    assert work.call("validate", "-p", "./child.yaml").returncode == 0
