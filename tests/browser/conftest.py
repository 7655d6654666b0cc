"""A real chromium that opens a report from a file, and notes what it should not do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from tests.evidence import sample_results as made

from meshguard.reports.html import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)


class Open(Protocol):
    """Opens a report; further arguments are those of a browser context."""

    def __call__(self, name: str = "all", fragment: str = "", **context: Any) -> Page:
        """The page of the report `name`, at `fragment`."""


@dataclass
class Noted:
    """What a page did."""

    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


def _missing(what: str) -> None:
    """In CI a browser that is not there is a fault; elsewhere these tests are skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI must run the browser tests")
    pytest.skip(what)


@contextmanager
def _launched() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        _missing("no chromium on PATH; apt-get install chromium, or set CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; one for a module, for its driver's event loop must not outlive it."""
    with _launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of reports."""
    folder = tmp_path_factory.mktemp("reports")
    for name, results in {
        "all": made.sample(),
        "narrowed": made.sample(reduced=True, incomplete=True, replayed=True),
        "clean": made.clean(),
        "empty": made.empty(),
        "large": made.large(),
        "guide": made.guide(),
    }.items():
        (folder / f"{name}.html").write_text(render(results), encoding="utf-8")
    return folder


@pytest.fixture
def noted() -> Noted:
    """What the pages of this test did."""
    return Noted()


@pytest.fixture
def open_report(browser: Browser, reports: Path, noted: Noted) -> Iterator[Open]:
    """Opens reports from their files; no page may complain, ask for anything else or show a dialog."""
    contexts = []

    def refuse(dialog: Dialog) -> None:
        noted.dialogs.append(dialog.message)
        dialog.dismiss()

    def listen(page: Page) -> None:
        page.on("console", lambda message: noted.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: noted.console.append(str(error)))
        page.on("request", lambda request: noted.requests.append(request.url))
        page.on("dialog", refuse)

    def opened(name: str = "all", fragment: str = "", **context: Any) -> Page:
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        listen(page)
        page.goto((reports / f"{name}.html").as_uri() + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert noted.console == []
    assert noted.dialogs == []
    assert [url for url in noted.requests if not url.startswith(reports.as_uri())] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, as tests/node/package.json pins it."""
    path = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file() and not os.environ.get("CI"):
        pytest.skip("no axe-core; run `npm ci` in tests/node")
    return path.read_text(encoding="utf-8")
