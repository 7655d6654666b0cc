"""Where a command is found in GitLab's configuration, and on what it is said to run."""

from pathlib import Path

import pytest

from meshguard.targets.ci.files import Files
from meshguard.targets.ci.gitlab_rules import Pipeline, decide
from meshguard.targets.ci.listing import workflow_files
from meshguard.targets.ci.models import Runs
from meshguard.targets.ci.search import search

ROOT = ".gitlab-ci.yml"


def found(root: Path, files: dict[str, str], *commands: str) -> Runs:
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    listed, _ = workflow_files(root, ())
    return search(Files(root), tuple(listed), commands or ("npm audit",), "main")


def state(runs: Runs) -> tuple[str, str, bool, bool]:
    (place,) = runs.places
    push, pull = place.occasions
    return push.state, pull.state, bool(place.swallowed), bool(place.unsure or place.skips)


SURE = ("yes", "yes", False, False)
MERGE = "$CI_PIPELINE_SOURCE == 'merge_request_event'"
MAIN = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: {script: npm audit}", SURE, id="plain, in the pipelines of branches"),
        pytest.param("a: {script: [npm ci, npm audit]}", SURE, id="the last of two"),
        pytest.param("a: {script: [npm audit, npm test]}", SURE, id="the first of two"),
        pytest.param("a: {script: ['npm audit || true']}", ("yes", "yes", True, False), id="or true"),
        pytest.param(
            "a: {before_script: [set +e], script: [npm audit, ls]}",
            ("yes", "yes", True, False),
            id="errexit is off from before_script",
        ),
        pytest.param(
            "a: {script: 'npm audit | tee x'}", ("yes", "yes", False, True), id="a pipe: it depends on the shell"
        ),
        pytest.param("a: {script: [set -o pipefail, 'npm audit | tee x']}", SURE, id="a pipe with pipefail"),
        pytest.param("a: {allow_failure: true, script: npm audit}", ("yes", "yes", True, False), id="allow_failure"),
        pytest.param(
            "a: {allow_failure: {exit_codes: 1}, script: npm audit}",
            ("yes", "yes", True, False),
            id="allow_failure of some codes",
        ),
        pytest.param("a: {when: manual, script: npm audit}", ("yes", "yes", True, False), id="manual may fail"),
        pytest.param("a: {when: never, script: npm audit}", ("no", "no", False, False), id="never"),
        pytest.param(
            f'a: {{rules: [{{if: "{MERGE}"}}], script: npm audit}}', ("no", "yes", False, False), id="merge requests"
        ),
        pytest.param(
            f'a: {{rules: [{{if: "{MERGE}"}}, {{if: "{MAIN}"}}], script: npm audit}}', SURE, id="both by rules"
        ),
        pytest.param(
            f'a: {{rules: [{{if: "{MERGE}", when: never}}, {{when: always}}], script: npm audit}}',
            SURE,
            id="never on merge requests, but on their branches",
        ),
        pytest.param(
            f'a: {{rules: [{{if: "{MAIN}", allow_failure: true}}], script: npm audit}}',
            ("yes", "no", True, False),
            id="allow_failure of a rule",
        ),
        pytest.param(
            "a: {rules: [{if: $UNKNOWN}], script: npm audit}", ("maybe", "maybe", False, False), id="a variable"
        ),
        pytest.param(
            "a: {rules: [{exists: [x]}], script: npm audit}", ("maybe", "maybe", False, False), id="files that exist"
        ),
        pytest.param(
            "a: {rules: [{when: manual}], script: npm audit}", ("no", "no", False, False), id="manual by a rule"
        ),
        pytest.param("a: {only: [main], script: npm audit}", ("yes", "no", False, False), id="only main"),
        pytest.param(
            "a: {only: [merge_requests], script: npm audit}", ("no", "yes", False, False), id="only merge requests"
        ),
        pytest.param("a: {except: [branches], script: npm audit}", ("no", "no", False, False), id="except branches"),
        pytest.param(
            "a: {only: {variables: [$X]}, script: npm audit}", ("maybe", "maybe", False, False), id="only variables"
        ),
        pytest.param(
            "workflow: {rules: [{if: $CI_MERGE_REQUEST_IID}]}\na: {script: npm audit}",
            ("no", "yes", False, False),
            id="workflow rules, and a job that says nothing",
        ),
        pytest.param(".a: {script: npm audit}\nb: {extends: .a}", SURE, id="extends"),
        pytest.param(
            ".a: {script: npm audit, allow_failure: true}\nb: {extends: [.a], allow_failure: false}",
            SURE,
            id="extends, and overridden",
        ),
        pytest.param(".a: {script: [npm audit]}\nb: {script: [ls, !reference [.a, script]]}", SURE, id="a reference"),
        pytest.param("default: {before_script: [npm audit]}\nb: {script: ls}", SURE, id="before all scripts"),
        pytest.param(".x: &x {script: npm audit}\nb: {<<: *x}", SURE, id="an anchor"),
        pytest.param("include: /ci/a.yml\n", SURE, id="an included file"),
        pytest.param("include: [{local: 'ci/*.gitlab-ci.yml'}]\n", SURE, id="included files by a glob"),
    ],
)
def test_one_job(tmp_path: Path, text: str, expected: tuple[str, str, bool, bool]) -> None:
    files = {ROOT: text, "ci/a.yml": "a: {script: npm audit}", "ci/b.gitlab-ci.yml": "a: {script: npm audit}"}
    assert state(found(tmp_path, files)) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("include: {project: a/b, file: x.yml}\na: {script: ls}", id="an include of another project"),
        pytest.param("include: {template: X.gitlab-ci.yml}\na: {script: ls}", id="a template"),
        pytest.param("include: 'https://ci.example/x.yml'\na: {script: ls}", id="an address"),
        pytest.param("include: {component: gitlab.example/a/b@1.0}\na: {script: ls}", id="a component"),
        pytest.param("include: /not/there.yml\na: {script: ls}", id="a file that is not there"),
        pytest.param("a: {trigger: {include: child.yml}}", id="a child pipeline"),
        pytest.param("a: {extends: .none, script: ls}", id="extends what is not there"),
        pytest.param("a: {extends: b}\nb: {extends: a}", id="extends in a circle"),
        pytest.param("a: {script: [!reference [.none, script]]}", id="a reference to what is not there"),
        pytest.param("a: [", id="no YAML"),
    ],
)
def test_what_is_not_read_is_told(tmp_path: Path, text: str) -> None:
    runs = found(tmp_path, {ROOT: text})
    assert runs.places == ()
    assert runs.unknown


