"""Checks of workflows, on facts as they are recorded."""

from typing import Any

import pytest

from meshguard.errors import NotObserved
from meshguard.targets.ci import Ci
from meshguard.targets.ci.models import (
    Danger,
    JobPermissions,
    Occasion,
    Permissions,
    Place,
    Runs,
    Secrets,
    SecretUse,
    Trusting,
    Unknown,
    Use,
    Uses,
    WorkflowFile,
)
from meshguard.testing import judge, recorded
from meshguard_checks.ci import (
    least_permissions,
    order,
    pinned_actions,
    pull_request_target,
    runs,
    secrets_from_manager,
)

PATH = ".github/workflows/ci.yml"
FILE = WorkflowFile(path=PATH, system="github")
ACTION = WorkflowFile(path="action.yml", system="github", kind="action")
GITLAB = WorkflowFile(path=".gitlab-ci.yml", system="gitlab")
YES = (Occasion(event="push", state="yes"), Occasion(event="pull_request", state="yes"))
PUSH = (Occasion(event="push", state="yes"), Occasion(event="pull_request", state="no", why="no pull requests"))
PATHS = (Occasion(event="push", state="yes", paths=True, why="a filter of paths"), YES[1])
MAYBE = (Occasion(event="push", state="maybe", why="a variable"), YES[1])
UNKNOWN = (Unknown(where=f"{PATH}:3", what="a workflow of others"),)
SHA = "0123456789abcdef0123456789abcdef01234567"


def place(**more: Any) -> Place:
    return Place(**{"where": f"{PATH}:9", "workflow": PATH, "job": "a", "order": (1, 0), "occasions": YES, **more})


@pytest.mark.parametrize(
    ("found", "parameters", "outcome"),
    [
        pytest.param(Runs(places=(place(),)), {}, "pass", id="on both, and it can fail"),
        pytest.param(Runs(places=(place(),), unknown=UNKNOWN), {}, "pass", id="what is not read does not matter"),
        pytest.param(Runs(files=(PATH,)), {}, "fail", id="nowhere"),
        pytest.param(Runs(unknown=UNKNOWN), {}, "not-checked", id="nowhere that is read"),
        pytest.param(Runs(places=(place(occasions=PUSH),)), {}, "fail", id="on push alone"),
        pytest.param(
            Runs(places=(place(occasions=PUSH),)), {"events": ["push"]}, "pass", id="on push, and no more is wanted"
        ),
        pytest.param(Runs(places=(place(occasions=MAYBE),)), {}, "not-checked", id="on a condition that is open"),
        pytest.param(Runs(places=(place(occasions=PATHS),)), {}, "fail", id="for some paths"),
        pytest.param(
            Runs(places=(place(occasions=PATHS),)), {"paths": True}, "pass", id="for some paths, which is enough"
        ),
        pytest.param(Runs(places=(place(swallowed=("`|| true`",)),)), {}, "fail", id="its failure is swallowed"),
        pytest.param(
            Runs(places=(place(swallowed=("`|| true`",)), place())), {}, "pass", id="swallowed once, and once not"
        ),
        pytest.param(
            Runs(places=(place(swallowed=("x",)),), unknown=UNKNOWN),
            {},
            "not-checked",
            id="swallowed, and not all is read",
        ),
        pytest.param(Runs(places=(place(unsure=("a trap",)),)), {}, "not-checked", id="its failure is open"),
        pytest.param(Runs(places=(place(skips=("an if",)),)), {}, "not-checked", id="the shell may skip it"),
        pytest.param(
            Runs(places=(place(conditional=("its step has a condition",)),)),
            {},
            "pass",
            id="a condition that is decided",
        ),
        pytest.param(Runs(places=(place(severity="high"),)), {}, "pass", id="from high on"),
        pytest.param(Runs(places=(place(severity="critical"),)), {}, "fail", id="from critical on"),
        pytest.param(
            Runs(places=(place(severity="critical"),)),
            {"severity": "critical"},
            "pass",
            id="from critical on, and no more is wanted",
        ),
        pytest.param(Runs(places=(place(severity="dire"),)), {}, "not-checked", id="a severity that is not known"),
        pytest.param(NotObserved("the checkout has no workflow"), {}, "error", id="no workflow"),
    ],
)
async def test_runs(found: object, parameters: dict[str, Any], outcome: str) -> None:
    ci = recorded(Ci, {Ci.runs: {(("npm audit",), "main"): found}}, path=".")
    verdict = await judge(runs, ci, command="npm audit", **parameters)
    assert verdict.outcome == outcome


