"""What is understood of source code: writes to the browser's storage, and SQL that is built from parts."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshguard.targets.repo.code import sql_in, sql_listing, storage_in, storage_listing
from meshguard.targets.repo.code_models import ALL_FILES


def uses(text: str, path: str = "a.ts") -> list[tuple[str, str, bool]]:
    """Store, key and whether the key is known."""
    return [(use.store, use.key, use.known) for use in storage_in(path, text.encode())[0]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("localStorage.setItem('token', t)", [("localStorage", "token", True)], id="setItem"),
        pytest.param("window.localStorage.setItem('a', t)", [("localStorage", "a", True)], id="of the window"),
        pytest.param("window['sessionStorage'].setItem('a', t)", [("sessionStorage", "a", True)], id="by a text"),
        pytest.param("localStorage.jwt = t", [("localStorage", "jwt", True)], id="a property"),
        pytest.param("localStorage['jwt'] = t", [("localStorage", "jwt", True)], id="an index"),
        pytest.param("localStorage?.setItem('a', t)", [("localStorage", "a", True)], id="optional chaining"),
        pytest.param("(localStorage as any).setItem('a', t)", [("localStorage", "a", True)], id="a cast"),
        pytest.param("const s = localStorage; s.setItem('a', t)", [("localStorage", "a", True)], id="an alias"),
        pytest.param(
            "const { localStorage: ls } = window; ls.setItem('a', t)", [("localStorage", "a", True)], id="taken apart"
        ),
        pytest.param(
            "const s = keep ? localStorage : sessionStorage; s.setItem('a', t)",
            [("localStorage", "a", True)],
            id="a choice of two",
        ),
        pytest.param(
            "class A { private s = sessionStorage; f() { this.s.setItem('a', t) } }",
            [("sessionStorage", "a", True)],
            id="a field",
        ),
        pytest.param(
            "const store = () => localStorage; store().setItem('a', t)", [("localStorage", "a", True)], id="returned"
        ),
        pytest.param(
            "function f(s: Storage) { s.setItem('a', t) }", [("a web storage", "a", True)], id="a typed parameter"
        ),
        pytest.param("localStorage.setItem(TOKEN_KEY, t)", [("localStorage", "TOKEN_KEY", True)], id="a constant"),
        pytest.param("localStorage.setItem(Keys.token, t)", [("localStorage", "token", True)], id="an enum's member"),
        pytest.param("const K = 'jwt'; localStorage.setItem(K, t)", [("localStorage", "jwt", True)], id="a known text"),
        pytest.param("(k) => localStorage.setItem(k, t)", [("localStorage", "k", False)], id="a parameter's key"),
        pytest.param("localStorage.setItem(`user_${id}`, t)", [("localStorage", "user_", True)], id="a template key"),
        pytest.param("Object.assign(localStorage, { jwt })", [("localStorage", "all of an object", True)], id="assign"),
        pytest.param("storage.setItem('token', t)", [("storage", "token", True)], id="an object that is not known"),
        pytest.param("AsyncStorage.setItem('token', t)", [], id="a phone's storage"),
        pytest.param("document.cookie = `jwt=${t}; path=/`", [("document.cookie", "jwt", True)], id="a cookie"),
        pytest.param(
            "document.cookie = 'jwt=' + t", [("document.cookie", "jwt", True)], id="a cookie by concatenation"
        ),
        pytest.param(
            "document.cookie = n + '=' + v",
            [("document.cookie", "a name that is not known here", False)],
            id="a cookie of any name",
        ),
        pytest.param(
            "import C from 'js-cookie'; C.set('token', t)", [("document.cookie", "token", True)], id="js-cookie"
        ),
        pytest.param("res.cookie('token', t, { httpOnly: true })", [], id="a cookie of the server"),
        pytest.param(
            "import { set } from 'idb-keyval'; set('token', t)", [("IndexedDB", "token", True)], id="idb-keyval"
        ),
        pytest.param("const m = new Map(); m.set('token', t)", [], id="a map"),
        pytest.param("tx.objectStore('tokens').put(t)", [("IndexedDB", "tokens", True)], id="an object store"),
        pytest.param("useLocalStorage('token', '')", [("localStorage (useLocalStorage)", "token", True)], id="a hook"),
        pytest.param("localStorage.getItem('token'); localStorage.removeItem('token')", [], id="reading and removing"),
        pytest.param("// localStorage.setItem('token', t)", [], id="a comment"),
        pytest.param("/* document.cookie = 'jwt=1' */ const a = 1", [], id="a block comment"),
        pytest.param("const help = \"localStorage.setItem('token', t)\"", [], id="a text"),
        pytest.param("const help = `localStorage.setItem('token', t)`", [], id="a template"),
    ],
)
def test_writes_to_the_storage_are_found_through_aliases_and_not_in_texts(
    text: str, found: list[tuple[str, str, bool]]
) -> None:
    assert uses(text) == found


def test_what_is_written_is_told_by_its_names_and_never_by_its_text() -> None:
    found, _ = storage_in("a.ts", b"localStorage.setItem('user', JSON.stringify({ accessToken: 'geheim', name: n }))")
    assert found[0].names == ("JSON", "stringify", "accessToken", "name", "n")
    assert "geheim" not in found[0].model_dump_json()


@pytest.mark.parametrize(
    ("text", "key", "has_token"),
    [
        pytest.param("persist((set) => ({ token: null }), { name: 'app' })", "app", True, id="the whole state"),
        pytest.param(
            "persist((set) => ({ token: null, theme: 'x' }), { name: 'app', partialize: (s) => ({ theme: s.theme }) })",
            "",
            False,
            id="a part without it",
        ),
        pytest.param("persistReducer({ key: 'root', storage, whitelist: ['token'] }, r)", "", True, id="a whitelist"),
        pytest.param(
            "defineStore('a', { state: () => ({ token: '' }), persist: true })", "", True, id="a store of Pinia"
        ),
    ],
)
def test_a_persisted_state_is_told_by_its_fields(text: str, key: str, has_token: bool) -> None:
    found, _ = storage_in("a.ts", text.encode())
    assert (found[0].key, "token" in found[0].names) == (key, has_token)


def test_a_state_that_is_persisted_as_a_whole_and_not_seen_is_not_known() -> None:
    assert uses("persistReducer({ key: 'root', storage }, reducer)") == [
        ("localStorage (persistReducer)", "root", False)
    ]


def test_a_component_is_looked_at_in_its_script_and_in_its_handlers() -> None:
    text = (
        "<template>\n<b @click=\"localStorage.setItem('a', t)\">x</b>\n</template>\n"
        "<script setup lang=\"ts\">\nconst a: string = '</div>'\nlocalStorage.setItem('b', a)\n</script>\n"
    )
    found, problem = storage_in("a.vue", text.encode())
    assert [(use.line, use.key) for use in found] == [(2, "a"), (6, "b")]
    assert problem == ""


def test_a_component_whose_markup_hides_a_write_is_named() -> None:
    _, problem = storage_in("a.svelte", b"<button on:click={() => localStorage.setItem('a', t)}>x</button>")
    assert "outside" in problem


def test_a_page_of_prose_about_the_storage_is_no_write() -> None:
    assert storage_in("a.html", b"<p>Use localStorage.setItem('token', t)</p>") == ([], "")


def test_data_in_a_script_tag_is_no_script() -> None:
    assert storage_in("a.html", b'<script type="application/json">{"localStorage": 1}</script>') == ([], "")


def places(text: str, path: str = "a.ts") -> list[str]:
    return [place.call for place in sql_in(path, text.encode())[0]]


BUILT = {
    "a template literal": "db.query(`SELECT * FROM u WHERE id = ${id}`)",
    "concatenation": "db.query('SELECT * FROM u WHERE id = ' + id)",
    "parts alone": "db.query(a + b)",
    "a variable": "const q = `SELECT * FROM u WHERE id = ${id}`; db.query(q)",
    "a variable that grows": "let q = 'SELECT 1'; if (a) q += ' WHERE x = ' + a; db.query(q)",
    "conditions in an array": "const w = []; w.push(`b = '${x}'`); db.query('SELECT 1 WHERE ' + w.join(' AND '))",
    "an array joined": "db.query(['SELECT', cols, 'FROM t'].join(' '))",
    "concat()": "db.query('SELECT '.concat(x))",
    "an object with the text": "db.query({ text: `SELECT ${x} FROM y`, values })",
    "a function of the file": "function q(x) { return 'SELECT ' + x } db.query(q(1))",
    "a choice with one bad branch": "db.query(a ? 'SELECT 1' : 'SELECT ' + x)",
    "where": "qb.where(`u.id = ${id}`)",
    "andWhere": "qb.andWhere('u.id = ' + id)",
    "orderBy": "qb.orderBy(`u.${sort}`)",
    "a join's condition": "qb.leftJoin('u.p', 'p', `p.x = ${y}`)",
    "a sub-query with a part": "qb.where((q) => `p.id IN ${x}`)",
    "raw": "knex.raw(`x ${y}`)",
    "literal": "sequelize.literal('a' + b)",
    "Prisma's unsafe call": "prisma.$queryRawUnsafe('SELECT ' + x)",
    "Prisma's tag used as a function": "prisma.$queryRaw(`SELECT ${x}`)",
    "String.raw": "db.query(String.raw`SELECT ${x}`)",
    "a wrapper": "run(`SELECT x FROM t WHERE a = ${y}`)",
    "a parameter of the same name as a constant": "const T = 'x'; function f(T) { db.query(`SELECT * FROM ${T}`) }",
}
WHOLE = {
    "parameters": "db.query('SELECT * FROM u WHERE id = $1', [id])",
    "literals over several lines": "db.query('SELECT * FROM u ' + 'WHERE id = $1', [id])",
    "a constant of the file": "const T = 'users'; db.query(`SELECT * FROM ${T}`)",
    "a choice of constants": "const d = q === 'd' ? 'DESC' : 'ASC'; qb.orderBy(`u.name ${d}`)",
    "a table of constants": "const C = { a: 'x', b: 'y' }; qb.orderBy(`u.${C[k]}`)",
    "numbered placeholders": "db.query(`SELECT 1 WHERE id IN (${ids.map((_, i) => `$${i + 1}`).join(',')})`, ids)",
    "question marks": "db.query(`SELECT 1 WHERE id IN (${ids.map(() => '?').join(',')})`, ids)",
    "a number": "db.query(`SELECT * FROM t LIMIT ${Number(n)}`)",
    "conditions with placeholders": "const w = []; w.push(`b = $${v.length}`); db.query('SELECT 1 ' + w.join(' AND '))",
    "a named parameter": "qb.where('u.id = :id', { id })",
    "a value that is bound": "knex('t').where('name', 'like', `%${q}%`)",
    "a sub-query of the builder": "qb.where((q) => 'p.id IN ' + q.subQuery().getQuery())",
    "Prisma's tag": "prisma.$queryRaw`SELECT ${x}`",
    "a tag for SQL": "db.query(sql`SELECT ${x}`)",
    "a log": "logger.info(`SELECT x FROM ${y}`)",
    "a route": "app.get(`/a/${b}`, f)",
    "a selector": "d3.select(`#${id}`)",
    "GraphQL": "client.query(`{ user(id: ${id}) }`)",
    "a schema": "z.literal(`a${b}`)",
    "a document database": "db.collection('a').where(`m.${u}`, '==', true)",
    "a text that comes whole": "function run(sql, p) { return pool.query(sql, p) }",
    "a name that is made of itself": "let x = x + 1; const y = x; x = y",
    "a comment": "// db.query(`SELECT ${x}`)",
    "a text": "const s = 'db.query(`SELECT ${x}`)'",
    "prose": "toast(`Select a day from ${list}`)",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in BUILT.items()])
def test_sql_that_is_built_from_parts_is_found(text: str) -> None:
    assert len(places(text)) == 1


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in WHOLE.items()])
def test_sql_with_parameters_and_constants_is_not_found(text: str) -> None:
    assert places(text) == []


PYTHON_BUILT = {
    "an f-string": "c.execute(f'SELECT * FROM t WHERE id = {x}')",
    "%": "c.execute('SELECT %s' % x)",
    "% with a tuple": "c.execute('SELECT %s, %s' % (x, 1))",
    "+": "c.execute('SELECT ' + x)",
    "format()": "c.execute('SELECT {}'.format(x))",
    "a variable that grows": "q = 'SELECT 1'\nq += ' WHERE a = ' + b\nc.execute(q)",
    "SQLAlchemy's text": "s.execute(text(f'SELECT * FROM t WHERE x = {y}'))",
    "Django's raw": "M.objects.raw('SELECT ' + x)",
    "a wrapper": "run(f'SELECT a FROM t WHERE x = {x}')",
    "conditions in a list": "w = []\nw.append(f'a = {x}')\nc.execute('SELECT 1 WHERE ' + ' AND '.join(w))",
    "a keyword": "pd.read_sql(sql=f'SELECT * FROM {t}', con=c)",
}
PYTHON_WHOLE = {
    "parameters": "c.execute('SELECT * FROM t WHERE id = %s', (x,))",
    "a constant": "T = 't'\nc.execute(f'SELECT * FROM {T}')",
    "literals side by side": "c.execute('SELECT ' '1')",
    "placeholders that are repeated": "c.execute('SELECT 1 WHERE a IN (%s)' % ', '.join(['%s'] * len(i)), i)",
    "placeholders by a generator": "c.execute('SELECT 1 WHERE a IN (%s)' % ','.join('?' for _ in i), i)",
    "psycopg's composition": "c.execute(sql.SQL('SELECT {}').format(sql.Identifier(x)))",
    "a number": "c.execute(f'SELECT * FROM t LIMIT {int(n)}')",
    "a print": "print(f'SELECT a FROM {b}')",
    "a comment": "# c.execute(f'SELECT {x}')",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in PYTHON_BUILT.items()])
def test_python_that_builds_sql_is_found(text: str) -> None:
    assert len(places(text, "a.py")) == 1


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in PYTHON_WHOLE.items()])
def test_python_with_parameters_is_not_found(text: str) -> None:
    assert places(text, "a.py") == []


@pytest.mark.parametrize(
    ("path", "data"),
    [
        pytest.param("a.js", b"localStorage.setItem(", id="JavaScript that does not end"),
        pytest.param("a.ts", b"db.query(`SELECT ${", id="a template that does not end"),
        pytest.param("a.js", b"query" + b"(" * 1001 + b")" * 1001, id="nested too deep"),
    ],
)
def test_a_script_that_is_not_understood_is_named(path: str, data: bytes) -> None:
    assert storage_in(path, data + b" // localStorage")[1] or sql_in(path, data)[1]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"x = (", id="a bracket"),
        pytest.param(b"print 'execute'", id="Python 2"),
        pytest.param(b"a\0b", id="a NUL"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"(" * 5000, id="nested too deep"),
    ],
)
def test_python_that_is_not_understood_is_named(data: bytes) -> None:
    assert sql_in("a.py", data)[1].startswith("it is no Python")


def test_a_long_chain_of_texts_is_followed_and_a_longer_one_is_never_fixed() -> None:
    assert places("db.query(" + "+".join(["'SELECT 1 '"] * 400) + ")") == []
    assert places("db.query(" + "+".join(["'SELECT 1 '"] * 600) + ")") == ["query"]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    for path in ("a.js", "a.tsx", "a.vue", "a.html"):
        storage_in(path, b"localStorage " + data)
    for path in ("a.ts", "a.py"):
        sql_in(path, b"query " + data)


def test_all_files_stand_together_and_those_with_a_write_apart(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text("localStorage.setItem('theme', t)")
    (tmp_path / "b.ts").write_text("export const a = 1")
    listing = storage_listing(tmp_path, ())
    assert [(str(item), item.files) for item in listing.items] == [("a.ts", 1), (ALL_FILES, 2)]


def test_a_folder_without_source_has_nothing_to_look_at(tmp_path: Path) -> None:
    assert storage_listing(tmp_path, ()).items == ()
    assert sql_listing(tmp_path, ()).items == ()


def test_what_cannot_be_looked_at_is_unread_by_name(tmp_path: Path) -> None:
    outside = tmp_path / "outside.ts"
    outside.write_text("localStorage.setItem('token', t)")
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (root / "inner/.git").write_text("gitdir: elsewhere")
    (root / "a.ts").write_text("export {}")
    (root / "link.ts").symlink_to(outside)
    (root / "same.ts").symlink_to(root / "a.ts")
    (root / "large.ts").write_bytes(b"localStorage;" + b" " * 4_000_000)
    listing = storage_listing(root, ())
    assert sorted(one.resource for one in listing.unread) == ["inner", "large.ts", "link.ts"]
    assert {one.resource for one in storage_listing(root, ("inner", "link.ts", "large.ts")).unread} == set()


def test_sql_in_a_language_that_is_not_understood_is_unread(tmp_path: Path) -> None:
    (tmp_path / "a.go").write_text('db.Query("SELECT a FROM t WHERE id = " + id)')
    (tmp_path / "b.go").write_text("package main")
    listing = sql_listing(tmp_path, ())
    assert [(one.resource, one.kind) for one in listing.unread] == [("(Go)", "unsupported")]
    assert "1 files with SQL" in listing.unread[0].reason
    assert sql_listing(tmp_path, ("*.go",)).unread == ()


def test_a_file_in_utf_16_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text("localStorage.setItem('token', t)", encoding="utf-16")
    assert [str(item) for item in storage_listing(tmp_path, ()).items] == ["a.ts", ALL_FILES]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        pytest.param("a.js", b"x = 'SELECT a FROM b' + x; db.query(x);" * 3_000, id="a name made of itself"),
        pytest.param(
            "a.js",
            "".join(f"var x{n} = x{n - 1} + x{n - 1};\n" for n in range(1, 5_000)).encode() + b"db.query('a' + x4999)",
            id="names that double",
        ),
        pytest.param("a.js", b"query " + b"function f() {" * 900 + b"db.query(a);" * 900 + b"}" * 900, id="functions"),
        pytest.param("a.py", b"x = 'a' + x\nc.execute(x)\n" * 3_000, id="Python, a name made of itself"),
    ],
)
def test_no_script_takes_long(path: str, data: bytes) -> None:
    began = time.process_time()
    sql_in(path, data)
    assert time.process_time() - began < 10


def test_no_component_takes_long() -> None:
    began = time.process_time()
    storage_in("a.js", b"var {a} = b; c.d = e; localStorage.x = 1;" * 5_000)
    assert time.process_time() - began < 10
