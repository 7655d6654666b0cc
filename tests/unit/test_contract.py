"""What every installed check, target and profile keeps to."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conftest import ROOT

from meshguard.check import Check
from meshguard.plugins import Plugins
from meshguard.profile import ProfileLoader
from meshguard.target import Target
from meshguard.uses import IMPLICIT
from meshguard.values import canonical_json

PLUGINS = Plugins()
CHECKS = list(PLUGINS.all_checks().values())
KINDS = [PLUGINS.target(kind) for kind in PLUGINS.kinds()]


def used() -> set[str]:
    """Checks that a shipped profile uses."""
    mistakes: list[Any] = []
    loader = ProfileLoader(PLUGINS, mistakes)
    profiles = [loader.load(name, folder=ROOT) for name in PLUGINS.profiles()]
    assert not mistakes
    return {use.check for p in profiles if p for control in p.controls.values() for use in control.checks}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check(check: Check[Any]) -> None:
    assert check.requirement.endswith("."), "the requirement is a sentence"
    assert len(check.requirement) < 240
    assert check.fix, "it says what to do"
    assert check.method in ("test", "examine")
    assert set(check.kinds) <= {*PLUGINS.kinds(), *IMPLICIT}
    assert check.asks, "it looks at something"
    for name, parameter in check.parameters.model_json_schema().get("properties", {}).items():
        assert parameter.get("description"), f"{name} is explained"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_with_its_defaults_is_itself(check: Check[Any]) -> None:
    model = check.parameters
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    if not required:
        written = model().model_dump(mode="json")
        assert model.model_validate(written) == model()
        assert canonical_json(written)


FOR_OWN_PROFILES = {"ci.zizmor", "framework.coverage", "framework.score"}
"""How much of a framework must be covered is for whoever adopts it to say; no shipped profile does. zizmor is a program
of others: a shipped profile that asked it would be undetermined wherever it is not installed."""


def test_every_check_is_used_by_a_profile() -> None:
    assert {check.id for check in CHECKS} - used() == FOR_OWN_PROFILES


def test_every_check_of_a_profile_is_there() -> None:
    assert used() <= {check.id for check in CHECKS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_kind_of_target(kind: type[Target[Any]]) -> None:
    assert kind.facts()
    for fact in kind.facts().values():
        assert (fact.__doc__ or "").strip().split("\n")[0].endswith("."), f"{fact.name} says what it answers"
        assert fact.codec.core_schema
    for name, field in kind.Settings.model_fields.items():
        assert field.description, f"{name} is explained"
