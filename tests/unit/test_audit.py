"""Checks that are written badly, or never end, against the audit that runs them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conftest import DEPLOYMENT, Workplace

HEAD = '''
import asyncio
from datetime import datetime
from meshguard.api import BaseModel, Clock, Listing, Target, Verdict, check, fact, failed, passed
from meshguard.verdict import Outcome
from tests.stubs.lab_target import Lab, Thing

@check("own.made", method="test", fix="None.", over={over})
async def made({arguments}) -> Verdict:
    """It is made (a rule)."""
    {body}
'''


def audited(work: Workplace, body: str, *, thing: bool = False, more: str = "", arguments: str = "lab: Lab") -> Any:
    over, arguments = ("Lab.things", f"thing: Thing, {arguments}") if thing else ("None", arguments)
    work.write("checks/own.py", HEAD.format(over=over, arguments=arguments, body=body))
    work.write("meshguard.yaml", DEPLOYMENT + "checks: [./checks]\n" + more)
    work.controls("lab.own: own.made", "lab.fine: lab.ok")
    done = work.call("audit", "-o", "json=-")
    results = json.loads(done.stdout)
    assert {f["outcome"] for f in results["findings"] if f["control"] == "lab.fine"} == {"pass"}
    return [f for f in results["findings"] if f["control"] == "lab.own"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param("return True", "the check answered bool, which is no sound verdict", id="a truth value"),
        pytest.param("return None", "the check answered NoneType, which is no sound verdict", id="nothing"),
        pytest.param("return passed(None)", "the check answered Verdict, which is no sound", id="no sentence"),
        pytest.param("return Verdict('good', 'x')", "the check answered Verdict, which", id="an outcome of its own"),
        pytest.param("return passed('x', got={1, 'a'})", "the check broke: TypeError at values.py", id="a mixed set"),
        pytest.param("raise asyncio.TimeoutError", "the check broke: TimeoutError", id="a deadline"),
        pytest.param("raise KeyboardInterrupt", "the check broke: KeyboardInterrupt", id="an interrupt"),
        pytest.param("raise SystemExit(0)", "the check broke: SystemExit", id="an exit"),
        pytest.param("return eval('(' * 900 + ')' * 900)", "the check broke: ", id="too deep"),
    ],
)
def test_a_check_that_is_written_badly_is_an_error(work: Workplace, body: str, message: str) -> None:
    (finding,) = audited(work, body)
    assert finding["outcome"] == "error"
    assert finding["message"].startswith(message)
    assert finding["fix"] == "report this to its author"


def test_a_verdict_is_shown_however_its_values_look(work: Workplace) -> None:
    (finding,) = audited(work, r"return failed('\udcff', got='\ud800', want=float('nan'))")
    assert (finding["outcome"], finding["message"], finding["got"], finding["want"]) == (
        "fail",
        "\\udcff",
        "\\ud800",
        None,
    )


def test_a_resource_without_a_name_is_the_error_of_its_check_alone(work: Workplace) -> None:
    work.write(
        "checks/own.py",
        HEAD.format(over="None", arguments="lab: Lab", body="return passed('x')")
        + '''
class Nameless(BaseModel):
    def __str__(self): raise RuntimeError("hunter22")

async def nameless(self) -> Listing[Nameless]:
    """Resources without a name."""
    return Listing(items=(Nameless(),))

Lab.nameless = fact(nameless)
Lab.nameless.__set_name__(Lab, "nameless")

@check("own.nameless", method="test", fix="None.", over=Lab.nameless)
async def over_nameless(thing: Nameless, lab: Lab) -> Verdict:
    """They are fine (a rule)."""
    return passed("x")
''',
    )
    work.write("meshguard.yaml", DEPLOYMENT + "checks: [./checks]\n")
    work.controls("lab.a: own.nameless", "lab.fine: lab.ok", "lab.b: own.made")
    results = json.loads(work.call("audit", "-o", "json=-").stdout)
    assert [c["status"] for c in results["controls"]] == ["undetermined", "satisfied", "satisfied"]
    assert results["findings"][0]["message"].startswith("its resources broke: RuntimeError at own.py")
    assert "hunter22" not in json.dumps(results)


def test_a_check_that_never_ends_is_not_checked(work: Workplace) -> None:
    (finding,) = audited(work, "await asyncio.sleep(3600)", more="limits: {audit_deadline: 500ms}\n")
    assert finding["outcome"] == "not-checked"
    assert finding["message"] == "this was not reached before the audit ended: its deadline of 0.5 s came"


@pytest.mark.parametrize(("name", "text"), [("one", "1 more resource was"), ("", "2 more resources were")])
def test_resources_on_which_a_check_never_ends_are_counted(work: Workplace, name: str, text: str) -> None:
    body = f"await asyncio.sleep(3600 if thing.name == '{name}' or not '{name}' else 0); return passed('x')"
    found = audited(work, body, thing=True, more="limits: {audit_deadline: 500ms}\n")
    if name:
        assert [f["outcome"] for f in found] == ["pass", "not-checked"]
        assert found[1]["message"].startswith(f"{text} not reached before the audit ended")
    else:
        assert [f["message"].split(" before")[0] for f in found] == ["this was not reached"]


def test_a_check_may_read_the_clock(work: Workplace) -> None:
    (finding,) = audited(work, "return passed(str(await clock.now()))", arguments="lab: Lab, clock: Clock")
    assert finding["outcome"] == "pass"
    assert finding["target"] == "lab:main"
    assert finding["observations"] == ["clock:audit/now()"]


def test_a_check_over_two_kinds_runs_on_each_pair(work: Workplace) -> None:
    body = "return passed(site.name)"
    more = "  web:\n    - {name: a, url: 'http://127.0.0.1:1'}\n    - {name: b, url: 'http://127.0.0.1:1'}\n"
    work.write(
        "checks/own.py",
        HEAD.format(over="None", arguments="lab: Lab, site: Web", body=body).replace(
            "import asyncio", "import asyncio\nfrom meshguard.targets.web import Web"
        ),
    )
    work.write("meshguard.yaml", DEPLOYMENT + more + "checks: [./checks]\n")
    work.controls("lab.own: own.made")
    results = json.loads(work.call("audit", "-o", "json=-").stdout)
    assert [f["target"] for f in results["findings"]] == ["lab:main + web:a", "lab:main + web:b"]
    (planned,) = {task["check"] for task in json.loads(work.call("plan", "--json").stdout)["tasks"]}
    assert planned == "own.made"
