"""A failure that is said to count fails a real bash, started as the CI services start it."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from meshguard.targets.ci.shell import Walk
from meshguard.targets.ci.shell_models import Called, Context, Shell

AUDIT = "npm audit"


def no_scripts(said: tuple[str, ...], cwd: str | None) -> list[Called]:
    return []


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    templates = [
        "{}; {}",
        "{}\n{}",
        "{} && {}",
        "{} || {}",
        "{} | {}",
        "! {}",
        "( {} )",
        "{{ {}; }}",
        "if {}; then {}; fi",
        "if {}; then {}; else {}; fi",
        "if ! {}; then {}; fi",
        "for i in 1 2; do {}; done",
        "f() {{ {}; }}; f",
        "x=$({})",
        "export X=$({})",
        "set +e; {}",
        "set -e; {}",
        "set -o pipefail; {}",
        "{} || exit 1",
        "{} || true",
        "{}; exit $?",
        "{}; exit 0",
        "{} &",
        "{} || {{ {}; exit 1; }}",
        "{} || {{ {}; exit; }}",
        "g() {{ {}; {}; }}; g || {}",
        "while {}; do break; done",
        "case a in a) {};; esac",
        "echo $({})",
        "{} || false",
        "exec {}",
        "( {} ) || exit 2",
    ]
    return st.tuples(st.sampled_from(templates), st.lists(inner, min_size=3, max_size=3)).map(
        lambda pair: pair[0].format(*pair[1])
    )


SCRIPTS = st.recursive(
    st.sampled_from([AUDIT, "true", "false", "echo x", "exit 0", "exit 1", "set +e"]), nested, max_leaves=8
)


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bin")
    npm = folder / "npm"
    npm.write_text("#!/bin/sh\nexit 7\n")
    npm.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("flags", "shell"),
    [
        pytest.param(["-e"], Shell(errexit=True, pipefail=False), id="GitHub without a shell"),
        pytest.param(["-eo", "pipefail"], Shell(errexit=True, pipefail=True), id="GitHub with shell bash"),
        pytest.param([], Shell(errexit=False, pipefail=False), id="a script of npm"),
    ],
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=SCRIPTS)
def test_what_counts_fails_bash(flags: list[str], shell: Shell, script: str, stub: Path) -> None:
    walk = Walk(shell, no_scripts)
    walk.script(script, Context())
    audits = [ran for ran in walk.found if ran.words == ("npm", "audit")]
    sure = [ran for ran in audits if not (ran.swallowed or ran.unsure or ran.skips)]
    if not sure or walk.opaque:
        return
    event("looked at")
    done = subprocess.run(
        ["bash", "--norc", *flags, "-c", script], check=False, timeout=10, capture_output=True,
        env={**os.environ, "PATH": f"{stub}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode != 0, script
