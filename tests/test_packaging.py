"""What is built and installed is what was written: wheel, sdist, editable install, and a package of somebody else's."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tarfile
import textwrap
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
THIRD_PARTY = ROOT / "examples" / "third-party"
SOURCES = ("src", "checks", "profiles")
MAX_INSTALLED_BYTES = 150_000_000


def run(*command: str | Path, cwd: Path | None = None, code: int = 0) -> str:
    """Standard output of a command that must end with `code`."""
    # A PYTHONPATH from outside would let the venv see the working tree instead of what was installed.
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def copy_of_the_project(to: Path) -> Path:
    """The files that a build reads; what a build writes does not land in the working tree."""
    to.mkdir()
    for name in SOURCES:
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, to / name)
    (to / "tests").mkdir()
    (to / "tests" / "test_nothing.py").write_text("")
    return to


@dataclass(frozen=True)
class Built:
    """What `python -m hatchling build` left, and what it was made from."""

    project: Path
    wheel: Path
    sdist: Path


def build(project: Path) -> Built:
    run(sys.executable, "-m", "hatchling", "build", cwd=project)
    (wheel,), (sdist,) = (project / "dist").glob("*.whl"), (project / "dist").glob("*.tar.gz")
    return Built(project, wheel, sdist)


@dataclass(frozen=True)
class Venv:
    """A fresh environment that holds what is installed here, and the dependencies of this one by a .pth file."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def install(self, *what: str | Path) -> None:
        """Install without dependencies, from no index."""
        pip = (sys.executable, "-m", "pip", "--python", self.python, "install", "--disable-pip-version-check")
        run(*pip, "--quiet", "--no-index", "--no-deps", "--no-build-isolation", *what)

    def meshguard(self, *arguments: str | Path, cwd: Path, code: int = 0) -> str:
        return run(self.folder / "bin" / "meshguard", *arguments, cwd=cwd, code=code)


