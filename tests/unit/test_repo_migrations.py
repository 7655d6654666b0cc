"""What statements of migrations do, and which migrations there are."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshguard.targets.repo.migration_ops import operations
from meshguard.targets.repo.migration_sql import statements
from meshguard.targets.repo.migrations import migration_listing, read_migration


def kinds(text: str) -> list[str]:
    return [operation.kind for operation in operations(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("ALTER TABLE t ADD COLUMN a int", ["add-column"], id="a column that may be null"),
        pytest.param("alter table only public.t add a int", ["add-column"], id="in small letters without COLUMN"),
        pytest.param("ALTER TABLE t ADD COLUMN IF NOT EXISTS a int", ["add-column"], id="IF NOT EXISTS is no NOT NULL"),
        pytest.param("ALTER TABLE t ADD a int NOT NULL", ["add-column-not-null"], id="NOT NULL without default"),
        pytest.param("ALTER TABLE t ADD a int NOT NULL DEFAULT 0", ["add-column"], id="NOT NULL with default"),
        pytest.param("ALTER TABLE t ADD a timestamptz DEFAULT now() NOT NULL", ["add-column"], id="a stable default"),
        pytest.param("ALTER TABLE t ADD a text DEFAULT 'x'::varchar(10)", ["add-column"], id="a cast with a length"),
        pytest.param("ALTER TABLE t ADD a uuid DEFAULT gen_random_uuid()", ["add-column-rewrite"], id="a volatile one"),
        pytest.param("ALTER TABLE t ADD a float DEFAULT (random())", ["add-column-rewrite"], id="in brackets"),
        pytest.param("ALTER TABLE t ADD a bigserial", ["add-column-rewrite"], id="a serial"),
        pytest.param("ALTER TABLE t ADD a int GENERATED ALWAYS AS (b) STORED", ["add-column-rewrite"], id="computed"),
        pytest.param("ALTER TABLE t ADD a int UNIQUE", ["add-column", "add-unique"], id="a unique column"),
        pytest.param("ALTER TABLE t ADD a int REFERENCES u (id)", ["add-column", "add-foreign-key"], id="a reference"),
        pytest.param("ALTER TABLE t ADD a int, DROP COLUMN b", ["add-column", "drop-column"], id="two actions"),
        pytest.param("ALTER TABLE t ADD a numeric(10, 2)", ["add-column"], id="a comma in a type"),
        pytest.param("ALTER TABLE t ALTER COLUMN a TYPE bigint", ["alter-type"], id="a type"),
        pytest.param("ALTER TABLE t ALTER a SET DATA TYPE bigint", ["alter-type"], id="SET DATA TYPE"),
        pytest.param("ALTER TABLE t ALTER a SET NOT NULL", ["set-not-null"], id="SET NOT NULL"),
        pytest.param("ALTER TABLE t ALTER a DROP NOT NULL", ["harmless"], id="DROP NOT NULL"),
        pytest.param("ALTER TABLE t ALTER a SET DEFAULT random()", ["harmless"], id="a default for new rows"),
        pytest.param("ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u", ["add-foreign-key"], id="a key"),
        pytest.param("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u NOT VALID", ["harmless"], id="not valid"),
        pytest.param("ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL)", ["add-check"], id="a check"),
        pytest.param("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", ["harmless"], id="a check not valid"),
        pytest.param("ALTER TABLE t VALIDATE CONSTRAINT c", ["harmless"], id="validation"),
        pytest.param("ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)", ["add-unique"], id="a unique constraint"),
        pytest.param("ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i", ["harmless"], id="by an index"),
        pytest.param("ALTER TABLE t ADD PRIMARY KEY (a)", ["add-primary-key"], id="a primary key"),
        pytest.param("ALTER TABLE t DROP CONSTRAINT c", ["harmless"], id="a constraint dropped"),
        pytest.param("ALTER TABLE t RENAME COLUMN a TO b", ["rename"], id="a column renamed"),
        pytest.param("ALTER TABLE t RENAME TO u", ["rename"], id="a table renamed"),
        pytest.param("ALTER TABLE t FROBNICATE", ["unknown"], id="an action that is not known"),
        pytest.param("CREATE INDEX i ON t (a)", ["create-index"], id="an index"),
        pytest.param("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)", ["harmless"], id="concurrently"),
        pytest.param("CREATE INDEX ON t (a)", ["create-index"], id="an index without a name"),
        pytest.param("DROP INDEX i", ["drop-index"], id="an index dropped"),
        pytest.param("DROP INDEX CONCURRENTLY i", ["harmless"], id="dropped concurrently"),
        pytest.param("DROP TABLE IF EXISTS a, b CASCADE", ["drop-table", "drop-table"], id="two tables"),
        pytest.param("TRUNCATE t", ["truncate"], id="truncate"),
        pytest.param("LOCK TABLE t", ["lock"], id="a lock without a mode"),
        pytest.param("LOCK TABLE t IN ACCESS SHARE MODE", ["harmless"], id="a lock against nothing"),
        pytest.param("LOCK t IN ROW EXCLUSIVE MODE NOWAIT", ["harmless"], id="a writer's lock"),
        pytest.param("LOCK TABLE t IN SHARE MODE", ["lock"], id="a lock against writers"),
        pytest.param("VACUUM FULL t", ["rewrite"], id="VACUUM FULL"),
        pytest.param("VACUUM t", ["harmless"], id="VACUUM"),
        pytest.param("REINDEX TABLE CONCURRENTLY t", ["harmless"], id="REINDEX CONCURRENTLY"),
        pytest.param("REINDEX TABLE t", ["rewrite"], id="REINDEX"),
        pytest.param("SET LOCAL lock_timeout = '2s'", ["lock-timeout"], id="a timeout"),
        pytest.param("DO $$ BEGIN RAISE NOTICE 'x'; END $$", ["harmless"], id="a block without commands"),
        pytest.param("DO $$ BEGIN EXECUTE 'x'; END $$", ["unknown"], id="a block with commands"),
        pytest.param("ALTER TYPE e ADD VALUE 'x'", ["harmless"], id="a value of an enum"),
        pytest.param("ALTER TYPE e RENAME VALUE 'x' TO 'y'", ["rename"], id="a value renamed"),
        pytest.param(
            "CREATE FUNCTION f() RETURNS int AS $x$ DROP TABLE t; $x$ LANGUAGE sql", ["harmless"], id="a body"
        ),
        pytest.param("-- DROP TABLE t\nSELECT 1", ["harmless"], id="a comment"),
        pytest.param("/* a /* b */ DROP TABLE t; */ SELECT 1", ["harmless"], id="a nested comment"),
        pytest.param("INSERT INTO t VALUES ('DROP TABLE x; --')", ["harmless"], id="a text"),
        pytest.param('ALTER TABLE "DROP" ADD "NOT NULL" int', ["add-column"], id="names in quotes"),
        pytest.param("SELECT 1;; ; SELECT 2;", ["harmless", "harmless"], id="empty statements"),
        pytest.param("\\connect other", ["unknown"], id="a command of psql"),
        pytest.param("FROBNICATE", ["unknown"], id="a command that is not known"),
        pytest.param("", [], id="nothing"),
        pytest.param("SELECT 1;\n-- +goose Down\nDROP TABLE t;", ["harmless"], id="the way back of goose"),
        pytest.param("SELECT 1;\n-- migrate:down\nDROP TABLE t;", ["harmless"], id="the way back of dbmate"),
    ],
)
def test_what_a_statement_does(text: str, found: list[str]) -> None:
    assert kinds(text) == found


def test_places_and_tables_are_told() -> None:
    (one,) = operations('-- a\n\nALTER TABLE ONLY "app"."Users"\n  DROP COLUMN x', before=10)
    assert (one.line, one.table, one.detail) == (14, "Users", "x")


@pytest.mark.parametrize("text", ["SELECT 'a", "SELECT $x$ a", "/* a", 'SELECT "a', "/* /* */"])
def test_a_quote_that_does_not_end_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="does not end"):
        kinds(text)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(ValueError):
        list(operations(text))


@given(st.text(alphabet="ALTERDOPINSX '\";$()-/*\n", max_size=80))
def test_what_stands_in_quotes_is_never_a_command(text: str) -> None:
    quoted = text.replace("'", "''")
    assert len(list(statements(f"SELECT '{quoted}'"))) == 1


TYPEORM = """\
import { MigrationInterface, QueryRunner, Table, TableColumn, TableIndex } from 'typeorm';
export class Add1700000000000 implements MigrationInterface {
  public async up(%s: QueryRunner): Promise<void> {
    %s
  }
  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "u"`);
  }
}
"""


def typeorm(body: str, name: str = "queryRunner") -> list[str]:
    done, problem = read_migration("a.ts", (TYPEORM % (name, body)).encode())
    assert problem == ""
    return [operation.kind for operation in done]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param('await queryRunner.query(`ALTER TABLE "t" ADD "a" int`)', ["add-column"], id="a query"),
        pytest.param("await queryRunner.query('DROP TABLE ' + name)", ["unknown"], id="a query put together"),
        pytest.param("await queryRunner.query('CREATE INDEX ' + 'i ON t (a)')", ["create-index"], id="two literals"),
        pytest.param("await queryRunner.manager.query('DROP TABLE t')", ["drop-table"], id="by the manager"),
        pytest.param(
            "await queryRunner.addColumn('t', new TableColumn({ name: 'a', type: 'int' }))",
            ["add-column-not-null"],
            id="a column may not be null unless it says so",
        ),
        pytest.param(
            "await queryRunner.addColumn('t', new TableColumn({ name: 'a', type: 'int', isNullable: true }))",
            ["add-column"],
            id="a column that may be null",
        ),
        pytest.param(
            "await queryRunner.addColumns('t', [new TableColumn({ name: 'a', type: 'int', default: 0 })])",
            ["add-column"],
            id="a default",
        ),
        pytest.param(
            "await queryRunner.addColumn('t', new TableColumn({ name: 'a', default: 'gen_random_uuid()' }))",
            ["add-column-rewrite"],
            id="a volatile default",
        ),
        pytest.param("await queryRunner.addColumn('t', column)", ["unknown"], id="a column from elsewhere"),
        pytest.param("await queryRunner.dropColumn('t', 'a')", ["drop-column"], id="a column dropped"),
        pytest.param("await queryRunner.createIndex('t', new TableIndex({}))", ["create-index"], id="an index"),
        pytest.param("await queryRunner.frobnicate('t')", ["unknown"], id="a call that is not known"),
        pytest.param("await helper(queryRunner)", ["unknown"], id="handed on"),
        pytest.param("const q = queryRunner; await q.query('DROP TABLE t')", ["unknown"], id="under another name"),
    ],
)
def test_what_a_migration_of_typeorm_does(body: str, found: list[str]) -> None:
    assert typeorm(body) == found


def test_the_query_runner_may_have_any_name() -> None:
    assert typeorm("await q.query('DROP TABLE t')", "q") == ["drop-table"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("a.js", "exports.up = (knex) => knex.schema.dropTable('t')", id="Knex"),
        pytest.param("a.ts", "export class A { up = async (q: QueryRunner) => { await q.query('x') } }", id="a field"),
        pytest.param("a.py", "def upgrade():\n    op.drop_table('t')\n", id="Alembic"),
        pytest.param("a.sql", "SELECT 'a", id="SQL that does not end"),
    ],
)
def test_a_migration_that_is_not_understood_is_named(path: str, text: str) -> None:
    assert read_migration(path, text.encode())[1]


def test_sql_that_is_no_utf_8_is_named() -> None:
    assert read_migration("a.sql", b"SELECT '\xff'")[1] == "it is no UTF-8"


def test_migrations_are_found_and_the_newest_is_first(tmp_path: Path) -> None:
    files = {
        "migrations/9_a.sql": "SELECT 1",
        "migrations/10_b.sql": "SELECT 1",
        "migrations/10_b.down.sql": "DROP TABLE t",
        "migrations/index.ts": "export * from './x'",
        "prisma/migrations/20240101_a/migration.sql": "SELECT 1",
        "prisma/migrations/20250101_b/migration.sql": "SELECT 1",
        "db/V2__x.sql": "SELECT 1",
        "db/U2__x.sql": "DROP TABLE t",
        "alembic/versions/ab12_x.py": "def upgrade():\n    pass\n",
        "src/query.sql": "SELECT 1",
        "src/versions/models.py": "x = 1",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = {item.path: item.age for item in migration_listing(tmp_path, ()).items}
    assert found == {
        "migrations/10_b.sql": 1,
        "migrations/9_a.sql": 2,
        "prisma/migrations/20250101_b/migration.sql": 1,
        "prisma/migrations/20240101_a/migration.sql": 2,
        "db/V2__x.sql": 1,
        "alembic/versions/ab12_x.py": 1,
    }


def test_a_migration_that_cannot_be_read_is_unread(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/1.sql").write_bytes(b" " * 4_000_001)
    assert [one.resource for one in migration_listing(tmp_path, ()).unread] == ["migrations/1.sql"]
