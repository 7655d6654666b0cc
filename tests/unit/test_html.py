"""The HTML report says all that the results say, escapes it, and stands alone."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import cast

import pytest
from tests.evidence import sample_results as made

from meshguard.reports.html import command_line, is_link, moment, percent, plural, render, text
from meshguard.reports.html_view import MAX_SETTLED, OPEN_ROWS, SHORT_LIST, Anchors, view_of
from meshguard.results import Finding, Gate, Population, Results, Status
from meshguard.verdict import Outcome

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """The elements of a page, its text, and whether every element is closed where it should be."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.elements if "id" in attributes]

    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.elements if tag == "a"]


VARIANTS = [
    pytest.param(made.sample(), id="all there is"),
    pytest.param(made.sample(reduced=True, incomplete=True, replayed=True), id="reduced, incomplete and replayed"),
    pytest.param(made.clean(), id="all satisfied"),
    pytest.param(made.empty(), id="nothing at all"),
    pytest.param(made.large(120, 2), id="much of the same"),
    pytest.param(made.guide(), id="a guide with checklists and decisions"),
]


@pytest.mark.parametrize("results", VARIANTS)
def test_every_id_is_there_once_and_every_link_inside_leads_to_one(results: Results) -> None:
    page = Page(render(results))
    ids = page.ids()
    assert sorted(ids) == sorted(set(ids))
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in ids)
    inner = {link[1:] for link in page.links() if link.startswith("#")}
    assert inner <= set(ids)


@pytest.mark.parametrize("results", VARIANTS)
def test_the_page_stands_alone_and_runs_nothing_but_its_own(results: Results) -> None:
    source = render(results)
    page = Page(source)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"link", "img", "iframe", "object", "embed", "base", "audio", "video"}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset")]
    assert [link for link in page.links() if not link.startswith(("#", "https://ci.example/"))] == []
    assert not re.search(r"@import|url\(", source.partition("</style>")[0])
    assert source.startswith("<!doctype html>")
    assert ("html", {"lang": "en"}) in page.elements