def make_venv(folder: Path) -> Venv:
    """A path in a .pth file is added as it is: an editable install in this environment is not followed from there."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Venv(folder)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(copy_of_the_project(tmp_path_factory.mktemp("build") / "meshguard"))


@pytest.fixture(scope="module")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Built:
    project = tmp_path_factory.mktemp("build") / "third-party"
    shutil.copytree(THIRD_PARTY, project, ignore=shutil.ignore_patterns("__pycache__", "dist"))
    return build(project)


@pytest.fixture(scope="module")
def installed(built: Built, third_party: Built, tmp_path_factory: pytest.TempPathFactory) -> Venv:
    """MeshGuard's wheel and the third party's, in one fresh environment."""
    venv = make_venv(tmp_path_factory.mktemp("installed") / "venv")
    venv.install(built.wheel, third_party.wheel)
    return venv


def source_files(project: Path) -> set[str]:
    """Every file of the three packages, as the wheel names them."""
    return {
        str(path.relative_to(project / source))
        for source in SOURCES
        for path in (project / source).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_three_packages_whole_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = wheel.namelist()
    assert {name for name in names if ".dist-info/" not in name} == source_files(built.project)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
        "meshguard",
        "meshguard_checks",
        "meshguard_profiles",
    }


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("meshguard/py.typed", id="the core is typed"),
        pytest.param("meshguard_checks/py.typed", id="the checks are typed"),
        pytest.param("meshguard_profiles/web-baseline.yaml", id="a profile"),
        pytest.param("meshguard/reports/html_template.html.j2", id="the template of the HTML report"),
        pytest.param("meshguard-0.1.0.dist-info/licenses/LICENSE", id="the licence"),
        pytest.param("meshguard-0.1.0.dist-info/entry_points.txt", id="the entry points"),
    ],
)
def test_the_wheel_holds(built: Built, name: str) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        assert name in wheel.namelist()


def test_the_source_archive_holds_what_builds_the_same_wheel(built: Built, tmp_path: Path) -> None:
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (project,) = tmp_path.iterdir()
    assert not (project / "tests").exists()
    with zipfile.ZipFile(built.wheel) as first, zipfile.ZipFile(build(project).wheel) as second:
        assert {i.filename: i.CRC for i in first.infolist()} == {i.filename: i.CRC for i in second.infolist()}


def test_an_installed_package_is_not_the_working_tree(installed: Venv, tmp_path: Path) -> None:
    where = "import meshguard, meshguard_checks, meshguard_profiles as p; print(meshguard.__file__, p.__file__)"
    for path in run(installed.python, "-c", where, cwd=tmp_path).split():
        assert Path(path).is_relative_to(installed.folder)


def test_installed_checks_list_the_built_in_and_the_third_partys(installed: Venv, tmp_path: Path) -> None:
    ids = {check["id"] for check in json.loads(installed.meshguard("checks", "--json", cwd=tmp_path))}
    assert {"web.hsts", "tls.certificate", "tcp.open", "tcp.closed"} <= ids


def test_installed_controls_list_the_third_partys_profile(installed: Venv, tmp_path: Path) -> None:
    assert "ports.private.closed" in installed.meshguard("controls", "tcp-ports", cwd=tmp_path)
    assert "web.transport.hsts" in installed.meshguard("controls", cwd=tmp_path)


def deployment(folder: Path, *, public: int, private: int) -> Path:
    path = folder / "meshguard.yaml"
    path.write_text(
        "name: ports\nprofile: tcp-ports\ntargets:\n  tcp:\n"
        f"    - {{name: here, host: 127.0.0.1, public: [{public}], private: [{private}]}}\n"
    )
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_the_third_partys_profile_passes_on_an_open_and_a_closed_port(installed: Venv, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        path = deployment(tmp_path, public=listener.getsockname()[1], private=free_port())
        results = json.loads(installed.meshguard("audit", path, "-o", "json=-", cwd=tmp_path))
    assert {f["check"]: f["outcome"] for f in results["findings"]} == {"tcp.open": "pass", "tcp.closed": "pass"}
    used = {(p["group"], p["name"]): (p["distribution"], p["version"]) for p in results["meshguard"]["plugins"]}
    assert used["meshguard.checks", "tcp"] == ("meshguard-example-tcp", "0.1.0")
    assert used["meshguard.targets", "tcp"] == ("meshguard-example-tcp", "0.1.0")


def test_the_third_partys_profile_fails_on_a_private_port_that_is_open(installed: Venv, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        path = deployment(tmp_path, public=free_port(), private=listener.getsockname()[1])
        results = json.loads(installed.meshguard("audit", path, "-o", "json=-", cwd=tmp_path, code=1))
    assert {f["check"]: f["outcome"] for f in results["findings"]} == {"tcp.open": "fail", "tcp.closed": "fail"}


def test_a_fact_of_the_third_party_can_be_asked(installed: Venv, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
        deployment(tmp_path, public=number, private=free_port())
        assert "open" in installed.meshguard("ask", "here", "port", str(number), cwd=tmp_path)


def test_the_third_partys_example_deployment_is_valid(installed: Venv, tmp_path: Path) -> None:
    assert "no mistakes" in installed.meshguard("validate", THIRD_PARTY / "meshguard.yaml", cwd=tmp_path)


def test_the_third_partys_own_tests_pass_on_what_is_installed(installed: Venv, tmp_path: Path) -> None:
    tests = shutil.copy(THIRD_PARTY / "tests" / "test_tcp.py", tmp_path)
    settings = ("asyncio_mode=auto", "asyncio_default_fixture_loop_scope=function")
    options = ("-q", "-W", "error", "-p", "no:cacheprovider", *(f"--override-ini={setting}" for setting in settings))
    assert "8 passed" in run(installed.python, "-m", "pytest", *options, tests, cwd=tmp_path)


def test_the_third_party_imports_only_what_is_public() -> None:
    for path in THIRD_PARTY.rglob("*.py"):
        for line in path.read_text().splitlines():
            if "import" in line and "meshguard." in line:
                assert line.split()[1] in ("meshguard.api", "meshguard.testing"), f"{path}: {line}"


def test_in_an_editable_install_an_edited_check_is_seen(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "meshguard")
    venv = make_venv(tmp_path / "venv")
    venv.install("--editable", project)
    before = venv.meshguard("checks", "web.hsts", cwd=tmp_path)
    (source,) = [p for p in (project / "checks").rglob("*.py") if '"web.hsts"' in p.read_text()]
    source.write_text(source.read_text().replace("Browsers are told to use HTTPS", "Edited just now", 1))
    after = venv.meshguard("checks", "web.hsts", cwd=tmp_path)
    assert "Browsers are told to use HTTPS" in before
    assert "Edited just now" in after


def test_in_an_editable_install_a_new_profile_is_seen(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "meshguard")
    venv = make_venv(tmp_path / "venv")
    venv.install("--editable", project)
    baseline = project / "profiles" / "meshguard_profiles" / "web-baseline.yaml"
    (baseline.parent / "web-new.yaml").write_text(baseline.read_text().replace("id: web-baseline", "id: web-new", 1))
    assert "web.transport.hsts" in venv.meshguard("controls", "web-new", cwd=tmp_path)


def test_a_check_is_added_as_the_third_partys_readme_says(built: Built, tmp_path: Path) -> None:
    project = tmp_path / "third-party"
    shutil.copytree(THIRD_PARTY, project, ignore=shutil.ignore_patterns("__pycache__", "dist"))
    _, _, rest = (project / "README.md").read_text().partition("```python\n")
    block, _, _ = rest.partition("```")
    checks, profile = (project / "meshguard_example_tcp" / name for name in ("checks.py", "tcp-ports.yaml"))
    checks.write_text(checks.read_text() + "\n\n" + textwrap.dedent(block))
    profile.write_text(profile.read_text().replace("- tcp.open\n", "- tcp.open\n      - tcp.few_public: {most: 1}\n"))
    venv = make_venv(tmp_path / "venv")
    venv.install(built.wheel)
    venv.install("--editable", project)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        path = deployment(tmp_path, public=listener.getsockname()[1], private=free_port())
        results = json.loads(venv.meshguard("audit", path, "-o", "json=-", cwd=tmp_path))
    assert ("tcp.few_public", "pass", 1) in {(f["check"], f["outcome"], f["got"]) for f in results["findings"]}


def closure(name: str) -> dict[str, Distribution]:
    """A distribution and all that it needs at run time here, by name."""
    found: dict[str, Distribution] = {}
    todo = [Requirement(name)]
    while todo:
        requirement = todo.pop()
        key = canonicalize_name(requirement.name)
        if key in found and not requirement.extras:
            continue
        found[key] = distribution(requirement.name)
        wanted = [Requirement(line) for line in found[key].requires or ()]
        extras = requirement.extras or {""}
        todo += [w for w in wanted if w.marker is None or any(w.marker.evaluate({"extra": e}) for e in extras)]
    return found


def installed_bytes(dist: Distribution) -> int:
    """The size of its files on disk, without byte code: that is written later, by who runs it."""
    paths = [Path(str(dist.locate_file(file))) for file in dist.files or () if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())


def test_a_plain_install_is_small(built: Built, record_testsuite_property: Callable[[str, object], None]) -> None:
    sizes = {name: installed_bytes(dist) for name, dist in closure("meshguard").items() if name != "meshguard"}
    with zipfile.ZipFile(built.wheel) as wheel:
        sizes["meshguard"] = sum(info.file_size for info in wheel.infolist())
    assert {"pydantic-core", "cryptography", "botocore"} <= sizes.keys()
    record_testsuite_property("installed_bytes", sum(sizes.values()))
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:8]
    assert sum(sizes.values()) < MAX_INSTALLED_BYTES, f"{sum(sizes.values())} bytes; largest: {largest}"
