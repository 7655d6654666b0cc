"""Lockfiles of every kind, and what becomes of those that are not in order."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshguard.api import NotObserved
from meshguard.evidence import Evidence
from meshguard.targets.repo import Repo, RepoSettings
from meshguard.targets.repo.lock_models import Lock, Package
from meshguard.targets.repo.lock_parse import PARSERS, parse_lock
from meshguard.targets.repo.lock_read import LockError, bare_purl, hashes_of, place
from meshguard.targets.repo.packages import beside_of, read_inside

row = pytest.param
SHA512 = "sha512-" + "A" * 86 + "=="
HEX512 = "sha512:" + "0" * 128
HEX256 = "a" * 64


def lock_of(name: str, text: str | dict[str, object], **beside: str) -> Lock:
    """The lockfile as it is read, other files beside it by name, `_` for a dot."""
    data = (text if isinstance(text, str) else json.dumps(text)).encode()
    files = {key.replace("__", "-").replace("_", "."): value.encode() for key, value in beside.items()}
    return parse_lock(name, data, files.get)


def by_name(lock: Lock) -> dict[str, Package]:
    return {package.name: package for package in lock.packages}


NPM: dict[str, Any] = {
    "name": "mesh",
    "version": "1.2.0",
    "lockfileVersion": 3,
    "packages": {
        "": {
            "name": "mesh",
            "version": "1.2.0",
            "dependencies": {"a": "^1", "alias": "npm:real@^2", "inner": "*"},
            "devDependencies": {"d": "^1"},
        },
        "node_modules/a": {
            "version": "1.0.0",
            "resolved": "https://registry.example/a/-/a-1.0.0.tgz",
            "integrity": SHA512,
            "license": "MIT",
            "dependencies": {"@s/b": "^2"},
            "peerDependencies": {"absent": "*"},
        },
        "node_modules/a/node_modules/@s/b": {"version": "2.0.0", "licenses": [{"type": "MIT"}, {"type": "ISC"}]},
        "node_modules/@s/b": {"version": "1.0.0", "dev": True, "license": {"type": "ISC", "url": "u"}},
        "node_modules/alias": {"name": "real", "version": "2.5.0", "optional": True},
        "node_modules/d": {"version": "1.1.0", "dev": True, "dependencies": {"@s/b": "^1"}},
        "node_modules/inner": {"resolved": "packages/inner", "link": True},
        "packages/inner": {"name": "inner", "version": "0.1.0", "dependencies": {"g": "*"}},
        "node_modules/g": {"version": "3.0.0", "resolved": "git+ssh://git:pw@host.example/g.git#" + "c" * 40},
    },
}


def test_npm_version_3() -> None:
    lock = lock_of("web/package-lock.json", NPM)
    found = by_name(lock)

    assert (lock.format, lock.ecosystem, lock.name, lock.version) == ("package-lock 3", "npm", "mesh", "1.2.0")
    assert lock.problems == ()
    assert lock.own == ("pkg:npm/inner@0.1.0", "pkg:npm/mesh@1.2.0")
    assert [package.purl for package in lock.packages if package.direct] == [
        "pkg:npm/a@1.0.0",
        "pkg:npm/d@1.1.0",
        "pkg:npm/g@3.0.0?vcs_url=git%2Bssh://host.example/g.git%23" + "c" * 40,
        "pkg:npm/real@2.5.0",
    ]
    assert found["a"].dependencies == ("pkg:npm/%40s/b@2.0.0",), "the nearest node_modules wins"
    assert found["d"].dependencies == ("pkg:npm/%40s/b@1.0.0",)
    assert found["a"].hashes == (HEX512,)
    assert found["a"].licence == "MIT"
    assert {p.version: p.licence for p in lock.packages if p.name == "@s/b"} == {"1.0.0": "ISC", "2.0.0": "MIT OR ISC"}
    assert {p.purl for p in lock.packages if p.dev} == {"pkg:npm/d@1.1.0", "pkg:npm/%40s/b@1.0.0"}
    assert (found["real"].optional, found["g"].source) == (True, "git")
    assert "pw" not in found["g"].where


def test_npm_one_package_twice_is_for_production_where_either_is() -> None:
    entries = {"": {}, "node_modules/x": {"version": "1.0.0", "dev": True}}
    twice = {**entries, "node_modules/y/node_modules/x": {"version": "1.0.0"}, "node_modules/y": {"version": "1.0.0"}}
    lock = lock_of("package-lock.json", {"lockfileVersion": 3, "packages": twice})
    assert by_name(lock)["x"].dev is False
    assert len(lock.packages) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        row({}, 0, id="as the lockfile has it"),
        row({"dependencies": {"a": "^2", "alias": "npm:real@^2", "inner": "*"}}, 1, id="another range"),
        row({"devDependencies": {"d": "^1", "new": "^1"}}, 1, id="one more"),
        row({"devDependencies": {}}, 1, id="one less"),
        row({"dependencies": []}, 3, id="none that can be read"),
    ],
)
def test_npm_beside_a_manifest_that_was_changed(change: dict[str, object], said: int) -> None:
    manifest = json.dumps({**NPM["packages"][""], **change})
    assert len(lock_of("package-lock.json", NPM, package_json=manifest).problems) == said


def test_npm_version_1_needs_the_manifest_for_what_is_direct() -> None:
    text = {
        "name": "mesh",
        "lockfileVersion": 1,
        "dependencies": {
            "a": {
                "version": "1.0.0",
                "integrity": SHA512,
                "requires": {"b": "^2"},
                "dependencies": {"b": {"version": "2.0.0"}},
            },
            "b": {"version": "1.0.0", "dev": True},
            "g": {"version": "git+https://host.example/g.git#" + "d" * 40},
        },
    }
    lock = lock_of("package-lock.json", text, package_json='{"dependencies": {"a": "^1"}}')
    found = by_name(lock)
    assert found["a"].dependencies == ("pkg:npm/b@2.0.0",)
    assert [package.name for package in lock.packages if package.direct] == ["a"]
    assert (found["g"].version, found["g"].source) == ("d" * 40, "git")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        row("", "not valid JSON", id="empty"),
        row("[]", "holds no object", id="a list"),
        row("{", "not valid JSON: line 1", id="cut off"),
        row('{"lockfileVersion": 3, "lockfileVersion": 3}', "stands twice", id="a key twice"),
        row('{"lockfileVersion": 4}', "lockfileVersion is 4", id="a version to come"),
        row('{"lockfileVersion": 3}', "no `packages`", id="no packages"),
        row('{"lockfileVersion": 3, "packages": []}', "no `packages`", id="packages is a list"),
        row('{"lockfileVersion": NaN}', "no number of JSON", id="NaN"),
        row("[" * 100_000, "too deep", id="nested without end"),
        row('{"a": ' + "1" * 5000 + "}", "cannot be read", id="a number without end"),
        row("<<<<<<< HEAD\n{}", "not valid JSON", id="a conflict of a merge"),
    ],
)
def test_npm_that_is_none(text: str, said: str) -> None:
    with pytest.raises(LockError, match=said):
        lock_of("package-lock.json", text)


def test_npm_entries_that_cannot_be_read_are_problems() -> None:
    entries = {
        "": {"dependencies": {"gone": "^1"}},
        "node_modules/a": {},
        "node_modules/b": {"version": 3},
        "node_modules/c": {"version": "1.0.0", "dependencies": {"nowhere": "*"}},
        "node_modules/": {"version": "1"},
    }
    lock = lock_of("package-lock.json", {"lockfileVersion": 3, "packages": entries})
    assert [package.name for package in lock.packages] == ["c"]
    assert lock.problems == (
        "a has no version",
        "b has no version",
        "a package has no name",
        "the repository needs gone, which the lockfile does not hold",
        "node_modules/c needs nowhere, which the lockfile does not hold",
    )


def test_many_problems_are_counted() -> None:
    entries: dict[str, object] = {f"node_modules/p{number}": {} for number in range(30)}
    lock = lock_of("package-lock.json", {"lockfileVersion": 3, "packages": {"": {}, **entries}})
    assert (len(lock.problems), lock.problems[-1]) == (21, "and 10 more of the kind")


YARN = """\
# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.
# yarn lockfile v1