async def test_runs_asks_for_the_named_branch_and_one_of_several() -> None:
    ci = recorded(Ci, {Ci.runs: {(("a", "b"), "trunk"): Runs(places=(place(),))}}, path=".")
    assert (await judge(runs, ci, command=["a", "b"], branch="trunk")).outcome == "pass"


SWITCH = place(job="switch", order=(0, 0), after=("smoke",))
GATE: dict[str, Any] = {"job": "smoke", "order": (0, 0)}


@pytest.mark.parametrize(
    ("first", "then", "outcome"),
    [
        pytest.param(Runs(places=(place(**GATE),)), Runs(places=(SWITCH,)), "pass", id="a job that it needs"),
        pytest.param(
            Runs(places=(place(job="smoke/b", order=(0, 0)),)),
            Runs(places=(SWITCH,)),
            "pass",
            id="a job of the workflow that is called",
        ),
        pytest.param(
            Runs(places=(place(job="smoke2"),)), Runs(places=(SWITCH,)), "fail", id="a job that it does not need"
        ),
        pytest.param(
            Runs(places=(place(**GATE, workflow="o.yml"),)),
            Runs(places=(SWITCH,)),
            "fail",
            id="a job of another workflow",
        ),
        pytest.param(
            Runs(places=(place(job="switch", order=(0, 0)),)),
            Runs(places=(place(job="switch", order=(0, 1)),)),
            "pass",
            id="an earlier command",
        ),
        pytest.param(
            Runs(places=(place(job="switch", order=(0, 1)),)),
            Runs(places=(place(job="switch", order=(0, 1)),)),
            "fail",
            id="the same place",
        ),
        pytest.param(
            Runs(places=(place(job="switch", order=(0, 0)),)),
            Runs(places=(place(job="switch", order=(1, 0), anyway=True),)),
            "fail",
            id="it runs anyway",
        ),
        pytest.param(
            Runs(places=(place(**GATE, swallowed=("x",)),)), Runs(places=(SWITCH,)), "fail", id="a swallowed gate"
        ),
        pytest.param(
            Runs(places=(place(**GATE, conditional=("x",)),)),
            Runs(places=(SWITCH,)),
            "not-checked",
            id="a gate on a condition",
        ),
        pytest.param(
            Runs(places=(place(**GATE, unsure=("x",)),)), Runs(places=(SWITCH,)), "not-checked", id="an open gate"
        ),
        pytest.param(Runs(unknown=UNKNOWN), Runs(places=(SWITCH,)), "not-checked", id="no gate that is read"),
        pytest.param(Runs(), Runs(places=(SWITCH,)), "fail", id="no gate"),
        pytest.param(Runs(places=(place(**GATE),)), Runs(), "not-checked", id="nothing to gate"),
        pytest.param(
            Runs(places=(place(**GATE),)),
            Runs(places=(SWITCH,), unknown=UNKNOWN),
            "not-checked",
            id="gated, and not all is read",
        ),
        pytest.param(
            Runs(places=(place(**GATE),)),
            Runs(places=(SWITCH, place(job="hotfix"))),
            "fail",
            id="gated in one place, and not in another",
        ),
    ],
)
async def test_order(first: Runs, then: Runs, outcome: str) -> None:
    ci = recorded(Ci, {Ci.runs: {(("smoke",), "main"): first, (("switch",), "main"): then}}, path=".")
    assert (await judge(order, ci, first="smoke", then="switch")).outcome == outcome


def use(name: str, ref: str, **more: Any) -> Use:
    return Use(**{"line": 7, "kind": "action", "name": name, "ref": ref, **more})


