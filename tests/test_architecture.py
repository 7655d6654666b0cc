"""What holds the house together: imports go one way, nothing heavy is imported unasked, checks only judge."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
CHECKS = sorted((ROOT / "checks" / "meshguard_checks").rglob("*.py"))
MODULES = sorted(
    path for folder in ("src", "checks", "profiles", "examples", "bench") for path in (ROOT / folder).rglob("*.py")
)
MAX_LINES = 400
HEAVY = {"pydantic", "httpx", "docker", "boto3", "jinja2"}


def test_import_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--config", "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Imports of the three packages; those under TYPE_CHECKING too."""
    return grimp.build_graph("meshguard", "meshguard_checks", "meshguard_profiles", cache_dir=None)


def imports_of(graph: grimp.ImportGraph, package: str) -> set[str]:
    """What a package's modules import of MeshGuard, without the package's own modules."""
    modules = {package, *graph.find_descendants(package)}
    found = {name for module in modules for name in graph.find_modules_directly_imported_by(module)}
    return found - modules


def test_reports_see_results_and_how_values_are_shown(graph: grimp.ImportGraph) -> None:
    parts = ("compare", "frameworks", "profile", "results", "values", "verdict")
    allowed = {f"meshguard.{part}" for part in parts}
    assert imports_of(graph, "meshguard.reports") <= allowed


def test_targets_see_facts_and_what_facts_are_made_of(graph: grimp.ImportGraph) -> None:
    parts = ("errors", "evidence", "fact", "limits", "reach", "reader", "sketch", "target", "values", "yamlfile")
    records = {"meshguard.records", *graph.find_descendants("meshguard.records")}
    allowed = {"meshguard", *(f"meshguard.{part}" for part in parts), *records}
    assert imports_of(graph, "meshguard.targets") <= allowed


def test_checks_see_the_api_and_targets(graph: grimp.ImportGraph) -> None:
    targets = {"meshguard.targets", *graph.find_descendants("meshguard.targets")}
    assert imports_of(graph, "meshguard_checks") <= {"meshguard.api", *targets}


def test_profiles_are_data(graph: grimp.ImportGraph) -> None:
    assert imports_of(graph, "meshguard_profiles") == set()
    assert graph.find_descendants("meshguard_profiles") == set()


def modules_after(code: str, *arguments: str) -> set[str]:
    """Top-level modules that are loaded in a fresh interpreter once `code` has run."""
    script = f"import json, sys\n{code}\nsys.stderr.write('MODULES ' + json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    head, mark, names = done.stderr.rpartition("MODULES ")
    assert mark, f"{done.stdout}\n{head}"
    return {str(name).split(".")[0] for name in json.loads(names)}


def test_the_command_line_imports_nothing_heavy() -> None:
    assert modules_after("import meshguard.cli.app") & HEAVY == set()


RUN = "from meshguard.cli import main\ntry:\n    main()\nexcept SystemExit as end:\n    assert end.code in (0, 1, 3)"
"""The `meshguard` command, with sys.argv as it is."""


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        pytest.param(["--version"], set(), id="--version"),
        pytest.param(["--help"], set(), id="--help"),
        # Typer converts the values of options with pydantic where it is installed.
        pytest.param(["audit", "--help"], {"pydantic"}, id="the help of a command"),
    ],
)
def test_help_and_version_import_nothing_heavy(arguments: list[str], allowed: set[str]) -> None:
    assert modules_after(RUN, *arguments) & HEAVY <= allowed


def test_an_audit_of_web_sites_imports_no_other_client(tmp_path: Path) -> None:
    path = tmp_path / "meshguard.yaml"
    # Port 9 of loopback is closed: how an audit ends is not the question here.
    path.write_text("name: n\nprofile: web-baseline\ntargets:\n  web: [{name: site, url: 'https://127.0.0.1:9'}]\n")
    found = modules_after(RUN, "audit", str(path), "-o", f"json={tmp_path / 'out.json'}")
    assert "httpx" in found
    assert found & {"docker", "boto3", "botocore", "jinja2", "plumbum", "cyclonedx"} == set()
    assert json.loads((tmp_path / "out.json").read_text())["findings"]