"@s/b@^2.0.0", "@s/b@^2.1.0":
  version "2.1.0"
  resolved "https://registry.example/@s/b/-/b-2.1.0.tgz#{sha1}"
  integrity {sha512}

a@^1.0.0:
  version "1.0.0"
  resolved "https://registry.example/a/-/a-1.0.0.tgz#{sha1}"
  dependencies:
    "@s/b" "^2.0.0"
  optionalDependencies:
    gone "^9.0.0"

"alias@npm:real@^3.0.0":
  version "3.0.1"
  resolved "https://registry.example/real/-/real-3.0.1.tgz"

t@^1.0.0:
  version "1.0.0"
""".replace("{sha1}", "b" * 40).replace("{sha512}", SHA512)


def test_yarn_1() -> None:
    manifest = '{"name": "mesh", "dependencies": {"a": "^1.0.0", "alias": "npm:real@^3.0.0"}, "devDependencies": '
    lock = lock_of("yarn.lock", YARN, package_json=manifest + '{"t": "^1.0.0"}}')
    found = by_name(lock)
    assert (lock.format, lock.name) == ("yarn 1", "mesh")
    assert found["a"].dependencies == ("pkg:npm/%40s/b@2.1.0",)
    assert found["@s/b"].hashes == (HEX512,)
    assert found["a"].hashes == ("sha1:" + "b" * 40,)
    assert {name for name, package in found.items() if package.direct} == {"a", "real", "t"}
    assert {name for name, package in found.items() if package.dev} == {"t"}
    assert lock.problems == ("a@^1.0.0 needs gone@^9.0.0, which the lockfile does not hold",)
    later = lock_of("yarn.lock", YARN, package_json='{"dependencies": {"a": "^2", "w": "link:./w"}}')
    assert later.problems[1:] == ("package.json names a in a range that the lockfile does not have",)


def test_yarn_1_without_a_manifest_holds_everything_for_production() -> None:
    lock = lock_of("yarn.lock", YARN)
    assert [package.name for package in lock.packages if package.dev or package.direct] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        row("", "neither", id="empty"),
        row("# yarn lockfile v1\n  version 1\n", "line 2", id="a field of no entry"),
        row('# yarn lockfile v1\na@1:\n  version "1\n', "line 3", id="a text without end"),
        row('# yarn lockfile v1\na@1:\n   version "1"\n', "line 3", id="three spaces"),
        row("# yarn lockfile v1\n<<<<<<< HEAD\n", "line 2", id="a conflict of a merge"),
        row("# yarn lockfile v1\n:\n", "names no package", id="no pattern"),
    ],
)
def test_yarn_that_is_none(text: str, said: str) -> None:
    with pytest.raises(LockError, match=said):
        lock_of("yarn.lock", text)


BERRY = """\
__metadata:
  version: 8
  cacheKey: 10c0