def test_a_hidden_job_and_an_after_script_do_not_count(tmp_path: Path) -> None:
    runs = found(tmp_path, {ROOT: ".a: {script: npm audit}\nb: {script: ls, after_script: [npm audit]}"})
    assert (runs.places, runs.unknown) == ((), ())


@pytest.mark.parametrize(
    ("extra", "after"),
    [
        pytest.param("", ("smoke",), id="an earlier stage"),
        pytest.param(", needs: [smoke]", ("smoke",), id="needed"),
        pytest.param(", needs: []", (), id="needs nothing"),
        pytest.param(", needs: [{job: smoke, optional: true}]", (), id="needed where it is there"),
        pytest.param(", when: always", (), id="always"),
    ],
)
def test_what_must_come_before(tmp_path: Path, extra: str, after: tuple[str, ...]) -> None:
    text = f"smoke: {{stage: test, script: ls}}\nswitch: {{stage: deploy, script: go{extra}}}"
    (place,) = found(tmp_path, {ROOT: text}, "go").places
    assert place.after == after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("$CI_COMMIT_BRANCH == 'main'", True, id="equal"),
        pytest.param('$CI_COMMIT_BRANCH != "main"', False, id="not equal"),
        pytest.param("$CI_COMMIT_TAG", False, id="not set"),
        pytest.param("$CI_COMMIT_TAG == null", True, id="null"),
        pytest.param("$CI_COMMIT_BRANCH =~ /^ma/", True, id="a pattern"),
        pytest.param("$CI_COMMIT_BRANCH =~ /(a+)+$/", None, id="a pattern that may take long"),
        pytest.param("$X && $CI_COMMIT_TAG", False, id="and"),
        pytest.param("$X || $CI", True, id="or"),
        pytest.param("($X", None, id="no condition"),
        pytest.param("!" * 3000, None, id="too long"),
    ],
)
def test_conditions(text: str, expected: bool | None) -> None:
    assert decide(text, Pipeline("push", "main", merge_request=False)) is expected
