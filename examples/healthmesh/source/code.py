"""The example's own code: services, scripts for the browser, migrations, documents, and what git ignores."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from examples.healthmesh.source.defect import RepoDefect

GITIGNORE = """\
node_modules/
dist/
__pycache__/
.venv/
.env
.env.*
!.env.example
*.pem
*.key
"""

ENV_EXAMPLE = """\
# Copied to .env; the values come from the store of secrets.
DATABASE_URL=
SESSION_KEY=
"""

USERS = """\
import { Repository } from 'typeorm';
import { User } from './user.entity';

const ORDERS: Record<string, string> = { name: 'user.name', joined: 'user.joinedAt' };

export class UserService {
  constructor(private readonly users: Repository<User>) {}

  search(name: string, order: string, ids: string[]): Promise<User[]> {
    return this.users
      .createQueryBuilder('user')
      .where('user.name ILIKE :name', { name: `%${name}%` })
      .andWhere('user.id IN (:...ids)', { ids })
      .orderBy(ORDERS[order] ?? 'user.name', 'ASC')
      .getMany();
  }

  visits(id: string): Promise<unknown> {
    return this.users.query('SELECT count(*) FROM visits ' + 'WHERE user_id = $1', [id]);
  }
}
"""

ENTITY = """\
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity('users')
export class User {
  @PrimaryGeneratedColumn('uuid') id!: string;
  @Column() name!: string;
  @Column({ name: 'joined_at' }) joinedAt!: Date;
}
"""

SESSION = """\
/** The session is a cookie with HttpOnly, which no script reads. */
export async function login(email: string, password: string): Promise<boolean> {
  const answer = await fetch('/api/login', {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  return answer.ok;
}

export function rememberTheme(theme: 'light' | 'dark'): void {
  localStorage.setItem('theme', theme);
}
"""

REPORT = '''\
"""The nightly report of visits."""


def visits(cursor, clinics: list[str]) -> list[tuple[str, int]]:
    marks = ", ".join(["%s"] * len(clinics))
    cursor.execute("SELECT clinic, count(*) FROM visits WHERE clinic IN (%s) GROUP BY clinic" % marks, clinics)
    return cursor.fetchall()
'''

CREATE_USERS = """\
import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateUsers1735689600000 implements MigrationInterface {
  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE "users" ("id" uuid PRIMARY KEY, "name" text NOT NULL)`);
    await queryRunner.query(`CREATE INDEX "users_name" ON "users" ("name")`);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "users"`);
  }
}
"""

ADD_JOINED = """\
import { MigrationInterface, QueryRunner } from 'typeorm';