"a@npm:^1.0.0, a@npm:^1.1.0":
  version: 1.1.0
  resolution: "a@npm:1.1.0"
  dependencies:
    "@s/b": "npm:^2.0.0"
  checksum: 10c0/{hash}
  languageName: node
  linkType: hard

"@s/b@npm:^2.0.0":
  version: 2.0.0
  resolution: "@s/b@npm:2.0.0"
  languageName: node
  linkType: hard

"t@patch:t@npm%3A^1.0.0#~/.yarn/patches/t.patch":
  version: 1.0.0
  resolution: "t@patch:t@npm%3A1.0.0#~/.yarn/patches/t.patch::version=1.0.0&hash=1"
  languageName: node
  linkType: hard

"mesh@workspace:.":
  version: 0.0.0-use.local
  resolution: "mesh@workspace:."
  dependencies:
    a: "npm:^1.0.0"
    t: "patch:t@npm%3A^1.0.0#~/.yarn/patches/t.patch"
  languageName: unknown
  linkType: soft
""".replace("{hash}", "c" * 128)


def test_yarn_berry() -> None:
    lock = lock_of("yarn.lock", BERRY, package_json='{"name": "mesh", "dependencies": {"a": "^1.0.0"}}')
    found = by_name(lock)
    assert lock.problems == ()
    assert lock.format == "yarn berry 8"
    assert set(found) == {"a", "@s/b", "t"}
    assert found["a"].dependencies == ("pkg:npm/%40s/b@2.0.0",)
    assert found["a"].hashes == ("yarn:" + "c" * 128,), "Yarn's checksum is that of its own archive"
    assert {name for name, package in found.items() if package.direct} == {"a", "t"}
    assert {name for name, package in found.items() if package.dev} == {"t"}


PNPM9 = """\
lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      a: {specifier: ^1, version: 1.0.0(p@2.0.0)}
      w: {specifier: 'workspace:*', version: link:packages/w}
    devDependencies:
      t: {specifier: ^1, version: 1.0.0}
packages:
  a@1.0.0:
    resolution: {integrity: {sha512}}
  p@2.0.0:
    resolution: {integrity: {sha512}}
  '@s/t@1.0.0':
    resolution: {integrity: {sha512}}
  t@1.0.0:
    resolution: {integrity: {sha512}}
snapshots:
  a@1.0.0(p@2.0.0):
    dependencies:
      p: 2.0.0
  p@2.0.0: {}
  '@s/t@1.0.0': {}
  t@1.0.0:
    dependencies:
      '@s/t': 1.0.0
""".replace("{sha512}", SHA512)
PNPM6 = """\
lockfileVersion: '6.0'
dependencies:
  a:
    specifier: ^1
    version: 1.0.0(p@2.0.0)
