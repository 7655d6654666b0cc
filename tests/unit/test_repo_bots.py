"""What a bot for updates would have to cover, and what Dependabot and Renovate are told."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshguard.targets.ci.files import Files
from meshguard.targets.repo.bots import DependabotEntry, Renovate
from meshguard.targets.repo.bots_places import places
from meshguard.targets.repo.bots_read import dependabot
from meshguard.targets.repo.bots_renovate import pace_of, parsed, renovate
from meshguard.targets.repo.walk import inventory


def written(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"package-lock.json": "{}", "package.json": '{"dependencies": {"a": "1"}}'}, ["npm /"], id="a lockfile"
        ),
        pytest.param(
            {"package-lock.json": "{}", "packages/a/package.json": '{"dependencies": {"a": "1"}}'},
            ["npm /"],
            id="a member of a workspace",
        ),
        pytest.param(
            {"a/package.json": '{"devDependencies": {"a": "1"}}'}, ["npm /a"], id="a manifest without a lockfile"
        ),
        pytest.param({"package.json": '{"type": "module"}'}, [], id="a manifest that names no package"),
        pytest.param({"package.json": "{"}, ["npm /"], id="a manifest that cannot be read"),
        pytest.param({"pyproject.toml": "[tool.ruff]\n"}, [], id="only the settings of a tool"),
        pytest.param({"pyproject.toml": '[project]\ndependencies = ["a"]\n'}, ["pip /"], id="a project of Python"),
        pytest.param(
            {"uv.lock": "", "pyproject.toml": '[project]\ndependencies = ["a"]\n'}, ["uv /"], id="a lockfile of uv"
        ),
        pytest.param({"ml/requirements.txt": "a"}, ["pip /ml"], id="requirements"),
        pytest.param(
            {"Dockerfile": "FROM a", "compose.yaml": "", "ab/package-lock.json": "", "a/package.json": "{"},
            ["docker /", "docker-compose /", "npm /a", "npm /ab"],
            id="a folder whose name begins like another",
        ),
        pytest.param(
            {".github/workflows/a.yml": "", ".github/workflows/b.yml": ""}, ["github-actions /"], id="workflows"
        ),
        pytest.param({"README.md": ""}, [], id="nothing"),
    ],
)
def test_places(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    root = written(tmp_path, files)
    assert [str(one) for one in places(root, inventory(root, ()))] == expected


HEAD = "version: 2\nupdates:\n  - package-ecosystem: npm\n    directory: /\n"


def entry(root: Path, text: str) -> DependabotEntry:
    found = dependabot(Files(written(root, {".github/dependabot.yml": text})))
    assert found is not None
    (one,) = found.entries
    return one


@pytest.mark.parametrize(
    ("text", "pace"),
    [
        pytest.param("    schedule: {interval: daily}\n", "daily", id="daily"),
        pytest.param("    schedule: {interval: weekly}\n", "weekly", id="weekly"),
        pytest.param("    schedule: {interval: monthly}\n", "monthly", id="monthly"),
        pytest.param("    schedule: {interval: quarterly}\n", "slower", id="quarterly"),
        pytest.param("    schedule: {interval: cron, cronjob: '0 9 * * 1'}\n", "weekly", id="cron on mondays"),
        pytest.param("    schedule: {interval: cron, cronjob: '0 9 1 * *'}\n", "monthly", id="cron on the first"),
        pytest.param("    schedule: {interval: cron, cronjob: 'every day'}\n", "unknown", id="cron in words"),
        pytest.param(
            "    multi-ecosystem-group: g\nmulti-ecosystem-groups: {g: {schedule: {interval: weekly}}}\n",
            "weekly",
            id="by a group",
        ),
        pytest.param("", "unknown", id="none"),
    ],
)
def test_schedules_of_dependabot(tmp_path: Path, text: str, pace: str) -> None:
    assert entry(tmp_path, HEAD + text).pace == pace


@pytest.mark.parametrize(
    ("text", "stopped", "doubt"),
    [
        pytest.param("    ignore: [{dependency-name: '*'}]\n", True, False, id="ignores all"),
        pytest.param(
            "    ignore: [{dependency-name: '*', update-types: ['version-update:semver-major']}]\n",
            False,
            False,
            id="ignores major ones",
        ),
        pytest.param(
            "    ignore: [{dependency-name: '*', update-types: ['version-update:semver-major',"
            " 'version-update:semver-minor', 'version-update:semver-patch']}]\n",
            True,
            False,
            id="ignores all three",
        ),
        pytest.param(
            "    ignore: [{dependency-name: '*', versions: ['>=2']}]\n", False, True, id="ignores some versions"
        ),
        pytest.param("    ignore: [{dependency-name: lodash}]\n", False, False, id="ignores one package"),
        pytest.param("    allow: [{dependency-name: lodash}]\n", True, False, id="allows one package"),
        pytest.param("    allow: [{dependency-type: all}]\n", False, False, id="allows all"),
        pytest.param("    allow: [{dependency-type: development}]\n", True, False, id="allows those of development"),
    ],
)
def test_what_narrows_dependabot(tmp_path: Path, text: str, stopped: bool, doubt: bool) -> None:
    one = entry(tmp_path, HEAD + text)
    assert (bool(one.stopped), bool(one.doubt)) == (stopped, doubt)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("version: 1\nupdates: []\n", id="version 1"),
        pytest.param("updates: [", id="no YAML"),
        pytest.param("version: 2\n", id="no updates"),
        pytest.param("", id="empty"),
    ],
)
def test_a_file_of_dependabot_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    found = dependabot(Files(written(tmp_path, {".github/dependabot.yml": text})))
    assert found is not None
    assert found.problem


def told(root: Path, text: str, path: str = "renovate.json") -> Renovate:
    found = renovate(Files(written(root, {path: text})))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        pytest.param("{}", "pace", "daily", id="nothing said: at any time"),
        pytest.param('{"enabled": false}', "stopped", "it is switched off (`enabled: false`)", id="switched off"),
        pytest.param('{"mode": "silent"}', "stopped", "its mode is silent", id="silent"),
        pytest.param('{"ignoreDeps": ["*"]}', "stopped", "it ignores every package", id="ignores all"),
        pytest.param(
            '{"packageRules": [{"matchPackageNames": ["*"], "enabled": false}]}',
            "stopped",
            "a rule switches off every package",
            id="a rule for all",
        ),
        pytest.param(
            '{"packageRules": [{"matchManagers": ["npm"], "enabled": false}]}',
            "off",
            ("npm",),
            id="a rule for a manager",
        ),
        pytest.param('{"dockerfile": {"enabled": false}}', "off", ("dockerfile",), id="a manager that is off"),
        pytest.param('{"enabledManagers": ["npm"]}', "managers", ("npm",), id="managers that are on"),
        pytest.param(
            '{"extends": ["github>o/r"]}',
            "doubts",
            ("the preset github>o/r is not in the checkout",),
            id="a preset of others",
        ),
        pytest.param(
            '{"extends": ["config:recommended", "group:monorepos", ":semanticCommits"]}', "doubts", (), id="built-in"
        ),
        pytest.param('{"extends": ["schedule:monthly"]}', "pace", "monthly", id="a monthly preset"),
        pytest.param('{schedule: ["before 4am on monday"], /* x */}', "pace", "weekly", id="JSON5"),
        pytest.param('{"ignorePaths": ["legacy/**"]}', "ignored", ("legacy/**",), id="paths"),
        pytest.param("{", "problem", "it cannot be read: it is no JSON or JSON5", id="no JSON"),
        pytest.param("[]", "problem", "it is no object", id="a list"),
        pytest.param("[" * 20000, "problem", "it cannot be read: it is no JSON or JSON5", id="nested too deep"),
    ],
)
def test_renovate(tmp_path: Path, text: str, field: str, value: object) -> None:
    assert getattr(told(tmp_path, text), field) == value


def test_renovate_in_package_json(tmp_path: Path) -> None:
    assert renovate(Files(written(tmp_path, {"package.json": "{}"}))) is None
    assert told(tmp_path, '{"renovate": {"enabled": false}}', "package.json").stopped


def test_renovate_leaves_out_what_its_presets_do(tmp_path: Path) -> None:
    assert "**/examples/**" in told(tmp_path, '{"extends": ["config:recommended"]}').ignored


@pytest.mark.parametrize(
    ("text", "pace"),
    [
        pytest.param("at any time", "daily", id="any time"),
        pytest.param("every weekend", "weekly", id="weekend"),
        pytest.param("every weekday", "daily", id="weekdays"),
        pytest.param("before 5am", "daily", id="before an hour"),
        pytest.param("on the first day of the month", "monthly", id="the first of the month"),
        pytest.param("every 3 months", "slower", id="three months"),
        pytest.param("* 0-3 * * 1", "weekly", id="cron on mondays"),
        pytest.param("* 0-3 1 * *", "monthly", id="cron on the first"),
        pytest.param("when it suits", "unknown", id="not known"),
    ],
)
def test_schedules_of_renovate(text: str, pace: str) -> None:
    assert pace_of(text) == pace


@given(st.text(alphabet='{}[]",:a1/*\n ', max_size=40))
def test_any_text_is_json_or_is_refused(text: str) -> None:
    try:
        parsed(text)
    except (ValueError, RecursionError):
        return
