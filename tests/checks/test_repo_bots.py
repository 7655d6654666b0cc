"""The check of bots for updates, on facts as they are recorded."""

from typing import Any

import pytest

from meshguard.targets.repo import Repo
from meshguard.targets.repo.bots import Dependabot, DependabotEntry, Renovate, UpdateBots, UpdatePlace
from meshguard.testing import judge, recorded
from meshguard_checks.repo.bots import update_bot

APP = UpdatePlace(ecosystem="npm", folder="app", files=("app/package-lock.json",))
ROOT = UpdatePlace(ecosystem="npm", folder="", files=("package-lock.json",))
ACTIONS = UpdatePlace(ecosystem="github-actions", folder="", files=(".github/workflows/ci.yml",))
COMPOSE = UpdatePlace(ecosystem="docker-compose", folder="", files=("compose.yaml",))


def dependabot(**more: Any) -> UpdateBots:
    said = {"line": 3, "ecosystem": "npm", "folders": ("/app",), "pace": "weekly", **more}
    return UpdateBots(dependabot=Dependabot(path=".github/dependabot.yml", entries=(DependabotEntry(**said),)))


def renovate(**more: Any) -> UpdateBots:
    return UpdateBots(renovate=Renovate(**{"path": "renovate.json", **more}))


@pytest.mark.parametrize(
    ("place", "found", "parameters", "outcome"),
    [
        pytest.param(APP, UpdateBots(), {}, "fail", id="no bot"),
        pytest.param(APP, dependabot(), {}, "pass", id="an entry for the folder"),
        pytest.param(ROOT, dependabot(), {}, "fail", id="an entry for another folder"),
        pytest.param(ROOT, dependabot(folders=("/",)), {}, "pass", id="an entry for the root"),
        pytest.param(APP, dependabot(folders=("/",)), {}, "fail", id="the root is not the folders under it"),
        pytest.param(APP, dependabot(folders=("/*",)), {}, "pass", id="a glob"),
        pytest.param(APP, dependabot(folders=("**/*",)), {}, "pass", id="a glob over all"),
        pytest.param(APP, dependabot(ecosystem="pip"), {}, "fail", id="another ecosystem"),
        pytest.param(ACTIONS, dependabot(ecosystem="github-actions", folders=("/",)), {}, "pass", id="workflows"),
        pytest.param(COMPOSE, dependabot(ecosystem="docker-compose", folders=("/",)), {}, "pass", id="compose files"),
        pytest.param(APP, dependabot(pace="monthly"), {}, "fail", id="monthly"),
        pytest.param(APP, dependabot(pace="monthly"), {"interval": "monthly"}, "pass", id="monthly, which is enough"),
        pytest.param(APP, dependabot(pace="weekly"), {"interval": "daily"}, "fail", id="weekly, which is not enough"),
        pytest.param(APP, dependabot(pace="unknown"), {}, "not-checked", id="a schedule that is not followed"),
        pytest.param(APP, dependabot(limit=0), {}, "fail", id="no pull request may be open"),
        pytest.param(APP, dependabot(limit=1), {}, "pass", id="one may"),
        pytest.param(APP, dependabot(stopped="it ignores every package"), {}, "fail", id="ignored"),
        pytest.param(
            APP, dependabot(doubt="some versions"), {}, "not-checked", id="narrowed in a way that is not followed"
        ),
        pytest.param(APP, dependabot(excluded=("app/**",)), {}, "fail", id="left out by its path"),
        pytest.param(
            APP, UpdateBots(dependabot=Dependabot(path="x", problem="no YAML")), {}, "not-checked", id="not read"
        ),
        pytest.param(APP, renovate(), {}, "pass", id="Renovate covers all by itself"),
        pytest.param(APP, renovate(stopped="off"), {}, "fail", id="Renovate is off"),
        pytest.param(APP, renovate(managers=("dockerfile",)), {}, "fail", id="another manager alone"),
        pytest.param(APP, renovate(managers=("npm",)), {}, "pass", id="the manager is on"),
        pytest.param(APP, renovate(off=("npm",)), {}, "fail", id="the manager is off"),
        pytest.param(APP, renovate(ignored=("app/**",)), {}, "fail", id="the path is ignored"),
        pytest.param(APP, renovate(ignored=("**/examples/**",)), {}, "pass", id="another path is"),
        pytest.param(APP, renovate(included=("web/**",)), {}, "fail", id="another path alone"),
        pytest.param(APP, renovate(pace="monthly"), {}, "fail", id="Renovate monthly"),
        pytest.param(
            APP, renovate(pace="unknown"), {}, "not-checked", id="a schedule of Renovate that is not followed"
        ),
        pytest.param(APP, renovate(doubts=("a preset",)), {}, "not-checked", id="a preset from elsewhere"),
        pytest.param(APP, renovate(problem="no JSON"), {}, "not-checked", id="Renovate's file is not read"),
        pytest.param(
            APP,
            UpdateBots(dependabot=dependabot(folders=("/",)).dependabot, renovate=renovate().renovate),
            {},
            "pass",
            id="one of two",
        ),
        pytest.param(
            APP,
            UpdateBots(dependabot=dependabot(folders=("/",)).dependabot, renovate=renovate(stopped="x").renovate),
            {},
            "fail",
            id="neither of two",
        ),
    ],
)
async def test_update_bot(place: UpdatePlace, found: UpdateBots, parameters: dict[str, Any], outcome: str) -> None:
    repo = recorded(Repo, {Repo.update_bots: {(): found}}, path=".")
    assert (await judge(update_bot, place, repo, **parameters)).outcome == outcome