packages:
  /a@1.0.0(p@2.0.0):
    resolution: {integrity: {sha512}}
    dependencies:
      '@s/b': 2.0.0
    dev: false
  /@s/b@2.0.0:
    resolution: {integrity: {sha512}}
    dev: false
  git.example/x/g/0123456789012345678901234567890123456789:
    resolution: {tarball: https://codeload.example/x/g/tar.gz/0123456789012345678901234567890123456789}
    name: g
    version: 1.0.0
    dev: false
""".replace("{sha512}", SHA512)
PNPM5 = """\
lockfileVersion: 5.4
specifiers: {a: ^1}
dependencies:
  a: 1.0.0_p@2.0.0
packages:
  /a/1.0.0_p@2.0.0:
    resolution: {integrity: {sha512}}
    dependencies: {'@s/b': 2.0.0}
    dev: false
  /@s/b/2.0.0:
    resolution: {integrity: {sha512}}
    dev: false
""".replace("{sha512}", SHA512)


def test_pnpm_9() -> None:
    lock = lock_of("pnpm-lock.yaml", PNPM9)
    found = by_name(lock)
    assert lock.problems == ()
    assert found["a"].dependencies == ("pkg:npm/p@2.0.0",)
    assert {name for name, package in found.items() if package.dev} == {"t", "@s/t"}
    assert {name for name, package in found.items() if package.direct} == {"a", "t"}
    assert all(package.hashes == (HEX512,) for package in lock.packages)


def test_pnpm_from_elsewhere() -> None:
    text = """\
lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      g: {specifier: x, version: https://codeload.example/x/g/tar.gz/{c}}
      own: {specifier: 'file:own', version: file:own}
      gone: {specifier: ^1, version: 1.0.0}
packages:
  g@https://codeload.example/x/g/tar.gz/{c}:
    resolution: {tarball: https://codeload.example/x/g/tar.gz/{c}}
  h@git+https://host.example/h.git#{c}:
    resolution: {type: git, repo: 'https://host.example/h.git', commit: {c}}
  own@file:own:
    resolution: {directory: own, type: directory}
""".replace("{c}", "e" * 40)
    lock = lock_of("pnpm-lock.yaml", text)
    found = by_name(lock)
    assert lock.problems == ("the package in . needs gone 1.0.0, which the lockfile does not hold",)
    assert {name: (one.version, one.source) for name, one in found.items()} == {
        "g": ("e" * 40, "url"),
        "h": ("e" * 40, "git"),
    }
    assert found["g"].direct


@pytest.mark.parametrize("text", [row(PNPM6, id="6"), row(PNPM5, id="5")])
def test_pnpm_of_old(text: str) -> None:
    lock = lock_of("pnpm-lock.yaml", text)
    found = by_name(lock)
    assert lock.problems == ()
    assert (found["a"].version, found["a"].dependencies) == ("1.0.0", ("pkg:npm/%40s/b@2.0.0",))
    assert found["a"].direct
    assert "g" not in found or (found["g"].version, found["g"].source) == ("1.0.0", "url")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        row("", "lockfileVersion is ''", id="empty"),
        row("lockfileVersion: '7.0'\n", "'7.0'", id="a version that never was"),
        row("a: &x {}\nb: *x\n", "alias", id="an alias"),
        row("a: 1\na: 2\n", "twice", id="a key twice"),
        row("? [a]\n: 1\n", "not text", id="a key that is a list"),
        row("a: [\n", "not valid YAML", id="cut off"),
        row("[" * 5000, "too deep|not valid YAML", id="nested without end"),
        row("a: \x00\n", "not valid YAML", id="a character that YAML does not allow"),
    ],
)
def test_pnpm_that_is_none(text: str, said: str) -> None:
    with pytest.raises(LockError, match=said):
        lock_of("pnpm-lock.yaml", text)


PROJECT = '[project]\nname = "mesh"\nversion = "1"\ndependencies = ["A[x]>=1"]\n[dependency-groups]\ndev = ["T"]\n'
POETRY = """\
[[package]]
name = "a"
version = "1.0"
groups = ["main"]
files = [{file = "a.whl", hash = "sha256:{h}"}]
[package.dependencies]
B_c = {version = ">=1", optional = true}
[[package]]
name = "b.c"
version = "2.0"
groups = ["main", "dev"]
[[package]]
name = "t"
version = "3"
groups = ["dev"]
[package.source]
type = "git"
url = "https://user:pw@host.example/t.git"
resolved_reference = "{c}"
[metadata]
lock-version = "2.1"
""".replace("{h}", HEX256).replace("{c}", "e" * 40)
POETRY_OLD = """\
[[package]]
name = "a"
version = "1.0"
category = "dev"
[metadata]
lock-version = "1.1"
[metadata.files]
a = [{file = "a.whl", hash = "sha256:{h}"}]
""".replace("{h}", HEX256)


def test_poetry() -> None:
    lock = lock_of("poetry.lock", POETRY, pyproject_toml=PROJECT)
    found = by_name(lock)
    assert (lock.format, lock.name) == ("poetry 2.1", "mesh")
    assert found["a"].dependencies == ("pkg:pypi/b-c@2.0",)
    assert found["a"].hashes == (f"sha256:{HEX256}",)
    assert {name for name, package in found.items() if package.dev} == {"t"}
    assert {name for name, package in found.items() if package.direct} == {"a", "t"}
    assert found["t"].where == "git+https://host.example/t.git@" + "e" * 40


def test_poetry_of_old() -> None:
    package = lock_of("poetry.lock", POETRY_OLD).packages[0]
    assert (package.dev, package.hashes) == (True, (f"sha256:{HEX256}",))


UV = (
    """\
version = 1
[[package]]
name = "mesh"
version = "1.2.0"
source = { virtual = "." }
dependencies = [{ name = "a" }]
[package.dev-dependencies]
dev = [{ name = "t" }]
[[package]]
name = "a"
version = "1.0"
source = { registry = "https://pypi.example/simple" }
dependencies = [{ name = "b", version = "2.0" }]
sdist = { url = "https://x/a.tar.gz", hash = "sha256:{h}" }
wheels = [{ url = "https://x/a.whl", hash = "sha256:{i}" }]
[[package]]
name = "b"
version = "1.0"
source = { registry = "https://pypi.example/simple" }
[[package]]
name = "b"
version = "2.0"
source = { registry = "https://pypi.example/simple" }
[[package]]
name = "t"
version = "1"
source = { git = "https://host.example/t?rev=main#{c}" }
dependencies = [{ name = "b", version = "1.0" }]
""".replace("{h}", HEX256)
    .replace("{i}", "b" * 64)
    .replace("{c}", "e" * 40)
)


def test_uv() -> None:
    lock = lock_of("uv.lock", UV)
    found = by_name(lock)
    assert (lock.format, lock.name, lock.version, lock.problems) == ("uv 1", "mesh", "1.2.0", ())
    assert found["a"].dependencies == ("pkg:pypi/b@2.0",)
    assert found["a"].hashes == (f"sha256:{HEX256}", "sha256:" + "b" * 64)
    assert {package.purl.partition("?")[0] for package in lock.packages if package.dev} == {
        "pkg:pypi/b@1.0",
        "pkg:pypi/t@1",
    }
    assert found["t"].source == "git"


def test_other_lockfiles_of_python() -> None:
    pylock = """lock-version = "1.0"
[[packages]]
name = "a"
version = "1.0"
wheels = [{name = "a.whl", hashes = {sha256 = "{h}"}}]
dependencies = [{name = "b"}]
[[packages]]
name = "b"
version = "2"
""".replace("{h}", HEX256)
    pdm = """[metadata]
lock_version = "4.5.0"
[[package]]
name = "a"
version = "1.0"
groups = ["default"]
dependencies = ["b>=1; python_version > '3'"]
files = [{file = "a.whl", hash = "sha256:{h}"}]
[[package]]
name = "b"
version = "2"
groups = ["dev"]
""".replace("{h}", HEX256)
    for name, text in (("pylock.toml", pylock), ("pdm.lock", pdm)):
        lock = lock_of(name, text)
        found = by_name(lock)
        assert found["a"].dependencies == ("pkg:pypi/b@2",)
        assert found["a"].hashes == (f"sha256:{HEX256}",)
        assert found["a"].direct
        assert not found["b"].direct, "nothing but `a` names it"
    assert by_name(lock)["b"].dev
    pipfile = {
        "_meta": {"pipfile-spec": 6},
        "default": {"a": {"version": "==1.0", "hashes": [f"sha256:{HEX256}"]}, "own": {"path": ".", "editable": True}},
        "develop": {"t": {"version": "==2"}, "g": {"git": "https://host.example/g.git", "ref": "e" * 40}},
    }
    lock = lock_of("Pipfile.lock", pipfile)
    assert {package.name: package.dev for package in lock.packages} == {"a": False, "t": True, "g": True}


@pytest.mark.parametrize(
    ("text", "names", "problems"),
    [
        row(f"a==1.0 --hash=sha256:{HEX256}\n", ["a"], [], id="fixed by a hash"),
        row(f"a==1.0 \\\n    --hash=sha256:{HEX256} \\\n    --hash=sha256:{'b' * 64}\n", ["a"], [], id="over lines"),
        row(f"# c\na[x]==1.0 ; python_version > '3' --hash=sha256:{HEX256}  # why\n", ["a"], [], id="a marker"),
        row("a==1.0\nb==2\n", ["a", "b"], ["2 of its requirements have no hash"], id="without hashes"),
        row("a>=1.0\n", [], ["line:1: a is not fixed"], id="a range"),
        row("a==1.*\n", [], ["line:1: a is not fixed"], id="a pattern of versions"),
        row("a\n", [], ["line:1: a is not fixed"], id="no version"),
        row("-e .\n", [], ["line:1 has an option"], id="an editable install"),
        row("-i https://index.example\n--require-hashes\n", [], [], id="options that install nothing"),
        row("./dist/a.whl\n", [], ["line:1 is no requirement"], id="a path"),
        row("-r more.txt\n", ["m"], ["1 of its requirements"], id="an included file"),
        row("-r gone.txt\n", [], ["line:1 includes gone.txt"], id="an included file that is missing"),
        row("-r ../../etc/passwd\n", [], ["includes ../../etc/passwd"], id="an included file outside"),
        row(f"a @ git+https://h.example/a.git@{'e' * 40}\n", ["a"], ["1 of its"], id="a commit"),
        row("a @ git+https://h.example/a.git@main\n", [], ["a is not fixed"], id="a branch"),
        row("-r requirements.txt\n-r requirements.txt\n", [], [], id="itself"),
    ],
)
def test_requirements(text: str, names: list[str], problems: list[str]) -> None:
    lock = lock_of("requirements.txt", text, more_txt="m==1\n")
    assert [package.name for package in lock.packages] == names
    assert len(lock.problems) == len(problems), lock.problems
    for found, said in zip(lock.problems, problems, strict=True):
        assert said.replace("line:", "requirements.txt:") in found


@pytest.mark.parametrize(
    ("path", "dev"),
    [
        row("requirements.txt", False, id="plain"),
        row("requirements-dev.txt", True, id="dev"),
        row("requirements_test.txt", True, id="test"),
        row("requirements-latest.txt", False, id="latest is not test"),
        row("dev/requirements.txt", False, id="a folder's name does not count"),
    ],
)
def test_requirements_for_development(path: str, dev: bool) -> None:
    assert lock_of(path, f"a==1 --hash=sha256:{HEX256}\n").packages[0].dev is dev


def test_go_takes_what_is_built_from_go_mod() -> None:
    sums = (
        "a.example/x v1.0.0 h1:abc=\na.example/x v1.0.0/go.mod h1:def=\n"
        "b.example/y v2.0.0 h1:ghi=\nold.example/z v0.1.0/go.mod h1:jkl=\nc.example/fork v3.0.0 h1:mno=\n"
    )
    mod = """module mesh.example/app

go 1.22

require a.example/x v1.0.0 // why
require (
\tb.example/y v2.0.0 // indirect
\tc.example/orig v1.0.0
\t// a comment
\td.example/local v1.0.0
)

replace c.example/orig => c.example/fork v3.0.0
replace d.example/local => ./local
"""
    lock = lock_of("go.sum", sums, go_mod=mod)
    found = by_name(lock)
    assert lock.problems == ()
    assert set(found) == {"a.example/x", "b.example/y", "c.example/fork", "d.example/local"}
    assert found["a.example/x"].hashes == ("h1:abc=",)
    assert {name for name, one in found.items() if one.direct} == set(found) - {"b.example/y"}
    assert found["d.example/local"].source == "path"
    old = lock_of("go.sum", sums, go_mod=mod.replace("go 1.22", "go 1.16"))
    assert "before 1.17" in old.problems[0]
    lacking = lock_of("go.sum", "", go_mod=mod)
    assert len(lacking.problems) == 3
    with pytest.raises(LockError, match="no go"):
        lock_of("go.sum", sums)
    with pytest.raises(LockError, match="line 1"):
        lock_of("go.sum", "<<<<<<< HEAD\n", go_mod=mod)


def test_cargo() -> None:
    text = """version = 3
[[package]]
name = "mesh"
version = "0.1.0"
dependencies = ["a 1.0.0", "g"]
[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://index.example"
checksum = "{h}"
[[package]]
name = "a"
version = "2.0.0"
source = "registry+https://index.example"
dependencies = ["a 1.0.0", "gone"]
[[package]]
name = "g"
version = "0.2.0"
source = "git+https://host.example/g?rev=1#{c}"
""".replace("{h}", HEX256).replace("{c}", "e" * 40)
    lock = lock_of("Cargo.lock", text)
    assert (lock.name, lock.version) == ("mesh", "0.1.0")
    assert [package.purl.partition("?")[0] for package in lock.packages if package.direct] == [
        "pkg:cargo/a@1.0.0",
        "pkg:cargo/g@0.2.0",
    ]
    assert lock.packages[0].hashes == (f"sha256:{HEX256}",)
    assert lock.packages[1].dependencies == ("pkg:cargo/a@1.0.0",)
    assert lock.problems == ("a needs gone, which the lockfile does not hold",)
    with pytest.raises(LockError, match="version is 9"):
        lock_of("Cargo.lock", "version = 9\n")


def test_composer() -> None:
    text = {
        "packages": [
            {
                "name": "Acme/A",
                "version": "v1.0",
                "license": ["MIT", "GPL-2.0"],
                "require": {"php": ">=8", "acme/b": "*"},
                "dist": {"type": "zip", "url": "https://api.example/zip?token=abc", "shasum": ""},
            },
            {"name": "acme/b", "version": "2.0", "license": "MIT", "dist": {"type": "zip", "reference": "e" * 40}},
        ],
        "packages-dev": [{"name": "acme/t", "version": "3.0"}],
    }
    lock = lock_of("composer.lock", text, composer_json='{"name": "x/y", "require": {"acme/a": "*"}}')
    found = by_name(lock)
    assert found["acme/a"].licence == "MIT OR GPL-2.0"
    assert found["acme/a"].dependencies == ("pkg:composer/acme/b@2.0",)
    assert "token" not in found["acme/a"].where
    assert (found["acme/a"].hashes, found["acme/b"].hashes) == ((), ("git:" + "e" * 40,))
    assert {name for name, one in found.items() if one.dev} == {"acme/t"}
    with pytest.raises(LockError, match="no list"):
        lock_of("composer.lock", "{}")


def test_gems() -> None:
    text = """GIT
  remote: https://host.example/g.git
  revision: {c}
  specs:
    g (0.1)

PATH
  remote: .
  specs:
    mesh (1.0)
      a (~> 1.0)

GEM
  remote: https://rubygems.example/
  specs:
    a (1.2.0)
      b (>= 2)
    b (2.0.0)
    b (2.0.0-x86_64-linux)

DEPENDENCIES
  g!
  mesh!

CHECKSUMS
  a (1.2.0) sha256={h}

BUNDLED WITH
   2.6
""".replace("{h}", HEX256).replace("{c}", "e" * 40)
    lock = lock_of("Gemfile.lock", text)
    found = by_name(lock)
    assert [package.version for package in lock.packages] == ["1.2.0", "2.0.0", "2.0.0-x86_64-linux", "0.1"]
    assert found["a"].hashes == (f"sha256:{HEX256}",)
    assert found["a"].dependencies == ("pkg:gem/b@2.0.0", "pkg:gem/b@2.0.0-x86_64-linux")
    assert {name for name, one in found.items() if one.direct} == {"a", "g"}
    with pytest.raises(LockError, match="conflict"):
        lock_of("Gemfile.lock", "<<<<<<< HEAD\n")


def test_python_from_elsewhere() -> None:
    pylock = f"""lock-version = "1.0"
[[packages]]
name = "v"
vcs = {{type = "git", url = "https://host.example/v.git", commit-id = "{"e" * 40}"}}
[[packages]]
name = "z"
version = "1"
archive = {{url = "https://host.example/z-1.zip", hashes = {{sha256 = "{HEX256}"}}}}
"""
    found = by_name(lock_of("pylock.toml", pylock))
    assert {name: (one.version, one.source) for name, one in found.items()} == {
        "v": ("e" * 40, "git"),
        "z": ("1", "url"),
    }
    uv = UV + '[[package]]\nname = "u"\nversion = "1"\nsource = {registry = "r"}\ndependencies = [{name = "gone"}]\n'
    assert lock_of("uv.lock", uv).problems == ("u needs gone, which the lockfile does not hold",)


def test_a_kind_without_a_parser_is_none() -> None:
    with pytest.raises(LockError, match="no parser"):
        lock_of("bun.lock", "{}")


def test_tomls_that_are_none() -> None:
    for name, said in (
        ("uv.lock", "version is None"),
        ("pylock.toml", "lock-version is ''"),
        ("Cargo.lock", "no `pack"),
    ):
        with pytest.raises(LockError, match=said):
            lock_of(name, "")
    for name in ("poetry.lock", "pdm.lock"):
        with pytest.raises(LockError, match="no `metadata`"):
            lock_of(name, "")
    with pytest.raises(LockError, match="is no list"):
        lock_of("poetry.lock", 'package = 1\n[metadata]\nlock-version = "2"\n')
    with pytest.raises(LockError, match="no `_meta`"):
        lock_of("Pipfile.lock", "{}")
    with pytest.raises(LockError, match="no section GEM"):
        lock_of("Gemfile.lock", "")
    with pytest.raises(LockError, match="byte 0 is not UTF-8"):
        parse_lock("uv.lock", b"\xff")
    with pytest.raises(LockError, match="too deep"):
        lock_of("uv.lock", "a = " + "[" * 50_000)


async def test_ten_thousand_packages_are_read_at_once(tmp_path: Path) -> None:
    entries: dict[str, object] = {
        f"node_modules/p{number}": {"version": "1.0.0", "dependencies": {f"p{number + 1}": "*"}, "integrity": SHA512}
        for number in range(9_999)
    }
    entries |= {"": {"dependencies": {"p0": "*"}}, "node_modules/p9999": {"version": "1.0.0"}}
    (tmp_path / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": entries}))
    lock = await repo_in(tmp_path).lock("package-lock.json")
    assert (len(lock.packages), sum(len(package.dependencies) for package in lock.packages)) == (10_000, 9_999)


ALL = [*PARSERS, "requirements.txt"]


@given(st.sampled_from(ALL), st.binary(max_size=300), st.binary(max_size=100))
def test_any_bytes_are_a_lockfile_or_a_reason(name: str, data: bytes, other: bytes) -> None:
    with suppress(LockError):
        parse_lock(name, data, lambda _: other)


WORDS = st.sampled_from(
    ["", "a", "1.0.0", "packages", "package", "name", "version", "dependencies", "resolved", "source", "node_modules/a",
     "lockfileVersion", "metadata", "dev", "link", "_meta", "default", "license", "files", "hash", "importers"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)


@given(st.sampled_from([name for name in ALL if "lock.json" in name or name == "composer.lock"]), VALUES)
def test_any_json_is_a_lockfile_or_a_reason(name: str, value: object) -> None:
    shaped = [value, {"lockfileVersion": 3, "packages": {"": value, "node_modules/a": value}}, {"packages": [value]}]
    shaped += [{"lockfileVersion": 1, "dependencies": {"a": value}}, {"_meta": {}, "default": {"a": value}}]
    for one in shaped:
        try:
            parse_lock(name, json.dumps(one).encode(), lambda _: json.dumps(value).encode())
        except LockError:
            continue


@given(VALUES)
def test_any_yaml_is_a_lockfile_or_a_reason(value: object) -> None:
    for head, name in (({"lockfileVersion": "9.0"}, "pnpm-lock.yaml"), ({"__metadata": {"version": "8"}}, "yarn.lock")):
        for body in ({"packages": value, "snapshots": value, "importers": value}, {"a@npm:1": value}):
            text = "\n".join(f"{key}: {json.dumps(one)}" for key, one in {**head, **body}.items())
            try:
                parse_lock(name, text.encode())
            except LockError:
                continue


@pytest.mark.parametrize(
    ("said", "found"),
    [
        row(SHA512, (HEX512,), id="subresource integrity"),
        row(f"{SHA512}?x sha1-{'A' * 27}=", (HEX512, "sha1:" + "0" * 40), id="several, with an option"),
        row(f"sha256:{'A' * 64}", (f"sha256:{'a' * 64}",), id="with its algorithm"),
        row("a" * 40, ("sha1:" + "a" * 40,), id="bare"),
        row(f"sha512:{'a' * 64}", (), id="an algorithm that does not fit"),
        row("sha512-AAAA", (), id="too short"),
        row("sha512-%%%", (), id="not base64"),
        row("", (), id="nothing"),
        row(3, (), id="a number"),
    ],
)
def test_hashes(said: object, found: tuple[str, ...]) -> None:
    assert hashes_of(said) == found


def test_places_lose_credentials_and_queries() -> None:
    assert place("https://user:pw@host.example/a.tgz?token=x#f") == "https://host.example/a.tgz#f"
    assert place("https://[broken") == ""


def test_purls_are_compared_without_qualifiers() -> None:
    assert bare_purl("pkg:pypi/Foo_Bar.baz@1.0?x=y#z") == "pkg:pypi/foo-bar-baz@1.0"
    assert bare_purl("pkg:npm/%40s/b@1") == bare_purl("pkg:npm/@s/b@1") == "pkg:npm/%40s/b@1"
    assert bare_purl("no purl") == ""


def repo_in(folder: Path, **settings: object) -> Repo:
    return Repo(RepoSettings.model_validate({"name": "source", "path": folder, **settings}), Evidence())


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


async def test_the_lockfiles_of_a_checkout_and_what_no_lockfile_fixes(tmp_path: Path) -> None:
    (tmp_path / "package-lock.json").write_text(json.dumps(NPM))
    write(
        tmp_path,
        package_json=json.dumps(NPM["packages"][""]),
        packages__inner__package_json='{"dependencies": {"g": "1"}}',
        empty__pyproject_toml='[project]\nname = "x"\n',
        loose__pyproject_toml='[project]\nname = "x"\ndependencies = ["a", "b"]\n',
        broken__pyproject_toml="[",
        java__pom_xml="<project/>",
        bun__bun_lock="{}",
        py__requirements_in="a\n",
        py__requirements_txt=f"a==1 --hash=sha256:{HEX256}\n",
        none__requirements_txt="# nothing\n",
        py__constraints_txt="a<3\n",
    )
    listing = await repo_in(tmp_path).locks()
    assert [str(one) for one in listing.items] == ["package-lock.json", "py/requirements.txt"]
    assert {one.resource: one.reason.partition(",")[0] for one in listing.unread} == {
        "bun/bun.lock": "no parser reads this kind of lockfile",
        "loose/pyproject.toml": "it names 2 packages and no lockfile fixes what is installed",
        "broken/pyproject.toml": "it cannot be read: it is not valid TOML: it is cut off",
        "java/pom.xml": "it may name packages",
    }


REQUIRES = '{"dependencies": {"g": "1"}}'


@pytest.mark.parametrize(
    ("lockfile", "files", "loose"),
    [
        row("package-lock.json", {"in/package.json": REQUIRES}, ["in/package.json"], id="npm, no workspace"),
        row("yarn.lock", {"in/package.json": REQUIRES, "package.json": '{"workspaces": ["i*"]}'}, [], id="yarn 1"),
        row("yarn.lock", {"in/package.json": REQUIRES, "package.json": "{}"}, ["in/package.json"], id="yarn 1, none"),
        row("Cargo.lock", {"in/Cargo.toml": '[package]\nname = "w"\n[dependencies]\na = "1"\n'}, [], id="a crate"),
        row("Cargo.lock", {"in/Cargo.toml": '[package]\nname = "x"\n[target.t.dependencies]\na = "1"\n'},
            ["in/Cargo.toml"], id="another crate"),
        row("uv.lock", {"in/pyproject.toml": PROJECT}, [], id="uv, a member"),
        row("uv.lock", {"in/pyproject.toml": PROJECT.replace("mesh", "x")}, ["in/pyproject.toml"], id="uv, none"),
        row("go.sum", {"in/go.mod": "module m\nrequire (\n\ta.example/x v1.0.0\n)\n"}, ["in/go.mod"], id="a go module"),
        row("x", {"composer.json": '{"require": {"php": "8", "a/b": "1"}}'}, ["composer.json"], id="composer"),
        row("x", {"composer.json": '{"require": {"php": "8"}}'}, [], id="PHP itself is no package"),
        row("x", {"setup.cfg": "[options]\ninstall_requires =\n  a\n"}, ["setup.cfg"], id="setup.cfg"),
        row("x", {"setup.cfg": "[options.extras_require]\nx =\n  a\n"}, ["setup.cfg"], id="extras in setup.cfg"),
        row("x", {"setup.cfg": "[flake8]\nmax-line-length = 120\n"}, [], id="settings alone"),
        row("x", {"setup.cfg": "a\n"}, ["setup.cfg"], id="a setup.cfg that cannot be read"),
        row("x", {"setup.py": "import setuptools\n"}, ["setup.py"], id="setup.py, which only running it tells"),
        row("x", {"pyproject.toml": '[project]\nname = "x"\ndynamic = ["dependencies"]\n'}, ["pyproject.toml"],
            id="dependencies that something else names"),
        row("x", {"pyproject.toml": '[tool.poetry.group.d.dependencies]\na = "1"\n'}, ["pyproject.toml"],
            id="a group of poetry"),
        row("x", {"requirements.in": "a\n"}, ["requirements.in"], id="requirements that were not compiled"),
    ],
)  # fmt: skip
async def test_manifests_that_no_lockfile_fixes(
    tmp_path: Path, lockfile: str, files: dict[str, str], loose: list[str]
) -> None:
    texts = {"yarn.lock": YARN, "Cargo.lock": 'version = 3\n[[package]]\nname = "w"\nversion = "1"\n', "uv.lock": UV}
    for name, content in {lockfile: texts.get(lockfile, json.dumps(NPM)), **files}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert [one.resource for one in (await repo_in(tmp_path).locks()).unread] == loose


async def test_a_lockfile_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("{}")
    inside = tmp_path / "checkout"
    inside.mkdir()
    (inside / "package-lock.json").symlink_to(secret)
    (inside / "folder").symlink_to(tmp_path)
    (inside / "pipe").mkdir()
    assert (await repo_in(inside).locks()).items == ()
    for path in ("package-lock.json", "folder/secret", "pipe", "gone", "nul\0"):
        with pytest.raises(NotObserved):
            read_inside(inside, path)
    with pytest.raises(NotObserved, match="more than the 1 bytes"):
        read_inside(tmp_path, "secret", 1)
    beside = beside_of(inside, "a/package-lock.json")
    assert [beside(name) for name in ("../../secret", "/etc/passwd", "../package-lock.json", "..")] == [None] * 4


async def test_a_lockfile_that_is_none_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "package-lock.json").write_text("{")
    with pytest.raises(NotObserved, match="was not read: it is not valid JSON"):
        await repo_in(tmp_path).lock("package-lock.json")