@pytest.mark.parametrize(
    ("found", "parameters", "outcome"),
    [
        pytest.param((use("actions/checkout", SHA),), {}, "pass", id="a SHA"),
        pytest.param((use("actions/checkout", SHA[:39]),), {}, "fail", id="one digit short"),
        pytest.param((use("actions/checkout", "v4"),), {}, "fail", id="a tag"),
        pytest.param((use("actions/checkout", ""),), {}, "fail", id="nothing"),
        pytest.param((use("actions/checkout", "v4"),), {"trusted": ["actions"]}, "pass", id="a tag of a trusted owner"),
        pytest.param(
            (use("actionsx/checkout", "v4"),), {"trusted": ["actions"]}, "fail", id="a tag of an owner like it"
        ),
        pytest.param(
            (use("actions/checkout", "v4"),), {"trusted": ["actions/c*"]}, "pass", id="a tag of a trusted action"
        ),
        pytest.param((), {}, "pass", id="no code of others"),
        pytest.param(
            (use("o/r/.github/workflows/x.yml", "main", kind="workflow"),), {}, "fail", id="a workflow at a branch"
        ),
        pytest.param((use("node", "20", kind="image"),), {}, "pass", id="an image by its tag"),
        pytest.param(
            (use("node", "20", kind="image"),), {"images": True}, "fail", id="an image by its tag, which is not enough"
        ),
        pytest.param(
            (use("node", "sha256:" + "0" * 64, kind="image"),), {"images": True}, "pass", id="an image by its digest"
        ),
        pytest.param((use("group/ci", "main", kind="include"),), {}, "fail", id="an include at a branch"),
        pytest.param((use("https://x", "sha256-abc", kind="include"),), {}, "pass", id="an include with its integrity"),
        pytest.param(
            (use("aquasecurity/trivy-action", "0.34.2"),),
            {"trusted": ["aquasecurity"]},
            "fail",
            id="a tag of trivy-action that was moved",
        ),
        pytest.param(
            (use("aquasecurity/trivy-action", "0.35.0"),),
            {"trusted": ["aquasecurity"]},
            "pass",
            id="the tag of trivy-action that was not",
        ),
        pytest.param(
            (use("Aquasecurity/Setup-Trivy", "v0.2.2"),), {"trusted": ["aquasecurity"]}, "fail", id="setup-trivy"
        ),
        pytest.param((use("aquasecurity/trivy-action", SHA),), {}, "pass", id="trivy-action by a SHA"),
        pytest.param(
            (use("aquasecurity/trivy-action", "ddb9da4475c1cef7d5389062bdfdfbdbd1394648"),),
            {},
            "fail",
            id="the SHA of the malicious commit",
        ),
        pytest.param((use("aquasecurity/setup-trivy", SHA, version="0.69.4"),), {}, "fail", id="Trivy 0.69.4"),
        pytest.param((use("aquasecurity/setup-trivy", SHA, version="0.69.6"),), {}, "fail", id="Trivy 0.69.6"),
        pytest.param((use("aquasecurity/setup-trivy", SHA, version="0.69.7"),), {}, "pass", id="Trivy 0.69.7"),
        pytest.param((use("aquasecurity/setup-trivy", SHA, version="0.69.3"),), {}, "pass", id="Trivy 0.69.3"),
        pytest.param(
            (use("ghcr.io/aquasecurity/trivy", "0.69.5", kind="image"),), {}, "fail", id="Trivy's image 0.69.5"
        ),
        pytest.param((use("trivy", "", kind="image", version="0.69.4"),), {}, "fail", id="Trivy 0.69.4 in a script"),
    ],
)
async def test_pinned_actions(found: tuple[Use, ...], parameters: dict[str, Any], outcome: str) -> None:
    ci = recorded(Ci, {Ci.uses: {(PATH,): Uses(path=PATH, uses=found)}}, path=".")
    assert (await judge(pinned_actions, FILE, ci, **parameters)).outcome == outcome


async def test_an_action_that_is_an_expression_is_open() -> None:
    ci = recorded(Ci, {Ci.uses: {(PATH,): Uses(path=PATH, unknown=UNKNOWN)}}, path=".")
    assert (await judge(pinned_actions, FILE, ci)).outcome == "not-checked"


def rights(job: str = "", **more: Any) -> JobPermissions:
    return JobPermissions(**{"job": job, "line": 3, "said": True, **more})


NONE = rights(said=False)


@pytest.mark.parametrize(
    ("found", "parameters", "outcome"),
    [
        pytest.param((rights(), rights("a", said=False)), {}, "pass", id="said at the top"),
        pytest.param((NONE, rights("a")), {}, "pass", id="said at each job"),
        pytest.param((NONE, rights("a"), rights("b", said=False)), {}, "fail", id="not said for one job"),
        pytest.param((rights(all="write-all"), rights("a")), {}, "fail", id="write-all"),
        pytest.param((rights(), rights("a", all="write-all")), {}, "fail", id="write-all at a job"),
        pytest.param((rights(all="read-all"), rights("a")), {}, "fail", id="read-all"),
        pytest.param((rights(all="read-all"), rights("a")), {"read_all": True}, "pass", id="read-all, which is enough"),
        pytest.param((rights(writes=("contents",)), rights("a")), {}, "fail", id="the whole workflow writes"),
        pytest.param((rights(writes=("contents",)), rights("a")), {"top_writes": ["contents"]}, "pass", id="it may"),
        pytest.param((rights(), rights("a", writes=("packages",))), {}, "pass", id="a job writes"),
        pytest.param(
            (rights(), rights("a", writes=("packages",))), {"job_writes": []}, "fail", id="a job may not write"
        ),
        pytest.param(
            (rights(), rights("a", writes=("packages",))), {"job_writes": ["packages"]}, "pass", id="a job may"
        ),
        pytest.param((rights(unknown="a level"), rights("a")), {}, "not-checked", id="a level that is not known"),
        pytest.param((rights(),), {}, "not-checked", id="no jobs"),
    ],
)
async def test_least_permissions(found: tuple[JobPermissions, ...], parameters: dict[str, Any], outcome: str) -> None:
    said = Permissions(path=PATH, top=found[0], jobs=found[1:])
    ci = recorded(Ci, {Ci.tokens: {(PATH,): said}}, path=".")
    assert (await judge(least_permissions, FILE, ci, **parameters)).outcome == outcome


