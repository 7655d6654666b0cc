"""Source code, secrets, migrations and documents of real repositories, by real git."""

import json
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from examples.healthmesh.source import code
from examples.healthmesh.source.defect import RepoDefect

from meshguard.api import Check, Clock, NotObserved
from meshguard.evidence import Evidence
from meshguard.targets.repo import Repo
from meshguard.testing import judge
from meshguard_checks.repo.code import no_browser_token_storage, sql_concatenation
from meshguard_checks.repo.documents import branch_clean, documentation_current, gitignore_env
from meshguard_checks.repo.migrations import migrations_online
from meshguard_checks.repo.secrets import secrets

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main")
KEY = "AKIA" + "Z7VRKQ3NXWPLTM5D"
"""Looks like a key of AWS, and is none."""
OTHER_KEY = "AKIA" + "Q4TZMW7KXBNRPL2C"


class Checkout:
    """A real repository in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.git("init", "-q")

    def git(self, *arguments: str, when: str = "2026-01-01T00:00:00Z") -> str:
        command = ["git", *IDENTITY, "-C", str(self.folder), *arguments]
        environment = {"PATH": "/usr/bin:/bin", "GIT_COMMITTER_DATE": when, "GIT_AUTHOR_DATE": when}
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env=environment)
        return done.stdout.strip()

    def write(self, **files: str) -> None:
        for name, text in files.items():
            self.put(name.replace("__", "."), text)

    def put(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def commit(self, when: str = "2026-01-01T00:00:00Z") -> None:
        self.git("add", "--all")
        self.git("commit", "-qm", "change", when=when)

    def target(self, **settings: object) -> Repo:
        given = {"name": "source", "path": self.folder, **settings}
        return Repo(Repo.Settings.model_validate(given), Evidence())


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


async def found(target: Repo) -> dict[str, str]:
    """Outcome by resource."""
    listing = await target.secrets_found()
    verdicts = {str(item): (await judge(secrets, item, target)).outcome for item in listing.items}
    return {**verdicts, **{one.resource: "error" for one in listing.unread}}


async def test_a_clean_repository_passes_as_a_whole(checkout: Checkout) -> None:
    checkout.write(a__py="x = 1\n")
    checkout.commit()
    assert await found(checkout.target()) == {"(tree)": "pass", "(history)": "pass"}


async def test_a_secret_in_the_files_is_told_once_though_the_history_has_it_too(checkout: Checkout) -> None:
    checkout.write(a__py=f'key = "{KEY}"\n')
    checkout.commit()
    assert await found(checkout.target()) == {
        "(tree)": "pass", "(history)": "pass", "a.py (AWS access key id)": "fail",
    }  # fmt: skip


async def test_a_secret_that_was_removed_is_still_in_the_history(checkout: Checkout) -> None:
    checkout.write(a__py=f'key = "{KEY}"\n')
    checkout.commit()
    checkout.write(a__py="x = 1\n")
    checkout.commit()
    assert (await found(checkout.target()))["a.py (AWS access key id, history)"] == "fail"
    assert await found(checkout.target(history=False)) == {"(tree)": "pass", "(history)": "not-checked"}


async def test_a_second_secret_of_the_kind_changes_the_name(checkout: Checkout) -> None:
    checkout.write(a__py=f'key = "{KEY}"\nother = "{OTHER_KEY}"\nagain = "{KEY}"\n')
    checkout.commit()
    assert "a.py (AWS access key id, 2 of them)" in await found(checkout.target())


async def test_what_git_ignores_is_told_and_does_not_fail(checkout: Checkout) -> None:
    checkout.put(".gitignore", "local.py\n")
    checkout.commit()
    checkout.put("local.py", f'key = "{KEY}"\n')
    assert (await found(checkout.target()))["local.py (AWS access key id)"] == "not-applicable"


async def test_what_the_deployment_excludes_is_counted(checkout: Checkout) -> None:
    checkout.put("tests/a.py", f'key = "{KEY}"\n')
    checkout.commit()
    listing = await checkout.target(exclude=["tests"]).secrets_found()
    assert [str(item) for item in listing.items] == ["(tree)", "(history)"]
    assert listing.left_out[0].count == 1


async def test_no_secret_is_recorded(checkout: Checkout) -> None:
    checkout.write(a__py=f'key = "{KEY}"\n')
    checkout.commit()
    target = checkout.target()
    await target.secrets_found()
    text = json.dumps([one.value for one in target.evidence.observations.values()])
    assert "AWS access key id" in text
    assert KEY[4:] not in text


async def test_a_text_that_is_too_long_leaves_it_open_and_a_binary_does_not(checkout: Checkout) -> None:
    checkout.write(a__py="x = 1\n")
    checkout.commit()
    (checkout.folder / "video.bin").write_bytes(b"\0" * 20_000_001)
    assert (await found(checkout.target()))["(tree)"] == "pass"
    (checkout.folder / "dump.sql").write_bytes(b" " * 20_000_001)
    assert (await found(checkout.target()))["(tree)"] == "not-checked"
    assert (await found(checkout.target(exclude=["dump.sql"])))["(tree)"] == "pass"


async def test_a_shallow_clone_leaves_the_history_open(checkout: Checkout, tmp_path: Path) -> None:
    for number in "12":
        checkout.write(a__py=f"x = {number}\n")
        checkout.commit()
    checkout.git("clone", "-q", "--depth=1", f"file://{checkout.folder}", str(tmp_path / "shallow"))
    assert await found(Checkout(tmp_path / "shallow").target()) == {"(tree)": "pass", "(history)": "not-checked"}


async def test_a_folder_without_git_has_no_history_to_look_at(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    target = Repo(Repo.Settings.model_validate({"name": "source", "path": tmp_path}), Evidence())
    assert await found(target) == {"(tree)": "pass", "(history)": "error"}


async def test_a_rule_file_that_is_none_is_an_error(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(a__py="x = 1\n")
    (tmp_path / "rules.toml").write_text("[[rules]\n")
    with pytest.raises(NotObserved):
        await checkout.target(rules=str(tmp_path / "rules.toml")).secrets_found()


async def test_a_secret_and_a_scope_are_the_same_after_recording(checkout: Checkout) -> None:
    checkout.write(a__py=f'key = "{KEY}"\n')
    checkout.commit()
    kinds = [type(item).__name__ for item in (await checkout.target().secrets_found()).items]
    assert kinds == ["SecretScope", "Secret", "SecretScope"]


async def test_code_of_a_checkout(checkout: Checkout) -> None:
    checkout.put("web/login.ts", "localStorage.setItem('accessToken', t);\n")
    checkout.put("web/theme.ts", "localStorage.setItem('theme', t);\n")
    checkout.put("api/users.ts", "db.query(`SELECT * FROM u WHERE id = ${id}`);\n")
    checkout.put("api/report.py", "cursor.execute('SELECT 1')\n")
    target = checkout.target()
    storage = {
        str(item): (await judge(no_browser_token_storage, item, target)).outcome
        for item in (await target.storage_files()).items
    }
    sql = {
        str(item): (await judge(sql_concatenation, item, target)).outcome for item in (await target.sql_files()).items
    }
    assert storage == {"web/login.ts": "fail", "web/theme.ts": "pass", "(all source files)": "pass"}
    assert sql == {"api/users.ts": "fail", "(all source files)": "pass"}


async def test_migrations_since_a_commit(checkout: Checkout) -> None:
    checkout.put("migrations/1_a.sql", "DROP TABLE old;\n")
    checkout.commit()
    checkout.git("checkout", "-qb", "feature")
    checkout.put("migrations/2_b.sql", "CREATE INDEX CONCURRENTLY i ON t (a);\n")
    checkout.commit()
    checkout.put("migrations/3_c.sql", "CREATE INDEX i ON t (a);\n")
    target = checkout.target()
    outcomes = {
        str(item): (await judge(migrations_online, item, target, since="main")).outcome
        for item in (await target.migrations()).items
    }
    assert outcomes == {
        "migrations/1_a.sql": "not-applicable", "migrations/2_b.sql": "pass", "migrations/3_c.sql": "fail",
    }  # fmt: skip


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", "main --", ""])
async def test_a_commit_that_is_not_there_is_an_error(checkout: Checkout, ref: str) -> None:
    checkout.write(a="1")
    checkout.commit()
    with pytest.raises(NotObserved):
        await checkout.target().added_since(ref)


async def test_times_of_documents_and_code_are_those_of_the_commits(checkout: Checkout) -> None:
    checkout.put("docs/api.md", "---\ntitle: API\nreviewed: 2026-03-01\n---\n# API\n")
    checkout.commit("2026-01-01T00:00:00Z")
    checkout.put("src/deep/a.ts", "1")
    checkout.commit("2026-02-01T00:00:00+02:00")
    target = checkout.target()
    document, change = await target.document("docs/api.md"), await target.last_change("src/**")
    assert document.committed == datetime(2026, 1, 1, tzinfo=UTC)
    assert document.reviewed == date(2026, 3, 1)
    assert change.committed == datetime(2026, 1, 31, 22, tzinfo=UTC)
    assert (change.files, (await target.last_change("lib/**")).committed) == (1, None)
    checkout.put("docs/new.md", "x")
    assert (await target.document("docs/new.md")).committed is None
    with pytest.raises(NotObserved):
        await target.document("../outside.md")


async def test_what_git_ignores_is_asked_of_git(checkout: Checkout) -> None:
    checkout.put("package.json", "{}")
    checkout.put("api/package.json", "{}")
    checkout.put(".gitignore", "/.env\n*.key\n")
    checkout.commit()
    target = checkout.target()
    answer = await target.ignoring((".env", "a.key"))
    assert (answer.ignored, answer.open) == ((".env", "a.key", "api/a.key"), ("api/.env",))
    checkout.put(".gitignore", ".env\n*.key\n!a.key\n")
    checkout.commit()
    assert (await checkout.target().ignoring((".env", "a.key"))).open == ("a.key", "api/a.key")


async def test_one_s_own_exclude_file_does_not_count(checkout: Checkout) -> None:
    checkout.put("a", "1")
    checkout.commit()
    (checkout.folder / ".git/info/exclude").write_text(".env\n")
    checkout.put(".gitignore", ".env\n")  # not in the repository yet
    assert (await checkout.target().ignoring((".env",))).open == (".env",)
    checkout.commit()
    assert (await checkout.target().ignoring((".env",))).ignored == (".env",)


async def test_files_for_secrets_in_the_repository_are_named(checkout: Checkout) -> None:
    checkout.put(".gitignore", ".env\n.env.*\n*.pem\n*.key\n")
    checkout.put("api/.env", "A=1")
    checkout.put(".env.example", "A=")
    checkout.put("ca.pem", "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n")
    checkout.git("add", "--force", ".")
    checkout.git("commit", "-qm", "one")
    verdict = await judge(gitignore_env, checkout.target())
    assert (verdict.outcome, verdict.message) == ("fail", "the repository holds api/.env")


async def test_a_file_that_git_is_told_not_to_look_at_is_no_clean_commit(checkout: Checkout) -> None:
    checkout.write(a="1")
    checkout.commit()
    assert (await judge(branch_clean, checkout.target())).outcome == "pass"
    checkout.git("update-index", "--assume-unchanged", "a")
    checkout.write(a="2")
    assert (await judge(branch_clean, checkout.target())).outcome == "not-checked"


DOCUMENTS = {"docs/api.md": ["src/users/**"]}
CHECKS: tuple[tuple[Check[Any], dict[str, Any]], ...] = (
    (secrets, {}), (no_browser_token_storage, {}), (sql_concatenation, {}), (migrations_online, {}),
    (documentation_current, {"documents": DOCUMENTS}), (gitignore_env, {}), (branch_clean, {}),
)  # fmt: skip


async def bad(target: Repo) -> dict[str, str]:
    """What does not pass: check -> its first message."""
    verdicts: dict[str, str] = {}
    for one, parameters in CHECKS:
        others = [Clock.only(target.evidence) for kind in one.targets.values() if kind is Clock]
        listing = await getattr(target, one.over.name)() if one.over else None
        assert listing is None or not listing.unread
        for item in listing.items if listing else [None]:
            arguments = [*([item] if item is not None else []), target, *others]
            verdict = await judge(one, *arguments, **parameters)
            if verdict.outcome not in ("pass", "not-applicable"):
                verdicts.setdefault(one.id, f"{verdict.outcome}: {verdict.message}")
    return verdicts


async def test_the_example_is_good(checkout: Checkout) -> None:
    code.good(checkout.folder)
    checkout.commit()
    assert await bad(checkout.target()) == {}


SAID = {
    "repo-secret": "AWS access key id",
    "repo-secret-history": "first in commit",
    "repo-token-storage": "accessToken",
    "repo-sql": "where()",
    "repo-sql-python": "execute()",
    "repo-migration": "may not be null",
    "repo-documents": "later",
    "repo-env": ".env",
    "repo-gitignore": "not ignored",
    "repo-dirty": "differ",
}


@pytest.mark.parametrize("defect", [pytest.param(one, id=one.name) for one in code.DEFECTS])
async def test_a_defect_of_the_example_trips_its_check_alone(checkout: Checkout, defect: RepoDefect) -> None:
    code.good(checkout.folder)
    checkout.commit()
    defect.plant(checkout.folder)
    found = await bad(checkout.target())
    assert set(found) == {defect.check, *defect.also}
    assert found[defect.check].startswith("fail")
    assert SAID[defect.name] in found[defect.check]