def test_a_replay_opens_no_client_at_all(tmp_path: Path) -> None:
    path = tmp_path / "meshguard.yaml"
    path.write_text("name: n\nprofile: web-baseline\ntargets:\n  web: [{name: site, url: 'https://127.0.0.1:9'}]\n")
    evidence = str(tmp_path / "evidence.jsonl")
    modules_after(RUN, "audit", str(path), "--evidence", evidence)
    found = modules_after(RUN, "audit", str(path), "--replay", evidence)
    assert found & {"httpx", "OpenSSL", "cryptography", "docker", "boto3", "jinja2"} == set()


REFUSED_MODULES = {
    *("asyncio", "http", "logging", "multiprocessing", "os", "random", "shutil", "signal", "socket", "subprocess"),
    *("sys", "tempfile", "threading", "time", "urllib3"),
}
REFUSED_CALLS = {"breakpoint", "compile", "eval", "exec", "input", "open", "print", "__import__"}
REFUSED_METHODS = {
    *("now", "today", "utcnow", "sleep", "monotonic", "perf_counter"),
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "exists", "is_file", "is_dir", "iterdir"),
}
REFUSED_OWNERS = {"datetime", "date", "time", "Path"}


def trespasses(tree: ast.Module) -> Iterator[str]:
    """What a module of checks does besides judging, each with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Try() | ast.TryStar():
                yield f"{node.lineno}: try"
            case ast.Import(names=names):
                yield from (f"{node.lineno}: import {name.name}" for name in names if _refused(name.name))
            case ast.ImportFrom(module=str(module)) if _refused(module):
                yield f"{node.lineno}: from {module} import"
            case ast.Call(func=ast.Name(id=name)) if name in REFUSED_CALLS:
                yield f"{node.lineno}: {name}()"
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in REFUSED_METHODS and _clock_or_file(
                owner
            ):
                yield f"{node.lineno}: {ast.unparse(node.func)}()"


def _refused(module: str) -> bool:
    top = module.split(".", maxsplit=1)[0]
    ours = module == "meshguard.api" or module.startswith(("meshguard.targets.", "meshguard_checks."))
    return not ours and (top in REFUSED_MODULES or top not in sys.stdlib_module_names)


def _clock_or_file(owner: ast.expr) -> bool:
    """`datetime.now()` is the machine's clock; `await clock.now()` is a fact."""
    names = {node.id for node in ast.walk(owner) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(owner) if isinstance(node, ast.Attribute)}
    return bool(names & REFUSED_OWNERS)


@pytest.mark.parametrize("path", CHECKS, ids=lambda path: str(path.relative_to(ROOT / "checks")))
def test_a_module_of_checks_has_no_client_clock_file_log_or_try(path: Path) -> None:
    found = list(trespasses(ast.parse(path.read_text(encoding="utf-8"))))
    if path.parent.name == "parsing":  # a pure parser may meet what is malformed; no fact is awaited there
        found = [trespass for trespass in found if not trespass.endswith(": try")]
    assert found == []


@pytest.mark.parametrize("path", [p for p in CHECKS if p.parent.name == "parsing"], ids=lambda path: path.name)
def test_a_parser_awaits_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFunctionDef)] == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        pytest.param("try:\n    pass\nfinally:\n    pass", 1, id="a try is seen"),
        pytest.param("datetime.now(UTC)", 1, id="the machine's clock is seen"),
        pytest.param("datetime.datetime.now(UTC)", 1, id="the clock by its long name is seen"),
        pytest.param("await clock.now()", 0, id="the clock as a fact is allowed"),
        pytest.param("import time", 1, id="time is seen"),
        pytest.param("from logging import getLogger", 1, id="logging is seen"),
        pytest.param("open('x')", 1, id="open is seen"),
        pytest.param("Path('x').read_text()", 1, id="reading a path is seen"),
        pytest.param("await site.open()", 0, id="a fact that is named open is allowed"),
        pytest.param("import httpx", 1, id="a client is seen"),
        pytest.param("from meshguard.audit import Audit", 1, id="the core is seen"),
        pytest.param("from meshguard.api import check", 0, id="the api is allowed"),
        pytest.param("import re\nfrom datetime import timedelta", 0, id="the standard library is allowed"),
    ],
)
def test_the_walk_over_checks_sees(source: str, count: int) -> None:
    tree = ast.parse("async def f():\n" + "\n".join(f"    {line}" for line in source.splitlines()))
    assert len(list(trespasses(tree))) == count


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
