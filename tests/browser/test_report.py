"""The HTML report in a real browser: it runs nothing foreign, filters, links, prints, and can be read by everybody."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from tests.evidence import sample_results as made

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.browser.conftest import Noted, Open

pytestmark = pytest.mark.browser

NAMES = ["all", "narrowed", "clean", "empty", "guide", "large"]
HSTS = "#control-transport\\.hsts"

CONTRASTS = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ["SCRIPT", "STYLE"].includes(node.tagName)) continue;
    const [a, b] = [light(rgba(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const name = `${node.tagName}.${node.className}`;
    found[name] = Math.min(found[name] ?? 99, ratio);
  }
  return found;
}
"""


def shown(page: Page) -> list[str]:
    """The controls that are on the page now."""
    controls: list[str] = page.eval_on_selector_all(
        "details.control:not([hidden])", "all => all.map(one => one.id.slice('control-'.length))"
    )
    return controls


def until(page: Page, condition: str) -> None:
    """Wait for a condition; the driver's own waiting evaluates text inside the page, which its policy forbids."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"it never came to be that {condition}")


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


@pytest.mark.parametrize("name", NAMES)
def test_opening_a_report_asks_for_nothing_and_runs_nothing_of_the_target(
    open_report: Open, noted: Noted, name: str
) -> None:
    page = open_report(name)
    open_all(page)
    page.wait_for_timeout(100)
    assert page.evaluate("window.__pwned") is None
    assert len(noted.requests) == 1
    assert page.title().endswith("– MeshGuard")


def test_a_policy_forbids_what_would_be_injected(open_report: Open, noted: Noted) -> None:
    page = open_report()
    page.evaluate(
        """() => {
          const script = document.createElement('script'); script.textContent = 'window.__pwned = 3';
          document.body.append(script);
          document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.__pwned = 4">');
        }"""
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.__pwned") is None
    assert len(noted.console) >= 2
    assert all("Content Security Policy" in line for line in noted.console)
    noted.console.clear()


def test_text_that_the_target_turned_or_hid_is_visible(open_report: Open) -> None:
    page = open_report("all", "#control-containers.names")
    body = page.locator("#control-containers\\.names").inner_text()
    assert "invoice⟦U+202E⟧gpj.exe" in body
    assert "nul⟦U+0000⟧bell" in body
    assert made.SCRIPT in body


def test_a_status_filters_and_the_count_is_announced(open_report: Open) -> None:
    page = open_report()
    page.get_by_role("checkbox", name="waived").check()
    until(page, "location.hash === '#status=waived'")
    assert shown(page) == ["containers.capabilities", "operations.probes"]
    status = page.get_by_role("status")
    assert status.inner_text() == "Filtered: 2 of 24 controls shown"
    assert status.get_attribute("aria-live") == "polite"
    page.get_by_role("checkbox", name="not applicable").check()
    until(page, "location.hash.includes('not-applicable')")
    assert len(shown(page)) == 4


def test_text_filters_also_by_what_is_inside_a_control(open_report: Open) -> None:
    page = open_report()
    page.get_by_role("searchbox").fill("NET_admin")
    until(page, "location.hash === '#q=NET_admin'")
    assert shown(page) == ["containers.capabilities"]
    assert page.locator("section.group:not([hidden])").count() == 1
    page.get_by_role("searchbox").fill("no such text")
    until(page, "document.querySelectorAll('details.control:not([hidden])').length === 0")
    assert page.get_by_role("status").inner_text() == "Filtered: 0 of 24 controls shown"
    page.get_by_role("button", name="Clear").click()
    until(page, "location.hash === ''")
    assert len(shown(page)) == 24


def test_a_filter_can_be_linked_to(open_report: Open) -> None:
    page = open_report("all", "#status=not-satisfied%2Cundetermined&q=root")
    assert shown(page) == ["containers.non-root"]
    assert page.get_by_role("searchbox").input_value() == "root"
    assert page.get_by_role("checkbox", name="not satisfied").is_checked()


def test_a_count_on_the_first_screen_filters(open_report: Open) -> None:
    page = open_report()
    page.locator("a[data-status=undetermined]").click()
    until(page, "document.querySelectorAll('details.control:not([hidden])').length === 5")
    assert page.get_by_role("checkbox", name="undetermined").is_checked()


@pytest.mark.parametrize("fragment", ["#control-cloud.public-access", "#cloud.public-access"])
def test_a_link_to_a_control_opens_it_and_goes_there(open_report: Open, fragment: str) -> None:
    page = open_report("all", fragment)
    opened = page.eval_on_selector_all("details.control[open]", "all => all.map(one => one.id)")
    assert opened == ["control-cloud.public-access"]
    until(page, "Math.abs(document.querySelector('details[open]').getBoundingClientRect().top) < 60")
    assert page.evaluate("document.activeElement.parentElement.id") == "control-cloud.public-access"


def test_a_link_to_a_folded_finding_opens_all_around_it(open_report: Open) -> None:
    finding = made.large().findings[-2]
    assert finding.outcome.value == "pass"
    page = open_report("large", f"#finding-{finding.id}")
    row = page.locator(f"#finding-{finding.id}")
    assert row.is_visible()
    assert finding.resource in row.inner_text()
    assert page.evaluate(
        "(row) => { const r = row.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight }",
        row.element_handle(),
    )


def test_a_link_to_a_control_that_the_filter_hides_lifts_the_filter(open_report: Open) -> None:
    page = open_report("all", "#status=satisfied")
    page.locator("#failing a[href='#control-containers.non-root']").click()
    until(page, "document.getElementById('control-containers.non-root').open")
    assert "containers.non-root" in shown(page)


def test_the_same_link_opens_again_what_was_closed(open_report: Open) -> None:
    page = open_report("all", "#control-transport.hsts")
    page.locator(f"{HSTS} > summary").click()
    assert page.locator(HSTS).get_attribute("open") is None
    page.locator("#failing a[href='#control-transport.hsts']").click()
    assert page.locator(HSTS).get_attribute("open") is not None


def test_the_keyboard_alone_opens_a_control(open_report: Open) -> None:
    page = open_report()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    page.locator("#collapse").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.parentElement.id") == "control-transport.hsts"
    outline = page.evaluate("getComputedStyle(document.activeElement).outline")
    assert "solid 3px" in outline
    page.keyboard.press("Enter")
    assert page.locator(f"{HSTS} .body").is_visible()
    page.keyboard.press("Space")
    assert not page.locator(f"{HSTS} .body").is_visible()


def test_all_controls_open_and_close_at_once(open_report: Open) -> None:
    page = open_report()
    page.get_by_role("button", name="Expand all").click()
    assert page.locator("details.control[open]").count() == 24
    page.get_by_role("button", name="Collapse all").click()
    assert page.locator("details.control[open]").count() == 0


def test_paper_shows_what_the_screen_folds(open_report: Open) -> None:
    page = open_report()
    inside = page.locator(f"{HSTS} blockquote")
    assert not inside.is_visible()
    page.emulate_media(media="print")
    assert page.locator("details.control[open]").count() == 0
    assert (inside.bounding_box() or {"height": 0})["height"] > 10
    assert (page.locator(f"{HSTS} .rests li").first.bounding_box() or {"height": 0})["height"] > 5
    assert not page.locator("#filter").is_visible()


def test_printing_opens_all_and_then_closes_what_was_closed(open_report: Open) -> None:
    page = open_report()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_paper_of_a_filtered_report_says_that_it_is_filtered(open_report: Open) -> None:
    page = open_report("all", "#status=satisfied")
    page.emulate_media(media="print")
    assert page.get_by_text("Filtered: 10 of 24 controls shown").is_visible()


def test_paper_is_light_in_dark_mode(open_report: Open) -> None:
    page = open_report(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES[:5])
def test_all_text_has_enough_contrast(open_report: Open, name: str, scheme: Any) -> None:
    page = open_report(name, color_scheme=scheme)
    open_all(page)
    ratios: dict[str, float] = page.evaluate(CONTRASTS)
    assert len(ratios) > 15
    assert {what: ratio for what, ratio in ratios.items() if ratio < 4.5} == {}
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(19, 21, 24)") is (scheme == "dark")


@pytest.mark.parametrize("width", [360, 700, 820, 1280])
@pytest.mark.parametrize("name", ["all", "narrowed", "empty", "guide"])
def test_nothing_is_wider_than_the_screen(open_report: Open, name: str, width: int) -> None:
    page = open_report(name, viewport={"width": width, "height": 740})
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate(
        """(width) => [...document.querySelectorAll('body *')]
          .filter((one) => !one.closest('.scroll, .sr, thead') && one.getBoundingClientRect().right > width + 1)
          .map((one) => one.outerHTML.slice(0, 80))""",
        width,
    )
    assert wide == []


def test_without_script_all_is_there_and_no_dead_button(open_report: Open) -> None:
    page = open_report("all", java_script_enabled=False)
    assert not page.locator("#filter").is_visible()
    page.locator(f"{HSTS} > summary").click()
    assert page.locator(f"{HSTS} .body").is_visible()


def test_a_large_report_opens_and_filters(open_report: Open) -> None:
    page = open_report("large")
    page.get_by_role("button", name="Expand all").click()
    folded = page.locator("details.fold", has_text="findings that pass or do not apply").first
    assert folded.locator("tbody").count() == 970
    page.get_by_role("searchbox").fill("replica-00999")
    until(page, "location.hash === '#q=replica-00999'")
    assert len(shown(page)) == 5


@pytest.mark.parametrize("name", NAMES[:5])
def test_landmarks_headings_and_names(open_report: Open, name: str) -> None:
    page = open_report(name)
    open_all(page)
    for role in ("banner", "navigation", "main", "contentinfo", "search"):
        assert page.get_by_role(role).count() == 1
    levels: list[int] = page.eval_on_selector_all("h1,h2,h3,h4,h5,h6", "all => all.map(one => +one.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    for role in ("link", "button", "checkbox", "searchbox"):
        for element in page.get_by_role(role).all():  # type: ignore[arg-type]
            assert element.evaluate("one => (one.innerText || one.labels?.[0]?.innerText || '').trim()") != ""
    assert page.locator("table:not(:has(caption)):not(.register):not(.scroll table)").count() == 0
    assert page.locator("th:not([scope])").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES[:5])
def test_axe_finds_nothing(open_report: Open, axe: str, name: str, scheme: Any) -> None:
    page = open_report(name, color_scheme=scheme, bypass_csp=True)
    open_all(page)
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