export class AddJoined1738368000000 implements MigrationInterface {
  transaction = false as const;

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`SET lock_timeout = '2s'`);
    await queryRunner.query(`ALTER TABLE "users" ADD COLUMN "joined_at" timestamptz NOT NULL DEFAULT now()`);
    await queryRunner.query(`CREATE INDEX CONCURRENTLY "users_joined" ON "users" ("joined_at")`);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "users" DROP COLUMN "joined_at"`);
  }
}
"""

BLOCKING = """\
import { MigrationInterface, QueryRunner } from 'typeorm';

export class AddPhone1740787200000 implements MigrationInterface {
  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "users" ADD COLUMN "phone" text NOT NULL`);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "users" DROP COLUMN "phone"`);
  }
}
"""

API = """\
---
title: The API
owner: platform
---
# The API

Users are found by name (`GET /api/users?name=`); the answer is sorted by name or by the day on which they joined.
"""

FILES = {
    ".gitignore": GITIGNORE,
    ".env.example": ENV_EXAMPLE,
    "src/users/user.service.ts": USERS,
    "src/users/user.entity.ts": ENTITY,
    "src/migrations/1735689600000-create-users.ts": CREATE_USERS,
    "src/migrations/1738368000000-add-joined.ts": ADD_JOINED,
    "web/session.ts": SESSION,
    "worker/report.py": REPORT,
    "docs/api.md": API,
}


def good(folder: Path) -> None:
    """Code that keeps no token in the browser, gives SQL its parameters, and has online migrations and new documents.

    Args:
        folder: the checkout; whoever calls commits what is written.
    """
    for name, text in FILES.items():
        write(folder, name, text)


def write(folder: Path, name: str, text: str) -> None:
    """A file of the checkout."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def commit(folder: Path, what: str, *arguments: str) -> None:
    """Commit all that differs, a day after the last commit, by nobody in particular."""
    last = git(folder, {}, "log", "-1", "--format=%cI")
    when = (datetime.fromisoformat(last) + timedelta(days=1)).isoformat()
    times = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    git(folder, times, "add", "--all", *arguments)
    git(folder, times, "commit", "--quiet", "--message", what)


def git(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    """What a git command says in the checkout, as nobody in particular."""
    identity = ("-c", "user.name=Health Mesh", "-c", "user.email=dev@health-mesh.example")
    command = ["git", *identity, "-c", "commit.gpgSign=false", "-C", str(folder), *arguments]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**kept, **environment})
    return done.stdout.strip()


def _replace(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    if old not in text:
        raise ValueError(f"{name} does not hold {old!r}")
    write(folder, name, text.replace(old, new))


def _key() -> str:
    """What looks like a key of AWS; it stands in no file of this repository."""
    return "AKIA" + "Z7VRKQ3NXWPLTM5D"


def secret(folder: Path) -> None:
    """A key in the code."""
    write(folder, "src/storage.ts", f"export const accessKeyId = '{_key()}';\n")
    commit(folder, "Store uploads")


def removed_secret(folder: Path) -> None:
    """A key that was committed and taken out again."""
    secret(folder)
    (folder / "src/storage.ts").unlink()
    commit(folder, "Take the key out")


def token_in_storage(folder: Path) -> None:
    """The session's token in localStorage."""
    line = "  localStorage.setItem('accessToken', (await answer.clone().json()).accessToken);\n  return answer.ok;"
    _replace(folder, "web/session.ts", "  return answer.ok;", line)
    commit(folder, "Remember the login")


def sql(folder: Path) -> None:
    """A search that puts the name into the SQL."""
    good_line, bad = "'user.name ILIKE :name', { name: `%${name}%` }", "`user.name ILIKE '%${name}%'`"
    _replace(folder, "src/users/user.service.ts", good_line, bad)
    _touch_documents(folder)
    commit(folder, "Search for parts of names")


def sql_in_python(folder: Path) -> None:
    """A report that puts the clinics into the SQL."""
    _replace(folder, "worker/report.py", '", ".join(["%s"] * len(clinics))', '", ".join(f"\'{c}\'" for c in clinics)')
    commit(folder, "Report by name")


def blocking(folder: Path) -> None:
    """A migration that adds a column which may not be null."""
    write(folder, "src/migrations/1740787200000-add-phone.ts", BLOCKING)
    commit(folder, "Add phone numbers")


def stale(folder: Path) -> None:
    """Code that was changed, and its document was not."""
    _replace(folder, "src/users/user.service.ts", "'ASC'", "'DESC'")
    commit(folder, "Sort the other way")


def known_env(folder: Path) -> None:
    """A .env in the repository."""
    write(folder, ".env.", "LOG_LEVEL=debug\n")
    commit(folder, "Add settings", "--force")


def not_ignored(folder: Path) -> None:
    """A .gitignore that leaves .env out."""
    _replace(folder, ".gitignore", ".env\n.env.*\n", "")
    commit(folder, "Tidy up")


def dirty(folder: Path) -> None:
    """A change that is not committed."""
    write(folder, "worker/report.py", REPORT + "\n# to be continued\n")


def _touch_documents(folder: Path) -> None:
    write(folder, "docs/api.md", (folder / "docs/api.md").read_text() + "\nParts of names are found too.\n")


DEFECTS = (
    RepoDefect(name="repo-secret", check="repo.secrets", says="A key of AWS stands in the code.", plant=secret),
    RepoDefect(
        name="repo-secret-history",
        check="repo.secrets",
        says="A key was committed, and taken out again.",
        plant=removed_secret,
    ),
    RepoDefect(
        name="repo-token-storage",
        check="repo.no_browser_token_storage",
        says="A script keeps the session's token in localStorage.",
        plant=token_in_storage,
    ),
    RepoDefect(
        name="repo-sql",
        check="repo.sql_concatenation",
        says="A search puts the name that it is given into the SQL.",
        plant=sql,
    ),
    RepoDefect(
        name="repo-sql-python",
        check="repo.sql_concatenation",
        says="A report puts names into the SQL, in Python.",
        plant=sql_in_python,
    ),
    RepoDefect(
        name="repo-migration",
        check="repo.migrations_online",
        says="A migration adds a column that may not be null.",
        plant=blocking,
    ),
    RepoDefect(
        name="repo-documents",
        check="repo.documentation_current",
        says="Code was changed, and its document was not.",
        plant=stale,
    ),
    RepoDefect(name="repo-env", check="repo.gitignore_env", says="The repository holds a .env.", plant=known_env),
    RepoDefect(
        name="repo-gitignore", check="repo.gitignore_env", says="The .gitignore leaves .env out.", plant=not_ignored
    ),
    RepoDefect(name="repo-dirty", check="repo.branch_clean", says="A change is not committed.", plant=dirty),
)
