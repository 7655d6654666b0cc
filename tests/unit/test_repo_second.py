"""Other tools as second sources for secrets: asked where they are named, told apart, and never silently absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from meshguard.errors import NotObserved
from meshguard.evidence import Evidence
from meshguard.fact import Listing
from meshguard.targets.repo import Repo
from meshguard.targets.repo.second import within
from meshguard.targets.repo.secrets import Secret, SecretScope
from meshguard.targets.scanning import read_report

KEY = "AKIA" + "Z7VRKQ3NXWPLTM5D"
"""Looks like a key of AWS, and is none."""


def leak(path: str, line: int, rule: str = "generic-api-key") -> dict[str, Any]:
    return {"RuleID": rule, "Description": "A key", "StartLine": line, "Secret": "REDACTED", "File": f"ROOT/{path}"}


def gitleaks(folder: Path, *found: dict[str, Any], says: str = "", code: int = 0, report: str = "") -> Path:
    """A program that answers as gitleaks 8.30.1 does, with a recorded report; it keeps how it was called."""
    folder.mkdir(exist_ok=True)
    (folder / "report").write_text(report or json.dumps(found))
    path = folder / "gitleaks"
    path.write_text(
        f"""#!/bin/sh
[ "$1" = version ] && echo 8.30.1 && exit 0
printf '%s\\n' "$@" > {folder}/arguments
for root; do :; done
cp -L "$3" {folder}/rules
[ -f "$root/a.py" ] || echo missing >> {folder}/arguments
sed "s|ROOT|$root|g" {folder}/report
printf '%s\\n' '{says}' >&2
exit {code}
"""
    )
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "a.py").write_text(f'x = 1\nkey = "{KEY}"\ntoken = 1\n')
    return folder


async def asked(checkout: Path, tool: Path | None, **settings: Any) -> Listing[Secret | SecretScope]:
    tools = {"gitleaks": {"path": str(tool)}} if tool else {}
    given = {"name": "source", "path": checkout, "history": False, "tools": tools, **settings}
    return await Repo(Repo.Settings.model_validate(given), Evidence()).secrets_found()


async def named(checkout: Path, tool: Path | None, **settings: Any) -> set[str]:
    return {str(item) for item in (await asked(checkout, tool, **settings)).items} - {"(tree)", "(history)"}


OWN = "a.py (AWS access key id)"


@pytest.mark.parametrize(
    ("found", "more"),
    [
        pytest.param((), set(), id="nothing"),
        pytest.param((leak("a.py", 2),), set(), id="what our scan found in the line"),
        pytest.param((leak("a.py", 3),), {"a.py (generic-api-key, by gitleaks)"}, id="one in the next line"),
        pytest.param((leak("b.py", 2),), {"b.py (generic-api-key, by gitleaks)"}, id="one in another file"),
        pytest.param(
            (leak("a.py", 3), leak("a.py", 1)), {"a.py (generic-api-key, 2 of them, by gitleaks)"}, id="two of a kind"
        ),
        pytest.param((leak("node_modules/x/a.js", 3),), set(), id="in an installed package, as in our scan"),
        pytest.param((leak(".git/HEAD", 1),), set(), id="in git's own files, as in our scan"),
    ],
)
async def test_what_it_alone_found_is_told_as_its_own(
    tmp_path: Path, checkout: Path, found: tuple[dict[str, Any], ...], more: set[str]
) -> None:
    assert await named(checkout, gitleaks(tmp_path / "bin", *found)) == {OWN, "(tree, by gitleaks)", *more}


async def test_what_the_deployment_excludes_is_counted(tmp_path: Path, checkout: Path) -> None:
    listing = await asked(checkout, gitleaks(tmp_path / "bin", leak("old/b.py", 2)), exclude=("old",))
    assert [one.count for one in listing.left_out] == [1]


async def test_what_a_comment_accepts_for_our_scan_is_not_told_again(tmp_path: Path, checkout: Path) -> None:
    (checkout / "b.py").write_text(f'key = "{KEY[:-1]}C"  # gitleaks:allow\n')
    assert "b.py (generic-api-key, by gitleaks)" not in await named(checkout, gitleaks(tmp_path / "b", leak("b.py", 1)))


async def test_it_is_not_asked_for_being_on_the_path(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gitleaks(tmp_path / "bin", leak("b.py", 2))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert await named(checkout, None) == {OWN}
    assert "b.py (generic-api-key, by gitleaks)" in await named(checkout, None, tools={"gitleaks": {}})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param({"code": 1, "says": "4:03PM FTL unable"}, "ended with 1: 4:03PM FTL unable", id="it fails"),
        pytest.param({"code": 2}, "ended with 2", id="an exit code that it does not have"),
        pytest.param({"report": "\n"}, "it is no whole JSON report of gitleaks", id="an empty report"),
        pytest.param({"report": '[{"RuleID": "x"'}, "it is no whole JSON report of gitleaks", id="half a report"),
        pytest.param(
            {"says": '4:03PM WRN skipping directory error="permission denied" path=x'}, "skipping directory",
            id="a folder that it could not read, with exit code 0",
        ),
        pytest.param(
            {"says": "4:03PM WRN skipping file: permission denied path=WRN leaks found: 1"}, "skipping file",
            id="a file named as if nothing were skipped",
        ),
        pytest.param(
            {"report": json.dumps([leak("a.py", 3) | {"File": "/etc/passwd"}])}, "outside of the checkout",
            id="a finding that is not of the checkout",
        ),
    ],
)  # fmt: skip
async def test_one_that_fails_leaves_its_part_unread_and_ours_is_told(
    tmp_path: Path, checkout: Path, answer: dict[str, Any], reason: str
) -> None:
    listing = await asked(checkout, gitleaks(tmp_path / "bin", **answer))
    (unread,) = listing.unread
    assert unread.resource == "(tree, by gitleaks)"
    assert reason in unread.reason
    assert {str(one) for one in listing.items} == {"(tree)", "(history)", OWN}


async def test_one_that_is_named_and_not_there_is_no_clean_report(tmp_path: Path, checkout: Path) -> None:
    listing = await asked(checkout, tmp_path / "missing")
    assert [one.resource for one in listing.unread] == ["(tree, by gitleaks)"]


async def test_where_git_refuses_the_checkout_neither_is_told_as_whole(tmp_path: Path, checkout: Path) -> None:
    (checkout / ".git").mkdir()
    (checkout / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (checkout / ".git" / "config").write_text("[core\n")
    (checkout / ".git" / "objects").mkdir()
    (checkout / ".git" / "refs").mkdir()
    listing = await asked(checkout, gitleaks(tmp_path / "bin", leak("a.py", 2)))
    assert [one.resource for one in listing.unread] == ["(tree)", "(tree, by gitleaks)"]


async def test_a_finding_is_no_warning(tmp_path: Path, checkout: Path) -> None:
    listing = await asked(checkout, gitleaks(tmp_path / "bin", leak("b.py", 1), says="4:03PM WRN leaks found: 1"))
    assert listing.unread == ()


async def test_the_checkout_does_not_configure_it(tmp_path: Path, checkout: Path) -> None:
    await asked(checkout, gitleaks(tmp_path / "bin"))
    arguments = (tmp_path / "bin" / "arguments").read_text().splitlines()
    assert {"--ignore-gitleaks-allow", "--redact"} <= set(arguments)
    assert (tmp_path / "bin" / "rules").read_text() == "[extend]\nuseDefault = true\n"
    for option in ("--config", "--gitleaks-ignore-path"):
        assert not arguments[arguments.index(option) + 1].startswith(str(checkout))
    assert "missing" not in arguments


async def test_no_file_of_the_checkout_can_name_the_path_it_is_seen_by(tmp_path: Path, checkout: Path) -> None:
    seen = []
    for _ in range(2):
        await asked(checkout, gitleaks(tmp_path / "bin"))
        seen.append((tmp_path / "bin" / "arguments").read_text().splitlines()[-1])
    assert seen[0] != seen[1]
    assert all(one.endswith("/checkout") and not one.startswith(str(checkout)) for one in seen)


def test_paths_are_those_of_the_checkout() -> None:
    found = read_report("gitleaks", json.dumps([leak("a b/c.py", 3) | {"File": "/tmp/x/co/a b/c.py"}]), b"salt")
    assert [one.path for one in within("/tmp/x/co", found)] == ["a b/c.py"]
    with pytest.raises(NotObserved, match="outside"):
        list(within("/tmp/x/c", found))
