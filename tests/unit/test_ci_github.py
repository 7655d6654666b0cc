"""Where a command is found in workflows of GitHub Actions, and on what it is said to run."""

from pathlib import Path

import pytest

from meshguard.targets.ci.conditions import decide, runs_anyway
from meshguard.targets.ci.files import Files
from meshguard.targets.ci.listing import workflow_files
from meshguard.targets.ci.models import Runs
from meshguard.targets.ci.search import search
from meshguard.targets.ci.triggers import events_of, matches, occasion

CI = ".github/workflows/ci.yml"
HEAD = "on: [push, pull_request]\njobs:\n  a:\n    runs-on: ubuntu-latest\n"


def found(root: Path, files: dict[str, str], *commands: str) -> Runs:
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    listed, _ = workflow_files(root, ())
    return search(Files(root), tuple(listed), commands or ("npm audit",), "main")


def state(runs: Runs) -> tuple[str, str, bool, bool]:
    """Push, pull request, whether it is swallowed, whether it is open, of the one place."""
    (place,) = runs.places
    push, pull = place.occasions
    return push.state, pull.state, bool(place.swallowed), bool(place.unsure or place.skips)


SURE = ("yes", "yes", False, False)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param("run: npm audit", SURE, id="plain"),
        pytest.param("run: npm audit --audit-level=high", SURE, id="with a level"),
        pytest.param("run: npm --prefix app audit", SURE, id="an option before the subcommand"),
        pytest.param("run: sudo CI=1 npm audit", SURE, id="behind sudo"),
        pytest.param("run: npm audit\n        if: always()", SURE, id="always"),
        pytest.param("run: npm audit\n        if: false", ("no", "no", False, False), id="if false"),
        pytest.param(
            "run: npm audit\n        if: ${{ false }}", ("no", "no", False, False), id="if false as an expression"
        ),
        pytest.param("run: npm audit\n        if: failure()", ("no", "no", False, False), id="only after a failure"),
        pytest.param(
            "run: npm audit\n        if: github.event_name == 'push'", ("yes", "no", False, False), id="push alone"
        ),
        pytest.param("run: npm audit\n        if: vars.AUDIT", ("maybe", "maybe", False, False), id="a variable"),
        pytest.param(
            "run: npm audit\n        continue-on-error: true", ("yes", "yes", True, False), id="continue-on-error"
        ),
        pytest.param(
            "run: npm audit\n        continue-on-error: ${{ matrix.x }}",
            ("yes", "yes", False, True),
            id="continue-on-error by an expression",
        ),
        pytest.param("run: npm audit | tee log", ("yes", "yes", True, False), id="a pipe in the shell without a name"),
        pytest.param("run: npm audit | tee log\n        shell: bash", SURE, id="a pipe in `shell: bash`"),
        pytest.param("run: npm audit\n        shell: bash {0}", SURE, id="a shell without -e, last"),
        pytest.param(
            "run: npm audit; ls\n        shell: bash {0}", ("yes", "yes", True, False), id="a shell without -e"
        ),
        pytest.param(
            "run: npm audit ${{ inputs.flags }}", ("yes", "yes", False, True), id="arguments by an expression"
        ),
        pytest.param("run: npm audit --dry-run", ("yes", "yes", True, False), id="a dry run"),
        pytest.param("run: npm audit --audit-level=none", ("yes", "yes", True, False), id="level none"),
        pytest.param(
            "run: npm audit\n        env: {npm_config_audit_level: none}",
            ("yes", "yes", True, False),
            id="level none by a variable",
        ),
        pytest.param("run: npm run sec", ("yes", "yes", False, False), id="a script of package.json"),
        pytest.param("run: npm run weak", ("yes", "yes", True, False), id="a script of package.json that swallows it"),
        pytest.param("run: npm test", SURE, id="before the tests by pretest"),
        pytest.param("run: npm run sec || true", ("yes", "yes", True, False), id="the script's failure is swallowed"),
        pytest.param("run: bash strict.sh", SURE, id="a shell file with set -e"),
        pytest.param("run: ./lax.sh", ("yes", "yes", True, False), id="a shell file without"),
        pytest.param("run: bash -ec 'npm audit; ls'", SURE, id="bash -ec"),
        pytest.param("run: bash -c 'npm audit; ls'", ("yes", "yes", True, False), id="bash -c"),
        pytest.param("uses: ./.github/actions/audit", SURE, id="a composite action of the checkout"),
        pytest.param(
            "uses: ./.github/actions/audit\n        continue-on-error: true",
            ("yes", "yes", True, False),
            id="a composite action that may fail",
        ),
    ],
)
def test_one_step(tmp_path: Path, step: str, expected: tuple[str, str, bool, bool]) -> None:
    scripts = '{"scripts": {"sec": "npm audit", "weak": "npm audit || true", "pretest": "npm audit", "test": "jest"}}'
    runs = found(
        tmp_path,
        {
            CI: f"{HEAD}    steps:\n      - {step}\n",
            "package.json": scripts,
            "strict.sh": "#!/bin/bash\nset -e\nnpm audit\nls\n",
            "lax.sh": "#!/bin/bash\nnpm audit\nls\n",
            ".github/actions/audit/action.yml": "runs:\n  using: composite\n  steps: [{run: npm audit, shell: bash}]\n",
        },
    )
    assert state(runs) == expected


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("run: echo npm audit", id="an echo"),
        pytest.param("run: npm audit fix", id="another command of the name"),
        pytest.param("run: npm audit signatures", id="signatures"),
        pytest.param("run: npm install", id="an install that only reports"),
        pytest.param("name: npm audit\n        run: ls", id="a name"),
        pytest.param("run: npm run none", id="a script that is not there"),
        pytest.param("run: make lint", id="a Makefile without it"),
        pytest.param("uses: actions/setup-node@v4", id="an action of others"),
    ],
)
def test_not_the_command(tmp_path: Path, step: str) -> None:
    files = {CI: f"{HEAD}    steps:\n      - {step}\n", "package.json": "{}", "Makefile": "lint:\n\teslint\n"}
    runs = found(tmp_path, files)
    assert (runs.places, runs.unknown) == ((), ())


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("run: make audit", id="a Makefile that names it"),
        pytest.param("run: npm audit\n        shell: pwsh", id="another shell"),
        pytest.param("run: ${{ inputs.command }}", id="a command that is an expression"),
        pytest.param("run: ./not-there.sh", id="a script that is not there"),
        pytest.param("run: nx audit", id="a runner of workspaces"),
        pytest.param("run: node scripts/audit.js", id="a script in JavaScript that names it"),
        pytest.param("uses: ./.github/actions/none", id="an action that is not there"),
        pytest.param("uses: ./.github/actions/js", id="an action in JavaScript"),
    ],
)
def test_what_may_hide_it_is_told(tmp_path: Path, step: str) -> None:
    runs = found(
        tmp_path,
        {
            CI: f"{HEAD}    steps:\n      - {step}\n",
            "Makefile": "audit:\n\tnpm audit\n",
            "scripts/audit.js": "execSync('npm audit')",
            ".github/actions/js/action.yml": "runs: {using: node20, main: x.js}\n",
        },
    )
    assert runs.places == ()
    assert len(runs.unknown) == 1