def test_the_policy_names_the_hashes_of_the_one_style_and_the_one_script() -> None:
    source = render(made.sample())
    page = Page(source)
    policy = next(a["content"] or "" for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    for tag in ("style", "script"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


@pytest.mark.parametrize("hostile", [made.SCRIPT, made.IMAGE, made.STYLE])
def test_markup_from_a_target_is_text(hostile: str) -> None:
    source = render(made.sample())
    assert hostile not in source
    assert hostile in "".join(Page(source).words)


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\x00", "\x07", "\x1b"])
def test_what_hides_or_turns_text_is_made_visible(hidden: str) -> None:
    source = render(made.sample())
    assert hidden not in source
    assert f"⟦U+{ord(hidden):04X}⟧" in source


@pytest.mark.parametrize(
    ("value", "limit", "told"),
    [
        pytest.param("x" * 400, 400, "x" * 400, id="exactly the limit stays whole"),
        pytest.param("x" * 401, 400, "x" * 400 + "… [cut: 400 of 401 characters]", id="one more is cut, and says so"),
        pytest.param("x" * 10_000, 5, "xxxxx… [cut: 5 of 10,000 characters]", id="a long one says how long it was"),
        pytest.param("", 9, "(empty)", id="an empty text is not nothing"),
        pytest.param(None, 9, "–", id="no value is a dash"),
        pytest.param(True, 9, "true", id="a boolean as YAML has it"),
        pytest.param(False, 9, "false", id="false is not zero"),
        pytest.param(0, 9, "0", id="zero is a value"),
        pytest.param(0.5, 9, "0.5", id="a fraction"),
        pytest.param(["b", "a"], 9, "b, a", id="a list in its order"),
        pytest.param("a\tb\nc", 9, "a\tb\nc", id="tab and line feed are kept"),
        pytest.param("a\r\nb", 9, "a⟦U+000D⟧\nb", id="a carriage return is shown"),
        pytest.param("\ud800", 9, "⟦U+D800⟧", id="a lone surrogate can't be written, so it is named"),
        pytest.param("\ufdd0\uffff\U0001fffe", 9, "⟦U+FDD0⟧⟦U+FFFF⟧⟦U+1FFFE⟧", id="what HTML may not hold is named"),
        pytest.param("אבג", 9, "אבג", id="text that runs from right to left is no trick"),
        pytest.param("ünïcödé 🙂", 9, "ünïcödé 🙂", id="other letters and signs stay"),
    ],
)
def test_text(value: object, limit: int, told: str) -> None:
    assert text(value, limit) == told
    assert text(value, limit).encode()


@pytest.mark.parametrize(
    ("url", "followed"),
    [
        pytest.param("https://ci.example/runs/1", True, id="https"),
        pytest.param("http://ci.example/runs/1", True, id="http"),
        pytest.param("javascript:alert(1)", False, id="a script"),
        pytest.param("JAVASCRIPT:alert(1)//https://", False, id="a script in capitals"),
        pytest.param("data:text/html,x", False, id="data"),
        pytest.param("https://ci.example/a b", False, id="with a space"),
        pytest.param("https://ci.example/\u202e", False, id="with a turning character"),
        pytest.param(" https://ci.example", False, id="with a space before"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_only_web_addresses_become_links(url: str, followed: bool) -> None:
    assert is_link(url) is followed
    results = made.clean()
    run = results.run.model_copy(update={"ci": url})
    page = Page(render(results.model_copy(update={"run": run})))
    assert (url in page.links()) is followed


@pytest.mark.parametrize(
    ("share", "told"),
    [
        pytest.param(1.0, "100.0 %", id="whole"),
        pytest.param(0.9999, "99.9 %", id="nearly whole is not whole"),
        pytest.param(0.372, "37.2 %", id="some"),
        pytest.param(0.0, "0.0 %", id="none"),
    ],
)
def test_percent(share: float, told: str) -> None:
    assert percent(share) == told


def test_small_words() -> None:
    assert moment("2026-10-05T09:30:07.250Z") == "2026-10-05 09:30:07 UTC"
    assert moment("yesterday") == "yesterday"
    assert plural(1, "control") == "1 control"
    assert plural(1200, "control") == "1,200 controls"
    assert plural(2, "finding that passes", "findings that pass") == "2 findings that pass"
    assert command_line(("a", "b c", "$d")) == "a 'b c' '$d'"


@pytest.mark.parametrize(
    ("gate", "label"),
    [
        pytest.param(Gate(open=True, exit_code=0, fail_on="high", reason="r"), "Gate open", id="open"),
        pytest.param(Gate(open=False, exit_code=1, fail_on="high", reason="r"), "Gate closed", id="closed"),
        pytest.param(
            Gate(open=False, exit_code=3, fail_on="high", reason="r"),
            "Undetermined: the gate does not open",
            id="undetermined",
        ),
        pytest.param(
            Gate(open=True, exit_code=0, fail_on="high", advisory=True, reason="r"),
            "Gate open, advisory only",
            id="open because it only advises",
        ),
    ],
)
def test_the_verdict_stands_in_title_and_first_part(gate: Gate, label: str) -> None:
    page = Page(render(made.sample().model_copy(update={"gate": gate})))
    assert f"{label} (exit {gate.exit_code}): health-mesh-staging" in page.text
    assert page.text.count(label) >= 2
    assert f"Exit code {gate.exit_code}" in page.text


def test_a_reduced_scope_is_the_first_line() -> None:
    page = Page(render(made.sample(reduced=True)))
    body = page.text.partition("Skip to the findings")[2].strip()
    assert body.startswith("Scope reduced: only what --only transport.* --skip transport.csp leaves was audited.")
    assert "Phase: post-deployment." in body[:200]
    assert "no score: reduced scope" in page.text


def test_a_full_scope_has_no_such_line() -> None:
    page = Page(render(made.sample()))
    assert "Scope reduced" not in page.text
    assert "Scope full, all phases" in page.text


@pytest.mark.parametrize(
    ("complete", "told"),
    [
        pytest.param("interrupted by SIGTERM", "Incomplete audit: interrupted by SIGTERM.", id="with its reason"),
        pytest.param(False, "Incomplete audit: it did not come to its end.", id="without a reason"),
    ],
)
def test_an_incomplete_audit_says_so_before_its_verdict(complete: bool | str, told: str) -> None:
    page = Page(render(made.sample(incomplete=True).model_copy(update={"complete": complete})))
    before, found, _ = page.text.partition("Exit code")
    assert found
    assert told in before
    assert "no score: incomplete" in page.text


def test_all_statuses_and_outcomes_are_words() -> None:
    source = render(made.sample())
    for status in Status:
        assert re.search(rf'class="badge s-{status.value} mark">{status.value.replace("-", " ")}</span>', source)
    for outcome in Outcome:
        assert f'class="mark">{outcome.value.replace("-", " ")}</span>' in source


def test_the_facts_of_the_run_are_there() -> None:
    words = Page(render(made.sample(replayed=True))).text
    results = made.sample(replayed=True)
    for fact in (
        "2026-10-05 09:30:00 UTC",
        "after 1 min 42 s",
        "+0.4 s",
        "j.doe",
        "runner-7.ci.example",
        results.run.commit,
        results.run.ci,
        results.run.replayed,
        "meshguard audit --fail-on high --html 'out/report of today.html'",
        "0.1.0, Python 3.12.4",
        results.deployment.digest,
        *(f"{profile.name} {profile.version} {profile.digest}" for profile in results.profiles),
        *(f"{subject.target} " for subject in results.subjects),
        *results.notes,
    ):
        assert fact in words


def test_a_control_shows_all_that_is_known_of_it() -> None:
    words = Page(render(made.sample(hostile=False))).text
    for part in (
        "All external endpoints shall send Strict-Transport-Security",
        "1. Transport, table 3, row 2",
        "Without it, a first request over http",
        "Set the header at the gateway",
        "NIST SP 800-53 5: SC-8, SC-23",
        "9 listed, 8 judged, 14 left out by exclude: /static/vendor/*; the list is complete.",
        "include_subdomains: true min_age: 365d",
        "Fix, for all that fail: Send `Strict-Transport-Security",
        "the list is not complete. page 2 was throttled.",
        "owner ops, approved by ciso, until 2027-06-30",
        f"Waived: {made.WAIVER}",
        "no value: no answer within 10 s",
    ):
        assert part in words


@pytest.mark.parametrize("results", VARIANTS)
def test_every_finding_and_every_observation_is_reachable(results: Results) -> None:
    ids = set(Page(render(results)).ids())
    assert {f"finding-{finding.id}" for finding in results.findings} <= ids
    assert {f"observation-{number}" for number in range(1, len(results.observations) + 1)} <= ids


def test_what_is_undetermined_says_what_would_settle_it() -> None:
    words = Page(render(made.sample())).text.partition("What is undetermined")[2].partition("All controls")[0]
    assert "To settle it: grant s3:GetBucketPolicy to the audit role" in words
    assert "1 control waits for checks that do not exist yet" in words
    assert "Administrators log in with a second factor sessions.mfa a record of the identity provider's policy" in words


def test_what_fails_is_listed_by_priority() -> None:
    order = [view.control.priority for view in view_of(made.sample()).failing]
    assert order == ["critical", "high", "high", "medium", "low"]


def test_empty_lists_say_so_and_are_no_pass() -> None:
    words = Page(render(made.empty())).text
    for part in (
        "Undetermined: the gate does not open",
        "No control is in scope, so nothing is known of this deployment.",
        "No target was looked at.",
        "Nothing was observed.",
        "No control is known to fail. What is undetermined may.",
        "yet the audit is incomplete, and so is this answer",
    ):
        assert part in words


def test_a_control_without_findings_says_that_nothing_was_looked_at() -> None:
    words = Page(render(made.sample().model_copy(update={"findings": (), "populations": ()}))).text
    assert words.count("There is no finding: nothing was looked at.") == len(made.sample().controls)


def test_an_observation_that_the_result_lacks_is_named_as_such() -> None:
    words = Page(render(made.clean().model_copy(update={"observations": ()}))).text
    assert "(not among the observations of this result)" in words


def test_equal_results_give_equal_pages() -> None:
    again = Results.model_validate_json(made.sample().json_text())
    assert render(made.sample()) == render(made.sample()) == render(again)


def test_a_large_result_is_whole_and_stays_small() -> None:
    results = made.large()
    source = render(results)
    assert len(results.findings) == 5000
    assert len(source.encode()) < 20_000_000
    assert source.count('<tbody id="finding-') == 5000


def test_much_is_folded_with_its_count() -> None:
    results = made.large(6000, 1)
    (control,) = view_of(results).sections[0][1]
    (check,) = control.checks
    assert len(check.rows) == OPEN_ROWS
    assert len(check.more) == 6000 * 3 // 100 - OPEN_ROWS
    assert len(check.settled) == MAX_SETTLED
    assert check.unlisted == 6000 * 97 // 100 - MAX_SETTLED
    words = Page(render(results)).text
    assert "130 further open findings" in words
    assert "5,820 findings that pass or do not apply" in words
    assert "The first 2,000 are listed; 3,820 more are in the JSON result." in words


def test_long_short_lists_are_folded_with_their_count() -> None:
    source = render(made.large(100, SHORT_LIST + 3))
    assert "3 further controls" in Page(source).text
    assert f'<ol class="short" start="{SHORT_LIST + 1}">' in source


def test_many_subjects_are_folded_with_their_count() -> None:
    results = made.clean()
    many = tuple(results.subjects[0].model_copy(update={"target": f"web:n{n}"}) for n in range(SHORT_LIST + 1))
    assert "1 further subject" in Page(render(results.model_copy(update={"subjects": many}))).text


def test_many_observations_of_a_finding_are_all_linked() -> None:
    results = made.large(20, 1)
    keys = tuple(observation.key for observation in results.observations)
    first = results.findings[0].model_copy(update={"observations": (*keys, "unknown")})
    source = render(results.model_copy(update={"findings": (first, *results.findings[1:])}))
    row = source.partition(f'id="finding-{first.id}"')[2].partition("</tbody>")[0]
    assert f"Rests on {len(keys) + 1} observations" in row
    assert all(f'href="#observation-{number}"' in row for number in range(1, len(keys) + 1))
    assert "unknown" in row


def test_a_remedy_is_told_once_only_where_all_of_an_outcome_share_it() -> None:
    results = made.large(300, 1)
    (view,) = view_of(results).sections[0][1]
    assert view.checks[0].fixes == (("fail", "Set `user:` in compose.yaml."), ("error", "run the audit again"))
    changed = [f.model_copy(update={"fix": f.resource}) if f.outcome is Outcome.FAIL else f for f in results.findings]
    (view,) = view_of(results.model_copy(update={"findings": tuple(changed)})).sections[0][1]
    assert view.checks[0].fixes == (("error", "run the audit again"),)
    assert {row.fix for row in view.checks[0].rows if row.finding.outcome is Outcome.FAIL} == {
        finding.resource for finding in changed if finding.outcome is Outcome.FAIL
    }


def test_populations_of_other_targets_are_not_shown_at_a_check() -> None:
    results = made.clean()
    other = Population(check="docker.logs", target="docker:other", query="docker:other", listed=77, judged=77)
    words = Page(render(results.model_copy(update={"populations": (*results.populations, other)}))).text
    assert "docker:other" not in words


def test_the_same_finding_twice_has_two_anchors() -> None:
    results = made.clean()
    twice = cast("tuple[Finding, ...]", (*results.findings, results.findings[0]))
    ids = Page(render(results.model_copy(update={"findings": twice}))).ids()
    assert len(ids) == len(set(ids))


def test_anchors_are_safe_and_unique() -> None:
    anchors = Anchors()
    assert anchors.take("control", "web.hsts") == "control-web.hsts"
    assert anchors.take("control", "web.hsts") == "control-web.hsts.2"
    assert anchors.take("control", "web.hsts") == "control-web.hsts.3"
    assert anchors.take("control", "web.hsts.2") == "control-web.hsts.2.2"
    assert anchors.take("control", '"><x y') == "control-___x_y"


def test_one_control_among_a_thousand_is_seen_in_the_bar() -> None:
    coverage = made.sample().coverage.model_copy(
        update={
            "controls": 1000,
            "satisfied": 999,
            "not_satisfied": 1,
            "undetermined": 0,
            "waived": 0,
            "not_applicable": 0,
        }
    )
    shares = view_of(made.sample().model_copy(update={"coverage": coverage})).shares
    assert shares[0].width == pytest.approx(0.991, abs=0.01)
    assert sum(share.width for share in shares) == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize(
    ("started", "finished", "told"),
    [
        pytest.param("2026-10-05T09:30:00Z", "2026-10-05T09:30:59Z", ", after 59 s", id="under a minute"),
        pytest.param("2026-10-05T09:30:00Z", "2026-10-05T09:31:00Z", ", after 1 min 0 s", id="a minute"),
        pytest.param("2026-10-05T09:30:00Z", "later", "later", id="no time at all"),
        pytest.param("2026-10-05T09:30:00Z", "2026-10-05T09:31:00", "2026-10-05T09:31:00", id="without a zone"),
    ],
)
def test_how_long_it_took(started: str, finished: str, told: str) -> None:
    results = made.clean()
    run = results.run.model_copy(update={"started": started, "finished": finished})
    assert told in Page(render(results.model_copy(update={"run": run}))).text


def part(name: str, until: str, results: Results | None = None) -> str:
    """The text of the page from one heading to another, behind the list of contents."""
    words = " ".join(" ".join(Page(render(results or made.guide())).words).split())
    return words.partition("This run")[2].partition(name)[2].partition(until)[0]


def test_what_waits_for_a_check_is_folded_by_its_reason_and_still_listed() -> None:
    words = part("What is undetermined", "What was accepted")
    assert "1 control needs a aws target" not in words
    assert "1 control needs an aws target, which the deployment does not have" in words
    assert "9 controls wait for checks that do not exist yet" in words
    assert "Demand 8 api.later-8 needs api.8" in words
    assert "1 control follows from others that are undetermined They are settled when those are." in words


def test_the_checklists_are_tables_in_the_guides_order_with_the_reasons() -> None:
    words = part("The guide's checklists", "Waivers, declarations")
    assert "Pre-Deployment Checklist 1 of 3 items satisfied" in words
    assert "satisfied Security headers configured –" in words
    assert "not satisfied Containers hardened docker.root is not satisfied: api: the user is 0:0 (and 1 more)" in words
    assert words.index("Alerting tested") < words.index("Post-Deployment Checklist") < words.index("Reports generated")


def test_the_ledger_has_every_waiver_and_declaration_with_its_state() -> None:
    words = part("Waivers, declarations and what ends next", "Frameworks")
    assert "in use ends soon HM-9 docker.root on legacy 1 failure It goes with the next release." in words
    assert "unused HM-7 docker.root on gone nothing that it speaks of fails" in words
    assert "expired HM-6 docker.root on db 1 failure counts again" in words
    assert "contradicted HM-1 records.report there is something that it applies to" in words
    assert "2026-10-10 report/monthly is due for review in 5 days" in words


def test_marks_of_a_control_are_words() -> None:
    words = part("All controls", "Observations No")
    assert "out of scope, judged because another control requires it" in words
    assert "known from the baseline, does not close the gate" in words
    assert "Known since: 2026-09-01, in the baseline" in words
    assert "follows from others no weight in the score Requires: docker.root" in words


def test_the_score_is_never_without_what_is_determined() -> None:
    words = Page(render(made.guide())).text
    assert "% score" in words
    assert "% determined" in words
    assert "Score: weight of satisfied over weight of applicable controls" in words


def test_frameworks_show_the_worst_status_by_requirement() -> None:
    words = part("Frameworks", "All controls")
    assert "HIPAA 45 CFR 164: 2 requirements, 2 undetermined" in words
    assert "164.312(a)(1) undetermined web.hsts , cloud.keys" in words


def test_a_population_is_shown_at_the_controls_that_it_was_run_for_alone() -> None:
    results = made.clean()
    first = results.populations[0]
    other = first.model_copy(update={"controls": ("operations.other",), "listed": 7777})
    words = Page(render(results.model_copy(update={"populations": (first, other)}))).text
    assert "7,777" not in words
    older = other.model_copy(update={"controls": ()})
    assert "7,777" in Page(render(results.model_copy(update={"populations": (older,)}))).text