async def test_a_called_workflow_has_its_callers_permissions() -> None:
    said = Permissions(path=PATH, top=NONE, jobs=(rights("a", said=False),), called_only=True)
    ci = recorded(Ci, {Ci.tokens: {(PATH,): said}}, path=".")
    assert (await judge(least_permissions, FILE, ci)).outcome == "pass"


@pytest.mark.parametrize(
    ("kind", "parameters", "outcome"),
    [
        pytest.param("manager", {}, "pass", id="from a manager"),
        pytest.param("literal", {}, "fail", id="in the file"),
        pytest.param(
            "literal", {"literals": {"DB_*": "the database of the tests"}}, "pass", id="in the file, and none"
        ),
        pytest.param("stored", {}, "fail", id="stored"),
        pytest.param("stored", {"stored": ["DB_*"]}, "pass", id="stored, which it may be"),
        pytest.param("all", {"stored": ["*"]}, "fail", id="all of them"),
    ],
)
async def test_secrets_from_manager(kind: Any, parameters: dict[str, Any], outcome: str) -> None:
    found = Secrets(path=PATH, uses=(SecretUse(line=3, kind=kind, name="DB_PASSWORD"),))
    ci = recorded(Ci, {Ci.secrets: {(PATH,): found}}, path=".")
    assert (await judge(secrets_from_manager, FILE, ci, **parameters)).outcome == outcome


@pytest.mark.parametrize(
    ("unknown", "outcome"),
    [
        pytest.param((), "pass", id="none"),
        pytest.param(UNKNOWN, "not-checked", id="a script that is not read"),
    ],
)
async def test_no_secret(unknown: tuple[Unknown, ...], outcome: str) -> None:
    ci = recorded(Ci, {Ci.secrets: {(PATH,): Secrets(path=PATH, unknown=unknown)}}, path=".")
    assert (await judge(secrets_from_manager, FILE, ci)).outcome == outcome


TARGET = ("pull_request_target",)


@pytest.mark.parametrize(
    ("found", "parameters", "outcome"),
    [
        pytest.param(Trusting(path=PATH), {}, "pass", id="no such event"),
        pytest.param(Trusting(path=PATH, events=TARGET), {}, "pass", id="neither code nor words"),
        pytest.param(
            Trusting(path=PATH, events=TARGET), {"refused": ["pull_request_target"]}, "fail", id="the event is refused"
        ),
        pytest.param(
            Trusting(path=PATH, events=TARGET), {"refused": ["workflow_run"]}, "pass", id="another is refused"
        ),
        pytest.param(
            Trusting(path=PATH, events=TARGET, dangers=(Danger(line=5, kind="checkout", what="x"),)),
            {},
            "fail",
            id="code",
        ),
        pytest.param(
            Trusting(path=PATH, events=TARGET, dangers=(Danger(line=5, kind="injection", what="x"),)),
            {},
            "fail",
            id="words",
        ),
        pytest.param(
            Trusting(path=PATH, events=TARGET, dangers=(Danger(line=5, kind="checkout-unknown", what="x"),)),
            {},
            "not-checked",
            id="code that is not known",
        ),
        pytest.param(Trusting(path=PATH, events=TARGET, unknown=UNKNOWN), {}, "not-checked", id="a workflow of others"),
    ],
)
async def test_pull_request_target(found: Trusting, parameters: dict[str, Any], outcome: str) -> None:
    ci = recorded(Ci, {Ci.trusting: {(PATH,): found}}, path=".")
    assert (await judge(pull_request_target, FILE, ci, **parameters)).outcome == outcome


@pytest.mark.parametrize("file", [pytest.param(GITLAB, id="GitLab"), pytest.param(ACTION, id="an action")])
async def test_what_has_no_token_and_no_events(file: WorkflowFile) -> None:
    ci = recorded(Ci, {}, path=".")
    assert (await judge(least_permissions, file, ci)).outcome == "not-applicable"
    assert (await judge(pull_request_target, file, ci)).outcome == "not-applicable"