@pytest.mark.parametrize(
    ("workflow", "expected"),
    [
        pytest.param(
            "on: push\njobs:\n  a:\n    steps: [{run: npm audit}]\n", ("yes", "no", False, False), id="on push"
        ),
        pytest.param(
            "'on': {push: {branches: [main]}, pull_request: }\njobs:\n  a:\n    steps: [{run: npm audit}]\n",
            SURE,
            id="the default branch",
        ),
        pytest.param(
            "on: {push: {branches: ['release/**']}, pull_request: }\njobs:\n  a:\n    steps: [{run: npm audit}]\n",
            ("no", "yes", False, False),
            id="other branches",
        ),
        pytest.param(
            "on: {push: {tags: ['v*']}, pull_request: {types: [labeled]}}\n"
            "jobs:\n  a:\n    steps: [{run: npm audit}]\n",
            ("no", "no", False, False),
            id="tags and labels",
        ),
        pytest.param(
            f"{HEAD}    continue-on-error: true\n    steps: [{{run: npm audit}}]\n",
            ("yes", "yes", True, False),
            id="continue-on-error of the job",
        ),
        pytest.param(
            f"{HEAD}    if: github.ref == 'refs/heads/main'\n    steps: [{{run: npm audit}}]\n",
            ("yes", "no", False, False),
            id="the job for the branch alone",
        ),
        pytest.param(
            f"{HEAD}    needs: b\n    steps: [{{run: npm audit}}]\n  b:\n    if: false\n    steps: [{{run: ls}}]\n",
            ("no", "no", False, False),
            id="skipped with the job it needs",
        ),
        pytest.param(
            f"{HEAD}    needs: b\n    if: always()\n    steps: [{{run: npm audit}}]\n  b:\n    if: false\n"
            "    steps: [{run: ls}]\n",
            SURE,
            id="always, whatever it needs",
        ),
        pytest.param(
            f"{HEAD}    steps: [{{run: npm audit}}]\ndefaults: {{run: {{shell: 'bash {{0}}'}}}}\n",
            SURE,
            id="a default shell",
        ),
        pytest.param(
            "on: [push, pull_request]\njobs:\n  a: {uses: ./.github/workflows/called.yml}\n",
            SURE,
            id="a called workflow",
        ),
    ],
)
def test_one_workflow(tmp_path: Path, workflow: str, expected: tuple[str, str, bool, bool]) -> None:
    called = "on: workflow_call\njobs:\n  b:\n    steps:\n      - run: |\n          npm ci\n          npm audit\n"
    files = {CI: workflow}
    if "called" in workflow:
        files[".github/workflows/called.yml"] = called
    assert state(found(tmp_path, files)) == expected


