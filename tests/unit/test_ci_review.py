"""What is read of a file: code of others, permissions, secrets, strangers' pull requests; and the parsers under it."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshguard.errors import NotObserved
from meshguard.targets.ci.commands import matched, pattern
from meshguard.targets.ci.files import Files, NotRead, normal
from meshguard.targets.ci.listing import workflow_files
from meshguard.targets.ci.models import WorkflowFile
from meshguard.targets.ci.review import permissions, uses
from meshguard.targets.ci.secrets import secrets
from meshguard.targets.ci.trusting import trusting
from meshguard.targets.ci.yaml_read import Reference, Unreadable, read

CI = ".github/workflows/ci.yml"
GITHUB, GITLAB = WorkflowFile(path=CI, system="github"), WorkflowFile(path=".gitlab-ci.yml", system="gitlab")


def files(root: Path, text: str, path: str = CI) -> Files:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return Files(root)


def test_code_of_others(tmp_path: Path) -> None:
    text = """
jobs:
  a:
    container: node:20
    services: {db: {image: 'postgres@sha256:00'}}
    steps:
      - uses: actions/checkout@v4 # a comment
      - uses: ./local
      - uses: docker://alpine:3
      - uses: aquasecurity/setup-trivy@abc
        with: {version: v0.69.4}
      - run: |
          docker run aquasec/trivy:0.69.5 image x
          # aquasec/trivy:0.69.6 was bad
  b: {uses: o/r/.github/workflows/x.yml@main}
