"""What becomes of a command in a shell script: whether it runs, and whether its failure fails the script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshguard.targets.ci.shell import Walk
from meshguard.targets.ci.shell_models import Called, Context, Ran, Shell


def no_scripts(said: tuple[str, ...], cwd: str | None) -> list[Called]:
    return []


def followed(script: str, *, errexit: bool = True, pipefail: bool | None = False) -> Walk:
    walk = Walk(Shell(errexit, pipefail, ""), no_scripts)
    walk.script(script, Context())
    return walk


def audit(script: str, **shell: bool | None) -> Ran | None:
    return next((ran for ran in followed(script, **shell).found if ran.words[:2] == ("npm", "audit")), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("npm audit", id="alone"),
        pytest.param("npm ci\nnpm audit\nnpm test", id="between others"),
        pytest.param("npm \\\n  audit", id="over two lines"),
        pytest.param("npm audit; exit 0", id="errexit ends the script before the exit"),
        pytest.param("npm audit || exit 1", id="exit 1 after it"),
        pytest.param("npm audit || exit", id="exit with its own status"),
        pytest.param("npm audit || { echo bad; exit 3; }", id="a block that ends in exit 3"),
        pytest.param("npm audit || (exit 1)", id="a subshell that fails"),
        pytest.param("npm audit || false", id="false after it"),
        pytest.param("if ! npm audit; then exit 1; fi", id="an if that exits where it fails"),
        pytest.param("if npm audit; then echo ok; else exit 1; fi", id="an else that exits"),
        pytest.param("set -o pipefail; npm audit | tee log", id="a pipe with pipefail"),
        pytest.param("set -euo pipefail\nnpm audit | tee log\nls", id="a pipe with pipefail in one set"),
        pytest.param("cat x | npm audit", id="the last of a pipe"),
        pytest.param("x=$(npm audit)\nls", id="an assignment has its status"),
        pytest.param("f() { npm audit; }\nf", id="in a function"),
        pytest.param("(npm audit)\nls", id="in a subshell"),
        pytest.param("{ npm audit; }\nls", id="in a block"),
        pytest.param("for d in a b; do npm audit; done\nls", id="in a loop over words"),
        pytest.param("set +e\nnpm audit\nexit $?", id="its status is handed on at once"),
        pytest.param("set +e\nls\nset -e\nnpm audit\nls", id="errexit is on again"),
        pytest.param("cd app && npm audit", id="last of an && list that ends the script"),
        pytest.param("exec npm audit", id="exec"),
        pytest.param("npm audit > log 2>&1", id="redirected"),
        pytest.param("if [ -z $X ]; then exit 1; fi\nnpm audit", id="an exit before it that fails"),
    ],
)
def test_failure_counts(script: str) -> None:
    ran = audit(script)
    assert ran is not None
    assert (ran.swallowed, ran.unsure, ran.skips) == ("", (), ())


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("npm audit || true", id="or true"),
        pytest.param("npm audit || :", id="or colon"),
        pytest.param("npm audit || echo bad", id="or echo"),
        pytest.param("npm audit || { echo bad; exit; }", id="a block whose exit has the status of echo"),
        pytest.param("npm audit || exit 0", id="or exit 0"),
        pytest.param("npm audit || exit 256", id="or exit 256, which is 0"),
        pytest.param("npm audit && echo ok\nls", id="the left of && ends no script"),
        pytest.param("npm audit | tee log", id="a pipe without pipefail"),
        pytest.param("npm audit &\nwait", id="in the background"),
        pytest.param("! npm audit", id="negated"),
        pytest.param("if npm audit; then echo ok; fi", id="only a condition"),
        pytest.param("while npm audit; do break; done", id="the condition of a loop"),
        pytest.param("set +e\nnpm audit\nls", id="errexit is off"),
        pytest.param("set +e; npm audit; exit 0", id="errexit is off and exit 0"),
        pytest.param("export X=$(npm audit)", id="export hides the status"),
        pytest.param("echo $(npm audit)", id="a substitution in an argument"),
        pytest.param("f() { npm audit; ls; }\nf || true", id="a function before or true"),
        pytest.param("f() { npm audit; ls; }\nf || exit 1", id="not last in a function without errexit"),
        pytest.param("(npm audit) || true", id="a subshell before or true"),
        pytest.param("exit 0\nnpm audit", id="never reached"),
        pytest.param("eval 'npm audit || true'", id="in eval"),
        pytest.param("for d in a b; do npm audit || true; done", id="in a loop, or true"),
    ],
)
def test_failure_is_swallowed(script: str) -> None:
    ran = audit(script)
    assert ran is not None
    assert ran.swallowed


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("[ -f lock ] && npm audit", id="after a test"),
        pytest.param("if [ $CI ]; then npm audit; fi", id="under an if"),
        pytest.param("case $X in a) npm audit;; esac", id="in a case"),
        pytest.param("for d in $DIRS; do npm audit; done", id="in a loop over what is not known"),
        pytest.param("[ -z $X ] && exit 0\nnpm audit", id="after an exit that may come"),
        pytest.param("false || npm audit", id="after or"),
        pytest.param("if [ $X ]; then set +e; fi\nnpm audit\nls", id="errexit that may be off"),
        pytest.param("set +e\nnpm audit\ncode=$?\nls", id="its status is kept"),
        pytest.param("trap 'exit 0' EXIT\nnpm audit", id="a trap that exits"),
        pytest.param("npm audit || { cleanup; exit $code; }", id="an exit whose status is not known"),
    ],
)
def test_open_questions_are_told(script: str) -> None:
    ran = audit(script)
    assert ran is not None
    assert not ran.swallowed
    assert ran.unsure or ran.skips


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("# npm audit", id="a comment"),
        pytest.param("echo npm audit", id="an echo"),
        pytest.param("echo 'npm audit || exit 1'", id="a quoted echo"),
        pytest.param("cat <<EOF\nnpm audit\nEOF", id="a heredoc"),
        pytest.param("f() { npm audit; }", id="a function that is not called"),
        pytest.param("npm() { true; }\nnpm audit", id="a function of the same name"),
    ],
)
def test_what_is_only_named_is_not_run(script: str) -> None:
    walk = followed(script)
    assert [ran.words for ran in walk.found if ran.words[:2] == ("npm", "audit")] == []
    assert walk.opaque == []


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("bash <<EOF\nnpm audit\nEOF", id="a heredoc for a shell"),
        pytest.param("if then npm audit", id="no valid script"),
        pytest.param("eval $COMMAND", id="eval of what is not known"),
        pytest.param("(" * 300 + "npm audit" + ")" * 300, id="nested too deep"),
    ],
)
def test_what_is_not_followed_is_told(script: str) -> None:
    assert followed(script).opaque


def test_without_errexit_only_the_last_counts() -> None:
    last, first = audit("ls\nnpm audit", errexit=False), audit("npm audit\nls", errexit=False)
    assert last is not None
    assert first is not None
    assert (last.swallowed, bool(first.swallowed)) == ("", True)


@pytest.mark.parametrize(
    ("around", "counts"),
    [
        pytest.param("./s.sh", True, id="its failure is the call's"),
        pytest.param("./s.sh || true", False, id="the call's failure is swallowed"),
    ],
)
def test_a_called_script_is_followed(around: str, counts: bool) -> None:
    walk = Walk(Shell(), lambda said, _: [Called("npm audit", "s.sh")] if said == ("./s.sh",) else [])
    walk.script(around, Context())
    found = next(ran for ran in walk.found if ran.words == ("npm", "audit"))
    assert (found.swallowed == "", found.through) == (counts, "s.sh")


def test_scripts_that_call_themselves_end() -> None:
    walk = Walk(Shell(), lambda said, _: [Called("./s.sh; ./s.sh", "s.sh")] if said == ("./s.sh",) else [])
    walk.script("./s.sh", Context())
    assert walk.opaque


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    followed(text)


@given(
    st.lists(
        st.sampled_from(
            [
                "npm audit",
                "&&",
                "||",
                ";",
                "\n",
                "if",
                "then",
                "fi",
                "(",
                ")",
                "{",
                "}",
                "|",
                "!",
                "set +e",
                "exit 0",
                "$(",
                "x=",
                "<<E",
                "E",
                "for i in a; do",
                "done",
                "&",
            ]
        ),
        max_size=14,
    )
)
def test_no_mixture_breaks_it(parts: list[str]) -> None:
    followed(" ".join(parts))