def test_a_filter_of_paths_is_told(tmp_path: Path) -> None:
    events = "on: {push: {paths: [app/**]}, pull_request: {paths-ignore: ['*.md']}}\n"
    text = events + "jobs:\n  a:\n    steps: [{run: npm audit}]\n"
    (place,) = found(tmp_path, {CI: text}).places
    assert [one.paths for one in place.occasions] == [True, True]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "on: [push]\njobs:\n  a: {uses: other/repo/.github/workflows/x.yml@main}\n", id="a workflow of others"
        ),
        pytest.param("on: push\njobs: [", id="no YAML"),
        pytest.param("a: 1\na: 2\n", id="a key twice"),
        pytest.param("on: push\njobs: {a: {uses: ./.github/workflows/../../../x.yml}}\n", id="outside of the checkout"),
        pytest.param("on: push\njobs: {a: {uses: ./.github/workflows/ci.yml}}\n", id="calls itself"),
        pytest.param("on: push\njobs: {a: {steps: none}}\n", id="no steps"),
        pytest.param("on: push\n", id="no jobs"),
        pytest.param("[" * 100 + "]" * 100, id="nested too deep"),
        pytest.param("a: &a [*a]\n", id="an anchor in itself"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, {CI: text}).unknown


def test_the_place_names_the_line_of_a_block(tmp_path: Path) -> None:
    runs = found(tmp_path, {CI: f"{HEAD}    steps:\n      - run: |\n          npm ci\n          npm audit\n"})
    assert runs.places[0].where == f"{CI}:8"


def test_npmrc_sets_the_level(tmp_path: Path) -> None:
    runs = found(tmp_path, {CI: f"{HEAD}    steps:\n      - run: npm audit\n", ".npmrc": "audit-level=none\n"})
    assert runs.places[0].swallowed


@pytest.mark.parametrize(
    ("command", "step", "swallowed"),
    [
        pytest.param("trivy fs", "run: trivy fs --exit-code 1 .", False, id="trivy with an exit code"),
        pytest.param("trivy fs", "run: trivy fs .", True, id="trivy without an exit code"),
        pytest.param("trivy fs", "run: trivy fs --exit-code=0 .", True, id="trivy with exit code 0"),
        pytest.param("license-checker", "run: npx license-checker@25 --onlyAllow MIT", False, id="licences by npx"),
        pytest.param("license-checker", "run: npx license-checker --json", True, id="licences listed alone"),
        pytest.param("pip-audit", "run: python -m pip_audit", False, id="a module of Python"),
        pytest.param(
            "uses: aquasecurity/trivy-action",
            "uses: aquasecurity/trivy-action@x\n        with: {exit-code: '1'}",
            False,
            id="an action that fails",
        ),
        pytest.param(
            "uses: aquasecurity/trivy-action", "uses: aquasecurity/trivy-action@x", True, id="an action that does not"
        ),
    ],
)
def test_scanners_that_only_report(tmp_path: Path, command: str, step: str, swallowed: bool) -> None:
    (place,) = found(tmp_path, {CI: f"{HEAD}    steps:\n      - {step}\n"}, command).places
    assert bool(place.swallowed) is swallowed


@pytest.mark.parametrize(
    ("text", "push", "pull"),
    [
        pytest.param(None, True, True, id="none"),
        pytest.param("github.event_name != 'push'", False, True, id="not push"),
        pytest.param("github.ref == 'refs/heads/main' && github.event_name == 'push'", True, False, id="and"),
        pytest.param("github.actor == 'x' || true", True, True, id="or true"),
        pytest.param("github.actor == 'x' && false", False, False, id="and false"),
        pytest.param("github.actor == 'x'", None, None, id="not known"),
        pytest.param("!startsWith(github.ref, 'refs/tags/')", True, True, id="no tag"),
        pytest.param("${{ false }} || true", True, True, id="text around an expression is true"),
        pytest.param("!cancelled()", True, True, id="not cancelled"),
        pytest.param("(", None, None, id="no expression"),
        pytest.param("(" * 5000, None, None, id="nested too deep"),
    ],
)
def test_conditions(text: str | None, push: bool | None, pull: bool | None) -> None:
    assert (decide(text, "push", "main"), decide(text, "pull_request", "main")) == (push, pull)


def test_a_condition_that_outlives_failures() -> None:
    assert runs_anyway("always()")
    assert runs_anyway("!cancelled() && github.ref == 'x'")
    assert not runs_anyway("success()")


@pytest.mark.parametrize(
    ("patterns", "name", "fits"),
    [
        pytest.param(["main"], "main", True, id="the name"),
        pytest.param(["ma*"], "main", True, id="a star"),
        pytest.param(["*"], "a/b", False, id="a star stops at a slash"),
        pytest.param(["**"], "a/b", True, id="two stars do not"),
        pytest.param(["**", "!main"], "main", False, id="taken away"),
        pytest.param(["!main", "**"], "main", True, id="the last decides"),
        pytest.param(["[a-"], "main", False, id="no pattern"),
    ],
)
def test_filters_of_branches(patterns: list[str], name: str, fits: bool) -> None:
    assert matches(patterns, name) is fits


def test_events_in_their_three_forms() -> None:
    assert [set(events_of({"on": said})) for said in ("push", ["push"], {"push": None})] == [{"push"}] * 3
    assert occasion({}, "push", "main").state == "no"