"""
    found = uses(files(tmp_path, text), GITHUB)
    assert [(one.kind, one.name, one.ref, one.version) for one in found.uses] == [
        ("action", "actions/checkout", "v4", ""),
        ("image", "alpine", "3", ""),
        ("action", "aquasecurity/setup-trivy", "abc", "0.69.4"),
        ("image", "node", "20", ""),
        ("image", "postgres", "sha256:00", ""),
        ("workflow", "o/r/.github/workflows/x.yml", "main", ""),
        ("image", "trivy", "", "0.69.5"),
    ]


def test_code_of_others_in_gitlab(tmp_path: Path) -> None:
    text = (
        "include: [{project: a/b, ref: main, file: x}, {component: $CI_SERVER_FQDN/a/c@1.0}]\na: {image: 'node:20'}\n"
    )
    found = uses(files(tmp_path, text, GITLAB.path), GITLAB)
    assert [(one.kind, one.name, one.ref) for one in found.uses] == [
        ("include", "a/b", "main"),
        ("include", "gitlab/a/c", "1.0"),
        ("image", "node", "20"),
    ]


def test_permissions_are_read(tmp_path: Path) -> None:
    text = "on: push\npermissions: {contents: read}\njobs:\n  a: {permissions: write-all}\n"
    text += "  b: {permissions: {packages: write}}\n  c: {}\n"
    found = permissions(files(tmp_path, text), CI)
    assert (found.top.said, found.top.writes) == (True, ())
    assert [(one.job, one.said, one.all, one.writes) for one in found.jobs] == [
        ("a", True, "write-all", ()),
        ("b", True, "", ("packages",)),
        ("c", False, "", ()),
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param("env: {DB_PASSWORD: hunter}", [("literal", "DB_PASSWORD")], id="a literal"),
        pytest.param("env: {DB_PASSWORD: ''}", [], id="an empty value"),
        pytest.param("env: {DB_PASSWORD: '${{ env.X }}'}", [], id="an expression"),
        pytest.param("env: {PASSWORD_FILE: /run/x}", [], id="the name of a file"),
        pytest.param("env: {X: '${{ secrets.DB }}'}", [("stored", "DB")], id="a stored one"),
        pytest.param("env: {X: '${{ secrets.GITHUB_TOKEN }}'}", [], id="the job's own token"),
        pytest.param(
            "env: {X: '${{ toJSON(secrets) }}'}", [("all", "toJSON(secrets) or a name that is computed")], id="all"
        ),
        pytest.param(
            "env: {X: '${{ secrets[matrix.x] }}'}",
            [("all", "toJSON(secrets) or a name that is computed")],
            id="one whose name is computed",
        ),
        pytest.param("run: export API_TOKEN=abc", [("literal", "API_TOKEN")], id="a literal in a script"),
        pytest.param("run: export API_TOKEN=$X", [], id="a variable in a script"),
        pytest.param("run: echo API_TOKEN=abc", [], id="only printed"),
        pytest.param("uses: hashicorp/vault-action@x", [("manager", "hashicorp/vault-action")], id="a manager"),
    ],
)
def test_secrets_are_known_by_name(tmp_path: Path, part: str, expected: list[tuple[str, str]]) -> None:
    found = secrets(files(tmp_path, f"jobs:\n  a:\n    steps:\n      - {part}\n"), GITHUB)
    assert [(one.kind, one.name) for one in found.uses] == expected
    assert "hunter" not in found.model_dump_json()


def test_secrets_of_gitlab(tmp_path: Path) -> None:
    text = "variables: {API_TOKEN: abc}\n"
    text += "a: {secrets: {DB_PASSWORD: {vault: x}}, script: [use $DB_PASSWORD $SMTP_PASSWORD $CI_JOB_TOKEN]}\n"
    found = secrets(files(tmp_path, text, GITLAB.path), GITLAB)
    assert {(one.kind, one.name) for one in found.uses} == {
        ("literal", "API_TOKEN"),
        ("manager", "DB_PASSWORD"),
        ("stored", "SMTP_PASSWORD"),
    }


@pytest.mark.parametrize(
    ("step", "kinds"),
    [
        pytest.param("uses: actions/checkout@x", [], id="the base's code"),
        pytest.param(
            "uses: actions/checkout@x\n        with: {ref: '${{ github.event.pull_request.head.sha }}'}",
            ["checkout"],
            id="the head's code",
        ),
        pytest.param(
            "uses: actions/checkout@x\n        with: {ref: '${{ github.event.pull_request.base.sha }}'}",
            [],
            id="the base's code by name",
        ),
        pytest.param(
            "uses: actions/checkout@x\n        with: {ref: 'refs/pull/1/merge'}", ["checkout"], id="the merge's code"
        ),
        pytest.param(
            "uses: actions/checkout@x\n        with: {ref: '${{ inputs.ref }}'}", ["checkout-unknown"], id="not known"
        ),
        pytest.param("run: gh pr checkout 1", ["checkout"], id="by gh"),
        pytest.param("run: git fetch origin pull/1/head", ["checkout"], id="by git"),
        pytest.param("run: echo ${{ github.event.pull_request.title }}", ["injection"], id="the title in a script"),
        pytest.param(
            "run: echo $TITLE\n        env: {TITLE: '${{ github.event.pull_request.title }}'}", [], id="by a variable"
        ),
        pytest.param(
            "run: gh pr checkout 1\n        if: github.event.pull_request.head.repo.full_name == github.repository",
            [],
            id="under a condition that keeps forks out",
        ),
        pytest.param("uses: ./.github/actions/x", ["checkout"], id="in an action of the checkout"),
    ],
)
def test_strangers_code(tmp_path: Path, step: str, kinds: list[str]) -> None:
    files(tmp_path, "runs: {using: composite, steps: [{run: gh pr checkout 1}]}", ".github/actions/x/action.yml")
    found = trusting(files(tmp_path, f"on: pull_request_target\njobs:\n  a:\n    steps:\n      - {step}\n"), CI)
    assert [one.kind for one in found.dangers] == kinds


def test_on_pull_request_strangers_have_no_rights(tmp_path: Path) -> None:
    found = trusting(files(tmp_path, "on: pull_request\njobs: {a: {steps: [{run: gh pr checkout 1}]}}\n"), CI)
    assert (found.events, found.dangers) == ((), ())


def test_no_file_outside_and_no_link_is_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("x")
    root = tmp_path / "root"
    (root / ".github/workflows").mkdir(parents=True)
    (root / ".github/workflows/a.yml").symlink_to(outside)
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")
    assert normal("../outside") is None
    assert normal("./a/../b") == "b"
    for path in (".github/workflows/a.yml", "folder", "pipe", "none", "a\0b"):
        with pytest.raises(NotRead):
            Files(root).text(path)
    found, left = workflow_files(root, ())
    assert found == []
    assert [one.paths for one in left if one.failed] == [(".github/workflows/a.yml",)]


def test_yaml_keeps_on_and_references() -> None:
    (data,) = read("on: yes\nn: 12\nt: true\ns: 'true'\nr: !reference [.a, script]\nl: [a]\n")
    assert data == {"on": "yes", "n": 12, "t": True, "s": "true", "r": Reference((".a", "script")), "l": ["a"]}
    assert data.at("r") == 5


@given(st.text(max_size=120))
def test_any_text_is_yaml_or_is_refused(text: str) -> None:
    try:
        read(text)
    except Unreadable:
        return


@pytest.mark.parametrize(
    ("wanted", "said", "fits"),
    [
        pytest.param("npm audit", ("npm", "audit"), True, id="equal"),
        pytest.param("npm audit", ("npm", "run", "audit"), False, id="a script of the name"),
        pytest.param(
            "npm audit", ("npm", "--foo", "run", "audit"), False, id="an option that is not known takes no value"
        ),
        pytest.param("npm audit", ("/usr/bin/npm", "-C", "app", "audit", "--json"), True, id="a path and options"),
        pytest.param(
            "trivy fs --exit-code 1", ("trivy", "fs", "--exit-code=1", "."), True, id="an option with its value"
        ),
        pytest.param("trivy fs --exit-code 1", ("trivy", "fs", "--exit-code", "0"), False, id="another value"),
        pytest.param("pip-audit", ("uv", "run", "--with", "x", "pip-audit"), True, id="behind a runner"),
        pytest.param("pip-audit", ("timeout", "60", "pip-audit"), True, id="behind timeout"),
        pytest.param(
            "./scripts/smoke.sh", ("bash", "-eo", "pipefail", "scripts/smoke.sh"), True, id="a file given to a shell"
        ),
        pytest.param("smoke.sh", ("./scripts/smoke.sh",), True, id="a file by its name"),
        pytest.param("smoke.sh", ("bash", "-c", "smoke.sh"), False, id="the text of a shell is followed elsewhere"),
        pytest.param("pip-audit", ("echo", "pip-audit"), False, id="an echo"),
    ],
)
def test_a_command_is_the_wanted_one(wanted: str, said: tuple[str, ...], fits: bool) -> None:
    assert (matched(pattern(wanted), said) is not None) is fits


def test_a_pattern_names_a_command() -> None:
    with pytest.raises(NotObserved):
        pattern("--json")
